"""Integers bit by bit, and their divisors."""
from ..op import integers, op
from ..tensor import FLOATS
from ._make import binary
from ._shapes import kernel_for, operand
from .elementwise import cast, logical_not

_SHAPES = (((3, 5), (3, 5)), ((40000,), (40000,)), ((4, 1, 3), (2, 1)), ((3, 5), ()), ((2, 0), (2, 1)))


def _whole(*shape):
    return integers(*shape, low=-100, high=100, dtype="int32")


def _places(*shape):
    return integers(*shape, low=-1, high=40, dtype="int32")


def _of_integers(name, kernel, doc, second=_whole):
    return binary(name, doc, data=(_whole, second), shapes=_SHAPES, module=__name__, kernel=kernel, whole=True)


and_bits = _of_integers("and_bits", "bitwise_and", "The bits that both have.")
or_bits = _of_integers("or_bits", "bitwise_or", "The bits that one of two has.")
xor_bits = _of_integers("xor_bits", "bitwise_xor", "The bits that exactly one of two has.")
bits_up = _of_integers("bits_up", "left_shift", "x1 with its bits moved up by x2 places.", _places)
bits_down = _of_integers("bits_down", "right_shift", "x1 with its bits moved down by x2 places.", _places)
gcd = _of_integers("gcd", "gcd", "The greatest common divisor of two integers.")
lcm = _of_integers("lcm", "lcm", "The least common multiple of two integers.")


@op
class not_bits:
    """An integer with every bit turned over."""
    cases = [((_whole(3, 5),), {}), ((integers(40000, high=256, dtype="uint8"),), {})]

    def spec(x):
        if x.dtype in FLOATS:
            raise TypeError(f"[bitwise_not] expected integers or booleans, received {x.dtype}: cast them first")
        return x

    def cpu(x, y):
        return kernel_for("bitwise_not", x.dtype), (x, y, x.size)


def bitwise_and(x, y):
    """The bits that both have; of booleans, whether both are true."""
    return and_bits(x, y)


def bitwise_or(x, y):
    """The bits that one of two has; of booleans, whether one is true."""
    return or_bits(x, y)


def bitwise_xor(x, y):
    """The bits that exactly one of two has; of booleans, whether exactly one is true."""
    return xor_bits(x, y)


def bitwise_not(x):
    """Every bit turned over; of booleans, whether it is false."""
    x = operand(x)
    return logical_not(x) if x.dtype == "bool" else not_bits(x)


def bitwise_left_shift(x, y):
    """x with its bits moved up by y places; by all its bits or more, or by a negative number: 0."""
    return bits_up(_counting(x), _counting(y))


def bitwise_right_shift(x, y):
    """x with its bits moved down by y places, the sign staying; by all its bits or more, or by a negative number: 0 or -1."""
    return bits_down(_counting(x), _counting(y))


def _counting(x):
    """Booleans as integers."""
    if isinstance(x, int):
        return int(x)
    x = operand(x)
    return cast(x, dtype="int32") if x.dtype == "bool" else x


bitwise_invert, left_shift, right_shift = bitwise_not, bitwise_left_shift, bitwise_right_shift
