"""Quantiles of data that come in batches, from summaries of bounded size; computed as Keras does, so that the borders are the same."""
import numpy as np


class Summary:
    """Values that stand for parts of the data, and how many of the data each stands for.

    Args:
        epsilon: the part of the data that a value may stand for.
    """

    def __init__(self, epsilon):
        self.epsilon = epsilon
        self.table = np.zeros((2, 0), "float32")        # values in ascending order, weights

    def add(self, data):
        """Takes more numbers in, of any shape."""
        values = np.sort(np.asarray(data, "float32").reshape(-1))
        if np.isnan(values[-1:]).any():
            raise ValueError("`adapt` received NaN, which lies in no bin: fill in or leave out what is missing")
        step = max(values.size * self.epsilon, 1)
        values = values[int(step - 1)::int(step)]
        table = np.concatenate([np.stack([values, np.full_like(values, step)]), self.table], axis=1)
        self.table = compressed(table[:, np.argsort(table[0])], self.epsilon)

    def boundaries(self, bins):
        """The borders of so many bins with as many of the data in each, as a list."""
        if not self.table.shape[1]:
            raise ValueError("`adapt` received no data")
        return compressed(self.table, 1.0 / bins)[0, :-1].tolist()


def compressed(table, epsilon):
    """A shorter table, whose values stand for equal parts of the data: by interpolation between those there are."""
    if table.shape[1] * epsilon < 1:
        return table
    parts = epsilon + np.arange(0.0, 1.0, epsilon)
    reached = table[1].cumsum()
    place = reached / reached[-1]
    values, reached = np.interp(parts, place, table[0]), np.interp(parts, place, reached)
    return np.stack([values, np.diff(reached, prepend=0)]).astype("float32")
