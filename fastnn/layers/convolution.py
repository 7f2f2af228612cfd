"""Convolution of sequences, images and volumes."""
from .. import ops
from .arguments import positive_integer
from .convolution_base import ConvolutionBase


class _Conv(ConvolutionBase):
    config_keys = ("filters", "groups")

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1, groups=1,
                 activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, **kwargs):
        super().__init__(kernel_size=kernel_size, strides=strides, padding=padding, data_format=data_format,
                         dilation_rate=dilation_rate, activation=activation, use_bias=use_bias,
                         kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
                         kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                         activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
                         bias_constraint=bias_constraint, **kwargs)
        self.filters = positive_integer(filters, "filters")
        self.groups = positive_integer(groups, "groups")
        if self.filters % self.groups:
            raise ValueError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={self.groups}, filters={self.filters}."
            )
        self._check_strides_and_dilation()

    def _add_weights(self, channels, input_shape):
        if channels % self.groups:
            raise ValueError(
                f"The number of input channels must be evenly divisible by the number of groups. Received: groups={self.groups}, "
                f"but the input has {channels} channels (full input shape is {input_shape})."
            )
        self._add_kernel_and_bias((*self.kernel_size, channels // self.groups, self.filters), self.filters)

    def _convolve(self, x, epilogue, **window):
        return ops.convolve(x, self.kernel, self.bias, groups=self.groups, **window, **epilogue)


class Conv1D(_Conv):
    """Convolution of sequences with `filters` learned kernels.

    Args:
        filters: channels of the output.
        kernel_size, strides, dilation_rate: an int, or a tuple of one.
        padding: "valid" (none), "same" (zeros, so that the output has ceil(size / stride)) or "causal" (zeros before the
            sequence, so that no output sees what comes later).
        data_format: "channels_last", "channels_first" or None for `fastnn.config.image_data_format()`.
        groups: the input's channels are cut into so many groups, each with its own kernels.
        activation: name or function.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint: objects or names.
        Others: see `Layer`.

    Input:
        (batch, steps, channels), or channels first.

    Weights:
        kernel (size, channels / groups, filters), bias (filters,).

    Raises:
        ValueError: bad values, for `strides` and `dilation_rate` both above 1, and filters or channels that the
        groups do not divide.

    Example:
        >>> fastnn.layers.Conv1D(32, 7, padding="causal")(np.ones((2, 100, 8))).shape
        (2, 100, 32)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class Conv2D(_Conv):
    """Convolution of images with `filters` learned kernels.

    Args:
        filters: channels of the output.
        kernel_size, strides, dilation_rate: an int, or a tuple (down, right).
        padding: "valid" (none) or "same" (zeros, so that the output has ceil(size / stride)).
        data_format: "channels_last", "channels_first" or None for `fastnn.config.image_data_format()`.
        groups: the input's channels are cut into so many groups, each with its own kernels.
        activation: name or function.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint: objects or names.
        Others: see `Layer`.

    Input:
        (batch, height, width, channels), or channels first.

    Weights:
        kernel (height, width, channels / groups, filters), bias (filters,).

    Raises:
        ValueError: bad values, for `strides` and `dilation_rate` both above 1, and filters or channels that the
        groups do not divide.

    Example:
        >>> fastnn.layers.Conv2D(32, 3, activation="relu", padding="same")(np.ones((2, 28, 28, 1))).shape
        (2, 28, 28, 32)
    """

    rank = 2


class Conv3D(_Conv):
    """Convolution of volumes with `filters` learned kernels.

    Args:
        filters: channels of the output.
        kernel_size, strides, dilation_rate: an int, or a tuple (depth, height, width).
        padding: "valid" (none) or "same" (zeros, so that the output has ceil(size / stride)).
        data_format: "channels_last", "channels_first" or None for `fastnn.config.image_data_format()`.
        groups: the input's channels are cut into so many groups, each with its own kernels.
        activation: name or function.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint: objects or names.
        Others: see `Layer`.

    Input:
        (batch, depth, height, width, channels), or channels first.

    Weights:
        kernel (depth, height, width, channels / groups, filters), bias (filters,).

    Raises:
        ValueError: bad values, for `strides` and `dilation_rate` both above 1, and filters or channels that the
        groups do not divide.

    Example:
        >>> fastnn.layers.Conv3D(8, 3, activation="relu", padding="same")(np.ones((2, 6, 9, 9, 1))).shape
        (2, 6, 9, 9, 8)
    """

    rank = 3


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
