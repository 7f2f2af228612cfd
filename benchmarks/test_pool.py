"""Pooling beside NumPy doing the same job."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.ops.conv_pool import conv2d_max_pool_backward_weights, conv2d_max_pool_forward, max_pool2d_act_backward
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


# ---- Behind a convolution: in one op, and one after the other ----

CONVOLUTIONS = [((20, 150, 150, 3), 32), ((20, 74, 74, 32), 64), ((64, 28, 28, 1), 32)]


def convolution(shape, filters):
    rng = np.random.default_rng(1)
    x, w, b = (ops.convert_to_tensor(rng.standard_normal(s, "float32")) for s in (shape, (3, 3, shape[3], filters), filters))
    y, index = conv2d_max_pool_forward(x, w, b, pool_size=(2, 2), pool_strides=(2, 2), activation="relu")
    return x, w, b, y, index


@pytest.mark.parametrize("shape, filters", CONVOLUTIONS, ids=lambda v: name(v) if isinstance(v, tuple) else str(v))
@pytest.mark.parametrize("engine", ["one", "apart"])
def test_convolution_and_max_pool(benchmark, engine, shape, filters):
    benchmark.group = f"conv2d, relu, max_pool2d forward {name(shape)} {filters}"
    x, w, b, _, _ = convolution(shape, filters)
    benchmark((lambda: ops.conv2d_max_pool(x, w, b, pool_size=(2, 2), activation="relu")) if engine == "one" else
              lambda: ops.max_pool2d(ops.conv2d(x, w, b, activation="relu"), **WINDOW))


@pytest.mark.parametrize("shape, filters", CONVOLUTIONS, ids=lambda v: name(v) if isinstance(v, tuple) else str(v))
@pytest.mark.parametrize("engine", ["one", "apart"])
def test_gradient_before_the_activation(benchmark, engine, shape, filters):
    benchmark.group = f"conv2d, relu, max_pool2d backward to dz, db {name(shape)} {filters}"
    x, w, b, y, index = convolution(shape, filters)
    image = shape[1] - 2, shape[2] - 2
    full = ops.conv2d(x, w, b, activation="relu")
    one = dict(image=image, pool_size=(2, 2), strides=(2, 2), activation="relu")
    benchmark((lambda: max_pool2d_act_backward(y, y, index, **one)) if engine == "one" else
              lambda: ops.bias_act_backward(max_pool2d_grad(y, index, image=image, **WINDOW), full, activation="relu"))


@pytest.mark.parametrize("shape, filters", [CONVOLUTIONS[0], CONVOLUTIONS[2]], ids=lambda v: name(v) if isinstance(v, tuple) else str(v))
@pytest.mark.parametrize("engine", ["one", "apart"])
def test_gradient_of_the_first_kernel(benchmark, engine, shape, filters):
    benchmark.group = f"conv2d, relu, max_pool2d backward to dw, db {name(shape)} {filters}"
    x, _, _, y, index = convolution(shape, filters)
    attrs = dict(kernel_size=(3, 3), strides=(1, 1), padding="valid", dilation_rate=(1, 1), groups=1)

    def apart():
        dz, db = max_pool2d_act_backward(y, y, index, image=(shape[1] - 2, shape[2] - 2), pool_size=(2, 2), strides=(2, 2), activation="relu")
        return ops.conv2d_backward_weights(x, dz, **attrs), db
    benchmark((lambda: conv2d_max_pool_backward_weights(x, y, y, index, pool_size=(2, 2), pool_strides=(2, 2), activation="relu", **attrs))
              if engine == "one" else apart)
