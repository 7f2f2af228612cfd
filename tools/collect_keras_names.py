"""Store the public names of Keras 3 and their arguments in tests/golden/keras_names.json, for tools/keras_names.py.

    KERAS_BACKEND=jax python tools/collect_keras_names.py           (with keras and jax installed)

The file: {"keras": version, "names": {namespace: {name: entry}}, "members": {path of a class: {name: entry}}}.  An entry is
a list of arguments of a class or function ("units", "use_bias=True", "*args", "name=None"; "*" alone: what follows is passed
by name only), a string, the path where the same object stands already, or null: neither class nor function, or one that tells
no arguments.  Members are the methods and attributes that a class adds to those of the classes above it.
"""
import importlib
import inspect
import json
import pathlib
import re

from keras_names import STORED, arguments, shown

ENGINE = re.compile(r"keras\.src\.backend\.(jax|torch|tensorflow|numpy|openvino)")     # what is a matter of Keras' backends


def collect():
    """Stores the names of the Keras that this Python has."""
    import keras

    found, seen, classes = {}, {}, {}
    for namespace in sorted(modules(keras), key=lambda name: (name.count("."), name)):
        module = importlib.import_module(namespace)
        found[namespace] = {
            name: entry(value, f"{namespace}.{name}", seen) for name, value in sorted(vars(module).items())
            if not name.startswith("_") and not inspect.ismodule(value)
        }
        classes.update({value: seen[id(value)] for value in vars(module).values() if inspect.isclass(value)})
    members = {path: own_members(cls, classes) for cls, path in classes.items()}
    members = {path: own for path, own in members.items() if own}
    STORED.write_text(f'{{"keras": "{keras.__version__}", "names": {rows(found)}, "members": {rows(members)}}}\n')


def rows(table):
    """A table as JSON with one line for each key."""
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}"
                              for key, value in sorted(table.items())) + "\n}"


def own_members(cls, classes):
    """The public methods (with arguments) and attributes that a class has and no class of Keras' interface above it."""
    bases = [base for base in cls.__mro__ if base.__module__.startswith("keras.") and not ENGINE.match(base.__module__)]
    known = {name for base in bases if base is not cls and classes.get(base, "keras.Operation") != "keras.Operation"
             for name in dir(base)}         # fastnn's layers have no Operation below them
    found = {name for base in bases for name in vars(base) if not name.startswith("_")}
    return {name: entry(getattr(cls, name), name, {}, method=True) for name in sorted(found)
            if name not in known}


def modules(module):
    """The names of a module of Keras' interface and of all those below it."""
    yield module.__name__
    folder = pathlib.Path(module.__file__).parent
    for path in sorted(folder.glob("*/__init__.py")):
        name = path.parent.name
        if not name.startswith("_") and not (module.__name__ == "keras" and name == "src"):
            yield from modules(importlib.import_module(f"{module.__name__}.{name}"))


def entry(value, path, seen, method=False):
    """What is stored of an object that stands at a path; `seen` maps the ids of objects to the paths of those before."""
    if not callable(value):
        return None
    if id(value) in seen:
        return seen[id(value)]
    seen[id(value)] = path
    parameters = arguments(value)
    if parameters is None:
        return None
    if method and parameters and parameters[0].name == "self":
        parameters = parameters[1:]
    words, named = [], False
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and not named:
            words.append("*")
        named = named or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        words.append(star + p.name + ("" if p.default is p.empty else f"={shown(p.default)}"))
    return words


if __name__ == "__main__":
    collect()
