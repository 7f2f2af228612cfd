"""Files of word vectors, as GloVe and word2vec have them, as the table of an Embedding."""
import numpy as np

from ..utils.warn_utils import warn


def load_embeddings(path, word_index, dim, num_words=None, encoding="utf-8"):
    """The vectors of words from a text file, as the table of an `Embedding`.

    The file has a line for each word: the word and `dim` numbers, with spaces between them, as GloVe has it, and word2vec after a
    line of two counts.  Lines of other words are read past without a look at their numbers.

    Args:
        path: of the file.
        word_index: dict from word to its number, as that of a Tokenizer; or a list of words, as TextVectorization gives it.
        dim: the length of the vectors.
        num_words: the number of rows, words with larger numbers are left out; None: the largest number and one more.
        encoding: of the file.

    Returns:
        (table, missing): array (num_words, dim) of float32 with zeros for words that have no vector; list of these words.

    Raises:
        ValueError: a file with vectors of another length, or without any for these words.  OSError: no such file.

    Example:
        >>> with open("vectors.txt", "w") as file:
        ...     _ = file.write("cat 1.0 2.0\\ndog 3.0 4.0\\n")
        >>> table, missing = load_embeddings("vectors.txt", {"dog": 1, "emu": 2}, dim=2)
        >>> table.tolist(), missing
        ([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]], ['emu'])
    """
    if not isinstance(word_index, dict):
        word_index = {word: number for number, word in enumerate(word_index)}
    rows = max(word_index.values(), default=-1) + 1 if num_words is None else num_words
    wanted = {word: number for word, number in word_index.items() if number < rows}
    table, found, odd = np.zeros((rows, dim), "float32"), set(), []
    with open(path, encoding=encoding, errors="replace", newline="\n") as file:
        for line_number, line in enumerate(file, 1):
            word, *values = line.rstrip().rsplit(" ", dim)      # from the right: some words of GloVe have spaces in them
            if word not in wanted and (len(values) == dim or line.partition(" ")[0] not in wanted) or line_number == 1 and is_header(line):
                continue
            try:
                table[wanted[word]] = np.array(values, "float32").reshape(dim)
                found.add(word)
            except (ValueError, KeyError):
                odd.append(line_number)
    if odd:
        warn(f"{path}: {len(odd)} lines were left out, because they do not hold a word and {dim} numbers; the first is line {odd[0]}")
    if wanted and not found:
        raise ValueError(f"{path} has no vector of {dim} numbers for any of the {len(wanted)} words: is `dim` that of the file, and are "
                         "the words written (lower case?) as there?")
    return table, [word for word in wanted if word not in found]


def is_header(line):
    """Whether a line is that of word2vec's counts: of words, and of numbers for each."""
    parts = line.split()
    return len(parts) == 2 and all(part.isdigit() for part in parts)
