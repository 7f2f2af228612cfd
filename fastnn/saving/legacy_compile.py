"""The arguments of `compile` in files of older versions of Keras, in the form of Keras 3."""
import importlib

# Names that optimizers' classes had for a while.
OLD_CLASSES = {"experimentaladam": "adam", "experimentaladadelta": "adadelta", "experimentaladagrad": "adagrad",
               "experimentalsgd": "sgd"}
OLD_ARGUMENTS = ("is_legacy_optimizer", "jit_compile", "schedule_decay", "dynamic")
ARGUMENTS = ("optimizer", "loss", "metrics", "weighted_metrics", "loss_weights")


def modern_compile(config, convert, names=()):
    """A compile config as Keras 3 writes it.

    Args:
        config: dict of the arguments of `compile`; a "training_config" of `.h5` files has the optimizer as "optimizer_config".
        convert: function of an object's config and the part of Keras where its class is.
        names: the names of the model's outputs.

    Returns:
        Dict of arguments; the objects in it are configs for `deserialize_keras_object`.
    """
    if not config:
        return {}       # of a model that was not compiled
    config = dict(config)
    if "optimizer_config" in config:
        config["optimizer"] = config.pop("optimizer_config")
        config = {key: config.get(key) for key in ARGUMENTS}
    found = {key: value for key, value in config.items() if key != "sample_weight_mode" and (value is not None or key in ARGUMENTS)}
    found["optimizer"] = modern_optimizer(config.get("optimizer"), convert)
    found["loss"] = each(config.get("loss"), lambda value: _loss(value, convert))
    for key in ("metrics", "weighted_metrics"):
        value = each(config.get(key), lambda one: _metric(one, convert))
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list) and len(names) < 2:
            value = value[0]
        if len(names) > 1 and isinstance(value, (list, dict)):
            value = _without_outputs(value, names)
        found[key] = value
    return found


def each(value, function):
    """A function of each object and name in a structure."""
    if isinstance(value, dict) and "class_name" not in value:
        return {key: each(part, function) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [each(part, function) for part in value]
    return value if value is None else function(value)


# ---- Optimizers -------------------------------------------------------------------------------------------------

def modern_optimizer(config, convert):
    """The config of an optimizer: `lr` and `decay` as Keras 3 has them."""
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        return config
    name = config["class_name"]
    if name.startswith("Custom>") and _known("optimizers", name[7:]):       # as Keras 2.11 to 2.13 named its own
        name = name[7:]
    name = OLD_CLASSES.get(name.lower(), name)
    if not _known("optimizers", name):
        return convert(config, "optimizers")
    arguments = {key: value for key, value in config["config"].items() if key not in OLD_ARGUMENTS}
    if "lr" in arguments:
        arguments["learning_rate"] = arguments.pop("lr")
    decay = arguments.pop("decay", None)
    if decay and not isinstance(arguments["learning_rate"], dict):
        schedule = {"initial_learning_rate": arguments["learning_rate"], "decay_steps": 1, "decay_rate": decay}
        arguments["learning_rate"] = {"module": "keras.optimizers.schedules", "class_name": "InverseTimeDecay", "config": schedule,
                                      "registered_name": None}
    if "epsilon" in arguments and arguments["epsilon"] is None:
        arguments["epsilon"] = 1e-7
    if isinstance(arguments.get("inner_optimizer"), dict):
        arguments["inner_optimizer"] = modern_optimizer(arguments["inner_optimizer"], convert)
    return convert({**config, "class_name": _known("optimizers", name), "config": arguments, "module": "keras.optimizers",
                    "registered_name": None}, "optimizers")


def _known(part, name):
    """The class's own name in a part of fastnn, whatever the letters' case; None if there is none."""
    found = importlib.import_module(f"fastnn.{part}")._NAMES
    return getattr(found.get(name) or found.get(name.lower()), "__name__", None)


# ---- Losses and metrics -----------------------------------------------------------------------------------------

def _loss(value, convert):
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        return value
    config = dict(value["config"])
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    return convert({**value, "config": _function(value["class_name"], config, "LossFunctionWrapper")}, "losses")


def _metric(value, convert):
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        return value
    return convert({**value, "config": _function(value["class_name"], dict(value["config"]), "MeanMetricWrapper")}, "metrics")


def _function(class_name, config, wrapper):
    """The function of a wrapper as an object; other classes know theirs, though Keras 2 wrote it."""
    function = config.get("fn")
    if class_name != wrapper:
        if isinstance(function, str):
            del config["fn"]
    elif isinstance(function, str):
        config["fn"] = {"module": "builtins", "class_name": "function", "config": function, "registered_name": "function"}
    return config


def _without_outputs(value, names):
    """Metrics of several outputs without the outputs' names before their own: `compile` puts those there again."""
    def bare(metric, output):
        config = metric.get("config") if isinstance(metric, dict) else None
        if isinstance(config, dict) and str(config.get("name")).startswith(f"{output}_"):
            return {**metric, "config": {**config, "name": config["name"][len(output) + 1:]}}
        return metric

    def all_bare(some, output):
        return [bare(metric, output) for metric in some] if isinstance(some, list) else bare(some, output)

    if isinstance(value, dict):
        return {output: all_bare(some, output) for output, some in value.items()}
    return [all_bare(some, output) for some, output in zip(value, names)] if len(value) == len(names) else value


