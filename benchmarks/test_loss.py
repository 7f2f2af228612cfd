"""Softmax with cross-entropy, and losses element by element, forward and backward, beside NumPy."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.tensor import Tensor

SIZES = [(128, 10), (512, 46), (128, 1000)]


def data(rows, classes):
    rng = np.random.default_rng(0)
    return (rng.standard_normal((rows, classes)).astype("float32"), rng.integers(0, classes, rows),
            np.full(rows, 1 / rows, "float32"))


def numpy_crossentropy(x, labels, dloss):
    e = np.exp(x - x.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    rows = np.arange(len(x))
    loss = -np.log(p[rows, labels])
    dx = p * dloss[:, None]
    dx[rows, labels] -= dloss
    return loss, dx


def fastnn_crossentropy(x, labels, dloss):
    p = ops.softmax(x)
    return ops.sparse_crossentropy(labels, p, x), ops.sparse_crossentropy_grad(dloss, labels, p, to_logits=True)


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("rows, classes", SIZES)
def test_softmax_and_crossentropy(benchmark, engine, rows, classes):
    benchmark.group = f"softmax and cross-entropy, forward and backward, {rows}x{classes}"
    arrays = data(rows, classes)
    if engine == "fastnn":
        benchmark(fastnn_crossentropy, *[Tensor(a) for a in arrays])
    else:
        benchmark(numpy_crossentropy, *arrays)


def numpy_binary(t, p, dloss):
    q = np.clip(p, 1e-7, 1 - 1e-7)
    return -(t * np.log(q) + (1 - t) * np.log(1 - q)).mean(1), (p - t) / (q * (1 - q)) * dloss[:, None]


def numpy_squares(t, p, dloss):
    return ((p - t) ** 2).mean(1), 2 * (p - t) / p.shape[1] * dloss[:, None]


NUMPY = {"binary_crossentropy": numpy_binary, "mean_squared_error": numpy_squares}


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("kind", sorted(NUMPY))
@pytest.mark.parametrize("rows, columns", [(512, 1), (256, 784)])
def test_loss(benchmark, engine, kind, rows, columns):
    benchmark.group = f"{kind}, forward and backward, {rows}x{columns}"
    rng = np.random.default_rng(0)
    t, p = [rng.uniform(0.1, 0.9, (rows, columns)).astype("float32") for _ in range(2)]
    dloss = np.full(rows, 1 / rows, "float32")
    if engine == "numpy":
        benchmark(NUMPY[kind], t, p, dloss)
        return
    t, p, dloss = Tensor(t), Tensor(p), Tensor(dloss)
    benchmark(lambda: (ops.row_loss(t, p, kind=kind), ops.row_loss_grad(dloss, t, p, kind=kind)))
