"""PlotTraining and TimeLimit."""
import os
import sys
import time
import types

import numpy as np
import pytest

from fastnn import callbacks
from fastnn.callbacks import Callback

from .test_callbacks import data, model_of

# ---- TimeLimit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit, seconds", [(5, 5.0), (0.25, 0.25), ("00:00:30", 30.0), ("1:02:03", 3723.0), ("100:00:00", 360_000.0)])
def test_limits(limit, seconds):
    assert callbacks.TimeLimit(limit).seconds == seconds


@pytest.mark.parametrize("limit", [-1, None, True, "5", "1:60:00", "12:30", float("nan"), "a:b:c"])
def test_what_is_no_time(limit):
    with pytest.raises(ValueError, match="HH:MM:SS"):
        callbacks.TimeLimit(limit)


class Slow(Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.02)


def test_it_stops_between_batches(capsys):
    x, y = data(200)
    limit = callbacks.TimeLimit(0.1)
    for _ in range(2):          # each fit has the time anew
        start = time.monotonic()
        history = model_of().fit(x, y, batch_size=1, epochs=50, validation_data=(x[:2], y[:2]), callbacks=[Slow(), limit], verbose=0)
        assert limit.stopped and 0.1 <= time.monotonic() - start < 2 and history.epoch == [0] and "val_loss" in history.history
        assert "TimeLimit: 0.1 seconds are over after 0 epochs and " in capsys.readouterr().out


def test_it_stops_after_an_epoch_and_not_before_its_time(capsys):
    class Sleep(Callback):
        def on_test_end(self, logs=None):
            time.sleep(0.06)

    x, y = data(4)
    history = model_of().fit(x, y, epochs=50, validation_data=(x, y), callbacks=[Sleep(), callbacks.TimeLimit(0.1, verbose=0)], verbose=0)
    assert history.epoch == [0, 1] and capsys.readouterr().out == ""
    limit = callbacks.TimeLimit("00:10:00")
    assert len(model_of().fit(x, y, epochs=3, callbacks=[limit], verbose=0).epoch) == 3 and not limit.stopped


# ---- PlotTraining -----------------------------------------------------------------------------------------------

@pytest.fixture
def matplotlib():
    return pytest.importorskip("matplotlib")


def plot(*args, epochs=3, validation=True, **arguments):
    x, y = data(20)
    plotting = callbacks.PlotTraining(*args, **arguments)
    model_of(metrics=["accuracy"]).fit(x, y, batch_size=4, epochs=epochs, callbacks=[plotting], verbose=0,
                                       validation_data=(x, y) if validation else None)
    return plotting


def test_curves_of_epochs(matplotlib, tmp_path):
    path = tmp_path / "new" / "curves.png"
    plotting = plot(path)
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and os.listdir(path.parent) == ["curves.png"]
    assert {name: positions for name, (positions, _) in plotting.curves.items()} == dict.fromkeys(
        ("loss", "accuracy", "val_loss", "val_accuracy"), [1, 2, 3])
    figure = plotting.figure()
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy"]
    thin, thick = figure.axes[0].lines
    assert thin.get_label() == "training loss" and thick.get_label() == "validation loss"
    assert thin.get_linewidth() < thick.get_linewidth()
    np.testing.assert_array_equal(thick.get_ydata(), plotting.curves["val_loss"][1])
    assert not callbacks.CallbackList([plotting]).watches_batches("train")


def test_curves_of_batches(matplotlib, tmp_path):
    plotting = plot(tmp_path / "curves.svg", epochs=2, sample_rate=2, metrics=["loss"])
    np.testing.assert_allclose(plotting.curves["loss"][0], [0.4, 0.8, 1.4, 1.8])
    assert plotting.curves["val_loss"][0] == [1, 2] and set(plotting.curves) == {"loss", "val_loss"}
    assert "<svg" in (tmp_path / "curves.svg").read_text()


def test_long_epochs_are_drawn_in_between(matplotlib, tmp_path, monkeypatch):
    monkeypatch.setattr("fastnn.callbacks.plot_training.SECONDS", 0.0)
    drawn = []
    monkeypatch.setattr(callbacks.PlotTraining, "draw", lambda self: drawn.append(len(self.curves["loss"][0])))
    plot(tmp_path / "a.png", epochs=1, sample_rate=1)
    assert drawn == [1, 2, 3, 4, 5, 5]


def test_pyplot_is_left_alone(matplotlib, tmp_path):
    plot(tmp_path / "a.pdf", epochs=1, validation=False)
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_zoom(matplotlib, tmp_path):
    plotting = plot(tmp_path / "a.png", zoom=4)
    plotting.curves = {"loss": ([1, 2], [2.0, 1.0]), "accuracy": ([1, 2], [0.5, 0.9])}
    assert [tuple(np.round(axes.get_ylim(), 4)) for axes in plotting.figure().axes] == [(0, 0.5), (0.75, 1.0125)]
    plotting.curves["loss"][1][:] = float("nan"), float("inf")
    plotting.draw()


def test_bad_arguments(matplotlib, tmp_path):
    for bad in (dict(sample_rate=0), dict(sample_rate=True), dict(zoom=0), dict(zoom=float("nan"))):
        with pytest.raises(ValueError, match=next(iter(bad))):
            callbacks.PlotTraining("a.png", **bad)
    with pytest.raises(ValueError, match=r"a\.txt.*png"):
        callbacks.PlotTraining("a.txt")
    with pytest.warns(UserWarning, match="to_file"):
        plot(epochs=1)
    (tmp_path / "a.png").mkdir()
    with pytest.warns(UserWarning, match="was not written"):
        plot(tmp_path / "a.png", epochs=1)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backend_bases", None)
    with pytest.raises(ImportError, match=r"PlotTraining needs matplotlib.*pip install 'fastnn\[plot\]'"):
        callbacks.PlotTraining("a.png")


def test_a_notebook_is_drawn_in_place(matplotlib, monkeypatch):
    shown = []

    class Handle:
        def update(self, picture):
            shown.append(("again", picture.data[:4]))

    def display(picture, display_id=None):
        shown.append((display_id, picture.data[:4]))
        return Handle()

    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(
        display=display, Image=lambda data, format: types.SimpleNamespace(data=data)))
    plot()
    assert shown == [(True, b"\x89PNG"), ("again", b"\x89PNG"), ("again", b"\x89PNG")]
