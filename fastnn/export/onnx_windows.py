"""Converters of convolutions, pooling and resizing: images have their channels last here, and first in ONNX."""
import numpy as np

from ..ops.resampling import _matrix
from .onnx_converters import converts
from .onnx_elementwise import activate
from .sizes import Size, values_of
from .trace import refusal


def pads_of(g, sides, window, strides, padding, dilation):
    """The border of "same" or "valid" or a given one: (before, behind) of each side; None: what SAME_UPPER makes of open sides."""
    if padding == "valid":
        return [(0, 0)] * len(window)
    if padding != "same":
        return [tuple(pair) for pair in padding]
    found = []
    for n, k, s, d in zip(sides, window, strides, dilation):
        totals = {max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0) for size in values_of(n, g.count)}
        if len(totals) > 1 or n.__class__ is Size and s > 1:
            return None
        total = totals.pop()
        found.append((total // 2, total - total // 2))
    return found


def bordered(g, x, kind, *weights, window, strides, padding, dilation, sides, results=1, **more):
    """A convolution or pooling of images with channels first."""
    pads = pads_of(g, sides, window, strides, padding, dilation)
    attributes = dict(kernel_shape=list(window), strides=list(strides), **more)
    if kind != "AveragePool" or set(dilation) != {1}:
        attributes["dilations"] = list(dilation)
    if pads is None:
        if set(dilation) != {1}:
            raise refusal(g.layer, 'has padding="same" with strides and a dilation_rate on open sizes')
        return g.node(kind, x, *weights, auto_pad="SAME_UPPER", **attributes)
    x = cropped(g, x, [tuple(min(n, 0) for n in pair) for pair in pads])
    pads = [tuple(max(n, 0) for n in pair) for pair in pads]
    return g.node(kind, x, *weights, pads=[a for a, _ in pads] + [b for _, b in pads], **attributes)


def cropped(g, x, borders):
    """The sides of images with channels first made longer by zeros, or shorter where a border is negative."""
    if not any(n for pair in borders for n in pair):
        return x
    pads = [0, 0, *[a for a, _ in borders], 0, 0, *[b for _, b in borders]]
    return g.node("Pad", x, g.whole(pads), mode="constant")


# ---- Convolutions -----------------------------------------------------------------------------------------------

def convolution(g, x, w, b, strides, padding, dilation_rate, groups, activation, alpha):
    """Images with channels first, from images with channels last."""
    y = bordered(g, g.channels_first(x), "Conv", g.transpose(w, (3, 2, 0, 1)), *([] if b is None else [b]), window=w.shape[:2],
                 strides=strides, padding=padding, dilation=dilation_rate, sides=x.shape[1:3], group=groups)
    return activate(g, y, activation, alpha)


@converts("conv2d")
def conv2d(g, x, w, b, *, strides, padding, dilation_rate, groups, activation, alpha):
    return g.channels_last(convolution(g, x, w, b, strides, padding, dilation_rate, groups, activation, alpha))


@converts("conv2d_max_pool_forward")
def conv2d_max_pool_forward(g, x, w, b, *, pool_size, pool_strides, strides, padding, dilation_rate, groups, activation, alpha):
    y = convolution(g, x, w, b, strides, padding, dilation_rate, groups, activation, alpha)
    return g.channels_last(g.node("MaxPool", y, kernel_shape=list(pool_size), strides=list(pool_strides))), None


@converts("conv2d_backward_data")
def conv2d_backward_data(g, dy, w, *, image, strides, padding, dilation_rate, groups):
    """The transposed convolution; what is cut off of the whole before and behind is its border."""
    cuts = []
    for k, n, size, kernel, s, d in zip((0, 1), dy.shape[1:3], image, w.shape, strides, dilation_rate):
        whole = [(m - 1) * s + (kernel - 1) * d + 1 for m in values_of(n, g.count)]
        sizes = values_of(size, g.count)
        if padding == "same":
            before = [max((m - 1) * s + (kernel - 1) * d + 1 - size, 0) // 2 for m, size in zip(values_of(n, g.count), sizes)]
        else:
            before = [0 if padding == "valid" else padding[k][0]] * g.count
        pairs = {(a, full - a - size) for a, full, size in zip(before, whole, sizes)}
        if len(pairs) > 1:
            raise refusal(g.layer, "cuts off more for some sizes of its input than for others")
        cuts.append(pairs.pop())
    pads = [max(a, 0) for a, _ in cuts] + [max(b, 0) for _, b in cuts]
    y = g.node("ConvTranspose", g.channels_first(dy), g.transpose(w, (3, 2, 0, 1)), kernel_shape=list(w.shape[:2]),
               strides=list(strides), dilations=list(dilation_rate), group=groups, pads=pads)
    return g.channels_last(cropped(g, y, [(max(-a, 0), max(-b, 0)) for a, b in cuts]))


# ---- Pooling ----------------------------------------------------------------------------------------------------

def _pool(g, x, kind, pool_size, strides, padding, **more):
    return g.channels_last(bordered(g, g.channels_first(x), kind, window=pool_size, strides=strides, padding=padding,
                                    dilation=(1, 1), sides=x.shape[1:3], **more))


@converts("max_pool2d_forward")
def max_pool2d_forward(g, x, *, pool_size, strides, padding):
    return _pool(g, x, "MaxPool", pool_size, strides, padding), None


@converts("average_pool2d_forward")
def average_pool2d_forward(g, x, *, pool_size, strides, padding):
    return _pool(g, x, "AveragePool", pool_size, strides, padding, count_include_pad=0)


def _global(g, x, kind, keepdims):
    y = g.node(kind, g.channels_first(x))
    return g.channels_last(y) if keepdims else g.node("Squeeze", y, g.whole([2, 3]))


@converts("global_max_pool2d")
def global_max_pool2d(g, x, *, keepdims):
    return _global(g, x, "GlobalMaxPool", keepdims)


@converts("global_average_pool2d")
def global_average_pool2d(g, x, *, keepdims):
    return _global(g, x, "GlobalAveragePool", keepdims)


# ---- By constant tables -----------------------------------------------------------------------------------------

def _known(g, word, *sizes):
    if any(n.__class__ is Size for n in sizes):
        raise refusal(g.layer, f"{word} along an axis of open size")


@converts("resample")
def resample(g, x, *, length, size, method, antialias, transposed):
    """A product with the constant matrix that resizing along an axis is."""
    _known(g, "resizes or pools", length, size)
    matrix = _matrix(length, size, method, antialias)
    return g.node("MatMul", g.constant((matrix if transposed else matrix.T).astype(x.dtype), "resampling"), x)


@converts("unfold_axis")
def unfold_axis(g, x, *, count, size, stride, dilation, before):
    """Planes gathered by a table; those outside are the plane of zeros behind the last."""
    _known(g, "lays windows side by side", count, x.shape[1])
    places = np.arange(count)[:, None] * stride - before + np.arange(size) * dilation
    outside = (places < 0) | (places >= x.shape[1])
    if outside.any():
        x = g.node("Pad", x, g.whole([0] * 5 + [1, 0, 0]), mode="constant")
    places[outside] = -1
    return g.transpose(g.node("Gather", x, g.whole(places), axis=1), (0, 1, 3, 2, 4))


@converts("fold_axis")
def fold_axis(g, cols, *, length, size, stride, dilation, before):
    """A product with the matrix that says which plane of which window goes where."""
    _known(g, "adds windows up", length, cols.shape[1])
    a, count, b, _, e = cols.shape
    places = np.arange(count)[:, None] * stride - before + np.arange(size) * dilation
    matrix = (np.arange(length)[:, None] == places.ravel()).astype(cols.dtype)
    side = Size(m * n for m, n in zip(values_of(b, g.count), values_of(e, g.count)))
    side = side if len(set(side.values)) > 1 else side.values[0]
    turned = g.transpose(cols, (0, 1, 3, 2, 4))
    y = g.node("MatMul", g.constant(matrix, "folding"), g.reshape(turned, (a, count * size, side)))
    y.shape = (a, length, side)
    return g.reshape(y, (a, length, b, e))
