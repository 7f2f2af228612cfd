"""The progress bar: one line that is written anew on a terminal and in a notebook, one line at the end elsewhere."""
import math
import os
import sys
import time

from .. import config
from .io_utils import print_msg


def writes_over():
    """Whether what is printed can be overwritten: a terminal or a notebook, not a file, a pipe or a log."""
    return config.is_interactive_logging_enabled() and (
        bool(getattr(sys.stdout, "isatty", lambda: False)()) or "ipykernel" in sys.modules or
        "PYCHARM_HOSTED" in os.environ)


class Progbar:
    """A progress bar with values.

    Args:
        target: number of steps; None: not known.
        width: of the bar, in characters.
        verbose: 0 nothing, 1 a bar, 2 a line at the end.
        interval: least time between two updates of the display, in seconds.
        stateful_metrics: names of values that are shown as they are; others are averaged over the updates.
        stateless_metrics: names of values that are averaged, all others being shown as they are.
        unit_name: what a step is called.

    Example:
        >>> bar = Progbar(100)
        >>> for i in range(100):
        ...     bar.update(i + 1, [("loss", 1 / (i + 1))])
    """

    def __init__(self, target, width=20, verbose=1, interval=0.05, stateful_metrics=None, stateless_metrics=None,
                 unit_name="step"):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("pass `stateful_metrics` or `stateless_metrics`, not both")
        self.target, self.width, self.verbose, self.interval, self.unit_name = target, width, verbose, interval, unit_name
        self.stateful_metrics, self.stateless_metrics = stateful_metrics, stateless_metrics
        self._overwrites = writes_over()
        self._sums = {}                 # name -> (sum of value * steps, steps)
        self._seen, self._last_shown, self._last_width = 0, 0.0, 0
        self._start, self._after_first = time.time(), None

    def due(self, current):
        """Whether an update for this step would be shown now: values need not be read for one that would not."""
        now = time.time()
        if current == 1:
            self._after_first = now
        return self.verbose == 1 and self._overwrites and now - self._last_shown >= self.interval

    def add(self, n, values=None):
        """Moves on by `n` steps."""
        self.update(self._seen + n, values)

    def update(self, current, values=None, finalize=None):
        """Shows the state after `current` steps.

        Args:
            values: list of (name, value).
            finalize: whether this is the end; None: when the target is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._take(name, value, current, finalize)
        self._seen = current
        now = time.time()
        if current == 1:
            self._after_first = now
        if self.verbose == 1 and self._overwrites and (finalize or now - self._last_shown >= self.interval):
            self._rewrite(current, now, finalize)
        elif self.verbose and finalize and (self.verbose == 2 or not self._overwrites):
            print_msg(f"{self._count(current)} - {now - self._start:.0f}s -{self._per_step(current, now)}{self._values()}")

    def break_off(self):
        """Ends the line where it is, if one was begun."""
        if self._last_width:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._last_width = 0

    def _take(self, name, value, current, finalize):
        averaged = name not in self.stateful_metrics if self.stateful_metrics is not None else \
            self.stateless_metrics is None or name in self.stateless_metrics
        steps = max(current - self._seen, 1)
        if not averaged or finalize and self.stateless_metrics is not None:
            self._sums[name] = value, 1
        else:
            total, count = self._sums.get(name, (0, 0))
            self._sums[name] = total + value * steps, count + steps

    def _rewrite(self, current, now, finalize):
        """Writes the line over the one before."""
        if self.target:
            filled = int(self.width * current / self.target)
            bar = f"\x1b[1m{self._count(current)}\x1b[0m \x1b[32m{'━' * filled}\x1b[0m\x1b[37m{'━' * (self.width - filled)}\x1b[0m"
            width = len(self._count(current)) + 1 + self.width
        else:
            bar = f"{current:7d}/Unknown"
            width = len(bar)
        seconds = now - self._start
        if self.target and not finalize:
            seconds = self._step_time(current, now) * (self.target - current)
        text = f" \x1b[1m{clock(seconds)}\x1b[0m"
        info = self._per_step(current, now) + self._values()
        width += 1 + len(clock(seconds)) + len(info)
        padding = " " * max(self._last_width - width, 0)
        sys.stdout.write(f"\r{bar}{text}{info}{padding}" + ("\n" if finalize else ""))
        sys.stdout.flush()
        self._last_shown, self._last_width = now, 0 if finalize else width

    def _count(self, current):
        if not self.target:
            return str(current)
        return f"{current:{int(math.log10(self.target)) + 1}d}/{self.target}"

    def _step_time(self, current, now):
        """Seconds per step; the first step, which is slower, does not count."""
        if not current:
            return 0.0
        if self._after_first is not None and current > 1:
            return (now - self._after_first) / (current - 1)
        return (now - self._start) / current

    def _per_step(self, current, now):
        seconds = self._step_time(current, now)
        if seconds >= 1 or seconds == 0:
            return f" {seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f" {seconds * 1e3:.0f}ms/{self.unit_name}"
        return f" {seconds * 1e6:.0f}us/{self.unit_name}"

    def _values(self):
        return "".join(f" - {name}: {shown(total, count)}" for name, (total, count) in self._sums.items())


def shown(total, count):
    """A value with four digits."""
    try:
        value = float(total) / max(count, 1)
    except (TypeError, ValueError):
        return str(total)
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"


def clock(seconds):
    """Seconds as `7s`, `1:05` or `1:02:03`."""
    seconds = int(seconds + 0.5)
    if seconds >= 3600:
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds >= 60 else f"{seconds}s"
