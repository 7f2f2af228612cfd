"""Branches and loops of keras.ops, which are Python's own, and functions with gradients of their own.

Gradients flow through them as through any Python code.  A condition or a number of turns that is a tensor is read by Python: a step
with it cannot be replayed, and runs op by op.  On symbolic tensors shapes are inferred: `cond` and `switch` compute all branches
and choose by `where`, loops run their function once.
"""
import inspect

from ..graph import recorded
from ..tape import GradientTape, active, flatten, record, unflatten
from ..tensor import FLOATS, Operand, Spec, Tensor, Variable, convert, own
from ._shapes import normalize_axis, operand
from .creation import zeros_like
from .elementwise import add, greater_equal, multiply, where
from .reduce import sum
from .shape import concatenate, expand_dims, flip, reshape, stack, strided_slice

_where = recorded(where)        # one node of a graph


def _is_symbolic(structure):
    return any(isinstance(x, Spec) for x in flatten(structure))


def _mapped(function, structure, *others):
    """A structure with `function(leaf, the others' leaves)` in the place of each leaf; None stays."""
    leaves = zip(flatten(structure), *[flatten(other) for other in others])
    return unflatten(structure, iter([None if x is None else function(x, *rest) for x, *rest in leaves]))


def _check_callable(name, f):
    if not callable(f):
        raise TypeError(f"[{name}] expected a function, received {f!r}")


# ---- Branches ---------------------------------------------------------------------------------------------------

def _choose(name, pred, a, b):
    """The leaves of a where pred holds, else those of b."""
    def kinds(structure):
        return [x if x is None else (operand(x).shape, operand(x).dtype) for x in flatten(structure)]

    if kinds(a) != kinds(b):
        raise ValueError(f"[{name}] with a symbolic condition the branches must give tensors of the same shapes and dtypes, received "
                         f"{kinds(a)} and {kinds(b)}")
    return _mapped(lambda x, y: _where(pred, x, y), a, b)


def cond(pred, true_fn, false_fn):
    """true_fn() if the condition holds, else false_fn().

    Args:
        pred: a scalar.  If it is symbolic, both functions are called, and the results chosen by `where`: they must have the same
            structure, shapes and dtypes.
        true_fn, false_fn: functions without arguments that return tensors, or nested lists and dicts of them.

    Example:
        >>> cond(convert_to_tensor(True), lambda: 1, lambda: 2)
        1
    """
    _check_callable("cond", true_fn)
    _check_callable("cond", false_fn)
    if isinstance(pred, Spec):
        return _choose("cond", pred, true_fn(), false_fn())
    return true_fn() if pred else false_fn()


def switch(index, branches, *operands):
    """branches[index](*operands); an index outside counts as the nearest one inside.

    Args:
        index: an integer scalar.  If it is symbolic, all branches are computed, as in `cond`.
        branches: list of functions.
        operands: what the function is called with.

    Example:
        >>> switch(5, [lambda x: x + 1, lambda x: x * 10], 3)
        30
    """
    if not branches:
        raise ValueError("[switch] needs at least one branch")
    if isinstance(index, Spec):
        found = branches[0](*operands)
        for k, branch in enumerate(branches[1:], 1):
            found = _choose("switch", greater_equal(index, k), branch(*operands), found)
        return found
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


# In a graph the branches' own ops are nodes: functions without arguments can only reach what lies around them.
cond.written_down_in_parts = switch.written_down_in_parts = True


# ---- Loops ------------------------------------------------------------------------------------------------------

def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """Calls `body` on the loop variables as long as `cond` of them holds.

    Args:
        cond, body: functions of the variables, each one argument if they are a list or tuple; `body` returns them anew.
        loop_vars: a tensor, or a list, tuple or dict of tensors.
        maximum_iterations: the most turns; None: any number.

    Returns:
        The last variables, a tuple if they were a list or tuple.

    Example:
        >>> while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (0, 1))
        (3, 8)
    """
    several = isinstance(loop_vars, (list, tuple))
    if _is_symbolic(loop_vars):
        found = _mapped(lambda x: Spec(operand(x).shape, operand(x).dtype), loop_vars)
        return tuple(found) if several else found
    state, turns = tuple(loop_vars) if several else (loop_vars,), 0
    while (maximum_iterations is None or turns < maximum_iterations) and cond(*state):
        found = body(*state)
        state, turns = tuple(found) if several else (found,), turns + 1
    return state if several else state[0]


def fori_loop(lower, upper, body_fun, init_val):
    """`val = body_fun(i, val)` for i from lower up to upper - 1, with val = init_val at first; the last val.

    Example:
        >>> fori_loop(0, 4, lambda i, total: total + i, 0)
        6
    """
    if _is_symbolic([lower, upper, init_val]):
        return _mapped(lambda x: Spec(operand(x).shape, operand(x).dtype), init_val)
    for i in range(int(lower), int(upper)):
        init_val = body_fun(i, init_val)
    return init_val


def _at(xs, i):
    """Element i of the first axis of each leaf; of a symbolic one any."""
    return _mapped(lambda x: Spec(x.shape[1:], x.dtype) if isinstance(x, Spec) else x[i], xs)


def _count(name, xs):
    """The common size of the first axes."""
    leaves = [x for x in flatten(xs) if x is not None]
    if not leaves or any(not x.shape for x in leaves):
        raise ValueError(f"[{name}] expected tensors with at least one axis, received shapes {[x.shape for x in leaves]}")
    sizes = {x.shape[0] for x in leaves}
    if len(sizes - {None}) > 1:
        raise ValueError(f"[{name}] the first axes must have one size, received shapes {[x.shape for x in leaves]}")
    return max(sizes - {None}, default=None)


def _as_operands(structure):
    return _mapped(operand, structure)


def _stacked(ys):
    """Results of the same structure side by side."""
    return _mapped(lambda *leaves: stack([operand(x) for x in leaves]), *ys)


def _in_front(n, structure):
    """Specs with an axis of size n in front."""
    return _mapped(lambda y: Spec((n,) + operand(y).shape, operand(y).dtype), structure)


def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """`carry, y = f(carry, x)` for each x along the first axis, with carry = init at first.

    Args:
        f: function of the carry and of an element of xs (nested as xs, None without xs); gives the new carry and an output or None.
        init: the first carry: a tensor or nested ones.
        xs: tensor or nested ones; None: only `length` counts.
        length: number of turns; None: the size of the first axis of xs.
        reverse: whether to begin at the end.
        unroll: has no effect: loops are Python's.

    Returns:
        (carry, ys): the last carry, and the outputs stacked.

    Example:
        >>> total, sums = scan(lambda carry, x: (carry + x, carry + x), convert_to_tensor(0), convert_to_tensor([1, 2, 3]))
        >>> int(total), sums.tolist()
        (6, [1, 3, 6])
    """
    _check_callable("scan", f)
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise ValueError(f"[scan] unroll must be a positive integer or a bool, received {unroll!r}")
    if xs is None and length is None:
        raise ValueError("[scan] needs xs or length")
    init, xs = _as_operands(init), None if xs is None else _as_operands(xs)
    size = None if xs is None else _count("scan", xs)
    n = size if length is None else int(length)
    if None not in (size, n) and n != size:
        raise ValueError(f"[scan] length is {n}, and the first axes of xs have the size {size}")
    if _is_symbolic([init, xs]):
        carry, y = f(init, None if xs is None else _at(xs, 0))
        return carry, _in_front(n, y)
    carry, ys = init, []
    for i in range(n - 1, -1, -1) if reverse else range(n):
        carry, y = f(carry, None if xs is None else _at(xs, i))
        ys.append(y)
    return carry, _stacked(ys[::-1] if reverse else ys) if ys else None


def map(f, xs):
    """The results of f for each element of the first axis of xs (tensor, or nested ones), stacked.

    Example:
        >>> map(lambda x: x * x, convert_to_tensor([1, 2, 3])).tolist()
        [1, 4, 9]
    """
    _check_callable("map", f)
    xs = _as_operands(xs)
    n = _count("map", xs)
    if _is_symbolic(xs):
        return _in_front(n, f(_at(xs, 0)))
    if not n:
        raise ValueError("[map] the first axis has no element")
    return _stacked([f(_at(xs, i)) for i in range(n)])


def vectorized_map(function, elements):
    """As `map`; of a list of tensors the function gets the list of their elements."""
    return map(function, elements)


def _slice(x, axis, start, stop, step=1):
    shape = x.shape
    size = max(0, -(-(stop - start) // step))
    return strided_slice(x, starts=tuple(start if k == axis else 0 for k in range(len(shape))),
                         steps=tuple(step if k == axis else 1 for k in range(len(shape))),
                         sizes=tuple(size if k == axis else n for k, n in enumerate(shape)))


def _interleave(a, b, axis):
    """a0 b0 a1 b1 ...; a may have one more."""
    k = b.shape[axis]
    both = concatenate([expand_dims(_slice(a, axis, 0, k), axis + 1), expand_dims(b, axis + 1)], axis=axis + 1)
    both = reshape(both, shape=b.shape[:axis] + (2 * k,) + b.shape[axis + 1:])
    return both if a.shape[axis] == k else concatenate([both, _slice(a, axis, k, k + 1)], axis=axis)


def associative_scan(f, elems, reverse=False, axis=0):
    """Elements combined with all before them along an axis by an associative function, in about 2 log2(n) calls.

    Args:
        f: function of two structures like `elems` that combines them element by element along the axis.
        elems: tensor, or nested ones with the same size along the axis.
        reverse: whether to begin at the end.
        axis: along which to scan.

    Returns:
        As `elems`: [a, f(a, b), f(f(a, b), c), ...].

    Source: Blelloch, "Prefix Sums and Their Applications", 1990.

    Example:
        >>> associative_scan(lambda a, b: a + b, convert_to_tensor([1, 2, 3, 4])).tolist()
        [1, 3, 6, 10]
    """
    _check_callable("associative_scan", f)
    elems = _as_operands(elems)
    leaves = flatten(elems)
    axes = [normalize_axis(axis, len(x.shape), "associative_scan") for x in leaves]
    if len({x.shape[a] for x, a in zip(leaves, axes)}) != 1:
        raise ValueError(f"[associative_scan] all tensors must have the same size along axis {axis}, received shapes "
                         f"{[x.shape for x in leaves]}")
    if _is_symbolic(elems):
        return _mapped(lambda x: Spec(x.shape, x.dtype), elems)

    def combine(a, b):
        return flatten(f(unflatten(elems, iter(a)), unflatten(elems, iter(b))))

    def part(xs, *bounds):
        return [_slice(x, a, *bounds) for x, a in zip(xs, axes)]

    def prefixes(xs):
        n = xs[0].shape[axes[0]]
        if n < 2:
            return xs
        odd = prefixes(combine(part(xs, 0, n - 1, 2), part(xs, 1, n, 2)))
        even = part(xs, 0, 1)
        if n > 2:
            rest = combine(part(odd, 0, (n - 1) // 2), part(xs, 2, n, 2))
            even = [concatenate([x, y], axis=a) for x, y, a in zip(even, rest, axes)]
        return [_interleave(x, y, a) for x, y, a in zip(even, odd, axes)]

    def turned(xs):
        return [flip(x, a) for x, a in zip(xs, axes)] if reverse else xs

    return unflatten(elems, iter(turned(prefixes(turned(leaves)))))


# ---- Gradients of one's own -------------------------------------------------------------------------------------

class _OwnGradient:
    """What a tape notes of a call: the function that gives the gradients in the place of an op."""

    partial = False

    def __init__(self, name, gradient, args, leaves, output):
        self.name, self.gradient, self.args, self.leaves, self.output = name, gradient, args, leaves, output

    def save(self, inputs, outputs):
        return []

    def gradients(self, dys, saved, attrs, needs):
        upstream = unflatten(self.output, iter(dys))
        parameters = inspect.signature(self.gradient).parameters
        parameter = parameters.get("upstream")
        if parameter is not None and parameter.default is parameter.empty and list(parameters)[0] != "upstream":
            found = self.gradient(*self.args, upstream=upstream)
        else:
            found = self.gradient(upstream)
        found = flatten([found])
        if len(found) != len(self.leaves):
            raise ValueError(f"[custom_gradient] the gradient function of {self.name!r} gave {len(found)} tensors, expected "
                             f"{len(self.leaves)}: one for each argument, None where there is none")
        return [g if g is None else convert(g, x.dtype) for g, x in zip(found, self.leaves) if isinstance(x, Tensor)]


def custom_gradient(f):
    """A function whose gradient is given with it.

    Args:
        f: function of tensors (or nested ones) that returns (output, grad).  `grad(upstream)` gets what flows into the output, in
            the output's structure, and returns a gradient for each argument; `grad(*args, upstream)` the arguments too.

    Returns:
        A function that gives the output.  What f computes is not recorded: variables that it uses get no gradient.

    Example:
        >>> @custom_gradient
        ... def reversed_gradient(x):
        ...     return x, lambda upstream: -upstream
        >>> x = convert_to_tensor(2.0)
        >>> with fastnn.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = reversed_gradient(x) * 3.0
        >>> float(tape.gradient(y, x))
        -3.0
    """
    _check_callable("custom_gradient", f)

    def function(*args, **kwargs):
        if _is_symbolic([args, kwargs]):
            return f(*args, **kwargs)[0]
        tapes, active.tapes = active.tapes, []
        try:
            output, gradient = f(*args, **kwargs)
        finally:
            active.tapes = tapes
        if not tapes:
            return output
        # tensors of their own: f may give back what it was given
        output = _mapped(lambda y: Tensor(own(y.data) if isinstance(y, Variable) else y.data) if isinstance(y, Tensor) else y, output)
        leaves = flatten(list(args))
        inputs = [x for x in leaves if isinstance(x, Tensor)]
        outputs = [y for y in flatten([output]) if isinstance(y, Tensor)]
        record(_OwnGradient(getattr(f, "__name__", "f"), gradient, args, leaves, output), inputs, outputs, {})
        return output

    function.__name__, function.__doc__ = getattr(f, "__name__", "function"), f.__doc__
    return recorded(function)       # in a graph one node, or the gradient would be that of the ops in it


def jvp(fun, primals, tangents, has_aux=False):
    """The value of a function, and its derivative along a direction.

    Args:
        fun: function of tensors, or nested ones, that returns a tensor, or nested ones; with has_aux a pair of that and something else.
        primals: tuple or list of arguments.
        tangents: the direction, like the primals.
        has_aux: see `fun`.

    Returns:
        (value, derivative), with has_aux (value, derivative, the something else).

    Computed by differentiating the gradient, which is linear in what flows into it: ops in `fun` need second gradients.

    Example:
        >>> value, slope = jvp(lambda x: x * x, (convert_to_tensor(3.0),), (convert_to_tensor(2.0),))
        >>> float(value), float(slope)
        (9.0, 12.0)
    """
    primals, tangents = _as_operands(list(primals)), _as_operands(list(tangents))
    if [x.shape for x in flatten(primals)] != [x.shape for x in flatten(tangents)]:
        raise ValueError(f"[jvp] primals have the shapes {[x.shape for x in flatten(primals)]}, tangents "
                         f"{[x.shape for x in flatten(tangents)]}: expected the same")
    if _is_symbolic([primals, tangents]):
        found, *aux = fun(*primals) if has_aux else (fun(*primals),)
        return found, _mapped(lambda y: Spec(y.shape, y.dtype), found), *aux
    sources = [Tensor(x.data) if isinstance(x, Tensor) else x for x in flatten(primals)]
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([x for x in sources if x.dtype in FLOATS])
        arguments = unflatten(primals, iter(sources))
        found, *aux = fun(*arguments) if has_aux else (fun(*arguments),)
    results = [y for y in flatten([found]) if isinstance(y, Operand)]
    floats = [y for y in results if y.dtype in FLOATS]
    with GradientTape(watch_accessed_variables=False) as outer:
        seeds = [zeros_like(y) for y in floats]
        outer.watch(seeds)
        grads = tape.gradient(floats, sources, seeds) if floats else [None] * len(sources)
        total = None
        for g, t in zip(grads, flatten(tangents)):
            if g is not None:
                part = sum(multiply(g, t))
                total = part if total is None else add(total, part)
    slopes = [None] * len(floats) if total is None else outer.gradient(total, seeds)
    slopes = dict(zip([y.key for y in floats], slopes))
    derivative = _mapped(lambda y: zeros_like(y) if slopes.get(y.key) is None else slopes[y.key], found)
    return found, derivative, *aux
