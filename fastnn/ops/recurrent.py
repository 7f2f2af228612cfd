"""Recurrent layers over whole sequences, each a single kernel: simple recurrences, LSTM and GRU.

What they share:

    z              (batch, steps, gates * units): the inputs times the layer's kernel, plus its bias; or, where `weights` are given, the
                   inputs (batch, steps, features) themselves
    h, c           (batch, units): the states at the beginning
    kernel         (units, gates * units): by what the state is multiplied
    mask           booleans (batch, steps): where it is False the states stay as they are, and the output is the one before (zeros
                   before the first), or zeros with `zero_masked`.  None: no step is left out
    state_factor   (batch, units): what the state is multiplied by before each product with `kernel`: dropout.  No gradient passes to it
    weights, bias  (features, gates * units), (gates * units,): then z = inputs weights + bias is made where it is used, and
                   neither it nor its gradient lies in memory, which for few units takes most of the time
    reverse        whether the steps go from the end of the sequence to its beginning; outputs come in the order of the steps

Rows of the batch are independent, so that a thread takes some of them through all steps.  Only while a tape records is anything
kept for the gradient, steps first, (steps, batch, ...); each op says what.
"""
from ..op import integers, normal, op, uniform
from ..tensor import FLOATS, Spec

ACTIVATIONS = {"linear": 0, "relu": 1, "tanh": 2, "sigmoid": 3, "hard_sigmoid": 8}      # by their codes in csrc/recurrent.h


def _check(name, gates, z, h, kernel, mask, factor, weights, bias, activation, recurrent_activation, c=None, recurrent_bias=None):
    """That the shapes fit each other, and the dtypes; the shapes of the states and of the outputs."""
    if len(kernel.shape) != 2 or None in kernel.shape or kernel.shape[1] != gates * kernel.shape[0]:
        raise ValueError(f"[{name}] kernel has shape {kernel.shape}, expected (units, {f'{gates} * ' if gates > 1 else ''}units)")
    units, width = kernel.shape
    if weights is None and (len(z.shape) != 3 or z.shape[2] != width):
        raise ValueError(f"[{name}] z has shape {z.shape}, expected (batch, steps, {width}): {gates} for each of the {units} "
                         f"units that the kernel of shape {kernel.shape} has")
    if weights is not None and (len(z.shape) != 3 or z.shape[2] is None):
        raise ValueError(f"[{name}] the inputs have shape {z.shape}, expected (batch, steps, features)")
    if weights is None and bias is not None:
        raise ValueError(f"[{name}] a bias goes with weights, which are None: add it to z")
    batch, steps, features = z.shape
    for word, x, shape in (("h", h, (batch, units)), ("c", c, (batch, units)), ("mask", mask, (batch, steps)),
                           ("state_factor", factor, (batch, units)), ("recurrent_bias", recurrent_bias, (width,)),
                           ("weights", weights, (features, width)), ("bias", bias, (width,))):
        if x is not None and (len(x.shape) != len(shape) or any(n != m and None not in (n, m) for n, m in zip(x.shape, shape))):
            what = "z has" if weights is None else "the inputs have"
            raise ValueError(f"[{name}] {word} has shape {x.shape}, expected {shape}, as {what} shape {z.shape} and the kernel {kernel.shape}")
        if x is not None and x.dtype != ("bool" if word == "mask" else z.dtype):
            raise ValueError(f"[{name}] {word} is of {x.dtype}, expected {'bool' if word == 'mask' else z.dtype}: cast it first")
    if z.dtype not in FLOATS or kernel.dtype != z.dtype:
        raise ValueError(f"[{name}] z is of {z.dtype} and the kernel of {kernel.dtype}, expected one float type")
    for word, activation in (("activation", activation), ("recurrent_activation", recurrent_activation)):
        if activation not in ACTIVATIONS:
            raise ValueError(f"[{name}] {word} is {activation!r}, expected one of {', '.join(ACTIVATIONS)}: others run step by step")
    return Spec((batch, units), z.dtype), Spec((batch, steps, units), z.dtype)


def _numbers(y, kernel, weights, activation, recurrent_activation, reverse, zero_masked, reset_after=False):
    """What the kernels take at their end."""
    return (*y.shape, kernel.shape[1] if weights is None else weights.shape[0], ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation],
            int(reverse), int(zero_masked), int(reset_after))


def _no_factor(name, needed):
    if needed:
        raise ValueError(f"[{name}] no gradient passes to state_factor: wrap it in fastnn.ops.stop_gradient")


def _flops(z, kernel, weights):
    return 2 * z.shape[0] * z.shape[1] * kernel.shape[1] * (kernel.shape[0] + (0 if weights is None else z.shape[2]) + 5)


def _grad_flops(y, kernel, weights, input_grad):
    inputs = 0 if weights is None else (1 + input_grad) * weights.shape[0]
    return 2 * y.shape[0] * y.shape[1] * kernel.shape[1] * (2 * kernel.shape[0] + inputs + 5)


# What the ops that give gradients give: that of z, or of the inputs if it is wanted; then states and kernel; with weights theirs.

def _grad_specs(y, kernel, weights, input_grad, *others):
    inputs = [Spec((*y.shape[:2], kernel.shape[1] if weights is None else weights.shape[0]), y.dtype)] if input_grad else []
    return (*inputs, *others, *([] if weights is None else [weights, Spec(kernel.shape[1:], y.dtype)]))


def _grad_arrays(found, weights, input_grad):
    """The same, with None for what is not there."""
    return *([] if input_grad else [None]), *found, *([None, None] if weights is None else [])


def _grad_asks(x, weights, needs):
    """For the ops that give gradients: the inputs, which only the weights' needs, and whether theirs is wanted."""
    return dict(x=None if weights is None else x, weights=weights, input_grad=bool(needs[0]) or weights is None)


# ---- Cases: (batch, steps, units), which of mask and state_factor there are, and attributes ---------------------------------

_SIZES = [((3, 5, 4), "", {}), ((2, 4, 3), "m", dict(reverse=True)), ((1, 1, 1), "", {}), ((17, 6, 20), "m", dict(zero_masked=True)),
          ((5, 3, 33), "", dict(activation="relu")), ((2, 7, 1), "m", {}), ((40, 9, 16), "", dict(reverse=True)),
          ((6, 4, 5), "", dict(activation="hard_sigmoid")), ((2, 0, 3), "", {}), ((0, 3, 2), "", {}), ((3, 2, 70), "m", {})]
_GATED = [((4, 3, 6), "", dict(activation="sigmoid", recurrent_activation="hard_sigmoid")),
          ((3, 4, 2), "m", dict(activation="linear", recurrent_activation="relu"))]


def _mask(b, t, wanted):
    return integers(b, t, high=2, dtype="bool") if "m" in wanted else None


def _factor(b, u, wanted):
    return uniform(b, u, low=0, high=2) if "f" in wanted else None


def _cases(gates, states, extra=lambda u: (), more=(), **attrs):
    """Those with an odd number take inputs of as many features as they have steps, and weights."""
    return [((normal(b, t, t if i % 2 else gates * u), *[normal(b, u)] * states, uniform(u, gates * u, low=-0.5, high=0.5), *extra(u),
              _mask(b, t, w), None, *([normal(t, gates * u), normal(gates * u)] if i % 2 else [None, None])), {**own, **attrs})
            for i, ((b, t, u), w, own) in enumerate([*_SIZES, *more])]


def _grad_cases(gates, states, kept, more=(), **attrs):
    """The same with gradients in front, and what was kept behind; some with a factor, some with the last states alone."""
    return [((None if i % 3 == 2 else normal(b, t, u), *[normal(b, u) if i % 3 else None] * states, *[normal(b, u)] * states,
              uniform(u, gates * u, low=-0.5, high=0.5), _mask(b, t, w), _factor(b, u, "f" if i % 4 > 1 else ""),
              uniform(b, t, u), *[uniform(t, b, n * u, low=0.1, high=0.9) for n in kept],
              *([normal(b, t, t), normal(t, gates * u)] if i % 2 else [None, None])),
             {**own, **attrs, **({"input_grad": False} if i % 4 == 3 else {})})
            for i, ((b, t, u), w, own) in enumerate([*_SIZES, *more])]


# ---- Simple recurrence ------------------------------------------------------------------------------------------------------

@op
class simple_rnn:
    """h = activation(z + h kernel) over all steps: (outputs (batch, steps, units), the last h).

    Kept for the gradient: the outputs, which are there anyway; units numbers for each step.
    """
    outputs = "y last"
    partial = True
    cases = _cases(1, 1)

    def spec(z, h, kernel, mask=None, state_factor=None, weights=None, bias=None, *, activation="tanh", reverse=False, zero_masked=False):
        state, y = _check("simple_rnn", 1, z, h, kernel, mask, state_factor, weights, bias, activation, "linear")
        return y, state

    def cpu(z, h, kernel, mask, state_factor, weights, bias, y, last, *, activation, reverse, zero_masked):
        return "simple_rnn", (z, h, kernel, mask, state_factor, weights, bias, y, last,
                              *_numbers(y, kernel, weights, activation, "linear", reverse, zero_masked))

    flops = _flops

    def vjp(dy, dlast, z, h, kernel, mask, state_factor, weights, bias, y, needs, activation, reverse, zero_masked):
        _no_factor("simple_rnn", needs[4])
        asks = _grad_asks(z, weights, needs)
        dz, dh, dk, dw, db = _grad_arrays(simple_rnn_grad(
            dy, dlast, h, kernel, mask, state_factor, y, activation=activation, reverse=reverse, zero_masked=zero_masked, **asks),
            weights, asks["input_grad"])
        return dz, dh, dk, None, None, dw, None if bias is None else db


@op
class simple_rnn_grad:
    """The gradients of `simple_rnn` for z, h and kernel; dy or dlast None: there is no gradient of that."""
    outputs = "dz dh dkernel dweights dbias"
    cases = _grad_cases(1, 1, ())

    def spec(dy, dlast, h, kernel, mask, state_factor, y, x=None, weights=None, *, activation="tanh", reverse=False, zero_masked=False,
             input_grad=True):
        return _grad_specs(y, kernel, weights, input_grad, h, kernel)

    def cpu(dy, dlast, h, kernel, mask, state_factor, y, x, weights, *found, activation, reverse, zero_masked, input_grad):
        return "simple_rnn_grad", (dy, dlast, h, kernel, mask, state_factor, y, x, weights, *_grad_arrays(found, weights, input_grad),
                                   *_numbers(y, kernel, weights, activation, "linear", reverse, zero_masked))

    flops = _grad_flops


# ---- LSTM -------------------------------------------------------------------------------------------------------------------

@op
class lstm:
    """Long short-term memory over all steps: (outputs (batch, steps, units), the last h, the last c).

    z has the gates in the order of Keras: i (input), f (forget), the candidate, o (output);
    c = f c + i candidate, h = o activation(c).  Kept for the gradient: four gates and c, with the outputs 6 units numbers for each step.
    """
    outputs, kept = "y last last_c", "gates cells"
    partial = True
    cases = _cases(4, 2, more=_GATED)

    def spec(z, h, c, kernel, mask=None, state_factor=None, weights=None, bias=None, *, activation="tanh", recurrent_activation="sigmoid",
             reverse=False, zero_masked=False):
        state, y = _check("lstm", 4, z, h, kernel, mask, state_factor, weights, bias, activation, recurrent_activation, c=c)
        return y, state, state, *[Spec((y.shape[1], y.shape[0], n), y.dtype) for n in reversed(kernel.shape)]

    def cpu(z, h, c, kernel, mask, state_factor, weights, bias, y, last, last_c, gates, cells, *, activation, recurrent_activation,
            reverse, zero_masked):
        return "lstm", (z, h, c, kernel, mask, state_factor, weights, bias, y, last, last_c, gates, cells,
                        *_numbers(y, kernel, weights, activation, recurrent_activation, reverse, zero_masked))

    flops = _flops

    def vjp(dy, dlast, dlast_c, z, h, c, kernel, mask, state_factor, weights, bias, y, gates, cells, needs, activation,
            recurrent_activation, reverse, zero_masked):
        _no_factor("lstm", needs[5])
        asks = _grad_asks(z, weights, needs)
        dz, dh, dc, dk, dw, db = _grad_arrays(lstm_grad(
            dy, dlast, dlast_c, h, c, kernel, mask, state_factor, y, gates, cells, activation=activation,
            recurrent_activation=recurrent_activation, reverse=reverse, zero_masked=zero_masked, **asks), weights, asks["input_grad"])
        return dz, dh, dc, dk, None, None, dw, None if bias is None else db


@op
class lstm_grad:
    """The gradients of `lstm` for z, h, c and kernel; dy, dlast or dlast_c None: there is no gradient of that."""
    outputs = "dz dh dc dkernel dweights dbias"
    cases = _grad_cases(4, 2, (4, 1), more=_GATED)

    def spec(dy, dlast, dlast_c, h, c, kernel, mask, state_factor, y, gates, cells, x=None, weights=None, *, activation="tanh",
             recurrent_activation="sigmoid", reverse=False, zero_masked=False, input_grad=True):
        return _grad_specs(y, kernel, weights, input_grad, h, c, kernel)

    def cpu(dy, dlast, dlast_c, h, c, kernel, mask, state_factor, y, gates, cells, x, weights, *found, activation, recurrent_activation,
            reverse, zero_masked, input_grad):
        return "lstm_grad", (dy, dlast, dlast_c, h, c, kernel, mask, state_factor, y, gates, cells, x, weights,
                             *_grad_arrays(found, weights, input_grad),
                             *_numbers(y, kernel, weights, activation, recurrent_activation, reverse, zero_masked))

    flops = _grad_flops


# ---- GRU --------------------------------------------------------------------------------------------------------------------

@op
class gru:
    """Gated recurrent units over all steps: (outputs (batch, steps, units), the last h).

    z has the gates in the order of Keras: z (update), r (reset), the candidate; h = z h + (1 - z) candidate.  The reset gate multiplies
    the product of h with the kernel and its bias where `reset_after`, as in cuDNN, else h before the product.  Kept for
    the gradient: three gates and, where `reset_after`, that product; with the outputs 4 or 5 units numbers for each step.
    """
    outputs, kept = "y last", "gates"
    partial = True
    cases = _cases(3, 1, lambda u: (None,), _GATED) + _cases(3, 1, lambda u: (normal(3 * u),), _GATED, reset_after=False) + \
        _cases(3, 1, lambda u: (normal(3 * u),))

    def spec(z, h, kernel, recurrent_bias=None, mask=None, state_factor=None, weights=None, bias=None, *, activation="tanh",
             recurrent_activation="sigmoid", reset_after=True, reverse=False, zero_masked=False):
        state, y = _check("gru", 3, z, h, kernel, mask, state_factor, weights, bias, activation, recurrent_activation,
                          recurrent_bias=recurrent_bias)
        return y, state, Spec((y.shape[1], y.shape[0], (3 + bool(reset_after)) * kernel.shape[0]), z.dtype)

    def cpu(z, h, kernel, recurrent_bias, mask, state_factor, weights, bias, y, last, gates, *, activation, recurrent_activation,
            reset_after, reverse, zero_masked):
        return "gru", (z, h, kernel, recurrent_bias, mask, state_factor, weights, bias, y, last, gates,
                       *_numbers(y, kernel, weights, activation, recurrent_activation, reverse, zero_masked, reset_after))

    flops = _flops

    def vjp(dy, dlast, z, h, kernel, recurrent_bias, mask, state_factor, weights, bias, y, gates, needs, activation,
            recurrent_activation, reset_after, reverse, zero_masked):
        _no_factor("gru", needs[5])
        asks = _grad_asks(z, weights, needs)
        dz, dh, dk, drb, dw, db = _grad_arrays(gru_grad(
            dy, dlast, h, kernel, mask, state_factor, y, gates, activation=activation, recurrent_activation=recurrent_activation,
            reset_after=reset_after, reverse=reverse, zero_masked=zero_masked, **asks), weights, asks["input_grad"])
        return dz, dh, dk, None if recurrent_bias is None else drb, None, None, dw, None if bias is None else db


@op
class gru_grad:
    """The gradients of `gru` for z, h, kernel and recurrent_bias; dy or dlast None: there is no gradient of that."""
    outputs = "dz dh dkernel drecurrent_bias dweights dbias"
    cases = _grad_cases(3, 1, (4,), _GATED) + _grad_cases(3, 1, (3,), _GATED, reset_after=False)

    def spec(dy, dlast, h, kernel, mask, state_factor, y, gates, x=None, weights=None, *, activation="tanh",
             recurrent_activation="sigmoid", reset_after=True, reverse=False, zero_masked=False, input_grad=True):
        return _grad_specs(y, kernel, weights, input_grad, h, kernel, Spec(kernel.shape[1:], y.dtype))

    def cpu(dy, dlast, h, kernel, mask, state_factor, y, gates, x, weights, *found, activation, recurrent_activation, reset_after,
            reverse, zero_masked, input_grad):
        return "gru_grad", (dy, dlast, h, kernel, mask, state_factor, y, gates, x, weights, *_grad_arrays(found, weights, input_grad),
                            *_numbers(y, kernel, weights, activation, recurrent_activation, reverse, zero_masked, reset_after))

    flops = _grad_flops
