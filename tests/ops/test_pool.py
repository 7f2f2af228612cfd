"""Pooling beyond what the registry's tests cover: ties, NaN, infinities, borders, every instruction set, bad input."""
import numpy as np
import pytest

from fastnn import ops
from fastnn._core import launch as core
from fastnn.ops.pool import max_pool2d_forward
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, convert_to_tensor

from .references import pool as reference

LEVELS = [level for level in core.LEVELS if level in core.levels("max_pool2d")
          and core.LEVELS.index(level) <= core.LEVELS.index(core.LEVEL)]


@pytest.fixture(params=LEVELS)
def level(request, monkeypatch):
    """Runs a test once per instruction set."""
    monkeypatch.setattr("fastnn.op.launch", lambda name, args: core.launch_at(request.param, name, args))
    return request.param


def gradient(function, x):
    x = convert_to_tensor(x)
    with GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy()


def test_of_equal_cells_the_first_gets_the_gradient(level):
    dx = gradient(lambda x: ops.max_pool2d(x, pool_size=(2, 2)), np.ones((1, 4, 4, 17), "float32"))
    np.testing.assert_array_equal(dx[0, :, :, 0], [[1, 0, 1, 0], [0, 0, 0, 0]] * 2)
    assert (dx == dx[..., :1]).all()


def test_overlapping_windows_add_their_gradients(level):
    x = np.zeros((1, 3, 3, 5), "float32")
    x[0, 1, 1] = 1
    dx = gradient(lambda x: ops.max_pool2d(x, pool_size=(2, 2), strides=(1, 1)), x)
    np.testing.assert_array_equal(dx[0, :, :, 3], [[0, 0, 0], [0, 4, 0], [0, 0, 0]])


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_nan_wins_wherever_it_stands(place, level, rng):
    x = rng.standard_normal((2, 4, 4, 19)).astype("float32")
    x[1, 2 + place[0], place[1], 5] = np.nan
    y = ops.max_pool2d(x, pool_size=(2, 2)).numpy()
    assert np.isnan(y[1, 1, 0, 5]) and np.isnan(y).sum() == 1
    assert np.isnan(ops.average_pool2d(x, pool_size=(2, 2)).numpy()[1, 1, 0, 5])
    g = ops.global_max_pool2d(x).numpy()
    assert np.isnan(g[1, 5]) and np.isnan(g).sum() == 1


def test_of_several_nans_the_first_is_chosen(level):
    x = np.array([0, np.nan, np.nan, np.inf], "float32").reshape(1, 2, 2, 1)
    y, index = max_pool2d_forward(x, image=(2, 2), pool_size=(2, 2), strides=(2, 2), padding="valid")
    assert np.isnan(y.item()) and index.item() == 1


def test_infinities(level):
    x = np.full((1, 2, 4, 18), -np.inf, "float32")
    x[0, 0, 3] = np.inf
    np.testing.assert_array_equal(ops.max_pool2d(x, pool_size=(2, 2)).numpy()[0, 0, :, 0], [-np.inf, np.inf])
    np.testing.assert_array_equal(ops.global_max_pool2d(np.full((1, 2, 3, 18), -np.inf, "float32")).numpy(), -np.inf)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("pool_size, strides", [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((1, 1), (2, 3)), ((5, 2), (1, 3)), ((2, 2), (3, 2))])
@pytest.mark.parametrize("channels", [1, 4, 8, 33])
def test_windows_of_all_kinds(padding, pool_size, strides, channels, level, rng):
    x = rng.standard_normal((2, 7, 8, channels)).astype("float32")
    options = dict(pool_size=pool_size, strides=strides, padding=padding)
    y, index = reference.max_pool2d_forward(x, image=(7, 8), **options)
    np.testing.assert_array_equal(ops.max_pool2d(x, **options).numpy(), y)
    dx = gradient(lambda x: ops.max_pool2d(x, **options), x)
    np.testing.assert_allclose(dx, reference.max_pool2d_grad(np.ones_like(y), index, image=(7, 8), **options))
    np.testing.assert_allclose(ops.average_pool2d(x, **options).numpy(), reference.average_pool2d_forward(x, image=(7, 8), **options),
                               rtol=1e-5, atol=1e-6)
    dx = gradient(lambda x: ops.average_pool2d(x, **options), x)
    np.testing.assert_allclose(dx, reference.average_pool2d_grad(np.ones_like(y), image=(7, 8), **options), rtol=1e-5)


def test_strides_are_the_window_unless_given():
    assert ops.max_pool2d(Spec((None, None, 9, 3)), pool_size=(2, 3)).shape == (None, None, 3, 3)
    assert ops.average_pool2d(Spec((None, 9, None, 3)), pool_size=(2, 3), padding="same").shape == (None, 5, None, 3)


@pytest.mark.parametrize("function, ours", [(ops.max_pool, ops.max_pool2d), (ops.average_pool, ops.average_pool2d)])
def test_keras_names(function, ours, rng):
    x = rng.standard_normal((2, 6, 7, 3)).astype("float32")
    y = ours(x, pool_size=(2, 2), strides=(2, 2), padding="same").numpy()
    np.testing.assert_array_equal(function(x, 2, padding="same").numpy(), y)
    first = function(np.moveaxis(x, -1, 1).copy(), (2, 2), 2, "same", data_format="channels_first").numpy()
    np.testing.assert_array_equal(np.moveaxis(first, 1, -1), y)
    with pytest.raises(ValueError, match="data_format"):
        function(x, 2, data_format="last")


def test_maxima_that_tie_share_the_gradient_over_the_image(level):
    x = np.zeros((2, 3, 3, 17), "float32")
    x[0, 1, 1] = x[0, 2, 2] = 5
    dx = gradient(ops.global_max_pool2d, x)
    np.testing.assert_allclose(dx[0, 1, 1], 0.5)
    assert dx[0].sum() == 17
    np.testing.assert_allclose(dx[1], 1 / 9)


def test_average_over_a_large_image_is_accurate(level):
    x = np.full((1, 300, 300, 3), 0.1, "float32")
    np.testing.assert_allclose(ops.global_average_pool2d(x).numpy(), np.float32(0.1), rtol=2e-6)


def test_the_image_is_not_kept_for_the_gradient():
    x = convert_to_tensor(np.ones((1, 4, 4, 2), "float32"))
    with GradientTape() as tape:
        tape.watch(x)
        ops.max_pool2d(x, pool_size=(2, 2))
        ops.average_pool2d(x, pool_size=(2, 2))
    assert not any(saved is x for record in tape._records for saved in record.saved)


@pytest.mark.parametrize("function", [ops.max_pool2d, ops.average_pool2d])
@pytest.mark.parametrize("shape, options, message", [
    ((3, 4, 4), dict(pool_size=(2, 2)), "four dimensions"),
    ((1, 4, 4, 1), dict(pool_size=(5, 2)), "smaller pool_size"),
    ((1, 4, 4, 1), dict(pool_size=(0, 2)), "integers >= 1"),
    ((1, 4, 4, 1), dict(pool_size=(2, 2), strides=(2,)), "strides"),
    ((1, 4, 4, 1), dict(pool_size=(2, 2), padding="full"), "'same' or 'valid'")])
def test_bad_input_is_named(function, shape, options, message):
    with pytest.raises(ValueError, match=message):
        function(np.zeros(shape, "float32"), **options)


def test_an_image_without_cells_cannot_be_pooled():
    with pytest.raises(ValueError, match="nothing to pool"):
        ops.global_max_pool2d(np.zeros((1, 0, 4, 2), "float32"))


@pytest.mark.parametrize("kernel", ["max_pool2d_grad", "max_pool2d_pick"])
def test_an_index_that_points_nowhere_is_harmless(kernel, level):
    x, index, y = np.ones((1, 3, 3, 2), "float32"), np.full((1, 2, 2, 2), -7, "int32"), np.ones((1, 2, 2, 2), "float32")
    sizes = (1, 3, 3, 2, 2, 2, 2, 2, 2, 2, 0, 0)
    args = (y, None, index, x, *sizes) if kernel == "max_pool2d_grad" else (x, None, index, y, *sizes)
    core.launch_at(level, kernel, args)
    assert (args[3] == 0).all()
