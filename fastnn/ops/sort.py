"""Sorting, searching, and what is made of them."""
import numpy as np

from ..op import integers, normal, op
from ..tensor import FLOATS, Spec, Tensor, look
from ._shapes import CODES, as_index, common_operands, normalize_axis, operand, size_of
from .along import take_along_axis, take_along_grad
from .creation import full, zeros_like
from .elementwise import cast, equal, greater, greater_equal, isnan, less_equal, logical_not, subtract, where
from .indexing import getitem, take
from .reduce import sum
from .shape import concatenate, expand_dims, flip, reshape


@op
class arrange:
    """The first elements of x along an axis in ascending (or descending) order, and their places, int32.

    Equals keep the order in which they stood; NaN counts as larger than all numbers.  The gradient passes to where the
    elements were.
    """
    outputs = "y order"
    cases = [((normal(3, 50),), {"axis": 1}), ((integers(7, 9, high=4, dtype="int32"),), {"axis": 0}),
             ((normal(2, 300, 3),), {"axis": 1}), ((normal(4, 200),), {"axis": 1, "keep": 5, "descending": True}),
             ((normal(2, 900),), {"axis": 1, "keep": 60, "descending": True}), ((integers(20000, low=-9999, high=9999),), {"axis": 0}),
             ((integers(600, low=-500, high=500),), {"axis": 0, "descending": True}), ((normal(0, 3),), {"axis": 0}),
             ((integers(900, high=256, dtype="uint8"),), {"axis": 0}), ((normal(400, 40),), {"axis": 1, "keep": 1})]

    def spec(x, *, axis, keep=None, descending=False):
        shape = x.shape[:axis] + (x.shape[axis] if keep is None else keep,) + x.shape[axis + 1:]
        return Spec(shape, x.dtype), Spec(shape, "int32")

    def cpu(x, y, order, *, axis, descending):
        return "sort", (x, y, order, size_of(x.shape[:axis]), x.shape[axis], size_of(x.shape[axis + 1:]), y.shape[axis],
                        x.itemsize, CODES[x.dtype], int(descending))

    def vjp(dy, x, order, axis):
        return take_along_grad(dy, cast(order, dtype="int64"), size=x.shape[axis], axis=axis)


def _arranged(x, axis, name):
    x = operand(x)
    if axis is None or not x.shape:
        x, axis = reshape(x, shape=(-1,)), 0
    return arrange(x, axis=normalize_axis(axis, len(x.shape), name))


def sort(x, axis=-1):
    """The elements in ascending order along an axis (None: of the flattened tensor), NaN last; equals keep their order.

    Example:
        >>> sort([3, 1, 2]).tolist()
        [1, 2, 3]
    """
    return _arranged(x, axis, "sort")[0]


def argsort(x, axis=-1):
    """The places, int32, that the elements have before they are sorted along an axis; of equals the first comes first.

    Example:
        >>> argsort([3, 1, 2]).tolist()
        [1, 2, 0]
    """
    return _arranged(x, axis, "argsort")[1]


def argpartition(x, kth, axis=-1):
    """The places, int32, of the elements such that the kth is where sorting would put it, smaller ones before it."""
    x = operand(x)
    n = size_of(x.shape) if axis is None else x.shape[normalize_axis(axis, len(x.shape), "argpartition")]
    if n is not None and not -n <= kth < n:
        raise ValueError(f"[argpartition] kth is {kth}, but there are {n} elements along axis {axis}")
    return argsort(x, axis)


def top_k(x, k, sorted=True):
    """The k largest elements along the last axis in descending order, and their places, int32.

    Args:
        x: tensor of at least one axis.
        k: how many.
        sorted: they come in order in any case.

    Returns:
        Values and places, each of shape `x.shape[:-1] + (k,)`; of equal elements those that stand first.

    Example:
        >>> values, places = top_k([1.0, 5.0, 3.0], 2)
        >>> values.tolist(), places.tolist()
        ([5.0, 3.0], [1, 2])
    """
    x, k = operand(x), int(k)
    if not x.shape or k < 0 or (x.shape[-1] is not None and k > x.shape[-1]):
        raise ValueError(f"[top_k] cannot take {k} elements of the last axis of shape {x.shape}")
    return arrange(x, axis=len(x.shape) - 1, keep=k, descending=True)


def in_top_k(targets, predictions, k):
    """Whether fewer than k of the predictions are larger than the one at the target.

    Args:
        targets: integers (batch,).
        predictions: (batch, classes).

    Returns:
        Booleans (batch,).
    """
    targets, predictions = operand(targets), operand(predictions)
    own = take_along_axis(predictions, expand_dims(targets, -1), -1)
    own = where(isnan(own), -np.inf, own)
    return less_equal(sum(greater(predictions, own), -1), int(k) - 1)


# ---- Searching --------------------------------------------------------------------------------------------------

@op
class places_in:
    """Where values belong in a sorted vector: the first such place, or (right) the last; int32."""
    promote = True
    flops = 0
    cases = [((np.arange(-2.0, 2.0, 0.25), normal(3, 5)), {}),
             ((np.array([1, 1, 2, 2, 2, 7]), integers(3, 400, high=9)), {"right": True}),
             ((np.array([1, 1, 2, 2, 2, 7]), integers(9, high=9, dtype="int32")), {}), ((np.zeros(0), normal(3)), {})]

    def spec(sorted_sequence, values, *, right=False):
        if len(sorted_sequence.shape) != 1:
            raise ValueError(f"[searchsorted] the sorted sequence must be a vector, received shape {sorted_sequence.shape}")
        return Spec(values.shape, "int32")

    def cpu(sorted_sequence, values, y, *, right):
        return "searchsorted", (sorted_sequence, values, y, sorted_sequence.size, values.size, values.itemsize,
                                CODES[values.dtype], int(right))


def searchsorted(sorted_sequence, values, side="left"):
    """Where values belong in a sorted vector: before their equals, or (side "right") behind them; int32.

    Example:
        >>> searchsorted([1, 3, 5], [3, 4]).tolist()
        [1, 2]
    """
    if side not in ("left", "right"):
        raise ValueError(f"[searchsorted] side must be 'left' or 'right', received {side!r}")
    return places_in(*common_operands(sorted_sequence, values), right=side == "right")


def digitize(x, bins):
    """The number of the bin that each element belongs to, int32: bin i holds bins[i-1] <= x < bins[i].

    Args:
        x: tensor.
        bins: vector of ascending (or descending) borders.
    """
    x, bins = common_operands(x, bins)
    if len(bins.shape) != 1:
        raise ValueError(f"[digitize] bins must be a vector, received shape {bins.shape}")
    up = places_in(bins, x, right=True)
    n = bins.shape[0]
    if n is not None and n < 2:
        return up
    down = subtract(n, places_in(flip(bins), x, right=False)) if n is not None else up
    return where(greater_equal(getitem(bins, -1), getitem(bins, 0)), up, down)


def isin(x1, x2, assume_unique=False, invert=False):
    """Whether each element of x1 is among those of x2 (invert: whether it is not); NaN is nowhere."""
    x1, x2 = common_operands(x1, x2)
    x2 = reshape(x2, shape=(-1,))
    if x2.shape[0] == 0:
        found = zeros_like(x1, "bool")
    else:
        x2 = sort(x2)
        place = where(greater(x1, getitem(x2, -1)), 0, places_in(x2, x1))     # what is above all: compared with the least
        found = equal(take(x2, where(isnan(x1), 0, place) if x1.dtype in FLOATS else place), x1)
    return logical_not(found) if invert else found


# ---- Results whose shape depends on values ----------------------------------------------------------------------

def _values(x, name):
    """The values of a tensor; those of a Spec are not known."""
    x = operand(x)
    if not isinstance(x, Tensor):
        raise TypeError(f"[{name}] the shape of the result depends on the values, which a symbolic tensor has not: call it on "
                        "data, inside the call() of a layer of your own")
    return x, look(x, f"{name}()")


def _places(array):
    return Tensor(np.ascontiguousarray(array, dtype="int32"))


def nonzero(x):
    """The places of the elements that are not zero: int32 vectors, one for each axis.

    Example:
        >>> [i.tolist() for i in nonzero([[0, 7], [8, 0]])]
        [[0, 1], [1, 0]]
    """
    return tuple(map(_places, np.nonzero(_values(x, "nonzero")[1])))


def argwhere(x):
    """The places of the elements that are not zero, as int32 rows."""
    return _places(np.argwhere(_values(x, "argwhere")[1]))


def unique(x, sorted=True, return_index=False, return_inverse=False, return_counts=False, axis=None, size=None,
           fill_value=None):
    """The elements that differ, in ascending order; every NaN counts as different.

    Args:
        x: tensor.
        sorted: they come in order in any case.
        return_index: also the places (int32) of their first occurrences.
        return_inverse: also the place (int32) of each element among them.
        return_counts: also how often each occurs (int32).
        axis: the axis whose slices are compared; None: elements of the flattened tensor.
        size: how many to return: those beyond are dropped, missing ones filled with `fill_value` (None: the smallest).

    Returns:
        The elements, or a tuple of them and what was asked for besides.

    Example:
        >>> unique([3, 1, 3]).tolist()
        [1, 3]
    """
    x, values = _values(x, "unique")
    if axis is None:
        x = reshape(x, shape=(-1,))
    _, first, inverse, counts = np.unique(values, True, True, True, axis, equal_nan=False)
    if size is not None and size < len(first):
        first, counts = first[:size], counts[:size]
    found = take(x, as_index(np.asarray(first, "int64"), "unique"), axis=axis or 0)
    if size is not None and size > len(first):
        found, counts = _fill(found, size - len(first), fill_value, axis or 0), np.pad(counts, (0, size - len(first)))
        first = np.pad(first, (0, size - len(first)), constant_values=first[0] if len(first) else 0)
    more = [_places(a) for a, wanted in ((first, return_index), (inverse, return_inverse), (counts, return_counts)) if wanted]
    return (found, *more) if more else found


def _fill(found, missing, fill_value, axis):
    shape = found.shape[:axis] + (missing,) + found.shape[axis + 1:]
    if fill_value is None:
        return take(found, np.pad(np.arange(found.shape[axis]), (0, missing)), axis=axis)
    return concatenate([found, full(shape=shape, fill_value=fill_value, dtype=found.dtype)], axis)
