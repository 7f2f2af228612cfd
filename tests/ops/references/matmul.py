"""Matrix products in NumPy, in double precision inside."""
import numpy as np

from .activation import activate


def turned(x, transposed):
    return np.swapaxes(x, -1, -2) if transposed and x.ndim > 1 else x


def matmul(a, b, *, transpose_a=False, transpose_b=False):
    return turned(a.astype("float64"), transpose_a) @ turned(b.astype("float64"), transpose_b)


def dense(x, w, b=None, *, activation="linear", alpha=1.0):
    y = x.astype("float64") @ w.astype("float64")
    return activate(y if b is None else y + b, activation, alpha)
