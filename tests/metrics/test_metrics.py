"""Metrics against numbers that Keras computed over three batches (tests/golden/make_metrics.py), and what must not pass."""
import json

import numpy as np
import pytest

from fastnn import layers, metrics, ops
from fastnn.models import Sequential
from fastnn.tensor import Tensor, Variable
from tests.losses.test_losses import GOLDEN, Masked, golden_script

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


class KerasStyle(metrics.Metric):
    """A metric as one writes it for Keras: the mean of squared errors, with another metric inside."""

    def __init__(self, name="keras_style", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")
        self.seen = Variable(np.zeros(2, "float32"), trainable=False, name="seen")
        self.parts = [metrics.Mean(name="part")]

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.cast(y_true, "float32")
        values = ops.square(y_pred - y_true)
        if sample_weight is not None:
            values = ops.multiply(values, ops.reshape(ops.cast(sample_weight, "float32"), (-1, 1)))
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(ops.cast(ops.size(y_true), "float32"))
        self.seen.assign_add(ops.ones((2,)))
        self.parts[0].update_state(values)

    def result(self):
        return self.total / self.count

    def reset_state(self):
        self.total.assign(0.0)
        self.count.assign(0)
        self.seen.assign(ops.zeros_like(self.seen))
        self.parts[0].reset_state()


def test_a_metric_in_the_style_of_keras():
    metric = KerasStyle()
    assert [v.name for v in metric.variables] == ["total", "count", "seen", "total", "count"]
    metric.update_state([[1], [0]], ops.convert_to_tensor([[3.0], [1.0]]))
    assert float(metric.result()) == 2.5
    assert float(metric([[0]], ops.convert_to_tensor([[1.0]]), sample_weight=[4.0])) == 3.0
    assert metric.seen.numpy().tolist() == [2.0, 2.0] and float(metric.parts[0].result()) == 3.0
    metric.reset_state()
    assert all((v.numpy() == 0).all() for v in metric.variables)


def test_a_metric_without_state_of_its_own():
    for metric in (metrics.MeanSquaredError(), metrics.AUC(num_thresholds=5), KerasStyle()):
        state = metric.stateless_reset_state()
        t, p = np.array([[1.0], [0.0], [0.0]], "float32"), np.array([[0.9], [0.6], [0.2]], "float32")
        for _ in range(2):
            state = metric.stateless_update_state(state, t, p)
        assert all((v.numpy() == 0).all() for v in metric.variables)
        found = float(metric.stateless_result(state))
        assert found == pytest.approx(float(metric(t, p)), rel=1e-6)
        with pytest.raises(ValueError, match="variables"):
            metric.stateless_result(state[1:])


def test_masks_of_predictions_count():
    y_true, y_pred = np.zeros((2, 3, 1)), np.arange(6.0).reshape(2, 3, 1)
    p = Masked(y_pred)
    p.mask = Tensor(np.array([[True, False, True], [True, False, False]]))
    assert float(metrics.MeanAbsoluteError()(y_true, p)) == pytest.approx(5 / 3)
    assert float(metrics.MeanAbsoluteError()(y_true, p, [1.0, 2.0])) == pytest.approx((2 + 2 * 3) / 4)


def test_one_weight_for_all_values_weighs_their_mean():
    mean = metrics.Mean()
    mean.update_state([1.0, 3.0], sample_weight=2.0)
    mean.update_state([5.0], sample_weight=1.0)
    assert float(mean.result()) == pytest.approx(3.0)


@pytest.mark.parametrize("even", [False, True])
def test_counts_at_thresholds_are_those_of_comparisons(even, rng):
    """Many values, on the thresholds, beside them, outside of 0 to 1, and NaN."""
    thresholds = np.linspace(0, 1, 21) if even else np.sort(rng.uniform(0, 1, 21))[rng.permutation(21)]
    p = np.concatenate([rng.uniform(-0.2, 1.2, 100_000), np.repeat(thresholds, 5), [np.nan, np.inf, -np.inf]]).astype("float32")
    t, w = rng.integers(0, 2, p.size), rng.integers(0, 5, p.size).astype("float32")
    edges = thresholds.astype("float32")
    for class_name, found in (("TruePositives", (t == 1) & (p > edges[:, None])), ("FalsePositives", (t == 0) & (p > edges[:, None])),
                              ("TrueNegatives", (t == 0) & ~(p > edges[:, None])), ("FalseNegatives", (t == 1) & ~(p > edges[:, None]))):
        if even:        # the buckets are those of Keras: by p * 20, rounded to 32 bits
            place = np.ceil(np.clip(np.nan_to_num(p, nan=0.0), 0, 1) * np.float32(20))
            above = place > np.arange(21)[:, None]
            found = (t == (class_name in ("TruePositives", "FalseNegatives"))) & (above if "Pos" in class_name else ~above)
        result = getattr(metrics, class_name)(thresholds.tolist())(t, p, w)
        np.testing.assert_allclose(result.numpy(), (found * w).sum(1), rtol=1e-6)


def test_scores_and_areas_at_their_ends():
    t, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9])
    assert float(metrics.AUC()(t, p)) == pytest.approx(1.0) and float(metrics.AUC()(t, 1 - p)) == pytest.approx(0.0, abs=1e-6)
    assert float(metrics.AUC(curve="PR")(t, p)) == pytest.approx(1.0)
    assert float(metrics.F1Score(average="micro", threshold=0.5)(t[:, None], p[:, None])) == pytest.approx(1.0, rel=1e-5)
    assert float(metrics.R2Score()(p[:, None], p[:, None])) == pytest.approx(1.0)
    assert float(metrics.MeanIoU(2)(t, t)) == pytest.approx(1.0)


def test_names():
    for name in KERAS["names"]:
        assert name in metrics._NAMES, name
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
    (lambda: metrics.MeanMetricWrapper(lambda t, p: p - t, name="mine")(P[:, :2], P), ["metric 'mine'", "(2, 2)", "(2, 3)"]),
    (lambda: metrics.MeanMetricWrapper(lambda t, p: ops.mean(p - t), name="mine")(P, P, np.ones(2)), ["metric 'mine'", "one number"]),
    (lambda: metrics.MeanIoU(3, name="it")([0, 3], [0, 1]), ["'it'", "label 3", "position 1", "num_classes=4", "ignore_class"]),
    (lambda: metrics.MeanIoU(3, name="it")([0, -1], [0, 1]), ["'it'", "label -1", "ignore_class"]),
    (lambda: metrics.MeanIoU(3, name="it")([0, 1], [0, 5]), ["'it'", "predicted class 5", "position 1"]),
    (lambda: metrics.MeanIoU(3, name="it")([0, 1], P), ["'it'", "(2,)", "(2, 3)", "sparse_y_pred=False"]),
    (lambda: metrics.IoU(3, [3]), ["target_class_ids", "[3]"]),
    (lambda: metrics.AUC(name="it")([0, 1], P), ["'it'", "(2,)", "(2, 3)", "one-hot"]),
    (lambda: metrics.AUC(curve="x"), ["curve", "'x'", "'ROC'"]),
    (lambda: metrics.AUC(summation_method="x"), ["summation_method", "'x'", "'majoring'"]),
    (lambda: metrics.AUC(num_thresholds=1), ["num_thresholds", "1"]),
    (lambda: metrics.AUC(num_labels=2), ["num_labels", "multi_label"]),
    (lambda: metrics.AUC(multi_label=True, num_labels=2)(P, P), ["2 labels", "(2, 3)"]),
    (lambda: metrics.AUC(multi_label=True)(P[0], P[0]), ["multi_label", "(3,)"]),
    (lambda: metrics.Precision([0.5, 2]), ["Precision", "thresholds", "2"]),
    (lambda: metrics.Precision(class_id=3, name="it")(P, P), ["'it'", "class_id 3", "(2, 3)"]),
    (lambda: metrics.Recall(name="it")(P, P, np.ones(5)), ["'it'", "sample_weight", "(5,)", "(2,)"]),
    (lambda: metrics.PrecisionAtRecall(1.5), ["PrecisionAtRecall", "recall", "1.5"]),
    (lambda: metrics.F1Score(average="x"), ["F1Score", "average", "'x'"]),
    (lambda: metrics.FBetaScore(beta=1), ["beta", "1"]),
    (lambda: metrics.F1Score(threshold=2.0), ["threshold", "2.0"]),
    (lambda: metrics.F1Score(name="it")([0, 1], P), ["'it'", "(2,)", "(2, 3)", "to_categorical"]),
    (lambda: metrics.R2Score(name="it")([0.0, 1.0], [0.0, 1.0]), ["'it'", "(2,)"]),
    (lambda: metrics.R2Score(class_aggregation="x"), ["class_aggregation", "'x'"]),
])
def test_bad_input_is_told(call, words):
    with pytest.raises(ValueError) as error:
        call()
    for word in words:
        assert word in str(error.value)


def test_names_in_logs():
    x = np.linspace(-1, 1, 12).reshape(12, 1).astype("float32")
    y = (x[:, 0] > 0).astype("int64")
    model = Sequential([layers.Input((1,)), layers.Dense(1, activation="sigmoid")])
    first, second = metrics.AUC(num_thresholds=20), metrics.AUC(num_thresholds=20, name="other")
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy", "precision", "Recall", "auc", second, metrics.F1Score()],
                  weighted_metrics=["auc", metrics.TruePositives(name="tp")])
    model.fit(x, y, verbose=0)
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(found) == ["loss", "accuracy", "precision", "Recall", "auc", "other", "f1_score", "weighted_auc", "tp"]
    assert found["other"] == pytest.approx(float(first(y, model.predict(x, verbose=0))), abs=1e-6)
    assert metrics.AUC().name.startswith("auc") and metrics.MeanIoU(2).name.startswith("mean_io_u")


def test_a_label_out_of_range_stops_a_plan_with_the_same_words():
    x, y = np.zeros((8, 2), "float32"), np.zeros((8, 3), "float32")
    model = Sequential([layers.Input((2,)), layers.Dense(3, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=[metrics.MeanIoU(2, name="it")])
    model.fit(x, y, batch_size=4, epochs=6, verbose=0)
    for _ in range(2):
        with pytest.raises(ValueError, match="'it': label 2 at position 0"):
            model.train_on_batch(x[:4], y[:4] + 2)
        model.train_on_batch(x[:4], y[:4])
