"""What the update ops compute, in NumPy.  Each returns all its inputs as they are afterwards."""
import numpy as np


def update(rule, slots):
    """A reference op from a rule (w, g, slots, lr, step, **attributes) -> (w, slots)."""
    def reference(lr, t, *tensors, weight_decay=(), every=1, advance=1, **attrs):
        t_new, tensors = t + advance, list(tensors)
        if (t[0] + 1) % every:
            return [lr, t_new, *tensors]
        size = 2 + slots(attrs)
        rate, step = float(lr[0]), int(t[0]) // every + 1
        for i in range(0, len(tensors), size):
            w, g, *state = [x.astype("float64") for x in tensors[i:i + size]]
            if weight_decay:
                w = w - w * rate * weight_decay[i // size]
            w, state = rule(w, g, state, rate, step, **attrs)
            tensors[i:i + size] = [w, g, *state]
        return [lr, t_new, *tensors]
    return reference


def sgd_rule(w, g, state, lr, step):
    return w - lr * g, []


def sgd_momentum_rule(w, g, state, lr, step, momentum, nesterov=False):
    m = momentum * state[0] - lr * g
    return w + (momentum * m - lr * g if nesterov else m), [m]


def rmsprop_rule(w, g, state, lr, step, rho, momentum=0.0, centered=False, epsilon=1e-7):
    v, variance, after = rho * state[0] + (1 - rho) * g**2, 0, []
    if centered:
        mean = rho * state[-1] + (1 - rho) * g
        variance = mean**2
        after = [mean]
    move = lr * g / np.sqrt(v - variance + epsilon)
    if momentum:
        move = momentum * state[1] + move
        after = [move, *after]
    return w - move, [v, *after]


def adam_rule(w, g, state, lr, step, beta_1, beta_2, epsilon=1e-7, amsgrad=False):
    m, v = beta_1 * state[0] + (1 - beta_1) * g, beta_2 * state[1] + (1 - beta_2) * g**2
    after = [m, v]
    if amsgrad:
        after.append(np.maximum(state[2], v))
    alpha = lr * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    return w - alpha * m / (np.sqrt(after[-1]) + epsilon), after


def adagrad_rule(w, g, state, lr, step, epsilon=1e-7):
    total = state[0] + g**2
    return w - lr * g / np.sqrt(total + epsilon), [total]


def adadelta_rule(w, g, state, lr, step, rho, epsilon=1e-7):
    v = rho * state[0] + (1 - rho) * g**2
    move = g * np.sqrt(state[1] + epsilon) / np.sqrt(v + epsilon)
    return w - lr * move, [v, rho * state[1] + (1 - rho) * move**2]


def adamax_rule(w, g, state, lr, step, beta_1, beta_2, epsilon=1e-7):
    m, u = beta_1 * state[0] + (1 - beta_1) * g, np.maximum(beta_2 * state[1], np.abs(g))
    return w - lr * m / ((1 - beta_1**step) * (u + epsilon)), [m, u]


def nadam(lr, t, product, *tensors, beta_1, beta_2, epsilon=1e-7, **attrs):
    step = int(t[0]) + 1
    u, following = [beta_1 * (1 - 0.5 * 0.96**s) for s in (step, step + 1)]
    now = float(product[0]) * u

    def rule(w, g, state, lr, step):
        m, v = beta_1 * state[0] + (1 - beta_1) * g, beta_2 * state[1] + (1 - beta_2) * g**2
        m_hat = following * m / (1 - now * following) + (1 - u) * g / (1 - now)
        return w - lr * m_hat / (np.sqrt(v / (1 - beta_2**step)) + epsilon), [m, v]

    lr, t, *after = update(rule, lambda a: 2)(lr, t, *tensors, **attrs)
    return [lr, t, np.array([now]), *after]


def lion_rule(w, g, state, lr, step, beta_1, beta_2):
    m, = state
    return w - lr * np.sign(beta_1 * m + (1 - beta_1) * g), [beta_2 * m + (1 - beta_2) * g]


def ftrl_rule(w, g, state, lr, step, power=-0.5, l1=0.0, l2=0.0, l2_shrinkage=0.0, beta=0.0):
    s, z = state
    after = s + g**2
    z = z + g + 2 * l2_shrinkage * w - (after**-power - s**-power) / lr * w
    return (np.clip(z, -l1, l1) - z) / (after**-power / lr + 2 * (l2 + beta / (2 * lr))), [after, z]


def lamb_rule(w, g, state, lr, step, beta_1, beta_2, epsilon=1e-7):
    m, v = beta_1 * state[0] + (1 - beta_1) * g, beta_2 * state[1] + (1 - beta_2) * g**2
    u = m / (1 - beta_1**step) / (np.sqrt(v / (1 - beta_2**step)) + epsilon)
    return w - lr * u * np.linalg.norm(w) / np.linalg.norm(u), [m, v]


def schedule_free_rule(w, g, state, lr, step, beta_1, beta_2, epsilon=1e-8, warmup=0):
    z, v = state[0], beta_2 * state[1] + (1 - beta_2) * g**2
    x = (w - (1 - beta_1) * z) / beta_1
    z = z - lr * min(1.0, step / max(warmup, 1)) * g / (np.sqrt(v / (1 - beta_2**step)) + epsilon)
    x = (1 - 1 / step) * x + z / step
    return (1 - beta_1) * z + beta_1 * x, [z, v]


sgd = update(sgd_rule, lambda a: 0)
sgd_momentum = update(sgd_momentum_rule, lambda a: 1)
rmsprop = update(rmsprop_rule, lambda a: 1 + bool(a.get("momentum")) + bool(a.get("centered")))
adam = update(adam_rule, lambda a: 2 + bool(a.get("amsgrad")))
adagrad = update(adagrad_rule, lambda a: 1)
adadelta = update(adadelta_rule, lambda a: 2)
adamax = update(adamax_rule, lambda a: 2)
lion = update(lion_rule, lambda a: 1)
ftrl = update(ftrl_rule, lambda a: 2)
lamb = update(lamb_rule, lambda a: 2)
schedule_free = update(schedule_free_rule, lambda a: 2)


def clip_gradients_by_value(*gradients, limit):
    return [np.clip(g, -limit, limit) for g in gradients]


def clip_gradients_by_norm(*gradients, limit, together):
    norms = [np.linalg.norm(g.astype("float64")) for g in gradients]
    if together:
        norms = [np.linalg.norm(norms)] * len(norms)
    return [g * min(1.0, limit / norm) for g, norm in zip(gradients, norms)]


def accumulate_gradients(t, *tensors, every):
    means = [(g + s) / every for g, s in zip(tensors[::2], tensors[1::2])]
    ends = (t[0] + 1) % every == 0
    after = [x for g, s in zip(tensors[::2], tensors[1::2]) for x in (g, 0 * s if ends else s + g)]
    return [*means, t, *after]


def average_variables(t, *tensors, momentum, overwrite=0, every=1):
    iteration, after = (int(t[0]) - 1) // every, []
    k = momentum if iteration else 0.0
    for w, average in zip(tensors[::2], tensors[1::2]):
        average = k * average + (1 - k) * w
        after += [average if overwrite and (iteration + 1) % overwrite == 0 else w, average]
    return [t, *after]
