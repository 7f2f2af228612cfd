"""Reductions over one axis, several, or all: sums, extremes, products, and what is made of them."""
import math
from functools import lru_cache

from ..op import integers, normal, op
from ..tensor import FLOATS, Spec
from ._shapes import NAMES, SHORT, normalize_axes, normalize_axis, operand, size_of
from .elementwise import (add, cast, divide, equal, exp, isfinite, log, multiply, not_equal,
                          maximum, minimum, sqrt, square, subtract, where)
from .shape import broadcast_to, reshape, stop_gradient

# ---- The ops: axes that lie side by side ------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def _reduced_shape(shape, axes, keepdims):
    if keepdims:
        return tuple(1 if k in axes else n for k, n in enumerate(shape))
    return tuple(n for k, n in enumerate(shape) if k not in axes)


@lru_cache(maxsize=8192)
def _extents(shape, axes):
    """A shape as (outer, reduced, inner)."""
    if not axes:
        return size_of(shape), 1, 1
    first, last = axes[0], axes[-1] + 1
    return size_of(shape[:first]), size_of(shape[first:last]), size_of(shape[last:])


def _spread(dy, x, axes):
    """A result's gradient in the shape of the argument."""
    kept = _reduced_shape(x.shape, axes, True)
    if dy.shape != kept:
        dy = reshape(dy, shape=kept)
    return broadcast_to(dy, shape=x.shape)


CASES = [((normal(3, 5),), {"axes": (1,), "keepdims": False}), ((normal(3, 5),), {"axes": (0,), "keepdims": True}),
         ((normal(4, 3, 5),), {"axes": (1,), "keepdims": False}), ((normal(300000),), {"axes": (0,), "keepdims": False}),
         ((normal(70000, 7),), {"axes": (0,), "keepdims": False}), ((normal(600, 300),), {"axes": (0,), "keepdims": False}),
         ((normal(2, 3, 4),), {"axes": (1, 2), "keepdims": True}), ((normal(),), {"axes": (), "keepdims": False}),
         ((normal(3000, 33),), {"axes": (1,), "keepdims": False})]
EMPTY = [((normal(3, 0),), {"axes": (1,), "keepdims": False})]


def _reduction(name, kernel, doc, vjp=None, dtype=None, cases=CASES):
    """An op that reduces `axes` (neighbours, ascending) by a kernel over (outer, reduced, inner)."""
    def spec(x, *, axes, keepdims):
        return Spec(_reduced_shape(x.shape, axes, keepdims), dtype or x.dtype)

    def cpu(x, y, *, axes):
        given = NAMES[x.dtype]
        more = (1.0,) if kernel == "sum" and given in FLOATS else ()
        return kernel if given in FLOATS else f"{kernel}_{SHORT[given]}", (x, y) + _extents(x.shape, axes) + more

    body = {"__doc__": doc, "__module__": __name__, "spec": spec, "cpu": cpu, "cases": cases, "flops": lambda x: x.size}
    if vjp is not None:
        body["vjp"] = vjp
    return op(type(name, (), body))


def _to_extremes(dy, x, y, axes):
    """Elements that share an extreme share its gradient."""
    hits = cast(equal(x, _spread(y, x, axes)), dtype=x.dtype)
    count = reduce_sum(hits, axes=axes, keepdims=True)
    dy = reshape(dy, shape=count.shape)
    return multiply(hits, divide(dy, count))


reduce_sum = _reduction("reduce_sum", "sum", "The sum over neighbouring axes.",
                       lambda dy, x, axes: _spread(dy, x, axes), cases=CASES + EMPTY)
reduce_max = _reduction("reduce_max", "max", "The largest element over neighbouring axes; NaN if there is one.", _to_extremes)
reduce_min = _reduction("reduce_min", "min", "The smallest element over neighbouring axes; NaN if there is one.", _to_extremes)
reduce_prod = _reduction("reduce_prod", "prod", "The product over neighbouring axes.",
                        lambda dy, x, axes: prod_grad(dy, x, axes=axes), cases=[CASES[0], CASES[2], CASES[6]] + EMPTY)
first_max = _reduction("first_max", "argmax", "The place of the largest element, counted over neighbouring axes.",
                      dtype="int32")
first_min = _reduction("first_min", "argmin", "The place of the smallest element, counted over neighbouring axes.",
                      dtype="int32")


@op
class reduce_mean:
    """The mean over neighbouring axes: a sum and a division."""
    cases = CASES

    def spec(x, *, axes, keepdims):
        return Spec(_reduced_shape(x.shape, axes, keepdims), x.dtype)

    def cpu(x, y, *, axes):
        outer, count, inner = _extents(x.shape, axes)
        return "sum", (x, y, outer, count, inner, float(count))

    def flops(x): return x.size

    def vjp(dy, x, axes):
        return _spread(divide(dy, float(_extents(x.shape, axes)[1])), x, axes)


@op
class prod_grad:
    """dy times the product of all the other elements: right where elements are zero."""
    outputs = "dx"
    cases = [((normal(3), normal(3, 5)), {"axes": (1,)}), ((normal(4, 5), normal(4, 3, 5)), {"axes": (1,)})]

    def spec(dy, x, *, axes):
        return x

    def cpu(dy, x, dx, *, axes):
        return "prod_grad", (dy, x, dx) + _extents(x.shape, axes)

    def flops(x): return 3 * x.size


@op
class running_sum:
    """The sums of all elements up to each one along an axis, or from each one on (reverse)."""
    cases = [((normal(3, 5),), {"axis": 1, "reverse": False}), ((normal(4, 3, 2),), {"axis": 1, "reverse": True})]

    def spec(x, *, axis, reverse):
        return x

    def cpu(x, y, *, axis, reverse):
        return "cumsum", (x, y) + _extents(x.shape, (axis,)) + (int(reverse),)

    def vjp(dy, axis, reverse):
        return running_sum(dy, axis=axis, reverse=not reverse)


# ---- What users call --------------------------------------------------------------------------------------------

@lru_cache(maxsize=8192)
def _runs(axis, ndim, name):
    """The axes to reduce in groups of neighbours, the last group first."""
    groups = []
    for k in normalize_axes(axis, ndim, name):
        if groups and groups[-1][-1] == k - 1:
            groups[-1] += (k,)
        else:
            groups.append((k,))
    return groups[::-1] or [()]


def _reduce_axes(reduce, x, axis, keepdims, name):
    """Applies an op to groups of neighbouring axes, one after the other."""
    for axes in _runs(tuple(axis) if axis.__class__ is list else axis, len(x.shape), name):
        x = reduce(x, axes=axes, keepdims=keepdims)
    return x


WIDER = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "int32", "uint16": "int32", "uint32": "int64",
         "uint64": "int64"}     # what integers are added up in
RESULTS = {"uint8": "uint32", "uint16": "uint32", "uint32": "uint32", "uint64": "uint64"}     # Keras' types of sums


def _widen(x):
    return cast(x, dtype=WIDER[x.dtype]) if x.dtype in WIDER else x


def _floating(x):
    """Operands of means and norms: integers become floats."""
    x = operand(x)
    return x if x.dtype in FLOATS else cast(x, dtype=None)


def sum(x, axis=None, keepdims=False):
    """The sum over an axis, several (a tuple), or all (None); small integers are added up in 32 bits.

    Example:
        >>> sum(convert_to_tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0).tolist()
        [4.0, 6.0]
    """
    x = operand(x)
    y = _reduce_axes(reduce_sum, _widen(x), axis, keepdims, "sum")
    return cast(y, dtype=RESULTS[x.dtype]) if x.dtype in RESULTS else y


def prod(x, axis=None, keepdims=False, dtype=None):
    """The product over an axis, several (a tuple), or all (None)."""
    x = operand(x)
    y = _reduce_axes(reduce_prod, _widen(x), axis, keepdims, "prod")
    dtype = dtype or RESULTS.get(x.dtype)
    return y if dtype is None else cast(y, dtype=dtype)


def mean(x, axis=None, keepdims=False):
    """The arithmetic mean over an axis, several (a tuple), or all (None)."""
    return _reduce_axes(reduce_mean, _floating(x), axis, keepdims, "mean")


def _extreme(reduce, x, axis, keepdims, initial, name):
    x = operand(x)
    if initial is None and 0 in x.shape and 0 in [x.shape[a] for a in normalize_axes(axis, len(x.shape), name)]:
        raise ValueError(f"[{name}] axis {axis} of shape {x.shape} has no elements: pass `initial`, or data")
    y = _reduce_axes(reduce, _widen(x), axis, keepdims, name)
    return y if y.dtype == x.dtype else cast(y, dtype=x.dtype)


def max(x, axis=None, keepdims=False, initial=None):
    """The largest element over an axis, several (a tuple), or all (None); NaN if there is one."""
    y = _extreme(reduce_max, x, axis, keepdims, initial, "max")
    return y if initial is None else maximum(y, initial)


def min(x, axis=None, keepdims=False, initial=None):
    """The smallest element over an axis, several (a tuple), or all (None); NaN if there is one."""
    y = _extreme(reduce_min, x, axis, keepdims, initial, "min")
    return y if initial is None else minimum(y, initial)


def amax(x, axis=None, keepdims=False):
    """`max`, by NumPy's other name."""
    return max(x, axis, keepdims)


def amin(x, axis=None, keepdims=False):
    """`min`, by NumPy's other name."""
    return min(x, axis, keepdims)


def _place(first, x, axis, keepdims, name):
    x = _widen(operand(x))
    ndim = len(x.shape)
    axes = tuple(range(ndim)) if axis is None else (normalize_axis(axis, ndim, name),)
    if 0 in [x.shape[a] for a in axes]:
        raise ValueError(f"[{name}] axis {axis} of shape {x.shape} has no elements, so none is the best")
    return first(x, axes=axes, keepdims=keepdims)


def argmax(x, axis=None, keepdims=False):
    """The place of the largest element along an axis (None: in the flattened tensor), the first among equals; int32."""
    return _place(first_max, x, axis, keepdims, "argmax")


def argmin(x, axis=None, keepdims=False):
    """The place of the smallest element along an axis (None: in the flattened tensor), the first among equals; int32."""
    return _place(first_min, x, axis, keepdims, "argmin")


reduce_any = _reduction("reduce_any", "any", "Whether one element over neighbouring axes is true.", cases=[
    ((integers(3, 5, high=2, dtype="bool"),), {"axes": (1,), "keepdims": False})])
reduce_all = _reduction("reduce_all", "all", "Whether all elements over neighbouring axes are true.", cases=[
    ((integers(3, 5, high=2, dtype="bool"),), {"axes": (1,), "keepdims": False})])


def any(x, axis=None, keepdims=False):
    """Whether an element over an axis, several (a tuple), or all (None) is true."""
    return _reduce_axes(reduce_any, cast(operand(x), dtype="bool"), axis, keepdims, "any")


def all(x, axis=None, keepdims=False):
    """Whether all elements over an axis, several (a tuple), or all (None) are true."""
    return _reduce_axes(reduce_all, cast(operand(x), dtype="bool"), axis, keepdims, "all")


def count_nonzero(x, axis=None):
    """How many elements are not zero; int32."""
    return sum(not_equal(x, 0), axis)


def var(x, axis=None, keepdims=False):
    """The variance: the mean of squared distances from the mean."""
    x = _floating(x)
    return mean(square(subtract(x, mean(x, axis, True))), axis, keepdims)


def std(x, axis=None, keepdims=False):
    """The standard deviation: the square root of `var`."""
    return sqrt(var(x, axis, keepdims))


def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) without overflow."""
    x = _floating(x)
    top = stop_gradient(max(x, axis, True))
    top = where(isfinite(top), top, 0.0)
    y = add(log(sum(exp(subtract(x, top)), axis, True)), top)
    return y if keepdims else reshape(y, shape=_reduced_shape(x.shape, normalize_axes(axis, len(x.shape), "logsumexp"), False))


def norm(x, ord=None, axis=None, keepdims=False):
    """The norm of vectors or of matrices.

    Args:
        x: tensor.
        ord: of vectors None or 2 (the root of the sum of squares), 1, inf, -inf (the largest, the least absolute value), 0 (how many
            are not zero), or any other power.  Of matrices None or "fro" (the root of the sum of squares), "nuc" (the sum of
            the singular values), 2, -2 (the largest, the least of them), 1, -1, inf, -inf (the largest, the least sum of the
            absolute values of a column, of a row).
        axis: of vectors one axis, of matrices two (rows, columns).  None: all of x as one vector if ord is None, else x itself, a
            vector or a matrix.
        keepdims: whether reduced axes stay, with size 1.

    Raises:
        ValueError: an `ord` that there is not, an x of more axes than two where all of it is asked for.

    Example:
        >>> float(norm(convert_to_tensor([3.0, 4.0])))
        5.0
    """
    from .elementwise import abs, power
    x = _floating(x)
    if axis is None and ord is not None and len(x.shape) not in (1, 2):
        raise ValueError(f"[norm] ord={ord!r} is of vectors or matrices, received the shape {x.shape}: pass one axis, or two")
    axes = tuple(range(len(x.shape))) if axis is None else tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    if ord is None:
        return sqrt(sum(square(x), axes, keepdims))
    if len(axes) == 2:
        from .decompositions import matrix_norm
        return matrix_norm(x, ord, axes, keepdims)
    if len(axes) != 1 or isinstance(ord, str):
        raise ValueError(f"[norm] ord={ord!r} and axis={axis!r}: expected one axis and a number, or two axes")
    if ord == 2:
        return sqrt(sum(square(x), axes, keepdims))
    if ord == 1:
        return sum(abs(x), axes, keepdims)
    if ord in (math.inf, -math.inf):
        return (max if ord > 0 else min)(abs(x), axes, keepdims)
    if ord == 0:
        return cast(sum(not_equal(x, 0.0), axes, keepdims), dtype=x.dtype)
    return power(sum(power(abs(x), float(ord)), axes, keepdims), 1.0 / ord)


def cumsum(x, axis=None, dtype=None):
    """The sums of all elements up to each one along an axis (None: of the flattened tensor)."""
    x = operand(x)
    given = x.dtype
    if axis is None:
        x, axis = reshape(x, shape=(-1,)), 0
    axis = normalize_axis(axis, len(x.shape), "cumsum")
    if given in FLOATS:
        return running_sum(x if dtype is None else cast(x, dtype=dtype), axis=axis, reverse=False)
    # integers up to 2**53 are exact in float64
    return cast(running_sum(cast(x, dtype="float64"), axis=axis, reverse=False),
                dtype=dtype or ("int32" if given == "bool" else given))
