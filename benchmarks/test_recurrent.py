"""Recurrent layers beside NumPy, which has a loop in Python and products as large as a step."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.tape import GradientTape

SHAPES = [(128, 120, 16, 32), (128, 60, 64, 128), (1, 1, 64, 128)]      # batch, steps, features, units


def data(shape):
    batch, steps, features, units = shape
    rng = np.random.default_rng(1)
    sizes = [(batch, steps, features), (batch, units), (batch, units), (units, 4 * units), (features, 4 * units), (4 * units,)]
    return [ops.convert_to_tensor(0.1 * rng.standard_normal(size, "float32")) for size in sizes]


def numpy_lstm(x, h, c, kernel, weights, bias):
    z = x @ weights + bias
    for t in range(x.shape[1]):
        i, f, g, o = np.split(z[:, t] + h @ kernel, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    return h


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
def test_forward(benchmark, engine, shape):
    benchmark.group = f"lstm forward {shape}"
    x, h, c, kernel, weights, bias = data(shape)
    arrays = [t.data for t in (x, h, c, kernel, weights, bias)]
    benchmark((lambda: ops.lstm(x, h, c, kernel, None, None, weights, bias)) if engine == "fastnn" else lambda: numpy_lstm(*arrays))


@pytest.mark.parametrize("shape", SHAPES[:2], ids=str)
@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
def test_forward_and_backward(benchmark, cell, shape):
    benchmark.group = f"recurrent, forward and backward {shape}"
    x, h, c, kernel, weights, bias = data(shape)
    width = shape[3] * {"simple_rnn": 1, "lstm": 4, "gru": 3}[cell]
    kernel, weights, bias = kernel[:, :width], weights[:, :width], bias[:width]

    def step():
        with GradientTape() as tape:
            tape.watch([x, kernel, weights, bias])
            if cell == "lstm":
                y = ops.lstm(x, h, c, kernel, None, None, weights, bias)[1]
            elif cell == "gru":
                y = ops.gru(x, h, kernel, None, None, None, weights, bias)[1]
            else:
                y = ops.simple_rnn(x, h, kernel, None, None, weights, bias)[1]
        return tape.gradient(y, [x, kernel, weights, bias])
    benchmark(step)
