"""Callbacks that write files or talk to a server: what is in them, and what happens when something is in the way."""
import csv
import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import numpy as np
import pytest

from fastnn import callbacks, saving
from fastnn.callbacks import Callback

from .test_callbacks import data, model_of


class Gives(Callback):
    """Gives epochs the logs of a list."""

    def __init__(self, *epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        logs.clear()
        logs.update(self.epochs[epoch])


def fit(*some, epochs=1, model=None, **arguments):
    x, y = data(6)
    return (model or model_of()).fit(x, y, epochs=epochs, callbacks=list(some), verbose=0, **{"batch_size": 2, **arguments})


# ---- ModelCheckpoint --------------------------------------------------------------------------------------------

def saving_model(**arguments):
    """A model whose files tell which method wrote them."""
    model = model_of(**arguments)
    for name in ("save", "save_weights"):
        vars(model)[name] = lambda path, overwrite, name=name: open(path, "w").write(name)
    return model


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("path, weights", [
    ("a.keras", False), ("a.h5", False), ("a.hdf5", False), ("a.weights.h5", True), ("a.h5", True), ("a.hdf5", True),
    ("a.safetensors", True)])
def test_endings(path, weights):
    fit(callbacks.ModelCheckpoint(path, save_weights_only=weights), model=saving_model())
    assert open(path).read() == ("save_weights" if weights else "save")


@pytest.mark.parametrize("path, weights", [("a", False), ("a.ckpt", True), ("a.keras", True), ("a.safetensors", False), ("a.pt", False)])
def test_other_endings(path, weights):
    with pytest.raises(ValueError, match=r"filepath.*must end with (\.keras|\.weights\.h5).*received 'a"):
        callbacks.ModelCheckpoint(path, save_weights_only=weights)


def test_names(tmp_path):
    path = tmp_path / "new" / "folders" / "weights.{epoch:02d}-{val_loss:.2f}.hdf5"
    fit(Gives({"val_loss": 0.256}, {"val_loss": 1}), callbacks.ModelCheckpoint(path), model=saving_model(), epochs=2)
    assert sorted(os.listdir(path.parent)) == ["weights.01-0.26.hdf5", "weights.02-1.00.hdf5"]


def test_older_names_of_values_in_names_of_files():
    fit(Gives({"accuracy": 0.5, "val_accuracy": 0.25}), callbacks.ModelCheckpoint("{acc:.1f}-{val_acc:.2f}.h5"), model=saving_model())
    assert os.listdir() == ["0.5-0.25.h5"]


def test_names_that_cannot_be_filled_in():
    with pytest.raises(KeyError, match="val_loss.*there are: epoch, loss"):
        fit(callbacks.ModelCheckpoint("{val_loss:.2f}.keras"), model=saving_model())
    for bad in ("{loss:02d}.keras", "{}.keras", "{loss.fun}.keras", "{loss.keras"):
        with pytest.raises(ValueError, match="cannot be filled in"):
            fit(callbacks.ModelCheckpoint(bad), model=saving_model())
    assert os.listdir() == []


def test_a_folder_in_the_way():
    os.mkdir("model.keras")
    with pytest.raises(IsADirectoryError, match=r"model\.keras is a folder.*filepath"):
        fit(callbacks.ModelCheckpoint("model.keras"), model=saving_model())


@pytest.mark.parametrize("frequency", [0, -1, 2.5, "batch", True, None])
def test_bad_save_freq(frequency):
    with pytest.raises(ValueError, match="save_freq"):
        callbacks.ModelCheckpoint("a.keras", save_freq=frequency)


def test_period_of_keras_2():
    fit(callbacks.ModelCheckpoint("{epoch}.h5", period=3), model=saving_model(), epochs=7)
    assert sorted(os.listdir()) == ["3.h5", "6.h5"]
    with pytest.raises(ValueError, match="period"):
        callbacks.ModelCheckpoint("a.h5", period=0)


def test_what_it_says(capsys):
    values = [{"val_loss": v} for v in (0.5, 0.6, 0.4, float("nan"))]
    fit(Gives(*values), callbacks.ModelCheckpoint("a.keras", save_best_only=True, verbose=1), model=saving_model(), epochs=4)
    assert capsys.readouterr().out.split("\n") == [
        "", "Epoch 1: val_loss improved from None to 0.50000, saving model to a.keras", "", "Epoch 1: finished saving model to a.keras",
        "", "Epoch 2: val_loss did not improve from 0.50000",
        "", "Epoch 3: val_loss improved from 0.50000 to 0.40000, saving model to a.keras", "", "Epoch 3: finished saving model to a.keras",
        "", "Epoch 4: val_loss did not improve from 0.40000", ""]


def test_nan_is_never_the_best():
    best = callbacks.ModelCheckpoint("{epoch}.keras", save_best_only=True)
    fit(Gives(*[{"val_loss": v} for v in (float("nan"), 0.5, float("nan"), 0.4)]), best, model=saving_model(), epochs=4)
    assert sorted(os.listdir()) == ["2.keras", "4.keras"] and best.best == 0.4


def test_without_the_value_it_saves_and_warns():
    with pytest.warns(UserWarning, match="'val_loss', which the logs do not hold. They hold: loss"):
        fit(callbacks.ModelCheckpoint("a.keras", save_best_only=True), model=saving_model())
    with pytest.warns(UserWarning, match="single number"):
        fit(Gives({"val_loss": np.ones(2)}), callbacks.ModelCheckpoint("b.keras", save_best_only=True), model=saving_model())
    assert sorted(os.listdir()) == ["a.keras", "b.keras"]


def test_epochs_cost_nothing_between_batches():
    some = callbacks.CallbackList([callbacks.ModelCheckpoint("a.keras")])
    assert not some.watches_batches("train")
    assert callbacks.CallbackList([callbacks.ModelCheckpoint("a.keras", save_freq=3)]).watches_batches("train")


def test_a_class_derived_from_it_sees_every_batch():
    class Own(callbacks.ModelCheckpoint):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.batches = 0

        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.batches += 1

    every, never = Own("{epoch}-{batch}.keras", save_freq=2), Own("whole.keras")
    fit(every, never, model=saving_model(), epochs=2)
    assert every.batches == never.batches == 6 and sorted(os.listdir()) == ["1-2.keras", "2-1.keras", "2-3.keras", "whole.keras"]


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_files_hold_the_best_model(ending):
    pytest.importorskip("h5py")

    class Kept(Callback):
        kept = []

        def on_epoch_end(self, epoch, logs=None):
            self.kept.append((logs["val_loss"], self.model.get_weights(), [v.numpy() for v in self.model.optimizer.variables]))

    model, (x, y) = model_of(optimizer="adam"), data(20)
    best = callbacks.ModelCheckpoint("new/{epoch}" + ending, save_best_only=True, save_weights_only=ending != ".keras")
    last = callbacks.ModelCheckpoint("last" + ending, save_freq=3, save_weights_only=ending != ".keras")
    Kept.kept = []
    history = model.fit(x, y, batch_size=4, epochs=6, validation_split=0.4, callbacks=[Kept(), best, last], verbose=0)
    assert [entry.ready is not None and entry.ready.runs > 0 for entry in model._plans["train_step"].entries.values()] == [True]
    values = history.history["val_loss"]
    assert sorted(os.listdir("new")) == [f"{i + 1}{ending}" for i, v in enumerate(values) if v < min([np.inf, *values[:i]])]
    at = int(np.argmin(values))
    path = f"new/{at + 1}{ending}"
    if ending == ".keras":
        loaded = saving.load_model(path)
    else:
        loaded = model_of(optimizer="adam")
        loaded.load_weights(path)
    for a, b in zip([*loaded.get_weights(), *[v.numpy() for v in loaded.optimizer.variables]], [*Kept.kept[at][1], *Kept.kept[at][2]]):
        np.testing.assert_array_equal(a, b)
    assert os.path.exists("last" + ending)


# ---- CSVLogger --------------------------------------------------------------------------------------------------

def rows(path="log.csv", **arguments):
    with open(path, newline="") as file:
        return list(csv.reader(file, **arguments))


def test_csv_of_a_training():
    history = fit(callbacks.CSVLogger("new/log.csv"), epochs=3, validation_split=0.5)
    header, *lines = rows("new/log.csv")
    assert header == ["epoch", "loss", "val_loss"] and [line[0] for line in lines] == ["0", "1", "2"]
    assert [float(line[1]) for line in lines] == history.history["loss"]


def test_new_columns_in_mid_run():
    logger = callbacks.CSVLogger("log.csv", separator=";")
    fit(Gives({"loss": 1, "val_loss": 2}, {"loss": 1, "mine": "a;b", "val_loss": 3}, {"loss": 4}), logger, epochs=3)
    assert rows(delimiter=";") == [["epoch", "loss", "val_loss", "mine"], ["0", "1", "2", "NA"], ["1", "1", "3", "a;b"], ["2", "4", "NA", "NA"]]
    assert os.listdir() == ["log.csv"]


def test_appending():
    fit(Gives({"loss": 1, "val_loss": 2}), callbacks.CSVLogger("log.csv"))
    logger = callbacks.CSVLogger("log.csv", append=True)
    fit(Gives({"loss": 3, "accuracy": 4, "val_loss": 5}), logger)       # another order, one more
    fit(Gives({"loss": 6}), logger)
    assert rows() == [["epoch", "loss", "val_loss", "accuracy"], ["0", "1", "2", "NA"], ["0", "3", "5", "4"], ["0", "6", "NA", "NA"]]
    fit(Gives({"loss": 7}), callbacks.CSVLogger("log.csv"))
    assert rows() == [["epoch", "loss", "val_loss"], ["0", "7", "NA"]]


def test_appending_to_a_file_of_keras_2_and_to_one_that_was_cut():
    with open("log.csv", "w") as file:
        file.write("epoch,acc,loss,lr,val_acc,val_loss\n0,0.5,1.0,0.1,0.5,1.0\n1,0.6,0.")
    fit(Gives({"accuracy": 1, "loss": 2, "learning_rate": 3, "val_accuracy": 4, "val_loss": 5}), callbacks.CSVLogger("log.csv", append=True))
    assert rows() == [["epoch", "acc", "loss", "lr", "val_acc", "val_loss"], ["0", "0.5", "1.0", "0.1", "0.5", "1.0"], ["1", "0.6", "0."],
                      ["0", "1", "2", "3", "4", "5"]]
    open("empty.csv", "w").close()
    fit(Gives({"loss": 1}), callbacks.CSVLogger("empty.csv", append=True))
    assert rows("empty.csv")[0][0] == "epoch"


KILLED = """
import os, signal
import numpy as np
from fastnn import callbacks
from tests.callbacks.test_callbacks import data, model_of

class Kill(callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 3:
            os.kill(os.getpid(), signal.SIGKILL)

model_of().fit(*data(), epochs=9, verbose=0, callbacks=[callbacks.CSVLogger("log.csv"), Kill()])
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_run_that_is_killed_keeps_its_rows():
    paths = os.pathsep.join(p for p in sys.path if p)
    assert subprocess.run([sys.executable, "-c", KILLED], env={**os.environ, "PYTHONPATH": paths}).returncode == -signal.SIGKILL
    assert [line[0] for line in rows()] == ["epoch", "0", "1", "2", "3"] and all(len(line) == 3 for line in rows())


# ---- RemoteMonitor ----------------------------------------------------------------------------------------------

@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            server.got.append((self.path, dict(self.headers), body))
            if server.answer == "no number":
                self.wfile.write(b"HTTP/1.1 fine\r\n\r\n")
            else:
                self.send_response(server.answer)
                self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answer, server.root = [], 200, f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_values_are_sent(server):
    logs = {"loss": np.float32(0.5), "list": np.array([1.0, np.inf]), "bad": float("nan"), "text": "ä"}
    expected = {"epoch": 0, "loss": 0.5, "list": [1.0, None], "bad": None, "text": "ä"}
    fit(Gives(logs), callbacks.RemoteMonitor(server.root, path="/here", headers={"X-Run": "7"}, send_as_json=True))
    fit(Gives(logs), callbacks.RemoteMonitor(server.root, field="values"))
    (path, headers, body), (default, form_headers, form) = server.got
    assert path == "/here" and headers["X-Run"] == "7" and headers["Content-Type"] == "application/json" and json.loads(body) == expected
    assert default == "/publish/epoch/end/" and form_headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert json.loads(parse_qs(form)["values"][0]) == expected


def test_servers_that_fail(server):
    server.answer = 500
    with pytest.warns(UserWarning, match="500"):
        assert len(fit(callbacks.RemoteMonitor(server.root), epochs=2).epoch) == 2
    with pytest.warns(UserWarning, match="not reached"):
        fit(callbacks.RemoteMonitor("http://127.0.0.1:9"))
    with pytest.warns(UserWarning, match="not reached"):
        fit(callbacks.RemoteMonitor("http://nobody home"))
    server.answer = "no number"
    with pytest.warns(UserWarning, match="not reached.*BadStatusLine"):
        fit(callbacks.RemoteMonitor(server.root))
    with pytest.raises(ValueError, match="http://"):
        callbacks.RemoteMonitor("file:///etc")


def test_a_server_that_never_answers():
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:       # takes connections, and lets them wait
        with pytest.warns(UserWarning, match="timed out"):
            fit(callbacks.RemoteMonitor(f"http://127.0.0.1:{silent.server_port}", timeout=0.1))


@pytest.mark.parametrize("path, package", [("m.keras", "h5py"), ("w.safetensors", "safetensors")])
def test_a_missing_package_is_told_before_training(path, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match="ModelCheckpoint needs .*pip install"):
        callbacks.ModelCheckpoint(path, save_weights_only=not path.endswith(".keras"))
