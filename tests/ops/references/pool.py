"""Pooling in NumPy, cell by cell."""
import math

import numpy as np


def windows(shape, pool_size, strides, padding):
    """Each window of an image: (oh, ow, [(cell, ih, iw) for its cells inside the image])."""
    _, h, w, _ = shape
    (kh, kw), (sh, sw) = pool_size, strides
    if padding == "same":
        oh, ow = math.ceil(h / sh), math.ceil(w / sw)
        top, left = max((oh - 1) * sh + kh - h, 0) // 2, max((ow - 1) * sw + kw - w, 0) // 2
    else:
        oh, ow, top, left = (h - kh) // sh + 1, (w - kw) // sw + 1, 0, 0
    for i in range(oh):
        for j in range(ow):
            cells = [(a * kw + b, i * sh - top + a, j * sw - left + b) for a in range(kh) for b in range(kw)]
            yield i, j, [(cell, ih, iw) for cell, ih, iw in cells if 0 <= ih < h and 0 <= iw < w]


def pooled(x, pool_size, strides, padding):
    last = max((i, j) for i, j, _ in windows(x.shape, pool_size, strides, padding))
    return (x.shape[0], last[0] + 1, last[1] + 1, x.shape[3])


def max_pool2d_forward(x, *, image, pool_size, strides, padding):
    y = np.empty(pooled(x, pool_size, strides, padding), x.dtype)
    index = np.empty(y.shape, "uint8" if pool_size[0] * pool_size[1] <= 256 else "int32")
    for i, j, cells in windows(x.shape, pool_size, strides, padding):
        stack = np.stack([x[:, ih, iw] for _, ih, iw in cells])
        y[:, i, j] = stack.max(0)
        index[:, i, j] = np.array([cell for cell, _, _ in cells])[stack.argmax(0)]
    return y, index


def max_pool2d_grad(dy, index, *, image, pool_size, strides, padding):
    dx = np.zeros((dy.shape[0], *image, dy.shape[3]), dy.dtype)
    for i, j, cells in windows(dx.shape, pool_size, strides, padding):
        for cell, ih, iw in cells:
            dx[:, ih, iw] += np.where(index[:, i, j] == cell, dy[:, i, j], 0)
    return dx


def max_pool2d_pick(x, index, *, pool_size, strides, padding):
    y = np.zeros(index.shape, x.dtype)
    for i, j, cells in windows(x.shape, pool_size, strides, padding):
        for cell, ih, iw in cells:
            y[:, i, j] += np.where(index[:, i, j] == cell, x[:, ih, iw], 0)
    return y


def average_pool2d_forward(x, *, image, pool_size, strides, padding):
    y = np.empty(pooled(x, pool_size, strides, padding), x.dtype)
    for i, j, cells in windows(x.shape, pool_size, strides, padding):
        y[:, i, j] = np.mean([x[:, ih, iw] for _, ih, iw in cells], 0)
    return y


def average_pool2d_grad(dy, *, image, pool_size, strides, padding):
    dx = np.zeros((dy.shape[0], *image, dy.shape[3]), dy.dtype)
    for i, j, cells in windows(dx.shape, pool_size, strides, padding):
        for _, ih, iw in cells:
            dx[:, ih, iw] += dy[:, i, j] / len(cells)
    return dx


def global_max_pool2d(x, *, keepdims):
    return x.max((1, 2), keepdims=keepdims)


def global_max_pool2d_grad(dy, x, y):
    ties = x == y[:, None, None]
    count = np.maximum(ties.sum((1, 2), keepdims=True), 1)
    return np.where(ties, dy[:, None, None] / count, 0).astype(x.dtype)


def global_average_pool2d(x, *, keepdims):
    return x.mean((1, 2), keepdims=keepdims)


def global_average_pool2d_grad(dy, *, image):
    h, w = image
    return np.broadcast_to(dy[:, None, None] / (h * w), (dy.shape[0], h, w, dy.shape[1])).astype(dy.dtype)
