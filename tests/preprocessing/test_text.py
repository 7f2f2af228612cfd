"""Tokenizer and the functions beside it against numbers of real Keras 2 (tests/golden/make_keras2_text.py); word vectors."""
import json
import pathlib
import pickle
import runpy

import numpy as np
import pytest

from fastnn.preprocessing import text
from fastnn.preprocessing.text import Tokenizer, hashing_trick, load_embeddings, one_hot, text_to_word_sequence, tokenizer_from_json

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
SCRIPT = runpy.run_path(str(GOLDEN / "make_keras2_text.py"))
FACTS = json.loads((GOLDEN / "keras2_text.json").read_text(encoding="utf-8"))
FUNCTIONS = SCRIPT["tokenizer_facts"].__globals__
FUNCTIONS["new_from_json"] = tokenizer_from_json


def as_json(value):
    return json.loads(json.dumps(value))


def same(found, expected):
    """Equal, with room for the last bit of a logarithm."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if name in ("tfidf", "freq"):
            np.testing.assert_allclose(found[name], value, rtol=1e-14)
        else:
            assert found[name] == value, name


@pytest.mark.parametrize("name", SCRIPT["TOKENIZERS"])
def test_tokenizer(name):
    found = as_json(SCRIPT["tokenizer_facts"](Tokenizer(**SCRIPT["TOKENIZERS"][name]), SCRIPT["NEW"]))
    same(found, FACTS["tokenizers"][name])


def test_functions():
    same(as_json(SCRIPT["sequence_facts"](Tokenizer(num_words=8))), FACTS["sequences"])
    assert [[text_to_word_sequence(t, **arguments) for t in SCRIPT["TEXTS"]] for arguments in SCRIPT["SPLITS"]] == FACTS["splits"]
    assert [hashing_trick(t, 50, "md5") for t in SCRIPT["TEXTS"]] == FACTS["md5"]


def test_json_is_that_of_keras():
    assert Tokenizer(num_words=3, oov_token="?").to_json() == FACTS["json"]
    restored = tokenizer_from_json(FACTS["json"])
    restored.fit_on_texts(["one one two"])          # it can learn on
    assert restored.texts_to_sequences(["one two"]) == [[2, 1]]


def test_hash_is_stable_and_in_range():
    numbers = one_hot("the quick brown fox jumps", 20)
    assert numbers == hashing_trick("the quick brown fox jumps", 20) == hashing_trick("the quick brown fox jumps", 20, "hash")
    assert numbers == [1, 17, 6, 17, 1] and all(1 <= n < 20 for n in numbers)      # the same in every process
    assert one_hot("a b", 5, analyzer=list) == hashing_trick(["a", " ", "b"], 5, analyzer=list)
    assert hashing_trick("aa b", 10, len) == [3, 2]


def test_analyzer_and_pickle():
    tokenizer = Tokenizer(analyzer=str.split)
    tokenizer.fit_on_texts(["A,b A,b c"])
    assert tokenizer.word_index == {"A,b": 1, "c": 2}
    assert pickle.loads(pickle.dumps(tokenizer)).texts_to_sequences(["c A,b"]) == [[2, 1]]
    tokens = Tokenizer()
    tokens.fit_on_texts([("x", "Y"), np.array(["y"])])
    assert tokens.word_index == {"y": 1, "x": 2}


@pytest.mark.parametrize("call, message", [
    (lambda: Tokenizer(words=3), "no argument 'words'"), (lambda: Tokenizer(num_words=2.5), "`num_words`.*2.5"),
    (lambda: Tokenizer().fit_on_texts(["a", None]), "text 1.*None"), (lambda: Tokenizer().fit_on_texts([["a", 3]]), "text 0.*int"),
    (lambda: Tokenizer().texts_to_sequences([3.5]), "text 0.*3.5"), (lambda: text_to_word_sequence(b"a"), "b'a'"),
    (lambda: Tokenizer().texts_to_matrix(["a"]), "fit_on_texts first"), (lambda: Tokenizer(5).texts_to_matrix(["a"], "tfidf"), "fit_on_texts or"),
    (lambda: Tokenizer(5).texts_to_matrix(["a"], "tf-idf"), "`mode`.*'tf-idf'"), (lambda: Tokenizer(5).sequences_to_matrix([[1, -1]]), "-1"),
    (lambda: hashing_trick("a", 1), "at least 2"), (lambda: hashing_trick("a", 5, "sha"), "'sha'"),
    (lambda: tokenizer_from_json("{"), "no JSON of a Tokenizer"), (lambda: tokenizer_from_json('{"config": {}}'), "no JSON of a Tokenizer"),
    (lambda: tokenizer_from_json("[]"), "no JSON of a Tokenizer"),
])
def test_errors(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_one_text_in_place_of_a_list_is_told():
    with pytest.warns(UserWarning, match=r"pass a list, \[text\]"):
        Tokenizer().fit_on_texts("cat")
    characters = Tokenizer(char_level=True)
    characters.fit_on_texts("cat")          # a habit of scripts about characters
    assert characters.document_count == 3 and characters.texts_to_sequences(["ta"]) == [[3, 2]]


# ---- Word vectors -----------------------------------------------------------------------------------------------

def test_load_embeddings(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("4 2\nthe 1 2\n. . 5 6\nünder 3.5 -4e-1\ncat 1 2 3\nother x y\nother 1 2\n", encoding="utf-8")
    words = {"the": 1, "ünder": 2, ". .": 3, "emu": 4, "the2": 5}
    table, missing = load_embeddings(path, words, dim=2)
    np.testing.assert_array_equal(table, np.array([[0, 0], [1, 2], [3.5, -0.4], [5, 6], [0, 0], [0, 0]], "float32"))
    assert missing == ["emu", "the2"] and table.dtype == np.float32
    table, missing = load_embeddings(path, words, dim=2, num_words=3)
    assert table.shape == (3, 2) and missing == []
    table, missing = load_embeddings(path, ["", "[UNK]", "the"], dim=2)
    assert table[2].tolist() == [1, 2] and missing == ["", "[UNK]"]


def test_load_embeddings_tells_of_odd_lines(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("the 1 2\ncat 1\ndog a b\nemu 1 2 3\nemu a b c\n")
    with pytest.warns(UserWarning, match="2 lines were left out.*line 2"):
        table, missing = load_embeddings(path, {"the": 0, "cat": 1, "dog": 2}, dim=2)
    assert missing == ["cat", "dog"] and table.tolist() == [[1, 2], [0, 0], [0, 0]]
    with pytest.raises(ValueError, match="no vector of 5 numbers"), pytest.warns(UserWarning):
        load_embeddings(path, {"the": 0}, dim=5)
    with pytest.raises(FileNotFoundError):
        load_embeddings(tmp_path / "none.txt", {"the": 0}, dim=2)


def test_text_shows_what_keras_has():
    assert {"Tokenizer", "tokenizer_from_json", "text_to_word_sequence", "one_hot", "hashing_trick"} <= set(dir(text))
