"""Axes brought to another length: images resized, and pooling in windows that share an axis out evenly.

The matrix of such a product is constant and nearly empty, so its kernel is given a table: which cells each result is made
of, and with which weights.  The way back is the same kernel with the table of the transposed matrix.
"""
from functools import lru_cache

import numpy as np

from .. import budget, config
from ..op import normal, op
from ..tensor import FLOATS, Spec
from ._shapes import operand
from ._views import read_view, strides_of, view_groups
from .combined import saturate_cast
from .elementwise import cast, round
from .indexing import take
from .pool import max_pool2d
from .pooling import _check_rank, _each, _is_first, _lead, _times
from .shape import moveaxis, pad, reshape, strided_slice

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


def resize(images, size, interpolation="bilinear", antialias=False, crop_to_aspect_ratio=False, pad_to_aspect_ratio=False,
           fill_mode="constant", fill_value=0.0, data_format=None):
    """Images of another size, as `keras.ops.image.resize` on JAX: pixels are cells, which begin and end where the images do.

    Args:
        images: (H, W, C) or (N, H, W, C), the channels before the sides where data_format is "channels_first".
        size: (height, width) of the result.
        interpolation: "nearest", "bilinear", "bicubic" (Keys' kernel, with a = -0.5), "lanczos3" or "lanczos5".
        antialias: whether a kernel is made so wide, where images shrink, that it covers all of their pixels.
        crop_to_aspect_ratio: whether to resize the largest part from the centre that has the shape of the result.
        pad_to_aspect_ratio: whether to widen the images to the shape of the result, with `fill_value` on both sides.
        fill_mode: "constant".
        data_format: by default `fastnn.config.image_data_format()`.

    Returns:
        Tensor of the images' dtype; integers are rounded.

    Raises:
        ValueError: bad values, and images of another rank.

    Example:
        >>> resize(np.array([[[0.0], [4.0]]]), (1, 4)).numpy().ravel().tolist()
        [0.0, 1.0, 3.0, 4.0]
    """
    images = operand(images)
    _check_resize(images.shape, size, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_mode)
    axis = len(images.shape) - (2 if _is_first("resize", data_format) else 3)
    size, dtype = tuple(int(n) for n in size), images.dtype
    exact = dtype in FLOATS or interpolation == "nearest" and not pad_to_aspect_ratio
    images = images if exact else cast(images, dtype=config.floatx())
    if crop_to_aspect_ratio:
        images = _cropped(images, axis, size)
    elif pad_to_aspect_ratio:
        images = _padded(images, axis, size, fill_value)
    # the side first that makes the least of the images
    for k in sorted((0, 1), key=lambda k: size[k] / (images.shape[axis + k] or 1)):
        images = _resized(images, axis + k, size[k], interpolation, antialias)
    return images if exact else saturate_cast(round(images), dtype)


def upsample(x, factors, data_format="channels_last", interpolation="nearest"):
    """Sequences, images or volumes made larger by whole factors.

    Args:
        x: (N, T, C), (N, H, W, C) or (N, D, H, W, C); the channels second where data_format is "channels_first".
        factors: an integer for each spatial axis, or one for all.
        data_format: "channels_last" or "channels_first".
        interpolation: "nearest", where each cell is repeated; of images also one of `resize`.

    Returns:
        Tensor of the same rank and layout.

    Raises:
        ValueError: bad values, and other ranks.

    Example:
        >>> upsample(np.array([[[1.0], [2.0]]]), 2).numpy().ravel().tolist()
        [1.0, 1.0, 2.0, 2.0]
    """
    x = operand(x)
    _check_rank("upsample", x.shape)
    factors, begin = _each("upsample", "factors", factors, len(x.shape) - 2), 2 if _is_first("upsample", data_format) else 1
    sides = x.shape[begin:begin + len(factors)]
    larger = tuple(_times(n, factor) for n, factor in zip(sides, factors))
    if interpolation not in (INTERPOLATIONS if len(factors) == 2 else INTERPOLATIONS[:1]):
        raise ValueError(f"[upsample] interpolation is {interpolation!r}, expected one of {INTERPOLATIONS} for images, 'nearest' for others")
    if interpolation != "nearest":
        if None in larger:
            return Spec((*x.shape[:begin], *larger, *x.shape[begin + len(factors):]), x.dtype)
        return resize(x, larger, interpolation, data_format=data_format)
    return repeat_cells(x, factors=(1,) * begin + factors + (1,) * (2 - begin))


def adaptive_average_pool(inputs, output_size, data_format=None):
    """The mean of each of `output_size` windows that share the inputs out evenly.

    Args:
        inputs: sequences (N, T, C), images (N, H, W, C) or volumes (N, D, H, W, C); the channels second where data_format
            is "channels_first".
        output_size: an integer, or one for each spatial axis.  Window i of n begins at floor(i * size / n) and ends before
            ceil((i + 1) * size / n).
        data_format: by default `fastnn.config.image_data_format()`.

    Returns:
        Tensor of the same rank and layout.

    Raises:
        ValueError: bad values, other ranks, and inputs of size 0.

    Example:
        >>> adaptive_average_pool(np.array([[[1.0], [2.0], [6.0]]]), 2).tolist()
        [[[1.5], [4.0]]]
    """
    return _adaptive(_average_along, "adaptive_average_pool", inputs, output_size, data_format)


def adaptive_max_pool(inputs, output_size, data_format=None):
    """The maximum of each of `output_size` windows that share the inputs out evenly.

    Args, result, errors: as for `adaptive_average_pool`.

    Example:
        >>> adaptive_max_pool(np.array([[[1.0], [2.0], [6.0]]]), 2).tolist()
        [[[2.0], [6.0]]]
    """
    return _adaptive(_maximum_along, "adaptive_max_pool", inputs, output_size, data_format)


@op
class repeat_cells:
    """Each cell repeated on the spot, `factors[k]` times along axis k."""
    flops = 0
    cases = [((normal(2, 5, 3),), {"factors": (1, 2, 1)}), ((normal(2, 4, 5, 3),), {"factors": (1, 3, 2, 1)}),
             ((normal(2, 3, 4, 5),), {"factors": (1, 1, 2, 3)}), ((normal(2, 3, 2, 4, 3),), {"factors": (1, 2, 1, 2, 1)}),
             ((normal(0, 3, 2),), {"factors": (1, 2, 1)}), ((normal(4, 30, 20, 32),), {"factors": (1, 2, 2, 1)})]

    def spec(x, *, factors):
        return Spec(tuple(_times(n, factor) for n, factor in zip(x.shape, factors)), x.dtype)

    def cpu(x, y, *, factors):
        shape, strides = zip(*(pair for n, factor, stride in zip(x.shape, factors, strides_of(x.shape)) for pair in ((n, stride), (factor, 0))))
        return read_view(x, y, 0, view_groups(shape, strides))

    def vjp(dy, x, factors):
        for axis, (length, factor) in enumerate(zip(x.shape, factors)):
            if factor > 1:
                dy = _along(dy, axis, length, length * factor, "nearest", transposed=True)
        return dy


# ---- Along one axis ---------------------------------------------------------------------------------------------

@op
class resample:
    """The second axis brought from `length` to `size` by a constant matrix; transposed: from `size` to `length`.

    Args:
        x: (A, length, B), or (A, size, B) where it is transposed.
        method: of `resize`, or "average": the means of windows that share the axis out evenly; or ("windows", n): all cells of n
            such windows, one after the other, where a shorter one repeats its last cell.
        antialias: whether kernels grow as the axis shrinks.
    """
    cases = [((normal(a, size if back else length, b),), dict(length=length, size=size, method=method, antialias=antialias, transposed=back))
             for a, length, b, size, method, antialias in (
                 (2, 5, 3, 10, "bilinear", False), (2, 9, 1, 4, "bilinear", False), (2, 9, 7, 4, "bilinear", True),
                 (1, 6, 40, 15, "bicubic", False), (3, 15, 2, 6, "bicubic", True), (2, 7, 5, 14, "lanczos3", False),
                 (2, 12, 5, 5, "lanczos5", True), (2, 5, 3, 8, "nearest", False), (2, 8, 1, 3, "nearest", False),
                 (2, 11, 5, 4, "average", False), (2, 3, 5, 7, "average", False), (0, 3, 5, 7, "bilinear", False),
                 (5, 60, 300, 90, "bilinear", False), (2, 7, 5, 9, ("windows", 3), False), (2, 3, 1, 10, ("windows", 5), False))
             for back in (False, True)]

    def spec(x, *, length, size, method, antialias, transposed):
        return Spec((x.shape[0], length if transposed else size, x.shape[2]), x.dtype)

    def cpu(x, y, *, length, size, method, antialias, transposed):
        index, weights = _table(length, size, method, antialias, transposed, x.dtype.name)
        return "resample", (x, index, weights, y, *x.shape, *index.shape)

    def flops(y, length, size, method, antialias, transposed):
        return 2 * y.size * _table(length, size, method, antialias, transposed, "float32")[0].shape[1]

    def vjp(dy, length, size, method, antialias, transposed):
        return resample(dy, length=length, size=size, method=method, antialias=antialias, transposed=not transposed)


@lru_cache(maxsize=256)
def _table(length, size, method, antialias, transposed, dtype):
    """For each result the cells that it is made of and their weights, (results, most of them): those of weight 0 fill up."""
    matrix = _matrix(length, size, method, antialias)
    matrix = matrix if transposed else matrix.T
    most = max(1, np.count_nonzero(matrix, axis=1).max(initial=0))
    index = np.argsort(matrix == 0, axis=1, kind="stable")[:, :most]        # cells that count come first, in their order
    weights = np.take_along_axis(matrix, index, axis=1)
    return np.ascontiguousarray(index, "int32"), np.ascontiguousarray(weights, dtype)


def _matrix(length, size, method, antialias):
    """The matrix (length, size) of a method."""
    cells, results = np.arange(length)[:, None], np.arange(size)
    if method == "nearest":
        return (cells == (2 * results + 1) * length // (2 * size)).astype("float64")
    if method == "average":
        starts, ends = _windows(length, size)
        return ((cells >= starts) & (cells < ends)) / (ends - starts)
    if method[0] == "windows":
        return (cells == _window_cells(length, method[1]).ravel()).astype("float64")
    step = length / size
    distance = np.abs((results + 0.5) * step - 0.5 - cells) / (max(step, 1.0) if antialias else 1.0)
    weights = KERNELS[method](distance)
    weights[np.abs(weights) < 1e-12] = 0        # the zeros of a sine, but for rounding
    return weights / weights.sum(0)


def _windows(length, size):
    """Where the windows that share an axis out evenly begin and end."""
    budget.take((size,), "int64", "the windows of an adaptive pooling")
    at = np.arange(size + 1) * length
    return at[:-1] // size, -(-at[1:] // size)


def _window_cells(length, size):
    """The cells of each such window, (size, the most that one has): a shorter one repeats its last."""
    starts, ends = _windows(length, size)
    return np.minimum(starts[:, None] + np.arange((ends - starts).max()), ends[:, None] - 1)


def _keys(x):
    """R. G. Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -0.5."""
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _lanczos(radius):
    """C. E. Duchon, "Lanczos filtering in one and two dimensions", 1979: sinc(x) sinc(x / radius)."""
    return lambda x: np.where(x > radius, 0.0, np.sinc(x) * np.sinc(x / radius))


KERNELS = {"bilinear": lambda x: np.maximum(1 - x, 0), "bicubic": _keys, "lanczos3": _lanczos(3), "lanczos5": _lanczos(5)}


def _along(x, axis, length, size, method, antialias=False, transposed=False):
    """`resample` along an axis of a tensor of any rank."""
    shape = x.shape
    rows = reshape(x, shape=(_lead(*shape[:axis]), shape[axis], _times(*shape[axis + 1:])))
    y = resample(rows, length=length, size=size, method=method, antialias=antialias, transposed=transposed)
    return reshape(y, shape=(*_open(shape[:axis]), y.shape[1], *shape[axis + 1:]))


def _open(sizes):
    """Sizes with which a shape begins, the first computed where it is open."""
    return (-1 if sizes[0] is None else sizes[0], *sizes[1:]) if sizes else ()


# ---- Images -----------------------------------------------------------------------------------------------------

def _resized(x, axis, size, method, antialias):
    length = x.shape[axis]
    if length == size:
        return x
    if x.dtype in FLOATS:
        return _along(x, axis, length, size, method, antialias)
    if length is None:
        return Spec((*x.shape[:axis], size, *x.shape[axis + 1:]), x.dtype)
    return take(x, (2 * np.arange(size) + 1) * length // (2 * size), axis=axis)


def _cropped(x, axis, size):
    height, width = x.shape[axis:axis + 2]
    if None in (height, width):
        return x
    sides = min(max(width * size[0] // size[1], 1), height), min(max(height * size[1] // size[0], 1), width)
    starts, sizes = [0] * len(x.shape), list(x.shape)
    for k, side in enumerate(sides):
        starts[axis + k], sizes[axis + k] = (x.shape[axis + k] - side) // 2, side
    return strided_slice(x, starts=tuple(starts), steps=(1,) * len(starts), sizes=tuple(sizes))


def _padded(x, axis, size, value):
    height, width = x.shape[axis:axis + 2]
    if None in (height, width):
        return x
    more = max(width * size[0] // size[1] - height, 0) // 2, max(height * size[1] // size[0] - width, 0) // 2
    border = [(0, 0)] * len(x.shape)
    k = 0 if more[0] else 1         # one side alone, whatever rounding says of the other
    border[axis + k] = more[k], more[k]
    return pad(x, border, constant_values=value)


def _check_resize(shape, size, interpolation, crop, padding, fill_mode):
    if len(shape) not in (3, 4):
        raise ValueError(f"[resize] images have shape {shape}, expected (H, W, C) or (N, H, W, C)")
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in size):
        raise ValueError(f"[resize] size is {size!r}, expected (height, width), two integers >= 1")
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"[resize] interpolation is {interpolation!r}, expected one of {INTERPOLATIONS}")
    if crop and padding:
        raise ValueError("[resize] crop_to_aspect_ratio and pad_to_aspect_ratio are both True, expected one of them at most")
    if fill_mode != "constant":
        raise ValueError(f"[resize] fill_mode is {fill_mode!r}, expected 'constant': the only one there is")
    if 0 in shape[-3:]:
        raise ValueError(f"[resize] images have shape {shape}: there is nothing to resize along an axis of size 0")


# ---- Windows that share an axis out evenly ----------------------------------------------------------------------

def _adaptive(function, name, inputs, output_size, data_format):
    x = operand(inputs)
    _check_rank(name, x.shape)
    first, rank = _is_first(name, data_format), len(x.shape) - 2
    sizes = _each(name, "output_size", output_size, rank)
    x = moveaxis(x, 1, -1) if first else x
    if 0 in x.shape[1:-1]:
        raise ValueError(f"[{name}] inputs have shape {x.shape}: there is nothing to pool along an axis of size 0")
    for axis, size in enumerate(sizes, 1):
        if x.shape[axis] != size:
            x = function(x, axis, x.shape[axis], size)
    return moveaxis(x, -1, 1) if first else x


def _average_along(x, axis, length, size):
    return _along(x, axis, length, size, "average")


def _maximum_along(x, axis, length, size):
    """Windows side by side are pooled; a shorter one repeats its last cell, which changes neither the maximum nor where it is."""
    if length is None:
        return _along(x, axis, length, size, "average")         # for its shape
    window = length // size
    if length % size:
        window = _window_cells(length, size).shape[1]
        x = _along(x, axis, length, size * window, ("windows", size))
    shape = x.shape
    columns = reshape(x, shape=(_lead(*shape[:axis]), shape[axis], 1, _times(*shape[axis + 1:])))
    y = max_pool2d(columns, pool_size=(window, 1))
    return reshape(y, shape=(*_open(shape[:axis]), size, *shape[axis + 1:]))
