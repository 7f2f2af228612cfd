"""Convolution of volumes (N, D, H, W, C), by the ops of images.

The planes that a window sees are laid side by side as channels of one image, whose convolution adds them up; the transposed
convolution adds such images up again.  So volumes have the speed of images, for one pass more over the input.
"""
from .activation import bias_act
from .conv import _convolved_size, conv2d, conv2d_backward_data
from .fold import fold_axis, unfold_axis
from .pooling import _lead, _times
from .shape import reshape, transpose


def conv3d(x, w, b=None, *, strides=(1, 1, 1), padding="valid", dilation_rate=(1, 1, 1), groups=1, activation="linear", alpha=1.0):
    """The convolution (cross-correlation) of volumes with a kernel, plus a bias, through an activation.

    Args:
        x: volumes, (N, D, H, W, C).
        w: kernel, (KD, KH, KW, C / groups, F).
        b: bias, (F,), or None.
        strides, dilation_rate: one integer for each of the three axes.
        padding: "valid" (whole windows only) or "same" (ceil(size / stride) windows).
        groups, activation, alpha: as in `conv2d`.

    Returns:
        Tensor (N, OD, OH, OW, F).

    Raises:
        ValueError: the shapes do not fit each other, or the output would be empty.

    Example:
        >>> conv3d(ones((1, 5, 5, 5, 1)), ones((3, 3, 3, 1, 2))).shape
        (1, 3, 3, 3, 2)
    """
    _check_window("conv3d", "channels / groups, filters", w, strides, dilation_rate)
    _check(x, w, padding, groups)
    n, depth, height, width, _ = x.shape
    size, stride, dilation = w.shape[0], strides[0], dilation_rate[0]
    count = _convolved_size(depth, size, stride, padding, dilation)
    if count is not None and count < 1:
        raise ValueError(f"[conv3d] the output would be empty: the input's depth is {depth}, smaller than the {(size - 1) * dilation + 1} "
                         f"that a kernel of {size} with dilation_rate {dilation} covers; use a larger input, a smaller kernel or padding='same'")
    if size > 1 or stride > 1:
        border = max((count - 1) * stride + (size - 1) * dilation + 1 - depth, 0) if padding == "same" and count else 0
        cells = reshape(x, shape=(n, depth, _times(height, width, groups), w.shape[3]))
        x = unfold_axis(cells, count=count, size=size, stride=stride, dilation=dilation, before=border // 2)
    planes = reshape(x, shape=(_lead(n, count), height, width, w.shape[3] * size * groups))
    y = conv2d(planes, _planes_as_channels(w), b, strides=strides[1:], padding=padding, dilation_rate=dilation_rate[1:],
               groups=groups, activation=activation, alpha=alpha)
    return reshape(y, shape=(_lead(n), count, *y.shape[1:]))


def conv3d_transposed(x, w, b, sides, *, strides, dilation_rate, activation="linear", alpha=1.0):
    """The transposed convolution of volumes by a kernel (KD, KH, KW, F, C).

    Args: sides: for each axis the length of the output, and what is cut off of the whole ((size - 1) * stride + kernel)
        before and behind; negative: added.
    """
    _check_window("conv_transpose", "filters, channels", w, strides, dilation_rate)
    n, depth, height, width, channels = x.shape
    size, filters = w.shape[0], w.shape[3]
    (length, cut), *plane = sides
    planes = reshape(x, shape=(_lead(n, depth), height, width, channels))
    y = conv2d_backward_data(planes, _planes_as_channels(w), image=tuple(side for side, _ in plane), strides=strides[1:],
                             padding=tuple(cuts for _, cuts in plane), dilation_rate=dilation_rate[1:], groups=1)
    _, height, width, _ = y.shape
    if size > 1 or strides[0] > 1 or cut != (0, 0):
        y = fold_axis(reshape(y, shape=(_lead(n), depth, _times(height, width), size, filters)), length=length, size=size,
                      stride=strides[0], dilation=dilation_rate[0], before=cut[0])
    y = reshape(y, shape=(_lead(n), length, height, width, filters))
    return y if b is None and activation == "linear" else bias_act(y, b, activation=activation, alpha=alpha)


def _planes_as_channels(w):
    """A kernel (KD, KH, KW, C, F) as one of images, (KH, KW, KD * C, F)."""
    depth, height, width, channels, filters = w.shape
    if depth > 1:
        w = transpose(w, axes=(1, 2, 0, 3, 4))
    return reshape(w, shape=(height, width, depth * channels, filters))


def _check_window(name, columns, w, strides, dilation_rate):
    if len(w.shape) != 5 or not all(w.shape[:3]):
        raise ValueError(f"[{name}] the kernel has shape {w.shape}, expected (depth, height, width, {columns}) with sides >= 1")
    for word, three in (("strides", strides), ("dilation_rate", dilation_rate)):
        if len(three) != 3 or not all(isinstance(v, int) and v > 0 for v in three):
            raise ValueError(f"[{name}] {word} is {three!r}, expected three integers >= 1")


def _check(x, w, padding, groups):
    if len(x.shape) != 5:
        raise ValueError(f"[conv3d] input has shape {x.shape}, expected volumes (N, D, H, W, C): reshape it to five dimensions")
    if padding not in ("same", "valid"):
        raise ValueError(f"[conv3d] padding is {padding!r}, expected 'same' or 'valid'")
    if not isinstance(groups, int) or groups < 1:
        raise ValueError(f"[conv3d] groups is {groups!r}, expected an integer >= 1")
    channels, depth = x.shape[4], w.shape[3]
    if channels is not None and channels != depth * groups:
        raise ValueError(f"[conv3d] input has {channels} channels but the kernel of shape {w.shape} expects {depth} x groups {groups} "
                         f"= {depth * groups}: give the kernel {channels} / groups input channels, or transpose the input so that "
                         "channels come last")
