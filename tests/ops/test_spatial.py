"""The convolutions of keras.ops; what their layers compute is held against Keras in tests/layers/test_golden.py."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor
from tests.ops.references import conv as reference


def data(rng, *shape):
    return rng.normal(size=shape).astype("float32")


def swapped(x):
    return np.moveaxis(x, -1, 1)


def test_conv_of_images(rng):
    x, w = data(rng, 2, 9, 8, 6), data(rng, 3, 3, 2, 6)
    y = ops.conv2d(x, w, strides=(2, 1), padding="same", groups=3).numpy()
    np.testing.assert_array_equal(ops.conv(x, w, [2, 1], "same").numpy(), y)
    np.testing.assert_array_equal(ops.conv(swapped(x), w, (2, 1), "same", "channels_first").numpy(), swapped(y))
    assert ops.conv(x, w, dilation_rate=2).shape == (2, 5, 4, 6)
    np.testing.assert_array_equal(ops.conv(x, w, np.array([2, 1])[0]).numpy(), ops.conv(x, w, 2).numpy())


@pytest.mark.parametrize("options", [{}, dict(strides=2, padding="same"), dict(dilation_rate=3), dict(strides=(3,))])
def test_sequences_are_images_of_height_1(rng, options):
    x, w = data(rng, 3, 17, 4), data(rng, 4, 2, 6)
    window = {"strides": 1, "padding": "valid", "dilation_rate": 1, **options}
    pairs = {key: value if key == "padding" else (1, *np.ravel(value).tolist()) for key, value in window.items()}
    expected = reference.conv2d(x[:, None], w[None], groups=2, **pairs)[:, 0]
    np.testing.assert_allclose(ops.conv(x, w, **options).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(ops.conv(swapped(x), w, data_format="channels_first", **options).numpy(), swapped(expected), atol=1e-5)


def test_causal_outputs_do_not_see_what_comes_later(rng):
    x, w = data(rng, 1, 12, 3), data(rng, 3, 3, 5)
    window = dict(strides=(1,), padding="causal", dilation_rate=(2,))
    y, x[:, 7:] = ops.convolve(x, w, **window).numpy(), 0
    z = ops.convolve(x, w, **window).numpy()
    assert y.shape == (1, 12, 5)
    np.testing.assert_array_equal(y[:, :7], z[:, :7])
    assert (y[:, 7:] != z[:, 7:]).any(axis=(0, 2)).all()


def test_depthwise_by_its_definition(rng):
    x, w = data(rng, 2, 6, 7, 5), data(rng, 3, 2, 5, 3)
    y = ops.depthwise_conv(x, w).numpy()
    assert y.shape == (2, 4, 6, 15)
    for c in range(5):
        for m in range(3):
            expected = sum(x[:, i:i + 4, j:j + 6, c] * w[i, j, c, m] for i in range(3) for j in range(2))
            np.testing.assert_allclose(y[..., c * 3 + m], expected, atol=1e-5)


def test_separable_is_depthwise_then_1x1(rng):
    for rank in (1, 2):
        x, w, v = data(rng, 2, *(8, 9)[:rank], 4), data(rng, *(3, 2)[:rank], 4, 2), data(rng, *(1,) * rank, 8, 5)
        y = ops.separable_conv(x, w, v, strides=2, padding="same").numpy()
        between = ops.depthwise_conv(x, w, strides=2, padding="same").numpy()
        np.testing.assert_allclose(y, between @ v.reshape(8, 5), atol=1e-5)
        first = ops.separable_conv(swapped(x), w, v, strides=2, padding="same", data_format="channels_first").numpy()
        np.testing.assert_allclose(first, swapped(y), atol=1e-5)


@pytest.mark.parametrize("strides, kernel, padding, extra, size", [
    (1, 3, "valid", None, 9), (2, 3, "valid", None, 15), (3, 2, "valid", None, 21), (2, 3, "valid", 1, 16),
    (2, 3, "same", None, 14), (2, 4, "same", 0, 12), (3, 5, "same", 2, 21), (2, 1, "same", None, 14)])
def test_transposed_convolution_is_the_adjoint_of_one(rng, strides, kernel, padding, extra, size):
    """<conv_transpose(x), y> = <x, conv(y)> for a y framed as the transposed one was cut."""
    x, w = data(rng, 2, 7, 4), data(rng, kernel, 3, 4)
    y = ops.conv_transpose(x, w, strides, padding, extra).numpy()
    assert y.shape == (2, size, 3)
    image = ops.conv_transpose(x[:, :, None], w[:, None], (strides, 1), padding, None if extra is None else (extra, 0)).numpy()
    np.testing.assert_allclose(image[:, :, 0], y, atol=1e-5)
    full = np.zeros((2, 6 * strides + kernel, 3), "float32")
    for t in range(7):
        for k in range(kernel):
            full[:, t * strides + k] += x[:, t] @ w[k].T
    before = 0 if padding == "valid" else max(kernel - 1 - ((strides + kernel - 2 if extra is None else kernel + kernel % 2 - 2 + extra) + 1) // 2, 0)
    rest = full[:, before:before + size]
    np.testing.assert_allclose(y[:, :rest.shape[1]], rest, atol=1e-5)
    assert not y[:, rest.shape[1]:].any()


def test_gradients_reach_every_kernel(rng):
    x, w, v, u = (Tensor(data(rng, *s)) for s in ((2, 6, 4), (3, 4, 2), (1, 8, 5), (2, 3, 5)))
    with GradientTape() as tape:
        for t in (x, w, v, u):
            tape.watch(t)
        y = ops.conv_transpose(ops.separable_conv(x, w, v), u, strides=2)
    gradients = tape.gradient(y, [x, w, v, u])
    assert [g.shape for g in gradients] == [x.shape, w.shape, v.shape, u.shape]
    assert all(np.abs(g.numpy()).max() > 0 for g in gradients)


def test_open_sizes():
    w = Spec((3, 4, 8), "float32")
    assert ops.conv(Spec((None, None, 4), "float32"), w, padding="same").shape == (None, None, 8)
    assert ops.conv_transpose(Spec((None, None, 8), "float32"), w, 2).shape == (None, None, 4)
    assert ops.conv_transpose(Spec((None, 5, 8), "float32"), w, 2, "same").shape == (None, 10, 4)
    assert ops.depthwise_conv(Spec((None, 7, None, 4), "float32"), Spec((3, 3, 4, 2), "float32")).shape == (None, 5, None, 8)


@pytest.mark.parametrize("name, shapes, options, message", [
    ("conv", [(1, 5, 5, 6), (3, 3, 4, 8)], {}, r"\[conv\] inputs have 6 channels, expected 4 or a multiple of it for a kernel of shape \(3, 3, 4, 8\)"),
    ("conv", [(1, 5, 6), (3, 0, 8)], {}, "inputs have 6 channels, expected 0"),
    ("conv", [(1, 5, 6), (3, 6, 8)], dict(strides=2.5), r"\[conv\] strides is 2.5, expected an integer"),
    ("conv", [(1, 5, 6), (3, 6, 8)], dict(dilation_rate=True), r"\[conv\] dilation_rate is True, expected an integer"),
    ("conv_transpose", [(1, 5, 6), (3, 8, 6)], dict(output_padding="1"), r"\[conv_transpose\] output_padding is '1'"),
    ("conv", [(5, 6), (3, 6, 8)], {}, r"\[conv\] inputs have shape \(5, 6\)"),
    ("conv", [(1, 5, 6), (3, 3, 6, 8)], {}, r"the kernel \(3, 3, 6, 8\), expected sequences"),
    ("conv", [(1, 5, 6), (3, 6, 8)], dict(data_format="first"), r"\[conv\] data_format is 'first'"),
    ("conv", [(1, 5, 6), (3, 6, 8)], dict(strides=(1, 2)), r"strides is \(1, 2\), expected an integer, or 1 of them"),
    ("conv", [(1, 5, 6), (3, 6, 8)], dict(padding="causal"), r"\[conv\] padding is 'causal'"),
    ("depthwise_conv", [(1, 5, 6), (3, 4, 2)], {}, "input has 6 channels but the kernel of shape .* expects 4"),
    ("conv_transpose", [(1, 5, 6), (3, 6, 8)], {}, r"input has 6 channels .* expects 8: its shape is \(..., filters, channels\)")])
def test_errors_say_what_does_not_fit(name, shapes, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(ops, name)(*(np.zeros(s, "f4") for s in shapes), **options)
