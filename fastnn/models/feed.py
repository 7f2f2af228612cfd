"""Batches for steps that are replayed: gathered straight into arrays that are used in turn, while the step before runs."""
import numpy as np

from ..capture import Capture, make_plan
from ..op import LATER
from ..tensor import Operand, Tensor, own


class Feed:
    """Gathers the rows of shuffled batches of one size, all columns in one call.

    Args:
        columns: the data.
        rows: of a batch.
        pack: function from the tensors of a batch to the structure that steps get.
    """

    def __init__(self, columns, rows, pack):
        index = Tensor(np.zeros(rows, "int64"))
        capture = Capture([index.data], contents=False)
        with capture.recording():
            parts = [column.rows(index) for column in columns]
        self.captured, self.pack = make_plan(capture, parts), pack
        self.sets = [self._new_set(rows)]
        self.large = max([array.nbytes for array in self.sets[0]]) >= LATER

    def _new_set(self, rows):
        return self.captured.plan.run((np.zeros(rows, "int64"),))[1:]

    def gather(self, index, ahead, entry):
        """The batch of these rows.

        Args:
            index: numbers of the rows, int64.
            ahead: whether it may be gathered in the background.
            entry: of the plan that it is for.

        Returns:
            (Fed, a tuple of what to wait for); the arrays are those of the batch before the last one, if batches are gathered ahead,
            else those of the last one.
        """
        self.wait()             # for one that was given up half-way
        if ahead and len(self.sets) == 1:
            self.sets.append(self._new_set(len(index)))
        arrays = self.sets[0]
        self.sets.reverse()
        fed = Fed(arrays, self.pack, entry)
        if ahead and self.large:
            self.captured.plan.begin((index, *arrays))
            return fed, (self,)
        if self.captured.plan.run((index, *arrays)) is None:
            raise RuntimeError("two loops take batches from the same data at once: give each a fit of its own")
        return fed, ()

    def wait(self):
        """Returns when the last batch is there."""
        self.captured.plan.wait()


class Fed:
    """A batch that lies in arrays which the next batches will use again; a step gets tensors of its own, unless it is replayed."""

    __slots__ = ("arrays", "pack", "entry")

    def __init__(self, arrays, pack, entry):
        self.arrays, self.pack, self.entry = arrays, pack, entry

    def tensors(self):
        """The batch as `train_step` gets it."""
        return self.pack([Tensor(own(array)) for array in self.arrays])


def signature(batch):
    """Structure, shapes and dtypes of a batch of tensors (or specs), hashable; None if there is anything else in it, text for one."""
    if isinstance(batch, Operand):
        return (batch.shape, batch.dtype) if 0 not in batch.shape and batch.dtype != "string" else None
    if batch.__class__ is dict:
        parts = [(key, signature(batch[key])) for key in batch]
    elif isinstance(batch, (tuple, list)):
        parts = [signature(part) for part in batch]
    else:
        return None
    return None if any(p is None or p[1] is None for p in parts) else (batch.__class__, *parts)
