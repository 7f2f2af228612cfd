"""Newswires of Reuters, labelled by topic."""

import json

import numpy as np

from ._files import KERAS_FILES, dataset_file, read_npz, shuffled, split
from ._sequences import offset, select_words, shorter_than

TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass "
    "crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi "
    "iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead"
)


def load_data(
    path="reuters.npz",
    num_words=None,
    skip_top=0,
    maxlen=None,
    test_split=0.2,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
):
    """Load 11,228 newswires of 46 topics as lists of word numbers; the more frequent a word, the smaller.

    Args:
        path: name of the file in `FASTNN_DATA_DIR` or the cache folder, or an absolute path.
        num_words: numbers from here on become `oov_char`; `None` takes the largest number (so that only the rarest word
            is replaced, as in Keras).
        skip_top: numbers below become `oov_char`, the start sign included.
        maxlen: only newswires of fewer numbers are kept; `None` keeps all.
        test_split: share of the newswires that makes the test part.
        seed: of the shuffling before the split.
        start_char: put in front of each newswire; `None` for nothing.
        oov_char: stands for words left out; `None` drops them.
        index_from: added to every word's number.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of integers, int64 topics from 0 to 45.

    Raises:
        ValueError: no newswire is shorter than `maxlen`, or `test_split` is not in [0, 1).

    Source: Reuters-21578, as prepared for Keras.
    """
    path = dataset_file(
        path, KERAS_FILES + "reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
    )
    x, y = shuffled(*read_npz(path, ("x", "y")), np.random.RandomState(seed))
    x = offset(x, start_char, index_from)
    if maxlen:
        x, y = shorter_than(maxlen, x, y)
    return split(select_words(x, num_words, skip_top, oov_char), y, test_split)


def get_word_index(path="reuters_word_index.json"):
    """The words' numbers as a dict, 1 for the most frequent; `load_data` adds `index_from` to them."""
    origin = KERAS_FILES + "reuters_word_index.json"
    with open(dataset_file(path, origin, "4d44cc38712099c9e383dc6e5f11a921"), encoding="utf-8") as f:
        return json.load(f)


def get_label_names():
    """The names of the 46 topics, in the order of their numbers."""
    return tuple(TOPICS.split())
