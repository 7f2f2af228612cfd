"""Views, copies, indices: against NumPy, with open sizes, with bad arguments."""
import numpy as np
import pytest

from fastnn import GradientTape, Variable, ops
from fastnn.tensor import Spec, Tensor


@pytest.fixture
def x(rng):
    return rng.standard_normal((4, 5, 6)).astype("float32")


INDICES = [0, -1, slice(1, 3), (0, 1), (slice(None), 2), (Ellipsis, 0), (None, 0), slice(None, None, -1),
           (slice(3, 0, -2), slice(None), None, 1), [0, 2], np.array([[0, 1], [2, 3]]), (slice(None), [0, 1]),
           ([0, 1], [1, 2]), (np.arange(4), np.arange(4), slice(1, 3)), (0, [1, 2]), (Ellipsis, [1, 1]), (slice(2, 2),),
           (slice(None), slice(None), slice(5, None, -3)), np.int64(2), (1, 2, 3), Ellipsis, [-1, -4]]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_getitem(x, index):
    np.testing.assert_array_equal(Tensor(x)[index].numpy(), x[index])


def test_getitem_by_booleans(x):
    np.testing.assert_array_equal(Tensor(x)[x > 0].numpy(), x[x > 0])
    np.testing.assert_array_equal(Tensor(x)[x[:, 0, 0] > 0].numpy(), x[x[:, 0, 0] > 0])


@pytest.mark.parametrize("index", INDICES[:16], ids=str)
def test_gradient_of_getitem(x, index):
    v = Variable(x)
    with GradientTape() as tape:
        y = ops.sum(ops.square(v[index]))
    expected = np.zeros_like(x)
    np.add.at(expected, index, 2 * x[index])
    np.testing.assert_allclose(tape.gradient(y, v).numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("index, error", [(4, IndexError), ((0, 0, 0, 0), IndexError), (1.5, TypeError), ([9], ValueError),
                                          ("a", TypeError), (([0], slice(None), [0]), ValueError)])
def test_bad_indices(x, index, error):
    with pytest.raises(error):
        Tensor(x)[index]


def test_getitem_of_specs():
    s = Spec((None, 5, 6))
    assert s[0].shape == (5, 6) and s[:, 1:3].shape == (None, 2, 6) and s[:, -1].shape == (None, 6)
    assert s[1:].shape == (None, 5, 6) and s[..., None].shape == (None, 5, 6, 1) and s[:, :, 0].shape == (None, 5)


def test_iteration_and_length(x):
    rows = list(Tensor(x))
    assert len(rows) == len(Tensor(x)) == 4
    np.testing.assert_array_equal(rows[2].numpy(), x[2])


def test_reshape(x):
    assert ops.reshape(x, (-1, 6)).shape == (20, 6) and ops.reshape(x, 120).shape == (120,)
    assert ops.reshape(np.zeros((0, 3)), (-1, 3)).shape == (0, 3)
    for bad in ((7, -1), (-1, -1), (3, 3), (-2, 60)):
        with pytest.raises(ValueError, match=r"\[reshape\]"):
            ops.reshape(x, bad)
    assert ops.reshape(Spec((None, 4, 4)), (-1, 16)).shape == (None, 16)
    assert ops.reshape(Spec((2, 3)), (-1,)).shape == (6,)
    with pytest.raises(ValueError, match="16 elements against 15"):
        ops.reshape(Spec((None, 4, 4)), (None, 15))
    assert ops.reshape(Spec((None, 4, 4)), (None, -1, 2)).shape == (None, 8, 2)


def test_expand_and_squeeze(x):
    assert ops.expand_dims(x, 0).shape == (1, 4, 5, 6) and ops.expand_dims(x, (0, -1)).shape == (1, 4, 5, 6, 1)
    assert ops.squeeze(x[:1]).shape == (5, 6) and ops.squeeze(x[:, :1], 1).shape == (4, 6)
    with pytest.raises(ValueError, match="only axes of size 1"):
        ops.squeeze(x, 0)


@pytest.mark.parametrize("axes", [(0, 2, 1), (2, 1, 0), (1, 0, 2), (2, 0, 1), (1, 2, 0), None, (-1, 0, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int16"])
def test_transpose(axes, dtype, rng):
    x = rng.integers(0, 100, (37, 18, 50)).astype(dtype)
    np.testing.assert_array_equal(ops.transpose(x, axes).numpy(), x.transpose(axes))


def test_bad_transposes(x):
    with pytest.raises(ValueError, match="each of the 3 axes once"):
        ops.transpose(x, (0, 0, 1))


def test_moves(x):
    np.testing.assert_array_equal(ops.moveaxis(x, 0, -1).numpy(), np.moveaxis(x, 0, -1))
    np.testing.assert_array_equal(ops.moveaxis(x, (0, 1), (2, 0)).numpy(), np.moveaxis(x, (0, 1), (2, 0)))
    np.testing.assert_array_equal(ops.swapaxes(x, 0, 2).numpy(), np.swapaxes(x, 0, 2))
    np.testing.assert_array_equal(ops.flip(x, (0, 2)).numpy(), np.flip(x, (0, 2)))


def test_repetitions(x):
    np.testing.assert_array_equal(ops.tile(x, (2, 1, 3)).numpy(), np.tile(x, (2, 1, 3)))
    np.testing.assert_array_equal(ops.tile(x, 2).numpy(), np.tile(x, 2))
    np.testing.assert_array_equal(ops.repeat(x, 3, 1).numpy(), np.repeat(x, 3, 1))
    np.testing.assert_array_equal(ops.repeat(x, 2).numpy(), np.repeat(x, 2))
    np.testing.assert_array_equal(ops.repeat(x, [1, 0, 2, 1], 0).numpy(), np.repeat(x, [1, 0, 2, 1], 0))
    assert ops.repeat(Spec((None, 3)), 2, 0).shape == (None, 3) and ops.tile(Spec((None, 3)), (1, 2)).shape == (None, 6)
    with pytest.raises(ValueError, match="broadcast_to"):
        ops.broadcast_to(x, (4, 5, 7))


def test_joining_and_cutting(x):
    np.testing.assert_array_equal(ops.concatenate([x, x[:, :2]], 1).numpy(), np.concatenate([x, x[:, :2]], 1))
    np.testing.assert_array_equal(ops.stack([x, x], -1).numpy(), np.stack([x, x], -1))
    for pieces in (3, [1, 3], [2]):
        found, expected = ops.split(x, pieces, 2), np.split(x, pieces, 2)
        assert len(found) == len(expected)
        for a, b in zip(found, expected):
            np.testing.assert_array_equal(a.numpy(), b)
    assert [t.shape for t in ops.unstack(x, axis=1)] == [(4, 6)] * 5
    assert ops.concatenate([Spec((None, 2)), Spec((None, 3))], -1).shape == (None, 5)
    assert ops.concatenate([np.zeros((2, 3)), np.zeros((1, 3))]).shape == (3, 3)
    assert ops.concatenate([np.zeros(2, "int32"), np.zeros(2, "float32")]).dtype == "float32"
    with pytest.raises(ValueError, match="must agree but for the axis"):
        ops.concatenate([x, x[:, :2]], 0)
    with pytest.raises(ValueError, match="does not divide"):
        ops.split(x, 4, 1)


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric", "edge", "wrap"])
def test_pad(x, mode):
    width = ((1, 0), (0, 2), (1, 1))
    np.testing.assert_array_equal(ops.pad(x, width, mode).numpy(), np.pad(x, width, mode))
    np.testing.assert_array_equal(ops.pad(x, 1, mode).numpy(), np.pad(x, 1, mode))


def test_pad_with_a_value_and_bad_arguments(x):
    np.testing.assert_array_equal(ops.pad(x, 2, constant_values=3).numpy(), np.pad(x, 2, constant_values=3))
    with pytest.raises(ValueError, match="must not be negative"):
        ops.pad(x, -1)
    with pytest.raises(ValueError, match="mode must be"):
        ops.pad(x, 1, "maximum")


def test_take(x):
    np.testing.assert_array_equal(ops.take(x, [[0, -1], [2, 2]], 1).numpy(), np.take(x, [[0, -1], [2, 2]], 1))
    np.testing.assert_array_equal(ops.take(x, [5, -1]).numpy(), np.take(x, [5, -1]))
    order = np.argsort(x, 1)
    np.testing.assert_array_equal(ops.take_along_axis(x, order, 1).numpy(), np.take_along_axis(x, order, 1))
    with pytest.raises(ValueError, match="index 4 at position 1"):
        ops.take(x, [0, 4], 0)
    with pytest.raises(TypeError, match="indices must be integers"):
        ops.take(x, [0.5], 0)


def test_one_hot():
    assert ops.one_hot([1, 0, 2], 3).tolist() == np.eye(3)[[1, 0, 2]].tolist()
    assert ops.one_hot([1, 5, -1], 3, dtype="int32").tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    np.testing.assert_array_equal(ops.one_hot([[1, 0]], 3, axis=0).numpy(), np.moveaxis(np.eye(3)[[[1, 0]]], -1, 0))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "uint64", "float32",
                                   "float64"])
@pytest.mark.parametrize("to", ["float32", "float64", "int32", "int64"])
def test_gather_rows_casts_on_the_way(dtype, to, rng):
    src = rng.integers(0, 2 if dtype == "bool" else 100, (9, 2, 3)).astype(dtype)
    index = rng.integers(0, 9, 20)
    np.testing.assert_array_equal(ops.gather_rows(src, index, dtype=to).numpy(), src[index].astype(to))


def test_gather_rows_scales_and_checks(rng):
    src = rng.integers(0, 256, (50, 700)).astype("uint8")
    index = rng.integers(0, 50, 300)
    np.testing.assert_allclose(ops.gather_rows(src, index, dtype="float32", scale=1 / 255).numpy(), src[index] / 255, rtol=1e-6)
    for bad in (50, -1):
        with pytest.raises(ValueError, match=f"index {bad} at position 0"):
            ops.gather_rows(src, np.array([bad]), dtype="float32")


def test_assign_casts_and_keeps_shapes():
    v = Variable([1.0, 2.0])
    v.assign(np.array([3, 4], "int32"))
    assert v.numpy().tolist() == [3.0, 4.0] and v.dtype == "float32"
    ops.assign_add(v, np.array([1, 1], "float32"))
    assert v.numpy().tolist() == [4.0, 5.0]
    with pytest.raises(ValueError, match="shape"):
        v.assign([1.0, 2.0, 3.0])


def test_creation():
    assert ops.zeros((2, 3)).dtype == "float32" and ops.ones(3, "int32").tolist() == [1, 1, 1]
    assert ops.full((2,), 7, "uint8").tolist() == [7, 7] and ops.ones_like(np.zeros((2, 2), "int64")).dtype == "int64"
    assert ops.arange(5).dtype == "int32" and ops.arange(1.0, 2.0, 0.5).tolist() == [1.0, 1.5]
    assert ops.eye(2, 3, 1).tolist() == [[0, 1, 0], [0, 0, 1]] and ops.linspace(0, 1, 3).tolist() == [0, 0.5, 1]
    m = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(ops.tril(m).numpy(), np.tril(m))
    np.testing.assert_array_equal(ops.triu(m, 1).numpy(), np.triu(m, 1))
    for found, expected in zip(ops.meshgrid([1, 2], [3, 4, 5]), np.meshgrid([1, 2], [3, 4, 5])):
        np.testing.assert_array_equal(found.numpy(), expected)


def test_constants_pass_no_gradient():
    v = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = ops.sum(v * ops.ones_like(v) + ops.stop_gradient(v))
    assert tape.gradient(y, v).tolist() == [1.0, 1.0]
