"""Reductions: all axes and dtypes against NumPy, accuracy, NaN, empty axes, gradients at ties."""
import numpy as np
import pytest

from fastnn import GradientTape, Variable, ops
from fastnn._core import launch as core
from fastnn.tensor import Spec, Tensor

AXES = [None, 0, 1, 2, -1, (0, 1), (0, 2), (1, 2), (0, 1, 2), (-1, 0), ()]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "var", "std", "amax", "amin"])
def test_every_axis(name, axis, keepdims, rng):
    x = rng.standard_normal((4, 5, 6)).astype("float32")
    y = getattr(ops, name)(x, axis=axis, keepdims=keepdims).numpy()
    np.testing.assert_allclose(y, getattr(np, name)(x.astype("float64"), axis=axis, keepdims=keepdims), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1])
def test_places(axis, keepdims, rng):
    x = rng.integers(0, 5, (40, 3, 35)).astype("float32")       # many ties: the first counts
    for t in (x, x.astype("int64"), x.astype("uint8")):
        assert ops.argmax(t, axis).dtype == "int32"
        np.testing.assert_array_equal(ops.argmax(t, axis, keepdims).numpy(), np.argmax(t, axis, keepdims=keepdims))
        np.testing.assert_array_equal(ops.argmin(t, axis, keepdims).numpy(), np.argmin(t, axis, keepdims=keepdims))


@pytest.mark.parametrize("n", [1, 5, 16, 17, 33, 100])
def test_nan_wins(n):
    for k in range(0, n, 7):
        x = np.arange(n, dtype="float32")
        x[k] = np.nan
        assert np.isnan(ops.max(x).item()) and np.isnan(ops.min(x).item())
        assert ops.argmax(x).item() == k and ops.argmin(x).item() == k
        assert np.isnan(ops.max(x.reshape(n, 1), 0).item())


@pytest.mark.parametrize("dtype, result", [("bool", "int32"), ("int8", "int32"), ("uint8", "uint32"), ("int32", "int32"),
                                           ("uint16", "uint32"), ("int64", "int64")])
def test_sums_of_integers(dtype, result, rng):
    x = rng.integers(0, 2 if dtype == "bool" else 100, (300, 7)).astype(dtype)
    for axis in (None, 0, 1):
        y = ops.sum(x, axis)
        assert y.dtype == result
        np.testing.assert_array_equal(y.numpy(), x.sum(axis))
    assert ops.max(x).dtype == dtype and ops.max(x).item() == x.max()


def test_any_all_count(rng):
    x = rng.standard_normal((4, 5, 6))
    for axis in AXES:
        np.testing.assert_array_equal(ops.any(x > 1.5, axis).numpy(), (x > 1.5).any(axis))
        np.testing.assert_array_equal(ops.all(x > -1.5, axis).numpy(), (x > -1.5).all(axis))
    assert ops.count_nonzero(np.array([0.0, 2.0, np.nan])).item() == 2


@pytest.mark.parametrize("shape, axis", [((2 ** 22,), None), ((2 ** 20, 4), 0), ((2 ** 18, 17), 0), ((3, 2 ** 20), 1)])
def test_long_sums_stay_accurate(shape, axis):
    """float32 has 24 bits: adding a million numbers one by one loses three digits, in pairs almost none."""
    x = np.full(shape, 0.1, "float32")
    exact = x.astype("float64").sum(axis)
    np.testing.assert_allclose(ops.sum(x, axis).numpy(), exact, rtol=3e-6)
    np.testing.assert_allclose(ops.mean(x, axis).numpy(), np.full_like(exact, x.flat[0]), rtol=3e-6)


def test_empty_axes():
    x = np.zeros((3, 0), "float32")
    assert ops.sum(x, 1).tolist() == [0, 0, 0] and ops.prod(x, 1).tolist() == [1, 1, 1]
    assert ops.sum(x, 0).shape == (0,) and ops.max(x, 0).shape == (0,)
    with pytest.raises(ValueError, match="no elements"):
        ops.max(x, 1)
    with pytest.raises(ValueError, match="no elements"):
        ops.argmax(x, 1)
    assert ops.max(x, 1, initial=-1.0).tolist() == [-1, -1, -1]


def test_bad_axes():
    for bad, message in ((3, "out of range"), ((0, 0), "twice")):
        with pytest.raises(ValueError, match=message):
            ops.sum(np.zeros((2, 2)), bad)
    with pytest.raises(TypeError, match="axis must be an integer"):
        ops.sum(np.zeros((2, 2)), 1.5)


def test_ties_share_the_gradient():
    x = Variable([1.0, 3.0, 3.0])
    with GradientTape() as tape:
        y = ops.max(x)
    assert tape.gradient(y, x).tolist() == [0.0, 0.5, 0.5]


def test_gradient_of_a_product_with_zeros():
    x = Variable([0.0, 3.0, 2.0])
    with GradientTape() as tape:
        y = ops.prod(x)
    assert tape.gradient(y, x).tolist() == [6.0, 0.0, 0.0]


@pytest.mark.parametrize("axis", AXES)
def test_logsumexp(axis, rng):
    x = 300 * rng.standard_normal((4, 5, 6))
    top = x.max()
    exact = np.log(np.exp(x - top).sum(axis)) + top if axis is None else None
    y = ops.logsumexp(x, axis).numpy()
    assert np.isfinite(y).all()
    if exact is not None:
        np.testing.assert_allclose(y, exact)
    small = x / 300
    np.testing.assert_allclose(ops.logsumexp(small, axis).numpy(), np.log(np.exp(small).sum(axis)), rtol=1e-12)


def test_logsumexp_of_infinities_and_its_gradient():
    x = np.array([[-np.inf, -np.inf], [np.inf, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(ops.logsumexp(x, 1).numpy(), [-np.inf, np.inf, 1 + np.log(2)])
    v = Variable([1.0, 1.0, 1.0 + np.log(2)])
    with GradientTape() as tape:
        y = ops.logsumexp(v)
    np.testing.assert_allclose(tape.gradient(y, v).numpy(), [0.25, 0.25, 0.5], rtol=1e-6)


@pytest.mark.parametrize("order", [None, 1, 2, 3, np.inf, -np.inf, 0])
def test_norms(order, rng):
    x = rng.standard_normal((3, 5))
    np.testing.assert_allclose(ops.norm(x, order, 1).numpy(), np.linalg.norm(x, order, 1))


def test_cumsum(rng):
    x = rng.standard_normal((3, 4, 5))
    for axis in (None, 0, 1, 2, -1):
        np.testing.assert_allclose(ops.cumsum(x, axis).numpy(), x.cumsum(axis))
    assert ops.cumsum(np.array([1, 2, 3], "int32")).tolist() == [1, 3, 6]


def test_specs():
    x = Spec((None, 3, 4))
    assert ops.sum(x, -1).shape == (None, 3) and ops.mean(x, (0, 2), keepdims=True).shape == (1, 3, 1)
    assert ops.argmax(x, 1).dtype == "int32" and ops.logsumexp(x, -1).shape == (None, 3)


def test_strided_reductions_of_many_columns(rng):
    x = rng.standard_normal((7, 33, 601)).astype("float32")
    np.testing.assert_allclose(ops.sum(Tensor(x), 1).numpy(), x.sum(1, dtype="float64"), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(ops.max(Tensor(x), 1).numpy(), x.max(1))


@pytest.mark.parametrize("level", [level for level in core.LEVELS if level in core.levels("argmax")
                                   and core.LEVELS.index(level) <= core.LEVELS.index(core.LEVEL)])
@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 37, 1), (2, 300, 1), (2, 9, 70), (1, 5, 300), (4, 3, 3)], ids=str)
def test_extremes_and_their_places_at_every_level(shape, level, rng):
    x = rng.integers(-3, 3, shape).astype("float32")       # ties: the first counts
    for k in (None, 0, shape[1] // 2, shape[1] - 1):
        if k is not None:
            x[0, k, 0] = np.nan
        for name in ("max", "min", "argmax", "argmin"):
            y = np.empty((shape[0], shape[2]), "int32" if name[0] == "a" else "float32")
            core.launch_at(level, name, (x, y, *shape))
            np.testing.assert_array_equal(y, getattr(x, name)(1))
