"""Layer, RMS and group normalisation beyond what the registry's tests cover: stability, axes, every instruction set."""
import numpy as np
import pytest

from fastnn import ops
from fastnn._core import launch as core
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor

LEVELS = [level for level in core.LEVELS if level in core.levels("layer_norm")
          and core.LEVELS.index(level) <= core.LEVELS.index(core.LEVEL)]


@pytest.fixture(params=LEVELS)
def level(request, monkeypatch):
    """Runs a test once per instruction set."""
    monkeypatch.setattr("fastnn.op.launch", lambda name, args: core.launch_at(request.param, name, args))
    return request.param


@pytest.mark.parametrize("mean", [0.0, 1000.0, -1e5])
@pytest.mark.parametrize("shape", [(5, 3), (7, 300), (2, 20001)])
def test_a_mean_far_from_zero_costs_no_accuracy(mean, shape, level, rng):
    x = (rng.standard_normal(shape) + mean).astype("float32")
    exact = x.astype("float64")
    y, m, rstd = ops.layer_norm(x, epsilon=1e-3)
    np.testing.assert_allclose(m.numpy(), exact.mean(1), rtol=2e-7, atol=2e-7)
    np.testing.assert_allclose(rstd.numpy(), 1 / np.sqrt(exact.var(1) + 1e-3), rtol=2e-6)
    expected = (exact - exact.mean(1, keepdims=True)) / np.sqrt(exact.var(1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(y.numpy(), expected, atol=1e-5 + abs(mean) * 1e-7 * rstd.numpy().max())


def test_constant_rows(level):
    y, _, rstd = ops.layer_norm(np.full((5, 1000), 0.1, "float32"), epsilon=1e-3)
    np.testing.assert_allclose(rstd.numpy(), 1 / np.sqrt(1e-3), rtol=1e-6)
    np.testing.assert_allclose(y.numpy(), 0, atol=1e-5)
    assert (ops.layer_norm(np.zeros((2, 9), "float32"), epsilon=1e-3)[0].numpy() == 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_stay_in_their_row(bad, level):
    x = np.ones((9, 33), "float32")
    x[3, 20] = bad
    for y in (ops.layer_norm(x, epsilon=1e-3)[0], ops.rms_norm(x, epsilon=1e-3)[0]):
        found = np.isfinite(y.numpy())
        assert found[np.arange(9) != 3].all() and not found[3, 20]


def test_many_rows_sum_without_loss(level, rng):
    x = rng.standard_normal((30000, 5)).astype("float32")
    dy = np.ones_like(x)
    y, mean, rstd = ops.layer_norm(x, epsilon=1e-3)
    _, _, dbeta = ops.layer_norm_grad(dy, x, None, mean, rstd)
    assert (dbeta.numpy() == 30000).all()


def in_numpy(x, axis, gamma=None, beta=None):
    y = (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-3)
    return y * (1 if gamma is None else gamma) + (0 if beta is None else beta)


@pytest.mark.parametrize("axis", [0, 1, -1, (1, 2), (0, 2), (2, 0), (0, 1, 2)])
def test_any_axes(axis, rng):
    x = rng.standard_normal((4, 5, 6))
    axes = tuple(sorted(k % 3 for k in (axis if isinstance(axis, tuple) else (axis,))))
    sides = tuple(x.shape[k] for k in axes)
    spread = tuple(n if k in axes else 1 for k, n in enumerate(x.shape))
    gamma, beta = rng.standard_normal((2, *sides))
    y = ops.layer_normalization(x, gamma, beta, axis=axis, epsilon=1e-3)
    np.testing.assert_allclose(y.numpy(), in_numpy(x, axes, gamma.reshape(spread), beta.reshape(spread)), atol=1e-9)
    y = ops.rms_normalization(x, gamma, axis=axis, epsilon=1e-3)
    np.testing.assert_allclose(y.numpy(), x / np.sqrt((x**2).mean(axes, keepdims=True) + 1e-3) * gamma.reshape(spread), atol=1e-9)
    assert ops.layer_normalization(Spec(x.shape, "float64"), gamma, beta, axis=axis).shape == x.shape


def test_epsilon_and_symbolic_shapes():
    x = np.array([[1.0, 3.0]])
    np.testing.assert_allclose(ops.layer_normalization(x).numpy(), [[-1, 1]], rtol=1e-6)
    assert ops.layer_normalization(Spec((None, None, 4), "float32"), axis=-1).shape == (None, None, 4)
    assert ops.rms_normalization(Spec((None, 5, 4), "float32"), axis=1).shape == (None, 5, 4)
    assert ops.group_normalize(Spec((None, None, 4), "float32"), groups=2).shape == (None, None, 4)


def test_bad_input_is_named():
    x = np.zeros((4, 3), "float32")
    with pytest.raises(ValueError, match=r"layer_normalization.*weight has shape \(4,\)"):
        ops.layer_normalization(x, np.ones(4, "float32"))
    with pytest.raises(ValueError, match="gamma is float64"):
        ops.layer_norm(x, np.ones(3), epsilon=1e-3)
    with pytest.raises(ValueError, match="known sizes"):
        ops.layer_norm(Spec((4, None)), epsilon=1e-3)
    with pytest.raises(TypeError, match="unknown arguments: eps"):
        ops.layer_normalization(x, eps=1)
    with pytest.raises(ValueError, match="no 2 groups"):
        ops.group_normalize(x, groups=2)
    with pytest.warns(UserWarning, match="rms_normalization"):
        ops.layer_normalization(x, rms_scaling=True)


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_groups(axis, groups, rng):
    x = rng.standard_normal((3, 6, 6, 6))
    gamma, beta = rng.standard_normal((2, 6))
    first = np.moveaxis(x, axis, 1)
    y = in_numpy(first.reshape(3, groups, -1), 2).reshape(first.shape) * gamma[:, None, None] + beta[:, None, None]
    found = ops.group_normalize(x, gamma, beta, groups=groups, axis=axis, epsilon=1e-3)
    np.testing.assert_allclose(found.numpy(), np.moveaxis(y, 1, axis), atol=1e-9)


def test_gradients_pass_through_any_axis(rng):
    x, w = Tensor(rng.standard_normal((4, 5, 6))), Tensor(rng.standard_normal((4, 5, 6)))
    found = []
    for order in ((0, 1, 2), (0, 2, 1)):
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.layer_normalization(ops.transpose(x, order), axis=order.index(1))
            loss = ops.sum(y * ops.transpose(w, order))
        found.append(tape.gradient(loss, x).numpy())
    np.testing.assert_allclose(*found, atol=1e-12)
