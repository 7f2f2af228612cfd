"""Pooling beside NumPy doing the same job."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.ops.pool import average_pool2d_grad, max_pool2d_forward, max_pool2d_grad

SHAPES = [(64, 26, 26, 32), (20, 148, 148, 32)]
WINDOW = dict(pool_size=(2, 2), strides=(2, 2), padding="valid")


def images(shape):
    return ops.convert_to_tensor(np.random.default_rng(1).standard_normal(shape, "float32"))


def cells(x):
    """(N, OH, 2, OW, 2, C)"""
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c)


def name(shape):
    return "x".join(map(str, shape))


@pytest.mark.parametrize("shape", SHAPES, ids=name)
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_max_pool(benchmark, engine, shape):
    benchmark.group = f"max_pool2d forward {name(shape)}"
    x = images(shape)
    benchmark((lambda: ops.max_pool2d(x, **WINDOW)) if engine == "fastnn" else lambda: cells(x.numpy()).max((2, 4)))


@pytest.mark.parametrize("shape", SHAPES, ids=name)
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_max_pool_gradient(benchmark, engine, shape):
    benchmark.group = f"max_pool2d backward {name(shape)}"
    x = images(shape)
    y, index = max_pool2d_forward(x, image=shape[1:3], **WINDOW)

    def numpy():
        wide = y.numpy()[:, :, None, :, None]
        return np.where(cells(x.numpy()) == wide, wide, 0).reshape(shape)
    benchmark((lambda: max_pool2d_grad(y, index, image=shape[1:3], **WINDOW)) if engine == "fastnn" else numpy)


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_average_pool(benchmark, engine):
    benchmark.group = f"average_pool2d forward {name(SHAPES[0])}"
    x = images(SHAPES[0])
    benchmark((lambda: ops.average_pool2d(x, **WINDOW)) if engine == "fastnn" else lambda: cells(x.numpy()).mean((2, 4)))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_average_pool_gradient(benchmark, engine):
    benchmark.group = f"average_pool2d backward {name(SHAPES[0])}"
    dy = images((64, 13, 13, 32))
    benchmark((lambda: average_pool2d_grad(dy, image=(26, 26), **WINDOW)) if engine == "fastnn" else
              lambda: np.repeat(np.repeat(dy.numpy() * np.float32(0.25), 2, 1), 2, 2))


@pytest.mark.parametrize("function", ["max", "average"])
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_global_pool(benchmark, engine, function):
    benchmark.group = f"global_{function}_pool2d forward 64x11x11x64"
    x = images((64, 11, 11, 64))
    ours = ops.global_max_pool2d if function == "max" else ops.global_average_pool2d
    theirs = np.max if function == "max" else np.mean
    benchmark((lambda: ours(x)) if engine == "fastnn" else lambda: theirs(x.numpy(), (1, 2)))
