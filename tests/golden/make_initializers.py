"""Writes initializers.json: configs, values and scales of real Keras' initializers, regularizers and constraints.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python tests/golden/make_initializers.py      (with keras, jax and scipy installed)

Random values cannot be compared, so what is stored of random initializers is what they ask Keras' generator for.
"""
import json
import pathlib

import numpy as np

import keras
from keras import constraints, initializers, regularizers
from keras.src.backend import random

SHAPES = [(), (7,), (5, 3), (3, 3, 4, 8), (2, 3, 4, 5, 6)]
AXES_SHAPES = [(3, 5, 7), (2, 3, 4, 5, 6)]      # for initializers that are told their axes
RANDOM = {
    "RandomNormal": [{}, {"mean": 1.0, "stddev": 0.3, "seed": 3}],
    "RandomUniform": [{}, {"minval": -2.0, "maxval": 0.5, "seed": 3}],
    "TruncatedNormal": [{}, {"mean": 1.0, "stddev": 0.3}],
    "VarianceScaling": [
        {},
        {"scale": 3.0, "mode": "fan_out", "distribution": "uniform"},
        {"scale": 0.5, "mode": "fan_avg", "distribution": "untruncated_normal"},
        {"distribution": "normal"},
        {"scale": 2.0, "mode": "fan_out", "input_axes": [0, 1], "output_axes": [2]},
        {"mode": "fan_avg", "distribution": "uniform", "input_axes": [-1], "output_axes": [0, -2]},
    ],
    **{name: [{}, {"seed": 5}, {"input_axes": [1], "output_axes": [0, 2]}] for name in ("GlorotUniform", "GlorotNormal", "LecunNormal", "LecunUniform", "HeNormal", "HeUniform")},
}
FIXED = {
    "Zeros": [({}, (2, 3)), ({}, ())],
    "Ones": [({}, (2, 3)), ({}, (0, 2))],
    "Constant": [({"value": 0.7}, (2, 3)), ({}, ()), ({"value": -2}, (1,)), ({"value": True}, (2,))],
    "Identity": [({}, (3, 3)), ({"gain": 2.5}, (2, 4)), ({"gain": -1}, (4, 2))],
    "STFT": [
        ({}, (6, 1, 5)),
        ({"side": "imag", "window": "hamming", "scaling": "spectrum", "periodic": True}, (6, 1, 5)),
        ({"window": None, "scaling": None}, (4, 1, 3)),
        ({"window": None, "scaling": "spectrum"}, (4, 1, 3)),
        ({"side": "imag", "window": "hann", "scaling": None, "periodic": True}, (5, 1, 4)),
        ({"window": "blackman"}, (6, 1, 5)),
    ],
}
REGULARIZERS = {
    "L1": [{}, {"l1": 0.3}, {"l1": 0}],
    "L2": [{}, {"l2": 0.3}, {"l2": 2}],
    "L1L2": [{}, {"l1": 0.2, "l2": 0.4}, {"l1": 0.2}, {"l2": 0.4}, {"l1": None, "l2": 1}],
    "OrthogonalRegularizer": [{}, {"factor": 0.5, "mode": "columns"}, {"factor": 2.0, "mode": "rows"}],
}
CONSTRAINTS = {
    "MaxNorm": [{}, {"max_value": 1.5, "axis": 1}, {"axis": [0, 1]}, {"max_value": 0.5}, {"max_value": 3, "axis": -1}],
    "NonNeg": [{}],
    "UnitNorm": [{}, {"axis": 1}, {"axis": [0, 1]}, {"axis": -1}],
    "MinMaxNorm": [{}, {"min_value": 1.0, "max_value": 1.5, "rate": 0.7, "axis": 1}, {"min_value": 2.0, "max_value": 3.0},
                   {"min_value": 2.0, "max_value": 3.0, "rate": 0.0}, {"max_value": 0.5, "rate": 0.25, "axis": [0, 1]}],
}
# Kernels of convolutions, (3, 2, 2, 4): what depends on the axes, and what must not.
OF_KERNELS = {
    "regularizers": {"L1": [{"l1": 0.1}], "L2": [{"l2": 0.1}], "L1L2": [{"l1": 0.1, "l2": 0.2}]},
    "constraints": {"MaxNorm": [{"max_value": 1.5, "axis": [0, 1, 2]}, {"axis": [1]}], "NonNeg": [{}], "UnitNorm": [{"axis": [0, 1, 2]}, {}],
                    "MinMaxNorm": [{"min_value": 2.0, "max_value": 2.5, "rate": 0.5, "axis": [0, 1, 2]}, {"axis": [2, 3]}]},
}


def spied(initializer, shape):
    """The name of the generator's function that was called, and its numbers."""
    seen = []

    def spy(name):
        return lambda shape, seed=None, dtype=None, **numbers: seen.append([name, numbers])

    kept = {name: getattr(random, name) for name in ("normal", "uniform", "truncated_normal")}
    try:
        for name in kept:
            setattr(random, name, spy(name))
        initializer(shape)
    finally:
        for name, function in kept.items():
            setattr(random, name, function)
    return seen[0]


def applied(module, name, arguments, of, value):
    """What a regularizer or constraint makes of an array."""
    made = getattr(module, name)(**arguments)
    found = np.asarray(made(keras.ops.convert_to_tensor(value))).tolist()
    return {"class": name, "arguments": arguments, "config": module.serialize(made), "of": of, "value": found}


def main():
    keras.config.set_floatx("float64")
    w = np.random.default_rng(0).normal(size=(4, 3)).round(3)
    facts = {"w": w.tolist(), "random": [], "fixed": [], "regularizers": [], "constraints": []}
    for name, cases in RANDOM.items():
        for arguments in cases:
            made = getattr(initializers, name)(**arguments)
            draws = [[shape, *spied(made, shape)] for shape in (AXES_SHAPES if "input_axes" in arguments else SHAPES)]
            facts["random"].append({"class": name, "arguments": arguments, "config": initializers.serialize(made), "draws": draws})
    for name, cases in FIXED.items():
        for arguments, shape in cases:
            made = getattr(initializers, name)(**arguments)
            value = np.asarray(made(shape, dtype="float64")).tolist()
            facts["fixed"].append(
                {"class": name, "arguments": arguments, "config": initializers.serialize(made), "shape": shape, "value": value}
            )
    kernel = np.random.default_rng(1).normal(size=(3, 2, 2, 4)).round(3)
    kernel[..., 3] = 0.0        # a filter without norm
    facts["kernel"] = kernel.tolist()
    for kind, cases_of, module in (("regularizers", REGULARIZERS, regularizers), ("constraints", CONSTRAINTS, constraints)):
        for of, value, table in (("w", w, cases_of), ("kernel", kernel, OF_KERNELS[kind])):
            for name, cases in table.items():
                for arguments in cases:
                    facts[kind].append(applied(module, name, arguments, of, value))
    path = pathlib.Path(__file__).parent / "initializers.json"
    path.write_text(json.dumps(facts, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
