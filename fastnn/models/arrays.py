"""Array-likes as arrays: one, or several in a list or dict; their columns, of which batches are made; weights of classes."""
import functools

import numpy as np

from .. import config
from ..ops import SparseTensor, as_sparse, cast, gather_rows, is_sparse, sparse_rows
from ..tensor import FLOATS, NAMES, Spec, Tensor, look, text_tensor

# What the integers of targets become: floats of the losses' type would lose what large ones say.
TARGET_INTS = {"bool": None, "int8": "int32", "uint8": "int32", "int16": "int32", "uint16": "int32", "int32": "int32",
               "uint32": "int64", "int64": "int64", "uint64": "int64"}


# ---- One array --------------------------------------------------------------------------------------------------

def to_array(value, argument):
    """Any array-like as a C-contiguous NumPy array of numbers with a batch axis, copied only where it has to be.

    Args:
        value: array, tensor, pandas frame, nested list, or anything with `__array__`; for x also a sparse matrix, which becomes a
            SparseTensor.
        argument: its name in error messages ("x").

    Raises:
        ValueError: text, objects, lists of unequal lengths, a scalar.
    """
    if is_sparse(value):
        if argument != "x":
            raise ValueError(f"`{argument}` must be dense, received a sparse matrix of shape {value.shape}: call .toarray()")
        return as_sparse(value, argument)
    try:
        array = look(value, "data of a model") if isinstance(value, Tensor) else np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ValueError(f"`{argument}` cannot become an array: {error}. {ragged_advice(argument)}") from None
    if argument == "x" and is_text(array):
        return array
    if array.dtype.kind not in "fiub":
        raise ValueError(f"`{argument}` must hold numbers, received an array of dtype {array.dtype} and shape "
                         f"{array.shape}. {ragged_advice(argument)}")
    if array.ndim == 0:
        raise ValueError(f"`{argument}` must have a batch axis, received the single number {array.item()}: "
                         f"pass {argument}=np.array([{array.item()}])")
    if array.dtype not in NAMES:                       # float16, long double, other byte orders
        array = array.astype("float32" if array.dtype.itemsize == 2 and array.dtype.kind == "f" else
                             "float64" if array.dtype.kind == "f" else array.dtype.newbyteorder("="))
    return np.require(array, requirements="CA")


def is_text(array):
    """Whether an array holds text; of objects the first one tells."""
    return array.dtype.kind in "UST" or array.dtype.kind == "O" and array.size > 0 and isinstance(array.flat[0], (str, bytes))


def ragged_advice(argument):
    return (f"Turn text into numbers, pad rows of unequal lengths to one length, and pass {argument} as "
            "one array of floats or integers.")


def target_dtype(name):
    """The dtype in which targets reach the loss: floats in the working type, integers as integers."""
    return config.floatx() if name in FLOATS else TARGET_INTS[name] or config.floatx()


def weight_dtype(name):
    return config.floatx()


def column(array, rule):
    """The Column of an array of `to_array`; rule: function from its dtype to that of the batches."""
    if array.__class__ is SparseTensor:
        return SparseColumn(array, rule(array.dtype))
    if is_text(array):
        if rule("string") != "string":
            raise ValueError(f"`x` must hold numbers, received an array of dtype {array.dtype} and shape {array.shape}. {ragged_advice('x')} "
                             "A model that begins with TextVectorization or StringLookup takes text as it is.")
        return TextColumn(text_tensor(array).data)
    dtype = rule(NAMES[array.dtype])
    if dtype == "string":
        raise ValueError(f"the model takes text (an Input of dtype 'string'), received an array of dtype {array.dtype} and shape {array.shape}")
    return Column(array, dtype)


class Column:
    """One array of the data, and the dtype in which its batches are handed out."""

    __slots__ = ("array", "tensor", "dtype", "same")

    def __init__(self, array, dtype):
        self.array, self.tensor, self.dtype = array, Tensor(array), dtype
        self.same = self.tensor.dtype == dtype

    def spec(self, rows):
        """Shape and dtype of so many rows as they are handed out."""
        return Spec((rows, *self.array.shape[1:]), self.dtype)

    def rows(self, index, calls=None):
        """The rows of an index tensor, gathered and cast in one launch; calls: as in `Op.later`."""
        return gather_rows.later(calls, self.tensor, index, dtype=self.dtype)

    def part(self, start, stop, calls=None):
        """Rows that follow one another: a view where the dtype is right."""
        part = Tensor(self.array[start:stop])
        return part if self.same else cast.later(calls, part, dtype=self.dtype)


class SparseColumn:
    """A sparse matrix of the data: as `Column`."""

    __slots__ = ("matrix", "dtype")

    def __init__(self, matrix, dtype):
        self.matrix, self.dtype = matrix, dtype

    def rows(self, index, calls=None):
        """The rows of an index tensor, gathered and cast in one launch; calls: as in `Op.later`."""
        return sparse_rows(self.matrix, index, self.dtype, calls)

    def part(self, start, stop, calls=None):
        """Rows that follow one another: their entries are a view where the dtype is right."""
        return self.matrix[start:stop].astype(self.dtype)


class TextColumn:
    """An array of text: as `Column`.  Steps with text run op by op."""

    __slots__ = ("array",)
    dtype = "string"

    def __init__(self, array):
        self.array = array

    def rows(self, index, calls=None):
        """The rows of an index tensor."""
        return self._tensor(self.array[index.data])

    def part(self, start, stop, calls=None):
        """Rows that follow one another."""
        return self._tensor(self.array[start:stop])

    def _tensor(self, rows):
        return Tensor(rows, rows.shape, "string")


# ---- One or several ---------------------------------------------------------------------------------------------

def is_multiple(value):
    """Whether a value is several arrays (the inputs of a model, its targets) and not one."""
    if isinstance(value, dict):
        return not is_sparse(value)         # scipy keeps one of its formats in a dict
    return (isinstance(value, (list, tuple)) and len(value) > 0
            and all(hasattr(v, "shape") and len(v.shape) > 0 for v in value))


def leaves(value):
    """The arrays of one argument, in order; of a dictionary by sorted keys, as Keras has it."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    return list(value) if isinstance(value, (list, tuple)) else [value]


def like(value, parts):
    """`parts` in the structure of `value`."""
    if isinstance(value, dict):
        return dict(zip(sorted(value), parts))
    return type(value)(parts) if isinstance(value, (list, tuple)) else parts[0]


def to_arrays(value, argument):
    """`to_array` for one array, or for each of several."""
    if value is None:
        return None
    if not is_multiple(value):
        return to_array(value, argument)
    found = [to_array(v, argument) for v in leaves(value)]
    return found[0] if len(found) == 1 and not isinstance(value, dict) else like(value, found)


def is_arrays(x):
    """Whether `x` is data in memory (rather than something that makes batches)."""
    return isinstance(x, (np.ndarray, Tensor, list, tuple, dict, int, float, str)) or hasattr(x, "__array__") or is_sparse(x)


def check_lengths(x, y=None, sample_weight=None):
    """The number of samples.

    Raises:
        ValueError: arrays of different lengths, or without any samples.
    """
    sizes = {name: [len(a) for a in leaves(part)]
             for name, part in (("x", x), ("y", y), ("sample_weight", sample_weight)) if part is not None}
    found = {size for some in sizes.values() for size in some}
    if len(found) > 1:
        listing = ", ".join(f"{name} has {' and '.join(map(str, some[:3]))}{' and so on' if len(some) > 3 else ''}"
                            for name, some in sizes.items())
        listed = [name for name, some in sizes.items() if len(some) > 1]
        raise ValueError(f"all arrays must hold the same number of samples: {listing}. The first axis counts the samples"
                         + (f". `{listed[0]}` is a list of arrays, which stands for several inputs or targets: "
                            "np.stack makes one array of it" if listed else ""))
    if not found or found == {0}:
        raise ValueError(f"there are no samples: x has shape {np.shape(leaves(x)[0]) if leaves(x) else None}")
    return found.pop()


def input_rules(x, input_dtype):
    """For each input the function from its dtype to that of its batches."""
    if not isinstance(x, (list, tuple, dict)):
        return [input_dtype]
    places = sorted(x) if isinstance(x, dict) else range(len(x))
    return [functools.partial(input_dtype, where=place) for place in places]


def to_tensors(value, *rules):
    """The tensors of one array or of several, in the dtypes that a rule (or one for each) gives for theirs."""
    if value is None:
        return None
    arrays = leaves(value)
    parts = [column(a, rule).part(0, len(a)) for a, rule in zip(arrays, rules if len(rules) > 1 else rules * len(arrays))]
    return like(value, parts)


# ---- Class weights ----------------------------------------------------------------------------------------------

def check_class_weight(class_weight):
    """Raises ValueError unless this is a dict from class (an integer) to weight (a number)."""
    if class_weight is None:
        return
    if not isinstance(class_weight, dict):
        raise ValueError(f"`class_weight` must be a dict from class to weight, received {type(class_weight).__name__}")
    for key, value in class_weight.items():
        if isinstance(key, bool) or not isinstance(key, (int, np.integer)) or key < 0:
            raise ValueError(f"`class_weight` maps class numbers (0, 1, ...) to weights, received the key {key!r}")
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
            raise ValueError(f"`class_weight` maps class numbers to numbers, received {value!r} for class {key}")


def class_weights(y, class_weight):
    """A weight for each sample, from its class; 1 for classes that are not listed."""
    if isinstance(y, (list, tuple, dict)):
        raise ValueError("`class_weight` is for models with one output: pass `sample_weight` instead")
    dense = y.ndim > 1 and y.shape[-1] > 1
    classes = y.argmax(axis=-1) if dense else np.rint(y.reshape(len(y), -1)[:, 0]).astype("int64")
    if classes.ndim != 1:
        raise ValueError(f"`class_weight` needs one class per sample, the targets have shape {y.shape}: "
                         "pass `sample_weight` instead")
    if dense and max(class_weight, default=0) >= y.shape[-1]:
        raise ValueError(f"`class_weight` has a weight for class {max(class_weight)}, but the targets have "
                         f"{y.shape[-1]} classes (0 to {y.shape[-1] - 1})")
    weights = np.ones(len(y), config.floatx())
    for key, value in class_weight.items():
        weights[classes == key] = value
    return weights
