"""pad_sequences: what Keras' documentation shows, and bad arguments."""
import numpy as np
import pytest

from fastnn.preprocessing.sequence import pad_sequences
from fastnn.utils import pad_sequences as same

ROWS = [[1], [2, 3], [4, 5, 6]]


@pytest.mark.parametrize("arguments, expected", [
    ({}, [[0, 0, 1], [0, 2, 3], [4, 5, 6]]),
    ({"value": -1}, [[-1, -1, 1], [-1, 2, 3], [4, 5, 6]]),
    ({"padding": "post"}, [[1, 0, 0], [2, 3, 0], [4, 5, 6]]),
    ({"maxlen": 2}, [[0, 1], [2, 3], [5, 6]]),
    ({"maxlen": 2, "truncating": "post", "padding": "post"}, [[1, 0], [2, 3], [4, 5]]),
    ({"maxlen": 0}, [[], [], []]),
])
def test_rows_of_unequal_lengths(arguments, expected):
    found = pad_sequences(ROWS, **arguments)
    assert found.dtype == "int32" and found.tolist() == expected


def test_steps_with_axes_texts_and_empty_rows():
    found = pad_sequences([[[1.0, 2.0]], [], np.ones((2, 2))], dtype="float64", value=[7, 8])
    assert found.tolist() == [[[7, 8], [1, 2]], [[7, 8], [7, 8]], [[1, 1], [1, 1]]]
    assert pad_sequences([["a"], []], dtype=object, value="-").tolist() == [["a"], ["-"]]
    assert pad_sequences([]).shape == (0, 0) and same is pad_sequences


@pytest.mark.parametrize("rows, arguments, message", [
    (ROWS, {"padding": "left"}, "padding must be 'pre' or 'post', received 'left'"),
    (ROWS, {"truncating": "end"}, "truncating"), (ROWS, {"maxlen": 2.5}, "maxlen"), (ROWS, {"value": "x"}, "dtype=object"),
    ([1, 2], {}, "row 0 is 1"), ([["a"]], {}, "row 0 cannot become an array of int32"),
    ([[[1, 2]], [[1, 2, 3]]], {}, r"row 1 have the shape \(3,\)"),
])
def test_bad_arguments(rows, arguments, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(rows, **arguments)
