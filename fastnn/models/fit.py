"""The loops: fit, evaluate, predict, and the same on one batch."""
import math

import numpy as np

from .. import config
from ..callbacks import CallbackList, History, Logs
from ..tensor import Tensor
from ..utils.io_utils import print_msg
from ..utils.warn_utils import warn
from . import checks
from .arrays import check_class_weight
from .data_adapter import ArrayBatches, make_batches, split
from .epochs import Epochs
from .outputs import Outputs
from .run import ALONE, Run
from .step import Step
from .trainer import Trainer

EVERYTHING = 2**62      # a batch size that holds any data


class Fit(Trainer):
    """The part of `Model` that runs over data."""

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, validation_split=0.0,
            validation_data=None, shuffle=True, class_weight=None, sample_weight=None, initial_epoch=0,
            steps_per_epoch=None, validation_steps=None, validation_batch_size=None, validation_freq=1):
        """Trains the model.

        Args:
            x: inputs: array, list, tensor, frame (anything with `__array__`), several of them for a model with several
                inputs; or a generator, or an object with `__len__` and `__getitem__`, of batches (x, y[, sample_weight]).
            y: targets, like `x`; None where `x` brings them.
            batch_size: samples per update, 32 by default; for arrays only.
            epochs: the number of the last epoch, counted from 1; `initial_epoch`: how many of them are already done.
            verbose: 0 silent, 1 progress bar, 2 a line per epoch, "auto" 1.
            callbacks: list of Callback objects.
            validation_split: fraction of the samples, the last ones, that are held back for validation.
            validation_data: (x, y) or (x, y, sample_weight), or batches as for `x`.
            shuffle: whether samples are put into a new order for every epoch; "batch": whole batches.
            class_weight: dict from class number to the weight of its samples in the loss.
            sample_weight: weight of each sample in the loss.
            steps_per_epoch: batches in an epoch; None: all there are.
            validation_steps, validation_batch_size: the same for validation.
            validation_freq: validation after every so many epochs, or a list of epochs (from 1).

        Ctrl-C ends the training after the present step, cleanly: callbacks are told of the end, and the History of the whole
        epochs so far is returned, with `interrupted` True (loops over several trainings look at it). Pressed twice it raises
        KeyboardInterrupt at once. A `BackupAndRestore` among the callbacks lets the next fit go on from there.

        Returns:
            A History: `history.history["loss"]` and so on, one value per epoch.

        Raises:
            ValueError, TypeError: before any training, for bad data or arguments.

        Example:
            >>> history = model.fit(x, y, epochs=3, batch_size=64, validation_split=0.2)
        """
        self._assert_compiled("fit")
        verbose = checks.verbosity(verbose)
        checks.fit_arguments(batch_size, epochs, initial_epoch, steps_per_epoch, validation_steps, validation_batch_size,
                             validation_split, shuffle)
        validation_due(validation_freq, 0)      # complains of a bad value
        check_class_weight(class_weight)
        if class_weight is not None and sample_weight is not None:
            raise ValueError("`class_weight` and `sample_weight` cannot be used together: multiply them into sample_weight")
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split(x, y, sample_weight, validation_split)
        epochs = limited(epochs)
        data = self._epochs(x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight)
        held_out = self._validation(validation_data, validation_batch_size or batch_size, validation_steps)
        self._check_data(data, held_out)
        self._check_frozen()

        callbacks = self._callback_list(callbacks, verbose, add_history=True, epochs=epochs, steps=data.steps)
        callbacks.set_data(data.batches, validation_data)
        callbacks.set_training_data(data)
        self.stop_training = False
        with Run(self, data, held_out, callbacks, initial_epoch) as run:
            callbacks.on_train_begin()              # a backup takes the run, and the model, to where it was made
            while run.epoch < epochs and not (self.stop_training or run.interrupted):
                if not self._fit_epoch(run, validation_freq):
                    break
            early = run.interrupted and (run.inside or run.epoch < epochs and not self.stop_training)
            if early:
                self._report_interrupt(run, epochs)
            if (data.begun or run.epoch > initial_epoch) and hasattr(self.optimizer, "finalize_variable_values"):
                self.optimizer.finalize_variable_values(self.trainable_variables)
            callbacks.on_train_end(run.logs)
        if run.interrupted and not early:
            raise KeyboardInterrupt         # there was nothing left to stop: it means the program
        return self.history

    def _fit_epoch(self, run, validation_freq):
        """An epoch, or the rest of one; whether it was ended and there may be another."""
        epoch, callbacks = run.epoch, run.callbacks
        callbacks.on_epoch_begin(epoch)
        logs = run.partial = self._train_epoch(run)
        if run.data.ran_dry or run.interrupted:
            return False
        if run.held_out is not None and validation_due(validation_freq, epoch):
            values = self._test_epoch(run.held_out, callbacks, run)
            if run.interrupted:
                return False
            logs.update({f"val_{name}": value for name, value in values.items()})
        if not math.isfinite(logs.get("loss", 0.0)) and not checks.reported_nan(self, run.data):
            checks.report_nan(self, run.data, logs["loss"])
        run.epoch, run.inside, run.logs = epoch + 1, False, logs
        callbacks.on_epoch_end(epoch, logs)
        return not run.interrupted

    def _report_interrupt(self, run, epochs):
        run.callbacks.on_train_interrupted()
        print_msg(run.message(epochs))
        if isinstance(self.history, History):
            self.history.interrupted = True

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, steps=None, callbacks=None,
                 return_dict=False):
        """The loss and the metrics of data.

        Args:
            x, y, sample_weight, batch_size: as for `fit`.
            steps: how many batches are taken; None: all.
            verbose, callbacks: as for `fit`.
            return_dict: whether values come by name.

        Returns:
            [loss, metric, ...], the loss alone if there are no metrics, or a dict.
        """
        self._assert_compiled("evaluate")
        verbose = checks.verbosity(verbose)
        checks.counts(batch_size=batch_size, steps=steps)
        data = self._epochs(x, y, sample_weight, batch_size, steps)
        self._check_data(data)
        callbacks = self._callback_list(callbacks, verbose, epochs=1, steps=data.steps)
        logs = self._test_epoch(data, callbacks)
        return logs if return_dict else in_order(logs)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """The outputs of the model for inputs, batch by batch.

        Args:
            x, batch_size, steps, verbose, callbacks: as for `evaluate`.

        Returns:
            A NumPy array; a list or dict of arrays for a model with several outputs.
        """
        verbose = checks.verbosity(verbose)
        checks.counts(batch_size=batch_size, steps=steps)
        data = self._epochs(x, None, None, batch_size, steps)
        self._build_for_data(data)
        callbacks = self._callback_list(callbacks, verbose, epochs=1, steps=data.steps)
        rows = data.batches.num_samples if isinstance(data.batches, ArrayBatches) and data.asked is None else None
        outputs = Outputs(rows)
        watched = callbacks.watches_batches("predict")
        callbacks.on_predict_begin()
        predict_step = self._step("predict_step")
        for step, batch in enumerate(data.epoch(predict_step)):
            if watched:
                callbacks.on_predict_batch_begin(step)
            result = predict_step(batch)
            outputs.add(result)
            if watched:
                callbacks.on_predict_batch_end(step, {"outputs": result})
        callbacks.on_predict_end()
        return outputs.result()

    # ---- One batch -----------------------------------------------------------------------------------------

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One update on one batch.

        Returns:
            The loss and the metrics so far (since `reset_metrics()`), as from `evaluate`.
        """
        self._assert_compiled("train_on_batch")
        check_class_weight(class_weight)
        if class_weight is not None and sample_weight is not None:
            raise ValueError("`class_weight` and `sample_weight` cannot be used together: multiply them into sample_weight")
        logs = floats(self._step("train_step")(self._one_batch(x, y, sample_weight, class_weight)))
        return logs if return_dict else in_order(logs)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """The loss and the metrics of one batch, added to those so far."""
        self._assert_compiled("test_on_batch")
        logs = floats(self._step("test_step")(self._one_batch(x, y, sample_weight)))
        return logs if return_dict else in_order(logs)

    def predict_on_batch(self, x):
        """The outputs for one batch, as NumPy arrays."""
        step = self._step("predict_step")
        if x.__class__ is np.ndarray:
            found = step.on_array(x)
            if found is not None:
                return found.data
        outputs = Outputs(None)
        data = self._epochs(x, None, None, batch_size=EVERYTHING)
        self._build_for_data(data)
        batch = next(iter(data.batches))
        outputs.add(step(batch))
        step.remember(x, batch)
        return outputs.result()

    def _one_batch(self, x, y, sample_weight=None, class_weight=None):
        data = self._epochs(x, y, sample_weight, batch_size=EVERYTHING, class_weight=class_weight)
        self._check_data(data)
        return next(iter(data.batches))

    # ---- Loops ---------------------------------------------------------------------------------------------

    def _train_epoch(self, run):
        """All steps of an epoch, or of the rest of one; the logs, as floats."""
        data, callbacks = run.data, run.callbacks
        if not run.inside:
            self.reset_metrics()
            run.inside, run.partial = True, Logs()
        if callbacks.watches_batches("train"):
            return self._watched_epoch(data, callbacks.on_train_batch_begin, callbacks.on_train_batch_end,
                                       self._step("train_step"), run, run.partial, callbacks.shows_data() and callbacks.on_train_data)
        train_step, logs = self._step("train_step"), run.partial
        for batch in data.epoch(train_step):
            logs = train_step(batch)
            if self.stop_training or run.interrupted:
                break
        return floats(logs)

    def _test_epoch(self, data, callbacks, run=ALONE):
        """All batches of an evaluation, also after a training was stopped; inside of a `run` until that is interrupted."""
        self.reset_metrics()
        callbacks.on_test_begin()
        if callbacks.watches_batches("test"):
            logs = self._watched_epoch(data, callbacks.on_test_batch_begin, callbacks.on_test_batch_end, self._step("test_step"), run)
        else:
            test_step, logs = self._step("test_step"), {}
            for batch in data.epoch(test_step):
                logs = test_step(batch)
                if run.interrupted:
                    break
            logs = floats(logs)
        callbacks.on_test_end(logs)
        return logs

    def _watched_epoch(self, data, begin, end, step, run, logs=None, show=None):
        """An epoch where a callback wants to know of batches (every `steps_per_execution` of them).

        run: what an interrupt, and in training `stop_training`, ends; logs: of the steps before, in training;
        show: what each batch is shown to, if anybody wants to see it.
        """
        each, done, stops = self.steps_per_execution, data.resumed, logs is not None
        number = done - 1
        for number, batch in enumerate(data.epoch(step), done):
            if number % each == 0:
                begin(number)
            if show:
                show(number, batch)
            logs = step(batch)
            if number % each == each - 1:
                end(number, logs)
            if run.interrupted or stops and self.stop_training:
                break
        if number >= done and number % each != each - 1:
            end(number, logs)
        return floats(logs)

    def _step(self, name):
        """A step by the name of its method, to be run by its plan where it has one."""
        found = self._plans.get(name)
        if found is None:
            found = self._plans[name] = Step(self, name)
        return found

    # ---- Preparation ---------------------------------------------------------------------------------------

    def _epochs(self, x, y, sample_weight, batch_size=None, steps=None, shuffle=False, class_weight=None):
        batches = make_batches(x, y, sample_weight, self._input_dtype, batch_size, shuffle, class_weight)
        return Epochs(batches, steps)

    def _validation(self, data, batch_size, steps):
        """The validation data as Epochs, or None."""
        if data is None:
            return None
        if isinstance(data, Epochs):
            return data
        x, y, sample_weight = data, None, None
        if isinstance(data, (tuple, list)):
            if not 1 <= len(data) <= 3:
                raise ValueError("`validation_data` must be (x, y) or (x, y, sample_weight), "
                                 f"received {len(data)} parts")
            x, y, sample_weight = (*data, None, None)[:3]
        try:
            found = self._epochs(x, y, sample_weight, batch_size, steps)
        except (ValueError, TypeError) as error:
            raise type(error)(f"`validation_data`: {error}") from None
        found.name = "validation_data"
        return found

    def _check_data(self, data, held_out=None):
        """Builds the model if need be, and compares arrays with it, so that no work is lost on a mistake."""
        self._build_for_data(data)
        for part, name in ((data, ""), (held_out, "validation ")):
            if part is not None and isinstance(part.batches, ArrayBatches):
                checks.arrays(self, part.batches, name)

    def _check_frozen(self):
        """Warns of layers whose `trainable` was set after `compile`, which is what counts."""
        if self._collected is not None and {id(v) for v in self._collected.trained} != {id(v) for v in self.trainable_variables}:
            warn(f'model "{self.name}": `trainable` was set after compile(), where it has no effect: compile the model again')

    def _build_for_data(self, data):
        """Nothing, where a model is built by its first call."""

    def _callback_list(self, callbacks, verbose, **arguments):
        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, **arguments)


# ---- Helpers ----------------------------------------------------------------------------------------------------

def floats(logs):
    """The values of a step as Python numbers, by name: this is where tensors are read."""
    found = Logs()
    for name, value in (logs or {}).items():
        if isinstance(value, dict):
            found.update(floats(value))
        elif isinstance(value, Tensor) or isinstance(value, np.generic):
            found[name] = float(value) if value.shape == () or value.size == 1 else value.numpy()
        else:
            found[name] = value
    return found


def in_order(logs):
    """The values of logs as a list, the loss first; the one value itself if there is but one."""
    values = list(logs.values())
    if "loss" in logs:
        values = [logs["loss"]] + [value for name, value in logs.items() if name != "loss"]
    return values[0] if len(values) == 1 else values


def limited(epochs):
    """The number of epochs, or what `fastnn.config.set_max_epochs` allows of it."""
    limit = config.max_epochs()
    if limit and limit < epochs:
        warn(f"`max_epochs` of fastnn.config limits the epochs to {limit}")
        return limit
    return epochs


def validation_due(frequency, epoch):
    """Whether there is validation after this epoch (counted from 0)."""
    if isinstance(frequency, (list, tuple, set)):
        return epoch + 1 in frequency
    if isinstance(frequency, bool) or not isinstance(frequency, int) or frequency < 1:
        raise ValueError(f"`validation_freq` must be an integer >= 1 or a list of epochs, received {frequency!r}")
    return (epoch + 1) % frequency == 0
