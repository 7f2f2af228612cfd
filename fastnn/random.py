"""Random numbers under the names of `keras.random`.

Every function takes `seed`: an integer (the same numbers at every call), a `SeedGenerator` (new numbers at every call,
repeatable from its seed), or None (the global generator, which `fastnn.utils.set_random_seed` sets).

Example:
    >>> generator = SeedGenerator(seed=42)
    >>> a, b = normal((2, 3), seed=generator), normal((2, 3), seed=generator)      # two different ones
"""
import random as _python_random

import numpy as np

from . import changes, ops
from .config import floatx
from .tensor import FLOATS, Tensor, Variable, convert_to_tensor, standardize_dtype

_seeds = _python_random.Random()    # of layers and initializers that are given none
_global = []                        # the global generator, once it is wanted


def set_global_seed(seed):
    """Starts the global generator, and the seeds of layers that are given none, afresh from an integer."""
    _check_seed(seed)
    _seeds.seed(int(seed))
    _global[:] = [SeedGenerator(int(seed), name="global_seed_generator")]
    changes.note()


def global_state():
    """What `set_global_state` takes to bring back the present state of the global generator and of default seeds."""
    return _seeds.getstate(), list(_global), [generator.state.data.copy() for generator in _global]


def set_global_state(state):
    """Brings back what `global_state` gave."""
    seeds, generators, values = state
    _seeds.setstate(seeds)
    _global[:] = generators
    changes.note()
    for generator, value in zip(generators, values):
        generator.state.data[...] = value


def global_generators():
    """The list that holds the global generator, if there is one; the list itself."""
    return _global


def make_default_seed():
    """A seed for a layer or initializer that is given none: an integer from 1 to 10^9."""
    return _seeds.randint(1, 10**9)


def global_seed_generator():
    """The generator that functions draw from whose seed is None."""
    if not _global:
        _global.append(SeedGenerator(name="global_seed_generator"))
    return _global[0]


class SeedGenerator(changes.Noted):
    """A source of random numbers: a state that each draw moves on.

    Args:
        seed: integer; None: drawn from the global generator.
        name: what messages call it.

    Attributes:
        state: variable of two uint64, the key (the seed) and a counter.

    Raises:
        ValueError: for a seed that is no integer.
    """

    def __init__(self, seed=None, name=None):
        if seed is not None:
            _check_seed(seed)
        self.name = name or "seed_generator"
        self._initial_seed = None if seed is None else int(seed)
        self.state = _fresh_state(make_default_seed() if seed is None else seed)
        self.state.name = self.state.path = "seed_generator_state"

    def next(self, ordered=True):
        """The state of a new, independent stream (two uint64, to draw from or to keep), while this one moves on."""
        words = ops.random_words(self.state, shape=(2,)).numpy()
        return Tensor(np.array([int(words[0]) | int(words[1]) << 32, 0], "uint64"))

    def get_config(self):
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _check_seed(seed):
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise ValueError(f"Argument `seed` must be an integer. Received: seed={seed!r} (of type {type(seed).__name__})")


def _fresh_state(seed):
    return Variable(np.array([int(seed) % 2**64, 0], "uint64"), trainable=False)


def draw_seed(seed):
    """The state to draw from, for any value of an argument `seed`."""
    if isinstance(seed, SeedGenerator):
        return seed.state
    if seed is None:
        return global_seed_generator().state
    if isinstance(seed, Tensor):                # what `SeedGenerator.next` gave
        return Variable(seed.data, trainable=False)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise ValueError("Argument `seed` must be an integer, an instance of `SeedGenerator` or None. "
                         f"Received: seed={seed!r} (of type {type(seed).__name__})")
    return _fresh_state(seed)


def _shape(shape):
    return (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(side) for side in shape)


def _float(dtype):
    dtype = floatx() if dtype is None else standardize_dtype(dtype)
    if dtype not in FLOATS:
        raise ValueError(f"Argument `dtype` must be a float type. Received: dtype={dtype}")
    return dtype


# ---- Distributions ----------------------------------------------------------------------------------------------

def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers.

    Args:
        shape: of the result.
        mean, stddev: of the distribution.
        dtype: float type; None: `fastnn.config.floatx()`.
        seed: see the module.
    """
    return ops.random_normal(draw_seed(seed), shape=_shape(shape), mean=float(mean), stddev=float(stddev), dtype=_float(dtype))


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers within two standard deviations of the mean; arguments as in `normal`."""
    return ops.truncated_normal(draw_seed(seed), shape=_shape(shape), mean=float(mean), stddev=float(stddev), dtype=_float(dtype))


def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Numbers evenly distributed in [minval, maxval); for integer types: integers, as `randint`.

    Args:
        shape: of the result.
        minval, maxval: bounds, the upper one excluded.
        dtype: float or integer type; None: `fastnn.config.floatx()`.
        seed: see the module.
    """
    if dtype is not None and standardize_dtype(dtype) not in FLOATS:
        return randint(shape, minval, maxval, dtype=dtype, seed=seed)
    return ops.random_uniform(draw_seed(seed), shape=_shape(shape), minval=float(minval), maxval=float(maxval), dtype=_float(dtype))


def randint(shape, minval, maxval, dtype="int32", seed=None):
    """Integers evenly distributed in [minval, maxval).

    Args:
        shape: of the result.
        minval, maxval: bounds, the upper one excluded.
        dtype: integer type.
        seed: see the module.
    """
    dtype = standardize_dtype(dtype)
    if dtype in FLOATS or dtype == "bool":
        raise ValueError(f"[randint] `dtype` must be an integer type. Received: dtype={dtype}")
    numbers = ops.random_integers(draw_seed(seed), shape=_shape(shape), minval=int(minval), maxval=int(maxval))
    return numbers if dtype == "int64" else ops.cast(numbers, dtype=dtype)


def categorical(logits, num_samples, dtype="int32", seed=None):
    """Samples of categories: the largest of logits + Gumbel noise.

    Args:
        logits: unnormalised log-probabilities, (batch, categories).
        num_samples: how many for each row.
        dtype: integer type of the result.
        seed: see the module.

    Returns:
        Tensor (batch, num_samples) of category numbers.
    """
    logits = convert_to_tensor(logits)
    if len(logits.shape) != 2:
        raise ValueError(f"[categorical] `logits` must have shape (batch, categories). Received: shape={logits.shape}")
    if logits.dtype not in FLOATS:
        logits = ops.cast(logits, dtype=floatx())
    batch, categories = logits.shape
    u = ops.random_uniform(draw_seed(seed), shape=(batch, int(num_samples), categories), dtype=logits.dtype)
    noisy = ops.expand_dims(logits, 1) - ops.log(-ops.log(u))
    return ops.cast(ops.argmax(noisy, axis=-1), dtype=standardize_dtype(dtype))


def sample(probabilities, temperature=1.0, from_logits=False, seed=None):
    """The number of a category, drawn from what a model predicts: the next character of a text, for instance.

    The probabilities p become p ** (1 / temperature), and add up to 1 again: below 1 what is likely becomes likelier, above 1 all
    become more alike.

    Args:
        probabilities: vector (categories,), or a row for each sample; they need not add up to 1.
        temperature: a number; 0: the likeliest category.
        from_logits: whether logarithms of probabilities are given, which may be shifted.
        seed: see the module.

    Returns:
        An int; for rows an array of them.

    Raises:
        ValueError: NaN, negative probabilities or none above 0, a negative temperature.

    Example:
        >>> sample([0.1, 0.7, 0.2], temperature=0)
        1
        >>> 0 <= sample([0.1, 0.7, 0.2], temperature=1.2) <= 2
        True
    """
    p = np.asarray(probabilities, "float64")
    if p.ndim not in (1, 2) or p.shape[-1] == 0:
        raise ValueError(f"[sample] `probabilities` must be a vector (categories,) or rows of them. Received: shape={p.shape}")
    if np.isnan(p).any() or not from_logits and ((p < 0).any() or not (p.max(axis=-1) > 0).all()):
        raise ValueError("[sample] `probabilities` must not be negative or NaN, and some must be above 0 (from_logits=True takes logarithms). "
                         f"Received: {p.min()} to {p.max()}")
    if not np.isscalar(temperature) or not temperature >= 0:
        raise ValueError(f"[sample] `temperature` must be a number of at least 0. Received: {temperature!r}")
    rows = np.atleast_2d(p)
    if temperature > 0:
        with np.errstate(divide="ignore"):
            logits = rows if from_logits else np.log(rows)
        found = categorical((logits - logits.max(axis=-1, keepdims=True)) / temperature, 1, seed=seed).numpy()[:, 0]
    else:
        found = rows.argmax(axis=-1)
    return int(found[0]) if p.ndim == 1 else found


def dropout(inputs, rate, noise_shape=None, seed=None):
    """Sets a part `rate` of the elements to 0, and scales the others by 1 / (1 - rate).

    Args:
        inputs: tensor.
        rate: from 0 (the inputs themselves) to 1 (zeros).
        noise_shape: shape of the mask, broadcast against the inputs; None in it stands for the size of the inputs there.
        seed: see the module.
    """
    inputs = convert_to_tensor(inputs)
    return inputs if rate == 0 else ops.dropout(inputs, draw_seed(seed), rate=float(rate), noise_shape=noise_shape)


def shuffle(x, axis=0, seed=None):
    """The slices of x along an axis in random order.

    Args:
        x: tensor.
        axis: along which to shuffle.
        seed: see the module.
    """
    x = convert_to_tensor(x)
    return ops.take(x, ops.random_permutation(draw_seed(seed), n=x.shape[axis]), axis=axis)


# ---- By rejection -----------------------------------------------------------------------------------------------

def _parameters(shape, dtype, *values):
    """Parameters as float tensors of the result's shape."""
    shape, dtype = _shape(shape), _float(dtype)
    return [ops.broadcast_to(ops.cast(convert_to_tensor(value), dtype=dtype), shape=shape) for value in values]


def gamma(shape, alpha, dtype=None, seed=None):
    """Gamma distributed numbers of scale 1.

    Args:
        shape: of the result.
        alpha: the distribution's shape, > 0: a number, or a tensor that broadcasts to the result.
        dtype: float type; None: `fastnn.config.floatx()`.
        seed: see the module.
    """
    return ops.random_gamma(draw_seed(seed), *_parameters(shape, dtype, alpha))


def beta(shape, alpha, beta, dtype=None, seed=None):
    """Beta distributed numbers, between 0 and 1.

    Args:
        shape: of the result.
        alpha, beta: the distribution's parameters, > 0: numbers, or tensors that broadcast to the result.
        dtype: float type; None: `fastnn.config.floatx()`.
        seed: see the module.
    """
    state = draw_seed(seed)
    x, y = [ops.random_gamma(state, parameter, logarithm=True) for parameter in _parameters(shape, dtype, alpha, beta)]
    return ops.sigmoid(x - y)


def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """Binomially distributed numbers: how many of `counts` trials succeed.

    Args:
        shape: of the result.
        counts: numbers of trials: a number, or a tensor that broadcasts to the result.
        probabilities: of success, likewise.
        dtype: float type; None: `fastnn.config.floatx()`.
        seed: see the module.
    """
    return ops.random_binomial(draw_seed(seed), *_parameters(shape, dtype, counts, probabilities))
