"""fit, evaluate, predict: data of every kind, options, logs."""
import gc
import tracemalloc
import warnings

import numpy as np
import pytest

import fastnn
from fastnn import callbacks, layers, ops
from fastnn._core import launch as core
from fastnn.models import Model, Sequential
from fastnn.models.data_adapter import ArrayBatches
from fastnn.tape import GradientTape

from .helpers import compiled, data, net


def weights(model):
    return [w.copy() for w in model.get_weights()]


def same(a, b):
    return all(np.array_equal(v, w) for v, w in zip(a, b))


# ---- Data -------------------------------------------------------------------------------------------------------

def trained(x, y, **arguments):
    """The weights after two epochs from the same beginning."""
    model = compiled()
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape).astype("float32") for w in model.get_weights()])
    model.fit(x, y, epochs=2, shuffle=False, verbose=0, **arguments)
    return weights(model)


class Frame:
    """What a pandas frame looks like to us."""

    def __init__(self, values):
        self.values = values
        self.shape = values.shape

    def __array__(self, dtype=None, copy=None):
        return self.values

    def __len__(self):
        return len(self.values)

    def __getitem__(self, column):
        raise KeyError(column)


class Batches:
    """A sequence of batches."""

    def __init__(self, x, y, size):
        self.x, self.y, self.size, self.ends = x, y, size, 0

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, i):
        if i >= len(self):
            raise IndexError(i)
        rows = slice(i * self.size, (i + 1) * self.size)
        return self.x[rows], self.y[rows]

    def on_epoch_end(self):
        self.ends += 1


def test_every_kind_of_data_trains_the_same():
    x, y = data(20)
    expected = trained(x, y, batch_size=8)
    padded = np.zeros((40, 8), "float32")
    padded[::2, ::2] = x
    kinds = {
        "lists": (x.tolist(), y.tolist()), "float64": (x.astype("float64"), y.astype("float64")),
        "tensors": (ops.convert_to_tensor(x), ops.convert_to_tensor(y)), "frames": (Frame(x), Frame(y)),
        "list of one": ([x], [y]), "strided": (padded[::2, ::2], y), "fortran": (np.asfortranarray(x), y),
        "targets of rank 1": (x, y[:, 0]), "big endian": (x.astype(">f4"), y),
    }
    for name, (a, b) in kinds.items():
        assert same(trained(a, b, batch_size=8), expected), name
    assert same(trained(Batches(x, y, 8), None), expected)
    assert same(trained(iter([batch for _ in range(2) for batch in Batches(x, y, 8)]), None, steps_per_epoch=3), expected)


def test_data_is_cast_batch_by_batch():
    seen = []

    class Look(Sequential):
        def train_step(self, batch):
            seen.append([t.dtype for t in batch])
            return super().train_step(batch)

    for dtype, targets, expected in [("uint8", "int64", ["float32", "int64"]), ("float64", "uint8", ["float32", "int32"]),
                                     ("bool", "float64", ["float32", "float32"]), ("int64", "bool", ["float32", "float32"])]:
        for shuffle in (True, False):
            model = Look([layers.Input((3,)), layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(np.ones((4, 3), dtype), np.ones((4, 1), targets), verbose=0, shuffle=shuffle)
            assert seen.pop() == expected, dtype


def test_integers_stay_integers_for_a_model_that_wants_them():
    class Rows(Model):
        def build(self, shape):
            self.table = self.add_weight(shape=(5, 2), name="table")

        def call(self, x):
            assert x.dtype == "int32"
            return ops.sum(ops.take(self.table, x, axis=0), axis=1)

    model = Rows()
    assert model.predict(np.array([[1, 2], [0, 4]], "int32"), verbose=0).shape == (2, 2)
    stack = Sequential([layers.Input((2,), dtype="int32"), layers.Flatten()])
    assert stack.predict(np.ones((3, 2), "int64"), verbose=0).dtype == "int32"


def test_generators():
    x, y = data(24)

    def forever():
        while True:
            yield from Batches(x, y, 6)

    model = compiled()
    history = model.fit(forever(), steps_per_epoch=4, epochs=3, validation_data=forever(), validation_steps=2, verbose=0)
    assert len(history.history["loss"]) == len(history.history["val_loss"]) == 3
    assert history.params["steps"] == 4
    assert model.predict(forever(), steps=2, verbose=0).shape == (12, 1)
    np.testing.assert_allclose(model.evaluate(forever(), steps=4, verbose=0), model.evaluate(x, y, verbose=0), rtol=1e-5)
    assert model.predict((x[i:i + 1] for i in range(3)), verbose=0).shape == (3, 1)
    with pytest.warns(UserWarning, match="ran out after 4 of 9"):
        model.fit((Batches(x, y, 6)[i] for i in range(4)), steps_per_epoch=9, verbose=0)


def test_a_generator_that_has_ended_ends_the_training():
    x, y = data(24)
    model, epochs = compiled(), []
    with pytest.warns(UserWarning, match="a generator is read once"):
        history = model.fit((Batches(x, y, 6)[i] for i in range(4)), epochs=3, verbose=0,
                            callbacks=[callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(logs["loss"]))])
    assert len(epochs) == len(history.history["loss"]) == 1
    for run in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match="no batches"):
            run(iter([]), verbose=0)


def test_evaluation_takes_all_data_after_a_training_that_was_stopped(capsys):
    x, y = data(96)
    model = compiled()
    stop = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True))
    assert len(model.fit(x, y, epochs=5, verbose=0, callbacks=[stop]).epoch) == 1
    assert model.evaluate(x, y, verbose=1) == model.evaluate(x, y, verbose=0)
    assert model.predict(x, verbose=1).shape == (96, 1)


def test_arrays_that_are_not_aligned():
    x, y = data(24)
    shifted = np.empty(x.nbytes + 1, "uint8")[1:].view("float32").reshape(x.shape)
    shifted[...] = x
    assert not shifted.flags.aligned and same(trained(shifted, y), trained(x, y))


def test_a_sequence_is_told_of_the_end_of_epochs_and_may_begin_anew():
    x, y = data(24)
    batches = Batches(x, y, 6)
    compiled().fit(batches, epochs=3, verbose=0)
    assert batches.ends == 3
    compiled().fit(batches, epochs=2, steps_per_epoch=6, verbose=0)     # more steps than batches


def test_steps_per_epoch_goes_on_where_it_stopped():
    x, y = data(8)
    seen = []

    class Look(Sequential):
        def train_step(self, batch):
            seen.append(float(batch[0].numpy()[0, 0]))
            return super().train_step(batch)

    model = Look([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, y, batch_size=2, steps_per_epoch=3, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(np.float32(seen), x[[0, 2, 4, 6, 0, 2], 0])


def test_shuffle():
    x = np.arange(10, dtype="float32")[:, None]
    seen = []

    class Look(Sequential):
        def train_step(self, batch):
            assert np.array_equal(batch[0].numpy(), batch[1].numpy())
            seen.append(batch[0].numpy()[:, 0].tolist())
            return super().train_step(batch)

    def orders(shuffle):
        fastnn.utils.set_random_seed(5)
        model = Look([layers.Input((1,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        seen.clear()
        model.fit(x, x, batch_size=2, epochs=2, shuffle=shuffle, verbose=0)
        return [sum(seen[:5], []), sum(seen[5:], [])]

    first, second = orders(True)
    assert sorted(first) == sorted(second) == list(range(10)) and first != second != list(range(10))
    assert orders(True) == [first, second]
    assert orders(False) == [list(range(10))] * 2
    blocks = orders("batch")[0]
    assert sorted(blocks) == list(range(10)) and all(b == a + 1 for a, b in zip(blocks[::2], blocks[1::2]))


def test_validation_split_takes_the_last_samples():
    x, y = data(20)
    model = compiled()
    model.fit(x, y, validation_split=0.25, verbose=0)
    expected = model.evaluate(x[15:], y[15:], verbose=0)
    assert model.fit(x[:0:-1], y[:0:-1], epochs=0, verbose=0).history == {}
    model.optimizer.learning_rate = 0.0
    assert model.fit(x, y, validation_split=0.25, verbose=0).history["val_loss"][0] == pytest.approx(expected, rel=1e-6)


def test_loss_is_weighted_by_the_size_of_batches():
    x, y = data(10)
    model = compiled()
    expected = float(np.mean((model.predict(x, verbose=0) - y) ** 2))
    assert model.evaluate(x, y, batch_size=7, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_class_weight_is_sample_weight_by_class():
    x, _ = data(30)
    for y in (np.arange(30) % 3, np.eye(3)[np.arange(30) % 3]):
        loss = "sparse_categorical_crossentropy" if y.ndim == 1 else "categorical_crossentropy"
        one, two = (compiled(3, "softmax", loss) for _ in range(2))
        two.set_weights(one.get_weights())
        one.fit(x, y, class_weight={0: 2.0, 2: 0.5}, shuffle=False, verbose=0)
        two.fit(x, y, sample_weight=np.array([2.0, 1.0, 0.5])[np.arange(30) % 3], shuffle=False, verbose=0)
        assert same(weights(one), weights(two))


# ---- Options ----------------------------------------------------------------------------------------------------

def test_initial_epoch_and_validation_freq():
    x, y = data()
    history = compiled().fit(x, y, initial_epoch=2, epochs=6, validation_data=(x, y), validation_freq=2, verbose=0)
    assert history.epoch == [2, 3, 4, 5]
    assert len(history.history["loss"]) == 4 and len(history.history["val_loss"]) == 2
    history = compiled().fit(x, y, epochs=5, validation_data=(x, y), validation_freq=[1, 5], verbose=0)
    assert len(history.history["val_loss"]) == 2


def test_last_batch_may_be_smaller():
    x, y = data(10)
    sizes = []

    class Look(Sequential):
        def train_step(self, batch):
            sizes.append(batch[0].shape[0])
            return super().train_step(batch)

    model = Look([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert model.fit(x, y, batch_size=4, verbose=0).params["steps"] == 3
    assert sizes == [4, 4, 2]
    assert model.fit(*data(33), verbose=0).params["steps"] == 2          # 32 by default


def test_one_batch():
    x, y = data(6)
    model = compiled(metrics=["mae"])
    loss, mae = model.train_on_batch(x, y)
    assert loss > 0 and mae > 0
    model.reset_metrics()
    found = model.test_on_batch(x, y, return_dict=True)
    assert list(found) == ["loss", "mae"]
    assert found["loss"] == pytest.approx(model.evaluate(x, y, verbose=0)[0], rel=1e-6)
    np.testing.assert_array_equal(model.predict_on_batch(x), model.predict(x, verbose=0))
    before = weights(model)
    model.train_on_batch(x, y, sample_weight=np.zeros(6))
    assert same(before, weights(model))


def test_names_of_logs():
    x = data(12)[0]
    y = np.eye(3)[np.arange(12) % 3]

    def halved(y_true, y_pred):
        return ops.mean(y_pred, axis=-1) * 0.5

    model = compiled(3, "softmax", "categorical_crossentropy",
                     metrics=["accuracy", "acc", "mae", "mae", "top_k_categorical_accuracy", halved,
                              fastnn.metrics.MeanSquaredError(name="square")],
                     weighted_metrics=["mae"])
    history = model.fit(x, y, verbose=0).history
    assert list(history) == ["loss", "accuracy", "acc", "mae", "mae_1", "top_k_categorical_accuracy", "halved", "square",
                             "weighted_mae"]
    assert history["halved"][0] == pytest.approx(1 / 6, rel=1e-5)
    assert model.metrics_names == ["loss", "compile_metrics"]
    assert history["mean_absolute_error"] == history["mae"] and "mean_absolute_error" not in list(history)


@pytest.mark.parametrize("y, outputs, activation, loss, kind", [
    (np.arange(12) % 2, 1, "sigmoid", "binary_crossentropy", "BinaryAccuracy"),
    (np.arange(12) % 3, 3, "softmax", "sparse_categorical_crossentropy", "SparseCategoricalAccuracy"),
    ((np.arange(12) % 3)[:, None], 3, "softmax", "sparse_categorical_crossentropy", "SparseCategoricalAccuracy"),
    (np.eye(3)[np.arange(12) % 3], 3, "softmax", "categorical_crossentropy", "CategoricalAccuracy"),
])
def test_accuracy_goes_by_the_shapes(y, outputs, activation, loss, kind):
    x = data(12)[0]
    model = compiled(outputs, activation, "crossentropy", metrics=["accuracy", "crossentropy"])
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert type(model._compile_metrics.metrics[0]).__name__ == kind
    assert found["crossentropy"] == pytest.approx(found["loss"], rel=1e-5)
    other = compiled(outputs, activation, loss)
    other.set_weights(model.get_weights())
    assert other.evaluate(x, y, verbose=0) == pytest.approx(found["loss"], rel=1e-6)


def test_trainable_counts_when_compiled():
    x, y = data()
    model = net()
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    before = weights(model)
    model.fit(x, y, verbose=0)
    after = weights(model)
    assert same(before[:2], after[:2]) and not same(before[2:], after[2:])
    model.layers[0].trainable = True
    model.fit(x, y, verbose=0)
    assert same(before[:2], weights(model)[:2])             # not before it is compiled again
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    assert not same(before[:2], weights(model)[:2])
    model.layers[0].trainable = False
    before = weights(model)
    model.fit(x, y, verbose=0)
    assert not same(before[:2], weights(model)[:2])


# ---- Own steps --------------------------------------------------------------------------------------------------

def test_own_train_step():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.error = fastnn.metrics.Mean(name="error")

        def call(self, x):
            return self.dense(x)

        def train_step(self, batch):
            x, y = batch
            with GradientTape() as tape:
                loss = ops.mean((self(x, training=True) - y) ** 2)
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
            self.error.update_state(loss)
            return {m.name: m.result() for m in self.metrics if m.name == "error"}

        def test_step(self, batch):
            return {"twice": 2.0}

    x, y = data(40)
    model = Own()
    model.compile(optimizer=fastnn.optimizers.Adam(0.1))
    history = model.fit(x, y, epochs=20, validation_data=(x, y), verbose=0).history
    assert list(history) == ["error", "val_twice"] and history["val_twice"] == [2.0] * 20
    assert history["error"][-1] < 0.9 * history["error"][0]


def test_own_losses_and_metrics():
    class Own(Sequential):
        def compute_loss(self, x, y, y_pred, sample_weight):
            return super().compute_loss(x, y, y_pred, sample_weight) + 1.0

        def compute_metrics(self, x, y, y_pred, sample_weight):
            logs = super().compute_metrics(x, y, y_pred, sample_weight)
            logs["more"] = 3.0
            return logs

    x, y = data()
    model = Own([layers.Input((4,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert found == {"loss": pytest.approx(1 + float((y ** 2).mean()), rel=1e-5), "more": 3.0}


def test_added_losses_count():
    class Penalty(layers.Layer):
        def call(self, x):
            self.add_loss(ops.mean(x * 0.0) + 0.5)
            return x

    x, y = data()
    model = Sequential([layers.Input((4,)), Penalty(), layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    assert model.evaluate(x, y, verbose=0) == pytest.approx(0.5 + float((y ** 2).mean()), rel=1e-5)
    assert model.fit(x, y, verbose=0).history["loss"][0] == pytest.approx(0.5 + float((y ** 2).mean()), rel=1e-5)
    only = Sequential([layers.Input((4,)), Penalty(), layers.Dense(1)])
    only.compile("sgd")
    assert only.evaluate(x, verbose=0) == pytest.approx(0.5)


def test_several_outputs_of_a_model_of_ones_own():
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(1), layers.Dense(2)

        def call(self, x):
            return {"b": self.b(x), "a": self.a(x)}

    x, y = data()
    model = Two()
    model.compile("sgd", {"a": "mse", "b": "mae"}, loss_weights={"a": 2.0}, metrics={"a": ["mae"]})
    targets = {"a": y, "b": np.zeros((20, 2))}
    found = model.evaluate(x, targets, verbose=0, return_dict=True)
    assert set(found) == {"loss", "a_loss", "b_loss", "a_mae"}
    assert found["loss"] == pytest.approx(2 * found["a_loss"] + found["b_loss"], rel=1e-5)
    model.fit(x, targets, verbose=0)
    assert {name: value.shape for name, value in model.predict(x, verbose=0).items()} == {"a": (20, 1), "b": (20, 2)}


# ---- Behaviour over time ----------------------------------------------------------------------------------------

def test_interrupted_training_leaves_a_usable_model():
    class Interrupt(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyboardInterrupt

    x, y = data(64)
    model = compiled()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=8, callbacks=[Interrupt()], verbose=0)
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"][0])


def test_memory_stays_flat():
    x, y = data(16)
    model = compiled(metrics=["mae"])

    def work(fits, predictions):
        for _ in range(fits):
            model.fit(x, y, batch_size=8, verbose=0)
        for _ in range(predictions):
            model.predict(x[:2], verbose=0)
        gc.collect()
        return np.array([tracemalloc.get_traced_memory()[0], core.memory()[0]])     # Python's objects, and the tensors'

    tracemalloc.start()
    try:
        work(20, 20)
        before = work(20, 20)
        assert (work(1_000, 10_000) - before < 20_000).all()
    finally:
        tracemalloc.stop()


def test_same_seed_same_bits(threads):
    x, y = data(40)

    def run(count):
        threads(count)
        fastnn.utils.set_random_seed(3)
        model = Sequential([layers.Input((4,)), layers.Dense(16, activation="relu"), layers.Dropout(0.5), layers.Dense(1)])
        model.compile("adam", "mse")
        return model.fit(x, y, epochs=3, verbose=0).history["loss"], weights(model)

    (a, v), (b, w) = run(1), run(2)
    assert a == b and same(v, w)


def test_predict_is_safe_in_threads():
    from concurrent.futures import ThreadPoolExecutor
    model = net(3, "softmax")
    x = data(100)[0]
    expected = model.predict(x, verbose=0)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: model.predict(x, verbose=0), range(8)):
            np.testing.assert_array_equal(found, expected)


def test_nan_is_reported_by_name_and_training_goes_on():
    x, y = data()
    bad = x.copy()
    bad[3, 2] = np.nan
    model = compiled()
    with pytest.warns(UserWarning, match="the loss is NaN; `x` holds NaN.*dense"):
        history = model.fit(bad, y, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled().fit(x, y, verbose=0)


# ---- Batches that are gathered ahead ----------------------------------------------------------------------------

def wide(dtype="uint8", n=300):
    rng = np.random.default_rng(5)
    return rng.integers(0, 256, (n, 1000)).astype(dtype), rng.random((n, 1)).astype("float32")


def wide_model():
    fastnn.utils.set_random_seed(1)
    model = Sequential([layers.Input((1000,)), layers.Dense(3, activation="tanh"), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("shuffle", [True, False, "batch"])
def test_gathering_ahead_changes_no_bit(shuffle, dtype, threads):
    x, y = wide(dtype)
    found = []
    for n in (1, 2):
        threads(n)
        model = wide_model()
        model.fit(x, y, batch_size=64, epochs=3, shuffle=shuffle, verbose=0)
        found.append([w.tobytes() for w in (*model.get_weights(), model.predict(x, batch_size=64, verbose=0))])
    assert found[0] == found[1]


def test_batches_given_out_stay_as_they_are(threads):
    """Whoever keeps a batch does not find the next one in it."""
    threads(2)
    x, y = wide()
    batches = ArrayBatches(x, y, None, lambda name: "float32", batch_size=64, shuffle=True)
    np.random.seed(3)
    kept = list(batches)
    np.random.seed(3)
    order = np.random.permutation(300)
    for k, (a, b) in enumerate(kept):
        rows = order[64 * k:64 * k + 64]
        np.testing.assert_array_equal(a.data, x[rows].astype("float32"))
        np.testing.assert_array_equal(b.data, y[rows])


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_training_can_be_broken_off_while_a_batch_is_gathered(error, threads):
    threads(2)
    x, y = wide()
    model = wide_model()

    class Breaks(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise error

    for _ in range(20):
        with pytest.raises(error):
            model.fit(x, y, batch_size=64, verbose=0, callbacks=[Breaks()])
    assert len(model.fit(x, y, batch_size=64, verbose=0).history["loss"]) == 1


def test_stopping_in_the_middle_of_an_epoch(threads):
    threads(2)
    x, y = wide()
    model = wide_model()

    seen = []

    class Stops(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)
            self.model.stop_training = batch == 2

    for _ in range(20):
        model.fit(x, y, batch_size=64, verbose=0, callbacks=[Stops()])
    assert seen == [0, 1, 2] * 20
    for _ in range(20):
        batches = iter(ArrayBatches(x, y, None, lambda name: "float32", batch_size=64))
        first, _ = next(batches)
        batches.close()                     # while the second one is gathered
        np.testing.assert_array_equal(first.data, x[:64])


@pytest.mark.parametrize("build", [True, False])
def test_rescaling_reads_bytes_as_they_are(build, rng):
    """Pictures are gathered as bytes and become floats in one pass, the first layer's."""
    x, y = rng.integers(0, 256, (40, 8, 8, 3)).astype("uint8"), rng.random((40, 1)).astype("float32")
    models = []
    for scale in (1 / 127.5, np.full(3, 1 / 127.5)):        # one number for all, and one for each channel: the general way
        fastnn.utils.set_random_seed(2)
        first = [layers.Input((8, 8, 3))] if build else []
        models.append(Sequential([*first, layers.Rescaling(scale, offset=-1.0), layers.Flatten(), layers.Dense(1)]))
        models[-1].compile("sgd", "mse")
    losses = [m.fit(x, y, epochs=2, shuffle=False, verbose=0).history["loss"] for m in models]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    with core.recording() as calls:
        models[0].predict(x, verbose=0)
    assert not {"cast", "multiply", "add"} & {c.name for c in calls}
    assert [c.args[0].dtype for c in calls if c.name == "rescale"] == ["uint8", "uint8"]
    np.testing.assert_array_equal(models[0].predict(x, verbose=0), models[0].predict(x.astype("float32"), verbose=0))
