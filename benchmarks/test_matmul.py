"""Matrix products of dense layers, forward and both gradients, and the gradient of bias and activation, beside NumPy."""
import numpy as np
import pytest

import fastnn.ops as ops
from fastnn.tensor import Tensor

SQUARES = [64, 128, 256, 512, 1024, 2048]
LAYERS = [(128, 784, 512), (64, 576, 64), (512, 10000, 16), (32, 8192, 256), (128, 512, 10), (16, 13, 64), (1, 784, 512),
          (1, 8192, 256), (1, 512, 10), (1, 64, 64)]


def data(*shape):
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def beside(benchmark, group, engine, fastnn, numpy):
    benchmark.group = group
    np.testing.assert_allclose(fastnn(), numpy(), rtol=1e-3, atol=1e-3)
    benchmark(fastnn if engine == "fastnn" else numpy)


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("ta, tb", [(False, False), (False, True), (True, False), (True, True)], ids=["NN", "NT", "TN", "TT"])
@pytest.mark.parametrize("n", SQUARES)
def test_square(benchmark, n, ta, tb, engine):
    a, b = data(n, n), data(n, n)
    x, w = Tensor(a), Tensor(b)
    beside(benchmark, f"matmul {n}x{n} {'NT'[ta]}{'NT'[tb]}", engine, lambda: ops.matmul(x, w, transpose_a=ta, transpose_b=tb).numpy(),
           lambda: (a.T if ta else a) @ (b.T if tb else b))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("m, k, n", LAYERS)
def test_dense_forward(benchmark, m, k, n, engine):
    a, b, c = data(m, k), data(k, n), data(n)
    x, w, bias = Tensor(a), Tensor(b), Tensor(c)
    beside(benchmark, f"dense {m}x{k}x{n} relu", engine, lambda: ops.dense(x, w, bias, activation="relu").numpy(),
           lambda: np.maximum(a @ b + c, 0))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("m, k, n", LAYERS)
def test_dense_weights(benchmark, m, k, n, engine):
    a, d = data(m, k), data(m, n)
    x, dy = Tensor(a), Tensor(d)
    beside(benchmark, f"dense {m}x{k}x{n} dW", engine, lambda: ops.matmul(x, dy, transpose_a=True).numpy(), lambda: a.T @ d)


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("m, k, n", LAYERS)
def test_dense_data(benchmark, m, k, n, engine):
    d, b = data(m, n), data(k, n)
    dy, w = Tensor(d), Tensor(b)
    beside(benchmark, f"dense {m}x{k}x{n} dX", engine, lambda: ops.matmul(dy, w, transpose_b=True).numpy(), lambda: d @ b.T)


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("rows, columns", [(128, 512), (16, 64), (43264, 32), (512, 10)])
def test_bias_and_relu_gradient(benchmark, rows, columns, engine):
    d, y = data(rows, columns), np.maximum(data(columns, rows).T.copy(), 0)
    dy, ty = Tensor(d), Tensor(y)

    def numpy():
        dz = np.where(y > 0, d, 0)
        dz.sum(0)
        return dz
    beside(benchmark, f"bias and relu gradient {rows}x{columns}", engine,
           lambda: ops.bias_act_grad(dy, ty, activation="relu")[0].numpy(), numpy)
