"""The optimizers' updates: one launch for all variables of a step.

Each takes the learning rate (a float tensor of one element), `t` (the number of batches so far, int64), and for each
variable, one after the other: the variable, its gradient, its slots.  Attributes that all of them have:

    weight_decay    for each variable (empty: none); first w -= learning_rate * weight_decay * w
    every           batches whose gradients make one update; the others change nothing but t
    advance         what to add to t: 0 if another call, for variables of another dtype, follows
"""
from ..op import integers, normal, op, uniform

RATE, STEP = uniform(1, low=0.01, high=0.1), integers(1, low=0, high=9)
POSITIVE = {"low": 0.1, "high": 1.0}


def _groups(head, tensors, size, weight_decay, absent=()):
    """The arguments of a kernel whose group is (n, weight decay, `size` tensors, absent ones)."""
    args = list(head)
    for i in range(0, len(tensors), size):
        args.append(tensors[i].size)
        args.append(weight_decay[i // size] if weight_decay else 0.0)
        args.extend(tensors[i:i + size])
        args.extend(absent)
    return tuple(args)


def _weights(tensors, size):
    """How many numbers the first of each `size` tensors hold."""
    return sum([t.size for t in tensors[::size]])


def _example(*slots, shapes=((3, 5), (1,), (70_001,))):
    """Tensors of some variables: w, g and slots that are "normal" or positive."""
    def one(shape, kind):
        return normal(*shape) if kind == "normal" else uniform(*shape, **POSITIVE)
    return tuple(one(shape, kind) for shape in shapes for kind in ("normal", "normal", *slots))


@op
class sgd:
    """w -= lr g."""
    outputs, updates = "", "tensors"
    cases = [((RATE, STEP, *_example()), {}), ((RATE, STEP, *_example()), {"weight_decay": (0.1, 0.0, 0.2), "every": 2})]

    def spec(lr, t, *tensors, weight_decay=(), every=1, advance=1): return None

    def cpu(lr, t, *tensors, weight_decay, every, advance):
        return "sgd", _groups((lr, lr.itemsize, t, every, advance), tensors, 2, weight_decay)

    def flops(tensors): return 2 * _weights(tensors, 2)


@op
class sgd_momentum:
    """m = momentum m - lr g;  w += m, or with Nesterov's momentum w += momentum m - lr g.  Slots: m."""
    outputs, updates = "", "tensors"
    cases = [((RATE, STEP, *_example("normal")), {"momentum": 0.9, "nesterov": nesterov, "weight_decay": (0.1, 0.0, 0.2)})
             for nesterov in (False, True)]

    def spec(lr, t, *tensors, momentum, nesterov=False, weight_decay=(), every=1, advance=1): return None

    def cpu(lr, t, *tensors, momentum, nesterov, weight_decay, every, advance):
        return "sgd_momentum", _groups((lr, lr.itemsize, t, every, advance, momentum, nesterov), tensors, 3, weight_decay)

    def flops(tensors): return 4 * _weights(tensors, 3)


@op
class rmsprop:
    """v = rho v + (1 - rho) g^2;  w -= lr g / sqrt(v + epsilon).  Slots: v, m if there is momentum, mean if centered.

    Source: Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013."""
    outputs, updates = "", "tensors"
    cases = [((RATE, STEP, *_example("positive")), {"rho": 0.9}),
             ((RATE, STEP, *_example("positive", "normal")), {"rho": 0.9, "momentum": 0.5, "weight_decay": (0.1, 0.0, 0.2)})]

    def spec(lr, t, *tensors, rho, momentum=0.0, centered=False, epsilon=1e-7, weight_decay=(), every=1, advance=1):
        return None

    def cpu(lr, t, *tensors, rho, momentum, centered, epsilon, weight_decay, every, advance):
        size, absent = 3 + bool(momentum) + bool(centered), (None,) * (2 - bool(momentum) - bool(centered))
        args = _groups((lr, lr.itemsize, t, every, advance, rho, momentum, epsilon), tensors, size, weight_decay, absent)
        if centered and not momentum:       # the kernel's slots stand in the order v, m, mean
            args = list(args)
            for i in range(8, len(args), 7):
                args[i + 5], args[i + 6] = None, args[i + 5]
            args = tuple(args)
        return "rmsprop", args

    def flops(tensors, momentum, centered): return 8 * _weights(tensors, 3 + bool(momentum) + bool(centered))


@op
class adam:
    """Running means m of g and v of g^2, both corrected for their start;  w -= lr m / (sqrt(v) + epsilon).  Slots: m, v, and
    the highest v with amsgrad.

    Sources: Kingma and Ba 2014, with epsilon before section 2.1's correction; Reddi, Kale and Kumar 2018 (amsgrad)."""
    outputs, updates = "", "tensors"
    cases = [((RATE, STEP, *_example("normal", "positive")), {"beta_1": 0.9, "beta_2": 0.99}),
             ((RATE, STEP, *_example("normal", "positive", "positive")),
              {"beta_1": 0.9, "beta_2": 0.99, "amsgrad": True, "weight_decay": (0.1, 0.0, 0.2), "every": 3})]

    def spec(lr, t, *tensors, beta_1, beta_2, epsilon=1e-7, amsgrad=False, weight_decay=(), every=1, advance=1): return None

    def cpu(lr, t, *tensors, beta_1, beta_2, epsilon, amsgrad, weight_decay, every, advance):
        return "adam", _groups((lr, lr.itemsize, t, every, advance, beta_1, beta_2, epsilon), tensors, 5 if amsgrad else 4,
                              weight_decay, () if amsgrad else (None,))

    def flops(tensors, amsgrad): return 11 * _weights(tensors, 5 if amsgrad else 4)


@op
class adagrad:
    """sum += g^2;  w -= lr g / sqrt(sum + epsilon).  Slots: sum.  Source: Duchi, Hazan and Singer 2011."""
    outputs, updates = "", "tensors"
    cases = [((RATE, STEP, *_example("positive")), {"weight_decay": (0.1, 0.0, 0.2)})]

    def spec(lr, t, *tensors, epsilon=1e-7, weight_decay=(), every=1, advance=1): return None

    def cpu(lr, t, *tensors, epsilon, weight_decay, every, advance):
        return "adagrad", _groups((lr, lr.itemsize, t, every, advance, epsilon), tensors, 3, weight_decay)

    def flops(tensors): return 6 * _weights(tensors, 3)


@op
class adadelta:
    """step = g sqrt(d + epsilon) / sqrt(v + epsilon), v and d the running means of g^2 and step^2.  Slots: v, d.

    Source: Zeiler 2012."""
    outputs, updates = "", "tensors"
    cases = [((RATE, STEP, *_example("positive", "positive")), {"rho": 0.95, "weight_decay": (0.1, 0.0, 0.2)})]

    def spec(lr, t, *tensors, rho, epsilon=1e-7, weight_decay=(), every=1, advance=1): return None

    def cpu(lr, t, *tensors, rho, epsilon, weight_decay, every, advance):
        return "adadelta", _groups((lr, lr.itemsize, t, every, advance, rho, epsilon), tensors, 4, weight_decay)

    def flops(tensors): return 13 * _weights(tensors, 4)


@op
class adamax:
    """Adam with the infinity norm: u = max(beta_2 u, |g|).  Slots: m, u.  Source: Kingma and Ba 2014, section 7.1."""
    outputs, updates = "", "tensors"
    cases = [((RATE, STEP, *_example("normal", "positive")), {"beta_1": 0.9, "beta_2": 0.99, "weight_decay": (0.1, 0.0, 0.2)})]

    def spec(lr, t, *tensors, beta_1, beta_2, epsilon=1e-7, weight_decay=(), every=1, advance=1): return None

    def cpu(lr, t, *tensors, beta_1, beta_2, epsilon, weight_decay, every, advance):
        return "adamax", _groups((lr, lr.itemsize, t, every, advance, beta_1, beta_2, epsilon), tensors, 4, weight_decay)

    def flops(tensors): return 8 * _weights(tensors, 4)


@op
class nadam:
    """Adam with Nesterov's momentum; `product` is that of the momentum's schedule so far.  Slots: m, v.

    Source: Dozat 2016."""
    outputs, updates = "", "product tensors"
    cases = [((RATE, STEP, uniform(1, **POSITIVE), *_example("normal", "positive")),
              {"beta_1": 0.9, "beta_2": 0.99, "weight_decay": (0.1, 0.0, 0.2)})]

    def spec(lr, t, product, *tensors, beta_1, beta_2, epsilon=1e-7, weight_decay=(), every=1, advance=1): return None

    def cpu(lr, t, product, *tensors, beta_1, beta_2, epsilon, weight_decay, every, advance):
        return "nadam", _groups((lr, lr.itemsize, t, every, advance, product, beta_1, beta_2, epsilon), tensors, 4,
                               weight_decay)

    def flops(tensors): return 13 * _weights(tensors, 4)


@op
class lion:
    """w -= lr sign(beta_1 m + (1 - beta_1) g);  m = beta_2 m + (1 - beta_2) g.  Slots: m.  Source: Chen et al. 2023."""
    outputs, updates = "", "tensors"
    cases = [((RATE, STEP, *_example("normal")), {"beta_1": 0.9, "beta_2": 0.99, "weight_decay": (0.1, 0.0, 0.2)})]

    def spec(lr, t, *tensors, beta_1, beta_2, weight_decay=(), every=1, advance=1): return None

    def cpu(lr, t, *tensors, beta_1, beta_2, weight_decay, every, advance):
        return "lion", _groups((lr, lr.itemsize, t, every, advance, beta_1, beta_2), tensors, 3, weight_decay)

    def flops(tensors): return 9 * _weights(tensors, 3)


@op
class ftrl:
    """Follow the regularized leader.  Slots: s, the sum of g^2, and z, from which w is computed anew:

    z += g + 2 l2_shrinkage w - (p(s + g^2) - p(s)) w / lr;  w = (clip(z, -l1, l1) - z) / (p(s) / lr + 2 l2 + beta / lr),
    with p(s) = s^-power.  Source: McMahan et al. 2013."""
    outputs, updates = "", "tensors"
    cases = [((RATE, STEP, *_example("positive", "normal")), {"weight_decay": (0.1, 0.0, 0.2), "beta": 0.1, "l1": 0.5}),
             ((RATE, STEP, *_example("positive", "normal")), {"power": -0.7, "l1": 0.1, "l2": 0.2, "l2_shrinkage": 0.3})]

    def spec(lr, t, *tensors, power=-0.5, l1=0.0, l2=0.0, l2_shrinkage=0.0, beta=0.0, weight_decay=(), every=1, advance=1):
        return None

    def cpu(lr, t, *tensors, power, l1, l2, l2_shrinkage, beta, weight_decay, every, advance):
        return "ftrl", _groups((lr, lr.itemsize, t, every, advance, -power, l1, l2, l2_shrinkage, beta), tensors, 4, weight_decay)

    def flops(tensors): return 17 * _weights(tensors, 4)


@op
class lamb:
    """Adam's steps, those of each variable scaled by the norm of w over the norm of the step (1 if one of them is 0).
    Slots: m, v.  Source: You et al. 2019."""
    outputs, updates = "", "tensors"
    cases = [((RATE, STEP, *_example("normal", "positive")), {"beta_1": 0.9, "beta_2": 0.99, "weight_decay": (0.1, 0.0, 0.2)})]

    def spec(lr, t, *tensors, beta_1, beta_2, epsilon=1e-7, weight_decay=(), every=1, advance=1): return None

    def cpu(lr, t, *tensors, beta_1, beta_2, epsilon, weight_decay, every, advance):
        return "lamb", _groups((lr, lr.itemsize, t, every, advance, beta_1, beta_2, epsilon), tensors, 4, weight_decay)

    def flops(tensors): return 22 * _weights(tensors, 4)


@op
class schedule_free:
    """Adam's steps on z; w lies between z and the mean of all z so far.  The rate grows in the first `warmup` updates.
    Slots: z, v.  Source: Defazio et al. 2024."""
    outputs, updates = "", "tensors"
    cases = [((RATE, STEP, *_example("normal", "positive")),
              {"beta_1": 0.9, "beta_2": 0.99, "warmup": 5, "weight_decay": (0.1, 0.0, 0.2)})]

    def spec(lr, t, *tensors, beta_1, beta_2, epsilon=1e-8, warmup=0, weight_decay=(), every=1, advance=1): return None

    def cpu(lr, t, *tensors, beta_1, beta_2, epsilon, warmup, weight_decay, every, advance):
        return "schedule_free", _groups((lr, lr.itemsize, t, every, advance, beta_1, beta_2, epsilon, warmup), tensors, 4,
                                        weight_decay)

    def flops(tensors): return 16 * _weights(tensors, 4)


# ---- What surrounds an update -----------------------------------------------------------------------------------

def _pairs(head, tensors, size=2):
    """The arguments of a kernel whose group is (n, `size` tensors)."""
    args = list(head)
    for i in range(0, len(tensors), size):
        args.append(tensors[i].size)
        args.extend(tensors[i:i + size])
    return tuple(args)


def _clipped(head, arrays):
    """Gradients, then as many results: (n, gradient, result) for each."""
    args, count = list(head), len(arrays) // 2
    for g, y in zip(arrays[:count], arrays[count:]):
        args += g.size, g, y
    return tuple(args)


@op
class clip_gradients_by_value:
    """Each element cut to [-limit, limit]."""
    cases = [((normal(3, 5), normal(1), normal(70_001)), {"limit": 0.5})]

    def spec(*gradients, limit): return tuple(gradients)
    def cpu(*arrays, limit): return "clip_gradients_by_value", _clipped((limit,), arrays)


@op
class clip_gradients_by_norm:
    """g limit / max(|g|, limit), |g| the norm of each gradient, or (`together`) of all as one vector."""
    cases = [((normal(3, 5), normal(1), normal(70_001)), {"limit": 0.5, "together": together}) for together in (False, True)]

    def spec(*gradients, limit, together): return tuple(gradients)
    def cpu(*arrays, limit, together): return "clip_gradients_by_norm", _clipped((limit, together), arrays)
    def flops(gradients): return 3 * _weights(gradients, 1)


@op
class accumulate_gradients:
    """mean = (sum + g) / every for each gradient g and its running sum, which starts anew after every `every` batches."""
    updates = "tensors"
    cases = [((integers(1, low=low, high=low + 1), normal(3, 5), normal(3, 5), normal(70_001), normal(70_001)), {"every": 3})
             for low in (1, 2)]

    def spec(t, *tensors, every): return tuple(tensors[::2])

    def cpu(t, *arrays, every):
        args, count = [t, every], len(arrays) // 3
        for i in range(count):
            g, total, mean = arrays[2 * i], arrays[2 * i + 1], arrays[2 * count + i]
            args += g.size, g, total, mean
        return "accumulate", tuple(args)

    def flops(tensors): return 2 * _weights(tensors, 2)


@op
class average_variables:
    """After an update: average = momentum average + (1 - momentum) w for each variable and its average, at the first update
    average = w; every `overwrite` updates (0: never) w takes the value of its average."""
    outputs, updates = "", "tensors"
    cases = [((integers(1, low=low, high=low + 1), normal(3, 5), normal(3, 5), normal(70_001), normal(70_001)),
              {"momentum": 0.9, "overwrite": 3}) for low in (1, 2, 3)]

    def spec(t, *tensors, momentum, overwrite=0, every=1): return None
    def cpu(t, *tensors, momentum, overwrite, every): return "average", _pairs((t, every, momentum, overwrite), tensors)
    def flops(tensors): return 3 * _weights(tensors, 2)
