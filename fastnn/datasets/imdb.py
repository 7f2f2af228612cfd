"""Film reviews of IMDB, labelled by whether they praise."""

import json

import numpy as np

from ._files import KERAS_FILES, dataset_file, read_npz, shuffled
from ._sequences import offset, select_words, shorter_than


def load_data(
    path="imdb.npz",
    num_words=None,
    skip_top=0,
    maxlen=None,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
):
    """Load 25,000 training and 25,000 test reviews as lists of word numbers; the more frequent a word, the smaller.

    Args:
        path: name of the file in `FASTNN_DATA_DIR` or the cache folder, or an absolute path.
        num_words: numbers from here on become `oov_char`; `None` takes the largest number (so that only the rarest word
            is replaced, as in Keras).
        skip_top: numbers below become `oov_char`, the start sign included.
        maxlen: only reviews of fewer numbers are kept; `None` keeps all.
        seed: of the shuffling.
        start_char: put in front of each review; `None` for nothing.
        oov_char: stands for words left out; `None` drops them.
        index_from: added to every word's number.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of integers, int64 labels (1: the review praises).

    Raises:
        ValueError: no review is shorter than `maxlen`.

    Source: Maas et al. 2011, Learning word vectors for sentiment analysis, ACL.
    """
    path = dataset_file(
        path, KERAS_FILES + "imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
    )
    x_train, y_train, x_test, y_test = read_npz(path, ("x_train", "y_train", "x_test", "y_test"))
    rng = np.random.RandomState(seed)
    x_train, y_train = shuffled(x_train, y_train, rng)
    x_test, y_test = shuffled(x_test, y_test, rng)
    x_train, x_test = (offset(x, start_char, index_from) for x in (x_train, x_test))
    if maxlen:
        x_train, y_train = shorter_than(maxlen, x_train, y_train)
        x_test, y_test = shorter_than(maxlen, x_test, y_test)
    x = select_words(x_train + x_test, num_words, skip_top, oov_char)
    return (x[: len(x_train)], y_train), (x[len(x_train) :], y_test)


def get_word_index(path="imdb_word_index.json"):
    """The words' numbers as a dict, 1 for the most frequent; `load_data` adds `index_from` to them.

    Example (needs the dataset's files)::

        words = {number + 3: word for word, number in fastnn.datasets.imdb.get_word_index().items()}
        (x_train, y_train), _ = fastnn.datasets.imdb.load_data()
        print(" ".join(words.get(number, "?") for number in x_train[0]))
    """
    origin = KERAS_FILES + "imdb_word_index.json"
    with open(dataset_file(path, origin, "bfafd718b763782e994055a2d397834f"), encoding="utf-8") as f:
        return json.load(f)
