"""plot_history: the curves of training."""
import collections.abc
import math

import numpy as np

from .figures import finish, new_figure

RATE = "learning_rate"
COLOURS = ("#1f6fb2", "#d1572b", "#2f8f4e", "#8a4fb0", "#b8962a", "#4a5560", "#c23b78", "#2a9aa5")
SMALLER, LARGER = ("loss", "error", "mae", "mse", "mape", "msle", "rmse", "perplexity"), \
    ("acc", "accuracy", "precision", "recall", "auc", "f1", "score", "iou", "similarity", "r2", "top")


def plot_history(history, metrics=None, to_file=None, *, best=True, learning_rate=False, log_scale=False, title=None, dpi=110):
    """Draws loss and metrics over the epochs, side by side: training thin with points, validation thick.

    Args:
        history: what `fit` returned, its `history` (a dict of lists), or a dict of several of either by the name of the run.
        metrics: names without "val_", in the order in which they are drawn; None: all there are, the loss first.
        to_file: path to write to (.png, .pdf, .svg ...), or None.
        best: whether the best epoch is marked, by the validation where there is one; of metrics of which it is known
            whether small or large values are good.
        learning_rate: whether the learning rate has a panel of its own, where the history has it (callbacks write it there).
        log_scale: whether losses have a logarithmic axis.
        title: above all.
        dpi: pixels in an inch of the file.

    Returns:
        matplotlib's Figure; a notebook shows it.

    Raises:
        ValueError: a history without values, metrics that it does not have; TypeError: something else than a history;
        ImportError: matplotlib is not installed.

    Example:
        >>> figure = plot_history({"loss": [2.0, 1.5, 1.2], "val_loss": [2.1, 1.6, 1.7]})
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['training', 'validation', 'best: 1.6 at epoch 2']
    """
    runs = runs_of(history)
    names = panel_names(runs, metrics, learning_rate)
    columns = min(len(names), 3)
    lines = math.ceil(len(names) / columns)
    figure = new_figure("plot_history", max(4.6 * columns, 5.5), 3.5 * lines + (0.4 if title else 0.0))
    draw_history(figure, runs, names, best, log_scale)
    if title:
        figure.suptitle(title)
    return finish(figure, to_file, dpi)


def draw_history(figure, runs, names, best=True, log_scale=False):
    """The panels of `plot_history` in a Figure or a part of one; `runs` as `runs_of` gives them."""
    columns = min(len(names), 3)
    grid = figure.subplots(math.ceil(len(names) / columns), columns, squeeze=False).ravel()
    for axes in grid[len(names):]:
        axes.remove()
    for axes, name in zip(grid, names):
        for number, (run, values) in enumerate(runs.items()):
            _curves(axes, name, values, f"{run}: " if len(runs) > 1 else "", number, len(runs) > 1, best)
        axes.set(xlabel="epoch", title=name.replace("_", " "))
        if name == RATE or log_scale and name.endswith("loss"):
            axes.set_yscale("log")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=8, frameon=False)


def _curves(axes, name, values, prefix, number, several, best):
    """Training and validation of one metric of one run; several runs have a colour each, one run has one for each curve."""
    colour = COLOURS[number % len(COLOURS)]
    validation = "val_" + name
    if name in values:
        epochs = np.arange(1, len(values[name]) + 1)
        kind = "training" if name != RATE else "learning rate"
        axes.plot(epochs, values[name], color=colour, lw=1.0, marker="o", ms=3, label=prefix + kind)
    if validation in values:
        epochs = np.arange(1, len(values[validation]) + 1)
        axes.plot(epochs, values[validation], color=colour if several else COLOURS[1], lw=2.2, label=f"{prefix}validation")
    which = validation if validation in values else name
    smaller = is_smaller_better(name)
    if best and name != RATE and smaller is not None and which in values:
        epoch = best_epoch(values[which], smaller)
        if epoch is not None:
            value = values[which][epoch - 1]
            axes.plot([epoch], [value], ls="none", marker="*", ms=11, mec="white", mew=0.6, zorder=5,
                      color=colour if several or which == name else COLOURS[1], label=f"{prefix}best: {value:.4g} at epoch {epoch}")


def is_smaller_better(name):
    """Whether small values of a metric are good ones, from its name; None: not known."""
    parts = name.lower().split("_")
    if parts[-1] in ("loss",) or any(part in SMALLER for part in parts):
        return True
    return False if any(part in LARGER for part in parts) else None


def best_epoch(values, smaller):
    """The first epoch, counted from 1, with the best of the values that are numbers; None without any."""
    values = np.asarray(values, "float64")
    if not np.isfinite(values).any():
        return None
    return int((np.nanargmin if smaller else np.nanargmax)(np.where(np.isfinite(values), values, np.nan))) + 1


# ---- What is given ----------------------------------------------------------------------------------------------

def runs_of(history):
    """{name of the run: {metric: list of numbers}}; a run alone has the name "".

    Raises:
        ValueError: nothing in it, values that are no numbers; TypeError: no history.
    """
    given = getattr(history, "history", history)
    if not isinstance(given, collections.abc.Mapping):
        raise TypeError("`history` must be what `fit` returned, its `history`, or a dict of several by name; received "
                        f"{type(history).__name__}")
    if not given:
        raise ValueError("`history` is empty: there is nothing to draw before the first epoch has ended")
    nested = [isinstance(getattr(value, "history", value), collections.abc.Mapping) for value in given.values()]
    if any(nested) and not all(nested):
        raise TypeError("`history` must be one history, or a dict of several by name; received a dict of both")
    runs = {str(name): getattr(run, "history", run) for name, run in given.items()} if all(nested) else {"": given}
    return {name: {str(key): _numbers(name, key, values) for key, values in run.items()} for name, run in runs.items()}


def _numbers(run, key, values):
    try:
        found = np.asarray(values, "float64")
    except (TypeError, ValueError):
        found = None
    if found is None or found.ndim != 1:
        of_run = f' of the run "{run}"' if run else ""
        raise ValueError(f'`history`: "{key}"{of_run} must be a list with a number for each epoch, received {values!r}')
    return found.tolist()


def panel_names(runs, metrics, learning_rate=False):
    """What is drawn: the metrics asked for, or all, "loss" first; then the learning rate if it is wanted.

    Raises:
        ValueError: one that no run has.
    """
    known = dict.fromkeys(key.removeprefix("val_") for run in runs.values() for key, values in run.items() if values)
    if metrics is None:
        names = sorted((name for name in known if name != RATE), key=lambda name: name != "loss")
    else:
        names = [metrics] if isinstance(metrics, str) else list(metrics)
    names += [RATE] * (learning_rate and RATE not in names)
    missing = [name for name in names if name not in known]
    if missing == [RATE] and learning_rate:
        raise ValueError('the history has no "learning_rate": callbacks that change it write it there, as LearningRateScheduler; '
                         "leave learning_rate=False")
    if missing or not names:
        raise ValueError(f"the history has no values of {missing or 'any metric'}; it has: {', '.join(known) or 'nothing'}")
    return names
