"""Tensors cut up, stacked and turned; choices among several; histograms; bits read as another type."""
import numpy as np

from .. import budget
from ..op import normal, op
from ..tensor import FLOATS, Spec, standardize_dtype
from ._shapes import normalize_axis, operand, size_of
from .creation import linspace
from .elementwise import add, cast, equal, floor_divide, less, mod, subtract, where
from .indexing import getitem, take
from .reduce import max, min
from .scatter import segment_sum
from .shape import concatenate, expand_dims, flip, reshape, split, swapaxes
from .sort import places_in

# ---- Cut up and stacked -----------------------------------------------------------------------------------------


def vsplit(x, indices_or_sections):
    """Pieces along the first axis: so many equal ones, or cut before the given indices."""
    return _split(x, indices_or_sections, 0, 2, "vsplit")


def hsplit(x, indices_or_sections):
    """Pieces along the second axis (the only one of a vector): so many equal ones, or cut before the given indices."""
    x = operand(x)
    return _split(x, indices_or_sections, 0 if len(x.shape) < 2 else 1, 1, "hsplit")


def dsplit(x, indices_or_sections):
    """Pieces along the third axis: so many equal ones, or cut before the given indices."""
    return _split(x, indices_or_sections, 2, 3, "dsplit")


def _split(x, indices_or_sections, axis, least, name):
    x = operand(x)
    if len(x.shape) < least:
        raise ValueError(f"[{name}] needs at least {least} axes, received shape {x.shape}")
    return split(x, indices_or_sections, axis)


def dstack(xs):
    """Tensors behind each other, along the third axis, which vectors and matrices are given."""
    def deep(x):
        x = operand(x)
        x = reshape(x, shape=(1, -1)) if len(x.shape) < 2 else x
        return expand_dims(x, 2) if len(x.shape) == 2 else x
    return concatenate([deep(x) for x in xs], 2)


def rot90(array, k=1, axes=(0, 1)):
    """The plane of two axes turned by k right angles, from the first axis towards the second.

    Example:
        >>> rot90([[1, 2], [3, 4]]).tolist()
        [[2, 4], [1, 3]]
    """
    x = operand(array)
    a, b = [normalize_axis(axis, len(x.shape), "rot90") for axis in axes]
    if a == b:
        raise ValueError(f"[rot90] the two axes must differ, received {axes}")
    k %= 4
    if k == 2:
        return flip(x, (a, b))
    if k == 1:
        return swapaxes(flip(x, b), a, b)
    return flip(swapaxes(x, a, b), b) if k else x


def extract_sequences(x, sequence_length, sequence_stride):
    """Windows along the last axis, one beginning `sequence_stride` elements after the other: (..., windows, sequence_length).

    Example:
        >>> extract_sequences([1, 2, 3, 4, 5], 3, 2).tolist()
        [[1, 2, 3], [3, 4, 5]]
    """
    x = operand(x)
    n = x.shape[-1]
    if n is None:
        raise ValueError(f"[extract_sequences] the last axis of shape {x.shape} must have a known size")
    starts = np.arange(0, n - sequence_length + 1, sequence_stride)
    return take(x, starts[:, None] + np.arange(sequence_length), -1)


# ---- Choices ----------------------------------------------------------------------------------------------------

def select(condlist, choicelist, default=0):
    """Each element from the choice whose condition is the first to hold there, else the default.

    Example:
        >>> select([[True, False], [True, True]], [[1, 2], [3, 4]]).tolist()
        [1, 4]
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(f"[select] needs as many conditions as choices, at least one: received {len(condlist)} and "
                         f"{len(choicelist)}")
    y = default
    for condition, choice in zip(condlist[::-1], choicelist[::-1]):
        y = where(condition, choice, y)
    return y


def unravel_index(indices, shape):
    """The places along each axis of a shape of elements of the flattened array, as a tuple of tensors of the indices' dtype.

    Example:
        >>> [i.item() for i in unravel_index(7, (3, 4))]
        [1, 3]
    """
    indices = operand(indices)
    if "int" not in indices.dtype:
        raise TypeError(f"[unravel_index] indices must be integers, received dtype {indices.dtype}: cast them first")
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    rest = where(less(indices, 0), add(indices, size_of(shape)), indices)
    places = []
    for n in shape[::-1]:
        places.append(mod(rest, n))
        rest = floor_divide(rest, n)
    return tuple(places[::-1])


def histogram(x, bins=10, range=None):
    """How many elements lie in each of so many bins of one width, and the bins' borders.

    Args:
        x: tensor, taken as flat.
        bins: how many, an integer.
        range: (least, largest) border; None: the least and the largest element.  What lies outside is not counted.

    Returns:
        Counts (bins,) and borders (bins + 1,), both floats.

    Example:
        >>> counts, borders = histogram([0.0, 1.0, 2.0, 4.0], 2)
        >>> counts.tolist(), borders.tolist()
        ([2.0, 2.0], [0.0, 2.0, 4.0])
    """
    if not isinstance(bins, int) or bins < 1:
        raise ValueError(f"[histogram] bins must be an integer >= 1, received {bins!r}")
    x = operand(x)
    x = reshape(x if x.dtype in FLOATS else cast(x, dtype=None), shape=(-1,))
    if range is not None and not range[0] <= range[1]:
        raise ValueError(f"[histogram] range must be (least, largest), received {range}")
    if range is not None or x.shape[0] == 0:
        low, high = map(float, range or (0, 1))
        wider = 0.5 if low == high else 0.0
        budget.take((bins,), "float64", "the borders of a histogram")
        borders = operand(np.linspace(low - wider, high + wider, bins + 1).astype(x.dtype))
    else:
        low, high = min(x), max(x)
        wider = where(equal(low, high), 0.5, 0.0)
        borders = linspace(subtract(low, wider), add(high, wider), bins + 1)
    # the last bin holds its upper border, too
    place = where(equal(x, getitem(borders, -1)), bins - 1, subtract(places_in(borders, x, right=True), 1))
    one = cast(where(equal(x, x), 1.0, 0.0), dtype=x.dtype)
    return segment_sum(one, place, bins), borders


# ---- Bits read as another type ----------------------------------------------------------------------------------

@op
class reinterpret:
    """The bytes of x, taken as another dtype; the last axis grows or shrinks with the size of its elements."""
    cases = [((normal(3, 4),), {"dtype": "int32"}), ((normal(3, 4),), {"dtype": "uint8"})]

    def spec(x, *, dtype):
        return Spec(_reinterpreted(x.shape, np.dtype(x.dtype).itemsize, np.dtype(dtype).itemsize, dtype), dtype)

    def view(x, *, dtype):
        return x.view(dtype)


def _reinterpreted(shape, size, new, dtype):
    if size == new:
        return shape
    if not shape:
        raise ValueError(f"[view] a scalar cannot become {dtype}, whose elements have another size")
    n = shape[-1]
    if n is not None and n * size % new:
        raise ValueError(f"[view] the last axis of shape {shape} holds {n * size} bytes, which are no whole number of {dtype}")
    return shape[:-1] + (None if n is None else n * size // new,)


def view(x, dtype=None):
    """The bytes of x, taken as another dtype; the last axis grows or shrinks with the size of its elements.  No gradient."""
    x = operand(x)
    dtype = x.dtype if dtype is None else standardize_dtype(dtype)
    return x if dtype == x.dtype else reinterpret(x, dtype=dtype)
