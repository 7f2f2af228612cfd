"""What a step reads of Python: attributes, containers, closures and globals; and whether any of it has changed.

A recorded step holds what Python made of all this at the time.  Attributes of fastnn's objects and of classes derived from
them are counted when they are set (`changes`), so that they need to be looked at only when the count has moved; what users
keep elsewhere is looked at before every step.
"""
import dis
import random as python_random
import sys
import types
from functools import lru_cache

import numpy as np

from .. import changes, config, random
from ..tensor import Operand, Variable
from . import fusion

# Attributes in which layers and models keep account of their calls.
IGNORED = {"_losses", "_losses_stamp", "_seen", "history", "stop_training", "_plans"}
ITEMS, OBJECTS = 1000, 5000         # of larger containers only the length counts; no more objects are looked at
PLAIN = (int, float, complex, str, bytes, bool, type(None))
STANDARD = set(sys.stdlib_module_names) - {"__main__"}


class Footprint:
    """A snapshot of all that is reached from a model."""

    def __init__(self, model):
        self.count = changes.count
        self.noted, self.loose = [], []     # (container, what it held, its name in messages)
        self.variables = []
        self._seen = set()
        self._add(config.settings(), "fastnn.config")
        self._add(vars(fusion._state), "fusion")
        self._add(random.global_generators(), "the global random generator")
        self._visit(model, "model", False)

    # ---- Taking it

    def _add(self, container, name, loose=False, keys=None):
        kept = {k: container.get(k) for k in keys} if keys is not None else len(container) if len(container) > ITEMS else \
            dict(container) if isinstance(container, dict) else list(container)
        (self.loose if loose else self.noted).append((container, kept, name))

    def _visit(self, value, name, loose):
        if isinstance(value, PLAIN) or id(value) in self._seen or len(self._seen) > OBJECTS:
            return
        self._seen.add(id(value))
        if isinstance(value, Variable):
            self._visit_variable(value, name)
        elif isinstance(value, (Operand, np.ndarray, type, types.ModuleType)):
            pass
        elif isinstance(value, (list, tuple, dict, set)):
            self._visit_container(value, name, loose)
        elif isinstance(value, types.MethodType):
            self._visit(value.__self__, name, loose)
            self._visit(value.__func__, name, loose)
        elif isinstance(value, types.FunctionType):
            self._visit_function(value, name)
        elif hasattr(value, "__dict__"):
            self._visit_object(value, name, loose)

    def _visit_variable(self, variable, name):
        self.variables.append((variable, variable.regularizer, variable.constraint))
        for value in (variable.regularizer, variable.constraint):
            self._visit(value, name, False)

    def _visit_container(self, value, name, loose):
        if not isinstance(value, tuple):
            self._add(value, name, loose)
        if len(value) <= ITEMS:
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                self._visit(item, f"{name}[{key!r}]", loose)

    def _visit_object(self, value, name, loose):
        cls = type(value)
        ours, noted = is_ours(cls.__module__), isinstance(value, changes.Noted)
        name = own_name(value) or name
        if not ours and not noted and not is_users(cls):
            return
        self._add(vars(value), name, loose=not noted and not ours)
        for key, item in list(vars(value).items()):
            if key not in IGNORED:
                self._visit(item, f"{name}.{key}", not ours and not key.startswith("_"))
        for base in cls.__mro__:
            if is_users(base):
                for key, item in list(vars(base).items()):
                    function = getattr(item, "__func__", getattr(item, "fget", item))
                    if isinstance(function, types.FunctionType):
                        self._visit(function, f"{cls.__name__}.{key}", False)

    def _visit_function(self, function, name):
        """What a function of the user's reads from outside: its closure, and globals that are data or functions again."""
        if not is_users(function):
            return
        for cell_name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            self.loose.append((cell, contents_of(cell), f"{cell_name} in {name}"))
            self._visit(contents_of(cell), f"{cell_name} in {name}", True)
        for item in function.__defaults__ or ():
            self._visit(item, f"a default of {name}", True)
        read = [key for key in globals_in(function.__code__) if is_data(function.__globals__.get(key))]
        if read:
            self._add(function.__globals__, f"globals of {name}", True, read)
        for key in read:
            self._visit(function.__globals__[key], key, True)

    # ---- Comparing

    def changed(self):
        """The name of something that has changed since, None if nothing has; little is looked at if no change was counted."""
        found = first_changed(self.loose)
        if found or self.count == changes.count:
            return found
        return self.difference()

    def difference(self):
        """As `changed`, looking at everything."""
        count = changes.count
        found = first_changed(self.loose) or first_changed(self.noted)
        if found is None:
            for v, regularizer, constraint in self.variables:
                if v.regularizer is not regularizer or v.constraint is not constraint:
                    return v.path
            self.count = count
        return found


def own_name(value):
    """What a layer, metric or optimizer is called, "" for what has no name."""
    name = vars(value).get("name")
    return name if isinstance(name, str) else ""


def first_changed(entries):
    for container, kept, name in entries:
        if isinstance(container, dict):
            if isinstance(kept, int):
                if len(container) != kept:
                    return name
                continue
            for key, value in kept.items():
                now = container.get(key, container)
                if now is not value and key not in IGNORED and not same(now, value):
                    return f"{name}.{key}" if isinstance(key, str) else name
            if len(container) != len(kept) and "globals of" not in name and not container.keys() <= kept.keys() | IGNORED:
                return f"{name}.{next(iter(container.keys() - kept.keys() - IGNORED))}"
        elif isinstance(container, types.CellType):
            if contents_of(container) is not kept and not same(contents_of(container), kept):
                return name
        elif len(container) != (kept if isinstance(kept, int) else len(kept)):
            return name
        elif not isinstance(kept, int) and any(a is not b and not same(a, b) for a, b in zip(container, kept)):
            return name
    return None


def same(a, b):
    """Whether two values are plain ones of one type, and equal."""
    return type(a) is type(b) and isinstance(a, PLAIN) and (a == b or a != a and b != b)


def contents_of(cell):
    try:
        return cell.cell_contents
    except ValueError:          # not set yet
        return None


def is_ours(module):
    return module == "fastnn" or module.startswith("fastnn.")


def is_users(thing):
    """Whether a class or function was written by users: not by us, NumPy or the standard library."""
    module = thing.__module__ or ""
    top = module.partition(".")[0]
    return not is_ours(module) and top not in ("builtins", "numpy") and top not in STANDARD


def is_data(value):
    """Whether a global is something that may change: no module and no class, and no function but the user's."""
    if isinstance(value, types.FunctionType):
        return is_users(value)
    return value is not None and not isinstance(value, (types.ModuleType, type, types.BuiltinFunctionType))


@lru_cache(maxsize=1024)
def globals_in(code):
    """The names of the globals that a code object, and those inside it, read or set."""
    found = {i.argval: None for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "STORE_GLOBAL")}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found.update(dict.fromkeys(globals_in(constant)))
    return list(found)


def random_states():
    """The states of NumPy's and Python's random numbers, comparable."""
    name, keys, *rest = np.random.get_state()
    return name, keys.tobytes(), rest, python_random.getstate()
