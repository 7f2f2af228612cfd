"""Fourier transforms: what the golden numbers leave out."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.tensor import Spec, Tensor


def test_there_and_back(rng):
    x = rng.standard_normal((2, 3, 40))
    np.testing.assert_allclose(ops.irfft(ops.rfft(x)).numpy(), x, atol=1e-12)
    np.testing.assert_allclose(ops.ifft2(ops.fft2((x, x[::-1])))[1].numpy(), x[::-1], atol=1e-12)
    back = ops.istft(ops.stft(x, 8, 2, 8), 8, 2, 8, length=40)
    np.testing.assert_allclose(back.numpy(), x, atol=1e-12)
    own = Tensor(np.hanning(9)[:8])
    np.testing.assert_allclose(ops.istft(ops.stft(x, 8, 2, 8, own), 8, 2, 8, 40, own).numpy(), x, atol=1e-12)


def test_batches_may_be_open():
    pair = (Spec((None, 7, 5)),) * 2
    assert [y.shape for y in ops.fft(pair)] == [(None, 7, 5)] * 2
    assert [y.shape for y in ops.rfft(Spec((None, 8)))] == [(None, 5)] * 2
    assert [y.shape for y in ops.rfft(Spec((3, None)), 8)] == [(3, 5)] * 2
    assert [y.shape for y in ops.stft(Spec((None, 20)), 4, 2, 8)] == [(None, 11, 5)] * 2
    assert [y.shape for y in ops.stft(Spec((3, None)), 4, 2, 8)] == [(3, None, 5)] * 2
    assert ops.istft(pair, 4, 2, 8).shape == (None, 12)
    assert ops.irfft(pair).shape == (None, 7, 8)


@pytest.mark.parametrize("call, words", [
    (lambda: ops.fft(np.ones(3)), r"\[fft\] complex numbers are a pair"), (lambda: ops.fft2((np.ones(3), np.ones(3))), "at least two axes"),
    (lambda: ops.fft((np.ones(3), np.ones(4))), "the shapes"), (lambda: ops.fft((np.ones(3), np.ones(3, "float32"))), "the dtypes"),
    (lambda: ops.rfft(np.ones(3), 0), "fft_length must be a positive integer"), (lambda: ops.irfft((np.ones(1), np.ones(1))), "pass fft_length"),
    (lambda: ops.stft(np.ones(30), 9, 2, 8), "is less than sequence_length"), (lambda: ops.stft(np.ones(30), 4, 2, 8, "flat"), "window must be"),
    (lambda: ops.stft(np.ones(30), 4, 2, 8, np.ones(5)), "the window has the shape")])
def test_errors(call, words):
    with pytest.raises(ValueError, match=words):
        call()
    with pytest.raises(TypeError, match="cast it first"):
        ops.stft(np.ones(30, "int32"), 4, 2, 8)
