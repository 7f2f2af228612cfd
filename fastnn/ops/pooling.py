"""The pooling of `keras.ops`, for sequences (one spatial axis), images (two) and volumes (three): all by the ops of `pool`.

A sequence is an image of one row.  The windows of a volume are pooled within its planes, and what comes of it is pooled
across them: the maximum, the mean over the cells inside, and which of equal cells is the first are the same either way.
"""
import math

import numpy as np

from .. import config
from ._shapes import operand
from .elementwise import cast, divide, where
from .pool import average_pool2d, global_average_pool2d, global_max_pool2d, max_pool2d
from .reduce import sum
from .shape import expand_dims, moveaxis, reshape

AXES = {3: ("length",), 4: ("height", "width"), 5: ("depth", "height", "width")}


def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The maximum of each window; NaN wins, and the gradient goes to the first of equal cells.

    Args:
        inputs: sequences (N, T, C), images (N, H, W, C) or volumes (N, D, H, W, C); the channels second where data_format
            is "channels_first".
        pool_size, strides: an integer, or one for each spatial axis; strides are by default the window's size.
        padding: "valid" (whole windows only) or "same" (windows may reach over the border; ceil(size / stride) of them).
        data_format: by default `fastnn.config.image_data_format()`.

    Returns:
        Tensor of the same rank and layout.

    Raises:
        ValueError: bad values, other ranks, and windows that do not fit into the inputs.

    Example:
        >>> max_pool(np.array([[[1.0], [3.0], [2.0], [0.0]]]), 2).tolist()
        [[[3.0], [2.0]]]
    """
    return _pool(max_pool2d, "max_pool", inputs, pool_size, strides, padding, data_format)


def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The mean of each window, over its cells inside the inputs.

    Args, result, errors: as for `max_pool`.

    Example:
        >>> average_pool(np.array([[[1.0], [3.0], [2.0], [0.0]]]), 2).tolist()
        [[[2.0], [1.0]]]
    """
    return _pool(average_pool2d, "average_pool", inputs, pool_size, strides, padding, data_format)


def global_max_pool(x, keepdims=False, data_format="channels_last"):
    """The maximum over all cells; those that tie share the gradient.

    Args:
        x: sequences, images or volumes.
        keepdims: whether the spatial axes stay, with size 1.
        data_format: "channels_last" or "channels_first".

    Returns:
        Tensor (N, C), or of the rank of x.

    Example:
        >>> global_max_pool(np.array([[[1.0], [3.0]]])).tolist()
        [[3.0]]
    """
    return _global_pool(global_max_pool2d, "global_max_pool", x, keepdims, data_format)


def global_average_pool(x, keepdims=False, data_format="channels_last", mask=None):
    """The mean over all cells.

    Args:
        x, keepdims, data_format: as in `global_max_pool`.
        mask: of sequences, (N, T): which steps count.  NaN for a sequence of which none does.

    Returns:
        Tensor (N, C), or of the rank of x.

    Example:
        >>> global_average_pool(np.array([[[1.0], [3.0], [9.0]]]), mask=np.array([[True, True, False]])).tolist()
        [[2.0]]
    """
    if mask is None:
        return _global_pool(global_average_pool2d, "global_average_pool", x, keepdims, data_format)
    x, mask = operand(x), operand(mask)
    if len(x.shape) != 3 or len(mask.shape) != 2:
        raise ValueError(f"[global_average_pool] a mask of shape {mask.shape} came with x of shape {x.shape}, expected (N, T) "
                         "with sequences (N, T, C)")
    steps, channels = (2, 1) if data_format == "channels_first" else (1, 2)
    mask = expand_dims(cast(mask, dtype="bool"), channels)
    total = sum(where(mask, x, 0), steps, keepdims)
    return divide(total, sum(cast(mask, dtype=x.dtype), steps, keepdims))


# ---- One after the other ----------------------------------------------------------------------------------------

def _pool(function, name, inputs, pool_size, strides, padding, data_format):
    x = operand(inputs)
    _check_rank(name, x.shape)
    rank, first = len(x.shape) - 2, _is_first(name, data_format)
    if first:
        x = moveaxis(x, 1, -1)
    pool_size = _each(name, "pool_size", pool_size, rank)
    strides = pool_size if strides is None else _each(name, "strides", strides, rank)
    padding = padding.lower() if isinstance(padding, str) else padding
    _check_windows(name, x.shape, pool_size, strides, padding)
    y = _pool_last(function, x, pool_size, strides, padding)
    return moveaxis(y, -1, 1) if first else y


def _pool_last(function, x, pool_size, strides, padding):
    """Pooling with channels last; the arguments are tuples."""
    shape = x.shape
    if len(shape) == 4:
        return function(x, pool_size=pool_size, strides=strides, padding=padding)
    if len(shape) == 3:
        row = reshape(x, shape=(shape[0], 1, *shape[1:]))
        y = function(row, pool_size=(1, *pool_size), strides=(1, *strides), padding=padding)
        return reshape(y, shape=(shape[0], *y.shape[2:]))
    planes = reshape(x, shape=(_lead(*shape[:2]), *shape[2:]))
    y = function(planes, pool_size=pool_size[1:], strides=strides[1:], padding=padding)
    sides = y.shape[1:]
    if pool_size[0] > 1 or strides[0] > 1:       # a plane as one cell with many channels, the planes as a column
        column = reshape(y, shape=(_lead(shape[0]), shape[1], 1, _times(*sides)))
        y = function(column, pool_size=(pool_size[0], 1), strides=(strides[0], 1), padding=padding)
        return reshape(y, shape=(_lead(shape[0]), y.shape[1], *sides))
    return reshape(y, shape=(_lead(shape[0]), shape[1], *sides))


def _global_pool(function, name, x, keepdims, data_format):
    x = operand(x)
    _check_rank(name, x.shape)
    if _is_first(name, data_format):
        y = _global_pool(function, name, moveaxis(x, 1, -1), keepdims, "channels_last")
        return moveaxis(y, -1, 1) if keepdims else y
    n, *sides, c = x.shape
    if 0 in sides:
        raise ValueError(f"[{name}] x has shape {x.shape}: there is nothing to pool along an axis of size 0")
    if len(sides) == 2:
        return function(x, keepdims=keepdims)
    y = function(reshape(x, shape=(n, 1, sides[0], c) if len(sides) == 1 else (n, _times(*sides[:2]), sides[2], c)))
    return reshape(y, shape=(n, *[1] * len(sides), c)) if keepdims else y


# ---- Arguments --------------------------------------------------------------------------------------------------

def _times(*sizes):
    """The product of sizes, None where one is open."""
    return None if None in sizes else math.prod(sizes)


def _lead(*sizes):
    """The first size of a shape to take, which is computed where it is open."""
    return -1 if None in sizes else math.prod(sizes)


def _is_first(name, data_format):
    data_format = data_format or config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"[{name}] data_format is {data_format!r}, expected 'channels_last' or 'channels_first'")
    return data_format == "channels_first"


def _each(name, word, value, rank):
    """One integer for each spatial axis."""
    values = (value,) * rank if isinstance(value, (int, np.integer)) else tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(values) != rank or not all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) and v > 0 for v in values):
        raise ValueError(f"[{name}] {word} is {value!r}, expected an integer >= 1, or {rank} of them")
    return tuple(int(v) for v in values)


def _check_rank(name, shape):
    if len(shape) not in AXES:
        raise ValueError(f"[{name}] x has shape {shape}, expected sequences (N, T, C), images (N, H, W, C) or volumes "
                         "(N, D, H, W, C)")


def _check_windows(name, shape, pool_size, strides, padding):
    if padding not in ("same", "valid"):
        raise ValueError(f"[{name}] padding is {padding!r}, expected 'same' or 'valid'")
    for axis, size, window in zip(AXES[len(shape)], shape[1:], pool_size):
        if size is not None and size < (window if padding == "valid" else 1):
            raise ValueError(f"[{name}] a window of {axis} {window} does not fit into inputs of {axis} {size}: use a smaller "
                             "pool_size, or padding='same'")
