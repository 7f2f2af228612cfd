"""ModelCheckpoint: files of a model while it is trained."""
import os

from ..utils.io_utils import print_msg
from ..utils.warn_utils import warn
from .history import Logs
from .monitor_callback import MonitorCallback

WHOLE = (".keras", ".h5", ".hdf5")                          # endings of files of whole models
WEIGHTS = (".weights.h5", ".h5", ".hdf5", ".safetensors")   # and of weights alone


class ModelCheckpoint(MonitorCallback):
    """Saves a model after each epoch, after some batches, or whenever a value is better than ever.

    A file is written beside the old one, which it replaces when it is complete: a run that is killed leaves one of them.

    Args:
        filepath: name of the file.  "{epoch:02d}" in it stands for the number of the epoch, "{batch}" for that of the batch (both
            from 1), "{val_loss:.2f}" for a value in the logs.  Missing folders are made.  It ends with ".keras" (".h5" and
            ".hdf5" are older forms), or ".weights.h5" for weights alone (or ".h5", ".hdf5", ".safetensors").
        monitor: name in the logs of the value that tells what is best.
        verbose: 1: says what it does.
        save_best_only: whether files are written only if the value is better than ever.
        save_weights_only: whether `model.save_weights` writes them, instead of `model.save`.
        mode: "min", "max" or "auto": which values are better.
        save_freq: "epoch", or after how many batches.
        initial_value_threshold: the value that the first one has to beat.

    Raises:
        ValueError: another ending, or a bad `save_freq`.
        KeyError: while training, a name in `filepath` that the logs lack.
        OSError: while training, a folder in the place of the file, a full disk and the like.

    Example:
        >>> import os, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> best = ModelCheckpoint(folder + "/{epoch:02d}-{val_loss:.2f}.keras", save_best_only=True)
    """

    period = 1      # epochs from one file to the next; an argument in Keras 2

    state_names = ("best", "_epoch", "_epochs_since", "_batches", "_batch", "_saved")

    def __init__(self, filepath, monitor="val_loss", verbose=0, save_best_only=False, save_weights_only=False, mode="auto",
                 save_freq="epoch", initial_value_threshold=None):
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only, self.save_freq = save_best_only, save_weights_only, save_freq
        if save_freq != "epoch" and (isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(f"ModelCheckpoint: `save_freq` must be 'epoch' or a number of batches, received {save_freq!r}")
        check_ending(self.filepath, save_weights_only)
        if save_freq == "epoch":
            self.idle_hooks = (ModelCheckpoint.on_train_batch_end,)
        self._epoch, self._epochs_since = 0, 0
        self._batches, self._batch, self._saved = 0, -1, 0      # of the epochs before; the last one of this; when it was saved

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._batches, self._batch = self._batches + self._batch + 1, -1

    def wants_batch(self, batch):
        # a class derived from this one may do more after a batch than save the model
        return self._is_due(batch) or type(self).on_train_batch_end is not ModelCheckpoint.on_train_batch_end

    def on_train_batch_end(self, batch, logs=None):
        if self._is_due(batch):
            self._saved = self._batches + batch + 1
            self._save_model(self._epoch, batch, logs)

    def _is_due(self, batch):
        self._batch = batch
        return self.save_freq != "epoch" and self._batches + batch + 1 - self._saved >= self.save_freq

    def on_epoch_end(self, epoch, logs=None):
        self._epochs_since += 1
        if self.save_freq == "epoch" and self._epochs_since >= self.period:
            self._epochs_since = 0
            self._save_model(epoch, None, logs)

    # ---- Saving --------------------------------------------------------------------------------------------

    def _save_model(self, epoch, batch, logs):
        path = self._get_file_path(epoch, batch, logs)
        if not self._is_wanted(epoch, logs, path):
            return
        if os.path.isdir(path):
            raise IsADirectoryError(f"ModelCheckpoint: {path} is a folder: give `filepath` the name of a file")
        if os.path.dirname(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        (self.model.save_weights if self.save_weights_only else self.model.save)(path, overwrite=True)
        if self.verbose > 0:
            print_msg(f"\nEpoch {epoch + 1}: finished saving model to {path}")

    def _get_file_path(self, epoch, batch, logs):
        values = Logs({"epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1}), **(logs or {})})
        try:
            return self.filepath.format_map(values)
        except KeyError as error:
            raise KeyError(f"ModelCheckpoint: {self.filepath!r} asks for {error}, there are: {', '.join(values)}") from None
        except (ValueError, IndexError, TypeError, AttributeError) as error:
            raise ValueError(f"ModelCheckpoint: {self.filepath!r} cannot be filled in with {dict(values)}: {error}") from None

    def _is_wanted(self, epoch, logs, path):
        """Whether a file is to be written now."""
        if not self.save_best_only:
            return self._say(epoch, f"saving model to {path}", True)
        value = self.get_monitor_value(logs)
        if value is None or getattr(value, "shape", ()):
            if value is not None:
                warn(f"ModelCheckpoint(save_best_only=True) needs a single number, {self.monitor!r} is {value!r}; the model is saved")
            return True
        before, best = "None" if self.best is None else f"{self.best:.5f}", self.best
        if not self._is_improvement(value, best):
            return self._say(epoch, f"{self.monitor} did not improve from {before}", False)
        self.best = value
        return self._say(epoch, f"{self.monitor} improved from {before} to {value:.5f}, saving model to {path}", True)

    def _say(self, epoch, what, wanted):
        if self.verbose > 0:
            print_msg(f"\nEpoch {epoch + 1}: {what}")
        return wanted


def check_ending(path, weights):
    """Refuses names that no file of a model, or of weights, has."""
    endings = WEIGHTS if weights else WHOLE
    if not path.endswith(endings):
        raise ValueError(f"ModelCheckpoint: with save_weights_only={bool(weights)}, `filepath` must end with {endings[0]} (or "
                         f"{', '.join(endings[1:])}), received {path!r}")
