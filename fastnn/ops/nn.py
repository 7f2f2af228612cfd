"""Activations: the frequent ones as kernels with their gradients in one pass, the rest composed of ops."""
import math

from ..op import normal, op
from ._make import fused_gradient, unary
from ._shapes import normalize_axis, operand, size_of
from .elementwise import (abs, add, clip, divide, exp, greater, less, maximum, multiply, negative, sqrt, square, subtract,
                          tanh, where)
from .shape import moveaxis, split

_SHAPES = ((3, 5), (40000,), (2, 0), ())

# ---- Kernels ----------------------------------------------------------------------------------------------------

relu = unary("relu", "max(x, 0); NaN stays.", lambda dy, y: relu_grad(dy, y), module=__name__)
relu6 = unary("relu6", "min(max(x, 0), 6); NaN stays.", lambda dy, x: relu6_grad(dy, x), module=__name__)
softplus = unary("softplus", "log(1 + exp(x)) without overflow.", lambda dy, x: softplus_grad(dy, x), module=__name__)
silu = unary("silu", "x * sigmoid(x).", lambda dy, x: silu_grad(dy, x), module=__name__)
gelu_exact = unary("gelu", "x times the normal distribution at x (Hendrycks & Gimpel, 2016).",
                   lambda dy, x: gelu_grad(dy, x), module=__name__)
gelu_tanh = unary("gelu_tanh", "gelu, the normal distribution approximated by tanh.",
                  lambda dy, x: gelu_tanh_grad(dy, x), module=__name__)


@op
class sigmoid:
    """1 / (1 + exp(-x)); the result remembers x, for losses."""
    logits = "x"
    promote = "float"
    cases = [((normal(*shape),), {}) for shape in _SHAPES]

    def spec(x):
        return x

    def cpu(x, y):
        return "sigmoid", (x, y, x.size)

    def vjp(dy, y):
        return sigmoid_grad(dy, y)


@op
class leaky_relu:
    """x where it is positive, else negative_slope * x."""
    promote = "float"
    cases = [((normal(*shape),), {"negative_slope": 0.3}) for shape in _SHAPES] + [((normal(7),), {})]

    def spec(x, *, negative_slope=0.2):
        return x

    def cpu(x, y, *, negative_slope):
        return "leaky_relu", (x, y, x.size, negative_slope)

    def vjp(dy, x, negative_slope):
        return leaky_relu_grad(dy, x, alpha=negative_slope)


@op
class elu:
    """x where it is positive, else alpha * (exp(x) - 1) (Clevert et al., 2016)."""
    promote = "float"
    cases = [((normal(*shape),), {"alpha": 0.7}) for shape in _SHAPES] + [((normal(7),), {})]

    def spec(x, *, alpha=1.0):
        if alpha < 0:
            raise ValueError(f"[elu] alpha must be >= 0, received {alpha}")
        return x

    def cpu(x, y, *, alpha):
        return "elu", (x, y, x.size, alpha)

    def vjp(dy, y, alpha):
        return elu_grad(dy, y, alpha=alpha)


relu_grad = fused_gradient("relu_grad", "dy, but 0 where v, argument or result, is <= 0.",
                           lambda ddx, v: (relu_grad(ddx, v), None), __name__)
relu6_grad = fused_gradient("relu6_grad", "dy, but 0 where x <= 0 or x >= 6.",
                            lambda ddx, v: (relu6_grad(ddx, v), None), __name__)
leaky_relu_grad = fused_gradient("leaky_relu_grad", "dy where x is positive, else alpha * dy.",
                                 lambda ddx, v, alpha: (leaky_relu_grad(ddx, v, alpha=alpha), None), __name__, 0.3)
elu_grad = fused_gradient("elu_grad", "dy where the result v is positive, else dy * (v + alpha).",
                          lambda ddx, dy, v, alpha: (elu_grad(ddx, v, alpha=alpha),
                                                     where(greater(v, 0.0), 0.0, multiply(ddx, dy))), __name__, 0.7)
sigmoid_grad = fused_gradient("sigmoid_grad", "dy * v * (1 - v), of the result v.",
                              lambda ddx, dy, v: (sigmoid_grad(ddx, v),
                                                  multiply(multiply(ddx, dy), subtract(1.0, multiply(v, 2.0)))), __name__)
softplus_grad = fused_gradient("softplus_grad", "dy * sigmoid(x).",
                               lambda ddx, dy, v: (softplus_grad(ddx, v), sigmoid_grad(multiply(ddx, dy), sigmoid(v))),
                               __name__)
silu_grad = fused_gradient("silu_grad", "The gradient of x * sigmoid(x).",
                           lambda ddx, dy, v: (silu_grad(ddx, v), multiply(multiply(ddx, dy), _silu_curvature(v))), __name__)
gelu_grad = fused_gradient("gelu_grad", "The gradient of x times the normal distribution.",
                           lambda ddx, dy, v: (gelu_grad(ddx, v), multiply(multiply(ddx, dy), _gelu_curvature(v))), __name__)
gelu_tanh_grad = fused_gradient("gelu_tanh_grad", "The gradient of gelu_tanh.", None, __name__)


def _silu_curvature(x):
    """The second derivative of x * s(x): s'(x) * (2 + x * (1 - 2 s(x)))."""
    s = sigmoid(x)
    return multiply(multiply(s, subtract(1.0, s)), add(multiply(x, subtract(1.0, multiply(s, 2.0))), 2.0))


def _gelu_curvature(x):
    """The second derivative of x * Phi(x): phi(x) * (2 - x^2)."""
    density = multiply(exp(multiply(square(x), -0.5)), 1 / math.sqrt(2 * math.pi))
    return multiply(density, subtract(2.0, square(x)))


@op
class sparsemax_rows:
    """The point of the probability simplex nearest to each row: many elements are exactly zero."""
    promote = "float"
    cases = [((normal(7, 5),), {}), ((normal(3, 1),), {}), ((normal(2, 0),), {})]

    def spec(x):
        return x

    def cpu(x, y):
        return "sparsemax", (x, y, size_of(x.shape[:-1]), x.shape[-1])

    def vjp(dy, y):
        return sparsemax_grad(dy, y)


@op
class sparsemax_grad:
    """dy less its mean over the support (where y is positive), zero elsewhere."""
    outputs = "dx"
    cases = [((normal(7, 5), normal(7, 5)), {})]

    def spec(dy, y):
        return dy

    def cpu(dy, y, dx):
        return "sparsemax_grad", (dy, y, dx, size_of(y.shape[:-1]), y.shape[-1])

    def vjp(ddx, y):
        return sparsemax_grad(ddx, y), None


# ---- Compositions -----------------------------------------------------------------------------------------------

def gelu(x, approximate=True):
    """x times the normal distribution at x, approximated by tanh unless told otherwise (Hendrycks & Gimpel, 2016)."""
    return gelu_tanh(x) if approximate else gelu_exact(x)


def selu(x):
    """The ELU whose results keep mean 0 and variance 1 (Klambauer et al., 2017)."""
    return multiply(elu(x, alpha=1.6732632423543772), 1.0507009873554805)


def celu(x, alpha=1.0):
    """x where it is positive, else alpha * (exp(x / alpha) - 1) (Barron, 2017)."""
    return multiply(elu(divide(x, alpha), alpha=1.0), alpha)


def softsign(x):
    """x / (1 + |x|)."""
    return divide(x, add(abs(x), 1.0))


def log_sigmoid(x):
    """log(1 / (1 + exp(-x))) without overflow."""
    return negative(softplus(negative(x)))


def mish(x):
    """x * tanh(softplus(x)) (Misra, 2019)."""
    return multiply(x, tanh(softplus(x)))


def hard_sigmoid(x):
    """The sigmoid in three straight pieces: x / 6 + 1/2, between 0 and 1."""
    return clip(add(divide(x, 6.0), 0.5), 0.0, 1.0)


def hard_silu(x):
    """x * hard_sigmoid(x) (Howard et al., 2019)."""
    return multiply(x, hard_sigmoid(x))


def hard_tanh(x):
    """x between -1 and 1."""
    return clip(divide(x, 1.0), -1.0, 1.0)


def tanh_shrink(x):
    """x - tanh(x)."""
    return subtract(x, tanh(x))


def hard_shrink(x, threshold=0.5):
    """x where |x| is above the threshold, else 0."""
    return where(greater(abs(x), threshold), x, 0.0)


def soft_shrink(x, threshold=0.5):
    """x drawn towards 0 by the threshold; 0 where |x| is below."""
    return where(greater(x, threshold), subtract(x, threshold), where(less(x, -threshold), add(x, threshold), 0.0))


def threshold(x, threshold, default_value):
    """x where it is above the threshold, else the default value."""
    return where(greater(x, threshold), x, default_value)


def squareplus(x, b=4):
    """(x + sqrt(x^2 + b)) / 2 (Barron, 2021)."""
    return multiply(add(x, sqrt(add(square(x), float(b)))), 0.5)


def sparse_plus(x):
    """0 up to -1, (x + 1)^2 / 4 up to 1, then x."""
    middle = clip(add(divide(x, 1.0), 1.0), 0.0, 2.0)
    return add(multiply(square(middle), 0.25), maximum(subtract(x, 1.0), 0.0))


def sparse_sigmoid(x):
    """0 up to -1, (x + 1) / 2 up to 1, then 1."""
    return clip(multiply(add(x, 1.0), 0.5), 0.0, 1.0)


def glu(x, axis=-1):
    """The first half of an axis, gated by the sigmoid of the second (Dauphin et al., 2017)."""
    x = operand(x)
    if x.shape[axis] is not None and x.shape[axis] % 2:
        raise ValueError(f"[glu] axis {axis} must have an even size to be halved, received the shape {x.shape}")
    a, b = split(x, 2, axis=axis)
    return multiply(a, sigmoid(b))


def sparsemax(x, axis=-1):
    """The point of the probability simplex nearest to x along an axis (Martins & Astudillo, 2016)."""
    x = operand(x)
    if normalize_axis(axis, len(x.shape), "sparsemax") == len(x.shape) - 1:
        return sparsemax_rows(x)
    return moveaxis(sparsemax_rows(moveaxis(x, axis, -1)), -1, axis)


swish, hard_swish = silu, hard_silu
