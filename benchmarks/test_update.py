"""The optimizers' updates of a million parameters, and of a small network's, beside NumPy doing the same in place."""
import numpy as np
import pytest

from fastnn import optimizers
from fastnn.tensor import Tensor, Variable

SHAPES = {"a million": [(1000, 1000)], "a small network": [(784, 64), (64,), (64, 64), (64,), (64, 10), (10,)]}


def numpy_adam(w, g, m, v, step=3, lr=0.001, b1=0.9, b2=0.999, eps=1e-7):
    m += (g - m) * (1 - b1)
    v += (g * g - v) * (1 - b2)
    w -= lr * np.sqrt(1 - b2**step) / (1 - b1**step) * m / (np.sqrt(v) + eps)


def numpy_rmsprop(w, g, m, v, lr=0.001, rho=0.9, eps=1e-7):
    v *= rho
    v += (1 - rho) * g * g
    w -= lr * g / np.sqrt(v + eps)


def numpy_sgd(w, g, m, v, lr=0.01):
    w -= lr * g


NUMPY = {"adam": numpy_adam, "rmsprop": numpy_rmsprop, "sgd": numpy_sgd}


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("name", sorted(NUMPY))
@pytest.mark.parametrize("size", sorted(SHAPES))
def test_update(benchmark, engine, name, size):
    benchmark.group = f"{name}, {size}"
    rng = np.random.default_rng(0)
    arrays = [[np.abs(rng.standard_normal(shape)).astype("float32") for _ in range(4)] for shape in SHAPES[size]]
    if engine == "numpy":
        benchmark(lambda: [NUMPY[name](*a) for a in arrays])
        return
    optimizer = optimizers.get(name)
    variables, grads = [Variable(w) for w, *_ in arrays], [Tensor(g) for _, g, *_ in arrays]
    benchmark(optimizer.apply, grads, variables)
