"""LearningRateScheduler: a learning rate for each epoch."""
import inspect
import math

from ..utils.io_utils import print_msg
from .callback import Callback
from .learning_rates import log_rates, optimizers_of


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Args:
        schedule: function `f(epoch, learning_rate)` (or `f(epoch)`) that gives the new learning rate, a number.
        verbose: 1: says what it does.

    The logs get "learning_rate": the one that the epoch was trained with.

    Raises:
        TypeError: `schedule` is no function.
        ValueError: it gave something else than a number.

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
        found = optimizers_of(self.model, "LearningRateScheduler").values()
        for optimizer in found:
            optimizer.learning_rate = rate = self._rate(epoch, float(optimizer.learning_rate))
            if self.verbose > 0:
                name = f" {optimizer.name}" if len(found) > 1 else ""
                print_msg(f"\nEpoch {epoch + 1}: LearningRateScheduler setting{name} learning rate to {rate}.")

    def _rate(self, epoch, rate):
        rate = self.schedule(epoch, rate) if self._takes_rate else self.schedule(epoch)
        if isinstance(rate, bool) or not hasattr(rate, "__float__"):
            raise ValueError(f"`schedule` must return a number, for epoch {epoch} it returned {rate!r}")
        rate = float(rate)
        if not math.isfinite(rate):
            raise ValueError(f"`schedule` returned {rate} for epoch {epoch}")
        return rate

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            log_rates(self.model, "LearningRateScheduler", logs)


def takes_two(function):
    """Whether a function takes two positional arguments; one that does not tell is believed to."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return True
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) >= 2
