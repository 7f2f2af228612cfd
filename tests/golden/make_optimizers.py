"""Stores what Keras 3's optimizers do to two variables in 10 steps: KERAS_BACKEND=torch python tests/golden/make_optimizers.py"""
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
}
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


def start():
    """First values of two variables, and their gradients in each step."""
    rng = np.random.default_rng(7)
    values = [rng.normal(size=(2, 3)), rng.normal(size=3)]
    return values, [[rng.normal(size=v.shape) for v in values] for _ in range(STEPS)]


def make(module, class_name, arguments):
    """An optimizer of keras or fastnn."""
    arguments = dict(arguments)
    rate = arguments.get("learning_rate")
    if isinstance(rate, dict):
        rate = dict(rate)
        arguments["learning_rate"] = getattr(module.schedules, rate.pop("schedule"))(**rate)
    return getattr(module, class_name)(**arguments)


def main():
    keras.config.set_floatx("float64")
    values, gradients = start()
    found = {"optimizers": {}, "schedules": {}}
    for name, (class_name, arguments) in CASES.items():
        variables = [keras.Variable(v, name=f"v{i}") for i, v in enumerate(values)]
        optimizer = make(keras.optimizers, class_name, arguments)
        for step in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(g) for g in step], variables)
        found["optimizers"][name] = {
            "variables": [keras.ops.convert_to_numpy(v).tolist() for v in variables],
            "state": [keras.ops.convert_to_numpy(v).tolist() for v in optimizer.variables]}
    for name, (class_name, arguments) in SCHEDULES.items():
        schedule = getattr(keras.optimizers.schedules, class_name)(**arguments)
        found["schedules"][name] = [float(schedule(step)) for step in range(30)]
    path = pathlib.Path(__file__).with_name("optimizers.json")
    path.write_text(json.dumps({"keras": keras.__version__, **found}).replace("}, ", "},\n"))


if __name__ == "__main__":
    main()
