"""Batch normalisation beside NumPy doing the same job."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.tensor import Variable

SHAPES = [(64, 26, 26, 32), (128, 512)]


def name(shape):
    return "x".join(map(str, shape))


def data(shape):
    rng = np.random.default_rng(1)
    c = shape[-1]
    x, gamma, beta = (ops.convert_to_tensor(rng.standard_normal(s, "float32")) for s in (shape, c, c))
    return x, gamma, beta, Variable(np.zeros(c, "float32"), trainable=False), Variable(np.ones(c, "float32"), trainable=False)


@pytest.mark.parametrize("shape", SHAPES, ids=name)
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_training(benchmark, engine, shape):
    benchmark.group = f"batch_norm forward {name(shape)}"
    args = data(shape)
    x, gamma, beta, mean, variance = (a.data for a in args)

    def numpy():
        m, v = x.reshape(-1, shape[-1]).mean(0), x.reshape(-1, shape[-1]).var(0)
        mean[:], variance[:] = mean * 0.99 + m * 0.01, variance * 0.99 + v * 0.01
        return (x - m) * (gamma / np.sqrt(v + 1e-3)) + beta
    benchmark((lambda: ops.batch_norm(*args, momentum=0.99, epsilon=1e-3)) if engine == "fastnn" else numpy)


@pytest.mark.parametrize("shape", SHAPES, ids=name)
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_gradient(benchmark, engine, shape):
    benchmark.group = f"batch_norm backward {name(shape)}"
    x, gamma, beta, mean, rstd = data(shape)

    def numpy():
        dy, n = x.data, x.size // shape[-1]
        xhat = (x.data - mean.data) * rstd.data
        dbeta, dgamma = dy.reshape(-1, shape[-1]).sum(0), (dy * xhat).reshape(-1, shape[-1]).sum(0)
        return (dy - (dbeta + xhat * dgamma) / np.float32(n)) * (gamma.data * rstd.data), dgamma, dbeta
    benchmark((lambda: ops.batch_norm_grad(x, x, gamma, beta, mean, rstd)) if engine == "fastnn" else numpy)


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("engine", ["one", "apart"])
def test_with_relu(benchmark, engine, direction):
    """In the same pass, and as an op of its own."""
    benchmark.group = f"batch_norm, relu {direction} {name(SHAPES[0])}"
    args = x, gamma, beta, mean, rstd = data(SHAPES[0])
    training = dict(momentum=0.99, epsilon=1e-3)
    if direction == "forward":
        benchmark((lambda: ops.batch_norm(*args, **training, activation="relu")) if engine == "one" else
                  lambda: ops.relu(ops.batch_norm(*args, **training)[0]))
    else:
        benchmark((lambda: ops.batch_norm_grad(x, *args, activation="relu")) if engine == "one" else
                  lambda: ops.batch_norm_grad(ops.relu_grad(x, x), *args))


@pytest.mark.parametrize("shape", SHAPES, ids=name)
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_inference(benchmark, engine, shape):
    benchmark.group = f"batch_norm inference {name(shape)}"
    args = data(shape)
    x, gamma, beta, mean, variance = (a.data for a in args)
    benchmark((lambda: ops.batch_norm_inference(*args, epsilon=1e-3)) if engine == "fastnn" else
              lambda: (x - mean) * (gamma / np.sqrt(variance + 1e-3)) + beta)
