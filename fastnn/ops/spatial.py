"""The convolutions of `keras.ops`, for sequences (one spatial axis), images (two) and volumes (three): all by the ops of `conv`.

A sequence is an image of height 1, a depthwise convolution one with a group for each channel, and a transposed one
the gradient of a convolution with regard to its images.  How volumes become images is in `volume`.
"""
import numpy as np

from .. import config
from ._shapes import operand
from .activation import bias_act
from .conv import conv2d, conv2d_backward_data
from .conv_pool import conv2d_max_pool
from .shape import expand_dims, moveaxis, reshape, squeeze
from .volume import conv3d, conv3d_transposed


# ---- By the names and arguments of Keras ------------------------------------------------------------------------

def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution of sequences, images or volumes.

    Args:
        inputs: (N, T, C), (N, H, W, C) or (N, D, H, W, C), the channels second where data_format is "channels_first".
        kernel: (K, C / groups, F), or with as many axes as the inputs: the number of groups is told from the channels.
        strides, dilation_rate: an integer, or one for each spatial axis.
        padding: "valid" or "same".
        data_format: by default `fastnn.config.image_data_format()`.

    Returns:
        F channels, laid out as the inputs.

    Raises:
        ValueError: shapes that do not fit each other, and bad arguments.

    Example:
        >>> conv(ones((2, 10, 3)), ones((4, 3, 8)), strides=2).shape
        (2, 4, 8)
    """
    x, kernel, to_format = _operands("conv", inputs, kernel, data_format, volumes=True)
    channels, depth = x.shape[-1], kernel.shape[-2]
    if channels and (not depth or channels % depth):
        raise ValueError(f"[conv] inputs have {channels} channels, expected {depth} or a multiple of it for a kernel of shape {kernel.shape}: "
                         "(..., channels / groups, filters)")
    groups = channels // depth if channels else 1
    return to_format(convolve(x, kernel, groups=groups, **_window("conv", x, strides, padding, dilation_rate)))


def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution of each channel by kernels of its own.

    Args:
        inputs: (N, T, C) or (N, H, W, C), the channels second where data_format is "channels_first".
        kernel: (K, C, M) or (KH, KW, C, M): M for each channel.
        Others: as in `conv`.

    Returns:
        C * M channels, those of one input channel side by side.
    """
    x, kernel, to_format = _operands("depthwise_conv", inputs, kernel, data_format)
    return to_format(convolve_depthwise(x, kernel, **_window("depthwise_conv", x, strides, padding, dilation_rate)))


def separable_conv(inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """A depthwise convolution, then one by kernels of size 1 over the channels.

    Args:
        inputs: (N, T, C) or (N, H, W, C), the channels second where data_format is "channels_first".
        depthwise_kernel: (K, C, M) or (KH, KW, C, M).
        pointwise_kernel: (1, C * M, F) or (1, 1, C * M, F).
        Others: as in `conv`.

    Returns:
        F channels, laid out as the inputs.
    """
    x, kernel, to_format = _operands("separable_conv", inputs, depthwise_kernel, data_format)
    y = convolve_depthwise(x, kernel, **_window("separable_conv", x, strides, padding, dilation_rate))
    return to_format(convolve(y, operand(pointwise_kernel), **_window("separable_conv", x, 1, "valid", 1)))


def conv_transpose(inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1):
    """Transposed convolution: what the gradient of a convolution does.

    Args:
        inputs: (N, T, C), (N, H, W, C) or (N, D, H, W, C), the channels second where data_format is "channels_first".
        kernel: (K, F, C), or with as many axes as the inputs.
        strides, dilation_rate: an integer, or one for each spatial axis.
        padding: "valid" or "same".
        output_padding: how much longer than the least the output is, an integer or one for each axis; None: what makes
            it size * stride ("same") or (size - 1) * stride + max(kernel, stride) ("valid") long.
        data_format: by default `fastnn.config.image_data_format()`.

    Returns:
        F channels, laid out as the inputs.
    """
    x, kernel, to_format = _operands("conv_transpose", inputs, kernel, data_format, volumes=True)
    return to_format(convolve_transposed(x, kernel, output_padding=output_padding,
                                         **_window("conv_transpose", x, strides, padding, dilation_rate)))


# ---- With channels last, bias and activation: what the layers call ----------------------------------------------

def convolve(x, kernel, bias=None, *, strides, padding, dilation_rate, groups=1, **epilogue):
    """`conv2d` of sequences and volumes too; padding may also be "causal" for sequences.  Strides and dilation_rate are tuples.

    For images the epilogue may have a `pool_size`: then it is `conv2d_max_pool`.
    """
    if len(x.shape) == 4:
        convolved = conv2d_max_pool if "pool_size" in epilogue else conv2d
        return convolved(x, kernel, bias, strides=strides, padding=padding, dilation_rate=dilation_rate, groups=groups, **epilogue)
    if len(x.shape) == 5:
        return conv3d(x, kernel, bias, strides=strides, padding=padding, dilation_rate=dilation_rate, groups=groups, **epilogue)
    if padding == "causal":
        padding = ((0, 0), ((kernel.shape[0] - 1) * dilation_rate[0], 0))
    y = conv2d(expand_dims(x, 1), expand_dims(kernel, 0), bias, strides=(1, *strides), padding=padding,
               dilation_rate=(1, *dilation_rate), groups=groups, **epilogue)
    return squeeze(y, 1)


def convolve_depthwise(x, kernel, bias=None, **options):
    """`convolve` with a group for each channel, by kernels (..., C, M)."""
    *window, channels, multiplier = kernel.shape
    if x.shape[-1] not in (channels, None):
        raise ValueError(f"[depthwise_conv] input has {x.shape[-1]} channels but the kernel of shape {kernel.shape} expects "
                         f"{channels}: a depthwise kernel has the shape (..., channels, multiplier)")
    grouped = reshape(kernel, shape=(*window, 1, channels * multiplier))
    return convolve(x, grouped, bias, groups=channels, **options)


def convolve_transposed(x, kernel, bias=None, *, strides, padding, dilation_rate, output_padding=None, activation="linear", alpha=1.0):
    """The transposed convolution by kernels (..., F, C); the arguments are tuples."""
    if len(x.shape) == 3:
        output_padding = output_padding if output_padding is None else (0, *_each("[conv_transpose] output_padding", output_padding, 1))
        y = convolve_transposed(expand_dims(x, 1), expand_dims(kernel, 0), bias, strides=(1, *strides), padding=padding,
                                dilation_rate=(1, *dilation_rate), output_padding=output_padding, activation=activation, alpha=alpha)
        return squeeze(y, 1)
    if x.shape[-1] not in (kernel.shape[-1], None):
        raise ValueError(f"[conv_transpose] input has {x.shape[-1]} channels but the kernel of shape {kernel.shape} expects "
                         f"{kernel.shape[-1]}: its shape is (..., filters, channels)")
    rank = len(x.shape) - 2
    extra = (None,) * rank if output_padding is None else _each("[conv_transpose] output_padding", output_padding, rank)
    sides = [_transposed_side(*side, padding) for side in zip(x.shape[1:-1], kernel.shape, strides, dilation_rate, extra)]
    if rank == 3:
        return conv3d_transposed(x, kernel, bias, sides, strides=strides, dilation_rate=dilation_rate, activation=activation, alpha=alpha)
    y = conv2d_backward_data(x, kernel, image=tuple(size for size, _ in sides), strides=strides,
                             padding=tuple(cut for _, cut in sides), dilation_rate=dilation_rate, groups=1)
    return y if bias is None and activation == "linear" else bias_act(y, bias, activation=activation, alpha=alpha)


def _transposed_side(size, kernel, stride, dilation, extra, padding):
    """The length of an output side (None where that of the input is open), and what of the whole (size - 1) * stride +
    kernel is cut off before and behind; negative: added."""
    kernel = (kernel - 1) * dilation + 1
    if padding == "valid":
        before, behind = 0, -max(stride - kernel, 0) if extra is None else -extra
    else:
        border = stride + kernel - 2 if extra is None else kernel + kernel % 2 - 2 + extra
        before = max(kernel - 1 - (border + 1) // 2, 0)
        behind = 2 * (kernel - 1) - border - before
    return None if size is None else (size - 1) * stride + kernel - before - behind, (before, behind)


# ---- Arguments --------------------------------------------------------------------------------------------------

def _operands(name, inputs, kernel, data_format, volumes=False):
    """Inputs with channels last, the kernel, and the function that brings the result into the inputs' layout."""
    x, kernel, data_format = operand(inputs), operand(kernel), data_format or config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"[{name}] data_format is {data_format!r}, expected 'channels_last' or 'channels_first'")
    if len(x.shape) not in ((3, 4, 5) if volumes else (3, 4)) or len(kernel.shape) != len(x.shape):
        raise ValueError(f"[{name}] inputs have shape {x.shape} and the kernel {kernel.shape}, expected sequences (N, T, C) with a "
                         "kernel of three axes, or images (N, H, W, C) with one of four"
                         + ", or volumes (N, D, H, W, C) with one of five" * volumes)
    if data_format == "channels_last":
        return x, kernel, lambda y: y
    return moveaxis(x, 1, -1), kernel, lambda y: moveaxis(y, -1, 1)


def _window(name, x, strides, padding, dilation_rate):
    if padding not in ("valid", "same"):
        raise ValueError(f"[{name}] padding is {padding!r}, expected 'same' or 'valid'")
    count = len(x.shape) - 2
    return dict(strides=_each(f"[{name}] strides", strides, count), padding=padding,
                dilation_rate=_each(f"[{name}] dilation_rate", dilation_rate, count))


def _each(name, value, count):
    """One integer for each spatial axis."""
    values = value if isinstance(value, (tuple, list)) else (value,) * count
    if len(values) != count or not all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in values):
        raise ValueError(f"{name} is {value!r}, expected an integer, or {count} of them")
    return tuple(int(v) for v in values)
