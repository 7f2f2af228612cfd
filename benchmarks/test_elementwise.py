"""Elementwise ops, copies and gathers beside NumPy doing the same job."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.ops.nn import relu_grad

SHAPES = [(32,), (128, 512), (64, 26, 26, 32)]


def name(shape):
    return "x".join(map(str, shape))


def arrays(shape):
    rng = np.random.default_rng(1)
    return rng.standard_normal(shape, "float32"), rng.standard_normal(shape, "float32"), rng.standard_normal(shape[-1], "float32")


UNARY = {"relu": lambda x: np.maximum(x, 0), "exp": np.exp, "tanh": np.tanh, "log1p": np.log1p, "sqrt": np.sqrt,
         "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "softplus": lambda x: np.logaddexp(0, x)}


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("shape", SHAPES, ids=name)
@pytest.mark.parametrize("op", UNARY)
def test_unary(benchmark, op, shape, engine):
    benchmark.group = f"{op} {name(shape)}"
    x = np.abs(arrays(shape)[0])
    t = ops.convert_to_tensor(x)
    benchmark((lambda: getattr(ops, op)(t)) if engine == "fastnn" else lambda: UNARY[op](x))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("shape", SHAPES, ids=name)
@pytest.mark.parametrize("operand", ["same shape", "row", "column", "number"])
def test_multiply(benchmark, operand, shape, engine):
    benchmark.group = f"multiply by {operand} {name(shape)}"
    x, same, row = arrays(shape)
    z = {"same shape": same, "row": row, "column": same[..., :1].copy(), "number": np.float32(2.5)}[operand]
    t, u = ops.convert_to_tensor(x), 2.5 if operand == "number" else ops.convert_to_tensor(z)
    benchmark((lambda: t * u) if engine == "fastnn" else lambda: x * z)


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("shape", SHAPES, ids=name)
def test_relu_gradient(benchmark, shape, engine):
    benchmark.group = f"relu backward {name(shape)}"
    x, dy, _ = arrays(shape)
    t, u = ops.convert_to_tensor(x), ops.convert_to_tensor(dy)
    benchmark((lambda: relu_grad(u, t)) if engine == "fastnn" else lambda: dy * (x > 0))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("axes", [(0, 3, 1, 2), (0, 2, 1, 3)], ids=str)
def test_transpose(benchmark, axes, engine):
    benchmark.group = f"transpose 64x26x26x32 {axes}"
    x = arrays(SHAPES[2])[0]
    t = ops.convert_to_tensor(x)
    benchmark((lambda: ops.transpose(t, axes=axes)) if engine == "fastnn" else lambda: x.transpose(axes).copy())


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("shape", [(128, 784), (512, 512), (10000, 16), (1000, 33)], ids=name)
def test_transpose_matrix(benchmark, shape, engine):
    benchmark.group = f"transpose {name(shape)}"
    x = arrays(shape)[0]
    t = ops.convert_to_tensor(x)
    benchmark((lambda: ops.transpose(t)) if engine == "fastnn" else lambda: x.T.copy())


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_batch_of_images(benchmark, dtype, engine):
    benchmark.group = f"gather 128 of 6000 images 28x28 {dtype} -> float32"
    rng = np.random.default_rng(1)
    x, index = rng.integers(0, 256, (6000, 28, 28)).astype(dtype), rng.permutation(6000)[:128]
    t, i = ops.convert_to_tensor(x), ops.convert_to_tensor(index)
    benchmark((lambda: ops.gather_rows(t, i, dtype="float32")) if engine == "fastnn" else lambda: x[index].astype("float32"))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("job", ["gather", "gradient"])
def test_embedding(benchmark, job, engine):
    benchmark.group = f"embedding 10000x64, 128x100 words, {job}"
    rng = np.random.default_rng(1)
    table, words = rng.standard_normal((10000, 64), "float32"), rng.integers(0, 10000, (128, 100))
    t, i = ops.convert_to_tensor(table), ops.convert_to_tensor(words)
    dy = ops.take(t, i, axis=0)

    def scatter():
        dx = np.zeros_like(table)
        np.add.at(dx, words, dy.data)
    jobs = {"gather": (lambda: ops.take(t, i, axis=0), lambda: table[words]),
            "gradient": (lambda: ops.gather_grad(dy, i, shape=table.shape, axis=0), scatter)}
    benchmark(jobs[job][engine == "numpy"])
