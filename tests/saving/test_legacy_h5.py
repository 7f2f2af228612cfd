"""`.h5` files: those of real Keras 2 and 3 (tests/golden/make_legacy_files.py), our own, and what does not fit."""
import warnings

import numpy as np
import pytest

import fastnn as keras
from fastnn import layers
from fastnn.saving import legacy_h5
from tests.golden import make_legacy_files as golden

h5py = pytest.importorskip("h5py")
STORED = np.load(golden.HERE / "legacy_files.npz")
KERAS3 = {file: entry for files in golden.KERAS3.values() for file, entry in files.items()}
FILES = {file: entry for file, entry in {**golden.KERAS2, **KERAS3}.items() if file.endswith(".h5")}


@pytest.fixture
def file_of(tmp_path):
    """Function that unpacks a file of real Keras and gives its path."""
    def unpack(name):
        path = tmp_path / name
        path.write_bytes(STORED[f"{name}/file"].tobytes())
        return path
    return unpack


def small(inputs=4, units=3, name=None):
    return keras.Sequential([layers.Input((inputs,)), layers.Dense(units, name="hidden"), layers.Dense(1, name="out")], name=name)


def assert_same(found, expected, tolerance=1e-5):
    assert found.keys() == expected.keys()
    for key, value in found.items():
        np.testing.assert_allclose(value, expected[key], rtol=tolerance, atol=tolerance, err_msg=key)


def stored_answers(file):
    return {key.rpartition("/")[2]: STORED[key] for key in STORED.files if key.startswith(f"{file}/") and not key.endswith("/file")}


# ---- Files of real Keras ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("file", [file for file in FILES if "weights" not in file])
def test_models_of_keras_predict_and_train_on(file, file_of):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = legacy_h5.load_model(file_of(file))
        found = golden.answers(model, FILES[file][0])
    assert_same(found, stored_answers(file))


def test_weights_of_keras_2(file_of):
    model = golden.convnet(keras)
    legacy_h5.load_weights(model, file_of("keras2_weights.h5"))
    expected = stored_answers("keras2_weights.h5")
    np.testing.assert_allclose(model.predict(golden.data("weights")[0], verbose=0), expected["y0"], atol=1e-5)
    whole = golden.convnet(keras)
    legacy_h5.load_weights(whole, file_of("keras2_convnet.h5"))
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), model.get_weights()))


def test_metrics_of_several_outputs_keep_their_names(file_of):
    x, y = golden.data("functional")
    for file in ("keras2_functional.h5", "keras3_functional.h5"):
        found = legacy_h5.load_model(file_of(file)).evaluate(x, y, return_dict=True, verbose=0)
        assert sorted(found) == ["classes_accuracy", "classes_loss", "loss", "number_loss", "number_off"]


def test_without_compile(file_of):
    model = legacy_h5.load_model(file_of("keras2_convnet.h5"), compile=False)
    assert not model.compiled


# ---- Our own ----------------------------------------------------------------------------------------------------

def tree(path):
    found = {}
    with h5py.File(path) as file:
        found[""] = sorted(file.attrs)
        file.visititems(lambda name, item: found.update({name: (
            sorted(item.attrs), [list(v) if np.ndim(v) else v for k, v in sorted(item.attrs.items()) if k.endswith("_names")],
            getattr(item, "shape", None), getattr(item, "dtype", np.dtype("f4")).kind)}))
    return found


@pytest.mark.parametrize("file", KERAS3)
def test_the_tree_is_that_of_keras_3(file, file_of, tmp_path):
    path = file_of(file)
    legacy_h5.save_model(legacy_h5.load_model(path), tmp_path / "own.h5")
    assert tree(tmp_path / "own.h5") == tree(path)


@pytest.mark.parametrize("name", golden.OWN)
def test_there_and_back(name, tmp_path):
    model = golden.trained(keras, name, golden.OWN[name])
    legacy_h5.save_model(model, tmp_path / "model.h5")
    again = legacy_h5.load_model(tmp_path / "model.h5")
    assert_same(golden.answers(again, name), golden.answers(model, name), 0)
    assert again.optimizer.get_config() == model.optimizer.get_config()


def test_of_a_model_that_never_trained(tmp_path):
    model = small()
    model.compile(keras.optimizers.Adam(0.5), "mse")
    legacy_h5.save_model(model, tmp_path / "a.h5")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(legacy_h5.load_model(tmp_path / "a.h5").optimizer.learning_rate) == 0.5
    legacy_h5.save_model(model, tmp_path / "b.h5", include_optimizer=False)
    with pytest.warns(UserWarning, match="how the model was compiled"):
        assert not legacy_h5.load_model(tmp_path / "b.h5").compiled
    with h5py.File(tmp_path / "b.h5") as file:
        assert "training_config" not in file.attrs and "optimizer_weights" not in file


def test_own_losses_and_metrics(tmp_path):
    def cubed(y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 3, axis=-1)

    x, y = np.ones((4, 4)), np.zeros((4, 1))
    model = small()
    model.compile("sgd", cubed, metrics=[cubed, "mae"])
    model.fit(x, y, verbose=0)
    legacy_h5.save_model(model, tmp_path / "own.h5")
    again = legacy_h5.load_model(tmp_path / "own.h5", custom_objects={"cubed": cubed})
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    with pytest.warns(UserWarning, match="could not be compiled.*cubed"):
        assert not legacy_h5.load_model(tmp_path / "own.h5").compiled


def test_weights_that_a_class_of_ones_own_holds(tmp_path):
    class Net(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(2)
            self.scale = self.add_weight(shape=(2,), initializer="ones", name="scale")

        def call(self, x):
            return self.dense(x) * self.scale

    first, second, unbuilt = Net(), Net(), keras.Sequential([layers.Dense(1)])
    x = np.ones((1, 3), "float32")
    first(x), second(x)
    first.scale.assign([2.0, 3.0])
    legacy_h5.save_weights(first, tmp_path / "net.h5")
    legacy_h5.load_weights(second, tmp_path / "net.h5")
    assert np.array_equal(first(x), second(x)) and second.scale.numpy().tolist() == [2.0, 3.0]
    with pytest.raises(ValueError, match="no weights yet"):
        legacy_h5.load_weights(unbuilt, tmp_path / "net.h5")


def test_lists_of_names_that_are_too_large_for_an_attribute(tmp_path, monkeypatch):
    monkeypatch.setattr(legacy_h5, "ATTRIBUTE_LIMIT", 8)
    model, other = small(), small()
    legacy_h5.save_weights(model, tmp_path / "split.h5")
    with h5py.File(tmp_path / "split.h5") as file:
        assert {"layer_names0", "layer_names1"} <= set(file.attrs) and "layer_names" not in file.attrs
    legacy_h5.load_weights(other, tmp_path / "split.h5")
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights()))


def test_layers_that_were_frozen_since(tmp_path):
    def nested():
        inner = keras.Sequential([layers.Input((4,)), layers.Dense(4, name="a"), layers.BatchNormalization(name="b"),
                                  layers.Dense(4, name="c"), layers.BatchNormalization(name="d")], name="inner")
        for i, variable in enumerate(inner.weights):
            variable.assign(np.full(variable.shape, i))
        return keras.Sequential([layers.Input((4,)), inner])

    model, frozen = nested(), nested()
    expected = [v.numpy() for v in frozen.weights]
    legacy_h5.save_weights(model, tmp_path / "a.h5")
    frozen.layers[0].trainable = False
    for variable in frozen.weights:
        variable.assign(np.zeros(variable.shape))
    legacy_h5.load_weights(frozen, tmp_path / "a.h5")
    assert all(np.array_equal(a, b) for a, b in zip(frozen.get_weights(), expected))


def test_a_model_that_is_replayed_sees_new_weights(tmp_path):
    model, x = small(), np.ones((8, 4), "float32")
    before = [model.predict(x, verbose=0) for _ in range(5)][-1]
    legacy_h5.save_weights(model, tmp_path / "a.h5")
    model.set_weights([w + 1 for w in model.get_weights()])
    assert not np.array_equal(model.predict(x, verbose=0), before)
    legacy_h5.load_weights(model, tmp_path / "a.h5")
    assert np.array_equal(model.predict(x, verbose=0), before)


# ---- What does not fit ------------------------------------------------------------------------------------------

def test_by_name(tmp_path):
    legacy_h5.save_weights(small(), tmp_path / "a.h5")
    model = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="hidden"), layers.Dense(3, name="new"), layers.Dense(1, name="other")])
    before = model.get_weights()
    with pytest.raises(ValueError, match="2 layers with weights.*has 3.*by_name"):
        legacy_h5.load_weights(model, tmp_path / "a.h5")
    legacy_h5.load_weights(model, tmp_path / "a.h5", by_name=True)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights())]
    assert changed[0] and not any(changed[1:])


@pytest.mark.parametrize("by_name", [False, True])
def test_other_shapes_change_nothing_or_are_skipped(by_name, tmp_path):
    saved = small(units=5)
    legacy_h5.save_weights(saved, tmp_path / "a.h5")
    model = small()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r'nothing was loaded(.|\n)*layer "hidden" has kernel of shape \(4, 3\), the file holds \(4, 5\)'):
        legacy_h5.load_weights(model, tmp_path / "a.h5", by_name=by_name)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    saved.layers[1].bias.assign([9.0])
    legacy_h5.save_weights(saved, tmp_path / "a.h5")
    with pytest.warns(UserWarning) as told:
        legacy_h5.load_weights(model, tmp_path / "a.h5", by_name=by_name, skip_mismatch=True)
    assert len(told) == 2 and "(4, 3)" in str(told[0].message) and "(5, 1)" in str(told[1].message)
    assert np.array_equal(model.get_weights()[0], before[0]) and model.get_weights()[3].tolist() == [9.0]


def test_another_number_of_weights(tmp_path):
    saved = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="hidden", use_bias=False), layers.Dense(1, name="out")])
    legacy_h5.save_weights(saved, tmp_path / "a.h5")
    with pytest.raises(ValueError, match=r"has 2 weights \(kernel \(4, 3\), bias \(3,\)\), the file holds 1 .*hidden/kernel \(4, 3\)"):
        legacy_h5.load_weights(small(), tmp_path / "a.h5")
    with pytest.warns(UserWarning, match="not loaded.*hidden"):
        legacy_h5.load_weights(small(), tmp_path / "a.h5", skip_mismatch=True)


def test_files_of_other_kinds(tmp_path):
    path = tmp_path / "a.h5"
    legacy_h5.save_weights(small(), path)
    with pytest.raises(ValueError, match="only weights: make the model"):
        legacy_h5.load_model(path)
    with h5py.File(path, "w") as file:
        file.create_group("something")
    with pytest.raises(ValueError, match="something"):
        legacy_h5.load_weights(small(), path)
    with pytest.raises(ValueError, match="no architecture"):
        legacy_h5.load_model(path)


def damage(file, what):
    group = file["model_weights"]
    if what == "json":
        file.attrs["model_config"] = b'{"class_name": '
    elif what == "list":
        file.attrs["model_config"] = b"[1, 2]"
    elif what == "layer":
        del group["hidden"]
    elif what == "weight":
        name = group["hidden"].attrs["weight_names"][0]
        del group["hidden"][name]
        group["hidden"].create_group(name)
    elif what == "text":
        name = group["hidden"].attrs["weight_names"][1]
        del group["hidden"][name]
        group["hidden"][name] = np.array([b"abc"] * 3)
    elif what == "all":
        del file["model_weights"]


@pytest.mark.parametrize("what", ["json", "list", "layer", "weight", "text", "all"])
def test_damaged_files_are_errors(what, tmp_path):
    legacy_h5.save_model(small(), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        damage(file, what)
    with pytest.raises(ValueError):
        legacy_h5.load_model(tmp_path / "a.h5")


def test_a_state_of_another_optimizer_is_told(tmp_path):
    model = small()
    model.compile("adam", "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 1)), verbose=0)
    legacy_h5.save_model(model, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        names = list(file["optimizer_weights"].attrs["weight_names"])
        file["optimizer_weights"].attrs["weight_names"] = names[:4]
    with pytest.warns(UserWarning, match="was not loaded, it starts anew"):
        again = legacy_h5.load_model(tmp_path / "a.h5")
    again.fit(np.ones((4, 4)), np.ones((4, 1)), verbose=0)
    assert int(again.optimizer.iterations) == 1


# ---- States of optimizers as older versions wrote them ----------------------------------------------------------

def trained_with(optimizer, path):
    """A model after some steps, in a file too; its data."""
    model = small()
    x, y = np.random.default_rng(1).normal(size=(8, 4)), np.ones((8, 1))
    model.compile(optimizer, "mse")
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, shuffle=False)
    legacy_h5.save_model(model, path)
    return model, x, y


def write_state(path, entries, layer_names=None):
    """Puts (name, values) in the place of the state in a file, and its layers in another order."""
    with h5py.File(path, "r+") as file:
        del file["optimizer_weights"]
        group = file.create_group("optimizer_weights")
        group.attrs["weight_names"] = [name.encode() for name, _ in entries]
        for name, value in entries:
            group[name] = value
        if layer_names is not None:
            file["model_weights"].attrs["layer_names"] = [name.encode() for name in layer_names]


def slots(model):
    """{weight: (momentum, velocity)} of Adam."""
    values = [v.numpy() for v in model.optimizer.variables[2:]]
    return {v.path: pair for v, pair in zip(model.trainable_variables, zip(values[::2], values[1::2]))}


def test_numbers_for_names(tmp_path):
    model, x, y = trained_with("adam", tmp_path / "a.h5")
    found = slots(model)
    values = [np.array(4), *[m for m, _ in found.values()], *[v for _, v in found.values()], *[np.zeros(1)] * 4]     # no amsgrad
    write_state(tmp_path / "a.h5", [(f"training/Adam/Variable_{i}:0", value) for i, value in enumerate(values)])
    again = legacy_h5.load_model(tmp_path / "a.h5")
    assert all(np.array_equal(a, b) for a, b in zip(again.optimizer.get_weights(), model.optimizer.get_weights()))


@pytest.mark.parametrize("style", ["Adam/{slot}/{weight}:0", "training/Adam/{weight}/{slot}:0"])
def test_layers_in_another_order(style, tmp_path):
    model, x, y = trained_with("adam", tmp_path / "a.h5")
    found = slots(model)
    order = ["out/kernel", "out/bias", "hidden/kernel", "hidden/bias"]
    write_state(tmp_path / "a.h5", [("iteration:0", np.array(4))] + [
        (style.format(slot=slot, weight=weight), found[weight][i]) for i, slot in enumerate("mv") for weight in order], ["out", "hidden"])
    again = legacy_h5.load_model(tmp_path / "a.h5")
    assert all(np.array_equal(a, b) for a, b in zip(again.get_weights(), model.get_weights()))
    assert all(np.array_equal(a, b) for a, b in zip(again.optimizer.get_weights(), model.optimizer.get_weights()))


def test_the_momentums_product_that_keras_2_forgot(tmp_path):
    model, x, y = trained_with("nadam", tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        group = file["optimizer_weights"]
        state = [(name, group[name][()]) for name in group.attrs["weight_names"] if "u_product" not in name]
    write_state(tmp_path / "a.h5", [(f"{name}:0", value) for name, value in state])
    again = legacy_h5.load_model(tmp_path / "a.h5")
    assert np.allclose(again.optimizer._product, model.optimizer._product) and float(again.optimizer._product) < 0.1


def test_a_state_that_would_be_loaded_in_part_is_not_loaded(tmp_path):
    model, x, y = trained_with("adafactor", tmp_path / "a.h5")
    write_state(tmp_path / "a.h5", [("iteration:0", np.array(4)), *[(f"Adafactor/v/{v.path}:0", np.ones(v.shape)) for v in model.weights]])
    with pytest.warns(UserWarning, match="starts anew"):
        again = legacy_h5.load_model(tmp_path / "a.h5")
    assert int(again.optimizer.iterations) == 0
