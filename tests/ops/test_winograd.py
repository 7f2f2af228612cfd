"""Winograd's algorithm against the direct kernels and against float64; the shapes are among those that take it."""
import numpy as np
import pytest

import fastnn
from fastnn import config, ops
from fastnn._core import launch as core
from fastnn.ops.conv import _geometry
from fastnn.tensor import Tensor
from tests.ops.references import conv as reference

LEVELS = [level for level in core.levels("conv2d") if level != "ref"]
PASSES = ("forward", "data", "weights")
BOUNDS = {"rms": 2.5e-6, "worst": 2.5e-5}      # of float32 against float64, over the standard deviation of the result

# images, height, width, channels, filters, padding: whole tiles and tails; panels that are full, half, and a few lanes
SHAPES = [(4, 12, 12, 32, 32, "same"), (3, 18, 14, 16, 64, "valid"), (4, 13, 10, 33, 70, "same"), (6, 10, 11, 50, 17, "valid"),
          (1, 31, 23, 64, 48, "same"), (9, 7, 7, 40, 40, "same"), (2, 30, 17, 19, 100, "valid")]


@pytest.fixture(autouse=True)
def setting():
    yield
    config.set_winograd("auto")


def numbers(shape, dtype="float64"):
    """x, w, b, dy of a convolution, values that float32 holds exactly."""
    n, h, w, c, f, padding = shape
    rng = np.random.default_rng(7)
    border = 0 if padding == "same" else 2
    shapes = (n, h, w, c), (3, 3, c, f), (f,), (n, h - border, w - border, f)
    return [rng.standard_normal(s, "f4").astype(dtype) for s in shapes]


def attributes(shape):
    return dict(strides=(1, 1), padding=shape[-1], dilation_rate=(1, 1), groups=1)


def exact(shape):
    x, w, b, dy = numbers(shape)
    attrs = attributes(shape)
    return dict(forward=reference.conv2d(x, w, b, **attrs),
                data=reference.conv2d_backward_data(dy, w, image=x.shape[1:3], **attrs),
                weights=reference.conv2d_backward_weights(x, dy, kernel_size=(3, 3), **attrs))


def kernels(level, shape, winograd, act=(0, 0.0)):
    """The three results of the kernels, each cut out of a larger array that must stay as it was around it."""
    x, w, b, dy = numbers(shape, "float32")
    geometry = _geometry(x.shape, w.shape, dy.shape, *attributes(shape).values())
    calls = dict(forward=("conv2d", (x, w, b), dy.shape, act), data=("conv2d_backward_data", (dy, w), x.shape, ()),
                 weights=("conv2d_backward_weights", (x, dy), w.shape, ()))
    results = {}
    for name, (kernel, arrays, result, more) in calls.items():
        whole = np.full(int(np.prod(result)) + 40, 77, "f4")
        out = results[name] = whole[20:-20].reshape(result)
        core.launch_at(level, kernel, (*arrays, out, *geometry, *more, winograd))
        assert (whole[:20] == 77).all() and (whole[-20:] == 77).all(), f"{kernel} on {level} wrote outside of its result"
    return results


# ---- The kernels ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_error_is_within_its_bound(level, shape):
    direct, winograd, true = kernels(level, shape, 0), kernels(level, shape, 1), exact(shape)
    for name in PASSES:
        error = (winograd[name] - true[name]) / true[name].std()
        assert np.sqrt((error ** 2).mean()) < BOUNDS["rms"] and np.abs(error).max() < BOUNDS["worst"], name
    assert any((direct[name] != winograd[name]).any() for name in PASSES), "no pass took another way: a useless shape"


def test_each_pass_takes_another_way():
    direct, winograd = kernels(LEVELS[-1], SHAPES[0], 0), kernels(LEVELS[-1], SHAPES[0], 1)
    assert all((direct[name] != winograd[name]).any() for name in PASSES)


@pytest.mark.parametrize("level", LEVELS)
def test_sums_over_many_tiles(level):
    """More than are at hand at a time."""
    shape = (13, 31, 33, 16, 20, "same")
    true, found = exact(shape)["weights"], kernels(level, shape, 1)["weights"]
    error = (found - true) / true.std()
    assert np.sqrt((error ** 2).mean()) < BOUNDS["rms"] and np.abs(error).max() < BOUNDS["worst"]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("code, function", [(1, lambda z: np.maximum(z, 0)), (2, np.tanh), (3, lambda z: 1 / (1 + np.exp(-z)))])
def test_bias_and_activation(level, code, function):
    shape = SHAPES[2]
    y, z = kernels(level, shape, 1, act=(code, 1.0))["forward"], exact(shape)["forward"]
    np.testing.assert_allclose(y, function(z), atol=2.5e-5 * z.std())


@pytest.mark.parametrize("level", LEVELS)
def test_any_padding(level):
    """Kernels take any: tiles wholly outside of the image, and a negative one that crops."""
    rng = np.random.default_rng(3)
    x, w = rng.standard_normal((2, 20, 21, 16), "f4"), rng.standard_normal((3, 3, 16, 24), "f4")
    for top, left in ((-3, 2), (9, -1), (5, 5)):
        big = np.zeros((2, 80, 80, 16))
        big[:, 30:50, 30:51] = x
        window = big[:, 30 - top:30 - top + 24, 30 - left:30 - left + 22]
        true = reference.conv2d(window, w.astype("f8"))
        y, dw, dx = np.empty(true.shape, "f4"), np.empty(w.shape, "f4"), np.empty(x.shape, "f4")
        dy = rng.standard_normal(y.shape, "f4")
        geometry = (2, 20, 21, 16, 22, 20, 24, 3, 3, 1, 1, 1, 1, top, left, 1, 16)
        core.launch_at(level, "conv2d", (x, w, None, y, *geometry, 0, 0.0, 1))
        core.launch_at(level, "conv2d_backward_data", (dy, w, dx, *geometry, 1))
        core.launch_at(level, "conv2d_backward_weights", (x, dy, dw, *geometry, 1))
        np.testing.assert_allclose(y, true, atol=2.5e-5 * true.std())
        true = reference.conv2d_backward_weights(window, dy.astype("f8"), kernel_size=(3, 3), **attributes(["valid"]))
        np.testing.assert_allclose(dw, true, atol=2.5e-5 * true.std())
        whole = np.zeros_like(big)
        whole[:, 30 - top:30 - top + 24, 30 - left:30 - left + 22] = reference.conv2d_backward_data(
            dy.astype("f8"), w.astype("f8"), image=(24, 22), **attributes(["valid"]))
        true = whole[:, 30:50, 30:51]
        np.testing.assert_allclose(dx, true, atol=2.5e-5 * true.std())


@pytest.mark.parametrize("shape", [SHAPES[2], (13, 31, 33, 16, 20, "same"), (4, 16, 16, 100, 130, "same")], ids=str)
def test_same_bits_on_any_number_of_threads(shape, threads):
    found = []
    for count in (1, 2, 3, 4):
        threads(count)
        found.append({name: y.tobytes() for name, y in kernels(LEVELS[-1], shape, 1).items()})
    assert found[0] == found[1] == found[2] == found[3]


# ---- The setting ------------------------------------------------------------------------------------------------

def results(shape, dtype="float32"):
    x, w, b, dy = map(Tensor, numbers(shape, dtype))
    attrs = attributes(shape)
    return [ops.conv2d(x, w, b, **attrs).numpy(), ops.conv2d_backward_data(dy, w, image=x.shape[1:3], **attrs).numpy(),
            ops.conv2d_backward_weights(x, dy, kernel_size=(3, 3), **attrs).numpy()]


@pytest.mark.skipif(config.cpu_level() == "ref", reason="the portable kernels know one way only")
def test_set_winograd_switches_every_pass():
    assert config.winograd() == "auto"
    auto = results(SHAPES[0])
    config.set_winograd("off")
    assert config.winograd() == "off"
    for y, z in zip(auto, results(SHAPES[0])):
        assert (y != z).any()
        np.testing.assert_allclose(y, z, atol=2.5e-5 * z.std())
    config.set_winograd("auto")
    for y, z in zip(auto, results(SHAPES[0])):
        assert y.tobytes() == z.tobytes()


def test_float64_never_takes_it():
    auto = results(SHAPES[0], "float64")
    config.set_winograd("off")
    for y, z in zip(auto, results(SHAPES[0], "float64")):
        assert y.tobytes() == z.tobytes()


@pytest.mark.parametrize("value", ["on", True, None, 1, "AUTO"])
def test_any_other_setting_is_an_error(value):
    with pytest.raises(ValueError, match="winograd must be 'auto' or 'off', received"):
        config.set_winograd(value)
    assert config.winograd() == "auto"


def test_training_comes_to_the_same_end():
    """The weights after three epochs with and without: close, where any wrong gradient would lead far away."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, 16, 16, 3), "f4"), rng.integers(0, 4, 32)
    found = {}
    for setting in ("auto", "off"):
        config.set_winograd(setting)
        fastnn.utils.set_random_seed(1)
        model = fastnn.Sequential([fastnn.Input(shape=(16, 16, 3)),
                                   *[fastnn.layers.Conv2D(32, 3, padding="same", activation="relu") for _ in range(3)],
                                   fastnn.layers.GlobalAveragePooling2D(), fastnn.layers.Dense(4)])
        loss = fastnn.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=fastnn.optimizers.SGD(0.1), loss=loss)
        history = model.fit(x, y, batch_size=16, epochs=3, verbose=0)
        found[setting] = history.history["loss"], model.get_weights()
    np.testing.assert_allclose(found["auto"][0], found["off"][0], rtol=1e-5)
    for a, b in zip(found["auto"][1], found["off"][1]):
        np.testing.assert_allclose(a, b, atol=1e-5)
