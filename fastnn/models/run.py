"""Run: a fit while it runs. Where it stands, for backups; and Ctrl-C, which ends it after the present step."""
import contextlib
import signal
import sys
import threading
import time

from ..callbacks import Logs

TWICE = 2.0         # seconds in which a second Ctrl-C means the program, and not the next fit


class Run:
    """A fit while it runs; as a context, what `model._present_fit` is.

    Args:
        model: that is trained.
        data, held_out: Epochs for training, and for validation or None.
        callbacks: a CallbackList.
        epoch: how many epochs are done.

    Attributes:
        inside: whether the next epoch has begun; partial: its values so far, where steps of it were made.
        logs: values of the last epoch.
        interrupted: whether there was a Ctrl-C.
        advice: what the message of it ends with.
    """

    last_press = float("-inf")      # of Ctrl-C, in any fit

    def __init__(self, model, data, held_out, callbacks, epoch=0):
        self.model, self.data, self.held_out, self.callbacks = model, data, held_out, callbacks
        self.epoch, self.inside, self.partial, self.logs = epoch, False, Logs(), Logs()
        self.interrupted, self.advice = False, ""
        self._frame = self._outer = None

    # ---- Ctrl-C --------------------------------------------------------------------------------------------

    # Exceptions may come at any moment here, too (a signal's handler raises one), so that `__exit__` is never called.  What is left
    # behind then is of a run whose fit is no longer among the callers, and is recognized by that.

    def __enter__(self):
        outer = vars(self.model).get("_present_fit")
        self._frame = sys._getframe(1)
        self._outer = outer if outer is not None and outer.runs_in(self._frame) else None
        vars(self.model)["_present_fit"] = self         # no change that a step may depend on
        if threading.current_thread() is threading.main_thread() and is_default(signal.getsignal(signal.SIGINT), self._frame.f_back):
            with contextlib.suppress(ValueError):       # the main thread of a second interpreter
                signal.signal(signal.SIGINT, self._on_ctrl_c)
        return self

    def __exit__(self, *error):
        if getattr(signal.getsignal(signal.SIGINT), "__self__", None) is self:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._outer is None:
            vars(self.model).pop("_present_fit", None)
        else:
            vars(self.model)["_present_fit"] = self._outer
        self._frame = None

    def runs_in(self, frame):
        """Whether the fit is among the callers of a frame."""
        while frame is not None and frame is not self._frame:
            frame = frame.f_back
        return frame is not None

    def _on_ctrl_c(self, number, frame):
        """The first one asks the loops to stop after their step; a second one, or one just after another fit's, stops at once."""
        before, Run.last_press = Run.last_press, time.monotonic()
        if self.interrupted or Run.last_press - before < TWICE or not self.runs_in(frame):
            signal.default_int_handler(number, frame)
        self.interrupted = True

    def message(self, epochs):
        """What the user is told of an interrupt."""
        steps = f" of {self.data.steps}" if self.data.steps else ""
        after = f", after {self.data.taken}{steps} steps" if self.inside else ", before its first step"
        return f"Training was interrupted in epoch {self.epoch + 1} of {epochs}{after}.{self.advice}"

    # ---- Where it stands -----------------------------------------------------------------------------------

    @property
    def can_go_on(self):
        """Whether a fit can begin in the midst of an epoch with these data."""
        return self.data.can_go_on

    def kind(self):
        """What is trained with: for the check that a backup belongs to it."""
        return {"data": self.data.kind(), "validation": None if self.held_out is None else self.held_out.kind()}

    def place(self):
        """Where the training stands, between two steps or two epochs, as plain values and arrays."""
        return {"epoch": self.epoch, "inside": self.inside, "partial": dict(self.partial), "logs": dict(self.logs),
                "data": self.data.place(self.inside),
                "validation": None if self.held_out is None else self.held_out.place(False)}

    def go_to(self, place):
        """Goes to where `place` was asked for."""
        self.epoch, self.inside = place["epoch"], place["inside"]
        self.partial, self.logs = Logs(place["partial"]), Logs(place["logs"])
        self.data.go_to(place["data"])
        if self.held_out is not None and place["validation"] is not None:
            self.held_out.go_to(place["validation"])


def is_default(handler, frame):
    """Whether nobody has a handler for Ctrl-C but Python, and fits that are not among the callers of a frame."""
    owner = getattr(handler, "__self__", None)
    return handler is signal.default_int_handler or isinstance(owner, Run) and not owner.runs_in(frame)


ALONE = Run(None, None, None, None)     # for evaluations outside of a fit, which Ctrl-C ends with KeyboardInterrupt
