"""Sums of products by their labels, `einsum`, and what is the same thing by other names: tensordot, dot, inner, vdot.

A contraction becomes transposes, where the layout asks for them, and one (batched) `matmul`; gradients come by composition.
"""
import math
from functools import lru_cache

import numpy as np

from ..tensor import FLOATS, Spec
from ._shapes import common_operands, normalize_axes, normalize_axis
from .elementwise import multiply
from .matmul import matmul
from .reduce import sum
from .shape import reshape, strided_slice, transpose

# ---- What the subscripts say ------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _parse(subscripts, ranks):
    """The labels of each operand's axes, and those of the result; what an ellipsis stands for gets labels ".1", ".2" ... counted
    from its last axis."""
    if not isinstance(subscripts, str):
        raise TypeError(f"[einsum] subscripts must be a string such as 'ij,jk->ik', received {subscripts!r}")
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"[einsum] subscripts {subscripts!r} name {len(terms)} operand(s), received {len(ranks)}")
    labels = [_axes_of(term, rank, subscripts) for term, rank in zip(terms, ranks)]
    hidden = max((sorted((l for l in one if l[0] == "."), key=lambda l: -int(l[1:])) for one in labels), key=len)
    if arrow:
        output = tuple(l for part in _split(right, subscripts) for l in (hidden if part == "..." else [part]))
    else:
        every = [l for one in labels for l in one if l[0] != "."]
        output = (*hidden, *sorted(l for l in set(every) if every.count(l) == 1))
    known = {l for one in labels for l in one}
    for l in output:
        if l not in known or output.count(l) > 1:
            raise ValueError(f"[einsum] the result of {subscripts!r} has the label {l!r} "
                             + ("twice" if l in known else "that no operand has"))
    return tuple(labels), output


def _split(term, subscripts):
    """The letters of a term, and "..." for an ellipsis."""
    parts = list(term.replace("...", "~")) if "~" not in term else ["?"]
    if parts.count("~") > 1 or not all(p == "~" or p.isalpha() and p.isascii() for p in parts):
        raise ValueError(f"[einsum] subscripts {subscripts!r}: expected letters and at most one '...' in each term, received {term!r}")
    return ["..." if p == "~" else p for p in parts]


def _axes_of(term, rank, subscripts):
    parts = _split(term, subscripts)
    spare = rank - len(parts) + ("..." in parts)
    if spare < 0 or (spare and "..." not in parts):
        raise ValueError(f"[einsum] the term {term!r} of {subscripts!r} does not fit an operand of {rank} dimension(s)")
    return tuple(l for p in parts for l in ([f".{k}" for k in range(spare, 0, -1)] if p == "..." else [p]))


def _sizes(labels, shapes, what):
    """The size of each label: axes of size 1 are repeated; None where it is not known."""
    sizes = {}
    for one, shape in zip(labels, shapes):
        for l, n in zip(one, shape):
            known = sizes.setdefault(l, n)
            if known in (1, None) and n != 1:
                sizes[l] = known if n is None else n
            elif n not in (known, 1, None):
                raise ValueError(f"[{what}] operands of shapes {', '.join(map(str, shapes))}: the axes labelled {l!r} have the sizes {known} "
                                 f"and {n}, they must be equal")
    return sizes


# ---- One operand ------------------------------------------------------------------------------------------------

def _plain(x, labels, sizes):
    """An operand each of whose labels is there once and has its full size: diagonals are taken, axes that are repeated dropped."""
    for l in dict.fromkeys(labels):
        while labels.count(l) > 1:
            x, labels = _diagonal(x, labels, l, sizes[l])
    kept = [k for k, l in enumerate(labels) if x.shape[k] == sizes[l]]
    if len(kept) < len(labels):
        x, labels = reshape(x, shape=tuple(x.shape[k] for k in kept)), tuple(labels[k] for k in kept)
    return x, labels


def _diagonal(x, labels, label, n):
    """The first two axes of a label become one, which comes last."""
    first = labels.index(label)
    second = labels.index(label, first + 1)
    rest = [k for k in range(len(labels)) if k not in (first, second)]
    x, kept = _in_order(x, (*rest, first, second)), tuple(labels[k] for k in rest)
    shape = x.shape[:-2]
    if x.shape[-2:] != (n, n):      # one of size 1 is repeated: the other is the diagonal
        return reshape(x, shape=(*shape, math.prod(x.shape[-2:]))), (*kept, label)
    x = reshape(x, shape=(*shape, n * n))
    x = strided_slice(x, starts=(0,) * len(x.shape), steps=(1,) * len(shape) + (n + 1,), sizes=(*shape, n))
    return x, (*kept, label)


def _in_order(x, axes):
    return x if list(axes) == list(range(len(axes))) else transpose(x, axes=tuple(axes))


def _summed(x, labels, kept):
    """The sum over the labels that nobody asks for any more."""
    axes = tuple(k for k, l in enumerate(labels) if l not in kept)
    return (sum(x, axis=axes), tuple(l for l in labels if l in kept)) if axes else (x, labels)


# ---- Two operands -----------------------------------------------------------------------------------------------

@lru_cache(maxsize=1024)
def _product_plan(la, lb, kept, output, sizes):
    """How two operands are multiplied at the least cost of transposes: (swap, batch, rows, columns, inner labels, order of a,
    whether it is turned, order of b, whether it is turned)."""
    sizes = dict(sizes)

    def elements(labels):
        return math.prod(sizes[l] for l in labels)

    def place(labels, batch, first, second):
        """The axes in order, and whether its last two groups stand turned: what needs no transpose, if there is such."""
        for turned, wanted in ((False, (*batch, *first, *second)), (True, (*batch, *second, *first))):
            if wanted == labels:
                return 0, tuple(range(len(labels))), turned
        return elements(labels), tuple(labels.index(l) for l in (*batch, *first, *second)), False

    best = None
    for swap, a, b in ((False, la, lb), (True, lb, la)):
        rows, columns = tuple(l for l in a if l not in b), tuple(l for l in b if l not in a)
        for one in (a, b):
            inner = tuple(l for l in one if l in a and l in b and l not in kept)
            for order in (a, b, output or a):
                batch = tuple(l for l in order if l in a and l in b and l in kept)
                (cost_a, axes_a, turn_a), (cost_b, axes_b, turn_b) = place(a, batch, rows, inner), place(b, batch, inner, columns)
                result = (*batch, *rows, *columns)
                cost = cost_a + cost_b + (elements(result) if output and output != result else 0)
                if best is None or cost < best[0]:
                    best = cost, (swap, batch, rows, columns, inner, axes_a, turn_a, axes_b, turn_b)
    return best[1]


def _product(a, la, b, lb, kept, output, sizes):
    """The product of two operands, summed over the labels of both that are not kept; output: the order asked for, or None."""
    if a.dtype not in FLOATS or not any(l in lb and l not in kept for l in la):
        return _outer(a, la, b, lb, kept, output)
    swap, batch, rows, columns, inner, axes_a, turn_a, axes_b, turn_b = _product_plan(
        la, lb, frozenset(kept), output, tuple((l, sizes[l]) for l in dict.fromkeys((*la, *lb))))
    a, b = (b, a) if swap else (a, b)
    count, m, n, k = (math.prod(sizes[l] for l in group) for group in (batch, rows, columns, inner))
    lead = (count,) if batch else ()
    a = reshape(_in_order(a, axes_a), shape=(*lead, k, m) if turn_a else (*lead, m, k))
    b = reshape(_in_order(b, axes_b), shape=(*lead, n, k) if turn_b else (*lead, k, n))
    labels = (*batch, *rows, *columns)
    return reshape(matmul(a, b, transpose_a=turn_a, transpose_b=turn_b), shape=tuple(sizes[l] for l in labels)), labels


def _outer(a, la, b, lb, kept, output):
    """The product element by element, of integers and where nothing is summed."""
    labels = (*la, *(l for l in lb if l not in la))
    if output is not None:
        labels = (*output, *(l for l in labels if l not in output))

    def spread(x, own):
        x = _in_order(x, [own.index(l) for l in labels if l in own])
        shape = iter(x.shape)
        return reshape(x, shape=tuple(next(shape) if l in own else 1 for l in labels))

    return _summed(multiply(spread(a, la), spread(b, lb)), labels, kept)


# ---- Any number of them -----------------------------------------------------------------------------------------

@lru_cache(maxsize=256)
def _path(labels, output, shapes):
    """The order in which three or more operands are multiplied, in NumPy's form: positions that leave the list, results at its end."""
    letters = {l: chr(97 + i) if i < 26 else chr(39 + i) for i, l in enumerate(dict.fromkeys(l for one in labels for l in one))}
    subscripts = ",".join("".join(letters[l] for l in one) for one in labels) + "->" + "".join(letters[l] for l in output)
    return np.einsum_path(subscripts, *[np.broadcast_to(0.0, shape) for shape in shapes], optimize="greedy")[0][1:]


def _contract(operands, labels, output, what):
    """The sum of products of operands, whose axes have labels, over all labels that are not in the output."""
    operands = common_operands(*operands)
    sizes = _sizes(labels, [x.shape for x in operands], what)
    if any(isinstance(x, Spec) for x in operands):
        return Spec(tuple(sizes[l] for l in output), operands[0].dtype)
    left = [_plain(x, one, sizes) for x, one in zip(operands, labels)]
    path = [(0, 1)] if len(left) == 2 else [] if len(left) == 1 else \
        _path(tuple(one for _, one in left), output, tuple(x.shape for x, _ in left))
    for step in path:
        chosen = [left.pop(i) for i in sorted(step, reverse=True)][::-1]
        while len(chosen) > 1:
            (a, la), (b, lb) = chosen.pop(0), chosen.pop(0)
            others = {l for _, one in (*left, *chosen) for l in one} | set(output)
            (a, la), (b, lb) = _summed(a, la, others | set(lb)), _summed(b, lb, others | set(la))
            last = output if not left and not chosen else None
            chosen.insert(0, _product(a, la, b, lb, others, last, sizes))
        left += chosen
    (y, found), = left
    y, found = _summed(y, found, output)
    return _in_order(y, [found.index(l) for l in output])


def einsum(subscripts, *operands, **kwargs):
    """The sum of products of tensors, by the labels of their axes, as `numpy.einsum` reads them.

    Args:
        subscripts: "ij,jk->ik": a letter for each axis, "..." for any number of them; a label that the result does not have is
            summed over, one that is twice in an operand takes its diagonal. Without "->" the result has, in the order of the
            alphabet, the labels that are there once.
        *operands: tensors.
        **kwargs: accepted as by Keras, and not used.

    Returns:
        Tensor.

    Raises:
        ValueError: subscripts that do not fit the operands, sizes that differ.

    Example:
        >>> fastnn.ops.einsum("ij,kj->ik", np.ones((2, 3), "float32"), np.ones((4, 3), "float32")).shape
        (2, 4)
    """
    if not operands:
        raise ValueError("[einsum] expected at least one operand after the subscripts")
    operands = common_operands(*operands)
    labels, output = _parse(subscripts, tuple(len(x.shape) for x in operands))
    return _contract(operands, labels, output, "einsum")


def tensordot(x1, x2, axes=2):
    """The sum of products over some axes of both.

    Args:
        x1, x2: tensors.
        axes: how many of the last axes of x1 are summed over with as many first ones of x2; or two axes, or two lists of axes.

    Returns:
        Tensor, the other axes of x1 and then those of x2.

    Raises:
        ValueError: axes that differ in number or size.

    Example:
        >>> fastnn.ops.tensordot(np.ones((2, 3, 4)), np.ones((3, 4, 5)), axes=2).shape
        (2, 5)
    """
    x1, x2 = common_operands(x1, x2)
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if hasattr(axes, "__index__"):
        axes = (range(rank1 - axes.__index__(), rank1), range(axes.__index__()))
    first, second = [[a] if hasattr(a, "__index__") else list(a) for a in axes]
    if len(first) != len(second):
        raise ValueError(f"[tensordot] {len(first)} axes of x1 and {len(second)} of x2: expected as many of both")
    for own, rank in ((first, rank1), (second, rank2)):
        normalize_axes(tuple(own), rank, "tensordot")
    first, second = [normalize_axis(a, rank1, "tensordot") for a in first], [normalize_axis(a, rank2, "tensordot") for a in second]
    pairs = dict(zip(second, first))
    labels = tuple(range(rank1)), tuple(pairs.get(k, rank1 + k) for k in range(rank2))
    for one, other in zip(first, second):
        n, m = x1.shape[one], x2.shape[other]
        if n != m and None not in (n, m):
            raise ValueError(f"[tensordot] axis {one} of x1 of shape {x1.shape} has {n} elements, axis {other} of x2 of shape {x2.shape} has "
                             f"{m}: they must be equal")
    output = tuple(l for k, l in enumerate(labels[0]) if k not in first) + tuple(l for k, l in enumerate(labels[1]) if k not in second)
    return _contract([x1, x2], labels, output, "tensordot")


def dot(x1, x2):
    """The product of NumPy's `dot`: of vectors the sum of products, of matrices the matrix product, else over the last axis of x1
    and the last but one of x2; with a scalar the product.

    Raises:
        ValueError: sizes that differ.

    Example:
        >>> float(fastnn.ops.dot(np.array([1.0, 2.0]), np.array([3.0, 4.0])))
        11.0
    """
    x1, x2 = common_operands(x1, x2)
    if not x1.shape or not x2.shape:
        return multiply(x1, x2)
    return tensordot(x1, x2, axes=(-1, -min(2, len(x2.shape))))


def inner(x1, x2):
    """The sum of products over the last axis of both; with a scalar the product.

    Raises:
        ValueError: sizes that differ.

    Example:
        >>> fastnn.ops.inner(np.ones((2, 3)), np.ones((4, 3))).shape
        (2, 4)
    """
    x1, x2 = common_operands(x1, x2)
    return tensordot(x1, x2, axes=(-1, -1)) if x1.shape and x2.shape else multiply(x1, x2)


def vdot(x1, x2):
    """The sum of the products of all elements.

    Raises:
        ValueError: sizes that differ.

    Example:
        >>> float(fastnn.ops.vdot(np.ones((2, 3)), np.ones((3, 2))))
        6.0
    """
    x1, x2 = common_operands(x1, x2)
    return tensordot(reshape(x1, shape=(-1,)), reshape(x2, shape=(-1,)), axes=1)
