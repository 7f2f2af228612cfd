"""Random numbers and dropout beside NumPy's generator."""
import numpy as np
import pytest

from fastnn import ops, random

N = 64 * 26 * 26 * 32


@pytest.fixture
def state():
    return random.SeedGenerator(1).state


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_uniform(benchmark, engine, state):
    benchmark.group = f"uniform {N}"
    rng = np.random.default_rng(1)
    benchmark((lambda: ops.random_uniform(state, shape=(N,))) if engine == "fastnn" else lambda: rng.random(N, "float32"))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_normal(benchmark, engine, state):
    benchmark.group = f"normal {N}"
    rng = np.random.default_rng(1)
    benchmark((lambda: ops.random_normal(state, shape=(N,))) if engine == "fastnn" else lambda: rng.standard_normal(N, "float32"))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_permutation(benchmark, engine, state):
    benchmark.group = "permutation 60000"
    rng = np.random.default_rng(1)
    benchmark((lambda: ops.random_permutation(state, n=60000)) if engine == "fastnn" else lambda: rng.permutation(60000))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_dropout(benchmark, engine, state):
    benchmark.group = f"dropout forward {N}"
    rng = np.random.default_rng(1)
    x = ops.ones((N,))
    benchmark((lambda: ops.dropout(x, state, rate=0.5)) if engine == "fastnn" else
              lambda: x.numpy() * ((rng.random(N, "float32") >= 0.5) * np.float32(2)))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_dropout_gradient(benchmark, engine, state):
    benchmark.group = f"dropout backward {N}"
    x = ops.ones((N,))
    _, mask = ops.dropout_forward(x, state, rate=0.5)
    keep = np.random.default_rng(1).random(N) >= 0.5
    benchmark((lambda: ops.dropout_grad(x, mask, rate=0.5)) if engine == "fastnn" else
              lambda: np.where(keep, x.numpy() * np.float32(2), np.float32(0)))
