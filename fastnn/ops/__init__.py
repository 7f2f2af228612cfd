"""The ops, by the names of `keras.ops`: whatever the modules of this package define and do not hide by an underscore."""
import importlib
import pkgutil

from .. import numpy_protocol
from ..graph import recorded
from ..op import Op
from ..tensor import convert_to_tensor, install_operators
from ._namespaces import namespaces


def _public(module):
    """What a module offers: its `__all__`, or its own ops, functions and their other names."""
    if hasattr(module, "__all__"):
        return {name: getattr(module, name) for name in module.__all__}
    return {name: value for name, value in vars(module).items()
            if not name.startswith("_") and callable(value) and getattr(value, "__module__", None) == module.__name__}


# All modules first: `norm` and `shape` are functions, whatever submodules are called.
_modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
            if not found.name.startswith("_")]
_found = {}
for _module in _modules:
    for _name, _value in _public(_module).items():
        if _found.setdefault(_name, _value) is not _value:
            raise ImportError(f"{_module.__name__} and {_found[_name].__module__} both offer {_name!r}")
_found = {name: value if isinstance(value, (Op, type)) else recorded(value) for name, value in _found.items()}
globals().update(_found)

install_operators(_found)
globals().update(namespaces(_found))       # ops.linalg.norm; the submodules of these names are found by `import` as ever
numpy_protocol.install()
