"""NumPy, with results written into arrays that are there."""
import numpy as np

from .cases import data


def start(threads, engine):
    """Its BLAS reads the number of threads from the environment."""


def arrays(found):
    return [np.array(found)]


def product(case, m, k, n, transposes):
    ta, tb = (t == "t" for t in transposes)
    a, b = data(case, "a", *((k, m) if ta else (m, k))), data(case, "b", *((n, k) if tb else (k, n)))
    a, b, y = a.T if ta else a, b.T if tb else b, np.empty((m, n), "f4")
    return {"product": lambda: np.matmul(a, b, out=y)}


def layer(case, m, k, n):
    x, w, dy = data(case, "x", m, k), data(case, "w", k, n), data(case, "dy", m, n)
    y, dw, dx = np.empty((m, n), "f4"), np.empty((k, n), "f4"), np.empty((m, k), "f4")
    outer = np.multiply if m == 1 else np.matmul        # of one row its BLAS makes a detour
    return {"forward": lambda: np.matmul(x, w, out=y), "weights": lambda: outer(x.T, dy, out=dw),
            "data": lambda: np.matmul(dy, w.T, out=dx)}


def unary(case, name, n):
    x, y = np.abs(data(case, "x", n)), np.empty(n, "f4")
    if name == "sigmoid":
        def sigmoid():
            np.negative(x, out=y)
            np.exp(y, out=y)
            np.add(y, 1, out=y)
            return np.reciprocal(y, out=y)
        return {name: sigmoid}
    return {name: lambda: getattr(np, name)(x, out=y)}


def binary(case, name, n):
    x, z, y = data(case, "x", n), data(case, "z", n), np.empty(n, "f4")
    return {name: lambda: getattr(np, name)(x, z, out=y)}


def sum(case, axis):
    x, y = data(case, "x", 4096, 256), np.empty((4096, 256)[1 - axis], "f4")
    return {"sum": lambda: np.sum(x, axis=axis, out=y)}


def random(case, name, n):
    generator, y = np.random.default_rng(7), np.empty(n, "f4")
    draw = generator.random if name == "uniform" else generator.standard_normal
    return {name: lambda: draw(out=y, dtype=np.float32)}


JOBS = {f.__name__: f for f in (product, layer, unary, binary, sum, random)}
