"""How much a training step slows down when another process keeps every processor busy, beside PyTorch where it is installed.

    python benchmarks/contention.py [--rounds 5] [--seconds 1] [--models dense convnet]

Each engine lives in a process of its own; they run in turn, first on the machine as it is, then beside one spinning process
for each processor.  The figures are means over all steps of a turn (a step that was put aside counts), the median of the
rounds.  On a fair system two threads beside two spinning ones get half of the time: a factor of 2 is what can be had.
"""
import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import time

import numpy as np

BATCH = {"dense": 128, "convnet": 64}


def data(model):
    rng = np.random.default_rng(0)
    shape = (784,) if model == "dense" else (28, 28, 1)
    return rng.standard_normal((BATCH[model], *shape), dtype="f4"), rng.integers(0, 10, BATCH[model])


def fastnn_step(model):
    """A function that does one training step."""
    import fastnn
    layers = fastnn.layers
    if model == "dense":
        body = [layers.Dense(512, activation="relu")]
    else:
        body = [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation="relu"),
                layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation="relu"), layers.Flatten(),
                layers.Dense(64, activation="relu")]
    x, y = data(model)
    network = fastnn.Sequential([fastnn.Input(shape=x.shape[1:]), *body, layers.Dense(10, activation="softmax")])
    network.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy")
    return lambda: network.train_on_batch(x, y)


def torch_step(model):
    """The same network in PyTorch, images channels last in memory."""
    import torch
    from torch import nn
    x, y = map(torch.from_numpy, data(model))
    if model == "dense":
        network = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10))
    else:
        network = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(),
                                nn.MaxPool2d(2), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 64),
                                nn.ReLU(), nn.Linear(64, 10)).to(memory_format=torch.channels_last)
        x = x.permute(0, 3, 1, 2)
    optimizer, loss = torch.optim.RMSprop(network.parameters()), nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss(network(x), y).backward()
        optimizer.step()
    return step


def serve(engine, models):
    """Answers each line `model seconds` with the mean milliseconds of its steps during that time."""
    steps = {model: {"fastnn": fastnn_step, "torch": torch_step}[engine](model) for model in models}
    for step in steps.values():
        for _ in range(20):
            step()
    print("ready", flush=True)
    for line in sys.stdin:
        model, seconds = line.split()
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < float(seconds):
            steps[model]()
            count += 1
        print((time.perf_counter() - start) / count * 1e3, flush=True)


class Engine:
    def __init__(self, name, models):
        self.process = subprocess.Popen([sys.executable, __file__, "--serve", name, "--models", *models], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def measure(self, model, seconds):
        print(model, seconds, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def turn(engines, models, seconds, found):
    for model in models:
        for name, engine in engines.items():
            found.setdefault((model, name), []).append(engine.measure(model, seconds))


def main(models, rounds, seconds):
    engines = {name: Engine(name, models) for name in ("fastnn", "torch") if importlib.util.find_spec(name)}
    alone, beside = {}, {}
    for _ in range(rounds):
        turn(engines, models, seconds, alone)
        spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
        time.sleep(0.2)
        turn(engines, models, seconds, beside)
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
    for engine in engines.values():
        engine.process.stdin.close()
    print(f"{'':20}{'ms alone':>10}{'ms beside':>11}{'slower by':>11}")
    for key, times in alone.items():
        a, b = statistics.median(times), statistics.median(beside[key])
        print(f"{key[0]:10}{key[1]:10}{a:10.3f}{b:11.3f}{b / a:11.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(BATCH), choices=list(BATCH))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve, asked.models)
    else:
        main(asked.models, asked.rounds, asked.seconds)
