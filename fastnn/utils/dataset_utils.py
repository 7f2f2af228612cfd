"""PyDataset: data that are made batch by batch; Batches: what the functions give that make data sets of arrays and folders."""
import itertools

import numpy as np


class PyDataset:
    """Base of data for `fit`, `evaluate` and `predict` that come as numbered batches, e.g. from files.

    A subclass has `__len__`, the number of batches, and `__getitem__(index)`, which gives (x, y) or (x, y,
    sample_weight). `fit` takes the batches of each epoch in another order unless it is told `shuffle=False`.

    Args:
        workers, use_multiprocessing, max_queue_size: kept for Keras' sake; batches are made when they are needed.

    Example:

    >>> import fastnn
    >>> class Squares(fastnn.utils.PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         x = np.full((4, 1), index, "float32")
    ...         return x, x ** 2
    >>> model = fastnn.Sequential([fastnn.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> len(model.fit(Squares(), epochs=2, verbose=0).history["loss"])
    2
    """

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __len__(self):
        raise TypeError(f"{type(self).__name__} must define `__len__(self)`, the number of batches")

    def __getitem__(self, index):
        raise TypeError(f"{type(self).__name__} must define `__getitem__(self, index)`, which gives the batch (x, y)")

    def on_epoch_end(self):
        """Called after each epoch; subclasses may override it."""


class Batches:
    """Batches that are made when somebody asks for them: what `fit` takes, and loops.

    Each loop over it goes through all data once; where they are shuffled, in another order each time.

    Args:
        count: number of samples.
        make: function from an array of sample numbers to the batch: x, or (x, y).
        batch_size: samples in a batch, the last one may be smaller; None: samples come one by one, without a batch axis.
        shuffle: whether samples come in another order each time.
        seed: of that.

    Attributes:
        class_names: names of the classes, of data from folders.

    Example:
        >>> batches = Batches(5, lambda rows: rows * 10, batch_size=2)
        >>> [batch.tolist() for batch in batches]
        [[0, 10], [20, 30], [40]]
        >>> next(iter(batches.map(lambda x: x + 1))).tolist()
        [1, 11]
    """

    class_names = None

    def __init__(self, count, make, batch_size=None, shuffle=False, seed=None):
        if batch_size is not None and (isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1):
            raise ValueError(f"`batch_size` must be a positive integer or None, received {batch_size!r}")
        self.count, self.make, self.batch_size = count, make, batch_size
        seed = np.random.randint(10**6) if shuffle and seed is None else seed
        self.order = np.random.RandomState(seed) if shuffle else None

    def __len__(self):
        return -(-self.count // (self.batch_size or 1))

    def __iter__(self):
        order = np.arange(self.count) if self.order is None else self.order.permutation(self.count)
        size = self.batch_size or 1
        for start in range(0, self.count, size):
            batch = self.make(order[start:start + size])
            if self.batch_size is None:
                batch = tuple(part[0] for part in batch) if isinstance(batch, tuple) else batch[0]
            yield batch

    def map(self, function):
        """The same data with `function(x)`, or `function(x, y)`, in the place of each batch."""
        return Mapped(self, function)

    def take(self, count):
        """An iterator over the first batches."""
        return itertools.islice(self, count)


class Mapped:
    """Batches that a function has changed: see `Batches.map`."""

    map, take = Batches.map, Batches.take

    def __init__(self, source, function):
        self.source, self.function, self.class_names = source, function, source.class_names

    def __len__(self):
        return len(self.source)

    def __iter__(self):
        for batch in self.source:
            yield self.function(*batch) if isinstance(batch, tuple) else self.function(batch)
