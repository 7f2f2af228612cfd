"""Products: running, crosswise, of all with all; correlations and distances."""
import math

import numpy as np

from ..op import integers, normal, op
from ..tensor import FLOATS, standardize_dtype
from ._shapes import common_operands, kernel_for, normalize_axis, operand, size_of
from .elementwise import add, cast, clip, divide, equal, log10, multiply, sqrt, square, subtract, where
from .indexing import getitem, take
from .matmul import matmul
from .reduce import mean, sum
from .shape import concatenate, expand_dims, flip, moveaxis, pad, reshape, stack, transpose


def _float(x):
    x = operand(x)
    return x if x.dtype in FLOATS else cast(x, dtype=None)


# ---- Running products -------------------------------------------------------------------------------------------

@op
class running_prod:
    """The products of all elements up to each one along an axis."""
    cases = [((normal(3, 5),), {"axis": 1}), ((normal(4, 3, 2),), {"axis": 1}), ((integers(3, 9, high=7),), {"axis": 0}),
             ((normal(3, 0),), {"axis": 1})]

    def spec(x, *, axis):
        return x

    def cpu(x, y, *, axis):
        return kernel_for("cumprod", x.dtype), (x, y, size_of(x.shape[:axis]), x.shape[axis], size_of(x.shape[axis + 1:]))

    def vjp(dy, x, y, axis):
        return running_prod_grad(dy, x, y, axis=axis)


@op
class running_prod_grad:
    """The gradient of `running_prod`, from argument and result: right where elements are zero."""
    outputs = "dx"
    cases = [((normal(3, 5), normal(3, 5), normal(3, 5)), {"axis": 1}), ((normal(2, 3, 2),) * 3, {"axis": 1})]

    def spec(dy, x, y, *, axis):
        return x

    def cpu(dy, x, y, dx, *, axis):
        return "cumprod_grad", (dy, x, y, dx, size_of(x.shape[:axis]), x.shape[axis], size_of(x.shape[axis + 1:]))

    def flops(x): return 3 * x.size


def cumprod(x, axis=None, dtype=None):
    """The products of all elements up to each one along an axis (None: of the flattened tensor).

    Example:
        >>> cumprod([1, 2, 3]).tolist()
        [1, 2, 6]
    """
    x = operand(x)
    if axis is None:
        x, axis = reshape(x, shape=(-1,)), 0
    dtype = standardize_dtype(dtype) if dtype is not None else "int32" if x.dtype == "bool" else x.dtype
    # integers are multiplied in 32 or 64 bits: the low ones of a product are the same
    wide = dtype if dtype in FLOATS else "int64" if "64" in dtype or dtype == "uint32" else "int32"
    x = x if x.dtype == wide else cast(x, dtype=wide)
    y = running_prod(x, axis=normalize_axis(axis, len(x.shape), "cumprod"))
    return y if dtype == wide else cast(y, dtype=dtype)


# ---- Of vectors -------------------------------------------------------------------------------------------------

def cross(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """The cross product of vectors of size 3 (or 2, whose third element counts as zero).

    Args:
        axisa, axisb, axisc: the axes of the vectors in x1, x2 and the result.
        axis: all three of them, if given.

    Returns:
        Vectors of size 3; of two vectors of size 2 the third element alone.
    """
    x1, x2 = common_operands(x1, x2)
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    a, b = _components(x1, axisa), _components(x2, axisb)

    def minus(i, j):
        return subtract(multiply(a[i], b[j]), multiply(a[j], b[i]))
    if len(a) == len(b) == 2:
        return minus(0, 1)
    a, b = [v if len(v) == 3 else [*v, multiply(v[0], 0)] for v in (a, b)]
    return moveaxis(stack([minus(1, 2), minus(2, 0), minus(0, 1)], -1), -1, axisc)


def _components(x, axis):
    axis = normalize_axis(axis, len(x.shape), "cross")
    if x.shape[axis] not in (2, 3):
        raise ValueError(f"[cross] vectors must have size 2 or 3, received axis {axis} of shape {x.shape}")
    return [getitem(x, (slice(None),) * axis + (k,)) for k in range(x.shape[axis])]


def kron(x1, x2):
    """The Kronecker product: every element of x1 times the whole of x2."""
    x1, x2 = common_operands(x1, x2)
    ndim = max(len(x1.shape), len(x2.shape))
    a, b = [(1,) * (ndim - len(x.shape)) + x.shape for x in (x1, x2)]
    y = multiply(reshape(x1, shape=_open(m for n in a for m in (n, 1))), reshape(x2, shape=_open(m for n in b for m in (1, n))))
    return reshape(y, shape=_open(None if None in (m, n) else m * n for m, n in zip(a, b)))


def _open(sizes):
    return tuple([-1 if n is None else n for n in sizes])


def vander(x, N=None, increasing=False):
    """The powers of the elements of a vector as rows: x^(N-1) ... x, 1, or (increasing) the other way round.

    Args:
        N: the number of powers; None: as many as there are elements.
    """
    x = operand(x)
    if len(x.shape) != 1:
        raise ValueError(f"[vander] x must be a vector, received shape {x.shape}")
    x = cast(x, dtype="int32") if x.dtype == "bool" else x
    column = reshape(x, shape=(-1, 1))
    powers = [add(multiply(column, 0), 1)]
    for _ in range((x.shape[0] if N is None else N) - 1):
        powers.append(multiply(powers[-1], column))
    y = concatenate(powers[:x.shape[0] if N is None else N] or [getitem(column, (slice(None), slice(0, 0)))], 1)
    return y if increasing else flip(y, 1)


def correlate(x1, x2, mode="valid"):
    """The cross-correlation of two vectors: sums of products, x2 lying at each place of x1.

    Args:
        mode: "valid": where the shorter lies within the longer; "same": as many results as the longer has elements; "full":
            wherever they meet.
    """
    x1, x2 = [_float(x) for x in common_operands(x1, x2)]
    if len(x1.shape) != 1 or len(x2.shape) != 1 or not x1.shape[0] or not x2.shape[0]:
        raise ValueError(f"[correlate] needs two vectors with elements, received shapes {x1.shape} and {x2.shape}")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"[correlate] mode must be 'valid', 'same' or 'full', received {mode!r}")
    n, m = x1.shape[0], x2.shape[0]
    if n < m:
        return flip(correlate(x2, x1, mode))
    before = {"valid": 0, "same": m // 2, "full": m - 1}[mode]
    after = {"valid": 0, "same": m - 1 - m // 2, "full": m - 1}[mode]
    x1 = pad(x1, (before, after)) if before or after else x1
    size = n + before + after - m + 1
    return matmul(take(x1, np.arange(size)[:, None] + np.arange(m), 0), x2)


def corrcoef(x):
    """The correlation coefficients of the rows of x (variables), whose columns are observations."""
    x = _float(x)
    if len(x.shape) > 2:
        raise ValueError(f"[corrcoef] x must be a vector or a matrix, received shape {x.shape}")
    rows = x if len(x.shape) == 2 else expand_dims(x, 0)
    rows = subtract(rows, mean(rows, 1, True))
    c = matmul(rows, transpose(rows))
    size = sqrt(sum(square(rows), 1))
    c = clip(divide(divide(c, expand_dims(size, 1)), expand_dims(size, 0)), -1.0, 1.0)
    return c if len(x.shape) == 2 else reshape(c, shape=())


# ---- Distances --------------------------------------------------------------------------------------------------

def cdist(x, y):
    """The Euclidean distances of all rows of x, (..., n, d), from all rows of y, (..., m, d): (..., n, m).

    Its gradient at distance zero is zero.
    """
    x, y = [_float(t) for t in common_operands(x, y)]
    if len(x.shape) < 2 or len(y.shape) < 2 or (x.shape[-1] != y.shape[-1] and None not in (x.shape[-1], y.shape[-1])):
        raise ValueError(f"[cdist] expected shapes (..., n, d) and (..., m, d), received {x.shape} and {y.shape}")
    squares = sum(square(subtract(expand_dims(x, -2), expand_dims(y, -3))), -1)
    touching = equal(squares, 0.0)
    return where(touching, 0.0, sqrt(where(touching, 1.0, squares)))


def psnr(x1, x2, max_val):
    """The peak signal-to-noise ratio in decibels: 20 log10(max_val) - 10 log10(mean squared difference)."""
    x1, x2 = [_float(t) for t in common_operands(x1, x2)]
    if x1.shape != x2.shape and None not in x1.shape + x2.shape:
        raise ValueError(f"[psnr] both must have one shape, received {x1.shape} and {x2.shape}")
    noise = multiply(log10(mean(square(subtract(x1, x2)))), 10.0)
    return subtract(20 * math.log10(max_val) if isinstance(max_val, (int, float)) else multiply(log10(_float(max_val)), 20.0), noise)


def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral along an axis by the trapezoidal rule.

    Args:
        y: values.
        x: where they were taken: of the shape of y, or a vector along the axis; None: `dx` apart.
    """
    y = _float(y)
    axis = normalize_axis(axis, len(y.shape), "trapezoid")
    lead = (slice(None),) * axis
    middle = multiply(add(getitem(y, lead + (slice(1, None),)), getitem(y, lead + (slice(None, -1),))), 0.5)
    if x is None:
        return multiply(sum(middle, axis), _float(dx))
    x = _float(x)
    if len(x.shape) == 1:
        width = subtract(getitem(x, slice(1, None)), getitem(x, slice(None, -1)))
        width = reshape(width, shape=(-1,) + (1,) * (len(y.shape) - axis - 1))
    else:
        width = subtract(getitem(x, lead + (slice(1, None),)), getitem(x, lead + (slice(None, -1),)))
    return sum(multiply(middle, width), axis)
