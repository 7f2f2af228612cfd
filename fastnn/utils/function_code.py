"""Functions without a name, as code in a config: only for files that one has made oneself."""
import base64
import importlib
import marshal
import types

import numpy as np

from .. import config, ops


def is_nameless(function):
    """Whether a function is a lambda, which only its code can bring back."""
    return isinstance(function, types.FunctionType) and function.__name__ == "<lambda>"


def code_config(function):
    """The code of a function as plain values, in the form of Keras.  It depends on the version of Python."""
    closure = None if function.__closure__ is None else [cell.cell_contents for cell in function.__closure__]
    return {"class_name": "__lambda__", "config": {"code": base64.b64encode(marshal.dumps(function.__code__)).decode("ascii"),
                                                   "defaults": function.__defaults__, "closure": closure}}


def function_of(written):
    """The function of a config with code.

    Raises:
        ValueError: nobody has allowed code in configs to be run.
    """
    if not config.unsafe_deserialization():
        raise ValueError("the config holds the code of a Python lambda, which could do anything: it is not run. If you trust where it comes "
                         "from, pass safe_mode=False or call fastnn.config.enable_unsafe_deserialization(); better, give the function a "
                         "name and register it with register_keras_serializable")
    inner = written["config"]
    code = marshal.loads(base64.b64decode(inner["code"]))
    cells = None if inner["closure"] is None else tuple(types.CellType(one) for one in inner["closure"])
    defaults = None if inner["defaults"] is None else tuple(inner["defaults"])
    own = importlib.import_module("fastnn")
    names = {"__builtins__": __builtins__, "ops": ops, "fastnn": own, "keras": own, "np": np}       # the names it is likely to use
    return types.FunctionType(code, names, "<lambda>", defaults, cells)
