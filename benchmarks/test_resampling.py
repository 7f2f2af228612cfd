"""Axes brought to another length, and windows laid side by side, beside NumPy doing the same job."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.ops.fold import fold_axis, unfold_axis
from fastnn.ops.resampling import _matrix, resample

SHAPE = (8 * 56, 56, 64)
VOLUME = (4, 16, 1024, 16)
WINDOW = dict(size=3, stride=1, dilation=1, before=1)


def numbers(shape):
    return ops.convert_to_tensor(np.random.default_rng(1).standard_normal(shape, "float32"))


@pytest.mark.parametrize("method", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_resample(benchmark, engine, method):
    benchmark.group = f"resample {method} 448x56x64 to 448x112x64"
    x, matrix = numbers(SHAPE), _matrix(56, 112, method, False).T.astype("float32")
    benchmark((lambda: resample(x, length=56, size=112, method=method, antialias=False, transposed=False)) if engine == "fastnn" else
              lambda: matrix @ x.numpy())


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_unfold(benchmark, engine):
    benchmark.group = "unfold_axis 4x16x1024x16 by 3"
    x = numbers(VOLUME)

    def numpy():
        wide = np.pad(x.numpy(), [(0, 0), (1, 1), (0, 0), (0, 0)])
        return np.stack([wide[:, k:k + 16] for k in range(3)], axis=3)
    benchmark((lambda: unfold_axis(x, count=16, **WINDOW)) if engine == "fastnn" else numpy)


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_fold(benchmark, engine):
    benchmark.group = "fold_axis 4x16x1024x3x16"
    cols = numbers((4, 16, 1024, 3, 16))

    def numpy():
        wide = np.zeros((4, 18, 1024, 16), "float32")
        for k in range(3):
            wide[:, k:k + 16] += cols.numpy()[:, :, :, k]
        return wide[:, 1:-1]
    benchmark((lambda: fold_axis(cols, length=16, **WINDOW)) if engine == "fastnn" else numpy)
