"""Convolutions of the reference networks and of the usual kinds, forward and both gradients, beside NumPy: a sum over the
taps of shifted images where a filter sees one channel, im2col and BLAS (group by group) elsewhere."""
import numpy as np
import pytest

import fastnn.ops as ops
from fastnn.tensor import Tensor

# name: batch, image, channels, filters, kernel, stride, padding, groups
SHAPES = {"first 28x28x1->32": (64, (28, 28), 1, 32, (3, 3), 1, "valid", 1),
          "13x13x32->64": (64, (13, 13), 32, 64, (3, 3), 1, "valid", 1),
          "5x5x64->64": (64, (5, 5), 64, 64, (3, 3), 1, "valid", 1),
          "28x28x12->24 /2": (64, (28, 28), 12, 24, (6, 6), 2, "same", 1),
          "first 150x150x3->32": (4, (150, 150), 3, 32, (3, 3), 1, "valid", 1),
          "36x36x64->128": (4, (36, 36), 64, 128, (3, 3), 1, "valid", 1),
          "depthwise 28x28x64": (16, (28, 28), 64, 64, (3, 3), 1, "same", 64),
          "depthwise 14x14x512": (8, (14, 14), 512, 512, (3, 3), 1, "same", 512),
          "depthwise 5x5 28x28x64": (16, (28, 28), 64, 64, (5, 5), 1, "same", 64),
          "depthwise 28x28x128 /2": (16, (28, 28), 128, 128, (3, 3), 2, "same", 128),
          "32 groups 28x28x128": (8, (28, 28), 128, 128, (3, 3), 1, "same", 32),
          "1x1 28x28x64->128": (16, (28, 28), 64, 128, (1, 1), 1, "same", 1),
          "Conv1D 128x64->64": (32, (1, 128), 64, 64, (1, 7), 1, "same", 1)}


def numpy_pads(shape, kernel, stride, padding):
    """What comes before and after the image, for each of its sides."""
    if padding == "valid":
        return [(0, 0)] * 4
    totals = [max((-(-side // stride) - 1) * stride + k - side, 0) for side, k in zip(shape[1:3], kernel)]
    return [(0, 0), *((total // 2, total - total // 2) for total in totals), (0, 0)]


def numpy_views(image, kernel, stride, out):
    """For each tap (i, j) of the kernel the pixels of the padded image that it sees: (N, OH, OW, C)."""
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            yield i, j, image[:, i:i + (out[0] - 1) * stride + 1:stride, j:j + (out[1] - 1) * stride + 1:stride]


def numpy_dense(x, w, dy, stride, pads, groups):
    """Forward, data and weights by im2col: (groups, N*OH*OW, KH*KW*C/groups)."""
    (kh, kw, c, f), (n, oh, ow, _) = w.shape, dy.shape
    matrix = w.reshape(-1, groups, f // groups).transpose(1, 0, 2)
    rows = dy.reshape(-1, groups, f // groups).transpose(1, 0, 2)

    def columns():
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, pads), (kh, kw), axis=(1, 2))[:, ::stride, ::stride]
        windows = windows.reshape(n, oh, ow, groups, c, kh, kw).transpose(3, 0, 1, 2, 5, 6, 4)
        return np.ascontiguousarray(windows).reshape(groups, n * oh * ow, kh * kw * c)

    def data():
        image = np.zeros([side + sum(pad) for side, pad in zip(x.shape, pads)], np.float32)
        cols = (rows @ matrix.transpose(0, 2, 1)).reshape(groups, n, oh, ow, kh, kw, c)
        for i, j, view in numpy_views(image, (kh, kw), stride, (oh, ow)):
            view += cols[:, :, :, :, i, j].transpose(1, 2, 3, 0, 4).reshape(view.shape)
        return image[:, pads[1][0]:pads[1][0] + x.shape[1], pads[2][0]:pads[2][0] + x.shape[2]]

    return (lambda: (columns() @ matrix).transpose(1, 0, 2).reshape(dy.shape), data,
            lambda: (columns().transpose(0, 2, 1) @ rows).transpose(1, 0, 2).reshape(w.shape))


def numpy_depthwise(x, w, dy, stride, pads):
    """The same where a filter sees one channel: w (KH, KW, 1, C)."""
    kernel, out = w.shape[:2], dy.shape[1:3]

    def forward():
        return sum(view * w[i, j, 0] for i, j, view in numpy_views(np.pad(x, pads), kernel, stride, out))

    def data():
        image = np.zeros([side + sum(pad) for side, pad in zip(x.shape, pads)], np.float32)
        for i, j, view in numpy_views(image, kernel, stride, out):
            view += dy * w[i, j, 0]
        return image[:, pads[1][0]:pads[1][0] + x.shape[1], pads[2][0]:pads[2][0] + x.shape[2]]

    def weights():
        dw = np.empty_like(w)
        for i, j, view in numpy_views(np.pad(x, pads), kernel, stride, out):
            dw[i, j, 0] = np.einsum("nhwc,nhwc->c", view, dy)
        return dw

    return forward, data, weights


def jobs(n, image, c, f, kernel, stride, padding, groups):
    """For each pass a pair (fastnn, NumPy) of functions that give the same array."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((n, *image, c), np.float32), rng.standard_normal((*kernel, c // groups, f), np.float32)
    attrs = dict(strides=(stride, stride), padding=padding, dilation_rate=(1, 1), groups=groups)
    tx, tw = Tensor(x), Tensor(w)
    dy = rng.standard_normal(ops.conv2d(tx, tw, **attrs).shape, np.float32)
    tdy, pads = Tensor(dy), numpy_pads(x.shape, kernel, stride, padding)
    theirs = numpy_depthwise(x, w, dy, stride, pads) if 1 < groups == c else numpy_dense(x, w, dy, stride, pads, groups)
    if kernel == (1, 1) and stride == 1:    # a product of matrices
        pixels, matrix, rows = x.reshape(-1, c), w.reshape(c, f), dy.reshape(-1, f)
        theirs = (lambda: (pixels @ matrix).reshape(dy.shape), lambda: (rows @ matrix.T).reshape(x.shape),
                  lambda: (pixels.T @ rows).reshape(w.shape))
    ours = (lambda: ops.conv2d(tx, tw, **attrs).numpy(),
            lambda: ops.conv2d_backward_data(tdy, tw, image=image, **attrs).numpy(),
            lambda: ops.conv2d_backward_weights(tx, tdy, kernel_size=kernel, **attrs).numpy())
    return dict(zip(("forward", "data", "weights"), zip(ours, theirs)))


@pytest.mark.parametrize("engine", ["fastnn", "numpy"])
@pytest.mark.parametrize("work", ["forward", "data", "weights"])
@pytest.mark.parametrize("name", SHAPES)
def test_conv2d(benchmark, name, work, engine):
    benchmark.group = f"conv2d {name} {work}"
    ours, theirs = jobs(*SHAPES[name])[work]
    np.testing.assert_allclose(ours(), theirs(), atol=1e-2 if work == "weights" else 1e-3, rtol=1e-3)
    benchmark(ours if engine == "fastnn" else theirs)
