"""Every layer against numbers and configs that real Keras made: see tests/golden/make_layers.py."""
import json

import numpy as np
import pytest

from fastnn import layers
from fastnn.layers.structure import map_structure
from fastnn.tensor import Tensor

from .helpers import CLOSE, GOLDEN, as_json, forward_and_gradients

FACTS = {name: facts for path in sorted(GOLDEN.glob("layers*.json")) for name, facts in json.loads(path.read_text()).items()}


def stored_numbers():
    """All arrays of all files, by `<case>/<array>`."""
    found = {}
    for path in sorted(GOLDEN.glob("layers*.npz")):
        with np.load(path) as file:
            found.update(file)
    return found


numbers = pytest.fixture(scope="module")(stored_numbers)


def parts(numbers, name, word):
    """The arrays `word`, or `word0`, `word1` ... of a case."""
    found = [numbers[f"{name}/{word}"]] if f"{name}/{word}" in numbers else []
    while f"{name}/{word}{len(found)}" in numbers:
        found.append(numbers[f"{name}/{word}{len(found)}"])
    return found


def without_builds(config):
    """A config, without the shapes that the layers inside were built for: the stored ones do not have them."""
    if isinstance(config, dict):
        return {key: without_builds(value) for key, value in config.items() if key != "build_config"}
    return config


def is_list(name, numbers):
    """Whether a case has a list of inputs."""
    return f"{name}/x0" in numbers


def masks_of(name, numbers):
    """The masks of a case, by the argument that they are passed as."""
    found = {}
    for key, shape in FACTS[name].get("extra", {}).get("masks", {}).items():
        several = bool(shape) and any(isinstance(part, list) or part is None for part in shape)
        found[key] = [numbers.get(f"{name}/{key}{i}") for i in range(len(shape))] if several else numbers[f"{name}/{key}"]
    return found


def made_layer(facts, **more):
    """The layer of a case; layers among its arguments are given as configs."""
    def is_layer(v):
        return isinstance(v, dict) and hasattr(layers, v.get("class_name", ""))

    def typed(v):
        """A config of a layer, and those inside, with the dtype."""
        if not is_layer(v):
            return v
        return {**v, "config": {**{key: typed(one) for key, one in v["config"].items()}, "dtype": more.get("dtype")}}

    def value(v):
        return layers.deserialize(typed(v)) if is_layer(v) else v

    return getattr(layers, facts["class"])(**{key: value(v) for key, v in {**facts["arguments"], **more}.items()})


def make(name, numbers, dtype):
    """The layer of a case with its stored weights, its positional arguments, and the call's options."""
    facts = FACTS[name]
    layer = made_layer(facts, dtype=dtype, name=facts["arguments"].get("name", name))
    x = [Tensor(x.astype(dtype) if x.dtype.kind == "f" else x) for x in parts(numbers, name, "x")]
    inputs = x if facts.get("extra", {}).get("positional") or not is_list(name, numbers) else [x]
    options = {"training": True} if facts["training"] else {}
    options |= {**facts.get("extra", {}).get("call", {}), **masks_of(name, numbers)}
    layer(*inputs, **options)
    layer.set_weights([numbers[f"{name}/w{i}"] for i in range(len(facts["weights"]))])
    return layer, inputs, options


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FACTS)
def test_forward_and_backward_are_those_of_keras(name, dtype, numbers):
    layer, inputs, options = make(name, numbers, dtype)
    dy = [one.astype(dtype) for one in parts(numbers, name, "dy")]
    close = CLOSE["float32" if FACTS[name].get("extra", {}).get("single") else dtype]
    outputs, gradients = forward_and_gradients(layer, inputs, dy, **options)
    for y, wanted in zip(outputs, parts(numbers, name, "y"), strict=True):
        assert y.dtype == dtype
        np.testing.assert_allclose(y.numpy(), wanted, **close)
    expected = [dx for dx in parts(numbers, name, "dx") if dx.size] + [numbers[f"{name}/dw{i}"] for i in range(len(layer.trainable_weights))]
    for found, wanted in zip(gradients, expected, strict=True):
        scale = max(1.0, np.abs(wanted).max(initial=0))
        np.testing.assert_allclose(found.numpy() / scale, wanted / scale, **close)
    for i, weight in enumerate(layer.non_trainable_weights):
        np.testing.assert_allclose(weight.numpy(), numbers[f"{name}/after{i}"], **close)


@pytest.mark.parametrize("name", FACTS)
def test_penalties_are_those_of_keras(name, numbers):
    layer, inputs, options = make(name, numbers, "float64")
    layer(*inputs, **options)
    assert sum(float(loss) for loss in layer.losses) == pytest.approx(FACTS[name]["losses"], rel=1e-6)


@pytest.mark.parametrize("name", FACTS)
def test_configs_weights_and_shapes_are_those_of_keras(name, numbers):
    facts = FACTS[name]
    layer, inputs, _ = make(name, numbers, "float64")
    assert without_builds(as_json(layer.get_config())) == facts["config"]
    assert as_json([(w.name, w.shape) for w in layer.weights]) == facts["weights"]
    assert [w.name for w in layer.trainable_weights] == facts["trainable_weights"]
    shapes = [map_structure(lambda x: (None, *x.shape[1:]), x) for x in inputs]
    assert as_json(layer.compute_output_shape(*shapes)) == facts["symbolic"]
    copy = type(layer).from_config(facts["config"])
    assert as_json(copy.get_config()) == facts["config"]
