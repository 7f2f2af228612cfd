"""`save_weights` and `load_weights` in each format, what does not fit, and runs that go on after weights were loaded."""
import io
import json
import sys
import zipfile

import numpy as np
import pytest

import fastnn as keras
from fastnn import layers

pytest.importorskip("h5py")
FORMATS = ["w.weights.h5", "w.h5", "w.keras", "w.safetensors", "w.weights.json"]
WITH_OPTIMIZER = ["w.weights.h5", "w.keras", "w.weights.json"]
X = np.random.default_rng(1).normal(size=(32, 5)).astype("float32")
Y = np.random.default_rng(2).normal(size=(32, 1)).astype("float32")


def small(units=4, optimizer="adam", seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([layers.Input((5,)), layers.Dense(units, activation="tanh", name="a"), layers.BatchNormalization(name="b"),
                              layers.Dense(1, name="c")], name="small")
    if optimizer:
        model.compile(optimizer, "mse")
    return model


def write(model, path):
    if path.name.endswith("safetensors"):
        pytest.importorskip("safetensors")
    if path.suffix == ".keras":
        model.save(path)
    else:
        model.save_weights(path, **({"max_shard_size": 100 / 2**30} if path.suffix == ".json" else {}))
    return path


def bits(model):
    values = model.get_weights() + ([v.numpy() for v in model.optimizer.variables] if model.optimizer else [])
    return [(v.shape, str(v.dtype), v.tobytes()) for v in values]


def fitted(model, **options):
    return model.fit(X, Y, epochs=2, batch_size=8, shuffle=False, verbose=0, **options).history["loss"]


# ---- There and back ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", FORMATS)
def test_there_and_back(name, tmp_path):
    model, other = small(), small(seed=1)
    fitted(model)
    path = write(model, tmp_path / name)
    memory = [v.data.__array_interface__["data"][0] for v in other.weights]
    other.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))
    assert [v.data.__array_interface__["data"][0] for v in other.weights] == memory


@pytest.mark.parametrize("name", WITH_OPTIMIZER)
def test_the_state_of_the_optimizer_goes_along(name, tmp_path):
    model, other = small(), small(seed=1)
    fitted(model)
    other.load_weights(write(model, tmp_path / name))
    assert bits(other) == bits(model)
    assert fitted(other) == fitted(model)


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_a_recorded_step_takes_what_was_loaded(name, eagerly, tmp_path):
    path = write(small(seed=3, optimizer=keras.optimizers.SGD(0.1)), tmp_path / name)
    model, other = (small(optimizer=keras.optimizers.SGD(0.1)) for _ in range(2))
    fitted(model)                       # its plans are recorded before the weights are loaded
    before = model.predict(X, verbose=0)
    model.load_weights(path)
    other.load_weights(path)
    model.optimizer.iterations.assign(0)
    assert not np.array_equal(model.predict(X, verbose=0), before)
    other.run_eagerly = eagerly
    assert fitted(model) == fitted(other)
    assert bits(model) == bits(other)


def test_file_objects_and_folders(tmp_path):
    model = small()
    fitted(model)
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    assert bits(keras.saving.load_model(file)) == bits(model)
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path / "folder")
    assert bits(keras.saving.load_model(tmp_path / "folder")) == bits(model)


def test_shards_are_listed(tmp_path):
    model = small(optimizer=None)
    path = write(model, tmp_path / "w.weights.json")
    listed = json.loads(path.read_text())
    assert listed["metadata"]["total_size"] == sum(w.nbytes for w in model.get_weights())
    files = {name for names in listed["weight_map"].values() for name in ([names] if isinstance(names, str) else names)}
    assert files == {f.name for f in tmp_path.glob("w_*.weights.h5")} and len(files) > 1


# ---- What does not fit ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", FORMATS)
def test_another_model_changes_nothing(name, tmp_path):
    path = write(small(), tmp_path / name)
    other = small(units=6, seed=1)
    fitted(other)
    before = bits(other)
    with pytest.raises(ValueError):
        other.load_weights(path)
    assert bits(other) == before


@pytest.mark.parametrize("name", FORMATS)
def test_skip_mismatch_leaves_what_does_not_fit(name, tmp_path):
    model, other = small(optimizer=None), keras.Sequential([
        layers.Input((5,)), layers.Dense(4, name="a"), layers.BatchNormalization(name="b"), layers.Dense(2, name="c")])
    path = write(model, tmp_path / name)
    head = other.layers[-1].get_weights()
    with pytest.warns(UserWarning, match="left|not loaded"):
        other.load_weights(path, skip_mismatch=True)
    assert np.array_equal(other.layers[0].kernel.numpy(), model.layers[0].kernel.numpy())
    assert np.array_equal(other.layers[1].gamma.numpy(), model.layers[1].gamma.numpy())
    assert np.array_equal(other.layers[-1].kernel.numpy(), head[0])


def test_an_optimizer_of_another_kind_starts_anew(tmp_path):
    model, other = small(), small(optimizer=keras.optimizers.SGD(0.1), seed=1)
    fitted(model)
    path = write(model, tmp_path / "w.weights.h5")
    with pytest.warns(UserWarning, match="optimizer"):
        other.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights()))
    assert int(other.optimizer.iterations.numpy()) == 0


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files(name, tmp_path):
    model = small()
    fitted(model)
    path = write(small(seed=1), tmp_path / name)
    path.write_bytes(path.read_bytes()[:40])
    before = bits(model)
    with pytest.raises(ValueError):
        model.load_weights(path)
    assert bits(model) == before


def test_paths_and_models_that_will_not_do(tmp_path):
    model = small()
    with pytest.raises(FileNotFoundError):
        model.load_weights(tmp_path / "nowhere.weights.h5")
    for name in ("weights", "weights.txt", "w.npz", "w.keras"):
        with pytest.raises(ValueError, match="end in"):
            model.save_weights(tmp_path / name)
    with pytest.raises(ValueError, match="max_shard_size"):
        model.save_weights(tmp_path / "w.weights.json")
    with pytest.raises(TypeError):
        model.save_weights(3)
    unbuilt = keras.Sequential([layers.Dense(2)])
    path = write(model, tmp_path / "w.weights.h5")
    for method in (unbuilt.save_weights, unbuilt.load_weights):
        with pytest.raises(ValueError, match="no weights yet"):
            method(path)
    old = path.read_bytes()
    with pytest.raises(FileExistsError):
        model.save_weights(path, overwrite=False)
    assert path.read_bytes() == old and [f.name for f in tmp_path.iterdir()] == ["w.weights.h5"]


@pytest.mark.parametrize("name, package", [("w.weights.h5", "h5py"), ("w.h5", "h5py"), ("w.keras", "h5py"), ("w.safetensors", "safetensors")])
def test_missing_packages(name, package, tmp_path, monkeypatch):
    for module in (package, f"{package}.numpy"):
        monkeypatch.setitem(sys.modules, module, None)
    model = small()
    with pytest.raises(ImportError, match="pip install"):
        (model.save if name.endswith(".keras") else model.save_weights)(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_layers_that_only_the_file_has_are_told(tmp_path):
    small().save_weights(tmp_path / "w.weights.h5")
    trunk = keras.Sequential([layers.Input((5,)), layers.Dense(4)])
    with pytest.warns(UserWarning, match="2 object.*layers/batch_normalization, layers/dense_1"):
        trunk.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(trunk.get_weights()[0], small().get_weights()[0])


@pytest.mark.parametrize("name", ["w.weights.h5", "w.keras", "w.safetensors", "w.weights.json"])
def test_by_name_is_for_the_layout_with_names(name, tmp_path):
    path = write(small(), tmp_path / name)
    with pytest.raises(ValueError, match="by_name=True is for files of Keras 2.*get_layer"):
        small().load_weights(path, by_name=True)


def test_save_format_of_keras_2_agrees_with_the_ending(tmp_path):
    small().save(tmp_path / "m.h5", save_format="h5")
    for path, form in (("m.keras", "h5"), ("m.h5", "keras"), ("folder", "h5"), ("folder", "tf")):
        with pytest.raises(ValueError, match="save_format.*the ending alone"):
            small().save(tmp_path / path, save_format=form)
