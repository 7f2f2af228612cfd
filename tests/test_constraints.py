"""Constraints: values and configs of real Keras (tests/golden/make_initializers.py), names, errors."""
import json
import pathlib

import numpy as np
import pytest

from fastnn import constraints
from fastnn.tensor import Tensor, Variable

FACTS = json.loads((pathlib.Path(__file__).parent / "golden" / "initializers.json").read_text())


def as_json(config):
    return json.loads(json.dumps(config))


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-9)])
@pytest.mark.parametrize("fact", FACTS["constraints"], ids=lambda fact: f"{fact['class']}-{fact['arguments']}-{fact['of']}")
def test_values_and_configs(fact, dtype, tolerance):
    made = getattr(constraints, fact["class"])(**fact["arguments"])
    config = as_json(constraints.serialize(made))
    assert config == fact["config"]
    assert as_json(constraints.serialize(constraints.deserialize(config))) == config
    w = np.array(FACTS[fact["of"]], dtype)
    value = made(Tensor(w))
    assert value.dtype == dtype
    np.testing.assert_allclose(value.numpy(), fact["value"], rtol=tolerance, atol=tolerance)
    variable = Variable(w)
    variable.assign(made(variable))
    np.testing.assert_array_equal(variable.numpy(), value.numpy())


def test_names():
    assert constraints.get(None) is None
    assert constraints.get("max_norm").max_value == 2
    assert isinstance(constraints.get("NonNeg"), constraints.NonNeg)
    assert constraints.get({"class_name": "UnitNorm", "config": {"axis": 1}}).axis == 1
    assert constraints.max_norm(3).max_value == 3
    assert constraints.get(abs) is abs


@pytest.mark.parametrize("identifier, message", [("max_nrom", "Did you mean 'max_norm'"), (3, "Could not interpret constraint")])
def test_wrong_identifiers(identifier, message):
    with pytest.raises(ValueError, match=message):
        constraints.get(identifier)
