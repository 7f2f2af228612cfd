"""What is thrown into steps at every stage of their plans: errors, Ctrl-C, other threads; and what a plan holds on to."""
import gc
import os
import signal
import sys
import threading
import weakref

import numpy as np
import pytest

import fastnn
from fastnn import layers, ops
from fastnn.models import Model, Sequential, step
from fastnn.models.step import PLANS, SELDOM
from fastnn.tape import GradientTape

from tests._core.programs import run

from .replay import LABELS, X, Y, At, both_ways, check_replayed, fitted, network, own, state

LAST = 9        # steps: three are recorded, the fourth is the rehearsal, the others are replayed
CLASSES = dict(outputs=3, activation="softmax", loss="sparse_categorical_crossentropy", metrics=lambda: ["accuracy"], optimizer="adam")


# ---- Errors in a step, at every stage ---------------------------------------------------------------------------

def attempt(function, *arguments):
    """What a function returned; or the error, as class and message."""
    try:
        return function(*arguments)
    except (ValueError, TypeError, RuntimeError, IndexError, KeyboardInterrupt) as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("at", range(LAST))
@pytest.mark.parametrize("layer", [layers.BatchNormalization, lambda: layers.Dropout(0.5)], ids=["batch norm", "dropout"])
def test_a_label_out_of_range(layer, at):
    """The error, and all that the launches before it have changed (statistics, masks, metrics), is as op by op."""
    def work(model):
        found = []
        for k in range(LAST + 6):
            labels = LABELS.copy()
            labels[5] = 7 if k == at else labels[5]
            found += [attempt(model.train_on_batch, X, labels), state(model), attempt(model.test_on_batch, X, labels), state(model)]
        return found

    model, _ = both_ways(network(layer, **CLASSES), work)
    check_replayed(model, "train_step", "test_step")


@pytest.mark.parametrize("at", [2, 8])
def test_a_label_out_of_range_in_a_shuffled_fit(at):
    """Batches of replayed steps lie in memory that is used again; the data are checked beforehand, so a callback spoils them."""
    def work(model):
        labels = LABELS.copy()

        def spoil(model):
            labels[:] = 7
        found = [attempt(lambda: model.fit(X, labels, batch_size=8, epochs=9, verbose=0, callbacks=[At(spoil, at * 6 + 3)]).history)]
        return [found, state(model), fitted(y=LABELS)(model)]

    model, _ = both_ways(network(layers.BatchNormalization, lambda: layers.Dropout(0.5), **CLASSES), work)
    check_replayed(model, "train_step")


class Counted(Model):
    """Counts its calls and draws numbers, and then looks rows up in a table."""

    def __init__(self):
        super().__init__(name="counted")
        self.table, self.calls = self.add_weight((4, 2), "normal"), self.add_weight((), "zeros", trainable=False)
        self.seeds = fastnn.random.SeedGenerator(1)

    def call(self, x):
        self.calls.assign_add(1.0)
        noise = fastnn.random.normal((2,), seed=self.seeds)
        return ops.sum(ops.take(self.table, x, axis=0), axis=1) + noise


@pytest.mark.parametrize("at", range(LAST))
@pytest.mark.parametrize("method", ["predict_on_batch", "predict", "train_on_batch"])
def test_an_index_out_of_range_after_launches_that_change_the_model(method, at):
    """A step that fails has counted, and drawn, once."""
    def make():
        model = Counted()
        model.compile("sgd", "mse")
        return model

    def work(model):
        x, found = np.arange(24).reshape(8, 3) % 4, []
        more, quiet = [np.ones((8, 2), "float32")] * (method == "train_on_batch"), {"verbose": 0} if method == "predict" else {}
        for k in range(LAST + 5):
            found += [attempt(lambda: getattr(model, method)(x + (k == at), *more, **quiet)), state(model), model.seeds.state.numpy()]
        return found

    model, _ = both_ways(make, work)
    check_replayed(model, f"{method.partition('_')[0]}_step")


@pytest.mark.parametrize("at", range(LAST))
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_exception_out_of_a_callback_or_a_layer(error, at):
    def stop(self, x):
        if STEPS[0] == at:
            raise error("enough")
        return x

    def once(model):
        STEPS[0] += 1

    def work(model):
        found = []
        STEPS[0] = -1
        found.append(attempt(lambda: model.fit(X, Y, batch_size=11, epochs=4, verbose=0, callbacks=[At(once)]).history)[:1])
        STEPS[0] = -1000
        return [*found, state(model), fitted()(model), model.predict(X, verbose=0)]

    STEPS = [0]
    both_ways(network(own(stop), lambda: layers.Dropout(0.4), optimizer="adam"), work)


@pytest.mark.parametrize("where", ["make_plan", "put_back", "same_bits", "release_memory", "written_by", "Footprint", "difference"])
def test_ctrl_c_inside_the_work_on_a_plan(where, monkeypatch):
    """Wherever it comes: the step has been made, or it has not, and the model goes on with the bits of a model op by op."""
    real, hits = getattr(step, where), []

    def interrupted(*arguments):
        hits.append(1)
        if len(hits) == 1:
            raise KeyboardInterrupt
        return real(*arguments)

    eager, captured = [network(lambda: layers.Dropout(0.4), optimizer="adam")() for _ in range(2)]
    eager.run_eagerly = True
    captured.set_weights(eager.get_weights())
    monkeypatch.setattr(step, where, interrupted)
    fastnn.utils.set_random_seed(1)
    for model in (eager, captured):
        model.layers[1].seed_generator.state.assign(np.array([5, 0], "uint64"))
    steps = 0
    for _ in range(20):
        attempt(captured.train_on_batch, X, Y)
        while steps < int(captured.optimizer.iterations.numpy()):
            eager.train_on_batch(X, Y)
            steps += 1
        for a, b in zip(eager.variables, captured.variables, strict=True):
            assert a.numpy().tobytes() == b.numpy().tobytes(), a.path
    assert hits and steps >= 19
    check_replayed(captured, "train_step")


def test_a_replay_that_gives_other_bits_is_never_trusted(monkeypatch):
    class Wrong:
        def __init__(self, plan, weights):
            self.plan, self.weights = plan, weights

        def run(self, arrays):
            found = self.plan.run(arrays)
            self.weights[0, 0] += 1e-6
            return found

    def work(model):
        real = step.make_plan

        def make_plan(capture, results):
            captured = real(capture, results)
            return captured._replace(plan=Wrong(captured.plan, model.layers[0].kernel.data))
        monkeypatch.setattr(step, "make_plan", make_plan)
        found = [model.train_on_batch(X, Y) for _ in range(9)]
        monkeypatch.setattr(step, "make_plan", real)
        return found

    model, said = both_ways(network(optimizer="adam"), work)
    entry, = model._plans["train_step"].entries.values()
    assert entry.ready is None and "other results" in entry.reason and len(said) == 1


# ---- Signals ----------------------------------------------------------------------------------------------------

@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_ctrl_c_at_any_moment_falls_between_two_replayed_steps():
    """The weights after an interrupt are those that the same number of steps op by op leads to."""
    found = {}
    model = network(lambda: layers.Dropout(0.4), optimizer="adam")()
    weights = model.get_weights()
    for k in range(6):
        model.fit(X, Y, batch_size=44, epochs=1, shuffle=False, verbose=0)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for k in range(12):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.002 + 0.001 * k)
                model.fit(X, Y, batch_size=44, epochs=10**6, shuffle=False, verbose=0)
            except KeyboardInterrupt:
                pass
            found[int(model.optimizer.iterations.numpy())] = bits_of(model)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    check_replayed(model, "train_step")
    eager = network(lambda: layers.Dropout(0.4), optimizer="adam", run_eagerly=True)()
    eager.set_weights(weights)
    eager.layers[1].seed_generator.state.assign(np.array([model.layers[1].seed_generator.state.numpy()[0], 0], "uint64"))
    assert len(found) > 6
    for done in range(1, max(found) + 1):
        eager.train_on_batch(X, Y)
        if done in found:
            assert found[done] == bits_of(eager), done


def bits_of(model):
    return [v.numpy().tobytes() for v in (*model.variables, *model.optimizer.variables)]


@pytest.mark.parametrize("threads_of_pool", [1, 2])
def test_a_fit_that_is_interrupted_while_a_batch_is_gathered(threads_of_pool, threads, monkeypatch):
    threads(threads_of_pool)
    monkeypatch.setattr("fastnn.models.feed.LATER", 0)      # small batches too are gathered in the background

    def work(model):
        found = []
        for k in range(12):
            found.append(attempt(lambda: model.fit(X, Y, batch_size=8, epochs=6, verbose=0, callbacks=[At(stop, 7 * k % 36)]).history)[:1])
        return [*found, fitted()(model)]

    def stop(model):
        raise KeyboardInterrupt
    check_replayed(both_ways(network(lambda: layers.Dropout(0.3), optimizer="adam"), work)[0], "train_step")


# ---- Data that are there, and then are not ----------------------------------------------------------------------

def test_a_generator_that_ends_early_or_fails():
    def batches(n, error=None):
        for k in range(n):
            yield X[k % 4 * 8:k % 4 * 8 + 8], Y[k % 4 * 8:k % 4 * 8 + 8]
        if error:
            raise error

    def work(model):
        found = [model.fit(batches(30), steps_per_epoch=9, epochs=5, verbose=0).history]
        found.append(attempt(lambda: model.fit(batches(7, RuntimeError("no more")), verbose=0).history))
        return [*found, state(model), model.fit(batches(9), verbose=0).history]

    check_replayed(both_ways(network(lambda: layers.Dropout(0.3), optimizer="adam"), work)[0], "train_step")


def test_nan_in_the_data_of_a_replayed_step():
    def work(model):
        found = fitted(epochs=4)(model)
        weights = model.get_weights()
        bad = X.copy()
        bad[3, 2] = np.nan
        found = [found, model.fit(bad, Y, batch_size=8, epochs=2, verbose=0).history, model.predict_on_batch(bad)]
        model.set_weights(weights)
        return [found, fitted()(model)]

    check_replayed(both_ways(network(), work)[0], "train_step")


def test_shapes_come_and_go():
    """Plans are bounded, and one that was not used for long makes room."""
    def work(model):
        found = []
        for _ in range(5):
            found += [model.predict_on_batch(X[:n]) for n in range(1, 2 * PLANS)]
        for n in (30, 31):
            found += [model.predict_on_batch(X[:n]) for _ in range(SELDOM + 20)]
        return found

    model, _ = both_ways(network(), work)
    entries = model._plans["predict_step"].entries
    assert len(entries) <= PLANS
    assert {key[0][0] for key, entry in entries.items() if entry.ready} >= {30, 31}


# ---- Threads, processes, memory ---------------------------------------------------------------------------------

@pytest.fixture
def beside():
    """Runs functions over and over on threads of their own, which take turns as often as they can; their errors are the test's."""
    over, errors, workers, before = threading.Event(), [], [], sys.getswitchinterval()

    def loop(function, arguments):
        try:
            while not over.is_set():
                function(*arguments)
        except BaseException as error:
            errors.append(error)

    def begin(function, *arguments):
        workers.append(threading.Thread(target=loop, args=(function, arguments)))
        workers[-1].start()

    sys.setswitchinterval(1e-6)
    yield begin
    over.set()
    for worker in workers:
        worker.join()
    sys.setswitchinterval(before)
    if errors:
        raise errors[0]


def right(model, n, expected):
    assert model.predict_on_batch(X[:n]).tobytes() == expected
    assert model.predict(X[:n], verbose=0).tobytes() == expected


def test_threads_that_predict_while_another_one_trains(beside):
    model = network(optimizer=lambda: fastnn.optimizers.SGD(0.0))()
    for n in (8, 20, 44, 44):
        beside(right, model, n, model(X[:n]).numpy().tobytes())
    model.fit(X, Y, batch_size=8, epochs=60, verbose=0)
    check_replayed(model, "train_step")


def test_threads_that_predict_while_plans_are_dropped_and_made(beside):
    model = network(lambda: layers.Dropout(0.5))()
    for n in (8, 44, 44, 44):
        beside(right, model, n, model(X[:n]).numpy().tobytes())
    for _ in range(30):
        model.layers[1].rate = 0.5
        model._plans.clear()
        for _ in range(30):
            model.predict_on_batch(X)


def test_threads_that_train_models_of_their_own():
    def train():
        model = network(layers.BatchNormalization, optimizer="adam")()
        model.set_weights(weights)
        return [model.train_on_batch(X, Y) for _ in range(60)], [w.tobytes() for w in model.get_weights()]

    weights, found = network(layers.BatchNormalization, optimizer="adam")().get_weights(), []
    expected = train()
    workers = [threading.Thread(target=lambda: found.append(train())) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [expected] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_trains_with_the_plans_of_its_parent():
    assert run("""
import hashlib, os, signal
import numpy as np, fastnn
from fastnn import layers
fastnn.config.set_num_threads(2)
import fastnn.models.feed
fastnn.models.feed.LATER = 0
x = np.random.default_rng(0).normal(size=(44, 6)).astype("f4")
model = fastnn.Sequential([layers.Input((6,)), layers.Dense(300, activation="relu"), layers.Dropout(0.3), layers.Dense(1)])
model.compile("adam", "mse")
def go():
    np.random.seed(3)
    model.fit(x, x[:, :1], batch_size=8, epochs=3, verbose=0)
    return hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).digest()
go(), go()
get, put = os.pipe()
pid = os.fork()
if not pid:
    signal.alarm(30)
    os.write(put, go())
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
print(os.read(get, 32) == go(), all(e.ready and e.ready.runs for e in model._plans["train_step"].entries.values()))
""") == "True True"


def test_a_model_with_plans_can_be_forgotten():
    model = network(lambda: layers.Dropout(0.3))()
    model.fit(X, Y, batch_size=8, epochs=8, verbose=0)
    model.predict(X, verbose=0)
    plan = next(iter(model._plans["train_step"].entries.values())).ready.captured
    seen, kernel = weakref.ref(model), weakref.ref(model.layers[0].kernel)
    assert plan
    del model, plan
    gc.collect()
    assert seen() is None and kernel() is None


def test_a_plan_that_is_dropped_lets_go_of_batches_and_weights():
    model = network()()
    data = X.copy()
    for _ in range(8):
        model.predict_on_batch(data)
    check_replayed(model, "predict_step")
    kept = weakref.ref(data)
    model.compile("sgd", "mse")
    del data
    gc.collect()
    assert kept() is None


def test_tapes_notice_every_variable_that_a_replay_changes():
    model = network(layers.BatchNormalization, optimizer=lambda: fastnn.optimizers.SGD(0.0))()
    model.fit(X, Y, batch_size=8, epochs=8, verbose=0)
    check_replayed(model, "train_step")
    for variable in (model.layers[0].kernel, model.layers[1].moving_mean):
        with GradientTape() as tape:
            tape.watch(variable)
            loss = ops.sum(variable * variable)
        runs = sum(entry.ready.runs for entry in model._plans["train_step"].entries.values())
        model.fit(X, Y, batch_size=8, epochs=1, verbose=0)
        assert sum(entry.ready.runs for entry in model._plans["train_step"].entries.values()) > runs
        with pytest.raises(ValueError, match="changed after"):
            tape.gradient(loss, variable)


def test_workspaces_are_smaller_than_what_they_replace():
    convolutions = [layers.Conv2D(6, 3, padding="same", activation="tanh") for _ in range(5)]
    model = Sequential([layers.Input((8, 8, 1)), *convolutions, layers.Flatten(), layers.Dense(1)])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(16, 8, 8, 1)).astype("float32")
    for _ in range(8):
        model.train_on_batch(x, x[:, 0, 0]), model.predict_on_batch(x)
    for name in ("train_step", "predict_step"):
        captured, = [entry.ready.captured for entry in model._plans[name].entries.values()]
        assert 0 < captured.reused <= captured.unused
    assert captured.reused <= captured.unused / 2
