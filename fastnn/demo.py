"""Train a small convnet on handwritten digits and draw what it learnt.

    python -m fastnn.demo [--epochs 10] [--seed 0] [--picture demo.png]
"""

import argparse
import sys
import time

import numpy as np

import fastnn
from fastnn import layers
from fastnn.visualization.figures import finish, new_figure
from fastnn.visualization.history import draw_history, runs_of
from fastnn.visualization.images import as_pictures, draw_images


def load_digits():
    """The carried digits as float32 pictures between 0 and 1, shape (n, 28, 28, 1), and their labels."""
    (x_train, y_train), (x_test, y_test) = fastnn.datasets.digits.load_data()
    x_train, x_test = (x[..., np.newaxis].astype("float32") / 255 for x in (x_train, x_test))
    return x_train, y_train, x_test, y_test


def convolution(filters, kernel_size):
    """Convolution, batch normalisation, ReLU. The normalisation shifts, so the convolution needs no bias."""
    return [
        layers.Conv2D(filters, kernel_size, use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
    ]


def build_model(steps):
    """Three convolutions and a classifier, compiled for `steps` steps of training."""
    model = fastnn.Sequential(
        [
            layers.Input((28, 28, 1)),
            *convolution(16, 5),
            layers.MaxPooling2D(),
            layers.Dropout(0.1),
            *convolution(32, 5),
            layers.MaxPooling2D(),
            layers.Dropout(0.2),
            *convolution(64, 3),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )
    # From 0.003 down to 0 along half a cosine: large steps first, fine ones at the end.
    learning_rate = fastnn.optimizers.schedules.CosineDecay(3e-3, steps)
    model.compile(fastnn.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def draw(history, x, y, probabilities, path):
    """Write a picture: loss and accuracy over the epochs, and the digits that the model got wrong."""
    wrong = probabilities.argmax(axis=1) != y
    rows = max(1, -(-min(wrong.sum(), 24) // 8))
    figure = new_figure("The demo", 10, 3.8 + 1.8 * rows)
    curves, digits = figure.subfigures(2, 1, height_ratios=(3.2, 0.6 + 1.8 * rows))
    draw_history(curves, runs_of(history), ["loss", "accuracy"])
    draw_images(digits, as_pictures(x), y, probabilities, columns=8, limit=24, only_wrong=True, cmap="gray_r",
                title=f"{wrong.sum()} of {len(x)} test digits it got wrong")
    finish(figure, path, dpi=110)


def main(arguments=None):
    """Run the demo; returns the test accuracy."""
    parser = argparse.ArgumentParser(prog="python -m fastnn.demo", description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="demo.png", help="file to draw into (png, pdf, svg)")
    options = parser.parse_args(arguments)
    try:
        import matplotlib  # noqa: F401  asked for before the work, not after it
    except ImportError:
        sys.exit("The demo draws a picture and needs matplotlib: pip install 'fastnn[plot]'")

    fastnn.utils.set_random_seed(options.seed)
    x_train, y_train, x_test, y_test = load_digits()
    model = build_model(options.epochs * -(-len(x_train) // options.batch_size))
    model.summary()
    start = time.perf_counter()
    history = model.fit(
        x_train,
        y_train,
        batch_size=options.batch_size,
        epochs=options.epochs,
        validation_data=(x_test, y_test),
    ).history
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    draw(history, x_test, y_test, model.predict(x_test, verbose=0), options.picture)

    print(f"\nTest accuracy: {accuracy:.1%} after {seconds:.1f} s of training on {len(x_train)} digits.")
    print(f"Training curves and the digits it got wrong: {options.picture}")
    print("Next: change the layers of `build_model` in fastnn/demo.py, try `--seed 1`, or read docs/getting-started.md.")
    return accuracy


if __name__ == "__main__":
    main()
