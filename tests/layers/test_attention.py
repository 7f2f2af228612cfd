"""The attention layers beyond the golden numbers: symbolic shapes, masks that come with tensors, dropout, errors, paths of weights."""
import numpy as np
import pytest

from fastnn import layers, ops
from fastnn.tensor import Spec, Tensor

RNG = np.random.default_rng(0)
Q, V = RNG.normal(size=(2, 3, 4)).astype("float32"), RNG.normal(size=(2, 5, 4)).astype("float32")


def multi_head(**arguments):
    return layers.MultiHeadAttention(num_heads=2, key_dim=3, **arguments)


@pytest.mark.parametrize("layer, heads", [(multi_head(), 2), (layers.GroupQueryAttention(3, 4, 2), 4)])
def test_symbolic_shapes(layer, heads):
    query, value = Spec((None, 3, 4), "float32"), Spec((None, None, 4), "float32")
    assert layer(query, value).shape == (None, 3, 4)
    y, scores = layer(query, value, return_attention_scores=True)
    assert (y.shape, scores.shape) == ((None, 3, 4), (None, heads, 3, None))


def test_symbolic_shapes_of_lists():
    for cls in (layers.Attention, layers.AdditiveAttention):
        inputs = [Spec((None, None, 4), "float32"), Spec((None, 5, 4), "float32")]
        y, scores = cls()(inputs, return_attention_scores=True, use_causal_mask=True)
        assert (y.shape, scores.shape) == ((None, None, 4), (None, None, 5))


@pytest.mark.parametrize("layer", [multi_head(), layers.GroupQueryAttention(3, 4, 2)])
def test_masks_that_come_with_the_tensors(layer):
    query, value = Tensor(Q), Tensor(V)
    query.mask, value.mask = Tensor(np.array([[1, 1, 0]] * 2, "bool")), Tensor(np.array([[1, 0, 1, 1, 0]] * 2, "bool"))
    y = layer(query, value)
    np.testing.assert_array_equal(y.mask.numpy(), query.mask.numpy())
    both = query.mask.numpy()[:, :, None] & value.mask.numpy()[:, None]
    np.testing.assert_allclose(y.numpy(), layer(Q, V, attention_mask=both).numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(y.numpy(), layer(Q, V, query_mask=query.mask, value_mask=value.mask).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", [layers.Attention(dropout=0.5, seed=1), layers.AdditiveAttention(dropout=0.5, seed=1)])
def test_dropout_drops_weights(layer):
    _, weights = layer([Q, V], training=True, return_attention_scores=True)
    assert (weights.numpy() == 0).any()
    assert not np.allclose(layer([Q, V], training=True).numpy(), layer([Q, V]).numpy())


def test_dropout_of_heads():
    layer = multi_head(dropout=0.5, seed=1)
    plain = layer(Q, V).numpy()
    assert not np.allclose(layer(Q, V, training=True).numpy(), plain)
    copy = multi_head()
    copy(Q, V)
    copy.set_weights(layer.get_weights())
    np.testing.assert_allclose(copy(Q, V).numpy(), plain, rtol=1e-4, atol=1e-5)


def test_paths_of_weights():
    layer = multi_head(name="heads")
    layer(Q, V)
    assert [w.path for w in layer.weights] == [f"heads/{part}/{w}" for part in ("query", "key", "value", "attention_output") for w in ("kernel", "bias")]


def test_what_the_op_takes():
    q = RNG.normal(size=(2, 3, 4, 8))
    k, v = RNG.normal(size=(2, 2, 5, 2, 8))
    bias, mask = RNG.normal(size=(4, 3, 5)), RNG.uniform(size=(2, 1, 3, 5)) < 0.7
    mask[..., 0] = True
    scores = np.einsum("btnh,bsnh->bnts", q, np.repeat(k, 2, 2)) * 8**-0.5
    for arguments, expected in (({}, scores), ({"scale": 0.3}, scores * 0.3 * 8**0.5), ({"bias": bias}, scores + bias), ({"mask": mask}, np.where(mask, scores, -np.inf)),
                                ({"is_causal": True}, np.where(np.tri(3, 5, dtype=bool), scores, -np.inf)),
                                ({"bias": bias, "mask": mask, "is_causal": True}, np.where(mask & np.tri(3, 5, dtype=bool), scores + bias, -np.inf))):  # fmt: skip
        p = np.exp(expected) / np.exp(expected).sum(-1, keepdims=True)
        np.testing.assert_allclose(ops.dot_product_attention(q, k, v, **arguments).numpy(), np.einsum("bnts,bsnh->btnh", p, np.repeat(v, 2, 2)), rtol=1e-9)
        specs = [Spec((None, None, *x.shape[2:]), "float64") for x in (q, k, v)]
        assert ops.dot_product_attention(*specs, **{key: value for key, value in arguments.items() if key != "mask"}).shape == (None, None, 4, 8)


def test_a_query_that_sees_no_key_gets_the_mean():
    for dtype in ("float32", "float64"):
        q, k, v = RNG.normal(size=(3, 1, 2, 1, 8)).astype(dtype)
        y = ops.dot_product_attention(q, k, v, mask=np.array([[[[True, False], [False, False]]]])).numpy()
        np.testing.assert_allclose(y[0, :, 0], [v[0, 0, 0], v[0, :, 0].mean(0)], rtol=1e-6)


def test_what_is_refused():
    for bad in (dict(num_heads=0, key_dim=2), dict(num_heads=2, key_dim=-1), dict(num_heads=2, key_dim=2, value_dim=0),
                dict(num_heads=2, key_dim=2, sliding_window=0), dict(num_heads=2, key_dim=2, attention_axes="1"),
                dict(num_heads=2, key_dim=2, flash_attention=True, dropout=0.1)):  # fmt: skip
        with pytest.raises(ValueError):
            layers.MultiHeadAttention(**bad)
    with pytest.raises(ValueError, match="multiple"):
        layers.GroupQueryAttention(3, 4, 3)
    with pytest.raises(ValueError, match="score_mode"):
        layers.Attention(score_mode="product")
    with pytest.raises(ValueError, match="must be called on a list"):
        layers.Attention()(Q)
    with pytest.raises(ValueError, match="same axes"):
        multi_head()(Q, V, V[:, :4])
    with pytest.raises(ValueError, match="heads a multiple"):
        ops.dot_product_attention(np.ones((1, 2, 3, 4)), np.ones((1, 2, 2, 4)), np.ones((1, 2, 2, 4)))
    with pytest.raises(ValueError, match="broadcastable"):
        ops.dot_product_attention(*[np.ones((1, 2, 3, 4))] * 3, mask=np.ones((2, 3), "bool"))
