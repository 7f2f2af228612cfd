"""How the time of a training step grows with the work in it, and what of it are not kernels; prints Markdown tables.

    python benchmarks/growth.py                                         # batch, width and depth: a minute
    python benchmarks/growth.py --tables width --optimizer rmsprop
    FASTNN_NUM_THREADS=1 python benchmarks/growth.py

Dense relu networks as wide as their inputs, float32, mean squared error.  A step is timed through `fit`: the median of
epochs (10 to 300 steps, which share what an epoch costs), from the moment when its plan is trusted.  After each epoch the plan
runs a few times with a clock between its launches, which takes some 20 ns for each: "kernels" is the median of the sums.
"Other" is the difference: the loop of `fit`, Python, and gathering the batch, as far as the step had to wait or to share
processor and memory with it.  Speed counts the products of forward and gradients, in the time of the step.  "Eager" is the
step with `run_eagerly=True`.
"""
import argparse
import statistics
import time

import numpy as np

import fastnn
from fastnn import config, layers

TABLES = {  # title, (batch, width, layers) of each case, which of them grows
    "batch": ("Batch, 3 layers of width 256", [(n, 256, 3) for n in (1, 4, 16, 64, 256, 1024, 4096)], 0),
    "width": ("Width, 2 layers at batch 32", [(32, n, 2) for n in (16, 64, 256, 1024, 4096)], 1),
    "depth": ("Layers of width 64 at batch 32", [(32, 64, n) for n in (1, 3, 10, 30, 100)], 2)}
HEAD = ["step, us", "kernels, us", "launches", "other, us", "share", "GFLOP/s", "eager, us", "eager / step"]
WARM, EPOCHS = 2, 5         # epochs before those that count, and how many of these there are at least
FLOPS = 8e9                 # of an epoch, roughly, if that makes no fewer than 10 steps and no more than 300


def flops(batch, width, depth):
    """Operations of the products: forward, gradient to the weights, and gradient to the inputs but for the first layer's."""
    return 2 * batch * width * width * (3 * depth - 1)


class Clock(fastnn.callbacks.Callback):
    """Microseconds of a step, by epoch, and of its kernels right after the epoch; ends the training after some seconds.

    Args:
        count: the number of steps in an epoch.
        runs: how often the plan is timed after an epoch; 0: there is no plan.
        batch: arrays that it is timed with.
    """

    def __init__(self, count, seconds, runs, batch):
        super().__init__()
        self.batch = batch
        self.count, self.runs, self.stop = count, runs, time.perf_counter() + seconds
        self.steps, self.kernels, self.launches = [], [], 0

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        now = time.perf_counter()
        if epoch < WARM:
            return
        self.steps.append((now - self.begin) / self.count * 1e6)
        if self.runs:
            self.time_plan()
        if len(self.steps) >= EPOCHS and now > self.stop:
            self.model.stop_training = True

    def time_plan(self):
        entry = next(iter(self.model._plans["train_step"].entries.values()))
        if entry.ready is None:
            raise SystemExit(f"there is no plan: {entry.reason or 'it was dropped'}")
        for _ in range(self.runs):
            times = []
            entry.ready.captured.plan.run(self.batch, times)
            self.kernels.append(sum(times) / 1e3)
        self.launches = len(times)


def train(batch, width, depth, optimizer, seconds, eager):
    """The Clock of a training."""
    fastnn.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    count = int(min(300, max(10, FLOPS / flops(batch, width, depth))))
    x, y = (rng.standard_normal((batch * count, width), dtype="f4") for _ in range(2))
    hidden = [layers.Dense(width, activation="relu", kernel_initializer="he_normal") for _ in range(depth - 1)]
    model = fastnn.Sequential([layers.Input((width,)), *hidden, layers.Dense(width)])
    model.compile(optimizer=optimizer, loss="mse", run_eagerly=eager)
    clock = Clock(count, seconds, 0 if eager else max(3, count // 10), (x[:batch], y[:batch]))
    model.fit(x, y, batch_size=batch, epochs=10**6, verbose=0, callbacks=[clock])
    return clock


def cells(step, kernels, launches, eager, work):
    """The columns of HEAD."""
    return [f"{step:.1f}", f"{kernels:.1f}", f"{launches}", f"{step - kernels:.1f}", f"{100 * (step - kernels) / step:.0f} %",
            f"{work / step / 1e3:.3g}", f"{eager:.1f}", f"{eager / step:.2f}"]


def main(tables, optimizer, seconds):
    print(f"{config.cpu_level()}, {config.get_num_threads()} threads, {optimizer}")
    for name in tables:
        title, cases, grows = TABLES[name]
        print(f"\n**{title}**\n\n| {name} | " + " | ".join(HEAD) + " |\n|" + " ---: |" * (len(HEAD) + 1), flush=True)
        for case in cases:
            planned, eager = (train(*case, optimizer, seconds, eager) for eager in (False, True))
            step, kernels, alone = map(statistics.median, (planned.steps, planned.kernels, eager.steps))
            row = cells(step, kernels, planned.launches, alone, flops(*case))
            print(f"| {case[grows]} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--optimizer", default="sgd")
    parser.add_argument("--seconds", type=float, default=1, help="for each training, at least")
    asked = parser.parse_args()
    main(asked.tables, asked.optimizer, asked.seconds)
