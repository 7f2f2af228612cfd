"""Writes text.json: what layers of text and categories of real Keras give for strings, integers and numbers.

    KERAS_BACKEND=tensorflow python tests/golden/make_text.py       (with keras and tensorflow installed)

A case is (class, arguments, data for adapt or None, input).  Stored are output, vocabulary or borders, config and the shape of the output
for a symbolic input.  tests/layers/test_text.py runs the cases again.
"""
import json
import pathlib

TEXTS = ["The cat sat on the mat.", "The dog ate my homework, the DOG!", "", "a\tb\x0bc  --  a \x1c x\u00a0y", "Größe ÄÖ größe ÄÖ's", "cat cat cat zebra"]
SAMPLES = ["the cat ate the zebra", "", "Dog! dog? (homework)", "ÄÖ größe zebra  ÄÖ"]
TOKENS = [["a", "b", "a"], ["c", "", "b"], ["[UNK]", "d", "a"]]
NUMBERS = [[3, 7, 3], [12, 0, 7], [-1, 5, 3]]
WORDS = ["the", "cat", "größe"]
IDF = [0.5, 1.5, 2.5]
FLOATS = [[-1.5, 1.0, 3.4, 0.5], [0.0, 1.0, 2.0, 2.5]]
WAVE = [((i * 37) % 101) ** 1.5 / 10 - 20 for i in range(400)]
TABLE = [[0.0, 10.0, 3.0], [2.0, 30.0, 3.0], [7.0, -4.0, 3.0], [1.0, 1.0, 3.0]]


def vectorize(label, arguments, data=TEXTS, inputs=SAMPLES):
    return {f"vectorize_{label}": ("TextVectorization", arguments, data, inputs)}


def lookup(label, arguments, data=None, inputs=(("a", "z", ""), ("b", "c", "a"))):
    return {f"string_{label}": ("StringLookup", arguments, data, inputs)}


def integers(label, arguments, data=None, inputs=((3, 99, 0), (12, 7, -5))):
    return {f"integer_{label}": ("IntegerLookup", arguments, data, inputs)}


ABC, SOME = {"vocabulary": ["a", "b", "c"]}, {"vocabulary": [12, 7, 3]}
CASES = {
    **vectorize("default", {}), **vectorize("length", {"output_sequence_length": 3}), **vectorize("max_tokens", {"max_tokens": 5}),
    **vectorize("lower", {"standardize": "lower"}), **vectorize("strip", {"standardize": "strip_punctuation"}),
    **vectorize("plain", {"standardize": None}), **vectorize("character", {"split": "character", "max_tokens": 9}),
    **vectorize("ngrams", {"ngrams": 2}), **vectorize("ngrams_tuple", {"ngrams": (3, 1)}), **vectorize("given", {"vocabulary": WORDS}, None),
    **vectorize("specials", {"vocabulary": ["", "[UNK]", *WORDS]}, None), **vectorize("column", {}, [[t] for t in TEXTS], [[s] for s in SAMPLES]),
    **vectorize("multi_hot", {"output_mode": "multi_hot"}), **vectorize("count", {"output_mode": "count", "ngrams": 2}),
    **vectorize("padded", {"output_mode": "count", "max_tokens": 30, "pad_to_max_tokens": True}), **vectorize("tf_idf", {"output_mode": "tf_idf"}),
    **vectorize("tf_idf_padded", {"output_mode": "tf_idf", "max_tokens": 20, "pad_to_max_tokens": True}),
    **vectorize("tf_idf_given", {"output_mode": "tf_idf", "vocabulary": WORDS, "idf_weights": IDF}, None),
    **vectorize("unsplit", {"split": None}, [["The", "Cat"], ["the", ""]], [["cat", "dog"], ["", "the"]]),
    **vectorize("unsplit_length", {"split": None, "output_sequence_length": 3}, [["The", "Cat"]], [["cat", "dog"], ["", "the"]]),
    **vectorize("unsplit_vector", {"split": None, "standardize": None}, ["the", "cat"], ["cat", "dog"]),
    **vectorize("one_text", {}, TEXTS, "the cat ate"), **vectorize("one_text_count", {"output_mode": "count"}, TEXTS, "the cat cat"),
    **lookup("default", ABC), **lookup("adapted", {}, TOKENS), **lookup("mask", {**ABC, "mask_token": ""}), **lookup("oov_3", {**ABC, "num_oov_indices": 3}),
    **lookup("oov_salt", {**ABC, "num_oov_indices": 5, "salt": 7, "mask_token": ""}), **lookup("no_oov", {**ABC, "num_oov_indices": 0}, None, ["a", "c"]),
    **lookup("one_hot", {**ABC, "output_mode": "one_hot", "mask_token": ""}), **lookup("one_hot_column", {**ABC, "output_mode": "one_hot"}, None, [["a"], ["z"]]),
    **lookup("multi_hot", {**ABC, "output_mode": "multi_hot", "mask_token": ""}), **lookup("count", {**ABC, "output_mode": "count", "num_oov_indices": 2}),
    **lookup("tf_idf", {**ABC, "output_mode": "tf_idf", "idf_weights": IDF}), **lookup("tf_idf_adapted", {"output_mode": "tf_idf", "max_tokens": 4}, TOKENS),
    **lookup("vector_count", {**ABC, "output_mode": "count"}, None, ["a", "a", "z"]), **lookup("max_tokens", {"max_tokens": 3, "mask_token": ""}, TOKENS),
    **lookup("specials", {"vocabulary": ["", "[UNK]", "x"], "mask_token": ""}, None, ["", "x", "q"]),
    **lookup("invert", {**ABC, "invert": True}, None, [[0, 1, 3], [2, 9, -1]]),
    **lookup("invert_mask", {**ABC, "invert": True, "mask_token": "", "num_oov_indices": 2, "oov_token": "?"}, None, [[0, 1, 2, 3, 5, 6]]),
    **integers("default", SOME), **integers("adapted", {}, NUMBERS), **integers("mask", {**SOME, "mask_token": 0}), **integers("oov_3", {**SOME, "num_oov_indices": 3}),
    **integers("farmhash", {**SOME, "num_oov_indices": 4, "oov_method": "farmhash"}), **integers("no_oov", {**SOME, "num_oov_indices": 0}, None, [3, 12]),
    **integers("salt", {**SOME, "num_oov_indices": 9, "oov_method": "farmhash", "salt": [1, 2]}),
    **integers("one_hot", {**SOME, "output_mode": "one_hot"}), **integers("multi_hot", {**SOME, "output_mode": "multi_hot", "mask_token": 0}),
    **integers("count", {**SOME, "output_mode": "count", "max_tokens": 8, "pad_to_max_tokens": True}),
    **integers("tf_idf", {"output_mode": "tf_idf"}, NUMBERS), **integers("invert", {**SOME, "invert": True}, None, [[0, 1, 3], [2, 9, -1]]),
    **integers("invert_mask", {**SOME, "invert": True, "mask_token": 0}, None, [[0, 1, 2, 3, 4, 5]]),
    "encoding_multi_hot": ("CategoryEncoding", {"num_tokens": 4}, None, [[0, 1], [3, 3]]),
    "encoding_count": ("CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, None, [[0, 1], [3, 3]]),
    "encoding_one_hot": ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, None, [3, 0, 2]),
    "encoding_one_hot_column": ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, None, [[3], [0]]),
    "encoding_one_hot_matrix": ("CategoryEncoding", {"num_tokens": 4, "output_mode": "one_hot"}, None, [[3, 1], [0, 2]]),
    "encoding_vector": ("CategoryEncoding", {"num_tokens": 4, "name": "tags"}, None, [3, 1, 1]),
    "hashing": ("Hashing", {"num_bins": 3}, None, [["A"], ["B"], ["C"], ["D"], ["E"]]), "hashing_integers": ("Hashing", {"num_bins": 7}, None, [[1, -5], [99, 0]]),
    "hashing_mask": ("Hashing", {"num_bins": 3, "mask_value": ""}, None, [["A", "", "B"], ["C", "D", ""]]),
    "hashing_mask_integers": ("Hashing", {"num_bins": 4, "mask_value": 0}, None, [[1, 0, 2, 5]]),
    "hashing_salt": ("Hashing", {"num_bins": 30, "salt": 133}, None, ["A", "größe", "x" * 90]), "hashing_salts": ("Hashing", {"num_bins": 30, "salt": [133, 137]}, None, ["A", "B"]),
    "hashing_one_hot": ("Hashing", {"num_bins": 4, "output_mode": "one_hot"}, None, [["A"], ["B"]]), "hashing_multi_hot": ("Hashing", {"num_bins": 4, "output_mode": "multi_hot"}, None, [["A", "B"], ["C", "C"]]),
    "hashing_count": ("Hashing", {"num_bins": 4, "output_mode": "count"}, None, [["A", "B"], ["C", "C"]]), "hashing_int32": ("Hashing", {"num_bins": 3, "dtype": "int32"}, None, ["A"]),
    "bins": ("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0]}, None, FLOATS), "bins_one_hot": ("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0], "output_mode": "one_hot"}, None, FLOATS),
    "bins_multi_hot": ("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0], "output_mode": "multi_hot"}, None, FLOATS),
    "bins_count": ("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0], "output_mode": "count"}, None, FLOATS),
    "bins_adapted": ("Discretization", {"num_bins": 5}, WAVE, FLOATS), "bins_coarse": ("Discretization", {"num_bins": 3, "epsilon": 0.2}, WAVE, FLOATS),
    "bins_of_few": ("Discretization", {"num_bins": 4}, WAVE[:7], FLOATS),
    "normalization": ("Normalization", {}, TABLE, TABLE[:2]), "normalization_all": ("Normalization", {"axis": None}, TABLE, TABLE[:2]),
    "normalization_axes": ("Normalization", {"axis": [0, 1]}, TABLE, TABLE), "normalization_invert": ("Normalization", {"invert": True}, TABLE, TABLE[:2]),
    "normalization_given": ("Normalization", {"mean": [1.0, 2.0, 3.0], "variance": [4.0, 0.0, 1.0]}, None, TABLE[:2]),
    "normalization_scalar": ("Normalization", {"mean": 3.0, "variance": 2.0, "axis": None}, None, TABLE[:2]),
}  # fmt: skip
CROSSINGS = {
    "crossing": ({"num_bins": 5}, [["A", "B", "A"], [101, 101, 102]]), "crossing_column": ({"num_bins": 5}, [[["A"], ["B"]], [["x"], ["y"]]]),
    "crossing_one_hot": ({"num_bins": 5, "output_mode": "one_hot"}, [[["A"], ["B"]], [[1], [2]]]), "crossing_three": ({"num_bins": 1000}, [[1], [2], ["z"]]),
}  # fmt: skip


def is_text(value):
    return isinstance(value, str) or isinstance(value, (list, tuple)) and len(value) > 0 and is_text(value[0])


if __name__ == "__main__":
    import numpy as np

    import keras
    from keras import layers

    def plain(y):
        y = y.numpy() if hasattr(y, "numpy") else np.asarray(y)
        return np.vectorize(bytes.decode, otypes=[object])(y).tolist() if y.dtype == object else y.tolist()

    facts = {}
    for name, (kind, arguments, data, inputs) in CASES.items():
        layer = getattr(layers, kind)(**{"name": name, **arguments})
        if data is not None:
            layer.adapt(np.array(data))
        x = np.array(inputs, object if is_text(inputs) else None)
        if kind == "Normalization" and not layer.built:
            layer.build((None, *x.shape[1:]))
        y = layer(x if x.ndim else inputs)
        facts[name] = {"y": plain(y), "dtype": y.dtype if isinstance(y.dtype, str) else y.dtype.name, "config": layer.get_config()}
        if hasattr(layer, "get_vocabulary"):
            facts[name]["vocabulary"] = [v if isinstance(v, str) else int(v) for v in layer.get_vocabulary()]
        if x.ndim and kind != "Normalization":
            symbolic = layer(keras.Input(x.shape[1:], dtype="string" if is_text(inputs) else str(x.dtype)))
            facts[name]["shape"] = symbolic.shape
    for name, (arguments, inputs) in CROSSINGS.items():
        layer = layers.HashedCrossing(**arguments, name=name)
        facts[name] = {"y": plain(layer([np.array(x, object if is_text(x) else "int64") for x in inputs])), "config": layer.get_config()}
    layer = layers.Discretization(num_bins=4, epsilon=0.05)
    layer.adapt(np.array(WAVE[i:i + 90]) for i in range(0, 400, 90))
    facts["bins_of_batches"] = {"config": layer.get_config()}
    for part in facts.values():
        part["config"] = keras.saving.serialize_keras_object(part["config"])
    path = pathlib.Path(__file__).with_name("text.json")
    path.write_text(json.dumps(facts, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
