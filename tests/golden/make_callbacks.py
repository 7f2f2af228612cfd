"""Writes callbacks.json: what the callbacks of real Keras do, step by step, while a script gives the values that they watch.

    KERAS_BACKEND=jax python tests/golden/make_callbacks.py
"""
import json
import pathlib
import tempfile

import keras
import numpy as np

HERE = pathlib.Path(__file__).parent

# Values that epochs get, as exact binary fractions where a comparison is close.
FALLING = [1.0, 0.75, 0.5, 0.5, 0.5, 0.5, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5]
NOISY = [1.0, 0.9, 0.95, 0.93, 0.7, 0.72, 0.71, 0.705, 0.7, 0.6999, 0.69, 0.8]
RISING = [0.1, 0.3, 0.2, 0.3, 0.31, 0.25, 0.5, 0.4, 0.4, 0.4, 0.4, 0.6]

# name: (values, the name they get, arguments)
REDUCE = {
    "plain": (FALLING, "val_loss", dict(factor=0.5, patience=2)),
    "patience 0": (FALLING, "val_loss", dict(factor=0.5, patience=0)),
    "patience 1": (NOISY, "loss", dict(monitor="loss", factor=0.1, patience=1)),
    "cooldown": (FALLING, "val_loss", dict(factor=0.5, patience=1, cooldown=2)),
    "min_lr": (FALLING, "val_loss", dict(factor=0.1, patience=1, min_lr=0.0005)),
    "min_lr reached exactly": (FALLING, "val_loss", dict(factor=0.25, patience=1, min_lr=0.00625)),
    "min_delta": (NOISY, "val_loss", dict(factor=0.5, patience=2, min_delta=0.1)),
    "min_delta of an exact step": (FALLING, "val_loss", dict(factor=0.5, patience=1, min_delta=0.25)),
    "max": (RISING, "val_loss", dict(factor=0.5, patience=2, mode="max")),
    "accuracy": (RISING, "val_accuracy", dict(monitor="val_accuracy", factor=0.5, patience=1, min_delta=0.05)),
    "factor 0": (FALLING, "val_loss", dict(factor=0.0, patience=2, min_lr=0.001)),
}
STOP = {
    "plain": (FALLING, "val_loss", dict(patience=2)),
    "patience 0": (NOISY, "val_loss", dict()),
    "worse from the start": ([1.0, 2.0, 3.0], "val_loss", dict()),
    "min_delta": (NOISY, "val_loss", dict(patience=2, min_delta=0.05)),
    "restore": (NOISY, "val_loss", dict(patience=3, restore_best_weights=True)),
    "restore at the end": (RISING, "val_loss", dict(patience=20, restore_best_weights=True)),
    "max": (RISING, "val_loss", dict(patience=2, mode="max", restore_best_weights=True)),
    "accuracy": (RISING, "val_accuracy", dict(monitor="val_accuracy", patience=1)),
    "baseline never met": (NOISY, "val_loss", dict(patience=3, baseline=0.2, restore_best_weights=True)),
    "baseline met": (FALLING, "val_loss", dict(patience=3, baseline=0.8)),
    "start_from_epoch": (RISING, "val_loss", dict(patience=1, start_from_epoch=5, restore_best_weights=True)),
    "start_from_epoch after the end": (FALLING, "val_loss", dict(start_from_epoch=50, restore_best_weights=True)),
}
SAVE = {
    "plain": (FALLING, "val_loss", dict(filepath="{epoch:02d}-{val_loss:.2f}.keras")),
    "best": (NOISY, "val_loss", dict(filepath="best-{epoch}.keras", save_best_only=True)),
    "best of all names": (NOISY, "val_loss", dict(filepath="weights.{epoch:02d}-{val_loss:.2f}.h5", save_best_only=True)),
    "weights": (RISING, "val_loss", dict(filepath="{epoch:03d}.weights.h5", save_weights_only=True)),
    "max": (RISING, "val_accuracy", dict(filepath="{epoch}-{val_accuracy:.3f}.keras", monitor="val_accuracy", mode="max",
                                         save_best_only=True)),
    "auto of accuracy": (RISING, "val_accuracy", dict(filepath="{epoch}.keras", monitor="val_accuracy", save_best_only=True)),
    "threshold": (NOISY, "val_loss", dict(filepath="{epoch}.keras", save_best_only=True, initial_value_threshold=0.7)),
    "threshold that is not met": (NOISY, "val_loss", dict(filepath="{epoch}.keras", save_best_only=True, initial_value_threshold=0.1)),
    "batches": ([0.5] * 4, "val_loss", dict(filepath="{epoch}-{batch:02d}.keras", save_freq=2)),
    "batches across epochs": ([0.5] * 4, "val_loss", dict(filepath="{epoch}-{batch:02d}.keras", save_freq=7)),
    "every batch": ([0.5] * 2, "val_loss", dict(filepath="{epoch}-{batch}.weights.h5", save_freq=1, save_weights_only=True)),
    "several at once": ([0.5] * 4, "val_loss", dict(filepath="{epoch}-{batch}.keras", save_freq=3, steps_per_execution=2)),
    "several at once, more often": ([0.5] * 3, "val_loss", dict(filepath="{epoch}-{batch}.keras", save_freq=1, steps_per_execution=2)),
}
LOGS = {
    "plain": [{"loss": 0.5, "accuracy": 0.25, "val_loss": 1.5, "val_accuracy": 0.75}] * 2,
    "validation later": [{"loss": 0.5}, {"loss": 0.25, "val_loss": 1.0}, {"loss": 0.125}],
    "texts": [{"loss": 0.5, "note": 'a "b", c', "val_list": [1, 2]}, {"loss": 0.25, "note": "d", "val_list": np.array([3.0, 4.5])}],
}
SWAP = {"plain": {}, "on epochs": {"swap_on_epoch": True}}


def make_model(keras, optimizer="sgd", **arguments):
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer=optimizer, loss="mse", metrics=["accuracy"], **arguments)
    return model


def data():
    # six whole batches: of steps_per_execution=2, Keras counts a fifth batch alone as two
    x = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def script(keras, values, name):
    """A callback that gives epochs values, and weights that tell the epoch."""
    class Script(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs[name] = values[epoch]
            self.model.set_weights([np.full((4, 1), epoch, "float32"), np.zeros(1, "float32")])

    return Script()


def reduce(keras, case):
    """The learning rates that epochs were trained with, and the one after them."""
    values, name, arguments = case
    model = make_model(keras, keras.optimizers.SGD(0.1))
    history = model.fit(*data(), epochs=len(values), verbose=0,
                        callbacks=[script(keras, values, name), keras.callbacks.ReduceLROnPlateau(**arguments)]).history
    return [float(rate) for rate in [*history["learning_rate"], model.optimizer.learning_rate]]


def stop(keras, case):
    """How many epochs there were, whose weights the model has, and what the callback says."""
    values, name, arguments = case
    model, stopping = make_model(keras), keras.callbacks.EarlyStopping(**arguments)
    history = model.fit(*data(), epochs=len(values), callbacks=[script(keras, values, name), stopping], verbose=0)
    return [len(history.epoch), float(model.get_weights()[0][0, 0]), stopping.stopped_epoch, stopping.best_epoch, stopping.wait]


def save(keras, case):
    """[method, path, epoch, batch] of each file."""
    values, name, arguments = case
    arguments = dict(arguments)
    model, files, at = make_model(keras, steps_per_execution=arguments.pop("steps_per_execution", 1)), [], [0, None]

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            at[:] = epoch, None

        def on_train_batch_end(self, batch, logs=None):
            at[1] = batch

    model.save = lambda path, overwrite: files.append(["save", path, *at])
    model.save_weights = lambda path, overwrite: files.append(["save_weights", path, *at])
    model.fit(*data(), epochs=len(values), batch_size=2, verbose=0,
              callbacks=[Clock(), script(keras, values, name), keras.callbacks.ModelCheckpoint(**arguments)])
    return files


def log(keras, epochs):
    """The text of a file that was written, and then added to."""
    class Replace(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs.clear()
            logs.update(epochs[epoch])

    path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
    for append in (False, True):
        make_model(keras).fit(*data(), epochs=len(epochs), verbose=0, callbacks=[
            Replace(), keras.callbacks.CSVLogger(str(path), separator=";" if len(epochs) == 3 else ",", append=append)])
    return path.read_bytes().decode()


def swap(keras, arguments):
    """The weights at each hook, and in the end."""
    model, found = make_model(keras, keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)), []

    def note(hook):
        return lambda self, *args, **kwargs: found.append([hook, self.model.get_weights()[0].ravel().tolist()])

    hooks = ("on_epoch_begin", "on_test_begin", "on_test_end", "on_epoch_end", "on_train_end")
    note_all = type("Note", (keras.callbacks.Callback,), {hook: note(hook) for hook in hooks})
    model.set_weights([np.linspace(-1, 1, 4).reshape(4, 1), np.zeros(1)])
    x, y = data()
    model.fit(x, y, epochs=3, batch_size=4, shuffle=False, validation_data=(x, y), verbose=0,
              callbacks=[keras.callbacks.SwapEMAWeights(**arguments), note_all()])
    return [*found, ["after", model.get_weights()[0].ravel().tolist()]]


WORK = {"reduce": (reduce, REDUCE), "stop": (stop, STOP), "save": (save, SAVE), "log": (log, LOGS), "swap": (swap, SWAP)}

if __name__ == "__main__":
    found = {kind: {name: run(keras, case) for name, case in cases.items()} for kind, (run, cases) in WORK.items()}
    (HERE / "callbacks.json").write_text(json.dumps({"keras": keras.__version__, **found}, indent=1) + "\n")
