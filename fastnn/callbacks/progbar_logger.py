"""ProgbarLogger: the progress bar of fit, evaluate and predict."""
from ..utils.io_utils import print_msg
from ..utils.progbar import Progbar
from .callback import Callback


class ProgbarLogger(Callback):
    """Shows progress and metrics; `verbose` of fit says how much: 1 a bar, 2 a line per epoch."""

    def __init__(self):
        super().__init__()
        self.bar, self.target, self.verbose, self.epochs = None, None, 1, 1
        self.seen, self.fitting, self.validating = 0, False, False

    def set_params(self, params):
        super().set_params(params)
        self.verbose = 1 if params["verbose"] == "auto" else params["verbose"]
        self.epochs, self.target = params["epochs"], params["steps"]

    def wants_batch(self, batch):
        if self.validating:         # inside `fit`, validation is silent
            return False
        self.seen = batch + 1
        return self.verbose == 1 and self.bar is not None and self.bar.due(batch + 1)

    def on_train_begin(self, logs=None):
        self.fitting, self.validating = True, False

    def on_epoch_begin(self, epoch, logs=None):
        if self.verbose and self.epochs > 1:
            print_msg(f"Epoch {epoch + 1}/{self.epochs}")
        self._start()

    def on_test_begin(self, logs=None):
        self.validating = self.fitting
        if not self.fitting:
            self._start()

    def on_predict_begin(self, logs=None):
        self._start()

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update(batch + 1, list(logs.items()), finalize=False)

    def on_test_batch_end(self, batch, logs=None):
        self.bar.update(batch + 1, list(logs.items()), finalize=False)

    def on_predict_batch_end(self, batch, logs=None):
        self.bar.update(batch + 1, finalize=False)

    def on_epoch_end(self, epoch, logs=None):
        self._finish(logs)

    def on_test_end(self, logs=None):
        self.validating = False
        if not self.fitting:
            self._finish(logs)

    def on_predict_end(self, logs=None):
        self._finish(None)

    def on_train_interrupted(self, logs=None):
        if self.bar is not None:
            self.bar.break_off()

    def on_train_end(self, logs=None):
        self.fitting = False

    def _start(self):
        self.seen = 0
        self.bar = Progbar(target=self.target, verbose=self.verbose, stateless_metrics=())

    def _finish(self, logs):
        if self.target is None:
            self.target = self.bar.target = self.seen
        self.bar.update(self.target, list((logs or {}).items()), finalize=True)
