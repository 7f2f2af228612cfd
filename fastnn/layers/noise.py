"""Noise in training: dropout of whole channels, dropout that keeps mean and variance, normally distributed noise."""
import math

from .. import ops, random
from ..tensor import Spec
from .arguments import data_format_name
from .input_spec import InputSpec
from .layer import Layer
from .regularization import Dropout, check_noise_shape, check_rate


class _SpatialDropout(Dropout):
    """Dropout of whole channels of inputs with so many axes."""

    _rank = None
    _layout = False     # whether there is an argument data_format

    def __init__(self, rate, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = "channels_last"
        self.input_spec = InputSpec(ndim=self._rank)

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        space = (1,) * (self._rank - 2)
        shape = (None, None, *space) if self.data_format == "channels_first" else (None, *space, None)
        return ops.dropout(inputs, self.seed_generator.state, rate=self.rate, noise_shape=shape)

    def get_config(self):
        config = {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}
        return {**config, "data_format": self.data_format} if self._layout else config


class SpatialDropout1D(_SpatialDropout):
    """In training, sets whole channels of sequences to 0 at random, and scales the others; Tompson et al., 2014.

    Args:
        rate: the part of the channels to drop, from 0 to 1.
        seed: int; None: drawn from the global generator.
        name, dtype: see `Layer`.

    Input:
        (batch, steps, channels).

    Example:
        >>> y = fastnn.layers.SpatialDropout1D(0.5, seed=1)(np.ones((2, 3, 8)), training=True)
        >>> bool(np.all(y.numpy() == y.numpy()[:, :1]))
        True
    """

    _rank = 3


class _SpatialDropoutOfLayout(_SpatialDropout):
    _layout = True

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = data_format_name(data_format)


class SpatialDropout2D(_SpatialDropoutOfLayout):
    """In training, sets whole channels of images to 0 at random, and scales the others; Tompson et al., 2014.

    Args:
        rate: the part of the channels to drop, from 0 to 1.
        data_format: "channels_last", "channels_first", or None: `fastnn.config.image_data_format()`.
        seed: int; None: drawn from the global generator.
        name, dtype: see `Layer`.

    Input:
        (batch, rows, columns, channels), or (batch, channels, rows, columns).

    Example:
        >>> y = fastnn.layers.SpatialDropout2D(0.5, seed=1)(np.ones((2, 3, 3, 8)), training=True)
        >>> bool(np.all(y.numpy() == y.numpy()[:, :1, :1]))
        True
    """

    _rank = 4


class SpatialDropout3D(_SpatialDropoutOfLayout):
    """In training, sets whole channels of volumes to 0 at random, and scales the others; arguments as `SpatialDropout2D`.

    Input:
        (batch, depth, rows, columns, channels), or (batch, channels, depth, rows, columns).

    Example:
        >>> y = fastnn.layers.SpatialDropout3D(0.5, seed=1)(np.ones((2, 3, 3, 3, 8)), training=True)
        >>> bool(np.all(y.numpy() == y.numpy()[:, :1, :1, :1]))
        True
    """

    _rank = 5


class _Noise(Layer):
    """A layer that does something in training, at random."""

    float_inputs = True

    def __init__(self, strength, seed, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        if strength > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def _normal(self, inputs, mean, stddev):
        return ops.random_normal(self.seed_generator.state, shape=inputs.shape, mean=mean, stddev=stddev, dtype=inputs.dtype)


class GaussianNoise(_Noise):
    """In training, adds normally distributed noise of mean 0.

    Args:
        stddev: standard deviation of the noise, from 0 to 1.
        seed: int; None: drawn from the global generator.
        Others: see `Layer`.

    Raises:
        ValueError: other values.

    Example:
        >>> y = fastnn.layers.GaussianNoise(0.1, seed=1)(np.zeros((100, 100)), training=True)
        >>> f"{y.numpy().std():.2f}"
        '0.10'
    """

    def __init__(self, stddev, seed=None, **kwargs):
        check_rate(stddev, "stddev")
        super().__init__(stddev, seed, **kwargs)
        self.stddev = stddev

    def call(self, inputs, training=False):
        if not training or self.stddev == 0 or isinstance(inputs, Spec):
            return inputs
        return inputs + self._normal(inputs, 0.0, float(self.stddev))

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}


class GaussianDropout(_Noise):
    """In training, multiplies by normally distributed noise of mean 1 and variance rate / (1 - rate), that of dropout;
    Srivastava et al., 2014.

    Args:
        rate: as of `Dropout`, from 0 to below 1.
        seed: int; None: drawn from the global generator.
        Others: see `Layer`.

    Raises:
        ValueError: other values; a rate of 1 in training.

    Example:
        >>> y = fastnn.layers.GaussianDropout(0.2, seed=1)(np.ones((100, 100)), training=True)
        >>> f"{y.numpy().std():.1f}"
        '0.5'
    """

    def __init__(self, rate, seed=None, **kwargs):
        check_rate(rate)
        super().__init__(rate, seed, **kwargs)
        self.rate = rate

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        check_below_one(self.rate, self.name)
        if isinstance(inputs, Spec):
            return inputs
        return inputs * self._normal(inputs, 1.0, math.sqrt(self.rate / (1 - self.rate)))

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


SELU_LIMIT = -1.6732632423543772 * 1.0507009873554805       # what selu of large negative numbers goes to


class AlphaDropout(_Noise):
    """In training, sets a part `rate` of the elements to the negative limit of selu at random, then scales and shifts all so that
    mean 0 and variance 1 stay; Klambauer et al., 2017.

    Args:
        rate: from 0 to below 1.
        noise_shape: shape of the random mask, as of `Dropout`.
        seed: int; None: drawn from the global generator.
        Others: see `Layer`.

    Raises:
        ValueError: other values; a rate of 1 in training.

    Example:
        >>> y = fastnn.layers.AlphaDropout(0.5, seed=1)(np.zeros((8, 8)), training=True)
        >>> [f"{value:.2f}" for value in np.unique(y.numpy())]
        ['-0.78', '0.78']
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        check_rate(rate)
        super().__init__(rate, seed, **kwargs)
        self.rate, self.noise_shape = rate, check_noise_shape(noise_shape)

    @property
    def mixes_samples(self):
        """Whether samples share their random numbers: see `TimeDistributed`."""
        return self.noise_shape is not None and self.noise_shape[0] is not None

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        check_below_one(self.rate, self.name)
        keep = 1 - self.rate
        scale = 1 / math.sqrt(keep * (1 + self.rate * SELU_LIMIT**2))
        # what is dropped is 0 first, then scale * SELU_LIMIT * (1 - rate)
        kept = ops.dropout(inputs - SELU_LIMIT, self.seed_generator.state, rate=self.rate, noise_shape=self.noise_shape)
        return kept * (keep * scale) + scale * SELU_LIMIT * keep

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


def check_below_one(rate, name):
    if rate == 1:
        raise ValueError(f'Layer "{name}": in training argument `rate` must be below 1, where the noise would be infinite. Received: rate={rate}')
