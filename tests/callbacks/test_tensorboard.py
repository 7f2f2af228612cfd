"""TensorBoard: what the real one reads of its files, and that the training is none the other for it."""
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import fastnn
from fastnn import Model, Sequential, callbacks, layers, ops, optimizers
from fastnn.utils import machine

pytest.importorskip("tensorboardX")
TensorBoard = callbacks.TensorBoard
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 8, 8, 3)).astype("float32")
WORDS = RNG.integers(0, 20, (60, 4))
Y = (X.mean(axis=(1, 2, 3)) > 0).astype("int64")


@pytest.fixture(autouse=True)
def known_limits(monkeypatch, tmp_path):
    """A machine of which all is known, so that profiles measure nothing."""
    monkeypatch.setenv("FASTNN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(machine, "measure_limits", lambda threads: {"gflops": 100.0, "bandwidth": [[2**15, 80.0], [2**27, 20.0]]})
    monkeypatch.setattr(machine, "_known", {})


def convnet(**compiled):
    fastnn.utils.set_random_seed(5)
    fastnn.utils.clear_session()
    picture, words = layers.Input((8, 8, 3), name="picture"), layers.Input((4,), dtype="int32", name="words")
    x = layers.Conv2D(5, 3, activation="relu", name="conv")(picture)
    x = layers.GlobalAveragePooling2D(name="pool")(layers.BatchNormalization(name="norm")(x))
    x = layers.Concatenate(name="join")([x, layers.Flatten(name="flat")(layers.Embedding(20, 3, name="vectors")(words))])
    model = Model([picture, words], layers.Dense(2, activation="softmax", name="answer")(layers.Dropout(0.3, name="drop")(x)))
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **compiled})
    return model


def dense(units=2):
    model = Sequential([layers.Input((3,)), layers.Dense(units)])
    model.compile("sgd", "mse")
    return model


SMALL = (np.ones((20, 3), "float32"), np.ones((20, 2), "float32"))


def read(folder):
    """What the real TensorBoard makes of the event files of a folder."""
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    return module.EventAccumulator(str(folder), size_guidance=dict.fromkeys(
        (module.SCALARS, module.HISTOGRAMS, module.IMAGES, module.TENSORS), 0)).Reload()


def points(events, tag):
    return [(event.step, event.value) for event in events.Scalars(tag)]


def same(found, values, start=0):
    """Whether scalars are the values of epochs, as float32."""
    return found == [(start + step, float(np.float32(value))) for step, value in enumerate(values)]


def test_epochs_are_those_of_the_history(tmp_path):
    model = convnet()
    history = model.fit([X, WORDS], Y, epochs=3, batch_size=16, validation_split=0.2, verbose=0, callbacks=[TensorBoard(tmp_path)]).history
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    assert sorted(train.Tags()["scalars"]) == ["epoch_accuracy", "epoch_learning_rate", "epoch_loss"]
    assert sorted(validation.Tags()["scalars"]) == ["epoch_accuracy", "epoch_loss", "evaluation_accuracy_vs_iterations",
                                                    "evaluation_loss_vs_iterations"]
    for name in ("loss", "accuracy"):
        assert same(points(train, f"epoch_{name}"), history[name])
        assert same(points(validation, f"epoch_{name}"), history[f"val_{name}"])
        assert [step for step, _ in points(validation, f"evaluation_{name}_vs_iterations")] == [3, 6, 9]
        assert [value for _, value in points(validation, f"evaluation_{name}_vs_iterations")] == \
            [value for _, value in points(validation, f"epoch_{name}")]
    assert same(points(train, "epoch_learning_rate"), [0.001] * 3)


class Notes(callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


@pytest.mark.parametrize("freq, each", [("batch", 1), (1, 1), (4, 1), (4, 3)])
def test_batches(tmp_path, freq, each):
    notes, board = Notes(), TensorBoard(tmp_path, update_freq=freq, write_steps_per_second=True)
    model = convnet(steps_per_execution=each)
    model.fit([X, WORDS], Y, epochs=2, batch_size=10, verbose=0, callbacks=[board, notes])
    train = read(tmp_path / "train")
    if each == 1:
        every = 1 if freq == "batch" else freq
        expected = [(step, float(np.float32(loss))) for step, loss in enumerate(notes.losses, 1) if step % every == 0]
        assert points(train, "batch_loss") == expected and len(expected) == 12 // every
    else:       # hooks are called after 3, 6, 9, 12 batches: the first ones after 4, 8, 12
        assert points(train, "batch_loss") == [(step, float(np.float32(notes.losses[step // 3 - 1]))) for step in (6, 9, 12)]
    assert [step for step, _ in points(train, "batch_accuracy")] == [step for step, _ in points(train, "batch_loss")]
    speeds = points(train, "batch_steps_per_second") + points(train, "epoch_steps_per_second")
    assert len(points(train, "epoch_steps_per_second")) == 2 and all(0 < speed < 1e6 for _, speed in speeds)


def test_a_second_fit_goes_on(tmp_path):
    board, model = TensorBoard(tmp_path, update_freq=2), dense()
    first = model.fit(*SMALL, epochs=2, batch_size=4, verbose=0, callbacks=[board]).history["loss"]
    second = model.fit(*SMALL, epochs=4, initial_epoch=2, batch_size=4, verbose=0, callbacks=[board]).history["loss"]
    train = read(tmp_path / "train")
    assert len(list((tmp_path / "train").glob("*tfevents*"))) == 2      # within the same second, too
    assert [step for step, _ in points(train, "batch_loss")] == list(range(2, 21, 2))
    assert same(points(train, "epoch_loss"), first + second)


def test_several_optimizers_and_none(tmp_path):
    model = Sequential([layers.Input((3,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")])
    rules = optimizers.OptimizerMap(optimizers.SGD(0.5, name="main"), {"b/.*": optimizers.Adam(0.1, name="slow")})
    model.compile(optimizers.MultiOptimizer(rules), "mse")
    model.fit(*SMALL, verbose=0, callbacks=[TensorBoard(tmp_path / "several")])
    train = read(tmp_path / "several" / "train")
    assert points(train, "epoch_learning_rate_main") == [(0, 0.5)] and "epoch_learning_rate_slow" in train.Tags()["scalars"]

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            return {"loss": ops.mean(self(data[0])), "many": ops.ones((3,))}

    model = Own()
    model.compile()
    model.optimizer = None
    model.fit(*SMALL, epochs=2, batch_size=10, verbose=0, callbacks=[TensorBoard(tmp_path / "none", update_freq=1)])
    train = read(tmp_path / "none" / "train")
    assert sorted(train.Tags()["scalars"]) == ["batch_loss", "epoch_loss"] and len(points(train, "batch_loss")) == 4


def test_evaluate_alone_and_hooks_by_hand(tmp_path):
    model = dense()
    model.fit(*SMALL, batch_size=5, verbose=0)
    loss = model.evaluate(*SMALL, verbose=0, callbacks=[TensorBoard(tmp_path / "a")])
    assert points(read(tmp_path / "a" / "validation"), "evaluation_loss_vs_iterations") == [(4, float(np.float32(loss)))]
    board = TensorBoard(tmp_path / "b")     # as scripts with `train_on_batch` do it
    board.set_model(model)
    for epoch in range(3):
        board.on_epoch_end(epoch, {"loss": 0.5 * epoch, "val_loss": 2.0})
    assert points(read(tmp_path / "b" / "train"), "epoch_loss") == [(0, 0), (1, 0.5), (2, 1)]      # not closed yet
    assert points(read(tmp_path / "b" / "validation"), "epoch_loss") == [(0, 2), (1, 2), (2, 2)]


def test_own_summaries_and_own_hooks(tmp_path):
    class Own(TensorBoard):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.train_writer.add_scalar("mine", 2.0 * batch, batch)

    board = Own(tmp_path)
    dense().fit(*SMALL, batch_size=4, verbose=0, callbacks=[board])
    board.val_writer.add_text("note", "after the training")
    board.train_writer.add_scalars("two", {"a": 1.0}, 0)
    board.close()
    train = read(tmp_path / "train")
    assert points(train, "mine") == [(0, 0), (1, 2), (2, 4), (3, 6), (4, 8)] and "batch_loss" not in train.Tags()["scalars"]
    assert "note/text_summary" in read(tmp_path / "validation").Tags()["tensors"]


# ---- A run that fails, or is killed -----------------------------------------------------------------------------

def test_what_was_written_is_there_when_training_fails(tmp_path):
    class Fails(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations.numpy() == 7:
                raise RuntimeError("stop")

    board, model = TensorBoard(tmp_path, update_freq=1), dense()
    with pytest.raises(RuntimeError, match="stop"):
        model.fit(*SMALL, epochs=3, batch_size=4, verbose=0, callbacks=[board, Fails()])
    assert [step for step, _ in points(read(tmp_path / "train"), "batch_loss")] == [1, 2, 3, 4, 5, 6, 7]
    old = board._writers["train"].file_writer
    model.fit(*SMALL, epochs=1, batch_size=4, verbose=0, callbacks=[board])
    assert old.closed and not board._writers
    assert [step for step, _ in points(read(tmp_path / "train"), "batch_loss")] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]


KILLED = """
import os, signal, sys, numpy as np
from fastnn import Sequential, callbacks, layers

class Killer(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations.numpy() == 9:
            os.kill(os.getpid(), signal.SIGKILL)

model = Sequential([layers.Input((3,)), layers.Dense(2)])
model.compile("sgd", "mse")
model.fit(np.ones((20, 3)), np.ones((20, 2)), epochs=9, batch_size=4, verbose=0,
          callbacks=[callbacks.TensorBoard(sys.argv[1], update_freq=1, histogram_freq=1), Killer()])
"""


def test_a_killed_run_leaves_all_that_it_has_told(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode < 0
    train = read(tmp_path / "train")
    assert [step for step, _ in points(train, "batch_loss")] == list(range(1, 10))
    assert [step for step, _ in points(train, "epoch_loss")] == [0] and train.Histograms("dense/bias/histogram")[0].step == 0


def test_without_tensorboardX(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'fastnn\[tensorboard\]'"):
        TensorBoard()


# ---- Weights ----------------------------------------------------------------------------------------------------

def test_histograms_images_and_gradients(tmp_path):
    model, notes = convnet(), {}

    class Looks(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            notes[epoch] = {v.path: v.numpy().copy() for v in self.model.weights}, \
                {v.path: g for v, g in self.model.gradients_of(self.last_batch())}

    model.fit([X, WORDS], Y, epochs=5, batch_size=16, verbose=0,
              callbacks=[TensorBoard(tmp_path, histogram_freq=2, write_images=True, write_grads=True), Looks()])
    train = read(tmp_path / "train")
    assert {f"{v.path}/histogram" for v in model.weights} | {f"{v.path}/gradient/histogram" for v in model.trainable_weights} == \
        set(train.Tags()["histograms"])
    for epoch, (weights, gradients) in notes.items():
        for tag, value in [*((f"{p}/histogram", w) for p, w in weights.items()), *((f"{p}/gradient/histogram", g) for p, g in gradients.items())]:
            events = {event.step: event.histogram_value for event in train.Histograms(tag)}
            assert list(events) == [0, 2, 4]
            if epoch % 2 == 0:
                found = events[epoch]
                assert found.num == value.size == sum(found.bucket) and found.min == value.min() and found.max == value.max()
                assert np.isclose(found.sum, value.sum(dtype="float64")) and np.isclose(found.sum_squares, np.square(value, dtype="float64").sum())
    sizes = {tag: [(event.step, event.width, event.height) for event in train.Images(tag)] for tag in train.Tags()["images"]}
    assert sizes["conv/kernel/image"] == [(step, 3 * 3 + 2, 2 * 3 + 1) for step in (0, 2, 4)]     # five tiles of 3x3 in color
    assert sizes["vectors/embeddings/image"][0] == (0, 20, 3) and sizes["answer/bias/image"][0] == (0, 2, 1)


def test_weights_that_are_no_numbers(tmp_path):
    model = dense()
    model.layers[0].kernel.assign(np.full((3, 2), np.nan))
    model.layers[0].bias.assign([np.inf, 1.0])
    board = TensorBoard(tmp_path, histogram_freq=1, write_images=True)
    board.set_model(model)
    with pytest.warns(UserWarning, match="NaN"):
        board.on_epoch_end(0, {"loss": float("nan")})
    train = read(tmp_path / "train")
    bias, = train.Tags()["histograms"]
    assert train.Histograms(bias)[0].histogram_value.num == 1 and len(train.Tags()["images"]) == 1


# ---- The graph --------------------------------------------------------------------------------------------------

EDGES = {"picture": [], "words": [], "conv": ["picture"], "norm": ["conv"], "pool": ["norm"], "vectors": ["words"], "flat": ["vectors"],
         "join": ["pool", "flat"], "drop": ["join"], "answer": ["drop"]}


def test_the_graph_that_tensorboard_reads(tmp_path):
    model = convnet()
    board = TensorBoard(tmp_path)
    for _ in range(2):
        model.fit([X, WORDS], Y, verbose=0, callbacks=[board])
    train = read(tmp_path / "train")
    graph = train.Graph()
    assert {node.name: list(node.input) for node in graph.node} == EDGES
    conv = next(node for node in graph.node if node.name == "conv")
    assert conv.op == "Conv2D" and conv.attr["filters"].s == b"5"
    assert [side.size for side in conv.attr["_output_shapes"].list.shape[0].dim] == [-1, 6, 6, 5]
    keras = pytest.importorskip("tensorboard.plugins.graph.keras_util")
    config = json.loads(train.Tensors("keras")[0].tensor_proto.string_val[0])
    assert train.SummaryMetadata("keras").plugin_data.plugin_name == "graph_keras_model"
    assert {node.name: [name.removeprefix("functional/") for name in node.input] for node in keras.keras_model_to_graph_def(config).node} == {
        f"functional/{name}": inputs for name, inputs in EDGES.items()}
    dense().fit(*SMALL, verbose=0, callbacks=[TensorBoard(tmp_path / "without", write_graph=False)])
    assert not read(tmp_path / "without" / "train").Tags()["graph"]


def test_models_without_graph(tmp_path, recwarn):
    class Own(Model):
        def __init__(self, width):
            super().__init__()
            self.dense = layers.Dense(width)

        def call(self, x):
            return self.dense(x)

    class Odd(layers.Dense):
        def get_config(self):
            raise RuntimeError("no")

    for model, warnings in ((Own(2), 0), (Sequential([layers.Input((3,)), Odd(2)]), 1)):
        model.compile("sgd", "mse")
        folder = tmp_path / str(warnings)
        model.fit(*SMALL, verbose=0, callbacks=[TensorBoard(folder)])
        assert len([w for w in recwarn if "graph is not written" in str(w.message)]) == warnings
        assert "epoch_loss" in read(folder / "train").Tags()["scalars"] and not read(folder / "train").Tags()["graph"]


# ---- The projector ----------------------------------------------------------------------------------------------

def projector(folder):
    """The projector's config, read as TensorBoard reads it."""
    config = pytest.importorskip("tensorboard.plugins.projector.projector_config_pb2").ProjectorConfig()
    pytest.importorskip("google.protobuf.text_format").Parse((folder / "projector_config.pbtxt").read_text(), config)
    return config.embeddings


@pytest.mark.parametrize("given", ["labels.tsv", {"vectors": "labels.tsv"}, None])
def test_projector(tmp_path, given):
    plugin = pytest.importorskip("tensorboard.plugins.projector.projector_plugin")
    (tmp_path / "labels.tsv").write_text("".join(f"word {i}\n" for i in range(20)))
    kept = dict(given) if isinstance(given, dict) else given
    model, board = convnet(), TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata=given)
    for _ in range(2):
        model.fit([X, WORDS], Y, epochs=1, verbose=0, callbacks=[board])
    entry, = projector(tmp_path / "train")
    assert entry.tensor_name == "vectors" and given == kept
    read_values = plugin._read_tensor_tsv_file(str(tmp_path / "train" / entry.tensor_path))
    assert np.array_equal(read_values, model.get_layer("vectors").embeddings.numpy())
    assert bool(entry.metadata_path) == (given is not None)
    if given is not None:
        config = str(tmp_path / "train" / "projector_config.pbtxt")
        assert (tmp_path / "labels.tsv").read_text() == open(plugin._rel_to_abs_asset_path(entry.metadata_path, config)).read()


def test_labels_that_do_not_fit(tmp_path):
    with pytest.raises(ValueError, match="'nobody' is no Embedding layer.*vectors"):
        convnet().fit([X, WORDS], Y, verbose=0, callbacks=[TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"nobody": "a"})])
    with pytest.warns(UserWarning, match="there is no file of labels"):
        convnet().fit([X, WORDS], Y, verbose=0, callbacks=[TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata="missing.tsv")])
    (tmp_path / "few.tsv").write_text("a\tb\n1\t2\n")
    with pytest.warns(UserWarning, match="1 labels for 20 embeddings"):
        convnet().fit([X, WORDS], Y, verbose=0, callbacks=[TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata="few.tsv")])


# ---- The profile ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("given, first", [(2, 2), ((3, 5), 3), ("2,4", 2)])
def test_profile(tmp_path, given, first):
    model = convnet()
    model.fit([X, WORDS], Y, epochs=2, batch_size=20, verbose=0, callbacks=[TensorBoard(tmp_path, profile_batch=given)])
    event, = read(tmp_path / "train").Tensors(f"profile_batch_{first}/text_summary")
    assert event.step == first and b"20 samples" in event.tensor_proto.string_val[0] and b"conv2d" in event.tensor_proto.string_val[0]
    trace = json.loads((tmp_path / "train" / f"profile_batch_{first}.trace.json").read_text())["traceEvents"]
    kernels = [event for event in trace if event["ph"] == "X" and event["tid"] == 1]
    assert len(kernels) > 20 and all(a["ts"] + a["dur"] <= b["ts"] + 0.01 for a, b in zip(kernels, kernels[1:]))
    assert {"conv forward", "conv backward", "optimizer"} <= {event["name"] for event in trace if event["ph"] == "X" and event["tid"] == 0}


# ---- Training is not disturbed ----------------------------------------------------------------------------------

def test_a_training_ends_with_the_same_bits(tmp_path):
    def train(*watching):
        model = convnet()
        history = model.fit([X, WORDS], Y, epochs=5, batch_size=16, validation_split=0.2, verbose=0, callbacks=list(watching)).history
        return history, [w.tolist() for w in model.get_weights()], [v.numpy().tolist() for v in model.optimizer.variables]

    everything = TensorBoard(tmp_path, histogram_freq=1, write_images=True, write_steps_per_second=True, update_freq=1, profile_batch=5,
                             embeddings_freq=1, write_grads=True)
    assert train() == train(everything) == train(TensorBoard(tmp_path))


def test_batches_are_not_watched_without_need():
    def watches(**arguments):
        return callbacks.CallbackList([TensorBoard(**arguments)], model=dense()).watches_batches("train")

    assert not watches() and not watches(histogram_freq=1, write_grads=True)
    assert watches(update_freq="batch") and watches(profile_batch=3) and watches(write_steps_per_second=True)


@pytest.mark.parametrize("name, bad", [
    ("update_freq", "never"), ("update_freq", 0), ("histogram_freq", -1), ("histogram_freq", True), ("embeddings_freq", 0.5),
    ("profile_batch", (5, 3)), ("profile_batch", "a,b"), ("profile_batch", -1), ("profile_batch", (1, 2, 3))])
def test_bad_arguments(name, bad):
    with pytest.raises(ValueError, match=name):
        TensorBoard(**{name: bad})


def test_older_arguments(tmp_path):
    board = TensorBoard(log_dir=str(tmp_path), histogram_freq=1, batch_size=32, write_graph=True, write_grads=True, write_images=False,
                        embeddings_freq=1, embeddings_layer_names=["vectors"], embeddings_metadata=None, embeddings_data=None)
    convnet().fit([X, WORDS], Y, verbose=0, callbacks=[board])
    assert [entry.tensor_name for entry in projector(tmp_path / "train")] == ["vectors"]
    with pytest.warns(UserWarning, match="embeddings_data"):
        TensorBoard(embeddings_data=X)
    with pytest.warns(UserWarning, match="histogram_freq"):
        TensorBoard(write_images=True)
