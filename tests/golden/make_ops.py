"""Writes ops_<family>.json: what functions of keras.ops compute, and their gradients.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python tests/golden/make_ops.py [FAMILY ...]      (with keras and jax installed)

Without families, all.  The cases are `CASES` of ops_<family>.py beside this file, a dict by name.  A case is

    (function, arguments, keywords, options)        options may be left out, keywords too

with `function` a name in keras.ops ("linalg.det", "where"), or in keras where it begins with "keras." ("keras.random.normal").
NumPy arrays among arguments and keywords, also in lists and tuples, become tensors; the rest is passed as it is.  Options, all
true unless set to False: "gradient": whether the gradients are stored; "symbolic": whether the test also asks for the shapes by
symbolic tensors; "values": whether the values are stored, and not their shapes alone; and "tolerance": of float32, 2e-5 if absent.
"dtypes": float types to test, both if absent.

The gradients are those of the sum of `result * weights(result.shape)` over all float results, with regard to each float array.
Everything is computed in float64, from arrays whose numbers float32 holds too.
"""
import importlib
import json
import pathlib
import sys

import jax
import numpy as np

import keras
from keras.src.backend.common import dtypes

HERE = pathlib.Path(__file__).parent


def weights(shape):
    """What each result is multiplied with before the sum whose gradient is stored; test_ops.py has the same."""
    return np.cos(1.0 + np.arange(int(np.prod(shape)))).reshape(shape)


def single(value):
    """An array of numbers that float32 holds."""
    return value.astype("float32").astype("float64") if value.dtype.kind == "f" else value


def digits(array):
    """Nested lists, floats with 12 significant digits; what is not finite as a string."""
    array = np.asarray(array)
    if array.dtype.kind != "f":
        return array.tolist()
    return np.vectorize(lambda x: float(f"{x:.12g}") if np.isfinite(x) else str(x), otypes=[object])(array).tolist() if array.size else []


def encode(value):
    """A structure of arrays and plain values as JSON has it."""
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        array = np.asarray(value)
        return {"array": digits(array), "dtype": str(array.dtype), "shape": array.shape}
    if isinstance(value, tuple):
        return {"tuple": [encode(v) for v in value]}
    return [encode(v) for v in value] if isinstance(value, list) else value


def is_float(value):
    return isinstance(value, (jax.Array, np.ndarray)) and value.dtype.kind == "f"


def find(name):
    """The function of a name."""
    found, path = (keras, name[6:]) if name.startswith("keras.") else (keras.ops, name)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def record(function, arguments, keywords=None, options=None):
    """What is stored of a case."""
    keywords, options = keywords or {}, options or {}
    arrays = lambda v: isinstance(v, np.ndarray)    # noqa: E731
    arguments, keywords = jax.tree.map(lambda v: single(v) if arrays(v) else v, (arguments, keywords), is_leaf=arrays)
    leaves, tree = jax.tree.flatten((arguments, keywords), is_leaf=lambda v: v is None)
    floats = [v for v in leaves if is_float(v)]

    def call(values):
        left = iter(values)
        args, kwargs = jax.tree.unflatten(tree, [next(left) if is_float(v) else jax.numpy.asarray(v) if arrays(v) else v for v in leaves])
        return find(function)(*args, **kwargs)

    results = call([jax.numpy.asarray(v) for v in floats])
    facts = {"function": function, "arguments": encode(arguments), "keywords": encode(keywords) if keywords == {} else
             {key: encode(v) for key, v in keywords.items()}, "results": encode(results), "options": options}
    if options.get("values") is False:
        facts["results"] = encode(jax.tree.map(lambda v: np.zeros(0) if v is None else np.zeros(v.shape, v.dtype), results))
    if options.get("gradient", True) and floats:
        def total(values):
            return sum((v * weights(v.shape)).sum() for v in jax.tree.leaves(call(values)) if is_float(v))
        facts["gradients"] = [encode(g) for g in jax.grad(total)([jax.numpy.asarray(v) for v in floats])]
    return facts


def main():
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"      # Keras on JAX computes in float32 at most, many functions at least
    keras.config.set_floatx("float64")
    for family in sys.argv[1:] or [path.stem[4:] for path in sorted(HERE.glob("ops_*.py"))]:
        cases = importlib.import_module(f"ops_{family}").CASES
        lines = [f"{json.dumps(name)}: {json.dumps(record(*case), separators=(',', ':'))}" for name, case in cases.items()]
        (HERE / f"ops_{family}.json").write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
