"""Layers that several models hold stay one layer in files."""
import io

import numpy as np
import pytest

import fastnn
from fastnn import layers
from fastnn.saving import load_model

pytest.importorskip("h5py")


@pytest.fixture
def model():
    """Two models with one layer between them, and each with one of its own."""
    shared = layers.Dense(3, name="shared")
    first = fastnn.Sequential([layers.Input((3,)), shared, layers.Dense(3, name="own")], name="first")
    inside = layers.Input((3,))
    second = fastnn.Model(inside, layers.Dense(3, name="other")(shared(inside)), name="second")
    inputs = layers.Input((3,))
    return fastnn.Model(inputs, second(first(inputs)))


@pytest.mark.parametrize("where", ["model.keras", "model.h5", "memory"])
def test_they_stay_one(tmp_path, model, where, rng):
    x = rng.normal(size=(4, 3))
    if where == "memory":
        file = io.BytesIO()
        model.save(file)
        loaded = load_model(file)
    else:
        model.save(tmp_path / where)
        loaded = load_model(tmp_path / where, compile=False)
    assert loaded.get_layer("first").get_layer("shared") is loaded.get_layer("second").get_layer("shared")
    assert loaded.get_layer("first").get_layer("own") is not loaded.get_layer("second").get_layer("other")
    assert len(loaded.weights) == len(model.weights) == 6
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_in_json_too(model):
    again = fastnn.models.model_from_json(model.to_json())
    assert len(again.weights) == 6 and again.get_layer("first").get_layer("shared") is again.get_layer("second").get_layer("shared")
    plain = fastnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    assert "shared_object_id" not in plain.to_json() and "shared_object_id" in model.to_json()
