"""BackupAndRestore: a training that was killed or interrupted, anywhere, ends with the bits of one that was not."""
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import callbacks, layers
from fastnn.callbacks import BackupAndRestore, Callback
from fastnn.models import Sequential
from fastnn.models.run import Run
from fastnn.utils.state_file import DamagedFile, read_state

from tests._core.programs import run
from tests.models.replay import bits

TOOLS = Path(__file__).parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import kill_runs  # noqa: E402

X, Y = kill_runs.data()
EPOCHS = 3


@pytest.fixture(autouse=True)
def fast_disk(monkeypatch):
    """Nobody pulls a plug here: what is written need not reach the disk."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


class Crash(Exception):
    """What stands for a process that was killed."""


class At(Callback):
    """Does something in a hook, when it is called for the `count`th time; runs as early or as late as it is told."""

    def __init__(self, hook, count, do, runs_last=False):
        super().__init__()
        self.left, self.do, self.runs_last = count, do, runs_last
        setattr(self, hook, self.act)

    def act(self, *args, **kwargs):
        self.left -= 1
        if self.left == 0:
            self.do()


def crash():
    raise Crash


@pytest.fixture(scope="module")
def whole():
    """Results of trainings without a break, by case."""
    found = {}

    def of(name, epochs=EPOCHS):
        if (name, epochs) not in found:
            found[name, epochs] = bits(kill_runs.train(name, None, epochs, ()))
        return found[name, epochs]
    return of


def broken_and_finished(name, folder, breaks):
    """Trains a case, with a break for each callback of `breaks`."""
    for one in breaks:
        with pytest.raises(Crash):
            kill_runs.train(name, folder, EPOCHS, (one,))
    return bits(kill_runs.train(name, folder, EPOCHS, ()))


# ---- The same bits ----------------------------------------------------------------------------------------------

@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_killed_at_random_moments():
    """A quick one of `python tools/kill_runs.py runs`."""
    said = run(f"import sys; sys.path.insert(0, {str(TOOLS)!r}); import kill_runs; "
               "kill_runs.check_runs(8, ('arrays', 'own step'), seed=3, longest=0.3, epochs=2)")
    assert "all trainings ended with the bits" in said


@pytest.mark.parametrize("name", kill_runs.CASES)
def test_broken_off_in_every_part_of_an_epoch(name, whole, tmp_path):
    """In steps, in validation, as epochs begin and end, before and after the backup is made."""
    places = [("on_train_batch_end", 2), ("on_test_batch_end", 2), ("on_epoch_begin", 2), ("on_epoch_end", 1), ("on_train_batch_end", 6),
              ("on_train_end", 1)]
    breaks = [At(hook, count, crash, runs_last=k % 2 == 1 and hook != "on_train_end") for k, (hook, count) in enumerate(places)]
    assert broken_and_finished(name, tmp_path / "backup", breaks) == whole(name)
    assert os.listdir(tmp_path) == []


def test_broken_off_after_every_step(whole, tmp_path):
    """An epoch has 22 steps, and there is a backup after each: a training of 25 breaks, one after each step."""
    assert broken_and_finished("every step", tmp_path / "backup", [At("on_train_batch_end", 1, crash, True) for _ in range(25)]) == \
        whole("every step")


def test_what_a_backup_holds_is_needed(whole, tmp_path, monkeypatch):
    """The comparison of bits notices each part that is not put back."""
    from fastnn.models.epochs import Epochs
    from fastnn.saving import training_state
    real = {"values": training_state.set_values, "random": training_state.set_random_state, "place": Epochs.go_to}

    def without(group):
        return lambda model, values: real["values"](model, {**values, group: [(v.path, v.numpy()) for v in
                                                                             training_state.variables_of(model)[group]]})

    def other(name, where, attribute, instead, step):
        with monkeypatch.context() as patch:
            patch.setattr(where, attribute, instead)
            folder = tmp_path / str(len(os.listdir(tmp_path)))
            folder.mkdir()
            return broken_and_finished(name, folder / "b", [At("on_train_batch_end", step, crash)]) != whole(name)

    def without_generator(name):
        def set_state(state):
            real["random"]({**state, name: training_state.random_state()[name]})
        return set_state

    def without_order(self, place):
        real["place"](self, {**place, "pass": place["pass"] and (np.random.permutation(170), place["pass"][1])})

    parts = [(training_state, "set_values", without(group)) for group in ("model", "optimizers", "metrics")]
    parts += [(training_state, "set_random_state", without_generator("numpy")), (Epochs, "go_to", without_order)]
    parts += [(callbacks.History, "set_state", lambda self, state: None), (kill_runs.Halve, "set_state", lambda self, state: None)]
    for where, attribute, instead in parts:
        assert other("arrays", where, attribute, instead, 38), attribute
    assert other("sequence", training_state, "set_random_state", without_generator("python"), 26)
    assert other("own step", training_state, "set_random_state", without_generator("global"), 26)
    assert not other("arrays", training_state, "set_values", training_state.set_values, 38)


def simple(**more):
    model = Sequential([layers.Input((6,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    model.compile("adam", "mse", **more)
    return model


def fit(model, folder, *others, x=X, y=Y, epochs=3, save_freq="epoch", verbose=0, backup={}, **more):
    return model.fit(x, y, epochs=epochs, verbose=verbose, callbacks=[BackupAndRestore(folder, save_freq, **backup), *others], **more)


@pytest.mark.parametrize("save_freq", [3, "epoch"])
def test_callbacks_with_a_state(save_freq, tmp_path):
    """Files, the best so far, weights that were swapped for their averages: as without a break."""
    def go(folder, *others):
        fastnn.utils.set_random_seed(1)
        model = Sequential([layers.Input((6,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
        model.compile(fastnn.optimizers.SGD(0.05, use_ema=True), "mse")
        some = [callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.05), callbacks.CSVLogger(folder / "log.csv"),
                callbacks.ModelCheckpoint(folder / "best.safetensors", "loss", save_best_only=True, save_weights_only=True),
                callbacks.ModelCheckpoint(folder / "b{epoch}.safetensors", save_freq=5, save_weights_only=True),
                callbacks.SwapEMAWeights(swap_on_epoch=True)]
        history = fit(model, folder / "b", *some, *others, epochs=5, save_freq=save_freq, validation_data=(X, Y)).history
        files = {path.name: path.read_text() if path.suffix == ".csv" else sorted(load(path.read_bytes()).items())
                 for path in sorted(folder.iterdir())}
        return bits([history, model.get_weights(), [one.get_state() for one in some], files])

    load = pytest.importorskip("safetensors.numpy").load
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    for hook, count in (("on_train_batch_end", 5), ("on_train_batch_end", 9), ("on_epoch_end", 1), ("on_test_end", 1), ("on_epoch_begin", 2)):
        with pytest.raises(Crash):
            go(tmp_path / "broken", At(hook, count, crash))
    assert go(tmp_path / "broken") == go(tmp_path / "whole")


def test_a_notebook_cell_that_is_run_again(tmp_path):
    """The model made anew has other names; the model of before has its plans and its optimizer."""
    fastnn.utils.set_random_seed(1)
    expected = simple().fit(X, Y, epochs=3, verbose=0).history
    fastnn.utils.set_random_seed(1)
    with pytest.raises(Crash):
        fit(simple(), tmp_path / "b", At("on_train_batch_end", 10, crash), save_freq=2)
    again = simple()
    with pytest.raises(Crash):
        fit(again, tmp_path / "b", At("on_train_batch_end", 4, crash), save_freq=2)
    assert fit(again, tmp_path / "b").history == expected


def test_more_epochs_after_a_training_that_kept_its_backup(tmp_path):
    fastnn.utils.set_random_seed(1)
    expected = simple().fit(X, Y, epochs=5, verbose=0)
    fastnn.utils.set_random_seed(1)
    first = fit(simple(), tmp_path / "b", backup={"delete_checkpoint": False})
    assert os.listdir(tmp_path / "b") == ["latest.npz"] and len(first.epoch) == 3
    history = fit(simple(), tmp_path / "b", epochs=5)
    assert history.history == expected.history and history.epoch == [0, 1, 2, 3, 4] and not (tmp_path / "b").exists()


def test_a_training_that_had_stopped_early_does_not_begin_again(tmp_path):
    stopping = callbacks.EarlyStopping("loss", patience=1, min_delta=100.0)
    with pytest.raises(Crash):
        fit(simple(), tmp_path / "b", stopping, At("on_train_end", 1, crash), epochs=9)
    history = fit(simple(), tmp_path / "b", callbacks.EarlyStopping("loss", patience=1, min_delta=100.0), epochs=9)
    assert history.epoch == [0, 1]


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    fit(simple(), tmp_path)
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_backups_come_when_they_are_asked_for(tmp_path):
    class Count(BackupAndRestore):
        def _save(self):
            super()._save()
            saved.append((self.model._present_fit.epoch, self.model._present_fit.data.taken))

    for save_freq, each, expected in (("epoch", 1, [(1, 7), (2, 7)]), (3, 1, [(0, 3), (0, 6), (1, 2), (1, 5)]), (False, 1, []),
                                      (3, 2, [(0, 4), (0, 7), (1, 4), (1, 7)]), (10**6, 1, [])):
        saved = []
        simple(steps_per_execution=each).fit(X, Y, epochs=2, verbose=0, callbacks=[Count(tmp_path / "b", save_freq)])
        assert saved == expected, (save_freq, each)


def test_without_a_step_count_nothing_is_looked_at_between_steps(tmp_path):
    for save_freq in ("epoch", False):
        assert not callbacks.CallbackList([BackupAndRestore(tmp_path / "b", save_freq)], add_history=True).watches_batches("train")


# ---- Data that cannot go on -------------------------------------------------------------------------------------

def test_a_generator_goes_on_at_an_epoch_and_says_so(tmp_path):
    def batches():
        while True:
            yield X[:8], Y[:8]

    with pytest.warns(UserWarning, match="x is a generator, which cannot go on in the midst of an epoch.*get_state"):
        with pytest.raises(Crash):
            fit(simple(), tmp_path / "b", At("on_train_batch_end", 8, crash), x=batches(), y=None, steps_per_epoch=5, save_freq=1)
    place = read_state(tmp_path / "b" / "latest.npz")["place"]
    assert place["epoch"] == 1 and not place["inside"]
    history = fit(simple(), tmp_path / "b", x=batches(), y=None, steps_per_epoch=5)
    assert history.epoch == [0, 1, 2]


def test_a_source_with_a_state_goes_on_anywhere(tmp_path):
    class Stream:
        """Yields numbers that follow from each other."""

        def __init__(self):
            self.seed = 1

        def __iter__(self):
            return self

        def __next__(self):
            self.seed = self.seed * 69069 % 2**31
            rng = np.random.default_rng(self.seed)
            x = rng.normal(size=(8, 6)).astype("float32")
            return x, x[:, :1]

        def get_state(self):
            return {"seed": self.seed}

        def set_state(self, state):
            self.seed = state["seed"]

    def go(*others):
        fastnn.utils.set_random_seed(1)
        model = simple()
        history = fit(model, tmp_path / "b", *others, x=Stream(), y=None, steps_per_epoch=5, save_freq=2)
        return bits([history.history, model.get_weights()])

    expected = go()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in (3, 4, 7):
            with pytest.raises(Crash):
                go(At("on_train_batch_end", step, crash))
        assert go() == expected


def test_a_sequence_that_reorders_itself_is_told(tmp_path):
    class Own(kill_runs.Batches):
        def on_epoch_end(self):
            pass

    with pytest.warns(UserWarning, match="Own has an on_epoch_end.*get_state"):
        fit(simple(), tmp_path / "b", x=Own(), y=None, epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(simple(), tmp_path / "b", x=kill_runs.Reordered(), y=None, epochs=1)
        fit(simple(), tmp_path / "b", x=kill_runs.Batches(), y=None, epochs=1)


# ---- Errors -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments, message", [
    (("",), "backup_dir"), ((None,), "backup_dir"), (("b", "batch"), "save_freq"), (("b", 0), "save_freq"), (("b", True), "save_freq"),
    (("b", 2.0), "save_freq")])
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        BackupAndRestore(*arguments)


@pytest.fixture
def backup(tmp_path):
    """A folder with a backup of a training that was broken off."""
    with pytest.raises(Crash):
        fit(simple(), tmp_path / "b", At("on_train_batch_end", 10, crash), save_freq=3)
    return tmp_path / "b"


def wider():
    model = Sequential([layers.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def test_a_backup_of_another_training(backup):
    sgd = Sequential([layers.Input((6,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    sgd.compile("sgd", "mse")
    for model, more, message in (
            (wider(), {}, r"dense/kernel \(6, 4\) float32 is among the variables of its model, where there is dense/kernel \(6, 5\)"),
            (sgd, {}, "adam/iteration .* optimizers, where there is sgd/iteration"), (simple(metrics=["mae"]), {}, "its metrics had 2"),
            (simple(), {"x": X[:-1], "y": Y[:-1]}, "data was num_samples=210, now it is num_samples=209"),
            (simple(), {"batch_size": 16}, "batch_size=32, num_batches=7, now it is batch_size=16"),
            (simple(), {"shuffle": False}, "shuffle=True, now"), (simple(), {"steps_per_epoch": 3}, "steps=None, now it is steps=3"),
            (simple(), {"validation_data": (X, Y)}, "validation was none, now it is ArrayBatches")):
        with pytest.raises(ValueError, match=rf"(?s){message}.*Delete the folder to begin anew"):
            fit(model, backup, **more)
    assert fit(simple(), backup).epoch == [0, 1, 2]         # it was left alone


def test_a_callback_that_was_not_there(backup):
    with pytest.warns(UserWarning, match="knows nothing of the callback EarlyStopping"):
        fit(simple(), backup, callbacks.EarlyStopping("loss", patience=9))


def test_what_cannot_be_kept_is_named(tmp_path):
    class Own(Callback):
        state_names = ("seen",)
        seen = {1: [object()]}

    with pytest.raises(TypeError, match=r"state\['callbacks'\]\[0\]\[1\]\['seen'\]\[1\]\[0\] is a object"):
        fit(simple(), tmp_path / "b", Own())


def test_outside_of_fit(tmp_path):
    every = callbacks.CallbackList([BackupAndRestore(tmp_path / "b")], model=simple(), verbose=0, epochs=1, steps=1)
    with pytest.raises(ValueError, match="inside of `fit`"):
        every.on_train_begin()


def test_a_damaged_backup(backup):
    path = backup / "latest.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DamagedFile, match="latest.npz is damaged.*Delete the folder.*double_checkpoint"):
        fit(simple(), backup)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="damaged"):
        fit(simple(), backup)


def test_the_backup_before_a_damaged_one(tmp_path):
    def go(*others):
        fastnn.utils.set_random_seed(1)
        model = simple()
        return bits([fit(model, tmp_path / "b", *others, save_freq=2, backup={"double_checkpoint": True}).history, model.get_weights()])

    expected = go()
    with pytest.raises(Crash):
        go(At("on_train_batch_end", 10, crash))
    latest = tmp_path / "b" / "latest.npz"
    assert sorted(os.listdir(tmp_path / "b")) == ["latest.npz", "previous.npz"]
    latest.write_bytes(latest.read_bytes()[:500])
    with pytest.warns(UserWarning, match="damaged.*the backup before it is taken"):
        assert go() == expected
    with pytest.raises(Crash):
        go(At("on_train_batch_end", 10, crash))
    latest.unlink()             # killed between the two renames
    assert go() == expected and os.listdir(tmp_path) == []


# ---- Ctrl-C -----------------------------------------------------------------------------------------------------

@pytest.fixture
def press(monkeypatch):
    """Presses Ctrl-C."""
    import signal
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        pytest.skip("SIGINT is not Python's own here")
    monkeypatch.setattr(Run, "last_press", float("-inf"))

    def pressed():
        Run.last_press = float("-inf")
        signal.raise_signal(signal.SIGINT)
    yield pressed
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("name", ["arrays", "epochs", "steps per execution", "sequence with an order"])
def test_ctrl_c_and_on(name, press, whole, tmp_path, capsys):
    """Wherever Ctrl-C falls, the next fit goes on with the next step."""
    kill_runs.train(name, tmp_path / "backup", 4, (At("on_train_begin", 1, press),))
    assert capsys.readouterr().out == "Training was interrupted in epoch 1 of 4, before its first step.\n"
    for hook, count in (("on_epoch_begin", 2), ("on_train_batch_begin", 3), ("on_train_batch_end", 5),
                        ("on_test_batch_end", 1), ("on_test_end", 1), ("on_epoch_end", 1)):
        kill_runs.train(name, tmp_path / "backup", 4, (At(hook, count, press),))
        assert f"The backup in {tmp_path / 'backup'} holds this very step" in capsys.readouterr().out
    assert bits(kill_runs.train(name, tmp_path / "backup", 4, ())) == whole(name, 4)
    assert os.listdir(tmp_path) == []
