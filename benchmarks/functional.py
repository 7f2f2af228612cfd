"""A training step of the same network as a Sequential and as a functional model, in turn; prints a Markdown table.

    python benchmarks/functional.py [--rounds 5]

Figures are medians of the rounds' epochs, in wall time, replayed and op by op.
"""
import argparse
import statistics
import time

import numpy as np

import fastnn as keras
from fastnn import layers


def dense():
    """(input shape, layers, loss, targets, batch, samples) of a small dense network."""
    parts = [layers.Dense(64, activation="relu"), layers.Dense(64, activation="relu"), layers.Dense(1)]
    return (13,), parts, "mse", lambda rng, n: rng.standard_normal((n, 1), dtype="f4"), 1, 300


def convnet():
    """The same of a convnet on 28x28x1."""
    parts = [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
             layers.Conv2D(64, 3, activation="relu"), layers.Flatten(), layers.Dense(64, activation="relu"),
             layers.Dense(10, activation="softmax")]
    return (28, 28, 1), parts, "sparse_categorical_crossentropy", lambda rng, n: rng.integers(0, 10, n), 64, 640


def sequential(shape, parts):
    """The layers as a stack."""
    return keras.Sequential([layers.Input(shape), *parts])


def functional(shape, parts):
    """The layers called one after another."""
    y = x = layers.Input(shape)
    for layer in parts:
        y = layer(y)
    return keras.Model(x, y)


def fitted(case, form, eager):
    """A function that trains one epoch and gives the microseconds of a step."""
    shape, parts, loss, targets, batch, samples = case()
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((samples, *shape), dtype="f4"), targets(rng, samples)
    model = form(shape, parts)
    model.compile("adam", loss, run_eagerly=eager)
    model.fit(x, y, batch_size=batch, epochs=2, verbose=0)

    def epoch():
        start = time.perf_counter()
        model.fit(x, y, batch_size=batch, verbose=0)
        return (time.perf_counter() - start) / (samples / batch) * 1e6

    return epoch


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print("| network | Sequential, us | functional, us | ratio |\n| --- | ---: | ---: | ---: |")
    for case in (dense, convnet):
        for eager in (False, True):
            epochs = [fitted(case, form, eager) for form in (sequential, functional)]
            times = list(zip(*[[epoch() for epoch in epochs] for _ in range(rounds)]))
            stack, graph = (statistics.median(some) for some in times)
            print(f"| {case.__name__}{', op by op' if eager else ''} | {stack:,.1f} | {graph:,.1f} | {graph / stack:.2f} |")


if __name__ == "__main__":
    main()
