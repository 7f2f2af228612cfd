"""Writes hashes.json: hashes of strings by TensorFlow, which the layers of real Keras use.

    python tests/golden/make_hashes.py       (with tensorflow installed)
"""
import json
import pathlib
import random

LENGTHS = [*range(70), 95, 96, 97, 127, 128, 129, 192, 255, 256, 257, 1000]
BINS, KEY = 2**62, [133, -7]


def words():
    rng = random.Random(0)
    return ["".join(chr(rng.randint(33, 126)) for _ in range(length)) for length in LENGTHS] + ["ünïcødé", "日本語テキスト" * 4, "\x00\x00"]


if __name__ == "__main__":
    import tensorflow as tf

    facts = {"farmhash": tf.strings.to_hash_bucket_fast(words(), BINS).numpy().tolist(),
             "siphash": tf.strings.to_hash_bucket_strong(words(), BINS, key=KEY).numpy().tolist()}
    pathlib.Path(__file__).with_name("hashes.json").write_text(json.dumps(facts, separators=(",", ":")) + "\n")
