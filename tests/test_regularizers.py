"""Regularizers: values and configs of real Keras (tests/golden/make_initializers.py), gradients, names, errors."""
import json
import pathlib

import numpy as np
import pytest

from fastnn import regularizers
from fastnn.tape import GradientTape
from fastnn.tensor import Tensor

FACTS = json.loads((pathlib.Path(__file__).parent / "golden" / "initializers.json").read_text())


def as_json(config):
    return json.loads(json.dumps(config))


@pytest.mark.parametrize("fact", FACTS["regularizers"], ids=lambda fact: f"{fact['class']}-{fact['arguments']}-{fact['of']}")
def test_values_configs_and_gradients(fact):
    made = getattr(regularizers, fact["class"])(**fact["arguments"])
    config = as_json(regularizers.serialize(made))
    assert config["config"] == pytest.approx(fact["config"]["config"])
    assert {**config, "config": None} == {**fact["config"], "config": None}
    assert as_json(regularizers.serialize(regularizers.deserialize(config))) == config
    w = np.array(FACTS[fact["of"]])
    assert float(made(Tensor(w.astype("float32")))) == pytest.approx(fact["value"], rel=1e-5)
    x = Tensor(w)
    with GradientTape() as tape:
        tape.watch(x)
        penalty = made(x)
    assert penalty.shape == () and float(penalty) == pytest.approx(fact["value"], rel=1e-7)
    direction = np.random.default_rng(1).normal(size=w.shape)
    step = 1e-6
    quotient = (float(made(Tensor(w + step * direction))) - float(made(Tensor(w - step * direction)))) / (2 * step)
    assert float((tape.gradient(penalty, x).numpy() * direction).sum()) == pytest.approx(quotient, rel=1e-5, abs=1e-9)


def test_names_and_functions():
    assert regularizers.get(None) is None
    assert regularizers.get("l2").l2 == 0.01
    assert regularizers.l1().l1 == 0.01 and regularizers.l2(0.3).l2 == 0.3
    assert regularizers.l1_l2 is regularizers.L1L2 and regularizers.l1_l2(l1=0.5).get_config() == {"l1": 0.5, "l2": 0.0}
    assert regularizers.L1L2().get_config() == {"l1": 0.0, "l2": 0.0}
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.01, "l2": 0.01}
    assert regularizers.get("orthogonal_regularizer").mode == "rows"
    assert regularizers.get({"class_name": "L1", "config": {"l1": 0.5}}).l1 == 0.5

    def own(w):
        return w

    assert regularizers.get(own) is own


@pytest.mark.parametrize("make, message", [
    (lambda: regularizers.L1(-1.0), "l1=-1.0"),
    (lambda: regularizers.L2("a"), "l2='a'"),
    (lambda: regularizers.L1L2(l1=float("nan")), "l1=nan"),
    (lambda: regularizers.OrthogonalRegularizer(mode="both"), "both"),
    (lambda: regularizers.OrthogonalRegularizer()(Tensor(np.zeros(3))), "rank 2"),
    (lambda: regularizers.get("l3"), "Unknown regularizer: 'l3'. Did you mean"),
    (lambda: regularizers.get(3), "Could not interpret regularizer"),
])  # fmt: skip
def test_wrong_values(make, message):
    with pytest.raises(ValueError, match=message):
        make()
