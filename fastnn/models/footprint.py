"""What a step may read of Python: attributes, containers, closures, globals; and whether any of it has changed.

A recorded step holds what Python made of all this at the time.  Attributes of fastnn's objects, and of classes derived from
them, are counted when they are set (`changes`), so that they need to be looked at only when the count has moved.  What users
keep elsewhere is compared before every step.  What cannot be compared is `opaque`: such a step is not replayed.
"""
import collections
import dis
import enum
import functools
import pathlib
import random as python_random
import sys
import types

import numpy as np

from .. import changes, config, random
from ..layers import Layer
from ..op import Op
from ..tape import flatten
from ..tensor import Operand, Variable
from . import fusion
from .network import Row

# In which layers and models keep account of their calls, and what a model tells of a training.
ACCOUNTS = {"_losses", "_losses_stamp", "_seen", "_plans", "_inbound_nodes", "_tensors"}
TOLD = {"history", "stop_training", "_present_fit"}
LATE = {"entries", "terms", "single", "outputs", "wanted", "_plan"}       # of losses, metrics, networks: None until a step uses them, and set by a step that does
PLAIN_OBJECTS = {"SimpleNamespace", "Namespace", "UserDict", "UserList", "Generic", "Protocol", "ABC"}     # of the standard library
HEAP_TYPE = 1 << 9                          # Py_TPFLAGS_HEAPTYPE: a class made by a `class` statement
ITEMS = 1000            # that are compared before every step, at most
BYTES = 65_536          # of an array that is compared
OBJECTS = 20_000        # that are looked at
PLAIN = (int, float, complex, str, bytes, bool, type(None), type(...))
FIXED = (*PLAIN, np.generic, np.dtype, range, slice, pathlib.PurePath, enum.Enum, Op, types.BuiltinFunctionType, types.CodeType,
         types.WrapperDescriptorType, types.MethodDescriptorType, np.ufunc)      # nothing in them changes
STANDARD = set(sys.stdlib_module_names) - {"__main__"}
MISSING = object()


# ---- What is compared -------------------------------------------------------------------------------------------

class Names:
    """Some names of a namespace: attributes, globals, items of a dictionary.

    Args:
        where: what messages call it.
        get: function of a name and a default.
        keys: function that gives the names there are, where new ones matter; None: only those of `kept` do.
        kept: values by name.
    """

    def __init__(self, where, get, keys, kept, ignored=frozenset()):
        self.where, self.get, self.keys, self.kept, self.ignored = where, get, keys, kept, ignored

    def __len__(self):
        return len(self.kept)

    def changed(self):
        """What has changed, in words; None if nothing has."""
        get = self.get
        for key, value in self.kept.items():
            now = get(key, MISSING)
            if now is not value and not same(now, value):
                return f"{self.where}.{key}" if isinstance(key, str) else self.where
        if self.keys is not None and [*self.kept] != ([*self.keys()] if not self.ignored else [k for k in self.keys() if k not in self.ignored]):
            new = [key for key in self.keys() - self.kept.keys() - self.ignored if isinstance(key, str)]
            return ".".join([self.where, *new[:1]])
        return None


class Items:
    """A list, set or deque."""

    def __init__(self, where, container):
        self.where, self.container, self.kept = where, container, list(container)

    def __len__(self):
        return len(self.kept)

    def changed(self):
        if len(self.container) != len(self.kept) or any([a is not b and not same(a, b) for a, b in zip(self.container, self.kept)]):
            return self.where
        return None


class State:
    """Something of which a function gives the state: an array, a generator of random numbers, a closure's cell."""

    def __init__(self, where, read):
        self.where, self.read, self.kept = where, read, read()

    def __len__(self):
        return 1

    def changed(self):
        now = self.read()
        return None if now is self.kept or same(now, self.kept) else self.where


def same(a, b):
    """Whether two values are plain ones of one type, and equal."""
    if type(a) is not type(b) or not isinstance(a, (*PLAIN, np.generic, tuple)):
        return False
    return a == b if isinstance(a, (bytes, str)) else repr(a) == repr(b)        # 0.0 is not -0.0, NaN is NaN


# ---- Taking it --------------------------------------------------------------------------------------------------

class Footprint:
    """A snapshot of all that is reached from a model.

    Attributes:
        opaque: the name and type of something whose changes could not be noticed; None if there is nothing.
    """

    def __init__(self, model):
        self.count, self.opaque = changes.count, None
        self.noted, self.loose = [], []
        self._seen, self._globals = set(), {}
        for where, settings in (("fastnn.config", config.settings()), ("fusion", vars(fusion._state))):
            self.noted.append(Names(where, settings.get, None, dict(settings)))
        self.noted.append(Items("the global random generator", random.global_generators()))
        self._todo = [(model, "model", False)]
        while self._todo:
            self._visit(*self._todo.pop())
        for names in self._globals.values():
            self.loose.append(names)
        if sum(map(len, self.loose)) > ITEMS:
            most = max(self.loose, key=len)
            self._refuse(most.where, f"{len(most):,} items, which is too much to compare before every step")

    def _refuse(self, name, what):
        self.opaque = self.opaque or f"`{name}` ({what})"

    def _next(self, value, name, loose):
        if not isinstance(value, FIXED):
            self._todo.append((value, name, loose))

    def _visit(self, value, name, loose):
        if isinstance(value, FIXED) or id(value) in self._seen:
            return
        self._seen.add(id(value))
        if len(self._seen) > OBJECTS:
            self._refuse(name, "there is more than can be looked at")
            self._todo.clear()
        elif isinstance(value, Variable):
            self._visit_variable(value)
        elif isinstance(value, np.ndarray):
            self._visit_array(value, name)
        elif isinstance(value, (Operand, types.ModuleType)):
            pass                # of tensors only kernels write the contents; of modules it counts what functions name
        elif isinstance(value, (list, tuple, dict, set, frozenset, collections.deque, types.MappingProxyType)):
            self._visit_container(value, name, loose)
        elif isinstance(value, type):
            if is_users(value):
                self._visit_class(value)
        else:
            self._visit_other(value, name)

    def _visit_variable(self, variable):
        kept = {key: getattr(variable, key) for key in ("trainable", "regularizer", "constraint", "data")}
        self.noted.append(Names(variable.path, functools.partial(getattr, variable), None, kept))
        for key in ("regularizer", "constraint"):
            self._next(kept[key], f"{variable.path}.{key}", False)

    def _visit_array(self, array, name):
        if array.nbytes <= BYTES and array.dtype.kind != "O":
            self.loose.append(State(name, array.tobytes))
        elif array.flags.writeable:
            self._refuse(name, f"an array of {array.nbytes / 2**20:.1f} MB, which is too large to compare before every step: make it "
                               "read-only by array.flags.writeable = False, or a Variable")

    def _visit_container(self, value, name, loose):
        entries = self.loose if loose else self.noted
        if hasattr(value, "keys"):
            entries.append(Names(name, value.get, value.keys, dict(value)))
        elif not isinstance(value, (tuple, frozenset)):
            entries.append(Items(name, value))
        for key, item in value.items() if hasattr(value, "keys") else enumerate(value):
            self._next(item, f"{name}[{key!r}]", loose)

    def _visit_other(self, value, name):
        """Functions, generators of random numbers, and objects with attributes."""
        if isinstance(value, types.MethodType):
            self._next(value.__self__, name, True)
            self._next(value.__func__, name, True)
        elif isinstance(value, types.FunctionType):
            self._visit_function(value, name)
        elif isinstance(value, functools.partial):
            for part in (value.func, value.args, value.keywords):
                self._next(part, name, True)
        elif isinstance(value, (property, staticmethod, classmethod, functools.cached_property)):
            for part in (getattr(value, "fget", None), getattr(value, "__func__", None), getattr(value, "func", None)):
                self._next(part, name, True)
        elif isinstance(value, (python_random.Random, np.random.RandomState, np.random.Generator)):
            self.loose.append(State(name, functools.partial(state_of, value)))
        elif isinstance(value, functools._lru_cache_wrapper):
            self._next(value.__wrapped__, name, True)
        elif isinstance(value, Row):
            for leaf in flatten((value.args, value.kwargs)):    # what is passed beside tensors; the lists and dicts are copies
                self._next(leaf, name, True)
        elif is_ours(type(value).__module__) and not hasattr(value, "__dict__"):
            pass                # made of what was looked at already
        elif not is_open(type(value)):
            self._refuse(name, f"of type {type(value).__name__}, whose changes cannot be seen")
        elif hasattr(value, "__dict__") or all_slots(type(value)):
            self._visit_object(value, name)
        else:
            self._refuse(name, f"of type {type(value).__name__}, whose changes cannot be seen")

    def _visit_object(self, value, name):
        ours, noted = is_ours(type(value).__module__), isinstance(value, changes.Noted)
        own = vars(value) if hasattr(value, "__dict__") else {}
        name = own["name"] if isinstance(own.get("name"), str) and noted else name
        ignored = (ACCOUNTS | TOLD if hasattr(value, "stop_training") else ACCOUNTS) if isinstance(value, Layer) else frozenset()
        ignored |= {key for key in LATE if ours and own.get(key, MISSING) is None}
        kept = {key: item for key, item in own.items() if key not in ignored}
        (self.noted if noted or ours else self.loose).append(Names(name, own.get, own.keys, kept, ignored))
        slots = {key: getattr(value, key, MISSING) for key in all_slots(type(value))}
        if slots:
            self.loose.append(Names(name, functools.partial(getattr, value), None, slots))
        for key, item in {**kept, **slots}.items():
            users = key in getattr(type(value), "users_values", ())
            self._next(item, f"{name}.{key}", users or not (ours or key in names_of_layers()))
        for cls in type(value).__mro__:
            if is_users(cls):
                self._next(cls, cls.__name__, True)

    def _visit_class(self, cls):
        """The methods of a class of the user's, and the data that stand in it."""
        body = {key: value for key, value in vars(cls).items() if not key.startswith("__") or key in ("__call__", "__init__")}
        body = {key: value for key, value in body.items() if not isinstance(value, types.MemberDescriptorType)}
        if body:
            self.loose.append(Names(cls.__name__, vars(cls).get, None, body))
        for key, value in body.items():
            self._next(value, f"{cls.__name__}.{key}", True)

    def _visit_function(self, function, name):
        """What a function of the user's reads from outside: closure, defaults, globals and what it names in modules."""
        if not is_users(function):
            return
        for cell_name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            self.loose.append(State(cell_name, functools.partial(contents_of, cell)))
            self._next(contents_of(cell), cell_name, True)
        own = {key: getattr(function, key) for key in ("__code__", "__defaults__", "__kwdefaults__", "__dict__")}
        self.loose.append(Names(name, functools.partial(getattr, function), None, own))
        for part in own.values():
            self._next(part, f"a default of {name}", True)
        read, attributes, modules = names_in(function.__code__)
        found = [sys.modules[name] for name in modules if name in sys.modules]
        for key in read:
            value = function.__globals__.get(key, MISSING)
            self._watch(function.__globals__, "globals", key, value)
            found += [value] if isinstance(value, types.ModuleType) else []
        for module in filter(is_users_module, found):
            for key in attributes & vars(module).keys():
                self._watch(vars(module), module.__name__, key, vars(module)[key])

    def _watch(self, namespace, where, key, value):
        if id(namespace) not in self._globals:
            self._globals[id(namespace)] = Names(where, namespace.get, None, {})
        self._globals[id(namespace)].kept[key] = value
        if value is not MISSING:
            self._next(value, key, True)

    # ---- Comparing

    def changed(self):
        """The name of something that has changed since, None if nothing has; little is looked at if no change was counted."""
        for entry in self.loose:
            found = entry.changed()
            if found:
                return found
        return None if self.count == changes.count else self.difference()

    def difference(self):
        """As `changed`, looking at everything."""
        count = changes.count
        for entry in (*self.loose, *self.noted):
            found = entry.changed()
            if found:
                return found
        self.count = count
        return None


# ---- Whose is it ------------------------------------------------------------------------------------------------

def is_ours(module):
    return module == "fastnn" or (module or "").startswith("fastnn.")


def is_users(thing):
    """Whether a class or function was written by users: not by us, NumPy or the standard library."""
    module = getattr(thing, "__module__", None) or ""
    top = module.partition(".")[0]
    return not is_ours(module) and top not in ("", "builtins", "numpy") and top not in STANDARD


def is_users_module(module):
    top = module.__name__.partition(".")[0]
    return not is_ours(module.__name__) and top != "numpy" and top not in STANDARD


@functools.lru_cache(maxsize=1024)
def is_open(cls):
    """Whether all that objects of a class hold stands in their attributes: not where the class, or one below it, is written in C."""
    if cls.__module__.partition(".")[0] in STANDARD and cls.__name__ not in PLAIN_OBJECTS:
        return False
    return all(base.__flags__ & HEAP_TYPE for base in cls.__mro__[:-1] if base.__name__ not in PLAIN_OBJECTS)


@functools.lru_cache(maxsize=None)
def names_of_layers():
    """The attributes that a layer and a model have before users set any."""
    from .sequential import Sequential
    return frozenset(vars(Layer(name="layer"))) | frozenset(vars(Sequential(name="model")))


@functools.lru_cache(maxsize=1024)
def names_in(code):
    """(globals that a code object and those inside it read or set, attributes that they read, modules that they import)."""
    read, attributes, modules = set(), set(), set()
    for i in dis.get_instructions(code):
        if i.opname in ("LOAD_GLOBAL", "STORE_GLOBAL", "LOAD_NAME"):
            read.add(i.argval)
        elif i.opname in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR"):
            attributes.add(i.argval)
        elif i.opname in ("IMPORT_NAME", "IMPORT_FROM"):
            (modules if i.opname == "IMPORT_NAME" else attributes).add(i.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner = names_in(constant)
            read, attributes, modules = read | inner[0], attributes | inner[1], modules | inner[2]
    return frozenset(read), frozenset(attributes), frozenset(modules)


@functools.lru_cache(maxsize=1024)
def all_slots(cls):
    """The names of a class's `__slots__`, where users wrote it."""
    found = []
    for base in cls.__mro__:
        slots = vars(base).get("__slots__", ()) if is_users(base) else ()
        found += [slots] if isinstance(slots, str) else list(slots)
    return [name for name in found if name not in ("__dict__", "__weakref__")]


def contents_of(cell):
    try:
        return cell.cell_contents
    except ValueError:          # not set yet
        return None


def state_of(generator):
    """The state of a generator of random numbers, comparable."""
    if isinstance(generator, python_random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.Generator):
        return repr(generator.bit_generator.state)
    return (*[part.tobytes() if isinstance(part, np.ndarray) else part for part in generator.get_state(legacy=True)],)


def random_states():
    """The states of NumPy's and Python's random numbers, comparable."""
    return state_of(np.random.mtrand._rand), python_random.getstate()
