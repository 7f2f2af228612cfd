"""Sequential and Model: stacks, shapes, weights, configs, the summary."""
import copy
import pickle

import numpy as np
import pytest

import fastnn
from fastnn import layers
from fastnn.models import Model, Sequential

from .helpers import compiled, data, net


def dense(units, **arguments):
    return layers.Dense(units, **arguments)


# ---- Building ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("stack", [
    lambda: [layers.Input((4,)), dense(3), dense(2)], lambda: [layers.InputLayer(shape=(4,)), dense(3), dense(2)],
    lambda: [dense(3, input_shape=(4,)), dense(2)], lambda: [dense(3, input_dim=4), dense(2)],
    lambda: [dense(3, batch_input_shape=(None, 4)), dense(2)],
])
def test_input_shape_builds_at_once(stack):
    model = Sequential()
    for layer in stack():
        model.add(layer)
    assert model.built and [w.shape for w in model.get_weights()] == [(4, 3), (3,), (3, 2), (2,)]
    assert len(model.layers) == 2 and model.count_params() == 23
    assert model.input_shape == (None, 4) and model.output_shape == (None, 2)
    assert model.inputs[0].shape == model.input.shape == (None, 4) and model.outputs[0].shape == model.output.shape == (None, 2)
    assert Sequential(stack()).output_shape == (None, 2)


def test_deferred_build():
    model = Sequential([dense(3), dense(2)])
    assert not model.built and model.weights == []
    for what in ("input_shape", "output_shape", "inputs", "outputs", "input", "output"):
        with pytest.raises(AttributeError, match="no defined"):
            getattr(model, what)
    assert model(np.ones((5, 4), "float32")).shape == (5, 2)
    assert model.built and model.output_shape == (None, 2) and model.count_params() == 23 and len(model.layers) == 2
    assert model(np.ones((7, 4), "float32")).shape == (7, 2)
    built = Sequential([dense(3)])
    built.build((None, 6))
    assert built.count_params() == 21
    with pytest.raises(ValueError, match="built from one shape"):
        Sequential([dense(3)]).build("wide")


def test_add_and_pop():
    model = net(2)
    model.add(dense(7))
    assert model.output_shape == (None, 7)
    first = model.layers[0].kernel
    popped = model.pop()
    assert popped.units == 7 and model.output_shape == (None, 2) and model.layers[0].kernel is first
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    model.add(layers.Activation("softmax"))
    np.testing.assert_allclose(model.predict(np.ones((2, 4)), verbose=0).sum(axis=1), 1, rtol=1e-5)
    with pytest.raises(ValueError, match="no layers to pop"):
        Sequential().pop()


@pytest.mark.parametrize("bad, message", [(3, "only layers"), (layers.Dense, "make an object"), ("dense", "only layers")])
def test_only_layers(bad, message):
    with pytest.raises(ValueError, match=message):
        Sequential([bad])


def test_names_and_inputs_are_unique():
    with pytest.raises(ValueError, match="'twin'"):
        Sequential([dense(1, name="twin"), dense(1, name="twin")])
    shared = dense(1)
    with pytest.raises(ValueError, match="unique names"):
        Sequential([shared, shared])
    with pytest.raises(ValueError, match="comes first"):
        net().add(layers.Input((3,)))
    with pytest.raises(ValueError, match="list of layers"):
        Sequential(dense(2))


def test_get_layer():
    model = Sequential([dense(3, name="a", input_shape=(2,)), dense(2, name="b")])
    assert model.get_layer("b") is model.get_layer(index=1) is model.layers[1]
    for arguments, message in ((dict(), "a name or an index"), (dict(name="c"), "no layer 'c'.*a, b"), (dict(index=2), "none with index 2")):
        with pytest.raises(ValueError, match=message):
            model.get_layer(**arguments)


def test_nested_models():
    inner = Sequential([dense(3, input_shape=(4,)), layers.Activation("relu")], name="inner")
    model = Sequential([inner, dense(1)])
    assert model.input_shape == (None, 4) and model.count_params() == 19
    model.compile("adam", "mse")
    x, y = data(16)
    before = [w.copy() for w in model.get_weights()]
    model.fit(x, y, verbose=0)
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    inner.trainable = False
    assert len(model.trainable_weights) == 2


def test_rank_of_the_input_is_adjusted():
    model = Sequential([layers.Input((1,)), dense(2)])
    assert model.predict(np.arange(5.0), verbose=0).shape == (5, 2)


def test_subclass():
    class Net(Model):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.hidden, self.out = dense(units), [dense(2), dense(1)]
            self.drop = layers.Dropout(0.5)

        def call(self, x, training=None):
            x = self.drop(self.hidden(x), training=training)
            for layer in self.out:
                x = layer(x)
            return x

    model = Net()
    assert model.name == fastnn.utils.naming.to_snake_case("Net") or model.name.startswith("net")
    assert len(model.layers) == 4
    x, y = data(16)
    model.compile("sgd", "mse", metrics=["mae"])
    assert list(model.fit(x, y, verbose=0).history) == ["loss", "mae"]
    assert model.count_params() == 4 * 3 + 3 + 3 * 2 + 2 + 3
    np.testing.assert_array_equal(model.predict(x, verbose=0), model(x, training=False).numpy())
    assert Net.from_config(model.get_config()).units == 3
    assert Net(name="mine").name == "mine"
    with pytest.raises(AttributeError, match="layers"):
        model.layers = []


def test_config_round_trip():
    model = Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3, activation="relu"), layers.Flatten(), dense(3)], name="net")
    twin = Sequential.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 1))
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))
    assert twin.name == "net" and [l.name for l in twin.layers] == [l.name for l in model.layers]
    unbuilt = Sequential.from_config(Sequential([dense(2), dense(1)]).get_config())
    assert not unbuilt.built and len(unbuilt.layers) == 2


def test_compile_config():
    model = compiled(metrics=["mae"], optimizer=fastnn.optimizers.SGD(0.5))
    twin = net()
    twin.compile_from_config(model.get_compile_config())
    assert float(twin.optimizer.learning_rate) == 0.5 and twin.loss == "mse"
    x, y = data()
    assert len(twin.evaluate(x, y, verbose=0)) == 2
    assert net().get_compile_config() == {}


def test_pickle_and_copy():
    x, y = data()
    model = compiled()
    model.fit(x, y, verbose=0)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))
        before = model.predict(x, verbose=0)
        twin.fit(x, y, verbose=0)
        np.testing.assert_array_equal(model.predict(x, verbose=0), before)


# ---- Summary ----------------------------------------------------------------------------------------------------

def printed(model, **arguments):
    lines = []
    model.summary(print_fn=lines.append, **arguments)
    return "\n".join(lines)


def test_summary_as_keras_prints_it():
    model = Sequential([layers.Input((784,)), dense(512, activation="relu", name="a"), dense(10, name="b")], name="net")
    assert printed(model, line_length=76).rstrip() == """\
Model: "net"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ a (Dense)                       │ (None, 512)            │       401,920 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ b (Dense)                       │ (None, 10)             │         5,130 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 407,050 (1.55 MB)
 Trainable params: 407,050 (1.55 MB)
 Non-trainable params: 0 (0.00 B)"""


def test_summary_counts():
    model = Sequential([layers.Input((4,)), dense(3, name="a"), layers.BatchNormalization(name="n"), dense(1, name="b")])
    model.layers[0].trainable = False
    model.compile("rmsprop", "mse")
    text = printed(model)
    assert "Trainable params: 10 " in text and "Non-trainable params: 21 " in text and "Optimizer" not in text
    model.fit(*data(), verbose=0)
    slots = sum(v.size for v in model.optimizer.variables)
    assert f"Optimizer params: {slots} " in printed(model) and f"Total params: {31 + slots} " in printed(model)
    shown = printed(model, show_trainable=True)
    assert "Trainable" in shown and [line.split("│")[-2].strip() for line in shown.splitlines() if "Dense" in line] == ["N", "Y"]


def test_summary_of_the_unbuilt_and_the_nested():
    assert "0 (unbuilt)" in printed(Sequential([dense(3)])) and "│ ? " in printed(Sequential([dense(3)]))
    inner = Sequential([dense(3, name="deep", input_shape=(4,))], name="inner")
    model = Sequential([inner, dense(1, name="last")])
    assert "deep" not in printed(model) and "└ deep (Dense)" in printed(model, expand_nested=True)
    assert "inner" not in printed(model, layer_range=["last", "last"])
    with pytest.raises(ValueError, match="names no layers"):
        printed(model, layer_range=["x", "y"])
    with pytest.raises(ValueError, match="too narrow"):
        printed(model, line_length=8)

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = dense(2, name="own_dense")

        def call(self, x):
            return self.dense(x)

    own = Own()
    own.predict(np.ones((3, 4)), verbose=0)
    assert "(None, 2)" in printed(own) and "own_dense" in printed(own)


def test_parameters_of_the_books():
    convnet = Sequential([layers.Input((28, 28, 1)), layers.Conv2D(32, 3), layers.MaxPooling2D(2), layers.Conv2D(64, 3),
                          layers.MaxPooling2D(2), layers.Conv2D(64, 3), layers.Flatten(), dense(64), dense(10)])
    assert convnet.count_params() == 93_322
