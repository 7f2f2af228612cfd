"""Windows for signals, and numbers at even ratios."""
import numpy as np

from .. import config
from ..tensor import Operand, Tensor, look
from ._shapes import operand
from .creation import array, linspace
from .elementwise import abs, cast, log10, multiply, power, sign


def _size(x, name):
    return int(look(x, f"{name}()")) if isinstance(x, Tensor) else int(x)


def _window(name, values, doc):
    def window(x):
        return array(values(_size(x, name)), config.floatx())
    window.__name__ = window.__qualname__ = name
    window.__doc__ = f"{doc}: so many numbers as x, an integer, says, in the working type."
    return window


bartlett = _window("bartlett", np.bartlett, "The triangular window of Bartlett")
blackman = _window("blackman", np.blackman, "Blackman's window, a sum of two cosines")
hamming = _window("hamming", np.hamming, "Hamming's window, a raised cosine that ends above zero")
hanning = _window("hanning", np.hanning, "Hann's window, a raised cosine that ends at zero")


def kaiser(x, beta):
    """Kaiser's window of x numbers (an integer), the narrower the larger beta is, in the working type."""
    beta = float(look(beta, "kaiser()")) if isinstance(beta, Tensor) else float(beta)
    return array(np.kaiser(_size(x, "kaiser"), beta), config.floatx())


def logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0):
    """`num` numbers at even ratios from base^start to base^stop.

    Args:
        start, stop: numbers or tensors.
        endpoint: whether base^stop is the last one.
        axis: along which they lie, where start and stop have axes.

    Example:
        >>> logspace(0, 2, 3).tolist()
        [1.0, 10.0, 100.0]
    """
    if not any(isinstance(v, Operand) for v in (start, stop, base)):
        return array(np.logspace(start, stop, num, endpoint, base, axis=axis), dtype or config.floatx())
    y = power(base, linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else cast(y, dtype=dtype)


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """`num` numbers at even ratios from start to stop, which have the same sign.

    Example:
        >>> geomspace(1, 8, 4).tolist()
        [1.0, 2.0, 4.0, 8.0]
    """
    if not isinstance(start, Operand) and not isinstance(stop, Operand):
        return array(np.geomspace(start, stop, num, endpoint, axis=axis), dtype or config.floatx())
    start, stop = operand(start), operand(stop)
    y = multiply(sign(start), logspace(log10(abs(start)), log10(abs(stop)), num, endpoint, axis=axis))
    return y if dtype is None else cast(y, dtype=dtype)
