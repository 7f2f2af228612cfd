"""Older spellings: they work, and mean what they meant."""
import numpy as np
import pytest

import fastnn
from fastnn import layers, optimizers
from fastnn.models import Sequential


def data(n=24):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4)).astype("float32")
    return x, (x.sum(axis=1) > 0).astype("float32")


def model_of(units=1, activation="sigmoid", loss="binary_crossentropy", **arguments):
    model = Sequential([layers.Dense(units, activation=activation, input_dim=4)])
    model.compile(**{"optimizer": "sgd", "loss": loss, **arguments})
    return model


# ---- Optimizers -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "Adagrad", "Adadelta", "Adamax", "Nadam"])
def test_lr_decay_epsilon(name):
    optimizer = getattr(optimizers, name)(lr=0.25, decay=0.0)
    assert float(optimizer.learning_rate) == float(optimizer.lr) == 0.25
    optimizer.lr = 0.5
    assert float(optimizer.learning_rate) == 0.5
    if name != "SGD":
        assert getattr(optimizers, name)(epsilon=None).epsilon == getattr(optimizers, name)().epsilon
    assert float(getattr(optimizers, name)(0.125).learning_rate) == 0.125
    with pytest.raises(TypeError, match="'lr'"):
        getattr(optimizers, name)(lr=0.1, learning_rate=0.1)


def test_decay_is_inverse_time():
    optimizer = optimizers.SGD(lr=0.1, decay=0.5)
    optimizer.iterations.assign(4)
    assert float(optimizer.learning_rate) == pytest.approx(0.1 / (1 + 0.5 * 4))
    assert float(optimizers.SGD(0.2, decay=0.5).learning_rate) == pytest.approx(0.2)
    assert float(optimizers.Adam(decay=0.5).learning_rate) == pytest.approx(0.001)
    with pytest.raises(ValueError, match="negative"):
        optimizers.SGD(decay=-1.0)


# ---- Models -----------------------------------------------------------------------------------------------------

def test_generators(capsys):
    x, y = data()

    def batches():
        while True:
            for i in range(0, 24, 6):
                yield x[i:i + 6], y[i:i + 6]

    model = model_of(metrics=["accuracy"])
    history = model.fit_generator(batches(), steps_per_epoch=4, epochs=2, validation_data=batches(), validation_steps=4,
                                  verbose=0, workers=2, max_queue_size=10, use_multiprocessing=False)
    assert len(history.history["val_acc"]) == 2
    np.testing.assert_allclose(model.evaluate_generator(batches(), steps=4, verbose=0), model.evaluate(x, y, verbose=0), rtol=1e-5)
    assert model.predict_generator(batches(), steps=2, verbose=0).shape == (12, 1)
    model.evaluate_generator(batches(), steps=2)
    model.predict_generator(batches(), steps=2)
    assert capsys.readouterr().out == ""        # unlike `evaluate` and `predict`


def test_classes_and_probabilities():
    x, y = data()
    one, three = model_of(), model_of(3, "softmax", "sparse_categorical_crossentropy")
    assert one.predict_classes(x).dtype == "int32" and one.predict_classes(x).shape == (24, 1)
    np.testing.assert_array_equal(three.predict_classes(x), three.predict(x, verbose=0).argmax(axis=1))
    np.testing.assert_array_equal(three.predict_proba(x), three.predict(x, verbose=0))


def test_nb_epoch():
    x, y = data()
    assert len(model_of().fit(x, y, nb_epoch=3, verbose=0).epoch) == 3
    with pytest.raises(TypeError, match="'nb_epoch' is the older name of 'epochs'"):
        model_of().fit(x, y, nb_epoch=3, epochs=3)
    with pytest.raises(TypeError, match="samples_per_epoch=4 counted samples; pass steps_per_epoch"):
        model_of().fit_generator(iter([(x, y)]), samples_per_epoch=4)


def test_history_under_either_name():
    x, y = data()
    for asked, other in (("accuracy", "acc"), ("acc", "accuracy"), ("mae", "mean_absolute_error"),
                         ("mean_squared_error", "mse")):
        history = model_of(metrics=[asked]).fit(x, y, validation_split=0.25, verbose=0).history
        assert sorted(history) == sorted(["loss", asked, "val_loss", "val_" + asked])
        assert history[other] is history[asked] and history["val_" + other] is history["val_" + asked]
        assert other in history and history.get(other) is history[asked] and history.get("nothing", 3) == 3
        with pytest.raises(KeyError):
            history["nothing"]


# ---- Layers -----------------------------------------------------------------------------------------------------

def test_arguments_of_layers():
    dense = layers.Dense(output_dim=3, input_dim=4, init="zeros", W_regularizer="l2", bias=False)
    assert dense.units == 3 and not dense.use_bias and type(dense.kernel_regularizer).__name__ == "L2"
    assert type(dense.kernel_initializer).__name__ == "Zeros"
    assert layers.Dropout(p=0.25).rate == 0.25
    conv = layers.Conv2D(nb_filter=2, kernel_size=3, border_mode="same", subsample=(2, 2))
    assert conv.filters == 2 and conv.padding == "same" and tuple(conv.strides) == (2, 2)
    assert layers.Conv1D(nb_filter=2, filter_length=5, subsample_length=3).get_config()["kernel_size"] == (5,)
    with pytest.raises(TypeError, match="'output_dim'"):
        layers.Dense(3, output_dim=3) if False else layers.Dense(units=3, output_dim=3)
    assert layers.Dense.from_config(dense.get_config()).units == 3


# ---- Modules ----------------------------------------------------------------------------------------------------

def test_old_modules():
    from fastnn.layers.convolutional import Conv2D, MaxPooling2D
    from fastnn.layers.core import Activation, Dense, Dropout, Flatten
    from fastnn.layers.normalization import BatchNormalization
    from fastnn.objectives import mean_squared_error
    from fastnn.utils import np_utils
    from fastnn.utils.np_utils import to_categorical
    assert Dense is layers.Dense and Dropout is layers.Dropout and BatchNormalization is layers.BatchNormalization
    assert Activation is layers.Activation and Flatten is layers.Flatten
    assert Conv2D is layers.Conv2D and MaxPooling2D is layers.MaxPooling2D
    assert np_utils.to_categorical is to_categorical is fastnn.utils.np_utils.to_categorical
    assert mean_squared_error is fastnn.losses.mean_squared_error
    for missing in ("fastnn.utils.no_utils", "fastnn.layers.nothing"):
        with pytest.raises(ModuleNotFoundError):
            __import__(missing)
    with pytest.raises(AttributeError, match="nothing"):
        layers.nothing
    with pytest.raises(ImportError):
        from fastnn.layers.core import Nothing  # noqa: F401


def test_backend():
    from fastnn import backend as K
    variable = K.variable([1.0, 2.0])
    K.set_value(variable, [3.0, 4.0])
    assert K.get_value(variable).tolist() == [3.0, 4.0] and K.floatx() == "float32" and K.epsilon() == 1e-7
    assert K.image_data_format() == "channels_last" and K.cast_to_floatx([1, 2]).dtype == "float32" and K.backend() == "fastnn"
    assert float(K.mean(K.square(variable))) == pytest.approx(12.5)
    model = model_of()
    K.set_value(model.optimizer.lr, 0.5)
    assert K.get_value(model.optimizer.lr) == 0.5
    with pytest.raises(AttributeError, match="fastnn.ops"):
        K.nothing
