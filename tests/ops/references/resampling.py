"""Axes brought to another length, by the whole matrix, one result after the other."""
import math

import numpy as np


def keys(x):
    a = -0.5
    if x < 1:
        return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1
    return a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a if x < 2 else 0


def lanczos(x, radius):
    if x == 0:
        return 1
    t = math.pi * x
    return radius * math.sin(t) * math.sin(t / radius) / t ** 2 if x < radius else 0


KERNELS = {"bilinear": lambda x: max(1 - x, 0), "bicubic": keys, "lanczos3": lambda x: lanczos(x, 3), "lanczos5": lambda x: lanczos(x, 5)}


def column(length, size, o, method, antialias):
    """The weights of all cells in result o."""
    step = length / size
    if method == "nearest":
        return [float(d <= (o + 0.5) * step < d + 1) for d in range(length)]
    if method == "average":
        inside = [math.floor(o * step + 1e-9) <= d < math.ceil((o + 1) * step - 1e-9) for d in range(length)]
        return [one / sum(inside) for one in inside]
    width = max(step, 1) if antialias else 1
    weights = [KERNELS[method](abs((o + 0.5) * step - 0.5 - d) / width) for d in range(length)]
    return [w / sum(weights) for w in weights]


def resample(x, *, length, size, method, antialias, transposed):
    matrix = np.array([column(length, size, o, method, antialias) for o in range(size)])
    return np.einsum("ld,adb->alb", matrix.T if transposed else matrix, x).astype(x.dtype)
