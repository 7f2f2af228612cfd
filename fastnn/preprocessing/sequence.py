"""Sequences made ready for models, by the names of Keras 2."""
import json
import random

import numpy as np

from ..utils.dataset_utils import PyDataset
from ..utils.sequence_utils import pad_sequences


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a time series, each with the target of the step behind it.

    `utils.timeseries_dataset_from_array` is Keras 3's way to the same.

    Args:
        data: array or list of steps.
        targets: as many.
        length: of a window, in steps of the series.
        sampling_rate: every so-manieth step of a window is taken.
        stride: from the beginning of a window to that of the next one.
        start_index, end_index: the first step that windows may hold, the last one whose target is used; None: the last one there is.
        shuffle: whether the windows of a batch are drawn at random, from all there are.
        reverse: whether the steps of a window come in reverse.
        batch_size: windows in a batch; the last one may be smaller.

    Raises:
        ValueError: data and targets of different lengths, no room for a window, sizes that are no positive integers.

    Example:
        >>> series = np.arange(10)
        >>> windows, targets = TimeseriesGenerator(series, series, length=3, batch_size=2)[0]
        >>> windows.tolist(), targets.tolist()
        ([[0, 1, 2], [1, 2, 3]], [3, 4])
    """

    def __init__(self, data, targets, length, sampling_rate=1, stride=1, start_index=0, end_index=None, shuffle=False, reverse=False,
                 batch_size=128):
        super().__init__()
        if len(data) != len(targets):
            raise ValueError(f"`data` and `targets` must have the same length, received {len(data)} and {len(targets)}")
        for name, value in (("length", length), ("sampling_rate", sampling_rate), ("stride", stride), ("batch_size", batch_size)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"`{name}` of TimeseriesGenerator must be a positive integer, received {value!r}")
        self.data, self.targets, self.length, self.sampling_rate, self.stride = data, targets, length, sampling_rate, stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse, self.batch_size = shuffle, reverse, batch_size
        if start_index < 0 or self.end_index >= len(data):
            raise ValueError(f"the steps from start_index={start_index} to end_index={self.end_index} must be among the {len(data)} of the data")
        if self.start_index > self.end_index:
            raise ValueError(f"start_index + length = {self.start_index} is above end_index = {self.end_index}: there is no room for a window "
                             "and the step behind it")

    def __len__(self):
        step = self.batch_size * self.stride
        return (self.end_index - self.start_index + step) // step

    def __getitem__(self, index):
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            rows = np.arange(first, min(first + self.batch_size * self.stride, self.end_index + 1), self.stride)
        windows = rows[:, None] + np.arange(-self.length, 0, self.sampling_rate)
        if self.reverse:
            windows = windows[:, ::-1]
        return self._steps(self.data, windows), self._steps(self.targets, rows)

    @staticmethod
    def _steps(series, places):
        if isinstance(series, np.ndarray):
            return series[places]
        return np.array([[series[i] for i in row] for row in places] if places.ndim == 2 else [series[i] for i in places])

    def get_config(self):
        """The arguments as plain values, data and targets as JSON.

        Raises:
            TypeError: data that JSON cannot hold.
        """
        names = ("length", "sampling_rate", "stride", "start_index", "end_index", "shuffle", "reverse", "batch_size")
        return {"data": _as_json(self.data, "data"), "targets": _as_json(self.targets, "targets"), **{n: getattr(self, n) for n in names}}

    def to_json(self, **kwargs):
        """The generator as JSON; kwargs: for `json.dumps`."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def _as_json(series, name):
    try:
        return json.dumps(series.tolist() if isinstance(series, np.ndarray) else series)
    except TypeError as error:
        raise TypeError(f"the {name} of a TimeseriesGenerator cannot be written as JSON: {error}") from None


def make_sampling_table(size, sampling_factor=1e-5):
    """How likely each word should be kept when pairs are sampled (`skipgrams`), by its rank: frequent ones seldom.

    The frequency of rank r is taken to be 1 / (r (log r + 0.577) + 1/2 - 1/(12 r)), by Zipf's law; a word of frequency f is kept with
    the probability min(1, sqrt(sampling_factor / f)) (Mikolov et al., 2013, https://arxiv.org/abs/1310.4546).

    Args:
        size: the number of words.
        sampling_factor: words that are rarer than this are always kept.

    Returns:
        Array (size,) of probabilities.

    Example:
        >>> make_sampling_table(4).round(4).tolist()
        [0.0032, 0.0032, 0.0055, 0.0074]
    """
    if size < 1:
        raise ValueError(f"`size` of make_sampling_table must be positive, received {size}")
    rank = np.arange(size)
    rank[0] = 1
    inverse = sampling_factor * (rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank))
    return np.minimum(1.0, inverse / np.sqrt(inverse))


def skipgrams(sequence, vocabulary_size, window_size=4, negative_samples=1.0, shuffle=True, categorical=False, sampling_table=None,
              seed=None):
    """Pairs of words that stand near each other, and pairs of a word and one drawn at random, for word2vec.

    Args:
        sequence: numbers of words; 0 is no word.
        vocabulary_size: the words drawn at random are 1 ... vocabulary_size - 1.
        window_size: how far the words of a pair may be apart.
        negative_samples: how many random pairs there are for each real one.
        shuffle: whether the pairs are shuffled.
        categorical: whether labels are [0, 1] for real pairs and [1, 0] for random ones, in place of 1 and 0.
        sampling_table: probability of each word to be kept, as `make_sampling_table` gives it.
        seed: of the shuffling.  Everything else is drawn from Python's `random`, as in Keras: `set_random_seed` seeds it.

    Returns:
        (list of pairs, list of labels).

    Raises:
        ValueError: vocabulary_size below 2, negative samples below 0.

    Example:
        >>> skipgrams([1, 2, 3], vocabulary_size=4, window_size=1, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    if vocabulary_size < 2 or negative_samples < 0:
        raise ValueError("skipgrams needs a vocabulary_size of at least 2 and negative_samples of at least 0, received "
                         f"{vocabulary_size} and {negative_samples}")
    couples = []
    for i, word in enumerate(sequence):
        if not word or sampling_table is not None and sampling_table[word] < random.random():
            continue
        near = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        couples += [[word, sequence[j]] for j in near if j != i and sequence[j]]
    labels = [[0, 1] if categorical else 1 for _ in couples]
    extra = int(len(labels) * negative_samples)
    if negative_samples > 0:
        words = [couple[0] for couple in couples]
        random.shuffle(words)
        couples += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(extra)]
        labels += [[1, 0] if categorical else 0 for _ in range(extra)]
    if shuffle:
        seed = random.randint(0, 10_000_000) if seed is None else seed
        random.Random(seed).shuffle(couples)        # both in the same order
        random.Random(seed).shuffle(labels)
    return couples, labels
