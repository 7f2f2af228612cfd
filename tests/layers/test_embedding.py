"""Embedding beyond the golden numbers: dtypes of the input, indices outside, masks, and the way back of ReversibleEmbedding."""
import numpy as np
import pytest

from fastnn import layers, ops
from fastnn.models import Sequential
from fastnn.tensor import Spec, Tensor

from .helpers import check_gradients, forward_and_gradients


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bool"])
def test_indices_of_any_dtype(dtype):
    layer = layers.Embedding(5, 3)
    x = np.array([[1, 0, 1], [0, 0, 1]]).astype(dtype)
    np.testing.assert_array_equal(layer(x).numpy(), layer.get_weights()[0][x.astype("int64")])
    assert layer(Spec((None, 3), dtype)).shape == (None, 3, 3)
    _, gradients = forward_and_gradients(layer, [Tensor(x)])
    found = gradients[-1].numpy()
    np.testing.assert_array_equal(found[:2], [[(x == 0).sum()] * 3, [(x == 1).sum()] * 3])
    assert not found[2:].any()


def test_fractions_are_dropped():
    layer = layers.Embedding(5, 3)
    np.testing.assert_array_equal(layer(np.array([1.9, 3.2])).numpy(), layer.get_weights()[0][[1, 3]])


@pytest.mark.parametrize("bad, name", [(5, "5"), (-1, "-1"), (2**40, str(2**40)), (np.nan, "what is no number"), (np.inf, "what is no number")])
def test_an_index_outside_is_named(bad, name):
    layer = layers.Embedding(5, 3, name="words")
    x = np.array([[1, 2], [0, bad]])
    with pytest.raises(ValueError, match=rf'Layer "words" .*input_dim=5 rows.*Received: {name} at position \(1, 1\) of an input of shape \(2, 2\)'):
        layer(x)


@pytest.mark.parametrize("eagerly", [True, False])
def test_an_index_outside_is_named_within_fit(eagerly):
    """Also in a step that is replayed: there it is the kernel that notices."""
    model = Sequential([layers.Embedding(10, 4, name="words"), layers.Flatten(), layers.Dense(1)])
    model.compile("rmsprop", "mse", run_eagerly=eagerly)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 10, (40, 6)), rng.normal(size=(40, 1))
    model.fit(x, y, batch_size=8, epochs=4, verbose=0)
    x[33, 2] = 10
    for use in (lambda: model.fit(x, y, batch_size=8, verbose=0, shuffle=False), lambda: model.predict(x, batch_size=8, verbose=0)):
        with pytest.raises(ValueError, match=r'Layer "words" .*Received: 10 at position \(1, 2\) of an input of shape \(8, 6\)'):
            use()
    x[33, 2] = 9
    model.fit(x, y, batch_size=8, verbose=0)


def test_mask_of_zeros():
    x = Tensor(np.array([[3, 0, 1], [0, 0, 2]]))
    assert layers.Embedding(5, 3).compute_mask(x, None) is None
    np.testing.assert_array_equal(layers.Embedding(5, 3, mask_zero=True).compute_mask(x, None).numpy(), x.numpy() != 0)


def test_weights_and_arguments_of_older_scripts():
    table = np.arange(15.0).reshape(5, 3).astype("float32")
    for weights in (table, [table]):
        layer = layers.Embedding(5, 3, weights=weights)
        np.testing.assert_array_equal(layer(np.array([4, 0])).numpy(), table[[4, 0]])
    model = Sequential([layers.Embedding(5, 3, input_length=7), layers.Flatten()])
    assert model.output_shape == (None, 21) and model.layers[0].get_weights()[0].shape == (5, 3)     # built at once
    with pytest.raises(ValueError, match="input_shape"):
        layers.Embedding(5, 3, input_length=-7)
    with pytest.raises(ValueError, match="lora_rank"):
        layers.Embedding(5, 3, lora_rank=2)
    for bad in (0, -1, 2.5, True, None):
        with pytest.raises(ValueError, match="input_dim"):
            layers.Embedding(bad, 3)
        with pytest.raises(ValueError, match="output_dim"):
            layers.Embedding(3, bad)


@pytest.mark.parametrize("tied", [True, False])
def test_the_way_back(tied):
    layer = layers.ReversibleEmbedding(7, 4, tie_weights=tied, logit_soft_cap=2.0, dtype="float64")
    layer(np.array([[1, 2]]))
    layer.set_weights([np.random.default_rng(i).normal(size=w.shape) for i, w in enumerate(layer.get_weights())])
    x = np.random.default_rng(3).normal(size=(2, 3, 4))
    kernel = layer.get_weights()[0].T if tied else layer.get_weights()[1]
    np.testing.assert_allclose(layer(x, reverse=True).numpy(), 2 * np.tanh(x @ kernel / 2), rtol=1e-9)
    assert layer(Spec((None, 3, 4), "float64"), reverse=True).shape == (None, 3, 7)
    assert layer.compute_mask(Tensor(x), None) is None


def test_the_gradient_of_both_ways():
    class Both(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.table = layers.ReversibleEmbedding(7, 4, dtype=self.dtype)

        def call(self, x):
            rows = self.table(ops.convert_to_tensor(np.array([[1, 6, 1]])))
            return self.table(x, reverse=True) + ops.sum(rows)

    check_gradients(Both, {}, (2, 3, 4))
