"""What a step and a prediction cost where there is next to nothing to compute, beside other engines; prints a Markdown table.

    python benchmarks/overhead.py                                               # fastnn and Keras on JAX
    python benchmarks/overhead.py --engines fastnn keras-jax keras-tensorflow --rounds 3
    python benchmarks/overhead.py --engines fastnn fastnn-eager keras-torch torch

Three things are timed: a step of `fit` of a dense network of 13-64-64-1 at batch 1 (300 samples an epoch, shuffled, rmsprop, mean
squared error), and one row through `predict_on_batch` and through `predict` of a network of 32-64-1.  Engines take turns, one
process each per round; figures are medians of the rounds, in wall time.  In brackets stands by how much an engine is slower
than the first one.  All begin with the same weights, and have to find the same loss and the same prediction.
"""
import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

TITLES = {"fastnn": "fastnn", "fastnn-eager": "fastnn, eager", "keras-jax": "Keras, JAX",
          "keras-tensorflow": "Keras, TensorFlow", "keras-torch": "Keras, PyTorch", "torch": "PyTorch"}
ROWS = {"fit": "training step, `fit`, batch 1", "predict_on_batch": "one row, `predict_on_batch`",
        "predict": "one row, `predict`"}
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SAMPLES = 300
TRAINED, ASKED = (13, 64, 64, 1), (32, 64, 1)       # units of the networks, the inputs first
TOLERANCE = 0.01        # of the loss of an epoch and of a prediction


# ---- In the process of an engine --------------------------------------------------------------------------------

def data():
    """Inputs and targets of the training, and the row that is predicted."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((SAMPLES, TRAINED[0]), dtype="f4"), rng.standard_normal((SAMPLES, 1), dtype="f4")
    return x, y, rng.standard_normal((1, ASKED[0]), dtype="f4")


def weights(units):
    """The first weights: a matrix (inputs, units) and a bias for each layer."""
    rng = np.random.default_rng(1)
    for n, m in zip(units, units[1:]):
        yield rng.standard_normal((n, m), dtype="f4") * np.float32((2 / n) ** 0.5)
        yield np.zeros(m, "f4")


def per_call(function, seconds):
    """Microseconds of a call: the median of batches of calls of 10 ms or more."""
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < 0.2 or calls < 5:
        function()
        calls += 1
    calls = max(1, int(calls * 0.05))
    found, stop = [], time.perf_counter() + seconds
    while time.perf_counter() < stop or len(found) < 5:
        start = time.perf_counter()
        for _ in range(calls):
            function()
        found.append((time.perf_counter() - start) / calls * 1e6)
    return statistics.median(found)


def per_step(stamps):
    """Microseconds of a step from the ends of the epochs, the first of which is not counted."""
    return float(np.median(np.diff(stamps))) / SAMPLES * 1e6


def enough(stamps, seconds):
    return len(stamps) > 5 and stamps[-1] - stamps[0] > seconds


def keras_figures(engine, seconds):
    """The figures of fastnn, or of Keras on one of its backends: the same code."""
    if engine.startswith("keras-"):
        os.environ["KERAS_BACKEND"] = engine.removeprefix("keras-")
    package = importlib.import_module("keras" if engine.startswith("keras-") else "fastnn")

    def network(units):
        dense = [package.layers.Dense(n, activation="relu") for n in units[1:-1]] + [package.layers.Dense(units[-1])]
        model = package.Sequential([package.layers.Input(shape=units[:1]), *dense])
        model.set_weights(list(weights(units)))
        model.compile(optimizer="rmsprop", loss="mse", **({"run_eagerly": True} if engine == "fastnn-eager" else {}))
        return model

    class Clock(package.callbacks.Callback):
        stamps = []

        def on_epoch_end(self, epoch, logs=None):
            self.stamps.append(time.perf_counter())
            if enough(self.stamps, seconds):
                self.model.stop_training = True

    x, y, row = data()
    model, asked = network(TRAINED), network(ASKED)
    loss = model.fit(x, y, batch_size=1, shuffle=False, verbose=0).history["loss"][0]
    model.fit(x, y, batch_size=1, shuffle=True, verbose=0, epochs=10**6, callbacks=[Clock()])
    output = float(np.asarray(asked.predict_on_batch(row)).item())
    return {"loss": loss, "output": output, "fit": per_step(Clock.stamps),
            "predict_on_batch": per_call(lambda: asked.predict_on_batch(row), seconds),
            "predict": per_call(lambda: asked.predict(row, verbose=0), seconds)}


def torch_figures(engine, seconds):
    """PyTorch itself, eager, with a loop as its tutorials have it; it has no `predict`."""
    import torch
    from torch import nn

    def network(units):
        parts = []
        given = map(torch.from_numpy, weights(units))
        for n, m in zip(units, units[1:]):
            layer = nn.Linear(n, m)
            with torch.no_grad():
                layer.weight.copy_(next(given).T)
                layer.bias.copy_(next(given))
            parts += [layer, nn.ReLU()]
        return nn.Sequential(*parts[:-1])

    def epoch(order):
        total = torch.zeros(())
        for i in order:
            optimizer.zero_grad()
            loss = measure(model(x[i:i + 1]), y[i:i + 1])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return float(total) / SAMPLES

    def predict():
        with torch.inference_mode():
            return asked(torch.from_numpy(row)).numpy()

    x, y, row = data()
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    model, asked, measure = network(TRAINED), network(ASKED), nn.MSELoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.9, eps=1e-7)
    loss, stamps = epoch(range(SAMPLES)), []
    while not enough(stamps, seconds):
        epoch(torch.randperm(SAMPLES).tolist())
        stamps.append(time.perf_counter())
    return {"loss": loss, "output": predict().item(), "fit": per_step(stamps), "predict_on_batch": per_call(predict, seconds)}


def work(engine, path, seconds):
    """Writes an engine's figures into a file, or why there are none."""
    try:
        found = (torch_figures if engine == "torch" else keras_figures)(engine, seconds)
    except ImportError as error:
        found = {"missing": str(error)}
    with open(path, "w") as file:
        json.dump(found, file)


# ---- In the process that compares -------------------------------------------------------------------------------

def ask(engine, seconds):
    """The figures of an engine, from a process of its own."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu",
                   "PYTHONPATH": os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "figures.json")
        command = [sys.executable, os.path.abspath(__file__), "--engine", engine, "--json", path, "--seconds", str(seconds)]
        done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"the process of {engine} ended with {done.returncode}:\n{done.stderr}")
        with open(path) as file:
            return json.load(file)


def compare(first, name, figures):
    """Raises SystemExit unless an engine found what the first one found."""
    for key in ("loss", "output"):
        if not abs(figures[key] - first[key]) <= TOLERANCE * abs(first[key]):
            raise SystemExit(f"{name} finds another {key} than the first engine: {figures[key]:.5g}, and not {first[key]:.5g}")


def table(medians):
    """The lines of the table, of {engine: {row: us}}; the first engine is what the others are compared with."""
    first = next(iter(medians.values()))
    yield "| us | " + " | ".join(TITLES[name] for name in medians) + " |"
    yield "| --- |" + " ---: |" * len(medians)
    for key, title in ROWS.items():
        cells = [f"{us[key]:.1f}" + (f" (x{us[key] / first[key]:.2f})" if us is not first and key in first else "") if key in us
                 else "" for us in medians.values()]
        yield f"| {title} | " + " | ".join(cells) + " |"


def main(engines, rounds, seconds):
    found = {name: [] for name in engines}
    for number in range(rounds):
        for name in list(found):
            figures = ask(name, seconds)
            if "missing" in figures:
                print(f"{TITLES[name]} is left out: {figures['missing']}", flush=True)
                del found[name]
                continue
            found[name].append(figures)
            compare(next(iter(found.values()))[0], name, figures)
            print(f"round {number + 1}, {name}: " + ", ".join(f"{key} {figures[key]:.1f} us" for key in ROWS if key in figures),
                  file=sys.stderr, flush=True)
    medians = {name: {key: statistics.median(one[key] for one in some) for key in ROWS if key in some[0]}
               for name, some in found.items()}
    if medians:
        print(*table(medians), sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", nargs="+", default=["fastnn", "keras-jax"], choices=list(TITLES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="for each figure of each process")
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    parser.add_argument("--json", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.engine:
        work(asked.engine, asked.json, asked.seconds)
    else:
        main(asked.engines, asked.rounds, asked.seconds)
