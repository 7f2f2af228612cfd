"""Converters of ops that work element by element, and of activations."""
import math

from ..tensor import FLOATS
from .onnx_converters import converts

# ---- One operator for one op ------------------------------------------------------------------------------------

UNARY = {"negative": "Neg", "abs": "Abs", "sign": "Sign", "sqrt": "Sqrt", "reciprocal": "Reciprocal", "floor": "Floor",
         "ceil": "Ceil", "round": "Round",
         "exp": "Exp", "log": "Log", "sin": "Sin", "cos": "Cos", "tan": "Tan", "arcsin": "Asin", "arccos": "Acos",
         "arctan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "tanh": "Tanh", "arcsinh": "Asinh", "arccosh": "Acosh", "arctanh": "Atanh",
         "erf": "Erf", "isnan": "IsNaN", "isinf": "IsInf", "logical_not": "Not", "relu": "Relu", "softplus": "Softplus",
         "sigmoid": "Sigmoid", "not_bits": "BitwiseNot"}
BINARY = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "maximum": "Max", "minimum": "Min",
          "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "equal": "Equal"}
BITS = {"and_bits": "BitwiseAnd", "or_bits": "BitwiseOr", "xor_bits": "BitwiseXor"}
ORDER = {"less": "Less", "less_equal": "LessOrEqual", "greater": "Greater", "greater_equal": "GreaterOrEqual"}
OF_BOOLS = {"add": "Or", "maximum": "Or", "multiply": "And", "minimum": "And", "subtract": "Xor"}


def _unary(name, kind):
    @converts(name)
    def convert(g, x):
        return g.node(kind, x)


def _binary(name, kind):
    @converts(name)
    def convert(g, a, b):
        return g.node(OF_BOOLS.get(name, kind) if a.dtype == "bool" else kind, a, b)


def _order(name, kind):
    @converts(name)
    def convert(g, a, b):
        return g.node(kind, *[g.cast(x, "int32") if x.dtype == "bool" else x for x in (a, b)])


for _table, _make in ((UNARY, _unary), (BINARY, _binary), (BITS, _binary), (ORDER, _order)):
    for _name, _kind in _table.items():
        _make(_name, _kind)


# ---- Ops that several operators make up -------------------------------------------------------------------------

@converts("copy", "stop_gradient")
def same(g, x):
    return x


@converts("square")
def square(g, x):
    return g.node("Mul", x, x)


@converts("rsqrt")
def rsqrt(g, x):
    return g.node("Reciprocal", g.node("Sqrt", x))


@converts("trunc")
def trunc(g, x):
    return g.node("Mul", g.node("Sign", x), g.node("Floor", g.node("Abs", x)))


@converts("exp2")
def exp2(g, x):
    return g.node("Pow", g.number(2.0, x), x)


@converts("expm1")
def expm1(g, x):
    """2 t / (1 - t), with t = tanh(x / 2), keeps small x exact; far from 0 exp(x) - 1 does."""
    t = g.node("Tanh", g.node("Mul", x, g.number(0.5, x)))
    near = g.node("Div", g.node("Mul", t, g.number(2.0, x)), g.node("Sub", g.number(1.0, x), t))
    return _near_zero(g, x, near, g.node("Sub", g.node("Exp", x), g.number(1.0, x)))


@converts("log1p")
def log1p(g, x):
    """2 artanh(x / (2 + x)) keeps small x exact; far from 0 log(1 + x) does."""
    t = g.node("Atanh", g.node("Div", x, g.node("Add", x, g.number(2.0, x))))
    return _near_zero(g, x, g.node("Mul", t, g.number(2.0, x)), g.node("Log", g.node("Add", x, g.number(1.0, x))))


def _near_zero(g, x, near, far):
    return g.node("Where", g.node("Less", g.node("Abs", x), g.number(0.5, x)), near, far)


@converts("log2")
def log2(g, x):
    return g.node("Div", g.node("Log", x), g.number(math.log(2), x))


@converts("log10")
def log10(g, x):
    return g.node("Div", g.node("Log", x), g.number(math.log(10), x))


@converts("cbrt")
def cbrt(g, x):
    return g.node("Mul", g.node("Sign", x), g.node("Pow", g.node("Abs", x), g.number(1 / 3, x)))


@converts("isfinite")
def isfinite(g, x):
    return g.node("Not", g.node("Or", g.node("IsNaN", x), g.node("IsInf", x)))


@converts("not_equal")
def not_equal(g, a, b):
    return g.node("Not", g.node("Equal", a, b))


@converts("floor_divide")
def floor_divide(g, a, b):
    if a.dtype in FLOATS:
        rest, other_sign = _remainder(g, a, b)
        whole = g.node("Round", g.node("Div", g.node("Sub", a, rest), b))
        whole = g.node("Where", other_sign, g.node("Sub", whole, g.number(1.0, b)), whole)
        return g.node("Where", g.node("Equal", b, g.number(0.0, b)), g.node("Div", a, b), whole)
    return g.node("Div", g.node("Sub", a, g.node("Mod", a, b)), b)      # Mod has the sign of b, Div rounds towards 0


@converts("mod")
def mod(g, a, b):
    if a.dtype not in FLOATS:
        return g.node("Mod", a, b)
    rest, other_sign = _remainder(g, a, b)
    return g.node("Where", other_sign, g.node("Add", rest, b), rest)


def _remainder(g, a, b):
    """The exact remainder of a division of floats, of the sign of a, and where that is not the sign of b."""
    rest, zero = g.node("Mod", a, b, fmod=1), g.number(0.0, b)
    return rest, g.node("Less", g.node("Mul", g.node("Sign", rest), g.node("Sign", b)), zero)


@converts("fmod")
def fmod(g, a, b):
    return g.node("Mod", a, b, fmod=1)


@converts("squared_difference")
def squared_difference(g, a, b):
    return square(g, g.node("Sub", a, b))


@converts("logaddexp")
def logaddexp(g, a, b):
    apart = g.node("Neg", g.node("Abs", g.node("Sub", a, b)))
    apart = g.node("Where", g.node("Equal", a, b), g.number(0.0, a), apart)     # infinity less infinity is no number
    return g.node("Add", g.node("Max", a, b), g.node("Softplus", apart))


@converts("arctan2")
def arctan2(g, y, x):
    zero, turn = g.number(0.0, x), g.number(math.pi, x)
    upright = g.node("Equal", x, zero)      # -0 among them, where y / x has the wrong sign
    angle = g.node("Atan", g.node("Div", y, g.node("Where", upright, g.number(1.0, x), x)))
    angle = g.node("Where", upright, g.node("Mul", g.node("Sign", y), g.number(math.pi / 2, x)), angle)
    other_side = g.node("Where", g.node("Less", y, zero), g.node("Neg", turn), turn)
    return g.node("Where", g.node("Less", x, zero), g.node("Add", angle, other_side), angle)


@converts("heaviside")
def heaviside(g, x, middle):
    zero = g.number(0.0, x)
    apart = g.node("Clip", g.node("Sign", x), zero)        # NaN stays what it is
    return g.node("Where", g.node("Equal", x, zero), middle, apart)


@converts("prelu")
def prelu(g, x, slope):
    zero = g.number(0.0, x)
    return g.node("Add", g.node("Max", x, zero), g.node("Mul", slope, g.node("Min", x, zero)))


@converts("safe_ratio")
def safe_ratio(g, x, y):
    nothing = g.node("Equal", y, g.number(0.0, y))
    return g.node("Where", nothing, g.number(0.0, x), g.node("Div", x, g.node("Where", nothing, g.number(1.0, y), y)))


@converts("cast")
def cast(g, x, *, to):
    return g.cast(x, to.dtype)


@converts("choose")
def choose(g, condition, a, b):
    return g.node("Where", condition, a, b)


@converts("clip_to")
def clip_to(g, x, *, x_min, x_max):
    return g.node("Clip", x, g.number(x_min, x), g.number(x_max, x))


@converts("rescale")
def rescale(g, x, *, scale, offset, to):
    y = g.cast(x, to.dtype)
    y = g.node("Mul", y, g.number(scale, y))
    return y if not offset else g.node("Add", y, g.number(offset, y))


# ---- Activations ------------------------------------------------------------------------------------------------

def activate(g, x, activation, alpha=1.0):
    """An activation that ops apply to their results, by its name."""
    if activation == "linear":
        return x
    if activation == "relu6":
        return relu6(g, x)
    if activation == "elu":
        return g.node("Elu", x, alpha=float(alpha))
    if activation == "leaky_relu":
        return g.node("LeakyRelu", x, alpha=float(alpha))
    return g.node({"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "selu": "Selu"}[activation], x)


@converts("bias_act")
def bias_act(g, x, b, *, activation, alpha):
    return activate(g, x if b is None else g.node("Add", x, b), activation, alpha)


@converts("relu6")
def relu6(g, x):
    return clip_to(g, x, x_min=0.0, x_max=6.0)


@converts("silu")
def silu(g, x):
    return g.node("Mul", x, g.node("Sigmoid", x))


@converts("gelu")
def gelu(g, x):
    if g.opset >= 20:
        return g.node("Gelu", x, approximate="none")
    normal = g.node("Add", g.node("Erf", g.node("Mul", x, g.number(math.sqrt(0.5), x))), g.number(1.0, x))
    return g.node("Mul", g.node("Mul", x, g.number(0.5, x)), normal)


@converts("gelu_tanh")
def gelu_tanh(g, x):
    if g.opset >= 20:
        return g.node("Gelu", x, approximate="tanh")
    cube = g.node("Mul", g.node("Mul", square(g, x), x), g.number(0.044715, x))
    inner = g.node("Tanh", g.node("Mul", g.node("Add", x, cube), g.number(math.sqrt(2 / math.pi), x)))
    return g.node("Mul", g.node("Mul", x, g.number(0.5, x)), g.node("Add", inner, g.number(1.0, x)))


@converts("leaky_relu")
def leaky_relu(g, x, *, negative_slope):
    return g.node("LeakyRelu", x, alpha=float(negative_slope))


@converts("elu")
def elu(g, x, *, alpha):
    return g.node("Elu", x, alpha=float(alpha))
