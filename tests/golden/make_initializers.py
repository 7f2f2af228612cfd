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
RANDOM = {
    "RandomNormal": [{}, {"mean": 1.0, "stddev": 0.3, "seed": 3}],
    "RandomUniform": [{}, {"minval": -2.0, "maxval": 0.5, "seed": 3}],
    "TruncatedNormal": [{}, {"mean": 1.0, "stddev": 0.3}],
    "VarianceScaling": [
        {},
        {"scale": 3.0, "mode": "fan_out", "distribution": "uniform"},
        {"scale": 0.5, "mode": "fan_avg", "distribution": "untruncated_normal"},
        {"distribution": "normal"},
    ],
    **{name: [{}, {"seed": 5}] for name in ("GlorotUniform", "GlorotNormal", "LecunNormal", "LecunUniform", "HeNormal", "HeUniform")},
}
FIXED = {
    "Zeros": [({}, (2, 3))],
    "Ones": [({}, (2, 3))],
    "Constant": [({"value": 0.7}, (2, 3)), ({}, ())],
    "Identity": [({}, (3, 3)), ({"gain": 2.5}, (2, 4))],
    "STFT": [
        ({}, (6, 1, 5)),
        ({"side": "imag", "window": "hamming", "scaling": "spectrum", "periodic": True}, (6, 1, 5)),
        ({"window": None, "scaling": None}, (4, 1, 3)),
        ({"window": "blackman"}, (6, 1, 5)),
    ],
}
REGULARIZERS = {
    "L1": [{}, {"l1": 0.3}],
    "L2": [{}, {"l2": 0.3}],
    "L1L2": [{}, {"l1": 0.2, "l2": 0.4}],
    "OrthogonalRegularizer": [{}, {"factor": 0.5, "mode": "columns"}],
}
CONSTRAINTS = {
    "MaxNorm": [{}, {"max_value": 1.5, "axis": 1}, {"axis": [0, 1]}],
    "NonNeg": [{}],
    "UnitNorm": [{}, {"axis": 1}],
    "MinMaxNorm": [{}, {"min_value": 1.0, "max_value": 1.5, "rate": 0.7, "axis": 1}],
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


def main():
    keras.config.set_floatx("float64")
    w = np.random.default_rng(0).normal(size=(4, 3)).round(3)
    facts = {"w": w.tolist(), "random": [], "fixed": [], "regularizers": [], "constraints": []}
    for name, cases in RANDOM.items():
        for arguments in cases:
            made = getattr(initializers, name)(**arguments)
            draws = [[shape, *spied(made, shape)] for shape in SHAPES]
            facts["random"].append({"class": name, "arguments": arguments, "config": initializers.serialize(made), "draws": draws})
    for name, cases in FIXED.items():
        for arguments, shape in cases:
            made = getattr(initializers, name)(**arguments)
            value = np.asarray(made(shape, dtype="float64")).tolist()
            facts["fixed"].append(
                {"class": name, "arguments": arguments, "config": initializers.serialize(made), "shape": shape, "value": value}
            )
    for kind, cases_of, module in (("regularizers", REGULARIZERS, regularizers), ("constraints", CONSTRAINTS, constraints)):
        for name, cases in cases_of.items():
            for arguments in cases:
                made = getattr(module, name)(**arguments)
                value = np.asarray(made(keras.ops.convert_to_tensor(w))).tolist()
                facts[kind].append({"class": name, "arguments": arguments, "config": module.serialize(made), "value": value})
    path = pathlib.Path(__file__).parent / "initializers.json"
    path.write_text(json.dumps(facts, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
