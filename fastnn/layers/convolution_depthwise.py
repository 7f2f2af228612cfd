"""Convolution of each channel by itself: depthwise, and separable, where kernels of size 1 over the channels follow."""
from .. import ops
from .arguments import positive_integer
from .convolution_base import ConvolutionBase
from .holder import NotBuilt


class _DepthwiseConv(ConvolutionBase):
    kernels = ("depthwise",)
    config_keys = ("depth_multiplier",)

    def __init__(self, kernel_size, strides=1, padding="valid", depth_multiplier=1, data_format=None, dilation_rate=1,
                 activation=None, use_bias=True, depthwise_initializer="glorot_uniform", bias_initializer="zeros",
                 depthwise_regularizer=None, bias_regularizer=None, activity_regularizer=None, depthwise_constraint=None,
                 bias_constraint=None, **kwargs):
        super().__init__(kernel_size=kernel_size, strides=strides, padding=padding, data_format=data_format,
                         dilation_rate=dilation_rate, activation=activation, use_bias=use_bias,
                         depthwise_initializer=depthwise_initializer, bias_initializer=bias_initializer,
                         depthwise_regularizer=depthwise_regularizer, bias_regularizer=bias_regularizer,
                         activity_regularizer=activity_regularizer, depthwise_constraint=depthwise_constraint,
                         bias_constraint=bias_constraint, **kwargs)
        self.depth_multiplier = positive_integer(depth_multiplier, "depth_multiplier")

    def _add_weights(self, channels, input_shape):
        self.kernel = self._add("kernel", (*self.kernel_size, channels, self.depth_multiplier), word="depthwise")
        self._add_bias(channels * self.depth_multiplier)

    def _convolve(self, x, epilogue, **window):
        return ops.convolve_depthwise(x, self.kernel, self.bias, **window, **epilogue)


class DepthwiseConv1D(_DepthwiseConv):
    """Convolution of each channel of sequences with `depth_multiplier` kernels of its own.

    Args:
        kernel_size, strides, dilation_rate: an int, or a tuple of one.
        padding: "valid" or "same".
        depth_multiplier: outputs of each channel.
        data_format: "channels_last", "channels_first" or None for `fastnn.config.image_data_format()`.
        activation, use_bias: as for `Conv1D`.
        depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer, activity_regularizer,
            depthwise_constraint, bias_constraint: objects or names.
        Others: see `Layer`.

    Input:
        (batch, steps, channels), or channels first.

    Weights:
        kernel (size, channels, depth_multiplier), bias (channels * depth_multiplier,).

    Raises:
        ValueError: bad values.

    Example:
        >>> fastnn.layers.DepthwiseConv1D(3, depth_multiplier=2)(np.ones((2, 10, 4))).shape
        (2, 8, 8)
    """

    rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """Convolution of each channel of images with `depth_multiplier` kernels of its own.

    Args:
        kernel_size, strides, dilation_rate: an int, or a tuple (down, right).
        padding: "valid" or "same".
        depth_multiplier: outputs of each channel.
        data_format: "channels_last", "channels_first" or None for `fastnn.config.image_data_format()`.
        activation, use_bias: as for `Conv2D`.
        depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer, activity_regularizer,
            depthwise_constraint, bias_constraint: objects or names.
        Others: see `Layer`.

    Input:
        (batch, height, width, channels), or channels first.

    Weights:
        kernel (height, width, channels, depth_multiplier), bias (channels * depth_multiplier,).

    Raises:
        ValueError: bad values.

    Example:
        >>> fastnn.layers.DepthwiseConv2D(3, padding="same")(np.ones((2, 10, 12, 4))).shape
        (2, 10, 12, 4)
    """

    rank = 2


class _SeparableConv(ConvolutionBase):
    kernels = ("depthwise", "pointwise")
    config_keys = ("depth_multiplier", "filters")
    depthwise_kernel, pointwise_kernel = NotBuilt(), NotBuilt()

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1, depth_multiplier=1,
                 activation=None, use_bias=True, depthwise_initializer="glorot_uniform", pointwise_initializer="glorot_uniform",
                 bias_initializer="zeros", depthwise_regularizer=None, pointwise_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, **kwargs):
        super().__init__(kernel_size=kernel_size, strides=strides, padding=padding, data_format=data_format,
                         dilation_rate=dilation_rate, activation=activation, use_bias=use_bias,
                         depthwise_initializer=depthwise_initializer, pointwise_initializer=pointwise_initializer,
                         bias_initializer=bias_initializer, depthwise_regularizer=depthwise_regularizer,
                         pointwise_regularizer=pointwise_regularizer, bias_regularizer=bias_regularizer,
                         activity_regularizer=activity_regularizer, depthwise_constraint=depthwise_constraint,
                         pointwise_constraint=pointwise_constraint, bias_constraint=bias_constraint, **kwargs)
        self.filters = positive_integer(filters, "filters")
        self.depth_multiplier = positive_integer(depth_multiplier, "depth_multiplier")

    def _add_weights(self, channels, input_shape):
        depth = channels * self.depth_multiplier
        self.depthwise_kernel = self._add("depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier), word="depthwise")
        self.pointwise_kernel = self._add("pointwise_kernel", ((1,) * self.rank + (depth, self.filters)), word="pointwise")
        self._add_bias(self.filters)

    def _convolve(self, x, epilogue, **window):
        y = ops.convolve_depthwise(x, self.depthwise_kernel, **window)
        ones = (1,) * self.rank
        return ops.convolve(y, self.pointwise_kernel, self.bias, strides=ones, padding="valid", dilation_rate=ones, **epilogue)


class SeparableConv1D(_SeparableConv):
    """Depthwise convolution of sequences, then `filters` kernels of size 1 over its channels; a single bias at the end.

    Args:
        filters: channels of the output.
        kernel_size, strides, dilation_rate: of the depthwise part, an int, or a tuple of one.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for `fastnn.config.image_data_format()`.
        depth_multiplier: outputs of each channel, before they are mixed.
        activation, use_bias: as for `Conv1D`.
        depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer, pointwise_regularizer,
            bias_regularizer, activity_regularizer, depthwise_constraint, pointwise_constraint, bias_constraint: objects or
            names.
        Others: see `Layer`.

    Input:
        (batch, steps, channels), or channels first.

    Weights:
        depthwise_kernel (size, channels, depth_multiplier), pointwise_kernel (1, channels * depth_multiplier, filters),
        bias (filters,).

    Raises:
        ValueError: bad values.

    Example:
        >>> fastnn.layers.SeparableConv1D(16, 3, activation="relu")(np.ones((2, 10, 4))).shape
        (2, 8, 16)
    """

    rank = 1


class SeparableConv2D(_SeparableConv):
    """Depthwise convolution of images, then `filters` kernels of size 1 over its channels; a single bias at the end.

    Args:
        filters: channels of the output.
        kernel_size, strides, dilation_rate: of the depthwise part, an int, or a tuple (down, right).
        Others: as for `SeparableConv1D`.

    Input:
        (batch, height, width, channels), or channels first.

    Weights:
        depthwise_kernel (height, width, channels, depth_multiplier), pointwise_kernel (1, 1, channels * depth_multiplier,
        filters), bias (filters,).

    Raises:
        ValueError: bad values.

    Example:
        >>> fastnn.layers.SeparableConv2D(16, 3, activation="relu")(np.ones((2, 10, 12, 4))).shape
        (2, 8, 10, 16)
    """

    rank = 2


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
