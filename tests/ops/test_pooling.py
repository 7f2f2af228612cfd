"""The pooling of keras.ops by its definition; what the layers compute is held against Keras in tests/layers/test_golden.py."""
import itertools

import numpy as np
import pytest

from fastnn import ops
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, convert_to_tensor


def windows(x, pool_size, strides, padding):
    """(position, cells (N, cells, C)) for each window; the cells in the order of a scan."""
    sides = x.shape[1:-1]
    counts = [-(-n // s) if padding == "same" else (n - k) // s + 1 for n, k, s in zip(sides, pool_size, strides)]
    before = [max((o - 1) * s + k - n, 0) // 2 if padding == "same" else 0 for o, s, k, n in zip(counts, strides, pool_size, sides)]
    for at in itertools.product(*map(range, counts)):
        spans = [range(max(i * s - b, 0), min(i * s - b + k, n)) for i, s, b, k, n in zip(at, strides, before, pool_size, sides)]
        yield at, counts, list(itertools.product(*spans))


def pooled(x, how, pool_size, strides, padding):
    y = None
    for at, counts, cells in windows(x, pool_size, strides, padding):
        y = np.empty((len(x), *counts, x.shape[-1]), x.dtype) if y is None else y
        y[(slice(None), *at)] = how(np.stack([x[(slice(None), *cell)] for cell in cells]), axis=0)
    return y


def gradient(function, x):
    x = convert_to_tensor(x)
    with GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy()


SHAPES = {1: (3, 11, 5), 2: (2, 6, 7, 5), 3: (2, 4, 6, 5, 3)}


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("pool_size, strides", [(2, None), (3, 1), (2, 3), (1, 2), ((1, 2, 3), (2, 1, 1)), ((3, 1, 2), (1, 2, 2))])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_windows_by_their_definition(rank, pool_size, strides, padding, rng):
    x = rng.normal(size=SHAPES[rank])
    one = [v if isinstance(v, int) or v is None else v[:rank] for v in (pool_size, strides)]
    full = [(v,) * rank if isinstance(v, int) else v for v in (one[0], one[0] if one[1] is None else one[1])]
    for function, how in ((ops.max_pool, np.max), (ops.average_pool, np.mean)):
        wanted = pooled(x, how, *full, padding)
        np.testing.assert_allclose(function(x, *one, padding).numpy(), wanted, atol=1e-12)
        first = function(np.moveaxis(x, -1, 1).copy(), *one, padding, "channels_first").numpy()
        np.testing.assert_allclose(np.moveaxis(first, 1, -1), wanted, atol=1e-12)


def test_of_equal_cells_of_a_volume_the_first_gets_the_gradient():
    x = np.zeros((1, 4, 4, 4, 17), "float32")
    dx = gradient(lambda x: ops.max_pool(x, 2), x)
    assert (dx[:, ::2, ::2, ::2] == 1).all() and dx.sum() == 8 * 17
    x[0, 1, 0, 1] = x[0, 1, 1, 0] = 1
    dx = gradient(lambda x: ops.max_pool(x, 2), x)
    assert (dx[0, 1, 0, 1] == 1).all() and not dx[0, 1, 1, 0].any() and not dx[0, 0, 0, 0].any()


def test_nan_wins(rng):
    x = rng.normal(size=(2, 4, 4, 4, 3)).astype("float32")
    x[1, 2, 3, 0, 1] = np.nan
    y = ops.max_pool(x, 2).numpy()
    assert np.isnan(y[1, 1, 1, 0, 1]) and np.isnan(y).sum() == 1
    y = ops.global_max_pool(x).numpy()
    assert np.isnan(y[1, 1]) and np.isnan(y).sum() == 1


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_over_all_cells(rank, rng):
    x = rng.normal(size=SHAPES[rank])
    axes = tuple(range(1, rank + 1))
    for function, how in ((ops.global_max_pool, np.max), (ops.global_average_pool, np.mean)):
        np.testing.assert_allclose(function(x).numpy(), how(x, axes), atol=1e-12)
        first = function(np.moveaxis(x, -1, 1).copy(), keepdims=True, data_format="channels_first").numpy()
        np.testing.assert_allclose(np.moveaxis(first, 1, -1), how(x, axes, keepdims=True), atol=1e-12)


def test_steps_behind_a_mask_may_hold_anything(rng):
    x, mask = rng.normal(size=(3, 5, 4)), np.array([[1, 1, 0, 0, 1], [0, 1, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
    x[~mask] = np.nan
    wanted = np.stack([row[kept].mean(0) for row, kept in zip(x, mask)])
    np.testing.assert_allclose(ops.global_average_pool(x, mask=mask).numpy(), wanted)
    np.testing.assert_allclose(ops.global_average_pool(x, mask=mask.astype("float32")).numpy(), wanted)
    dx = gradient(lambda x: ops.global_average_pool(x, mask=mask), x)
    np.testing.assert_allclose(dx, np.broadcast_to((mask / mask.sum(1, keepdims=True))[..., None], x.shape))
    assert np.isnan(ops.global_average_pool(x, mask=np.zeros((3, 5), bool)).numpy()).all()


def test_open_sizes():
    assert ops.max_pool(Spec((None, None, 4)), 2).shape == (None, None, 4)
    assert ops.max_pool(Spec((None, 9, 4)), 2, padding="same").shape == (None, 5, 4)
    assert ops.max_pool(Spec((None, None, 8, None, 4)), 2).shape == (None, None, 4, None, 4)
    assert ops.average_pool(Spec((None, 5, 8, 7, 4)), (1, 2, 2)).shape == (None, 5, 4, 3, 4)
    assert ops.average_pool(Spec((3, None, 8, 7, 4)), 2, data_format="channels_first").shape == (3, None, 4, 3, 2)
    assert ops.global_max_pool(Spec((None, None, None, None, 4))).shape == (None, 4)
    assert ops.global_average_pool(Spec((None, None, 4)), keepdims=True).shape == (None, 1, 4)
    assert ops.global_average_pool(Spec((None, None, 4)), mask=Spec((None, None), "bool")).shape == (None, 4)


def test_empty_batches():
    assert ops.max_pool(np.zeros((0, 4, 4, 4, 2)), 2).shape == (0, 2, 2, 2, 2)
    assert ops.average_pool(np.zeros((0, 4, 2)), 2).shape == (0, 2, 2)
    assert ops.global_max_pool(np.zeros((0, 4, 2))).shape == (0, 2)


@pytest.mark.parametrize("function", [ops.max_pool, ops.average_pool])
@pytest.mark.parametrize("shape, options, message", [
    ((3, 4), dict(pool_size=2), r"expected sequences \(N, T, C\)"),
    ((3, 4), dict(pool_size=2, data_format="channels_first"), r"expected sequences \(N, T, C\)"),
    ((1, 4, 1), dict(pool_size=5), "a window of length 5 does not fit into inputs of length 4: use a smaller pool_size"),
    ((1, 2, 4, 4, 1), dict(pool_size=3), "a window of depth 3 does not fit into inputs of depth 2"),
    ((1, 0, 4, 4, 1), dict(pool_size=3, padding="same"), "a window of depth 3 does not fit into inputs of depth 0"),
    ((1, 4, 1), dict(pool_size=0), "pool_size is 0, expected an integer >= 1, or 1 of them"),
    ((1, 4, 1), dict(pool_size=2, strides=(1, 2)), r"strides is \(1, 2\), expected an integer >= 1, or 1 of them"),
    ((1, 4, 1), dict(pool_size=2, strides=0), "strides is 0"),
    ((1, 4, 1), dict(pool_size=True), "pool_size is True"),
    ((1, 4, 1), dict(pool_size=2, padding="causal"), "padding is 'causal', expected 'same' or 'valid'"),
    ((1, 4, 1), dict(pool_size=2, data_format="last"), "data_format is 'last'")])
def test_bad_input_is_named(function, shape, options, message):
    with pytest.raises(ValueError, match=message) as error:
        function(np.zeros(shape, "float32"), **options)
    assert f"[{function.__name__}]" in str(error.value)


def test_bad_input_of_global_pooling():
    with pytest.raises(ValueError, match=r"\[global_max_pool\].*nothing to pool"):
        ops.global_max_pool(np.zeros((1, 0, 2)))
    with pytest.raises(ValueError, match=r"\[global_average_pool\] a mask of shape \(2,\)"):
        ops.global_average_pool(np.zeros((2, 3, 2)), mask=np.ones(2, bool))
    with pytest.raises(ValueError, match=r"\[global_average_pool\] x has shape \(2, 3\)"):
        ops.global_average_pool(np.zeros((2, 3)))
