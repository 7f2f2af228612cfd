"""Stores what Keras 3's optimizers do to some variables in 10 steps.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python tests/golden/make_optimizers.py

With JAX, since with torch ScheduleFreeAdamW overwrites a value that it needs later in the step.
"""
import json
import pathlib

import keras
import numpy as np

STEPS = 10
EXPONENTIAL = {"schedule": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5,
               "staircase": True}
CASES = {
    "sgd": ("SGD", {"learning_rate": 0.1}), "sgd_momentum": ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    "sgd_nesterov": ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "sgd_decay": ("SGD", {"learning_rate": 0.1, "weight_decay": 0.1}),
    "rmsprop": ("RMSprop", {}), "rmsprop_momentum": ("RMSprop", {"momentum": 0.5, "rho": 0.8}),
    "rmsprop_centered": ("RMSprop", {"centered": True, "learning_rate": 0.01}),
    "rmsprop_both": ("RMSprop", {"centered": True, "momentum": 0.5}),
    "adam": ("Adam", {}), "adam_amsgrad": ("Adam", {"amsgrad": True, "learning_rate": 0.01, "beta_2": 0.9}),
    "adam_clipnorm": ("Adam", {"clipnorm": 0.5}), "adam_clipvalue": ("Adam", {"clipvalue": 0.3, "epsilon": 0.1}),
    "adam_global_clipnorm": ("Adam", {"global_clipnorm": 0.7, "epsilon": 0.1}),
    "adam_schedule": ("Adam", {"learning_rate": EXPONENTIAL}), "adam_weight_decay": ("Adam", {"weight_decay": 0.1}),
    "adam_accumulation": ("Adam", {"gradient_accumulation_steps": 3, "learning_rate": 0.01}),
    "adam_accumulation_decay": ("Adam", {"gradient_accumulation_steps": 2, "weight_decay": 0.1, "clipnorm": 0.5}),
    "adam_scale": ("Adam", {"loss_scale_factor": 4.0, "epsilon": 0.1}),
    "adam_ema": ("Adam", {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 4, "learning_rate": 0.01}),
    "sgd_ema": ("SGD", {"use_ema": True, "ema_momentum": 0.8, "learning_rate": 0.1}),
    "adamw": ("AdamW", {}), "adagrad": ("Adagrad", {"learning_rate": 0.1}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0}), "adamax": ("Adamax", {"learning_rate": 0.01}), "nadam": ("Nadam", {}),
    "nadam_decay": ("Nadam", {"weight_decay": 0.05, "learning_rate": 0.01}),
    "lion": ("Lion", {}), "lion_betas": ("Lion", {"beta_1": 0.7, "beta_2": 0.8, "learning_rate": 0.01}),
    "lion_decay": ("Lion", {"weight_decay": 0.1, "clipvalue": 0.3}),
    "ftrl": ("Ftrl", {}), "ftrl_l1": ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.5}),
    "ftrl_all": ("Ftrl", {"learning_rate": 0.1, "learning_rate_power": -0.7, "initial_accumulator_value": 0.3, "beta": 0.2,
                          "l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2,
                          "l2_shrinkage_regularization_strength": 0.05}),
    "ftrl_constant": ("Ftrl", {"learning_rate": 0.1, "learning_rate_power": 0.0, "weight_decay": 0.1}),
    "adafactor": ("Adafactor", {}),
    "adafactor_all": ("Adafactor", {"learning_rate": 0.5, "beta_2_decay": -0.6, "epsilon_1": 1e-3, "epsilon_2": 0.7,
                                    "clip_threshold": 0.5, "relative_step": False, "weight_decay": 0.1}),
    "lamb": ("Lamb", {}), "lamb_decay": ("Lamb", {"weight_decay": 0.1, "learning_rate": 0.01, "epsilon": 0.1}),
    "muon": ("Muon", {}),
    "muon_all": ("Muon", {"learning_rate": 0.01, "adam_beta_1": 0.8, "adam_beta_2": 0.9, "adam_weight_decay": 0.2, "epsilon": 0.01,
                          "weight_decay": 0.1, "exclude_layers": ["v2"], "exclude_embeddings": False, "muon_a": 3.0,
                          "muon_b": -4.0, "muon_c": 2.0, "adam_lr_ratio": 0.5, "momentum": 0.9, "ns_steps": 3,
                          "nesterov": False, "rms_rate": None}),
    "schedule_free": ("ScheduleFreeAdamW", {}),
    "schedule_free_warmup": ("ScheduleFreeAdamW", {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.1,
                                                   "warmup_steps": 4, "weight_decay": 0.1}),
    "scaled": ("LossScaleOptimizer", {"inner_optimizer": ("Adam", {}), "initial_scale": 4.0, "dynamic_growth_steps": 3}),
    "scaled_accumulation": ("LossScaleOptimizer", {
        "inner_optimizer": ("Muon", {"gradient_accumulation_steps": 2, "use_ema": True, "learning_rate": 0.1})}),
    "several": ("MultiOptimizer", {"default_optimizer": ("Adam", {"weight_decay": 0.1}), "loss_scale_factor": 2.0, "optimizer_map": {
        "v[23]": ("SGD", {"learning_rate": 0.1, "use_ema": True}), "v0": ("Muon", {"gradient_accumulation_steps": 3})}}),
}
# What surrounds an update, all together, for an optimizer of each kind: by one op, by ops for each variable.
TOGETHER = {
    "decay_schedule": {"gradient_accumulation_steps": 3, "weight_decay": 0.1, "learning_rate": EXPONENTIAL, "clipnorm": 0.5},
    "ema_clip": {"gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2,
                 "global_clipnorm": 0.8, "loss_scale_factor": 2.0, "learning_rate": 0.05},
    "ema_decay": {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3, "weight_decay": 0.2, "clipvalue": 0.4,
                  "learning_rate": EXPONENTIAL},
}
CASES.update({f"{class_name.lower()}_{name}": (class_name, arguments) for name, arguments in TOGETHER.items()
              for class_name in ("RMSprop", "Nadam", "Lion", "Ftrl", "Lamb", "Adafactor", "Muon", "ScheduleFreeAdamW")})
SCHEDULES = {
    "exponential": ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}),
    "staircase": ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True}),
    "inverse": ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5}),
    "inverse_staircase": ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5,
                                               "staircase": True}),
    "piecewise": ("PiecewiseConstantDecay", {"boundaries": [3, 9], "values": [0.3, 0.2, 0.1]}),
    "polynomial": ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 9, "power": 2.0}),
    "polynomial_cycle": ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 9, "cycle": True}),
    "cosine": ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 9, "alpha": 0.1}),
    "cosine_warmup": ("CosineDecay", {"initial_learning_rate": 0.01, "decay_steps": 9, "warmup_target": 0.3,
                                      "warmup_steps": 4}),
    "restarts": ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 4, "m_mul": 0.8, "alpha": 0.05}),
    "restarts_even": ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 5, "t_mul": 1.0}),
}


NAMES = ("v0", "v1", "v2", "v3", "embeddings")


def start():
    """First values of some variables, and their gradients in each step."""
    rng = np.random.default_rng(7)
    values = [rng.normal(size=shape) for shape in ((2, 3), (3,), (4, 2), (2, 2, 3), (4, 3))]
    return values, [[rng.normal(size=v.shape) for v in values] for _ in range(STEPS)]


def gradients_of(name, gradients):
    """Those of a case: where a loss is scaled, one step has none that are finite."""
    if not name.startswith("scaled"):
        return gradients
    return [[g * np.inf for g in step] if i == 6 else step for i, step in enumerate(gradients)]


def make(module, class_name, arguments):
    """An optimizer of keras or fastnn."""
    arguments = dict(arguments)
    rate = arguments.get("learning_rate")
    if isinstance(rate, dict):
        rate = dict(rate)
        arguments["learning_rate"] = getattr(module.schedules, rate.pop("schedule"))(**rate)
    if "inner_optimizer" in arguments:
        arguments["inner_optimizer"] = make(module, *arguments["inner_optimizer"])
    if "optimizer_map" in arguments:
        optimizers = {pattern: make(module, *one) for pattern, one in arguments["optimizer_map"].items()}
        arguments["optimizer_map"] = module.OptimizerMap(make(module, *arguments.pop("default_optimizer")), optimizers)
    return getattr(module, class_name)(**arguments)


def rounded(values):
    """Nested lists of an array's numbers, with as many digits as the tests look at."""
    return [rounded(v) for v in values] if np.ndim(values) else float(f"{float(values):.9g}")


def apply(optimizer, gradients, variables):
    """One update; with JAX one that depends on values has to be a function from values to values."""
    if not hasattr(optimizer, "inner_optimizer"):
        optimizer.apply(gradients, variables)
        return
    found = optimizer.stateless_apply([v.value for v in optimizer.variables], gradients, [v.value for v in variables])
    for v, value in zip([*variables, *optimizer.variables], [*found[0], *found[1]]):
        v.assign(value)


def main():
    keras.config.set_floatx("float64")
    values, gradients = start()
    found = {"optimizers": {}, "schedules": {}}
    for name, (class_name, arguments) in CASES.items():
        variables = [keras.Variable(v, name=n) for n, v in zip(NAMES, values)]
        optimizer = make(keras.optimizers, class_name, arguments)
        optimizer.build(variables)
        for step in gradients_of(name, gradients):
            apply(optimizer, [keras.ops.convert_to_tensor(g) for g in step], variables)
        found["optimizers"][name] = {
            "variables": [rounded(keras.ops.convert_to_numpy(v)) for v in variables],
            "state": [rounded(keras.ops.convert_to_numpy(v)) for v in optimizer.variables],
            "names": [v.name for v in optimizer.variables], "config": optimizer.get_config()}
    for name, (class_name, arguments) in SCHEDULES.items():
        schedule = getattr(keras.optimizers.schedules, class_name)(**arguments)
        found["schedules"][name] = [float(schedule(step)) for step in range(30)]
    path = pathlib.Path(__file__).with_name("optimizers.json")
    path.write_text(json.dumps({"keras": keras.__version__, **found}).replace("}, ", "},\n"))


if __name__ == "__main__":
    main()
