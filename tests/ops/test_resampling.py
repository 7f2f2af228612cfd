"""Resizing and adaptive pooling by whole matrices and windows; what the layers compute is held against Keras in tests/layers/test_golden.py."""
import numpy as np
import pytest

from fastnn import ops
from fastnn._core import launch as core
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, convert_to_tensor

from .references.resampling import column


def swapped(x):
    return np.moveaxis(x, -1, -3)


def resized(x, size, method, antialias=False):
    """Images with channels last, by the matrices of both sides."""
    down, across = (np.array([column(n, m, o, method, antialias) for o in range(m)]) for n, m in zip(x.shape[-3:-1], size))
    return np.einsum("ih,jw,...hwc->...ijc", down, across, x)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("method", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("size", [(4, 4), (12, 5), (7, 20), (3, 9)])
def test_resize(size, method, antialias, rng):
    for shape in ((6, 9, 3), (2, 7, 5, 3)):
        x = rng.normal(size=shape)
        wanted = resized(x, size, method, antialias)
        np.testing.assert_allclose(ops.resize(x, size, method, antialias).numpy(), wanted, atol=1e-9)
        first = ops.resize(swapped(x).copy(), size, method, antialias, data_format="channels_first").numpy()
        np.testing.assert_allclose(first, swapped(wanted), atol=1e-9)


def test_integers_are_rounded_and_stay_in_range(rng):
    x = rng.integers(0, 2, (2, 6, 6, 3)).astype("uint8") * 255
    y = ops.resize(x, (9, 11), "lanczos3")
    assert y.dtype == "uint8"
    exact = resized(x.astype(float), (9, 11), "lanczos3")
    assert exact.min() < 0 and exact.max() > 255
    assert np.abs(y.numpy() - np.clip(exact, 0, 255)).max() <= 0.501
    np.testing.assert_array_equal(ops.resize(x, (3, 3), "nearest").numpy(), x[:, 1::2, 1::2])


def test_aspect_ratio(rng):
    x = rng.normal(size=(2, 8, 6, 3))
    np.testing.assert_allclose(ops.resize(x, (4, 4), crop_to_aspect_ratio=True).numpy(), resized(x[:, 1:7], (4, 4), "bilinear"))
    wide = np.pad(x, [(0, 0), (0, 0), (1, 1), (0, 0)], constant_values=0.5)
    np.testing.assert_allclose(ops.resize(x, (4, 4), pad_to_aspect_ratio=True, fill_value=0.5).numpy(), resized(wide, (4, 4), "bilinear"))
    np.testing.assert_allclose(ops.resize(swapped(x), (4, 4), pad_to_aspect_ratio=True, fill_value=0.5, data_format="channels_first").numpy(),
                               swapped(resized(wide, (4, 4), "bilinear")))
    same = rng.normal(size=(6, 4, 3))
    for option in ("crop_to_aspect_ratio", "pad_to_aspect_ratio"):
        np.testing.assert_allclose(ops.resize(same, (3, 2), **{option: True}).numpy(), resized(same, (3, 2), "bilinear"))


@pytest.mark.parametrize("factors", [2, 3, "mixed"])
def test_upsample_repeats_cells_and_sums_their_gradients(factors, rng):
    for shape in ((2, 5, 3), (2, 4, 5, 3), (2, 3, 4, 2, 3)):
        rank = len(shape) - 2
        each = (1, 3, 2)[:rank] if factors == "mixed" else (factors,) * rank
        x = convert_to_tensor(rng.normal(size=shape))
        wanted = x.numpy()
        for axis, factor in enumerate(each, 1):
            wanted = np.repeat(wanted, factor, axis)
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.upsample(x, each)
        np.testing.assert_array_equal(y.numpy(), wanted)
        np.testing.assert_allclose(tape.gradient(y, x).numpy(), np.prod(each))
        first = ops.upsample(np.moveaxis(x.numpy(), -1, 1), each, "channels_first").numpy()
        np.testing.assert_array_equal(np.moveaxis(first, 1, -1), wanted)
    assert ops.upsample(np.ones((1, 2, 1), "int32"), 2).dtype == "int32"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 11])
def test_windows_that_share_a_sequence_out(size, rng):
    x = rng.normal(size=(2, 7, 3))
    windows = [x[:, i * 7 // size:-(-(i + 1) * 7 // size)] for i in range(size)]
    for function, how in ((ops.adaptive_max_pool, np.max), (ops.adaptive_average_pool, np.mean)):
        wanted = np.stack([how(window, axis=1) for window in windows], axis=1)
        np.testing.assert_allclose(function(x, size).numpy(), wanted)
        np.testing.assert_allclose(function(np.moveaxis(x, -1, 1), (size,), "channels_first").numpy(), np.moveaxis(wanted, -1, 1))


def test_adaptive_pooling_of_volumes_is_that_of_each_axis(rng):
    x = rng.normal(size=(2, 4, 7, 5, 3))
    for function in (ops.adaptive_max_pool, ops.adaptive_average_pool):
        y = x
        for axis, size in enumerate((2, 3, 6), 1):
            line = np.moveaxis(y, axis, -2)
            done = function(line.reshape(-1, *line.shape[-2:]), size).numpy()
            y = np.moveaxis(done.reshape(*line.shape[:-2], size, 3), -2, axis)
        np.testing.assert_allclose(function(x, (2, 3, 6)).numpy(), y, atol=1e-12)


def test_of_equal_cells_the_first_gets_the_gradient():
    x = convert_to_tensor(np.zeros((1, 5, 1)))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.adaptive_max_pool(x, 3)      # of windows [0, 2), [1, 4), [3, 5)
    assert tape.gradient(y, x).numpy().ravel().tolist() == [1, 1, 0, 1, 0]


def test_open_sizes():
    assert ops.resize(Spec((None, None, None, 3)), (4, 5)).shape == (None, 4, 5, 3)
    assert ops.resize(Spec((None, None, 8, 3)), (4, 5), crop_to_aspect_ratio=True).shape == (None, 4, 5, 3)
    assert ops.resize(Spec((None, 3, None, None), "uint8"), (4, 5), "nearest", data_format="channels_first").shape == (None, 3, 4, 5)
    assert ops.upsample(Spec((None, None, 3)), 2).shape == (None, None, 3)
    assert ops.upsample(Spec((None, 4, None, 3)), (2, 3), interpolation="bilinear").shape == (None, 8, None, 3)
    for function in (ops.adaptive_max_pool, ops.adaptive_average_pool):
        assert function(Spec((None, None, None, 3)), (4, 5)).shape == (None, 4, 5, 3)
        assert function(Spec((None, 3, 7, None, 6)), (2, 5, 4), "channels_first").shape == (None, 3, 2, 5, 4)
        assert function(np.zeros((0, 7, 3)), 3).shape == (0, 3, 3)
    assert ops.resize(np.zeros((0, 4, 4, 3)), (3, 3)).shape == (0, 3, 3, 3)


@pytest.mark.parametrize("function, shape, arguments, message", [
    (ops.resize, (4, 4), dict(size=(2, 2)), r"\[resize\] images have shape \(4, 4\)"),
    (ops.resize, (4, 4, 1), dict(size=2), r"\[resize\] size is 2, expected \(height, width\)"),
    (ops.resize, (4, 4, 1), dict(size=(2, 0)), "size is"),
    (ops.resize, (4, 4, 1), dict(size=(2, 2), interpolation="cubic"), "interpolation is 'cubic', expected one of"),
    (ops.resize, (4, 4, 1), dict(size=(2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "both True"),
    (ops.resize, (4, 4, 1), dict(size=(2, 2), fill_mode="wrap"), "fill_mode is 'wrap'"),
    (ops.resize, (4, 0, 1), dict(size=(2, 2)), "nothing to resize"),
    (ops.resize, (4, 4, 1), dict(size=(2, 2), data_format="last"), r"\[resize\] data_format is 'last'"),
    (ops.upsample, (1, 4, 1), dict(factors=0), r"\[upsample\] factors is 0"),
    (ops.upsample, (1, 4, 1), dict(factors=2, interpolation="bilinear"), r"\[upsample\] interpolation is 'bilinear'"),
    (ops.adaptive_max_pool, (1, 4, 1), dict(output_size=(1, 2)), r"\[adaptive_max_pool\] output_size is \(1, 2\)"),
    (ops.adaptive_max_pool, (4, 1), dict(output_size=1), r"\[adaptive_max_pool\] x has shape \(4, 1\)"),
    (ops.adaptive_average_pool, (1, 0, 1), dict(output_size=1), r"\[adaptive_average_pool\] .* nothing to pool")])
def test_bad_input_is_named(function, shape, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(np.zeros(shape, "float32"), **arguments)


def test_a_table_that_points_nowhere_is_refused():
    x, y = np.ones((1, 3, 2), "float32"), np.zeros((1, 1, 2), "float32")
    for index in (-1, 3):
        with pytest.raises(core.BadIndex):
            core.launch("resample", (x, np.array([[index]], "int32"), np.ones((1, 1), "float32"), y, 1, 3, 2, 1, 1))
