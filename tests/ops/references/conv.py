"""Convolution with NumPy, tap by tap."""
import math

import numpy as np


def borders(x_shape, kernel_size, output_size, strides, padding, dilation_rate):
    """The padding before and behind each axis."""
    if isinstance(padding, tuple):
        return (0, 0), *padding, (0, 0)
    totals = [max((o - 1) * s + (k - 1) * d + 1 - size, 0) if padding == "same" else 0
              for o, s, k, d, size in zip(output_size, strides, kernel_size, dilation_rate, x_shape[1:3])]
    return (0, 0), *((total // 2, total - total // 2) for total in totals), (0, 0)


def frame(x, pads, sign=1):
    """x with a border of zeros, without its rim where that is negative; sign -1: the other way round."""
    pads = [(sign * before, sign * behind) for before, behind in pads]
    x = np.pad(x, [(max(before, 0), max(behind, 0)) for before, behind in pads])
    return x[tuple(slice(max(-before, 0), size - max(-behind, 0)) for size, (before, behind) in zip(x.shape, pads))]


def taps(kernel_size, output_size, strides, dilation_rate):
    """For each (kh, kw) the slices of the framed image that it meets."""
    windows = {}
    for kh in range(kernel_size[0]):
        for kw in range(kernel_size[1]):
            starts = kh * dilation_rate[0], kw * dilation_rate[1]
            windows[kh, kw] = tuple(slice(a, a + (o - 1) * s + 1, s) for a, o, s in zip(starts, output_size, strides))
    return windows


def output_size(shape, kernel_size, strides, padding, dilation_rate):
    if padding == "same":
        return [math.ceil(n / s) for n, s in zip(shape[1:3], strides)]
    borders = [0, 0] if padding == "valid" else [before + behind for before, behind in padding]
    return [(n + p - (k - 1) * d - 1) // s + 1 for n, k, s, d, p in zip(shape[1:3], kernel_size, strides, dilation_rate, borders)]


def activate(z, name):
    return {"linear": lambda: z, "relu": lambda: np.maximum(z, 0), "tanh": lambda: np.tanh(z),
            "sigmoid": lambda: 1 / (1 + np.exp(-z)), "relu6": lambda: np.clip(z, 0, 6),
            "elu": lambda: np.where(z > 0, z, np.expm1(z)),
            "selu": lambda: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z))}[name]()


def conv2d(x, w, b=None, *, strides=(1, 1), padding="valid", dilation_rate=(1, 1), groups=1, activation="linear", alpha=1.0):
    size = output_size(x.shape, w.shape, strides, padding, dilation_rate)
    pads, windows = borders(x.shape, w.shape, size, strides, padding, dilation_rate), taps(w.shape[:2], size, strides, dilation_rate)
    image, depth, width = frame(x, pads), w.shape[2], w.shape[3] // groups
    y = np.zeros((x.shape[0], *size, w.shape[3]), x.dtype)
    for (kh, kw), (rows, columns) in windows.items():
        for g in range(groups):
            f = slice(g * width, (g + 1) * width)
            y[..., f] += image[:, rows, columns, g * depth:(g + 1) * depth] @ w[kh, kw][:, f]
    return activate(y if b is None else y + b, activation)


def conv2d_backward_data(dy, w, *, image, strides, padding, dilation_rate, groups):
    shape = (dy.shape[0], *image, w.shape[2] * groups)
    pads = borders(shape, w.shape, dy.shape[1:3], strides, padding, dilation_rate)
    windows = taps(w.shape[:2], dy.shape[1:3], strides, dilation_rate)
    dx, depth, width = frame(np.zeros(shape, dy.dtype), pads).copy(), w.shape[2], w.shape[3] // groups
    for (kh, kw), (rows, columns) in windows.items():
        for g in range(groups):
            f = slice(g * width, (g + 1) * width)
            dx[:, rows, columns, g * depth:(g + 1) * depth] += dy[..., f] @ w[kh, kw][:, f].T
    return frame(dx, pads, -1)


def conv2d_backward_weights(x, dy, *, kernel_size, strides, padding, dilation_rate, groups):
    pads = borders(x.shape, kernel_size, dy.shape[1:3], strides, padding, dilation_rate)
    windows = taps(kernel_size, dy.shape[1:3], strides, dilation_rate)
    image, depth, width = frame(x, pads), x.shape[3] // groups, dy.shape[3] // groups
    dw = np.zeros((*kernel_size, depth, dy.shape[3]), x.dtype)
    for (kh, kw), (rows, columns) in windows.items():
        for g in range(groups):
            f = slice(g * width, (g + 1) * width)
            window = image[:, rows, columns, g * depth:(g + 1) * depth]
            dw[kh, kw][:, f] = np.einsum("nhwc,nhwf->cf", window, dy[..., f], optimize=True)
    return dw
