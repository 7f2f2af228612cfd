"""Reductions that leave out NaN."""
import math

from ..tensor import FLOATS
from ._shapes import operand
from .elementwise import cast, divide, isnan, logical_not, sqrt, square, subtract, where
from .products import cumprod
from .reduce import all, argmax, argmin, cumsum, max, mean, min, prod, sum


def _without(x, neutral):
    """x with a neutral number in the place of NaN."""
    return x if x.dtype not in FLOATS else where(isnan(x), neutral, x)


def _reduction(name, reduce, neutral, doc):
    """A reduction of what is not NaN; where nothing is left it is NaN, or the neutral number if that is finite."""
    def function(x, axis=None, keepdims=False):
        x = operand(x)
        y = reduce(_without(x, neutral), axis, keepdims)
        if x.dtype not in FLOATS or math.isfinite(neutral):
            return y
        return where(all(isnan(x), axis, keepdims), math.nan, y)
    return _named(function, name, f"{doc} over an axis, several (a tuple), or all (None), leaving out NaN.")


def _running(name, accumulate, neutral, doc):
    def function(x, axis=None, dtype=None):
        return accumulate(_without(operand(x), neutral), axis, dtype)
    return _named(function, name, f"{doc} along an axis (None: of the flattened tensor), leaving out NaN.")


def _place(name, find, neutral, doc):
    def function(x, axis=None, keepdims=False):
        x = operand(x)
        y = find(_without(x, neutral), axis, keepdims)
        return y if x.dtype not in FLOATS else where(all(isnan(x), axis, keepdims), -1, y)
    return _named(function, name, f"{doc} along an axis (None: in the flattened tensor), leaving out NaN; -1 if all are NaN; int32.")


def _named(function, name, doc):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


nansum = _reduction("nansum", sum, 0.0, "The sum")
nanprod = _reduction("nanprod", prod, 1.0, "The product")
nanmax = _reduction("nanmax", max, -math.inf, "The largest element")
nanmin = _reduction("nanmin", min, math.inf, "The smallest element")
nancumsum = _running("nancumsum", cumsum, 0.0, "The sums of all elements up to each one")
nancumprod = _running("nancumprod", cumprod, 1.0, "The products of all elements up to each one")
nanargmax = _place("nanargmax", argmax, -math.inf, "The place of the largest element")
nanargmin = _place("nanargmin", argmin, math.inf, "The place of the smallest element")


def nanmean(x, axis=None, keepdims=False):
    """The mean over an axis, several (a tuple), or all (None), leaving out NaN; NaN where nothing is left."""
    x = operand(x)
    if x.dtype not in FLOATS:
        return mean(x, axis, keepdims)
    count = sum(cast(logical_not(isnan(x)), dtype=x.dtype), axis, keepdims)
    return divide(nansum(x, axis, keepdims), count)


def nanvar(x, axis=None, keepdims=False):
    """The variance over an axis, several (a tuple), or all (None), leaving out NaN."""
    x = operand(x)
    x = x if x.dtype in FLOATS else cast(x, dtype=None)
    return nanmean(square(subtract(x, nanmean(x, axis, True))), axis, keepdims)


def nanstd(x, axis=None, keepdims=False):
    """The standard deviation over an axis, several (a tuple), or all (None), leaving out NaN."""
    return sqrt(nanvar(x, axis, keepdims))
