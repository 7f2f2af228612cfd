"""Fourier transforms, computed by NumPy.  Complex numbers are pairs of tensors, (real, imaginary), as in keras.ops."""
import numpy as np

from .. import config
from ..op import normal
from ..tensor import FLOATS, Operand, Spec, look
from ._host import host_op
from ._shapes import operand, size_of
from .elementwise import cast, divide, multiply
from .indexing import gather_grad, getitem
from .pieces import extract_sequences
from .shape import pad, pad_constant, reshape

# ---- Ops: all linear, so that the gradient is the adjoint map -----------------------------------------------------


def _scale(norm, turned):
    return {"backward": "forward", "forward": "backward"}[norm] if turned else norm


@host_op
class dft:
    """The Fourier transform over the last axes, or its inverse; norm: which of both is divided by the number of elements."""
    outputs = "y_real y_imag"
    cases = [((normal(3, 8), normal(3, 8)), {}), ((normal(2, 5, 6), normal(2, 5, 6)), dict(ndim=2, inverse=True)),
             ((normal(7), normal(7)), dict(norm="forward"))]

    def spec(real, imag, *, ndim=1, inverse=False, norm="backward"):
        return real, real

    def host(real, imag, *, ndim, inverse, norm):
        y = (np.fft.ifftn if inverse else np.fft.fftn)(real + 1j * imag, axes=tuple(range(-ndim, 0)), norm=norm)
        return y.real, y.imag

    def vjp(dy_real, dy_imag, ndim, inverse, norm):
        return dft(dy_real, dy_imag, ndim=ndim, inverse=not inverse, norm=_scale(norm, True))


def _ends(n, middle, dtype):
    """1 for the frequencies that stand for one of the n of a real signal, `middle` for those that stand for two."""
    weights = np.full(n // 2 + 1, middle, dtype)
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    return weights


@host_op
class real_dft:
    """The lower half of the Fourier transform of real signals, along the last axis."""
    outputs = "y_real y_imag"
    cases = [((normal(3, 8),), {}), ((normal(2, 3, 7),), {}), ((normal(1),), {})]

    def spec(x):
        n = x.shape[-1]
        y = Spec(x.shape[:-1] + (None if n is None else n // 2 + 1,), x.dtype)
        return y, y

    def host(x):
        y = np.fft.rfft(x)
        return y.real, y.imag

    def vjp(dy_real, dy_imag, x):
        n = x.shape[-1]
        weights = _ends(n, 0.5, x.dtype) * x.data.dtype.type(n)
        return real_idft(multiply(dy_real, weights), multiply(dy_imag, weights), n=n)


@host_op
class real_idft:
    """Real signals of n elements from the lower half of their Fourier transform."""
    outputs = "y"
    cases = [((normal(3, 5), normal(3, 5)), dict(n=8)), ((normal(2, 3, 4), normal(2, 3, 4)), dict(n=7)), ((normal(1), normal(1)), dict(n=1))]

    def spec(real, imag, *, n):
        return Spec(real.shape[:-1] + (n,), real.dtype)

    def host(real, imag, *, n):
        return np.fft.irfft(real + 1j * imag, n)

    def vjp(dy, n):
        weights = _ends(n, 2.0, dy.dtype) / dy.data.dtype.type(n)
        return tuple(multiply(part, weights) for part in real_dft(dy))


# ---- What users call --------------------------------------------------------------------------------------------

def _pair(name, x):
    """Real and imaginary part as float tensors."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"[{name}] complex numbers are a pair of tensors, (real, imaginary); received {type(x).__name__}")
    real, imag = [operand(part) for part in x]
    if real.shape != imag.shape or not real.shape:
        raise ValueError(f"[{name}] real and imaginary part have the shapes {real.shape} and {imag.shape}, expected the same, at least one axis")
    if real.dtype not in FLOATS or imag.dtype != real.dtype:
        raise ValueError(f"[{name}] real and imaginary part have the dtypes {real.dtype} and {imag.dtype}, expected the same float type")
    return real, imag


def _resized(x, n):
    """x with n elements along the last axis: cut off, or zeros behind."""
    size = x.shape[-1]
    if size == n:
        return x
    if size is None:
        return Spec(x.shape[:-1] + (n,), x.dtype)
    if size > n:
        return getitem(x, (..., slice(None, n)))
    return pad_constant(x, pad_width=((0, 0),) * (len(x.shape) - 1) + ((0, n - size),), value=0.0)


def _check_length(name, word, n):
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"[{name}] {word} must be a positive integer, received {n!r}")
    return int(n)


def fft(x):
    """The Fourier transform of (real, imaginary) along the last axis, as such a pair.

    Example:
        >>> real, imag = fft((convert_to_tensor([1.0, 0.0]), convert_to_tensor([0.0, 0.0])))
        >>> real.tolist(), imag.tolist()
        ([1.0, 1.0], [0.0, 0.0])
    """
    return dft(*_pair("fft", x))


def _two_axes(name, x):
    real, imag = _pair(name, x)
    if len(real.shape) < 2:
        raise ValueError(f"[{name}] expected at least two axes, received the shape {real.shape}")
    return real, imag


def fft2(x):
    """The Fourier transform of (real, imaginary) along the last two axes, as such a pair."""
    return dft(*_two_axes("fft2", x), ndim=2)


def ifft2(x):
    """The inverse of `fft2`."""
    return dft(*_two_axes("ifft2", x), ndim=2, inverse=True)


def _real(name, x):
    x = operand(x)
    if not x.shape:
        raise ValueError(f"[{name}] expected at least one axis, received a scalar")
    return x if x.dtype in FLOATS else cast(x, dtype=config.floatx())


def rfft(x, fft_length=None):
    """The Fourier transform of a real tensor along the last axis: the lower half of it, as the rest is its mirror image.

    Args:
        x: tensor (..., n).
        fft_length: x is cut to this size, or filled up with zeros; None: n.

    Returns:
        (real, imaginary), each (..., fft_length // 2 + 1).
    """
    x = _real("rfft", x)
    return real_dft(x if fft_length is None else _resized(x, _check_length("rfft", "fft_length", fft_length)))


def irfft(x, fft_length=None):
    """The inverse of `rfft`.

    Args:
        x: (real, imaginary), each (..., m).
        fft_length: size of the result's last axis; None: 2 (m - 1).
    """
    real, imag = _pair("irfft", x)
    if fft_length is None and real.shape[-1] is None:
        return Spec(real.shape, real.dtype)
    n = 2 * (real.shape[-1] - 1) if fft_length is None else _check_length("irfft", "fft_length", fft_length)
    if n < 1:
        raise ValueError(f"[irfft] a last axis of size {real.shape[-1]} stands for no element: pass fft_length")
    return real_idft(_resized(real, n // 2 + 1), _resized(imag, n // 2 + 1), n=n)


# ---- Windows that move over a signal ----------------------------------------------------------------------------

def _window(name, window, sequence_length, fft_length, dtype):
    """The window's values in the middle of fft_length zeros; ones without a window."""
    if window is None:
        return np.ones(fft_length, dtype)
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(f"[{name}] window must be 'hann', 'hamming', a tensor or None, received {window!r}")
        base = 0.5 if window == "hann" else 0.54
        values = base - (1 - base) * np.cos(2 * np.pi * np.arange(sequence_length) / sequence_length)
    else:
        values = look(window, f"the window of {name}") if isinstance(window, Operand) else np.asarray(window)
    if values.shape != (sequence_length,):
        raise ValueError(f"[{name}] the window has the shape {values.shape}, expected ({sequence_length},)")
    before = (fft_length - sequence_length) // 2
    return np.pad(values, (before, fft_length - sequence_length - before)).astype(dtype)


def _check_windows(name, sequence_length, sequence_stride, fft_length):
    sizes = [_check_length(name, word, n) for word, n in (("sequence_length", sequence_length), ("sequence_stride", sequence_stride),
                                                         ("fft_length", fft_length))]
    if sizes[2] < sizes[0]:
        raise ValueError(f"[{name}] fft_length {fft_length} is less than sequence_length {sequence_length}: it must be as large at least")
    return sizes


def _places(frames, length, stride):
    """The index of each element of each frame."""
    return np.arange(frames)[:, None] * stride + np.arange(length)


def stft(x, sequence_length, sequence_stride, fft_length, window="hann", center=True):
    """The short-time Fourier transform: `rfft` of pieces of a signal, each multiplied with a window.

    Args:
        x: float tensor (..., n).
        sequence_length: of the window.
        sequence_stride: from one piece to the next.
        fft_length: of the transform, at least sequence_length; the window lies in its middle.
        window: "hann", "hamming", a tensor (sequence_length,), or None for ones over all of fft_length.
        center: whether the signal is mirrored at both ends, so that pieces lie around their places and not behind them.

    Returns:
        (real, imaginary), each (..., pieces, fft_length // 2 + 1).

    Raises:
        ValueError: another window, lengths that do not go together.
        TypeError: an x of integers.
    """
    x = operand(x)
    if x.dtype not in FLOATS:
        raise TypeError(f"[stft] expected float32 or float64, received {x.dtype}: cast it first")
    length, stride, fft_length = _check_windows("stft", sequence_length, sequence_stride, fft_length)
    if x.shape[-1] is None:
        spec = Spec(x.shape[:-1] + (None, fft_length // 2 + 1), x.dtype)
        return spec, spec
    if center:
        x = pad(x, [(0, 0)] * (len(x.shape) - 1) + [(fft_length // 2,) * 2], mode="reflect")
    return real_dft(multiply(extract_sequences(x, fft_length, stride), _window("stft", window, length, fft_length, x.dtype)))


def istft(x, sequence_length, sequence_stride, fft_length, length=None, window="hann", center=True):
    """The signal of a short-time Fourier transform; arguments as for `stft`.

    Args:
        x: (real, imaginary), each (..., pieces, fft_length // 2 + 1).
        length: of the result; None: as long as the pieces say.
    """
    real, imag = _two_axes("istft", x)
    size, stride, fft_length = _check_windows("istft", sequence_length, sequence_stride, fft_length)
    frames, start = real.shape[-2], fft_length // 2 if center else 0
    if frames is None:
        return Spec(real.shape[:-2] + (length,), real.dtype)
    whole = fft_length + stride * (frames - 1)
    stop = start + length if length is not None else whole - start
    values = _window("istft", window, size, fft_length, real.dtype)
    pieces = multiply(irfft((real, imag), fft_length), values)
    places, lead = _places(frames, fft_length, stride).ravel(), real.shape[:-2]
    if None in lead:
        return Spec(lead + (min(stop, whole) - start,), real.dtype)
    summed = gather_grad(reshape(pieces, shape=(size_of(lead), places.size)), places, shape=(size_of(lead), whole), axis=1)
    weight = np.bincount(places, np.tile(values.astype("float64") ** 2, frames), whole)
    weight = np.where(weight > 1e-10, weight, 1.0) * (stride / fft_length if window is None else 1.0)
    y = getitem(divide(summed, weight.astype(real.dtype)), (slice(None), slice(start, stop)))
    return reshape(y, shape=lead + (y.shape[-1],))
