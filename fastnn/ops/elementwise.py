"""Elementwise arithmetic: one line each for functions of one argument, NumPy's broadcasting for those of two."""
import math

from ..op import normal, op, uniform
from ..tensor import FLOATS, Spec, convert, operators, standardize_dtype
from ._make import SMALL, above_one, binary, both, fused_gradient, mask, positive, unary, within_one, zero
from ._shapes import CODES, broadcast_shapes, common_operands, kernel_for, operand, unbroadcast
from .shape import broadcast_to

# ---- Functions of one argument ----------------------------------------------------------------------------------


negative = unary("negative", "-x.", lambda dy: negative(dy), promote=False)
abs = unary("abs", "|x|.", lambda dy, x: abs_grad(dy, x), promote=False)
square = unary("square", "x * x.", lambda dy, x: square_grad(dy, x), promote=False)
sign = unary("sign", "-1, 0 or 1; its gradient is zero.", zero, promote=False, jumps=True)
sqrt = unary("sqrt", "The square root.", lambda dy, y: divide(multiply(dy, 0.5), y), positive)
rsqrt = unary("rsqrt", "1 / sqrt(x).", lambda dy, x, y: divide(multiply(multiply(dy, -0.5), y), x), positive)
reciprocal = unary("reciprocal", "1 / x.", lambda dy, y: negative(multiply(dy, square(y))), positive)
floor = unary("floor", "The largest integer that is not above x; its gradient is zero.", zero, jumps=True)
ceil = unary("ceil", "The smallest integer that is not below x; its gradient is zero.", zero, jumps=True)
trunc = unary("trunc", "The integer part; its gradient is zero.", zero, jumps=True)
round_to_integer = unary("round", "The nearest integer, halves to the even one; its gradient is zero.", zero, jumps=True)

exp = unary("exp", "e to the power of x.", lambda dy, y: multiply(dy, y))
exp2 = unary("exp2", "2 to the power of x.", lambda dy, y: multiply(dy, multiply(y, math.log(2))))
expm1 = unary("expm1", "exp(x) - 1, exact for small x.", lambda dy, y: multiply(dy, add(y, 1.0)))
log = unary("log", "The natural logarithm.", lambda dy, x: divide(dy, x), positive)
log1p = unary("log1p", "log(1 + x), exact for small x.", lambda dy, x: divide(dy, add(x, 1.0)), positive)
log2 = unary("log2", "The logarithm to base 2.", lambda dy, x: divide(dy, multiply(x, math.log(2))), positive)
log10 = unary("log10", "The logarithm to base 10.", lambda dy, x: divide(dy, multiply(x, math.log(10))), positive)
sin = unary("sin", "The sine of x in radians.", lambda dy, x: multiply(dy, cos(x)))
cos = unary("cos", "The cosine of x in radians.", lambda dy, x: negative(multiply(dy, sin(x))))
tan = unary("tan", "The tangent of x in radians.", lambda dy, y: multiply(dy, add(square(y), 1.0)), within_one)
arcsin = unary("arcsin", "The inverse sine.", lambda dy, x: divide(dy, sqrt(subtract(1.0, square(x)))), within_one)
arccos = unary("arccos", "The inverse cosine.", lambda dy, x: negative(divide(dy, sqrt(subtract(1.0, square(x))))),
               within_one)
arctan = unary("arctan", "The inverse tangent.", lambda dy, x: divide(dy, add(square(x), 1.0)))
sinh = unary("sinh", "The hyperbolic sine.", lambda dy, x: multiply(dy, cosh(x)))
cosh = unary("cosh", "The hyperbolic cosine.", lambda dy, x: multiply(dy, sinh(x)))
tanh = unary("tanh", "The hyperbolic tangent.", lambda dy, y: tanh_grad(dy, y))
arcsinh = unary("arcsinh", "The inverse hyperbolic sine.", lambda dy, x: divide(dy, sqrt(add(square(x), 1.0))))
arccosh = unary("arccosh", "The inverse hyperbolic cosine.", lambda dy, x: divide(dy, sqrt(subtract(square(x), 1.0))),
                above_one)
arctanh = unary("arctanh", "The inverse hyperbolic tangent.", lambda dy, x: divide(dy, subtract(1.0, square(x))),
                within_one)
erf = unary("erf", "The error function.",
            lambda dy, x: multiply(dy, multiply(exp(negative(square(x))), 2 / math.sqrt(math.pi))))

isnan = unary("isnan", "Whether x is not a number.", dtype="bool")
isinf = unary("isinf", "Whether x is infinite.", dtype="bool")
isfinite = unary("isfinite", "Whether x is neither infinite nor NaN.", dtype="bool")


def round(x, decimals=0):
    """x rounded to so many decimals, halves to the even one; its gradient is zero."""
    if decimals == 0:
        return round_to_integer(x)
    scale = 10.0 ** decimals
    return divide(round_to_integer(multiply(x, scale)), scale)


# ---- Gradients that a kernel computes in one pass ---------------------------------------------------------------

abs_grad = fused_gradient("abs_grad", "dy * sign(x).", lambda ddx, v: (abs_grad(ddx, v), None))
square_grad = fused_gradient("square_grad", "2 * x * dy.", lambda ddx, dy, v: (square_grad(ddx, v), square_grad(ddx, dy)))
tanh_grad = fused_gradient("tanh_grad", "dy * (1 - y * y).", lambda ddx, dy, v: (
    tanh_grad(ddx, v), multiply(multiply(ddx, dy), multiply(v, -2.0))))


# ---- Functions of two arguments ---------------------------------------------------------------------------------

add = binary("add", "x1 + x2.", lambda dy, x1, x2, needs: both(lambda: dy, x1, lambda: dy, x2, needs))
subtract = binary("subtract", "x1 - x2.", lambda dy, x1, x2, needs: both(
    lambda: dy, x1, lambda: negative(dy), x2, needs))
multiply = binary("multiply", "x1 * x2.", lambda dy, x1, x2, needs: both(
    lambda: multiply(dy, x2), x1, lambda: multiply(dy, x1), x2, needs))
divide = binary("divide", "x1 / x2; integers are divided as floats.", lambda dy, x1, x2, needs: both(
    lambda: divide(dy, x2), x1, lambda: negative(divide(multiply(dy, divide(x1, x2)), x2)), x2, needs),
    (normal, positive), "float")
floor_divide = binary("floor_divide", "floor(x1 / x2); of integers, x / 0 is 0. Its gradient is zero.",
                      lambda dy: (None, None), (normal, positive), shapes=SMALL)
mod = binary("mod", "The remainder of x1 / x2, with the sign of x2; of integers, x % 0 is 0.",
             lambda dy, x1, x2, needs: both(
                 lambda: dy, x1, lambda: negative(multiply(dy, floor_divide(x1, x2))), x2, needs), (normal, positive),
             shapes=SMALL)
squared_difference = binary("squared_difference", "(x1 - x2) ** 2.", lambda dy, x1, x2, needs: both(
    lambda: _difference_grad(dy, x1, x2), x1, lambda: _difference_grad(dy, x2, x1), x2, needs))
maximum = binary("maximum", "The larger of two; NaN if either is.", lambda dy, x1, x2, needs: both(
    lambda: where(greater_equal(x1, x2), dy, 0.0), x1, lambda: where(less(x1, x2), dy, 0.0), x2, needs))
minimum = binary("minimum", "The smaller of two; NaN if either is.", lambda dy, x1, x2, needs: both(
    lambda: where(less_equal(x1, x2), dy, 0.0), x1, lambda: where(greater(x1, x2), dy, 0.0), x2, needs))
power = binary("power", "x1 to the power of x2.", lambda dy, x1, x2, y, needs: both(
    lambda: multiply(dy, multiply(x2, power(x1, subtract(x2, cast(not_equal(x2, 0.0), dtype=x2.dtype))))), x1,
    lambda: multiply(dy, multiply(y, where(greater(x1, 0.0), log(maximum(x1, TINY)), 0.0))), x2, needs),
    (positive, normal))
arctan2 = binary("arctan2", "The angle of the point (x2, x1), in radians.", lambda dy, x1, x2, needs: both(
    lambda: multiply(dy, divide(x2, add(square(x1), square(x2)))), x1,
    lambda: negative(multiply(dy, divide(x1, add(square(x1), square(x2))))), x2, needs),
    (positive, positive), "float")
logaddexp = binary("logaddexp", "log(exp(x1) + exp(x2)) without overflow.", lambda dy, x1, x2, y, needs: both(
    lambda: multiply(dy, exp(subtract(x1, y))), x1, lambda: multiply(dy, exp(subtract(x2, y))), x2, needs),
    promote="float")
prelu_slope = binary("prelu_slope", "The derivative of `prelu` for x1: 1 above zero, x2 below, 0 at zero.", shapes=SMALL)
prelu = binary("prelu", "x1 where it is positive, else x2 * x1.", lambda dy, x1, x2, needs: both(
    lambda: multiply(dy, prelu_slope(x1, x2)), x1, lambda: multiply(dy, minimum(x1, 0.0)), x2, needs), promote="float")
true_divide = divide

TINY = 1e-30    # below every float that matters, above zero in float32: keeps log finite where its result is not used


def _difference_grad(dy, a, b):
    return multiply(dy, multiply(subtract(a, b), 2.0))


equal = binary("equal", "x1 == x2, element by element.", dtype="bool")
not_equal = binary("not_equal", "x1 != x2, element by element.", dtype="bool")
less = binary("less", "x1 < x2, element by element.", dtype="bool")
less_equal = binary("less_equal", "x1 <= x2, element by element.", dtype="bool")
greater = binary("greater", "x1 > x2, element by element.", dtype="bool")
greater_equal = binary("greater_equal", "x1 >= x2, element by element.", dtype="bool")
logical_and = binary("logical_and", "Whether both are true.", dtype="bool", promote="bool")
logical_or = binary("logical_or", "Whether one is true.", dtype="bool", promote="bool")
logical_xor = binary("logical_xor", "Whether exactly one is true.", dtype="bool", promote="bool")
logical_not = unary("logical_not", "Whether x is false (zero).", dtype="bool", promote="bool")


# ---- Casting, choosing, clipping --------------------------------------------------------------------------------

@op
class cast:
    """x in another dtype.

    Floats become integers by dropping what is behind the point; those too large for the integer become its largest,
    NaN becomes 0.  Integers too large for a narrower type keep their low bits.
    """
    flops = 0
    cases = [((normal(3, 5),), {"dtype": "float64"}), ((uniform(7, low=-90, high=90),), {"dtype": "int32"}),
             ((normal(40000),), {"dtype": "bool"})]

    def spec(x, *, dtype):
        return Spec(x.shape, standardize_dtype(dtype))

    def cpu(x, y):
        return "cast", (x, y, x.size, x.itemsize, y.itemsize, CODES[x.dtype], CODES[y.dtype])

    def vjp(dy, x):
        return cast(dy, dtype=x.dtype) if dy.dtype in FLOATS else None


@op
class choose:
    """condition ? a : b, element by element; a and b have the shape of the condition, or one element."""
    cases = [((mask(3, 5), normal(3, 5), normal(3, 5)), {}), ((mask(40000), normal(), normal(40000)), {})]

    def spec(condition, a, b):
        return Spec(condition.shape, a.dtype)

    def cpu(condition, a, b, y):
        return kernel_for("where", a.dtype), (condition, a, b, y, y.size, a.size, b.size)

    def vjp(dy, condition, a, b, needs):
        zero = convert(0.0, dy.dtype)
        return (None, unbroadcast(choose(condition, dy, zero), a.shape) if needs[1] else None,
                unbroadcast(choose(condition, zero, dy), b.shape) if needs[2] else None)


def where(condition, x1=None, x2=None):
    """x1 where the condition holds, else x2, with NumPy's broadcasting.

    Args:
        condition: tensor; what is not zero counts as true.
        x1, x2: tensors or numbers, cast to a common dtype; None: the places where the condition holds, as `nonzero` gives them.

    Example:
        >>> where(convert_to_tensor([True, False]), 1.0, -1.0).tolist()
        [1.0, -1.0]
    """
    if x1 is None or x2 is None:
        if x1 is not x2:
            raise ValueError("[where] x1 and x2 must both be given, or neither")
        return operators["nonzero"](condition)
    condition = cast(operand(condition), dtype="bool")
    x1, x2 = common_operands(x1, x2)
    shape = broadcast_shapes(broadcast_shapes(condition.shape, x1.shape, "where"), x2.shape, "where")
    if None in shape:       # of a spec: nothing that has values can be repeated to an open size
        return Spec(shape, x1.dtype)
    operands = [x if x.shape == shape or (x is not condition and x.shape == ()) else broadcast_to(x, shape=shape)
                for x in (condition, x1, x2)]
    return choose(*operands)


@op
class clip_to:
    """x where it lies between x_min and x_max, else the nearer of the two; NaN stays."""
    cases = [((normal(3, 5),), {"x_min": -0.5, "x_max": 0.7}), ((normal(40000),), {"x_min": 0.0, "x_max": 1.0})]

    def spec(x, *, x_min, x_max):
        return x

    def cpu(x, y, *, x_min, x_max):
        return "clip", (x, y, x.size, x_min, x_max)

    def vjp(dy, x, x_min, x_max):
        return clip_grad(dy, x, x_min=x_min, x_max=x_max)


@op
class clip_grad:
    """dy where x lies between x_min and x_max, else zero."""
    outputs = "dx"
    cases = [((normal(3, 5), normal(3, 5)), {"x_min": -0.5, "x_max": 0.7})]

    def spec(dy, x, *, x_min, x_max):
        return dy

    def cpu(dy, x, dx, *, x_min, x_max):
        return "clip_grad", (dy, x, dx, x.size, x_min, x_max)

    def vjp(ddx, x, x_min, x_max):
        return clip_grad(ddx, x, x_min=x_min, x_max=x_max), None


def clip(x, x_min, x_max):
    """x where it lies between x_min and x_max (numbers or tensors), else the nearer of the two; NaN stays."""
    x = operand(x)
    if x.dtype in FLOATS and isinstance(x_min, (int, float)) and isinstance(x_max, (int, float)):
        return clip_to(x, x_min=float(x_min), x_max=float(x_max))
    return minimum(maximum(x, x_min), x_max)


# ---- Names that differ ------------------------------------------------------------------------------------------

absolute = fabs = abs
