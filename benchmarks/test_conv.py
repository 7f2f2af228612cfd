"""Convolutions of the reference networks, forward and both gradients, beside im2col and BLAS in NumPy."""
import numpy as np
import pytest

import fastnn.ops as ops
from fastnn.tensor import Tensor

# name: batch, side, channels, filters, kernel, stride, padding
SHAPES = {"first 28x28x1->32": (64, 28, 1, 32, 3, 1, "valid"), "13x13x32->64": (64, 13, 32, 64, 3, 1, "valid"),
          "5x5x64->64": (64, 5, 64, 64, 3, 1, "valid"), "28x28x12->24 /2": (64, 28, 12, 24, 6, 2, "same"),
          "first 150x150x3->32": (4, 150, 3, 32, 3, 1, "valid"), "36x36x64->128": (4, 36, 64, 128, 3, 1, "valid")}


def numpy_windows(x, kernel, stride, padding):
    """im2col: (N*OH*OW, KH*KW*C)."""
    if padding == "same":
        total = max((-(-x.shape[1] // stride) - 1) * stride + kernel - x.shape[1], 0)
        x = np.pad(x, ((0, 0), (total // 2, total - total // 2), (total // 2, total - total // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
    return np.ascontiguousarray(windows.transpose(0, 1, 2, 4, 5, 3)).reshape(-1, kernel * kernel * x.shape[3])


def numpy_images(cols, x_shape, kernel, stride, padding, out):
    """The transpose of im2col."""
    total = max((out - 1) * stride + kernel - x_shape[1], 0) if padding == "same" else 0
    n, side, _, c = x_shape
    image = np.zeros((n, side + total, side + total, c), np.float32)
    cols = cols.reshape(n, out, out, kernel, kernel, c)
    for i in range(kernel):
        for j in range(kernel):
            image[:, i:i + (out - 1) * stride + 1:stride, j:j + (out - 1) * stride + 1:stride] += cols[:, :, :, i, j]
    return image[:, total // 2:total // 2 + side, total // 2:total // 2 + side]


def jobs(n, side, c, f, kernel, stride, padding):
    """For each pass a pair (fastnn, NumPy) of functions that give the same array."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((n, side, side, c), np.float32), rng.standard_normal((kernel, kernel, c, f), np.float32)
    attrs = dict(strides=(stride, stride), padding=padding, dilation_rate=(1, 1), groups=1)
    tx, tw, matrix = Tensor(x), Tensor(w), w.reshape(-1, f)
    y = ops.conv2d(tx, tw, **attrs)
    dy = rng.standard_normal(y.shape, np.float32)
    tdy, rows, out = Tensor(dy), dy.reshape(-1, f), y.shape[1]
    return {
        "forward": (lambda: ops.conv2d(tx, tw, **attrs).numpy(),
                    lambda: (numpy_windows(x, kernel, stride, padding) @ matrix).reshape(y.shape)),
        "data": (lambda: ops.conv2d_backward_data(tdy, tw, image=(side, side), **attrs).numpy(),
                 lambda: numpy_images(rows @ matrix.T, x.shape, kernel, stride, padding, out)),
        "weights": (lambda: ops.conv2d_backward_weights(tx, tdy, kernel_size=(kernel, kernel), **attrs).numpy(),
                    lambda: (numpy_windows(x, kernel, stride, padding).T @ rows).reshape(w.shape)),
    }


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("work", ["forward", "data", "weights"])
@pytest.mark.parametrize("name", SHAPES)
def test_conv2d(benchmark, name, work, engine):
    benchmark.group = f"conv2d {name} {work}"
    ours, theirs = jobs(*SHAPES[name])[work]
    np.testing.assert_allclose(ours(), theirs(), atol=1e-2 if work == "weights" else 1e-3, rtol=1e-3)
    benchmark(ours if engine == "fastnn" else theirs)
