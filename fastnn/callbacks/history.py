"""History: the values of every epoch."""
from .callback import Callback


class Logs(dict):
    """Values by name, which are also found under the names that other versions of Keras print.

    Attributes:
        aliases: other names of a name; `fastnn.compat` fills it.
    """

    aliases = {}

    def __missing__(self, name):
        found = self._other_name(name)
        if found is None:
            raise KeyError(name)
        return self[found]

    def get(self, name, default=None):
        return self[name] if name in self else default

    def __contains__(self, name):
        return super().__contains__(name) or self._other_name(name) is not None

    def _other_name(self, name):
        if not isinstance(name, str):
            return None
        prefix = "val_" if name.startswith("val_") else ""
        other = prefix + self.aliases.get(name[len(prefix):], "")
        return other if super().__contains__(other) else None


class History(Callback):
    """Collects the logs of every epoch; `fit` adds one by itself and returns it.

    Attributes:
        history: for each name the list of its values, one per epoch.
        epoch: the numbers of the epochs, from 0.
        interrupted: whether Ctrl-C ended the training.
    """

    interrupted = False

    def __init__(self):
        super().__init__()
        self.history, self.epoch = Logs(), []

    def on_train_begin(self, logs=None):
        self.epoch, self.interrupted = [], False       # values of an object that is used again are added to those it has, as in Keras

    def get_state(self):
        return {"history": dict(self.history), "epoch": self.epoch}

    def set_state(self, state):
        self.history, self.epoch = Logs(state["history"]), state["epoch"]

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        vars(self.model)["history"] = self      # no change that a step may depend on
