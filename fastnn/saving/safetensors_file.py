"""Weights as `safetensors`: arrays by name, without the optimizer."""
import numpy as np

from .. import __version__
from ..layers.holder import Holder
from ..utils.atomic import replacing
from ..utils.extras import require
from ..utils.warn_utils import warn
from .state import saved_objects

PURPOSE = "Weights as .safetensors"


def named_weights(model):
    """{name: variable}; a name is the path of the layer, as in `.weights.h5`, and the variable's name, with dots: `layers.dense.kernel`."""
    found, seen = {}, set()
    for path, obj in saved_objects(model):
        for variable in obj._own_variables() if isinstance(obj, Holder) else ():
            if id(variable) in seen:
                continue
            seen.add(id(variable))
            base = name = f"{path}/{variable.name}".strip("/").replace("/", ".")
            count = 0
            while name in found:
                count += 1
                name = f"{base}_{count}"
            found[name] = variable
    return found


def save(model, path):
    """Writes the weights of a model."""
    arrays = {name: np.ascontiguousarray(variable.numpy()) for name, variable in named_weights(model).items()}
    writer = require("safetensors.numpy", PURPOSE)
    with replacing(path) as part, open(part, "wb") as file:      # the package's own `save_file` would take away others' right to read
        file.write(writer.save(arrays, metadata={"format": "fastnn", "version": __version__}))


def load(model, path, skip_mismatch=False):
    """Loads weights into a model; all names and shapes are compared first.

    Raises:
        ValueError: a damaged file, weights that are missing, are too many or have other shapes.
    """
    safetensors = require("safetensors", PURPOSE)
    variables = named_weights(model)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
            wrong = [f"- {name}: shape {tuple(v.shape)}, in the file {shapes.get(name, 'missing')}" for name, v in variables.items()
                     if shapes.get(name) != tuple(v.shape)]
            wrong += [f"- {name}: not in the model, in the file {shape}" for name, shape in shapes.items() if name not in variables]
            if wrong and not skip_mismatch:
                raise ValueError(f"{path} does not fit model {model.name!r}; nothing was loaded:\n" + "\n".join(wrong[:20]))
            if wrong:
                warn(f"these weights of {path} were left out:\n" + "\n".join(wrong))
            for name, variable in variables.items():
                if shapes.get(name) == tuple(variable.shape):
                    variable.assign(file.get_tensor(name))
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is no `.safetensors` file, or a damaged one: {error}") from None
