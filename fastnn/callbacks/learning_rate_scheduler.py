"""LearningRateScheduler: a learning rate for each epoch."""
import inspect
import math

from ..utils.io_utils import print_msg
from .callback import Callback


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Args:
        schedule: function `f(epoch, learning_rate)` (or `f(epoch)`) that gives the new learning rate, a number.
        verbose: 1: says what it does.

    Example:
        >>> model.fit(x, y, epochs=10, callbacks=[LearningRateScheduler(lambda epoch, lr: lr * 0.9)])
    """

    def __init__(self, schedule, verbose=0):
        super().__init__()
        if not callable(schedule):
            raise TypeError(f"`schedule` must be a function of (epoch, learning_rate), received {schedule!r}")
        self.schedule, self.verbose = schedule, verbose
        self._takes_rate = takes_two(schedule)

    def on_epoch_begin(self, epoch, logs=None):
        optimizer = self.model.optimizer
        if not hasattr(optimizer, "learning_rate"):
            raise ValueError("LearningRateScheduler needs an optimizer with a learning rate: compile the model with one")
        rate = float(optimizer.learning_rate)
        rate = self.schedule(epoch, rate) if self._takes_rate else self.schedule(epoch)
        if isinstance(rate, bool) or not hasattr(rate, "__float__"):
            raise ValueError(f"`schedule` must return a number, for epoch {epoch} it returned {rate!r}")
        rate = float(rate)
        if not math.isfinite(rate):
            raise ValueError(f"`schedule` returned {rate} for epoch {epoch}")
        optimizer.learning_rate = rate
        if self.verbose > 0:
            print_msg(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def takes_two(function):
    """Whether a function takes two positional arguments; one that does not tell is believed to."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return True
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) >= 2
