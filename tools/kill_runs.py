"""Kills trainings and saves at random moments, and looks at what is left.

    python tools/kill_runs.py runs --kills 200          # trainings with BackupAndRestore: the same bits as one that was not killed
    python tools/kill_runs.py saves --kills 200         # one file saved over and over: the old one or the new one, whole

Each round is a process of its own (a fork of this one), ended by SIGKILL, which nothing can catch.
"""
import argparse
import os
import random
import signal
import sys
import tempfile
import time

import numpy as np

import fastnn
from fastnn import callbacks, layers
from fastnn.callbacks import BackupAndRestore, Callback
from fastnn.models import Model, Sequential
from fastnn.utils.state_file import read_state, write_state

# ---- Trainings --------------------------------------------------------------------------------------------------

SAMPLES = 210       # batches of 8, and one of 2


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SAMPLES, 6)).astype("float32")
    return x, (x[:, :1] * x[:, 1:2] + 0.1 * rng.normal(size=(SAMPLES, 1))).astype("float32")


class Batches(fastnn.utils.PyDataset):
    """Numbered batches with noise from NumPy's and Python's generators."""

    def __len__(self):
        return 20

    def __getitem__(self, index):
        x, y = data()
        rows = slice(8 * index, 8 * index + 8)
        return x[rows] + 0.01 * np.random.normal(size=(8, 6)).astype("float32") + 0.01 * random.random(), y[rows]


class Reordered(Batches):
    """Changes its order after each epoch, and lets that be part of backups."""

    def __init__(self):
        super().__init__()
        self.order = np.arange(len(self))

    def __getitem__(self, index):
        return super().__getitem__(self.order[index])

    def on_epoch_end(self):
        np.random.shuffle(self.order)

    def get_state(self):
        return self.order

    def set_state(self, order):
        self.order = order.copy()


def drawn_batches():
    """A generator that keeps nothing but what NumPy's generator does."""
    x, y = data()
    while True:
        rows = np.random.randint(0, SAMPLES, 8)
        yield x[rows], y[rows]


class Pair(Model):
    """Two optimizers, a metric and a counter of its own, noise from a generator of its own, a step of its own."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(8, activation="tanh"), layers.Dense(1)
        self.other = fastnn.optimizers.RMSprop(0.01)
        self.largest, self.steps = fastnn.metrics.Mean(name="largest"), fastnn.Variable(0.0, trainable=False)
        self.noise = fastnn.random.SeedGenerator(3)

    def call(self, x, training=False):
        hidden = self.first(x)
        return self.second(hidden + 0.1 * fastnn.random.normal((8,), seed=self.noise) if training else hidden)

    def train_step(self, batch):
        x, y = batch
        with fastnn.GradientTape() as tape:
            loss = fastnn.ops.mean(fastnn.ops.square(self(x, training=True) - y)) + 0.001 * fastnn.random.uniform(())
        weights = self.first.trainable_variables, self.second.trainable_variables
        gradients = tape.gradient(loss, [*weights[0], *weights[1]])
        self.optimizer.apply(gradients[:2], weights[0])
        self.other.apply(gradients[2:], weights[1])
        self.largest.update_state(loss)
        self.steps.assign_add(1.0)
        return {"loss": loss, "largest": self.largest.result(), "steps": self.steps + 0.0}


class Halve(callbacks.LearningRateScheduler):
    """Halves the learning rate after epochs that were no better; a callback of a user, with a state of its own."""

    state_names = ("best", "seen")

    def __init__(self):
        super().__init__(lambda epoch, rate: rate * 0.9)
        self.best, self.seen = None, []

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.seen.append(np.float32(logs["val_loss"]))
        if self.best is not None and logs["val_loss"] >= self.best:
            self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / 2
        self.best = min(logs["val_loss"], self.best or 1e9)


class Slow(Callback):
    """Lets a step take a while, so that kills fall into all moments."""

    def on_train_batch_begin(self, batch, logs=None):
        time.sleep(0.001)


def network(metrics=("mae",), **arguments):
    model = Sequential([layers.Dense(16, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.3), layers.GaussianNoise(0.1),
                        layers.Dense(1)])
    model.compile(fastnn.optimizers.Adam(0.01, use_ema=True), "mse", metrics=list(metrics), **arguments)
    return model


def pair():
    model = Pair()
    model.compile("adam", "mse")
    return model


def arrays(**more):
    x, y = data()
    return dict(x=x[:170], y=y[:170], batch_size=8, validation_data=(x[170:], y[170:]), **more)


# What is trained, with what, and how often there is a backup.
CASES = {
    "arrays": (network, lambda: arrays(), 3),
    "epochs": (network, lambda: arrays(), "epoch"),
    "every step": (network, lambda: arrays(shuffle="batch"), 1),
    "steps per epoch": (network, lambda: arrays(steps_per_epoch=9, validation_steps=2, validation_batch_size=8), 4),
    "steps per execution": (lambda: network(steps_per_execution=4), lambda: arrays(), 5),
    "sequence": (network, lambda: dict(x=Batches(), validation_data=Batches()), 3),
    "sequence with an order": (network, lambda: dict(x=Reordered(), validation_data=Batches(), shuffle=False, steps_per_epoch=7), 3),
    "generator": (network, lambda: dict(x=drawn_batches(), steps_per_epoch=12, validation_data=Batches()), "epoch"),
    "own step": (pair, lambda: arrays(), 3),
    "op by op": (lambda: network(run_eagerly=True), lambda: arrays(), 3),
}


def train(name, folder, epochs=6, others=(Slow(),)):
    """Trains a case, with other callbacks; everything that came of it."""
    make, arguments, save_freq = CASES[name]
    fastnn.utils.set_random_seed(5)
    stopping, halve = callbacks.EarlyStopping(patience=4, restore_best_weights=True), Halve()
    extra = [BackupAndRestore(folder, save_freq)] if folder else []
    model = make()
    history = model.fit(epochs=epochs, verbose=0, callbacks=[*extra, stopping, halve, *others], **arguments())
    return {"history": history.history, "epochs": history.epoch, "weights": model.get_weights(),
            "optimizer": [v.numpy() for v in model.optimizer.variables], "stopping": stopping.get_state(), "halve": halve.get_state(),
            "random": [np.random.random(), random.random(), np.asarray(fastnn.random.normal((2,)))],
            "prediction": model.predict(data()[0], verbose=0)}


def child(work):
    """The number of a new process that does some work, quietly, and ends."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        work()
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def ended(pid, seconds):
    """Waits for a process and kills it when the time is over: whether it was done."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            break
        time.sleep(0.001)
    else:
        os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
        if os.WIFSIGNALED(status):
            return False
        os_status = os.waitstatus_to_exitcode(status)
        if os_status:
            raise SystemExit(f"a training failed with status {os_status}")
        return True
    return True


def killed_until_done(name, folder, rng, longest, epochs=6):
    """Starts a training again and again, and kills it: (what came of it, how often it was killed)."""
    out, kills = os.path.join(folder, "result.npz"), 0
    backup = os.path.join(folder, "backup")
    while not ended(child(lambda: write_state(out, train(name, backup, epochs))), rng.uniform(0.0, longest)):
        kills += 1
    if not os.path.exists(out):
        raise SystemExit(f"{name}: a training failed")
    leftovers = [entry for entry in os.listdir(folder) if entry != "result.npz"]
    if leftovers:
        raise SystemExit(f"{name}: {leftovers} were left")
    with open(out, "rb") as file:
        return file.read(), kills


def check_runs(kills, names=tuple(CASES), seed=0, longest=0.4, epochs=6, say=print):
    """Trains each case without a kill, and with kills until there were so many of them; raises if any bit differs."""
    rng, total, began = random.Random(seed), 0, time.time()
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "whole.npz")
            if not ended(child(lambda: write_state(path, train(name, None, epochs))), 120):
                raise SystemExit(f"{name}: the training took too long")
            with open(path, "rb") as file:
                whole = file.read()
        count = runs = 0
        while count < kills / len(names):
            with tempfile.TemporaryDirectory() as folder:
                found, some = killed_until_done(name, folder, rng, longest, epochs)
                count, runs = count + some, runs + 1
                if found != whole:
                    raise SystemExit(f"{name}: other bits after {some} kills: {differences(whole, found)}")
        total += count
        say(f"{name}: {runs} trainings, {count} kills, the same bits")
    say(f"{total} kills in {time.time() - began:.0f} s: all trainings ended with the bits of those that were not killed")


def differences(whole, found):
    """Which parts of two results differ."""
    states = []
    for part in (whole, found):
        with tempfile.NamedTemporaryFile(suffix=".npz") as file:
            file.write(part)
            file.flush()
            states.append(read_state(file.name))
    return [name for name in states[0] if repr(states[0][name]) != repr(states[1][name])]


# ---- Saves ------------------------------------------------------------------------------------------------------

def filled(value):
    """A model whose weights all are one number."""
    model = Sequential([layers.Input((300,)), layers.Dense(400), layers.Dense(10)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return refill(model, value)


def refill(model, value):
    for v in model.variables:
        v.assign(np.full(v.shape, value, v.dtype))
    return model


def read_weights(path):
    model = filled(-1.0)
    model.load_weights(path)
    return model.get_weights()


# For each kind of file how a model is written, and how its weights are read back.
KINDS = {
    "backup.npz": (lambda model, path: write_state(path, model.get_weights()), read_state),
    "model.keras": (lambda model, path: model.save(path), lambda path: fastnn.saving.load_model(path).get_weights()),
    "model.h5": (lambda model, path: model.save(path), lambda path: fastnn.saving.load_model(path).get_weights()),
    "model.weights.h5": (lambda model, path: model.save_weights(path), read_weights),
    "model.safetensors": (lambda model, path: model.save_weights(path), read_weights),
}


def save_for_ever(save, path, value):
    model = filled(value)
    while True:
        value += 1.0
        save(refill(model, value), path)


def check_saves(kills, kind, save, load, seed=0, longest=0.1):
    """Kills a process that saves models of one number, of larger and larger ones; after each kill the file must be one of them, whole.

    Args:
        kills: how many.
        kind: name of the file.
        save: function of a model and a path; load: function of a path, gives arrays.
        longest: seconds until a kill, at most.

    Returns:
        How many different models were found.
    """
    rng, seen = random.Random(seed), {0.0}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, kind)
        save(filled(0.0), path)
        for _ in range(kills):
            if ended(child(lambda: save_for_ever(save, path, max(seen))), 0.02 + rng.uniform(0.0, longest)):
                raise SystemExit(f"{kind}: a save failed")
            found = {float(number) for array in load(path) for number in np.unique(array)}
            if len(found) != 1 or min(found) < max(seen):
                raise SystemExit(f"{kind}: a file of {sorted(found)} after one of {max(seen)}")
            seen |= found
        save(filled(0.0), path)
        if os.listdir(folder) != [kind]:
            raise SystemExit(f"{kind}: {os.listdir(folder)} were left")
    return len(seen) - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["runs", "saves"])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", help="some of: " + ", ".join([*CASES, *KINDS]))
    arguments = parser.parse_args()
    if arguments.what == "runs":
        check_runs(arguments.kills, arguments.only or tuple(CASES), arguments.seed)
        return
    for kind in arguments.only or KINDS:
        began, (save, load) = time.time(), KINDS[kind]
        found = check_saves(arguments.kills, kind, save, load, arguments.seed)
        print(f"{kind}: {arguments.kills} kills in {time.time() - began:.0f} s, {found} new models found, all whole", flush=True)


if __name__ == "__main__":
    main()
