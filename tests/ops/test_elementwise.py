"""Elementwise ops beyond the cases that each declares: broadcasting, dtypes, special values, second derivatives."""
import numpy as np
import pytest

from fastnn import GradientTape, Variable, config, ops
from fastnn._core import launch as core
from fastnn.ops.activation import activation_grad
from fastnn.tensor import FLOATS, INTS, Spec, Tensor

SPECIAL = np.array([0.0, -0.0, 1, -1, 0.5, np.inf, -np.inf, np.nan, 3e38, -3e38, 100, -100], "float32")
DENORMAL = 1.2e-38      # results below are flushed to zero


@pytest.mark.parametrize("name", ["negative", "abs", "square", "sqrt", "exp", "expm1", "log", "log1p", "log2", "log10",
                                  "sin", "cos", "tan", "arcsin", "arctan", "sinh", "cosh", "tanh", "sign", "floor", "ceil",
                                  "isnan", "isinf", "isfinite", "reciprocal", "trunc"])
def test_special_values_are_numpys(name):
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(getattr(ops, name)(SPECIAL).numpy(), getattr(np, name)(SPECIAL), rtol=1e-6, atol=DENORMAL)


@pytest.mark.parametrize("level", [level for level in core.LEVELS if level in core.levels("exp")
                                   and core.LEVELS.index(level) <= core.LEVELS.index(core.LEVEL)])
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh"])
def test_special_values_at_every_level(name, level):
    x = np.concatenate([SPECIAL, np.float32([1e-30, -1e-30, 1e-7, 0.70710678, 1.41421356, 88.7, -87.3, -0.99999994])])
    y = np.empty_like(x)
    core.launch_at(level, name, (x, y, x.size))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(y, getattr(np, name)(x), rtol=1e-6, atol=DENORMAL)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "arctan2", "mod",
                                  "floor_divide", "equal", "less", "greater_equal", "logaddexp"])
def test_special_values_of_pairs_are_numpys(name):
    a, b = np.meshgrid(SPECIAL, SPECIAL)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(getattr(ops, name)(a, b).numpy(), getattr(np, name)(a, b), rtol=1e-6, atol=DENORMAL)


def test_nan_passes_activations():
    for name in ("relu", "relu6", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "softplus", "silu", "gelu", "exp"):
        y = getattr(ops, name)(np.array([np.nan] * 19, "float32"))
        assert np.isnan(y.numpy()).all(), name


@pytest.mark.parametrize("name", ["relu", "relu6", "leaky_relu"])
def test_gradients_at_nan_are_those_of_the_epilogue(name):
    """So that a layer that runs as part of another passes back the same bits."""
    x, dy = (np.ascontiguousarray(a) for a in np.meshgrid(SPECIAL, SPECIAL))
    z = Variable(x)
    with GradientTape() as tape:
        y = getattr(ops, name)(z)
    alone = tape.gradient(y, z, output_gradients=Tensor(dy)).numpy()
    together = activation_grad(dy, y, activation=name, alpha=0.2).numpy()
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(alone[np.isnan(x)], dy[np.isnan(x)] * (0.2 if name == "leaky_relu" else 1))


@pytest.mark.parametrize("a, b", [((4, 1, 3), (2, 1)), ((3, 1, 5, 1), (2, 1, 7)), ((1,), (3, 4)), ((2, 3, 4), (3, 1)),
                                  ((2, 1, 2, 1, 2, 1), (1, 3, 1, 3, 1, 3)), ((0, 3), (1, 3)), ((5, 1), (1, 1))])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
def test_broadcasting(a, b, dtype, rng):
    x, z = rng.integers(0, 9, a).astype(dtype), rng.integers(0, 9, b).astype(dtype)
    y = ops.subtract(x, z)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.numpy(), x - z)
    np.testing.assert_array_equal(ops.less(x, z).numpy(), x < z)


def test_broadcasting_over_many_chunks(rng):
    x, z = rng.standard_normal((37, 1, 501)), rng.standard_normal((90, 1))
    np.testing.assert_array_equal((Tensor(x) * z).numpy(), x * z)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"\[add\] shapes \(2, 3\) and \(4,\)"):
        ops.add(np.zeros((2, 3)), np.zeros(4))


def test_open_sizes_stay_open():
    x = Spec((None, 3))
    assert (x + Spec((1, 3))).shape == (None, 3)
    assert ops.where(x > 0, x, 0.0).shape == (None, 3)
    assert ops.clip(x, 0, 1).shape == (None, 3)


@pytest.mark.parametrize("dtype", [d for d in INTS if d != "bool"])
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "floor_divide", "mod", "power", "maximum", "minimum", "equal"])
def test_integers_compute_as_numpys(name, dtype, rng):
    a, b = rng.integers(0 if dtype[0] == "u" else -100, 100, 50).astype(dtype), rng.integers(1, 9, 50).astype(dtype)
    y, e = getattr(ops, name)(a, b), getattr(np, name)(a, b)
    assert y.dtype == str(e.dtype)
    np.testing.assert_array_equal(y.numpy(), e)


def test_integers_divided_by_zero_give_zero():
    x = np.array([5, -5, np.iinfo("int32").min], "int32")
    assert ops.floor_divide(x, np.zeros(3, "int32")).tolist() == [0, 0, 0]
    assert ops.mod(x, np.zeros(3, "int32")).tolist() == [0, 0, 0]
    assert ops.floor_divide(x, np.full(3, -1, "int32")).tolist() == [-5, 5, np.iinfo("int32").min]


def test_promotion_is_keras():
    i, f = Tensor(np.array([1, 2], "int32")), Tensor(np.ones(2, "float32"))
    assert (i + 1).dtype == "int32" and (i + 1.5).dtype == "float32" and (i / 2).dtype == "float32"
    assert (i + f).dtype == "float32" and (f + np.ones(2)).dtype == "float64" and (f + 1.5).dtype == "float32"
    assert (Tensor(np.array([1], "uint8")) + Tensor(np.array([1], "int8"))).dtype == "int16"
    assert ops.exp(i).dtype == "float32" and ops.mean(i).dtype == "float32"
    assert (i + 1.5).tolist() == [2.5, 3.5]


def test_promotion_follows_floatx():
    config.set_floatx("float64")
    try:
        assert ops.sqrt(np.array([4], "int32")).dtype == "float64"
    finally:
        config.set_floatx("float32")


def test_booleans():
    a, b = np.array([True, True, False]), np.array([True, False, False])
    assert ops.add(a, b).tolist() == [True, True, False]
    assert ops.multiply(a, b).tolist() == [True, False, False]
    assert ops.logical_xor(a, [3.0, 0.0, 0.0]).tolist() == [False, True, False]
    assert ops.logical_not([0, 2]).tolist() == [True, False]
    with pytest.raises(TypeError, match="booleans have no sign"):
        ops.negative(a)


@pytest.mark.parametrize("to", INTS + FLOATS)
@pytest.mark.parametrize("given", INTS + FLOATS)
def test_casts_between_all_types(given, to, rng):
    x = rng.integers(0, 2 if given == "bool" else 120, 77).astype(given)
    y = ops.cast(x, to)
    assert y.dtype == to
    np.testing.assert_array_equal(y.numpy(), x.astype(to))


def test_casts_of_what_does_not_fit():
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 3.9, -3.9])
    for to in ("int8", "int32", "int64", "uint8", "uint64"):
        info = np.iinfo(to)
        assert ops.cast(x, to).tolist() == [0, info.max, info.min, info.max, info.min, 3, max(-3, info.min)], to
    assert ops.cast(np.array([300, -1], "int32"), "uint8").tolist() == [44, 255]


def test_where_with_numbers_and_broadcasting(rng):
    x = rng.standard_normal((3, 4)).astype("float32")
    t = Tensor(x)
    np.testing.assert_array_equal(ops.where(t > 0, t, 0.1 * t).numpy(), np.where(x > 0, x, np.float32(0.1) * x))
    np.testing.assert_array_equal(ops.where(x[:, :1] > 0, t, -1).numpy(), np.where(x[:, :1] > 0, x, -1))
    assert ops.where([True, False], 1, 2).dtype == "int32"


def test_gradient_of_where_with_a_scalar_operand():
    a, b = Variable(2.0), Variable([1.0, 1.0, 1.0])
    with GradientTape() as tape:
        y = ops.sum(ops.where([True, False, True], a, b))
    da, db = tape.gradient(y, [a, b])
    assert float(da) == 2.0 and db.tolist() == [0.0, 1.0, 0.0]


def test_gradients_sum_over_what_was_broadcast():
    a, b = Variable(np.ones((3, 1))), Variable(np.full((2, 1, 4), 2.0))
    with GradientTape() as tape:
        y = a * b
    da, db = tape.gradient(y, [a, b])
    assert da.numpy().tolist() == [[16.0]] * 3 and db.shape == (2, 1, 4) and set(db.numpy().ravel()) == {3.0}


def test_power_has_a_gradient_where_the_exponent_is_zero():
    x = Variable([0.0, 2.0])
    with GradientTape() as tape:
        y = x ** 0 + x ** 2
    assert tape.gradient(y, x).tolist() == [0.0, 4.0]


@pytest.mark.parametrize("f", [lambda x: x ** 3, ops.tanh, ops.sigmoid, ops.softplus, ops.silu, ops.exp, ops.sin, ops.sqrt,
                               lambda x: ops.gelu(x, approximate=False), lambda x: ops.elu(x - 1, alpha=0.7), ops.square])
def test_second_derivatives(f):
    x, h = np.array([0.3, 0.8, 1.7]), 1e-5

    def slope(at):
        v = Variable(at)
        with GradientTape() as tape:
            y = f(v)
        return tape.gradient(y, v).numpy()

    v = Variable(x)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = f(v)
        dy = inner.gradient(y, v)
    np.testing.assert_allclose(outer.gradient(dy, v).numpy(), (slope(x + h) - slope(x - h)) / (2 * h), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name, low, high", [("exp", -80, 80), ("tanh", -9, 9), ("sigmoid", -80, 80), ("log", 1e-6, 1e6),
                                             ("softplus", -80, 80), ("erf", -5, 5), ("expm1", -10, 10)])
def test_vectorised_functions_are_accurate(name, low, high):
    """Within a few units in the last place of the result in float64."""
    x = np.linspace(low, high, 200001).astype("float32")
    y, exact = getattr(ops, name)(x).numpy(), getattr(ops, name)(x.astype("float64")).numpy()
    assert (np.abs(y - exact) <= 6e-7 * np.abs(exact) + 1e-37).all()


def test_rescaling_into_another_type():
    x = Variable(np.ones((2, 3)), dtype="float64")
    with GradientTape() as tape:
        y = ops.rescale(x, scale=0.5, dtype="float32")
    assert y.dtype == "float32"
    gradient = tape.gradient(y, x)
    assert gradient.dtype == "float64" and (gradient.numpy() == 0.5).all()
    for dtype in ("int32", "bool"):
        with pytest.raises(ValueError, match=rf"\[rescale\] dtype is '{dtype}', expected float32 or float64"):
            ops.rescale(x, scale=2.0, dtype=dtype)
