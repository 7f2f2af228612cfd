"""Mean and variance of data that come in batches."""
import numpy as np


class Moments:
    """Mean and variance over some axes, of all batches so far (Chan, Golub & LeVeque, 1983, https://doi.org/10.1080/00031305.1983.10483115).

    Args:
        axes: over which they are taken, a tuple.
    """

    def __init__(self, axes):
        self.axes, self.count, self.mean, self.variance = axes, 0, 0.0, 0.0

    def add(self, data, count):
        """Takes a batch in; count: how many numbers each mean is of."""
        data = np.asarray(data, "float64")
        mean, variance = data.mean(axis=self.axes), data.var(axis=self.axes)
        self.count += count
        new = count / self.count
        difference = mean - self.mean
        self.mean = self.mean + difference * new
        self.variance = self.variance * (1 - new) + variance * new + difference**2 * new * (1 - new)
