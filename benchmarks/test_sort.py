"""Sorting, selecting, searching and scattering beside NumPy doing the same job."""
import numpy as np
import pytest

from fastnn import ops

SHAPES = [(64, 10), (20000, 50), (128, 1000), (1000000,)]


def floats(shape):
    return np.random.default_rng(1).standard_normal(shape, "float32")


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("op", ["sort", "argsort"])
def test_sort(benchmark, op, shape, engine):
    benchmark.group = f"{op} of the last axis of {shape}"
    x = floats(shape)
    t = ops.convert_to_tensor(x)
    stable = {"kind": "stable"} if op == "argsort" else {}
    benchmark((lambda: getattr(ops, op)(t)) if engine == "fastnn" else lambda: getattr(np, op)(x, -1, **stable))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_top_k(benchmark, shape, engine):
    benchmark.group = f"the 5 largest of the last axis of {shape}"
    x = floats(shape)
    t = ops.convert_to_tensor(x)
    benchmark((lambda: ops.top_k(t, 5)) if engine == "fastnn" else lambda: np.argpartition(x, -5, -1)[..., -5:])


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_searchsorted(benchmark, engine):
    benchmark.group = "100000 places among a million"
    s, x = np.sort(floats((1000000,))), floats((100000,))
    a, t = ops.convert_to_tensor(s), ops.convert_to_tensor(x)
    benchmark((lambda: ops.searchsorted(a, t)) if engine == "fastnn" else lambda: np.searchsorted(s, x))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_segment_sum(benchmark, engine):
    benchmark.group = "100000 rows of 16 added up in 1000 segments"
    x, ids = floats((100000, 16)), np.random.default_rng(2).integers(0, 1000, 100000)
    t, i = ops.convert_to_tensor(x), ops.convert_to_tensor(ids)

    def by_numpy():
        y = np.zeros((1000, 16), "float32")
        np.add.at(y, ids, x)
    benchmark((lambda: ops.segment_sum(t, i, 1000)) if engine == "fastnn" else by_numpy)
