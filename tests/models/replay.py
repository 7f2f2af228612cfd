"""What the tests of replayed steps share: the same work done op by op and by plans, and all that comes of it compared."""
import warnings

import numpy as np

import fastnn
from fastnn import layers
from fastnn.callbacks import Callback
from fastnn.models import Sequential
from fastnn.tensor import Tensor

X = np.random.default_rng(0).normal(size=(44, 6)).astype("float32")     # batches of 8, and one of 4
Y = X.sum(axis=1, keepdims=True)
LABELS = np.arange(44) % 3


def bits(value):
    """Any result in a form that is equal only where all bits are."""
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic, Tensor)):
        array = np.asarray(value)
        return array.shape, str(array.dtype), array.tobytes()
    return repr(value)


def both_ways(make, work, reset=lambda: None):
    """Does the same work with the same model op by op and by plans, and compares results, weights, and the optimizer's variables.

    Args:
        make: function that gives a compiled model.
        work: function of the model; what it returns is compared.
        reset: called before each of the two.

    Returns:
        (the model of the plans, the warnings that it runs op by op)
    """
    found = []
    for eager in (True, False):
        fastnn.utils.set_random_seed(7)
        reset()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = make()
            model.run_eagerly = eager
            results = work(model)
        found.append((bits(results), bits(state(model))))
    assert found[1][0] == found[0][0], "other results"
    assert found[1][1] == found[0][1], "other weights"
    return model, [str(one.message) for one in caught if "op by op" in str(one.message)]


def state(model):
    """All that steps change: variables of the model, of its metrics and of its optimizer."""
    return [v.numpy() for v in (*model.variables, *(v for m in model.metrics for v in m.variables), *model.optimizer.variables)]


def train_and_look(x=X, y=Y, epochs=8, callbacks=lambda: None, **fit):
    """Work for `both_ways`: fit with validation, then each way to use a model often enough that it has a plan."""
    def work(model):
        arguments = dict(epochs=epochs, verbose=0, validation_data=(x, y), callbacks=callbacks(), **fit)
        found, some, labels = [model.fit(x, y, batch_size=8, **arguments).history], first(x, 16), first(y, 16)
        for _ in range(5):
            found += [model.train_on_batch(some, labels), model.test_on_batch(some, labels), model.predict_on_batch(some)]
            found += [model.evaluate(x, y, batch_size=8, verbose=0), model.predict(x, batch_size=8, verbose=0)]
        return found
    return work


def first(x, n):
    """The first samples of arrays in any structure."""
    if isinstance(x, dict):
        return {key: first(part, n) for key, part in x.items()}
    return [first(part, n) for part in x] if isinstance(x, list) and hasattr(x[0], "shape") else x[:n]


def fitted(epochs=8, x=X, y=Y, **fit):
    """Work for `both_ways`: no more than a fit, in batches of 8."""
    def work(model):
        arguments = {name: value() if name == "callbacks" else value for name, value in fit.items()}
        return model.fit(x, y, batch_size=8, epochs=epochs, verbose=0, **arguments).history
    return work


def check_replayed(model, *names, steps=("train_step", "test_step", "predict_step")):
    """Each step has plans that ran, and none was given up."""
    for name in names or steps:
        entries = list(model._plans[name].entries.values())
        assert not any(entry.reason for entry in entries), (name, [entry.reason for entry in entries])
        assert any(entry.ready and entry.ready.runs for entry in entries), (name, "no plan")


def check_eager(model, said, reason, name="train_step"):
    """The step has no plan, and one warning says why."""
    entries = model._plans[name].entries.values()
    assert not any(entry.ready for entry in entries)
    assert any(entry.reason and reason in entry.reason for entry in entries), [entry.reason for entry in entries]
    assert len([text for text in said if name in text and reason in text]) == 1, said


def network(*inner, inputs=6, outputs=1, activation=None, optimizer="sgd", loss="mse", dtype=None, **compile):
    """A function that makes a compiled model: inner layers (functions that make them) between two dense ones."""
    def make():
        first, last = layers.Dense(8, activation="tanh", dtype=dtype), layers.Dense(outputs, activation=activation, dtype=dtype)
        model = Sequential([layers.Input((inputs,), dtype=dtype), first, *[one() for one in inner], last])
        model.compile(*[value() if callable(value) else value for value in (optimizer, loss)],
                      **{name: value() if callable(value) else value for name, value in compile.items()})
        return model
    return make


def own(function, **attributes):
    """A class of layers that compute `function(self, x)`; attributes as functions that make their values."""
    def __init__(self):
        layers.Layer.__init__(self)
        for name, value in attributes.items():
            setattr(self, name, value())

    def call(self, x):
        return x if x.shape[0] is None else function(self, x)      # symbolic, as it is built
    return type("Own", (layers.Layer,), {"__init__": __init__, "call": call})


class At(Callback):
    """Does something with the model before the training step of a number, or before every one."""

    def __init__(self, do, step=None):
        super().__init__()
        self.do, self.step, self.steps = do, step, 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.step in (None, self.steps):
            self.do(self.model)
        self.steps += 1
