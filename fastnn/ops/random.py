"""Random numbers from a state that kernels read and move on: the same on any number of threads, new at every replay.

A state is a variable of two uint64: key and counter (csrc/philox.h).  A draw of n numbers moves the counter on by 16 for
each 64 words begun; a float32 takes one word, a float64 or an integer two, an element of dropout half of one.
"""
import math

from ..op import integers, normal, op
from ..tape import filled
from ..tensor import FLOATS, Spec
from ._shapes import operand

STATE = integers(2, high=2**63, dtype="uint64")     # for the tests
TWO_SIGMA = (1 + math.erf(-2 / math.sqrt(2))) / 2   # the share of a normal distribution below -2 standard deviations


def _check_state(name, state):
    if state.shape != (2,) or state.dtype != "uint64":
        raise ValueError(f"[{name}] the state has shape {state.shape} and dtype {state.dtype}, expected two uint64 "
                         "(key and counter): take that of a fastnn.random.SeedGenerator")


def _drawn(name, state, shape, dtype, allowed=FLOATS):
    _check_state(name, state)
    if dtype not in allowed:
        raise ValueError(f"[{name}] dtype is {dtype!r}, expected one of {', '.join(allowed)}")
    if not all(isinstance(side, int) and side >= 0 for side in shape):
        raise ValueError(f"[{name}] shape is {shape!r}, expected integers >= 0")
    return Spec(shape, dtype)


@op
class random_uniform:
    """Numbers evenly distributed in [minval, maxval), in steps of 2^-24 (float32) or 2^-53 (float64) of that range."""
    updates = "state"
    cases = [((STATE,), dict(shape=(5, 13), dtype="float32")), ((STATE,), dict(shape=(0,), dtype="float32")),
             ((STATE,), dict(shape=(40001,), minval=-3.0, maxval=0.7, dtype="float32"))]

    def spec(state, *, shape, minval=0.0, maxval=1.0, dtype="float32"):
        if not minval <= maxval:
            raise ValueError(f"[random_uniform] minval {minval} is above maxval {maxval}")
        return _drawn("random_uniform", state, shape, dtype)

    def cpu(state, y, *, minval, maxval):
        return "random_uniform", (state, y, y.size, minval, maxval)


@op
class random_normal:
    """Normally distributed numbers."""
    updates = "state"
    cases = [((STATE,), dict(shape=(5, 13), dtype="float32")), ((STATE,), dict(shape=(0, 2), dtype="float32")),
             ((STATE,), dict(shape=(40001,), mean=3.0, stddev=0.5, dtype="float32"))]

    def spec(state, *, shape, mean=0.0, stddev=1.0, dtype="float32"):
        return _drawn("random_normal", state, shape, dtype)

    def cpu(state, y, *, mean, stddev):
        return "random_normal", (state, y, y.size, mean, stddev, 0.0, 1.0)


@op
class truncated_normal:
    """Normally distributed numbers within two standard deviations of the mean, by the inverse of the distribution's function."""
    updates = "state"
    cases = [((STATE,), dict(shape=(5, 13), dtype="float32")), ((STATE,), dict(shape=(2001,), mean=3.0, stddev=0.5, dtype="float32"))]

    def spec(state, *, shape, mean=0.0, stddev=1.0, dtype="float32"):
        return _drawn("truncated_normal", state, shape, dtype)

    def cpu(state, y, *, mean, stddev):
        return "random_normal", (state, y, y.size, mean, stddev, TWO_SIGMA, 1 - TWO_SIGMA)


@op
class random_integers:
    """int64 numbers evenly distributed in [minval, maxval)."""
    updates = "state"
    cases = [((STATE,), dict(shape=(5, 13), minval=-3, maxval=4)), ((STATE,), dict(shape=(20001,), minval=0, maxval=2**62))]

    def spec(state, *, shape, minval, maxval):
        if not minval < maxval:
            raise ValueError(f"[random_integers] there is no integer in [{minval}, {maxval}): maxval must be larger")
        return _drawn("random_integers", state, shape, "int64", ("int64",))

    def cpu(state, y, *, minval, maxval):
        return "random_integers", (state, y, y.size, minval, maxval)


@op
class random_words:
    """uint32 numbers, evenly distributed over all: the generator's words themselves."""
    updates = "state"
    cases = [((STATE,), dict(shape=(3, 67))), ((STATE,), dict(shape=(40001,)))]

    def spec(state, *, shape):
        return _drawn("random_words", state, shape, "uint32", ("uint32",))

    def cpu(state, y):
        return "random_words", (state, y, y.size)


@op
class random_permutation:
    """The int64 numbers 0 ... n - 1 in random order."""
    updates = "state"
    cases = [((STATE,), dict(n=100)), ((STATE,), dict(n=1)), ((STATE,), dict(n=0))]

    def spec(state, *, n):
        return _drawn("random_permutation", state, (n,), "int64", ("int64",))

    def cpu(state, y):
        return "random_permutation", (state, y, y.size)


# ---- Dropout ----------------------------------------------------------------------------------------------------

def dropout(x, state, *, rate, noise_shape=None):
    """Sets elements to 0 with probability `rate` (in steps of 2^-16), and scales the others by 1 / (1 - rate).

    Args:
        x: tensor.
        state: of the random numbers; moved on.
        rate: 0 <= rate <= 1; with 1 nothing stays.
        noise_shape: shape of the mask, broadcast against x: (batch, 1, 1, channels) drops whole channels; None in it
            stands for the size of x there.

    Returns:
        Tensor of the shape of x.  Source: Srivastava et al., "Dropout", 2014.
    """
    x = operand(x)
    if noise_shape is None:
        return dropout_forward(x, state, rate=rate)[0]
    shape = x.shape
    if len(noise_shape) != len(shape) or any(n not in (None, 1, side) for n, side in zip(noise_shape, shape)):
        raise ValueError(f"[dropout] noise_shape {tuple(noise_shape)} does not broadcast to x of shape {shape}: "
                         "each entry must be None, 1 or the size of x there")
    if isinstance(x, Spec):
        return Spec(shape, x.dtype)
    sides = tuple(side if n is None else n for n, side in zip(noise_shape, shape))
    return x * dropout_forward(filled(sides, x.dtype, 1.0), state, rate=rate)[0]


def _mask_bytes(shape):
    return None if None in shape else -(-math.prod(shape) // 8)


@op
class dropout_forward:
    """Drops elements and scales the others; `mask` has a bit for each: bit i % 8 of byte i / 8 says that element i stays."""
    outputs = "y mask"
    updates = "state"
    cases = [((normal(7, 19), STATE), dict(rate=0.3)), ((normal(4, 4), STATE), dict(rate=0.0)), ((normal(4, 4), STATE), dict(rate=1.0)),
             ((normal(0, 4), STATE), dict(rate=0.5)), ((normal(70001), STATE), dict(rate=0.5)), ((normal(1), STATE), dict(rate=0.5))]

    def spec(x, state, *, rate):
        _check_state("dropout", state)
        if not 0 <= rate <= 1:
            raise ValueError(f"[dropout] rate is {rate!r}, expected a number from 0 to 1")
        return x, Spec((_mask_bytes(x.shape),), "uint8")

    def cpu(x, state, y, mask, *, rate):
        return "dropout", (x, state, y, mask, x.size, mask.size, rate)

    def flops(x): return x.size

    def vjp(dy, mask, rate):
        return dropout_grad(dy, mask, rate=rate), None


@op
class dropout_grad:
    """The gradient of dropout for its input: dy where the mask has a bit, scaled."""
    outputs = "dx"
    cases = [((normal(7, 19), integers(17, high=256, dtype="uint8")), dict(rate=0.3)),
             ((normal(70001), integers(8751, high=256, dtype="uint8")), dict(rate=0.5)),
             ((normal(1), integers(1, high=256, dtype="uint8")), dict(rate=1.0))]

    def spec(dy, mask, *, rate):
        return dy

    def cpu(dy, mask, dx, *, rate):
        return "dropout_grad", (dy, mask, dx, dy.size, mask.size, rate)

    def vjp(ddx, mask, rate):
        return dropout_grad(ddx, mask, rate=rate), None
