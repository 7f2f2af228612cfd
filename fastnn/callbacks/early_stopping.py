"""EarlyStopping: ends a training that no longer gets better."""
from ..utils.io_utils import print_msg
from .monitor_callback import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Stops training when a value has not improved for some epochs.

    Args:
        monitor: the value's name in the logs.
        min_delta: a smaller change is no improvement.
        patience: how many epochs without improvement are borne.
        verbose: 1: says when it stops.
        mode: "min", "max" or "auto".
        baseline: a value that has to be beaten, too.
        restore_best_weights: whether the weights of the best epoch are put back in the end.
        start_from_epoch: how many epochs pass before watching begins.

    Example:
        >>> model.fit(x, y, validation_split=0.2, epochs=100, callbacks=[EarlyStopping(patience=3)])
    """

    state_names = ("best", "wait", "stopped_epoch", "best_epoch", "best_weights")

    def __init__(self, monitor="val_loss", min_delta=0, patience=0, verbose=0, mode="auto", baseline=None,
                 restore_best_weights=False, start_from_epoch=0):
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights = None

    def on_train_begin(self, logs=None):
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def on_epoch_end(self, epoch, logs=None):
        value = self.get_monitor_value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._remember(epoch)       # in case that nothing ever beats the baseline
        self.wait += 1
        if self._is_improvement(value, self.best):
            self.best = value
            self._remember(epoch)
            if self.baseline is None or self._is_improvement(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _remember(self, epoch):
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def on_train_end(self, logs=None):
        if self.stopped_epoch > 0 and self.verbose > 0:
            print_msg(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print_msg(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
