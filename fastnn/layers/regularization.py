"""Dropout, and a penalty on activity."""
import numpy as np

from .. import ops, random, regularizers
from .layer import Layer


class Dropout(Layer):
    """In training, sets a part `rate` of the elements to 0 at random and scales the others by 1 / (1 - rate).

    Args:
        rate: from 0 to 1.
        noise_shape: shape of the random mask, which is broadcast to the input's; None for a size takes the input's;
            None: the input's shape.
        seed: int; None: drawn from the global generator.
        Others: see `Layer`.

    Raises:
        ValueError: other values.

    Example:
        >>> layer = fastnn.layers.Dropout(0.5, seed=1)
        >>> sorted(set(layer(np.ones((8, 8)), training=True).numpy().ravel().tolist()))
        [0.0, 2.0]
    """

    float_inputs = True

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        check_rate(rate)
        self.rate, self.seed = rate, seed
        self.noise_shape = check_noise_shape(noise_shape)
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    @property
    def mixes_samples(self):
        """Whether samples share their random numbers: see `TimeDistributed`."""
        return self.noise_shape is not None and self.noise_shape[0] is not None

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        return ops.dropout(inputs, self.seed_generator.state, rate=self.rate, noise_shape=self.noise_shape)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


class ActivityRegularization(Layer):
    """The identity, with a penalty on what passes.

    Args:
        l1: factor of the sum of absolute values.
        l2: factor of the sum of squares.
        Others: see `Layer`.

    Example:
        >>> layer = fastnn.layers.ActivityRegularization(l2=0.5)
        >>> y = layer(np.array([[1.0, -2.0]]))
        >>> float(layer.losses[0])
        2.5
    """

    float_inputs = True

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1, self.l2 = l1, l2
        self.built = True

    def call(self, inputs):
        return inputs

    def get_config(self):
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}


# ---- Checks of arguments ----------------------------------------------------------------------------------------

def check_rate(rate, name="rate"):
    """That an argument is a number from 0 to 1."""
    number = isinstance(rate, (int, float, np.integer, np.floating)) and not isinstance(rate, bool)
    if not number or not 0 <= rate <= 1:
        raise ValueError(f"Invalid value received for argument `{name}`. Expected a number from 0 to 1. Received: {name}={rate!r}")


def check_noise_shape(noise_shape):
    """The shape of a mask as a tuple, or None."""
    if noise_shape is None:
        return None
    if isinstance(noise_shape, str) or not hasattr(noise_shape, "__iter__"):
        raise ValueError(f"Invalid value received for argument `noise_shape`. Expected a tuple or list of integers. Received: noise_shape={noise_shape!r}")
    noise_shape = tuple(noise_shape)
    if any(size is not None and (not isinstance(size, (int, np.integer)) or size <= 0) for size in noise_shape):
        raise ValueError(f"`noise_shape` must hold positive integers or None. Received: noise_shape={noise_shape}")
    return noise_shape
