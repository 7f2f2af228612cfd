"""TimeLimit: ends a training after some time."""
import math
import re
import time

from ..utils.io_utils import print_msg
from .callback import Callback


class TimeLimit(Callback):
    """Stops training when its time is over: after the batch that runs at that moment, as after a last epoch.

    The time counts from the beginning of `fit`.  What follows the last batch (validation, other callbacks) takes its own time on top.
    With `BackupAndRestore(folder, delete_checkpoint=False)` the next `fit` goes on, and has as much time again.

    Args:
        limit: seconds, or "HH:MM:SS".
        verbose: 1: says when it stops.

    Attributes:
        stopped: whether it has stopped the training.

    Raises:
        ValueError: something that is no time.

    Example:
        >>> model.fit(x, y, epochs=1000, callbacks=[TimeLimit(0.05)], verbose=0)
        >>> TimeLimit("01:30:00").seconds
        5400.0
    """

    state_names = ("stopped",)

    def __init__(self, limit, verbose=1):
        super().__init__()
        self.seconds, self.verbose = seconds_of(limit), verbose
        self.stopped, self._end, self._epoch = False, math.inf, 0

    def on_train_begin(self, logs=None):
        self.stopped, self._end = False, time.monotonic() + self.seconds

    def set_state(self, state):
        if state["stopped"]:
            self.model.stop_training = False        # that was the limit of another day

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def wants_batch(self, batch):
        return time.monotonic() >= self._end

    def on_train_batch_end(self, batch, logs=None):
        self._look(f" and {batch + 1} batches")

    def on_epoch_end(self, epoch, logs=None):
        self._epoch = epoch + 1
        self._look()

    def _look(self, more=""):
        if time.monotonic() < self._end or self.model.stop_training:
            return
        self.stopped = self.model.stop_training = True
        if self.verbose > 0:
            print_msg(f"\nTimeLimit: {self.seconds:g} seconds are over after {self._epoch} epochs{more}: training stops")


def seconds_of(limit):
    """Seconds, from a number or "HH:MM:SS"."""
    if isinstance(limit, str):
        found = re.fullmatch(r"(\d+):([0-5]?\d):([0-5]?\d)", limit.strip())
        if found:
            return 3600.0 * int(found[1]) + 60.0 * int(found[2]) + float(found[3])
    elif isinstance(limit, (int, float)) and not isinstance(limit, bool) and limit >= 0:
        return float(limit)
    raise ValueError(f'TimeLimit: expected seconds (a number >= 0) or "HH:MM:SS", received {limit!r}')
