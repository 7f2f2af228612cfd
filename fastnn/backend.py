"""What `keras.backend` is still asked for: settings, values of variables, and the ops under their names of today."""
import numpy as np

from . import ops
from .config import backend, epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format
from .tensor import FLOATS, INTS, Variable, standardize_dtype
from .tensor import result_type as _result_type
from .utils.tensor_utils import is_keras_tensor
from .utils.naming import get_uid
from .utils.session_utils import clear_session

__all__ = ["backend", "clear_session", "cast_to_floatx", "epsilon", "floatx", "get_uid", "get_value", "image_data_format", "is_float_dtype",
           "is_int_dtype", "is_keras_tensor", "result_type", "standardize_dtype",
           "set_epsilon", "set_floatx", "set_image_data_format", "set_value", "variable"]


def is_float_dtype(dtype):
    """Whether a dtype is a float type."""
    return _name(dtype) in FLOATS or _name(dtype) in ("float16", "bfloat16")


def is_int_dtype(dtype):
    """Whether a dtype is an integer type, with or without sign; bool is none."""
    return _name(dtype) in INTS and _name(dtype) != "bool"


def _name(dtype):
    return dtype if dtype in ("float16", "bfloat16") else standardize_dtype(dtype)


def result_type(*dtypes):
    """The dtype in which operands of these dtypes meet.

    Args:
        dtypes: names, NumPy dtypes, None (floatx); the Python types `int` and `float` stand for numbers, which give way to
            arrays of their kind.

    Example:
        >>> result_type("int8", float), result_type("uint8", int), result_type("int64", "float32")
        ('float32', 'uint8', 'float32')
    """
    numbers = {dtype for dtype in dtypes if dtype in (int, float)}
    strong = [standardize_dtype(dtype) for dtype in dtypes if dtype not in (int, float)]
    found = _result_type(*strong) if strong else "int32" if numbers == {int} else floatx()
    if float in numbers and found not in FLOATS:
        return floatx()
    return "int32" if int in numbers and found == "bool" else found


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
