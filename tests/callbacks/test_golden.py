"""Callbacks against what those of real Keras did: see tests/golden/make_callbacks.py."""
import json

import numpy as np
import pytest

import fastnn
from tests.losses.test_losses import GOLDEN, golden_script

pytestmark = pytest.mark.filterwarnings("ignore:.*runs op by op")       # models whose methods are replaced

WORK = golden_script("make_callbacks")["WORK"]
FOUND = json.loads((GOLDEN / "callbacks.json").read_text())


def ours(kind, name):
    run, cases = WORK[kind]
    return run(fastnn, cases[name])


def test_all_cases_are_there():
    assert {kind: set(cases) for kind, (_, cases) in WORK.items()} == {kind: set(FOUND[kind]) for kind in WORK}


@pytest.mark.parametrize("kind, name", [(kind, name) for kind in ("reduce", "stop", "save", "log") for name in FOUND[kind]])
def test_as_keras(kind, name):
    assert ours(kind, name) == FOUND[kind][name]


@pytest.mark.parametrize("name", FOUND["swap"])
def test_weights_and_averages_as_keras(name):
    found, expected = ours("swap", name), FOUND["swap"][name]
    assert [hook for hook, _ in found] == [hook for hook, _ in expected]
    for (hook, mine), (_, theirs) in zip(found, expected):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6, err_msg=hook)
