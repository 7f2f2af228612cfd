"""Convolution of volumes by its definition; what the layers compute is held against Keras in tests/layers/test_golden.py."""
import itertools

import numpy as np
import pytest

from fastnn import ops
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor


def data(rng, *shape):
    return rng.normal(size=shape)


def swapped(x):
    return np.moveaxis(x, -1, 1)


def convolved(x, w, strides, padding, dilation_rate, groups):
    """Tap by tap."""
    sides, kernel = x.shape[1:4], w.shape[:3]
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation_rate)]
    counts = [-(-n // s) if padding == "same" else (n - k) // s + 1 for n, k, s in zip(sides, spans, strides)]
    total = [max((o - 1) * s + k - n, 0) if padding == "same" else 0 for o, s, k, n in zip(counts, strides, spans, sides)]
    x = np.pad(x, [(0, 0), *((t // 2, t - t // 2) for t in total), (0, 0)])
    y, depth, width = np.zeros((len(x), *counts, w.shape[4])), w.shape[3], w.shape[4] // groups
    for tap in itertools.product(*map(range, kernel)):
        at = tuple(slice(k * d, k * d + (o - 1) * s + 1, s) for k, d, o, s in zip(tap, dilation_rate, counts, strides))
        for g in range(groups):
            f = slice(g * width, (g + 1) * width)
            y[..., f] += x[(slice(None), *at, slice(g * depth, (g + 1) * depth))] @ w[tap][:, f]
    return y


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel, strides, dilation_rate, groups", [
    ((3, 3, 3), 1, 1, 1), ((2, 3, 1), (2, 1, 3), 1, 2), ((3, 2, 2), 1, (2, 1, 2), 3), ((1, 2, 2), (2, 2, 1), 1, 6), ((1, 1, 1), 1, 1, 1),
    ((4, 1, 1), (3, 1, 1), 1, 1), ((2, 2, 2), 1, 2, 1)])
def test_convolution_by_its_definition(kernel, strides, dilation_rate, groups, padding, rng):
    x, w = data(rng, 2, 6, 5, 7, 6), data(rng, *kernel, 6 // groups, 12)
    three = [v if isinstance(v, tuple) else (v,) * 3 for v in (strides, dilation_rate)]
    wanted = convolved(x, w, three[0], padding, three[1], groups)
    np.testing.assert_allclose(ops.conv(x, w, strides, padding, dilation_rate=dilation_rate).numpy(), wanted, atol=1e-10)
    first = ops.conv(swapped(x), w, strides, padding, "channels_first", dilation_rate).numpy()
    np.testing.assert_allclose(swapped(wanted), first, atol=1e-10)
    single = ops.conv(x.astype("float32"), w.astype("float32"), strides, padding, dilation_rate=dilation_rate).numpy()
    np.testing.assert_allclose(single, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("strides, kernel, padding, extra", [
    (1, 3, "valid", None), (2, 3, "same", None), (3, 2, "valid", None), ((2, 1, 3), 2, "same", (1, 0, 2)), (2, (1, 3, 2), "valid", None),
    ((3, 2, 2), (1, 2, 3), "same", None), (2, 4, "same", 0)])
def test_transposed_convolution_is_separable(strides, kernel, padding, extra, rng):
    """By a kernel that is a product of three, it is one transposed convolution of sequences along each axis."""
    three = [v if isinstance(v, tuple) or v is None else (v,) * 3 for v in (strides, kernel, extra)]
    parts, x = [data(rng, k) for k in three[1]], data(rng, 2, 3, 4, 5, 1)
    w = np.einsum("a,b,c->abc", *parts)[..., None, None]
    y = ops.conv_transpose(x, w, strides, padding, extra).numpy()
    for axis in range(3):
        line = np.moveaxis(x, axis + 1, -2)
        done = ops.conv_transpose(line.reshape(-1, *line.shape[-2:]), parts[axis][:, None, None], three[0][axis], padding,
                                  None if extra is None else three[2][axis]).numpy()
        x = np.moveaxis(done.reshape(*line.shape[:-2], *done.shape[1:]), -2, axis + 1)
    np.testing.assert_allclose(y, x, atol=1e-10)
    first = ops.conv_transpose(swapped(data(rng, 2, 3, 4, 5, 1)), w, strides, padding, extra, "channels_first")
    assert first.shape == swapped(y).shape


def test_transposed_convolution_is_the_adjoint_of_one(rng):
    x, w = Tensor(data(rng, 2, 7, 6, 5, 3)), data(rng, 3, 2, 3, 3, 4)
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.conv(x, w, strides=(2, 2, 1))
    dy = data(rng, *y.shape)
    dx = tape.gradient(y, x, Tensor(dy)).numpy()
    np.testing.assert_allclose(ops.conv_transpose(dy, w, strides=(2, 2, 1)).numpy(), dx[:, :, :6, :5], atol=1e-10)


def test_same_bits_on_any_number_of_threads(rng, threads):
    x, w = (Tensor(data(rng, *shape).astype("float32")) for shape in ((3, 7, 16, 17, 8), (3, 3, 3, 8, 16)))
    found = []
    for n in (1, 2, 3, 4):
        threads(n)
        with GradientTape() as tape:
            tape.watch([x, w])
            y = ops.conv(x, w, padding="same")
        found.append([one.numpy().tobytes() for one in (y, *tape.gradient(y, [x, w]))])
    assert all(one == found[0] for one in found)


def test_open_sizes():
    w = Spec((3, 3, 3, 4, 8), "float32")
    assert ops.conv(Spec((None, None, None, None, 4), "float32"), w, padding="same").shape == (None, None, None, None, 8)
    assert ops.conv(Spec((None, 6, None, 9, 4), "float32"), w, 2).shape == (None, 2, None, 4, 8)
    assert ops.conv_transpose(Spec((None, None, None, None, 8), "float32"), w, 2).shape == (None, None, None, None, 4)
    assert ops.conv_transpose(Spec((None, 5, 6, None, 8), "float32"), w, 2, "same").shape == (None, 10, 12, None, 4)
    assert ops.conv(np.zeros((0, 4, 4, 4, 4)), np.zeros((3, 3, 3, 4, 2))).shape == (0, 2, 2, 2, 2)
    assert ops.conv_transpose(np.zeros((0, 4, 4, 4, 2)), np.zeros((3, 3, 3, 4, 2))).shape == (0, 6, 6, 6, 4)


@pytest.mark.parametrize("name, shapes, options, message", [
    ("conv", [(1, 2, 5, 5, 6), (3, 3, 3, 6, 8)], {}, r"\[conv3d\] the output would be empty: the input's depth is 2, smaller than the 3"),
    ("conv", [(1, 5, 2, 5, 6), (3, 3, 3, 6, 8)], {}, "the output would be empty: the input's height is 2"),
    ("conv", [(1, 5, 5, 5, 6), (3, 3, 3, 4, 8)], {}, r"\[conv\] inputs have 6 channels, expected 4"),
    ("conv", [(1, 5, 5, 5, 6), (0, 3, 3, 6, 8)], {}, r"\[conv3d\] the kernel has shape \(0, 3, 3, 6, 8\), expected \(depth"),
    ("conv", [(1, 5, 5, 5, 6), (3, 3, 3, 6, 8)], dict(strides=(1, 2)), r"strides is \(1, 2\), expected an integer, or 3 of them"),
    ("conv", [(1, 5, 5, 5, 6), (3, 3, 3, 6, 8)], dict(strides=0), r"\[conv3d\] strides is \(0, 0, 0\), expected three integers >= 1"),
    ("conv", [(1, 5, 5, 5, 6), (3, 3, 6, 8)], {}, r"expected sequences .*, or volumes \(N, D, H, W, C\) with one of five"),
    ("conv_transpose", [(1, 5, 5, 5, 6), (3, 3, 3, 6, 8)], {}, "input has 6 channels .* expects 8"),
    ("conv_transpose", [(1, 5, 5, 5, 8), (0, 3, 3, 6, 8)], {}, r"\[conv_transpose\] the kernel has shape \(0, 3, 3, 6, 8\)"),
    ("conv_transpose", [(1, 5, 5, 5, 8), (3, 3, 3, 6, 8)], dict(strides=(2, 0, 1)), r"\[conv_transpose\] strides is \(2, 0, 1\)"),
    ("depthwise_conv", [(1, 5, 5, 5, 8), (3, 3, 3, 8, 1)], {}, r"\[depthwise_conv\] inputs have shape .* one of four$")])
def test_errors_say_what_does_not_fit(name, shapes, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(ops, name)(*(np.zeros(s, "f4") for s in shapes), **options)
