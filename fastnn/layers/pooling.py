"""Pooling of images: in windows, and over whole images."""
from .. import ops
from .arguments import data_format_name, padding_name, pair, to_channels_first, to_channels_last
from .input_spec import InputSpec
from .layer import Layer


class _Pooling2D(Layer):
    """Pooling in windows; subclasses say which function."""

    float_inputs = True

    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = pair(pool_size, "pool_size")
        self.strides = self.pool_size if strides is None else pair(strides, "strides")
        self.padding = padding_name(padding)
        self.data_format = data_format_name(data_format)
        self.input_spec = InputSpec(ndim=4)
        self.built = True

    def call(self, inputs):
        if self.data_format == "channels_last":
            return self._pool(inputs)
        return to_channels_first(self._pool(to_channels_last(inputs)))

    def get_config(self):
        keys = ("pool_size", "padding", "strides", "data_format")
        return {**super().get_config(), **{key: getattr(self, key) for key in keys}}


class MaxPooling2D(_Pooling2D):
    """The maximum of each window.

    Args:
        pool_size: the window, an int or a tuple (height, width).
        strides: steps between windows; None: pool_size.
        padding: "valid" (windows inside the image only) or "same".
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, height, width, channels), or channels first.

    Raises:
        ValueError: bad values, and when called on an image smaller than the window.

    Example:
        >>> fastnn.layers.MaxPooling2D(2)(np.ones((2, 28, 28, 1))).shape
        (2, 14, 14, 1)
    """

    def _pool(self, x):
        return ops.max_pool2d(x, pool_size=self.pool_size, strides=self.strides, padding=self.padding)


class AveragePooling2D(_Pooling2D):
    """The mean of each window, over its pixels inside the image.

    Args, input, errors: as for `MaxPooling2D`.
    """

    def _pool(self, x):
        return ops.average_pool2d(x, pool_size=self.pool_size, strides=self.strides, padding=self.padding)


class _GlobalPooling2D(Layer):
    """Pooling over whole images; subclasses say which function."""

    float_inputs = True

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_name(data_format)
        self.keepdims = bool(keepdims)
        self.input_spec = InputSpec(ndim=4)
        self.built = True

    def call(self, inputs):
        if self.data_format == "channels_last":
            return self._pool(inputs)
        y = self._pool(to_channels_last(inputs))
        return to_channels_first(y) if self.keepdims else y

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class GlobalMaxPooling2D(_GlobalPooling2D):
    """The maximum over each image: (batch, height, width, channels) -> (batch, channels).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the image axes with size 1.
        Others: see `Layer`.
    """

    def _pool(self, x):
        return ops.global_max_pool2d(x, keepdims=self.keepdims)


class GlobalAveragePooling2D(_GlobalPooling2D):
    """The mean over each image: (batch, height, width, channels) -> (batch, channels).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the image axes with size 1.
        Others: see `Layer`.
    """

    def _pool(self, x):
        return ops.global_average_pool2d(x, keepdims=self.keepdims)


MaxPool2D, AvgPool2D = MaxPooling2D, AveragePooling2D
GlobalMaxPool2D, GlobalAvgPool2D = GlobalMaxPooling2D, GlobalAveragePooling2D
