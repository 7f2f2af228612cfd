"""ReduceLROnPlateau: a smaller learning rate when a value no longer gets better."""
import numpy as np

from ..utils.io_utils import print_msg
from .learning_rates import log_rates, optimizers_of
from .monitor_callback import MonitorCallback


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by a factor when a value has not improved for some epochs.

    Args:
        monitor: the value's name in the logs.
        factor: of the learning rate, below 1.
        patience: how many epochs without improvement are borne.
        verbose: 1: says when it reduces.
        mode: "min", "max" or "auto".
        min_delta: a smaller change is no improvement.
        cooldown: how many epochs after a reduction do not count.
        min_lr: the learning rate does not go below this.

    The logs get "learning_rate": the one that the epoch was trained with.

    Raises:
        ValueError: a factor that reduces nothing.

    Example:
        >>> model.fit(x, y, validation_split=0.2, epochs=20, callbacks=[ReduceLROnPlateau(factor=0.2, patience=5, min_lr=0.001)])
    """

    state_names = ("best", "cooldown_counter", "wait")

    def __init__(self, monitor="val_loss", factor=0.1, patience=10, verbose=0, mode="auto", min_delta=1e-4, cooldown=0, min_lr=0.0):
        super().__init__(monitor, mode, min_delta=min_delta)
        if not 0 <= factor < 1:
            raise ValueError(f"ReduceLROnPlateau: the learning rate is multiplied by `factor`, which must be at least 0 and below 1, "
                             f"received {factor!r}")
        self.factor, self.min_lr = factor, min_lr
        self.patience, self.verbose, self.cooldown = patience, verbose, cooldown
        self.cooldown_counter = self.wait = 0

    def on_train_begin(self, logs=None):
        self.best, self.cooldown_counter, self.wait = None, 0, 0

    def in_cooldown(self):
        """Whether the last reduction was so short ago that epochs do not count."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch, logs=None):
        logs = {} if logs is None else logs
        log_rates(self.model, "ReduceLROnPlateau", logs)
        value = self.get_monitor_value(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(value, self.best):
            self.best, self.wait = value, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def _reduce(self, epoch):
        """Whether there was a learning rate above the least one."""
        found = optimizers_of(self.model, "ReduceLROnPlateau").values()
        above = [one for one in found if float(one.learning_rate) > self._least(one)]
        for optimizer in above:
            optimizer.learning_rate = rate = max(float(optimizer.learning_rate) * self.factor, self.min_lr)
            if self.verbose > 0:
                name = f" {optimizer.name}" if len(found) > 1 else ""
                print_msg(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing{name} learning rate to {rate}.")
        return bool(above)

    def _least(self, optimizer):
        """`min_lr` as the optimizer would hold it: rounded to float32, say."""
        dtype = getattr(optimizer.learning_rate, "dtype", None)
        return float(np.dtype(dtype).type(self.min_lr)) if dtype else self.min_lr
