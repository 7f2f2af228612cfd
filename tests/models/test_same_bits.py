"""Training gives the same weights, bit for bit, on any number of threads."""
import numpy as np
import pytest

from fastnn import layers, models, utils


def convnet():
    """32-64-64 filters on 28x28x1, as the first convnet of many a book."""
    return [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation="relu"), layers.Flatten(), layers.Dense(64, activation="relu")]


def normalised():
    """Odd sizes, batch normalisation, average pooling and dropout."""
    return [layers.Conv2D(33, 5, strides=2, padding="same", use_bias=False), layers.BatchNormalization(),
            layers.Activation("relu"), layers.AveragePooling2D(2), layers.Conv2D(40, 3, padding="same", activation="tanh"),
            layers.Dropout(0.3), layers.Flatten(), layers.Dense(100, activation="sigmoid"), layers.BatchNormalization(),
            layers.Dropout(0.5)]


def train(body, optimizer):
    """Everything that three epochs of `fit` lead to: the losses, the weights and the predictions, as bytes."""
    utils.set_random_seed(7)
    rng = np.random.default_rng(7)
    x, y = rng.random((200, 28, 28, 1), dtype="f4"), rng.integers(0, 10, 200)     # the last batch is a short one
    model = models.Sequential([layers.Input((28, 28, 1)), *body(), layers.Dense(10, activation="softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=64, epochs=3, verbose=0, validation_split=0.1).history
    return repr(history), [w.tobytes() for w in model.get_weights()], model.predict(x, verbose=0).tobytes()


@pytest.mark.parametrize("body, optimizer", [(convnet, "rmsprop"), (normalised, "adam")])
def test_three_epochs_on_any_number_of_threads(body, optimizer, threads):
    found = []
    for n in (1, 2, 3, 4):
        threads(n)
        found.append(train(body, optimizer))
    assert found[1:] == found[:1] * 3
