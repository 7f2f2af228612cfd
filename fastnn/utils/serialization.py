"""Objects to configs (plain dicts that JSON can hold) and back, and names to objects.

A config has the form of Keras 3, `{"module", "class_name", "config", "registered_name"}`, so that files can be
exchanged with Keras.  The module that is written for a class of fastnn is the one where Keras has it.
"""
import difflib
import importlib
import inspect
from contextlib import contextmanager

import numpy as np

from .. import ops
from ..op import Op
from .naming import to_snake_case

PLAIN = (str, int, float, bool, type(None))
_custom_objects = {}
_registered_names = {}


def lookup(kind, name, table, custom_objects=None):
    """The entry `name` of `table`, or of the user's registered objects.

    Raises:
        ValueError that gives the nearest names there are.
    """
    for objects in (custom_objects or {}, _custom_objects, table):
        if name in objects:
            return objects[name]
    known = sorted(set(table) | set(_custom_objects) | set(custom_objects or {}))
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known: {', '.join(known)}."
    raise ValueError(
        f"Unknown {kind}: {name!r}. {hint} An own class or function can be passed as an object, "
        "or by name after `register_keras_serializable`."
    )


def name_table(*classes, **aliases):
    """`{"ClassName": cls, "class_name": cls, ..., alias: cls}`: all names by which classes can be asked for."""
    table = {cls.__name__: cls for cls in classes}
    table.update({to_snake_case(cls.__name__): cls for cls in classes})
    table.update(aliases)
    return table


def get(kind, identifier, table, custom_objects=None):
    """An object from whatever a user may pass for it: None, a name, a config, a class, an instance, a function.

    Args:
        kind: what is looked for, for the error message ("initializer").
        identifier: what the user passed.
        table: names -> classes or functions.

    Raises:
        ValueError: unknown names and things that cannot be called.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        found = lookup(kind, identifier, table, custom_objects)
    elif isinstance(identifier, dict):
        found = deserialize(identifier, table, custom_objects, kind)
    else:
        found = identifier
    if inspect.isclass(found):
        found = found()
    if not callable(found):
        raise ValueError(f"Could not interpret {kind} identifier: {identifier!r}. Pass a name, a config or a callable.")
    return found


def serialize(obj):
    """The config of an object, or of a structure of objects and plain values.

    Raises:
        TypeError: an object that has no `get_config()`.
    """
    if isinstance(obj, PLAIN):
        return obj
    if isinstance(obj, tuple):
        return {"class_name": "__tuple__", "items": [serialize(x) for x in obj]}
    if isinstance(obj, list):
        return [serialize(x) for x in obj]
    if isinstance(obj, dict):
        return {key: serialize(value) for key, value in obj.items()}
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray) or hasattr(obj, "__array__"):
        array = np.asarray(obj)
        return {"class_name": "__numpy__", "config": {"value": array.tolist(), "dtype": str(array.dtype)}}
    if inspect.isfunction(obj) or inspect.isbuiltin(obj) or isinstance(obj, Op):
        return _serialize_function(obj)
    if not hasattr(obj, "get_config"):
        raise TypeError(f"Cannot serialize {obj!r} (of type {type(obj).__name__}): it has no `get_config()` method.")
    cls = type(obj)
    return {
        "module": public_module(cls),
        "class_name": cls.__name__,
        "config": {key: serialize_value(value) for key, value in obj.get_config().items()},
        "registered_name": None if is_builtin(cls) else registered_name(cls),
    }


serialize_object = serialize


def serialize_value(value):
    """A value inside a config: objects become configs; tuples stay lists as JSON has them."""
    if isinstance(value, (tuple, list)):
        return [serialize_value(x) for x in value]
    return serialize(value)


def deserialize(config, table=None, custom_objects=None, kind="object"):
    """The inverse of `serialize`.

    Args:
        config: a config, a name, or a structure of them.
        table: names -> classes or functions; without one the class is looked for where the config's module says.
        custom_objects: names -> the user's own classes.

    Raises:
        ValueError: an unknown name; TypeError when a class does not accept the config.
    """
    if isinstance(config, str) and table is not None:
        return lookup(kind, config, table, custom_objects)
    if isinstance(config, PLAIN):
        return config
    if isinstance(config, (list, tuple)):
        return [deserialize(x, table, custom_objects, kind) for x in config]
    if not isinstance(config, dict):
        return config
    class_name = config.get("class_name")
    if class_name == "__tuple__":
        return tuple(deserialize(x, None, custom_objects) for x in config["items"])
    if class_name == "__numpy__" or class_name == "__tensor__":
        return np.array(config["config"]["value"], dtype=config["config"]["dtype"])
    if class_name is None or "config" not in config:
        return {key: deserialize(value, None, custom_objects) for key, value in config.items()}
    if class_name == "function":
        return _find(config, config["config"], table, custom_objects, "function")
    found = _find(config, class_name, table, custom_objects, kind)
    return _from_config(found, config["config"] or {}, custom_objects) if inspect.isclass(found) else found


def _from_config(cls, config, custom_objects):
    with custom_object_scope(custom_objects):
        return cls.from_config(config)


def _find(config, name, table, custom_objects, kind):
    registered = config.get("registered_name")
    for objects in (custom_objects or {}, _custom_objects):
        for key in (registered, name):
            if key in objects:
                return objects[key]
    if table is None and config.get("module") == "builtins":
        table = {key: value for key, value in vars(ops).items() if callable(value)}       # a function's
    if table is None:
        table = vars(_fastnn_module(config.get("module"), name))
        table = {key: value for key, value in table.items() if not key.startswith("_")}
    return lookup(kind, name, table, custom_objects)


def _fastnn_module(module, name):
    """The module of fastnn for a module name of Keras: `keras.src.layers.core.dense` is in `fastnn.layers`."""
    parts = (module or "").split(".")
    if parts[0] not in ("keras", "fastnn", "tensorflow", "tf_keras"):
        raise ValueError(
            f"Cannot find {name!r} of module {module!r}: own classes have to be registered with "
            "`register_keras_serializable` or passed in `custom_objects`."
        )
    parts = [part for part in parts if part not in ("keras", "fastnn", "tensorflow", "tf_keras", "src", "python")]
    return importlib.import_module(f"fastnn.{parts[0]}" if parts else "fastnn")


def _serialize_function(function):
    if function.__name__ == "<lambda>":
        raise TypeError("A lambda cannot be serialized: give the function a name with `def`.")
    builtin = is_builtin(function)
    name = function.__name__ if builtin else registered_name(function)
    return {
        "module": "builtins",
        "class_name": "function",
        "config": function.__name__,
        "registered_name": name,
    }


def is_builtin(obj):
    """Whether a class or function is fastnn's own."""
    return (getattr(obj, "__module__", None) or "").split(".")[0] == "fastnn"


def public_module(cls):
    """Where Keras has the class: `keras.layers` for everything in `fastnn.layers`, and so on."""
    if not is_builtin(cls):
        return cls.__module__
    parts = cls.__module__.split(".")
    if len(parts) == 1 or parts[1] in ("models", "config"):
        return "keras"
    return f"keras.{parts[1]}"


def registered_name(obj):
    """`package>name` of a registered class or function, else its plain name."""
    return _registered_names.get(obj, obj.__name__)


def register_keras_serializable(package="Custom", name=None):
    """Class decorator: configs and saved models may name the class (or function) from now on.

    Args:
        package: the first half of the registered name `package>name`.
        name: the second half; default: the class name.
    """

    def register(obj):
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError(f"Cannot register {obj.__name__}: it has no `get_config()` method.")
        full = f"{package}>{name or obj.__name__}"
        _custom_objects[full] = obj
        _registered_names[obj] = full
        return obj

    return register


def get_registered_object(name, custom_objects=None):
    """The class or function registered under `package>name`, or None."""
    return (custom_objects or {}).get(name, _custom_objects.get(name))


def get_registered_name(obj):
    """`package>name` of a registered class or function, else its plain name."""
    return registered_name(obj)


def get_custom_objects():
    """The dictionary (name -> class or function) of the user's own objects; it can be changed in place."""
    return _custom_objects


@contextmanager
def custom_object_scope(custom_objects):
    """`with custom_object_scope({"MyLayer": MyLayer}): ...` makes own classes known by name."""
    before = dict(_custom_objects)
    _custom_objects.update(custom_objects or {})
    try:
        yield
    finally:
        _custom_objects.clear()
        _custom_objects.update(before)


def serialize_keras_object(obj):
    """The config of an object (`keras.saving.serialize_keras_object`)."""
    return serialize(obj)


def deserialize_keras_object(config, custom_objects=None, module_objects=None):
    """An object from its config (`keras.saving.deserialize_keras_object`); `module_objects`: names -> classes."""
    return deserialize(config, module_objects, custom_objects)


CustomObjectScope = custom_object_scope
