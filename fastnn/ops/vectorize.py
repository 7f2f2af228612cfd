"""`vectorize`: a function of numbers, or of small tensors, applied over broadcast axes."""
import re

from ..tensor import Spec
from ._shapes import broadcast_shapes, operand, size_of
from .indexing import getitem
from .shape import broadcast_to, reshape, stack

__all__ = ["vectorize"]


def _cores(signature):
    """The names of the core axes of each argument: "(n),(n,m)->()" -> [["n"], ["n", "m"]]."""
    arguments, arrow, _ = signature.replace(" ", "").partition("->")
    if not arrow or not re.fullmatch(r"\([\w,]*\)(,\([\w,]*\))*", arguments):
        raise ValueError(f"[vectorize] expected a signature like '(n),(n)->()', received {signature!r}")
    return [[name for name in part.split(",") if name] for part in re.findall(r"\(([\w,]*)\)", arguments)]


def vectorize(pyfunc, *, excluded=None, signature=None):
    """A function of scalars (or of tensors with the core axes of a signature), called for all elements of broadcast arguments.

    It is a loop, for convenience: an op that takes whole tensors is faster.  Gradients pass through it.

    Args:
        pyfunc: function of tensors; returns a tensor, or a tuple of tensors.
        excluded: numbers of positional and names of keyword arguments that are passed as they are.
        signature: core axes of the arguments and results, like "(m,n),(n)->(m)"; None: scalars.

    Returns:
        A function; its results have the broadcast shape, and then the axes of what pyfunc returns.

    Example:
        >>> vectorize(lambda a, b: a + b)([1, 2, 3], 10).tolist()
        [11, 12, 13]
    """
    if not callable(pyfunc):
        raise ValueError(f"[vectorize] pyfunc must be a function, received {pyfunc!r}")
    excluded = set(excluded or ())
    cores = None if signature is None else _cores(signature)

    def vectorized(*args, **kwargs):
        where = [(args, k) for k in range(len(args)) if k not in excluded]
        args, named = list(args), [k for k in kwargs if k not in excluded]
        tensors = [operand(args[k]) for _, k in where] + [operand(kwargs[k]) for k in named]
        ranks = [0] * len(tensors) if cores is None else [len(core) for core in cores]
        if len(ranks) != len(tensors):
            raise TypeError(f"[vectorize] the signature {signature!r} is for {len(ranks)} arguments, received {len(tensors)}")
        if any(isinstance(t, Spec) for t in tensors):
            raise TypeError("[vectorize] calls a function for each element, and a symbolic tensor has none: use ops on whole "
                            "tensors, or do it inside the call() of a layer of your own")
        lead = ()
        for t, rank in zip(tensors, ranks):
            lead = broadcast_shapes(lead, t.shape[:len(t.shape) - rank], "vectorize")
        flat = [reshape(broadcast_to(t, shape=lead + t.shape[len(t.shape) - rank:]), shape=(-1,) + t.shape[len(t.shape) - rank:])
                for t, rank in zip(tensors, ranks)]
        results = []
        for k in range(size_of(lead)):
            row = [getitem(t, k) for t in flat]
            for (_, place), value in zip(where, row):
                args[place] = value
            results.append(pyfunc(*args, **{**kwargs, **dict(zip(named, row[len(where):]))}))
        return _gathered(results, lead)

    vectorized.__name__, vectorized.__doc__ = getattr(pyfunc, "__name__", "vectorized"), pyfunc.__doc__
    return vectorized


def _gathered(results, lead):
    """What the calls returned, as tensors of the broadcast shape and the axes of each result."""
    if not results:
        raise ValueError(f"[vectorize] there are no elements in the broadcast shape {lead}, so the shape of the result is unknown")
    if isinstance(results[0], (tuple, list)):
        return tuple(_gathered(list(part), lead) for part in zip(*results))
    y = stack([operand(r) for r in results])
    return reshape(y, shape=lead + y.shape[1:])
