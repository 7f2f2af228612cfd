"""Functions of ops against numbers that real Keras computed: see tests/golden/make_ops.py."""
import json
import pathlib

import numpy as np
import pytest

import fastnn
from fastnn import ops
from fastnn.tape import GradientTape, flatten
from fastnn.tensor import FLOATS, Spec, Tensor

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
FACTS = {f"{path.stem[4:]}/{name}": facts for path in sorted(GOLDEN.glob("ops_*.json"))
         for name, facts in json.loads(path.read_text()).items()}
TOLERANCE = {"float32": 2e-5, "float64": 1e-9}


def weights(shape):
    """What each result is multiplied with before the sum whose gradient is stored; make_ops.py has the same."""
    return np.cos(1.0 + np.arange(int(np.prod(shape)))).reshape(shape)


def decode(value, make):
    """A stored structure, with `make(array)` for its arrays."""
    if isinstance(value, dict) and "array" in value:
        dtype = "float64" if value["dtype"].startswith("float") else value["dtype"]
        return make(np.array(value["array"], dtype).reshape(value["shape"]))
    if isinstance(value, dict):
        return tuple(decode(v, make) for v in value["tuple"])
    return [decode(v, make) for v in value] if isinstance(value, list) else value


def call(facts, make):
    """The results of a case's function."""
    name = facts["function"]
    found, path = (fastnn, name[6:]) if name.startswith("keras.") else (ops, name)
    for part in path.split("."):
        found = getattr(found, part)
    return found(*decode(facts["arguments"], make), **{key: decode(v, make) for key, v in facts["keywords"].items()})


def compare(found, wanted, tolerance, what):
    scale = max(1.0, np.abs(wanted[np.isfinite(wanted)]).max(initial=0)) if wanted.dtype.kind == "f" else 1
    np.testing.assert_allclose(found / scale, wanted / scale, rtol=tolerance, atol=tolerance, err_msg=what)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", FACTS)
def test_values_and_gradients_are_those_of_keras(name, dtype):
    facts = FACTS[name]
    options = facts["options"]
    if dtype not in options.get("dtypes", FLOATS):
        pytest.skip("not of this type")
    tolerance = options.get("tolerance", TOLERANCE[dtype]) if dtype == "float32" else TOLERANCE[dtype]
    floats = []

    def make(array):
        tensor = Tensor(array.astype(dtype) if array.dtype.kind == "f" else array)
        floats.extend([tensor] if tensor.dtype in FLOATS else [])
        return tensor

    with GradientTape() as tape:
        given = decode([facts["arguments"], list(facts["keywords"].values())], make)    # made before, to be watched
        left = iter([t for t in flatten(given) if isinstance(t, Tensor)])
        tape.watch(floats)
        results = call(facts, lambda array: next(left))
    wanted = flatten(decode([facts["results"]], lambda array: array))
    for found, expected in zip(flatten([results]), wanted, strict=True):
        if expected is None or not isinstance(expected, np.ndarray):
            assert found == expected
            continue
        assert found.shape == expected.shape
        if options.get("values", True):
            assert found.dtype == dtype if expected.dtype.kind == "f" else found.data.dtype.kind == expected.dtype.kind
            compare(found.numpy(), expected, tolerance, "value")
    if "gradients" in facts:
        targets = [y for y in flatten([results]) if isinstance(y, Tensor) and y.dtype in FLOATS]
        seeds = [Tensor(weights(y.shape).astype(dtype)) for y in targets]
        found = tape.gradient(targets, floats, seeds, unconnected_gradients="zero")
        for i, (g, expected) in enumerate(zip(found, decode(facts["gradients"], lambda array: array), strict=True)):
            assert (g.shape, g.dtype) == (expected.shape, dtype)
            compare(g.numpy(), expected, 4 * tolerance, f"gradient {i}")


@pytest.mark.parametrize("name", [name for name, facts in FACTS.items() if facts["options"].get("symbolic", True)])
def test_symbolic_shapes_are_those_of_keras(name):
    specs = []

    def make(array):
        specs.append(Spec(array.shape, "float64" if array.dtype.kind == "f" else str(array.dtype)))
        return specs[-1]

    results = call(FACTS[name], make)
    if not specs:
        pytest.skip("no tensors among the arguments")
    wanted = flatten(decode([FACTS[name]["results"]], lambda array: array))
    assert [tuple(y.shape) for y in flatten([results])] == [y.shape for y in wanted]
    assert [y.dtype in FLOATS for y in flatten([results])] == [y.dtype.kind == "f" for y in wanted]
