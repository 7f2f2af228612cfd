"""Vocabularies: which tokens there are, the number of each, and the files that hold them."""
import collections
import os

import numpy as np

from .. import config
from ..changes import Noted

FILE = "vocabulary.txt"


class Vocabulary(Noted):
    """Tokens (strings or integers) in the order of their numbers.

    Args:
        tokens: list, without those that stand for others (masks, unknown ones).
        start: the number of the first one.
    """

    def __init__(self, tokens=(), start=0):
        self.tokens, self.start = list(tokens), start
        self.numbers = dict(zip(self.tokens, range(start, start + len(self.tokens))))

    def __len__(self):
        return len(self.tokens)

    def numbers_of(self, tokens, other):
        """Numbers of a list of tokens, `other` for those that are not here, as an int64 array."""
        get = self.numbers.get
        return np.array([get(token, other) for token in tokens], "int64")

    def tokens_of(self, numbers, other):
        """The tokens of an array of numbers, `other` for those that are not here, as a list."""
        tokens, start, end = self.tokens, self.start, self.start + len(self.tokens)
        return [tokens[number - start] if start <= number < end else other for number in numbers.reshape(-1).tolist()]

    def sorted(self):
        """(integer tokens in ascending order, their numbers), int64 arrays."""
        tokens = np.array(self.tokens, "int64")
        order = np.argsort(tokens)
        return tokens[order], order + self.start


class Counts:
    """How often tokens came, and in how many documents."""

    def __init__(self):
        self.tokens, self.documents, self.number = collections.Counter(), collections.Counter(), 0

    def add(self, documents, also_documents):
        """Counts more documents: lists of tokens."""
        for tokens in documents:
            self.tokens.update(tokens)
            if also_documents:
                self.documents.update(dict.fromkeys(tokens, 1))
        self.number += len(documents)

    def most_frequent(self, without, limit):
        """The tokens, most frequent ones first, of equal ones the last in their own order: as Keras has them."""
        kept = [token for token in self.tokens if token not in without]
        kept.sort(key=lambda token: (self.tokens[token], token), reverse=True)
        return kept[:limit]

    def inverse_document_frequency(self, tokens):
        """log(1 + documents / (1 + documents with the token)) for each token."""
        return np.log(1 + self.number / (1 + np.array([self.documents[token] for token in tokens], "float64")))


# ---- Files ------------------------------------------------------------------------------------------------------

def read_vocabulary(path):
    """The lines of a file of tokens.

    Raises:
        ValueError: inside of the loading of a model in safe mode (the file may name any file of this machine), and for a path where no
            file is.
    """
    if config.in_safe_mode():
        raise ValueError(f"a layer of the file that is loaded wants its vocabulary from another file, {path!r}, which is not read: a model "
                         "from elsewhere could name any file of yours. If you made the model file yourself, pass safe_mode=False")
    if not os.path.isfile(path):
        raise ValueError(f"vocabulary file {path!r} does not exist: pass the path of a text file with a token in each line, or a list of tokens")
    return read_lines(path)


def refuse_files(layer_class, layer_config):
    """Raises ValueError if a config wants its vocabulary from a file: fastnn and Keras never write such configs."""
    path = layer_config.get("vocabulary")
    if isinstance(path, str) and not config.unsafe_deserialization():
        raise ValueError(f"the config of a {layer_class.__name__} names a file for its vocabulary, {path!r}, which is not read: a config from "
                         "elsewhere could name any file of yours. Make the layer and call set_vocabulary(path) on it instead, or pass "
                         "safe_mode=False where a model is loaded")


def read_lines(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")
    lines = [line[:-1] if line.endswith("\r") else line for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def write_lines(folder, tokens, layer_name):
    """Writes tokens into the file of a folder, as Keras does.

    Raises:
        ValueError: a token that does not fit into a line.
    """
    texts = [str(token) for token in tokens]
    broken = next((text for text in texts if "\n" in text or text.endswith("\r")), None)
    if broken is not None:
        raise ValueError(f'the vocabulary of layer "{layer_name}" cannot be saved: its file has a line for each token, and the token '
                         f"{broken!r} has the end of a line in it")
    with open(os.path.join(folder, FILE), "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(texts))
