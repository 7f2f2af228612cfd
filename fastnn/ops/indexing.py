"""Elements by their indices: Tensor.__getitem__, gathers and their gradients, one-hot rows; values put in place."""
import numpy as np

from ..op import integers, normal, op
from ..tensor import FLOATS, Operand, Spec, Tensor, look, standardize_dtype
from ._shapes import CODES, as_index, kernel_for, normalize_axis, operand, size_of, whole_index
from .along import join_indices
from .elementwise import cast, multiply
from .shape import moveaxis, reshape, strided_slice

# ---- Gathers ----------------------------------------------------------------------------------------------------


@op
class gather:
    """Slices of x along an axis, by indices of any shape and dtype; floats lose their fraction.

    wraps: whether a negative index counts from the end, else it is an error.
    """
    picks = "x"
    flops = 0
    cases = [((normal(5, 3), integers(4, low=-5, high=5)), {"axis": 0}), ((normal(2, 6, 3), integers(2, 2, high=6)), {"axis": 1}),
             ((normal(9), integers(high=9)), {"axis": 0}), ((normal(50, 40), integers(30, high=50)), {"axis": 0}),
             ((normal(9, 8), integers(6, high=9, dtype="uint8")), {"axis": 0, "wraps": False}),
             ((normal(3, 900, 70), integers(400, low=-900, high=900, dtype="int32")), {"axis": 1})]

    def spec(x, indices, *, axis, wraps=True):
        return Spec(x.shape[:axis] + indices.shape + x.shape[axis + 1:], x.dtype)

    def cpu(x, indices, y, *, axis, wraps):
        return "take", (x, indices, y, size_of(x.shape[:axis]), x.shape[axis], indices.size,
                        size_of(x.shape[axis + 1:]) * x.itemsize, indices.itemsize, CODES[indices.dtype], int(wraps))

    def vjp(dy, x, indices, axis, wraps):
        return gather_grad(dy, indices, shape=x.shape, axis=axis, wraps=wraps), None


@op
class gather_grad:
    """Zeros of a shape, to whose slices along an axis dy is added where the index says: in the order of the index."""
    outputs = "dx"
    cases = [((normal(4, 3), integers(4, high=5)), {"shape": (5, 3), "axis": 0}),
             ((normal(2, 7, 3), integers(7, high=4)), {"shape": (2, 4, 3), "axis": 1}),
             ((normal(6, 3), integers(6, low=-5, high=5, dtype="int32")), {"shape": (5, 3), "axis": 0}),
             ((normal(700, 8), integers(700, high=9000)), {"shape": (9000, 8), "axis": 0, "wraps": False}),
             ((normal(500, 300), integers(500, high=70)), {"shape": (70, 300), "axis": 0}),
             ((normal(2, 5000, 9), integers(5000, high=700, dtype="int16")), {"shape": (2, 700, 9), "axis": 1})]

    def spec(dy, indices, *, shape, axis, wraps=True):
        return Spec(shape, dy.dtype)

    def cpu(dy, indices, dx, *, axis, wraps):
        return "take_grad", (dy, indices, dx, size_of(dx.shape[:axis]), dx.shape[axis], indices.size,
                             size_of(dx.shape[axis + 1:]), indices.itemsize, CODES[indices.dtype], int(wraps))

    def vjp(ddx, indices, axis, wraps):
        return gather(ddx, indices, axis=axis, wraps=wraps), None


def take(x, indices, axis=None):
    """Slices of x along an axis (None: elements of the flattened tensor); a negative index counts from the end.

    Raises:
        ValueError: an index outside.
    """
    x = operand(x)
    if axis is None:
        x, axis = reshape(x, shape=(-1,)), 0
    return gather(x, whole_index(indices, "take"), axis=normalize_axis(axis, len(x.shape), "take"))


@op
class gather_rows:
    """Rows of an array by an int64 index, cast to `dtype` on the way and multiplied by `scale`: a batch for training."""
    picks = "src"
    flops = 0
    cases = [((normal(6, 5), integers(4, high=6)), {"dtype": "float32"}),
             ((integers(50, 28, 30, low=0, high=256, dtype="uint8"), integers(40, high=50)), {"dtype": "float32", "scale": 1 / 255}),
             ((integers(9, dtype="int32"), integers(20, high=9)), {"dtype": "int64"})]

    def spec(src, index, *, dtype, scale=1.0):
        return Spec(index.shape + src.shape[1:], standardize_dtype(dtype))

    def cpu(src, index, y, *, scale):
        return "gather_rows", (src, index, y, index.size, src.shape[0], size_of(src.shape[1:]), src.itemsize, y.itemsize,
                               CODES[src.dtype], CODES[y.dtype], scale)


@op
class rescale:
    """x * scale + offset in a float type, for numbers of any type: pictures in bytes become floats in one pass.

    Args:
        x: tensor of any dtype.
        scale, offset: numbers.
        dtype: "float32" or "float64".

    Raises:
        ValueError: another dtype.

    Example:
        >>> rescale(np.array([0, 255], "uint8"), scale=1 / 255, dtype="float32").tolist()
        [0.0, 1.0]
    """
    cases = [((integers(3, 50, 70, high=256, dtype="uint8"),), dict(scale=1 / 127.5, offset=-1.0, dtype="float32")),
             ((normal(5, 3),), dict(scale=-2.5, dtype="float32")), ((normal(2, 0),), dict(scale=2.0, dtype="float32")),
             ((integers(7, low=-9, high=9),), dict(scale=0.5, offset=1.0, dtype="float32"))]

    def spec(x, *, scale, offset=0.0, dtype):
        if standardize_dtype(dtype) not in FLOATS:
            raise ValueError(f"[rescale] dtype is {dtype!r}, expected {' or '.join(FLOATS)}: cast the result to others")
        return Spec(x.shape, standardize_dtype(dtype))

    def cpu(x, y, *, scale, offset):
        return "rescale", (x, y, x.size, x.itemsize, y.itemsize, CODES[x.dtype], CODES[y.dtype], scale, offset)

    def flops(y): return 2 * y.size

    def vjp(dy, x, scale):
        dx = multiply(dy, scale)
        return dx if x.dtype == dx.dtype else cast(dx, dtype=x.dtype) if x.dtype in FLOATS else None


@op
class one_hot_rows:
    """Rows of zeros with a one where the int64 index says; all zeros for an index outside."""
    flops = 0
    cases = [((integers(5, low=-1, high=4),), {"num_classes": 3, "dtype": "float32"})]

    def spec(indices, *, num_classes, dtype):
        return Spec(indices.shape + (num_classes,), dtype)

    def cpu(indices, y, *, num_classes):
        return "one_hot", (indices, y, indices.size, num_classes)


def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """Rows of zeros with a one at the index; all zeros for an index outside.

    Args:
        x: integer tensor.
        num_classes: how long the rows are.
        axis: where the new axis stands in the result.
    """
    if sparse:
        raise ValueError("[one_hot] fastnn has no sparse tensors: pass sparse=False")
    x, dtype = as_index(x, "one_hot"), standardize_dtype(dtype)
    y = one_hot_rows(x, num_classes=int(num_classes), dtype=dtype if dtype in ("float32", "float64") else "float32")
    y = y if y.dtype == dtype else cast(y, dtype=dtype)
    return y if axis in (-1, len(x.shape)) else moveaxis(y, -1, axis)


# ---- Tensor.__getitem__ -----------------------------------------------------------------------------------------

def getitem(x, index):
    """x[index] as NumPy reads it: integers, slices, Ellipsis, None; arrays or lists of integers or booleans.

    Several arrays must stand side by side; booleans need values, so not a symbolic tensor.
    """
    x = operand(x)
    index = index if isinstance(index, tuple) else (index,)
    index = _expand_ellipsis([_plain(i) for i in index], len(x.shape))
    arrays = [k for k, i in enumerate(index) if isinstance(i, (np.ndarray, Operand))]
    if not arrays:
        return _basic_slice(x, index)
    if arrays != list(range(arrays[0], arrays[-1] + 1)):
        raise ValueError("[getitem] index arrays must stand side by side: take the axes one after the other, with "
                         "fastnn.ops.take")
    # first what is no array, with the arrays' axes left whole, then the arrays
    y = _basic_slice(x, [slice(None) if k in arrays else i for k, i in enumerate(index)])
    axis = sum(i is None or isinstance(i, (slice, np.ndarray, Operand)) for i in index[:arrays[0]])
    return _take_arrays(y, [index[k] for k in arrays], axis)


def _plain(i):
    """One part of an index: integers as int, lists as arrays, a boolean array as the places where it is true."""
    if i is None or i is Ellipsis or isinstance(i, slice):
        return i
    if isinstance(i, Operand) and not isinstance(i, Tensor):
        return i
    if isinstance(i, (list, tuple, np.ndarray, Tensor)):
        tensor = i if isinstance(i, Tensor) else None
        i = np.asarray(i) if tensor is None else tensor.data
        if i.ndim == 0 and i.dtype.kind in "iu":
            return int(i if tensor is None else tensor)
        if i.dtype.kind not in "iub":
            raise TypeError(f"[getitem] an index array must hold integers or booleans, received {i.dtype}")
        if tensor is None:
            return i
        return tensor if i.dtype.kind in "iu" else look(tensor, "a boolean index")
    if hasattr(i, "__index__"):
        return i.__index__()
    raise TypeError(f"[getitem] cannot index with {type(i).__name__}: expected integers, slices, ..., None or arrays of "
                    "integers or booleans")


def _expand_ellipsis(index, ndim):
    """The parts of an index, one for each axis (and each None); boolean arrays become arrays of integers."""
    parts = []
    for i in index:
        parts += list(np.nonzero(i)) if isinstance(i, np.ndarray) and i.dtype.kind == "b" else [i]
    used = sum(i is not None and i is not Ellipsis for i in parts)
    if used > ndim:
        raise IndexError(f"[getitem] {used} indices for a tensor of {ndim} dimension(s)")
    full = [slice(None)] * (ndim - used)
    where = next((k for k, i in enumerate(parts) if i is Ellipsis), None)
    if where is None:
        return parts + full
    return parts[:where] + full + [i for i in parts[where + 1:] if i is not Ellipsis]


def _basic_slice(x, index):
    """Integers, slices and None: one strided copy, and a view that drops and adds axes."""
    starts, steps, sizes, shape, axis = [], [], [], [], 0
    for i in index:
        if i is None:
            shape.append(1)
            continue
        start, step, size = _resolve_slice(i, x.shape[axis], axis)
        starts.append(start), steps.append(step), sizes.append(size)
        if isinstance(i, slice):
            shape.append(size)
        axis += 1
    ends = any(isinstance(i, slice) and i.stop is not None for i in index)      # those of other sizes may be cut off: the same op
    if ends or tuple(sizes) != x.shape or any(step != 1 for step in steps):
        x = strided_slice(x, starts=tuple(starts), steps=tuple(steps), sizes=tuple(sizes))
    return x if tuple(shape) == x.shape else reshape(x, shape=tuple(shape))


def _resolve_slice(i, n, axis):
    """Where a slice (or an integer) of an axis of size n begins, its step, and how many elements it has."""
    if not isinstance(i, slice):
        if n is not None and not -n <= i < n:
            raise IndexError(f"[getitem] index {i} is out of range for axis {axis} of size {n}")
        return (i + n if i < 0 and n is not None else i), 1, 1
    if n is None:       # of a spec
        return 0, 1 if i == slice(None) else 2, None
    start, stop, step = i.indices(n)
    size = len(range(start, stop, step))
    return (start if size else 0), step, size


def _take_arrays(x, arrays, axis):
    """x[..., a, b, ...]: index arrays for neighbouring axes from `axis` on, as one gather."""
    if len(arrays) == 1:
        return take(x, arrays[0], axis=axis)
    sizes = x.shape[axis:axis + len(arrays)]
    if None in sizes:
        raise ValueError(f"[getitem] index arrays for axes {axis} to {axis + len(arrays) - 1} of shape {x.shape} need axes of known "
                         "size: take them one after the other, with fastnn.ops.take")
    flat = reshape(x, shape=x.shape[:axis] + (size_of(sizes),) + x.shape[axis + len(sizes):])
    return take(flat, join_indices(arrays, sizes), axis=axis)


# ---- Values put in place ----------------------------------------------------------------------------------------

@op
class assign:
    """Writes a value of the same shape into a variable, in the variable's dtype."""
    outputs = ""
    updates = "variable"
    flops = 0
    cases = [((normal(3, 5), normal(3, 5)), {}), ((normal(40000), integers(40000)), {})]

    def spec(variable, value):
        if variable.shape != value.shape:
            raise ValueError(f"[assign] the variable has shape {variable.shape}, the value {value.shape}: they must agree")

    def cpu(variable, value):
        return "cast", (value, variable, value.size, value.itemsize, variable.itemsize, CODES[value.dtype],
                        CODES[variable.dtype])


@op
class assign_add:
    """Adds a value of the same shape and dtype to a variable."""
    outputs = ""
    updates = "variable"
    cases = [((normal(3, 5), normal(3, 5)), {}), ((integers(40000), integers(40000)), {})]

    def spec(variable, value):
        if variable.shape != value.shape or variable.dtype != value.dtype:
            raise ValueError(f"[assign_add] the variable has shape {variable.shape} and dtype {variable.dtype}, the value "
                             f"{value.shape} and {value.dtype}: they must agree")

    def cpu(variable, value):
        return kernel_for("add", variable.dtype), (variable, value, variable, value.size, value.size, value.size)
