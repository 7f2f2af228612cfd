"""Whatever holds the data of a fit, as batches: arrays, lists, generators, sequences of batches."""
import itertools
import math

import numpy as np

from .. import config
from ..tensor import Tensor
from ..utils.batch_utils import pack_x_y_sample_weight, unpack_x_y_sample_weight
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

    skips = True        # whether batches can be passed over, so that a training goes on in the midst of them

    def __iter__(self):
        return self.batches_for(None, self.new_order())

    def batches_for(self, step, order, done=0):
        """The batches, each gathered on another thread while the step of the one before it runs.

        Calls that are given up half-way (an exception in the step, the end of the training) wait when they are deleted, and
        hold their arrays until then.

        Args:
            step: the Step that gets them: if it has a plan for them, they are gathered into arrays that are used in turn, and
                come as `Fed`; None: tensors are wanted.
            order: what `new_order` gave.
            done: how many batches are passed over.
        """
        ahead = config.get_num_threads() > 1 and self.num_batches > 1
        places = itertools.islice(self._places(order), done, None)
        first = next(places, None)
        if first is None:
            return
        batch, calls = self._batch(first, [] if ahead else None, step)
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

    def first(self):
        """A batch, as tensors."""
        return next(iter(self))

    def new_order(self):
        """The order of the next pass: of samples, of batches (where each begins), or None: as they come."""
        if self.shuffle == "batch":
            starts = np.arange(0, self.num_samples, self.batch_size)
            np.random.shuffle(starts)
            return starts
        return np.random.permutation(self.num_samples) if self.shuffle else None

    def _places(self, order):
        """Where the rows of each batch stand: an array of their numbers, or (start, stop)."""
        n, size = self.num_samples, self.batch_size
        if order is None or self.shuffle == "batch":
            for start in range(0, n, size) if order is None else order.tolist():
                yield start, min(start + size, n)
        else:
            for start in range(0, n, size):
                yield order[start:start + size]

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

    skips = False

    def __init__(self, source, input_dtype, class_weight=None):
        self.source, self.input_dtype, self.class_weight = source, input_dtype, class_weight

    def __iter__(self):
        return self.batches_for(None, self.new_order())

    def new_order(self):
        """The order of the next pass; None: as they come."""

    def first(self):
        """A batch, which is not lost by it; None if there is none."""
        return next(iter(self), None)

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

    skips = True

    def __init__(self, source, input_dtype, class_weight=None, shuffle=False):
        super().__init__(source, input_dtype, class_weight)
        self.shuffle = shuffle
        self.num_batches = getattr(source, "num_batches", None) or len(source)
        if self.num_batches == 0:
            raise ValueError(f"`x`, a {type(source).__name__}, has length 0: there are no batches")

    def new_order(self):
        return np.random.permutation(self.num_batches) if self.shuffle else None

    def batches_for(self, step, order, done=0):
        """The batches; arguments as for `ArrayBatches`."""
        for i in (range(self.num_batches) if order is None else order.tolist())[done:]:
            yield self.tensors(self.source[i])

    def on_epoch_end(self):
        """Tells the source, if it wants to know."""
        getattr(self.source, "on_epoch_end", lambda: None)()


class IterableBatches(GivenBatches):
    """Batches of a generator, which is read once, or of an iterable, which begins anew when it is at its end."""

    def __init__(self, source, input_dtype, class_weight=None):
        super().__init__(source, input_dtype, class_weight)
        self.num_batches = len(source) if hasattr(source, "__len__") else None

    def batches_for(self, step, order, done=0):
        """The batches, as the source gives them."""
        for batch in self.source:
            yield self.tensors(batch)

    def first(self):
        """The next batch, which is not lost by it; None if there is none."""
        batch = next(iter(self.source), None)
        if batch is None:
            return None
        if iter(self.source) is self.source and not hasattr(self.source, "set_state"):
            self.source = itertools.chain([batch], self.source)
        return self.tensors(batch)

    def on_epoch_end(self):
        """Nothing to tell."""


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
