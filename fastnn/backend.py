"""What `keras.backend` is still asked for: settings, values of variables, and the ops under their names of today."""
import numpy as np

from . import ops
from .config import (epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format)
from .tensor import Variable
from .utils.naming import get_uid
from .utils.session_utils import clear_session

__all__ = ["backend", "clear_session", "cast_to_floatx", "epsilon", "floatx", "get_uid", "get_value", "image_data_format",
           "set_epsilon", "set_floatx", "set_image_data_format", "set_value", "variable"]


def backend():
    """The name of the engine."""
    return "fastnn"


def cast_to_floatx(x):
    """An array in the working float type."""
    return np.asarray(x, dtype=floatx())


def get_value(x):
    """The value of a variable or tensor, as an array or a number."""
    value = np.asarray(x)
    return value.item() if value.ndim == 0 else value


def set_value(x, value):
    """Sets a variable."""
    x.assign(value)


def variable(value, dtype=None, name=None):
    """A new Variable."""
    return Variable(value, dtype=dtype or floatx(), name=name)


def __getattr__(name):
    if not name.startswith("_") and hasattr(ops, name):
        return getattr(ops, name)
    raise AttributeError(f"module 'fastnn.backend' has no attribute {name!r}: functions of tensors are in fastnn.ops")


def __dir__():
    return sorted({*__all__, *dir(ops)})
