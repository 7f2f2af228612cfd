"""Projections of weights that are applied after each update: Keras' constraints."""
from . import changes, ops
from .config import epsilon
from .utils import serialization


class Constraint(changes.Noted):
    """Base of constraints: `constraint(w)` returns the weight's new value."""

    def __call__(self, w):
        """The projected value of a weight."""
        return w

    def get_config(self):
        """The arguments that make this constraint again."""
        return {}

    @classmethod
    def from_config(cls, config):
        """A constraint from the result of `get_config`."""
        return cls(**config)


class MaxNorm(Constraint):
    """Scales down what has a larger norm than `max_value`.

    Args:
        max_value: the largest norm.
        axis: int or tuple, the axes over which norms are taken: 0 for a dense kernel (in, out), (0, 1, 2) for a 2-D
            convolution kernel.

    Example:
        >>> layer = fastnn.layers.Dense(16, kernel_constraint=MaxNorm(3))
        >>> MaxNorm(3)(np.array([3.0, 4.0])).numpy().round(3).tolist()
        [1.8, 2.4]
    """

    def __init__(self, max_value=2, axis=0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        return w * (ops.minimum(norms, float(self.max_value)) / (norms + epsilon()))

    def get_config(self):
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Sets negative values to 0."""

    def __call__(self, w):
        return ops.maximum(w, 0.0)


class UnitNorm(Constraint):
    """Scales to norm 1.

    Args:
        axis: see `MaxNorm`.
    """

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, w):
        return w / (_norms(w, self.axis) + epsilon())

    def get_config(self):
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Scales norms into [min_value, max_value].

    Args:
        min_value, max_value: bounds of the norm.
        rate: 1 enforces the bounds, less moves towards them.
        axis: see `MaxNorm`.
    """

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w):
        norms = _norms(w, self.axis)
        wanted = ops.minimum(ops.maximum(norms, float(self.min_value)), float(self.max_value))
        wanted = wanted * float(self.rate) + norms * (1.0 - self.rate)
        return w * (wanted / (norms + epsilon()))

    def get_config(self):
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


def _norms(w, axis):
    axis = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


_TABLE = serialization.name_table(Constraint, MaxNorm, NonNeg, UnitNorm, MinMaxNorm)
max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm


def serialize(constraint):
    """The config of a constraint."""
    return serialization.serialize(constraint)


def deserialize(config, custom_objects=None):
    """A constraint from its config or name."""
    return serialization.deserialize(config, _TABLE, custom_objects, "constraint")


def get(identifier):
    """A constraint from a name ("max_norm"), a config, a class, a function of the weight, or None.

    Raises:
        ValueError: unknown names (with the nearest known ones) and things that cannot be called.
    """
    return serialization.get("constraint", identifier, _TABLE)
