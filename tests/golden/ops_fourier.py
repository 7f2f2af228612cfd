"""Fourier transforms: cases for make_ops.py."""
import numpy as np

rng = np.random.default_rng(13)


def normal(*shape):
    return rng.normal(size=shape)


def pair(*shape):
    return normal(*shape), normal(*shape)


def half(*shape):
    """As `rfft` gives it: the imaginary part of the ends is 0."""
    real, imag = pair(*shape)
    imag[..., [0, -1]] = 0
    return real, imag


CASES = {
    "fft": ("fft", [pair(3, 8)]), "fft_odd": ("fft", [pair(2, 3, 5)]), "fft2": ("fft2", [pair(2, 4, 6)]), "ifft2": ("ifft2", [pair(2, 4, 5)]),
    "rfft": ("rfft", [normal(3, 8)]), "rfft_odd": ("rfft", [normal(3, 7)]), "rfft_longer": ("rfft", [normal(3, 5)], {"fft_length": 8}),
    "rfft_shorter": ("rfft", [normal(3, 9)], {"fft_length": 6}),
    "irfft": ("irfft", [half(3, 5)]), "irfft_odd": ("irfft", [pair(2, 5)], {"fft_length": 9}),
    "irfft_longer": ("irfft", [pair(2, 4)], {"fft_length": 12}), "irfft_shorter": ("irfft", [pair(2, 7)], {"fft_length": 6}),
    "sequences": ("extract_sequences", [normal(2, 11)], {"sequence_length": 4, "sequence_stride": 3}),
    **{f"stft_{label}": ("stft", [normal(2, 23)], arguments) for label, arguments in {
        "default": {"sequence_length": 6, "sequence_stride": 3, "fft_length": 8},
        "hamming": {"sequence_length": 5, "sequence_stride": 2, "fft_length": 5, "window": "hamming", "center": False},
        "none": {"sequence_length": 4, "sequence_stride": 4, "fft_length": 7, "window": None},
    }.items()},
    "stft_own": ("stft", [normal(19)], {"sequence_length": 4, "sequence_stride": 2, "fft_length": 6, "window": [0.5, 1.0, 0.75, 0.25]}),
    **{f"istft_{label}": ("istft", [half(2, 6, arguments["fft_length"] // 2 + 1)], arguments) for label, arguments in {
        "default": {"sequence_length": 6, "sequence_stride": 3, "fft_length": 8},
        "hamming": {"sequence_length": 5, "sequence_stride": 2, "fft_length": 6, "window": "hamming", "center": False},
        "none": {"sequence_length": 4, "sequence_stride": 4, "fft_length": 8, "window": None},
        "length": {"sequence_length": 6, "sequence_stride": 2, "fft_length": 6, "length": 9},
    }.items()},
}
