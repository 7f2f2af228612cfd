"""What a replay could get wrong: masks, counters, numbers, branches, side effects, tensors that are kept, changes between steps.

Each case trains the same model op by op and by plans, and compares everything, bit for bit; and says whether there is a plan in
the end, or why not.
"""
import copy
import os
import pickle
import signal
import threading
import time
import warnings

import numpy as np
import pytest

import fastnn
from fastnn import layers, ops
from fastnn.callbacks import Callback, LambdaCallback
from fastnn.models import Model, Sequential
from fastnn.models.step import PLANS
from fastnn.tape import GradientTape

from .replay import both_ways

X = np.random.default_rng(0).normal(size=(56, 6)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
pytestmark = pytest.mark.filterwarnings("ignore:.*runs op by op")


def net(*inner, optimizer="rmsprop", loss="mse", outputs=1, activation=None, **arguments):
    """A function that makes Dense(8) - inner layers - Dense(outputs), compiled; inner ones as functions that make them."""
    def make():
        model = Sequential([layers.Input((6,)), layers.Dense(8, activation="relu"), *[one() for one in inner],
                            layers.Dense(outputs, activation=activation)])
        model.compile(optimizer() if callable(optimizer) else optimizer, loss, **arguments)
        return model
    return make


def same_both_ways(make, callback=None, reset=lambda: None, epochs=7, x=X, y=Y, **fit):
    """Trains both ways, compares, and returns the model of the plans."""
    def work(model):
        history = model.fit(x, y, batch_size=8, epochs=epochs, verbose=0, callbacks=callback and [callback()], **fit).history
        return history, model.predict(x, batch_size=8, verbose=0)
    return both_ways(make, work, reset)[0]


def plan(model, name="train_step"):
    """The Entry of the only shape of batches, and how many steps it has replayed."""
    entry, = model._plans[name].entries.values()
    return entry


def reason(model):
    assert plan(model).ready is None
    return plan(model).reason


def layer(function, **attributes):
    """A class of layers that compute `function(self, x)`; without values, as they are built, they give x."""
    body = {"call": lambda self, x: x if x.shape[0] is None else function(self, x)}

    def __init__(self):
        layers.Layer.__init__(self)
        vars(self).update(attributes)
    return type("Own", (layers.Layer,), {**body, "__init__": __init__})


class At(Callback):
    """Does something with the model at the beginning of an epoch, or of every batch."""

    def __init__(self, do, epoch=None):
        super().__init__()
        self.do, self.epoch = do, epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            self.do(self.model)

    def on_train_batch_begin(self, batch, logs=None):
        if self.epoch is None:
            self.do(self.model)


# ---- Random numbers ---------------------------------------------------------------------------------------------

def test_new_masks_at_every_step():
    x, masks = np.ones((4, 8), "float32"), []

    class Watched(Model):
        def __init__(self):
            super().__init__()
            self.drop, self.scale = layers.Dropout(0.5), self.add_weight((1,), "ones")

        def call(self, x, training=None):
            return self.drop(x, training=training) * self.scale

        def train_step(self, data):
            y = self(data, training=True)
            with GradientTape() as tape:
                loss = ops.sum(self.scale * 0.0)
            self.optimizer.apply(tape.gradient(loss, [self.scale]), [self.scale])
            return {"sum": ops.sum(y), "mask": y}

    watched = Watched()
    watched.compile("sgd")
    for _ in range(20):
        masks.append(watched.train_on_batch(x, return_dict=True)["mask"].tobytes())
    assert plan(watched).ready.runs > 10 and len(set(masks)) == 20
    assert plan(same_both_ways(net(lambda: layers.Dropout(0.5)))).ready.runs > 30


@pytest.mark.parametrize("seed", [3, None])
def test_random_ops_inside_a_layer(seed):
    Noise = layer(lambda self, x: x + fastnn.random.normal(x.shape, seed=seed))
    assert plan(same_both_ways(net(Noise))).ready.runs > 10


def test_numpys_random_numbers_are_no_step():
    Noise = layer(lambda self, x: x + np.random.normal(size=x.shape).astype("float32"))
    assert "random numbers from NumPy" in reason(same_both_ways(net(Noise)))


def test_a_seed_that_is_set_in_mid_training():
    Noise = layer(lambda self, x: x + fastnn.random.normal(x.shape))
    assert plan(same_both_ways(net(Noise), lambda: At(lambda model: fastnn.utils.set_random_seed(1), epoch=4))).ready


# ---- Python numbers, and side effects ---------------------------------------------------------------------------

def counted(self, x):
    self.calls += 1
    return x * float(self.calls)


def counted_only(self, x):
    self.calls += 1
    return x


@pytest.mark.parametrize("function", [counted, counted_only])
def test_counters(function):
    model = same_both_ways(net(layer(function, calls=0)))
    assert "calls`, in Python" in reason(model)
    assert model.layers[1].calls == 7 * 7 + 7       # each step of fit and of predict


SCALE = 1.0


def test_globals_that_change():
    def do(model):
        global SCALE
        SCALE = 3.0

    def reset():
        global SCALE
        SCALE = 1.0
    model = same_both_ways(net(layer(lambda self, x: x * SCALE)), lambda: At(do, epoch=4), reset)
    assert plan(model).ready


def test_closures_and_lists_that_change():
    numbers = [1.0]
    model = same_both_ways(net(layer(lambda self, x: x * numbers[0])), lambda: At(lambda model: numbers.__setitem__(0, 3.0), epoch=4),
                           lambda: numbers.__setitem__(0, 1.0))
    assert plan(model).ready


NOTHING = None


def test_more_places_where_numbers_may_be():
    """An array that NumPy computes with, a global that was None, an attribute of the class, an object of the user's."""
    class Settings:
        factor = 1.0

    settings, table = Settings(), np.ones(8)

    def compute(self, x):
        return x * ((table * 2.0).astype("float32") if NOTHING is None else NOTHING) * self.factor * settings.factor
    Own = layer(compute, factor=1.0)
    Own.factor = 1.0

    def reset():
        global NOTHING
        NOTHING, settings.factor, Own.factor = None, 1.0, 1.0
        table[:] = 1.0

    def set_global(model):
        global NOTHING
        NOTHING = 0.5
    for do in (set_global, lambda model: table.fill(3.0), lambda model: setattr(settings, "factor", 2.0)):
        model = same_both_ways(net(Own), lambda: At(do, epoch=4), reset)
        assert plan(model).ready and plan(model).ready.runs < 25


def test_an_attribute_of_a_class():
    Own = layer(lambda self, x: x * self.factor)
    Own.factor = 1.0
    model = same_both_ways(net(Own), lambda: At(lambda model: setattr(Own, "factor", 2.0), epoch=4), lambda: setattr(Own, "factor", 1.0))
    assert plan(model).ready and plan(model).ready.runs < 25


def test_numbers_that_change_at_every_step():
    numbers = [1.0]
    model = same_both_ways(net(layer(lambda self, x: x * numbers[0])), lambda: At(lambda model: numbers.__setitem__(0, numbers[0] * 0.9)),
                           lambda: numbers.__setitem__(0, 1.0))
    assert reason(model)


def test_a_learning_rate_in_python():
    rates = {"now": 0.01}
    model = same_both_ways(net(optimizer=lambda: fastnn.optimizers.SGD(lambda: rates["now"])),
                           lambda: At(lambda model: rates.update(now=rates["now"] * 0.9)), lambda: rates.update(now=0.01))
    assert "LearningRateSchedule" in reason(model)


def test_tensors_in_a_list():
    seen = []

    def keep(self, x):
        seen.append(x)
        return x
    assert "seen" in reason(same_both_ways(net(layer(keep)), reset=seen.clear))
    assert len({x.numpy().tobytes() for x in seen}) == len(seen)


def test_tensors_that_nobody_can_see_are_kept():
    keep = {}.setdefault                # bound to a dictionary that nothing else names

    def kept(self, x):
        keep(len(keep.__self__), x)
        return x
    assert "still in use" in reason(same_both_ways(net(layer(kept))))


def test_a_tensor_from_the_step_before():
    def mixed(self, x):
        y = x if self.before is None else x + 0.1 * ops.stop_gradient(self.before)
        self.before = x
        return y
    assert "before`, in Python" in reason(same_both_ways(net(layer(mixed, before=None))))


# ---- Values in Python -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("function, told", [
    (lambda self, x: x if ops.sum(x) > 0 else -x, "a condition"), (lambda self, x: x * float(ops.max(x)), "float()"),
    (lambda self, x: x + np.tanh(x.numpy()), "numpy()"), (lambda self, x: x + np.asarray(x), "numpy()"),
    (lambda self, x: x * len(f"{ops.sum(x):.1f}"), "format()"),
], ids=["branch", "float", "numpy", "asarray", "format"])
def test_values_in_python(function, told):
    model = net(layer(function))()
    assert told in reason(same_both_ways(net(layer(function))))
    with pytest.warns(UserWarning, match="test_step_traps.py line") as caught:
        model.fit(X, Y, batch_size=8, epochs=5, verbose=0)
    assert len([w for w in caught if "op by op" in str(w.message)]) == 1


# ---- Changes between steps --------------------------------------------------------------------------------------

def set_weights(model):
    model.layers[0].set_weights([w * 0.99 for w in model.layers[0].get_weights()])


def set_rate(model):
    model.optimizer.learning_rate = 0.9 * float(model.optimizer.learning_rate)


@pytest.mark.parametrize("do", [set_weights, set_rate, lambda model: model.layers[0].bias.assign_add(np.full(8, 0.01))])
def test_arrays_may_change_at_any_time(do):
    model = same_both_ways(net(), lambda: At(do))
    assert plan(model).ready.runs > 30


def freeze(model):
    model.layers[1].trainable = False


def set_epsilon(model):
    fastnn.config.set_epsilon(1e-2)


@pytest.mark.parametrize("inner, do", [
    (layers.BatchNormalization, freeze), (lambda: layers.Dropout(0.5), lambda model: setattr(model.layers[1], "rate", 0.1)),
    (layers.BatchNormalization, lambda model: setattr(model.layers[0], "activation", fastnn.activations.get("tanh"))),
    (layers.BatchNormalization, lambda model: setattr(model.optimizer, "clipnorm", 0.1)),
    (layers.BatchNormalization, set_epsilon),
    (layers.BatchNormalization, lambda model: setattr(model.layers[1], "momentum", 0.5)),
    (lambda: layers.Dense(4, kernel_regularizer=fastnn.regularizers.L2(0.1)),
     lambda model: setattr(model.layers[1].kernel_regularizer, "l2", 0.9)),
], ids=["freeze", "rate", "activation", "clipnorm", "epsilon", "momentum", "regularizer"])
def test_changes_in_python_make_a_new_plan(inner, do):
    before = fastnn.config.epsilon()
    try:
        model = same_both_ways(net(inner, loss="mape"), lambda: At(do, epoch=4), lambda: fastnn.config.set_epsilon(before))
    finally:
        fastnn.config.set_epsilon(before)
    assert plan(model).ready and plan(model).ready.runs < 25       # of 49 steps: those since the change


def test_layers_that_come_and_go():
    def run(eager):
        fastnn.utils.set_random_seed(1)
        model, found = net()(), []
        for change in (lambda: None, lambda: model.add(layers.Dense(1)), model.pop):
            change()
            model.compile("sgd", "mse", run_eagerly=eager)
            found.append(repr(model.fit(X, Y, batch_size=8, epochs=4, verbose=0).history))
            found.append(model.predict_on_batch(X).tobytes())
            model.predict(X, verbose=0), model.predict(X, verbose=0), model.predict(X, verbose=0)
        return found
    assert run(True) == run(False)


def test_prediction_sees_a_layer_that_was_added():
    model = net()()
    for _ in range(6):
        model.predict_on_batch(X)
    assert plan(model, "predict_step").ready.runs
    model.add(layers.Rescaling(2.0))
    fresh = Sequential(model.layers)
    np.testing.assert_array_equal(model.predict_on_batch(X), fresh.predict_on_batch(X))


def test_compile_forgets_plans():
    model = net()()
    model.fit(X, Y, epochs=5, verbose=0)
    assert model._plans
    model.compile("sgd", "mae")
    assert not model._plans
    model.compile("sgd", "mae", run_eagerly=True)
    model.fit(X, Y, epochs=5, verbose=0)
    assert not any(entry.ready for step in model._plans.values() for entry in step.entries.values())


# ---- Data -------------------------------------------------------------------------------------------------------

def test_inputs_that_are_targets_too():
    def run(eager):
        fastnn.utils.set_random_seed(1)
        model, found = net(outputs=6)(), []
        model.run_eagerly = eager
        for y in (X, X, X, X, X, X, X * 2, X[::-1].copy(), X):
            found.append(model.train_on_batch(X, y))
        both = np.concatenate([X, X])
        return found + [model.train_on_batch(both[k:k + 56], both[9:65]) for k in range(9)]      # they overlap
    assert run(True) == run(False)


def test_results_are_nobody_elses():
    model = net()()
    for _ in range(6):
        model.predict_on_batch(X)
    first = model.predict_on_batch(X)
    kept = first.copy()
    model.predict_on_batch(X + 1.0)
    np.testing.assert_array_equal(first, kept)
    logs = []

    class Own(Sequential):
        def train_step(self, data):
            return {**super().train_step(data), "outputs": self(data[0])}
    own = Own([layers.Input((6,)), layers.Dense(2)])
    own.compile("sgd", "mse")
    own.fit(X, X[:, :2], batch_size=8, epochs=4, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=lambda batch, seen: logs.append(seen["outputs"]))])
    assert plan(own).ready.runs and len({np.asarray(one).tobytes() for one in logs}) == len(logs)


def test_many_shapes():
    model, eager = net()(), net()()
    eager.run_eagerly = True
    eager.set_weights(model.get_weights())
    for _ in range(6):
        for n in range(1, 3 * PLANS):
            np.testing.assert_array_equal(model.predict_on_batch(X[:n]), eager.predict_on_batch(X[:n]))
    assert len(model._plans["predict_step"].entries) == PLANS


def test_unshuffled_data_that_change_between_epochs():
    data = {}

    def reset():
        data.update(x=X.copy())

    def change(model):
        data["x"] *= 0.5
    found = []
    for eager in (True, False):
        fastnn.utils.set_random_seed(1)
        reset()
        model = net()()
        model.run_eagerly = eager
        history = model.fit(data["x"], Y, batch_size=8, epochs=8, shuffle=False, verbose=0, callbacks=[At(change, epoch=5)]).history
        found.append(repr(history))
    assert found[0] == found[1] and plan(model).ready.runs


# ---- Errors -----------------------------------------------------------------------------------------------------

def labels_in_a_generator(bad, steps=20):
    y = np.arange(56) % 3
    for step in range(steps):
        labels = y.copy()
        if step == steps - 5 and bad:
            labels[5] = 7
        yield X, labels


def test_labels_out_of_range_raise_what_they_raise_op_by_op():
    found = []
    for eager in (True, False):
        fastnn.utils.set_random_seed(1)
        model = net(layers.BatchNormalization, lambda: layers.Dropout(0.2), loss="sparse_categorical_crossentropy", outputs=3,
                    activation="softmax", optimizer="adam")()
        model.run_eagerly = eager
        with pytest.raises(ValueError, match="label 7 at position 5") as caught:
            model.fit(labels_in_a_generator(True), verbose=0)
        state = [v.numpy().tobytes() for v in (*model.variables, *model.optimizer.variables)]
        history = model.fit(labels_in_a_generator(False), verbose=0).history
        found.append((str(caught.value), state, repr(history)))
    assert plan(model).ready.runs > 20
    assert found[0] == found[1]


def test_an_index_out_of_range_in_a_layer():
    class Rows(layers.Layer):
        def build(self, input_shape):
            self.table = self.add_weight((4, 2), "normal")

        def call(self, x):
            return ops.sum(ops.take(self.table, x, axis=0), axis=1)

    found = []
    for eager in (True, False):
        fastnn.utils.set_random_seed(1)
        model = Sequential([layers.Input((3,), dtype="int64"), Rows(name="rows")])
        model.compile("sgd", "mse", run_eagerly=eager)
        x, y = np.arange(24).reshape(8, 3) % 4, np.zeros((8, 2), "float32")
        for _ in range(6):
            model.train_on_batch(x, y)
        with pytest.raises(ValueError) as caught:
            model.train_on_batch(x + 1, y)
        found.append((str(caught.value), model.train_on_batch(x, y)))
    assert found[0] == found[1] and plan(model).ready.runs


@pytest.mark.parametrize("x, y", [(X[:, :5], Y), (X, Y[:9]), (X.astype("U"), Y), (X, None)])
def test_bad_data_after_a_plan(x, y):
    def error(model):
        with pytest.raises((ValueError, TypeError)) as caught:
            model.train_on_batch(x, y)
        return type(caught.value), str(caught.value).replace(model.name, "")
    captured, eager = net()(), net()()
    eager.run_eagerly = True
    for model in (captured, eager):
        for _ in range(6):
            model.train_on_batch(X, Y)
    assert error(captured) == error(eager)
    assert np.isfinite(captured.train_on_batch(X, Y))


def test_nan_is_reported_as_ever():
    model = net()()
    model.fit(X, Y, epochs=4, verbose=0)
    with pytest.warns(UserWarning, match="`x` holds NaN"):
        model.fit(np.full_like(X, np.nan), Y, epochs=1, verbose=0)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_exceptions_in_mid_training_leave_a_usable_model(error):
    def fail(model):
        if model.optimizer.iterations.item() == 30:
            raise error("enough")
    model = net()()
    with pytest.raises(error):
        model.fit(X, Y, batch_size=8, epochs=9, verbose=0, callbacks=[At(fail)])
    assert plan(model).ready.runs
    history = model.fit(X, Y, batch_size=8, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_ctrl_c_between_replayed_steps():
    model, data = net()(), np.repeat(X, 50, axis=0)
    model.fit(X, Y, batch_size=8, epochs=4, verbose=0)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    assert model.fit(data, np.repeat(Y, 50, axis=0), batch_size=8, epochs=100_000, verbose=0).interrupted
    timer.join()
    assert time.monotonic() - start < 60
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert np.isfinite(model.evaluate(X, Y, verbose=0))


# ---- Company ----------------------------------------------------------------------------------------------------

def test_a_tape_notices_what_a_replay_changed():
    model = net()()
    model.fit(X, Y, epochs=5, verbose=0)
    with GradientTape() as tape:
        loss = ops.mean(model(X))
    model.fit(X, Y, epochs=1, verbose=0)
    with pytest.raises(ValueError, match="changed after"):
        tape.gradient(loss, model.trainable_variables)


def test_steps_inside_a_tape_are_seen_by_it():
    model = net()()
    for _ in range(6):
        model.train_on_batch(X, Y)
    runs = plan(model).ready.runs
    with GradientTape():
        model.train_on_batch(X, Y)
    assert plan(model).ready.runs == runs


def test_penalties_of_a_replayed_step_can_be_read():
    found = []
    for eager in (True, False):
        fastnn.utils.set_random_seed(1)
        model, seen = net(lambda: layers.Dense(4, activity_regularizer="l2"))(), []
        model.run_eagerly = eager
        for _ in range(9):
            model.train_on_batch(X, Y)
            seen.append([float(loss) for loss in model.losses])
        found.append(seen)
    assert found[0] == found[1] and plan(model).ready.runs and len({tuple(one) for one in seen}) == 9


def test_threads_that_predict():
    model, wrong = net()(), []
    expected = {n: model.predict_on_batch(X[:n]).tobytes() for n in (3, 8, 56)}

    def work(n):
        for _ in range(200):
            if model.predict_on_batch(X[:n]).tobytes() != expected[n]:
                wrong.append(n)
    workers = [threading.Thread(target=work, args=(n,)) for n in (3, 8, 56, 8, 56)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong and all(entry.ready.runs for entry in model._plans["predict_step"].entries.values())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_have_plans_of_their_own(copied):
    model = net()()
    model.fit(X, Y, epochs=5, verbose=0)
    twin = copied(model)
    twin.fit(X, Y, epochs=5, verbose=0)
    kept = model.get_weights()
    twin.fit(X, Y, epochs=5, verbose=0)
    assert all((a == b).all() for a, b in zip(kept, model.get_weights()))
    assert model._plans and twin._plans and model._plans["train_step"] is not twin._plans["train_step"]


def test_a_forked_child_uses_the_plans():
    model = net()()
    for _ in range(6):
        model.predict_on_batch(X)
    expected = model.predict_on_batch(X).tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if not child:
        os._exit(model.predict_on_batch(X).tobytes() != expected)
    assert os.waitpid(child, 0)[1] == 0


def test_memory_is_reused():
    model = Sequential([layers.Input((6,)), *[layers.Dense(50, activation="relu") for _ in range(6)], layers.Dense(1)])
    model.compile("sgd", "mse")
    for name, fill in (("train_step", lambda: model.train_on_batch(X, Y)), ("predict_step", lambda: model.predict_on_batch(X))):
        for _ in range(6):
            fill()
        captured = plan(model, name).ready.captured
        assert 0 < captured.reused < captured.unused
    assert captured.reused <= 2 * 56 * 50 * 4 + 128         # of a prediction: what a layer reads, and what it writes


def test_plan_summary_changes_nothing_and_names_what_runs(capsys):
    model = net(lambda: layers.Dropout(0.5), metrics=["mae"])()
    model.plan_summary()
    assert "no plans yet" in capsys.readouterr().out
    model.fit(X, Y, batch_size=8, epochs=5, verbose=0)
    state = [v.numpy().tobytes() for v in (*model.variables, *model.optimizer.variables)]
    model.plan_summary()
    text = capsys.readouterr().out
    assert all(word in text for word in ("train_step", "dropout", "rmsprop", "metrics", "without reuse", "GFLOP/s", "replayed"))
    assert state == [v.numpy().tobytes() for v in (*model.variables, *model.optimizer.variables)]
    lines = []
    model.plan_summary(print_fn=lines.append)
    assert lines[0].startswith("train_step")
    model.compile("sgd", "mse", run_eagerly=True)
    model.plan_summary()
    assert "op by op" in capsys.readouterr().out


def test_reasons_stand_in_the_summary(capsys):
    model = net(layer(lambda self, x: x if ops.sum(x) > 0 else -x))()
    model.fit(X, Y, batch_size=8, epochs=5, verbose=0)
    model.plan_summary()
    assert "op by op, because Python reads" in capsys.readouterr().out


# ---- What is refused, and what is not ---------------------------------------------------------------------------

def test_what_cannot_be_compared_is_not_replayed(tmp_path):
    table, path = np.ones(20_000), tmp_path / "numbers"
    path.write_text("1.0\n" * 200)
    for inner, told in ((layer(lambda self, x: x * float(table[0])), "too large to compare"),
                        (layer(lambda self, x: x * float(self.file.readline()), file=open(path)), "whose changes cannot be seen"),
                        (layer(lambda self, x: x * float(self.known[0]), known=[1.0] * 2_000), "2,000 items")):
        model = net(inner)()
        model.fit(X, Y, batch_size=8, epochs=3, verbose=0)
        assert told in reason(model)
    table.flags.writeable = False
    model = net(layer(lambda self, x: x * float(table[0])))()
    model.fit(X, Y, batch_size=8, epochs=3, verbose=0)
    assert plan(model).ready


def test_an_evaluation_does_not_end_the_plan_of_an_own_train_step():
    class Own(Sequential):
        def train_step(self, data):
            x, y = data
            with GradientTape() as tape:
                loss = ops.mean(ops.square(self(x, training=True) - y))
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": loss}

    model = Own([layers.Input((6,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(X, Y, batch_size=8, epochs=3, verbose=0)
    runs = plan(model).ready.runs
    model.evaluate(X, Y, verbose=0)
    model.fit(X, Y, batch_size=8, epochs=1, verbose=0)
    assert plan(model).ready.runs == runs + 7


def test_shapes_that_seldom_come_again_are_not_recorded_for_ever():
    model = net()()
    for n in np.random.default_rng(0).integers(1, 56, 2_000):
        model.predict_on_batch(X[:n])
    step = model._plans["predict_step"]
    assert len(step.entries) == PLANS
    kept = list(step.entries)
    for n in np.random.default_rng(1).integers(1, 56, 500):
        model.predict_on_batch(X[:n])
    assert list(step.entries) == kept


def test_an_optimizer_that_was_built_before_the_first_step():
    model = Sequential([layers.Input((6,)), layers.Dense(1)])
    model.compile(fastnn.optimizers.Adam(), "mse", metrics=["mae"])
    model.optimizer.build(model.trainable_variables)
    model.predict(X, verbose=0)
    for _ in range(6):
        model.fit(X, Y, batch_size=56, verbose=0)
    assert plan(model).ready.runs > 0
