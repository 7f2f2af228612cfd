"""Transposed convolution of sequences, images and volumes: from small to large, the gradient of a convolution."""
from .. import ops
from .arguments import integers, positive_integer
from .convolution_base import ConvolutionBase


class _ConvTranspose(ConvolutionBase):
    config_keys = ("filters", "output_padding")

    def __init__(self, filters, kernel_size, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1,
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
        self.output_padding = None if output_padding is None else integers(output_padding, self.rank, "output_padding", least=0)
        if self.output_padding is not None and any(extra >= step for extra, step in zip(self.output_padding, self.strides)):
            raise ValueError(
                "`output_padding` must be less than `strides` along every axis. "
                f"Received: output_padding={self.output_padding}, strides={self.strides}"
            )
        self._check_strides_and_dilation()

    def _add_weights(self, channels, input_shape):
        self._add_kernel_and_bias((*self.kernel_size, self.filters, channels), self.filters)

    def _convolve(self, x, epilogue, **window):
        return ops.convolve_transposed(x, self.kernel, self.bias, output_padding=self.output_padding, **window, **epilogue)


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution of sequences: each input is spread over the outputs of a window.

    Args:
        filters: channels of the output.
        kernel_size, strides, dilation_rate: an int, or a tuple of one.
        padding: "valid" (the output has (size - 1) * stride + max(kernel, stride)) or "same" (size * stride).
        output_padding: how much longer than the least the output is, less than strides; None: what `padding` says.
        data_format: "channels_last", "channels_first" or None for `fastnn.config.image_data_format()`.
        Others: as for `Conv1D`.

    Input:
        (batch, steps, channels), or channels first.

    Weights:
        kernel (size, filters, channels), bias (filters,).

    Raises:
        ValueError: bad values, and for `strides` and `dilation_rate` both above 1.

    Example:
        >>> fastnn.layers.Conv1DTranspose(8, 4, strides=2, padding="same")(np.ones((2, 10, 3))).shape
        (2, 20, 8)
    """

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution of images: each input is spread over the outputs of a window.

    Args:
        filters: channels of the output.
        kernel_size, strides, dilation_rate: an int, or a tuple (down, right).
        padding: "valid" (the output has (size - 1) * stride + max(kernel, stride)) or "same" (size * stride).
        output_padding: how much longer than the least the output is, less than strides; None: what `padding` says.
        data_format: "channels_last", "channels_first" or None for `fastnn.config.image_data_format()`.
        Others: as for `Conv2D`.

    Input:
        (batch, height, width, channels), or channels first.

    Weights:
        kernel (height, width, filters, channels), bias (filters,).

    Raises:
        ValueError: bad values, and for `strides` and `dilation_rate` both above 1.

    Example:
        >>> fastnn.layers.Conv2DTranspose(8, 4, strides=2, padding="same")(np.ones((2, 7, 7, 3))).shape
        (2, 14, 14, 8)
    """

    rank = 2


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution of volumes: each input is spread over the outputs of a window.

    Args:
        filters: channels of the output.
        kernel_size, strides, dilation_rate: an int, or a tuple (depth, height, width).
        padding: "valid" (the output has (size - 1) * stride + max(kernel, stride)) or "same" (size * stride).
        output_padding: how much longer than the least the output is, less than strides; None: what `padding` says.
        data_format: "channels_last", "channels_first" or None for `fastnn.config.image_data_format()`.
        Others: as for `Conv3D`.

    Input:
        (batch, depth, height, width, channels), or channels first.

    Weights:
        kernel (depth, height, width, filters, channels), bias (filters,).

    Raises:
        ValueError: bad values, and for `strides` and `dilation_rate` both above 1.

    Example:
        >>> fastnn.layers.Conv3DTranspose(8, 4, strides=2, padding="same")(np.ones((2, 3, 5, 5, 3))).shape
        (2, 6, 10, 10, 8)
    """

    rank = 3

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, output_padding=None, *args, **kwargs):
        # in this one Keras has the two arguments before `dilation_rate` the other way round
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, *args, **kwargs)


Convolution1DTranspose, Convolution2DTranspose, Convolution3DTranspose = Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
