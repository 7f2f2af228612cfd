"""The older format of models, `.h5` files as Keras 2 and 3 write them: attributes with configs, weights by the names of layers.

    attributes "model_config", "training_config", "keras_version", "backend"
    model_weights/              attribute "layer_names"
        <layer>/                attribute "weight_names": its trainable weights, then the others, with those of layers inside
        top_level_model_weights/    weights of the model's own
    optimizer_weights/          attribute "weight_names"

Files of weights alone are what is in `model_weights`.  Lists of names that are too large for an attribute are split: "layer_names0",
"layer_names1" ...
"""
import inspect
import json

import numpy as np

from .. import losses
from ..optimizers import Optimizer
from ..utils.atomic import replacing
from ..utils.extras import require
from ..utils.object_registration import CustomObjectScope, get_registered_name
from ..utils.serialization import deserialize_keras_object, is_builtin, serialize_value
from ..utils.warn_utils import warn
from .hdf5 import HDF5Error, read_hdf5
from .legacy_compile import each, modern_compile
from .legacy_config import convert, modern_config, output_names
from .legacy_optimizer import load_optimizer
from .legacy_weights import group_in, keras_paths, legacy_weights, load_layers, names_in

KERAS_VERSION = "3.15.1"        # whose files these are
BACKEND = "tensorflow"          # whose layout of kernels they have, which is all that readers ask for
ATTRIBUTE_LIMIT = 64512         # bytes
TOP = "top_level_model_weights"


def is_legacy(root):
    """Whether the root Group of a file is in this format, rather than in that of Keras 3's `.weights.h5`."""
    return "model_weights" in root or any(name in root.attrs for name in ("model_config", "layer_names", "layer_names0"))


# ---- Saving -----------------------------------------------------------------------------------------------------

def save_model(model, path, include_optimizer=True):
    """Writes a model: architecture, weights, the arguments of `compile` and the state of the optimizer.

    Args:
        model: the model.
        path: of the file.
        include_optimizer: whether the last two are written.

    Raises:
        TypeError: what has no config; ImportError: h5py is missing; OSError: see `fastnn.utils.atomic.replacing`.
    """
    h5py = require("h5py", "Saving .h5 files")
    compiled = include_optimizer and model.compiled and model.optimizer is not None
    configs = {"model_config": json.dumps(config_of(model))}
    if compiled:
        configs["training_config"] = json.dumps(training_config_of(model))
    with replacing(path) as part, h5py.File(part, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = KERAS_VERSION, BACKEND
        for name, config in configs.items():
            file.attrs[name] = config.encode()
        write_layers(model, file.create_group("model_weights"))
        if compiled:
            write_optimizer(model, file.create_group("optimizer_weights"))


def save_weights(model, path):
    """Writes the weights of a model alone.  Arguments and errors as for `save_model`."""
    h5py = require("h5py", "Saving .h5 files")
    with replacing(path) as part, h5py.File(part, "w") as file:
        write_layers(model, file)


def config_of(model):
    """The "model_config"."""
    found = {"class_name": type(model).__name__, "config": without(serialize_value(model.get_config()), "build_config")}
    if is_builtin(type(model)):
        return found
    return {**found, "module": type(model).__module__, "registered_name": get_registered_name(type(model))}


def without(value, key):
    """Plain values without what stands under a key in any dict."""
    if isinstance(value, dict):
        return {name: without(part, key) for name, part in value.items() if name != key}
    return [without(part, key) for part in value] if isinstance(value, list) else value


def training_config_of(model):
    """The "training_config": functions by their names, as Keras writes them."""
    optimizer = model.optimizer
    found = {key: named(value) for key, value in model._compile_config.items() if key != "optimizer"}
    found["loss"] = each(found["loss"], full_name)
    return {**found, "optimizer_config": {"class_name": get_registered_name(type(optimizer)),
                                          "config": serialize_value(optimizer.get_config())}}


def named(value):
    """A structure of names and objects as plain values."""
    if isinstance(value, dict):
        return {key: named(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [named(part) for part in value]
    value = serialize_value(value)
    if isinstance(value, dict) and value.get("class_name") == "function":
        return value["config"]
    return value


def full_name(loss):
    """"mean_squared_error" for "mse": Keras 3 cannot read the short names in these files."""
    function = vars(losses).get(loss) if isinstance(loss, str) else None
    return function.__name__ if inspect.isfunction(function) else loss


def write_layers(model, group):
    """The weights of a model's layers, and its own."""
    write_names(group, "layer_names", [layer.name for layer in model.layers])
    group.attrs["backend"], group.attrs["keras_version"] = BACKEND.encode(), KERAS_VERSION.encode()
    paths = keras_paths(model)
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        write_variables(group.create_group(layer.name), legacy_weights(layer), paths)
    write_variables(group.create_group(TOP), model._own_variables(), paths)


def write_optimizer(model, group):
    """The state of the optimizer; its variables are named after the weights they go with."""
    paths, optimizer = keras_paths(model), model.optimizer
    prefixes = sorted({(v.path.replace("/", "_"), paths[id(v)].replace("/", "_")) for v in model.trainable_variables if id(v) in paths},
                      key=lambda pair: -len(pair[0]))
    names = {}
    for variable in optimizer.variables:
        ours, keras = next((pair for pair in prefixes if variable.name.startswith(f"{pair[0]}_")), ("", ""))
        names[id(variable)] = f"{optimizer.name}/{keras}{variable.name[len(ours):]}"
    write_variables(group, optimizer.variables, names)


def write_variables(group, variables, paths):
    """Datasets, and the list of their names in the order of the variables; two of one name are told apart by a number."""
    names = []
    for variable in variables:
        path, count = paths.get(id(variable), variable.path), 0
        name = path
        while name in group:
            count += 1
            name = f"{path}_{count}"
        group.create_dataset(name, data=variable.numpy())
        names.append(name)
    write_names(group, "weight_names", names)


def write_names(group, attribute, names):
    """A list of names as one attribute, or as several where it is too large."""
    names = [name.encode() for name in names]
    size = max(map(len, names), default=0) * len(names)
    if size <= ATTRIBUTE_LIMIT:
        group.attrs[attribute] = names
        return
    parts = -(-size // ATTRIBUTE_LIMIT)
    for i, part in enumerate(np.array_split(np.asarray(names), parts)):
        group.attrs[f"{attribute}{i}"] = part


# ---- Loading ----------------------------------------------------------------------------------------------------

def load_model(path, custom_objects=None, compile=True, safe_mode=True):
    """The model of a file.

    Args:
        path: of the file, or its bytes.
        custom_objects: names -> the user's own classes and functions.
        compile: whether the model is compiled as it was, the state of its optimizer included; where that cannot be done a warning says so.
        safe_mode: whether code in the file (of Lambda layers) is refused.

    Raises:
        ValueError: no whole model, a damaged file, code in it, unknown classes, weights that do not fit.
    """
    with read_hdf5(path) as root, CustomObjectScope(custom_objects):
        config = parsed(root, "model_config", path)
        if config is None:
            raise ValueError(f"{told(path)} holds no architecture" + (", only weights: make the model, and call model.load_weights(path)"
                             if is_legacy(root) else ""))
        modern = modern_config(config)
        model = deserialize_keras_object(modern, custom_objects, safe_mode)
        order = load_layers(model, group_in(root, "model_weights"), own_group=TOP)
        if compile:
            compile_as_was(model, root, output_names(modern), order, path)
    return model


def load_weights(model, path, by_name=False, skip_mismatch=False):
    """Loads the weights of a file, of weights alone or of a whole model, into a model that is there already.

    All shapes are compared first: after an error the model is as it was.

    Args:
        model: the model; it must be built.
        path: of the file, or its bytes.
        by_name: whether layers get the weights of the layers of their names, and those that are not in the file are left alone; False:
            by the order of the layers.
        skip_mismatch: whether weights that do not fit are left alone, with a warning for each layer.

    Raises:
        ValueError: no such file, a damaged one, a model that is not built, layers and weights that do not fit.
    """
    with read_hdf5(path) as root:
        if not is_legacy(root):
            raise ValueError(f"{told(path)} holds no weights by the names of layers: it has the groups {root.keys()[:10]}")
        group = group_in(root, "model_weights") if "model_weights" in root and not names_in(root, "layer_names") else root
        load_layers(model, group, by_name, skip_mismatch, own_group=TOP)


def parsed(root, name, path):
    """An attribute that holds JSON; None if it is not there."""
    text = root.attrs.get(name)
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise HDF5Error(f"{told(path)}: the attribute {name!r} is damaged: {error}") from None
    if not isinstance(found, dict) or name == "model_config" and not isinstance(found.get("class_name"), str):
        raise HDF5Error(f"{told(path)}: the attribute {name!r} does not hold a config")
    return found


def told(path):
    return "the file" if isinstance(path, bytes) else str(path)


def compile_as_was(model, root, names, order, path):
    """Compiles a model as its file says, and loads the state of the optimizer; order: as of `load_layers`."""
    training = parsed(root, "training_config", path)
    if training is None:
        warn(f"{told(path)} does not say how the model was compiled: compile it before you train or evaluate it")
        return
    try:
        config = modern_compile(training, convert, names)
        arguments = {key: deserialize_keras_object(value) for key, value in config.items()}
        model.compile(**arguments)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        warn(f"the model was loaded, but could not be compiled as it was, so it is not compiled: {error}")
        return
    if not isinstance(model.optimizer, Optimizer) or not model.built:
        return
    model.optimizer.build(model.trainable_variables)
    if "optimizer_weights" in root:
        load_optimizer(model.optimizer, group_in(root, "optimizer_weights"), order)
