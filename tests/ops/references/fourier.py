"""Fourier transforms by their matrices."""
import numpy as np


def matrix(n, inverse):
    return np.exp((2j if inverse else -2j) * np.pi * np.outer(np.arange(n), np.arange(n)) / n)


def dft(real, imag, *, ndim=1, inverse=False, norm="backward"):
    y, count = real.astype("float64") + 1j * imag, 1
    for axis in range(-ndim, 0):
        y = np.moveaxis(np.moveaxis(y, axis, -1) @ matrix(y.shape[axis], inverse), -1, axis)
        count *= y.shape[axis]
    y = y / count if inverse == (norm == "backward") else y
    return y.real, y.imag


def real_dft(x):
    return [part[..., :x.shape[-1] // 2 + 1] for part in dft(x, 0 * x)]


def real_idft(real, imag, *, n):
    """From the half that is known, and its mirror image; the ends are real."""
    z = real.astype("float64") + 1j * imag
    ends = [0] + [n // 2] * (n % 2 == 0)
    z[..., ends] = z[..., ends].real
    mirrored = np.conj(z[..., 1:(n + 1) // 2][..., ::-1])
    z = np.concatenate([z, mirrored], -1)
    return dft(z.real, z.imag, inverse=True)[0]
