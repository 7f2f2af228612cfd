"""Layer and group normalisation beside NumPy doing the same job."""
import numpy as np
import pytest

from fastnn import ops

SHAPES = [(4096, 256), (4096, 1024)]
GROUPS = (32, 1024, 64), 32


def name(shape):
    return "x".join(map(str, shape))


def data(shape):
    rng = np.random.default_rng(1)
    return [ops.convert_to_tensor(rng.standard_normal(s, "float32")) for s in (shape, shape[-1], shape[-1])]


def normalized(x, axis):
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-3)


@pytest.mark.parametrize("shape", SHAPES, ids=name)
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_forward(benchmark, engine, shape):
    benchmark.group = f"layer_norm forward {name(shape)}"
    args = data(shape)
    x, gamma, beta = (a.data for a in args)
    benchmark((lambda: ops.layer_norm(*args, epsilon=1e-3)) if engine == "fastnn" else lambda: normalized(x, -1) * gamma + beta)


@pytest.mark.parametrize("shape", SHAPES, ids=name)
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_backward(benchmark, engine, shape):
    benchmark.group = f"layer_norm backward {name(shape)}"
    x, gamma, beta = data(shape)
    _, mean, rstd = ops.layer_norm(x, gamma, beta, epsilon=1e-3)

    def numpy():
        g, xhat = x.data * gamma.data, (x.data - mean.data[:, None]) * rstd.data[:, None]
        dx = rstd.data[:, None] * (g - g.mean(-1, keepdims=True) - xhat * (g * xhat).mean(-1, keepdims=True))
        return dx, (x.data * xhat).sum(0), x.data.sum(0)
    benchmark((lambda: ops.layer_norm_grad(x, x, gamma, mean, rstd)) if engine == "fastnn" else numpy)


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_groups(benchmark, engine):
    shape, groups = GROUPS
    benchmark.group = f"group_norm forward {name(shape)}, {groups} groups"
    args = data(shape)
    x, gamma, beta = (a.data for a in args)
    parts = x.reshape(*shape[:2], groups, -1)
    benchmark((lambda: ops.group_norm(*args, groups=groups, epsilon=1e-3)) if engine == "fastnn" else
              lambda: normalized(parts, (1, 3)).reshape(shape) * gamma + beta)
