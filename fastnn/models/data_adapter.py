"""Whatever holds the data of a fit, as batches: arrays, lists, generators, sequences of batches."""
import math

import numpy as np

from .. import config
from ..tensor import Tensor
from ..utils.batch_utils import pack_x_y_sample_weight, unpack_x_y_sample_weight
from ..utils.warn_utils import warn
from .feed import Feed, signature
from .arrays import (SparseColumn, TextColumn, check_lengths, class_weights, column, input_rules, is_arrays, leaves, like, target_dtype,
                     to_arrays, to_tensors, weight_dtype)

BATCH_SIZE = 32


# ---- Batches ----------------------------------------------------------------------------------------------------

class ArrayBatches:
    """Batches of arrays in memory, gathered (and cast) when they are asked for.

    Args:
        x, y, sample_weight: arrays, or lists or dicts of them; `to_arrays` made them.
        input_dtype: function from the dtype of an input, and its position or key among several, to the one that the model wants.
        batch_size: samples in a batch; the last one may be smaller.
        shuffle: True (samples), "batch" (whole batches), or False.
    """

    def __init__(self, x, y, sample_weight, input_dtype, batch_size=BATCH_SIZE, shuffle=False):
        self.x, self.y, self.sample_weight = x, y, sample_weight
        self.num_samples = check_lengths(x, y, sample_weight)
        self.batch_size, self.shuffle = batch_size, shuffle
        self.num_batches = math.ceil(self.num_samples / batch_size)
        self.columns = [column(a, rule) for a, rule in zip(leaves(x), input_rules(x, input_dtype))]
        self.columns += [column(a, rule) for part, rule in ((y, target_dtype), (sample_weight, weight_dtype)) for a in leaves(part)]
        self.counts = len(leaves(x)), len(leaves(y))
        self.plain = not any(isinstance(part, (list, tuple, dict)) for part in (x, y, sample_weight))
        self.signatures, self.feeds = {}, {}

    def __iter__(self):
        return self.batches_for(None)

    def batches_for(self, step):
        """The batches, each gathered on another thread while the step of the one before it runs.

        Calls that are given up half-way (an exception in the step, the end of the training) wait when they are deleted, and
        hold their arrays until then.

        Args:
            step: the Step that gets them: if it has a plan for them, they are gathered into arrays that are used in turn, and
                come as `Fed`; None: tensors are wanted.
        """
        ahead = config.get_num_threads() > 1 and self.num_batches > 1
        places = self._places()
        batch, calls = self._batch(next(places), [] if ahead else None, step)
        for place in places:
            for call in calls:
                call.wait()
            if not ahead:
                yield batch
            following, later = self._batch(place, [] if ahead else None, step)
            if ahead:
                yield batch
            batch, calls = following, later
        for call in calls:
            call.wait()
        yield batch

    def _places(self):
        """Where the rows of each batch stand: an index tensor, or (start, stop)."""
        n, size = self.num_samples, self.batch_size
        if self.shuffle is True or self.shuffle == 1:
            order = np.random.permutation(n)
            for start in range(0, n, size):
                yield order[start:start + size]
        else:
            starts = np.arange(0, n, size)
            if self.shuffle == "batch":
                np.random.shuffle(starts)
            for start in starts.tolist():
                yield start, min(start + size, n)

    def _batch(self, place, calls, step):
        """(the batch at a place, what to wait for before it is read).

        Args:
            place: the numbers of its rows, or (start, stop).
            calls: a list if gathering may run in the background, None if not.
            step: as for `batches_for`.
        """
        if place.__class__ is tuple:
            return self.pack([column.part(*place, calls) for column in self.columns]), calls or ()
        entry = None if step is None else step.feeds(self._signature(len(place)))
        if entry is not None:
            return self._feed(len(place)).gather(place, calls is not None, entry)
        return self.pack([column.rows(Tensor(place), calls) for column in self.columns]), calls or ()

    def _signature(self, rows):
        """The signature of a batch of so many rows."""
        if rows not in self.signatures:
            eager = any(isinstance(c, (SparseColumn, TextColumn)) for c in self.columns)
            self.signatures[rows] = None if eager else signature(self.pack([c.spec(rows) for c in self.columns]))
        return self.signatures[rows]

    def _feed(self, rows):
        """What gathers batches of so many rows into arrays that are there."""
        if rows not in self.feeds:
            self.feeds[rows] = Feed(self.columns, rows, self.pack)
        return self.feeds[rows]

    def pack(self, parts):
        """The tensors of a batch in the structure that `train_step` gets."""
        if self.plain:
            return parts[0] if len(parts) == 1 else tuple(parts)
        a, b = self.counts[0], sum(self.counts)
        y = like(self.y, parts[a:b]) if self.y is not None else None
        weight = like(self.sample_weight, parts[b:]) if self.sample_weight is not None else None
        return pack_x_y_sample_weight(like(self.x, parts[:a]), y, weight)

    def on_epoch_end(self):
        """Nothing: each epoch draws its own order."""


class GivenBatches:
    """Batches that somebody else makes: common to sequences and iterables.

    Args:
        source: what yields x, (x, y) or (x, y, sample_weight).
        input_dtype: as for ArrayBatches.
        class_weight: weight by class, applied to every batch; None: none.
    """

    def __init__(self, source, input_dtype, class_weight=None):
        self.source, self.input_dtype, self.class_weight = source, input_dtype, class_weight

    def tensors(self, batch):
        """A batch as tensors of the right dtypes."""
        x, y, weight = unpack_x_y_sample_weight(batch)
        x, y, weight = to_arrays(x, "x"), to_arrays(y, "y"), to_arrays(weight, "sample_weight")
        check_lengths(x, y, weight)
        if self.class_weight is not None and y is not None:
            if weight is not None:
                raise ValueError("class_weight cannot be used with data that bring sample weights")
            weight = class_weights(y, self.class_weight)
        return pack_x_y_sample_weight(to_tensors(x, *input_rules(x, self.input_dtype)), to_tensors(y, target_dtype),
                                    to_tensors(weight, weight_dtype))


class SequenceBatches(GivenBatches):
    """Batches of an object with `__len__` and `__getitem__`: keras.utils.Sequence, PyDataset."""

    def __init__(self, source, input_dtype, class_weight=None, shuffle=False):
        super().__init__(source, input_dtype, class_weight)
        self.shuffle = shuffle
        self.num_batches = getattr(source, "num_batches", None) or len(source)
        if self.num_batches == 0:
            raise ValueError(f"`x`, a {type(source).__name__}, has length 0: there are no batches")

    def __iter__(self):
        order = np.random.permutation(self.num_batches) if self.shuffle else np.arange(self.num_batches)
        for i in order.tolist():
            yield self.tensors(self.source[i])

    def on_epoch_end(self):
        """Tells the source, if it wants to know."""
        getattr(self.source, "on_epoch_end", lambda: None)()


class IterableBatches(GivenBatches):
    """Batches of a generator, which is read once, or of an iterable, which begins anew when it is at its end."""

    def __init__(self, source, input_dtype, class_weight=None):
        super().__init__(source, input_dtype, class_weight)
        self.num_batches = len(source) if hasattr(source, "__len__") else None

    def __iter__(self):
        for batch in self.source:
            yield self.tensors(batch)

    def on_epoch_end(self):
        """Nothing to tell."""


class Epochs:
    """Cuts batches into epochs.

    Args:
        batches: one of the classes above.
        steps: batches in an epoch; None: all there are.
    """

    def __init__(self, batches, steps=None):
        self.batches, self.asked = batches, steps
        limit = config.max_steps_per_epoch()
        if limit and (self.steps is None or self.steps > limit):
            warn(f"`max_steps_per_epoch` of fastnn.config limits the steps of an epoch to {limit}")
            self.asked = limit
        self.iterator = None
        self.name = "x"
        self.begun = self.ran_dry = False   # whether there was any batch; whether there were none in the last epoch

    @property
    def steps(self):
        """The number of steps of an epoch, None if nobody knows."""
        return self.asked or self.batches.num_batches

    def epoch(self, step=None):
        """The batches of the next epoch, for a Step (see `ArrayBatches.batches_for`).  Warns when there are fewer than asked for."""
        self.ran_dry = True
        for batch in self._all(step) if self.asked is None else self._some(step):
            self.begun, self.ran_dry = True, False
            yield batch
        if not self.begun:
            raise ValueError(f"`{self.name}` gave no batches: it is empty, or a generator that was used up before. A generator "
                             "can be read once: make a new one for each call, or let it go on for ever (`while True`)")
        if self.ran_dry and self.asked is None:
            warn("the data ran out: a generator is read once. Let it go on for ever (`while True`) and pass the number of steps, "
                 "or pass a sequence of batches")

    def _iterate(self, step):
        return self.batches.batches_for(step) if isinstance(self.batches, ArrayBatches) else iter(self.batches)

    def _all(self, step):
        yield from self._iterate(step)
        self.batches.on_epoch_end()

    def _some(self, step):
        for done in range(self.asked):
            batch = self._next(step)
            if batch is None:
                warn(f"the data ran out after {done} of {self.asked} steps: let the generator go on for ever, or ask for fewer "
                     "steps")
                return
            yield batch

    def _next(self, step):
        """The next batch; after the last one the first again, unless the source is a generator that has ended."""
        for _ in range(2):
            if self.iterator is None:
                self.iterator = self._iterate(step)
            batch = next(self.iterator, None)
            if batch is not None:
                return batch
            self.iterator = None
            self.batches.on_epoch_end()
        return None


# ---- From the arguments of fit ----------------------------------------------------------------------------------

def make_batches(x, y, sample_weight, input_dtype, batch_size=None, shuffle=False, class_weight=None):
    """The batches for the data arguments of fit, evaluate or predict.

    Raises:
        ValueError, TypeError: for data that cannot be batched, with the argument's name.
    """
    if x is None:
        raise ValueError("`x` is None: pass the input data, as an array or a generator of batches")
    if is_arrays(x):
        x, y, sample_weight = to_arrays(x, "x"), to_arrays(y, "y"), to_arrays(sample_weight, "sample_weight")
        check_lengths(x, y, sample_weight)
        if class_weight is not None and y is not None:
            sample_weight = class_weights(y, class_weight)
        return ArrayBatches(x, y, sample_weight, input_dtype, batch_size or BATCH_SIZE, shuffle)
    if not any(hasattr(x, method) for method in ("__getitem__", "__iter__", "__next__")):
        raise TypeError(f"`x` must be an array, a list, a generator or a sequence of batches, received {type(x).__name__}")
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(f"`{name}` must be None where x is a {type(x).__name__}: let it yield (x, y) "
                             "or (x, y, sample_weight)")
    if hasattr(x, "__getitem__") and hasattr(x, "__len__"):
        return SequenceBatches(x, input_dtype, class_weight, shuffle)
    return IterableBatches(x if hasattr(x, "__iter__") else iter(x.__next__, None), input_dtype, class_weight)


def split(x, y, sample_weight, fraction):
    """The data without their last samples, and these: what `validation_split` asks for.

    Returns:
        ((x, y, sample_weight), (x, y, sample_weight)); views, no copies.
    """
    if not is_arrays(x):
        raise ValueError(f"`validation_split` needs arrays, received a {type(x).__name__}: pass a generator for "
                         "validation as `validation_data`")
    x, y, sample_weight = to_arrays(x, "x"), to_arrays(y, "y"), to_arrays(sample_weight, "sample_weight")
    total = check_lengths(x, y, sample_weight)
    at = int(math.floor(total * (1 - fraction)))
    if at in (0, total):
        raise ValueError(f"validation_split={fraction} leaves no samples for {'training' if at == 0 else 'validation'}: "
                         f"there are {total}")

    def part(value, rows):
        return None if value is None else like(value, [a[rows] for a in leaves(value)])

    return tuple(tuple(part(v, rows) for v in (x, y, sample_weight)) for rows in (slice(at), slice(at, None)))
