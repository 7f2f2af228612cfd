"""profile_step: every launch has its row, with the right op, layer and work; the model is as it was."""
import random
import threading

import numpy as np
import pytest

import fastnn
from fastnn import layers, ops
from fastnn.device import recording
from fastnn.models import Model, Sequential
from fastnn.tape import Record
from fastnn.utils import machine


LIMITS = {"gflops": 100.0, "bandwidth": [[2**15, 80.0], [2**27, 20.0]]}


@pytest.fixture(autouse=True)
def known_limits(monkeypatch, tmp_path):
    """A machine of which all is known, so that nothing is measured."""
    monkeypatch.setenv("FASTNN_HOME", str(tmp_path))
    monkeypatch.setattr(machine, "measure_limits", lambda threads: LIMITS)
    monkeypatch.setattr(machine, "_known", {})


def images(n=12, classes=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 8, 8, 2)).astype("float32"), rng.integers(0, classes, n)


def convnet():
    model = Sequential([
        layers.Input((8, 8, 2)), layers.Conv2D(4, 3, name="conv"), layers.BatchNormalization(name="norm"), layers.Activation("relu", name="act"),
        layers.MaxPooling2D(2, name="pool"), layers.Flatten(name="flat"), layers.Dropout(0.5, name="drop"),
        layers.Dense(5, activation="relu", kernel_regularizer="l2", name="hidden"), layers.Dense(3, activation="softmax", name="out"),
    ], name="net")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Block(layers.Layer):
    """Ops of its own around a layer inside."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(4, name="inner")

    def call(self, x):
        return ops.exp(self.inner(ops.tanh(x))) + x


class Net(Model):
    def __init__(self):
        super().__init__(name="own")
        self.block, self.drop, self.out = Block(name="block"), layers.Dropout(0.3), layers.Dense(1, name="last")

    def call(self, x):
        return self.out(self.drop(ops.sin(self.block(x))))


def net():
    model = Net()
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def vectors(n=12):
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 4)).astype("float32"), rng.normal(size=(n, 1)).astype("float32")


def profile(model, x, y, **options):
    return model.profile_step(x, y, **{"batch_size": 6, "steps": 2, **options})


# ---- Rows -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("make, data", [(convnet, images), (net, vectors)])
def test_every_launch_has_its_row(make, data):
    model, (x, y) = make(), data()
    found = profile(model, x, y)
    model.train_on_batch(x[:6], y[:6])
    batch = next(iter(model._epochs(x[:6], y[:6], None, 6).batches))
    with recording() as calls:
        model.train_step(batch)
    fed = [row.kernel for row in found.rows if row.layer == "feeding"]
    assert [row.kernel for row in found.rows] == fed + [c.name for c in calls]
    assert all(row.us > 0 and row.bytes > 0 for row in found.rows)
    assert sum(row.share for row in found.rows) * found.step_us == pytest.approx(found.kernel_us)


def test_layers_and_phases():
    rows = profile(convnet(), *images()).rows
    at = {}
    for row in rows:
        at.setdefault((row.layer, row.phase), []).append(row.op)
    assert at["conv", "forward"] == ["conv2d"]
    assert sorted(at["conv", "backward"]) == ["bias_grad", "conv2d_backward_weights"]
    assert at["pool", "backward"] == ["max_pool2d_grad"]
    assert at["drop", "forward"] == ["dropout_forward"] and at["drop", "backward"] == ["dropout_grad"]
    assert "batch_norm" in at["norm", "forward"] and "batch_norm_grad" in at["norm", "backward"]
    assert at["hidden", "forward"] == ["dense"] and at["hidden", "backward"].count("matmul") == 2
    assert at["out", "forward"] == ["dense", "softmax"]
    assert "sparse_crossentropy" in at["loss", "loss"] and "penalty" in at["loss", "loss"]
    assert "sparse_crossentropy_grad" in at["loss", "backward"] and "penalty_grad" in at["loss", "backward"]
    assert at["optimizer", "optimizer"] == ["adam"]
    assert "match_class" in at["metrics", "metrics"]
    assert set(at["feeding", "feeding"]) == {"gather_rows"}
    assert {layer for layer, _ in at} == {"conv", "norm", "act", "pool", "drop", "hidden", "out", "loss", "optimizer", "metrics", "feeding"} - {"act"}      # part of norm


def test_layers_inside_layers_and_ops_outside_of_any():
    rows = profile(net(), *vectors()).rows
    places = {(row.op, row.phase): (row.layer, row.path) for row in rows if row.phase in ("forward", "backward")}
    assert places["tanh", "forward"] == places["exp", "forward"] == ("block", "block")
    assert [row.path for row in rows if row.op == "multiply"][-1] == "block"        # dy * exp
    assert [row.path for row in rows if row.op == "dense"] == ["block/inner", "last"]
    assert places["sin", "forward"] == ("own", "own") and places["cos", "backward"] == ("own", "own")


def test_layers_that_run_as_part_of_another_are_named():
    found = profile(convnet(), *images())
    assert found.absorbed == {"norm": ["act"]}
    assert str(found).endswith("Computed as part of the layer before: act in norm.")
    assert "Computed" not in str(profile(net(), *vectors()))


def test_predictions():
    model, (x, _) = convnet(), images()
    rows = profile(model, x, None, training=False).rows
    assert [row.op for row in rows if row.layer != "feeding"] == ["conv2d", "batch_norm_inference", "max_pool2d_forward", "dense",
                                                                 "dense", "softmax"]
    uncompiled = Sequential([layers.Input((4,)), layers.Dense(2)])
    assert [row.op for row in profile(uncompiled, vectors()[0], None, training=False).rows][-1] == "dense"


def test_work_of_products_and_convolutions():
    rows = profile(convnet(), *images()).rows
    conv = next(row for row in rows if row.op == "conv2d")
    assert conv.inputs[:2] == ((6, 8, 8, 2), (3, 3, 2, 4)) and conv.outputs == ((6, 6, 6, 4),)
    assert conv.flops == 2 * (6 * 6 * 6 * 4) * (3 * 3 * 2)
    assert conv.bytes == 4 * (6 * 8 * 8 * 2 + 3 * 3 * 2 * 4 + 4 + 6 * 6 * 6 * 4)
    hidden = next(row for row in rows if row.layer == "hidden")
    assert hidden.flops == 2 * 6 * 36 * 5
    assert hidden.bytes == 4 * (6 * 36 + 36 * 5 + 5 + 6 * 5)
    assert hidden.gflops == pytest.approx(hidden.flops / hidden.us / 1e3)
    adam = next(row for row in rows if row.op == "adam")
    weights = sum(v.size for v in convnet().trainable_variables)
    assert adam.flops == 11 * weights and 4 * 7 * weights <= adam.bytes < 4 * 7 * weights + 64      # w, m, v read and written, g read
    fed = next(row for row in rows if row.layer == "feeding")
    assert fed.bytes <= 2 * 4 * (6 * 8 * 8 * 2) + 8 * 6


def test_the_limit_is_the_slower_of_arithmetic_and_memory():
    limits = machine.machine_limits()
    rows = profile(convnet(), *images()).rows
    conv = next(row for row in rows if row.op == "conv2d")
    assert conv.limit_us == pytest.approx(max(conv.flops / 100e3, conv.bytes / (limits.gbs(conv.bytes) * 1e3)))
    assert conv.arithmetic == (conv.flops / 100e3 > conv.bytes / (limits.gbs(conv.bytes) * 1e3))
    adam = next(row for row in rows if row.op == "adam")
    assert not adam.arithmetic and adam.limit_us == pytest.approx(adam.bytes / 80e3)     # what 32 KB of cache give
    assert adam.limit == pytest.approx(adam.limit_us / adam.us)


# ---- Nothing changes --------------------------------------------------------------------------------------------

def state(model):
    variables = [*model.variables, *model.optimizer.variables, *[v for m in model.metrics for v in m.variables]]
    return [v.numpy() for v in variables] + [np.random.get_state()[1], np.array(random.getstate()[1])]


def same(a, b):
    return len(a) == len(b) and all(x.shape == y.shape and x.tobytes() == y.tobytes() for x, y in zip(a, b))


@pytest.mark.parametrize("make, data", [(convnet, images), (net, vectors)])
@pytest.mark.parametrize("trained", [False, True])
def test_training_goes_on_as_if_nothing_had_been(make, data, trained):
    found = []
    for profiled in (False, True):
        fastnn.utils.set_random_seed(3)
        fastnn.utils.clear_session()
        model, (x, y) = make(), data()
        if trained:
            model.fit(x, y, batch_size=6, verbose=0)
        if profiled:
            profile(model, x, y)
            profile(model, x, y, training=False)
        history = model.fit(x, y, batch_size=6, epochs=2, verbose=0)
        layer = layers.Dense(3)         # draws its seed from the global ones
        layer.build((None, 3))
        found.append(state(model) + [np.array(history.history["loss"]), layer.get_weights()[0]])
    assert same(*found)


def test_all_is_put_back_at_once():
    model, (x, y) = convnet(), images()
    model.fit(x, y, batch_size=6, verbose=0)
    before, attributes = state(model), [dict(vars(layer)) for layer in model._flatten_layers()]
    losses = len(model.losses)
    profile(model, x, y)
    assert same(before, state(model))
    assert [dict(vars(layer)) for layer in model._flatten_layers()] == attributes and len(model.losses) == losses
    assert "compute_loss" not in vars(model) and "apply" not in vars(model.optimizer)


def replaced():
    """What a profile puts others in the place of."""
    return fastnn.op.watcher, Record.__init__, Record.gradients, layers.Layer.__call__


def test_all_is_put_back_after_an_error():
    class Fails(Net):
        def train_step(self, data):
            super().train_step(data)
            self.taken = getattr(self, "taken", 0) + 1
            if self.taken == 3:
                raise KeyError("third")

    model, (x, y) = Fails(), vectors()
    model.compile("sgd", "mse", metrics=["mae"])
    model.predict(x, verbose=0)
    before, functions = model.get_weights(), replaced()
    with pytest.raises(KeyError, match="third"):
        profile(model, x, y)
    assert same(before, model.get_weights()) and not hasattr(model, "taken")
    assert functions == replaced()


class Pair(Model):
    """Two optimizers of its own, each for a part, as adversarial networks have them."""

    def __init__(self):
        super().__init__()
        self.one, self.two = layers.Dense(3), layers.Dense(3)
        self.first, self.others = fastnn.optimizers.Adam(), {"second": fastnn.optimizers.RMSprop()}

    def call(self, x):
        return self.two(self.one(x))

    def train_step(self, data):
        for optimizer, layer in ((self.first, self.one), (self.others["second"], self.two)):
            with fastnn.GradientTape() as tape:
                loss = self.compute_loss(*data, self(data[0], training=True))
            optimizer.apply_gradients(zip(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables))
        return {"loss": loss}


def test_optimizers_that_are_attributes_are_put_back():
    model, x = Pair(), np.ones((8, 4), "float32")
    model.compile(loss="mse")
    model.fit(x, x[:, :3], verbose=0)
    variables = [*model.variables, *model.first.variables, *model.others["second"].variables]
    before = [v.numpy().tolist() for v in variables]
    model.profile_step(x, x[:, :3], steps=2)
    assert [v.numpy().tolist() for v in variables] == before and len(before) == 4 + 6 + 4


def test_traces():
    profile = convnet().profile_step(*images(), steps=2)
    spans = [event for event in profile.trace()["traceEvents"] if event["ph"] == "X"]
    kernels, parts = ([span for span in spans if span["tid"] == line] for line in (1, 0))
    assert [span["name"] for span in kernels] == [row.op for row in profile.rows]
    assert np.allclose([span["dur"] for span in kernels], [row.us for row in profile.rows], atol=1e-3)
    assert np.isclose(kernels[-1]["ts"] + kernels[-1]["dur"], sum(row.us + row.wait_us for row in profile.rows), atol=1e-2)
    assert {"hidden forward", "hidden backward", "loss", "optimizer"} <= {span["name"] for span in parts}
    for part in parts:
        inside = [span for span in kernels if part["ts"] <= span["ts"] and span["ts"] + span["dur"] <= part["ts"] + part["dur"] + 1e-2]
        assert inside and all(part["cat"] == span["cat"] for span in inside)


def test_other_threads_are_not_counted():
    model, (x, y), stop = convnet(), images(), threading.Event()
    alone = [row.kernel for row in profile(model, x, y).rows]
    other = Sequential([layers.Input((4,)), layers.Dense(2)])

    def work():
        while not stop.is_set():
            other.predict(vectors()[0], verbose=0)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert [row.kernel for row in profile(model, x, y).rows] == alone
    finally:
        stop.set()
        thread.join()


def test_steps_that_differ_from_the_first_do_not_count():
    class Wavers(Net):
        def call(self, x):
            self.turn = getattr(self, "turn", 0) + 1
            return super().call(x) if self.turn % 2 else super().call(ops.tanh(x))

    model, (x, y) = Wavers(), vectors()
    model.compile("sgd", "mse")
    rows = profile(model, x, y, steps=3).rows
    assert all(row.us > 0 for row in rows)


# ---- Reports ----------------------------------------------------------------------------------------------------

def test_groups_add_up():
    found = profile(convnet(), *images())
    for by in ("layer", "kernel", "op", "phase"):
        groups = found.group(by)
        assert sum(g.launches for g in groups) == len(found.rows)
        assert sum(g.us for g in groups) == pytest.approx(found.kernel_us)
        assert sum(g.flops for g in groups) == sum(row.flops for row in found.rows)
    conv = next(g for g in found.group() if g.name == "conv")
    assert conv.forward_us + conv.backward_us == pytest.approx(conv.us)


def test_tables():
    found = profile(convnet(), *images())
    lines = found.table().splitlines()
    assert len(lines) == 2 + len(found.rows) and lines[0].split()[:3] == ["op", "layer", "shapes"]
    assert max(map(len, lines)) <= 120
    longest = max(found.rows, key=lambda row: row.us)
    assert found.table(by="time").splitlines()[2].startswith(longest.op)
    top = found.table(by="time", group="layer", top=2).splitlines()
    assert len(top) == 5 and top[-1].startswith(f"... and {len(found.group()) - 2} more")
    text = str(found)
    assert 'Training step of "net", 6 samples' in text and found.table(group="layer") in text and repr(found) == text
    assert found._repr_html_().startswith("<pre>")


@pytest.mark.parametrize("call, error, words", [
    (lambda m, x, y: m.profile_step(x, y, batch_size=0), ValueError, "batch_size"),
    (lambda m, x, y: m.profile_step(x, y, steps=0), ValueError, "steps"),
    (lambda m, x, y: m.profile_step(x), ValueError, "no targets"),
    (lambda m, x, y: m.profile_step(x, y[:5]), ValueError, "same number of samples"),
    (lambda m, x, y: m.profile_step(x, y, sample_weight=np.ones(len(y) + 1), batch_size=2), ValueError, "x has .*, sample_weight has"),
    (lambda m, x, y: profile(m, x, y).table(top=-1), ValueError, "`top` must be an integer >= 1"),
    (lambda m, x, y: m.profile_step(iter([(x, y)])), ValueError, "takes arrays.*next"),
    (lambda m, x, y: Net().profile_step(x, y), ValueError, "must be compiled before `profile_step"),
    (lambda m, x, y: profile(m, x, y).table(by="us"), ValueError, "'order' or 'time'"),
    (lambda m, x, y: profile(m, x, y).group("name"), ValueError, "'layer', 'kernel'"),
])
def test_mistakes(call, error, words):
    with pytest.raises(error, match=words):
        call(convnet(), *images())


def test_the_report_says_why_kernels_exceed_the_limit(monkeypatch):
    def above(layer, gflops):
        monkeypatch.setattr(machine, "_known", {})
        monkeypatch.setattr(machine, "measure_limits", lambda threads: {**LIMITS, "gflops": gflops})
        monkeypatch.setattr(machine, "_read", dict)
        model = Sequential([layers.Input((8, 8, 16)), layer])
        return model.profile_step(np.ones((2, 8, 8, 16), "float32"), training=False, steps=1).summary()

    assert "Above 100 %" not in above(layers.Conv2D(16, 3), 1e9) and "busy" not in above(layers.Dense(16), 1e9)
    winograd, other = above(layers.Conv2D(16, 3), 1e-3), above(layers.Conv2D(16, 1), 1e-3)
    assert "Above 100 %: Winograd" in winograd and "busy" not in winograd
    assert "Winograd" not in other and "machine_limits(measure=True)" in other
