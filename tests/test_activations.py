"""Activations against formulas in float64, their gradients, and names that become functions."""
import numpy as np
import pytest

from fastnn import GradientTape, activations, ops
from fastnn.tensor import Spec, Tensor

X = np.array([-40.0, -7.1, -3.2, -1.3, -0.7, -0.2, 0.3, 0.9, 1.4, 2.6, 5.5, 8.3, 40.0])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


FORMULAS = {
    "linear": lambda x: x, "relu": lambda x: np.maximum(x, 0), "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x), "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "selu": lambda x: 1.05070098 * np.where(x > 0, x, 1.67326324 * (np.exp(x) - 1)),
    "celu": lambda x: np.where(x > 0, x, np.exp(x) - 1), "tanh": np.tanh, "sigmoid": sigmoid, "exponential": np.exp,
    "softplus": lambda x: np.logaddexp(0, x), "softsign": lambda x: x / (1 + np.abs(x)), "silu": lambda x: x * sigmoid(x),
    "log_sigmoid": lambda x: -np.logaddexp(0, -x), "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1), "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1), "tanh_shrink": lambda x: x - np.tanh(x),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1), "softmax": softmax, "log_softmax": lambda x: np.log(softmax(x)),
}


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_values(name):
    x = X[None] if "softmax" in name else X
    for dtype, tolerance in (("float32", 2e-6), ("float64", 1e-8)):
        y = activations.get(name)(Tensor(x.astype(dtype)))
        assert y.dtype == dtype
        np.testing.assert_allclose(y.numpy(), FORMULAS[name](x), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", sorted(set(FORMULAS) - {"exponential"}))
def test_gradients(name):
    x, h = (X[None] if "softmax" in name else X), 1e-6
    weights = np.linspace(-1, 2, X.size).reshape(x.shape)
    t = Tensor(x)
    with GradientTape() as tape:
        tape.watch(t)
        y = activations.get(name)(t)
    dx = tape.gradient(y, t, output_gradients=Tensor(weights)).numpy()
    for k in range(X.size):
        step = np.zeros_like(x)
        step[..., k] = h
        up, down = activations.get(name)(Tensor(x + step)), activations.get(name)(Tensor(x - step))
        np.testing.assert_allclose(dx[..., k], (weights * (up.numpy() - down.numpy())).sum() / (2 * h), rtol=1e-5, atol=1e-6)


def test_gelu_in_both_forms():
    import math
    exact = np.array([0.5 * x * (1 + math.erf(x / math.sqrt(2))) for x in X])
    np.testing.assert_allclose(activations.gelu(Tensor(X)).numpy(), exact, rtol=1e-12, atol=1e-14)
    tanh = 0.5 * X * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X ** 3)))
    np.testing.assert_allclose(activations.gelu(Tensor(X), approximate=True).numpy(), tanh, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("slope", [0.0, 0.3])
@pytest.mark.parametrize("top", [None, 2.0, 6])
@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.5])
def test_relu_with_all_its_arguments(slope, top, threshold):
    y = np.where(X > threshold, X, 0)
    y = np.where(X > threshold, y if top is None else np.clip(y, 0, top), slope * (X - threshold))
    found = activations.relu(Tensor(X), negative_slope=slope, max_value=top, threshold=threshold)
    np.testing.assert_allclose(found.numpy(), y)


def test_threshold_glu_celu():
    assert activations.threshold(Tensor(X), 1.0, -5.0).tolist() == np.where(X > 1, X, -5).tolist()
    x = np.linspace(-2, 2, 12).reshape(2, 6)
    np.testing.assert_allclose(activations.glu(Tensor(x)).numpy(), x[:, :3] * sigmoid(x[:, 3:]))
    np.testing.assert_allclose(activations.glu(Tensor(x), axis=0).numpy(), x[:1] * sigmoid(x[1:]))
    with pytest.raises(ValueError, match="even size"):
        activations.glu(Tensor(np.zeros((2, 3))))
    np.testing.assert_allclose(activations.celu(Tensor(X), 2.0).numpy(), np.where(X > 0, X, 2 * (np.exp(X / 2) - 1)))


def test_softmax_over_several_axes(rng):
    x = rng.standard_normal((3, 4, 5))
    y = activations.softmax(Tensor(x), axis=(0, 2)).numpy()
    e = np.exp(x)
    np.testing.assert_allclose(y, e / e.sum((0, 2), keepdims=True))


def test_sparsemax(rng):
    """The nearest point of the simplex: it sums to one, and x minus it is constant where it is positive."""
    x = rng.standard_normal((7, 5))
    y = activations.sparsemax(Tensor(x)).numpy()
    np.testing.assert_allclose(y.sum(-1), 1)
    assert (y >= 0).all() and (y == 0).any()
    for row, p in zip(x, y):
        gap = row - p
        assert np.ptp(gap[p > 0]) < 1e-12 and (gap[p == 0] <= gap[p > 0].min() + 1e-12).all()


def test_sigmoid_and_softmax_remember_their_logits():
    x = Tensor(X[None])
    assert ops.sigmoid(x).logits[2] is x and ops.softmax(x).logits[2] is x


def test_all_work_on_specs():
    for name in activations.FUNCTIONS:
        if name != "threshold":
            shape = (None, 3) if name == "glu" else (None, 6)
            assert activations.get(name)(Spec((None, 6))).shape == shape, name


def test_get():
    assert activations.get(None) is activations.linear and activations.get("relu") is activations.relu
    assert activations.get(np.tanh) is np.tanh and activations.get("swish") is activations.silu
    with pytest.raises(ValueError, match="Did you mean 'relu'"):
        activations.get("rellu")
    with pytest.raises(ValueError, match="Known: celu, "):
        activations.get("zzzz")
    with pytest.raises(ValueError, match="must be a name"):
        activations.get(3)


def test_round_trip():
    for name, function in activations.FUNCTIONS.items():
        assert activations.deserialize(activations.serialize(function)) is function, name
    assert activations.serialize(activations.silu) == "silu" and activations.serialize(None) == "linear"

    def mine(x):
        return x
    assert activations.deserialize(activations.serialize(mine), {"mine": mine}) is mine


def test_epilogues_are_marked():
    marked = {name for name, f in activations.FUNCTIONS.items() if hasattr(f, "epilogue")}
    assert marked == {"linear", "relu", "tanh", "sigmoid", "relu6", "elu", "selu", "leaky_relu"}
    assert all(activations.FUNCTIONS[name].epilogue == name for name in marked)
