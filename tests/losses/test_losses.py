"""Losses against numbers that Keras computed (tests/golden/make_losses.py), and what must not pass."""
import json
import pathlib

import numpy as np
import pytest

from fastnn import losses, ops
from fastnn.tape import GradientTape
from fastnn.tensor import Tensor

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
KERAS = json.loads((GOLDEN / "losses.json").read_text())
VALUES = KERAS["values"]
UNKNOWN = ("import jax", "import torch", "import jax.numpy as jnp", "import keras", "from make_losses import data")


def golden_script(name, **known):
    """The names of a script of tests/golden, without importing Keras; `known`: what it imports from another."""
    source = [line for line in (GOLDEN / f"{name}.py").read_text().splitlines()
              if line not in UNKNOWN]
    names = {"__name__": name, "__file__": str(GOLDEN / f"{name}.py"), **known}
    exec(compile("\n".join(source), name, "exec"), names)
    return names


SCRIPT = golden_script("make_losses")


class Masked(Tensor):
    """Predictions with the mask that layers before gave them."""
    __slots__ = ("mask",)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("key", sorted(VALUES))
def test_loss_and_gradient_are_those_of_keras(key, dtype):
    name, reduction, *weighted = key.split("/")
    class_name, arguments, kind = SCRIPT["CASES"][name]
    y_true, y_pred, weights = SCRIPT["data"](kind, n=6 if "@" not in kind else 4)
    weights, mask = {**SCRIPT["further"](kind, weights), "weights": (weights, None)}[weighted[0]] if weighted else (None, None)
    loss = getattr(losses, class_name)(**arguments, reduction=reduction, dtype=dtype)
    p = (Tensor if mask is None else Masked)(y_pred.astype(dtype))
    if mask is not None:
        p.mask = Tensor(mask)
    with GradientTape() as tape:
        tape.watch(p)
        value = loss(y_true, p, sample_weight=weights)
    expected = VALUES[key]
    # Keras itself rounds to 32 bits here and there, also in float64; NumPy's references are exact, see tests/ops
    tolerance = {"rtol": 3e-5, "atol": 3e-6} if dtype == "float32" else {"rtol": 1e-6, "atol": 3e-7}
    assert value.shape == np.shape(expected["loss"]) and value.dtype == dtype
    np.testing.assert_allclose(value.numpy(), expected["loss"], **tolerance)
    if "gradient" in expected:
        np.testing.assert_allclose(tape.gradient(value, p).numpy(), expected["gradient"], **tolerance)


# What Keras' configs forget, so that a loss made from them is another one.
FORGOTTEN = {"huber": {"delta": 0.4}, "cosine_axis": {"axis": 0}, "cosine_axis@3": {"axis": 1}}


@pytest.mark.parametrize("name", SCRIPT["CASES"])
def test_configs_are_those_of_keras(name):
    class_name, arguments, _ = SCRIPT["CASES"][name]
    loss = getattr(losses, class_name)(**arguments)
    more = FORGOTTEN.get(name, FORGOTTEN.get(name.split("@")[0], {}))
    expected = {**KERAS["configs"][name], **more}
    assert {k: list(v) if isinstance(v, tuple) else v for k, v in loss.get_config().items()} == expected
    again = losses.get(losses.serialize(loss))
    assert type(again) is type(loss) and losses.serialize(again) == losses.serialize(loss)


@pytest.mark.parametrize("loss, activation", [("categorical_crossentropy", "softmax"), ("binary_crossentropy", "sigmoid"),
                                              ("sparse_categorical_crossentropy", "softmax")])
def test_probabilities_just_computed_are_traced_to_their_logits(loss, activation, rng):
    """Where probabilities round to 0 and 1 the gradient must neither vanish nor burst."""
    x = Tensor((100 * rng.standard_normal((4, 3))).astype("float32"))
    y_true = np.array([0, 1, 2, 1]) if loss.startswith("sparse") else np.eye(3, dtype="float32")[[0, 1, 2, 1]]
    found = []
    for from_logits in (False, True):
        with GradientTape() as tape:
            tape.watch(x)
            p = x if from_logits else getattr(ops, activation)(x)
            value = getattr(losses, loss)(y_true, p, from_logits=from_logits)
        found.append((value.numpy(), tape.gradient(value, x).numpy()))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])
    assert found[0][0].max() > 30 and np.abs(found[0][1]).max() > 0.1


def test_logits_of_another_function_are_not_taken_for_these():
    x = Tensor(np.array([[2.0, -1.0, 0.5]], "float32"))
    p = ops.sigmoid(x)
    value = losses.categorical_crossentropy([[0.0, 0.0, 1.0]], p)
    q = p.numpy() / p.numpy().sum()
    np.testing.assert_allclose(value.numpy(), -np.log(q[0, 2:]), rtol=1e-5)


def test_gradients_pass_to_targets_too(rng):
    a, b = [Tensor(rng.standard_normal((3, 4))) for _ in range(2)]
    with GradientTape() as tape:
        tape.watch([a, b])
        value = losses.mean_squared_error(a, b)
    da, db = tape.gradient(value, [a, b])
    np.testing.assert_allclose(da.numpy(), (a.numpy() - b.numpy()) / 2)
    np.testing.assert_allclose(da.numpy(), -db.numpy())


def test_shapes_that_keras_squeezes():
    y_true, y_pred = np.array([1.0, 2.0, 4.0]), np.array([[1.0], [1.0], [1.0]])
    for t, p in ((y_true, y_pred), (y_pred, y_true), (y_true, y_pred[:, 0])):
        assert float(losses.MeanSquaredError()(t, p)) == pytest.approx(10 / 3)
    assert float(losses.SparseCategoricalCrossentropy()([[0], [1]], np.eye(2))) == pytest.approx(0, abs=1e-6)


def test_samples_of_an_ignored_class_do_not_count():
    p = np.array([[0.5, 0.5], [0.9, 0.1], [0.1, 0.9]])
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    assert float(loss([0, -1, -1], p)) == pytest.approx(np.log(2), rel=1e-6)
    assert float(loss([-1, -1, -1], p)) == 0.0


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "uint64", "float32", "float64", "bool"])
def test_labels_of_any_dtype(dtype):
    p = np.array([[0.25, 0.75], [0.5, 0.5]])
    value = losses.sparse_categorical_crossentropy(np.array([1, 0]).astype(dtype), p)
    np.testing.assert_allclose(value.numpy(), -np.log([0.75, 0.5]), rtol=1e-6)


P = np.full((2, 3), 1 / 3, "float32")


@pytest.mark.parametrize("call, words", [
    (lambda: losses.SparseCategoricalCrossentropy()([0, 3], P), ["label 3", "position 1", "3 classes"]),
    (lambda: losses.SparseCategoricalCrossentropy()([-1, 0], P), ["label -1", "position 0"]),
    (lambda: losses.SparseCategoricalCrossentropy()([0.5, 0], P), ["0.5", "no integer"]),
    (lambda: losses.SparseCategoricalCrossentropy()(np.eye(3)[:2], P), ["one-hot", "categorical_crossentropy"]),
    (lambda: losses.SparseCategoricalCrossentropy()([0, 1, 2], P), ["(3,)", "(2,)"]),
    (lambda: losses.CategoricalCrossentropy()([0, 1], P), ["sparse_categorical_crossentropy", "to_categorical"]),
    (lambda: losses.CategoricalCrossentropy()(np.eye(4)[:2], P), ["(2, 4)", "(2, 3)"]),
    (lambda: losses.MeanSquaredError()(np.zeros((2, 2)), P), ["mean_squared_error", "(2, 2)", "(2, 3)"]),
    (lambda: losses.MeanSquaredError()(np.zeros((2, 1)), P), ["(2, 1)", "(2, 3)"]),
    (lambda: losses.MeanSquaredError()(P, P, sample_weight=np.ones(5)), ["sample_weight", "(5,)", "(2,)"]),
    (lambda: losses.BinaryCrossentropy(label_smoothing=2.0)(P, P), ["label_smoothing"]),
    (lambda: losses.MeanSquaredError(reduction="average"), ["reduction", "'average'", "'sum'"]),
    (lambda: losses.get("categorical_crosentropy"), ["categorical_crossentropy"]),
    (lambda: losses.get(3), ["3"]),
])
def test_bad_input_is_told(call, words):
    with pytest.raises(ValueError) as error:
        call()
    for word in words:
        assert word in str(error.value)


def test_names_and_configs():
    for name in ("mse", "MAE", "mape", "msle", "bce", "kld", "kullback_leibler_divergence", "logcosh", "huber", "hinge",
                 "cosine_similarity", "poisson", "MeanSquaredError", "categorical_hinge"):
        assert callable(losses.get(name))
    assert losses.get(None) is None
    assert losses.deserialize(losses.serialize(losses.mean_squared_error)) is losses.mean_squared_error


def test_a_loss_of_ones_own():
    class Quartic(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean((y_pred - y_true) ** 4, axis=-1)

    assert float(Quartic()([[0.0]], [[2.0]])) == 16.0
    assert Quartic(reduction="sum")([[0.0], [0.0]], [[2.0], [1.0]]).item() == 17.0
    with pytest.raises(TypeError, match="call"):
        losses.Loss()([1.0], [1.0])


def test_the_gradient_for_probabilities_that_a_sigmoid_made():
    x = ops.convert_to_tensor([[0.3], [1.0]])
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        p = ops.sigmoid(x)
        loss = losses.BinaryCrossentropy()(np.array([[1.0], [0.0]]), p)
    q = p.numpy()
    np.testing.assert_allclose(tape.gradient(loss, p).numpy(), [-0.5 / q[0], 0.5 / (1 - q[1])], rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(loss, x).numpy(), (q - [[1.0], [0.0]]) / 2, rtol=1e-5)
