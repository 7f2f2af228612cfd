"""GradientMonitor: its numbers, that it disturbs nothing, and that it finds where NaN comes from."""
import numpy as np
import pytest

import fastnn
from fastnn import callbacks, layers, ops, optimizers
from fastnn.models import Model, Sequential

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 4)).astype("float32"), RNG.normal(size=(40, 1)).astype("float32")


def network(optimizer="adam", loss="mse", *inner, **arguments):
    fastnn.utils.set_random_seed(3)
    model = Sequential([layers.Input((4,)), layers.Dense(8, activation="relu", name="first"), *[make() for make in inner], layers.Dense(1, name="last")])
    model.compile(optimizer, loss, **arguments)
    return model


def everything(model):
    """All values that a training leaves behind."""
    optimizer = [v.numpy() for v in model.optimizer.variables]
    return [*model.get_weights(), *optimizer, *[v.numpy() for layer in model._flatten_layers() for v in layer.variables], fastnn.random.uniform((2,)).numpy()]


class Teacher(Model):
    """A train_step and optimizers of its own."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.drop = layers.Dense(3, name="one"), layers.Dense(1, name="two"), layers.Dropout(0.5)
        self.second = optimizers.Adam(0.01)

    def call(self, x, training=None):
        return self.two(self.drop(self.one(x), training=training))

    def train_step(self, data):
        x, y = data
        with fastnn.GradientTape() as tape:
            loss = ops.mean(ops.square(self(x, training=True) - y))
        grads = tape.gradient(loss, self.trainable_variables)
        half = len(grads) // 2
        self.optimizer.apply_gradients(list(zip(grads[:half], self.trainable_variables[:half])))
        self.second.apply(grads[half:], self.trainable_variables[half:])
        return {"loss": loss}


def teacher():
    fastnn.utils.set_random_seed(3)
    model = Teacher()
    model.compile("sgd")
    return model


MODELS = {
    "dropout and statistics": lambda: network("adam", "mse", lambda: layers.Dropout(0.3), layers.BatchNormalization, metrics=["mae"]),
    "averages": lambda: network(optimizers.SGD(0.1, momentum=0.9, use_ema=True, gradient_accumulation_steps=2)),
    "scaled": lambda: network(optimizers.LossScaleOptimizer(optimizers.SGD(0.1))),
    "several steps at once": lambda: network(steps_per_execution=3),
    "its own steps": teacher,
}


@pytest.mark.parametrize("name", MODELS)
def test_training_is_not_disturbed(name):
    found = []
    for some in ([], [callbacks.GradientMonitor(every=3)]):
        model = MODELS[name]()
        history = model.fit(X, Y, batch_size=8, epochs=4, callbacks=some, verbose=0, validation_split=0.2 * (name != "its own steps")).history
        found.append([*everything(model), *history.values()])
    assert len(found[0]) == len(found[1]) and len(some[0].history) == 2 + (name == "dropout and statistics")
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


def test_training_is_replayed_as_without_it():
    model = network()
    model.fit(X, Y, batch_size=8, epochs=10, callbacks=[callbacks.GradientMonitor(every=4)], verbose=0)
    assert [entry.ready.runs > 10 for entry in model._plans["train_step"].entries.values()] == [True]


@pytest.mark.parametrize("optimizer", [lambda: optimizers.SGD(0.5), lambda: optimizers.SGD(0.5, loss_scale_factor=64.0),
                                       lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.5))])
def test_norms(optimizer):
    """Plain descent moves a weight by its gradient times the learning rate."""
    class Weights(callbacks.Callback):
        seen = []

        def on_train_batch_begin(self, batch, logs=None):
            self.seen.append(self.model.get_weights())

        on_train_end = on_train_batch_begin

    model, monitor = network(optimizer()), callbacks.GradientMonitor(every=1)
    Weights.seen = []
    model.fit(X, Y, batch_size=10, callbacks=[Weights(), monitor], verbose=0)
    assert monitor.steps == [0, 1, 2, 3] and list(monitor.history) == ["first", "last"]
    for i, layer in enumerate(("first", "last")):
        moved = [np.concatenate([(a - b).ravel() / 0.5 for a, b in zip(before[2 * i:2 * i + 2], after[2 * i:2 * i + 2])])
                 for before, after in zip(Weights.seen, Weights.seen[1:])]
        np.testing.assert_allclose(monitor.history[layer], [np.linalg.norm(m) for m in moved], rtol=1e-3)


def test_every():
    monitor = callbacks.GradientMonitor(every=3, find_nan=False)
    network().fit(X, Y, batch_size=10, epochs=2, callbacks=[monitor], verbose=0)
    assert monitor.steps == [0, 3, 6] and len(monitor.history["last"]) == 3
    for every in (0, 1.5, True):
        with pytest.raises(ValueError, match="every"):
            callbacks.GradientMonitor(every=every)


# ---- Where NaN comes from ---------------------------------------------------------------------------------------

def find(model, x=X, y=Y, every=100, **arguments):
    monitor = callbacks.GradientMonitor(every=every)
    with pytest.warns(UserWarning):         # of the loss
        model.fit(x, y, batch_size=10, epochs=2, shuffle=False, callbacks=[monitor], verbose=0, **arguments)
    return monitor.found


def test_nan_in_the_data(capsys):
    x = X.copy()
    x[25, 1] = np.nan
    assert find(network(), x) == (2, 0, 2, "data", "x")
    assert "NaN or infinity first in step 2 (epoch 1, batch 3): in the data that it was given (x)" in capsys.readouterr().out
    assert find(network(), X, np.where(np.arange(40)[:, None] == 12, np.inf, Y)) == (1, 0, 1, "data", "y")


def test_nan_in_weights():
    model = network()
    model.get_layer("last").bias.assign([np.inf])
    assert find(model) == (0, 0, 0, "weights", "last/bias")


def test_nan_in_an_activation():
    x = X.copy()
    x[33] = -50.0
    model = network("sgd", "mse", lambda: layers.Lambda(ops.square, name="before"), lambda: layers.Activation("relu"),
                    lambda: layers.Lambda(lambda x: ops.log((x < 10_000.0) * 1.0), name="logarithm"))
    model.get_layer("first").set_weights([np.full((4, 8), -1.0), np.zeros(8)])
    assert find(model, x) == (3, 0, 3, "activation", "logarithm")


def test_nan_in_the_loss_and_in_the_middle_of_an_epoch():
    y = np.abs(Y)
    y[15] = -1.0

    def loss(y_true, y_pred):
        return ops.mean(ops.square(y_pred) + ops.log(y_true), axis=-1)

    assert find(network("sgd", loss), y=y) == (1, 0, 1, "loss", "")


def test_nan_in_a_gradient():
    """The loss is finite, and so are all activations: the square root has no derivative at 0."""
    def loss(y_true, y_pred):
        return ops.mean(ops.sqrt(ops.abs((y_pred + 10.0) * (y_true < 50.0))), axis=-1)

    y = Y.copy()
    y[22] = 100.0
    found = find(network("sgd", loss), y=y)
    assert found[:4] == (2, 0, 2, "gradient") and found.name.startswith("last/")


def test_nan_in_an_update():
    huge = lambda y_true, y_pred: ops.mean(y_pred, axis=-1) * 1e30      # noqa: E731
    found = find(network(optimizers.SGD(1e20), huge))
    assert found[:4] == (0, 0, 0, "update") and found.name == "first/kernel"


def test_nan_when_several_steps_are_one_call():
    x = X.copy()
    x[15, 1] = np.nan
    found = find(network(steps_per_execution=4), x)
    assert found.step == 1 and found.place == "data"


def test_what_is_found_changes_nothing():
    x = X.copy()
    x[25, 1] = np.nan
    found = []
    for some in ([], [callbacks.GradientMonitor(every=1)]):
        model = network("adam", "mse", lambda: layers.Dropout(0.3))
        with pytest.warns(UserWarning):
            model.fit(x, Y, batch_size=10, epochs=2, callbacks=some, verbose=0)
        found.append(everything(model))
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


def test_a_model_that_its_first_step_builds():
    monitor = callbacks.GradientMonitor(every=2)
    teacher().fit(X, Y, batch_size=10, epochs=1, callbacks=[monitor], verbose=0)
    assert monitor.steps == [2] and set(monitor.history) == {"one", "two"}


def test_gradients_of():
    model = network()
    batch = ops.array(X), ops.array(Y)
    with pytest.raises(ValueError, match="no weights yet"):
        Teacher.gradients_of(teacher(), batch)
    (_, kernel), (_, bias), *_ = model.gradients_of(batch)
    assert kernel.shape == (4, 8) and bias.shape == (8,)
    before = model.get_weights()
    model.train_on_batch(X, Y)
    assert np.abs(model.get_weights()[0] - before[0]).max() > 0


def test_a_functional_model_with_a_model_inside():
    fastnn.utils.set_random_seed(0)
    words, numbers = layers.Input((5,), dtype="int32"), layers.Input((4,))
    inner = Sequential([layers.Input((8,)), layers.Dense(6, activation="relu", name="dense"),
                        layers.Lambda(lambda x: x / (ops.max(x, axis=1, keepdims=True) * 0.0), name="divides")], name="inner")
    joined = layers.Concatenate()([layers.GlobalAveragePooling1D()(layers.Embedding(10, 4, name="words")(words)), numbers])
    model = Model([words, numbers], layers.Dense(1, name="end")(inner(joined)))
    model.compile("adam", "mse")
    found = find(model, [np.arange(200).reshape(40, 5) % 10, X], every=2)
    assert found == (0, 0, 0, "activation", "divides")
    model.get_layer("inner").get_layer("divides").function = ops.tanh
    model.set_weights([np.full(w.shape, 0.1) for w in model.get_weights()])
    model.compile("adam", "mse")
    monitor = callbacks.GradientMonitor(every=2)
    model.fit([np.arange(200).reshape(40, 5) % 10, X], Y, batch_size=10, callbacks=[monitor], verbose=0)
    assert set(monitor.history) >= {"words", "end"} and len(monitor.history) == 3 and all(v > 0 for v in monitor.history["words"])


def test_layers_of_one_name():
    parts = [Sequential([layers.Input((4,)), layers.Dense(4, name="same")]) for _ in range(2)]
    model = Sequential([layers.Input((4,)), *parts, layers.Dense(1, name="end")])
    model.compile("sgd", "mse")
    monitor = callbacks.GradientMonitor()
    model.fit(X, Y, callbacks=[monitor], verbose=0)
    assert list(monitor.history) == ["same", "same 2", "end"]
