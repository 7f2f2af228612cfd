"""Functional models: graphs of layers and ops, against stored numbers of real Keras (tests/golden/make_functional.py)."""
import copy
import json
import pickle
import sys

import numpy as np
import pytest

import fastnn
from fastnn import layers, ops
from fastnn.graph import KerasTensor
from fastnn.models import Functional, Model, Sequential, clone_model, fusion
from fastnn.tape import GradientTape
from tests.layers.helpers import GOLDEN, as_json
from tests.losses.test_losses import golden_script

from .replay import both_ways, check_replayed

SCRIPT = golden_script("functional_models")
MODELS, COMPILED, data, weights_of = (SCRIPT[name] for name in ("MODELS", "COMPILED", "data", "weights_of"))
FACTS = json.loads((GOLDEN / "functional.json").read_text())["models"]
CLOSE = dict(rtol=2e-4, atol=2e-5)


def made(name):
    fastnn.utils.clear_session()
    model = MODELS[name](fastnn)
    model.set_weights(weights_of(model))
    return model


def same(found, wanted, **close):
    """Arrays anywhere in lists and dicts."""
    if isinstance(wanted, dict):
        assert set(found) == set(wanted)
        for key, value in wanted.items():
            same(found[key], value, **close)
    elif isinstance(found, (list, tuple)) and not np.isscalar(found[0]):
        for a, b in zip(found, wanted, strict=True):
            same(a, b, **close)
    else:
        np.testing.assert_allclose(found, wanted, **(close or CLOSE))


# ---- Beside Keras -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", MODELS)
def test_layers_and_weights_stand_in_the_order_of_keras(name):
    model, facts = made(name), FACTS[name]
    assert [layer.name for layer in model.layers] == facts["layers"]
    masks = ("not_equal",)      # Keras has ops that make masks in the graph; here they are inside the layers
    assert [op.name for op in model.operations] == [name for name in facts["operations"] if name not in masks]
    assert as_json([[w.path.split("/")[-2], w.name, w.shape] for w in model.weights]) == facts["weights"]


@pytest.mark.parametrize("name", MODELS)
def test_predictions_are_those_of_keras(name):
    same(made(name).predict(data(name)[0], verbose=0), FACTS[name]["predicted"])


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_a_training_is_that_of_keras(name, eager):
    model = made(name)
    x, y, weights = data(name)
    loss, arguments = COMPILED[name]
    model.compile(fastnn.optimizers.SGD(0.05), loss, run_eagerly=eager, **arguments)
    history = model.fit(x, y, sample_weight=weights, batch_size=4, epochs=3, shuffle=False, verbose=0).history
    same(history, FACTS[name]["history"])
    same(model.evaluate(x, y, sample_weight=weights, batch_size=5, verbose=0, return_dict=True), FACTS[name]["scores"])


def without_build(config):
    """A config without what models as layers note of their building, and masks that are None: nothing reads them."""
    if isinstance(config, dict):
        left_out = {"build_config", "compile_config"} if config.get("class_name") in ("Functional", "Flatten") else set()
        return {k: without_build(v) for k, v in config.items() if k not in left_out and not (k == "mask" and v is None)}
    return [without_build(part) for part in config] if isinstance(config, list) else config


@pytest.mark.parametrize("name", MODELS)
def test_configs_are_those_of_keras_and_make_the_model_again(name):
    model, wanted = made(name), FACTS[name]["config"]
    if name != "masked":
        assert without_build(as_json(model.get_config())) == without_build(wanted)
    twin = Functional.from_config(wanted)
    if name != "masked":
        assert without_build(as_json(twin.get_config())) == without_build(wanted)
    twin.set_weights(weights_of(twin))
    same(twin.predict(data(name)[0], verbose=0), FACTS[name]["predicted"])


# ---- Used in all ways -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", MODELS)
def test_steps_are_replayed_with_the_same_bits(name):
    x, y, weights = data(name)
    loss, arguments = COMPILED[name]

    def make():
        model = made(name)
        model.compile("adam", loss, **copy.deepcopy(arguments))
        return model

    def work(model):
        history = model.fit(x, y, sample_weight=weights, batch_size=4, epochs=6, verbose=0).history
        for _ in range(3):
            model.evaluate(x, y, sample_weight=weights, batch_size=4, verbose=0)
        return history, [model.predict(x, batch_size=4, verbose=0) for _ in range(4)], model.get_weights()

    check_replayed(both_ways(make, work)[0])


@pytest.mark.parametrize("name", MODELS)
def test_layers_that_run_as_one_give_the_same_bits(name):
    model = made(name)
    fused = model.predict(data(name)[0], verbose=0)
    with fusion.unfused():
        same(made(name).predict(data(name)[0], verbose=0), fused, rtol=0, atol=0)
    if name == "residual":
        assert any(isinstance(call, fusion.Step) for call, *_ in model._network._plan)


def copies(model):
    return {"config": type(model).from_config(model.get_config()), "clone": clone_model(model), "deepcopy": copy.deepcopy(model),
            "pickle": pickle.loads(pickle.dumps(model))}


@pytest.mark.parametrize("way", ["config", "clone", "deepcopy", "pickle"])
@pytest.mark.parametrize("name", [*MODELS, "with_ops"])
def test_copies(name, way):
    model = made(name) if name in MODELS else with_ops()
    x = data(name if name in MODELS else "shared")[0]
    expected = model.predict(x, verbose=0)
    twin = copies(model)[way]
    assert not {id(v) for v in model.weights} & {id(v) for v in twin.weights}
    twin.set_weights(model.get_weights())
    same(twin.predict(x, verbose=0), expected, rtol=0, atol=0)
    # copies can be looked into, and built upon, like the model itself
    inner = Model(twin.input, twin.layers[-1].output if way != "deepcopy" and way != "pickle" else twin.output)
    assert inner.predict(x, verbose=0) is not None
    assert [op.name for op in twin.operations] == [op.name for op in model.operations]


def with_ops():
    """Operators, ops and slices on symbolic tensors."""
    fastnn.utils.clear_session()
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    x = ops.relu(layers.Dense(3, name="d")(a)) * 2.0 + 1.5
    y = ops.mean(x[:, 1:] - ops.abs(b)[:, :1] ** 2, axis=-1, keepdims=True)
    return Model([a, b], [ops.concatenate([x, y], axis=-1), 1 / (1 + ops.exp(-y))])


def test_ops_and_operators_on_symbolic_tensors():
    model = with_ops()
    a, b = data("shared")[0]
    kernel, bias = (np.float64(w) for w in model.get_layer("d").get_weights())
    x = np.maximum(a @ kernel + bias, 0) * 2 + 1.5
    y = (x[:, 1:] - np.abs(b)[:, :1] ** 2).mean(-1, keepdims=True)
    same(model.predict([a, b], verbose=0), [np.concatenate([x, y], -1), 1 / (1 + np.exp(-y))], rtol=1e-5)
    names = [op.name for op in model.operations]
    assert {"relu", "mean", "concatenate", "exp", "get_item"} <= set(names) and len(set(names)) == len(names)


def test_data_by_position_and_by_name():
    model = made("shared")
    a, b = data("shared")[0]
    expected = [t.numpy() for t in model([a, b])]
    for x in ((a, b), {"b": b, "a": a}, [ops.convert_to_tensor(a), b]):
        same([t.numpy() for t in model(x)], expected, rtol=0, atol=0)
    same(model.predict({"b": b, "a": a}, verbose=0), expected)
    same(model.predict_on_batch([a, b]), expected)
    by_key = made("nested")
    same({k: t.numpy() for k, t in by_key({"two": b, "one": a}).items()}, {k: v for k, v in by_key.predict([a, b], verbose=0).items()})


def test_targets_weights_and_losses_by_name_or_position():
    x, y, _ = data("shared")
    weights = [np.linspace(0.5, 1.0, 12), np.linspace(1.0, 2.0, 12)]
    results = []
    for loss, targets, w in ((["mse", "mae"], [y["first"], y["second"]], weights),
                             ({"second": "mae", "first": "mse"}, y, {"second": weights[1], "first": weights[0]})):
        model = made("shared")
        model.compile("sgd", loss)
        results.append(model.fit(x, targets, sample_weight=w, epochs=3, shuffle=False, verbose=0).history)
    assert results[0] == results[1]
    only = made("shared")
    only.compile("sgd", {"second": "mae"})
    history = only.fit(x, {"second": y["second"]}, verbose=0, epochs=2).history
    assert set(history) == {"loss", "second_loss"} and history["loss"] == history["second_loss"]


def test_generators_and_validation_feed_several_inputs():
    (a, b), y, _ = data("shared")
    model = made("shared")
    model.compile("sgd", ["mse", "mae"])
    batches = [({"a": a[i:i + 4], "b": b[i:i + 4]}, {k: v[i:i + 4] for k, v in y.items()}) for i in (0, 4, 8)]
    history = model.fit((batch for _ in range(2) for batch in batches), epochs=2, steps_per_epoch=3, verbose=0,
                        validation_data=([a, b], [y["first"], y["second"]])).history
    assert set(history) == {"loss", "first_loss", "second_loss", "val_loss", "val_first_loss", "val_second_loss"}
    other = made("shared")
    other.compile("sgd", ["mse", "mae"])
    expected = other.fit([a, b], [y["first"], y["second"]], batch_size=4, epochs=2, shuffle=False, verbose=0).history
    same(history["loss"], expected["loss"])
    model.fit([a, b], [y["first"], y["second"]], validation_split=0.25, verbose=0)


def test_gradients_of_shared_layers_add_up():
    x = layers.Input((3,))
    dense = layers.Dense(3, use_bias=False, dtype="float64")
    model = Model(x, dense(dense(x)))
    value = ops.convert_to_tensor(np.arange(6.0).reshape(2, 3))
    with GradientTape() as tape:
        loss = ops.sum(model(value))
    w, v = np.float64(dense.kernel.numpy()), value.numpy().astype("float64")
    ones = np.ones((2, 3))
    np.testing.assert_allclose(tape.gradient(loss, dense.kernel).numpy(), (v @ w).T @ ones + v.T @ (ones @ w.T), rtol=1e-5)


def test_sub_models():
    model = made("residual")
    x = data("residual")[0]
    middle = Model(inputs=model.input, outputs=model.get_layer("norm").output)
    rest = Model(model.get_layer("add").output, model.output)       # begins in the middle
    pieces = Model(model.inputs, [model.get_layer(name).output for name in ("add", "out")])
    added, out = pieces.predict(x, verbose=0)
    assert middle.predict(x, verbose=0).shape == (12, 6, 6, 4)
    same(rest.predict(added, verbose=0), out, rtol=1e-6)
    assert {id(w) for w in middle.weights} < {id(w) for w in model.weights}
    assert Functional.from_config(rest.get_config()).count_params() == rest.count_params()


def test_layers_of_a_sequential_have_outputs():
    stack = Sequential([layers.Input((6,)), layers.Dense(4, activation="relu"), layers.Dense(2)])
    inner = Model(stack.inputs, [layer.output for layer in stack.layers])
    x = np.random.default_rng(0).normal(size=(3, 6)).astype("float32")
    first, last = inner.predict(x, verbose=0)
    np.testing.assert_array_equal(last, stack.predict(x, verbose=0))
    assert first.shape == (3, 4)
    grown = Model(stack.input, layers.Dense(5)(stack.output))
    assert grown.predict(x, verbose=0).shape == (3, 5)
    assert isinstance(stack.output, KerasTensor) and stack.layers[0].input is stack.input


def test_models_are_layers_at_any_depth():
    x = layers.Input((4,))
    inner = Model(x, layers.Dense(4, name="deep")(x), name="inner")
    y = layers.Input((4,))
    middle = Sequential([layers.Input((4,)), inner, layers.Dense(4)], name="middle")
    outer = Model(y, [inner(y), middle(y) + inner(middle(y))], name="outer")
    value = np.ones((2, 4), "float32")
    k, b = np.float64(inner.get_layer("deep").get_weights())[0] if False else inner.get_layer("deep").get_weights()
    np.testing.assert_allclose(outer.predict(value, verbose=0)[0], value @ k + b, rtol=1e-5)
    assert len(outer.weights) == 4 and outer.get_layer("middle").get_layer("inner") is inner
    assert Model(y, outer(y)).count_params() == outer.count_params() == 40


def test_open_sizes():
    x = layers.Input((None,), dtype="int32")
    y = layers.GlobalMaxPooling1D()(layers.Conv1D(4, 3, padding="same")(layers.Embedding(10, 5)(x)))
    model = Model(x, y)
    assert model.output_shape == (None, 4) and model.input_shape == (None, None)
    for steps in (3, 9):
        assert model.predict(np.ones((2, steps), "int32"), verbose=0).shape == (2, 4)
    image = layers.Input((None, None, 3))
    both = Model(image, layers.Conv2D(2, 3, padding="same")(image))
    assert both.compute_output_shape((None, 8, 9, 3)) == (None, 8, 9, 2)


def test_inputs_in_other_dtypes_and_ranks():
    x = layers.Input((1,))
    model = Model(x, layers.Dense(2)(x))
    expected = model(np.arange(3.0).reshape(3, 1)).numpy()
    np.testing.assert_array_equal(model(np.arange(3)).numpy(), expected)
    np.testing.assert_array_equal(model.predict(np.arange(3, dtype="int64"), verbose=0), expected)
    whole = layers.Input((2,), dtype="int32")
    assert Model(whole, whole + 1).predict(np.array([[1.0, 2.0]]), verbose=0).tolist() == [[2, 3]]


def test_masks_pass_through_a_graph():
    x = layers.Input((4, 2))
    masked = layers.Masking()(x)
    y = layers.Dense(3, use_bias=False)(layers.Dropout(0.5)(masked))
    model = Model(x, [y, layers.GlobalAveragePooling1D()(y)])
    value = np.zeros((2, 4, 2), "float32")
    value[0, :2] = 1.0
    value[1, :3] = 2.0
    every, mean = model(value)
    assert every.mask.numpy().tolist() == [[True, True, False, False], [True, True, True, False]]
    np.testing.assert_allclose(mean.numpy(), [every.numpy()[0, 0], every.numpy()[1, 0]], rtol=1e-6)
    assert masked.mask.shape == (None, 4)
    joined = layers.Concatenate()([masked, masked])
    assert joined.mask.shape == (None, 4) and layers.Flatten()(masked).mask is None


def test_a_mask_that_gets_lost_is_told():
    class Careless(layers.Layer):
        def call(self, inputs):
            return inputs * 1.0

    x = layers.Masking()(np.ones((1, 2, 3)))
    with pytest.warns(UserWarning, match='"careless".*does not hand on the mask'):
        assert Careless(name="careless")(x).mask is None


def test_freezing_at_any_level_counts_from_compile_on():
    x = layers.Input((4,))
    inner = Model(x, layers.Dense(4)(x), name="inner")
    model = Model(x, layers.Dense(2)(inner(x)))
    inner.trainable = False
    assert len(model.trainable_weights) == 2 and len(model.non_trainable_weights) == 2
    lines = []
    model.summary(print_fn=lines.append)
    assert "Trainable params: 10" in lines[0] and "Non-trainable params: 20" in lines[0]
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
    same(inner.get_weights(), before, rtol=0, atol=0)
    inner.trainable = True
    with pytest.warns(UserWarning, match="compile the model again"):
        model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
    same(inner.get_weights(), before, rtol=0, atol=0)
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
    assert not np.array_equal(inner.get_weights()[0], before[0])


def test_deep_graphs_need_no_deep_recursion():
    x = inputs = layers.Input((4,))
    for _ in range(2 * sys.getrecursionlimit()):
        x = x + 1.0
    model = Model(inputs, x)
    assert model.predict(np.zeros((1, 4)), verbose=0)[0, 0] == 2 * sys.getrecursionlimit()
    assert pickle.loads(pickle.dumps(model)).count_params() == 0 == copy.deepcopy(model).count_params()


def test_an_input_that_no_output_needs():
    a, b = layers.Input((2,), name="a"), layers.Input((3,), name="b")
    model = Model([a, b], layers.Dense(1)(a))
    assert [layer.name for layer in model.layers][:1] == ["a"] and len(model.layers) == 3
    assert model.predict([np.ones((2, 2)), np.ones((2, 3))], verbose=0).shape == (2, 1)


def test_calls_keep_their_arguments():
    x = layers.Input((3,))
    dropout = layers.Dropout(0.5, seed=1)
    model = Model(x, dropout(x, training=True))
    assert (model.predict(np.ones((50, 3)), verbose=0) == 0).any()
    twin = Functional.from_config(as_json(model.get_config()))
    assert (twin.predict(np.ones((50, 3)), verbose=0) == 0).any()


# ---- Summary ----------------------------------------------------------------------------------------------------

def test_summary_tells_the_connections():
    lines = []
    made("shared").summary(print_fn=lines.append, line_length=120)
    text = lines[0]
    for part in ("Connected to", "a[0][0], b[0][0]", "both[0][0], both[1][0]", "product[0][0], both[0][0]", "absolute (Absolute)", "(None, 9)"):
        assert part in text, part
    stack = Model(x := layers.Input((3,)), layers.Dense(2)(x))
    stack.summary(print_fn=lines.append)
    assert "Connected to" not in lines[1]
    made("nested").summary(print_fn=lines.append, expand_nested=True, line_length=150)
    assert "└ bottom (Dense)" in lines[2] and "inner[0][0], inner[1][0]" in lines[2].replace("\n", "")


# ---- Subclasses, clones -----------------------------------------------------------------------------------------

class Written(Model):
    """A subclass that gives its graph to `Model.__init__`."""

    def __init__(self, units=3, **kwargs):
        x = layers.Input((4,))
        super().__init__(inputs=x, outputs=layers.Dense(units)(x), **kwargs)
        self.units = units

    def train_step(self, data):
        return {**super().train_step(data), "steps": ops.convert_to_tensor(1.0)}


def test_a_subclass_with_a_graph():
    model = Written(2, name="mine")
    assert isinstance(model, Written) and isinstance(model, Functional) and type(model).__name__ == "Written"
    model.compile("sgd", "mse")
    assert set(model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0).history) == {"loss", "steps"}
    twin = pickle.loads(pickle.dumps(model))
    assert isinstance(twin, Written) and twin.units == 2
    same(twin.predict(np.ones((1, 4)), verbose=0), model.predict(np.ones((1, 4)), verbose=0))


def test_clones():
    model = made("residual")
    seen = []

    def clone_function(layer):
        seen.append(layer.name)
        if isinstance(layer, layers.Dense):
            return layers.Dense(7, name="other")
        return type(layer).from_config(layer.get_config())

    twin = clone_model(model, clone_function=clone_function)
    assert twin.output_shape == (None, 7) and set(seen) == {layer.name for layer in model.layers} - {"image"}
    image = layers.Input((8, 8, 3))
    assert clone_model(model, input_tensors=image).input_shape == (None, 8, 8, 3)
    stack = Sequential([layers.Input((4,)), layers.Dense(3), layers.Lambda(lambda x: x * 2)])
    assert [type(layer) for layer in clone_model(stack).layers] == [type(layer) for layer in stack.layers]
    calls = []
    clone_model(model, call_function=lambda layer, *args, **kwargs: calls.append(layer.name) or layer(*args, **kwargs))
    assert len(calls) == 8
    with pytest.raises(ValueError, match="has 1 inputs, received 2"):
        clone_model(model, input_tensors=[image, image])


# ---- Errors -----------------------------------------------------------------------------------------------------

def test_graphs_that_do_not_hang_together():
    a, b = layers.Input((4,), name="a"), layers.Input((3,), name="b")
    out = layers.Concatenate(name="joined")([layers.Dense(2, name="left")(a), b])
    with pytest.raises(ValueError, match=r'not connected.*needs the input "b" of shape \(None, 3\) \(by way of b -> joined\)'):
        Model(a, out)
    with pytest.raises(ValueError, match='name "same" is used 2 times, by Dense and Flatten'):
        Model([a, b], [layers.Dense(1, name="same")(a), layers.Flatten(name="same")(b)])
    with pytest.raises(ValueError, match='input "a" is given twice'):
        Model([a, a], out)
    with pytest.raises(TypeError, match="`inputs` must be symbolic.*Input"):
        Model(np.ones((2, 4)), out)
    with pytest.raises(TypeError, match='call the layer "later" on a tensor'):
        Model(a, layers.Dense(1, name="later"))
    with pytest.raises(ValueError, match="`outputs` is empty"):
        Model(a, [])
    with pytest.raises(TypeError, match="outputs"):
        Model(a)


@pytest.mark.parametrize("call, message", [
    (lambda a, b: layers.Conv2D(3, 3, name="conv")(a), r'"conv" is incompatible.*expected ndim=4, found ndim=2.*from the layer "flat" of shape \(None, 4\)'),
    (lambda a, b: layers.Add(name="sum")([a, b]), r'\(None, 4\) and \(None, 3\).*layer "sum".*"flat" of shape \(None, 4\), "b" of shape \(None, 3\)'),
    (lambda a, b: a + b, r'\[add\] shapes \(None, 4\) and \(None, 3\).*"flat" of shape \(None, 4\), "b" of shape'),
    (lambda a, b: layers.Concatenate(axis=0)([a, layers.Reshape((2, 2))(a)]), "tensors of one rank"),
    (lambda a, b: layers.Add()(a), r"takes a list of tensors.*Add\(\)\(\[a, b\]\)"),
    (lambda a, b: layers.Subtract()([a, a, a]), "exactly two"),
])
def test_shapes_that_do_not_fit(call, message):
    a, b = layers.Flatten(name="flat")(layers.Input((2, 2), name="a")), layers.Input((3,), name="b")
    with pytest.raises(ValueError, match=message):
        call(a, b)


def test_a_built_layer_names_both_sides():
    dense = layers.Dense(2, name="dense")
    dense(layers.Input((4,)))
    with pytest.raises(ValueError, match=r'"dense".*axis -1.*value 4, found 3.*from the layer "other" of shape \(None, 3\)'):
        dense(layers.Input((3,), name="other"))


@pytest.mark.parametrize("x, message", [
    ([np.ones((1, 4))], r'2 inputs \("a" \(None, 4\), "b" \(None, 4\)\), received (1|one Tensor)'),
    (np.ones((1, 4)), "2 inputs.*received one ndarray.*list of them, or a dict"),
    ({"a": np.ones((1, 4)), "bb": np.ones((1, 4))}, r"missing: \['b'\]; unknown: \['bb'\].*did you mean 'b'"),
    ([np.ones((1, 4)), np.ones((1, 5))], r'Input "b".*expected shape=\(None, 4\), found shape=\(1, 5\)'),
])
def test_wrong_inputs(x, message):
    model = made("shared")
    model.compile("sgd", "mse")
    for use in (model, lambda x: model.predict(x, verbose=0)):
        with pytest.raises(ValueError, match=message.replace("1, 5", ".*5").replace("ndarray", "(ndarray|Tensor)")):
            use(x)


def test_wrong_targets_are_told_before_any_training():
    (a, b), y, _ = data("shared")
    model = made("shared")
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"])
    before = model.get_weights()
    for targets, message in (([y["first"]], r"2 outputs \(first, second\).*`y` has 1"), ({"first": y["first"], "third": y["second"]}, "third"),
                             ([y["first"], y["second"] + 5], "label 6.0")):
        with pytest.raises(ValueError, match=message):
            model.fit([a, b], targets, verbose=0)
        with pytest.raises(ValueError, match=message):
            model.fit([a, b], [y["first"], y["second"] * 0], validation_data=([a, b], targets), verbose=0)
    same(model.get_weights(), before, rtol=0, atol=0)


@pytest.mark.parametrize("arguments, message", [
    ({"loss": ["mse"] * 3}, "`loss` has 3 entries for 2 outputs"),
    ({"loss": {"frist": "mse"}}, r"`loss` names the outputs \['frist'\].*Did you mean 'first'"),
    ({"loss": "mse", "loss_weights": {"nobody": 1.0}}, r"`loss_weights` names the outputs \['nobody'\]"),
    ({"loss": "mse", "metrics": {"secnd": ["mae"]}}, "`metrics` names.*Did you mean 'second'"),
])
def test_wrong_names_of_outputs_are_told_by_compile(arguments, message):
    with pytest.raises(ValueError, match=message):
        made("shared").compile("sgd", **arguments)


def test_an_output_without_targets():
    (a, b), y, _ = data("shared")
    model = made("shared")
    model.compile("sgd", ["mse", "mae"])
    with pytest.raises(ValueError, match='no targets for the output "second", which has the loss'):
        model.fit([a, b], {"first": y["first"]}, verbose=0)


def test_configs_that_are_broken():
    config = as_json(made("shared").get_config())
    config["layers"][-1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "nowhere"
    with pytest.raises(ValueError, match="nowhere: .*second|inputs are nowhere"):
        Functional.from_config(config)
    config = as_json(made("shared").get_config())
    config["output_layers"][0] = ["nowhere", 0, 0]
    with pytest.raises(ValueError, match="names the tensor.*nowhere"):
        Functional.from_config(config)


def test_a_list_that_grows_after_the_call():
    """As networks with many ways round are written: the list of what there is so far is given to one layer after another."""
    x = layers.Input((4,))
    parts = [x]
    for _ in range(3):
        parts.append(layers.Dense(2)(layers.Concatenate()(parts) if len(parts) > 1 else x))
    model = fastnn.Model(x, layers.Concatenate()(parts))
    assert [layer.kernel.shape for layer in model.layers if isinstance(layer, layers.Dense)] == [(4, 2), (6, 2), (8, 2)]
    assert model.predict(np.ones((1, 4)), verbose=0).shape == (1, 10)
