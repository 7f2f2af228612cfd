"""BaseLogger: means of what batches tell, for training loops that are written by hand."""
from .callback import Callback
from .history import Logs


class BaseLogger(Callback):
    """Adds to the logs of an epoch the means of the values that its batches told, weighted by their sizes.

    It comes from Keras 2, whose batches told values of their own and their "size".  The logs that `fit` gives are means already
    and have no size: there it changes nothing.

    Args:
        stateful_metrics: names of values of which the last one is taken and not the mean.

    Example:
        >>> logger, logs = BaseLogger(), {}
        >>> logger.on_epoch_begin(0)
        >>> logger.on_batch_end(0, {"size": 30, "loss": 2.0})
        >>> logger.on_batch_end(1, {"size": 10, "loss": 4.0})
        >>> logger.on_epoch_end(0, logs)
        >>> logs["loss"]
        2.5
    """

    def __init__(self, stateful_metrics=None):
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())
        self.seen, self.totals = 0, {}

    def on_epoch_begin(self, epoch, logs=None):
        self.seen, self.totals = 0, {}

    def on_batch_end(self, batch, logs=None):
        size = (logs or {}).get("size", 0) * (logs or {}).get("num_steps", 1)
        self.seen += size
        for name, value in (logs or {}).items():
            if name in self.stateful_metrics:
                self.totals[name] = value
            elif size and name not in ("batch", "size", "num_steps"):
                self.totals[name] = self.totals.get(name, 0.0) + value * size

    def on_epoch_end(self, epoch, logs=None):
        if logs is None:
            return
        wanted = (self.params or {}).get("metrics")
        for name, total in self.totals.items():
            if wanted is None or name in Logs.fromkeys(wanted):
                logs[name] = total if name in self.stateful_metrics else total / self.seen
