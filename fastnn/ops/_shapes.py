"""What the op families share: broadcasting, axes, and how kernels are told of dtypes."""
from functools import lru_cache

import numpy as np

from ..tensor import FLOATS, INTS, Operand, Spec, convert, operators, result_type

# The names of dtypes in the names of kernels (bool is stored as u8), and the codes of csrc/ref/untyped.inc.
SHORT = {"bool": "u8", "int8": "i8", "uint8": "u8", "int16": "i16", "uint16": "u16", "int32": "i32", "uint32": "u32",
         "int64": "i64", "uint64": "u64"}
CODES = {np.dtype(name): code for code, name in enumerate(
    ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"))}
NAMES = {np.dtype(name): name for name in FLOATS + INTS}


@lru_cache(maxsize=None)
def kernel_for(name, dtype):
    """The kernel of an op for arrays of a NumPy dtype: one name for floats, `<name>_i32` and so on for integers."""
    dtype = NAMES[dtype]
    if dtype == "bool":
        if name == "negative":
            raise TypeError("[negative] booleans have no sign: use fastnn.ops.logical_not, or cast them first")
        name = {"add": "logical_or", "maximum": "logical_or", "multiply": "logical_and", "minimum": "logical_and",
                "subtract": "logical_xor"}.get(name, name)
    return name if dtype in FLOATS else f"{name}_{SHORT[dtype]}"


def operand(x):
    """A tensor or spec as it is, anything else as a tensor."""
    return x if isinstance(x, Operand) else convert(x)


def whole_index(indices, name):
    """Indices as a tensor of integers."""
    indices = operand(indices)
    if "int" not in indices.dtype:
        raise TypeError(f"[{name}] indices must be integers, received dtype {indices.dtype}: cast them first")
    return indices


def as_index(indices, name):
    """Indices as an int64 tensor."""
    indices = whole_index(indices, name)
    return operators["cast"](indices, dtype="int64") if indices.dtype != "int64" else indices


def common_operands(*xs):
    """Operands in a common dtype; a Python number takes the dtype of the others if that can hold it."""
    dtypes = [x.dtype for x in xs if isinstance(x, Operand)]
    floats = [d for d in dtypes if d in FLOATS]
    xs = [convert(x, (floats or dtypes)[0]) if isinstance(x, (int, float)) and (floats or dtypes and isinstance(x, int))
          else operand(x) for x in xs]
    dtype = result_type(*[x.dtype for x in xs])
    return [x if x.dtype == dtype else operators["cast"](x, dtype=dtype) for x in xs]


def normalize_axis(axis, ndim, name):
    """An axis as 0 <= axis < ndim."""
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        raise TypeError(f"[{name}] axis must be an integer, received {axis!r}")
    axis = axis.__index__()
    if not -ndim <= axis < ndim:
        raise ValueError(f"[{name}] axis {axis} is out of range for {ndim} dimension(s): "
                         f"expected {-ndim} <= axis < {ndim}")
    return axis % ndim


def normalize_axes(axis, ndim, name):
    """One axis, several, or None for all, as a sorted tuple."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(sorted(normalize_axis(a, ndim, name) for a in axes))
    if len(set(axes)) < len(axes):
        raise ValueError(f"[{name}] an axis is given twice: {axis}")
    return axes


def size_of(shape):
    """The number of elements of a shape."""
    size = 1
    for n in shape:
        size *= n
    return size


# ---- Broadcasting -----------------------------------------------------------------------------------------------

@lru_cache(maxsize=8192)
def broadcast_shapes(a, b, name):
    """The shape of two operands by NumPy's rules; sizes may be None."""
    result = []
    for k in range(max(len(a), len(b))):
        m = a[-1 - k] if k < len(a) else 1
        n = b[-1 - k] if k < len(b) else 1
        if m != n and 1 not in (m, n) and None not in (m, n):
            raise ValueError(f"[{name}] shapes {a} and {b} do not go together: axis {-1 - k} has sizes {m} and {n}; "
                             "expected equal sizes, or 1")
        result.append(n if m == 1 else m if n == 1 or n is None else n)
    return tuple(reversed(result))


@lru_cache(maxsize=8192)
def broadcast_spec(a, b, dtype, name):
    return Spec(broadcast_shapes(a, b, name), dtype)


@lru_cache(maxsize=8192)
def broadcast_groups(a, b):
    """What a binary kernel is told after the sizes: (extent, stride of a, stride of b) of each axis of the result.

    Nothing where the sizes say it all: equal shapes, a scalar, or a row that repeats.
    """
    shape = broadcast_shapes(a, b, "broadcast")
    if repeats(a, shape) and repeats(b, shape):
        return ()
    groups = []
    for n, sa, sb in zip(shape, broadcast_strides(a, shape), broadcast_strides(b, shape)):
        if n == 1:
            continue
        if groups and groups[-1][1] == sa * n and groups[-1][2] == sb * n:
            groups[-1] = (groups[-1][0] * n, sa, sb)
        else:
            groups.append((n, sa, sb))
    return tuple(x for group in groups for x in group)


def repeats(part, shape):
    """Whether an array of shape `part`, repeated end to end, is its broadcast to `shape`."""
    part = part[next((i for i, n in enumerate(part) if n != 1), len(part)):]
    return not part or part == shape[len(shape) - len(part):]


def broadcast_strides(part, shape):
    """Strides, in elements, with which an array of shape `part` is read as one of shape `shape`: 0 where it repeats."""
    strides, step = [], 1
    for n in reversed(part):
        strides.append(0 if n == 1 else step)
        step *= n
    return [0] * (len(shape) - len(part)) + strides[::-1]


@lru_cache(maxsize=8192)
def broadcast_axes(shape, to):
    """The axes of `to` over which an array of `shape` was repeated."""
    lead = len(to) - len(shape)
    return tuple(k for k in range(len(to)) if k < lead or (shape[k - lead] == 1 and to[k] != 1))


def unbroadcast(grad, shape):
    """The gradient of what was broadcast: the sum over the axes along which it was repeated."""
    if grad.shape == shape:
        return grad
    from .reduce import sum
    from .shape import reshape
    axes = broadcast_axes(shape, grad.shape)
    if axes:
        grad = sum(grad, axis=axes)
    return grad if grad.shape == shape else reshape(grad, shape=shape)
