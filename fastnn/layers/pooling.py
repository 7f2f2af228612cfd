"""Pooling of sequences, images and volumes: in windows, and over all cells."""
from .. import ops
from .arguments import data_format_name, integers, padding_name
from .input_spec import InputSpec
from .layer import Layer


class _Pooling(Layer):
    """Pooling in windows over `rank` axes; subclasses say with which function, and the size of a window by default."""

    float_inputs = True
    rank = None

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.pool_size = integers(pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if strides is None else integers(strides, self.rank, "strides")
        self.padding = padding_name(padding)
        self.data_format = data_format_name(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs):
        return self._pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    def get_config(self):
        keys = ("pool_size", "padding", "strides", "data_format")
        return {**super().get_config(), **{key: getattr(self, key) for key in keys}}


class MaxPooling1D(_Pooling):
    """The maximum of each window of steps.

    Args:
        pool_size: the window, an int or a tuple of one.
        strides: steps between windows; None: pool_size.
        padding: "valid" (windows inside the sequence only) or "same".
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, steps, channels), or channels first.

    Raises:
        ValueError: bad values, and when called on a sequence shorter than the window.

    Example:
        >>> fastnn.layers.MaxPooling1D(2)(np.ones((2, 28, 3))).shape
        (2, 14, 3)
    """

    rank, _pool = 1, staticmethod(ops.max_pool)


class MaxPooling2D(_Pooling):
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

    rank, _pool = 2, staticmethod(ops.max_pool)


class MaxPooling3D(_Pooling):
    """The maximum of each window.

    Args:
        pool_size: the window, an int or a tuple (depth, height, width).
        strides: steps between windows; None: pool_size.
        padding: "valid" (windows inside the volume only) or "same".
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, depth, height, width, channels), or channels first.

    Raises:
        ValueError: bad values, and when called on a volume smaller than the window.

    Example:
        >>> fastnn.layers.MaxPooling3D(2)(np.ones((2, 8, 28, 28, 1))).shape
        (2, 4, 14, 14, 1)
    """

    rank, _pool = 3, staticmethod(ops.max_pool)


class AveragePooling1D(_Pooling):
    """The mean of each window, over its steps inside the sequence.

    Args, input, errors: as for `MaxPooling1D`.

    Example:
        >>> fastnn.layers.AveragePooling1D(2)(np.array([[[1.0], [3.0]]])).tolist()
        [[[2.0]]]
    """

    rank, _pool = 1, staticmethod(ops.average_pool)


class AveragePooling2D(_Pooling):
    """The mean of each window, over its pixels inside the image.

    Args, input, errors: as for `MaxPooling2D`.

    Example:
        >>> fastnn.layers.AveragePooling2D(2)(np.ones((2, 28, 28, 1))).shape
        (2, 14, 14, 1)
    """

    rank, _pool = 2, staticmethod(ops.average_pool)


class AveragePooling3D(_Pooling):
    """The mean of each window, over its cells inside the volume.

    Args, input, errors: as for `MaxPooling3D`.

    Example:
        >>> fastnn.layers.AveragePooling3D(2)(np.ones((2, 8, 28, 28, 1))).shape
        (2, 4, 14, 14, 1)
    """

    rank, _pool = 3, staticmethod(ops.average_pool)


class _GlobalPooling(Layer):
    """Pooling over all cells of `rank` axes; subclasses say with which function."""

    float_inputs = True
    rank = None

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_name(data_format)
        self.keepdims = bool(keepdims)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs):
        return self._pool(inputs, self.keepdims, self.data_format)

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum over each sequence: (batch, steps, channels) -> (batch, channels).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the axis of the steps with size 1.
        Others: see `Layer`.

    Example:
        >>> fastnn.layers.GlobalMaxPooling1D()(np.array([[[1.0], [3.0]]])).tolist()
        [[3.0]]
    """

    rank, _pool = 1, staticmethod(ops.global_max_pool)


class GlobalMaxPooling2D(_GlobalPooling):
    """The maximum over each image: (batch, height, width, channels) -> (batch, channels).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the image axes with size 1.
        Others: see `Layer`.

    Example:
        >>> fastnn.layers.GlobalMaxPooling2D()(np.ones((2, 28, 28, 3))).shape
        (2, 3)
    """

    rank, _pool = 2, staticmethod(ops.global_max_pool)


class GlobalMaxPooling3D(_GlobalPooling):
    """The maximum over each volume: (batch, depth, height, width, channels) -> (batch, channels).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the axes of the volume with size 1.
        Others: see `Layer`.

    Example:
        >>> fastnn.layers.GlobalMaxPooling3D()(np.ones((2, 8, 28, 28, 3))).shape
        (2, 3)
    """

    rank, _pool = 3, staticmethod(ops.global_max_pool)


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over each sequence, of the steps that a mask leaves: (batch, steps, channels) -> (batch, channels).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the axis of the steps with size 1.
        Others: see `Layer`.

    Call arguments:
        inputs: sequences.
        mask: (batch, steps), which steps count; None: all.  NaN comes of a sequence without such steps.

    Example:
        >>> layer = fastnn.layers.GlobalAveragePooling1D()
        >>> layer(np.array([[[1.0], [3.0], [9.0]]]), mask=np.array([[True, True, False]])).tolist()
        [[2.0]]
    """

    rank = 1

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        return ops.global_average_pool(inputs, self.keepdims, self.data_format, mask)

    def compute_mask(self, inputs, previous_mask):
        """None: no steps are left."""
        return None


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over each image: (batch, height, width, channels) -> (batch, channels).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the image axes with size 1.
        Others: see `Layer`.

    Example:
        >>> fastnn.layers.GlobalAveragePooling2D()(np.ones((2, 28, 28, 3))).shape
        (2, 3)
    """

    rank, _pool = 2, staticmethod(ops.global_average_pool)


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean over each volume: (batch, depth, height, width, channels) -> (batch, channels).

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: keep the axes of the volume with size 1.
        Others: see `Layer`.

    Example:
        >>> fastnn.layers.GlobalAveragePooling3D()(np.ones((2, 8, 28, 28, 3))).shape
        (2, 3)
    """

    rank, _pool = 3, staticmethod(ops.global_average_pool)


MaxPool1D, AvgPool1D = MaxPooling1D, AveragePooling1D
MaxPool2D, AvgPool2D = MaxPooling2D, AveragePooling2D
MaxPool3D, AvgPool3D = MaxPooling3D, AveragePooling3D
GlobalMaxPool1D, GlobalAvgPool1D = GlobalMaxPooling1D, GlobalAveragePooling1D
GlobalMaxPool2D, GlobalAvgPool2D = GlobalMaxPooling2D, GlobalAveragePooling2D
GlobalMaxPool3D, GlobalAvgPool3D = GlobalMaxPooling3D, GlobalAveragePooling3D
