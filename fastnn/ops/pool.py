"""Pooling over images (N, H, W, C): maximum and average, in windows or over the whole image."""
from functools import lru_cache

from ..op import integers, normal, op, uniform
from ..tensor import Spec
from ._shapes import operand


def max_pool2d(x, *, pool_size, strides=None, padding="valid"):
    """The maximum of each window; NaN wins, and the gradient goes to the first of equal cells.

    Args:
        x: images, (N, H, W, C).
        pool_size: (height, width) of the window.
        strides: (down, right) steps of the window; by default the window's size.
        padding: "valid" (whole windows only) or "same" (windows may reach over the border; ceil(size / stride) of them).

    Returns:
        Tensor (N, OH, OW, C).
    """
    x = operand(x)
    return max_pool2d_forward(x, image=x.shape[1:3], pool_size=pool_size, strides=strides or pool_size, padding=padding)[0]


def average_pool2d(x, *, pool_size, strides=None, padding="valid"):
    """The mean of each window, over its cells inside the image.

    Args:
        x: images, (N, H, W, C).
        pool_size: (height, width) of the window.
        strides: (down, right) steps of the window; by default the window's size.
        padding: "valid" or "same", as in `max_pool2d`.

    Returns:
        Tensor (N, OH, OW, C).
    """
    x = operand(x)
    return average_pool2d_forward(x, image=x.shape[1:3], pool_size=pool_size, strides=strides or pool_size, padding=padding)


# ---- Shapes -----------------------------------------------------------------------------------------------------

def _pooled_size(size, window, stride, padding):
    """How many windows fit along a side of an image (None where that is open)."""
    if size is None:
        return None
    return -(-size // stride) if padding == "same" else (size - window) // stride + 1


@lru_cache(maxsize=1024)
def _pooled_shape(name, shape, pool_size, strides, padding):
    """The shape of the pooled images, after checking what came."""
    if len(shape) != 4:
        raise ValueError(f"[{name}] x has shape {shape}, expected images (N, H, W, C): reshape it to four dimensions")
    for word, pair in (("pool_size", pool_size), ("strides", strides)):
        if len(pair) != 2 or not all(isinstance(v, int) and v > 0 for v in pair):
            raise ValueError(f"[{name}] {word} is {pair!r}, expected two integers >= 1")
    if padding not in ("same", "valid"):
        raise ValueError(f"[{name}] padding is {padding!r}, expected 'same' or 'valid'")
    sides = tuple(_pooled_size(*side, padding) for side in zip(shape[1:3], pool_size, strides))
    if any(side is not None and side < 1 for side in sides):
        raise ValueError(f"[{name}] the window {pool_size} does not fit into an image of {shape[1]} x {shape[2]}: "
                         "use a smaller pool_size, or padding='same'")
    return (shape[0], *sides, shape[3])


@lru_cache(maxsize=1024)
def _geometry(shape, pool_size, strides, padding):
    """The twelve sizes that kernels take: n h w c, oh ow, kh kw, sh sw, top left."""
    n, oh, ow, c = _pooled_shape("pool", shape, pool_size, strides, padding)
    before = [max((o - 1) * s + k - size, 0) // 2 if padding == "same" else 0
              for o, s, k, size in zip((oh, ow), strides, pool_size, shape[1:3])]
    return (*shape, oh, ow, *pool_size, *strides, *before)


def _planes(index):
    """The index as a kernel takes it: bytes for windows up to 256 cells, else 32 bits; the other is absent."""
    return (index, None) if index.dtype.itemsize == 1 else (None, index)


# ---- Maximum ----------------------------------------------------------------------------------------------------

@op
class max_pool2d_forward:
    """The maximum of each window, and which of the window's cells it was (counted row by row)."""
    outputs = "y index"
    cases = [((normal(2, 6, 6, 16),), dict(image=(6, 6), pool_size=(2, 2), strides=(2, 2), padding="valid")),
             ((normal(3, 7, 9, 5),), dict(image=(7, 9), pool_size=(2, 2), strides=(2, 2), padding="same")),
             ((normal(2, 7, 8, 19),), dict(image=(7, 8), pool_size=(3, 2), strides=(2, 1), padding="same")),
             ((normal(1, 9, 7, 1),), dict(image=(9, 7), pool_size=(2, 3), strides=(3, 4), padding="valid")),
             ((normal(1, 20, 18, 3),), dict(image=(20, 18), pool_size=(17, 18), strides=(1, 1), padding="valid")),
             ((normal(0, 4, 4, 3),), dict(image=(4, 4), pool_size=(2, 2), strides=(2, 2), padding="valid")),
             ((normal(8, 32, 32, 32),), dict(image=(32, 32), pool_size=(2, 2), strides=(2, 2), padding="valid"))]

    def spec(x, *, image, pool_size, strides, padding):
        shape = _pooled_shape("max_pool2d", x.shape, pool_size, strides, padding)
        return Spec(shape, x.dtype), Spec(shape, "uint8" if pool_size[0] * pool_size[1] <= 256 else "int32")

    def cpu(x, y, index, *, pool_size, strides, padding):
        return "max_pool2d", (x, y, *_planes(index), *_geometry(x.shape, pool_size, strides, padding))

    def flops(y, pool_size): return y.size * pool_size[0] * pool_size[1]

    def vjp(dy, index, image, pool_size, strides, padding):
        return max_pool2d_grad(dy, index, image=image, pool_size=pool_size, strides=strides, padding=padding)


@op
class max_pool2d_grad:
    """The gradient of max_pool2d for its images: each window's goes to the cell that was chosen."""
    outputs = "dx"
    cases = [((normal(2, 3, 3, 16), integers(2, 3, 3, 16, high=4, dtype="uint8")),
              dict(image=(6, 6), pool_size=(2, 2), strides=(2, 2), padding="valid")),
             ((normal(2, 3, 4, 7), integers(2, 3, 4, 7, high=4, dtype="uint8")),
              dict(image=(7, 9), pool_size=(2, 2), strides=(2, 2), padding="valid")),
             ((normal(3, 4, 8, 19), integers(3, 4, 8, 19, high=6, dtype="uint8")),
              dict(image=(7, 8), pool_size=(3, 2), strides=(2, 1), padding="same")),
             ((normal(1, 3, 2, 5), integers(1, 3, 2, 5, high=6, dtype="int32")),
              dict(image=(9, 7), pool_size=(2, 3), strides=(3, 4), padding="valid")),
             ((normal(8, 16, 16, 32), integers(8, 16, 16, 32, high=4, dtype="uint8")),
              dict(image=(32, 32), pool_size=(2, 2), strides=(2, 2), padding="valid"))]

    def spec(dy, index, *, image, pool_size, strides, padding):
        return Spec((dy.shape[0], *image, dy.shape[3]), dy.dtype)

    def cpu(dy, index, dx, *, pool_size, strides, padding):
        return "max_pool2d_grad", (dy, *_planes(index), dx, *_geometry(dx.shape, pool_size, strides, padding))

    def vjp(ddx, index, pool_size, strides, padding):
        return max_pool2d_pick(ddx, index, pool_size=pool_size, strides=strides, padding=padding), None


@op
class max_pool2d_pick:
    """The cell of each window that an index names; 0 where that lies outside of the window or the image."""
    cases = [((normal(2, 6, 6, 16), integers(2, 3, 3, 16, high=4, dtype="uint8")),
              dict(pool_size=(2, 2), strides=(2, 2), padding="valid")),
             ((normal(3, 7, 8, 5), integers(3, 4, 8, 5, high=7, dtype="uint8")),
              dict(pool_size=(3, 2), strides=(2, 1), padding="same")),
             ((normal(1, 9, 7, 5), integers(1, 3, 2, 5, high=6, dtype="int32")),
              dict(pool_size=(2, 3), strides=(3, 4), padding="valid"))]

    def spec(x, index, *, pool_size, strides, padding):
        return Spec(_pooled_shape("max_pool2d_pick", x.shape, pool_size, strides, padding), x.dtype)

    def cpu(x, index, y, *, pool_size, strides, padding):
        return "max_pool2d_pick", (x, *_planes(index), y, *_geometry(x.shape, pool_size, strides, padding))

    def vjp(dy, x, index, pool_size, strides, padding):
        return max_pool2d_grad(dy, index, image=x.shape[1:3], pool_size=pool_size, strides=strides, padding=padding), None


# ---- Average ----------------------------------------------------------------------------------------------------

@op
class average_pool2d_forward:
    """The mean of each window, over its cells inside the image."""
    cases = [((normal(2, 6, 6, 16),), dict(image=(6, 6), pool_size=(2, 2), strides=(2, 2), padding="valid")),
             ((normal(3, 7, 9, 5),), dict(image=(7, 9), pool_size=(2, 2), strides=(2, 2), padding="same")),
             ((normal(2, 7, 8, 19),), dict(image=(7, 8), pool_size=(3, 2), strides=(2, 1), padding="same")),
             ((normal(1, 9, 7, 1),), dict(image=(9, 7), pool_size=(2, 3), strides=(3, 4), padding="valid")),
             ((normal(0, 4, 4, 3),), dict(image=(4, 4), pool_size=(2, 2), strides=(2, 2), padding="valid")),
             ((normal(8, 32, 32, 32),), dict(image=(32, 32), pool_size=(2, 2), strides=(2, 2), padding="valid"))]

    def spec(x, *, image, pool_size, strides, padding):
        return Spec(_pooled_shape("average_pool2d", x.shape, pool_size, strides, padding), x.dtype)

    def cpu(x, y, *, pool_size, strides, padding):
        return "average_pool2d", (x, y, *_geometry(x.shape, pool_size, strides, padding))

    def flops(y, pool_size): return y.size * pool_size[0] * pool_size[1]

    def vjp(dy, image, pool_size, strides, padding):
        return average_pool2d_grad(dy, image=image, pool_size=pool_size, strides=strides, padding=padding)


@op
class average_pool2d_grad:
    """The gradient of average_pool2d for its images: each window's is shared out among its cells."""
    outputs = "dx"
    cases = [((normal(2, 3, 3, 16),), dict(image=(6, 6), pool_size=(2, 2), strides=(2, 2), padding="valid")),
             ((normal(3, 4, 8, 19),), dict(image=(7, 8), pool_size=(3, 2), strides=(2, 1), padding="same")),
             ((normal(1, 3, 2, 5),), dict(image=(9, 7), pool_size=(2, 3), strides=(3, 4), padding="valid")),
             ((normal(8, 16, 16, 32),), dict(image=(32, 32), pool_size=(2, 2), strides=(2, 2), padding="valid"))]

    def spec(dy, *, image, pool_size, strides, padding):
        return Spec((dy.shape[0], *image, dy.shape[3]), dy.dtype)

    def cpu(dy, dx, *, pool_size, strides, padding):
        return "average_pool2d_grad", (dy, dx, *_geometry(dx.shape, pool_size, strides, padding))

    def flops(dy, pool_size): return dy.size * pool_size[0] * pool_size[1]

    def vjp(ddx, pool_size, strides, padding):
        return average_pool2d(ddx, pool_size=pool_size, strides=strides, padding=padding)


# ---- Over the whole image ---------------------------------------------------------------------------------------

def _global_shape(name, shape, keepdims):
    if len(shape) != 4:
        raise ValueError(f"[{name}] x has shape {shape}, expected images (N, H, W, C): reshape it to four dimensions")
    if 0 in shape[1:3]:
        raise ValueError(f"[{name}] x has shape {shape}: there is nothing to pool in an image of {shape[1]} x {shape[2]}")
    return (shape[0], 1, 1, shape[3]) if keepdims else (shape[0], shape[3])


@op
class global_max_pool2d:
    """The maximum over each image; cells that tie share the gradient.

    Args:
        x: images, (N, H, W, C).
        keepdims: whether the result is (N, 1, 1, C) rather than (N, C).
    """
    cases = [((normal(3, 4, 5, 19),), dict(keepdims=False)), ((normal(2, 1, 1, 3),), dict(keepdims=True)),
             ((normal(16, 12, 12, 64),), dict(keepdims=False))]

    def spec(x, *, keepdims=False):
        return Spec(_global_shape("global_max_pool2d", x.shape, keepdims), x.dtype)

    def cpu(x, y):
        n, h, w, c = x.shape
        return "global_max_pool", (x, y, n, h * w, c)

    def flops(x): return x.size

    def vjp(dy, x, y):
        return global_max_pool2d_grad(dy, x, y)


@op
class global_max_pool2d_grad:
    """The gradient of global_max_pool2d for its images."""
    outputs = "dx"
    cases = [((normal(3, 19), normal(3, 4, 5, 19), normal(3, 19)), {}),
             ((normal(2, 5), uniform(2, 3, 2, 5, low=1.0, high=1.0), uniform(2, 5, low=1.0, high=1.0)), {}),
             ((normal(16, 64), normal(16, 12, 12, 64), normal(16, 64)), {})]

    def spec(dy, x, y):
        return x

    def cpu(dy, x, y, dx):
        n, h, w, c = x.shape
        return "global_max_pool_grad", (dy, x, y, dx, n, h * w, c)


@op
class global_average_pool2d:
    """The mean over each image.

    Args:
        x: images, (N, H, W, C).
        keepdims: whether the result is (N, 1, 1, C) rather than (N, C).
    """
    cases = [((normal(3, 4, 5, 19),), dict(keepdims=False)), ((normal(2, 1, 1, 3),), dict(keepdims=True)),
             ((normal(16, 12, 12, 64),), dict(keepdims=False))]

    def spec(x, *, keepdims=False):
        return Spec(_global_shape("global_average_pool2d", x.shape, keepdims), x.dtype)

    def cpu(x, y):
        n, h, w, c = x.shape
        return "global_average_pool", (x, y, n, h * w, c)

    def flops(x): return x.size

    def vjp(dy, x):
        return global_average_pool2d_grad(dy, image=x.shape[1:3])


@op
class global_average_pool2d_grad:
    """The gradient of global_average_pool2d for its images: the same for each cell."""
    outputs = "dx"
    cases = [((normal(3, 19),), dict(image=(4, 5))), ((normal(16, 64),), dict(image=(12, 12)))]

    def spec(dy, *, image):
        return Spec((dy.shape[0], *image, dy.shape[-1]), dy.dtype)

    def cpu(dy, dx):
        n, h, w, c = dx.shape
        return "global_average_pool_grad", (dy, dx, n, h * w, c)

    def vjp(ddx, dy):
        return global_average_pool2d(ddx, keepdims=len(dy.shape) == 4)
