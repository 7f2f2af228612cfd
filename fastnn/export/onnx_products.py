"""Converters of matrix products, attention and normalisations."""
import numpy as np

from .onnx_converters import converts
from .onnx_elementwise import activate
from .sizes import Size

# ---- Products ---------------------------------------------------------------------------------------------------

@converts("matmul")
def matmul(g, a, b, *, transpose_a, transpose_b):
    return g.node("MatMul", *[_swapped(g, x) if turned and x.rank > 1 else x for x, turned in ((a, transpose_a), (b, transpose_b))])


def _swapped(g, x):
    return g.transpose(x, (*range(x.rank - 2), x.rank - 1, x.rank - 2))


@converts("dense")
def dense(g, x, w, b, *, activation, alpha):
    if x.rank == 2:
        y = g.node("Gemm", x, w, b)
    else:
        y = g.node("MatMul", x, w)
        y = y if b is None else g.node("Add", y, b)
    return activate(g, y, activation, alpha)


@converts("attention")
def attention(g, query, key, value, mask, *, scale, causal):
    """softmax(scale * query key^T) value, head by head; where a query sees no key all of them count alike."""
    heads = query.shape[2]
    key, value = [_shared(g, x, heads) for x in (key, value)]
    query = g.node("Mul", g.transpose(query, (0, 2, 1, 3)), g.number(scale, query))
    scores = g.node("MatMul", query, g.transpose(key, (0, 2, 3, 1)))
    for seen in (mask, _causal(g, query, key) if causal else None):
        if seen is not None:
            scores = g.node("Where", seen, scores, g.constant(np.float32(-1e30), "hidden"))
            scores.dtype = "float32"
    y = g.node("MatMul", g.node("Softmax", scores, axis=-1), g.transpose(value, (0, 2, 1, 3)))
    return g.transpose(y, (0, 2, 1, 3)), None


def _shared(g, x, heads):
    """Keys or values with as many heads as the queries: each serves its group."""
    own = x.shape[2]
    if own == heads:
        return x
    y = g.node("Gather", x, g.whole(np.arange(heads) // (heads // own)), axis=2)
    y.shape = (*x.shape[:2], heads, x.shape[3])
    return y


def _causal(g, query, key):
    """Which query sees which key: those up to its own place."""
    steps, keys = g.near[0].shape[1], key.shape[1]
    if steps.__class__ is not Size and keys.__class__ is not Size:
        return g.constant(np.tri(steps, keys, dtype=bool), "causal")
    rows, columns = [g.node("Range", g.whole(0), g.node("Squeeze", g.sizes([n]), g.whole([0])), g.whole(1)) for n in (steps, keys)]
    y = g.node("GreaterOrEqual", g.node("Unsqueeze", rows, g.whole([1])), columns)
    y.dtype = "bool"
    return y


# ---- Normalisations ---------------------------------------------------------------------------------------------

@converts("batch_norm_inference")
def batch_norm_inference(g, x, gamma, beta, mean, variance, *, epsilon, activation):
    channels = x.shape[-1]
    gamma, beta = gamma or _filled(g, 1, channels, x), beta or _filled(g, 0, channels, x)
    first = g.channels_first(x, x.rank) if x.rank > 2 else x
    y = activate(g, g.node("BatchNormalization", first, gamma, beta, mean, variance, epsilon=epsilon), activation)
    return (g.channels_last(y, x.rank) if x.rank > 2 else y), None


def _filled(g, value, shape, like):
    return g.constant(np.full(shape, value, like.dtype), "ones" if value else "zeros")


@converts("layer_norm")
def layer_norm(g, x, gamma, beta, *, epsilon, axes):
    gamma = gamma or _filled(g, 1, x.shape[x.rank - axes:], x)
    y, mean, rstd = g.node("LayerNormalization", x, gamma, beta, results=3, axis=-axes, epsilon=epsilon)
    sides = x.shape[:x.rank - axes]
    for moment in (mean, rstd):
        moment.shape = (*sides, *[1] * axes)
    return y, g.reshape(mean, sides), g.reshape(rstd, sides)


@converts("rms_norm")
def rms_norm(g, x, scale, *, epsilon, axes):
    power = g.node("ReduceMean", g.node("Mul", x, x), g.whole(range(-axes, 0)), keepdims=1)
    y = g.node("Div", x, g.node("Sqrt", g.node("Add", power, g.number(epsilon, x))))
    return y if scale is None else g.node("Mul", y, scale), None


@converts("group_norm")
def group_norm(g, x, gamma, beta, *, groups, epsilon):
    """The channels of a group as an axis of their own, over which and over the positions it is normalised."""
    *sides, channels = x.shape
    apart = g.reshape(x, (*sides, groups, channels // groups))
    axes = g.whole([k for k in range(1, x.rank + 1) if k != x.rank - 1])
    away = g.node("Sub", apart, g.node("ReduceMean", apart, axes, keepdims=1))
    variance = g.node("ReduceMean", g.node("Mul", away, away), axes, keepdims=1)
    y = g.node("Div", away, g.node("Sqrt", g.node("Add", variance, g.number(epsilon, x))))
    y.shape = apart.shape
    y = g.reshape(y, x.shape)
    y = y if gamma is None else g.node("Mul", y, gamma)
    return (y if beta is None else g.node("Add", y, beta)), None, None
