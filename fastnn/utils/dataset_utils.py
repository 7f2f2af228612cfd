"""PyDataset: data that are made batch by batch."""


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
