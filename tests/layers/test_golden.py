"""Every layer against numbers and configs that real Keras made: see tests/golden/make_layers.py."""
import json

import numpy as np
import pytest

from fastnn import layers
from fastnn.tensor import Tensor

from .helpers import CLOSE, GOLDEN, as_json, forward_and_gradients

FACTS = json.loads((GOLDEN / "layers.json").read_text())


@pytest.fixture(scope="module")
def numbers():
    with np.load(GOLDEN / "layers.npz") as file:
        return dict(file)


def make(name, numbers, dtype):
    """The layer of a case with its stored weights, and the call's options."""
    facts = FACTS[name]
    arguments = {"name": name, **facts["arguments"]}
    layer = getattr(layers, facts["class"])(**arguments, dtype=dtype)
    x = numbers[f"{name}/x"].astype(dtype)
    layer.build(x.shape)
    layer.set_weights([numbers[f"{name}/w{i}"] for i in range(len(facts["weights"]))])
    return layer, Tensor(x), {"training": True} if facts["training"] else {}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FACTS)
def test_forward_and_backward_are_those_of_keras(name, dtype, numbers):
    layer, x, options = make(name, numbers, dtype)
    y, gradients = forward_and_gradients(layer, x, numbers[f"{name}/dy"].astype(dtype), **options)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), numbers[f"{name}/y"], **CLOSE[dtype])
    expected = [numbers[f"{name}/dx"], *(numbers[f"{name}/dw{i}"] for i in range(len(layer.trainable_weights)))]
    for found, wanted in zip(gradients, expected, strict=True):
        scale = max(1.0, np.abs(wanted).max(initial=0))
        np.testing.assert_allclose(found.numpy() / scale, wanted / scale, **CLOSE[dtype])
    for i, weight in enumerate(layer.non_trainable_weights):
        np.testing.assert_allclose(weight.numpy(), numbers[f"{name}/after{i}"], **CLOSE[dtype])


@pytest.mark.parametrize("name", FACTS)
def test_penalties_are_those_of_keras(name, numbers):
    layer, x, options = make(name, numbers, "float64")
    layer(x, **options)
    assert sum(float(loss) for loss in layer.losses) == pytest.approx(FACTS[name]["losses"], rel=1e-6)


@pytest.mark.parametrize("name", FACTS)
def test_configs_weights_and_shapes_are_those_of_keras(name, numbers):
    facts = FACTS[name]
    layer, x, _ = make(name, numbers, "float64")
    assert as_json(layer.get_config()) == facts["config"]
    assert as_json([(w.name, w.shape) for w in layer.weights]) == facts["weights"]
    assert [w.name for w in layer.trainable_weights] == facts["trainable_weights"]
    assert as_json(layer.compute_output_shape((None, *x.shape[1:]))) == facts["symbolic"]
    copy = type(layer).from_config(facts["config"])
    assert as_json(copy.get_config()) == facts["config"]
