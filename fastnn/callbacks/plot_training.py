"""PlotTraining: curves of loss and metrics that grow while a model is trained."""
import io
import os
import sys
import time

from ..utils.atomic import replacing
from ..utils.extras import require
from ..utils.warn_utils import warn
from .callback import Callback

SECONDS = 5.0       # between two drawings within an epoch, at least


class PlotTraining(Callback):
    """Draws the values of a training: the loss and each metric side by side, of training as thin lines, of validation as thick ones.

    In a notebook the figure is drawn anew in its place after each epoch, and within long ones; in a script it goes to a file.
    It needs matplotlib (`pip install 'fastnn[plot]'`), whose pyplot it leaves alone.

    Args:
        to_file: name of a picture (".png", ".svg", ".pdf" ...), which is replaced by each new one; missing folders are made.
        sample_rate: after how many batches a value of training is taken; None: one for each epoch, which costs nothing between batches.
        zoom: how much of the values' range is shown: 2 shows losses below half of the first one, and accuracies above 0.5.
        metrics: names of the values to draw, without "val_"; None: all, but the learning rate.

    Raises:
        ValueError: a bad `sample_rate` or `zoom`, a format that matplotlib does not write.
        ImportError: matplotlib is missing.

    Example:
        >>> plotting = PlotTraining("curves.png", sample_rate=10)                              # doctest: +SKIP
        >>> model.fit(x, y, epochs=5, validation_split=0.2, callbacks=[plotting])              # doctest: +SKIP
    """

    state_names = ("curves",)

    def __init__(self, to_file=None, sample_rate=None, zoom=1, metrics=None):
        super().__init__()
        if sample_rate is not None and (isinstance(sample_rate, bool) or not isinstance(sample_rate, int) or sample_rate < 1):
            raise ValueError(f"PlotTraining: `sample_rate` must be a number of batches or None, received {sample_rate!r}")
        if not zoom > 0:
            raise ValueError(f"PlotTraining: `zoom` must be above 0, received {zoom!r}")
        self.to_file, self._format = None if to_file is None else os.fspath(to_file), format_of(to_file)
        self.sample_rate, self.zoom, self.metrics = sample_rate, zoom, metrics
        if sample_rate is None:
            self.idle_hooks = (PlotTraining.on_train_batch_end,)
        self._in_notebook, self._display = False, None
        self._start()

    def _start(self):
        self.curves = {}            # name -> (positions, in epochs; values)
        self._epoch, self._drawn = 0, time.monotonic()

    def on_train_begin(self, logs=None):
        self._start()
        self._in_notebook, self._display = is_notebook(), None
        if self.to_file is None and not self._in_notebook:
            warn("PlotTraining() draws in notebooks only, and this is none: pass `to_file`, the name of a picture")
        if self.to_file and os.path.dirname(self.to_file):
            os.makedirs(os.path.dirname(self.to_file), exist_ok=True)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def wants_batch(self, batch):
        # a class derived from this one may do more after a batch
        return self._is_due(batch) or type(self).on_train_batch_end is not PlotTraining.on_train_batch_end

    def _is_due(self, batch):
        return bool(self.sample_rate) and (batch + 1) % self.sample_rate == 0

    def on_train_batch_end(self, batch, logs=None):
        if not self._is_due(batch):
            return
        steps = (self.params or {}).get("steps")
        if steps:
            self._take({name: value for name, value in logs.items() if not name.startswith("val_")}, self._epoch + (batch + 1) / steps)
        if time.monotonic() - self._drawn >= SECONDS:
            self.draw()

    def on_epoch_end(self, epoch, logs=None):
        by_batches = self.sample_rate and (self.params or {}).get("steps")
        self._take({name: value for name, value in (logs or {}).items() if name.startswith("val_") or not by_batches}, epoch + 1)
        self.draw()

    def _take(self, logs, position):
        for name, value in logs.items():
            wanted = self.metrics is None and not name.startswith("learning_rate") or name.removeprefix("val_") in (self.metrics or ())
            if wanted and not getattr(value, "shape", ()) and isinstance(value, (int, float)):
                positions, values = self.curves.setdefault(name, ([], []))
                positions.append(position)
                values.append(value)

    # ---- Drawing -------------------------------------------------------------------------------------------

    def draw(self):
        """Draws the curves as they are: into the file, and into the notebook."""
        if not self.curves or not (self.to_file or self._in_notebook):
            return
        figure = self.figure()
        if self.to_file:
            try:
                with replacing(self.to_file) as part:
                    figure.savefig(part, format=self._format)
            except OSError as error:        # no picture is worth a training
                warn(f"PlotTraining: {self.to_file} was not written: {error}")
        if self._in_notebook:
            self._show(figure)
        self._drawn = time.monotonic()

    def figure(self):
        """The curves as a matplotlib Figure, which pyplot knows nothing of."""
        names = list(dict.fromkeys(name.removeprefix("val_") for name in self.curves))
        figure = require("matplotlib.figure", "PlotTraining").Figure(figsize=(1 + 5 * len(names), 4), layout="tight")
        for i, name in enumerate(names):
            axes = figure.add_subplot(1, len(names), i + 1)
            for label, curve, width in ((f"training {name}", name, 1.0), (f"validation {name}", f"val_{name}", 3.0)):
                if curve in self.curves:
                    axes.plot(*self.curves[curve], label=label, linewidth=width, marker="." if len(self.curves[curve][0]) < 3 else None)
            axes.set(title=name, xlabel="epoch", **self._limits(name))
            axes.grid(alpha=0.3)
            axes.legend()
        return figure

    def _limits(self, name):
        """The part of the axis that is shown: from 0 for a loss, up to 1 for an accuracy, unless curves leave these bounds."""
        values = [v for curve in (name, f"val_{name}") if curve in self.curves for v in self.curves[curve][1] if abs(v) < float("inf")]
        if not values or self.zoom == 1:
            return {}
        if "acc" in name and 0 <= min(values) and max(values) <= 1:
            return {"ylim": (1 - 1 / self.zoom, 1 + 0.05 / self.zoom)}
        return {"ylim": (min(0, *values), values[0] / self.zoom)} if values[0] > 0 else {}

    def _show(self, figure):
        """Shows the figure, in the place of the last one; as PNG, so that it does not matter which backend the notebook uses."""
        display = require("IPython.display", "PlotTraining")
        file = io.BytesIO()
        figure.savefig(file, format="png")
        picture = display.Image(data=file.getvalue(), format="png")
        if self._display is None:
            self._display = display.display(picture, display_id=True)
        else:
            self._display.update(picture)


def format_of(path):
    """The format of a picture, by the ending of its name; "png" if it has none."""
    known = require("matplotlib.backend_bases", "PlotTraining").FigureCanvasBase.get_supported_filetypes()
    found = os.path.splitext(path or "")[1][1:].lower() or "png"
    if found not in known:
        raise ValueError(f"PlotTraining: {path!r} must end with a format that matplotlib writes: {', '.join(sorted(known))}")
    return found


def is_notebook():
    """Whether this is a notebook, which shows what is displayed."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython.get_ipython(), "kernel") if ipython is not None else False
