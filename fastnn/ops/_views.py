"""How views of arrays are described to the kernels read_view and write_view, and how shapes are worked out."""
from functools import lru_cache

import numpy as np

from ..tensor import Tensor, look
from ._shapes import broadcast_strides, normalize_axis, size_of


def strides_of(shape):
    """Strides of a contiguous array, in elements."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


def view_groups(shape, strides):
    """What the kernels read_view and write_view are told of a view: (extent, stride) of each axis, neighbours joined."""
    groups = []
    for n, s in zip(shape, strides):
        if n == 1:
            continue
        if groups and groups[-1][1] == s * n:
            groups[-1] = (groups[-1][0] * n, s)
        else:
            groups.append((n, s))
    return tuple(x for group in groups for x in group)


def read_view(x, y, offset, groups):
    return "read_view", (x, y, x.itemsize, x.size, y.size, offset) + groups


def as_shape(shape):
    """A shape as a tuple: from one size, a list, or a tensor of sizes."""
    if isinstance(shape, Tensor):
        return tuple(look(shape, "a shape").ravel().tolist())
    return (shape,) if isinstance(shape, int) else tuple(shape)


@lru_cache(maxsize=256)
def constant_array(value, dtype):
    return np.full(1, value, dtype)


@lru_cache(maxsize=8192)
def resolve_shape(shape, target):
    """A target shape with its -1 worked out; an open size of a spec leaves -1 open (None)."""
    if any(n is not None and n < -1 for n in target) or target.count(-1) > 1:
        raise ValueError(f"[reshape] expected sizes >= 0 and at most one -1, received the shape {target}")
    if None in shape or None in target:
        return resolve_open(shape, target)
    known = size_of([n for n in target if n != -1])
    size = size_of(shape)
    if -1 in target and (known == 0 or size % known) or -1 not in target and known != size:
        raise ValueError(f"[reshape] a tensor of shape {shape} has {size} elements and cannot take the shape {target}: "
                         "the products of both shapes must agree")
    return tuple(size // known if n == -1 else n for n in target)


def resolve_open(shape, target):
    """A target for a spec; where the first size is open in both, the others must agree."""
    rest, wanted = shape[1:], target[1:]
    if shape[:1] == target[:1] == (None,) and None not in rest and -1 not in wanted and None not in wanted \
            and size_of(rest) != size_of(wanted):
        raise ValueError(f"[reshape] a tensor of shape {shape} cannot take the shape {target}: {size_of(rest)} elements "
                         f"against {size_of(wanted)}")
    if shape[:1] == target[:1] == (None,) and None not in rest and wanted.count(-1) == 1:
        known = size_of([n for n in wanted if n != -1])
        return (None,) + tuple(size_of(rest) // known if n == -1 and known else n for n in wanted)
    return tuple(None if n == -1 else n for n in target)


@lru_cache(maxsize=8192)
def transpose_groups(shape, axes):
    strides = strides_of(shape)
    return view_groups([shape[a] for a in axes], [strides[a] for a in axes])


def resolve_permutation(axes, ndim):
    axes = tuple(range(ndim))[::-1] if axes is None else tuple(normalize_axis(a, ndim, "transpose") for a in axes)
    if sorted(axes) != list(range(ndim)):
        raise ValueError(f"[transpose] axes must name each of the {ndim} axes once, received {axes}")
    return axes


@lru_cache(maxsize=8192)
def broadcast_view(shape, to):
    return view_groups(to, broadcast_strides(shape, to))


@lru_cache(maxsize=8192)
def plan_slices(shape, starts, steps, sizes):
    strides = strides_of(shape)
    offset = sum(start * s for start, s in zip(starts, strides))
    return offset, view_groups(sizes, [step * s for step, s in zip(steps, strides)])
