"""What the reductions compute, by NumPy."""
import numpy as np


def wide(x):
    return x.astype("float64") if x.dtype == "float32" else x


def reduce_sum(x, axes, keepdims):
    return wide(x).sum(axes, keepdims=keepdims)


def reduce_mean(x, axes, keepdims):
    return wide(x).mean(axes, keepdims=keepdims)


def reduce_max(x, axes, keepdims):
    return x.max(axes, keepdims=keepdims)


def reduce_min(x, axes, keepdims):
    return x.min(axes, keepdims=keepdims)


def reduce_prod(x, axes, keepdims):
    return x.prod(axes, keepdims=keepdims)


def reduce_any(x, axes, keepdims):
    return x.any(axes, keepdims=keepdims)


def reduce_all(x, axes, keepdims):
    return x.all(axes, keepdims=keepdims)


def place(best, x, axes, keepdims):
    kept = [k for k in range(x.ndim) if k not in axes]
    flat = x.transpose(kept + list(axes)).reshape([x.shape[k] for k in kept] + [-1])
    y = best(flat, -1).astype("int32")
    return y.reshape([1 if k in axes else n for k, n in enumerate(x.shape)]) if keepdims else y


def first_max(x, axes, keepdims):
    return place(np.argmax, x, axes, keepdims)


def first_min(x, axes, keepdims):
    return place(np.argmin, x, axes, keepdims)


def prod_grad(dy, x, axes):
    (axis,) = axes
    columns = np.moveaxis(x, axis, 0)
    others = [np.prod(np.delete(columns, k, 0), 0) for k in range(len(columns))]
    return np.moveaxis(np.array(others) * dy, 0, axis)


def running_sum(x, axis, reverse):
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis) if reverse else np.cumsum(x, axis)
