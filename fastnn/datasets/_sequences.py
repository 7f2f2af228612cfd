"""The encoding of texts that `imdb` and `reuters` share: offset, start sign, and words left out."""

import numpy as np


def offset(sequences, start_char, index_from):
    """Lists of word numbers as int64 arrays, `index_from` added, `start_char` (or None) put in front."""
    start = np.array([] if start_char is None else [start_char], dtype=np.int64)
    return [np.concatenate([start, np.asarray(s, dtype=np.int64) + (index_from or 0)]) for s in sequences]


def shorter_than(maxlen, sequences, labels):
    """The sequences of fewer than `maxlen` numbers, start sign included, and their labels."""
    keep = [i for i, sequence in enumerate(sequences) if len(sequence) < maxlen]
    if not keep:
        raise ValueError(f"[datasets] No text is shorter than `maxlen`: received maxlen={maxlen}. Pass a larger one.")
    return [sequences[i] for i in keep], labels[keep]


def select_words(sequences, num_words, skip_top, oov_char):
    """Replace numbers outside [skip_top, num_words) by `oov_char`, or drop them if that is None.

    Returns:
        An object array of shape `(len(sequences),)` of lists of Python integers.
    """
    lengths = [len(sequence) for sequence in sequences]
    numbers = np.concatenate(sequences)
    limit = num_words or int(numbers.max())
    known = (numbers >= skip_top) & (numbers < limit)
    # One Python integer for each number, shared by all lists: 200 MB less for all of IMDB.
    low = int(numbers.min())
    shared = np.arange(low, int(numbers.max()) + 1).astype(object)[numbers - low]
    if oov_char is None:
        lengths = np.bincount(np.repeat(np.arange(len(sequences)), lengths)[known], minlength=len(sequences))
        shared = shared[known]
    else:
        shared[~known] = oov_char
    return _cut(shared, np.cumsum(lengths))


def _cut(objects, ends):
    lists = np.empty(len(ends), dtype=object)
    start = 0
    for i, end in enumerate(ends):
        lists[i] = objects[start:end].tolist()
        start = end
    return lists
