"""CallbackList: calls the hooks of several callbacks, and knows which of them have any."""
import weakref

from .callback import Callback
from .history import History, Logs
from .params import Params
from .progbar_logger import ProgbarLogger

BATCH_HOOKS = [f"on_{mode}_batch_{when}" for mode in ("train", "test", "predict") for when in ("begin", "end")] + ["on_train_data"]
# Each with the older one that it calls.  Made once: Python's cache of methods keeps each new string that it is asked with.
HOOKS = {hook: [hook, *([hook.replace("_train", "")] if "_train_batch" in hook else [])] for hook in BATCH_HOOKS}


class CallbackList(Callback):
    """Several callbacks as one.

    Args:
        callbacks: a Callback, a list of them, or None.
        add_history: whether to add a `History` unless there is one.
        add_progbar: whether to add a `ProgbarLogger` unless there is one.
        model: the model they watch.
        params: what they get as `params`.

    Raises:
        TypeError: an entry that is no Callback.
    """

    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        super().__init__()
        self.callbacks = check(flat(callbacks))
        if add_history and not any(isinstance(c, History) for c in self.callbacks):
            self.callbacks.append(History())
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        self.callbacks.sort(key=lambda callback: callback.runs_last)
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(Params(params))
        self._overriding = {hook: [c for c in self.callbacks if overrides(c, hook)] for hook in BATCH_HOOKS}

    def append(self, callback):
        """Adds a callback."""
        self.callbacks += check([callback])
        self.callbacks.sort(key=lambda callback: callback.runs_last)
        self._overriding = {hook: [c for c in self.callbacks if overrides(c, hook)] for hook in BATCH_HOOKS}

    def set_model(self, model):
        """Gives the model to all."""
        self.model = model
        for callback in self.callbacks:
            if isinstance(callback, History):
                vars(model)["history"] = callback
            callback.set_model(model)

    def set_params(self, params):
        """Gives `params` to all."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_data(self, data, validation_data):
        """Tells all what `fit` trains with.

        Args:
            data: the batches.
            validation_data: what `fit` was given as such, or what it split off.
        """
        for callback in self.callbacks:
            callback.validation_data = validation_data if isinstance(validation_data, (list, tuple)) else None
        if isinstance(self.params, Params):
            self.params.hidden = {"samples": getattr(data, "num_samples", None), "batch_size": getattr(data, "batch_size", None),
                                  "do_validation": validation_data is not None}

    def set_training_data(self, data):
        """Lets all ask for the last batch, without keeping the data when training is over."""
        for callback in self.callbacks:
            callback.training_data = weakref.ref(data)

    def watches_batches(self, mode):
        """Whether any callback has a hook around batches; `mode`: "train", "test" or "predict"."""
        hooks = [f"on_{mode}_batch_begin", f"on_{mode}_batch_end", *(["on_train_data"] if mode == "train" else [])]
        return any(self._overriding[hook] for hook in hooks)

    def shows_data(self):
        """Whether any callback wants to see the batches that are trained with."""
        return bool(self._overriding["on_train_data"])

    # ---- Hooks ---------------------------------------------------------------------------------------------

    def _call(self, hook, *args, logs=None):
        logs = Logs() if logs is None else logs
        for callback in self.callbacks:
            getattr(callback, hook)(*args, logs)

    def _after_batch(self, hook, batch, logs):
        """Reads the logs only if a callback wants them."""
        values = None
        for callback in self._overriding[hook]:
            if callback.wants_batch(batch):
                values = read(logs) if values is None else values
                getattr(callback, hook)(batch, values)

    def _before_batch(self, hook, batch, logs):
        for callback in self._overriding[hook]:
            getattr(callback, hook)(batch, Logs(logs or ()))

    def on_train_begin(self, logs=None):
        self._call("on_train_begin", logs=logs)

    def on_train_end(self, logs=None):
        self._call("on_train_end", logs=logs)

    def on_train_interrupted(self, logs=None):
        self._call("on_train_interrupted", logs=logs)

    def on_epoch_begin(self, epoch, logs=None):
        self._call("on_epoch_begin", epoch, logs=logs)

    def on_epoch_end(self, epoch, logs=None):
        self._call("on_epoch_end", epoch, logs=logs)

    def on_test_begin(self, logs=None):
        self._call("on_test_begin", logs=logs)

    def on_test_end(self, logs=None):
        self._call("on_test_end", logs=logs)

    def on_predict_begin(self, logs=None):
        self._call("on_predict_begin", logs=logs)

    def on_predict_end(self, logs=None):
        self._call("on_predict_end", logs=logs)

    def on_train_batch_begin(self, batch, logs=None):
        self._before_batch("on_train_batch_begin", batch, logs)

    def on_train_data(self, batch, data):
        """Shows a batch to those who want to see it; gathered ahead, it lies in memory that the next ones use again: they get a copy."""
        tensors = data.tensors() if hasattr(data, "tensors") else data
        for callback in self._overriding["on_train_data"]:
            callback.on_train_data(batch, tensors)

    def on_train_batch_end(self, batch, logs=None):
        self._after_batch("on_train_batch_end", batch, logs)

    def on_test_batch_begin(self, batch, logs=None):
        self._before_batch("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        self._after_batch("on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch, logs=None):
        self._before_batch("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch, logs=None):
        self._after_batch("on_predict_batch_end", batch, logs)

    on_batch_begin, on_batch_end = on_train_batch_begin, on_train_batch_end


def flat(callbacks):
    """The callbacks of nested lists."""
    if callbacks is None:
        return []
    if isinstance(callbacks, (list, tuple)):
        return [c for part in callbacks for c in flat(part)]
    return list(callbacks.callbacks) if isinstance(callbacks, CallbackList) else [callbacks]


def check(callbacks):
    """The callbacks, if all are objects of Callback; TypeError otherwise."""
    for callback in callbacks:
        if isinstance(callback, type):
            raise TypeError(f"`callbacks` takes objects, received the class {callback.__name__}: write {callback.__name__}(...)")
        if not isinstance(callback, Callback):
            raise TypeError(f"`callbacks` takes Callback objects, received {callback!r} (of type {type(callback).__name__}): "
                            "derive it from fastnn.callbacks.Callback, or wrap functions in LambdaCallback")
    return callbacks


def overrides(callback, hook):
    """Whether a callback does something in a hook: it defines the hook itself, or the older one that it calls."""
    def acts(name):
        function = getattr(type(callback), name)
        return name in vars(callback) or function is not getattr(Callback, name) and function not in callback.idle_hooks

    return any(map(acts, HOOKS[hook]))


def read(logs):
    """The values of a step as Python numbers."""
    return Logs({name: value if isinstance(value, (int, float)) else float(value) if getattr(value, "size", 0) == 1 else value
                 for name, value in (logs or {}).items()})
