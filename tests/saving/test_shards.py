"""Weights that are spread over several files: saved again, broken off at every point."""
import os

import numpy as np
import pytest

import fastnn
from fastnn import layers
from fastnn.saving import weight_files

pytest.importorskip("h5py")
SIZE = 100 / 2**30      # room for one kernel


def model_of(value):
    model = fastnn.Sequential([layers.Input((4,)), *[layers.Dense(4) for _ in range(3)]])
    model.set_weights([np.full(v.shape, value) for v in model.weights])
    return model


def value_in(path):
    """The one number that all weights in a file are."""
    model = model_of(0)
    model.load_weights(path)
    return {float(x) for value in model.get_weights() for x in value.ravel()}


def test_saved_again_and_again(tmp_path):
    path = tmp_path / "w.weights.json"
    for value in range(1, 6):
        model_of(value).save_weights(path, max_shard_size=SIZE)
        assert value_in(path) == {value}
        numbered = sorted(name for name in os.listdir(tmp_path) if name != path.name)
        assert "w_00000.weights.h5" in numbered     # Keras opens it in any case
        assert len(numbered) == (3 if value % 2 else 4)


@pytest.mark.parametrize("before", [1, 2])
@pytest.mark.parametrize("at", range(6))
def test_broken_off(tmp_path, monkeypatch, before, at):
    """The save is stopped as it begins to write one of its files: three of weights, the list, and what is left of an old one."""
    path, count = tmp_path / "w.weights.json", [0]
    for value in range(before):
        model_of(value + 1).save_weights(path, max_shard_size=SIZE)
    replacing = weight_files.replacing

    def counted(place):
        count[0] += 1
        if count[0] > at:
            raise KeyboardInterrupt
        return replacing(place)

    with monkeypatch.context() as patch:
        patch.setattr(weight_files, "replacing", counted)
        try:
            model_of(9).save_weights(path, max_shard_size=SIZE)
        except KeyboardInterrupt:
            pass
    assert value_in(path) == ({before} if at < 4 else {9})
    model_of(10).save_weights(path, max_shard_size=SIZE)
    assert value_in(path) == {10}


@pytest.mark.parametrize("size", ["1", 0, -1, float("nan"), [1]])
def test_sizes_that_make_no_sense(tmp_path, size):
    with pytest.raises(ValueError, match="max_shard_size"):
        model_of(1).save_weights(tmp_path / "w.weights.json", max_shard_size=size)
