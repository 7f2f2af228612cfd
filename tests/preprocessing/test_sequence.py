"""TimeseriesGenerator, skipgrams and make_sampling_table against real Keras 2 (tests/golden/make_keras2_text.py)."""
import json
import random

import numpy as np
import pytest

import fastnn
from fastnn.preprocessing.sequence import TimeseriesGenerator, make_sampling_table, skipgrams

from .test_text import FACTS, SCRIPT

SERIES = np.arange(40).reshape(20, 2)


@pytest.mark.parametrize("name", SCRIPT["GENERATORS"])
def test_generator(name):
    for data, targets in ((SERIES, SERIES[:, 0]), (SERIES.tolist(), SERIES[:, 0].tolist())):
        np.random.seed(0)
        generator = TimeseriesGenerator(data, targets, **SCRIPT["GENERATORS"][name])
        assert SCRIPT["batches"](generator) == FACTS["generators"][name]
    config = json.loads(generator.to_json())["config"]
    assert json.loads(config["data"]) == SERIES.tolist() and config["length"] == SCRIPT["GENERATORS"][name]["length"]


def test_model_learns_from_a_generator():
    series = np.sin(np.arange(200, dtype="float32"))[:, None]
    model = fastnn.Sequential([fastnn.layers.Input((4, 1)), fastnn.layers.Flatten(), fastnn.layers.Dense(1)])
    model.compile("adam", "mse")
    assert len(model.fit(TimeseriesGenerator(series, series, 4, batch_size=16), epochs=2, verbose=0).history["loss"]) == 2


@pytest.mark.parametrize("name", SCRIPT["SKIPGRAMS"])
def test_skipgrams(name):
    arguments = dict(SCRIPT["SKIPGRAMS"][name])
    if "sampling_table" in arguments:
        arguments["sampling_table"] = make_sampling_table(9, 0.05)
    random.seed(0)
    assert json.loads(json.dumps(skipgrams(SCRIPT["SENTENCE"], **arguments))) == FACTS["skipgrams"][name]


def test_sampling_table():
    for factor, expected in zip((1e-5, 1e-2), FACTS["table"]):
        np.testing.assert_allclose(make_sampling_table(30, factor), expected, rtol=1e-14)
    with pytest.raises(ValueError, match="positive"):
        make_sampling_table(0)


def test_skipgrams_of_nothing():
    assert skipgrams([0, 0], 5) == ([], [])
    with pytest.raises(ValueError, match="vocabulary_size of at least 2"):
        skipgrams([1, 2], 1)


@pytest.mark.parametrize("arguments, message", [
    ({"targets": [1, 2]}, "same length, received 20 and 2"), ({"length": 25}, "no room"), ({"length": 0}, "`length`.*0"),
    ({"stride": 1.5}, "`stride`.*1.5"), ({"end_index": 20}, "end_index=20"), ({"start_index": -3}, "start_index=-3"),
])
def test_errors_of_generators(arguments, message):
    with pytest.raises(ValueError, match=message):
        TimeseriesGenerator(**{"data": SERIES, "targets": SERIES, "length": 3, **arguments})
    with pytest.raises(TypeError, match="cannot be written as JSON"):
        TimeseriesGenerator([{1}, {2}], [1, 2], length=1).get_config()
