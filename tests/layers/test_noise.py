"""What random layers do in training, by statistics; the same bits on any number of threads, new numbers at every call."""
import numpy as np
import pytest

from fastnn import layers, ops, utils
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor

SPATIAL = [("SpatialDropout1D", {}, (40, 6, 50), (1,)), ("SpatialDropout2D", {}, (40, 3, 4, 50), (1, 2)),
           ("SpatialDropout2D", {"data_format": "channels_first"}, (40, 50, 3, 4), (2, 3)),
           ("SpatialDropout3D", {}, (40, 2, 3, 2, 50), (1, 2, 3)),
           ("SpatialDropout3D", {"data_format": "channels_first"}, (40, 50, 2, 3, 2), (2, 3, 4))]
NOISY = [("GaussianNoise", {"stddev": 0.3}), ("GaussianDropout", {"rate": 0.3}), ("AlphaDropout", {"rate": 0.3}),
         ("SpatialDropout1D", {"rate": 0.3}), ("Dropout", {"rate": 0.3, "noise_shape": (None, 1, None)})]


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize("name, arguments, shape, space", SPATIAL)
def test_whole_channels_are_dropped(name, arguments, shape, space):
    x = normal(*shape)
    layer = getattr(layers, name)(0.3, seed=1, **arguments)
    factor = layer(x, training=True).numpy() / x
    first = factor[tuple(slice(0, 1) if k in space else slice(None) for k in range(x.ndim))]
    np.testing.assert_allclose(factor, np.broadcast_to(first, x.shape), rtol=1e-5)
    dropped = first == 0
    np.testing.assert_allclose(first[~dropped], 1 / 0.7, rtol=1e-5)
    assert dropped.mean() == pytest.approx(0.3, abs=0.04)       # 2000 channels: 4 standard deviations
    assert dropped.any(axis=tuple(range(1, x.ndim))).all() and not dropped.all(axis=0).any()    # samples differ


def test_the_gradient_of_dropped_channels():
    x = Tensor(normal(4, 5, 8))
    layer = layers.SpatialDropout1D(0.5, seed=1)
    with GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), y.numpy() / x.numpy(), rtol=1e-5)


def test_gaussian_noise():
    x = np.zeros((300, 400), "float32")
    noise = layers.GaussianNoise(0.25, seed=1)(x + 7, training=True).numpy() - 7
    assert noise.mean() == pytest.approx(0, abs=0.003) and noise.std() == pytest.approx(0.25, rel=0.01)
    assert (np.abs(noise) < 0.25).mean() == pytest.approx(0.6827, abs=0.006)
    assert np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1] == pytest.approx(0, abs=0.015)


def test_gaussian_dropout():
    x = Tensor(normal(300, 400))
    layer = layers.GaussianDropout(0.2, seed=1)
    with GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    noise = y.numpy().astype("float64") / x.numpy()
    assert noise.mean() == pytest.approx(1, abs=0.006) and noise.std() == pytest.approx(0.5, rel=0.01)
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), noise, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(rate):
    x = Tensor(normal(400, 500))
    layer = layers.AlphaDropout(rate, seed=1)
    with GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    values, slope = y.numpy(), tape.gradient(y, x).numpy()
    assert values.mean() == pytest.approx(0, abs=0.015) and values.var() == pytest.approx(1, abs=0.02)
    dropped = slope == 0
    assert dropped.mean() == pytest.approx(rate, abs=0.005)
    scale = ((1 - rate) * (1 + rate * 1.7580993408473766**2)) ** -0.5
    np.testing.assert_allclose(values[dropped], -1.7580993408473766 * scale * (1 - rate), rtol=1e-5)
    np.testing.assert_allclose(slope[~dropped], scale, rtol=1e-5)


def test_alpha_dropout_with_a_noise_shape():
    y = layers.AlphaDropout(0.5, noise_shape=(None, 1, None), seed=3)(np.ones((6, 5, 40), "float32"), training=True).numpy()
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    assert len(np.unique(y)) == 2


@pytest.mark.parametrize("name, arguments", NOISY)
def test_training_alone_is_noisy_and_seeds_hold(name, arguments, threads):
    x = Tensor(normal(30, 40, 50))
    layer = getattr(layers, name)(**arguments, seed=5)
    assert layer(x) is x and layer(x, training=False) is x
    assert layer(Spec((None, 40, 50), "float32"), training=True).shape == (None, 40, 50)
    found = []
    for count in (1, 2, 4):
        threads(count)
        layer = getattr(layers, name)(**arguments, seed=5)
        found.append([layer(x, training=True).numpy() for _ in range(2)])
        assert (found[-1][0] != found[-1][1]).any()
    for other in found[1:]:
        assert all(a.tobytes() == b.tobytes() for a, b in zip(found[0], other))
    assert (getattr(layers, name)(**arguments, seed=6)(x, training=True).numpy() != found[0][0]).any()
    utils.set_random_seed(1)
    first = getattr(layers, name)(**arguments)(x, training=True).numpy()
    utils.set_random_seed(1)
    np.testing.assert_array_equal(getattr(layers, name)(**arguments)(x, training=True).numpy(), first)


@pytest.mark.parametrize("name", ["GaussianDropout", "AlphaDropout"])
def test_a_rate_of_one_has_no_noise(name):
    layer = getattr(layers, name)(1.0, name="all")
    assert (layer(np.ones((2, 3))).numpy() == 1).all()
    with pytest.raises(ValueError, match='"all".*rate=1'):
        layer(np.ones((2, 3)), training=True)


def test_prelu_passes_nothing_back_at_zero():
    layer = layers.PReLU(alpha_initializer="ones")
    x = Tensor(np.array([[-2.0, 0.0, 3.0]], "float32"))
    layer(x)
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(layer(x) * 2.0)
    dx, dalpha = tape.gradient(y, [x, layer.alpha])
    assert dx.tolist() == [[2.0, 0.0, 2.0]] and dalpha.tolist() == [-4.0, 0.0, 0.0]
