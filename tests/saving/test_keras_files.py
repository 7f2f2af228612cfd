"""`.keras` files of real Keras (tests/golden/make_keras_files.py): the same answers here, and the same file when they are saved again.

A file with the same config and the same tree of weights as Keras wrote is one that Keras can read; tools/round_trips.py asks Keras itself.
"""
import io
import warnings

import numpy as np
import pytest

import fastnn as keras
from tests.golden import case_models
from tests.golden import make_keras_files as golden, own_classes

pytest.importorskip("h5py")
from tests.golden import saved_files  # noqa: E402

STORED = np.load(golden.HERE / "keras_files.npz")
FILES = [key.partition("/")[0] for key in STORED.files if key.endswith("/file")]
FAMILIES = [name for name in FILES if name not in golden.MODELS]
OWN = ("nest", "own_layers", "own_functions")
# Lines of differences that are known, beyond those of saved_files.py: fastnn writes the tuple of x[:, 2] as one, where Keras makes a list
# of it; Keras looks ops up by class, so that all have one module; the config of an own layer without `get_config` has no None.
KNOWN = {"functions": ("'__tuple__'", "'keras.src.ops.nn', fastnn 'keras.src.ops.numpy'"), "own_layers": ("activity_regularizer: Keras None",)}
COMPILED = [name for name in FILES if f"{name}/losses" in STORED.files]
CASES = case_models.facts_of_cases()


def file_of(name):
    return io.BytesIO(STORED[f"{name}/file"].tobytes())


def answers_of(name):
    """What the model answered in Keras, in order."""
    count = sum(key.startswith(f"{name}/y") for key in STORED.files)
    return [STORED[f"{name}/y{i}"] for i in range(count)]


def assert_close(found, wanted):
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted):
        scale = max(1.0, np.abs(other).max(initial=0))
        np.testing.assert_allclose(one / scale, other / scale, rtol=1e-5, atol=1e-5)


def loaded(name, **options):
    if name in OWN:
        options["custom_objects"] = own_classes.own_classes(keras)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return keras.saving.load_model(file_of(name), **options)


def unknown_differences(name, again):
    found = saved_files.differences(file_of(name), again)
    return [line for line in found if not any(part in line for part in KNOWN.get(name, ()))]


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_of_keras(family):
    names = golden.families(CASES)[family]
    inputs = [array for name in names for array in CASES[name]["inputs"].values()]
    assert_close(case_models.answers(loaded(family), inputs), answers_of(family))


@pytest.mark.parametrize("name", golden.MODELS)
def test_models_of_keras(name):
    model = loaded(name)
    assert_close(golden.flat(model(golden.inputs_for(name))), answers_of(name))
    assert model.compiled == (name in COMPILED)


@pytest.mark.parametrize("name", FILES)
def test_what_is_saved_again_is_what_keras_wrote(name):
    keras.backend.clear_session()       # the names of layers inside layers are counted
    again = io.BytesIO()
    loaded(name).save(again)
    assert unknown_differences(name, again) == []


@pytest.mark.parametrize("name", golden.MODELS)
def test_models_made_here_are_saved_as_by_keras(name, tmp_path):
    keras.backend.clear_session()
    model = golden.MODELS[name](keras)
    model.set_weights(case_models.values(name, model.weights))
    if model.compiled:
        golden.next_losses(model)
    model.save(tmp_path / "own.keras")
    assert unknown_differences(name, tmp_path / "own.keras") == []


@pytest.mark.parametrize("name", COMPILED)
def test_training_goes_on_as_in_keras(name):
    np.testing.assert_allclose(golden.next_losses(loaded(name)), STORED[f"{name}/losses"], rtol=2e-5, atol=1e-6)


def test_what_is_frozen():
    model = loaded("frozen")
    inner, still, learns = model.layers[-3:]
    assert model.trainable and not inner.trainable and not still.trainable and learns.trainable
    assert [w.path for w in model.trainable_weights] == [w.path for w in learns.weights]


def test_without_compile():
    assert not loaded("optimizer_adam", compile=False).compiled
