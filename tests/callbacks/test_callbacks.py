"""Callbacks: which hooks are called when, and what those that come with fastnn do."""
import math
import re
import time

import numpy as np
import pytest

from fastnn import callbacks, layers, metrics, optimizers
from fastnn.callbacks import Callback
from fastnn.models import Model, Sequential
from fastnn.utils.progbar import Progbar


def data(n=20):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def model_of(**arguments):
    model = Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **arguments})
    return model


class Recorder(Callback):
    """Writes down every hook."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def note(self, hook, *args):
        self.calls.append(hook if not args else f"{hook} {args[0]}")


def recorded(hook):
    def method(self, *args, **kwargs):
        self.note(hook, *[a for a in args if isinstance(a, int)])
    return method


for name in [n for n in vars(Callback) if n.startswith("on_")]:
    setattr(Recorder, name, recorded(name))
del Recorder.on_batch_begin, Recorder.on_batch_end


def test_order_of_hooks():
    x, y = data(6)
    recorder, model = Recorder(), model_of()
    model.fit(x, y, batch_size=4, epochs=1, validation_data=(x, y), validation_batch_size=6, callbacks=[recorder], verbose=0)
    assert recorder.calls == [
        "on_train_begin", "on_epoch_begin 0", "on_train_batch_begin 0", "on_train_data 0", "on_train_batch_end 0",
        "on_train_batch_begin 1", "on_train_data 1", "on_train_batch_end 1", "on_test_begin", "on_test_batch_begin 0", "on_test_batch_end 0", "on_test_end",
        "on_epoch_end 0", "on_train_end"]
    assert recorder.model is model and recorder.params == {"verbose": 0, "epochs": 1, "steps": 2}
    recorder.calls.clear()
    model.predict(x, batch_size=4, callbacks=[recorder], verbose=0)
    assert recorder.calls == ["on_predict_begin", "on_predict_batch_begin 0", "on_predict_batch_end 0",
                              "on_predict_batch_begin 1", "on_predict_batch_end 1", "on_predict_end"]
    recorder.calls.clear()
    model.evaluate(x, y, callbacks=[recorder], verbose=0)
    assert recorder.calls == ["on_test_begin", "on_test_batch_begin 0", "on_test_batch_end 0", "on_test_end"]


def test_logs_are_floats_that_stay():
    class Keep(Callback):
        def __init__(self):
            super().__init__()
            self.batches, self.epochs = [], []

        def on_batch_end(self, batch, logs=None):       # the older name
            self.batches.append(logs)

        def on_epoch_end(self, epoch, logs=None):
            self.epochs.append(logs)

    keep, (x, y) = Keep(), data(12)
    history = model_of(metrics=["mae"]).fit(x, y, batch_size=4, epochs=2, callbacks=[keep], verbose=0)
    assert len(keep.batches) == 6 and all(type(v) is float for logs in keep.batches for v in logs.values())
    assert len({logs["loss"] for logs in keep.batches}) == 6
    assert keep.batches[2]["loss"] == keep.epochs[0]["loss"] == history.history["loss"][0]


def test_hooks_that_nobody_overrides_cost_nothing():
    class Plain(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.seen = logs["loss"]

    some = callbacks.CallbackList([Plain(), callbacks.EarlyStopping("loss")], add_history=True)
    assert not some.watches_batches("train") and not some.watches_batches("test")
    assert callbacks.CallbackList([callbacks.LambdaCallback(on_train_batch_end=print)]).watches_batches("train")


def test_steps_per_execution():
    recorder, (x, y) = Recorder(), data(10)
    model_of(steps_per_execution=2).fit(x, y, batch_size=2, callbacks=[recorder], verbose=0)
    assert [c for c in recorder.calls if "batch" in c] == [
        "on_train_batch_begin 0", "on_train_batch_end 1", "on_train_batch_begin 2", "on_train_batch_end 3",
        "on_train_batch_begin 4", "on_train_batch_end 4"]


def test_model_can_be_assigned_and_validation_data_is_there():
    class Old(Callback):
        def set_model(self, model):
            self.model = model

        def on_epoch_end(self, epoch, logs=None):
            self.predicted = self.model.predict(self.validation_data[0], verbose=0)

    old, (x, y) = Old(), data()
    model_of().fit(x, y, validation_data=(x[:3], y[:3]), callbacks=[old], verbose=0)
    assert old.predicted.shape == (3, 1) and old.validation_data[1] is not None
    model_of().fit(x, y, validation_split=0.2, callbacks=[old], verbose=0)
    assert len(old.validation_data[0]) == 4


def test_what_books_read_of_layers_and_data():
    """set_model makes a model of all layers' outputs; `validation_data` holds inputs and targets, given or split off."""
    class Activations(Callback):
        def set_model(self, model):
            self.model = model
            self.outputs = Model(model.input, [layer.output for layer in model.layers])

        def on_epoch_end(self, epoch, logs=None):
            self.found = self.outputs.predict(self.validation_data[0][0:1], verbose=0)
            self.targets = self.validation_data[1]

    x, y = data()
    for arguments in (dict(validation_data=(x, y)), dict(validation_split=0.5)):
        own, model = Activations(), Sequential([layers.Dense(3, activation="relu"), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.build((None, 4))
        model.fit(x, y, callbacks=[own], verbose=0, **arguments)
        assert [a.shape for a in own.found] == [(1, 3), (1, 1)] and len(own.targets) == (10 if "validation_split" in arguments else 20)


def test_params_of_older_versions():
    recorder, (x, y) = Recorder(), data(20)
    model_of().fit(x, y, validation_split=0.2, batch_size=4, epochs=3, callbacks=[recorder], verbose=0)
    params = recorder.params
    assert params == {"verbose": 0, "epochs": 3, "steps": 4} and list(params) == ["verbose", "epochs", "steps"]
    assert [params[name] for name in ("samples", "batch_size", "do_validation", "nb_epoch", "nb_sample")] == [16, 4, True, 3, 16]
    assert "samples" in params and params.get("nb_epoch") == 3 and "metrics" not in params and params.get("fun", 7) == 7
    with pytest.raises(KeyError, match="fun"):
        params["fun"]
    model_of().fit(iter([(x, y)]), steps_per_epoch=1, callbacks=[recorder], verbose=0)
    assert recorder.params["samples"] is None


def test_history_of_several_fits():
    x, y = data()
    model = model_of()
    first = model.fit(x, y, epochs=2, verbose=0)
    second = model.fit(x, y, initial_epoch=2, epochs=3, verbose=0)
    assert first.epoch == [0, 1] and second.epoch == [2] and model.history is second
    assert len(first.history["loss"]) == 2 and first.params["epochs"] == 2


def test_values_added_to_the_logs_enter_the_history():
    class Adds(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["mine"] = epoch * 2

    x, y = data()
    assert model_of().fit(x, y, epochs=2, callbacks=[Adds()], verbose=0).history["mine"] == [0, 2]


# ---- Early stopping ---------------------------------------------------------------------------------------------

class Script(Callback):
    """Gives epochs the values of a list, and weights that tell the epoch."""

    def __init__(self, values, name="loss"):
        super().__init__()
        self.values, self.name = values, name

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]
        self.model.set_weights([np.full((4, 1), epoch, "float32"), np.zeros(1, "float32")])


def stop_after(values, name="loss", **arguments):
    model, (x, y) = model_of(optimizer="sgd"), data()
    stopping = callbacks.EarlyStopping(name, **arguments)
    history = model.fit(x, y, epochs=len(values), callbacks=[Script(values, name), stopping], verbose=0)
    return len(history.epoch), model.get_weights()[0][0, 0], stopping


@pytest.mark.parametrize("values, arguments, epochs", [
    ([4, 3, 2, 1], {}, 4), ([4, 3, 5, 1], {}, 3), ([4, 3, 5, 1, 0], dict(patience=2), 5), ([4, 5, 6, 1], dict(patience=2), 3),
    ([4, 3.9, 3.8, 1], dict(min_delta=0.5), 2), ([1, 2, 3, 2], dict(mode="max"), 4), ([4, 5, 3, 2], dict(patience=2, baseline=1), 2), ([4, 5, 3, 2], dict(patience=2), 4),
    ([4, 5, 6, 7, 8], dict(start_from_epoch=3), 5), ([2, 2, 2], dict(patience=1), 2),
])
def test_early_stopping(values, arguments, epochs):
    assert stop_after(values, **arguments)[0] == epochs


def test_early_stopping_restores_the_best():
    epochs, weight, stopping = stop_after([4, 2, 3, 3, 3], patience=2, restore_best_weights=True)
    assert epochs == 4 and weight == 1 and stopping.best == 2 and stopping.stopped_epoch == 3
    assert stop_after([4, 3, 2], restore_best_weights=True)[1] == 2
    assert stop_after([0.1, 0.5, 0.2], name="accuracy", restore_best_weights=True)[1] == 1


def test_early_stopping_without_its_value(capsys):
    x, y = data()
    with pytest.warns(UserWarning, match="'val_loss'.*They hold: loss.*validation_data"):
        model_of().fit(x, y, callbacks=[callbacks.EarlyStopping()], verbose=0)
    with pytest.warns(UserWarning, match="Did you mean 'loss'"):
        model_of().fit(x, y, callbacks=[callbacks.EarlyStopping("los")], verbose=0)

    class Fun(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["fun"] = 1.0

    with pytest.raises(ValueError, match="mode='max'"):
        model_of().fit(x, y, callbacks=[Fun(), callbacks.EarlyStopping("fun")], verbose=0)
    stop_after([1, 2, 3], verbose=1)
    assert "Epoch 2: early stopping" in capsys.readouterr().out
    with pytest.warns(UserWarning, match="mode"):
        callbacks.EarlyStopping(mode="least")


def test_monitor_under_the_older_name():
    x, y = data(12)
    model = Sequential([layers.Input((4,)), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    stopping = callbacks.EarlyStopping("val_acc", patience=5)
    model.fit(x, y > 0, validation_split=0.25, callbacks=[stopping], verbose=0)
    assert stopping.best is not None and stopping.direction == 1


# ---- The others -------------------------------------------------------------------------------------------------

def test_learning_rate_scheduler(capsys):
    x, y = data()
    model = model_of()
    rates = callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 / (epoch + 1), verbose=1)
    history = model.fit(x, y, epochs=3, callbacks=[rates], verbose=0)
    np.testing.assert_allclose(history.history["learning_rate"], [0.1, 0.05, 0.1 / 3], rtol=1e-6)
    assert history.history["lr"] == history.history["learning_rate"]
    assert "Epoch 2: LearningRateScheduler setting learning rate to 0.05" in capsys.readouterr().out
    model.fit(x, y, callbacks=[callbacks.LearningRateScheduler(lambda epoch: 0.25)], verbose=0)
    assert float(model.optimizer.learning_rate) == 0.25
    for bad in (lambda e: "fast", lambda e: math.nan, lambda e: None):
        with pytest.raises(ValueError, match="schedule"):
            model.fit(x, y, callbacks=[callbacks.LearningRateScheduler(bad)], verbose=0)
    with pytest.raises(TypeError):
        callbacks.LearningRateScheduler(0.1)


def test_lambda_callback():
    x, y = data()
    seen = []
    model_of().fit(x, y, validation_data=(x, y), verbose=0, callbacks=[callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["loss"])), on_train_begin=lambda logs: seen.append("begin"),
        on_train_batch_end=lambda batch, logs: seen.append(batch), on_test_end=lambda logs: seen.append("tested"))])
    assert seen[:3] == ["begin", 0, "tested"] and seen[3][0] == 0
    with pytest.raises(TypeError, match="on_epoch_finish"):
        callbacks.LambdaCallback(on_epoch_finish=print)


def test_terminate_on_nan(capsys):
    x, y = data(40)
    x[10] = np.inf
    with pytest.warns(UserWarning):
        history = model_of().fit(x, y, batch_size=4, epochs=3, shuffle=False, callbacks=[callbacks.TerminateOnNaN()], verbose=0)
    assert len(history.epoch) == 1 and "Batch 2: Invalid loss" in capsys.readouterr().out


def test_terminate_on_nan_with_an_error():
    x, y = data(40)
    x[10] = np.inf
    recorder = Recorder()
    with pytest.raises(RuntimeError, match="batch 2.*GradientMonitor"):
        model_of().fit(x, y, batch_size=4, shuffle=False, callbacks=[callbacks.TerminateOnNaN(raise_error=True), recorder], verbose=0)
    assert "on_train_end" not in recorder.calls


def two_optimizers():
    """A model of two layers, each with an optimizer of its own."""
    model = Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(1)])
    fast, slow = optimizers.SGD(0.5, name="fast"), optimizers.SGD(0.125, name="slow")
    model.compile(optimizers.MultiOptimizer(optimizers.OptimizerMap(fast, {"dense_1": slow})), "mse")
    return model


def test_learning_rates_of_several_optimizers(capsys):
    x, y = data()
    plateau = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100.0, min_lr=0.1, verbose=1)
    history = two_optimizers().fit(x, y, epochs=3, callbacks=[plateau], verbose=0).history
    np.testing.assert_allclose(history["learning_rate_fast"], [0.5, 0.5, 0.25])
    np.testing.assert_allclose(history["learning_rate_slow"], [0.125, 0.125, 0.1], rtol=1e-6)
    assert "Epoch 2: ReduceLROnPlateau reducing slow learning rate to 0.1." in capsys.readouterr().out
    history = two_optimizers().fit(x, y, epochs=2, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda e, rate: rate / 2)]).history
    assert history["learning_rate_fast"] == [0.25, 0.125] and history["learning_rate_slow"] == [0.0625, 0.03125]


def test_reduce_lr_on_plateau(capsys):
    x, y = data()
    plateau = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, epsilon=100.0, verbose=1)     # the older name of min_delta
    model_of().fit(x, y, epochs=2, callbacks=[plateau], verbose=0)
    assert capsys.readouterr().out == "\nEpoch 2: ReduceLROnPlateau reducing learning rate to 0.004999999888241291.\n"
    with pytest.warns(UserWarning, match="ReduceLROnPlateau watches 'val_loss'.*They hold: loss, learning_rate"):
        model_of().fit(x, y, callbacks=[callbacks.ReduceLROnPlateau()], verbose=0)
    for factor in (1.0, 2, -0.5):
        with pytest.raises(ValueError, match="factor"):
            callbacks.ReduceLROnPlateau(factor=factor)


def averaging(**arguments):
    return model_of(optimizer=optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9), **arguments)


def test_averages_survive_a_training_that_is_stopped():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.average = self.model.get_weights()[0]
            self.model.stop_training = epoch == 1

    x, y = data()
    stop, model, swap = Stop(), averaging(), callbacks.SwapEMAWeights(swap_on_epoch=True)
    model.fit(x, y, batch_size=4, epochs=5, callbacks=[swap, stop], verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], stop.average)
    before = model.get_weights()
    model.fit(x, y, batch_size=4, epochs=1, callbacks=[swap], verbose=0)    # begins with the averages that the model has
    assert np.abs(model.get_weights()[0] - before[0]).max() < 1


def test_averages_for_evaluation_and_prediction():
    x, y = data()
    model, swap = averaging(), callbacks.SwapEMAWeights()
    swap.set_model(model)
    assert model.evaluate(x, y, callbacks=[swap], verbose=0) == model.evaluate(x, y, verbose=0)       # no average yet
    for _ in range(5):
        model.train_on_batch(x, y)
    own, weights = model.predict(x, verbose=0), model.get_weights()
    averaged = model.predict(x, callbacks=[swap], verbose=0)
    assert np.abs(own - averaged).max() > 1e-3
    for a, b in zip(weights, model.get_weights()):      # put back, also after a prediction
        np.testing.assert_array_equal(a, b)
    model.optimizer.finalize_variable_values(model.trainable_variables)
    np.testing.assert_array_equal(averaged, model.predict(x, verbose=0))
    with pytest.raises(ValueError, match="use_ema=True"):
        model_of().evaluate(x, y, callbacks=[swap], verbose=0)


@pytest.mark.parametrize("replaced", [False, True])
def test_averages_after_an_evaluation_that_failed(replaced):
    """The next training has the weights themselves, or what somebody has put into their place."""
    def fail(*args):
        raise RuntimeError

    x, y = data()
    model, swap = averaging(), callbacks.SwapEMAWeights()
    model.fit(x, y, batch_size=4, verbose=0)
    model.train_on_batch(x, y)
    own = model.get_weights()
    with pytest.raises(RuntimeError):
        model.evaluate(x, y, callbacks=[swap, callbacks.LambdaCallback(on_test_batch_end=fail)], verbose=0)
    assert np.abs(model.get_weights()[0] - own[0]).max() > 0
    if replaced:
        own = [np.full_like(a, 7.0) for a in own]
        model.set_weights(own)
    model.optimizer.learning_rate = 0.0
    found = []
    model.fit(x, y, validation_data=(x, y), verbose=0,
              callbacks=[swap, callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: found.extend(model.get_weights()))])
    assert all(np.array_equal(a, b) for a, b in zip(own, found))


def test_averages_of_inner_optimizers():
    x, y = data()
    for make in (optimizers.LossScaleOptimizer, lambda one: optimizers.MultiOptimizer(lambda v: one)):
        inner, seen = optimizers.SGD(0.1, use_ema=True), []
        model = model_of(optimizer=make(inner))
        look = callbacks.LambdaCallback(on_test_begin=lambda logs: seen.append((model.get_weights(), [v.numpy() for v in inner._averages])))
        model.fit(x, y, validation_data=(x, y), epochs=2, callbacks=[callbacks.SwapEMAWeights(), look], verbose=0)
        assert len(seen) == 2
        for weights, averages in seen:      # validation sees the averages
            assert all(np.array_equal(a, b) for a, b in zip(weights, averages, strict=True))


def test_base_logger():
    x, y = data()
    logger, logs = callbacks.BaseLogger(stateful_metrics=["last"]), {}
    logger.set_params({"metrics": ["loss", "acc", "last"]})
    logger.on_epoch_begin(0)
    logger.on_batch_end(0, {"batch": 0, "size": 3, "loss": 1.0, "accuracy": 0.5, "last": 7, "other": 1.0})
    logger.on_batch_end(1, {"batch": 1, "size": 1, "loss": 2.0, "accuracy": 1.0, "last": 8, "other": 1.0})
    logger.on_epoch_end(0, logs)
    assert logs == {"loss": 1.25, "accuracy": 0.625, "last": 8}
    histories = [model_of().fit(x * 0, y, epochs=2, batch_size=6, shuffle=False, callbacks=some, verbose=0).history
                 for some in ([], [callbacks.BaseLogger()])]
    assert histories[0] == histories[1]


def test_directions_told_by_metrics_of_any_name():
    x, y = data()
    model = Sequential([layers.Input((4,)), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=[metrics.AUC(name="area"), metrics.MeanSquaredError(name="m"), metrics.MeanIoU(2, name="u")])
    model.fit(x, y > 0, verbose=0)
    for name, direction in (("val_area", 1), ("m", -1), ("u", 1)):
        monitor = callbacks.EarlyStopping(name)
        monitor.set_model(model)
        assert monitor.monitor_op(2, 1) == (direction > 0) and monitor.direction == direction


def test_a_history_that_is_used_again():
    x, y = data()
    own, model = callbacks.History(), model_of()
    model.fit(x, y, epochs=2, callbacks=[own], verbose=0)
    assert model.fit(x, y, epochs=1, callbacks=[own], verbose=0) is own
    assert len(own.history["loss"]) == 3 and own.epoch == [0]


def test_a_loop_of_ones_own():
    recorder, history = Recorder(), callbacks.History()
    some = callbacks.CallbackList([recorder], model=model_of(), epochs=1, steps=1, verbose=0)
    some.append(history)
    history.set_model(some.model)
    some.on_train_begin()
    some.on_epoch_begin(0)
    some.on_train_batch_begin(0, {"size": 3})
    some.on_train_batch_end(0, {"loss": np.float32(2)})
    some.on_epoch_end(0, {"loss": 1.0})
    some.on_train_end()
    assert recorder.calls == ["on_train_begin", "on_epoch_begin 0", "on_train_batch_begin 0", "on_train_batch_end 0", "on_epoch_end 0", "on_train_end"]
    assert history.history == {"loss": [1.0]} and recorder.params == {"epochs": 1, "steps": 1, "verbose": 0}
    assert isinstance(some, Callback) and callbacks.CallbackList([callbacks.ProgbarLogger(count_mode="samples")]).params is None
    assert callbacks.CallbackList([some, [callbacks.BaseLogger()]]).callbacks[:2] == [recorder, history]


# ---- Progress ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("verbose", [1, 2, "auto"])
def test_no_flood_in_a_file(capsys, verbose):
    x, y = data(64)
    model = model_of(metrics=["mae"])
    model.fit(x, y, batch_size=1, epochs=2, validation_split=0.5, verbose=verbose)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2"
    assert lines[1].startswith("32/32 - ") and all(f" - {k}: " in lines[1] for k in ("loss", "mae", "val_loss", "val_mae"))
    model.evaluate(x, y, verbose=verbose)
    model.predict(x, verbose=verbose)
    assert [line.split(" ")[0] for line in capsys.readouterr().out.splitlines()] == ["2/2", "2/2"]
    model.fit(x, y, verbose=0)
    assert capsys.readouterr().out == ""


def test_validation_does_not_disturb_the_time_per_step(capsys):
    class Slow(Callback):
        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.003)

    x, y = data(20)
    model_of().fit(x, y, batch_size=2, validation_data=(x, y), callbacks=[Slow()], verbose=1)
    milliseconds = re.search(r" (\d+)(ms|us)/step", capsys.readouterr().out)
    assert milliseconds[2] == "ms" and int(milliseconds[1]) >= 3


def test_a_terminal_is_overwritten_and_updates_are_rare(capsys, monkeypatch):
    monkeypatch.setattr("fastnn.utils.progbar.writes_over", lambda: True)
    x, y = data(400)
    model_of().fit(x, y, batch_size=1, epochs=1, verbose=1)
    text = capsys.readouterr().out
    assert 1 <= text.count("\r") < 100 and text.count("\n") == 1 and "━" * 20 in text and "loss: " in text


def test_progbar(capsys):
    bar = Progbar(10, verbose=2, stateful_metrics=["last"])
    for i in range(10):
        bar.update(i + 1, [("mean", float(i)), ("last", float(i))])
    line = capsys.readouterr().out
    assert line.startswith("10/10 - ") and "mean: 4.5000" in line and "last: 9.0000" in line
    bar = Progbar(None, verbose=2)
    bar.add(3, [("v", 1e-5)])
    bar.update(3, finalize=True)
    assert "v: 1.0000e-05" in capsys.readouterr().out
    with pytest.raises(ValueError, match="not both"):
        Progbar(1, stateful_metrics=[], stateless_metrics=[])
