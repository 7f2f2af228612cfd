"""What callbacks that watch one value have in common: which direction is better, and what counts as better."""
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
                    return {"up": 1, "down": -1}.get(getattr(one, "_direction", None))
        return None

    def _is_improvement(self, value, reference):
        if reference is None:
            return True
        return (value - reference) * self.direction > self.min_delta


def direction_of_name(name):
    """+1 or -1 from a metric's name, None if it does not tell."""
    larger = ("acc", "accuracy", "auc", "precision", "recall", "iou", "f1", "r2", "top_k", "cosine_similarity")
    smaller = ("loss", "error", "mae", "mse", "rmse", "mape", "msle", "crossentropy", "hinge", "poisson", "kl", "huber",
               "log_cosh", "logcosh")
    if any(word in name for word in smaller):
        return -1
    return 1 if any(word in name for word in larger) else None
