"""The base of all layers: names, weights, tracking, calls, losses, configs, errors."""
import copy
import pickle
import threading

import numpy as np
import pytest

from fastnn import initializers, layers, ops, regularizers, utils
from fastnn.graph import origin
from fastnn.layers import Dense, Input, InputSpec, Layer
from fastnn.models import Sequential
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor, Variable, convert_to_tensor


class Scale(Layer):
    """A user's layer: one weight, remembers the flags of its last call."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.scale = self.add_weight(shape=input_shape[-1:], initializer="ones", name="scale")

    def call(self, inputs, training=False, mask=None):
        self.seen = training, mask
        return inputs * self.scale * self.factor


class Block(Layer):
    """A user's layer that holds layers in every way."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.one = Scale(name="one")
        self.list = [Scale(name="two")]
        self.dict = {"three": (Scale(name="three"),)}

    def call(self, inputs):
        return self.dict["three"][0](self.list[0](self.one(inputs)))


X = np.ones((2, 3), "float32")


def test_names_count_up_until_the_session_is_cleared():
    utils.clear_session()
    assert [Dense(1).name, Dense(1).name, Scale().name, layers.BatchNormalization().name] == [
        "dense", "dense_1", "scale", "batch_normalization"]  # fmt: skip
    assert Dense(1, name="mine").name == "mine"
    utils.clear_session()
    assert Dense(1).name == "dense"


def test_built_by_the_first_call_or_by_build():
    layer = Scale()
    assert not layer.built and layer.weights == []
    layer(X)
    assert layer.built and [w.path for w in layer.weights] == [f"{layer.name}/scale"]
    other = Scale()
    other.build((None, 3))
    assert other.built and other.get_build_config() == {"input_shape": (None, 3)}


def test_layers_in_attributes_lists_and_dicts_are_found_in_order():
    block = Block()
    block(X)
    assert [w.path for w in block.weights] == ["one/scale", "two/scale", "three/scale"]
    assert block.count_params() == 9
    block.list.append(Scale(name="four"))
    block.list[-1](X)
    assert len(block.weights) == 4


def test_own_variables_are_found():
    class Counter(Layer):
        def __init__(self):
            super().__init__()
            self.count = Variable(0.0, trainable=False, name="count")
            self.more = [Variable([1.0, 2.0], name="pair")]

        def call(self, inputs):
            return inputs

    layer = Counter()
    assert [w.name for w in layer.weights] == ["pair", "count"]
    assert [w.name for w in layer.trainable_weights] == ["pair"]
    layer.trainable = False
    assert [w.name for w in layer.weights] == ["pair", "count"]


def test_weights_keep_their_order_when_frozen():
    layer = layers.BatchNormalization()
    layer.build((None, 4))
    names = [w.name for w in layer.weights]
    assert names == ["gamma", "beta", "moving_mean", "moving_variance"]
    layer.trainable = False
    assert [w.name for w in layer.weights] == names
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 4
    layer.trainable = True
    assert [w.name for w in layer.trainable_weights] == ["gamma", "beta"]


def test_trainable_reaches_the_layers_inside():
    block = Block()
    block(X)
    block.trainable = False
    assert not block.one.trainable and block.trainable_weights == [] and block.one.trainable_weights == []
    with GradientTape() as tape:
        loss = ops.sum(block(X))
    assert tape.gradient(loss, block.weights) == [None, None, None]
    block.trainable = True
    block.one.trainable = False
    assert [w.path for w in block.trainable_weights] == ["two/scale", "three/scale"]


def test_frozen_before_it_is_built():
    layer = Dense(2, trainable=False)
    layer(X)
    assert layer.trainable_weights == [] and not layer.kernel.trainable


def test_training_flag_goes_inwards():
    block = Block()
    block(X, training=True)
    assert block.one.seen[0] is True and block.list[0].seen[0] is True
    block(X)
    assert block.one.seen[0] is False
    block.one(X, training=True)
    assert block.one.seen[0] is True


def test_training_flag_is_put_back_after_an_error():
    class Fails(Block):
        def call(self, inputs):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Fails()(X, training=True)
    layer = Scale()
    layer(X)
    assert layer.seen[0] is False


def test_mask_reaches_layers_that_take_one():
    layer = Scale()
    layer(X, mask=np.array([True, False]))
    assert list(layer.seen[1]) == [True, False]
    Dense(2)(X, mask=np.array([True, False]))


@pytest.mark.parametrize("x", [X, X.tolist(), X.astype("float64"), X.astype("int32"), X.astype("uint8"), X.astype("bool"),
                               X.astype("float16"), np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2],
                               Tensor(X), Variable(X), Tensor(X.astype("float64")), Tensor(X.astype("int64"))])  # fmt: skip
def test_inputs_of_all_kinds_become_the_layers_dtype(x):
    layer = Dense(2, kernel_initializer="ones")
    y = layer(x)
    assert isinstance(y, Tensor) and y.dtype == "float32"
    np.testing.assert_array_equal(y.numpy(), np.full((2, 2), 3.0))


def test_integers_stay_integers_where_the_layer_does_not_compute():
    assert layers.Flatten()(np.zeros((2, 3, 4), "int32")).dtype == "int32"
    assert layers.Reshape((4, 3))(np.zeros((2, 3, 4), "uint8")).dtype == "uint8"


def test_floatx_is_the_dtype_of_layers():
    from fastnn import config

    config.set_floatx("float64")
    try:
        layer = Dense(2)
        assert layer(X).dtype == "float64" and layer.kernel.dtype == "float64"
    finally:
        config.set_floatx("float32")


def test_lists_and_dicts_of_inputs():
    class Add(Layer):
        def build(self, input_shape):
            self.shapes = input_shape

        def call(self, inputs):
            return inputs["a"] + inputs["b"][0] if isinstance(inputs, dict) else inputs[0] + inputs[1]

    layer = Add()
    assert layer([X, X]).numpy()[0, 0] == 2 and layer.shapes == [(2, 3), (2, 3)]
    layer = Add()
    assert layer({"a": X, "b": [X]}).numpy()[0, 0] == 2 and layer.shapes == {"a": (2, 3), "b": [(2, 3)]}


def test_symbolic_call_builds_and_infers():
    x = Input((5,), name="numbers")
    assert (x.shape, x.dtype, x.name) == ((None, 5), "float32", "numbers")
    layer = Dense(3)
    y = layer(x)
    assert isinstance(y, Spec) and y.shape == (None, 3) and layer.built
    assert Dense(3).compute_output_shape((None, 7, 5)) == (None, 7, 3)


def test_get_and_set_weights():
    layer = Dense(2, name="d")
    layer(X)
    values = [np.arange(6.0).reshape(3, 2), np.array([1.0, 2.0])]
    layer.set_weights(values)
    for found, wanted in zip(layer.get_weights(), values):
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(ValueError, match=r'layer "d" with a list of 1 arrays.*2 weights \(kernel \(3, 2\), bias \(2,\)\)'):
        layer.set_weights(values[:1])
    with pytest.raises(ValueError, match=r'"d": weight "bias" has shape \(2,\).*shape \(3,\)'):
        layer.set_weights([values[0], np.zeros(3)])
    with pytest.raises(ValueError, match="not built yet"):
        Dense(2).set_weights(values)


def test_nan_in_weights_is_reported_by_name():
    layer = Dense(2, name="d")
    layer(X)
    with pytest.warns(UserWarning, match='"d": the values set for weight "bias" contain NaN'):
        layer.set_weights([np.zeros((3, 2)), np.array([0.0, np.nan])])


def test_count_params_before_it_is_built():
    with pytest.raises(ValueError, match='"d" has no weights yet'):
        Dense(2, name="d").count_params()


def test_losses_of_weights_activities_and_calls():
    class Adds(Layer):
        def call(self, inputs):
            self.add_loss(ops.sum(inputs))
            return inputs

    layer = Dense(2, kernel_regularizer="l2", activity_regularizer=regularizers.L1(0.5), kernel_initializer="ones")
    assert layer.losses == []
    layer(X)
    # 0.5 * sum|y| / batch size, then 0.01 * sum(kernel ** 2)
    assert [float(loss) for loss in layer.losses] == pytest.approx([3.0, 0.06])
    adds = Adds()
    adds(X)
    adds(X)
    assert [float(loss) for loss in adds.losses] == [6.0]

    class Twice(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Adds()

        def call(self, inputs):
            return self.inner(self.inner(inputs))

    twice = Twice()
    twice(X)
    twice(X)
    assert [float(loss) for loss in twice.losses] == [6.0, 6.0]
    layer.trainable = False
    assert len(layer.losses) == 1


def test_gradients_flow_through_losses():
    layer = Dense(2, kernel_regularizer=regularizers.L1L2(0.1, 0.2), use_bias=False)
    layer(X)
    with GradientTape() as tape:
        (loss,) = layer.losses
    kernel = layer.kernel.numpy()
    np.testing.assert_allclose(tape.gradient(loss, layer.kernel).numpy(), 0.1 * np.sign(kernel) + 0.4 * kernel, rtol=1e-5)


def test_config_of_a_users_layer():
    layer = Scale(3.0, name="s", trainable=False)
    copy = Scale.from_config(layer.get_config())
    assert (copy.factor, copy.name, copy.trainable) == (3.0, "s", False)

    class Forgets(Layer):
        def __init__(this, size):
            super().__init__()

    assert Forgets(3).get_config()["size"] == 3         # plain values as they were passed
    copy = Forgets.from_config(Forgets(3).get_config())     # without the name, which it does not take
    assert copy.get_config()["size"] == 3
    with pytest.raises(TypeError, match="Forgets needs a `get_config.*`size`.*self.size"):
        Forgets(object()).get_config()

    class Keeps(Layer):
        def __init__(self, n):
            super().__init__()
            self.n = Dense(n)

    assert Keeps(3).get_config()["n"] == 3


def test_serialization_of_registered_layers():
    register = utils.register_keras_serializable("tests")

    @register
    class Registered(Scale):
        pass

    config = layers.serialize(Registered(4.0))
    assert config["registered_name"] == "tests>Registered"
    assert layers.deserialize(config).factor == 4.0
    assert layers.deserialize(layers.serialize(Scale(5.0)), custom_objects={"Scale": Scale}).factor == 5.0
    with pytest.raises(ValueError, match="Unknown layer: 'Dens'. Did you mean 'Dense'"):
        layers.deserialize({"class_name": "Dens", "config": {}})
    assert layers.serialize(Dense(1))["module"] == "keras.layers"


def test_arguments_of_a_first_layer():
    assert Dense(1)._input_shape_arg is None
    assert Dense(1, input_dim=4)._input_shape_arg == (None, 4)
    assert Dense(1, input_shape=(4,))._input_shape_arg == (None, 4)
    assert Dense(1, input_shape=(4,), batch_size=2)._input_shape_arg == (2, 4)
    assert Dense(1, batch_input_shape=(2, 4))._input_shape_arg == (2, 4)


@pytest.mark.parametrize("arguments, error, message", [
    (dict(unit=3), ValueError, "unit"),
    (dict(colour="red"), ValueError, "Unrecognized keyword arguments passed to Dense.*colour.*Known are: units, .*, name"),
    (dict(kernel_regulariser="l2"), ValueError, "Did you mean kernel_regularizer"),
    (dict(name=3), ValueError, "`name`"),
    (dict(trainable="yes"), ValueError, "`trainable`"),
    (dict(dtype="int32"), ValueError, "`dtype`.*int32"),
    (dict(dtype="flaot32"), ValueError, "flaot32"),
    (dict(input_shape=("a",)), ValueError, "input_shape"),
])  # fmt: skip
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Dense(1, **arguments)


@pytest.mark.parametrize("x, error, message", [
    (np.zeros(3), ValueError, r'Input 0 of layer "d" is incompatible with the layer: expected min_ndim=2, found ndim=1'),
    (np.zeros((2, 4)), ValueError, r'Input 0 of layer "d" .*axis -1 of the input shape to have value 3, found 4.*\(2, 4\)'),
    ([["a"]], TypeError, 'Layer "d" takes numbers'),
    (np.array([[object()]]), TypeError, 'Layer "d" takes numbers'),
    ([[1.0], [1.0, 2.0]], (TypeError, ValueError), "d"),
    (None, (TypeError, ValueError), "d"),
    (Dense, TypeError, "d"),
    (np.zeros((2, 3), "complex64"), TypeError, "complex64"),
])  # fmt: skip
def test_wrong_inputs(x, error, message):
    layer = Dense(1, name="d")
    layer(X)
    with pytest.raises(error, match=message):
        layer(x)


def test_a_layer_as_input():
    with pytest.raises(TypeError, match='"b" received the layer "a"'):
        Dense(1, name="b")(Dense(1, name="a"))


def test_an_input_whose_size_is_not_known():
    with pytest.raises(ValueError, match=r'"d": the shape of weight "kernel" needs known sizes.*None'):
        Dense(1, name="d")(Input((None,)))


def test_forgotten_super_init():
    class Forgetful(Layer):
        def __init__(self):
            self.x = 1

        def call(self, inputs):
            return inputs

    with pytest.raises(RuntimeError, match="super"):
        Forgetful()(X)


def test_a_layer_without_call():
    with pytest.raises(TypeError, match="call"):
        Layer()(X)


def test_errors_of_ops_name_the_layer():
    class Wrong(Layer):
        def call(self, inputs):
            return ops.matmul(inputs, convert_to_tensor(np.zeros((7, 2), "float32")))

    with pytest.raises(ValueError, match=r'layer "wrong.*\(2, 3\)') as error:
        Wrong(name="wrong_one")(X)
    assert str(error.value).count("in layer") == 1


def test_input_spec():
    spec = InputSpec(shape=(None, 3), dtype="float32")
    assert spec.mismatch(Spec((5, 3))) is None
    assert "shape" in spec.mismatch(Spec((5, 4)))
    assert "ndim=2" in spec.mismatch(Spec((5,)))
    assert "int32" in spec.mismatch(Spec((5, 3), "int32"))
    assert InputSpec.from_config(spec.get_config()).shape == (None, 3)
    assert InputSpec(max_ndim=2).mismatch(Spec((1, 1, 1))) == "expected max_ndim=2, found ndim=3"
    layer = Scale()
    layer.input_spec = [InputSpec(ndim=2), InputSpec(ndim=2)]
    with pytest.raises(ValueError, match="expects 2 input"):
        layer(X)


@pytest.mark.parametrize("arguments, message", [
    (dict(), "pass a `shape`"),
    (dict(shape=5), r"shape=\(5,\)"),
    (dict(shape=(-1,)), "positive"),
    (dict(shape=("a",)), "positive"),
    (dict(shape=(3,), batch_shape=(None, 3)), "not both"),
    (dict(shape=(3,), ragged=True), "one length"),
])  # fmt: skip
def test_wrong_inputs_of_models(arguments, message):
    with pytest.raises(ValueError, match=message):
        Input(**arguments)


def test_input_layer_round_trip():
    layer = origin(Input((3,), batch_size=4, dtype="int32", name="i"))
    assert layer.get_config() == {"batch_shape": (4, 3), "dtype": "int32", "sparse": False, "ragged": False, "name": "i", "optional": False}
    copy = layers.InputLayer.from_config(layer.get_config())
    assert copy.output.shape == (4, 3) and copy.output.dtype == "int32"


def test_add_weight():
    layer = Layer(name="l")
    weight = layer.add_weight((2, 3), initializers.Constant(2.0), regularizer="l1", constraint="non_neg", name="w")
    assert weight.numpy().tolist() == [[2.0] * 3] * 2 and weight.path == "l/w"
    assert isinstance(weight.regularizer, regularizers.L1)
    assert layer.add_weight(dtype="int32", trainable=False).shape == ()
    with pytest.raises(ValueError, match="keyword"):
        layer.add_weight("name", (3,))
    with pytest.raises(ValueError, match="needs known sizes"):
        layer.add_weight((2, -3), name="w")


def test_variables_hold_the_state_of_random_numbers():
    block = Block()
    block.drop = layers.Dropout(0.5)
    block(X)
    assert len(block.variables) == 4 and len(block.weights) == 3
    assert block.variables[-1] is block.drop.seed_generator.state


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))], ids=["deepcopy", "pickle"])
def test_copies_have_weights_of_their_own(twin):
    layer = layers.BatchNormalization()
    y = layer(X)
    other = twin(layer)
    np.testing.assert_array_equal(other(X).numpy(), y.numpy())
    other(X + 1, training=True)
    np.testing.assert_array_equal(layer(X).numpy(), y.numpy())
    assert [w.path for w in other.weights] == [w.path for w in layer.weights]
    seeded = layers.Dropout(0.5, seed=1)
    np.testing.assert_array_equal(twin(seeded)(X, training=True).numpy(), seeded(X, training=True).numpy())


def test_losses_of_a_symbolic_call_are_not_kept():
    class Adds(Layer):
        def call(self, inputs):
            self.add_loss(ops.sum(inputs))
            return inputs

    layer = Adds()
    layer(Input((3,)))
    assert layer.losses == []


def test_threads_have_flags_of_their_own():
    block = Block()
    block(X)
    seen = {}

    def run(training):
        for _ in range(200):
            with_flag = Scale()
            with_flag(X, training=training)
            seen.setdefault(training, set()).add(with_flag.seen[0])

    threads = [threading.Thread(target=run, args=(flag,)) for flag in (True, False)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert seen == {True: {True}, False: {False}}


def test_a_layer_that_needs_values_declares_its_shape():
    class Sorts(Layer):
        def call(self, inputs):
            return convert_to_tensor(np.sort(inputs.numpy())[:, :2])

        def compute_output_shape(self, input_shape):
            return (*input_shape[:-1], 2)

    x = Input((3,))
    assert Sorts()(x).shape == (None, 2)
    assert Sorts().compute_output_shape((None, 3)) == (None, 2)
    assert Sorts()(X).shape == (2, 2)

    class More(Dense):
        def compute_output_shape(self, input_shape):
            return super().compute_output_shape(input_shape)

    assert More(4)(x).shape == (None, 4)


def test_shapes_that_build_takes():
    layer = Dense(2, name="d")
    with pytest.raises(ValueError, match=r'"d": `build` takes a shape.*\(None, 4\)'):
        layer.build(4)
    layer.build([None, 4])
    assert layer.kernel.shape == (4, 2) and layer.get_build_config() == {"input_shape": (None, 4)}


@pytest.mark.parametrize("make", [lambda: layers.Dense(3), lambda: layers.Conv2D(3, 3)])
def test_a_kernel_before_the_layer_is_built(make):
    layer = make()
    with pytest.raises(AttributeError, match=f'Layer "{layer.name}" has no `kernel` yet.*build'):
        layer.kernel
    assert not hasattr(layer, "kernel")


def test_a_layer_of_another_dtype_casts_while_shapes_are_inferred():
    model = Sequential([layers.Input((5,)), layers.Dense(4, dtype="float64"), layers.Dense(2)])
    assert [w.dtype for w in model.weights] == ["float64"] * 2 + ["float32"] * 2
    assert model(np.ones((3, 5), "float32")).dtype == "float32"
