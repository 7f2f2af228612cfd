"""Products of a sparse matrix, 120 entries a row as in texts, beside scipy.sparse; and the dense products that they replace."""
import numpy as np
import pytest

import fastnn.ops as ops
from fastnn.tensor import Tensor

sparse = pytest.importorskip("scipy.sparse")

UNITS = [1, 16, 64, 256]


def words(rows=512, columns=10000, entries=120):
    rng = np.random.default_rng(0)
    x = np.zeros((rows, columns), np.float32)
    for row in x:
        row[rng.integers(0, columns, entries)] = 1
    return sparse.csr_matrix(x)


def data(*shape):
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def beside(benchmark, group, engine, **engines):
    benchmark.group = group
    np.testing.assert_allclose(engines[engine](), engines["scipy"](), rtol=1e-3, atol=1e-3)
    benchmark(engines[engine])


@pytest.mark.parametrize("engine", ["fastnn", "scipy", "dense"])
@pytest.mark.parametrize("n", UNITS)
def test_forward(benchmark, n, engine):
    x, w = words(), data(10000, n)
    held, dense, tw = ops.as_sparse(x), Tensor(x.toarray()), Tensor(w)
    beside(benchmark, f"sparse 512x10000 (120 a row) times 10000x{n}", engine, fastnn=lambda: ops.sparse_dense(held, tw).numpy(),
           scipy=lambda: x @ w, dense=lambda: ops.dense(dense, tw).numpy())


@pytest.mark.parametrize("engine", ["fastnn", "scipy", "dense"])
@pytest.mark.parametrize("n", UNITS)
def test_weights(benchmark, n, engine):
    x, d = words(), data(512, n)
    held, dense, dy = ops.as_sparse(x), Tensor(x.toarray()), Tensor(d)
    beside(benchmark, f"sparse 512x10000 (120 a row) dW, {n} units", engine,
           fastnn=lambda: ops.csr_dense_grad(held.indptr, held.indices, held.values, dy, columns=10000).numpy(),
           scipy=lambda: x.T @ d, dense=lambda: ops.matmul(dense, dy, transpose_a=True).numpy())


@pytest.mark.parametrize("engine", ["fastnn", "scipy"])
def test_batch(benchmark, engine):
    x, index = words(), np.random.default_rng(1).permutation(512)
    held, rows = ops.as_sparse(x), Tensor(index)
    benchmark.group = "rows of a sparse 512x10000 (120 a row) in another order"
    np.testing.assert_array_equal(ops.sparse_rows(held, rows, "float32").numpy(), x[index].toarray())
    benchmark({"fastnn": lambda: ops.sparse_rows(held, rows, "float32"), "scipy": lambda: x[index]}[engine])
