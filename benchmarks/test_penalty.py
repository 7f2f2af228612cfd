"""Penalties on weights beside NumPy doing the same job."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.ops.penalty import penalty_grad


@pytest.mark.parametrize("size", [160_000, 4_000_000])
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_penalty(benchmark, engine, size):
    benchmark.group = f"penalty forward {size}"
    x = np.random.default_rng(1).standard_normal(size, "float32")
    if engine == "fastnn":
        tensor = ops.convert_to_tensor(x)
        benchmark(lambda: ops.penalty(tensor, l1=0.1, l2=0.2))
    else:
        benchmark(lambda: 0.1 * np.abs(x).sum() + 0.2 * np.square(x).sum())


@pytest.mark.parametrize("size", [160_000, 4_000_000])
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_penalty_grad(benchmark, engine, size):
    benchmark.group = f"penalty backward {size}"
    x = np.random.default_rng(1).standard_normal(size, "float32")
    if engine == "fastnn":
        tensor, dy = ops.convert_to_tensor(x), ops.convert_to_tensor(np.float32(1.5))
        benchmark(lambda: penalty_grad(dy, tensor, l1=0.1, l2=0.2))
    else:
        benchmark(lambda: 1.5 * (0.1 * np.sign(x) + 0.4 * x))
