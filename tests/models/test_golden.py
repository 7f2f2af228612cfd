"""fit, evaluate and predict against numbers of real Keras: see tests/golden/make_fit.py."""
import importlib.util
import json
import pathlib
import sys
import types

import numpy as np
import pytest

import fastnn

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"


def script():
    """make_fit.py as a module, which must not need Keras here."""
    spec = importlib.util.spec_from_file_location("make_fit", GOLDEN / "make_fit.py")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get("keras")
    sys.modules["keras"] = types.ModuleType("keras")
    try:
        spec.loader.exec_module(module)
    finally:
        if before is None:
            del sys.modules["keras"]
        else:
            sys.modules["keras"] = before
    return module


MAKE = script()
EXPECTED = json.loads((GOLDEN / "fit.json").read_text())["cases"]


@pytest.mark.parametrize("name", MAKE.CASES)
def test_training_as_keras(name):
    found, expected = MAKE.run(fastnn, MAKE.CASES[name]), EXPECTED[name]
    assert sorted(found["history"]) == sorted(expected["history"])      # under JAX, Keras sorts them
    for key, values in expected["history"].items():
        np.testing.assert_allclose(found["history"][key], values, rtol=2e-4, atol=1e-6, err_msg=key)
    assert sorted(found["evaluate"]) == sorted(expected["evaluate"])
    for key, value in expected["evaluate"].items():
        assert found["evaluate"][key] == pytest.approx(value, rel=2e-4), key
    np.testing.assert_allclose(found["predict"], expected["predict"], rtol=1e-3, atol=1e-5)
