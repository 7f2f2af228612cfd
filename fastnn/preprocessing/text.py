"""Text as numbers, by the names of Keras 2: Tokenizer, the functions beside it, and files of word vectors.

`layers.TextVectorization` is Keras 3's way to the same.
"""
import collections
import hashlib
import json
import zlib

import numpy as np

from ..utils.warn_utils import warn
from .word_vectors import load_embeddings

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
MODES = ("binary", "count", "tfidf", "freq")


# ---- Words ------------------------------------------------------------------------------------------------------

def text_to_word_sequence(input_text, filters=FILTERS, lower=True, split=" "):
    """The words of a text.

    Args:
        input_text: the text.
        filters: characters that are taken for `split`.
        lower: whether the words become lower case.
        split: what stands between words.

    Returns:
        List of words; none of them is empty.

    Example:
        >>> text_to_word_sequence("The cat sat, and sat.")
        ['the', 'cat', 'sat', 'and', 'sat']
    """
    if not isinstance(input_text, str):
        raise TypeError(f"a text must be a string, received {input_text!r} (of type {type(input_text).__name__})")
    if lower:
        input_text = input_text.lower()
    input_text = input_text.translate(str.maketrans(dict.fromkeys(filters, split)))
    return [word for word in input_text.split(split) if word]


def one_hot(input_text, n, filters=FILTERS, lower=True, split=" ", analyzer=None):
    """The words of a text as numbers that a hash gives: `hashing_trick` with its own hash.

    Args:
        as for `hashing_trick`.

    Returns:
        List of integers from 1 to n - 1.
    """
    return hashing_trick(input_text, n, None, filters, lower, split, analyzer)


def hashing_trick(text, n, hash_function=None, filters=FILTERS, lower=True, split=" ", analyzer=None):
    """The words of a text as numbers that a hash gives, so that no vocabulary is needed; different words may share one.

    Args:
        text: the text.
        n: the numbers are 1 to n - 1.
        hash_function: "md5", which gives Keras' numbers; a function from a word to an integer; None or "hash": CRC-32.  Keras has
            Python's `hash` in that place, which gives other numbers in each process; these are always the same.
        filters, lower, split: as for `text_to_word_sequence`.
        analyzer: function from a text to its words, in place of that.

    Returns:
        List of integers from 1 to n - 1.

    Raises:
        ValueError: n below 2, another word for the hash.

    Example:
        >>> hashing_trick("the cat the", 100, "md5")
        [51, 3, 51]
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 2:
        raise ValueError(f"`n` must be an integer of at least 2 (the numbers are 1 to n - 1), received n={n!r}")
    known = {None: _crc32, "hash": _crc32, "md5": _md5}
    if not callable(hash_function) and hash_function not in known:
        raise ValueError(f"`hash_function` must be 'md5', 'hash', None or a function from a word to an integer, received {hash_function!r}")
    number = hash_function if callable(hash_function) else known[hash_function]
    words = analyzer(text) if analyzer is not None else text_to_word_sequence(text, filters, lower, split)
    return [number(word) % (n - 1) + 1 for word in words]


def _md5(word):
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


def _crc32(word):
    return zlib.crc32(word.encode())


# ---- Tokenizer --------------------------------------------------------------------------------------------------

class Tokenizer:
    """Numbers the words of texts, the most frequent one with 1, and turns texts into these numbers; 0 is no word.

    Args:
        num_words: only numbers below it are used, that is the num_words - 1 most frequent words; None: all.
        filters: characters that are taken for `split`.
        lower: whether texts become lower case.
        split: what stands between words.
        char_level: whether each character is a word.
        oov_token: a word (it gets the number 1) that stands for those that are not numbered; None: they are left out.
        analyzer: function from a text to its words, in place of filters, lower and split.

    Attributes:
        word_index, index_word: word -> number, number -> word; all words, whatever num_words says.
        word_counts: word -> how often it came, in the order in which they came first.
        word_docs, index_docs: word, number -> in how many texts it came.
        document_count: the number of texts.

    Raises:
        TypeError: unknown arguments, texts that are no strings.

    Example:
        >>> tokenizer = Tokenizer(num_words=100, oov_token="<unk>")
        >>> tokenizer.fit_on_texts(["The cat sat on the mat.", "The dog ate my homework."])
        >>> tokenizer.texts_to_sequences(["the cat ate the mouse"])
        [[2, 3, 8, 2, 1]]
        >>> tokenizer.texts_to_matrix(["the cat"], mode="count").shape
        (1, 100)
    """

    def __init__(self, num_words=None, filters=FILTERS, lower=True, split=" ", char_level=False, oov_token=None, analyzer=None, **kwargs):
        if "nb_words" in kwargs:
            warn("the argument `nb_words` of Tokenizer is called `num_words` now")
            num_words = kwargs.pop("nb_words")
        self.document_count = kwargs.pop("document_count", 0)
        if kwargs:
            raise TypeError(f"Tokenizer takes no argument {', '.join(map(repr, kwargs))}: it takes num_words, filters, lower, split, "
                            "char_level, oov_token, analyzer")
        if num_words is not None and (isinstance(num_words, bool) or not isinstance(num_words, (int, np.integer)) or num_words < 0):
            raise ValueError(f"`num_words` must be a positive integer or None, received {num_words!r}")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts, self.word_docs, self.index_docs = collections.Counter(), collections.Counter(), collections.Counter()
        self.word_index, self.index_word = {}, {}

    # ---- Learning ------------------------------------------------------------------------------------------

    def fit_on_texts(self, texts):
        """Counts the words of more texts, and numbers all words anew.

        Args:
            texts: strings, or lists of words; also a generator of them.
        """
        for words in self._all_words(texts):
            self.document_count += 1
            self.word_counts.update(words)
            self.word_docs.update(dict.fromkeys(words, 1))
        by_frequency = sorted(self.word_counts, key=self.word_counts.get, reverse=True)     # equal ones stay in their order
        words = by_frequency if self.oov_token is None else [self.oov_token, *by_frequency]
        self.word_index = {word: number for number, word in enumerate(words, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences):
        """Counts in how many of these sequences of numbers each number comes: what `sequences_to_matrix` with "tfidf" needs."""
        for sequence in sequences:
            self.document_count += 1
            self.index_docs.update(dict.fromkeys(sequence, 1))

    def _all_words(self, texts):
        if isinstance(texts, str) and not self.char_level:
            warn("Tokenizer received one text, whose characters are taken for texts: pass a list, [text]")
        for place, text in enumerate(texts):
            try:
                yield self._words(text)
            except (TypeError, AttributeError) as error:
                raise TypeError(f"text {place}: {error}") from None

    def _words(self, text):
        """The words of a text; a list is words already."""
        if isinstance(text, str) and not self.char_level:
            return text_to_word_sequence(text, self.filters, self.lower, self.split) if self.analyzer is None else self.analyzer(text)
        if isinstance(text, str):
            return text.lower() if self.lower else text
        if isinstance(text, (list, tuple, np.ndarray)):
            return [word.lower() for word in text] if self.lower else list(text)
        raise TypeError(f"expected a string or a list of words, received {text!r} (of type {type(text).__name__})")

    # ---- To numbers and back -------------------------------------------------------------------------------

    def texts_to_sequences(self, texts):
        """A list of numbers for each text; words that have none, or one that is not below num_words, become oov_token or are left out."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts):
        """As `texts_to_sequences`, one text at a time."""
        known, unknown = self._used(self.word_index), self.word_index.get(self.oov_token)
        for words in self._all_words(texts):
            numbers = [known.get(word, unknown) for word in words]
            yield numbers if unknown is not None else [number for number in numbers if number is not None]

    def sequences_to_texts(self, sequences):
        """A text for each list of numbers, with spaces between the words."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences):
        """As `sequences_to_texts`, one at a time."""
        known = {number: word for word, number in self._used(self.word_index).items()}
        unknown = self.oov_token if self.oov_token in self.word_index else None
        for sequence in sequences:
            words = [known.get(number, unknown) for number in sequence]
            yield " ".join(word for word in words if word is not None)

    def _used(self, word_index):
        """The words whose numbers are below num_words."""
        return {word: i for word, i in word_index.items() if i < self.num_words} if self.num_words else word_index

    def texts_to_matrix(self, texts, mode="binary"):
        """A row for each text; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences, mode="binary"):
        """A row for each list of numbers, a column for each number.

        Args:
            sequences: lists of numbers; those that are not below num_words are left out.
            mode: what stands in the row of a text and the column of a number that comes c times among its n: "binary": 1; "count": c;
                "freq": c / n; "tfidf": (1 + log c) * log(1 + texts / (1 + texts that have it)).

        Returns:
            Array (rows, num_words) of float64; without num_words as wide as all words and 0 need.

        Raises:
            ValueError: another mode, no words yet, "tfidf" before anything was counted, negative numbers.
        """
        if mode not in MODES:
            raise ValueError(f"`mode` must be one of {', '.join(map(repr, MODES))}, received {mode!r}")
        if not self.num_words and not self.word_index:
            raise ValueError("the width of the matrix is not known: pass `num_words` to Tokenizer, or call fit_on_texts first")
        if mode == "tfidf" and not self.document_count:
            raise ValueError('mode "tfidf" needs the numbers of texts: call fit_on_texts or fit_on_sequences first')
        width = self.num_words or len(self.word_index) + 1
        rows = [np.asarray(sequence, "int64").reshape(-1) for sequence in sequences]
        lengths = np.array([len(row) for row in rows], "int64")
        numbers = np.concatenate(rows) if rows else np.zeros(0, "int64")
        if (numbers < 0).any():
            raise ValueError(f"sequences hold numbers of words, which are not negative; received {numbers.min()}")
        owners = np.repeat(np.arange(len(rows)), lengths)
        places, counts = np.unique((owners * width + numbers)[numbers < width], return_counts=True)
        matrix = np.zeros((len(rows), width))
        matrix.reshape(-1)[places] = self._values(mode, counts, places % width, lengths[places // width])
        return matrix

    def _values(self, mode, counts, numbers, lengths):
        if mode == "tfidf":
            documents = np.array([self.index_docs.get(number, 0) for number in numbers.tolist()])
            return (1 + np.log(counts)) * np.log(1 + self.document_count / (1 + documents))
        return {"binary": 1.0, "count": counts, "freq": counts / lengths}[mode]

    # ---- Files ---------------------------------------------------------------------------------------------

    def get_config(self):
        """All but the analyzer, as plain values; the tables as JSON, as Keras has them."""
        plain = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        return {**{name: getattr(self, name) for name in plain}, **{name: json.dumps(getattr(self, name)) for name in TABLES}}

    def to_json(self, **kwargs):
        """The tokenizer as JSON, which `tokenizer_from_json` (Keras' too) reads.

        Args:
            kwargs: for `json.dumps`.
        """
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


TABLES = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


def tokenizer_from_json(json_string):
    """A Tokenizer from what `to_json` of fastnn or Keras 2 gave.

    Raises:
        ValueError: what is no JSON of a tokenizer.

    Example:
        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["a rose is a rose"])
        >>> tokenizer_from_json(tokenizer.to_json()).texts_to_sequences(["is a rose"])
        [[3, 1, 2]]
    """
    try:
        config = dict(json.loads(json_string)["config"])
        tables = {name: json.loads(config.pop(name)) for name in TABLES}
        for name in ("index_docs", "index_word"):       # JSON makes strings of numbers
            tables[name] = {int(number): value for number, value in tables[name].items()}
        tokenizer = Tokenizer(**config)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"this is no JSON of a Tokenizer, as Tokenizer.to_json() gives it: {type(error).__name__}: {error}") from None
    for name, table in tables.items():
        setattr(tokenizer, name, collections.Counter(table) if isinstance(getattr(tokenizer, name), collections.Counter) else table)
    return tokenizer
