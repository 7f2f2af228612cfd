"""Small models for the tests of the loops."""
import numpy as np

from fastnn import layers
from fastnn.models import Sequential


def net(outputs=1, activation=None, inputs=4, units=5):
    """Dense(units) - Dense(outputs), built."""
    return Sequential([layers.Input((inputs,)), layers.Dense(units, activation="tanh"), layers.Dense(outputs, activation=activation)])


def compiled(outputs=1, activation=None, loss="mse", optimizer="sgd", **arguments):
    model = net(outputs, activation)
    model.compile(optimizer, loss, **arguments)
    return model


def data(n=20, inputs=4, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, inputs)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)
