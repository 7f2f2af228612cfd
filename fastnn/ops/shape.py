"""Ops that move elements without changing them: views, transposes, broadcasts, joins and cuts."""
import numpy as np

from ..op import integers, normal, op
from ..tensor import Spec
from ._shapes import broadcast_shapes, normalize_axes, normalize_axis, operand, size_of, unbroadcast
from ._views import (as_shape, broadcast_view, constant_array, plan_slices, read_view, resolve_permutation, resolve_shape,
                     transpose_groups)


# ---- Views ------------------------------------------------------------------------------------------------------

@op
class reshape:
    """The same elements in another shape; one size may be -1: what is left."""
    also = {"newshape": "shape"}
    cases = [((normal(3, 4),), {"shape": (2, 6)}), ((normal(3, 4),), {"shape": (-1, 2)}), ((normal(),), {"shape": (1, 1)}),
             ((normal(6),), {"shape": 6})]

    def spec(x, *, shape):
        return Spec(resolve_shape(x.shape, as_shape(shape)), x.dtype)

    def view(x, *, shape):
        return x.reshape(resolve_shape(x.shape, as_shape(shape)))

    def vjp(dy, x):
        return reshape(dy, shape=x.shape)


@op
class stop_gradient:
    """The same tensor, through which no gradient flows."""
    cases = [((integers(3, 4),), {})]

    def spec(variable):
        return variable

    def view(variable):
        return variable

    def vjp(dy):
        return None


def expand_dims(x, axis):
    """A view with new axes of size 1, where `axis` (one or several) says that they stand in the result."""
    x = operand(x)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    ndim = len(x.shape) + len(axes)
    axes, sizes = normalize_axes(tuple(axes), ndim, "expand_dims"), iter(x.shape)
    return reshape(x, shape=tuple(1 if k in axes else next(sizes) for k in range(ndim)))


def squeeze(x, axis=None):
    """A view without axes of size 1: those of `axis`, or all."""
    x = operand(x)
    axes = [k for k, n in enumerate(x.shape) if n == 1] if axis is None else normalize_axes(axis, len(x.shape), "squeeze")
    for k in axes:
        if x.shape[k] not in (1, None):
            raise ValueError(f"[squeeze] axis {k} of shape {x.shape} has size {x.shape[k]}, only axes of size 1 can go")
    return reshape(x, shape=tuple(n for k, n in enumerate(x.shape) if k not in axes))


def ravel(x):
    """A view with one axis."""
    return reshape(x, shape=(-1,))


# ---- Permutations, repetitions ----------------------------------------------------------------------------------

@op
class transpose:
    """Axes in another order; None turns the order round."""
    flops = 0
    cases = [((normal(3, 5),), {}), ((normal(2, 3, 4, 5),), {"axes": (0, 3, 1, 2)}), ((normal(200, 310),), {"axes": (1, 0)}),
             ((normal(3, 0, 2),), {"axes": (2, 0, 1)}), ((normal(9, 17, 33),), {"axes": (2, 0, 1)}),
             ((normal(4, 1, 3),), {"axes": (0, -1, 1)})]

    def spec(x, *, axes=None):
        return Spec([x.shape[a] for a in resolve_permutation(axes, len(x.shape))], x.dtype)

    def cpu(x, y, *, axes):
        return read_view(x, y, 0, transpose_groups(x.shape, resolve_permutation(axes, x.ndim)))

    def vjp(dy, axes):
        axes = resolve_permutation(axes, len(dy.shape))
        return transpose(dy, axes=tuple(axes.index(k) for k in range(len(axes))))


def swapaxes(x, axis1, axis2):
    """Two axes in each other's place."""
    x = operand(x)
    axes = list(range(len(x.shape)))
    a, b = normalize_axis(axis1, len(axes), "swapaxes"), normalize_axis(axis2, len(axes), "swapaxes")
    axes[a], axes[b] = b, a
    return transpose(x, axes=tuple(axes))


def moveaxis(x, source, destination):
    """Axes moved to other places, the rest in their order."""
    x = operand(x)
    ndim = len(x.shape)
    one = not isinstance(source, (tuple, list))
    source = [normalize_axis(a, ndim, "moveaxis") for a in ((source,) if one else source)]
    destination = [normalize_axis(a, ndim, "moveaxis") for a in ((destination,) if one else destination)]
    order = [k for k in range(ndim) if k not in source]
    for to, axis in sorted(zip(destination, source)):
        order.insert(to, axis)
    return transpose(x, axes=tuple(order))


@op
class broadcast_to:
    """x repeated along axes of size 1, and along new axes in front, to a shape."""
    flops = 0
    cases = [((normal(3, 1),), {"shape": (3, 5)}), ((normal(5),), {"shape": (2, 3, 5)}), ((normal(),), {"shape": (4, 2)}),
             ((normal(3, 1, 7),), {"shape": (3, 2000, 7)}), ((normal(1, 3),), {"shape": (0, 3)})]

    def spec(x, *, shape):
        shape = as_shape(shape)
        if None not in x.shape + shape and broadcast_shapes(x.shape, shape, "broadcast_to") != shape:
            raise ValueError(f"[broadcast_to] a tensor of shape {x.shape} cannot be repeated to the shape {shape}")
        return Spec(shape, x.dtype)

    def cpu(x, y):
        return read_view(x, y, 0, broadcast_view(x.shape, y.shape))

    def vjp(dy, x):
        return unbroadcast(dy, x.shape)


def tile(x, repeats):
    """x laid end to end, so often along each axis."""
    x = operand(x)
    repeats = as_shape(repeats)
    shape = (1,) * (len(repeats) - len(x.shape)) + x.shape
    repeats = (1,) * (len(shape) - len(repeats)) + repeats
    apart = reshape(x, shape=tuple(m for n in shape for m in (1, n)))
    spread = broadcast_to(apart, shape=tuple(m for r, n in zip(repeats, shape) for m in (r, n)))
    return reshape(spread, shape=tuple(-1 if n is None else r * n for r, n in zip(repeats, shape)))


def repeat(x, repeats, axis=None):
    """Each element (along an axis, or of the flattened tensor) repeated on the spot; `repeats` a number, or one for each."""
    x = operand(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, len(x.shape), "repeat")
    if not isinstance(repeats, int):
        from .indexing import take
        counts = np.broadcast_to(np.asarray(repeats), x.shape[axis])
        return take(x, np.repeat(np.arange(x.shape[axis]), counts), axis=axis)
    head, n, tail = x.shape[:axis], x.shape[axis], x.shape[axis + 1:]
    spread = broadcast_to(reshape(x, shape=head + (n, 1) + tail), shape=head + (n, repeats) + tail)
    return reshape(spread, shape=head + (-1 if n is None else n * repeats,) + tail)


@op
class copy:
    """The same values in memory of their own."""
    flops = 0
    cases = [((normal(3, 5),), {}), ((normal(200000),), {})]

    def spec(x):
        return x

    def cpu(x, y):
        return "copy", (x, y, x.nbytes)

    def vjp(dy):
        return dy


# ---- Slices -----------------------------------------------------------------------------------------------------

@op
class strided_slice:
    """Elements start, start + step ... of each axis, `sizes` of them (None, in specs alone: as many as there are)."""
    picks = "x"
    flops = 0
    cases = [((normal(5, 6),), {"starts": (1, 5), "steps": (2, -1), "sizes": (2, 6)}),
             ((normal(5, 6, 3),), {"starts": (0, 2, 0), "steps": (1, 1, 1), "sizes": (5, 3, 3)}),
             ((normal(4),), {"starts": (0,), "steps": (1,), "sizes": (0,)})]

    def spec(x, *, starts, steps, sizes):
        return Spec(sizes, x.dtype)

    def cpu(x, y, *, starts, steps, sizes):
        return read_view(x, y, *plan_slices(x.shape, starts, steps, sizes))

    def vjp(dy, x, starts, steps):
        return place_slice(dy, shape=x.shape, starts=starts, steps=steps)


@op
class place_slice:
    """Zeros of a shape, with x at start, start + step ... of each axis: the gradient of a slice."""
    flops = 0
    cases = [((normal(2, 6),), {"shape": (5, 6), "starts": (1, 5), "steps": (2, -1)}),
             ((normal(2, 3),), {"shape": (2, 5), "starts": (0, 1), "steps": (1, 1)})]

    def spec(x, *, shape, starts, steps):
        return Spec(shape, x.dtype)

    def cpu(x, y, *, starts, steps):
        offset, groups = plan_slices(y.shape, starts, steps, x.shape)
        return "write_view", (x, y, None, x.itemsize, x.size, y.size, offset) + groups

    def vjp(dy, x, starts, steps):
        return strided_slice(dy, starts=starts, steps=steps, sizes=x.shape)


def flip(x, axis=None):
    """The elements in reverse order along an axis, several, or all (None)."""
    x = operand(x)
    axes = normalize_axes(axis, len(x.shape), "flip")
    starts = tuple(n - 1 if k in axes and n else 0 for k, n in enumerate(x.shape))
    return strided_slice(x, starts=starts, steps=tuple(-1 if k in axes else 1 for k in range(len(x.shape))), sizes=x.shape)


def _part(x, axis, start, size):
    """`size` elements of an axis, from `start` on."""
    starts = tuple(start if k == axis else 0 for k in range(len(x.shape)))
    sizes = tuple(size if k == axis else n for k, n in enumerate(x.shape))
    return strided_slice(x, starts=starts, steps=(1,) * len(starts), sizes=sizes)


# ---- Joining and cutting ----------------------------------------------------------------------------------------

@op
class join:
    """Tensors one after the other along an axis (not negative)."""
    promote = True
    flops = 0
    cases = [((normal(2, 3), normal(2, 5)), {"axis": 1}), ((normal(2, 3), normal(1, 3), normal(4, 3)), {"axis": 0}),
             ((normal(2, 0, 3), normal(2, 4, 3)), {"axis": 1})]

    def spec(*xs, axis):
        first = xs[0].shape
        for x in xs[1:]:
            if len(x.shape) != len(first) or not all(m == n or k == axis or None in (m, n)
                                                     for k, (m, n) in enumerate(zip(x.shape, first))):
                raise ValueError("[concatenate] the shapes must agree but for the axis to join along: received "
                                 f"{[x.shape for x in xs]} and axis {axis}")
        sizes = [x.shape[axis] for x in xs]
        width = None if None in sizes else sum(sizes)
        return Spec(first[:axis] + (width,) + first[axis + 1:], xs[0].dtype)

    def cpu(*arrays, axis):
        y = arrays[-1]
        inner = size_of(y.shape[axis + 1:]) * y.itemsize
        parts = [value for x in arrays[:-1] for value in (x, x.shape[axis] * inner)]
        return "concatenate", (y, size_of(y.shape[:axis]), y.shape[axis] * inner, *parts)

    def vjp(dy, xs, axis):
        starts = np.cumsum([0] + [x.shape[axis] for x in xs]).tolist()
        return tuple(_part(dy, axis, start, x.shape[axis]) for start, x in zip(starts, xs))


def concatenate(xs, axis=0):
    """Tensors one after the other along an axis.

    Args:
        xs: list of tensors whose shapes agree but for that axis.

    Example:
        >>> concatenate([zeros((2, 1)), ones((2, 3))], axis=1).shape
        (2, 4)
    """
    xs = [operand(x) for x in xs]
    if not xs:
        raise ValueError("[concatenate] needs at least one tensor")
    if not xs[0].shape:
        raise ValueError("[concatenate] scalars have no axis: use stack")
    return join(*xs, axis=normalize_axis(axis, len(xs[0].shape), "concatenate"))


def stack(x, axis=0):
    """Tensors of one shape side by side along a new axis."""
    xs = [operand(t) for t in x]
    if any(t.shape != xs[0].shape for t in xs):
        raise ValueError(f"[stack] all shapes must agree, received {[t.shape for t in xs]}")
    return concatenate([expand_dims(t, axis) for t in xs], axis=axis)


def unstack(x, num=None, axis=0):
    """The tensors that lie side by side along an axis, as a list."""
    x = operand(x)
    axis = normalize_axis(axis, len(x.shape), "unstack")
    return [squeeze(_part(x, axis, k, 1), axis) for k in range(x.shape[axis] if num is None else num)]


def split(x, indices_or_sections, axis=0):
    """Pieces along an axis, as a list: so many equal ones, or cut before the given indices."""
    x = operand(x)
    axis = normalize_axis(axis, len(x.shape), "split")
    n = x.shape[axis]
    if isinstance(indices_or_sections, int):
        sections = indices_or_sections
        if sections < 1 or n % sections:
            raise ValueError(f"[split] axis {axis} of size {n} does not divide into {sections} equal pieces")
        cuts = [k * (n // sections) for k in range(sections + 1)]
    else:
        cuts = [0] + [min(max(c + n if c < 0 else c, 0), n) for c in map(int, indices_or_sections)] + [n]
    return [_part(x, axis, a, max(b - a, 0)) for a, b in zip(cuts, cuts[1:])]


@op
class pad_constant:
    """x with a border of one value; pad_width: (before, after) of each axis."""
    flops = 0
    cases = [((normal(2, 3),), {"pad_width": ((1, 2), (0, 1)), "value": 0.0}),
             ((normal(4),), {"pad_width": ((3, 0),), "value": -1.5}), ((normal(0, 2),), {"pad_width": ((1, 1), (0, 0)), "value": 2.0})]

    def spec(x, *, pad_width, value):
        return Spec([None if n is None else a + n + b for n, (a, b) in zip(x.shape, pad_width)], x.dtype)

    def cpu(x, y, *, pad_width, value):
        offset, groups = plan_slices(y.shape, tuple(a for a, _ in pad_width), (1,) * x.ndim, x.shape)
        return "write_view", (x, y, constant_array(value, x.dtype), x.itemsize, x.size, y.size, offset) + groups

    def vjp(dy, x, pad_width):
        return strided_slice(dy, starts=tuple(a for a, _ in pad_width), steps=(1,) * len(x.shape), sizes=x.shape)


def pad(x, pad_width, mode="constant", constant_values=None):
    """x with a border.

    Args:
        pad_width: (before, after) for each axis; one pair, or one number, for all.
        mode: "constant", or one of numpy.pad's that mirror or repeat: "reflect", "symmetric", "edge", "wrap".
        constant_values: what a constant border holds: 0 by default.
    """
    x = operand(x)
    pairs = np.broadcast_to(np.asarray(pad_width), (len(x.shape), 2)).tolist()
    if any(n < 0 for pair in pairs for n in pair):
        raise ValueError(f"[pad] pad_width must not be negative, received {pad_width}")
    if mode == "constant":
        return pad_constant(x, pad_width=tuple(map(tuple, pairs)), value=0 if constant_values is None else constant_values)
    if mode not in ("reflect", "symmetric", "edge", "wrap") or constant_values is not None:
        raise ValueError("[pad] mode must be 'constant', 'reflect', 'symmetric', 'edge' or 'wrap' (constant_values with "
                         f"'constant' alone), received {mode!r}")
    from .indexing import take
    for axis, pair in enumerate(pairs):
        if pair != [0, 0]:
            x = take(x, np.pad(np.arange(x.shape[axis]), pair, mode=mode), axis=axis)
    return x
