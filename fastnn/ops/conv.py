"""2-D convolution of images (N, H, W, C) with kernels (KH, KW, C / groups, F), and its two gradients.

Both gradients are linear in each of their arguments, so that the three ops give each other's gradients.
"""
import math
from functools import lru_cache

from .. import config
from ..op import normal, op
from ..tensor import FLOATS, Spec
from .activation import CODES, activation_code, activation_grad, bias_act_grad


# ---- Shapes -----------------------------------------------------------------------------------------------------

def _convolved_size(size, kernel, stride, padding, dilation):
    """The length of an output side (None where that of the input is open); padding: a name, or (before, behind)."""
    if size is None:
        return None
    if padding == "same":
        return -(-size // stride)
    border = 0 if padding == "valid" else padding[0] + padding[1]
    return (size + border - (kernel - 1) * dilation - 1) // stride + 1


def _each_side(padding):
    return (padding, padding) if isinstance(padding, str) else padding


def _is_padding(value):
    return value in ("same", "valid") if not isinstance(value, tuple) else len(value) == 2 and all(
        isinstance(side, tuple) and len(side) == 2 and all(isinstance(v, int) for v in side) for side in value)


def _check_attributes(name, strides, padding, dilation_rate, groups):
    for word, pair in (("strides", strides), ("dilation_rate", dilation_rate)):
        if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(v, int) and v > 0 for v in pair):
            raise ValueError(f"[{name}] {word} is {pair!r}, expected a tuple of two integers >= 1")
    if not _is_padding(padding):
        raise ValueError(f"[{name}] padding is {padding!r}, expected 'same' or 'valid', or ((top, bottom), (left, right))")
    if not isinstance(groups, int) or groups < 1:
        raise ValueError(f"[{name}] groups is {groups!r}, expected an integer >= 1")


def _check_kernel(name, channels, kernel_shape, groups):
    if len(kernel_shape) != 4 or not all(kernel_shape[:2]):
        raise ValueError(f"[{name}] the kernel has shape {kernel_shape}, expected (height, width, channels / groups, filters) "
                         "with a height and a width >= 1")
    depth, filters = kernel_shape[2:]
    if channels is not None and channels != depth * groups:
        raise ValueError(f"[{name}] input has {channels} channels but the kernel of shape {kernel_shape} expects "
                         f"{depth} x groups {groups} = {depth * groups}: give the kernel {channels} / groups input channels, "
                         "or transpose the input so that channels come last")
    if filters % groups:
        raise ValueError(f"[{name}] {filters} filters cannot be shared out among groups {groups}: "
                         "choose a number of filters that groups divides")


@lru_cache(maxsize=1024)
def _convolved_shape(name, shape, kernel_shape, strides, padding, dilation_rate, groups):
    """The shape of the output, after checking what came."""
    _check_attributes(name, strides, padding, dilation_rate, groups)
    if len(shape) != 4:
        raise ValueError(f"[{name}] input has shape {shape}, expected images (N, H, W, C): reshape it to four dimensions")
    _check_kernel(name, shape[3], kernel_shape, groups)
    sides = [_convolved_size(size, k, s, p, d)
             for size, k, s, p, d in zip(shape[1:3], kernel_shape, strides, _each_side(padding), dilation_rate)]
    for word, size, side, k, d in zip(("height", "width (a sequence's length)"), shape[1:3], sides, kernel_shape, dilation_rate):
        if side is not None and side < 1:
            raise ValueError(f"[{name}] the output would be empty: the input's {word} is {size}, smaller than the "
                             f"{(k - 1) * d + 1} that a kernel of {k} with dilation_rate {d} covers; use a larger input, "
                             "a smaller kernel or padding='same'")
    return (shape[0], *sides, kernel_shape[3])


@lru_cache(maxsize=1024)
def _geometry(shape, kernel_shape, output_shape, strides, padding, dilation_rate, groups):
    """The sizes that kernels take: N H W C, OH OW F, KH KW, SH SW, DH DW, top, left, groups, channels of a group."""
    before = [max((o - 1) * s + (k - 1) * d + 1 - size, 0) // 2 if p == "same" else 0 if p == "valid" else p[0]
              for o, s, k, p, d, size in zip(output_shape[1:3], strides, kernel_shape, _each_side(padding), dilation_rate, shape[1:3])]
    return (*shape, *output_shape[1:], *kernel_shape[:2], *strides, *dilation_rate, *before, groups, kernel_shape[2])


def _winograd():
    """The setting as kernels take it."""
    return int(config.winograd() == "auto")


def _is_product(kernel_shape, strides, padding, groups):
    """Whether a convolution is a matrix product over the pixels as they lie: of a kernel of size 1 that moves by 1."""
    return kernel_shape[:2] == (1, 1) == strides and groups == 1 and padding.__class__ is str


def _product(a, b, y, m, n, k, transpose_a=0, transpose_b=0, bias=None, act=0, alpha=0.0):
    return "matmul", (a, b, bias, y, a.size, b.size, m, n, k, 1, transpose_a, transpose_b, act, alpha)


def _check_dtypes(name, **tensors):
    dtypes = {word: x.dtype for word, x in tensors.items() if x is not None}
    if len(set(dtypes.values())) > 1 or not set(dtypes.values()) <= set(FLOATS):
        got = ", ".join(f"{word} {dtype}" for word, dtype in dtypes.items())
        raise ValueError(f"[{name}] expected float32 or float64, the same for all; got {got}: cast them first")


# ---- Data for the tests -----------------------------------------------------------------------------------------

def _shapes():
    """(input, kernel, attributes) in all their variety: what the three ops are tested with."""
    def case(x, w, strides=(1, 1), padding="valid", dilation_rate=(1, 1), groups=1):
        attrs = dict(strides=strides, padding=padding, dilation_rate=dilation_rate, groups=groups)
        output = _convolved_shape("conv2d", x, w, *attrs.values())
        return x, w, output, attrs
    return [case((2, 9, 10, 3), (3, 3, 3, 5)),
            case((3, 28, 28, 1), (3, 3, 1, 33), padding="same"),
            case((2, 15, 14, 12), (6, 6, 12, 24), strides=(2, 2), padding="same"),
            case((9, 5, 5, 16), (3, 3, 16, 32)),
            case((8, 4, 3, 6), (3, 3, 6, 20), strides=(2, 1), padding="same"),
            case((2, 13, 17, 4), (3, 2, 4, 7), dilation_rate=(2, 3)),
            case((2, 11, 12, 7), (4, 3, 7, 18), strides=(3, 2), padding="same", dilation_rate=(2, 2)),
            case((2, 8, 9, 6), (3, 3, 2, 9), padding="same", groups=3),
            case((2, 12, 18, 32), (3, 3, 16, 40), padding="same", groups=2),
            case((2, 9, 8, 19), (3, 3, 1, 19), strides=(2, 2), padding="same", groups=19),
            case((8, 6, 6, 16), (3, 3, 1, 16), padding="same", groups=16),
            case((2, 7, 7, 4), (2, 2, 1, 12), groups=4),
            case((4, 8, 8, 24), (1, 1, 24, 17)),
            case((2, 9, 9, 5), (1, 1, 5, 3), strides=(3, 3)),
            case((1, 1, 1, 1), (1, 1, 1, 1)),
            case((1, 3, 4, 2), (3, 4, 2, 3), padding="same"),
            case((1, 2, 2, 2), (5, 7, 2, 3), padding="same"),
            case((0, 5, 5, 2), (3, 3, 2, 4)),
            case((2, 9, 1, 3), (5, 1, 3, 4), padding=((4, 0), (0, 0))),
            case((2, 7, 8, 3), (3, 4, 3, 5), strides=(2, 2), padding=((1, 2), (-1, -3))),
            case((3, 12, 11, 5), (3, 3, 1, 10), padding="same", groups=5),
            case((2, 9, 10, 24), (5, 5, 1, 48), strides=(2, 2), padding="same", groups=24),
            case((2, 10, 9, 40), (3, 2, 1, 40), dilation_rate=(2, 3), groups=40),
            case((2, 9, 11, 20), (3, 3, 4, 20), padding="same", groups=5),
            case((2, 8, 7, 36), (3, 2, 2, 36), strides=(2, 2), padding="same", groups=18),
            case((2, 15, 29, 40), (5, 3, 8, 40), padding="same", dilation_rate=(1, 2), groups=5),
            case((2, 11, 10, 32), (1, 1, 32, 48), strides=(2, 2)),
            case((3, 20, 21, 3), (7, 7, 3, 20), strides=(2, 2), padding="same"),
            case((4, 30, 30, 16), (3, 3, 16, 48)),
            case((9, 6, 5, 18), (5, 7, 18, 20), padding="same"),
            case((4, 13, 10, 32), (3, 3, 32, 52), padding="same"),         # by Winograd's algorithm, as the next one
            case((6, 10, 11, 35), (3, 3, 35, 80))]


# ---- Ops --------------------------------------------------------------------------------------------------------

@op
class conv2d:
    """The convolution (cross-correlation) of images with a kernel, plus a bias, through an activation.

    Args:
        x: images, (N, H, W, C).
        w: kernel, (KH, KW, C / groups, F).
        b: bias, (F,), or None.
        strides: steps (down, right) of the window.
        padding: "valid" (whole windows only) or "same" (ceil(size / stride) windows; of an odd border the larger part is
            at the end, as in TensorFlow), or ((top, bottom), (left, right)) rows and columns of zeros; negative: cropped.
        dilation_rate: distance (down, right) of the inputs that neighbours in the kernel see.
        groups: filters [g*F/groups, (g+1)*F/groups) see channels [g*C/groups, (g+1)*C/groups) only.
        activation: the name of one that can be part of the product: see `ops.activation`.
        alpha: its parameter, where it has one.

    Returns:
        Tensor (N, OH, OW, F).

    Raises:
        ValueError: the shapes do not fit each other, or the output would be empty.

    Example:
        >>> conv2d(ones((1, 5, 5, 1)), ones((3, 3, 1, 2))).shape
        (1, 3, 3, 2)
    """
    cases = [((normal(*x), normal(*w), normal(w[3])), attrs) for x, w, _, attrs in _shapes()] + \
            [((normal(*x), normal(*w), None), attrs) for x, w, _, attrs in _shapes()[:3]] + \
            [((normal(2, 9, 9, 4), normal(3, 3, 4, 21), normal(21)), dict(activation=name))
             for name in ("relu", "tanh", "sigmoid", "relu6", "elu", "selu")]

    def spec(x, w, b=None, *, strides=(1, 1), padding="valid", dilation_rate=(1, 1), groups=1, activation="linear", alpha=1.0):
        shape = _convolved_shape("conv2d", x.shape, w.shape, strides, padding, dilation_rate, groups)
        if b is not None and b.shape != shape[3:]:
            raise ValueError(f"[conv2d] the bias has shape {b.shape}, expected {shape[3:]}: one number for each filter")
        _check_dtypes("conv2d", input=x, kernel=w, bias=b)
        activation_code(activation)
        return Spec(shape, x.dtype)

    def cpu(x, w, b, y, *, strides, padding, dilation_rate, groups, activation, alpha):
        if _is_product(w.shape, strides, padding, groups):
            return _product(x, w, y, math.prod(y.shape[:3]), *w.shape[:1:-1], bias=b, act=CODES[activation], alpha=alpha)
        sizes = _geometry(x.shape, w.shape, y.shape, strides, padding, dilation_rate, groups)
        return "conv2d", (x, w, b, y, *sizes, CODES[activation], alpha, _winograd())

    def flops(w, y): return 2 * y.size * math.prod(w.shape[:3])

    def vjp(dy, x, w, y, needs, strides, padding, dilation_rate, groups, activation, alpha):
        db, attrs = None, dict(strides=strides, padding=padding, dilation_rate=dilation_rate, groups=groups)
        if needs[2]:
            dy, db = bias_act_grad(dy, y, activation=activation, alpha=alpha)
        elif activation != "linear":
            dy = activation_grad(dy, y, activation=activation, alpha=alpha)
        dx = conv2d_backward_data(dy, w, image=x.shape[1:3], **attrs) if needs[0] else None
        dw = conv2d_backward_weights(x, dy, kernel_size=w.shape[:2], **attrs) if needs[1] else None
        return dx, dw, db


@op
class conv2d_backward_data:
    """The gradient of conv2d for its images, whose height and width are `image`: the transposed convolution of dy."""
    outputs = "dx"
    cases = [((normal(*y), normal(*w)), dict(image=x[1:3], **attrs)) for x, w, y, attrs in _shapes()]

    def spec(dy, w, *, image, strides, padding, dilation_rate, groups):
        shape = (dy.shape[0], *image, w.shape[2] * groups)
        output = _convolved_shape("conv2d_backward_data", shape, w.shape, strides, padding, dilation_rate, groups)
        if output != dy.shape:
            raise ValueError(f"[conv2d_backward_data] dy has shape {dy.shape}, but images {shape} and a kernel {w.shape} "
                             f"give {output}")
        _check_dtypes("conv2d_backward_data", dy=dy, kernel=w)
        return Spec(shape, dy.dtype)

    def cpu(dy, w, dx, *, strides, padding, dilation_rate, groups):
        if _is_product(w.shape, strides, padding, groups):
            return _product(dy, w, dx, math.prod(dy.shape[:3]), *w.shape[2:], transpose_b=1)
        sizes = _geometry(dx.shape, w.shape, dy.shape, strides, padding, dilation_rate, groups)
        return "conv2d_backward_data", (dy, w, dx, *sizes, _winograd())

    def flops(dy, w): return 2 * dy.size * math.prod(w.shape[:3])

    def vjp(ddx, dy, w, needs, strides, padding, dilation_rate, groups):
        attrs = dict(strides=strides, padding=padding, dilation_rate=dilation_rate, groups=groups)
        return (conv2d(ddx, w, **attrs) if needs[0] else None,
                conv2d_backward_weights(ddx, dy, kernel_size=w.shape[:2], **attrs) if needs[1] else None)


@op
class conv2d_backward_weights:
    """The gradient of conv2d for its kernel, whose height and width are `kernel_size`: each input times what it led to."""
    outputs = "dw"
    cases = [((normal(*x), normal(*y)), dict(kernel_size=w[:2], **attrs)) for x, w, y, attrs in _shapes()]

    def spec(x, dy, *, kernel_size, strides, padding, dilation_rate, groups):
        if len(x.shape) != 4 or len(dy.shape) != 4 or groups < 1 or x.shape[3] % groups:
            raise ValueError(f"[conv2d_backward_weights] x has shape {x.shape} and dy {dy.shape}, expected images (N, H, W, C) "
                             f"with C divisible by groups {groups}")
        shape = (*kernel_size, x.shape[3] // groups, dy.shape[3])
        output = _convolved_shape("conv2d_backward_weights", x.shape, shape, strides, padding, dilation_rate, groups)
        if output != dy.shape:
            raise ValueError(f"[conv2d_backward_weights] dy has shape {dy.shape}, but images {x.shape} and a kernel {shape} "
                             f"give {output}")
        _check_dtypes("conv2d_backward_weights", x=x, dy=dy)
        return Spec(shape, x.dtype)

    def cpu(x, dy, dw, *, strides, padding, dilation_rate, groups):
        if _is_product(dw.shape, strides, padding, groups):
            return _product(x, dy, dw, *dw.shape[2:], math.prod(dy.shape[:3]), transpose_a=1)
        sizes = _geometry(x.shape, dw.shape, dy.shape, strides, padding, dilation_rate, groups)
        return "conv2d_backward_weights", (x, dy, dw, *sizes, _winograd())

    def flops(dy, dw): return 2 * dy.size * math.prod(dw.shape[:3])

    def vjp(ddw, x, dy, needs, strides, padding, dilation_rate, groups):
        attrs = dict(strides=strides, padding=padding, dilation_rate=dilation_rate, groups=groups)
        return (conv2d_backward_data(dy, ddw, image=x.shape[1:3], **attrs) if needs[0] else None,
                conv2d(x, ddw, **attrs) if needs[1] else None)
