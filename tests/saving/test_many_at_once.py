"""Files that are written and read at the same time, by several threads."""
import os
import threading

import numpy as np
import pytest

import fastnn
from fastnn import layers
from fastnn.saving import load_model

pytest.importorskip("h5py")


def model_of(value):
    """A model all of whose weights are one number."""
    model = fastnn.Sequential([layers.Input((30,)), layers.Dense(20, name="dense")])
    model.set_weights([np.full(v.shape, value) for v in model.weights])
    return model


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.weights.h5"])
def test_a_file_that_is_saved_again_and_again_can_be_read_meanwhile(tmp_path, name):
    path, errors, over = os.fspath(tmp_path / name), [], threading.Event()
    whole = not name.endswith(".weights.h5")

    def save(value):
        model = model_of(value)
        while not over.is_set():
            model.save(path) if whole else model.save_weights(path)

    def load():
        try:
            other = model_of(0)
            for _ in range(25):
                if whole:
                    other = load_model(path)
                else:
                    other.load_weights(path)
                found = {float(x) for value in other.get_weights() for x in value.ravel()}
                if found not in ({1.0}, {2.0}):
                    errors.append(found)
        except Exception as error:
            errors.append(error)

    model_of(1).save(path) if whole else model_of(1).save_weights(path)
    savers = [threading.Thread(target=save, args=(value,)) for value in (1, 2)]
    loaders = [threading.Thread(target=load) for _ in range(2)]
    for thread in savers + loaders:
        thread.start()
    for thread in loaders:
        thread.join()
    over.set()
    for thread in savers:
        thread.join()
    assert not errors
    assert os.listdir(tmp_path) == [name]
