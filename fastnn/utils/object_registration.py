"""The user's own classes and functions by name: registered for good, or for the length of a `with` block."""
import inspect
import threading

_custom_objects = {}        # name -> class or function
_registered_names = {}      # class or function -> name
_scopes = threading.local()     # of each thread: `.objects`, what its open scopes brought


class CustomObjectScope:
    """`with CustomObjectScope({"MyLayer": MyLayer}): ...` makes own classes and functions known by name inside the block.

    Args:
        custom_objects: names -> classes or functions.  What an outer block brought stays known.

    Example:
        >>> def double(x):
        ...     return 2 * x
        >>> with CustomObjectScope({"double": double}):
        ...     fastnn.activations.get("double") is double
        True
    """

    def __init__(self, custom_objects):
        self.custom_objects = custom_objects or {}
        self._outer = []        # a scope may be entered again while it is open

    def __enter__(self):
        self._outer.append(_scoped())
        _scopes.objects = {**self._outer[-1], **self.custom_objects}
        return self

    def __exit__(self, *error):
        _scopes.objects = self._outer.pop()


custom_object_scope = CustomObjectScope


def _scoped():
    return getattr(_scopes, "objects", {})


def known_objects(custom_objects=None):
    """Where own names are looked up: what was passed, the open scopes, what is registered; in this order."""
    return custom_objects or {}, _scoped(), _custom_objects


def get_custom_objects():
    """The dictionary (name -> class or function) of what is registered for good; it can be changed in place."""
    return _custom_objects


def register_keras_serializable(package="Custom", name=None):
    """Decorator: configs and saved models may name the class (or function) from now on.

    Args:
        package: the first half of the registered name `package>name`.
        name: the second half; default: the name of the class.

    Raises:
        ValueError: a class without `get_config()`.

    Example:
        >>> @register_keras_serializable("mine")
        ... def double(x):
        ...     return 2 * x
        >>> get_registered_name(double)
        'mine>double'
    """

    def register(obj):
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError(f"Cannot register {obj.__name__}: it has no `get_config()` method.")
        full = f"{package}>{name or obj.__name__}"
        _custom_objects[full] = obj
        _registered_names[obj] = full
        return obj

    return register


def get_registered_name(obj):
    """`package>name` of a registered class or function, else its plain name."""
    return _registered_names.get(obj, obj.__name__)


def get_registered_object(name, custom_objects=None, module_objects=None):
    """The class or function that a name means in the open scopes, in the registry or in the tables passed; None if there is none."""
    for objects in (_scoped(), _custom_objects, custom_objects or {}, module_objects or {}):
        if name in objects:
            return objects[name]
    return None
