"""Initial values of weights: Keras' initializers under Keras' names."""
import math

import numpy as np

from . import random
from .config import floatx
from .tensor import Tensor
from .utils import serialization

# The standard deviation of a unit normal cut off at two standard deviations.
TRUNCATED_STDDEV = 0.87962566103423978


class Initializer:
    """Base of initializers: `initializer(shape, dtype=None)` returns a Tensor.

    Subclasses override `__call__`, and `get_config` if they have arguments.
    """

    def __call__(self, shape, dtype=None):
        """A Tensor of the given shape; dtype None means `fastnn.config.floatx()`."""
        raise TypeError(f"Initializer {type(self).__name__} has no `__call__(shape, dtype=None)`: override it.")

    def get_config(self):
        """The arguments that make this initializer again."""
        return {}

    @classmethod
    def from_config(cls, config):
        """An initializer from the result of `get_config`."""
        return cls(**config)

    def clone(self):
        """Another initializer with the same arguments."""
        return type(self).from_config(self.get_config())


class Constant(Initializer):
    """All elements are `value`, a number (or an array that broadcasts to the shape).

    Example:
        >>> Constant(0.5)((2, 3)).tolist()
        [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
    """

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        return Tensor(np.full(tuple(shape), self.value, dtype or floatx()))

    def get_config(self):
        return {"value": serialization.serialize(self.value)}

    @classmethod
    def from_config(cls, config):
        return cls(serialization.deserialize(config.get("value", 0.0)))


class Zeros(Initializer):
    """All elements are 0."""

    def __call__(self, shape, dtype=None):
        return Tensor(np.zeros(tuple(shape), dtype or floatx()))


class Ones(Initializer):
    """All elements are 1."""

    def __call__(self, shape, dtype=None):
        return Tensor(np.ones(tuple(shape), dtype or floatx()))


class Identity(Initializer):
    """`gain` times the identity matrix.

    Raises:
        ValueError, when called, for a shape that is not of rank 2.
    """

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        if len(shape) != 2:
            raise ValueError(
                f"Identity matrix initializer can only be used for 2D matrices. Received: shape={tuple(shape)} of rank {len(shape)}."
            )
        return Tensor(np.ascontiguousarray(self.gain * np.eye(*shape, dtype=dtype or floatx()), dtype or floatx()))

    def get_config(self):
        return {"gain": self.gain}


class RandomInitializer(Initializer):
    """Base of random initializers.

    Args:
        seed: an int or a `fastnn.random.SeedGenerator`; None: one int is drawn from the global generator, when the
            initializer is made.  With an int (or None) every call gives the same values, with a generator new ones.

    Raises:
        ValueError: any other seed.
    """

    def __init__(self, seed=None):
        if isinstance(seed, dict):
            seed = serialization.deserialize(seed)
        if seed is not None and not isinstance(seed, (int, np.integer, random.SeedGenerator)):
            raise ValueError(f"`seed` must be an integer or a `fastnn.random.SeedGenerator`. Received: seed={seed!r}")
        self._init_seed = seed
        self.seed = random.make_default_seed() if seed is None else seed

    def get_config(self):
        return {"seed": serialization.serialize(self._init_seed)}


class RandomNormal(RandomInitializer):
    """Normally distributed.

    Args:
        mean, stddev: of the distribution.
        seed: see `RandomInitializer`.
    """

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def __call__(self, shape, dtype=None):
        return random.normal(shape, mean=self.mean, stddev=self.stddev, dtype=dtype, seed=self.seed)

    def get_config(self):
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Normally distributed, values beyond two standard deviations drawn again.

    Args:
        mean, stddev: of the distribution before it is cut off.
        seed: see `RandomInitializer`.
    """

    def __call__(self, shape, dtype=None):
        return random.truncated_normal(shape, mean=self.mean, stddev=self.stddev, dtype=dtype, seed=self.seed)


class RandomUniform(RandomInitializer):
    """Uniformly distributed.

    Args:
        minval: smallest value.
        maxval: upper bound, excluded.
        seed: see `RandomInitializer`.
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval, self.maxval = minval, maxval
        super().__init__(seed)

    def __call__(self, shape, dtype=None):
        return random.uniform(shape, minval=self.minval, maxval=self.maxval, dtype=dtype, seed=self.seed)

    def get_config(self):
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class VarianceScaling(RandomInitializer):
    """Random values whose variance is `scale / n`, n being a number of connections.

    Args:
        scale: positive number.
        mode: n is "fan_in", the inputs of a unit; "fan_out", the units that an input feeds; or "fan_avg", their
            average.
        distribution: "truncated_normal", "untruncated_normal" or "uniform".
        seed: see `RandomInitializer`.
        input_axes, output_axes: the axes of the weight whose sizes make the fans, where they differ from those of
            dense and convolution kernels.

    Raises:
        ValueError: other values.

    Example:
        >>> VarianceScaling(2.0, mode="fan_in", distribution="uniform", seed=1)((3, 3, 8, 16)).shape
        (3, 3, 8, 16)
    """

    def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, input_axes=None, output_axes=None):
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode!r}. Use 'fan_in', 'fan_out' or 'fan_avg'.")
        distribution = "truncated_normal" if distribution.lower() == "normal" else distribution.lower()
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                f"Invalid `distribution` argument: {distribution!r}. Use 'uniform', 'truncated_normal' or 'untruncated_normal'."
            )
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes
        super().__init__(seed)

    def __call__(self, shape, dtype=None):
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, n)
        options = {"dtype": dtype, "seed": self.seed}
        if self.distribution == "truncated_normal":
            return random.truncated_normal(shape, mean=0.0, stddev=math.sqrt(variance) / TRUNCATED_STDDEV, **options)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, mean=0.0, stddev=math.sqrt(variance), **options)
        limit = math.sqrt(3.0 * variance)
        return random.uniform(shape, minval=-limit, maxval=limit, **options)

    def get_config(self):
        keys = ("scale", "mode", "distribution", "input_axes", "output_axes")
        return {**super().get_config(), **{key: getattr(self, key) for key in keys}}


class _FixedScaling(VarianceScaling):
    """A VarianceScaling whose scale, mode and distribution are the class's."""

    _scale, _mode, _distribution = 1.0, "fan_in", "uniform"

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(self._scale, self._mode, self._distribution, seed, input_axes, output_axes)

    def get_config(self):
        return {"seed": serialization.serialize(self._init_seed), "input_axes": self.input_axes, "output_axes": self.output_axes}


class GlorotUniform(_FixedScaling):
    """Uniform in +-sqrt(6 / (fan_in + fan_out)); Glorot and Bengio, 2010.

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.
    """

    _scale, _mode, _distribution = 1.0, "fan_avg", "uniform"


class GlorotNormal(_FixedScaling):
    """Truncated normal with standard deviation sqrt(2 / (fan_in + fan_out)); Glorot and Bengio, 2010.

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.
    """

    _scale, _mode, _distribution = 1.0, "fan_avg", "truncated_normal"


class LecunNormal(_FixedScaling):
    """Truncated normal with standard deviation sqrt(1 / fan_in); Klambauer et al., 2017.

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.
    """

    _scale, _mode, _distribution = 1.0, "fan_in", "truncated_normal"


class LecunUniform(_FixedScaling):
    """Uniform in +-sqrt(3 / fan_in).

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.
    """

    _scale, _mode, _distribution = 1.0, "fan_in", "uniform"


class HeNormal(_FixedScaling):
    """Truncated normal with standard deviation sqrt(2 / fan_in); He et al., 2015.

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.
    """

    _scale, _mode, _distribution = 2.0, "fan_in", "truncated_normal"


class HeUniform(_FixedScaling):
    """Uniform in +-sqrt(6 / fan_in); He et al., 2015.

    Args:
        seed, input_axes, output_axes: see `VarianceScaling`.
    """

    _scale, _mode, _distribution = 2.0, "fan_in", "uniform"


class Orthogonal(RandomInitializer):
    """An orthogonal matrix (all axes but the last taken as rows), from the QR decomposition of a normal one; Saxe et al., 2013.

    Args:
        gain: factor on the matrix.
        seed: see `RandomInitializer`.

    Raises:
        ValueError, when called, for a shape of rank 0 or 1.
    """

    def __init__(self, gain=1.0, seed=None):
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape, dtype=None):
        if len(shape) < 2:
            raise ValueError(
                f"The tensor to initialize must be at least two-dimensional. Received: shape={tuple(shape)} of rank {len(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = random.normal((max(rows, columns), min(rows, columns)), dtype="float64", seed=self.seed).numpy()
        q, r = np.linalg.qr(normal)
        # The signs of R's diagonal make the decomposition, and so the distribution, unique.
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        q = q.T if rows < columns else q
        return Tensor(np.ascontiguousarray(self.gain * q.reshape(shape), dtype or floatx()))

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}


class STFT(Initializer):
    """Kernels that compute one side of a short-time Fourier transform, of shape (window, 1, frequencies // 2 + 1).

    Args:
        side: "real" or "imag".
        window: name of a window of `scipy.signal` (needs SciPy; "hann" and "hamming" do not), an array of values, or
            None.
        scaling: "density", "spectrum" or None.
        periodic: of the window.

    Raises:
        ValueError: other values.
    """

    def __init__(self, side="real", window="hann", scaling="density", periodic=False):
        if side not in ("real", "imag"):
            raise ValueError(f"`side` should be 'real' or 'imag'. Received: side={side!r}")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(f"`scaling` must be None, 'density' or 'spectrum'. Received: scaling={scaling!r}")
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape, dtype=None):
        length, _, frequencies = shape
        angle = -2 * np.pi * np.arange(length)[:, None, None] * np.arange(frequencies) / (2 * (frequencies - 1))
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        if self.window is not None:
            window = self._window(length)
            total = {"density": np.sqrt(np.sum(window**2)), "spectrum": np.sum(np.abs(window)), None: 1.0}[self.scaling]
            kernel = kernel * window[:, None, None] / total
        return Tensor(np.ascontiguousarray(kernel, dtype or floatx()))

    def _window(self, length):
        if not isinstance(self.window, str):
            window = np.asarray(self.window, "float64")
        elif self.window in ("hann", "hamming"):
            # The periodic flag is SciPy's `fftbins`: a window of one more sample, its last one left out.
            window = {"hann": np.hanning, "hamming": np.hamming}[self.window](length + bool(self.periodic))[:length]
        else:
            window = _scipy_windows().get_window(self.window, length, self.periodic)
        if window.shape != (length,):
            raise ValueError(f"The shape of `window` must be ({length},). Received: window of shape {window.shape}")
        return window

    def get_config(self):
        return {"side": self.side, "window": serialization.serialize(self.window), "periodic": self.periodic, "scaling": self.scaling}


def _scipy_windows():
    try:
        import scipy.signal
    except ImportError as error:
        raise ImportError("Windows other than 'hann' and 'hamming' need SciPy: pip install scipy") from error
    return scipy.signal


def compute_fans(shape, input_axes=None, output_axes=None):
    """The numbers of inputs and outputs of a unit, for a dense kernel (in, out) or convolution kernel (..., in, out)."""
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[axis] for axis in input_axes), math.prod(shape[axis] for axis in output_axes)
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


_TABLE = serialization.name_table(
    Constant, Zeros, Ones, Identity, RandomNormal, TruncatedNormal, RandomUniform, VarianceScaling, GlorotUniform,
    GlorotNormal, LecunNormal, LecunUniform, HeNormal, HeUniform, Orthogonal, STFT, Initializer,
    one=Ones, zero=Zeros, normal=RandomNormal, uniform=RandomUniform, IdentityInitializer=Identity,
    OrthogonalInitializer=Orthogonal, STFTInitializer=STFT, stft=STFT,
)  # fmt: skip

constant, zeros, ones, identity = Constant, Zeros, Ones, Identity
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling, orthogonal = VarianceScaling, Orthogonal
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
he_uniform, he_normal = HeUniform, HeNormal
IdentityInitializer, OrthogonalInitializer, STFTInitializer, stft = Identity, Orthogonal, STFT, STFT


def serialize(initializer):
    """The config of an initializer."""
    return serialization.serialize(initializer)


def deserialize(config, custom_objects=None):
    """An initializer from its config or name."""
    return serialization.deserialize(config, _TABLE, custom_objects, "initializer")


def get(identifier):
    """An initializer from a name, a config, a class, an array of the weight's shape, a function of (shape, dtype), or None.

    Raises:
        ValueError: unknown names (with the nearest known ones) and other things.

    Example:
        >>> type(get("he_normal"))
        <class 'fastnn.initializers.HeNormal'>
    """
    if isinstance(identifier, (np.ndarray, np.generic, Tensor)):
        return _from_values(np.asarray(identifier))
    return serialization.get("initializer", identifier, _TABLE)


def _from_values(values):
    def initialize(shape, dtype=None):
        if tuple(shape) != values.shape:
            raise ValueError(f"Expected `shape` to be {values.shape}, that of the array used as initializer. Received: shape={tuple(shape)}")
        return Tensor(np.array(values, dtype or floatx(), order="C"))

    return initialize
