"""Hashes against TensorFlow's (tests/golden/make_hashes.py)."""
import json
import pathlib
import runpy

import numpy as np
import pytest

from fastnn.utils import hashing
from fastnn.utils.hashing import decimals, hash_strings

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
SCRIPT = runpy.run_path(str(GOLDEN / "make_hashes.py"))
FACTS = json.loads((GOLDEN / "hashes.json").read_text())
WORDS = [word.encode() for word in SCRIPT["words"]()]


@pytest.mark.parametrize("name, key", [("farmhash", None), ("siphash", SCRIPT["KEY"])])
def test_like_tensorflow(name, key, monkeypatch):
    for words in (WORDS, WORDS[::-1]):
        found = (hash_strings(words, key) % np.uint64(SCRIPT["BINS"])).tolist()
        assert found == (FACTS[name] if words is WORDS else FACTS[name][::-1])
    monkeypatch.setattr(hashing, "AT_ONCE", 3)
    assert hash_strings(WORDS * 5, key).tolist() == hash_strings(WORDS, key).tolist() * 5
    assert hash_strings([]).shape == (0,)


def test_decimals():
    assert decimals(np.array([[0, -5], [2**63 - 1, -2**63]])) == [b"0", b"-5", b"9223372036854775807", b"-9223372036854775808"]
