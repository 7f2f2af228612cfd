"""Configs of older versions of Keras in the form of Keras 3, which everything here reads.

Keras 2 wrote no modules, other arguments (`batch_input_shape`, `lr`), initializers with dtypes, and graphs as nested lists; whole-model
`.h5` files of Keras 3 have such configs in part.  What is in the new form already comes out as it went in.
"""
import importlib
import inspect

from ..utils.serialization import PARTS
from ..utils.warn_utils import warn
from .legacy_compile import modern_compile
from .legacy_nodes import modern_graph

MODELS = ("Sequential", "Functional", "Model")
# Where classes are looked for that come without a module, in this order.
HOMES = ("layers", "initializers", "regularizers", "constraints", "optimizers.schedules", "optimizers", "losses", "metrics", "random",
         "dtype_policies")
KERAS = ("keras", "tensorflow", "tf_keras")
# What the older layers had and Keras 3 has not: by class, and for all.
DROPPED = {
    "SeparableConv1D": ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "SeparableConv2D": ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "DepthwiseConv1D": ("groups", "filters", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "DepthwiseConv2D": ("groups", "filters", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "Conv1DTranspose": ("groups",), "Conv2DTranspose": ("groups",), "Conv3DTranspose": ("groups",),
    "MultiHeadAttention": ("query_shape", "key_shape", "value_shape"),
    "Attention": ("causal",), "AdditiveAttention": ("causal",),
    "Embedding": ("input_length",),
    "BatchNormalization": ("virtual_batch_size", "fused", "adjustment", "mode"),
    "Lambda": ("module", "function_type", "output_shape_type", "output_shape_module"),
}
OF_ALL = ("dynamic", "implementation", "time_major", "experimental_autocast")


# ---- Anything ---------------------------------------------------------------------------------------------------

def modern_config(config):
    """The config of a model, a layer or another object, as Keras 3 writes it.

    Args:
        config: plain values, as JSON gives them, of any version of Keras.  It is not changed.

    Returns:
        The config for `deserialize_keras_object`.

    Raises:
        ValueError: what has no counterpart (TensorFlow's functions in a graph that are not known), configs that are damaged.

    Example:
        >>> modern_config({"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3]}})
        {'class_name': 'InputLayer', 'config': {'batch_shape': [None, 3]}, 'module': 'keras.layers', 'registered_name': None}
    """
    try:
        return _convert(config, "layers")
    except RecursionError:
        raise ValueError("the config is nested too deeply to be that of a model: it is damaged") from None
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"the config is damaged: {type(error).__name__}: {error}") from None


def _convert(value, home):
    """A value anywhere in a config; home: the part of Keras where its class is looked for first."""
    if isinstance(value, (list, tuple)):
        return [_convert(part, home) for part in value]
    if not isinstance(value, dict):
        return value
    if not isinstance(value.get("class_name"), str) or not isinstance(value.get("config"), (dict, list)):
        if value.get("class_name") == "TensorShape":
            return list(value.get("items", ()))
        return {key: _convert(part, home_of_key(key) or home) for key, part in value.items()}
    if value["class_name"].startswith("__"):
        return value
    return _convert_object(value, home)


def home_of_key(key):
    """The part of Keras where what stands under a key of a config comes from; None: where the whole does."""
    for ending, home in (("_initializer", "initializers"), ("_regularizer", "regularizers"), ("_constraint", "constraints")):
        if isinstance(key, str) and key.endswith(ending):
            return home
    return {"learning_rate": "optimizers.schedules", "inner_optimizer": "optimizers"}.get(key)


def _convert_object(value, home):
    """An object: {"class_name", "config", ...}."""
    if value["class_name"] in ("Policy", "PolicyV1", "DTypePolicy"):
        return _policy(value)
    value = with_module(value, home)
    name, config = value["class_name"], value["config"]
    if isinstance(config, list):        # a Sequential of the first versions
        config = {"layers": config} if name == "Sequential" else config
    compiling = value.get("compile_config")
    if isinstance(config, dict):
        config = {key: _convert(part, home_of_key(key) or "layers") for key, part in config.items() if key != "dtype"} | _dtype(config)
        if name == "Functional":
            config = modern_graph(config)
        if _is_of_keras(value):
            config = _arguments(name, value["module"], config)
    value = {**value, "config": config}
    if isinstance(compiling, dict):
        value["compile_config"] = modern_compile(compiling, convert, output_names(value))
    return value


def convert(value, home):
    """As `modern_config`, for a loss, a metric or an optimizer; home: "losses", "metrics" or "optimizers"."""
    return _convert(value, home)


# ---- Classes ----------------------------------------------------------------------------------------------------

def with_module(value, home):
    """An object with the module that its class has in Keras 3."""
    name, module = value["class_name"], value.get("module")
    if name == "Model" and isinstance(value["config"], dict) and "input_layers" in value["config"]:
        name = "Functional"
    if module is None and isinstance(name, str) and ">" in name:        # registered by the user
        return {"module": None, "registered_name": name, **value, "class_name": name}
    if module is not None and (module.split(".")[0] not in KERAS or _part(module) in PARTS or module == "keras"):
        return value
    if name in MODELS:
        found = "keras.src.models.functional" if name == "Functional" else "keras"
    else:
        found = next((f"keras.{part}" for part in (home, *HOMES) if _has_class(part, name)), module)
    return {**value, "class_name": name, "module": found, "registered_name": value.get("registered_name")}


def _part(module):
    parts = [part for part in module.split(".") if part not in (*KERAS, "src", "python", "api", "_v2")]
    return next((part for part in (".".join(parts[:2]), parts[0] if parts else "") if part in PARTS), None)


def _has_class(part, name):
    return not name.startswith("_") and inspect.isclass(getattr(importlib.import_module(f"fastnn.{part}"), name, None))


def _is_of_keras(value):
    return bool(value.get("module")) and value["module"].split(".")[0] in KERAS


def output_names(value):
    """The names of the outputs of a functional model's config; () where they are not known."""
    config = value["config"]
    ends = config.get("output_layers") if isinstance(config, dict) else None
    if isinstance(ends, dict):
        return sorted(ends)
    if isinstance(ends, list) and ends and all(isinstance(end, list) and end for end in ends):
        return [end[0] for end in ends]
    return ()


# ---- Dtypes -----------------------------------------------------------------------------------------------------

def _dtype(config):
    if "dtype" not in config:
        return {}
    dtype = config["dtype"]
    if isinstance(dtype, dict) and isinstance(dtype.get("config"), dict):
        return {"dtype": _policy(dtype)}
    return {"dtype": _without_mixing(dtype)}


def _policy(value):
    """A dtype policy: fastnn computes in one type, that of the weights."""
    name = value["config"].get("name")
    return {"module": "keras", "class_name": "DTypePolicy", "config": {**value["config"], "name": _without_mixing(name)},
            "registered_name": None}


def _without_mixing(dtype):
    if dtype in ("mixed_float16", "mixed_bfloat16"):
        warn(f"the model was made with the dtype policy {dtype!r}: here it computes in float32, the type of its weights")
        return "float32"
    return dtype


# ---- Arguments --------------------------------------------------------------------------------------------------

def _arguments(name, module, config):
    """The arguments of one of Keras' own classes, as it has them in Keras 3."""
    part = _part(module)
    if part == "initializers":
        return _initializer(name, config)
    if part != "layers":
        return config
    config = {key: value for key, value in config.items() if key not in OF_ALL and key not in DROPPED.get(name, ())}
    if "batch_input_shape" in config and name == "InputLayer":
        config["batch_shape"] = config.pop("batch_input_shape")
    axis = config.get("axis")
    if isinstance(axis, list) and len(axis) == 1 and name != "LayerNormalization":
        config["axis"] = axis[0]
    if name == "LeakyReLU" and "alpha" in config:
        config["negative_slope"] = config.pop("alpha")
    if name == "Lambda":
        config.update(_lambda(config))
    return config


def _initializer(name, config):
    config = {key: value for key, value in config.items() if key != "dtype"}
    if name == "VarianceScaling" and config.get("distribution") == "normal":
        config["distribution"] = "truncated_normal"
    return config


def _lambda(config):
    """The functions of a Lambda layer; code becomes what `Lambda.from_config` refuses unless it is allowed."""
    found = {}
    for key in ("function", "output_shape", "mask"):
        value = config.get(key)
        if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
            found[key] = {"class_name": "__lambda__", "config": dict(zip(("code", "defaults", "closure"), value))}
    return found


