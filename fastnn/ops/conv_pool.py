"""Convolution, bias, activation and max-pooling as one op: the activation is pooled while it is in the cache, and never stored."""
import math

from ..op import integers, normal, op, uniform
from ..tensor import Spec
from .activation import CODES, check_pair, through_slope
from .conv import _convolved_shape, _geometry, _winograd, conv2d, conv2d_backward_data, conv2d_backward_weights
from .elementwise import add
from .pool import _pooled_shape, max_pool2d_pick


PICTURE = 4             # channels up to which an image is a picture: its convolution is bound by memory, not by multiplications
DEAD = 255              # as in csrc/windows.h
LARGE = 1 << 21         # elements from which a gradient is better made piece by piece than stored


def conv2d_max_pool(x, w, b=None, *, pool_size, pool_strides=None, **attributes):
    """The maximum over windows of `conv2d(x, w, b, **attributes)`: with windows of 2x2 the same bits as by two ops.

    With others too, but where conv2d takes Winograd's algorithm.

    Args:
        x, w, b: images (N, H, W, C), kernel (KH, KW, C / groups, F), bias (F,) or None.
        pool_size: (height, width) of the window, at most 254 cells.
        pool_strides: (down, right) steps of the window, from its size (the default) to twice that.
        **attributes: of `conv2d`.

    Returns:
        Tensor (N, PH, PW, F), of the windows that lie whole in the image.

    Raises:
        ValueError: windows that overlap or are too large, and as for `conv2d`.

    Example:
        >>> conv2d_max_pool(ones((1, 6, 6, 1)), ones((3, 3, 1, 2)), pool_size=(2, 2)).shape
        (1, 2, 2, 2)
    """
    return conv2d_max_pool_forward(x, w, b, pool_size=pool_size, pool_strides=pool_strides or pool_size, **attributes)[0]


def can_pool(pool_size, strides):
    """Whether the kernels know such windows: they do not overlap, lie no further apart than they are wide, and a byte numbers their cells."""
    return all(side <= step <= 2 * side for step, side in zip(strides, pool_size)) and math.prod(pool_size) < DEAD


def _check_windows(name, pool_size, strides):
    if not can_pool(pool_size, strides):
        raise ValueError(f"[{name}] pool_size is {pool_size} and the strides are {strides}, expected windows of at most 254 cells with "
                         "steps from once to twice their size: use max_pool2d behind conv2d for others")


def _through(s, dy, y, activation, alpha):
    """The gradients of dz for dy and y, from what the index picked of that of dz: with relu it has said all."""
    return (s, None) if activation in ("linear", "relu") else through_slope(s, dy, y, activation, alpha)


def _cases():
    def case(x, w, pool_size, pool_strides=None, bias=True, **attributes):
        # small weights: where an activation saturates, which of the equal cells comes first is a matter of rounding
        return (normal(*x), uniform(*w, low=-0.1, high=0.1), normal(w[3]) if bias else None), \
            dict(pool_size=pool_size, pool_strides=pool_strides or pool_size, **attributes)
    return [case((2, 9, 10, 3), (3, 3, 3, 5), (2, 2), activation="relu"),
            case((2, 19, 21, 3), (3, 3, 3, 32), (2, 2), activation="relu"),
            case((3, 14, 17, 1), (3, 3, 1, 33), (3, 2), padding="same", activation="relu"),
            case((2, 15, 40, 12), (6, 6, 12, 24), (2, 3), (3, 4), strides=(2, 1), padding="same", activation="tanh"),
            case((9, 6, 6, 16), (3, 3, 16, 19), (2, 2), bias=False),
            case((2, 14, 18, 4), (3, 2, 4, 7), (1, 5), dilation_rate=(2, 3), activation="leaky_relu", alpha=0.3),
            case((2, 8, 20, 6), (3, 3, 2, 9), (2, 2), padding="same", groups=3, activation="elu"),
            case((2, 9, 12, 19), (3, 3, 1, 19), (2, 2), padding="same", groups=19, activation="relu"),
            case((2, 11, 21, 5), (3, 3, 1, 10), (2, 2), padding="same", groups=5, activation="relu"),
            case((1, 1, 1, 1), (1, 1, 1, 1), (1, 1)), case((0, 5, 5, 2), (3, 3, 2, 4), (2, 2), activation="relu"),
            case((2, 34, 34, 4), (3, 3, 4, 48), (2, 2), activation="relu"),
            case((3, 13, 11, 32), (3, 3, 32, 52), (2, 2), activation="relu"),         # by Winograd's algorithm, as the next one
            case((2, 14, 19, 35), (3, 3, 35, 40), (2, 2), padding="same", activation="elu")]


def _backward_cases():
    def case(x, kernel_size, y, cells, **attributes):
        attributes = {**dict(strides=(1, 1), padding="valid", dilation_rate=(1, 1), groups=1, activation="relu"), **attributes}
        return (normal(*x), normal(*y), uniform(*y, low=-0.9), integers(*y, high=cells + 1, dtype="uint8")), \
            dict(kernel_size=kernel_size, **attributes)
    two = dict(pool_size=(2, 2), pool_strides=(2, 2))
    return [case((2, 9, 10, 3), (3, 3), (2, 3, 4, 5), 4, **two), case((3, 29, 33, 1), (3, 3), (3, 13, 15, 64), 4, **two),
            case((2, 15, 20, 4), (5, 4), (2, 4, 4, 19), 6, padding="same", strides=(2, 1), pool_size=(2, 3), pool_strides=(2, 5),
                 activation="tanh"),
            case((20, 6, 7, 3), (3, 3), (20, 2, 2, 34), 4, **two, activation="elu", alpha=0.7),
            case((2, 9, 8, 4), (3, 3), (2, 4, 4, 4), 4, **two, padding="same", groups=4),
            case((2, 9, 12, 4), (3, 2), (2, 2, 4, 6), 4, **two, dilation_rate=(2, 3), groups=2, activation="linear"),
            case((0, 6, 6, 2), (3, 3), (0, 2, 2, 4), 4, **two), case((4, 30, 30, 3), (3, 3), (4, 14, 14, 48), 4, **two)]


@op
class conv2d_max_pool_forward:
    """The maximum of each window of activation(conv2d(x, w) + b), and which of the window's cells it was.

    Cells are counted row by row; those that relu made zero, and so pass nothing back, are DEAD.
    """
    outputs = "y index"
    cases = _cases()

    def spec(x, w, b=None, *, pool_size, pool_strides, strides=(1, 1), padding="valid", dilation_rate=(1, 1), groups=1,
             activation="linear", alpha=1.0):
        full = conv2d.spec(x, w, b, strides=strides, padding=padding, dilation_rate=dilation_rate, groups=groups,
                           activation=activation, alpha=alpha)
        shape = _pooled_shape("conv2d_max_pool", full.shape, pool_size, pool_strides, "valid")
        _check_windows("conv2d_max_pool", pool_size, pool_strides)
        return Spec(shape, x.dtype), Spec(shape, "uint8")

    def cpu(x, w, b, y, index, *, pool_size, pool_strides, strides, padding, dilation_rate, groups, activation, alpha):
        full = _convolved_shape("conv2d", x.shape, w.shape, strides, padding, dilation_rate, groups)
        sizes = _geometry(x.shape, w.shape, full, strides, padding, dilation_rate, groups)
        return "conv2d_max_pool", (x, w, b, y, index, *sizes, *y.shape[1:3], *pool_size, *pool_strides, CODES[activation], alpha,
                                   _winograd())

    def flops(w, y, pool_strides): return 2 * y.size * math.prod(pool_strides) * math.prod(w.shape[:3])

    def vjp(dy, x, w, y, index, needs, pool_size, pool_strides, strides, padding, dilation_rate, groups, activation, alpha):
        attrs = dict(strides=strides, padding=padding, dilation_rate=dilation_rate, groups=groups)
        if not needs[0] and x.shape[3] <= PICTURE and y.size * math.prod(pool_strides) > LARGE:
            dw, db = conv2d_max_pool_backward_weights(x, dy, y, index, kernel_size=w.shape[:2], pool_size=pool_size,
                                                      pool_strides=pool_strides, activation=activation, alpha=alpha, **attrs)
            return None, dw, db
        image = _convolved_shape("conv2d", x.shape, w.shape, *attrs.values())[1:3]
        dz, db = max_pool2d_act_backward(dy, y, index, image=image, pool_size=pool_size, strides=pool_strides,
                                         activation=activation, alpha=alpha)
        dx = conv2d_backward_data(dz, w, image=x.shape[1:3], **attrs) if needs[0] else None
        dw = conv2d_backward_weights(x, dz, kernel_size=w.shape[:2], **attrs) if needs[1] else None
        return dx, dw, db


@op
class conv2d_max_pool_backward_weights:
    """The gradients of conv2d_max_pool for the kernel, whose height and width are `kernel_size`, and the bias.

    What the pooling passes back is made for some pixels at a time: it is never stored.
    """
    outputs = "dw db"
    cases = _backward_cases()

    def spec(x, dy, y, index, *, kernel_size, pool_size, pool_strides, strides, padding, dilation_rate, groups, activation, alpha=1.0):
        check_pair("conv2d_max_pool_backward_weights", dy, y, activation)
        _check_windows("conv2d_max_pool_backward_weights", pool_size, pool_strides)
        shape = (*kernel_size, x.shape[3] // groups, dy.shape[3])
        full = _convolved_shape("conv2d", x.shape, shape, strides, padding, dilation_rate, groups)
        pooled = _pooled_shape("conv2d_max_pool", full, pool_size, pool_strides, "valid")
        if not pooled == dy.shape == index.shape:
            raise ValueError(f"[conv2d_max_pool_backward_weights] dy has shape {dy.shape} and the index {index.shape}, but images "
                             f"{x.shape} and a kernel {shape} give {pooled}")
        return Spec(shape, x.dtype), Spec(shape[3:], x.dtype)

    def cpu(x, dy, y, index, dw, db, *, pool_size, pool_strides, strides, padding, dilation_rate, groups, activation, alpha):
        full = _convolved_shape("conv2d", x.shape, dw.shape, strides, padding, dilation_rate, groups)
        sizes = _geometry(x.shape, dw.shape, full, strides, padding, dilation_rate, groups)
        return "conv2d_max_pool_backward_weights", (x, dy, y, index, dw, db, *sizes, *dy.shape[1:3], *pool_size, *pool_strides,
                                                    CODES[activation], alpha)

    def flops(dy, dw, pool_strides): return 2 * dy.size * math.prod(pool_strides) * math.prod(dw.shape[:3])

    def vjp(ddw, ddb, x, dy, y, index, pool_size, pool_strides, strides, padding, dilation_rate, groups, activation, alpha):
        attrs = dict(strides=strides, padding=padding, dilation_rate=dilation_rate, groups=groups)
        ddz = add(conv2d(x, ddw, **attrs), ddb)
        dz, _ = max_pool2d_act_backward(dy, y, index, image=ddz.shape[1:3], pool_size=pool_size, strides=pool_strides,
                                        activation=activation, alpha=alpha)
        s = max_pool2d_pick(ddz, index, pool_size=pool_size, strides=pool_strides, padding="valid")
        return conv2d_backward_data(dz, ddw, image=x.shape[1:3], **attrs), *_through(s, dy, y, activation, alpha), None


@op
class max_pool2d_act_backward:
    """What y = max_pool2d(activation(z + b)) passes back: dz, zero but in the cells chosen, and db, its sum over all pixels.

    The windows do not overlap, and lie inside the image, whose height and width are `image`.  With relu the index says which
    windows pass something back, and y is not looked at.
    """
    outputs = "dz db"
    cases = [((normal(2, 3, 4, 19), uniform(2, 3, 4, 19, low=-0.9), integers(2, 3, 4, 19, high=5, dtype="uint8")),
              dict(image=(7, 9), pool_size=(2, 2), strides=(2, 2), activation=name, alpha=0.7)) for name in CODES] + \
            [((normal(3, 2, 2, 70), normal(3, 2, 2, 70), integers(3, 2, 2, 70, high=6, dtype="uint8")),
              dict(image=(9, 7), pool_size=(3, 2), strides=(4, 3), activation="relu")),
             ((normal(0, 2, 2, 3), normal(0, 2, 2, 3), integers(0, 2, 2, 3, high=4, dtype="uint8")),
              dict(image=(4, 4), pool_size=(2, 2), strides=(2, 2), activation="relu")),
             ((normal(8, 16, 16, 32), normal(8, 16, 16, 32), integers(8, 16, 16, 32, high=4, dtype="uint8")),
              dict(image=(33, 32), pool_size=(2, 2), strides=(2, 2), activation="relu"))]

    def spec(dy, y, index, *, image, pool_size, strides, activation, alpha=1.0):
        check_pair("max_pool2d_act_backward", dy, y, activation)
        _check_windows("max_pool2d_act_backward", pool_size, strides)
        shape = (dy.shape[0], *image, dy.shape[3])
        if _pooled_shape("max_pool2d_act_backward", shape, pool_size, strides, "valid") != dy.shape or index.shape != dy.shape:
            raise ValueError(f"[max_pool2d_act_backward] dy has shape {dy.shape} and the index {index.shape}, but images {shape} give "
                             f"{_pooled_shape('max_pool2d_act_backward', shape, pool_size, strides, 'valid')}")
        return Spec(shape, dy.dtype), Spec(dy.shape[3:], dy.dtype)

    def cpu(dy, y, index, dz, db, *, pool_size, strides, activation, alpha):
        return "max_pool2d_act_grad", (dy, y, index, dz, db, *dz.shape, *dy.shape[1:3], *pool_size, *strides, CODES[activation], alpha)

    def vjp(ddz, ddb, dy, y, index, pool_size, strides, activation, alpha):
        s = max_pool2d_pick(add(ddz, ddb), index, pool_size=pool_size, strides=strides, padding="valid")
        return *_through(s, dy, y, activation, alpha), None
