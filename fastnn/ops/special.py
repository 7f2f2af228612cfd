"""Rarer functions of one argument or two, and what stands for complex numbers, of which fastnn has none."""
import math

from ..op import integers, normal
from ..tensor import FLOATS
from ._make import SMALL, binary, both, unary, within_one
from ._shapes import operand
from .creation import ones_like, zeros_like
from .elementwise import cast, divide, equal, exp, isnan, multiply, negative, sin, square, subtract, trunc, where


def _powers(*shape):
    return integers(*shape, low=-5, high=6, dtype="int32")


def _unary(name, doc, vjp=None, **more):
    return unary(name, doc, vjp, module=__name__, **more)


def _binary(name, doc, vjp, **more):
    return binary(name, doc, vjp, shapes=SMALL, module=__name__, **more)


cbrt = _unary("cbrt", "The cube root.", lambda dy, y: divide(dy, multiply(square(y), 3.0)))
erfinv = _unary("erfinv", "The inverse of the error function.",
                lambda dy, y: multiply(dy, multiply(exp(square(y)), math.sqrt(math.pi) / 2)), data=within_one)
i0 = _unary("i0", "The modified Bessel function of the first kind, of order 0.", lambda dy, x: multiply(dy, i1(x)))
i1 = _unary("i1", "The modified Bessel function of the first kind, of order 1.", lambda dy, x, y: multiply(
    dy, subtract(i0(x), where(equal(x, 0.0), 0.5, divide(y, where(equal(x, 0.0), 1.0, x))))))
signbit = _unary("signbit", "Whether the sign is negative, that of -0.0 included.", dtype="bool")

fmod = _binary("fmod", "The remainder of x1 / x2, with the sign of x1; of integers, x % 0 is 0.", lambda dy, x1, x2, needs: both(
    lambda: dy, x1, lambda: negative(multiply(dy, trunc(divide(x1, x2)))), x2, needs))
nextafter = _binary("nextafter", "The next float after x1 in the direction of x2; gradients pass to x1.",
                    lambda dy, x1, x2, needs: both(lambda: dy, x1, None, x2, (needs[0], False)), promote="float")
heaviside = _binary("heaviside", "0 where x1 is negative, 1 where it is positive, x2 where it is zero.",
                    lambda dy, x1, x2, needs: both(None, x1, lambda: where(equal(x1, 0.0), dy, 0.0), x2, (False, needs[1])),
                    promote="float")
times_power_of_two = _binary("times_power_of_two", "x1 * 2^x2, where x2 is whole.", lambda dy, x1, x2, needs: both(
    lambda: times_power_of_two(dy, x2), x1, None, x2, (needs[0], False)), data=(normal, _powers), promote="float", kernel="ldexp")


def ldexp(x1, x2):
    """x1 * 2^x2, exactly; x2 are integers.

    Example:
        >>> ldexp([0.5, 3.0], [1, 2]).tolist()
        [1.0, 12.0]
    """
    x2 = operand(x2)
    if x2.dtype in FLOATS:
        raise TypeError(f"[ldexp] x2 must be integers, received {x2.dtype}: use x1 * fastnn.ops.exp2(x2)")
    return times_power_of_two(x1, x2)


def sinc(x):
    """sin(pi x) / (pi x), and 1 at zero."""
    x = _float(x)
    at_zero = equal(x, 0.0)
    angle = multiply(where(at_zero, 1.0, x), math.pi)
    return where(at_zero, 1.0, divide(sin(angle), angle))


# ---- Real numbers as complex ones -------------------------------------------------------------------------------

def _float(x):
    x = operand(x)
    return x if x.dtype in FLOATS else cast(x, dtype=None)


def angle(x):
    """The angle of a real number in the complex plane: pi where it is negative, else 0."""
    x = _float(x)
    return where(isnan(x), x, where(signbit(x), math.pi, cast(zeros_like(x), dtype=x.dtype)))


def real(x):
    """The real part: x itself, as fastnn has no complex numbers."""
    return operand(x)


def imag(x):
    """The imaginary part: zeros, as fastnn has no complex numbers."""
    return zeros_like(operand(x))


def isreal(x):
    """Whether x has no imaginary part: true everywhere, as fastnn has no complex numbers."""
    return ones_like(operand(x), "bool")


def conjugate(x):
    """The complex conjugate: x itself, as fastnn has no complex numbers."""
    return operand(x)


conj = conjugate
