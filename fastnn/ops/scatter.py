"""Values put where an index says: scatters, segments, slices that are replaced."""
import builtins

import numpy as np

from ..op import integers, normal, op
from ..tensor import FLOATS, Spec, Tensor, look
from ._shapes import as_index, kernel_for, operand, size_of
from ._views import plan_slices
from .along import flat_index
from .creation import full, zeros, zeros_like
from .elementwise import add, cast, divide, equal, greater_equal, less, logical_and, multiply, where
from .indexing import gather
from .shape import reshape, strided_slice

MODES = {"set": 0, "add": 1, "max": 2, "min": 3, "mul": 4}      # csrc/scatter.h has the same codes


# ---- Rows -------------------------------------------------------------------------------------------------------

@op
class scatter_rows:
    """x, whose rows take in the rows of u where an int64 index says, one after the other.

    Args:
        x: (limit, ...).
        index: (m,), 0 <= index < limit.
        u: (m, ...), of the dtype of x.
        mode: "set" (the last one stays), "add", "max", "min" or "mul".
        drop: whether an index outside is passed over; else it is an error.
    """
    cases = [((normal(5, 3), integers(7, high=5), normal(7, 3)), {"mode": mode}) for mode in MODES] + [
        ((normal(400, 30), integers(5000, low=-3, high=410), normal(5000, 30)), {"mode": "add", "drop": True}),
        ((normal(6), integers(4, high=6), normal(4)), {"mode": "set"}), ((normal(6), integers(0), normal(0)), {"mode": "max"}),
        ((integers(6, 2, dtype="int32"), integers(9, high=6), integers(9, 2, dtype="int32")), {"mode": "mul"}),
        ((normal(5, 3), integers(7, low=-2, high=7), normal(7, 3)), {"mode": "mul", "drop": True}),
        ((normal(5, 3), integers(7, low=-2, high=7), normal(7, 3)), {"mode": "set", "drop": True}),
        ((normal(5, 3), integers(7, low=-2, high=7), normal(7, 3)), {"mode": "max", "drop": True})]

    def spec(x, index, u, *, mode, drop=False):
        if u.shape != index.shape + x.shape[1:] and None not in u.shape + index.shape + x.shape:
            raise ValueError(f"[scatter_rows] updates of shape {u.shape} fit neither the index of shape {index.shape} nor x of shape "
                             f"{x.shape}: expected {index.shape + x.shape[1:]}")
        return Spec(x.shape, x.dtype)

    def cpu(x, index, u, y, *, mode, drop):
        return kernel_for("scatter", x.dtype), (x, index, u, y, x.shape[0], index.size, size_of(x.shape[1:]), MODES[mode], int(drop))

    def vjp(dy, x, index, u, y, mode, drop):
        inside, index = _inside(index, x.shape[0]) if drop else (None, index)
        dx, du = _GRADIENTS[mode](dy, x, index, u, y, inside)
        return dx, None, du if inside is None else where(_columns(inside, u), du, 0.0)


def _inside(index, limit):
    """Which entries of an index lie inside, and an index that does: what lies outside goes to row 0."""
    inside = logical_and(greater_equal(index, 0), less(index, limit))
    return inside, where(inside, index, 0)


def _columns(v, like):
    """A vector in a shape that broadcasts against the rows of `like`."""
    return reshape(v, shape=v.shape + (1,) * (len(like.shape) - 1))


def _rows(x, index):
    return gather(x, index, axis=0)


def _hidden(u, inside, neutral):
    """u, with a neutral number for rows that were dropped."""
    return u if inside is None else where(_columns(inside, u), u, neutral)


def _set_grad(dy, x, index, u, y, inside):
    """Of several rows for one place the last gets the gradient."""
    m = index.shape[0]
    number = np.arange(m)
    number = number if inside is None else where(inside, number, -1)
    winner = scatter_rows(full(shape=x.shape[:1], fill_value=-1, dtype="int64"), index, cast(number, dtype="int64"), mode="max")
    du = where(_columns(equal(_rows(winner, index), np.arange(m)), u), _rows(dy, index), 0.0)
    return where(_columns(less(winner, 0), x), dy, 0.0), du


def _add_grad(dy, x, index, u, y, inside):
    return dy, _rows(dy, index)


def _extreme_grad(dy, x, index, u, y, inside):
    """Elements that share an extreme share its gradient."""
    hit_x, hit_u = cast(equal(x, y), dtype=x.dtype), cast(equal(u, _rows(y, index)), dtype=x.dtype)
    hit_u = _hidden(hit_u, inside, 0.0)
    count = scatter_rows(hit_x, index, hit_u, mode="add")
    share = divide(dy, where(equal(count, 0.0), 1.0, count))
    return multiply(hit_x, share), multiply(hit_u, _rows(share, index))


def _times_grad(dy, x, index, u, y, inside):
    """dy times the product of all other factors: right where one of them is zero."""
    u = _hidden(u, inside, 1.0)
    zero_x, zero_u = equal(x, 0.0), equal(u, 0.0)
    full_x, full_u = where(zero_x, 1.0, x), where(zero_u, 1.0, u)
    product = multiply(dy, scatter_rows(full_x, index, full_u, mode="mul"))
    zeros = scatter_rows(cast(zero_x, dtype="int32"), index, cast(zero_u, dtype="int32"), mode="add")

    def share(zero, factor, product, zeros):
        return where(equal(zeros, cast(zero, dtype="int32")), divide(product, factor), 0.0)
    return share(zero_x, full_x, product, zeros), share(zero_u, full_u, _rows(product, index), _rows(zeros, index))


_GRADIENTS = {"set": _set_grad, "add": _add_grad, "max": _extreme_grad, "min": _extreme_grad, "mul": _times_grad}


# ---- Elements by indices of several axes ------------------------------------------------------------------------

def scatter_update(inputs, indices, updates, reduction=None):
    """The inputs with elements, or slices, replaced.

    Args:
        inputs: tensor.
        indices: integers (..., k): each row names an element of the first k axes; a negative one counts from the end.
        updates: (...) + inputs.shape[k:].
        reduction: None: the update stays (the last, if there are several for one place); or "add", "max", "min", "mul": how it
            is combined with what is there.

    Raises:
        ValueError: an index outside, shapes that do not agree, another reduction.

    Example:
        >>> scatter_update([1.0, 2.0, 3.0], [[0], [2]], [7.0, 8.0]).tolist()
        [7.0, 2.0, 8.0]
    """
    if reduction is not None and reduction not in ("add", "max", "min", "mul"):
        raise ValueError(f"[scatter_update] reduction must be None, 'add', 'max', 'min' or 'mul', received {reduction!r}")
    inputs, indices = operand(inputs), as_index(indices, "scatter_update")
    updates = cast(operand(updates), dtype=inputs.dtype)
    axes = indices.shape[-1]
    if not indices.shape or axes > len(inputs.shape):
        raise ValueError(f"[scatter_update] indices of shape {indices.shape} name {axes} axes of inputs of shape {inputs.shape}")
    head, rest = inputs.shape[:axes], inputs.shape[axes:]
    if None not in updates.shape + indices.shape and updates.shape != indices.shape[:-1] + rest:
        raise ValueError(f"[scatter_update] updates have shape {updates.shape}, expected {indices.shape[:-1] + rest}")
    flat = reshape(flat_index(indices, sizes=head), shape=(-1,))
    y = scatter_rows(reshape(inputs, shape=(size_of(head),) + rest), flat, reshape(updates, shape=(-1,) + rest),
                     mode=reduction or "set")
    return reshape(y, shape=inputs.shape)


def scatter(indices, values, shape):
    """Zeros of a shape, to which values are added where the indices say: (..., k), an index of the first k axes in each row.

    Example:
        >>> scatter([[1], [1]], [2.0, 3.0], (3,)).tolist()
        [0.0, 5.0, 0.0]
    """
    values = operand(values)
    shape = tuple(map(int, look(shape, "scatter()") if isinstance(shape, Tensor) else shape))
    return scatter_update(zeros(shape, values.dtype), indices, values, "add")


# ---- Slices -----------------------------------------------------------------------------------------------------

@op
class put_slice:
    """x with u in place of its elements from `starts` on."""
    flops = 0
    cases = [((normal(5, 6), normal(2, 3)), {"starts": (1, 3)}), ((normal(4), normal(0)), {"starts": (4,)}),
             ((integers(3, 200, 300), integers(1, 200, 7)), {"starts": (2, 0, 5)})]

    def spec(x, u, *, starts):
        if len(u.shape) != len(x.shape) or len(starts) != len(x.shape) or any(
                [None not in (m, n) and not 0 <= a <= n - m for a, m, n in zip(starts, u.shape, x.shape)]):
            raise ValueError(f"[slice_update] updates of shape {u.shape} from {starts} on do not lie within inputs of shape {x.shape}")
        return x

    def cpu(x, u, y, *, starts):
        return "update_view", (x, u, y, x.itemsize, u.size, x.size, *_window(x.shape, starts, u.shape))

    def vjp(dy, u, starts):
        return put_slice(dy, zeros_like(u), starts=starts), strided_slice(dy, starts=starts, steps=(1,) * len(starts), sizes=u.shape)


def _window(shape, starts, sizes):
    offset, groups = plan_slices(shape, starts, (1,) * len(starts), sizes)
    return (0 if 0 in sizes else offset,) + groups


def _starts(starts, name):
    """Start indices as a tuple; values of tensors are read."""
    if isinstance(starts, Tensor):
        return tuple(look(starts, f"{name}() from places that a tensor holds").ravel().tolist())
    return tuple([int(look(a, f"{name}()") if isinstance(a, Tensor) else a) for a in starts])


def slice(inputs, start_indices, shape):
    """The elements from `start_indices` on, so many as `shape` says for each axis (-1: all that follow).

    Example:
        >>> slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, -1)).tolist()
        [[2, 3], [5, 6]]
    """
    inputs, starts = operand(inputs), _starts(start_indices, "slice")
    if not len(starts) == len(shape) == len(inputs.shape):
        raise ValueError(f"[slice] inputs of shape {inputs.shape} need as many start indices and sizes as axes, received {starts} "
                         f"and {tuple(shape)}")
    sizes = tuple([(None if n is None else n - a) if size == -1 else int(size) for a, size, n in zip(starts, shape, inputs.shape)])
    for a, size, n in zip(starts, sizes, inputs.shape):
        if None not in (size, n) and not 0 <= a <= n - size:
            raise ValueError(f"[slice] {sizes} elements from {starts} on do not lie within shape {inputs.shape}")
    return strided_slice(inputs, starts=starts, steps=(1,) * len(starts), sizes=sizes)


def slice_update(inputs, start_indices, updates):
    """The inputs with the updates in place of what lies from `start_indices` on.

    Example:
        >>> slice_update([1, 2, 3, 4], [1], [8, 9]).tolist()
        [1, 8, 9, 4]
    """
    inputs = operand(inputs)
    return put_slice(inputs, cast(operand(updates), dtype=inputs.dtype), starts=_starts(start_indices, "slice_update"))


# ---- Segments ---------------------------------------------------------------------------------------------------

def _lowest(dtype):
    return -np.inf if dtype in FLOATS else False if dtype == "bool" else int(np.iinfo(dtype).min)


def _highest(dtype):
    return np.inf if dtype in FLOATS else True if dtype == "bool" else int(np.iinfo(dtype).max)


def _segment(name, mode, empty, doc):
    def segment(data, segment_ids, num_segments=None, sorted=False):
        data, ids = operand(data), as_index(segment_ids, name)
        if len(ids.shape) != 1:
            raise ValueError(f"[{name}] segment_ids must be a vector, received shape {ids.shape}")
        if num_segments is None:
            if not isinstance(ids, Tensor):
                raise ValueError(f"[{name}] num_segments is needed with symbolic tensors: it is the size of the result")
            num_segments = int(look(ids, f"{name}() without num_segments").max(initial=-1)) + 1
        shape = (int(num_segments),) + data.shape[1:]
        start = Spec(shape, data.dtype) if None in shape else full(shape=shape, fill_value=empty(data.dtype), dtype=data.dtype)
        return scatter_rows(start, ids, data, mode=mode, drop=True)

    segment.__name__ = segment.__qualname__ = name
    segment.__doc__ = f"""{doc} of the rows of each segment, which need not lie together.

    Args:
        data: (n, ...).
        segment_ids: integers (n,): the segment of each row; rows of segments outside of 0 ... num_segments - 1 are left out.
        num_segments: the number of rows of the result; None: as many as the largest id asks for.
        sorted: whether the ids are in ascending order; makes no difference here.

    Example:
        >>> {name}([1, 2, 3], [0, 1, 0], num_segments=2).tolist()
        {'[4, 2]' if mode == 'add' else '[3, 2]' if mode != 'min' else '[1, 2]'}
    """
    return segment


segment_sum = _segment("segment_sum", "add", lambda dtype: 0, "The sum")
segment_prod = _segment("segment_prod", "mul", lambda dtype: 1, "The product")
segment_max = _segment("segment_max", "max", _lowest, "The largest")
segment_min = _segment("segment_min", "min", _highest, "The smallest")


# ---- Counts -----------------------------------------------------------------------------------------------------

def bincount(x, weights=None, minlength=0, sparse=False):
    """How often each integer from 0 on occurs, or the sum of the weights of its occurrences.

    Args:
        x: integers >= 0, (n,) or (batch, n).
        weights: of the shape of x.
        minlength: the least size of the result's last axis; beyond that it depends on the largest integer.

    Example:
        >>> bincount([1, 1, 3]).tolist()
        [0, 2, 0, 1]
    """
    if sparse:
        raise ValueError("[bincount] fastnn has no sparse tensors: pass sparse=False")
    x = as_index(x, "bincount")
    if not isinstance(x, Tensor):
        raise TypeError("[bincount] the shape of the result depends on the values, which a symbolic tensor has not: use "
                        "fastnn.ops.segment_sum with num_segments")
    values = look(x, "bincount()")
    if values.min(initial=0) < 0 or values.ndim not in (1, 2):
        raise ValueError(f"[bincount] expected integers >= 0 of shape (n,) or (batch, n), received shape {x.shape}")
    size = builtins.max(int(values.max(initial=-1)) + 1, minlength)
    weights = full(shape=x.shape, fill_value=1, dtype="int32") if weights is None else operand(weights)
    if values.ndim == 1:
        return segment_sum(weights, x, size)
    rows = x.shape[0]
    flat = add(x, (np.arange(rows) * size)[:, None])
    return reshape(segment_sum(reshape(weights, shape=(-1,)), reshape(flat, shape=(-1,)), rows * size), shape=(rows, size))
