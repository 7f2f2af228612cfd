"""Replayed steps give the bits of steps op by op in models and trainings of many kinds: own code, own data, own loops."""
import functools
import re

import numpy as np
import pytest

import fastnn
from fastnn import layers, losses, metrics, ops, optimizers
from fastnn.callbacks import EarlyStopping, LambdaCallback, LearningRateScheduler
from fastnn.models import Model, Sequential
from fastnn.tape import GradientTape

from .replay import LABELS, X, Y, At, both_ways, check_eager, check_replayed, fitted, network, state, train_and_look

CLASSES = dict(outputs=3, activation="softmax", loss="sparse_categorical_crossentropy")
WEIGHTS = np.random.default_rng(1).uniform(size=44).astype("float32")


# ---- What compile and fit can be given --------------------------------------------------------------------------

@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "RMSprop"])
@pytest.mark.parametrize("arguments", [
    {"gradient_accumulation_steps": 2}, {"gradient_accumulation_steps": 3, "clipnorm": 0.5}, {"use_ema": True},
    {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3}, {"clipnorm": 0.1}, {"clipvalue": 0.01}, {"global_clipnorm": 0.1},
    {"weight_decay": 0.1, "global_clipnorm": 1.0, "use_ema": True}, {"loss_scale_factor": 4.0},
], ids=lambda arguments: "-".join(arguments))
def test_arguments_of_optimizers(optimizer, arguments):
    make = network(layers.BatchNormalization, lambda: layers.Dropout(0.3), optimizer=lambda: getattr(optimizers, optimizer)(**arguments))
    check_replayed(both_ways(make, train_and_look())[0])


@pytest.mark.parametrize("fit", [{}, {"sample_weight": WEIGHTS}, {"class_weight": {0: 1.0, 1: 0.2, 2: 3.0}}, {"shuffle": False},
                                 {"shuffle": "batch"}, {"validation_freq": 2}, {"steps_per_epoch": 4}, {"initial_epoch": 1}],
                         ids=lambda fit: next(iter(fit), "plain"))
@pytest.mark.parametrize("each", [1, 3])
def test_arguments_of_fit(fit, each):
    make = network(layers.BatchNormalization, lambda: layers.Dropout(0.3), optimizer="adam", metrics=lambda: ["accuracy"],
                   weighted_metrics=lambda: [metrics.SparseCategoricalCrossentropy()], steps_per_execution=each, **CLASSES)
    check_replayed(both_ways(make, train_and_look(y=LABELS, **fit))[0])


def schedule_by_batch(model):
    model.optimizer.learning_rate = 0.97 * float(model.optimizer.learning_rate)


@pytest.mark.parametrize("callback", [
    lambda: LearningRateScheduler(lambda epoch, rate: rate * (0.5 if epoch % 3 else 1.5)), lambda: At(schedule_by_batch),
    lambda: EarlyStopping(monitor="val_loss", patience=1, min_delta=10.0, restore_best_weights=True),
    lambda: At(lambda model: fastnn.utils.set_random_seed(1), 25),
], ids=["scheduler", "by batch", "early stopping", "seed"])
def test_callbacks_that_steer(callback):
    make = network(lambda: layers.Dropout(0.3), optimizer=lambda: optimizers.SGD(0.01, momentum=0.9))
    check_replayed(both_ways(make, train_and_look(callbacks=lambda: [callback()]))[0])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_any_number_of_threads(n, threads):
    threads(1)
    make = network(layers.BatchNormalization, lambda: layers.Dropout(0.3), lambda: layers.Dense(700), optimizer="adam")
    work, found = train_and_look(epochs=5), []
    for count, eager in ((1, True), (n, False)):
        threads(count)
        fastnn.utils.set_random_seed(3)
        model = make()
        model.run_eagerly = eager
        found.append(repr(work(model)))
    assert found[0] == found[1]
    check_replayed(model)


def test_float64():
    inner = [lambda: layers.BatchNormalization(dtype="float64"), lambda: layers.Dropout(0.3, dtype="float64")]
    make = network(*inner, dtype="float64", optimizer="adam")
    model, _ = both_ways(make, train_and_look(X.astype("float64"), Y.astype("float64")))
    assert model.layers[0].kernel.dtype == "float64"
    check_replayed(model)


# ---- Data -------------------------------------------------------------------------------------------------------

def read_only(x):
    x = x.copy()
    x.setflags(write=False)
    return x


LAYOUTS = {
    "fortran": np.asfortranarray(X), "rows": np.repeat(X, 2, 0)[::2], "columns": np.concatenate([X, X], 1)[:, ::2],
    "backwards": X[::-1], "float16": X.astype("float16"), "float64": X.astype("float64"), "big endian": X.astype(">f4"), "bool": X > 0,
    "int8": (X * 10).astype("int8"), "uint16": (abs(X) * 10).astype("uint16"), "int64": (X * 10).astype("int64"), "list": X.tolist(),
    "one row": np.broadcast_to(X[:1], X.shape),
    "unaligned": np.frombuffer(b"x" + X.tobytes(), "float32", X.size, 1).reshape(X.shape), "read only": read_only(X),
    "tensor": ops.convert_to_tensor(X),
}


@pytest.mark.parametrize("x", LAYOUTS.values(), ids=LAYOUTS)
def test_data_in_any_layout(x):
    check_replayed(both_ways(network(), train_and_look(x))[0])


def test_generators_sequences_and_buffers_that_are_filled_again():
    class Batches(fastnn.utils.Sequence):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            return X[8 * i:8 * i + 8], Y[8 * i:8 * i + 8]

    def refilled():
        x, y, rng = np.empty((8, 6), "float32"), np.empty((8, 1), "float32"), np.random.default_rng(3)
        while True:
            x[...] = rng.normal(size=x.shape)
            y[...] = x.sum(axis=1, keepdims=True)
            yield x, y

    def work(model):
        found = [model.fit(refilled(), steps_per_epoch=5, epochs=4, verbose=0).history]
        found += [model.fit(Batches(), epochs=3, verbose=0, validation_data=Batches()).history]
        return found + [model.predict(refilled(), steps=7, verbose=0)]

    check_replayed(both_ways(network(lambda: layers.Dropout(0.3), optimizer="adam"), work)[0])


class Branches(Model):
    """Takes a dict or list of inputs, gives a dict or list of outputs."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.a, self.b = kind, layers.Dense(4, activation="relu"), layers.Dense(3)
        self.head, self.other = layers.Dense(1), layers.Dense(2)

    def call(self, inputs, training=None):
        a, b = (inputs["a"], inputs["b"]) if self.kind is dict else inputs
        z = ops.concatenate([self.a(a), self.b(b)], axis=-1)
        found = {"head": self.head(z), "other": self.other(z)}
        return found if self.kind is dict else list(found.values())


@pytest.mark.parametrize("kind", [dict, list])
def test_several_inputs_and_outputs(kind):
    def make():
        model = Branches(kind)
        model.compile("adam", {"head": "mse", "other": "mae"} if kind is dict else ["mse", "mae"])
        return model
    x = {"a": X, "b": X[:, :2]} if kind is dict else [X, X[:, :2]]
    y = {"head": Y, "other": X[:, 3:5]} if kind is dict else [Y, X[:, 3:5]]
    check_replayed(both_ways(make, train_and_look(x, y))[0])


def test_the_data_are_what_a_layer_holds():
    """The plan must not take a layer's own array for the data of the step, when the model was first given that very array."""
    class Distances(layers.Layer):
        def __init__(self, centres):
            super().__init__()
            self.centres = centres

        def call(self, x):
            return ops.mean(ops.square(ops.expand_dims(x, 1) - ops.convert_to_tensor(self.centres)), axis=-1)

    def work(model):
        x = model.layers[0].centres
        found = [model.predict_on_batch(x) for _ in range(6)] + [model.predict_on_batch(x * k) for k in (2, 3, 4)]
        return found + [model.fit(data, Y, batch_size=44, shuffle=False, epochs=6, verbose=0).history for data in (x, x * 2)]

    def make():
        model = Sequential([layers.Input((6,)), Distances(X.copy()), layers.Dense(1)])
        model.compile("sgd", "mse")
        return model
    both_ways(make, work)


def test_the_data_are_a_weight():
    def work(model):
        found = []
        for x in (model.layers[0].kernel, model.layers[0].kernel.data, X[:6], X[6:12]):
            found += [model.predict_on_batch(x) for _ in range(6)]
        return found

    def make():
        model = Sequential([layers.Input((6,)), layers.Dense(6, use_bias=False)])
        model.compile("sgd", "mse")
        return model
    both_ways(make, work)


# ---- What steps return ------------------------------------------------------------------------------------------

class Returns(Model):
    """Predicts what a function of the inputs, of the outputs and of the model gives."""

    def __init__(self, function):
        super().__init__()
        self.function, self.out, self.w = function, layers.Dense(4), self.add_weight((3,), "ones")

    def call(self, x):
        return self.function(self, x, self.out(x))


@pytest.mark.parametrize("function, replayed", [
    (lambda self, x, y: y, True), (lambda self, x, y: {"y": y, "sum": ops.sum(y, axis=1)}, True),
    (lambda self, x, y: [y, ops.reshape(y, (-1, 2, 2)), y[:, 1:3], y], True), (lambda self, x, y: [y, self.w], True),
    (lambda self, x, y: [y, x], False),
], ids=["tensor", "dict", "views", "weight", "input"])
def test_predictions_in_any_structure_are_the_callers_own(function, replayed):
    """The caller may write into what it got: neither later predictions, nor its other parts, nor weights change."""
    def parts(result):
        if isinstance(result, np.ndarray):
            return [result]
        return [part for item in (result.values() if isinstance(result, dict) else result) for part in parts(item)]

    def make():
        model = Returns(function)
        model.compile("sgd")
        return model

    def work(model):
        found, kept = [], []
        for k in range(9):
            result = model.predict_on_batch(X * k)
            found.append([part.copy() for part in parts(result)])
            kept.append(result)
        for part in parts(kept[-1]):
            part[...] = -1.0
            found.append([other.copy() for other in parts(kept[-1])])
        model.w.assign([5.0, 6.0, 7.0])
        return [*found, *kept[:-1], model.predict_on_batch(X), model.w.numpy()]

    model, _ = both_ways(make, work)
    assert any(entry.ready and entry.ready.runs for entry in model._plans["predict_step"].entries.values()) is replayed


def steps(function):
    """A Sequential whose `train_step` is `function(self, data, logs)`, with the logs of the usual step."""
    def train_step(self, data):
        return function(self, data, Sequential.train_step(self, data))
    return type("Own", (Sequential,), {"train_step": train_step})


def more(self, data, logs):
    logs["twice"] = logs["loss"] * 2.0
    return {**logs, "three": 3, "nested": {"sum": ops.sum(data[0])}}


@pytest.mark.parametrize("function", [
    more, lambda self, data, logs: None, lambda self, data, logs: logs, lambda self, data, logs: dict(logs),
    lambda self, data, logs: {"rate": self.optimizer.learning_rate, "steps": self.optimizer.iterations},
    lambda self, data, logs: {name: value * 1.0 for name, value in logs.items()},
], ids=["more", "none", "logs", "dict", "variables", "computed"])
def test_logs_of_a_train_step_and_who_keeps_them(function):
    def make():
        model = steps(function)(network()().layers)
        model.compile(optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 3, 0.7)), "mse", metrics=["mae"])
        return model

    def work(model):
        seen = []
        found = fitted(callbacks=lambda: [LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs or {})))])(model)
        return [found, seen, fitted()(model), model.train_on_batch(X, Y, return_dict=True)]

    check_replayed(both_ways(make, work)[0], "train_step")


# ---- Own code ---------------------------------------------------------------------------------------------------

class Normed(layers.Layer):
    """Weights, a state that each step moves, random numbers, a penalty: all in ops."""

    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), "ones")
        self.mean = self.add_weight((input_shape[-1],), "zeros", trainable=False)
        self.seeds = fastnn.random.SeedGenerator(3)

    def call(self, x, training=None):
        if training:
            self.mean.assign(0.9 * self.mean + 0.1 * ops.mean(x, axis=0))
            x = x + 0.1 * fastnn.random.normal((x.shape[-1],), seed=self.seeds)
        self.add_loss(0.01 * ops.sum(ops.square(self.scale)))
        return (x - self.mean) * self.scale


class Ratio(metrics.Metric):
    def __init__(self):
        super().__init__(name="ratio")
        self.a, self.b = (self.add_weight(name=name, shape=(), initializer="zeros") for name in "ab")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.a.assign_add(ops.sum(ops.abs(y_true - y_pred)))
        self.b.assign_add(ops.sum(ops.abs(y_true)))

    def result(self):
        return self.a / (self.b + 1e-6)


def own_loss(y_true, y_pred):
    error = y_true - y_pred
    return ops.mean(ops.where(ops.abs(error) < 1.0, error * error, ops.abs(error)), axis=-1)


def test_layers_losses_and_metrics_of_ones_own():
    make = network(Normed, lambda: layers.Dense(5, activity_regularizer="l2", activation=lambda x: x * ops.sigmoid(x)),
                   optimizer="adam", loss=lambda: own_loss, metrics=lambda: [Ratio(), own_loss])
    model, _ = both_ways(make, train_and_look())
    check_replayed(model)


def test_a_loss_that_is_a_partial():
    make = network(loss=lambda: functools.partial(lambda k, y, z: ops.mean(k * ops.square(y - z)), 3.0))
    check_replayed(both_ways(make, fitted())[0], "train_step")


class Taught(Model):
    """A train_step of its own: two tapes, two optimizers, a frozen teacher, metrics of its own, flags that are set and put back."""

    def __init__(self):
        super().__init__()
        self.g, self.d, self.teacher = (network(inputs=i, outputs=o)() for i, o in ((3, 6), (6, 1), (6, 1)))
        self.seen, self.count = metrics.Mean(name="seen"), self.add_weight((), "zeros", dtype="int32", trainable=False)

    def compile(self, **arguments):
        super().compile(**arguments)
        self.first, self.second = optimizers.Adam(), optimizers.SGD(0.05, momentum=0.5)

    def call(self, x, training=None):
        return self.d(x, training=training)

    def train_step(self, data):
        x, y = data
        z = fastnn.random.normal((x.shape[0], 3))
        self.d.trainable = True
        with GradientTape() as tape:
            loss = ops.mean(ops.square(self.d(x) - self.teacher(x))) + losses.mean_squared_error(y, self.d(x))[0] * 0.1
        self.second.apply_gradients(zip(tape.gradient(loss, self.d.trainable_variables), self.d.trainable_variables))
        self.d.trainable = False
        with GradientTape() as tape:
            gain = ops.mean(ops.square(self.d(self.g(z)) - 1.0))
        self.first.apply_gradients(zip(tape.gradient(gain, self.g.trainable_variables), self.g.trainable_variables))
        self.d.trainable = True
        self.seen.update_state(gain)
        self.count.assign_add(1)
        return {"d": loss, "g": gain, "seen": self.seen.result(), "count": self.count}


def test_two_optimizers_and_a_teacher_that_is_trained_in_between():
    def make():
        model = Taught()
        model.compile(optimizer="sgd")
        return model

    def work(model):
        found = []
        for _ in range(3):
            found += [fitted(epochs=5)(model), model.teacher.fit(X, Y, batch_size=8, epochs=2, verbose=0).history]
            found.append(model.predict(X, batch_size=8, verbose=0))
        return [found, *[v.numpy() for v in (*model.first.variables, *model.second.variables)]]

    model, said = both_ways(make, work)
    check_replayed(model, "train_step")
    assert not said


def test_a_model_that_a_function_finds_by_its_name():
    """Neither an attribute nor an argument: another model in a closure, whose weights and settings change between steps."""
    def make():
        other.append(network(lambda: layers.Dropout(0.5), layers.BatchNormalization)())
        teacher = other[-1]

        def loss(y, z):
            return ops.mean(ops.square(y - z)) + ops.mean(ops.square(teacher(ops.concatenate([z] * 6, axis=1), training=True)))
        return network(loss=lambda: loss)()

    def work(model):
        teacher, found = other[-1], []
        for change in (lambda: None, lambda: teacher.set_weights([w * 2.0 for w in teacher.get_weights()]),
                       lambda: setattr(teacher.layers[1], "rate", 0.1), lambda: setattr(teacher.layers[2], "trainable", False),
                       teacher.pop, lambda: teacher.add(layers.Dense(1))):
            change()
            found.append(fitted(epochs=5)(model))
        return [*found, state(teacher)]

    other = []
    check_replayed(both_ways(make, work)[0], "train_step")


def test_two_models_that_share_layers():
    def make():
        model = network(layers.BatchNormalization, lambda: layers.Dropout(0.2))()
        model.encoder = Sequential(model.layers[:2])
        model.encoder.compile("adam", "mse")
        return model

    def work(model):
        found = []
        for _ in range(4):
            found += [fitted(epochs=3)(model), model.encoder.predict(X, batch_size=8, verbose=0)]
            found += [model.encoder.fit(X, X[:, :4].repeat(2, 1), batch_size=8, epochs=2, verbose=0).history]
        return found

    check_replayed(both_ways(make, work)[0], "train_step")


def test_models_used_inside_of_callbacks():
    def look(model):
        model.predict(X, batch_size=8, verbose=0), model.evaluate(X, Y, batch_size=8, verbose=0)
        model.predict_on_batch(X[:8]), model.test_on_batch(X[:8], Y[:8])

    check_replayed(both_ways(network(metrics=lambda: ["mae"]), train_and_look(callbacks=lambda: [At(look)]))[0])


@pytest.mark.parametrize("verbose", [1, 2])
def test_what_is_printed(verbose, capsys):
    def work(model):
        model.fit(X, Y, batch_size=8, epochs=8, verbose=verbose, validation_data=(X, Y))
        model.evaluate(X, Y, batch_size=8, verbose=verbose)
        return re.sub(r"\d+(us|ms|s)\b(/step|/epoch)?", "", capsys.readouterr().out)

    check_replayed(both_ways(network(lambda: layers.Dropout(0.3), metrics=lambda: ["mae"]), work)[0], "train_step", "test_step")


# ---- What is said -----------------------------------------------------------------------------------------------

class Summed(metrics.Metric):
    def __init__(self):
        super().__init__(name="summed")
        self.total = 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total = self.total + ops.mean(y_pred)

    def result(self):
        return ops.convert_to_tensor(self.total)

    def reset_state(self):
        self.total = 0.0


class Halves(optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1 if step < 20 else 0.05


@pytest.mark.parametrize("make, reason", [
    (network(metrics=lambda: [Summed()]), "summed.total`, in Python"),
    (network(optimizer=lambda: optimizers.SGD(Halves())), "in `__call__`"),
    (network(loss=lambda: lambda y, z: ops.mean(y - z) * float(ops.mean(z))), "float()"),
], ids=["metric", "schedule", "loss"])
def test_own_code_that_cannot_be_replayed_says_so_once(make, reason):
    model, said = both_ways(make, fitted())
    check_eager(model, said, reason)
