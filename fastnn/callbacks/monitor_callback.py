"""What callbacks that watch one value have in common: which direction is better, and what counts as better."""
import operator

from ..utils.naming import to_snake_case
from ..utils.warn_utils import warn
from .callback import Callback


class MonitorCallback(Callback):
    """Base of callbacks that compare a value with the best so far.

    Args:
        monitor: its name in the logs.
        mode: "min", "max", or "auto": told from the name.
        baseline: what the first value is compared with; None: anything is better.
        min_delta: how much better a value must be.
    """

    state_names = ("best",)

    def __init__(self, monitor="val_loss", mode="auto", baseline=None, min_delta=0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warn(f"{type(self).__name__}: mode must be 'auto', 'min' or 'max', received {mode!r}; 'auto' is taken")
            mode = "auto"
        self.monitor, self.mode, self.best, self.min_delta = monitor, mode, baseline, abs(min_delta)
        self.direction = None       # +1: larger is better, -1: smaller is

    def _set_direction(self):
        """Settles whether larger or smaller is better, when the model's metrics are known.

        Raises:
            ValueError: mode "auto" and a name that does not tell.
        """
        if self.mode != "auto":
            self.direction = 1 if self.mode == "max" else -1
            return
        name = self.monitor.removeprefix("val_")
        self.direction = self._direction_of_metric(name) or direction_of_name(name)
        if self.direction is None:
            raise ValueError(f"{type(self).__name__} cannot tell whether a larger or a smaller {self.monitor!r} is better: "
                             "pass mode='max' or mode='min'")

    def _direction_of_metric(self, name):
        for metric in getattr(self.model, "metrics", ()):
            for one in getattr(metric, "metrics", (metric,)):
                if one.name == name:
                    told = {"up": 1, "down": -1}.get(getattr(one, "_direction", None))
                    return told or direction_of_name(to_snake_case(type(one).__name__))
        return None

    @property
    def monitor_op(self):
        """The function that tells whether one value is better than another: `operator.lt` or `operator.gt`."""
        if self.direction is None:
            self._set_direction()
        return operator.gt if self.direction > 0 else operator.lt

    def _is_improvement(self, value, reference):
        """Whether a value is better than another one; NaN never is, and all is better than None."""
        better = self.monitor_op
        return bool(value == value and (reference is None or better(value - self.direction * self.min_delta, reference)))

    def get_monitor_value(self, logs):
        """The value that is watched; None, with a warning, if the logs lack it."""
        if self.direction is None:
            self._set_direction()
        value = (logs or {}).get(self.monitor)
        if value is None:
            warn(f"{type(self).__name__} watches {self.monitor!r}, which the logs do not hold. They hold: {', '.join(logs or {})}")
        return value


def direction_of_name(name):
    """+1 or -1 from a metric's name, None if it does not tell."""
    larger = ("acc", "accuracy", "auc", "precision", "recall", "iou", "io_u", "f1", "r2", "score", "top_k", "cosine_similarity",
              "correlation", "sensitivity", "specificity")
    smaller = ("loss", "error", "mae", "mse", "rmse", "mape", "msle", "crossentropy", "hinge", "poisson", "kl", "huber",
               "log_cosh", "logcosh")
    if any(word in name for word in smaller):
        return -1
    return 1 if any(word in name for word in larger) else None
