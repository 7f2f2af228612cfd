"""Models that begin with text: calls, fit, predict, files (also those of real Keras), and vocabularies in files from elsewhere."""
import json
import pickle
import runpy
import warnings
import zipfile

import numpy as np
import pytest

import fastnn
from fastnn import Model, Sequential, layers
from fastnn.saving import load_model
from fastnn.tensor import Tensor

from ..layers.helpers import GOLDEN

TEXTS = np.array(["good fun film", "bad dull film", "good good", "dull bad bad"] * 10)
Y = np.array([1.0, 0.0, 1.0, 0.0] * 10)


def vectorizer(**arguments):
    layer = layers.TextVectorization(**arguments)
    layer.adapt(TEXTS)
    return layer


def compiled(model):
    model.compile(fastnn.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return model


def sequence_model(begin=()):
    return compiled(Sequential([*begin, vectorizer(output_sequence_length=4), layers.Embedding(10, 4), layers.GlobalAveragePooling1D(),
                                layers.Dense(1, activation="sigmoid")]))


def graph_model():
    text, number = layers.Input((1,), dtype="string", name="text"), layers.Input((2,), name="number")
    row = layers.StringLookup(vocabulary=TEXTS[:3].tolist(), output_mode="one_hot")(text)
    return compiled(Model([text, number], layers.Dense(1, activation="sigmoid")(layers.Concatenate()([row, number]))))


@pytest.mark.parametrize("begin", [(), (layers.Input((1,), dtype="string"),), (layers.Input((), dtype="string"),)], ids=["none", "column", "vector"])
def test_a_stack_learns_from_text(begin):
    model = sequence_model(begin)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit(TEXTS, Y, epochs=20, batch_size=8, validation_data=(TEXTS, Y), verbose=0).history
    assert history["accuracy"][-1] == history["val_accuracy"][-1] == 1.0
    whole = model.predict(TEXTS, verbose=0)
    for x in (TEXTS[:, None], TEXTS.tolist(), TEXTS.astype(object), TEXTS.astype("S")):
        np.testing.assert_array_equal(model.predict(x, verbose=0), whole)
    np.testing.assert_array_equal(model.predict_on_batch(TEXTS[:3]), model.predict(TEXTS[:3], verbose=0))
    assert model(["good fun"]).shape == (1, 1) and model(TEXTS[:2, None]).shape == (2, 1)
    assert model.evaluate(TEXTS, Y, verbose=0)[1] == 1.0 and len(model.train_on_batch(TEXTS[:4], Y[:4])) == 2


def test_the_same_as_text_made_numbers_before():
    weights, results = None, []
    for inside in (True, False):
        fastnn.utils.set_random_seed(3)
        model = sequence_model()
        model(TEXTS[:2])
        weights = weights or model.get_weights()
        model.set_weights(weights)
        x = TEXTS
        if not inside:
            x, model = model.layers[0](TEXTS).numpy(), compiled(Sequential(model.layers[1:]))
        model.fit(x, Y, epochs=3, batch_size=8, verbose=0)
        results.append(model.get_weights())
    for one, other in zip(*results):
        np.testing.assert_array_equal(one, other)


def test_a_graph_with_text_and_numbers():
    model, numbers = graph_model(), np.ones((40, 2), "float32")
    model.fit([TEXTS, numbers], Y, epochs=2, verbose=0)
    found = model.predict({"text": TEXTS[:, None], "number": numbers}, verbose=0)
    np.testing.assert_array_equal(found, model.predict([TEXTS, numbers], verbose=0))
    assert model([["good good"], np.ones((1, 2))]).shape == (1, 1) and model.layers[1].output.shape == (None, 4)


def test_data_sets_of_text():
    batches = fastnn.utils.dataset_utils.Batches(40, lambda rows: (TEXTS[rows].astype(object), Y[rows]), batch_size=8, shuffle=True, seed=1)
    model = sequence_model()
    assert model.fit(batches, epochs=2, verbose=0).history["loss"]
    words = vectorizer(output_mode="multi_hot")
    rows = batches.map(lambda texts, y: (words(texts), y))
    dense = compiled(Sequential([layers.Dense(1, activation="sigmoid")]))
    assert dense.fit(rows, epochs=20, verbose=0).history["accuracy"][-1] == 1.0
    again = layers.TextVectorization()
    again.adapt(batches)        # x of (x, y)
    assert again.get_vocabulary() == ["", *words.get_vocabulary()]


def test_hashing_in_a_model():
    model = compiled(Sequential([layers.Hashing(16, output_mode="one_hot"), layers.Dense(1, activation="sigmoid")]))
    for x in (TEXTS[:, None], np.arange(40)[:, None]):
        assert model.fit(x, Y, epochs=2, verbose=0).history["loss"]
    a, b = layers.Input((1,), dtype="string"), layers.Input((1,), dtype="int64")
    crossed = compiled(Model([a, b], layers.Dense(1, activation="sigmoid")(layers.HashedCrossing(8, output_mode="one_hot")([a, b]))))
    assert crossed.fit([TEXTS[:, None], np.arange(40)[:, None] % 3], Y, verbose=0).history["loss"]


def test_sparse_rows_of_text():
    words = vectorizer(output_mode="tf_idf")
    sparse = layers.TextVectorization(output_mode="tf_idf", sparse=True)
    sparse.adapt(TEXTS)
    np.testing.assert_array_equal(sparse(TEXTS).numpy(), words(TEXTS).numpy())
    dense = layers.Dense(3)
    np.testing.assert_allclose(dense(sparse(TEXTS)).numpy(), dense(words(TEXTS)).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("call, message", [
    (lambda: Sequential([layers.Dense(1)]).predict(["a"], verbose=0), "`x` must hold numbers.*begins with TextVectorization"),
    (lambda: layers.Dense(1)(["a"]), 'Layer "dense.*takes numbers'),
    (lambda: layers.Dense(1)(layers.Input((1,), dtype="string")), "takes numbers. Received: text"),
    (lambda: sequence_model().predict(np.ones((3, 1)), verbose=0), "expected text, received 1.0"),
    (lambda: graph_model().predict([np.ones((3, 1)), np.ones((3, 2))], verbose=0), "takes text.*float64"),
    (lambda: graph_model().predict([TEXTS, TEXTS], verbose=0), "must hold numbers"),
    (lambda: sequence_model().predict(np.array(["a", None], object), verbose=0), r"received None .* position \(1,\)"),
    (lambda: sequence_model().fit(TEXTS, TEXTS, verbose=0), "`y` must hold numbers"),
])
def test_errors(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


# ---- Files ------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def mixed():
    script = runpy.run_path(str(GOLDEN / "make_text_model.py"))
    return script, [np.array(script["TEXTS"], object), np.array(script["SIZES"], "float32"), np.array(script["CODES"])]


def test_a_file_of_keras(mixed, tmp_path):
    script, x = mixed
    model = load_model(GOLDEN / "text_model.keras")
    found = model.predict(x, verbose=0)
    np.testing.assert_allclose(found, json.loads((GOLDEN / "text_model.json").read_text()), rtol=1e-5, atol=1e-6)
    own = script["build"](layers, Model, np.array)
    own.set_weights(model.get_weights())
    np.testing.assert_array_equal(own.predict(x, verbose=0), found)
    own.save(tmp_path / "own.keras")
    np.testing.assert_array_equal(load_model(tmp_path / "own.keras").predict(x, verbose=0), found)

    def assets(path):
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist() if name.startswith("assets/")}

    assert assets(tmp_path / "own.keras") == assets(GOLDEN / "text_model.keras")


@pytest.mark.parametrize("make", [sequence_model, graph_model])
def test_saved_and_loaded(make, tmp_path):
    model = make()
    x = TEXTS if make is sequence_model else [TEXTS, np.ones((40, 2))]
    model.fit(x, Y, verbose=0)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(load_model(tmp_path / "model.keras").predict(x, verbose=0), model.predict(x, verbose=0))
    model.save_weights(tmp_path / "model.weights.h5")
    copy = make()
    copy.predict(x, verbose=0)
    copy.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(copy.predict(x, verbose=0), model.predict(x, verbose=0))


def test_vocabularies_survive_odd_words(tmp_path):
    words = ["größe", "a b", " x", "\u2028", "é\x0b", "tab\tbed"]
    model = Sequential([layers.Input((1,), dtype="string"), layers.StringLookup()])
    model.layers[0].adapt(words)
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").layers[0].get_vocabulary() == model.layers[0].get_vocabulary()
    model.layers[0].adapt(["two\nlines"])
    with pytest.raises(ValueError, match="'two.nlines'.*end of a line"):
        model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").layers[0].get_vocabulary()[1:] == sorted(words, reverse=True)    # the file of before


def with_vocabulary(source, target, path):
    """A model file whose first lookup layer wants its vocabulary from a file."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as changed:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "config.json":
                config = json.loads(data)
                layer = next(one for one in config["config"]["layers"] if one["class_name"] in ("StringLookup", "TextVectorization"))
                layer["config"]["vocabulary"] = path
                data = json.dumps(config).encode()
            changed.writestr(name, data)


@pytest.mark.parametrize("make", [sequence_model, graph_model])
def test_no_vocabulary_from_outside_of_the_file(make, tmp_path):
    """CVE-2025-12058: a model from elsewhere could name any file of the machine."""
    (tmp_path / "secret.txt").write_text("password\nhunter2\n")
    model = make()
    model.predict(TEXTS if make is sequence_model else [TEXTS, np.ones((40, 2))], verbose=0)
    model.save(tmp_path / "model.keras")
    with_vocabulary(tmp_path / "model.keras", tmp_path / "bad.keras", str(tmp_path / "secret.txt"))
    with pytest.raises(ValueError, match="names a file for its vocabulary.*secret.txt.*safe_mode=False"):
        load_model(tmp_path / "bad.keras")
    config = json.loads(zipfile.ZipFile(tmp_path / "bad.keras").read("config.json"))
    with pytest.raises(ValueError, match="names a file for its vocabulary"):
        type(model).from_config(config["config"])
    with pytest.raises(ValueError, match="names a file for its vocabulary"):
        fastnn.models.model_from_json(json.dumps(config))


def test_own_layers_of_a_file_read_no_vocabularies_either(tmp_path):
    (tmp_path / "secret.txt").write_text("password\nhunter2\n")

    class Reader(layers.Layer):
        def __init__(self, file, **kwargs):
            super().__init__(**kwargs)
            self.file, self.lookup = file, layers.StringLookup(vocabulary=file)

        def get_config(self):
            return {**super().get_config(), "file": self.file}

    config = fastnn.saving.serialize_keras_object(Reader(str(tmp_path / "secret.txt")))
    with pytest.raises(ValueError, match="wants its vocabulary from another file.*secret.txt"):
        fastnn.saving.deserialize_keras_object(config, custom_objects={"Reader": Reader})
    trusted = fastnn.saving.deserialize_keras_object(config, custom_objects={"Reader": Reader}, safe_mode=False)
    assert trusted.lookup.get_vocabulary() == ["[UNK]", "password", "hunter2"]


def test_text_tensors():
    assert isinstance(layers.StringLookup(vocabulary=["a"], invert=True)([1]), Tensor)
    chain = Sequential([layers.Input((2,), dtype="int64"), layers.StringLookup(vocabulary=["a", "b"], invert=True)])
    assert chain.predict(np.array([[1, 2], [2, 0]]), verbose=0).tolist() == [["a", "b"], ["b", "[UNK]"]]


class OwnModel(Model):
    def __init__(self):
        super().__init__()
        self.words = layers.TextVectorization(vocabulary=["good", "bad"], output_mode="multi_hot")
        self.dense = layers.Dense(1, activation="sigmoid")

    def call(self, texts):
        return self.dense(self.words(texts))


def test_own_models_and_copies():
    model = compiled(OwnModel())
    assert model.fit(TEXTS, Y, epochs=3, validation_split=0.2, verbose=0).history["val_loss"]
    assert model.predict(TEXTS, verbose=0).shape == (40, 1) and model(["good"]).shape == (1, 1)
    stack = Sequential([layers.Input((1,), dtype="string"), layers.TextVectorization(vocabulary=[b"good", b"bad"], output_mode="count"), layers.Dense(2)])
    for copy in (fastnn.models.clone_model(stack), fastnn.models.model_from_json(stack.to_json()), pickle.loads(pickle.dumps(stack))):
        assert copy.layers[0](["bad bad x"]).tolist() == [[1, 0, 2]] and copy.predict(["a"], verbose=0).shape == (1, 2)


def test_a_path_object_is_a_file(tmp_path):
    (tmp_path / "words.txt").write_text("good\nbad\n")
    layer = layers.StringLookup(vocabulary=tmp_path / "words.txt")
    assert layer.get_vocabulary(False) == ["good", "bad"] and layer.get_config()["vocabulary"] is None
