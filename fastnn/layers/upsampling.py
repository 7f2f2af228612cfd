"""Sequences, images and volumes made larger by whole factors."""
import numpy as np

from .. import ops
from .arguments import data_format_name, integers
from .input_spec import InputSpec
from .layer import Layer

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class UpSampling1D(Layer):
    """Each step `size` times: (batch, steps, channels) -> (batch, steps * size, channels).

    Args:
        size: positive integer.
        Others: see `Layer`.

    Raises:
        TypeError, ValueError: other values.

    Example:
        >>> fastnn.layers.UpSampling1D(2)(np.array([[[1.0], [2.0]]])).numpy().ravel().tolist()
        [1.0, 1.0, 2.0, 2.0]
    """

    def __init__(self, size=2, **kwargs):
        super().__init__(**kwargs)
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)):
            raise TypeError(f"Expected an integer value for `size`. Received: size={size!r} (of type {type(size).__name__})")
        self.size, = integers(size, 1, "size")
        self.input_spec = InputSpec(ndim=3)
        self.built = True

    def call(self, inputs):
        return ops.upsample(inputs, (self.size,), "channels_last")

    def get_config(self):
        return {**super().get_config(), "size": self.size}


class UpSampling2D(Layer):
    """Images made larger by whole factors.

    Args:
        size: int, or a tuple (down, right).
        data_format: "channels_last" or "channels_first".
        interpolation: "nearest" (each pixel repeated), "bilinear", "bicubic", "lanczos3" or "lanczos5".
        Others: see `Layer`.

    Input:
        (batch, height, width, channels), or channels first.

    Raises:
        ValueError: other values.

    Example:
        >>> fastnn.layers.UpSampling2D((1, 2), interpolation="bilinear")(np.array([[[[0.0], [4.0]]]])).numpy().ravel().tolist()
        [0.0, 1.0, 3.0, 4.0]
    """

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_name(data_format)
        self.size = integers(size, 2, "size")
        if not isinstance(interpolation, str) or interpolation.lower() not in INTERPOLATIONS:
            raise ValueError(f"The `interpolation` argument must be one of {INTERPOLATIONS}. Received: interpolation={interpolation!r}")
        self.interpolation = interpolation.lower()
        self.input_spec = InputSpec(ndim=4)
        self.built = True

    def call(self, inputs):
        return ops.upsample(inputs, self.size, self.data_format, self.interpolation)

    def get_config(self):
        keys = ("size", "data_format", "interpolation")
        return {**super().get_config(), **{key: getattr(self, key) for key in keys}}


class UpSampling3D(Layer):
    """Each cell of volumes repeated along three axes.

    Args:
        size: int, or a tuple of factors for depth, height and width.
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, depth, height, width, channels), or channels first.

    Raises:
        ValueError: other values.

    Example:
        >>> fastnn.layers.UpSampling3D((1, 2, 3))(np.ones((1, 4, 4, 4, 3))).shape
        (1, 4, 8, 12, 3)
    """

    def __init__(self, size=(2, 2, 2), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_name(data_format)
        self.size = integers(size, 3, "size")
        self.input_spec = InputSpec(ndim=5)
        self.built = True

    def call(self, inputs):
        return ops.upsample(inputs, self.size, self.data_format)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}
