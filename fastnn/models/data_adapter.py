"""Whatever holds the data of a fit, as batches: arrays, lists, generators, sequences of batches."""
import math

import numpy as np

from .. import config
from ..ops import SparseTensor, as_sparse, cast, gather_rows, is_sparse, sparse_rows
from ..tensor import FLOATS, NAMES, Tensor
from ..utils.warn_utils import warn

BATCH_SIZE = 32

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
        array = value.data if isinstance(value, Tensor) else np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ValueError(f"`{argument}` cannot become an array: {error}. {ragged_advice(argument)}") from None
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
    return Column(array, rule(NAMES[array.dtype]))


class Column:
    """One array of the data, and the dtype in which its batches are handed out."""

    __slots__ = ("array", "tensor", "dtype", "same")

    def __init__(self, array, dtype):
        self.array, self.tensor, self.dtype = array, Tensor(array), dtype
        self.same = self.tensor.dtype == dtype

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


# ---- Structures -------------------------------------------------------------------------------------------------

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


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """The data of a step as `train_step` gets them: x, (x, y) or (x, y, sample_weight)."""
    if y is None and sample_weight is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data):
    """(x, y, sample_weight) of the data of a step, None for what is not there."""
    if data.__class__ is not tuple:
        if not isinstance(data, (tuple, list)):
            return data, None, None
        data = tuple(data)
    if not 1 <= len(data) <= 3:
        raise ValueError("the data of a step must be x, (x,), (x, y) or (x, y, sample_weight), "
                         f"received {len(data)} parts")
    return data + (None,) * (3 - len(data))


# ---- Batches ----------------------------------------------------------------------------------------------------

class ArrayBatches:
    """Batches of arrays in memory, gathered (and cast) when they are asked for.

    Args:
        x, y, sample_weight: arrays, or lists or dicts of them; `to_arrays` made them.
        input_dtype: function from the dtype of an input to the one that the model wants.
        batch_size: samples in a batch; the last one may be smaller.
        shuffle: True (samples), "batch" (whole batches), or False.
    """

    def __init__(self, x, y, sample_weight, input_dtype, batch_size=BATCH_SIZE, shuffle=False):
        self.x, self.y, self.sample_weight = x, y, sample_weight
        self.num_samples = check_lengths(x, y, sample_weight)
        self.batch_size, self.shuffle = batch_size, shuffle
        self.num_batches = math.ceil(self.num_samples / batch_size)
        self.columns = [column(a, rule) for part, rule in
                        ((x, input_dtype), (y, target_dtype), (sample_weight, weight_dtype)) for a in leaves(part)]
        self.counts = len(leaves(x)), len(leaves(y))
        self.plain = not any(isinstance(part, (list, tuple, dict)) for part in (x, y, sample_weight))

    def __iter__(self):
        if config.get_num_threads() > 1 and self.num_batches > 1:
            return self._ahead()
        return (self._batch(place) for place in self._places())

    def _ahead(self):
        """The batches, each gathered on another thread while the step of the one before it runs.

        Calls that are given up half-way (an exception in the step, the end of the training) wait when they are deleted, and
        hold their arrays until then.
        """
        places = self._places()
        batch, calls = self._batch(next(places)), ()
        for place in places:
            later = []
            following = self._batch(place, later)
            for call in calls:
                call.wait()
            yield batch
            batch, calls = following, later
        for call in calls:
            call.wait()
        yield batch

    def _places(self):
        """Where the rows of each batch stand: an index tensor, or (start, stop)."""
        n, size = self.num_samples, self.batch_size
        if self.shuffle is True or self.shuffle == 1:
            order = np.random.permutation(n)
            for start in range(0, n, size):
                yield Tensor(order[start:start + size])
        else:
            starts = np.arange(0, n, size)
            if self.shuffle == "batch":
                np.random.shuffle(starts)
            for start in starts.tolist():
                yield start, min(start + size, n)

    def _batch(self, place, calls=None):
        """The tensors at a place; calls: as in `Op.later`."""
        if place.__class__ is Tensor:
            return self.pack([column.rows(place, calls) for column in self.columns])
        return self.pack([column.part(*place, calls) for column in self.columns])

    def pack(self, parts):
        """The tensors of a batch in the structure that `train_step` gets."""
        if self.plain:
            return parts[0] if len(parts) == 1 else tuple(parts)
        a, b = self.counts[0], sum(self.counts)
        y = like(self.y, parts[a:b]) if self.y is not None else None
        weight = like(self.sample_weight, parts[b:]) if self.sample_weight is not None else None
        return pack_x_y_sample_weight(like(self.x, parts[:a]), y, weight)

    def on_epoch_end(self):
        """Nothing: each epoch draws its own order."""


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


class GivenBatches:
    """Batches that somebody else makes: common to sequences and iterables.

    Args:
        source: what yields x, (x, y) or (x, y, sample_weight).
        input_dtype: function from the dtype of an input to the one that the model wants.
        class_weight: weight by class, applied to every batch; None: none.
    """

    def __init__(self, source, input_dtype, class_weight=None):
        self.source, self.input_dtype, self.class_weight = source, input_dtype, class_weight

    def tensors(self, batch):
        """A batch as tensors of the right dtypes."""
        x, y, weight = unpack_x_y_sample_weight(batch)
        x, y, weight = to_arrays(x, "x"), to_arrays(y, "y"), to_arrays(weight, "sample_weight")
        check_lengths(x, y, weight)
        if self.class_weight is not None and y is not None:
            if weight is not None:
                raise ValueError("class_weight cannot be used with data that bring sample weights")
            weight = class_weights(y, self.class_weight)
        return pack_x_y_sample_weight(convert(x, self.input_dtype), convert(y, target_dtype), convert(weight, weight_dtype))


def convert(value, rule):
    if value is None:
        return None
    parts = [column(a, rule).part(0, len(a)) for a in leaves(value)]
    return like(value, parts)


class SequenceBatches(GivenBatches):
    """Batches of an object with `__len__` and `__getitem__`: keras.utils.Sequence, PyDataset."""

    def __init__(self, source, input_dtype, class_weight=None, shuffle=False):
        super().__init__(source, input_dtype, class_weight)
        self.shuffle = shuffle
        self.num_batches = getattr(source, "num_batches", None) or len(source)
        if self.num_batches == 0:
            raise ValueError(f"`x`, a {type(source).__name__}, has length 0: there are no batches")

    def __iter__(self):
        order = np.random.permutation(self.num_batches) if self.shuffle else np.arange(self.num_batches)
        for i in order.tolist():
            yield self.tensors(self.source[i])

    def on_epoch_end(self):
        """Tells the source, if it wants to know."""
        getattr(self.source, "on_epoch_end", lambda: None)()


class IterableBatches(GivenBatches):
    """Batches of a generator, which is read once, or of an iterable, which begins anew when it is at its end."""

    def __init__(self, source, input_dtype, class_weight=None):
        super().__init__(source, input_dtype, class_weight)
        self.num_batches = len(source) if hasattr(source, "__len__") else None

    def __iter__(self):
        for batch in self.source:
            yield self.tensors(batch)

    def on_epoch_end(self):
        """Nothing to tell."""


class Epochs:
    """Cuts batches into epochs.

    Args:
        batches: one of the classes above.
        steps: batches in an epoch; None: all there are.
    """

    def __init__(self, batches, steps=None):
        self.batches, self.asked = batches, steps
        self.iterator = None
        self.name = "x"
        self.begun = self.ran_dry = False   # whether there was any batch; whether there were none in the last epoch

    @property
    def steps(self):
        """The number of steps of an epoch, None if nobody knows."""
        return self.asked or self.batches.num_batches

    def epoch(self):
        """The batches of the next epoch.  Warns when there are fewer than were asked for."""
        self.ran_dry = True
        for batch in self._all() if self.asked is None else self._some():
            self.begun, self.ran_dry = True, False
            yield batch
        if not self.begun:
            raise ValueError(f"`{self.name}` gave no batches: it is empty, or a generator that was used up before. A generator "
                             "can be read once: make a new one for each call, or let it go on for ever (`while True`)")
        if self.ran_dry and self.asked is None:
            warn("the data ran out: a generator is read once. Let it go on for ever (`while True`) and pass the number of steps, "
                 "or pass a sequence of batches")

    def _all(self):
        yield from self.batches
        self.batches.on_epoch_end()

    def _some(self):
        for step in range(self.asked):
            batch = self._next()
            if batch is None:
                warn(f"the data ran out after {step} of {self.asked} steps: let the generator go on for ever, or ask for fewer "
                     "steps")
                return
            yield batch

    def _next(self):
        """The next batch; after the last one the first again, unless the source is a generator that has ended."""
        for _ in range(2):
            if self.iterator is None:
                self.iterator = iter(self.batches)
            batch = next(self.iterator, None)
            if batch is not None:
                return batch
            self.iterator = None
            self.batches.on_epoch_end()
        return None


# ---- From the arguments of fit ----------------------------------------------------------------------------------

def is_arrays(x):
    """Whether `x` is data in memory (rather than something that makes batches)."""
    return isinstance(x, (np.ndarray, Tensor, list, tuple, dict, int, float, str)) or hasattr(x, "__array__") or is_sparse(x)


def make_batches(x, y, sample_weight, input_dtype, batch_size=None, shuffle=False, class_weight=None):
    """The batches for the data arguments of fit, evaluate or predict.

    Raises:
        ValueError, TypeError: for data that cannot be batched, with the argument's name.
    """
    if x is None:
        raise ValueError("`x` is None: pass the input data, as an array or a generator of batches")
    if is_arrays(x):
        x, y, sample_weight = to_arrays(x, "x"), to_arrays(y, "y"), to_arrays(sample_weight, "sample_weight")
        check_lengths(x, y, sample_weight)
        if class_weight is not None and y is not None:
            sample_weight = class_weights(y, class_weight)
        return ArrayBatches(x, y, sample_weight, input_dtype, batch_size or BATCH_SIZE, shuffle)
    if not any(hasattr(x, method) for method in ("__getitem__", "__iter__", "__next__")):
        raise TypeError(f"`x` must be an array, a list, a generator or a sequence of batches, received {type(x).__name__}")
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(f"`{name}` must be None where x is a {type(x).__name__}: let it yield (x, y) "
                             "or (x, y, sample_weight)")
    if hasattr(x, "__getitem__") and hasattr(x, "__len__"):
        return SequenceBatches(x, input_dtype, class_weight, shuffle)
    return IterableBatches(x if hasattr(x, "__iter__") else iter(x.__next__, None), input_dtype, class_weight)


def split(x, y, sample_weight, fraction):
    """The data without their last samples, and these: what `validation_split` asks for.

    Returns:
        ((x, y, sample_weight), (x, y, sample_weight)); views, no copies.
    """
    if not is_arrays(x):
        raise ValueError(f"`validation_split` needs arrays, received a {type(x).__name__}: pass a generator for "
                         "validation as `validation_data`")
    x, y, sample_weight = to_arrays(x, "x"), to_arrays(y, "y"), to_arrays(sample_weight, "sample_weight")
    total = check_lengths(x, y, sample_weight)
    at = int(math.floor(total * (1 - fraction)))
    if at in (0, total):
        raise ValueError(f"validation_split={fraction} leaves no samples for {'training' if at == 0 else 'validation'}: "
                         f"there are {total}")

    def part(value, rows):
        return None if value is None else like(value, [a[rows] for a in leaves(value)])

    return tuple(tuple(part(v, rows) for v in (x, y, sample_weight)) for rows in (slice(at), slice(at, None)))


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
