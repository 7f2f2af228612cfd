"""Configs of older versions of Keras in the form of Keras 3."""
import base64
import copy
import io
import json
import marshal
import zipfile

import numpy as np
import pytest

import fastnn as keras
from fastnn import config as settings
from fastnn import layers, ops
from fastnn.saving import deserialize_keras_object, legacy_nodes, legacy_zip, serialize_keras_object
from fastnn.saving.hdf5 import read_hdf5
from fastnn.saving.legacy_compile import modern_compile
from fastnn.saving.legacy_config import convert, modern_config
from tests.golden import make_legacy_files as golden

STORED = np.load(golden.HERE / "legacy_files.npz")


def made(config):
    return deserialize_keras_object(modern_config(config))


def old_layer(class_name, name, inputs=(), **config):
    """A layer of a functional model, as Keras 2 wrote it."""
    return {"class_name": class_name, "config": {"name": name, **config}, "name": name, "inbound_nodes": list(inputs)}


def old_graph(*entries, inputs=(("x", 0, 0),), outputs=(("y", 0, 0),)):
    return {"class_name": "Model", "config": {"name": "old", "layers": [
        old_layer("InputLayer", name, batch_input_shape=[None, 4], dtype="float32") for name, _, _ in inputs] + list(entries),
        "input_layers": [list(one) for one in inputs], "output_layers": [list(one) for one in outputs]}}


# ---- The new form stays -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", golden.OWN)
def test_configs_of_today_stay_what_they_are(name):
    config = serialize_keras_object(golden.OWN[name](keras))
    before = copy.deepcopy(config)
    assert modern_config(config) == before == config


@pytest.mark.parametrize("file", ["zip", "zip_functional", "zip_nested"])
def test_zip_files_of_keras_2(file):
    with zipfile.ZipFile(io.BytesIO(STORED[f"keras2_{file}.keras/file"].tobytes())) as archive:
        config = modern_config(json.loads(archive.read("config.json")))
    expected = {"zip": golden.convnet, "zip_functional": golden.functional, "zip_nested": golden.nested}[file](keras)
    model = deserialize_keras_object(config)
    assert [layer.name for layer in model.layers] == [layer.name for layer in expected.layers]
    assert [(v.path, v.shape) for v in model.weights] == [(v.path, v.shape) for v in expected.weights]
    arguments = {key: deserialize_keras_object(value) for key, value in config["compile_config"].items()}
    assert type(arguments["optimizer"]) is type(expected.optimizer)
    model.compile(**arguments)
    x, y = golden.data(golden.KERAS2[f"keras2_{file}.keras"][0])
    expected.set_weights(model.get_weights())
    found, wanted = model.evaluate(x, y, return_dict=True, verbose=0), expected.evaluate(x, y, return_dict=True, verbose=0)
    assert found.keys() == wanted.keys()
    np.testing.assert_allclose(list(found.values()), list(wanted.values()), rtol=1e-5)


@pytest.mark.parametrize("file", ["zip", "zip_functional", "zip_nested"])
def test_weights_in_zip_files_of_keras_2(file):
    pytest.importorskip("h5py")
    name = f"keras2_{file}.keras"
    with zipfile.ZipFile(io.BytesIO(STORED[f"{name}/file"].tobytes())) as archive:
        config, weights = modern_config(json.loads(archive.read("config.json"))), archive.read("model.weights.h5")
    compiling = config.pop("compile_config")
    model = deserialize_keras_object(config)
    model.compile(**{key: deserialize_keras_object(value) for key, value in compiling.items()})
    model.optimizer.build(model.trainable_variables)
    with read_hdf5(weights) as root:
        assert legacy_zip.is_keras2(root)
        legacy_zip.load_state(model, root)
    for key, value in golden.answers(model, golden.KERAS2[name][0]).items():
        np.testing.assert_allclose(value, STORED[f"{name}/{key}"], rtol=1e-5, atol=1e-5)
    with read_hdf5(weights) as root, pytest.raises(ValueError, match="nothing was loaded"):
        legacy_zip.load_state(golden.momentum(keras), root)


# ---- Layers -----------------------------------------------------------------------------------------------------

def test_arguments_that_are_no_more():
    assert made({"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3], "dtype": "float32", "ragged": False}}).batch_shape == (None, 3)
    assert made({"class_name": "BatchNormalization", "config": {"axis": [3]}}).axis == 3
    assert made({"class_name": "LeakyReLU", "config": {"alpha": 0.25}}).negative_slope == 0.25
    assert made({"class_name": "Embedding", "config": {"input_dim": 5, "output_dim": 2, "input_length": 7}}).output_dim == 2
    assert made({"class_name": "DepthwiseConv2D", "config": {"kernel_size": [3, 3], "groups": 1}}).kernel_size == (3, 3)
    assert made({"class_name": "TimeDistributed", "config": {"layer": {"class_name": "Dense", "config": {"units": 2}}}}).layer.units == 2


def test_initializers_of_old():
    dense = made({"class_name": "Dense", "config": {
        "units": 2, "kernel_initializer": {"class_name": "VarianceScaling", "config": {
            "scale": 1.0, "mode": "fan_in", "distribution": "normal", "seed": None, "dtype": "float32"}},
        "bias_initializer": {"class_name": "Zeros", "config": {"dtype": "float32"}},
        "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.5}}}})
    assert dense.kernel_initializer.distribution == "truncated_normal" and dense.kernel_regularizer.l2 == 0.5
    assert type(made({"class_name": "Identity", "config": {}})) is layers.Identity
    recurrent = modern_config({"class_name": "Dense", "config": {"kernel_initializer": {"class_name": "Identity", "config": {"gain": 1.0}}}})
    assert recurrent["config"]["kernel_initializer"]["module"] == "keras.initializers"


def test_dtype_policies():
    policy = {"class_name": "Policy", "config": {"name": "float64"}}
    assert made({"class_name": "Dense", "config": {"units": 1, "dtype": policy}}).dtype == "float64"
    with pytest.warns(UserWarning, match="mixed_float16"):
        assert made({"class_name": "Dense", "config": {"units": 1, "dtype": {**policy, "config": {"name": "mixed_float16"}}}}).dtype == "float32"


def test_a_stack_of_the_first_versions():
    model = made({"class_name": "Sequential", "config": [
        {"class_name": "Dense", "config": {"name": "a", "units": 3, "batch_input_shape": [None, 2], "activation": "relu"}},
        {"class_name": "Dense", "config": {"name": "b", "units": 1}}]})
    assert model.built and model.count_params() == 13


def test_code_is_refused_and_run_only_if_it_is_allowed(monkeypatch):
    code = base64.encodebytes(marshal.dumps((lambda x: x * 2).__code__)).decode()
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3]}},
        {"class_name": "Lambda", "config": {"name": "l", "function": [code, None, None], "function_type": "lambda", "module": "__main__",
                                            "output_shape": None, "output_shape_type": "raw", "arguments": {}}}]}}
    modern = modern_config(config)
    with pytest.raises(ValueError, match="code"):
        deserialize_keras_object(modern)
    monkeypatch.setitem(settings._state, "unsafe_deserialization", True)
    assert deserialize_keras_object(modern, safe_mode=None)(np.ones((1, 3), "float32")).numpy().tolist() == [[2.0, 2.0, 2.0]]


def test_only_classes_that_models_are_made_of():
    for name, module in (("get_file", "keras.utils"), ("Popen", "subprocess"), ("Dense", "somewhere"), ("Unheard", None), ("_classes", None)):
        with pytest.raises(ValueError):
            made({"class_name": name, "config": {}, **({} if module is None else {"module": module})})


# ---- Graphs -----------------------------------------------------------------------------------------------------

def test_calls_as_lists():
    model = made(old_graph(
        old_layer("Dense", "shared", [[["x", 0, 0, {}]], [["z", 0, 0, {}]]], units=3),
        old_layer("Add", "y", [[["shared", 0, 0, {}], ["shared", 1, 0, {}]]]), inputs=(("x", 0, 0), ("z", 0, 0))))
    a, b = np.ones((2, 4), "float32"), np.full((2, 4), 2.0, "float32")
    dense = model.get_layer("shared")
    assert np.allclose(model([a, b]), dense(a) + dense(b)) and len(model.inputs) == 2
    assert model.output_shape == (None, 3)      # and no list of one


def test_tensors_among_keyword_arguments():
    model = made(old_graph(
        old_layer("Reshape", "steps", [[["x", 0, 0, {}]]], target_shape=[2, 2]),
        old_layer("MultiHeadAttention", "y", [[["steps", 0, 0, {"value": ["steps", 0, 0], "attention_mask": None}]]],
                  num_heads=1, key_dim=2, query_shape=[None, 2, 2], key_shape=[None, 2, 2], value_shape=[None, 2, 2])))
    steps, attention = model.get_layer("steps"), model.get_layer("y")
    x = np.arange(8, dtype="float32").reshape(2, 4)
    assert np.allclose(model(x), attention(steps(x), steps(x)))


CALLS = {       # function: (keyword arguments, what it is of x)
    "math.add": ({"y": 2.0, "name": None}, lambda x: x + 2.0), "math.truediv": ({"y": 4.0}, lambda x: x / 4.0),
    "math.pow": ({"y": 2.0}, lambda x: x * x), "math.maximum": ({"y": 0.5}, lambda x: np.maximum(x, 0.5)),
    "nn.relu": ({}, lambda x: np.maximum(x, 0)), "nn.leaky_relu": ({"alpha": 0.1}, lambda x: np.where(x > 0, x, 0.1 * x)),
    "nn.gelu": ({}, lambda x: ops.gelu(x, approximate=False)), "clip_by_value": (
        {"clip_value_min": -0.5, "clip_value_max": 0.5}, lambda x: np.clip(x, -0.5, 0.5)),
    "reshape": ({"shape": [-1, 2, 2]}, lambda x: x.reshape(-1, 2, 2)), "expand_dims": ({"axis": -1}, lambda x: x[..., None]),
    "math.reduce_sum": ({"axis": 1, "keepdims": True}, lambda x: x.sum(axis=1, keepdims=True)),
    "transpose": ({"perm": [1, 0]}, lambda x: x.T), "cast": ({"dtype": "float64"}, lambda x: x.astype("float64")),
    "nn.softmax": ({"axis": None}, lambda x: ops.softmax(x)),
}


@pytest.mark.parametrize("function", CALLS)
def test_functions_of_tensorflow(function):
    options, expected = CALLS[function]
    model = made(old_graph(old_layer("TFOpLambda", "y", [["x", 0, 0, options]], function=function)))
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    assert np.allclose(model(x), expected(x), atol=1e-6)


def test_every_function_is_one_of_ours():
    assert [name for name in legacy_nodes.FUNCTIONS.values() if not callable(getattr(ops, name, None))] == []


def test_constants_and_lists_of_tensors():
    model = made(old_graph(
        old_layer("TFOpLambda", "less", [["_CONSTANT_VALUE", -1, 1.0, {"y": ["x", 0, 0]}]], function="math.subtract"),
        old_layer("TFOpLambda", "y", [[["x", 0, 0, {"axis": -1}], ["less", 0, 0, {"axis": -1}]]], function="concat")))
    x = np.ones((2, 4), "float32") * 3
    assert np.allclose(model(x), np.concatenate([x, 1 - x], axis=-1))


@pytest.mark.parametrize("kind, function, words", [
    ("TFOpLambda", "io.read_file", "tf.io.read_file"), ("TFOpLambda", "raw_ops.relu", "cannot be run here"),
    ("SlicingOpLambda", "__operators__.getitem", "SlicingOpLambda"), ("TensorFlowOpLayer", None, "TensorFlow code")])
def test_what_cannot_be_run_is_told(kind, function, words):
    with pytest.raises(ValueError, match=words):
        made(old_graph(old_layer(kind, "y", [["x", 0, 0, {}]], function=function)))


@pytest.mark.parametrize("node", [[["nowhere", 0, 0, {}]], [["x", 5, 0, {}]], [["x", 0, 9, {}]]])
def test_graphs_that_lead_nowhere(node):
    with pytest.raises(ValueError):
        made(old_graph(old_layer("Dense", "y", [node], units=2)))


def test_damaged_configs_are_errors():
    deep = {"class_name": "Dense", "config": {}}
    for _ in range(3000):
        deep = {"class_name": "TimeDistributed", "config": {"layer": deep}}
    graph = old_graph(old_layer("Dense", "y", [[["x", 0, 0, {}]]], units=2))
    nameless = copy.deepcopy(graph)
    del nameless["config"]["layers"][1]["name"]
    others = [deep, nameless, {"class_name": "Dense", "config": {}, "module": 5}]
    for value in (5, "x", None):
        others.append(copy.deepcopy(graph))
        others[-1]["config"]["layers"][1]["inbound_nodes"] = [value, [["x", 0, 0]]]
    for config in others:
        with pytest.raises(ValueError):
            made(config)


# ---- compile ----------------------------------------------------------------------------------------------------

def optimizer_of(class_name, **config):
    found = modern_compile({"optimizer_config": {"class_name": class_name, "config": config}}, convert)
    return deserialize_keras_object(found["optimizer"])


def test_optimizers_of_old():
    assert float(optimizer_of("Adam", name="Adam", lr=0.5, decay=0.0, epsilon=None).learning_rate) == 0.5
    adam = optimizer_of("Custom>Adam", learning_rate=0.25, is_legacy_optimizer=False, jit_compile=True, use_ema=False)
    assert type(adam) is keras.optimizers.Adam and float(adam.learning_rate) == 0.25
    decaying = optimizer_of("sgd", learning_rate=1.0, decay=0.5, momentum=0.0, nesterov=False)
    decaying.iterations.assign(2)
    assert float(decaying.learning_rate) == 0.5
    schedule = {"class_name": "ExponentialDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.5, "staircase": False}}
    scheduled = optimizer_of("RMSprop", learning_rate=schedule, decay=0.0)
    scheduled.iterations.assign(1)
    assert np.isclose(float(scheduled.learning_rate), 0.05)


def test_losses_and_metrics_of_old():
    found = modern_compile({
        "loss": {"class_name": "BinaryCrossentropy", "config": {"reduction": "auto", "name": "bce", "from_logits": True, "fn": "binary_crossentropy"}},
        "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "acc", "dtype": "float32", "fn": "binary_accuracy"}}, "mae"]],
        "sample_weight_mode": None, "loss_weights": None, "optimizer_config": {"class_name": "SGD", "config": {"lr": 0.1}}}, convert)
    assert set(found) == {"optimizer", "loss", "metrics", "weighted_metrics", "loss_weights"}
    loss, (accuracy, mae) = deserialize_keras_object(found["loss"]), deserialize_keras_object(found["metrics"])
    assert loss.reduction == "sum_over_batch_size" and loss.from_logits and accuracy.name == "acc" and mae == "mae"
    assert float(accuracy([[1.0], [0.0]], [[0.9], [0.8]])) == 0.5
