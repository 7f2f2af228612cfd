"""Outputs: the predictions of batches, gathered into arrays."""
import numpy as np

from ..tensor import Tensor, look
from .arrays import leaves, like


class Outputs:
    """Gathers the outputs of batches into arrays.

    Args:
        rows: how many there will be; None if nobody knows.
    """

    def __init__(self, rows):
        self.rows, self.arrays, self.parts = rows, None, []
        self.structure, self.filled = None, 0

    def add(self, result):
        """The outputs of one more batch."""
        found = [as_numpy(part) for part in leaves(result)]
        if self.structure is None:
            self.structure = result
            if self.rows is not None and all(a.ndim for a in found):
                self.arrays = [np.empty((self.rows, *a.shape[1:]), a.dtype) for a in found]
        stop = self.filled + (len(found[0]) if found and found[0].ndim else 1)
        if self.arrays is not None and stop <= self.rows and all(
                a.shape[1:] == b.shape[1:] for a, b in zip(self.arrays, found)):
            for array, part in zip(self.arrays, found):
                array[self.filled:stop] = part
        else:
            self._keep(found)
        self.filled = stop

    def _keep(self, found):
        """For outputs whose sizes are not known beforehand."""
        if self.arrays is not None:
            self.parts = [[array[:self.filled] for array in self.arrays]] if self.filled else []
            self.arrays = None
        self.parts.append([a.copy() for a in found])

    def result(self):
        """The arrays, in the structure that the model returned."""
        if self.structure is None:
            raise ValueError("`x` gave no batches: there is nothing to predict")
        arrays = [a[:self.filled] for a in self.arrays] if self.arrays is not None else \
            [np.concatenate(some) for some in zip(*self.parts)]
        return like(self.structure, arrays)


def as_numpy(value):
    return look(value, "a prediction") if isinstance(value, Tensor) else np.asarray(value)
