"""python -m fastnn script.py [arguments]: runs a Keras script, unmodified, with fastnn standing for Keras.

Imports of `keras`, `tensorflow.keras` and their submodules, and `tensorflow.keras` reached by `import tensorflow as tf`,
are answered by fastnn.  `python -m fastnn -m module [arguments]` runs a module.
"""
import importlib
import importlib.abc
import importlib.machinery
import os
import runpy
import sys
import types

USAGE = "usage: python -m fastnn script.py [arguments ...]\n       python -m fastnn -m module [arguments ...]\n"


def real_name(name):
    """The module of fastnn that a module of Keras stands for, or None."""
    for prefix in ("keras", "tensorflow.keras", "tensorflow.python.keras"):
        if name == prefix or name.startswith(prefix + "."):
            return "fastnn" + name[len(prefix):]
    return None


class AliasLoader(importlib.abc.Loader):
    """Gives the module of fastnn itself under a second name."""

    def __init__(self, target):
        self.target = target

    def create_module(self, spec):
        module = find_module(self.target, spec.name)
        self.own_spec = getattr(module, "__spec__", None)
        return module

    def exec_module(self, module):
        module.__spec__ = self.own_spec         # the import system has just put the alias there


def find_module(target, asked):
    """A module of fastnn, or what stands under its name in its package."""
    try:
        return importlib.import_module(target)
    except ModuleNotFoundError as error:
        if error.name != target:
            raise
        parent, _, child = target.rpartition(".")
        found = getattr(importlib.import_module(parent), child, None) if parent else None
        if found is None:
            raise ModuleNotFoundError(f"fastnn has no module {target!r} (asked for as {asked!r})", name=asked) from None
        return found


class TensorFlow(types.ModuleType):
    """What stands for `tensorflow`: its `keras`, and the few names that Keras scripts take from beside it."""

    def __getattr__(self, name):
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        fastnn = importlib.import_module("fastnn")
        if name == "keras":
            return fastnn
        if name == "random":
            return types.SimpleNamespace(set_seed=fastnn.utils.set_random_seed)
        if name in ("GradientTape", "Variable", "__version__"):
            return getattr(fastnn, name)
        if name in ("convert_to_tensor", "cast", "reshape"):
            return getattr(fastnn.ops, name)
        raise AttributeError(f"fastnn stands for tensorflow.keras; it has no tensorflow.{name}. "
                             "Functions of tensors are in keras.ops")


class TensorFlowLoader(importlib.abc.Loader):
    def create_module(self, spec):
        return TensorFlow(spec.name)

    def exec_module(self, module):
        """Nothing to run: names are looked up when they are asked for."""


class Finder(importlib.abc.MetaPathFinder):
    """Answers imports of Keras."""

    def find_spec(self, name, path=None, target=None):
        if name in ("tensorflow", "tensorflow.python"):
            return importlib.machinery.ModuleSpec(name, TensorFlowLoader(), is_package=True)
        real = real_name(name)
        return None if real is None else importlib.machinery.ModuleSpec(name, AliasLoader(real), is_package=True)


def install():
    """Lets fastnn stand for Keras in this process."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())


def main(arguments):
    """Runs what the command line asks for; returns the exit status."""
    if not arguments or arguments[0] in ("-h", "--help"):
        (sys.stdout if arguments else sys.stderr).write(USAGE)
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(importlib.import_module("fastnn").__version__)
        return 0
    install()
    if arguments[0] == "-m":
        if len(arguments) < 2:
            sys.stderr.write(USAGE)
            return 2
        sys.argv = arguments[1:]
        sys.path[0] = os.getcwd()
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    script = arguments[0]
    if not os.path.isfile(script):
        sys.stderr.write(f"python -m fastnn: there is no file {script!r}\n{USAGE}")
        return 2
    sys.argv = list(arguments)
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    runpy.run_path(script, run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
