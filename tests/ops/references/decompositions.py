"""Decompositions: NumPy's own, in float64."""
import numpy as np


def symmetric_eigen(x):
    return tuple(np.linalg.eigh((x + np.swapaxes(x, -1, -2)) / 2))


def real_eigen(x):
    return tuple(np.linalg.eig(x))


def thin_svd(x):
    return tuple(np.linalg.svd(x, full_matrices=False))


def full_svd(x):
    return tuple(np.linalg.svd(x))


def singular_values(x):
    return np.linalg.svd(x, compute_uv=False)


def orthogonal_factors(x, *, complete=False):
    return tuple(np.linalg.qr(x, "complete" if complete else "reduced"))


def pseudoinverse(x, *, rcond):
    return np.linalg.pinv(x, rcond)
