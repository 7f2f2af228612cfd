"""Elements by their places along an axis, and several index arrays as one."""
from ..op import integers, normal, op
from ..tensor import Spec
from ._shapes import as_index, broadcast_shapes, normalize_axis, operand, size_of
from .shape import broadcast_to, reshape, stack


def _extents(shape, axis):
    return size_of(shape[:axis]), shape[axis], size_of(shape[axis + 1:])


@op
class take_along:
    """Elements of x whose places along an axis an int64 index gives; both have the same sizes along the other axes."""
    picks = "x"
    flops = 0
    cases = [((normal(4, 3), integers(4, 5, low=-3, high=3)), {"axis": 1}), ((normal(6, 3), integers(2, 3, high=6)), {"axis": 0}),
             ((normal(2, 5, 3), integers(2, 4, 3, high=5)), {"axis": 1}), ((integers(5, 3), integers(5, 1, high=3)), {"axis": 1}),
             ((normal(2, 3), integers(2, 0)), {"axis": 1})]

    def spec(x, indices, *, axis):
        return Spec(x.shape[:axis] + (indices.shape[axis],) + x.shape[axis + 1:], x.dtype)

    def cpu(x, indices, y, *, axis):
        outer, limit, inner = _extents(x.shape, axis)
        return "take_along", (x, indices, y, outer, limit, indices.shape[axis], inner, x.itemsize)

    def vjp(dy, x, indices, axis):
        return take_along_grad(dy, indices, size=x.shape[axis], axis=axis), None


@op
class take_along_grad:
    """Zeros, to which dy is added where the index says: the gradient of `take_along`, whose axis had `size` elements."""
    outputs = "dx"
    cases = [((normal(4, 5), integers(4, 5, low=-3, high=3)), {"size": 3, "axis": 1}),
             ((normal(2, 4, 3), integers(2, 4, 3, high=5)), {"size": 5, "axis": 1})]

    def spec(dy, indices, *, size, axis):
        return Spec(dy.shape[:axis] + (size,) + dy.shape[axis + 1:], dy.dtype)

    def cpu(dy, indices, dx, *, axis):
        outer, m, inner = _extents(dy.shape, axis)
        return "take_along_grad", (dy, indices, dx, outer, dx.shape[axis], m, inner)

    def vjp(ddx, indices, axis):
        return take_along(ddx, indices, axis=axis), None


@op
class flat_index:
    """The places in a flattened array of the elements that the last axis of an int64 index names, a number for each axis.

    Raises:
        ValueError: an index outside; a negative one counts from the end.
    """
    flops = 0
    cases = [((integers(5, 2, low=-3, high=3),), {"sizes": (3, 4)}), ((integers(2, 3, 1, high=4),), {"sizes": (4,)}),
             ((integers(0, 2),), {"sizes": (3, 4)})]

    def spec(indices, *, sizes):
        if indices.shape[-1:] != (len(sizes),):
            raise ValueError(f"[flat_index] an index of shape {indices.shape} names no elements of axes of sizes {sizes}: its last "
                             f"axis must have size {len(sizes)}")
        return Spec(indices.shape[:-1], "int64")

    def cpu(indices, y, *, sizes):
        return "ravel_index", (indices, y, y.size, len(sizes), *sizes)


def take_along_axis(x, indices, axis=None):
    """Elements of x whose places along an axis the index gives (None: in the flattened tensor).

    Args:
        x: tensor.
        indices: integer tensor with as many axes as x, whose other axes are repeated as by broadcasting; a negative index
            counts from the end.

    Raises:
        ValueError: an index outside.

    Example:
        >>> take_along_axis([[3, 1], [4, 5]], [[1], [0]], axis=1).tolist()
        [[1], [4]]
    """
    x, indices = operand(x), as_index(indices, "take_along_axis")
    if axis is None:
        x, indices, axis = reshape(x, shape=(-1,)), reshape(indices, shape=(-1,)), 0
    if len(x.shape) != len(indices.shape):
        raise ValueError(f"[take_along_axis] x of shape {x.shape} and indices of shape {indices.shape} must have as many axes")
    axis = normalize_axis(axis, len(x.shape), "take_along_axis")
    apart = broadcast_shapes(x.shape[:axis] + (1,) + x.shape[axis + 1:], indices.shape[:axis] + (1,) + indices.shape[axis + 1:],
                             "take_along_axis")

    def spread(t):
        shape = apart[:axis] + (t.shape[axis],) + apart[axis + 1:]
        return t if t.shape == shape else Spec(shape, t.dtype) if None in shape else broadcast_to(t, shape=shape)
    return take_along(spread(x), spread(indices), axis=axis)


def join_indices(arrays, sizes):
    """Index arrays for neighbouring axes, broadcast against each other, as one into these axes flattened."""
    arrays = [as_index(a, "getitem") for a in arrays]
    shape = arrays[0].shape
    for a in arrays[1:]:
        shape = broadcast_shapes(shape, a.shape, "getitem")
    return flat_index(stack([broadcast_to(a, shape=shape) for a in arrays], -1), sizes=sizes)
