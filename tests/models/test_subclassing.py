"""Own layers, models, losses, metrics, optimizers and the rest, as they are written for Keras; inside models, trained, copied."""
import copy
import pickle

import numpy as np
import pytest

import fastnn as keras
from fastnn import layers, ops
from fastnn.models import Functional, Model, Sequential
from fastnn.tape import GradientTape

from .replay import both_ways, check_replayed

X = np.random.default_rng(0).normal(size=(12, 6)).astype("float32")
Y = np.random.default_rng(1).normal(size=(12, 2)).astype("float32")


# ---- Layers -----------------------------------------------------------------------------------------------------

@keras.utils.register_keras_serializable(package="tests")
class Linear(layers.Layer):
    """As the guides of Keras have it: weights in build, arguments in get_config."""

    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True, name="w")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b")
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, inputs, training=None):
        if training:
            self.calls.assign_add(1.0)
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Block(layers.Layer):
    """Layers inside, one in a list, one made in build; a loss and a metric in call."""

    def __init__(self):
        super().__init__()
        self.parts = [Linear(5), layers.Activation("relu")]
        self.mean = keras.metrics.Mean(name="activity")

    def build(self, input_shape):
        self.last = layers.Dense(3)

    def call(self, x):
        for part in self.parts:
            x = part(x)
        self.add_loss(0.01 * ops.sum(ops.square(x)))
        self.mean.update_state(x)
        return self.last(x)


def trained(make, x=X, y=Y, epochs=6):
    """A fit both ways, op by op and replayed: the same bits."""
    def work(model):
        history = model.fit(x, y, batch_size=4, epochs=epochs, verbose=0).history
        for _ in range(3):
            model.evaluate(x, y, batch_size=4, verbose=0)
        return history, model.get_weights(), [model.predict(x, batch_size=4, verbose=0) for _ in range(4)]

    return both_ways(make, work)


def compiled(model, **arguments):
    model.compile(arguments.pop("optimizer", "sgd"), arguments.pop("loss", "mse"), **arguments)
    return model


@pytest.mark.parametrize("functional", [True, False])
def test_own_layers_learn_in_any_model(functional):
    def make():
        parts = [Linear(4, name="first"), Block(), layers.Dense(2)]
        if not functional:
            return compiled(Sequential([layers.Input((6,)), *parts]))
        y = x = layers.Input((6,))
        for part in parts:
            y = part(y)
        return compiled(Model(x, y))

    check_replayed(trained(make)[0])
    model = make()
    history = model.fit(X, Y, batch_size=4, epochs=3, verbose=0).history
    assert set(history) == {"loss", "activity"} and history["loss"][-1] < history["loss"][0]
    assert float(model.layers[-3].calls) == 9
    assert len(model.trainable_weights) == 8 and len(model.non_trainable_weights) == 2
    twin = copy.deepcopy(model)
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))


def test_configs_of_own_layers():
    x = layers.Input((6,))
    model = Model(x, Linear(3, name="mine")(x))
    config = model.get_config()
    assert config["layers"][1]["registered_name"] == "tests>Linear" and config["layers"][1]["config"]["units"] == 3
    twin = Functional.from_config(config)
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))

    class Unknown(layers.Layer):
        def call(self, x):
            return x

    config = Model(x, Unknown()(x)).get_config()
    with pytest.raises(ValueError, match="Unknown.*custom_objects|register"):
        Functional.from_config(config)
    assert isinstance(Functional.from_config(config, {"Unknown": Unknown}).layers[1], Unknown)


class Mixed(layers.Layer):
    """Several tensors by position and by name, a shape for each in build, a list of results."""

    def build(self, query_shape, value_shape):
        self.kernel = self.add_weight(shape=(query_shape[-1], value_shape[-1]), name="kernel")

    def call(self, query, value, scale=1.0, training=False):
        product = ops.matmul(query, self.kernel) * scale
        return [product + value, ops.sum(product * value, axis=-1, keepdims=True)]


def test_several_arguments():
    a, b = layers.Input((6,)), layers.Input((3,))
    layer = Mixed()
    first, second = layer(a, value=b, scale=2.0)
    assert first.shape == (None, 3) and second.shape == (None, 1) and layer.kernel.shape == (6, 3)
    model = compiled(Model([a, b], layers.Dense(2)(layers.Concatenate()([first, second]))))
    x = [X, X[:, :3]]
    check_replayed(trained(lambda: compiled(Functional.from_config(model.get_config(), {"Mixed": Mixed})), x)[0])
    eager = layer(X, X[:, :3], scale=2.0)
    np.testing.assert_allclose(eager[0].numpy(), X @ layer.kernel.numpy() * 2 + X[:, :3], rtol=1e-5)
    by_name = layer(query=X, value=X[:, :3], scale=2.0)
    np.testing.assert_array_equal(by_name[1].numpy(), eager[1].numpy())
    assert layer.compute_output_shape((None, 6), (None, 3)) == [(None, 3), (None, 1)]


class Branching(layers.Layer):
    """Python looks at values, and NumPy computes."""

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps")

    def call(self, x):
        self.steps.assign_add(1.0)
        if ops.sum(x) > 0:
            return x * self.scale
        for _ in range(int(ops.max(ops.abs(x))) % 2 + 1):
            x = x * -0.5 * self.scale
        return x


def test_python_control_flow():
    x = layers.Input((6,))
    y = Branching(name="branching")(x)
    assert y.shape == (None, 6)
    model = compiled(Model(x, layers.Dense(2)(y)))
    assert float(model.get_layer("branching").steps) == 0, "making the model counts no step"
    with pytest.warns(UserWarning, match="cannot|could not|op by op|eager"):
        history = model.fit(X, Y, batch_size=4, epochs=4, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] and float(model.get_layer("branching").steps) == 12
    value = np.abs(X[:2])
    with GradientTape() as tape:
        out = ops.sum(model.get_layer("branching")(value))
    np.testing.assert_allclose(tape.gradient(out, model.get_layer("branching").scale).numpy(), value.sum(), rtol=1e-5)


def test_code_that_wants_open_sizes():
    """As guides have it: positions up to the length of a sequence, the batch size in a mask, old sampling Lambdas."""
    class Positions(layers.Layer):
        def __init__(self):
            super().__init__()
            self.words, self.places = layers.Embedding(10, 4), layers.Embedding(20, 4)

        def call(self, x):
            return self.words(x) + self.places(ops.arange(0, ops.shape(x)[-1], 1))

    class Causal(layers.Layer):
        def call(self, x):
            batch, steps = ops.shape(x)[0], ops.shape(x)[1]
            mask = ops.reshape(ops.cast(ops.arange(steps)[:, None] >= ops.arange(steps), "int32"), (1, steps, steps))
            return ops.tile(mask, ops.concatenate([ops.expand_dims(batch, -1), ops.convert_to_tensor([1, 1])], axis=0))

    words = layers.Input((None,), dtype="int64")
    y = Positions()(words)
    assert y.shape == (None, None, 4) and Causal()(y).shape == (None, None, None)
    model = Model(words, layers.GlobalAveragePooling1D()(layers.Conv1D(3, 3, padding="same")(y)))
    for steps in (3, 7):
        assert model.predict(np.ones((2, steps), int), verbose=0).shape == (2, 3)
    x = layers.Input((6, 2))
    assert Causal()(x).shape == (None, 6, 6)
    for function, shape in ((lambda t: ops.concatenate([ops.ones((ops.shape(t)[0], 1, 2)), t], 1), (None, 7, 2)),
                            (lambda t: t + keras.random.normal(ops.shape(t)), (None, 6, 2)),
                            (lambda t: ops.sum(t, 0, keepdims=True) / ops.shape(t)[0], (1, 6, 2))):
        assert layers.Lambda(function)(x).shape == shape
    assert ops.shape(x) == (None, 6, 2)


def test_declared_shapes():
    class Opaque(layers.Layer):
        def call(self, x):
            return ops.convert_to_tensor(np.cumsum(x.numpy(), axis=-1)[:, :2])

        def compute_output_shape(self, input_shape):
            return (*input_shape[:-1], 2)

    class Spec(layers.Layer):
        def call(self, x):
            return {"sum": ops.sum(x, axis=-1), "same": x}

    x = layers.Input((6,))
    assert Opaque()(x).shape == (None, 2)
    np.testing.assert_allclose(Model(x, Opaque()(x)).predict(X, verbose=0), X.cumsum(-1)[:, :2], rtol=1e-5)
    found = Spec()(x)
    assert found["sum"].shape == (None,) and found["same"].shape == (None, 6)
    assert set(Model(x, found).predict(X, verbose=0)) == {"sum", "same"}


def test_masks_in_own_layers():
    class Weighted(layers.Layer):
        def call(self, x, mask=None):
            return ops.sum(x * ops.cast(ops.expand_dims(mask, -1), x.dtype), axis=1)

        def compute_mask(self, x, mask=None):
            return None

    class Keeps(layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x):
            return x * 2.0

    x = np.ones((1, 3, 2), "float32")
    x[0, 1] = 0
    source = layers.Input((3, 2))
    model = Model(source, Weighted()(Keeps()(layers.Masking()(source))))
    assert model.predict(x, verbose=0).tolist() == [[4.0, 4.0]]


def test_layers_that_hold_each_other():
    """Own code may tie layers in a ring: no endless walk."""
    one, two = Linear(2), Linear(3)
    one.partner, two.partner = two, one
    one(np.ones((1, 4))), two(np.ones((1, 4)))
    assert len(one.weights) == len(two.weights) == 6
    one.trainable = False
    assert two.trainable_weights == [] and one.count_params() == 4 * 5 + 2 + 3 + 2


def test_a_model_hands_on_the_masks_of_its_layers_alone():
    class Pooled(Model):
        def __init__(self):
            super().__init__()
            self.pool = layers.GlobalAveragePooling1D()

        def call(self, x):
            return self.pool(x)

    class Kept(Pooled):
        def call(self, x):
            return layers.Dropout(0.5)(x)

    x = layers.Masking()(np.ones((2, 3, 3)))
    assert Pooled()(x).mask is None and Kept()(x).mask is x.mask


def test_what_is_wrong_with_a_layer():
    class Forgot(layers.Layer):
        def __init__(self):
            self.units = 3

    with pytest.raises(RuntimeError, match="forgot to call `super"):
        Forgot()(layers.Input((3,)))
    with pytest.raises(TypeError, match="no `call` method"):
        layers.Layer(name="empty")(np.ones((1, 2)))
    with pytest.raises(TypeError, match='unexpected keyword argument.*layer "linear'):
        Linear()(X, wrong=1)

    class Broken(layers.Layer):
        def call(self, x):
            return ops.matmul(x, ops.ones((7, 2)))

    with pytest.raises(ValueError, match=r'layer "broken" of type Broken.*\(None, 6\)'):
        Broken(name="broken")(layers.Input((6,)))


def test_what_is_passed_beside_tensors_is_watched():
    """A plan holds numbers that Python read; it is dropped when what a graph's call was given has changed."""
    class Scale(layers.Layer):
        def call(self, x, fn=None):
            return fn(x)

    x, by, k = layers.Input((6,)), {"k": 2.0}, [3.0]
    models = {"function": Model(x, Scale()(x, fn=lambda t: t * k[0])),
              "lambda": Model(x, layers.Lambda(lambda t, by: t * by["k"], arguments={"by": by})(x)),
              "op": Model(x, ops.vectorized_map(lambda t: t * k[0], x))}
    for _ in range(8):
        for name, model in models.items():
            np.testing.assert_allclose(model.predict(X, verbose=0), X * (2.0 if name == "lambda" else 3.0), rtol=1e-6)
    by["k"], k[0] = 5.0, 7.0
    for name, model in models.items():
        np.testing.assert_allclose(model.predict(X, verbose=0), X * (5.0 if name == "lambda" else 7.0), rtol=1e-6, err_msg=name)


def test_results_are_told_apart_by_their_keys():
    class Two(layers.Layer):
        def call(self, x):
            return {"b": x * 2, "a": x * 3}

        def compute_output_shape(self, shape):
            return {"a": shape, "b": shape}

    x = layers.Input((6,))
    found = Two()(x)
    first, second = Model(x, [found["a"], found["b"]]).predict(X, verbose=0)
    np.testing.assert_allclose([first, second], [X * 3, X * 2], rtol=1e-6)

    class Moody(layers.Layer):
        def call(self, x):
            return [x, x] if x.shape[0] is None else [x]

    with pytest.raises(ValueError, match='"moody".*gave a list, but.*same structure'):
        Model(x, Moody(name="moody")(x)).predict(X, verbose=0)


def test_dicts_keep_what_belongs_together():
    """Whatever the order of their keys: shapes found by running on zeros, and masks."""
    class Values(layers.Layer):
        def call(self, x):
            n = x.numpy()
            return {"b": ops.convert_to_tensor(n[:, :2]), "a": ops.convert_to_tensor(n)}

    class Masks(layers.Layer):
        def call(self, x):
            return {"b": x * 1.0, "a": ops.sum(x, axis=1)}

        def compute_mask(self, x, mask=None):
            return {"b": mask, "a": None}

    found = Values()(layers.Input((6,)))
    assert found["b"].shape == (None, 2) and found["a"].shape == (None, 6)
    x = layers.Masking()(np.ones((2, 3, 4)))
    found = Masks()(x)
    assert found["b"].mask is x.mask and found["a"].mask is None


def test_flags_and_masks_by_position_and_none():
    class Positions(layers.Layer):
        def call(self, x, training, mask=None):
            return x * (2.0 if training else 3.0) if mask is None else x * ops.cast(ops.expand_dims(mask, -1), x.dtype)

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner, self.dropout = Positions(), layers.Dropout(0.5)

        def call(self, x, training=False):
            return self.inner(self.dropout(x, False), training)

    np.testing.assert_allclose(Outer()(X, training=True).numpy(), X * 2, rtol=1e-6)
    np.testing.assert_allclose(Positions()(X, False).numpy(), X * 3, rtol=1e-6)
    assert Positions()(X, False, np.zeros(12)).numpy().max() == 0

    class Optional(layers.Layer):
        def call(self, x, y=None):
            return y if x is None else x if y is None else x + y

    layer = Optional()
    np.testing.assert_array_equal(layer(None, X).numpy(), X)
    np.testing.assert_array_equal(layer(X, None).numpy(), X)
    a, b = layers.Input((6,)), layers.Input((6,), optional=True)
    model = Model([a, b], Optional()(a, b))
    np.testing.assert_array_equal(model([X, None]).numpy(), X)


def test_own_arguments_that_end_in_mask_stay_as_they_are():
    class Padded(layers.Layer):
        def call(self, x, pad_mask=None):
            return x * pad_mask

    half = np.full((12, 6), 0.5, "float32")
    np.testing.assert_allclose(Padded()(X, pad_mask=half).numpy(), X * 0.5)


def test_declared_shapes_of_named_tensors_and_values_in_call():
    class Joined(layers.Layer):
        def call(self, a, b=None):
            return ops.concatenate([a, b], axis=-1)

        def compute_output_shape(self, a_shape, b_shape=None):
            return (a_shape[0], a_shape[-1] + b_shape[-1])

    class Numpy(layers.Layer):
        def __init__(self):
            super().__init__()
            self.mean = keras.metrics.Mean(name="seen")

        def call(self, x):
            self.mean.update_state(x)
            return ops.convert_to_tensor(x.numpy() * 2)

    x = layers.Input((6,))
    assert Joined()(x, b=layers.Input((2,))).shape == (None, 8)
    layer = Numpy()
    assert layer(x).shape == (None, 6) and float(layer.mean.count) == 0
    layer(X)
    assert float(layer.mean.result()) == pytest.approx(X.mean(), rel=1e-4)


def test_masks_do_not_reach_who_holds_the_input():
    class Marks(layers.Layer):
        def call(self, x):
            return x

        def compute_mask(self, x, mask=None):
            return ops.any(ops.not_equal(x, 0), axis=-1)

    x = ops.convert_to_tensor(np.ones((2, 3, 4), "float32"))
    assert Marks()(x).mask is not None and x.mask is None
    assert layers.Identity()(x, mask=np.ones((2, 3))).mask is not None and x.mask is None
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(Marks()(x) * 2.0)
    assert (tape.gradient(y, x).numpy() == 2).all()
    source = layers.Input((3, 4))
    model = Model(source, layers.GlobalAveragePooling1D()(source))
    model(x, mask=np.array([[1, 0, 0], [1, 1, 1]], bool))
    assert x.mask is None


def test_a_layer_in_a_set_and_one_that_gives_a_named_tuple():
    import collections
    Pair = collections.namedtuple("Pair", "left right")

    class Sets(layers.Layer):
        def __init__(self):
            super().__init__()
            self.parts = {layers.Dense(3)}

        def call(self, x):
            (part,) = self.parts
            return Pair(part(x), x)

    class Takes(layers.Layer):
        def call(self, pair):
            return pair.left + pair.right[:, :3]

    x = layers.Input((6,))
    assert len(Model(x, Takes()(Sets()(x))).trainable_weights) == 2


def test_losses_of_symbolic_tensors_have_shapes():
    a, b = layers.Input((6,)), layers.Input((6,))
    assert keras.losses.mean_squared_error(a, b).shape == (None,)


# ---- Models -----------------------------------------------------------------------------------------------------

class Network(Model):
    """Layers in __init__ and in a dict, training in call, two outputs by name."""

    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = Linear(units)
        self.heads = {"left": layers.Dense(2), "right": layers.Dense(1)}
        self.dropout = layers.Dropout(0.3, seed=3)

    def call(self, inputs, training=False):
        x = self.dropout(ops.relu(self.hidden(inputs)), training=training)
        return {name: head(x) for name, head in self.heads.items()}


def test_a_model_with_a_dict_of_outputs():
    y = {"left": Y, "right": Y[:, :1]}

    def make():
        return compiled(Network(), loss={"left": "mse", "right": "mae"}, metrics={"left": ["mae"]}, loss_weights={"right": 0.5})

    check_replayed(trained(make, y=y)[0])
    model = make()
    history = model.fit(X, y, epochs=2, verbose=0).history
    assert set(history) == {"loss", "left_loss", "right_loss", "left_mae"}
    assert [w.shape for w in model.trainable_weights] == [(6, 4), (4,), (4, 2), (2,), (4, 1), (1,)]
    twin = Network.from_config(model.get_config())
    assert twin.units == 4 and twin.name == model.name
    with pytest.raises(ValueError, match=r"names the outputs \['middle'\], the model has \['left', 'right'\]"):
        model.fit(X, {"left": Y, "middle": Y}, verbose=0)


def test_own_models_as_layers():
    inner = Network(name="inner")
    x = layers.Input((6,))
    found = inner(x)
    model = compiled(Model(x, layers.Add()([found["left"], found["right"]])))
    history = model.fit(X, Y, epochs=2, verbose=0).history
    assert model.get_layer("inner") is inner and len(model.weights) == 7 and np.isfinite(history["loss"]).all()
    pickled = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(pickled.predict(X, verbose=0), model.predict(X, verbose=0))


class Own(Model):
    """A step of its own, with trackers, as in the guides."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae = keras.metrics.MeanAbsoluteError(name="mae")

    def train_step(self, data):
        x, y = data
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = ops.mean(keras.losses.mean_squared_error(y, y_pred))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        self.loss_tracker.update_state(loss)
        self.mae.update_state(y, y_pred)
        return {"loss": self.loss_tracker.result(), "mae": self.mae.result()}

    def test_step(self, data):
        x, y = data
        self.mae.update_state(y, self(x, training=False))
        return {"mae": self.mae.result()}

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae]


def test_an_own_step_on_a_graph():
    def make():
        keras.utils.set_random_seed(3)
        x = layers.Input((6,))
        model = Own(x, layers.Dense(2)(layers.Dense(4, activation="tanh")(x)))
        model.compile(optimizer=keras.optimizers.Adam(0.05))
        return model

    check_replayed(trained(make)[0])
    model = make()
    history = model.fit(X, Y, epochs=20, verbose=0).history
    assert set(history) == {"loss", "mae"} and history["mae"][-1] < history["mae"][0]
    assert set(model.evaluate(X, Y, verbose=0, return_dict=True)) == {"mae"}


def test_configs_of_a_graph_make_a_functional_model_of_any_class():
    x = layers.Input((6,))
    config = Model(x, layers.Dense(2)(x)).get_config()
    assert isinstance(Model.from_config(config), Functional)


@pytest.mark.parametrize("make", [lambda: keras.optimizers.SGD(0.1, loss_scale_factor=8.0), lambda: keras.optimizers.SGD(0.1),
                                  lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=8.0)])
def test_a_scaled_loss_trains_as_the_plain_one(make):
    model = Sequential([layers.Input((6,)), layers.Dense(2, kernel_initializer="ones")])
    model.compile(make(), "mse")
    history = model.fit(X, Y, batch_size=12, epochs=6, verbose=0).history
    plain = Sequential([layers.Input((6,)), layers.Dense(2, kernel_initializer="ones")])
    plain.compile(keras.optimizers.SGD(0.1), "mse")
    np.testing.assert_allclose(history["loss"], plain.fit(X, Y, batch_size=12, epochs=6, verbose=0).history["loss"], rtol=1e-5)


# ---- The rest ---------------------------------------------------------------------------------------------------

class Cubic(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred) ** 3, axis=-1)


class Largest(keras.metrics.Metric):
    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.value = self.add_variable(shape=(), initializer="zeros", name="value")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value.assign(ops.maximum(self.value, ops.max(ops.abs(y_true - y_pred))))

    def result(self):
        return self.value


class Signs(keras.optimizers.Optimizer):
    def build(self, variables):
        super().build(variables)
        self.counts = [self.add_variable_from_reference(v, name="counts") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        count = self.counts[self._get_variable_index(variable)]
        self.assign_add(count, ops.ones_like(count))
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * ops.sign(gradient))


class Ramp(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None, **kwargs):
        return ops.reshape(ops.arange(int(np.prod(shape)), dtype=dtype or "float32"), shape) * 0.01


class Fourth(keras.regularizers.Regularizer):
    def __call__(self, x):
        return 0.01 * ops.sum(x ** 4)

    def get_config(self):
        return {}


class Small(keras.constraints.Constraint):
    def __call__(self, w):
        return ops.clip(w, -0.3, 0.3)

    def get_config(self):
        return {}


def nothing(shape, dtype=None):
    return ops.zeros(shape, dtype)


def twice_tanh(x):
    return 2.0 * ops.tanh(x)


def test_all_that_one_can_write_oneself():
    def make():
        model = Sequential([layers.Input((6,)),
                            layers.Dense(5, activation=twice_tanh, kernel_initializer=Ramp(), kernel_regularizer=Fourth(),
                                         kernel_constraint=Small(), bias_initializer=nothing),
                            layers.Dense(2)])
        return compiled(model, optimizer=Signs(learning_rate=0.01), loss=Cubic(), metrics=[Largest()])

    models = trained(make)
    check_replayed(models[0])
    model = models[0]
    kernel = model.layers[0].kernel.numpy()
    assert np.abs(kernel).max() <= 0.3 and float(ops.max(model.optimizer.counts[0])) == 18
    assert model.layers[0].get_config()["kernel_constraint"]["class_name"] == "Small"
