"""Medians and other quantiles, with and without regard to NaN."""
import numpy as np

from ..tensor import FLOATS, Operand
from ._shapes import normalize_axes, operand, size_of
from .along import take_along_axis
from .elementwise import (add, cast, ceil, divide, equal, floor, isnan, logical_not, maximum, minimum, multiply, round, subtract,
                          where)
from .indexing import getitem, take
from .reduce import sum
from .shape import moveaxis, reshape
from .sort import sort

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _in_rows(x, axis, name):
    """x with the axes to reduce joined into one, the last; and the shape of a result that keeps them."""
    axes = normalize_axes(axis, len(x.shape), name)
    kept = [k for k in range(len(x.shape)) if k not in axes]
    shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    x = moveaxis(x, axes, range(len(kept), len(x.shape))) if axes else reshape(x, shape=x.shape + (1,))
    rest, sizes = tuple(x.shape[:len(kept)]), x.shape[len(kept):]
    count = None if None in sizes else size_of(sizes)
    if count == 0:
        raise ValueError(f"[{name}] axis {axis} has no elements")
    if count is None:
        raise ValueError(f"[{name}] axis {axis} of a symbolic tensor of shape {x.shape} must have a known size")
    return reshape(x, shape=tuple(-1 if n is None else n for n in rest) + (count,)), shape, axes


def _quantiles(x, q, axis, method, keepdims, name, skip_nan):
    if method not in METHODS:
        raise ValueError(f"[{name}] method must be one of {METHODS}, received {method!r}")
    x = operand(x)
    x = x if x.dtype in FLOATS else cast(x, dtype=None)
    rows, shape, axes = _in_rows(x, axis, name)
    n = rows.shape[-1]
    ordered = sort(rows)
    q = operand(q)
    wanted = cast(reshape(q, shape=(-1,)), dtype="float64")
    if skip_nan:        # each row has its own number of elements
        count = sum(cast(logical_not(isnan(rows)), dtype="float64"), -1, True)
        place = multiply(wanted, maximum(subtract(count, 1.0), 0.0))
    else:
        place = multiply(wanted, float(n - 1))

    def element(at):
        at = cast(minimum(maximum(at, 0.0), float(n - 1)), dtype="int64")
        return take_along_axis(ordered, at, -1) if skip_nan else take(ordered, at, -1)
    y = _METHODS[method](element, place, x.dtype)
    if not skip_nan:    # NaN is last, and makes all of the row NaN
        last = getitem(ordered, (Ellipsis, slice(-1, None)))
        y = where(isnan(last), last, y)
    y = moveaxis(y, -1, 0)
    rest = shape if keepdims else tuple(m for k, m in enumerate(shape) if k not in axes)
    return reshape(y, shape=q.shape + tuple(-1 if m is None else m for m in rest))


def _linear(element, place, dtype):
    low = floor(place)
    weight, a, b = cast(subtract(place, low), dtype=dtype), element(low), element(ceil(place))
    return where(equal(weight, 0.0), a, add(multiply(a, subtract(1.0, weight)), multiply(b, weight)))


_METHODS = {"linear": _linear, "lower": lambda element, place, dtype: element(floor(place)),
            "higher": lambda element, place, dtype: element(ceil(place)),
            "nearest": lambda element, place, dtype: element(round(place)),
            "midpoint": lambda element, place, dtype: divide(add(element(floor(place)), element(ceil(place))), 2.0)}


def _quantile(name, percent, skip_nan):
    unit, top = ("percentile", 100) if percent else ("quantile", 1)

    def quantile(x, q, axis=None, method="linear", keepdims=False):
        if not isinstance(q, Operand):
            values = np.asarray(q, "float64")
            if not ((values >= 0) & (values <= top)).all():
                raise ValueError(f"[{name}] q must lie between 0 and {top}, received {q}")
            q = np.asarray(values / top)     # a float64 number of NumPy's would become float32
        elif percent:
            q = divide(cast(q, dtype="float64"), 100.0)
        return _quantiles(x, q, axis, method, keepdims, name, skip_nan)

    quantile.__name__ = quantile.__qualname__ = name
    quantile.__doc__ = f"""The {unit}s of the elements{', leaving out NaN' if skip_nan else '; NaN if there is one among them'}.

    Args:
        x: tensor; integers become floats.
        q: number, or tensor of numbers, from 0 to {top}.
        axis: one axis, several (a tuple), or all (None).
        method: where q falls between two elements: "linear" interpolates, "lower", "higher" and "nearest" choose one of them,
            "midpoint" takes their mean.
        keepdims: whether the axes stay, with size 1.

    Returns:
        The shape of q, followed by the axes that are left.

    Example:
        >>> {name}([1.0, 2.0, 4.0], {top / 2}).item()
        2.0
    """
    return quantile


quantile, nanquantile = _quantile("quantile", False, False), _quantile("nanquantile", False, True)
percentile, nanpercentile = _quantile("percentile", True, False), _quantile("nanpercentile", True, True)


def median(x, axis=None, keepdims=False):
    """The middle element, or the mean of the middle two; NaN if there is one among them.

    Example:
        >>> median([5.0, 1.0, 3.0]).item()
        3.0
    """
    return _quantiles(x, 0.5, axis, "linear", keepdims, "median", False)


def nanmedian(x, axis=None, keepdims=False):
    """The middle element, or the mean of the middle two, leaving out NaN."""
    return _quantiles(x, 0.5, axis, "linear", keepdims, "nanmedian", True)
