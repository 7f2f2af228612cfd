"""Layers that run as one: the same bits as one after the other, and only where nobody can see the difference."""
import copy
import pickle

import numpy as np
import pytest

import fastnn
from fastnn import layers, ops
from fastnn._core import launch as core
from fastnn.models import Sequential
from fastnn.models.fusion import Step, unfused
from fastnn.op import REGISTRY
from fastnn.tape import GradientTape

IMAGES = (5, 13, 17, 3)
NORMALIZED = dict(beta_initializer="random_normal", gamma_initializer="random_normal", moving_mean_initializer="random_normal")


def conv(filters=19, **arguments):
    return layers.Conv2D(filters, 3, bias_initializer="random_normal", **arguments)


# name: (input shape, layers, the kernel that does it all, those that must not run any more)
STACKS = {
    "dense, relu": ((9, 6), lambda: [layers.Dense(7), layers.Activation("relu")], "matmul", {"relu"}),
    "dense, ReLU": ((9, 4, 6), lambda: [layers.Dense(33), layers.ReLU()], "matmul", {"relu"}),
    "dense, ReLU with a slope": ((9, 6), lambda: [layers.Dense(7), layers.ReLU(negative_slope=0.3)], "matmul", {"leaky_relu"}),
    "dense, LeakyReLU": ((9, 6), lambda: [layers.Dense(7), layers.LeakyReLU(0.1)], "matmul", {"leaky_relu"}),
    "dense, leaky_relu": ((9, 6), lambda: [layers.Dense(7), layers.Activation("leaky_relu")], "matmul", {"leaky_relu"}),
    "dense, relu6": ((9, 6), lambda: [layers.Dense(7), layers.Activation("relu6")], "matmul", {"relu6"}),
    "conv, relu": (IMAGES, lambda: [conv(), layers.ReLU()], "conv2d", {"relu"}),
    "conv channels first, relu": (IMAGES, lambda: [conv(data_format="channels_first"), layers.ReLU()], "conv2d", {"relu"}),
    "conv, pool": (IMAGES, lambda: [conv(), layers.MaxPooling2D()], "conv2d_max_pool", {"conv2d", "max_pool2d"}),
    "conv with relu, pool": (IMAGES, lambda: [conv(activation="relu"), layers.MaxPooling2D()], "conv2d_max_pool", {"conv2d", "max_pool2d"}),
    "conv with elu, pool": (IMAGES, lambda: [conv(activation="elu"), layers.MaxPooling2D()], "conv2d_max_pool", {"conv2d", "max_pool2d"}),
    "conv, relu, pool": (IMAGES, lambda: [conv(32, padding="same"), layers.Activation("relu"), layers.MaxPooling2D(2, strides=2)],
                         "conv2d_max_pool", {"conv2d", "relu", "max_pool2d"}),
    "conv without bias, relu, wide pool": (IMAGES, lambda: [layers.Conv2D(40, 5, use_bias=False), layers.ReLU(), layers.MaxPooling2D((3, 2), strides=(4, 2))],
                                      "conv2d_max_pool", {"conv2d", "relu", "max_pool2d"}),
    "depthwise conv, relu, pool": ((5, 13, 17, 6), lambda: [conv(6, groups=6), layers.ReLU(), layers.MaxPooling2D()],
                                   "conv2d_max_pool", {"conv2d", "relu", "max_pool2d"}),
    "conv by Winograd's algorithm, relu, pool": ((3, 15, 20, 33), lambda: [conv(70, padding="same"), layers.ReLU(), layers.MaxPooling2D()],
                                                 "conv2d_max_pool", {"conv2d", "relu", "max_pool2d"}),
    "conv of sequences, relu": ((5, 13, 6), lambda: [layers.Conv1D(7, 3), layers.ReLU()], "conv2d", {"relu"}),
    "separable conv, relu, pool": (IMAGES, lambda: [layers.SeparableConv2D(20, 3), layers.ReLU(), layers.MaxPooling2D()],
                                   "conv2d_max_pool", {"relu", "max_pool2d"}),
    "depthwise conv with two each, relu, pool": (IMAGES, lambda: [layers.DepthwiseConv2D(3, depth_multiplier=2), layers.ReLU(), layers.MaxPooling2D()],
                                   "conv2d_max_pool", {"relu", "max_pool2d"}),
    "transposed conv, relu": (IMAGES, lambda: [layers.Conv2DTranspose(20, 3, strides=2), layers.ReLU()], None, {"relu"}),
    "normalization, relu": (IMAGES, lambda: [layers.BatchNormalization(**NORMALIZED), layers.Activation("relu")], None, {"relu"}),
    "normalization of axis 1, relu": (IMAGES, lambda: [layers.BatchNormalization(axis=1, **NORMALIZED), layers.ReLU()], None, {"relu"}),
    "convnet": ((5, 28, 28, 1), lambda: [
        conv(8, activation="relu"), layers.MaxPooling2D(), conv(16), layers.BatchNormalization(**NORMALIZED), layers.ReLU(),
        layers.MaxPooling2D(), layers.Flatten(), layers.Dense(20), layers.ReLU(), layers.Dropout(0.3), layers.Dense(3, activation="softmax")],
        "conv2d_max_pool", {"relu"}),
}


def model_of(shape, stack):
    fastnn.utils.set_random_seed(1)
    return Sequential([layers.Input(shape[1:]), *stack()])


def launched(monkeypatch, function):
    """The names of the kernels that a call runs."""
    names = []
    with monkeypatch.context() as patch:
        patch.setattr("fastnn.op.launch", lambda name, args: (names.append(name), core.launch(name, args)))
        function()
    return names


def outcome(model, x, training):
    """The output, the gradients for input and weights, and the weights after it, as bytes."""
    x = ops.convert_to_tensor(x)
    with GradientTape() as tape:
        tape.watch(x)
        y = model(x, training=training)
        loss = ops.sum(y * y * y)
    return [v.numpy().tobytes() for v in (y, *tape.gradient(loss, [x, *model.trainable_variables]), *model.weights)]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", STACKS)
def test_same_bits(name, training, rng, monkeypatch):
    shape, stack, kernel, gone = STACKS[name]
    x = rng.standard_normal(shape, "float32")
    fused, alone = model_of(shape, stack), model_of(shape, stack)
    kernels = launched(monkeypatch, lambda: fused(x, training=training))
    assert gone.isdisjoint(kernels) and (kernel is None or kernel in kernels)
    with unfused():
        expected = outcome(alone, x, training)
        assert gone - {"conv2d"} <= set(launched(monkeypatch, lambda: alone(x, training=training)))
    assert outcome(model_of(shape, stack), x, training) == expected


def test_same_bits_after_training(rng):
    shape, stack = STACKS["convnet"][:2]
    x, y = rng.standard_normal((22, *shape[1:]), "float32"), rng.integers(0, 3, 22)

    def trained():
        model = model_of(shape, stack)
        model.compile("adam", "sparse_categorical_crossentropy")
        history = model.fit(x, y, batch_size=8, epochs=2, verbose=0).history
        return history, [w.tobytes() for w in model.get_weights()], model.predict(x, verbose=0).tobytes()
    fused = trained()
    with unfused():
        assert trained() == fused


@pytest.mark.parametrize("case", REGISTRY["conv2d_max_pool_backward_weights"].cases, ids=lambda case: str(case[0][0].shape))
def test_gradients_of_the_first_kernel_without_the_full_array(case, rng):
    (x, dy, y, index), attrs = [rng.standard_normal(data.shape, "float32") for data in case[0]], dict(case[1])
    index = ops.convert_to_tensor((index * 2).astype("uint8"))
    found = ops.conv2d_max_pool_backward_weights(x, dy, y, index, **attrs)
    kernel_size, pool_size, pool_strides, activation, alpha = (
        attrs.pop(key, 1.0) for key in ("kernel_size", "pool_size", "pool_strides", "activation", "alpha"))
    image = ops.conv2d(x, np.ones((*kernel_size, x.shape[3] // attrs["groups"], dy.shape[3]), "float32"), **attrs).shape[1:3]
    dz, db = ops.max_pool2d_act_backward(dy, y, index, image=image, pool_size=pool_size, strides=pool_strides, activation=activation, alpha=alpha)
    dw = ops.conv2d_backward_weights(x, dz, kernel_size=kernel_size, **attrs)
    assert [v.numpy().tobytes() for v in found] == [dw.numpy().tobytes(), db.numpy().tobytes()]


def test_no_relu_runs_alone_in_a_step(rng, monkeypatch):
    shape, stack = STACKS["convnet"][:2]
    x, y = rng.standard_normal((8, *shape[1:]), "float32"), rng.integers(0, 3, 8)
    model = model_of(shape, stack)
    model.compile("adam", "sparse_categorical_crossentropy")
    kernels = launched(monkeypatch, lambda: model.train_on_batch(x, y))
    assert not [name for name in kernels if "relu" in name]
    with unfused():
        assert "relu" in launched(monkeypatch, lambda: model.train_on_batch(x, y))


# ---- Where somebody could see it ------------------------------------------------------------------------------

class OwnConv(layers.Conv2D):
    pass


class OwnPool(layers.MaxPooling2D):
    def call(self, inputs):
        return super().call(inputs) * 2.0


REFUSED = {
    "a subclass at the head": (lambda: [OwnConv(4, 3), layers.ReLU()], "relu"),
    "a subclass behind": (lambda: [conv(), OwnPool()], "max_pool2d"),
    "a penalty on the output": (lambda: [conv(activity_regularizer="l2"), layers.ReLU()], "relu"),
    "a penalty on the output of the second": (lambda: [conv(), layers.ReLU(activity_regularizer="l2"), layers.MaxPooling2D()], "relu"),
    "an activation of its own": (lambda: [conv(activation="tanh"), layers.ReLU(), layers.MaxPooling2D()], "relu"),
    "an activation behind the op": (lambda: [conv(activation="gelu"), layers.MaxPooling2D()], "max_pool2d"),
    "an activation that no epilogue has": (lambda: [conv(), layers.Activation("gelu"), layers.MaxPooling2D()], "gelu"),
    "relu with a threshold": (lambda: [layers.Dense(4), layers.ReLU(threshold=0.5)], "where"),
    "another dtype": (lambda: [layers.Dense(4), layers.ReLU(dtype="float64")], "relu"),
    "windows that overlap": (lambda: [conv(), layers.MaxPooling2D(3, strides=2)], "max_pool2d"),
    "windows that Winograd's tiles cut": (lambda: [conv(), layers.MaxPooling2D(3)], "max_pool2d"),
    "windows far apart": (lambda: [layers.Conv2D(4, 2), layers.MaxPooling2D(2, strides=5)], "max_pool2d"),
    "windows over the border": (lambda: [conv(), layers.MaxPooling2D(2, padding="same")], "max_pool2d"),
    "channels first": (lambda: [conv(data_format="channels_first"), layers.MaxPooling2D((2, 1), data_format="channels_first")], "max_pool2d"),
    "a sigmoid, whose logits losses ask for": (lambda: [layers.Dense(4), layers.Activation("sigmoid")], "sigmoid"),
    "another activation behind normalization": (lambda: [layers.BatchNormalization(), layers.Activation("tanh")], "tanh"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, rng, monkeypatch):
    stack, kernel = REFUSED[name]
    x = rng.standard_normal(IMAGES, "float32")
    assert kernel in launched(monkeypatch, lambda: model_of(IMAGES, stack)(x, training=True))


def test_penalties_stay(rng):
    x = rng.standard_normal(IMAGES, "float32")
    model = model_of(IMAGES, lambda: [conv(kernel_regularizer="l2"), layers.ReLU(activity_regularizer="l1"), layers.MaxPooling2D()])
    model(x, training=True)
    penalties = [loss.numpy() for loss in model.losses]
    with unfused():
        model(x, training=True)
    assert penalties == [loss.numpy() for loss in model.losses] and len(penalties) == 2


@pytest.mark.parametrize("change", ["call", "class call", "activation", "regularizer", "pool"])
def test_what_changes_later_counts(change, rng, monkeypatch):
    x = rng.standard_normal(IMAGES, "float32")
    model = model_of(IMAGES, lambda: [conv(4), layers.Activation("relu"), layers.MaxPooling2D()])
    model(x)
    head, relu, pool = model.layers
    if change == "call":
        monkeypatch.setattr(relu, "call", lambda inputs: inputs * 3.0)
    elif change == "class call":
        monkeypatch.setattr(layers.Activation, "call", lambda self, inputs: inputs * 3.0)
    elif change == "activation":
        relu.activation = fastnn.activations.tanh
    elif change == "regularizer":
        relu.activity_regularizer = fastnn.regularizers.L2(0.1)
    else:
        pool.pool_size = pool.strides = (3, 3)
    found, losses = model(x).numpy(), [loss.numpy() for loss in model.losses]
    with unfused():
        assert model(x).numpy().tobytes() == found.tobytes() and [loss.numpy() for loss in model.losses] == losses
    assert len(losses) == (change == "regularizer")


def test_normalization_that_is_not_trained_takes_the_moving_statistics(rng):
    x = rng.standard_normal(IMAGES, "float32")
    model = model_of(IMAGES, STACKS["normalization, relu"][1])
    model.layers[0].trainable = False
    before = [w.tobytes() for w in model.get_weights()]
    y = model(x, training=True)
    assert y.numpy().tobytes() == model(x, training=False).numpy().tobytes() and [w.tobytes() for w in model.get_weights()] == before


def test_errors_name_the_layer(rng):
    model = Sequential([layers.Input((None, None, 3)), layers.Conv2D(4, 3, name="first"), layers.ReLU(), layers.MaxPooling2D(9, name="wide")])
    assert model(rng.standard_normal((2, 20, 20, 3))).shape == (2, 2, 2, 4)
    with pytest.raises(ValueError, match='in layer "wide" of type MaxPooling2D'):
        model(rng.standard_normal((2, 8, 8, 3)))


def test_layers_by_themselves_give_their_own_outputs(rng):
    x = rng.standard_normal(IMAGES, "float32")
    model = model_of(IMAGES, STACKS["conv, relu, pool"][1])
    y = model(x).numpy()
    values = ops.convert_to_tensor(x)
    for layer, shape in zip(model.layers, [(5, 13, 17, 32), (5, 13, 17, 32), (5, 6, 8, 32)]):
        values = layer(values)
        assert values.shape == shape
    assert values.numpy().tobytes() == y.tobytes() and model.output_shape == (None, 6, 8, 32)


def test_steps_follow_the_stack(rng):
    model = Sequential([conv(4), layers.ReLU()])
    x = rng.standard_normal(IMAGES, "float32")
    model(x)
    assert [type(step) for step in model._steps] == [Step]
    model.add(layers.MaxPooling2D())
    model.add(layers.Dropout(0.5))
    assert model(x).shape == (5, 5, 7, 4) and [len(step.followers) for step in model._steps[:1]] == [2] and len(model._steps) == 2
    model.pop()
    model.pop()
    model.pop()
    assert model(x).numpy().min() < 0 and model._steps == model.layers
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.layers[0].kernel.assign(twin.layers[0].kernel * 2.0)
        assert twin(x).numpy().tobytes() != model(x).numpy().tobytes()


def test_gradients_of_gradients(rng):
    """Along a random direction, against the same without fusion."""
    shape, stack = STACKS["conv with elu, pool"][:2]
    x = ops.convert_to_tensor(rng.standard_normal(shape, "float32"))

    def second():
        model = model_of(shape, stack)
        with GradientTape() as outer:
            outer.watch(x)
            with GradientTape() as inner:
                inner.watch(x)
                loss = ops.sum(ops.square(model(x)))
            slope = inner.gradient(loss, x)
            length = ops.sum(slope * slope)
        return [v.numpy() for v in outer.gradient(length, [x, *model.trainable_variables])]
    found = second()
    with unfused():
        for fused, expected in zip(found, second()):
            np.testing.assert_allclose(fused, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
