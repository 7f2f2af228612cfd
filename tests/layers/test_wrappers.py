"""Layers around layers: TimeDistributed at once and step by step, the power iteration of SpectralNormalization."""
import numpy as np
import pytest

from fastnn import layers, ops
from fastnn.layers.wrapper import _treats_samples_alone
from fastnn.models import Sequential
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor

from .helpers import as_json, forward_and_gradients


class Centred(layers.Layer):
    """A layer of a user's that looks at the whole batch."""

    def call(self, inputs):
        return inputs - ops.mean(inputs, axis=0, keepdims=True)


def frames(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_a_wrapper_holds_the_layer_inside():
    inner = layers.Dense(3, kernel_regularizer="l2", name="inner")
    wrapper = layers.Wrapper(inner)
    wrapper.build((None, 4))
    assert inner.built and wrapper.weights == inner.weights and len(wrapper.losses) == 1
    wrapper.trainable = False
    assert not inner.trainable_weights and not wrapper.trainable_weights
    copy = layers.Wrapper.from_config(as_json(wrapper.get_config()))
    assert copy.layer.units == 3 and as_json(copy.get_config()) == as_json(wrapper.get_config())
    assert as_json(layers.deserialize(as_json(layers.serialize(wrapper))).get_config()) == as_json(wrapper.get_config())


@pytest.mark.parametrize("cls", [layers.Wrapper, layers.TimeDistributed, layers.SpectralNormalization])
def test_only_layers_are_wrapped(cls):
    with pytest.raises(ValueError, match=f"{cls.__name__} takes a layer.*'dense'"):
        cls("dense")


# ---- TimeDistributed --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("make", [
    lambda: layers.Dense(3, activation="tanh"), lambda: layers.LayerNormalization(),
    lambda: Sequential([layers.Input((5,)), layers.Dense(4, activation="relu"), layers.LayerNormalization()]),
    lambda: layers.TimeDistributed(layers.Dense(2)),
], ids=["dense", "normalization", "model", "twice"])
def test_all_steps_at_once_are_the_steps_one_by_one(make, monkeypatch):
    found = []
    inner = make()
    x = Tensor(frames(3, 4, 6, 5) if isinstance(inner, layers.TimeDistributed) else frames(3, 4, 5))
    layer = layers.TimeDistributed(inner)
    for alone in (True, False):
        monkeypatch.setattr("fastnn.layers.wrapper._treats_samples_alone", lambda *_: alone)
        outputs, gradients = forward_and_gradients(layer, [x])
        found.append([y.numpy() for y in [*outputs, *gradients]])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_a_layer_of_the_users_is_called_for_each_step():
    x = frames(3, 4, 5)
    y = layers.TimeDistributed(Centred())(x).numpy()
    np.testing.assert_allclose(y, x - x.mean(0, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("layer, training, alone", [
    (layers.Dense(2), True, True), (layers.BatchNormalization(), True, False), (layers.BatchNormalization(), False, True),
    (Centred(), False, False), (layers.Softmax(axis=0), False, False), (layers.Dropout(0.5), True, True),
    (layers.Dropout(0.5, noise_shape=(3, 1)), True, False), (layers.AlphaDropout(0.5, noise_shape=(1, 4)), True, False),
    (Sequential([layers.Dense(2), layers.BatchNormalization()]), True, False), (Sequential([layers.Dense(2), Centred()]), False, False),
])
def test_which_layers_get_all_steps_at_once(layer, training, alone):
    assert _treats_samples_alone(layer, training) == alone


def test_training_and_masks_reach_the_layer_inside():
    class Watching(layers.Layer):
        def call(self, inputs, training=None, mask=None):
            seen.append((training, None if mask is None else mask.numpy().tolist()))
            return inputs

    seen, mask = [], np.array([[True, False], [True, True], [False, True]])
    layer = layers.TimeDistributed(Watching())
    layer(frames(3, 2, 5), training=True, mask=mask)
    assert seen == [(True, [True, True, False]), (True, [False, True, True])]
    for bad in (np.ones((3, 3), bool), np.ones(3, bool)):
        with pytest.raises(ValueError, match="first two axes of the mask"):
            layer(frames(3, 2, 5), mask=bad)


def test_dropout_inside_is_that_of_the_whole_batch():
    layer = layers.TimeDistributed(layers.Dropout(0.5, seed=1))
    x = np.ones((4, 300, 7), "float32")
    assert layer(x) is not None and (layer(x).numpy() == 1).all()
    assert (layer(x, training=True).numpy() == 0).mean() == pytest.approx(0.5, abs=0.03)
    model = Sequential([layers.TimeDistributed(Sequential([layers.Dense(3), layers.Dropout(0.5)]))])
    assert (model(x, training=True).numpy() == 0).any() and not (model(x).numpy() == 0).any()


def test_symbolic_shapes():
    layer = layers.TimeDistributed(layers.Conv2D(6, 3))
    assert layer(Spec((None, None, 8, 9, 2), "float32")).shape == (None, None, 6, 7, 6)
    assert layers.TimeDistributed(layers.Flatten()).compute_output_shape((None, 5, 2, 3)) == (None, 5, 6)
    assert layers.TimeDistributed(layers.Embedding(5, 3))(np.zeros((2, 3, 4), "int64")).shape == (2, 3, 4, 3) \
        if hasattr(layers, "Embedding") else True
    with pytest.raises(ValueError, match="at least 3 axes"):
        layers.TimeDistributed(layers.Dense(2))(np.ones((2, 3)))


def test_a_model_with_it_learns_by_plans():
    x = frames(32, 4, 5)
    y = x.sum(-1, keepdims=True)
    model = Sequential([layers.Input((4, 5)), layers.TimeDistributed(layers.Dense(8, activation="relu")),
                        layers.TimeDistributed(layers.BatchNormalization()), layers.TimeDistributed(layers.Dense(1))])
    model.compile("adam", "mse")
    history = model.fit(x, y, epochs=8, batch_size=8, verbose=0).history["loss"]
    assert history[-1] < history[0]


# ---- SpectralNormalization --------------------------------------------------------------------------------------

def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("iterations", [1, 3])
def test_the_power_iteration(iterations):
    layer = layers.SpectralNormalization(layers.Conv2D(3, 2), power_iterations=iterations)
    x = Tensor(frames(2, 4, 5, 2))
    layer(x)
    kernel, u = layer.layer.kernel.numpy().astype("float64"), layer.vector_u.numpy().astype("float64")
    for _ in range(2):
        weights = kernel.reshape(-1, 3)
        for _ in range(iterations):
            v = unit(u @ weights.T)
            u = unit(v @ weights)
        kernel = kernel / (v @ weights @ u.T).item()
        layer(x, training=True)
        np.testing.assert_allclose(layer.layer.kernel.numpy(), kernel, rtol=1e-5)
        np.testing.assert_allclose(layer.vector_u.numpy(), u, rtol=1e-4, atol=1e-6)


def test_inference_leaves_the_kernel_alone_and_zeros_stay():
    layer = layers.SpectralNormalization(layers.Dense(3))
    layer(frames(4, 5))
    before = layer.get_weights()
    layer(frames(4, 5))
    assert all((a == b).all() for a, b in zip(layer.get_weights(), before))
    layer.kernel.assign(np.zeros((5, 3)))
    layer(frames(4, 5), training=True)
    assert (layer.kernel.numpy() == 0).all() and (layer.vector_u.numpy() == before[1]).all()


def test_gradients_are_those_for_the_normalized_kernel():
    layer = layers.SpectralNormalization(layers.Dense(3, use_bias=False))
    x = Tensor(frames(4, 5))
    layer(x)
    with GradientTape() as tape:
        loss = ops.sum(layer(x, training=True))
    np.testing.assert_allclose(tape.gradient(loss, layer.kernel).numpy(), np.repeat(x.numpy().sum(0)[:, None], 3, 1), rtol=1e-5)


def test_what_it_does_not_take():
    with pytest.raises(ValueError, match="power_iterations=0"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)
    with pytest.raises(ValueError, match="Flatten"):
        layers.SpectralNormalization(layers.Flatten())(frames(2, 3))
