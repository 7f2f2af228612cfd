"""Metrics against numbers that Keras computed over three batches (tests/golden/make_metrics.py), and what must not pass."""
import json

import numpy as np
import pytest

from fastnn import metrics, ops
from fastnn.tensor import Variable
from tests.losses.test_losses import GOLDEN, golden_script

KERAS = json.loads((GOLDEN / "metrics.json").read_text())
VALUES = KERAS["values"]
DATA = golden_script("make_losses")["data"]
SCRIPT = golden_script("make_metrics", data=DATA)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("key", sorted(VALUES))
@pytest.mark.filterwarnings("ignore:.*cuts weights")
def test_results_are_those_of_keras(key, dtype):
    name, *weighted = key.split("/")
    class_name, arguments, kind = SCRIPT["CASES"][name]
    if dtype == "float64" and not ("ties" in kind or "IoU" in class_name):      # there Keras' 32 bits decide
        arguments = {**arguments, "dtype": dtype}
    metric = getattr(metrics, class_name)(**arguments)
    for (seed, n), expected in zip(SCRIPT["BATCHES"], VALUES[key]):
        y_true, y_pred, weights = SCRIPT["batch"](kind, seed, n)
        metric.update_state(y_true, y_pred.astype("float32"), sample_weight=weights if weighted else None)
        result = metric.result()
        assert result.shape == np.shape(expected)
        np.testing.assert_allclose(result.numpy(), expected, rtol=2e-4 if "correlation" in metric.name or "r2" in name else 3e-5, atol=3e-6)


@pytest.mark.parametrize("name", SCRIPT["CASES"])
def test_configs_are_those_of_keras(name):
    class_name, arguments, _ = SCRIPT["CASES"][name]
    metric = getattr(metrics, class_name)(**arguments)
    expected = KERAS["configs"][name]
    if class_name == "CosineSimilarity" and arguments:
        expected = {**expected, **arguments}            # Keras forgets the axis
    found = json.loads(json.dumps(metric.get_config()))
    assert {**found, "name": None} == {**expected, "name": None}
    assert found["name"].rstrip("_0123456789") == expected["name"].rstrip("_0123456789")
    again = metrics.get(metrics.serialize(metric))
    assert type(again) is type(metric) and metrics.serialize(again) == metrics.serialize(metric)


@pytest.mark.parametrize("class_name", sorted({c for c, _, _ in SCRIPT["CASES"].values()}))
def test_state(class_name):
    arguments, kind = next((a, k) for c, a, k in SCRIPT["CASES"].values() if c == class_name)
    metric = getattr(metrics, class_name)(**arguments)
    y_true, y_pred, _ = SCRIPT["batch"](kind, 1, 6)
    first = metric(y_true, y_pred).numpy()
    assert all(isinstance(v, Variable) and v.dtype == metric.dtype and not v.trainable for v in metric.variables)
    metric(y_true[:2], y_pred[:2])
    metric.reset_state()
    assert all((v.numpy() == 0).all() for v in metric.variables)
    np.testing.assert_array_equal(metric(y_true, y_pred).numpy(), first)


def test_mean_and_sum():
    mean = metrics.Mean()
    mean.update_state([1.0, 2.0, 6.0])
    mean.update_state(11.0)
    assert float(mean.result()) == 5.0
    mean.reset_state()
    assert float(mean([[1.0, 3.0], [5.0, 7.0]], sample_weight=[1.0, 3.0])) == 5.0
    mean.reset_state()
    assert float(mean([[1.0, 3.0], [5.0, 7.0]], sample_weight=[[1.0, 0.0], [0.0, 1.0]])) == 4.0
    assert float(metrics.Sum()([[1.0, 3.0], [5.0, 7.0]], sample_weight=[1.0, 2.0])) == 28.0


def test_functions_give_one_value_for_each_sample():
    y_pred = np.array([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]])
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy([1, 2], y_pred).numpy(), [1, 0])
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy([[1], [2]], y_pred).numpy(), [1, 0])
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy([2, 2], y_pred, k=2).numpy(), [1, 0])
    np.testing.assert_array_equal(metrics.categorical_accuracy(np.eye(3)[[1, 1]], y_pred).numpy(), [1, 0])
    np.testing.assert_array_equal(metrics.binary_accuracy([[1, 1, 0], [0, 0, 0]], y_pred).numpy(), [[0, 1, 1], [0, 1, 1]])
    ids = np.array([[2.0, 0.0, 1.0], [1.0, 2.0, 0.0]])
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy([0, 0], ids, k=2, from_sorted_ids=True).numpy(),
                                  [1, 0])


def test_nan_is_no_match():
    y_pred = np.array([[np.nan, 0.1], [0.2, 0.8]], "float32")
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy([0, 1], y_pred, k=1).numpy(), [0, 1])


def test_a_metric_of_ones_own():
    class Largest(metrics.Metric):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.highest = self.add_weight(name="highest", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.highest.assign(ops.maximum(self.highest, ops.max(y_pred)))

        def result(self):
            return self.highest

    metric = Largest()
    metric.update_state(None, ops.convert_to_tensor([1.0, 3.0]))
    metric.update_state(None, ops.convert_to_tensor([2.0]))
    assert float(metric.result()) == 3.0
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_names():
    for name in ("acc", "accuracy", "mse", "MAE", "rmse", "mape", "bce", "kld", "cosine_similarity", "Mean",
                 "top_k_categorical_accuracy", "sparse_categorical_accuracy", "binary_crossentropy", "logcosh", "poisson"):
        assert isinstance(metrics.get(name), metrics.Metric)


P = np.full((2, 3), 1 / 3, "float32")


@pytest.mark.parametrize("call, words", [
    (lambda: metrics.get("acuracy"), ["accuracy"]),
    (lambda: metrics.CategoricalAccuracy()([0, 1], P), ["sparse_categorical_accuracy", "(2, 3)"]),
    (lambda: metrics.SparseCategoricalAccuracy()(np.eye(3)[:2], P), ["'categorical_accuracy'", "one-hot"]),
    (lambda: metrics.BinaryAccuracy()(np.ones((2, 2)), P), ["binary_accuracy", "(2, 2)", "(2, 3)"]),
    (lambda: metrics.BinaryAccuracy(threshold=2), ["threshold"]),
    (lambda: metrics.MeanAbsoluteError()(P, P, sample_weight=np.ones(3)), ["sample_weight", "(3,)", "(2,)"]),
    (lambda: metrics.TopKCategoricalAccuracy(k=0)(P, P), ["k must be"]),
])
def test_bad_input_is_told(call, words):
    with pytest.raises(ValueError) as error:
        call()
    for word in words:
        assert word in str(error.value)
