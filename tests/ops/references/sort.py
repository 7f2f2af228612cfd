"""What the ops that sort and search give, by NumPy."""
import numpy as np


def arrange(x, axis, keep=None, descending=False):
    n = x.shape[axis]
    order = n - 1 - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis) if descending else np.argsort(x, axis, kind="stable")
    order = np.take(order, np.arange(n if keep is None else keep), axis)
    return np.take_along_axis(x, order, axis), order.astype("int32")


def places_in(sorted_sequence, values, right=False):
    return np.searchsorted(sorted_sequence, values, "right" if right else "left").astype("int32")
