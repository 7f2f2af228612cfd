"""Reductions beside NumPy doing the same job."""
import numpy as np
import pytest

from fastnn import ops

SHAPES = [(32,), (128, 512), (64, 26, 26, 32)]


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("axes", ["all", "last", "all but the last"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("op", ["sum", "mean", "max"])
def test_reduction(benchmark, op, shape, axes, engine):
    benchmark.group = f"{op} over {axes} of {shape}"
    x = np.random.default_rng(1).standard_normal(shape, "float32")
    axis = {"all": None, "last": -1, "all but the last": tuple(range(len(shape) - 1))}[axes]
    t = ops.convert_to_tensor(x)
    benchmark((lambda: getattr(ops, op)(t, axis)) if engine == "fastnn" else lambda: getattr(x, op)(axis))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("shape", [(128, 10), (128, 512), (10000, 46)], ids=str)
def test_argmax(benchmark, shape, axis, engine):
    benchmark.group = f"argmax over axis {axis} of {shape}"
    x = np.random.default_rng(1).standard_normal(shape, "float32")
    t = ops.convert_to_tensor(x)
    benchmark((lambda: ops.argmax(t, axis)) if engine == "fastnn" else lambda: x.argmax(axis))
