"""The windows of an axis laid side by side, and added up again: im2col, col2im, and what is made of them."""

import numpy as np

from ..op import normal, op
from ..tensor import Spec
from ._shapes import operand
from .pooling import _is_first, _lead, _times
from .shape import reshape, transpose

# ---- Along one axis ---------------------------------------------------------------------------------------------

def _cases():
    def case(a, d, b, e, o, size, stride=1, dilation=1, before=0):
        return (a, d, b, e), (a, o, b, size, e), dict(size=size, stride=stride, dilation=dilation, before=before)
    return [case(2, 5, 6, 4, 3, 3), case(2, 5, 6, 1, 5, 3, before=1), case(3, 9, 1, 7, 5, 3, stride=2, before=1),
            case(1, 11, 4, 3, 4, 2, stride=3), case(2, 8, 3, 2, 6, 3, dilation=2, before=1), case(2, 3, 2, 5, 4, 7, before=3),
            case(2, 5, 3, 2, 4, 2, before=-1), case(0, 5, 3, 2, 4, 2), case(2, 12, 130, 16, 12, 3, before=1),
            case(2, 4, 700, 1, 3, 2), case(1, 4, 3, 2, 3, 1, stride=2, before=1)]


@op
class unfold_axis:
    """The windows of the second axis, laid side by side before the last.

    Args:
        x: (A, D, B, E).
        count: O, the number of windows.
        size, stride, dilation: of the windows, in cells of D.
        before: cells of zeros before the first of D; negative: cells left out.

    Returns:
        Tensor (A, O, B, size, E): [a, o, b, k, e] is x[a, o * stride - before + k * dilation, b, e], 0 outside.
    """
    cases = [((normal(*x),), dict(count=cols[1], **attrs)) for x, cols, attrs in _cases()]

    def spec(x, *, count, size, stride, dilation, before):
        a, _, b, e = x.shape
        return Spec((a, count, b, size, e), x.dtype)

    def cpu(x, y, *, count, size, stride, dilation, before):
        return "unfold_axis", (x, y, *x.shape, count, size, stride, dilation, before)

    def vjp(dy, x, size, stride, dilation, before):
        return fold_axis(dy, length=x.shape[1], size=size, stride=stride, dilation=dilation, before=before)


@op
class fold_axis:
    """The windows of an axis, each added to where `unfold_axis` takes it from: (A, O, B, size, E) -> (A, length, B, E)."""
    cases = [((normal(*cols),), dict(length=x[1], **attrs)) for x, cols, attrs in _cases()]

    def spec(cols, *, length, size, stride, dilation, before):
        a, _, b, _, e = cols.shape
        return Spec((a, length, b, e), cols.dtype)

    def cpu(cols, y, *, length, size, stride, dilation, before):
        return "fold_axis", (cols, y, *y.shape, cols.shape[1], size, stride, dilation, before)

    def flops(cols): return cols.size

    def vjp(dy, cols, size, stride, dilation, before):
        return unfold_axis(dy, count=cols.shape[1], size=size, stride=stride, dilation=dilation, before=before)


# ---- Of images --------------------------------------------------------------------------------------------------

def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    """The windows of images as columns (im2col).

    Args:
        x: images with channels first, (N, C, H, W).
        kernel_size, dilation, padding, stride: an integer, or one for each side; `padding` are zeros on both sides.

    Returns:
        Tensor (N, C * KH * KW, windows), the windows row by row.

    Raises:
        ValueError: bad values, other ranks, and windows that do not fit into the images.

    Example:
        >>> unfold(ones((1, 2, 4, 4)), 2, stride=2).shape
        (1, 8, 4)
    """
    x = operand(x)
    if len(x.shape) != 4:
        raise ValueError(f"[unfold] x has shape {x.shape}, expected images (N, C, H, W)")
    n, channels, height, width = x.shape
    rows, columns = _two_windows("unfold", (height, width), kernel_size, dilation, padding, stride)
    (oh, kh), (ow, kw) = ((window["count"], window["size"]) for window in (rows, columns))
    x = unfold_axis(reshape(x, shape=(_lead(n, channels), height, 1, width)), **rows)
    x = unfold_axis(reshape(x, shape=(_lead(n, channels, oh, kh), width, 1, 1)), **columns)
    x = transpose(reshape(x, shape=(_lead(n), channels, oh, kh, ow, kw)), axes=(0, 1, 3, 5, 2, 4))
    return reshape(x, shape=(_lead(n), _times(channels, kh, kw), _times(oh, ow)))


def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Images as the sum of their windows (col2im): each is added to where `unfold` takes it from.

    Args:
        x: windows as columns, (N, C * KH * KW, windows).
        output_size: (height, width) of the images, or one integer for both.
        kernel_size, dilation, padding, stride: as of the `unfold` that would give x.

    Returns:
        Tensor (N, C, height, width).

    Raises:
        ValueError: bad values, other ranks, and a number of columns that the other arguments do not give.

    Example:
        >>> fold(ones((1, 8, 4)), 4, 2, stride=2).shape
        (1, 2, 4, 4)
    """
    x = operand(x)
    if len(x.shape) != 3:
        raise ValueError(f"[fold] x has shape {x.shape}, expected windows as columns, (N, C * KH * KW, windows)")
    height, width = _pair("fold", "output_size", output_size)
    rows, columns = _two_windows("fold", (height, width), kernel_size, dilation, padding, stride)
    (oh, kh), (ow, kw) = ((window.pop("count"), window["size"]) for window in (rows, columns))
    n, depth, count = x.shape
    if count not in (oh * ow, None) or (depth is not None and depth % (kh * kw)):
        raise ValueError(f"[fold] x has shape {x.shape}, expected a multiple of {kh} * {kw} along its second axis and {oh} * {ow} along "
                         f"its third: so many windows have images of {height} x {width}")
    channels = None if depth is None else depth // (kh * kw)
    x = transpose(reshape(x, shape=(_lead(n), channels, kh, kw, oh, ow)), axes=(0, 1, 4, 2, 5, 3))
    x = fold_axis(reshape(x, shape=(_lead(n, channels, oh, kh), ow, 1, kw, 1)), length=width, **columns)
    x = fold_axis(reshape(x, shape=(_lead(n, channels), oh, 1, kh, width)), length=height, **rows)
    return reshape(x, shape=(_lead(n), channels, height, width))


def _two_windows(name, sides, kernel_size, dilation, padding, stride):
    """For each side the windows as `unfold_axis` takes them."""
    pairs = [_pair(name, word, value, least) for word, value, least in
             (("kernel_size", kernel_size, 1), ("dilation", dilation, 1), ("padding", padding, 0), ("stride", stride, 1))]
    windows = []
    for side, size, step, border, stride in zip(sides, *pairs):
        span = (size - 1) * step + 1
        if side is not None and side + 2 * border < span:
            raise ValueError(f"[{name}] a window that covers {span} cells does not fit into a side of {side} with padding {border}: use a "
                             "smaller kernel_size or dilation, or more padding")
        count = None if side is None else (side + 2 * border - span) // stride + 1
        windows.append(dict(count=count, size=size, stride=stride, dilation=step, before=border))
    return windows


def _pair(name, word, value, least=1):
    values = (value, value) if isinstance(value, (int, np.integer)) else tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(values) != 2 or not all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) and v >= least for v in values):
        raise ValueError(f"[{name}] {word} is {value!r}, expected an integer >= {least}, or two of them")
    return tuple(int(v) for v in values)


# ---- Between space and channels ---------------------------------------------------------------------------------

def space_to_depth(x, block_size, data_format="channels_last"):
    """The pixels of each block of images side by side, as channels of one pixel.

    Args:
        x: images (N, H, W, C), or (N, C, H, W) where data_format is "channels_first".
        block_size: height and width of a block, at least 2, which divides those of the images.

    Returns:
        Tensor (N, H / block_size, W / block_size, C * block_size ** 2), or channels first.  The channels of a pixel stand
        side by side with channels last; with channels first the pixels of a channel do.

    Raises:
        ValueError: bad values, other ranks, and sides that block_size does not divide.

    Example:
        >>> space_to_depth(ones((1, 4, 4, 3)), 2).shape
        (1, 2, 2, 12)
    """
    x, first = _blocks("space_to_depth", x, block_size, data_format)
    n, *sides, channels = (x.shape[0], *x.shape[2:], x.shape[1]) if first else x.shape
    if any(side is not None and side % block_size for side in sides):
        raise ValueError(f"[space_to_depth] x has shape {x.shape}, expected a height and a width that block_size {block_size} divides")
    height, width = (None if side is None else side // block_size for side in sides)
    depth = _times(channels, block_size ** 2)
    if first:
        x = reshape(x, shape=(_lead(n), channels, height, block_size, width, block_size))
        return reshape(transpose(x, axes=(0, 1, 3, 5, 2, 4)), shape=(_lead(n), depth, height, width))
    x = reshape(x, shape=(_lead(n), height, block_size, width, block_size, channels))
    return reshape(transpose(x, axes=(0, 1, 3, 2, 4, 5)), shape=(_lead(n), height, width, depth))


def depth_to_space(x, block_size, data_format="channels_last"):
    """The channels of each pixel spread over a block of pixels: what `space_to_depth` undoes.

    Args:
        x: images (N, H, W, C), or (N, C, H, W) where data_format is "channels_first".
        block_size: height and width of a block, at least 2, whose square divides C.

    Returns:
        Tensor (N, H * block_size, W * block_size, C / block_size ** 2), or channels first.

    Raises:
        ValueError: bad values, other ranks, and channels that the square of block_size does not divide.

    Example:
        >>> depth_to_space(ones((1, 2, 2, 12)), 2).shape
        (1, 4, 4, 3)
    """
    x, first = _blocks("depth_to_space", x, block_size, data_format)
    n, height, width, depth = (x.shape[0], *x.shape[2:], x.shape[1]) if first else x.shape
    if depth is not None and depth % block_size ** 2:
        raise ValueError(f"[depth_to_space] x has {depth} channels, expected a number that block_size ** 2 = {block_size ** 2} divides")
    channels = None if depth is None else depth // block_size ** 2
    sides = _times(height, block_size), _times(width, block_size)
    if first:
        x = reshape(x, shape=(_lead(n), channels, block_size, block_size, height, width))
        return reshape(transpose(x, axes=(0, 1, 4, 2, 5, 3)), shape=(_lead(n), channels, *sides))
    x = reshape(x, shape=(_lead(n), height, width, block_size, block_size, channels))
    return reshape(transpose(x, axes=(0, 1, 3, 2, 4, 5)), shape=(_lead(n), *sides, channels))


def _blocks(name, x, block_size, data_format):
    x = operand(x)
    if len(x.shape) != 4:
        raise ValueError(f"[{name}] x has shape {x.shape}, expected images: four dimensions")
    if isinstance(block_size, bool) or not isinstance(block_size, (int, np.integer)) or block_size < 2:
        raise ValueError(f"[{name}] block_size is {block_size!r}, expected an integer >= 2")
    return x, _is_first(name, data_format)
