"""Writes keras2_text.json: what Tokenizer, skipgrams and TimeseriesGenerator of real Keras 2 give.

    python tests/golden/make_keras2_text.py       (with tensorflow-cpu 2.13 installed)

Tokenizer cases are (arguments, how it is fitted); the others (arguments).  tests/preprocessing/test_text.py runs the cases again.
"""
import json
import pathlib
import random

TEXTS = ["The cat sat on the mat.", "The dog ate my homework, the dog!", "", "a\tb\nc  --  a", "Größe ÄÖ größe ÄÖ's", "cat cat cat"]
NEW = ["the cat ate the zebra", "", "Dog! dog? (homework)", "ä größe zebra"]
WORDS = [["The", "cat", "the cat"], ["Dog"], []]
SEQUENCES = [[1, 2, 2, 5], [], [3, 1, 99], [7]]
TOKENIZERS = {
    "default": {}, "num_words": {"num_words": 5}, "oov": {"oov_token": "<unk>"}, "both": {"num_words": 4, "oov_token": "<unk>"},
    "char": {"char_level": True}, "char_oov": {"char_level": True, "oov_token": "?", "num_words": 12}, "case": {"lower": False},
    "filters": {"filters": "ae", "split": "t"}, "oov_is_word": {"oov_token": "cat"}, "oov_beyond": {"num_words": 1, "oov_token": "<unk>"},
}  # fmt: skip
SPLITS = [{}, {"lower": False}, {"filters": ",t"}, {"split": "a"}, {"filters": "", "split": "\n"}]
SKIPGRAMS = {
    "default": {"vocabulary_size": 9}, "window": {"vocabulary_size": 9, "window_size": 1, "negative_samples": 0.0},
    "more": {"vocabulary_size": 9, "negative_samples": 2.5, "categorical": True, "seed": 3},
    "ordered": {"vocabulary_size": 9, "shuffle": False}, "table": {"vocabulary_size": 9, "sampling_table": True, "window_size": 2, "seed": 5},
}  # fmt: skip
SENTENCE = [1, 5, 0, 3, 2, 5, 8, 1]
GENERATORS = {
    "default": {"length": 4}, "rate": {"length": 6, "sampling_rate": 2, "batch_size": 3}, "stride": {"length": 3, "stride": 4, "batch_size": 2},
    "range": {"length": 2, "start_index": 5, "end_index": 15, "batch_size": 4}, "reverse": {"length": 5, "reverse": True, "sampling_rate": 3, "batch_size": 7},
    "shuffle": {"length": 4, "shuffle": True, "batch_size": 5},
}  # fmt: skip


def tokenizer_facts(tokenizer, new):
    """All that a fitted tokenizer gives, as plain values."""
    tokenizer.fit_on_texts(TEXTS)
    tokenizer.fit_on_texts(iter(TEXTS[:2]))
    tokenizer.fit_on_texts(WORDS)
    facts = {name: dict(sorted(getattr(tokenizer, name).items(), key=str)) for name in ("word_docs", "index_docs", "index_word")}
    facts["word_counts"], facts["word_index"] = list(tokenizer.word_counts.items()), list(tokenizer.word_index.items())
    facts["document_count"] = tokenizer.document_count
    facts["sequences"] = tokenizer.texts_to_sequences([*TEXTS, *new, WORDS[0]])
    facts["texts"] = tokenizer.sequences_to_texts(SEQUENCES)
    for mode in ("binary", "count", "freq", "tfidf"):
        facts[mode] = tokenizer.texts_to_matrix([*TEXTS, *new], mode).tolist()
    restored = new_from_json(tokenizer.to_json())
    facts["config"] = sorted(restored.get_config())
    facts["restored"] = restored.texts_to_sequences(new)
    return facts


def sequence_facts(tokenizer):
    """What a tokenizer that knows only sequences gives."""
    tokenizer.fit_on_sequences(SEQUENCES)
    return {mode: tokenizer.sequences_to_matrix(SEQUENCES, mode).tolist() for mode in ("binary", "count", "freq", "tfidf")}


def batches(generator):
    return [[part.tolist() for part in generator[i]] for i in range(len(generator))]


if __name__ == "__main__":
    import numpy as np
    from keras.preprocessing import sequence, text

    new_from_json = text.tokenizer_from_json
    series = np.arange(40).reshape(20, 2)
    facts = {"tokenizers": {name: tokenizer_facts(text.Tokenizer(**arguments), NEW) for name, arguments in TOKENIZERS.items()},
             "sequences": sequence_facts(text.Tokenizer(num_words=8)),
             "splits": [[text.text_to_word_sequence(t, **arguments) for t in TEXTS] for arguments in SPLITS],
             "md5": [text.hashing_trick(t, 50, "md5") for t in TEXTS],
             "json": text.Tokenizer(num_words=3, oov_token="?").to_json(),
             "table": [sequence.make_sampling_table(30).tolist(), sequence.make_sampling_table(30, 1e-2).tolist()], "skipgrams": {}, "generators": {}}
    for name, arguments in SKIPGRAMS.items():
        random.seed(0)
        table = {"sampling_table": sequence.make_sampling_table(9, 0.05)} if "sampling_table" in arguments else {}
        facts["skipgrams"][name] = sequence.skipgrams(SENTENCE, **{**arguments, **table})
    for name, arguments in GENERATORS.items():
        np.random.seed(0)
        facts["generators"][name] = batches(sequence.TimeseriesGenerator(series, series[:, 0], **arguments))
    path = pathlib.Path(__file__).with_name("keras2_text.json")
    path.write_text(json.dumps(facts, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
