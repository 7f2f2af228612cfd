"""Linear algebra in NumPy."""
import numpy as np


def lu_factors(x):
    lu = x.astype("float64")
    m, n = x.shape[-2:]
    pivots = np.zeros(x.shape[:-2] + (min(m, n),), "int32")
    for where in np.ndindex(*x.shape[:-2]):
        a = lu[where]
        for k in range(min(m, n)):
            pivots[where + (k,)] = p = k + np.argmax(np.abs(a[k:, k]))
            a[[k, p]] = a[[p, k]]
            a[k + 1:, k] /= a[k, k]
            a[k + 1:, k + 1:] -= np.outer(a[k + 1:, k], a[k, k + 1:])
    return lu, pivots


def solve_triangle(a, b, *, lower, transpose):
    a = np.tril(a) if lower else np.triu(a)
    return np.linalg.solve(np.swapaxes(a, -1, -2) if transpose else a, b)


def solve_system(a, b, *, transpose):
    return np.linalg.solve(np.swapaxes(a, -1, -2) if transpose else a, b)


def log_determinant(x):
    return tuple(np.linalg.slogdet(x))


def determinant(x):
    return np.linalg.det(x)


def cholesky_factor(x):
    return np.linalg.cholesky((x + np.swapaxes(x, -1, -2)) / 2)
