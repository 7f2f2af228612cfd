"""What flows between ops: `Tensor` (an array), `Variable` (an array that changes), `Spec` (a shape and a dtype)."""
import itertools
import math
import operator
import threading
from functools import lru_cache

import numpy as np

from . import budget, changes, config
from .device import empty, launch, recorder, unrecorded

FLOATS = ("float32", "float64")
INTS = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
NAMES = {np.dtype(name): name for name in FLOATS + INTS}     # NumPy's dtype -> our word for it
NAMES_AND_TEXT = {**NAMES, np.dtype(object): "string"}        # of tensors: text is Python's strings

_next_key = itertools.count().__next__


# ---- Dtypes -----------------------------------------------------------------------------------------------------

def standardize_dtype(dtype):
    """The name of a dtype given as a name, a Python type, a NumPy dtype, or None (the working type, `floatx`).

    Raises:
        ValueError: a type that fastnn does not hold.
    """
    if dtype is None or dtype is float:
        return config.floatx()
    if dtype in FLOATS or dtype in INTS:
        return str(dtype)
    if dtype is int:
        return "int32"
    try:
        return NAMES[np.dtype(dtype)]
    except (TypeError, KeyError):
        raise ValueError(f"dtype must be one of {', '.join(FLOATS + INTS)}, received {dtype!r}") from None


@lru_cache(maxsize=None)
def result_type(*dtypes):
    """The dtype that mixed operands meet in, by Keras' rules: a float wins over integers whatever their widths."""
    floats = [d for d in dtypes if d in FLOATS]
    if floats:
        return "float64" if "float64" in floats else "float32"
    kind = np.result_type(*dtypes)
    return NAMES.get(kind, "float32") if kind.kind != "f" else config.floatx()   # uint64 with int64: a float


# ---- Operands ---------------------------------------------------------------------------------------------------

class Scope(threading.local):
    """Of the thread: whether a layer is being called on Specs, where no variable may change."""
    symbolic = False


scope = Scope()


class UnknownSize(TypeError):
    """A layer's code wants a size that is None while the model is made; it is then run on zeros instead."""


class Operand:
    """What ops take: it has a `shape` (a tuple) and a `dtype` (a name).  Its operators come from `fastnn.ops`."""

    __slots__ = ()
    __array_priority__ = 100        # NumPy's operators leave the work to ours

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def rank(self):
        return len(self.shape)

    @property
    def _keras_mask(self):
        return self.mask            # by this name own layers written for Keras read and set it

    @_keras_mask.setter
    def _keras_mask(self, mask):
        self.mask = mask


class Spec(Operand):
    """A shape and a dtype without values: what an op announces, and what flows through a model while it is built.

    Args:
        shape: tuple of sizes, None where a size is open (the batch, mostly).
        dtype: name of the dtype.
        name: of an input.

    Attributes:
        mask: Spec of the mask that goes with it, or None.
    """

    __slots__ = ("shape", "dtype", "name", "mask", "__weakref__")

    def __init__(self, shape, dtype="float32", name=None):
        self.shape, self.dtype, self.name, self.mask = tuple(shape), dtype, name, None

    def __repr__(self):
        return f"<Spec shape={self.shape} dtype={self.dtype}{f' name={self.name}' if self.name else ''}>"

    def __bool__(self):
        raise TypeError("a symbolic tensor has no value, so Python cannot branch on it: use fastnn.ops.where, or do it "
                        "inside the call() of a layer of your own")

    def __array__(self, dtype=None, copy=None):
        raise TypeError("a symbolic tensor has no value, so NumPy cannot take it: use the functions of fastnn.ops")


class Tensor(Operand):
    """An array that ops compute with and gradients flow through; made by ops, or by `convert_to_tensor`.

    Attributes:
        data: the NumPy array, C-contiguous.
        shape: tuple of sizes.
        dtype: name of the dtype.
        key: a number of its own, by which a tape knows it without keeping it alive.
        logits: of the result of a softmax or sigmoid: name and attributes of that op, and the tensor it took; else None.
        mask: a bool tensor that says which steps of sequences count; layers hand it on.  None: all do.
    """

    __slots__ = ("data", "shape", "dtype", "key", "logits", "mask", "__weakref__")

    def __init__(self, data, shape=None, dtype=None):
        self.data = data
        self.shape = data.shape if shape is None else shape
        self.dtype = NAMES_AND_TEXT[data.dtype] if dtype is None else dtype
        self.key = _next_key()
        self.logits = self.mask = None

    @property
    def size(self):
        return self.data.size

    def numpy(self):
        """The values as a NumPy array (of a Variable: a copy)."""
        return look(self, "numpy()")

    def item(self):
        """The value of a tensor with one element, as a Python number."""
        return look(self, "item()").item()

    def tolist(self):
        """The values as nested Python lists."""
        return look(self, "tolist()").tolist()

    def __array__(self, dtype=None, copy=None):
        if copy or (dtype is not None and np.dtype(dtype) != self.data.dtype):
            if copy is False:
                raise ValueError(f"a {self.dtype} tensor cannot become {np.dtype(dtype)} without a copy")
            return look(self, "numpy.asarray()").astype(self.data.dtype if dtype is None else dtype)
        return self.numpy()

    def __dlpack__(self, **arguments):
        return look(self, "__dlpack__()").__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.data.__dlpack_device__()

    def __float__(self):
        return float(look(self, "float()").item())

    def __int__(self):
        return int(look(self, "int()").item())

    def __index__(self):
        if self.dtype in FLOATS:
            raise TypeError(f"a {self.dtype} tensor is no index")
        return int(look(self, "an index").item())

    def __bool__(self):
        return bool(look(self, "a condition"))

    def __len__(self):
        if not self.shape:
            raise TypeError("a scalar tensor has no length")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __format__(self, spec):
        data = look(self, "format()")
        return format(data.item() if data.size == 1 else data, spec)

    def __repr__(self):
        return f"<Tensor shape={self.shape} dtype={self.dtype}\n{look(self, 'repr()')!r}>"

    def __reduce__(self):
        return Tensor, (look(self, "a copy"),)     # a copy has a key of its own: no tape takes it for the original


def counted(slot, doc):
    """A property whose setting counts as a change that a recorded step may depend on."""
    def set_it(variable, value):
        setattr(variable, slot, value)
        changes.note()

    return property(operator.attrgetter(slot), set_it, doc=doc)


class Variable(Tensor):
    """A tensor whose values change in place: a weight, a counter, the state of a metric.

    Args:
        initializer: the first value (an array, a number, a tensor), or a function `f(shape, dtype)` that makes it.
        shape: needed with a function.
        dtype: name; by default that of a value, `floatx` for a function.
        trainable: whether gradient tapes watch it.
        autocast, aggregation, synchronization: taken for the sake of Keras.
        name: what messages call it.

    Example:
        >>> v = Variable([1.0, 2.0], name="v")
        >>> v.assign([3.0, 4.0]).numpy()
        array([3., 4.], dtype=float32)
    """

    __slots__ = ("_trainable", "name", "path", "version", "initializer", "_regularizer", "_constraint", "seed_generator")
    trainable = counted("_trainable", "Whether gradient tapes watch it.")
    regularizer = counted("_regularizer", "The penalty on it, or None.")
    constraint = counted("_constraint", "What its values are projected with after an update, or None.")

    def __init__(self, initializer, shape=None, dtype=None, trainable=True, autocast=True, aggregation="none", synchronization="auto",
                 name=None):
        if callable(initializer) and not isinstance(initializer, Operand):
            if shape is None:
                raise ValueError(f"variable {name!r}: a shape is needed beside an initializer function")
            dtype = standardize_dtype(dtype)
            budget.take(shape, dtype, f"the variable {name!r}")
            value = initializer(tuple(shape), dtype=dtype)
        else:
            value = initializer
        value = as_array(value, None if dtype is None else standardize_dtype(dtype))
        if shape is not None and value.shape != tuple(shape):
            raise ValueError(f"variable {name!r}: the value has shape {value.shape}, expected {tuple(shape)}")
        super().__init__(own(value))
        self.trainable, self.version = bool(trainable), 0
        self.name = name if name is not None else f"variable_{self.key}"
        self.path = self.name
        self.initializer = initializer if callable(initializer) else None
        self.regularizer = self.constraint = None

    @property
    def value(self):
        """The variable itself: it is a tensor."""
        return self

    def numpy(self):
        return look(self, "numpy()").copy()

    def assign(self, value):
        """Sets the values in place; not while a layer is called on symbolic tensors.

        Raises:
            ValueError: a value of another shape.
        """
        value = convert(value, self.dtype)
        if value.shape != self.shape:
            raise ValueError(f"variable {self.name!r} has shape {self.shape}, cannot assign a value of shape {value.shape}")
        if not scope.symbolic:
            operators["assign"](self, value)
        return self

    def assign_add(self, value):
        """Adds to the values in place."""
        return self.assign(operators["add"](self, value))

    def assign_sub(self, value):
        """Subtracts from the values in place."""
        return self.assign(operators["subtract"](self, value))

    def __repr__(self):
        return f"<Variable {self.path} shape={self.shape} dtype={self.dtype}\n{look(self, 'repr()')!r}>"

    def __deepcopy__(self, memo):
        twin = Variable(self.data, trainable=self.trainable, name=self.name)
        twin.path, twin.regularizer, twin.constraint = self.path, self.regularizer, self.constraint
        memo[id(self)] = twin
        return twin

    def __reduce__(self):
        return restore_variable, (self.numpy(), self.trainable, self.name, self.path, self.regularizer,
                                  self.constraint)


def restore_variable(data, trainable, name, path, regularizer, constraint):
    """A variable from what `pickle` kept of it."""
    variable = Variable(data, trainable=trainable, name=name)
    variable.path, variable.regularizer, variable.constraint = path, regularizer, constraint
    return variable


def look(tensor, how):
    """The array of a tensor whose values Python wants to see: a step that is recorded could not be replayed then."""
    hears = getattr(recorder(), "python_reads", None)
    if hears is not None:
        hears(tensor, how)
    return tensor.data


# ---- From other things ------------------------------------------------------------------------------------------

def as_array(value, dtype=None):
    """Any value as a C-contiguous array of a dtype that fastnn holds, without a copy where that is possible.

    Python floats (also in lists) take the working type, Python integers int32.
    """
    if isinstance(value, Tensor):
        array = value.data if dtype in (None, value.dtype) else look(value, "a cast by NumPy")
    elif isinstance(value, np.ndarray) or hasattr(value, "__array__") or hasattr(value, "__dlpack__"):
        array = np.asarray(value)
    else:
        array = np.asarray(value)
        if dtype is None and array.dtype.kind in "fi":
            dtype = config.floatx() if array.dtype.kind == "f" else "int32" if np.abs(array).max(initial=0) < 2**31 else "int64"
    if array.dtype.kind not in "fiub":
        if hasattr(value, "toarray"):
            raise TypeError(f"expected a dense array, received a sparse matrix of shape {value.shape}: call its .toarray()")
        raise TypeError(f"expected numbers, received an array of dtype {array.dtype}"
                        + (" (rows of different lengths?)" if array.dtype.kind == "O" else ""))
    if dtype is None:
        dtype = NAMES.get(array.dtype.newbyteorder("="), "float32")     # float16 computes as float32
    # asarray, not ascontiguousarray: that would turn a scalar into one dimension
    array = np.asarray(array, dtype=dtype, order="C")
    return array if array.flags.aligned else array.copy()


def own(array):
    """A copy in memory of the engine: aligned, and used again when it is free."""
    copy = empty(array.shape, NAMES[array.dtype])
    if recorder() is None:
        copy[...] = array
    else:       # a step that is replayed has to make the copy anew
        launch("copy", (np.asarray(array, order="C"), copy, copy.nbytes))
    return copy


def text_tensor(value):
    """Text as a tensor of dtype "string": what layers that read text take, and no op does.

    Args:
        value: strings (or bytes of UTF-8) in lists or an array, one string, or such a tensor.

    Raises:
        TypeError: something that is no text, with its position; ValueError: lists of unequal lengths.
    """
    if isinstance(value, Tensor):
        value = look(value, "text")
    try:
        array = np.array(value, object) if isinstance(value, (list, tuple)) else np.asarray(value)      # lest numbers become text
    except ValueError as error:
        raise ValueError(f"text must come in lists of one length, or in an array: {error}") from None
    found = np.empty(array.shape, object)
    for place, text in enumerate(array.reshape(-1).tolist()):
        if not isinstance(text, (str, bytes)):
            where = tuple(int(i) for i in np.unravel_index(place, array.shape)) if array.ndim else ()
            raise TypeError(f"expected text, received {text!r} (of type {type(text).__name__}) at position {where}"
                            + (" (rows of different lengths?)" if isinstance(text, list) else ""))
        found.reshape(-1)[place] = text if isinstance(text, str) else text.decode("utf-8")
    return Tensor(found, found.shape, "string")


def convert(value, dtype=None):
    """Any value as a Tensor that may share its memory: for the inputs of an op."""
    if isinstance(value, Tensor):
        if dtype is None or value.dtype == dtype:
            return value
        return operators["cast"](value, dtype=dtype)
    if isinstance(value, Spec):
        return value if dtype is None or value.dtype == dtype else operators["cast"](value, dtype=dtype)
    if isinstance(value, (int, float)):
        return constant(value, math.copysign(1, value), dtype or number_dtype(value))
    return Tensor(as_array(value, dtype))


def number_dtype(value):
    """The dtype of a Python number that meets no tensor."""
    if isinstance(value, bool):
        return "bool"
    return config.floatx() if isinstance(value, float) else "int32" if -2**31 <= value < 2**31 else "int64"


@lru_cache(maxsize=1024)
def constant(value, sign, dtype):
    """A number as a scalar tensor, made once and read only.  (0.0 == -0.0: the sign keeps them apart.)"""
    with unrecorded():
        data = own(np.asarray(value, dtype))
    data.flags.writeable = False
    return Tensor(data)


def convert_to_tensor(x, dtype=None):
    """A tensor with the values of an array, list or number.

    Args:
        x: array, nested list, number or tensor (returned as it is).
        dtype: name of a dtype; by default arrays keep theirs, Python floats take `fastnn.config.floatx()`.

    Example:
        >>> convert_to_tensor([1.0, 2.0]).dtype
        'float32'
    """
    if isinstance(x, Operand):
        return x if dtype is None or x.dtype == standardize_dtype(dtype) else operators["cast"](x, dtype=standardize_dtype(dtype))
    return Tensor(own(as_array(x, None if dtype is None else standardize_dtype(dtype))))


# ---- Operators come from fastnn.ops, which is above this module -------------------------------------------------

operators = {}      # op by name: "add", "cast", "assign", "getitem" ... and NumPy's names for ufuncs

BINARY = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide", "mod": "mod",
          "pow": "power", "matmul": "matmul", "and": "logical_and", "or": "logical_or", "xor": "logical_xor"}
COMPARISONS = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
UNARY = {"neg": "negative", "abs": "abs", "invert": "logical_not"}


def install_operators(functions):
    """Gives tensors their operators and NumPy's ufuncs their ops.

    Args:
        functions: op by name: those of BINARY, COMPARISONS and UNARY, and "getitem", "cast", "assign", "reshape".
    """
    operators.update(functions)

    def binary(function):
        return lambda self, other: function(self, other)

    def reflected(function):
        return lambda self, other: function(other, self)

    for method, name in BINARY.items():
        setattr(Operand, f"__{method}__", binary(functions[name]))
        setattr(Operand, f"__r{method}__", reflected(functions[name]))
    for method, name in COMPARISONS.items():
        setattr(Operand, f"__{method}__", binary(functions[name]))
    for method, name in UNARY.items():
        function = functions[name]
        setattr(Operand, f"__{method}__", lambda self, f=function: f(self))
    Operand.__getitem__ = lambda self, index: functions["getitem"](self, index)
    for kind in (Operand, Spec, Tensor, Variable):
        kind.__hash__ = object.__hash__
