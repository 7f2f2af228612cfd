"""Writes text_model.keras: a model with all layers of text and categories, as real Keras saves it; and text_model.json: what it predicts.

    KERAS_BACKEND=tensorflow python tests/golden/make_text_model.py       (with keras and tensorflow installed)
    ... make_text_model.py FILE      what Keras predicts with a model that fastnn saved, as JSON
"""
import json
import pathlib
import sys

TEXTS = ["good fun film", "bad dull film!", "Good, good", "dull bad bad", "", "größe film fun"]
SIZES = [[1.0], [5.0], [2.5], [7.0], [3.0], [-4.0]]
CODES = [[3], [12], [7], [3], [99], [0]]


def build(layers, model_class, array):
    """The model, by the layers of Keras or fastnn."""
    text, size, code = layers.Input((), dtype="string", name="text"), layers.Input((1,), name="size"), layers.Input((1,), dtype="int64", name="code")
    words = layers.TextVectorization(output_sequence_length=4, name="words")
    words.adapt(array(TEXTS))
    counts = layers.TextVectorization(output_mode="tf_idf", max_tokens=12, ngrams=2, name="counts")
    counts.adapt(array(TEXTS))
    whole = layers.StringLookup(output_mode="one_hot", max_tokens=5, name="whole")
    whole.adapt(array(TEXTS)[:, None])
    given = layers.StringLookup(vocabulary=["good fun film", "dull bad bad"], output_mode="one_hot", name="given")
    codes = layers.IntegerLookup(output_mode="multi_hot", name="codes")
    codes.adapt(array(CODES))
    scaled, bins = layers.Normalization(name="scaled"), layers.Discretization(num_bins=3, output_mode="one_hot", name="bins")
    scaled.adapt(array(SIZES))
    bins.adapt(array(SIZES))
    encoded = layers.CategoryEncoding(100, output_mode="multi_hot", name="encoded")(code)
    embedded = layers.Flatten(name="flat")(layers.Embedding(12, 3, name="embedding")(words(text)))
    hashed = layers.Hashing(5, output_mode="one_hot", name="hashed")(code)
    salted = layers.Hashing(5, salt=[1, 2], output_mode="one_hot", name="salted")(layers.Reshape((1,))(code))
    parts = [embedded, counts(text), whole(text), given(text), codes(code), scaled(size), bins(size), encoded, hashed, salted]
    outputs = layers.Dense(2, name="scores")(layers.Concatenate(name="all")(parts))
    return model_class([text, size, code], outputs, name="mixed")


if __name__ == "__main__":
    import numpy as np

    import keras

    inputs = [np.array(TEXTS, object), np.array(SIZES, "float32"), np.array(CODES)]
    tensors = [keras.ops.convert_to_tensor(x) if x.dtype != object else __import__("tensorflow").constant(x) for x in inputs]
    if len(sys.argv) > 1:
        model = keras.saving.load_model(sys.argv[1])
        print(json.dumps(np.asarray(model(tensors)).tolist()))
    else:
        keras.utils.set_random_seed(1)
        model = build(keras.layers, keras.Model, np.array)
        here = pathlib.Path(__file__)
        model.save(here.with_name("text_model.keras"))
        here.with_name("text_model.json").write_text(json.dumps(np.asarray(model(tensors)).tolist()) + "\n")
