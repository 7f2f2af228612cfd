"""Windows along one axis with NumPy, cell by cell."""
import numpy as np


def cells(length, count, size, stride, dilation, before):
    """(window, tap, cell) of those inside."""
    for o in range(count):
        for k in range(size):
            at = o * stride - before + k * dilation
            if 0 <= at < length:
                yield o, k, at


def unfold_axis(x, *, count, size, stride, dilation, before):
    a, d, b, e = x.shape
    cols = np.zeros((a, count, b, size, e), x.dtype)
    for o, k, at in cells(d, count, size, stride, dilation, before):
        cols[:, o, :, k] = x[:, at]
    return cols


def fold_axis(cols, *, length, size, stride, dilation, before):
    a, count, b, _, e = cols.shape
    x = np.zeros((a, length, b, e), cols.dtype)
    for o, k, at in cells(length, count, size, stride, dilation, before):
        x[:, at] += cols[:, o, :, k]
    return x
