"""NumPy's functions called on tensors: np.mean(tensor) is the op of that name, with its gradient, and never a quiet conversion.

- A function that has an op runs it, and gives a tensor.  NumPy's defaults hold: np.concatenate joins along axis 0.
- One whose result has no gradient (argmax, allclose, zeros_like ...) takes the values, and gives what NumPy gives.
- Any other raises a TypeError that says what to do; of tensors of integers, which have no gradient, it takes the values.

np.asarray(tensor), np.array(tensor) and np.testing convert, as ever.
"""
import inspect
from functools import lru_cache

import numpy as np

from .tape import flatten
from .tensor import FLOATS, Operand, Spec, Tensor, convert_to_tensor, look, operators

# Functions whose results have no gradient: they see the values.
HARMLESS = set("""
    allclose array_equal array_equiv isclose all any count_nonzero iscomplexobj isrealobj iscomplex isreal isposinf isneginf
    argmax argmin nanargmax nanargmin argsort argpartition lexsort argwhere flatnonzero nonzero searchsorted digitize isin in1d
    zeros_like ones_like empty_like shape ndim size result_type can_cast common_type min_scalar_type may_share_memory
    shares_memory copyto save savez savez_compressed savetxt array2string array_repr array_str
""".split())
OF_THE_SHAPE = ("shape", "ndim", "size")       # these need not even see the values

# Names that differ: of functions and ufuncs, and of their parameters (those that stand first correspond by their place).
FUNCTIONS = {"around": "round", "remainder": "mod", "invert": "bitwise_not", "degrees": "rad2deg", "radians": "deg2rad",
             "rint": "round", "absolute": "abs", "astype": "cast", "fix": "trunc"}
OTHERS = {"choose", "convolve", "matrix"}     # ops by these names do something else
LINALG = {"norm", "det", "inv", "cholesky", "solve", "qr", "svd", "eig", "eigh", "pinv", "slogdet"}     # of numpy.linalg
PARAMETERS = {"b": "x2", "reps": "repeats", "a_min": "x_min", "a_max": "x_max", "min": "x_min", "max": "x_max"}
OWN_PARAMETERS = {"where": {"x": "x1", "y": "x2"}, "append": {"values": "x2"}, "correlate": {"v": "x2"}}
# NumPy says nothing of the parameters of these, which are written in C.
SIGNATURES = {name: inspect.Signature([inspect.Parameter(word, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)
                                       for word, default in parameters.items()])
              for name, parameters in {
                  "concatenate": {"arrays": inspect.Parameter.empty, "axis": 0, "out": None, "dtype": None, "casting": "same_kind"},
                  "where": dict.fromkeys(("condition", "x", "y"), inspect.Parameter.empty),
                  "dot": {"a": inspect.Parameter.empty, "b": inspect.Parameter.empty, "out": None},
                  "inner": dict.fromkeys(("a", "b"), inspect.Parameter.empty),
                  "vdot": dict.fromkeys(("a", "b"), inspect.Parameter.empty),
                  "bincount": {"x": inspect.Parameter.empty, "weights": None, "minlength": 0},
                  "unravel_index": {"indices": inspect.Parameter.empty, "shape": inspect.Parameter.empty, "order": "C"}}.items()}
REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all", "logical_or": "any"}
RUNNING = {"add": "cumsum", "multiply": "cumprod"}


class _Unsupported(Exception):
    """The op does not take these arguments of NumPy's function."""


def array_function(self, function, types, args, kwargs):
    """`__array_function__` of tensors: what a function of NumPy's does with them."""
    name, module = function.__name__, function.__module__
    tensors = _tensors((args, kwargs))
    symbolic = any([isinstance(t, Spec) for t in tensors])
    if module == "numpy" and name in HARMLESS and not symbolic or name == "where" and len(args) + len(kwargs) == 1:
        return _by_values(function, name, args, kwargs)
    known = module == "numpy" and name not in OTHERS or module == "numpy.linalg" and name in LINALG
    op = operators.get(FUNCTIONS.get(name, name)) if known else None
    reason = f"has no counterpart in fastnn.ops{_hint(name)}"
    if op is not None:
        try:
            given, named = _arguments(function, name, op, args, kwargs)
        except _Unsupported as error:
            reason = f"with {error} has no counterpart in fastnn.ops, whose {op.__name__} is {op.__name__}{_signature(op)}"
        else:
            return op(*given, **named)
    if not symbolic and not any([t.dtype in FLOATS for t in tensors]):
        return _by_values(function, name, args, kwargs)
    raise TypeError(f"{module}.{name} {reason}: {_way_out(symbolic)}")


def array_ufunc(self, ufunc, method, *inputs, **kwargs):
    """`__array_ufunc__` of tensors: np.exp(tensor), array + tensor, np.add.reduce(tensor)."""
    name, tensors = ufunc.__name__, _tensors((inputs, kwargs))
    symbolic = any([isinstance(t, Spec) for t in tensors])
    function = _ufunc(name, method)
    if function is not None:
        try:
            return function(*inputs, **kwargs)
        except _Unsupported:
            pass
    if not symbolic and not any([t.dtype in FLOATS for t in tensors]) and not _tensors(kwargs.get("out", ())):
        return _by_values(getattr(ufunc, method), name, inputs, kwargs)
    called = f"numpy.{name}" + ("" if method == "__call__" else f".{method}")
    raise TypeError(f"{called} has no counterpart in fastnn.ops for these arguments{_into(kwargs)}: {_way_out(symbolic)}")


def install():
    """Gives all tensors, symbolic ones included, NumPy's protocols."""
    Operand.__array_function__, Operand.__array_ufunc__ = array_function, array_ufunc


# ---- Ufuncs -----------------------------------------------------------------------------------------------------

def _ufunc(name, method):
    """The function that stands for a ufunc, or for a method of it; None if there is none."""
    if method == "__call__":
        op = operators.get(FUNCTIONS.get(name, name))
        special = {"positive": lambda x: x, "divmod": lambda x1, x2: (operators["floor_divide"](x1, x2), operators["mod"](x1, x2))}
        return _bare(op or special.get(name))
    if method == "reduce" and name in REDUCTIONS:
        return lambda x, axis=0, dtype=None, out=None, keepdims=False, **more: _reduce(
            operators[REDUCTIONS[name]], x, axis, dtype, out, more, keepdims=keepdims)
    if method == "accumulate" and name in RUNNING:
        return lambda x, axis=0, dtype=None, out=None, **more: _reduce(operators[RUNNING[name]], x, axis, dtype, out, more)
    if method == "outer" and name in operators:
        return _bare(lambda x1, x2: operators[name](*_apart(x1, x2)))
    return None


def _bare(op):
    """An op that is called without any of the keyword arguments of ufuncs."""
    def function(*inputs, **kwargs):
        if kwargs:
            raise _Unsupported
        return op(*inputs)
    return None if op is None else function


def _reduce(op, x, axis, dtype, out, more, **arguments):
    if more or out is not None:
        raise _Unsupported
    return op(x if dtype is None else operators["cast"](x, dtype=dtype), axis=axis, **arguments)


def _apart(x1, x2):
    """Operands such that each element of one meets each of the other."""
    x1, x2 = map(convert_to_tensor, (x1, x2))
    sizes = [-1 if n is None else n for n in x1.shape] + [1] * len(x2.shape)
    return operators["reshape"](x1, shape=tuple(sizes)), x2


# ---- Arguments --------------------------------------------------------------------------------------------------

@lru_cache(maxsize=None)
def _signature(function):
    return inspect.signature(function)


def _arguments(function, name, op, args, kwargs):
    """The arguments of an op, from those of NumPy's function: its defaults included, where the op has such a parameter."""
    try:
        numpys = SIGNATURES.get(name) or _signature(function)
    except ValueError:      # of a function written in C
        return args, kwargs
    bound = numpys.bind(*args, **kwargs)
    bound.apply_defaults()
    takes, positional, named = _signature(op).parameters, [], {}
    for place, (word, value) in enumerate(bound.arguments.items()):
        parameter = numpys.parameters[word]
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += value
        elif parameter.kind is parameter.VAR_KEYWORD:
            _pass_on(takes, named, {key: (key, v, None) for key, v in value.items()})
        elif not place:
            positional.append(value)
        else:
            to = OWN_PARAMETERS.get(name, {}).get(word, word)
            _pass_on(takes, named, {to if to in takes else PARAMETERS.get(word, word): (word, value, parameter.default)})
    if "dtype" in named and "dtype" not in takes:       # NumPy computes in that type
        dtype = named.pop("dtype")
        positional[0] = operators["cast"](positional[0], dtype=dtype)
    if name == "norm" and named.get("ord") not in (None, "fro") and (named.get("axis") is None and positional[0].ndim > 1
                                                                     or isinstance(named.get("axis"), tuple)):
        raise _Unsupported(f"ord={named['ord']!r} of matrices")     # fastnn.ops takes them as vectors
    if name == "clip":
        named = {"x_min": -np.inf, "x_max": np.inf, **{k: v for k, v in named.items() if v is not None}}
    return positional, named


def _pass_on(takes, named, arguments):
    for to, (word, value, default) in arguments.items():
        if value is np._NoValue or (to not in takes and value is default):
            continue
        if to not in takes and (to != "dtype" or value is None):
            raise _Unsupported(f"{word}={value!r}")
        named[to] = value


def _tensors(value):
    """The tensors in nested lists, tuples and dicts."""
    return [leaf for leaf in flatten(value) if isinstance(leaf, Operand)]


def _by_values(function, name, args, kwargs):
    """What NumPy computes from the values."""
    def plain(value):
        if isinstance(value, Tensor):
            return value.data if name in OF_THE_SHAPE else look(value, f"numpy.{name}()")
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        return type(value)([plain(part) for part in value]) if type(value) in (list, tuple) else value
    if name == "copyto" and isinstance(args[0], Operand):
        raise TypeError("numpy.copyto cannot write into a tensor: use Variable.assign, or fastnn.ops.slice_update")
    return function(*plain(args), **plain(kwargs))


# ---- Words ------------------------------------------------------------------------------------------------------

def _hint(name):
    return " by this name" if name in operators else ""


def _into(kwargs):
    """What `array += tensor` comes down to deserves words of its own."""
    return f" ({', '.join(kwargs)})" + (", and array += tensor would lose its gradient: write array = array + tensor"
                                        if "out" in kwargs else "") if kwargs else ""


def _way_out(symbolic):
    return "use the functions of fastnn.ops" + ("" if symbolic else ", or take tensor.numpy() where no gradient is needed")
