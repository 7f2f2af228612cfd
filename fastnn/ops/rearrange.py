"""`rearrange`: axes split, moved and joined, as a pattern says (Rogozhnikov, "Einops", ICLR 2022)."""
import re
from functools import lru_cache

from ._shapes import operand, size_of
from .shape import reshape, transpose

_PART = re.compile(r"\(\s*([\w\s]*)\)|(\w+)|(\S)")


@lru_cache(maxsize=256)
def _parse(pattern):
    """A pattern as two lists of groups of names; "..." alone is the group ("...",), within parentheses the name "_rest_"."""
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(f"[rearrange] expected a pattern like 'b h w c -> b (h w) c', received {pattern!r}")
    groups = [_groups(side.replace("...", " _rest_ "), pattern) for side in sides]
    names = [[name.replace("_rest_", "...") for group in side for name in group if name != "1"] for side in groups]
    for side in names:
        if len(set(side)) < len(side):
            raise ValueError(f"[rearrange] an axis is named twice on one side of {pattern!r}")
    if set(names[0]) != set(names[1]):
        raise ValueError(f"[rearrange] both sides of {pattern!r} must name the same axes, these are on one side alone: "
                         f"{sorted(set(names[0]) ^ set(names[1]))}")
    return groups


def _groups(side, pattern):
    groups = []
    for inner, name, other in _PART.findall(side):
        if other:
            raise ValueError(f"[rearrange] cannot read {other!r} in the pattern {pattern!r}")
        groups.append(("...",) if name == "_rest_" else (name,) if name else tuple(inner.split()))
    return groups


def _sizes(group, n, given, pattern):
    """The sizes of the axes that make up one of size n; one of them may be unknown."""
    known = [1 if name == "1" else given.get(name) for name in group]
    missing = [k for k, size in enumerate(known) if size is None]
    product = size_of([size for size in known if size is not None])
    if len(missing) > 1:
        raise ValueError(f"[rearrange] {pattern!r}: of the axes {group} all sizes but one must be given")
    if n is None:
        return known
    if n % product if missing and product else product != n:
        raise ValueError(f"[rearrange] {pattern!r}: an axis of size {n} does not divide into {group} with the sizes {given}")
    return [n // product if size is None else size for size in known]


def rearrange(tensor, pattern, **axes_lengths):
    """Axes split, moved and joined.

    Args:
        tensor: tensor.
        pattern: names of the axes before and after, e.g. "b (h p) w -> b h (p w)"; names in parentheses make up one axis, the
            last running fastest; "..." stands for any number of axes.
        axes_lengths: sizes of axes that cannot be worked out, by name.

    Raises:
        ValueError: a pattern that cannot be read, or does not fit the shape.

    Example:
        >>> rearrange([[1, 2, 3, 4]], "b (h w) -> w (b h)", w=2).tolist()
        [[1, 3], [2, 4]]
    """
    x = operand(tensor)
    left, right = _parse(pattern)
    extra = len(x.shape) - len(left) + 1
    if ("...",) in left and extra >= 0:
        rest = [(f"_{k}_",) for k in range(extra)]
        left, right = [_expand(side, rest) for side in (left, right)]
    if len(left) != len(x.shape):
        raise ValueError(f"[rearrange] {pattern!r} is for {len(left)} axes, received shape {x.shape}")
    unknown = axes_lengths.keys() - {name for group in left for name in group}
    if unknown:
        raise ValueError(f"[rearrange] {pattern!r} names no axis {sorted(unknown)}")
    names = [name for group in left for name in group]
    sizes = [size for group, n in zip(left, x.shape) for size in _sizes(group, n, axes_lengths, pattern)]
    kept = [k for k, name in enumerate(names) if name != "1"]
    x = _shaped(x, [sizes[k] for k in kept])
    place = {names[k]: i for i, k in enumerate(kept)}
    order = tuple(place[name] for group in right for name in group if name != "1")
    if order != tuple(range(len(order))):
        x = transpose(x, axes=order)
    moved = iter(x.shape)
    return _shaped(x, [_product([1 if name == "1" else next(moved) for name in group]) for group in right])


def _expand(side, rest):
    """A side with the axes that "..." stands for; within parentheses they are joined."""
    groups = []
    for group in side:
        if group == ("...",):
            groups += rest
        else:
            groups.append(tuple(n for name in group for n in ([r for (r,) in rest] if name == "_rest_" else [name])))
    return groups


def _product(sizes):
    return None if None in sizes else size_of(sizes)


def _shaped(x, sizes):
    return x if tuple(sizes) == x.shape else reshape(x, shape=tuple(-1 if n is None else n for n in sizes))
