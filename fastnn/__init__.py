"""fastnn: deep learning with the Keras workflow, on small and fast kernels of its own.

    import fastnn as keras

    model = keras.Sequential([keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=5)

Submodules are imported when they are first used, so that `import fastnn` is quick.
"""
import importlib

from . import compat

__version__ = "0.1.0"

# Where the names come from that stand in `fastnn` itself.
_NAMES = {
    "Sequential": "models", "Model": "models", "Input": "layers", "Layer": "layers", "InputSpec": "layers",
    "Variable": "tensor", "GradientTape": "tape", "Initializer": "initializers", "Loss": "losses",
    "Metric": "metrics", "Optimizer": "optimizers", "Regularizer": "regularizers", "KerasTensor": "graph", "Function": "models",
    "Operation": "models", "DTypePolicy": "config", "FloatDTypePolicy": "dtype_policies", "name_scope": "utils.naming",
}
_SUBMODULES = {
    "activations", "backend", "callbacks", "compat", "config", "constraints", "datasets", "device", "dtype_policies", "export",
    "initializers", "layers", "losses", "metrics", "models", "ops", "optimizers", "preprocessing", "random", "regularizers", "saving", "tape", "tensor", "tree", "utils",
    "visualization",
}


def version():
    """The version of fastnn."""
    return __version__


def __getattr__(name):
    if name in _NAMES:
        value = getattr(importlib.import_module(f"fastnn.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    if name in _SUBMODULES:
        return importlib.import_module(f"fastnn.{name}")
    raise AttributeError(f"module 'fastnn' has no attribute {name!r}")


def __dir__():
    return sorted(set(globals()) | set(_NAMES) | _SUBMODULES)


compat.install()
