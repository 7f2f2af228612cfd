"""Files that belong to other models and other optimizers, and models that hold models."""
import os

import numpy as np
import pytest

import fastnn
from fastnn import layers
from fastnn.saving import load_model

pytest.importorskip("h5py")
KERAS2 = os.path.join(os.path.dirname(__file__), "hdf5_files", "keras2.keras")


def trained(optimizer):
    model = fastnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile(optimizer, "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    return model


@pytest.mark.parametrize("theirs, ours", [("rmsprop", fastnn.optimizers.SGD(momentum=0.9)), ("adagrad", "rmsprop")])
def test_the_state_of_another_optimizer_is_not_taken_for_ones_own(tmp_path, theirs, ours):
    path, model = tmp_path / "w.weights.h5", trained(ours)
    trained(theirs).save_weights(path)
    before = [v.numpy() for v in model.optimizer.variables]
    with pytest.warns(UserWarning, match="the file holds the state of"):
        model.load_weights(path)
    for old, new in zip(before, model.optimizer.variables):
        np.testing.assert_array_equal(new.numpy(), old)


@pytest.mark.parametrize("theirs, ours", [("adam", "adamw"), ("adamw", "adam"), ("rmsprop", "rmsprop")])
def test_the_state_of_a_kin_is(tmp_path, theirs, ours):
    path, first, second = tmp_path / "w.weights.h5", trained(theirs), trained(ours)
    first.save_weights(path)
    first.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    first.save_weights(path)
    second.load_weights(path)
    for one, other in zip(first.optimizer.variables, second.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_what_does_not_fit_of_an_archive_of_keras_2_can_be_left_out():
    made = load_model(KERAS2, compile=False)
    config = made.get_config()
    last = [entry for entry in config["layers"] if entry["class_name"] == "Dense"][-1]
    last["config"]["units"] += 1
    last.pop("build_config", None)
    other = type(made).from_config(config)
    with pytest.raises(ValueError, match="nothing was loaded"):
        other.load_weights(KERAS2)
    with pytest.warns(UserWarning, match="not loaded"):
        other.load_weights(KERAS2, skip_mismatch=True)
    same = [np.array_equal(a, b) for a, b in zip(made.get_weights(), other.get_weights()) if a.shape == b.shape]
    assert len(same) == len(made.get_weights()) - 2 and all(same)


@fastnn.saving.register_keras_serializable("other_models")
class Pair(fastnn.Model):
    """Two models in one, as of a GAN, and a list of layers; without a `get_config`."""

    def __init__(self, generator, discriminator, more=(), function=None, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.discriminator, self.more, self.function = generator, discriminator, list(more), function

    def call(self, x):
        for layer in self.more:
            x = layer(x)
        return self.function(self.discriminator(self.generator(x)))


def test_arguments_that_are_models_are_made_again(tmp_path, rng):
    x, path = rng.normal(size=(4, 3)), tmp_path / "pair.keras"
    generator = fastnn.Sequential([layers.Input((3,)), layers.Dense(3)], name="generator")
    discriminator = fastnn.Sequential([layers.Input((3,)), layers.Dense(1)], name="discriminator")
    discriminator.compile("adam", "mse")
    discriminator.fit(x, x[:, :1], verbose=0)
    model = Pair(generator, discriminator, [layers.Dense(3), layers.Dense(3)], fastnn.activations.tanh)
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    model.save(path)
    loaded = load_model(path)
    assert loaded.function is fastnn.activations.tanh and len(loaded.more) == 2
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    loaded.fit(x, x[:, :1], verbose=0)
