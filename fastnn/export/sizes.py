"""Sizes of several calls as one: an integer where they agree, a Size where they do not."""
from numbers import Integral


class Size:
    """A size that is not the same in all calls.

    Attributes:
        values: what it was in each.
    """

    __slots__ = ("values",)

    def __init__(self, values):
        self.values = tuple(values)

    def __eq__(self, other):
        return other.__class__ is Size and self.values == other.values

    def __hash__(self):
        return hash(self.values)

    def __repr__(self):
        return f"Size{self.values}"


def values_of(size, count):
    """A size as it was in each of so many calls."""
    return size.values if size.__class__ is Size else (size,) * count


def merged(parts):
    """One value for those of several calls: where integers differ, a Size.

    Raises:
        ValueError: something else differs.
    """
    first = parts[0]
    if isinstance(first, (tuple, list)):
        if all(isinstance(part, (tuple, list)) and len(part) == len(first) for part in parts):
            return tuple(merged(column) for column in zip(*parts))
    elif isinstance(first, Integral) and not isinstance(first, bool) and all(isinstance(part, Integral) for part in parts):
        return int(first) if all(part == first for part in parts) else Size(map(int, parts))
    elif all(type(part) is type(first) and part == first for part in parts):
        return first
    raise ValueError(f"{', '.join(map(repr, parts))}")


def through(size, wanted):
    """Whole numbers (factor, term) with which one Size gives another in all calls; None."""
    x, y = size.values, wanted.values
    other = next(k for k, n in enumerate(x) if n != x[0])
    factor, rest = divmod(y[other] - y[0], x[other] - x[0])
    term = y[0] - factor * x[0]
    return (factor, term) if not rest and factor and all(factor * m + term == n for m, n in zip(x, y)) else None
