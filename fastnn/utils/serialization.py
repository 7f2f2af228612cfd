"""Objects to configs (plain dicts that JSON can hold) and back, and names to objects.

A config has the form of Keras 3, `{"module", "class_name", "config", "registered_name"}`, so that files can be
exchanged with Keras.  The module that is written for a class of fastnn is the one where Keras has it.
"""
import collections
import difflib
import functools
import importlib
import inspect
import threading

import numpy as np

from .. import config as settings
from .. import ops
from ..graph import KerasTensor
from ..op import Op
from ..tensor import Operand, Variable, standardize_dtype
from .function_code import code_config, function_of, is_nameless
from .naming import to_snake_case
from .object_registration import CustomObjectScope, get_registered_name, known_objects

_shared = threading.local()     # of each thread, inside an `ObjectSharingScope`: `.made`, `.written`
PLAIN = (str, int, float, bool, type(None))
# Where a function of Keras is that a config gives by its name alone, in this order.
FUNCTIONS = ("activations", "losses", "metrics", "initializers", "regularizers", "constraints", "optimizers")
# The parts of fastnn whose classes a config may name.
PARTS = (*FUNCTIONS, "layers", "models", "random", "ops", "optimizers.schedules", "dtype_policies")
# Where functions that a config names may be; they will be called, so that none of them may read or write.
OF_FUNCTIONS = (*FUNCTIONS, "ops")
# What `keras` itself exports, and not the module in which it is defined.
OF_THE_PACKAGE = ("Initializer", "Layer", "Loss", "Metric", "Optimizer", "Regularizer")

# Classes that Keras exports under another name than their own, after which files call groups and layers.
EXPORTED_AS = {"GroupedQueryAttention": "GroupQueryAttention"}


def lookup(kind, name, table, custom_objects=None):
    """The entry `name` of `table`, or of the user's registered objects.

    Raises:
        ValueError that gives the nearest names there are.
    """
    for objects in (*known_objects(custom_objects), table):
        if name in objects:
            return objects[name]
    known = sorted(set(table).union(*known_objects(custom_objects)))
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known: {', '.join(known)}."
    raise ValueError(
        f"Unknown {kind}: {name!r}. {hint} An own class or function can be passed as an object; by its name after "
        f"`register_keras_serializable`, and to what loads models with custom_objects={{{name!r}: ...}}."
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
    if isinstance(obj, (tuple, list)):
        parts = [serialize(x) for x in obj]
        return tuple(parts) if isinstance(obj, tuple) else parts
    if isinstance(obj, dict):
        return {key: serialize(value) for key, value in obj.items()}
    if inspect.isfunction(obj) or inspect.isbuiltin(obj) or isinstance(obj, Op):
        return _serialize_function(obj)
    value = _serialize_value(obj)
    if value is not None:
        return value
    if inspect.isclass(obj) or not hasattr(obj, "get_config"):
        raise TypeError(f"Cannot serialize {obj!r} (of type {type(obj).__name__}): "
                        + ("pass an object of this class." if inspect.isclass(obj) else "it has no `get_config()` method."))
    return _serialize_object(obj)


def _serialize_value(obj):
    """What has no config of its own and is no plain value; None for anything else."""
    if isinstance(obj, np.generic) or isinstance(obj, np.ndarray) and not obj.ndim:
        return obj.item()
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        return {"class_name": "__slice__", "config": {key: serialize(getattr(obj, key)) for key in ("start", "stop", "step")}}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, np.dtype):
        return obj.name
    if isinstance(obj, KerasTensor):
        operation = None if obj.node is None else obj.node.operation
        history = None if operation is None else [operation.name, 0, obj.index]
        return {"class_name": "__keras_tensor__", "config": {"shape": obj.shape, "dtype": obj.dtype, "keras_history": history}}
    if isinstance(obj, np.ndarray) or hasattr(obj, "__array__"):
        array = np.asarray(obj)
        kind = "__tensor__" if isinstance(obj, Operand) and not isinstance(obj, Variable) else "__numpy__"
        return {"class_name": kind, "config": {"value": array.tolist(), "dtype": str(array.dtype)}}
    return None


def _serialize_object(obj):
    cls = type(obj)
    config = obj.get_config()
    if not isinstance(config, dict):
        raise TypeError(f"`get_config()` of {cls.__name__} must return a dict, it returned {config!r}")
    module = public_module(cls)
    written = {
        "module": None if module == "__main__" else module,     # which will be another one where the config is read
        "class_name": EXPORTED_AS.get(cls.__name__, cls.__name__) if is_builtin(cls) else cls.__name__,
        "config": {key: serialize_value(value) for key, value in config.items()},
        "registered_name": None if is_builtin(cls) and cls.__name__ != "Functional" else get_registered_name(cls),
    }
    for key in ("build_config", "compile_config"):      # of layers and models
        config = getattr(obj, f"get_{key}", lambda: None)()
        if config is not None:
            written[key] = serialize_value(config)
    _mark_shared(obj, written)
    return written


class ObjectSharingScope:
    """`with ObjectSharingScope(): ...`: inside the block an object that is serialized, or deserialized, twice stays one object."""

    def __enter__(self):
        self._outer = vars(_shared).copy()
        _shared.made, _shared.written = {}, {}
        return self

    def __exit__(self, *error):
        vars(_shared).clear()
        vars(_shared).update(self._outer)


def _mark_shared(obj, written):
    """Gives the configs of an object a common number."""
    seen = getattr(_shared, "written", None)
    if seen is not None:
        seen[id(obj)] = obj         # held, for its id to stay its own
        written["shared_object_id"] = id(obj)


def serialize_whole(obj):
    """As `serialize_keras_object`, with a common number in the configs of an object that comes several times."""
    with ObjectSharingScope():
        found = serialize_keras_object(obj)
    numbers = collections.Counter(config["shared_object_id"] for config in _marked(found))
    for config in _marked(found):
        if numbers[config["shared_object_id"]] == 1:
            del config["shared_object_id"]
    return found


def _marked(config):
    """The dicts with a number in a config, as a list."""
    if isinstance(config, (list, tuple)):
        return [found for part in config for found in _marked(part)]
    if not isinstance(config, dict):
        return []
    return [config] * ("shared_object_id" in config) + [found for part in config.values() for found in _marked(part)]


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
    if isinstance(config, str):
        return next((objects[config] for objects in known_objects(custom_objects) if config in objects), config)
    if isinstance(config, PLAIN):
        return config
    if isinstance(config, (list, tuple)):
        return [deserialize(x, table, custom_objects, kind) for x in config]
    if not isinstance(config, dict):
        return config
    class_name = config.get("class_name")
    if class_name in SPECIAL:
        return SPECIAL[class_name](config, custom_objects)
    if class_name is None or "config" not in config:
        return {key: deserialize(value, None, custom_objects) for key, value in config.items()}
    if class_name == "function":
        return _find(config, config["config"], table, custom_objects, "function")
    found = _find(config, class_name, table, custom_objects, kind)
    if not inspect.isclass(found):
        return found
    made, number = getattr(_shared, "made", {}), config.get("shared_object_id")
    if number is None:
        return _from_config(found, config, custom_objects)
    if number not in made:
        made[number] = _from_config(found, config, custom_objects)
    return made[number]


def _from_config(cls, config, custom_objects):
    if not hasattr(cls, "from_config"):
        raise TypeError(f"Cannot make a {cls.__name__} from its config: the class has no `from_config()` method.")
    with CustomObjectScope(custom_objects):
        made = cls.from_config(config["config"] or {})
        if config.get("build_config") and not made.built:
            made.build_from_config(config["build_config"])
        if config.get("compile_config") and hasattr(made, "compile_from_config"):
            _compile_again(made, config["compile_config"])
    return made


def _compile_again(model, config):
    try:
        model.compile_from_config(config)
    except (ValueError, TypeError) as error:
        raise ValueError(f"model {model.name!r} cannot be compiled as it was: {error} Without that it can be loaded, by "
                         "load_model(path, compile=False)") from error


def _array(config, custom_objects):
    return np.array(config["config"]["value"], dtype=standardize_dtype(config["config"]["dtype"]))


# What a config with one of these class names means.
SPECIAL = {
    "__tuple__": lambda config, objects: tuple(deserialize(x, None, objects) for x in config["items"]),
    "__numpy__": _array,
    "__tensor__": lambda config, objects: ops.convert_to_tensor(_array(config, objects)),
    "__bytes__": lambda config, objects: config["config"]["value"].encode("utf-8"),
    "__ellipsis__": lambda config, objects: Ellipsis,
    "__slice__": lambda config, objects: slice(*(deserialize(config["config"][key]) for key in ("start", "stop", "step"))),
    "__keras_tensor__": lambda config, objects: KerasTensor(tuple(config["config"]["shape"]), config["config"]["dtype"]),
    "__lambda__": lambda config, objects: function_of(config),
}


def _find(config, name, table, custom_objects, kind):
    registered = config.get("registered_name")
    for objects in known_objects(custom_objects):
        for key in (registered, name):
            if key in objects:
                return objects[key]
    if table is None:
        table = _names_of(config.get("module"), name, kind)
    return lookup(kind, name, table, custom_objects)


def _names_of(module, name, kind):
    """The classes, or functions, that a config may mean by a module of Keras, by name.

    `keras.src.layers.core.dense` is in `fastnn.layers`.  Only parts of fastnn that hold what models are made of are looked into: a
    config from elsewhere must not reach functions that download or write.
    """
    if module == "builtins" and kind == "function":
        found = {key: value for key, value in vars(ops).items() if callable(value)}
        for part in reversed(FUNCTIONS):
            found.update(_members(f"fastnn.{part}", inspect.isfunction))
        return found
    parts = [part for part in (module or "").split(".") if part not in ("src", "python")]
    if parts[0] not in ("keras", "fastnn", "tensorflow", "tf_keras"):
        raise ValueError(
            f"Cannot find {name!r}{f' of module {module!r}' if module else ''}: own classes and functions have to be registered with "
            f"`register_keras_serializable` or passed, as custom_objects={{{name!r}: ...}}."
        )
    parts = [part for part in parts if part not in ("keras", "fastnn", "tensorflow", "tf_keras")]
    wanted = inspect.isclass if kind != "function" else _is_function
    known = PARTS if kind != "function" else OF_FUNCTIONS
    if not parts:
        own = importlib.import_module("fastnn")
        return {key: getattr(own, key) for key in own._NAMES if wanted(getattr(own, key))}
    for part in (".".join(parts[:2]), parts[0]):
        if part in known:
            return _members(f"fastnn.{part}", wanted)
    raise ValueError(f"Cannot find {name!r} of module {module!r}: models are not made of what is in there.")


def _is_function(value):
    return not inspect.isclass(value) and callable(value)


@functools.lru_cache(maxsize=None)      # of a few modules; a model asks once for each layer
def _members(module, wanted):
    found = importlib.import_module(module)
    return {key: getattr(found, key) for key in dir(found) if not key.startswith("_") and wanted(getattr(found, key, None))}


def _serialize_function(function):
    if is_nameless(function):
        return code_config(function)
    name = function.__name__ if is_builtin(function) else get_registered_name(function)
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def is_builtin(obj):
    """Whether a class or function is fastnn's own."""
    return (getattr(obj, "__module__", None) or "").split(".")[0] == "fastnn"


def public_module(cls):
    """Where Keras has the class: `keras.layers` for everything in `fastnn.layers`, and so on."""
    if not is_builtin(cls):
        return cls.__module__
    parts = cls.__module__.split(".")
    if cls.__name__ == "Functional":
        return "keras.src.models.functional"
    if len(parts) == 1 or parts[1] in ("models", "config", "dtype_policies") or cls.__name__ in OF_THE_PACKAGE:
        return "keras"
    return "keras.optimizers.schedules" if parts[1:] == ["optimizers", "schedules"] else f"keras.{parts[1]}"


def serialize_keras_object(obj):
    """The config of an object (`keras.saving.serialize_keras_object`).

    Args:
        obj: a layer, model, loss, metric, optimizer, initializer, function ...; a plain value, array or tensor; lists, tuples and
            dicts of them.

    Returns:
        Plain values that JSON can hold; `deserialize_keras_object` makes the object of them again.  Those of a layer that is built have
        the shapes under "build_config", so that the new layer is built, too (with weights of its own), those of a compiled model the
        arguments of `compile` under "compile_config".

    Raises:
        TypeError: an object that has no `get_config()`, a lambda.

    Example:
        >>> serialize_keras_object(fastnn.initializers.Constant(0.5))["config"]
        {'value': 0.5}
    """
    return serialize(obj)


def deserialize_keras_object(config, custom_objects=None, safe_mode=True, *, module_objects=None):
    """An object from its config (`keras.saving.deserialize_keras_object`).

    Args:
        config: what `serialize_keras_object` gave.
        custom_objects: names -> the user's own classes and functions.
        safe_mode: False: Lambda layers may make functions of code in the config, and run them.
        module_objects: names -> classes; None: they are looked for where the config's module says.

    Raises:
        ValueError: an unknown name; TypeError: a class that does not accept its config.
    """
    with settings.deserialization(safe_mode):
        return deserialize(config, module_objects, custom_objects)
