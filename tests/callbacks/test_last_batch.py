"""`Callback.last_batch`: what the step before was trained with, by steps that are replayed, too."""
import copy
import pickle

import numpy as np
import pytest

from fastnn import Sequential, callbacks, layers

X = np.arange(240, dtype="float32").reshape(40, 6) / 240
Y = X.sum(axis=1, keepdims=True)


class Compares(callbacks.Callback):
    """Asks after every batch, or after epochs only, between which nobody looks at callbacks."""

    def __init__(self, batches):
        super().__init__()
        self.batches = []
        if not batches:
            self.idle_hooks = (Compares.on_train_batch_end,)

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append([part.numpy().copy() for part in self.last_batch()])

    def on_epoch_end(self, epoch, logs=None):
        self.batches.append([part.numpy().copy() for part in self.last_batch()])


@pytest.mark.parametrize("batches", [True, False])
@pytest.mark.parametrize("data", ["arrays", "weights", "generator"])
def test_it_is_that_of_the_step(batches, data):
    callback = Compares(batches)
    model = Sequential([layers.Input((6,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert callback.last_batch() is None
    arguments = {"x": X, "y": Y, "batch_size": 16, "shuffle": False}
    if data == "weights":
        arguments["sample_weight"] = np.arange(40, dtype="float32")
    if data == "generator":
        arguments = {"x": ((X[at:at + 16], Y[at:at + 16]) for _ in range(6) for at in (0, 16, 32)), "steps_per_epoch": 3}
    model.fit(**arguments, epochs=6, verbose=0, callbacks=[callback], validation_data=(X[:7], Y[:7]))
    starts = ([0, 16, 32, 32] if batches else [32]) * 6
    assert len(callback.batches) == len(starts)
    for found, start in zip(callback.batches, starts):
        assert np.array_equal(found[0], X[start:start + 16]) and np.array_equal(found[1], Y[start:start + 16])
        assert len(found) == (3 if data == "weights" else 2)
        assert data != "weights" or np.array_equal(found[2], np.arange(40)[start:start + 16])
    assert callback.last_batch() is None        # the training is over, its data are let go


def test_shuffled_batches_that_are_gathered_ahead():
    seen = []

    class Sees(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            x, y = self.last_batch()
            assert np.array_equal(y.numpy(), x.numpy() * 2)
            seen.append(x.numpy().ravel().copy())

    model = Sequential([layers.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.arange(64, dtype="float32").reshape(64, 1) / 64
    model.fit(x, x * 2, batch_size=8, epochs=8, verbose=0, callbacks=[Sees()])
    for epoch in range(8):
        assert np.array_equal(np.sort(np.concatenate(seen[epoch * 8:epoch * 8 + 8])), x.ravel())


def test_histories_are_pickled():
    model = Sequential([layers.Input((6,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(X, Y, epochs=2, verbose=0)
    for again in (pickle.loads(pickle.dumps(history)), copy.deepcopy(history)):
        assert again.history == history.history and again.last_batch() is None
