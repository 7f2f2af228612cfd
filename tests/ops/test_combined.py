"""The composed ops against NumPy."""
import numpy as np
import pytest

from fastnn import ops

A = np.array([[1.0, -2.0, np.nan], [np.inf, 0.0, -np.inf]])
B = np.array([[1.0, np.nan, 2.0], [np.inf, 1e-9, 3.0]])
X = np.random.default_rng(3).standard_normal((4, 5, 6))


@pytest.mark.parametrize("name", ["hypot", "fmax", "fmin", "isclose"])
def test_pairs(name):
    np.testing.assert_allclose(getattr(ops, name)(A, B).numpy(), getattr(np, name)(A, B))


@pytest.mark.parametrize("name", ["deg2rad", "rad2deg", "nan_to_num", "isposinf", "isneginf", "fliplr", "flipud", "diff"])
def test_singles(name):
    x = X[0] if name == "diff" else A
    np.testing.assert_allclose(getattr(ops, name)(x).numpy(), getattr(np, name)(x))


def test_arithmetic():
    np.testing.assert_allclose(ops.logaddexp2(X, 2 * X).numpy(), np.logaddexp2(X, 2 * X))
    assert ops.divide_no_nan([1.0, 2.0], [0.0, 4.0]).tolist() == [0.0, 0.5]
    assert bool(ops.allclose(X, X + 1e-9)) and not bool(ops.allclose(X, X + 1e-3))
    assert ops.isclose([np.nan], [np.nan], equal_nan=True).tolist() == [True]
    np.testing.assert_allclose(ops.erfc(np.array([0.0, 10.0])).numpy(), [1.0, 0.0])
    assert ops.saturate_cast(np.array([300, -7], "int32"), "uint8").tolist() == [255, 0]


def test_statistics():
    w = np.arange(1.0, 6.0)
    np.testing.assert_allclose(ops.average(X, 1, w).numpy(), np.average(X, 1, w))
    np.testing.assert_allclose(ops.average(X, weights=X ** 2).numpy(), np.average(X, weights=X ** 2))
    mean, var = ops.moments(X, (0, 2))
    np.testing.assert_allclose(mean.numpy(), X.mean((0, 2)))
    np.testing.assert_allclose(var.numpy(), X.var((0, 2)))
    np.testing.assert_allclose(ops.normalize(X, 1).numpy(), X / np.linalg.norm(X, axis=1, keepdims=True))
    np.testing.assert_allclose(ops.ptp(X, 2).numpy(), np.ptp(X, 2))
    with pytest.raises(ValueError, match="fit neither"):
        ops.average(X, 1, np.ones(3))


def test_pieces():
    np.testing.assert_array_equal(ops.append(X, X[0]).numpy(), np.append(X, X[0]))
    np.testing.assert_array_equal(ops.vstack([X[0, 0], X[0, 1]]).numpy(), np.vstack([X[0, 0], X[0, 1]]))
    np.testing.assert_array_equal(ops.hstack([X, X]).numpy(), np.hstack([X, X]))
    for shift, axis in ((2, 1), (-1, 0), (7, None), (0, 2)):
        np.testing.assert_array_equal(ops.roll(X, shift, axis).numpy(), np.roll(X, shift, axis))
    for a, b in zip(ops.array_split(X, 4, 1), np.array_split(X, 4, 1)):
        np.testing.assert_array_equal(a.numpy(), b)
    np.testing.assert_array_equal(ops.outer(X[0, 0], X[0, 1]).numpy(), np.outer(X[0, 0], X[0, 1]))
    np.testing.assert_array_equal(ops.diff(X, 2, 0).numpy(), np.diff(X, 2, 0))
    assert ops.multi_hot([[0, 2], [1, 1]], 3).tolist() == [[1, 0, 1], [0, 1, 0]]
