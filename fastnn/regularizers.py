"""Penalties on weights and outputs, added to the loss: Keras' regularizers."""
import math

import numpy as np

from . import changes, ops
from .utils import serialization


class Regularizer(changes.Noted):
    """Base of regularizers: `regularizer(x)` returns a scalar Tensor.  Any such function will do in its place."""

    def __call__(self, x):
        """The penalty on a Tensor."""
        return ops.sum(x) * 0.0

    def get_config(self):
        """The arguments that make this regularizer again."""
        raise TypeError(f"Regularizer {type(self).__name__} has no `get_config()`: override it to save the model.")

    @classmethod
    def from_config(cls, config):
        """A regularizer from the result of `get_config`."""
        return cls(**config)


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x^2).

    Args:
        l1, l2: numbers that are not negative; default 0 each (0.01 each from the name "l1_l2").

    Raises:
        ValueError: other values.

    Example:
        >>> layer = fastnn.layers.Dense(16, kernel_regularizer=L1L2(l1=1e-4, l2=1e-3))
        >>> float(L1L2(l1=1.0, l2=2.0)(np.array([-1.0, 2.0])))
        13.0
    """

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = _factor(0.0 if l1 is None else l1, "l1")
        self.l2 = _factor(0.0 if l2 is None else l2, "l2")

    def __call__(self, x):
        return ops.penalty(x, l1=self.l1, l2=self.l2)

    def get_config(self):
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 * sum(|x|).

    Args:
        l1: number that is not negative.

    Raises:
        ValueError: other values.
    """

    def __init__(self, l1=0.01):
        self.l1 = _factor(0.01 if l1 is None else l1, "l1")

    def __call__(self, x):
        return ops.penalty(x, l1=self.l1, l2=0.0)

    def get_config(self):
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 * sum(x^2).

    Args:
        l2: number that is not negative.

    Raises:
        ValueError: other values.
    """

    def __init__(self, l2=0.01):
        self.l2 = _factor(0.01 if l2 is None else l2, "l2")

    def __call__(self, x):
        return ops.penalty(x, l1=0.0, l2=self.l2)

    def get_config(self):
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean absolute cosine between different rows (or columns) of a matrix.

    Args:
        factor: number that is not negative.
        mode: "rows" or "columns".

    Raises:
        ValueError: other values, and when called on anything but a matrix.
    """

    def __init__(self, factor=0.01, mode="rows"):
        self.factor = _factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ValueError(f"Invalid value for argument `mode`. Expected 'rows' or 'columns'. Received: mode={mode!r}")
        self.mode = mode

    def __call__(self, x):
        if len(x.shape) != 2:
            raise ValueError(f"Inputs to OrthogonalRegularizer must have rank 2. Received: inputs.shape={tuple(x.shape)}")
        rows = x if self.mode == "rows" else ops.transpose(x)
        norms = ops.sqrt(ops.maximum(ops.sum(ops.square(rows), axis=1, keepdims=True), 1e-12))
        rows = rows / norms
        size = rows.shape[0]
        others = 1.0 - np.eye(size, dtype=x.dtype)
        cosines = ops.absolute(ops.matmul(rows, ops.transpose(rows)) * others)
        pairs = size * (size - 1.0) / 2.0
        return ops.sum(cosines) * (self.factor * 0.5 / pairs if pairs else math.nan)

    def get_config(self):
        return {"factor": self.factor, "mode": self.mode}


def _factor(value, name):
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise ValueError(f"Invalid value for argument {name}: expected a non-negative float. Received: {name}={value!r}")
    return float(value)


_TABLE = serialization.name_table(Regularizer, L1, L2, L1L2, OrthogonalRegularizer, l1_l2=L1L2)
l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def serialize(regularizer):
    """The config of a regularizer."""
    return serialization.serialize(regularizer)


def deserialize(config, custom_objects=None):
    """A regularizer from its config or name."""
    return serialization.deserialize(config, _TABLE, custom_objects, "regularizer")


def get(identifier):
    """A regularizer from a name ("l2"), a config, a class, a function of the weight, or None.

    Raises:
        ValueError: unknown names (with the nearest known ones) and things that cannot be called.
    """
    if identifier == "l1_l2":
        return L1L2(l1=0.01, l2=0.01)
    return serialization.get("regularizer", identifier, _TABLE)
