"""More of keras.ops, made of the other ops, so that their gradients come by themselves."""
import math

import numpy as np

from .. import config
from ..tensor import FLOATS
from ._shapes import normalize_axis, operand
from .elementwise import (abs, add, cast, clip, divide, equal, erf, isnan, less, less_equal, logaddexp, logical_and,
                          logical_or, maximum, minimum, multiply, sqrt, square, subtract, where)
from .indexing import getitem, one_hot
from .reduce import all, max, mean, min, norm, sum
from .shape import concatenate, expand_dims, flip, ravel, reshape, split

# ---- Arithmetic -------------------------------------------------------------------------------------------------


def hypot(x1, x2):
    """sqrt(x1^2 + x2^2)."""
    return sqrt(add(square(x1), square(x2)))


def deg2rad(x):
    """Degrees as radians."""
    return multiply(x, math.pi / 180)


def rad2deg(x):
    """Radians as degrees."""
    return multiply(x, 180 / math.pi)


def erfc(x):
    """1 - erf(x)."""
    return subtract(1.0, erf(x))


def logaddexp2(x1, x2):
    """log2(2^x1 + 2^x2) without overflow."""
    return divide(logaddexp(multiply(x1, math.log(2)), multiply(x2, math.log(2))), math.log(2))


def fmax(x1, x2):
    """The larger of two; the other if one is NaN."""
    return where(isnan(x1), x2, where(isnan(x2), x1, maximum(x1, x2)))


def fmin(x1, x2):
    """The smaller of two; the other if one is NaN."""
    return where(isnan(x1), x2, where(isnan(x2), x1, minimum(x1, x2)))


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """x with numbers for NaN and the infinities: by default 0 and the largest that there are."""
    x = operand(x)
    if x.dtype not in FLOATS:
        return x
    large = 3.4028234663852886e38 if x.dtype == "float32" else 1.7976931348623157e308
    x = where(isnan(x), nan, x)
    x = where(equal(x, math.inf), large if posinf is None else posinf, x)
    return where(equal(x, -math.inf), -large if neginf is None else neginf, x)


def isposinf(x):
    """Whether x is +inf."""
    return equal(x, math.inf)


def isneginf(x):
    """Whether x is -inf."""
    return equal(x, -math.inf)


def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether |x1 - x2| <= atol + rtol * |x2|."""
    near = logical_or(equal(x1, x2), logical_and(less_equal(abs(subtract(x1, x2)), add(multiply(abs(x2), rtol), atol)),
                                                 less(abs(x2), math.inf)))
    return logical_or(near, logical_and(isnan(x1), isnan(x2))) if equal_nan else near


def allclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether all elements are close, as `isclose` has it."""
    return all(isclose(x1, x2, rtol, atol, equal_nan))


def saturate_cast(x, dtype):
    """x in another dtype, what does not fit taken to the nearest number that does."""
    if dtype in FLOATS or dtype == "bool":
        return cast(x, dtype=dtype)
    x, bounds = operand(x), np.iinfo(dtype)
    if x.dtype not in FLOATS:       # a cast from floats saturates by itself
        x = clip(cast(x, dtype="float64"), float(bounds.min), float(bounds.max))
    return cast(x, dtype=dtype)


# ---- Statistics -------------------------------------------------------------------------------------------------

def average(x, axis=None, weights=None):
    """The mean, weighted if weights are given (of the shape of x, or a vector along the one axis)."""
    x = operand(x)
    if weights is None:
        return mean(x, axis)
    weights = operand(weights)
    if weights.shape != x.shape:
        axis = normalize_axis(axis, len(x.shape), "average")
        if weights.shape != (x.shape[axis],):
            raise ValueError(f"[average] weights of shape {weights.shape} fit neither x of shape {x.shape} nor its axis {axis}")
        weights = reshape(weights, shape=tuple(-1 if k == axis else 1 for k in range(len(x.shape))))
    weights = add(weights, multiply(x, 0))
    return divide(sum(multiply(x, weights), axis), sum(weights, axis))


def divide_no_nan(x1, x2):
    """x1 / x2, and 0 where x2 is 0: there is no gradient there."""
    nothing = equal(x2, 0)
    return where(nothing, 0.0, divide(x1, where(nothing, 1, x2)))


def normalize(x, axis=-1, order=2, epsilon=None):
    """x divided by its norm along an axis, zero where that is zero."""
    x = operand(x)
    size = sqrt(sum(square(x), axis, True)) if order == 2 else norm(x, order, axis, True)
    return divide(x, maximum(size, config.epsilon() if epsilon is None else epsilon))


def ptp(x, axis=None, keepdims=False):
    """The largest element less the smallest."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


# ---- Pieces -----------------------------------------------------------------------------------------------------

def append(x1, x2, axis=None):
    """Two tensors one after the other (axis None: flattened)."""
    return concatenate([ravel(x1), ravel(x2)], 0) if axis is None else concatenate([x1, x2], axis)


def vstack(xs):
    """Tensors one below the other."""
    return concatenate([expand_dims(x, 0) if len(x.shape) < 2 else x for x in map(operand, xs)], 0)


def hstack(xs):
    """Tensors side by side, along the second axis (the only one of vectors)."""
    xs = [operand(x) for x in xs]
    return concatenate(xs, 0 if len(xs[0].shape) < 2 else 1)


def array_split(x, indices_or_sections, axis=0):
    """Pieces along an axis, as a list; as equal as can be."""
    x = operand(x)
    if not isinstance(indices_or_sections, int):
        return split(x, indices_or_sections, axis)
    size, more = divmod(x.shape[axis], indices_or_sections)
    cuts = [k * size + (k if k < more else more) for k in range(1, indices_or_sections)]
    return split(x, cuts, axis)


def fliplr(x):
    """The second axis in reverse order."""
    return flip(x, 1)


def flipud(x):
    """The first axis in reverse order."""
    return flip(x, 0)


def roll(x, shift, axis=None):
    """Elements moved along an axis (None: of the flattened tensor), those that leave it come in at the other end."""
    x = operand(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), shape=x.shape)
    axis = normalize_axis(axis, len(x.shape), "roll")
    n = x.shape[axis]
    if not n or not shift % n:
        return x
    front, back = split(x, [n - shift % n], axis)
    return concatenate([back, front], axis)


def diff(a, n=1, axis=-1):
    """Each element less the one before, n times."""
    a = operand(a)
    lead = (slice(None),) * normalize_axis(axis, len(a.shape), "diff")
    for _ in range(n):
        if a.shape[len(lead)] == 0:     # and so it stays, however large n is
            break
        a = subtract(getitem(a, lead + (slice(1, None),)), getitem(a, lead + (slice(None, -1),)))
    return a


def outer(x1, x2):
    """The products of all elements of one with all of the other."""
    return multiply(reshape(x1, shape=(-1, 1)), reshape(x2, shape=(1, -1)))


def get_item(x, key):
    """x[key]."""
    return getitem(x, key)


def multi_hot(inputs, num_classes, axis=-1, dtype=None, sparse=False):
    """Rows with ones at all indices that the second axis of the inputs (the only one of a vector) holds.

    Args:
        inputs: integer tensor.
        num_classes: how long the rows are.
        axis: where the axis of the classes stands before the second axis is reduced.
    """
    inputs = operand(inputs)
    return max(one_hot(inputs, num_classes, axis=axis, dtype=dtype, sparse=sparse), 1 if len(inputs.shape) > 1 else 0)
