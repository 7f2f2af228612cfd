"""Converters of ops along axes: reductions, softmax, running sums, sorts."""
import math

import numpy as np

from .onnx_converters import converts
from .sizes import Size, values_of

# ---- Reductions -------------------------------------------------------------------------------------------------

def reduce(g, kind, x, axes, keepdims):
    return g.node(kind, x, g.whole(axes), keepdims=int(keepdims)) if axes else x


def _reduction(name, kind):
    @converts(name)
    def convert(g, x, *, axes, keepdims):
        return reduce(g, kind, x, axes, keepdims)


for _name, _kind in {"reduce_sum": "ReduceSum", "reduce_mean": "ReduceMean", "reduce_max": "ReduceMax", "reduce_min": "ReduceMin",
                     "reduce_prod": "ReduceProd"}.items():
    _reduction(_name, _kind)


@converts("reduce_any")
def reduce_any(g, x, *, axes, keepdims):
    return g.cast(reduce(g, "ReduceMax", g.cast(x, "int32"), axes, keepdims), "bool")


@converts("reduce_all")
def reduce_all(g, x, *, axes, keepdims):
    return g.cast(reduce(g, "ReduceMin", g.cast(x, "int32"), axes, keepdims), "bool")


def _place(g, kind, x, axes, keepdims, to):
    if not axes:
        return g.constant(np.zeros((), "int32"), "zero")
    if len(axes) > 1:           # neighbours count as one axis
        sizes = [math.prod(column) for column in zip(*[values_of(x.shape[k], g.count) for k in axes])]
        flat = (*x.shape[:axes[0]], sizes[0] if len(set(sizes)) == 1 else Size(sizes), *x.shape[axes[-1] + 1:])
        y = _int64(g.node(kind, g.reshape(x, flat), axis=axes[0], keepdims=0))
        y.shape = flat[:axes[0]] + flat[axes[0] + 1:]
        return g.cast(g.reshape(y, to.shape), "int32")
    return g.cast(_int64(g.node(kind, x, axis=axes[0], keepdims=int(keepdims))), "int32")


def _int64(x):
    x.dtype = "int64"
    return x


@converts("first_max")
def first_max(g, x, *, axes, keepdims, to):
    return _place(g, "ArgMax", x, axes, keepdims, to)


@converts("first_min")
def first_min(g, x, *, axes, keepdims, to):
    return _place(g, "ArgMin", x, axes, keepdims, to)


# ---- Along one axis ---------------------------------------------------------------------------------------------

@converts("softmax")
def softmax(g, x, *, axis):
    return g.node("Softmax", x, axis=axis)


@converts("log_softmax")
def log_softmax(g, x, *, axis):
    return g.node("LogSoftmax", x, axis=axis)


@converts("running_sum")
def running_sum(g, x, *, axis, reverse):
    return g.node("CumSum", x, g.constant(axis, "axis"), reverse=int(reverse))


@converts("arrange")
def arrange(g, x, *, axis, keep, descending, to):
    y, order = g.node("TopK", x, g.sizes([to.shape[axis]]), results=2, axis=axis, largest=int(descending))
    return y, g.cast(_int64(order), "int32")


@converts("sparsemax_rows")
def sparsemax_rows(g, x):
    """The threshold is the largest (sum of the k largest elements - 1) / k (of Martins & Astudillo, 2016, algorithm 1)."""
    size = x.shape[-1]
    largest, _ = g.node("TopK", x, g.sizes([size]), results=2, axis=-1, largest=1)
    sums = g.node("Sub", g.node("CumSum", largest, g.constant(x.rank - 1, "axis")), g.number(1.0, x))
    quotients = g.node("Div", sums, g.constant(np.arange(1, size + 1, dtype=x.dtype), "counts"))
    threshold = g.node("ReduceMax", quotients, g.whole([-1]), keepdims=1)
    return g.node("Max", g.node("Sub", x, threshold), g.number(0.0, x))
