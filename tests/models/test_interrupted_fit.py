"""Ctrl-C in `fit`: it ends after the step, with the history so far; twice means now."""
import contextlib
import copy
import signal
import sys
import threading
import time

import numpy as np
import pytest

from fastnn import callbacks, layers
from fastnn.callbacks import Callback
from fastnn.models import Sequential
from fastnn.models.run import Run, is_default
from fastnn.utils.progbar import Progbar

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = X[:, :1]


def model_of():
    model = Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


class Press(Callback):
    """Presses Ctrl-C in a hook, when it is called for the `count`th time, so many times; notes which hooks of the end are called."""

    def __init__(self, hook, count=1, times=1):
        super().__init__()
        self.left, self.times, self.ends = count, times, []
        setattr(self, hook, self.press)

    def press(self, *args, **kwargs):
        self.left -= 1
        if self.left == 0:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)

    def on_train_interrupted(self, logs=None):
        self.ends.append("interrupted")

    def on_train_end(self, logs=None):
        self.ends.append("end")


@pytest.fixture(autouse=True)
def own_handler(monkeypatch):
    """Python's own handler, as in a script and in a notebook; no test leaves another."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(Run, "last_press", float("-inf"))
    yield
    found = signal.signal(signal.SIGINT, before)
    assert found is signal.default_int_handler


def fit(model, *some, **more):
    arguments = dict(batch_size=8, epochs=4, verbose=0, validation_data=(X, Y), callbacks=list(some))
    return model.fit(X, Y, **{**arguments, **more})


@pytest.mark.parametrize("hook, count, epochs, steps, said", [
    ("on_train_begin", 1, 0, 0, "epoch 1 of 4, before its first step"), ("on_epoch_begin", 2, 1, 6, "epoch 2 of 4, after 1 of 5 steps"),
    ("on_train_batch_end", 8, 1, 8, "epoch 2 of 4, after 3 of 5 steps"), ("on_test_batch_end", 7, 1, 10, "epoch 2 of 4, after 5 of 5 steps"),
    ("on_epoch_end", 2, 2, 10, "epoch 3 of 4, before its first step")])
def test_history_so_far(hook, count, epochs, steps, said, capsys):
    press, model = Press(hook, count), model_of()
    history = fit(model, press)
    assert history is model.history and history.interrupted and history.epoch == list(range(epochs))
    assert all(len(values) == epochs for values in history.history.values())
    assert int(model.optimizer.iterations.numpy()) == steps and press.ends == ["interrupted", "end"]
    assert capsys.readouterr().out == f"Training was interrupted in {said}.\n"
    again = fit(model)
    assert not again.interrupted and again.epoch == [0, 1, 2, 3] and model._present_fit is None


def test_without_hooks_around_batches(capsys):
    """The loop that no callback watches stops, too."""
    model = model_of()
    timer = threading.Timer(0.3, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    timer.start()
    history = model.fit(X, Y, batch_size=8, epochs=10**6, verbose=0)
    assert history.interrupted and 0 < int(model.optimizer.iterations.numpy()) - 5 * len(history.epoch) <= 5


def test_twice_is_at_once():
    press, model = Press("on_train_batch_end", 3, times=2), model_of()
    with pytest.raises(KeyboardInterrupt):
        fit(model, press)
    assert press.ends == [] and model._present_fit is None and int(model.optimizer.iterations.numpy()) == 3
    assert len(fit(model).epoch) == 4


def test_a_second_one_in_the_next_fit():
    """In a loop of trainings the first Ctrl-C ends one, a second one soon after it the loop."""
    model = model_of()
    assert fit(model, Press("on_train_batch_end")).interrupted
    with pytest.raises(KeyboardInterrupt):
        fit(model, Press("on_train_batch_end"))
    Run.last_press -= 3
    assert fit(model, Press("on_train_batch_end")).interrupted


@pytest.mark.parametrize("hook, count", [("on_epoch_end", 4), ("on_train_end", 1)])
def test_when_nothing_was_left_to_stop(hook, count):
    """Ctrl-C is not lost."""
    model = model_of()
    with pytest.raises(KeyboardInterrupt):
        fit(model, Press(hook, count))
    assert len(model.history.epoch) == 4 and not model.history.interrupted


def test_best_weights_are_restored():
    best = []
    keep = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: best.append(keep.model.get_weights()))
    model = model_of()
    fit(model, keep, callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True), Press("on_train_batch_end", 12))
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), best[1]))


def test_evaluations_of_callbacks_are_whole():
    found = []

    class Look(Callback):
        def on_epoch_end(self, epoch, logs=None):
            signal.raise_signal(signal.SIGINT)
            found.append((self.model.evaluate(X, Y, batch_size=8, verbose=0), len(self.model.predict(X, batch_size=8, verbose=0))))

    model = model_of()
    assert fit(model, Look()).interrupted and len(found) == 1
    assert found[0] == (model.evaluate(X, Y, batch_size=8, verbose=0), 40)


def test_a_handler_of_the_users_stays_in_charge():
    seen = []

    def own(number, frame):
        seen.append(number)

    signal.signal(signal.SIGINT, own)
    try:
        history = fit(model_of(), Press("on_train_batch_end"))
        assert len(history.epoch) == 4 and not history.interrupted and seen == [signal.SIGINT]
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_handler_set_in_training_stays():
    def own(number, frame):
        pass

    fit(model_of(), callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: signal.signal(signal.SIGINT, own)))
    assert signal.signal(signal.SIGINT, signal.default_int_handler) is own


def test_what_a_fit_leaves_that_was_broken_off_as_it_began():
    """An exception of another signal's handler, between two lines of `Run.__enter__`: as if there were nothing."""
    model = model_of()
    stale = vars(model)["_present_fit"] = Run(model, None, None, None)
    signal.signal(signal.SIGINT, stale._on_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    Run.last_press = float("-inf")
    assert fit(model, Press("on_train_batch_end", 8)).interrupted and model._present_fit is None


@pytest.mark.parametrize("microseconds", range(20, 220, 10))
def test_a_signal_at_the_beginning_and_the_end(microseconds):
    """Fits that another signal's exception breaks off anywhere leave Python's handler, or one that counts as it."""
    def stop(number, frame):
        raise TimeoutError

    def begin_and_end():
        with Run(model, None, None, None):
            pass

    model = model_of()
    before = signal.signal(signal.SIGALRM, stop)
    try:
        for _ in range(10):
            with contextlib.suppress(TimeoutError):
                signal.setitimer(signal.ITIMER_REAL, microseconds * 1e-6)
                begin_and_end()
                time.sleep(1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert is_default(signal.getsignal(signal.SIGINT), sys._getframe())
    fit(model)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_other_threads_have_no_signals():
    found = []
    worker = threading.Thread(target=lambda: found.append(fit(model_of())))
    worker.start()
    worker.join()
    assert len(found[0].epoch) == 4


def test_errors_put_the_handler_back():
    def fail(*args):
        raise ValueError("enough")

    model = model_of()
    with pytest.raises(ValueError, match="enough"):
        fit(model, callbacks.LambdaCallback(on_epoch_end=fail))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler and model._present_fit is None


def test_the_line_of_the_progress_bar_is_ended(capsys, monkeypatch):
    monkeypatch.setattr("fastnn.utils.progbar.writes_over", lambda: True)
    fit(model_of(), Press("on_train_batch_end", 2), verbose=1)
    lines = capsys.readouterr().out.split("\n")
    assert lines[0] == "Epoch 1/4" and "1/5" in lines[1] and lines[2] == "Training was interrupted in epoch 1 of 4, after 2 of 5 steps."
    bar = Progbar(3)
    bar.break_off()         # nothing was shown
    bar.update(3)
    bar.break_off()         # the line was ended
    assert capsys.readouterr().out.count("\n") == 1


def test_a_model_that_is_copied_in_training():
    model, found = model_of(), []
    fit(model, callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: found.append(copy.deepcopy(model))))
    assert len(found) == 4 and all(one._present_fit is None for one in found)
