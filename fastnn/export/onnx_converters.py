"""How an op becomes nodes of ONNX: the registry of converters.

    @converts("softmax")
    def softmax(g, x, *, axis):
        return g.node("Softmax", x, axis=axis)

A converter takes the graph, a Ref for each input of the op (None: absent), and by keyword those attributes of the op that it
names; `to` is the op's first result (its `shape` and `dtype`).  It gives back a Ref, or for an op with several results a tuple of
them, None for those that it cannot give.
"""
import importlib
import inspect
from functools import cache

CONVERTERS = {}         # name of the op -> (function, names of its keyword arguments)


def converts(*names):
    """Enters a converter for the ops of these names."""
    def enter(function):
        keywords = tuple(p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY)
        for name in names:
            if name in CONVERTERS:
                raise ValueError(f"there is already a converter of {name!r}")
            CONVERTERS[name] = function, keywords
        return function
    return enter


def converter(name):
    """The converter of an op and the names of its keyword arguments; None if there is none."""
    load_converters()
    return CONVERTERS.get(name)


@cache
def load_converters():
    """Imports the modules that hold converters, once."""
    for family in ("along", "elementwise", "moves", "products", "windows"):
        importlib.import_module(f".onnx_{family}", __package__)
