"""Diagonals of matrices: taken out, put in, added up."""
from ..op import normal, op
from ..tensor import Spec
from ._shapes import normalize_axis, operand, size_of
from ._views import read_view, strides_of, view_groups
from .reduce import sum
from .shape import moveaxis, ravel


def _length(rows, columns, offset):
    """The number of elements of a diagonal; None where a size is open."""
    if rows is None or columns is None:
        return None
    return max(0, min(rows + min(offset, 0), columns - max(offset, 0)))


def _walk(shape, offset):
    """Where the diagonals of the last two axes begin, and the groups that describe them as a view."""
    length, columns = _length(*shape[-2:], offset), shape[-1]
    begin = (max(offset, 0) - min(offset, 0) * columns) if length else 0
    return begin, view_groups(shape[:-2] + (length,), strides_of(shape)[:-2] + (columns + 1,))


@op
class take_diagonal:
    """The elements [..., i, i + offset] (offset < 0: [..., i - offset, i])."""
    picks = "x"
    flops = 0
    cases = [((normal(4, 6),), {"offset": offset}) for offset in (0, 2, -1, 7)] + [((normal(2, 3, 3),), {"offset": 0}),
                                                                                   ((normal(2, 0),), {"offset": -1})]

    def spec(x, *, offset):
        return Spec(x.shape[:-2] + (_length(*x.shape[-2:], offset),), x.dtype)

    def cpu(x, y, *, offset):
        return read_view(x, y, *_walk(x.shape, offset))

    def vjp(dy, x, offset):
        return put_diagonal(dy, sizes=x.shape[-2:], offset=offset)


@op
class put_diagonal:
    """Matrices of zeros, with the last axis of x on a diagonal: the gradient of `take_diagonal`."""
    flops = 0
    cases = [((normal(4),), {"sizes": (4, 6), "offset": 2}), ((normal(2, 3),), {"sizes": (5, 3), "offset": -2})]

    def spec(x, *, sizes, offset):
        if None not in (x.shape[-1], *sizes) and x.shape[-1] != _length(*sizes, offset):
            raise ValueError(f"[put_diagonal] {x.shape[-1]} elements do not fill diagonal {offset} of a matrix of shape {sizes}")
        return Spec(x.shape[:-1] + tuple(sizes), x.dtype)

    def cpu(x, y, *, offset):
        begin, groups = _walk(y.shape, offset)
        return "write_view", (x, y, None, x.itemsize, x.size, y.size, begin) + groups

    def vjp(dy, offset):
        return take_diagonal(dy, offset=offset)


def diagonal(x, offset=0, axis1=0, axis2=1):
    """A diagonal of the matrices that two axes span; it is the last axis of the result.

    Args:
        offset: how far the diagonal lies above the main one (below: a negative number).

    Example:
        >>> diagonal([[1, 2], [3, 4]]).tolist()
        [1, 4]
    """
    x = operand(x)
    ndim = len(x.shape)
    if ndim < 2:
        raise ValueError(f"[diagonal] needs at least two axes, received shape {x.shape}")
    axes = (normalize_axis(axis1, ndim, "diagonal"), normalize_axis(axis2, ndim, "diagonal"))
    if axes[0] == axes[1]:
        raise ValueError(f"[diagonal] axis1 and axis2 are both {axis1}")
    return take_diagonal(x if axes == (ndim - 2, ndim - 1) else moveaxis(x, axes, (ndim - 2, ndim - 1)), offset=int(offset))


def trace(x, offset=0, axis1=0, axis2=1):
    """The sum of a diagonal of the matrices that two axes span."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


def diag(x, k=0):
    """The diagonal k of a matrix, or the matrix of zeros with a vector on its diagonal k.

    Example:
        >>> diag([1, 2], k=1).tolist()
        [[0, 1, 0], [0, 0, 2], [0, 0, 0]]
    """
    x = operand(x)
    if len(x.shape) == 2:
        return diagonal(x, k)
    if len(x.shape) != 1:
        raise ValueError(f"[diag] x must be a vector or a matrix, received shape {x.shape}")
    n = None if x.shape[0] is None else x.shape[0] + abs(k)
    return put_diagonal(x, sizes=(n, n), offset=int(k))


def diagflat(x, k=0):
    """The matrix of zeros with the elements of x, flattened, on its diagonal k."""
    x = operand(x)
    return diag(ravel(x) if None in x.shape or x.shape != (size_of(x.shape),) else x, k)
