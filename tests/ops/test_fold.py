"""Windows of images as columns, and blocks as channels, by their definition."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.tensor import Spec


def unfolded(x, kernel, dilation, padding, stride):
    """Window by window."""
    x = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2])
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    columns = [x[:, :, i:i + spans[0]:dilation[0], j:j + spans[1]:dilation[1]].reshape(len(x), -1)
               for i in range(0, x.shape[2] - spans[0] + 1, stride[0]) for j in range(0, x.shape[3] - spans[1] + 1, stride[1])]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("kernel, dilation, padding, stride", [
    (2, 1, 0, 1), (3, 1, 1, 2), ((2, 3), (2, 1), (1, 2), (2, 3)), (1, 1, 0, 1), ((7, 8), 1, 0, 1), (2, 3, (0, 3), (3, 1))])
def test_unfold_and_fold(kernel, dilation, padding, stride, rng):
    x = rng.normal(size=(2, 3, 7, 8))
    pairs = [(v, v) if isinstance(v, int) else v for v in (kernel, dilation, padding, stride)]
    wanted = unfolded(x, *pairs)
    np.testing.assert_array_equal(ops.unfold(x, kernel, dilation, padding, stride).numpy(), wanted)
    y = rng.normal(size=wanted.shape)
    back = ops.fold(y, (7, 8), kernel, dilation, padding, stride).numpy()
    assert back.shape == x.shape                        # fold is the transpose: <unfold(x), y> = <x, fold(y)>
    assert (wanted * y).sum() == pytest.approx((x * back).sum())
    count = ops.fold(np.ones_like(wanted), (7, 8), kernel, dilation, padding, stride).numpy()
    np.testing.assert_allclose(ops.fold(wanted, (7, 8), kernel, dilation, padding, stride).numpy(), x * count)


@pytest.mark.parametrize("block", [2, 3])
def test_blocks_as_channels(block, rng):
    x = rng.normal(size=(2, 2 * block, 3 * block, 5))
    y = ops.space_to_depth(x, block).numpy()
    assert y.shape == (2, 2, 3, 5 * block ** 2)
    for i in range(block):
        for j in range(block):
            np.testing.assert_array_equal(y[..., (i * block + j) * 5:(i * block + j + 1) * 5], x[:, i::block, j::block])
    np.testing.assert_array_equal(ops.depth_to_space(y, block).numpy(), x)
    first = ops.space_to_depth(np.moveaxis(x, -1, 1), block, "channels_first").numpy()
    for i in range(block):
        for j in range(block):
            np.testing.assert_array_equal(first[:, i * block + j::block ** 2], np.moveaxis(x, -1, 1)[:, :, i::block, j::block])
    np.testing.assert_array_equal(ops.depth_to_space(first, block, "channels_first").numpy(), np.moveaxis(x, -1, 1))


def test_open_sizes():
    assert ops.unfold(Spec((None, 3, 7, 8)), 2).shape == (None, 12, 42)
    assert ops.unfold(Spec((None, 3, None, 8)), 2).shape == (None, 12, None)
    assert ops.fold(Spec((None, 12, 42)), (7, 8), 2).shape == (None, 3, 7, 8)
    assert ops.space_to_depth(Spec((None, None, 6, 3)), 2).shape == (None, None, 3, 12)
    assert ops.depth_to_space(Spec((None, 12, None, 4)), 2, "channels_first").shape == (None, 3, None, 8)
    assert ops.unfold(np.zeros((0, 3, 7, 8)), 2).shape == (0, 12, 42)
    assert ops.fold(np.zeros((0, 12, 42)), (7, 8), 2).shape == (0, 3, 7, 8)


@pytest.mark.parametrize("name, shape, arguments, message", [
    ("unfold", (3, 4, 4), (2,), r"\[unfold\] x has shape \(3, 4, 4\)"),
    ("unfold", (1, 3, 4, 4), (5,), "a window that covers 5 cells does not fit into a side of 4"),
    ("unfold", (1, 3, 4, 4), (2, 0), "dilation is 0, expected an integer >= 1"),
    ("unfold", (1, 3, 4, 4), (2, 1, -1), "padding is -1, expected an integer >= 0"),
    ("unfold", (1, 3, 4, 4), (2, 1, 0, (1, 2, 3)), r"stride is \(1, 2, 3\)"),
    ("fold", (1, 3, 4, 4), (4, 2), r"\[fold\] x has shape \(1, 3, 4, 4\)"),
    ("fold", (1, 12, 8), (4, 2), r"\[fold\] x has shape \(1, 12, 8\), expected a multiple of 2 \* 2 .* and 3 \* 3 along"),
    ("fold", (1, 11, 9), (4, 2), "expected a multiple"),
    ("fold", (1, 12, 9), ("4", 2), "output_size is '4'"),
    ("space_to_depth", (1, 4, 5, 3), (2,), "a height and a width that block_size 2 divides"),
    ("space_to_depth", (4, 4, 3), (2,), "four dimensions"),
    ("space_to_depth", (1, 4, 4, 3), (1,), "block_size is 1, expected an integer >= 2"),
    ("space_to_depth", (1, 4, 4, 3), (2, "last"), "data_format is 'last'"),
    ("depth_to_space", (1, 4, 4, 6), (2,), r"x has 6 channels, expected a number that block_size \*\* 2 = 4 divides")])
def test_bad_input_is_named(name, shape, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(ops, name)(np.zeros(shape, "float32"), *arguments)
