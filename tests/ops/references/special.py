"""What the rarer functions compute, by NumPy or from sums and integrals."""
import math

import numpy as np

cbrt, signbit, i0, fmod, nextafter, heaviside = np.cbrt, np.signbit, np.i0, np.fmod, np.nextafter, np.heaviside


def i1(x):
    """By Bessel's integral: the mean of exp(x cos t) cos t over a period, to all digits."""
    t = (np.arange(64) + 0.5) * math.pi / 32
    return np.stack([np.mean(np.exp(v * np.cos(t)) * np.cos(t)) for v in np.ravel(x).astype("float64")] or [0.0])[:np.size(x)].reshape(x.shape)


def erfinv(x):
    """By bisection."""
    erf = np.vectorize(math.erf, otypes=[float])
    if not x.size:
        return x
    low, high = np.full(x.shape, -6.0), np.full(x.shape, 6.0)
    for _ in range(60):
        middle = (low + high) / 2
        below = erf(middle) < x
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def times_power_of_two(x1, x2):
    return x1 * 2.0 ** x2
