"""Layers of text and categories against numbers of real Keras on TensorFlow (tests/golden/make_text.py)."""
import json
import runpy

import numpy as np
import pytest

import fastnn
from fastnn import layers
from fastnn.tensor import Spec, Tensor
from fastnn.utils import PyDataset

from .helpers import GOLDEN, as_json

SCRIPT = runpy.run_path(str(GOLDEN / "make_text.py"))
FACTS = json.loads((GOLDEN / "text.json").read_text(encoding="utf-8"))
is_text = SCRIPT["is_text"]


def made(name):
    kind, arguments, data, inputs = SCRIPT["CASES"][name]
    layer = getattr(layers, kind)(**{"name": name, **arguments})
    if data is not None:
        layer.adapt(np.array(data))
    return layer, inputs


def compare(y, expected):
    assert isinstance(y, Tensor)
    if y.dtype == "string":
        assert y.tolist() == expected
    else:
        np.testing.assert_allclose(y.numpy(), expected, rtol=2e-6, atol=1e-6)
        assert y.shape == np.shape(expected)


@pytest.mark.parametrize("name", SCRIPT["CASES"])
def test_like_keras(name):
    layer, inputs = made(name)
    facts = FACTS[name]
    x = np.array(inputs, object if is_text(inputs) else None) if not isinstance(inputs, str) else inputs
    y = layer(x)
    compare(y, facts["y"])
    compare(layer(inputs), facts["y"])      # lists
    if "vocabulary" in facts:
        assert layer.get_vocabulary() == facts["vocabulary"]
        assert layer.get_vocabulary(False) == [t for t in facts["vocabulary"] if t in layer.get_vocabulary(False)]
        assert layer.vocabulary_size() == len(facts["vocabulary"])
    config = as_json(layer.get_config())
    if layer.get_config().get("bin_boundaries"):
        np.testing.assert_allclose(config.pop("bin_boundaries"), facts["config"].pop("bin_boundaries"), rtol=1e-6)
    assert config == {key: value for key, value in facts["config"].items() if key != "bin_boundaries"}
    copy = type(layer).from_config(as_json(layer.get_config()))
    assert as_json(copy.get_config()) == as_json(layer.get_config())
    if not isinstance(inputs, str) and type(layer) is not layers.Normalization:
        symbolic = layer(Spec((None, *x.shape[1:]), "string" if is_text(inputs) else str(x.dtype)))
        assert all(n in (None, m) for n, m in zip(symbolic.shape, y.shape)) and len(symbolic.shape) == len(y.shape)
        assert symbolic.dtype == y.dtype


def test_borders_from_batches_like_keras():
    layer = layers.Discretization(num_bins=4, epsilon=0.05)
    layer.adapt(np.array(SCRIPT["WAVE"][i:i + 90]) for i in range(0, 400, 90))
    np.testing.assert_allclose(layer.bin_boundaries, FACTS["bins_of_batches"]["config"]["bin_boundaries"], rtol=1e-6)


@pytest.mark.parametrize("name", SCRIPT["CROSSINGS"])
def test_crossings(name):
    arguments, inputs = SCRIPT["CROSSINGS"][name]
    layer = layers.HashedCrossing(**arguments, name=name)
    y = layer([np.array(x, object if is_text(x) else "int64") for x in inputs])
    compare(y, FACTS[name]["y"])
    compare(layer(inputs), FACTS[name]["y"])
    assert as_json(layer.get_config()) == FACTS[name]["config"]
    symbolic = layer([Spec((None, *np.shape(x)[1:]), "string" if is_text(x) else "int64") for x in inputs])
    assert symbolic.shape[1:] == y.shape[1:] and symbolic.dtype == y.dtype


# ---- What they learn from ---------------------------------------------------------------------------------------

class Source(PyDataset):
    def __init__(self, parts):
        super().__init__()
        self.parts = parts

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, index):
        return self.parts[index], np.zeros(len(self.parts[index]))


def same_from_batches(make, data):
    """Layers that adapted to the same data, given in several ways."""
    parts = [data[:3], data[3:4], data[4:]]
    found = []
    for given in (data, iter(parts), Source(parts), ((part, None) for part in parts), data.tolist() if data.dtype.kind in "OU" else data):
        layer = make()
        layer.adapt(given)
        found.append(layer)
    few = make()
    few.adapt(iter(parts), steps=1)
    return found, few


def test_vocabularies_from_batches():
    texts = np.array(SCRIPT["TEXTS"])
    found, few = same_from_batches(lambda: layers.TextVectorization(output_mode="tf_idf"), texts)
    for layer in found[1:]:
        assert layer.get_vocabulary() == found[0].get_vocabulary()
        np.testing.assert_array_equal(layer(texts).numpy(), found[0](texts).numpy())
    assert set(few.get_vocabulary()) < set(found[0].get_vocabulary())
    numbers = np.random.default_rng(0).integers(0, 9, (20, 2))
    found, _ = same_from_batches(layers.IntegerLookup, numbers)
    assert all(layer.get_vocabulary() == found[0].get_vocabulary() for layer in found)
    layer = layers.StringLookup()
    layer.adapt(["b", "a", "b"])
    layer.adapt(["c"])          # forgets what it had
    assert layer.get_vocabulary() == ["[UNK]", "c"]


def test_moments_from_batches():
    data = np.random.default_rng(0).normal(3.0, 2.0, (50, 2, 4)) * [1, 10, 100, 1000]
    for axis in (-1, None, (1, 2)):
        found, few = same_from_batches(lambda: layers.Normalization(axis=axis), data)
        kept = () if axis is None else tuple(a % 3 for a in np.atleast_1d(axis))
        over = tuple(a for a in range(3) if a not in kept)
        for layer in found:
            np.testing.assert_allclose(layer.adapt_mean.numpy(), data.mean(over), rtol=1e-5)
            np.testing.assert_allclose(layer.adapt_variance.numpy(), data.var(over), rtol=1e-5)
        assert not np.allclose(few.adapt_mean.numpy(), data.mean(over))
    assert abs(found[0](data).numpy().std() - 1) < 0.1
    x = data.astype("float32")
    back = layers.Normalization(invert=True)
    back.adapt(data)
    forth = layers.Normalization()
    forth.adapt(data)
    np.testing.assert_allclose(back(forth(x)).numpy(), x, rtol=1e-4)


def test_borders_from_batches():
    data = np.random.default_rng(0).normal(size=5000)
    layer = layers.Discretization(num_bins=4, epsilon=0.01)
    layer.adapt(data[i:i + 500] for i in range(0, 5000, 500))
    np.testing.assert_allclose(layer.bin_boundaries, np.quantile(data, [0.25, 0.5, 0.75]), atol=0.05)
    counts = np.bincount(layer(data).numpy())
    assert len(counts) == 4 and counts.min() > 1150


def test_functions_of_the_user():
    def shout(texts):
        return np.char.replace(np.char.upper(texts), "!", "")

    def at_commas(texts):
        return [text.split(",") for text in texts]

    layer = layers.TextVectorization(standardize=shout, split=at_commas)
    layer.adapt(["a,b!", "a"])
    assert layer.get_vocabulary() == ["", "[UNK]", "A", "B"]
    assert layer([["b,a,c"], ["a"]]).tolist() == [[3, 2, 1], [2, 0, 0]]
    with fastnn.utils.custom_object_scope({"shout": shout, "at_commas": at_commas}):
        copy = layers.TextVectorization.from_config(as_json(layer.get_config()))
    copy.set_vocabulary(["A", "B"])
    assert copy(["b,a"]).tolist() == [[3, 2]]
    with pytest.raises(ValueError, match="a list of words for each text, it gave 1 of them for 2"):
        layers.TextVectorization(split=lambda texts: [["a"]], vocabulary=["a"])(["a", "b"])


def test_vocabulary_from_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes("alpha\r\nbéta\n\n".encode())
    layer = layers.StringLookup(vocabulary=str(path))
    assert layer.get_vocabulary() == ["[UNK]", "alpha", "béta"] and layer.get_config()["vocabulary"] is None
    assert layers.TextVectorization(vocabulary=str(path))(["béta alpha x"]).tolist() == [[3, 2, 1]]
    path.write_text("12\n-3\n")
    assert layers.IntegerLookup(vocabulary=str(path))([-3, 12, 5]).tolist() == [2, 1, 0]


def test_width_of_a_called_layer_stays():
    layer = layers.StringLookup(output_mode="count")
    with pytest.raises(RuntimeError, match="no vocabulary yet"):
        layer(["a"])
    layer.adapt(["a", "b"])
    assert layer([["a", "z", "z"]]).tolist() == [[2, 0, 1]]
    layer.set_vocabulary(["x", "y"])        # of the same size
    with pytest.raises(RuntimeError, match="called with a vocabulary of 3 tokens.*4"):
        layer.set_vocabulary(["x", "y", "z"])


def test_counts_with_weights():
    layer = layers.CategoryEncoding(4, output_mode="count")
    x, weights = np.array([[0, 1, 1], [3, 3, 0]]), np.array([[0.5, 1, 2], [1, 1, 0.25]])
    assert layer(x, count_weights=weights).tolist() == [[0.5, 3, 0, 0], [0.25, 0, 0, 2]]
    assert layer(x, weights).tolist() == layer(x, count_weights=weights).tolist()


@pytest.mark.parametrize("mode", ["multi_hot", "count", "one_hot"])
def test_sparse_output(mode):
    x = [[0, 1, 1], [3, 3, 0]] if mode != "one_hot" else [[2], [0]]
    for make in (lambda **a: layers.CategoryEncoding(4, output_mode=mode, **a), lambda **a: layers.Hashing(4, output_mode=mode, **a),
                 lambda **a: layers.IntegerLookup(vocabulary=[3, 1, 0], output_mode=mode, **a)):
        np.testing.assert_array_equal(make(sparse=True)(x).numpy(), make()(x).numpy())


# ---- Bad input --------------------------------------------------------------------------------------------------

V, S, I, C, D = layers.TextVectorization, layers.StringLookup, layers.IntegerLookup, layers.CategoryEncoding, layers.Discretization
N, H, X = layers.Normalization, layers.Hashing, layers.HashedCrossing
BAD = [
    (lambda: C(4)([[0, 4]]), r'"category_encoding.*num_tokens=4.*Received: 4 at position \(0, 1\)'), (lambda: C(4)([[0], [-1]]), r"-1 at position \(1, 0\)"),
    (lambda: C(), "needs `num_tokens`"), (lambda: C(0), "`num_tokens`.*0"), (lambda: C(3, output_mode="int"), "`output_mode`.*'int'"),
    (lambda: C(3)([1], count_weights=[1.0]), "`count_weights` is for"), (lambda: C(3, output_mode="count")([1, 2], count_weights=np.ones(3)), "shape of the input"),
    (lambda: S(vocabulary=[]), "must not be empty"), (lambda: S(vocabulary=["a", "b", "a"]), r"come twice: \['a'\]"), (lambda: S(vocabulary=["a", 3]), "Received: 3"),
    (lambda: S(vocabulary="nowhere.txt"), "'nowhere.txt' does not exist"), (lambda: S(vocabulary=["a", "m"], mask_token="m"), "mask_token='m' in it, at place 1"),
    (lambda: S(vocabulary=["a", "[UNK]"], invert=True), r"oov_token='\[UNK\]'"), (lambda: S(max_tokens=1), "`max_tokens`.*1"), (lambda: S(max_tokens=3, vocabulary=list("abc")), "max_tokens is 3"),
    (lambda: S(pad_to_max_tokens=True), "needs `max_tokens`"), (lambda: S(num_oov_indices=-1), "`num_oov_indices`"), (lambda: S(output_mode="x"), "`output_mode`.*'x'"),
    (lambda: S(invert=True, output_mode="count"), "invert=True"), (lambda: S(sparse=True), "`sparse`"), (lambda: S(vocabulary=["a"], output_mode="tf_idf"), "needs `idf_weights`"),
    (lambda: S(vocabulary=["a"], idf_weights=[1.0]), "`idf_weights`"), (lambda: S(vocabulary=["a"], output_mode="tf_idf", idf_weights=[1.0, 2.0]), "each of the 1 tokens"),
    (lambda: S(vocabulary=["a"], num_oov_indices=0)(["a", "b"]), r"num_oov_indices=0.*\['b'\]"), (lambda: S(vocabulary=["a"])([1, 2]), "expected text, received 1"),
    (lambda: S(vocabulary=["a"])([["a"], ["b", "c"]]), "expected text, received .*different lengths"), (lambda: S(vocabulary=["a"]).adapt(["b"]), "given its vocabulary"),
    (lambda: S().adapt([]), "no data"), (lambda: S(mask_token="").adapt(iter([])), "there are no batches"), (lambda: S().adapt("text"), "'text'"), (lambda: S().adapt(3), "Received: 3"),
    (lambda: S(salt="x"), "`salt`.*'x'"), (lambda: S(name=3), "`name`"), (lambda: S(words=3), "words"),
    (lambda: I(vocabulary=["a"]), "tokens of type int"), (lambda: I(vocabulary=[1, 1]), "come twice"), (lambda: I(vocabulary=[1], num_oov_indices=0)([[1, 8]]), r"\[8\]"),
    (lambda: I(vocabulary=[1], salt=3), "oov_method='farmhash'"), (lambda: I(oov_method="x"), "`oov_method`"), (lambda: I().adapt([0.5]), "takes integers.*float64"),
    (lambda: I(vocabulary_dtype="int32"), "'int64'"), (lambda: V(standardize="up"), "`standardize`.*'up'"), (lambda: V(split="lines"), "`split`.*'lines'"), (lambda: V(ngrams=0), "`ngrams`.*0"),
    (lambda: V(ngrams=[1, 2]), "`ngrams`"), (lambda: V(output_sequence_length=0), "`output_sequence_length`.*0"), (lambda: V(output_mode="count", output_sequence_length=3), "'count'"),
    (lambda: V(ragged=True), "no ragged=True.*padded with 0"), (lambda: V().adapt(["", "  "]), "found no tokens"), (lambda: V().adapt([3.5]), "expected text, received 3.5"),
    (lambda: V(vocabulary=["a"])([["a", "b"]]), r"\(1, 2\).*split=None"), (lambda: V(vocabulary=["a"])([None]), "received None"), (lambda: V().adapt(np.zeros((0,), object)), "no data"),
    (lambda: D(), "one of `bin_boundaries` and `num_bins`"), (lambda: D([1.0], 3), "one of"), (lambda: D([2.0, 1.0]), "ascending"), (lambda: D(num_bins=0), "`num_bins`.*0"),
    (lambda: D(num_bins=3)([1.0]), "call `adapt"), (lambda: D([1.0]).adapt([1.0]), "given its `bin_boundaries`"), (lambda: D(num_bins=3).adapt(np.array([1.0, np.nan])), "NaN"),
    (lambda: D(num_bins=3).adapt([]), "no data"), (lambda: D(num_bins=3, epsilon=0), "`epsilon`"), (lambda: D(["a"]), "ascending numbers"),
    (lambda: N(mean=1.0), "both, or none"), (lambda: N(mean=[1.0, 2.0], variance=[1.0]), "same shape"), (lambda: N(axis=3)(np.ones((2, 2))), "`axis` must be among the 2"),
    (lambda: N(mean=[1.0] * 3, variance=[1.0] * 3)(np.ones((2, 2))), "do not fit"), (lambda: N().build((None, None)), "must be known"), (lambda: N().adapt(np.ones((0, 2))), "no data"),
    (lambda: N().adapt(iter([np.ones((2, 3)), np.ones((2, 4))])), r"\(2, 4\)"), (lambda: N(mean=1.0, variance=1.0, axis=None).adapt(np.ones(3)), "was given its"),
    (lambda: H(0), "`num_bins`"), (lambda: H(3, output_mode="tf_idf"), "`output_mode`"), (lambda: H(3, salt=[1, 2, 3]), "`salt`"), (lambda: H(3, dtype="float32"), "'int32' or 'int64'"),
    (lambda: X(3)([["a"]]), "at least two"), (lambda: X(3)([["a"], ["a", "b"]]), r"\[\(1,\), \(2,\)\]"), (lambda: X(3)([["a"], [0.5]]), "strings and integers.*float32"),
]  # fmt: skip


@pytest.mark.parametrize("call, message", BAD)
def test_errors(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_adapt_twice_is_a_new_beginning():
    layer = layers.Normalization()
    for data in (np.ones((4, 2)), np.array([[0.0, 2.0], [2.0, 6.0]])):
        layer.adapt(data)
    assert layer.adapt_mean.numpy().tolist() == [1.0, 4.0] and layer(np.array([[2.0, 2.0]])).tolist() == [[1.0, -1.0]]


def test_a_category_outside_stops_a_fit_with_its_position():
    model = fastnn.Sequential([layers.Input((3,), dtype="int64"), layers.CategoryEncoding(5), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).integers(0, 5, (64, 3))
    model.fit(x, np.ones(64), batch_size=8, epochs=3, verbose=0)        # by a plan now
    x[40, 1] = 7
    with pytest.raises(ValueError, match=r"num_tokens=5.*Received: 7 at position \(0, 1\)"):
        model.fit(x, np.ones(64), batch_size=8, shuffle=False, verbose=0)
    x[40, 1] = 4
    model.fit(x, np.ones(64), batch_size=8, verbose=0)
