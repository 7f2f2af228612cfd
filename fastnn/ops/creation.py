"""Tensors made of nothing but a shape: constants, ranges, triangles; and the way from and to NumPy."""
import numpy as np

from .. import budget
from ..op import normal, op
from ..tensor import FLOATS, Operand, Spec, Tensor, UnknownSize, convert_to_tensor, own, scope, standardize_dtype
from ._shapes import common_operands, operand
from ._views import as_shape, constant_array
from .elementwise import add, cast, divide, multiply, subtract, where
from .shape import broadcast_to, moveaxis, reshape


def _fill_with(y, value):
    return "fill", (constant_array(value, y.dtype), y, y.itemsize, y.size)


@op
class full:
    """A tensor of one value."""
    flops = 0
    cases = [((), {"shape": (3, 5), "fill_value": 2.5, "dtype": "float32"}), ((), {"shape": (), "fill_value": 1, "dtype": "int32"})]

    def spec(*, shape, fill_value, dtype=None):
        return Spec(as_shape(shape), standardize_dtype(dtype))

    def cpu(y, *, fill_value):
        return _fill_with(y, fill_value)


@op
class full_like:
    """A tensor of one value, of the shape of x, and of its dtype unless another is given."""
    flops = 0
    cases = [((normal(3, 5),), {"fill_value": 2.5}), ((normal(2, 0),), {"fill_value": 1, "dtype": "int32"})]

    def spec(x, *, fill_value, dtype=None):
        return Spec(x.shape, x.dtype if dtype is None else standardize_dtype(dtype))

    def cpu(x, y, *, fill_value):
        return _fill_with(y, fill_value)

    def vjp(dy):
        return None


def zeros(shape, dtype=None):
    """A tensor of zeros."""
    return full(shape=shape, fill_value=0, dtype=dtype)


def ones(shape, dtype=None):
    """A tensor of ones."""
    return full(shape=shape, fill_value=1, dtype=dtype)


def empty(shape, dtype=None):
    """A tensor of a shape whose values do not matter: zeros."""
    return zeros(shape, dtype)


def zeros_like(x, dtype=None):
    """Zeros in the shape and dtype of x."""
    return full_like(x, fill_value=0, dtype=dtype)


def ones_like(x, dtype=None):
    """Ones in the shape and dtype of x."""
    return full_like(x, fill_value=1, dtype=dtype)


def empty_like(x, dtype=None):
    """A tensor in the shape and dtype of x whose values do not matter: zeros."""
    return zeros_like(x, dtype)


def _constant(array, dtype):
    return Tensor(own(np.asarray(array, standardize_dtype(dtype))))


def arange(start, stop=None, step=None, dtype=None):
    """The numbers from start (0 if one bound is given) up to stop, step by step."""
    if start is None or stop is None and scope.symbolic and isinstance(start, int) and start == 0:
        raise UnknownSize(f"[arange] received start={start}, stop={stop}: a size that is not known yet (None)")
    values = np.arange(start, stop, 1 if step is None else step) if stop is not None else np.arange(0, start, 1 if step is None else step)
    return _constant(values, dtype or ("int32" if values.dtype.kind == "i" else None))


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """`num` numbers at even distances from start to stop (numbers, arrays or tensors).

    Args:
        endpoint: whether stop is the last one.
        retstep: whether their distance is returned, too.
        axis: along which they lie, where start and stop have axes.
    """
    if isinstance(start, Operand) or isinstance(stop, Operand):
        y, step = _between(start, stop, num, endpoint, axis)
        y = y if dtype is None else cast(y, dtype=dtype)
        return (y, step) if retstep else y
    values, step = np.linspace(start, stop, num, endpoint, True, axis=axis)
    return (_constant(values, dtype), step) if retstep else _constant(values, dtype)


def _between(start, stop, num, endpoint, axis):
    """What linspace gives for tensors, and the step."""
    start, stop = common_operands(start, stop)
    start, stop = [x if x.dtype in FLOATS else cast(x, dtype=None) for x in (start, stop)]
    parts = max(num - 1 if endpoint else num, 1)
    step = divide(subtract(stop, start), parts)
    budget.take((num,), "float64", "the result of linspace")
    share = np.arange(num) / parts
    share = share.reshape((-1,) + (1,) * len(step.shape)).astype(step.dtype)
    y = add(multiply(start, 1.0 - share), multiply(stop, share))      # both ends exactly
    return (y if axis == 0 or not step.shape else moveaxis(y, 0, axis)), step


def eye(N, M=None, k=0, dtype=None):
    """Ones on a diagonal, zeros elsewhere."""
    return _constant(np.eye(N, M, k), dtype)


def identity(n, dtype=None):
    """The identity matrix."""
    return eye(n, dtype=dtype)


def tri(N, M=None, k=0, dtype=None):
    """Ones on and below a diagonal, zeros above."""
    return _constant(np.tri(N, M, k), dtype)


def tril(x, k=0):
    """The lower triangle of the last two axes, zeros above diagonal k."""
    x = operand(x)
    return where(np.tri(*x.shape[-2:], k, dtype=bool), x, 0)


def triu(x, k=0):
    """The upper triangle of the last two axes, zeros below diagonal k."""
    x = operand(x)
    return where(np.tri(*x.shape[-2:], k - 1, dtype=bool), 0, x)


def meshgrid(*x, indexing="xy"):
    """Coordinate matrices of coordinate vectors.

    Args:
        indexing: "xy": the first vector runs along the second axis, the second along the first; "ij": each along its own.

    Example:
        >>> [grid.tolist() for grid in meshgrid([1, 2], [5, 6, 7])]
        [[[1, 2], [1, 2], [1, 2]], [[5, 5], [6, 6], [7, 7]]]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"[meshgrid] indexing must be 'xy' or 'ij', received {indexing!r}")
    x = [reshape(operand(v), shape=(-1,)) for v in x]
    axes = list(range(len(x)))
    if indexing == "xy" and len(x) > 1:
        axes[:2] = 1, 0
    sizes = [x[axes.index(k)].shape[0] for k in range(len(x))]
    return [broadcast_to(reshape(v, shape=tuple(-1 if k == axis else 1 for k in range(len(x)))), shape=tuple(sizes))
            for v, axis in zip(x, axes)]


# ---- From and to NumPy ------------------------------------------------------------------------------------------

def array(x, dtype=None):
    """A tensor with the values of an array, list or number."""
    return convert_to_tensor(x, dtype)


def convert_to_numpy(x):
    """The values as a NumPy array."""
    return x.numpy() if isinstance(x, Tensor) else np.asarray(x)


def is_tensor(x):
    """Whether x is a tensor, symbolic ones included."""
    return isinstance(x, Operand)


def shape(x):
    """The shape of x, a tuple; of a symbolic tensor with None where a size is open."""
    found = operand(x).shape
    if scope.symbolic and None in found:
        raise UnknownSize(f"[shape] not all sizes of the symbolic tensor of shape {found} are known yet")
    return found


def ndim(x):
    """The number of axes of x."""
    return len(operand(x).shape)


def size(x):
    """The number of elements of x."""
    return int(np.prod(operand(x).shape))


def dtype(x):
    """The dtype of x, by name."""
    return operand(x).dtype


