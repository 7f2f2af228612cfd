"""Bad arguments of compile, fit, evaluate and predict are told before any work is done."""
import warnings

import numpy as np
import pytest

import fastnn
from fastnn import layers
from fastnn.models import Model, Sequential

from .helpers import compiled, data, net

X, Y = data(12)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_before_compile(method):
    with pytest.raises(ValueError, match=f"must be compiled before `{method}"):
        getattr(net(), method)(X, Y)


@pytest.mark.parametrize("arguments, message", [
    (dict(optimizer="rmsprob"), "rmsprob.*'rmsprop'"),
    (dict(loss="mean_square_error"), "mean_square_error.*mean_squared_error"),
    (dict(metrics=["acuracy"]), "acuracy"),
    (dict(metrics="accuracy"), r"`metrics` must be a list.*\['accuracy'\]"),
    (dict(loss="mse", loss_weights="much"), "`loss_weights`"),
    (dict(steps_per_execution=0), "steps_per_execution"),
])
def test_compile(arguments, message):
    with pytest.raises(ValueError, match=message):
        net().compile(**{"optimizer": "sgd", **arguments})


@pytest.mark.parametrize("x, y, message", [
    (X, Y[:5], "x has 12, y has 5"),
    (X[:0], Y[:0], "no samples"),
    (None, Y, "`x` is None"),
    (X, None, "no targets"),
    ({"a": X}, Y, "takes one input, received a dict of 1"),
    ([X, X], Y, "1 input"),
    (np.array([["a", "b"]]), Y[:1], "`x` must hold numbers.*<U1"),
    (np.array([[1, 2], [3]], dtype=object), Y[:2], "`x` must hold numbers.*object"),
    ([[1.0, 2.0], [3.0]], Y[:2], "`x` cannot become an array"),
    (X, np.array(["yes"] * 12), "`y` must hold numbers"),
    (X * 1j, Y, "complex"),
    (3.0, Y, "batch axis"),
    (X[:, :3], Y, r'layer "sequential.*expected shape=\(None, 4\), found shape=\(None, 3\)'),
    (X[:, :, None, None], Y, "incompatible"),
    (object(), Y, "`x` must be an array"),
])
def test_data(x, y, message):
    model = compiled()
    for method in (model.fit, model.evaluate):
        with pytest.raises((ValueError, TypeError), match=message):
            method(x, y, verbose=0)
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize("arguments, message", [
    (dict(batch_size=0), "`batch_size`.*>= 1.*0"), (dict(batch_size=2.5), "`batch_size`.*integer.*2.5"),
    (dict(epochs=-1), "`epochs`.*>= 0"), (dict(epochs="three"), "`epochs`.*integer"),
    (dict(steps_per_epoch=0), "`steps_per_epoch`"), (dict(validation_split=1.0), "`validation_split`"),
    (dict(verbose=3), "`verbose`"), (dict(shuffle="rows"), "`shuffle`"),
    (dict(validation_data=(X, Y), validation_freq=0), "`validation_freq`"),
    (dict(validation_data=(X[:, :2], Y)), r"expected shape=\(None, 4\)"),
    (dict(validation_data=(X, Y[:3])), "x has 12, y has 3"),
    (dict(validation_data=(X,)), "no validation targets"),
    (dict(class_weight={"0": 1.0}), "`class_weight`.*'0'"), (dict(class_weight=[1.0]), "`class_weight` must be a dict"),
    (dict(class_weight={0: "much"}), "'much'"),
    (dict(class_weight={0: 1.0}, sample_weight=np.ones(12)), "cannot be used together"),
    (dict(sample_weight=np.ones(5)), "sample_weight has 5"),
])
def test_arguments_of_fit(arguments, message):
    model = compiled()
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y, **{"verbose": 0, **arguments})


def test_a_split_that_leaves_nothing():
    with pytest.raises(ValueError, match="leaves no samples for training: there are 1"):
        compiled().fit(X[:1], Y[:1], validation_split=0.5, verbose=0)


@pytest.mark.parametrize("callbacks, message", [
    ([print], "takes Callback objects"), ([fastnn.callbacks.EarlyStopping], "EarlyStopping\\(...\\)"), (["loss"], "'loss'")])
def test_callbacks(callbacks, message):
    with pytest.raises(TypeError, match=message):
        compiled().fit(X, Y, callbacks=callbacks, verbose=0)


def test_generators():
    def batches():
        yield X, Y

    model = compiled()
    with pytest.raises(ValueError, match="`validation_split` needs arrays.*generator"):
        model.fit(batches(), validation_split=0.2, verbose=0)
    with pytest.raises(ValueError, match="`y` must be None"):
        model.fit(batches(), Y, verbose=0)
    with pytest.raises(ValueError, match="4 parts"):
        model.fit(iter([(X, Y, Y, Y)]), verbose=0)
    with pytest.raises(ValueError, match="no batches"):
        model.predict(iter([]), verbose=0)
    for method in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="`x` gave no batches.*generator that was used up"):
            method(iter([]), verbose=0)
    with pytest.raises(ValueError, match="`validation_data` gave no batches"):
        model.fit(X, Y, validation_data=iter([]), verbose=0)
    with pytest.raises(ValueError, match="no targets"):
        model.fit(iter([X]), verbose=0)


@pytest.mark.parametrize("steps", [None, 2])
def test_a_generator_that_ends_ends_the_training(steps):
    seen = []

    class Watch(fastnn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(sorted(logs))

    with pytest.warns(UserWarning, match="the data ran out") as told:
        history = compiled().fit(iter([(X, Y), (X, Y)]), steps_per_epoch=steps, epochs=3, verbose=0, callbacks=[Watch()])
    assert len(history.history["loss"]) == 1 and seen == [["loss"]]
    assert told[0].filename == __file__         # the user's line, none inside fastnn


@pytest.mark.parametrize("labels, bad, classes", [(np.arange(12) % 4, 3, 3), (np.arange(12) % 3 - 1, -1, 3)])
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy",
                                  lambda: fastnn.losses.SparseCategoricalCrossentropy()])
def test_labels_out_of_range(labels, bad, classes, loss):
    model = compiled(3, "softmax", loss if isinstance(loss, str) else loss())
    for call in (lambda: model.fit(X, labels, verbose=0), lambda: model.evaluate(X, labels, verbose=0),
                 lambda: model.fit(X, np.arange(12) % 3, validation_data=(X, labels), verbose=0)):
        with pytest.raises(ValueError, match=f"label {bad}, but the model's output has {classes} classes"):
            call()
    assert int(model.optimizer.iterations) == 0
    with pytest.raises(ValueError):
        model.fit(iter([(X, labels)]), verbose=0)       # nobody has seen these before: the kernel refuses


def test_class_weight_of_a_class_that_is_not_there():
    with pytest.raises(ValueError, match="class 5, but the targets have 3 classes"):
        compiled(3, "softmax", "categorical_crossentropy").fit(X, np.eye(3)[np.arange(12) % 3], class_weight={5: 1.0})


def test_no_layers_no_loss():
    model = Sequential()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="no layers"):
        model.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="no layers"):
        model.predict(X, verbose=0)
    model = net()
    model.compile("sgd")
    with pytest.raises(ValueError, match="no loss"):
        model.fit(X, Y, verbose=0)


def test_wrong_input_names_the_layer():
    model = Sequential([layers.Input((4, 4)), layers.Dense(2, name="middle")])
    with pytest.raises(ValueError, match="kernel_size|rank|ndim"):
        model.add(layers.Conv2D(3, 2, name="late"))

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2, name="inner")

        def call(self, x):
            return self.dense(x)

    own = Own()
    own.predict(X, verbose=0)
    with pytest.raises(ValueError, match="inner"):
        own.predict(X[:, :2], verbose=0)


@pytest.mark.parametrize("shape, x, message", [
    ((4,), X[0], r"single sample: x\[np.newaxis\]"),
    ((2, 2, 1), X, r"x.reshape\(-1, 2, 2, 1\)"),
    ((2, 2, 3), np.ones((5, 3, 2, 2)), "np.moveaxis"),
    ((4,), X[:, :3], r"samples of shape \(4,\), or begin the model with Input\(\(3,\)\)"),
    ((4,), list(X), "np.stack makes one array"),
])
def test_wrong_shapes_show_a_way_out(shape, x, message):
    model = Sequential([layers.Input(shape), layers.Flatten(), layers.Dense(1)])
    with pytest.raises(ValueError, match=message):
        model.predict(x, verbose=0)


def test_too_few_axes_show_a_way_out():
    with pytest.raises(ValueError, match=r"Pictures have the axes \(batch, rows, columns, channels\)"):
        Sequential([layers.Input((8,)), layers.Conv2D(1, 3)])
    with pytest.raises(ValueError, match=r"Sequences have the axes \(batch, steps, channels\): x\[..., np.newaxis\] gives them one"):
        Sequential([layers.Conv1D(1, 3)]).predict(np.ones((5, 8)), verbose=0)
    with pytest.raises(ValueError, match=r"x\[np.newaxis\] makes a batch of one"):
        layers.Dense(1)(np.ones(3))
    series = layers.Conv1D(1, 3)
    series.build((None, 8, 2))
    with pytest.raises(ValueError, match=r"x\[np.newaxis\] makes a batch of one"):
        series(np.ones((8, 2)))


def test_pictures_where_a_label_belongs():
    images = np.ones((4, 8, 8, 1))
    model = Sequential([layers.Conv2D(3, 3), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"One label for each sample.*Flatten\(\)"):
        model.fit(images, np.zeros(4), verbose=0)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"y_pred of shape \(4, 6, 6, 3\): the last layer must give one number.*summary\(\)"):
        model.fit(images, images, verbose=0)


def test_validation_data_are_named():
    for held_out, message in (((X, Y[:3]), "`validation_data`: all arrays"), ((X[:, :2], Y), "`validation_data`: Input 0"),
                              (X, r"pass validation_data=\(x, y\)"), ((np.array([["a"]] * len(Y)), Y), "`validation_data`: `x` must hold")):
        with pytest.raises(ValueError, match=message):
            compiled().fit(X, Y, validation_data=held_out, verbose=0)


@pytest.mark.parametrize("labels, message", [
    ([1, 2, 3] * 4, "subtract 1 from them \\(the smallest is 1\\), or give the last layer 4 units"),
    ([-1, 0, 1] * 4, "number the labels from 0, or .* ignore_class="),
    ([0, 1, 5] * 4, "give the last layer 6 units"),
    ([0, 1, 1.5] * 4, "1.5 at position .* is no integer. Labels are class numbers from 0 to 2"),
])
def test_labels_show_a_way_out(labels, message):
    model = net(3)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=message):
        model.fit(X, np.array(labels), verbose=0)


def test_targets_that_are_no_probabilities():
    model = Sequential([layers.Input((4,)), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    with pytest.warns(UserWarning, match="targets run from 0 to 2, but binary_crossentropy takes targets from 0 to 1"):
        model.fit(X, np.array([0, 1, 2] * 4), verbose=0)


def test_functions_that_return_nothing():
    with pytest.raises(ValueError, match="loss 'forgot' returned None.*return"):
        def forgot(y_true, y_pred):
            pass
        compiled(loss=forgot).fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="metric 'forgot' returned None.*return"):
        compiled(metrics=[forgot]).fit(X, Y, verbose=0)


def test_trainable_that_is_set_after_compile():
    model = compiled()
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = False
    with pytest.warns(UserWarning, match="`trainable` was set after compile.*compile the model again"):
        model.fit(X, Y, verbose=0)
    model.compile("sgd", "mse")
    kernel = model.layers[0].get_weights()[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], kernel)
