"""What the ops on running products compute, by NumPy."""
import numpy as np


def running_prod(x, axis):
    return np.cumprod(x, axis)


def running_prod_grad(dy, x, y, axis):
    """dx[k] = y[k - 1] times the sum over j >= k of dy[j] and x[k + 1] ... x[j]."""
    dy, x, y = [np.moveaxis(a, axis, 0).astype("float64") for a in (dy, x, y)]
    dx = np.zeros_like(x)
    for k in range(len(x)):
        total = sum(dy[j] * np.prod(x[k + 1:j + 1], 0) for j in range(k, len(x)))
        dx[k] = total * (y[k - 1] if k else 1)
    return np.moveaxis(dx, 0, axis)
