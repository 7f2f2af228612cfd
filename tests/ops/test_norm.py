"""Batch normalisation beyond what the registry's tests cover: stability, the running statistics, every instruction set."""
import numpy as np
import pytest

from fastnn import ops
from fastnn._core import launch as core
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Variable, convert_to_tensor

LEVELS = [level for level in core.LEVELS if level in core.levels("batch_norm")
          and core.LEVELS.index(level) <= core.LEVELS.index(core.LEVEL)]


@pytest.fixture(params=LEVELS)
def level(request, monkeypatch):
    """Runs a test once per instruction set."""
    monkeypatch.setattr("fastnn.op.launch", lambda name, args: core.launch_at(request.param, name, args))
    return request.param


def statistics(channels):
    return Variable(np.zeros(channels, "float32"), trainable=False), Variable(np.ones(channels, "float32"), trainable=False)


@pytest.mark.parametrize("mean", [0.0, 1000.0, -1e5])
@pytest.mark.parametrize("shape", [(5000, 3), (3000, 32), (200, 130)])
def test_a_mean_far_from_zero_costs_no_accuracy(mean, shape, level, rng):
    x = (rng.standard_normal(shape) + mean).astype("float32")
    y, m, rstd = ops.batch_norm(x, momentum=0.9, epsilon=1e-3)
    exact = x.astype("float64")
    np.testing.assert_allclose(m.numpy(), exact.mean(0), rtol=2e-7, atol=2e-7)
    np.testing.assert_allclose(rstd.numpy(), 1 / np.sqrt(exact.var(0) + 1e-3), rtol=2e-6)
    # the mean is a float: half a unit in its last place is what y may be off
    np.testing.assert_allclose(y.numpy(), (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-3), atol=1e-5 + abs(mean) * 1e-7)


def test_outliers_in_the_first_rows_cost_little_accuracy(level, rng):
    x = rng.standard_normal((2048, 20)).astype("float32")
    x[:32] += 1e4
    _, _, rstd = ops.batch_norm(x, momentum=0.9, epsilon=1e-3)
    np.testing.assert_allclose(rstd.numpy(), 1 / np.sqrt(x.astype("float64").var(0) + 1e-3), rtol=1e-4)


def test_constant_channels(level):
    y, mean, rstd = ops.batch_norm(np.full((1000, 19), 0.1, "float32"), momentum=0.9, epsilon=1e-3)
    np.testing.assert_allclose(rstd.numpy(), 1 / np.sqrt(1e-3), rtol=1e-6)
    np.testing.assert_allclose(y.numpy(), 0, atol=1e-5)


def test_running_statistics_move_by_the_biased_variance(level):
    x = np.array([[1.0], [3.0]], "float32")
    mean, variance = statistics(1)
    for _ in range(2):
        ops.batch_normalize(x, None, None, mean, variance, training=True, momentum=0.9)
    np.testing.assert_allclose(mean.numpy(), [2 * (1 - 0.9**2)], rtol=1e-6)
    np.testing.assert_allclose(variance.numpy(), [1.0], rtol=1e-6)      # (1 + 1) / 2, not / 1
    assert mean.version == 2


def test_inference_leaves_the_running_statistics_alone(level, rng):
    mean, variance = statistics(7)
    x = rng.standard_normal((4, 7)).astype("float32")
    y = ops.batch_normalize(x, None, None, mean, variance, training=False, epsilon=1e-3)
    np.testing.assert_allclose(y.numpy(), x / np.sqrt(1.001), rtol=1e-6)
    assert (mean.numpy() == 0).all() and (variance.numpy() == 1).all()


def test_an_empty_batch_moves_nothing(level):
    mean, variance = statistics(3)
    y = ops.batch_normalize(np.zeros((0, 3), "float32"), None, None, mean, variance, training=True)
    assert y.shape == (0, 3) and (mean.numpy() == 0).all() and (variance.numpy() == 1).all()


def test_nan_stays_in_its_channel(level):
    x = np.ones((40, 33), "float32")
    x[3, 20] = np.nan
    for activation in ("linear", "relu"):
        y = ops.batch_normalize(x, None, None, *statistics(33), training=True, activation=activation).numpy()
        assert np.isnan(y[:, 20]).all() and np.isnan(y).sum() == 40


def test_relu_passes_gradients_back_at_nan(level, rng):
    """As alone: only what is <= 0 is dropped."""
    x, beta = rng.standard_normal((40, 33)).astype("float32"), np.zeros(33, "float32")
    x[3, 20] = np.nan
    x, beta = convert_to_tensor(x), convert_to_tensor(beta)
    found = []
    for activation in ("linear", "relu"):
        with GradientTape() as tape:
            tape.watch(beta)
            y = ops.batch_normalize(x, None, beta, *statistics(33), training=True, activation=activation)
            y = y if activation == "relu" else ops.relu(y)
        found.append(tape.gradient(y, beta).numpy())
    np.testing.assert_array_equal(found[0], found[1])
    assert found[0][20] == 40


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_reach_the_running_statistics(bad, level):
    x, statistic = np.ones((40, 33), "float32"), statistics(33)
    x[3, 20] = bad
    ops.batch_normalize(x, None, None, *statistic, training=True)
    assert [np.flatnonzero(~np.isfinite(v.numpy())).tolist() for v in statistic] == [[20], [20]]
    assert np.isnan(statistic[1].numpy()[20])


def test_relu_in_the_same_pass_is_relu_after_it(level, rng):
    x, gamma, beta = (rng.standard_normal(s).astype("float32") for s in ((300, 37), 37, 37))
    x, gamma, beta = convert_to_tensor(x), convert_to_tensor(gamma), convert_to_tensor(beta)
    w = convert_to_tensor(rng.standard_normal((300, 37)).astype("float32"))
    found = []
    for activation in ("linear", "relu"):
        with GradientTape() as tape:
            tape.watch([x, gamma, beta])
            y = ops.batch_normalize(x, gamma, beta, *statistics(37), training=True, activation=activation)
            y = y if activation == "relu" else ops.maximum(y, 0.0)
            loss = ops.sum(y * w)
        found.append([y, *tape.gradient(loss, [x, gamma, beta])])
    for one, other in zip(*found):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5, atol=1e-5)


def test_bad_input_is_named():
    x = np.zeros((4, 3), "float32")
    with pytest.raises(ValueError, match="gamma has shape"):
        ops.batch_norm(x, np.ones(4, "float32"), momentum=0.9, epsilon=1e-3)
    with pytest.raises(ValueError, match="beta has .*float64"):
        ops.batch_norm(x, None, np.ones(3), momentum=0.9, epsilon=1e-3)
    with pytest.raises(ValueError, match="activation is 'gelu'"):
        ops.batch_norm(x, momentum=0.9, epsilon=1e-3, activation="gelu")
    with pytest.raises(ValueError, match="known number of channels"):
        ops.batch_norm(Spec((4, None)), momentum=0.9, epsilon=1e-3)


def test_moments_and_batch_normalization(rng):
    x = (rng.standard_normal((4, 5, 6)) + 100).astype("float32")
    mean, variance = ops.moments(x, axes=(0, 2), keepdims=True)
    np.testing.assert_allclose(mean.numpy(), x.mean((0, 2), keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(variance.numpy(), x.astype("float64").var((0, 2), keepdims=True), rtol=1e-5)
    scale, offset = rng.standard_normal((2, 5)).astype("float32")
    y = ops.batch_normalization(x, ops.ravel(mean), ops.ravel(variance), axis=1, offset=offset, scale=scale, epsilon=1e-3)
    exact = x.astype("float64")
    expected = (exact - exact.mean((0, 2), keepdims=True)) / np.sqrt(exact.var((0, 2), keepdims=True) + 1e-3)
    np.testing.assert_allclose(y.numpy(), expected * scale[:, None] + offset[:, None], rtol=1e-4, atol=1e-4)
