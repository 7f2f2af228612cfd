"""Recurrent layers and their gradients in NumPy: row by row, step by step, in double precision."""
import numpy as np

ACT = {"linear": lambda x: x, "relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
       "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1)}
SLOPE = {"linear": lambda y: np.ones_like(y), "relu": lambda y: (y > 0).astype(y.dtype), "tanh": lambda y: 1 - y * y,
         "sigmoid": lambda y: y * (1 - y), "hard_sigmoid": lambda y: ((y > 0) & (y < 1)) / 6}


def wide(*xs):
    return [None if x is None else x.astype("float64") for x in xs]


def places(steps, reverse):
    return range(steps - 1, -1, -1) if reverse else range(steps)


def with_inputs(z, weights, bias):
    return z if weights is None else z @ weights + (0 if bias is None else bias)


def with_gradient_of_inputs(gradients, x, weights, input_grad):
    """The gradients with that of z in front, or of the inputs, and of the weights and their bias at the end."""
    dz, *others = gradients
    if weights is None:
        return gradients
    x, weights = wide(x, weights)
    flat = dz.reshape(-1, dz.shape[-1])
    return *([dz @ weights.T] if input_grad else []), *others, x.reshape(len(flat), x.shape[-1]).T @ flat, flat.sum(0)


def forward(cell, z, states, mask, factor, reverse, zero_masked, units):
    """cell(x, fed, states) -> states, whose first is the output; the outputs and the last states."""
    batch, steps = z.shape[:2]
    outputs, states = np.zeros((batch, steps, units)), [s.copy() for s in states]
    for row in range(batch):
        before = np.zeros(units)
        for step, t in enumerate(places(steps, reverse)):
            if mask is None or mask[row, t]:
                now = [s[row] for s in states]
                for s, new in zip(states, cell(z[row, t], now[0] if factor is None else now[0] * factor[row], now)):
                    s[row] = new
                before = outputs[row, step] = states[0][row]
            elif not zero_masked:
                outputs[row, step] = before
    return (outputs, *states)


def simple_rnn(z, h, kernel, mask=None, state_factor=None, weights=None, bias=None, *, activation="tanh", reverse=False,
               zero_masked=False):
    z, h, kernel, state_factor = wide(with_inputs(*wide(z, weights, bias)), h, kernel, state_factor)

    def cell(x, fed, states):
        return [ACT[activation](x + fed @ kernel)]
    return forward(cell, z, [h], mask, state_factor, reverse, zero_masked, kernel.shape[0])


def lstm(z, h, c, kernel, mask=None, state_factor=None, weights=None, bias=None, *, activation="tanh", recurrent_activation="sigmoid",
         reverse=False, zero_masked=False):
    z = with_inputs(*wide(z, weights, bias))
    z, h, c, kernel, state_factor = wide(z, h, c, kernel, state_factor)

    def cell(x, fed, states):
        i, f, g, o = np.split(x + fed @ kernel, 4)
        c = ACT[recurrent_activation](f) * states[1] + ACT[recurrent_activation](i) * ACT[activation](g)
        return [ACT[recurrent_activation](o) * ACT[activation](c), c]
    return forward(cell, z, [h, c], mask, state_factor, reverse, zero_masked, kernel.shape[0])


def gru(z, h, kernel, recurrent_bias=None, mask=None, state_factor=None, weights=None, bias=None, *, activation="tanh",
        recurrent_activation="sigmoid", reset_after=True, reverse=False, zero_masked=False):
    z = with_inputs(*wide(z, weights, bias))
    z, h, kernel, bias, state_factor = wide(z, h, kernel, recurrent_bias, state_factor)
    u = kernel.shape[0]
    bias = np.zeros(3 * u) if bias is None else bias

    def cell(x, fed, states):
        update, reset = np.split(ACT[recurrent_activation](x[:2 * u] + fed @ kernel[:, :2 * u] + bias[:2 * u]), 2)
        inner = reset * (fed @ kernel[:, 2 * u:] + bias[2 * u:]) if reset_after else (reset * fed) @ kernel[:, 2 * u:] + bias[2 * u:]
        return [update * states[0] + (1 - update) * ACT[activation](x[2 * u:] + inner)]
    return forward(cell, z, [h], mask, state_factor, reverse, zero_masked, u)


def backward(cell, dy, dstates, h, mask, factor, y, reverse, zero_masked, width):
    """cell(row, step, before, fed, dh, dc) -> (dz, dh that does not pass the product, dc, dfed); the gradients of z and of the states."""
    batch, steps, units = y.shape
    dz, dh = np.zeros((batch, steps, width)), np.zeros(h.shape) if dstates[0] is None else dstates[0].copy()
    dc = np.zeros(h.shape) if dstates[1] is None else dstates[1].copy()
    for row in range(batch):
        on = [mask is None or mask[row, t] for t in places(steps, reverse)]
        for step, t in reversed(list(enumerate(places(steps, reverse)))):
            if dy is not None and (on[step] if zero_masked else any(on[:step + 1])):
                dh[row] += dy[row, step]
            if on[step]:
                earlier = [s for s in range(step) if on[s]]
                before = y[row, earlier[-1]] if earlier else h[row]
                scale = 1 if factor is None else factor[row]
                dz[row, t], direct, dc[row], dfed = cell(row, step, before, before * scale, dh[row], dc[row])
                dh[row] = direct + dfed * scale
    return dz, dh, dc


def simple_rnn_grad(dy, dlast, h, kernel, mask, state_factor, y, x=None, weights=None, *, activation="tanh", reverse=False,
                    zero_masked=False, input_grad=True):
    dy, dlast, h, kernel, factor, y = wide(dy, dlast, h, kernel, state_factor, y)
    dkernel = np.zeros(kernel.shape)

    def cell(row, step, before, fed, dh, dc):
        dz = dh * SLOPE[activation](y[row, step])
        dkernel[:] += np.outer(fed, dz)
        return dz, 0, dc, kernel @ dz
    dz, dh, _ = backward(cell, dy, [dlast, None], h, mask, factor, y, reverse, zero_masked, kernel.shape[1])
    return with_gradient_of_inputs((dz, dh, dkernel), x, weights, input_grad)


def lstm_grad(dy, dlast, dlast_c, h, c, kernel, mask, state_factor, y, gates, cells, x=None, weights=None, *,
              activation="tanh", recurrent_activation="sigmoid", reverse=False, zero_masked=False, input_grad=True):
    dy, dlast, dlast_c, h, c, kernel, factor, y, gates, cells = wide(dy, dlast, dlast_c, h, c, kernel, state_factor, y, gates, cells)
    dkernel, act, slope = np.zeros(kernel.shape), SLOPE[activation], SLOPE[recurrent_activation]

    def cell(row, step, before, fed, dh, dc):
        i, f, g, o = np.split(gates[step, row], 4)
        shown, c_before = ACT[activation](cells[step, row]), cells[step - 1, row] if step else c[row]
        dc = dc + dh * o * act(shown)
        dz = np.concatenate([dc * g * slope(i), dc * c_before * slope(f), dc * i * act(g), dh * shown * slope(o)])
        dkernel[:] += np.outer(fed, dz)
        return dz, 0, dc * f, kernel @ dz
    found = backward(cell, dy, [dlast, dlast_c], h, mask, factor, y, reverse, zero_masked, kernel.shape[1])
    return with_gradient_of_inputs((*found, dkernel), x, weights, input_grad)


def gru_grad(dy, dlast, h, kernel, mask, state_factor, y, gates, x=None, weights=None, *, activation="tanh",
             recurrent_activation="sigmoid", reset_after=True, reverse=False, zero_masked=False, input_grad=True):
    dy, dlast, h, kernel, factor, y, gates = wide(dy, dlast, h, kernel, state_factor, y, gates)
    u, act, slope = kernel.shape[0], SLOPE[activation], SLOPE[recurrent_activation]
    dkernel, dbias = np.zeros(kernel.shape), np.zeros(3 * u)

    def cell(row, step, before, fed, dh, dc):
        update, reset, fresh = gates[step, row, :u], gates[step, row, u:2 * u], gates[step, row, 2 * u:3 * u]
        du, df = dh * (before - fresh) * slope(update), dh * (1 - update) * act(fresh)
        if reset_after:
            dr = df * gates[step, row, 3 * u:] * slope(reset)
            dp = np.concatenate([du, dr, df * reset])
            dkernel[:] += np.outer(fed, dp)
            dfed = kernel @ dp
        else:
            back = kernel[:, 2 * u:] @ df
            dr = back * fed * slope(reset)
            dp = np.concatenate([du, dr, df])
            dkernel[:, :2 * u] += np.outer(fed, dp[:2 * u])
            dkernel[:, 2 * u:] += np.outer(fed * reset, df)
            dfed = back * reset + kernel[:, :2 * u] @ dp[:2 * u]
        dbias[:] += dp
        return np.concatenate([du, dr, df]), dh * update, dc, dfed
    dz, dh, _ = backward(cell, dy, [dlast, None], h, mask, factor, y, reverse, zero_masked, kernel.shape[1])
    return with_gradient_of_inputs((dz, dh, dkernel, dbias), x, weights, input_grad)
