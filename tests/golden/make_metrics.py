"""Stores what Keras 3 computes for metrics over three batches: KERAS_BACKEND=torch python tests/golden/make_metrics.py"""
import json
import pathlib

import keras

from make_losses import data

CASES = {
    "accuracy": ("Accuracy", {}, "binary"), "binary": ("BinaryAccuracy", {}, "binary"),
    "binary_threshold": ("BinaryAccuracy", {"threshold": 0.8}, "binary"), "categorical": ("CategoricalAccuracy", {}, "one_hot"),
    "sparse": ("SparseCategoricalAccuracy", {}, "labels"), "top": ("TopKCategoricalAccuracy", {"k": 2}, "one_hot"),
    "sparse_top": ("SparseTopKCategoricalAccuracy", {"k": 3}, "labels"), "mse": ("MeanSquaredError", {}, "real"),
    "mae": ("MeanAbsoluteError", {}, "real"), "rmse": ("RootMeanSquaredError", {}, "real"),
    "mape": ("MeanAbsolutePercentageError", {}, "real"), "msle": ("MeanSquaredLogarithmicError", {}, "positive"),
    "cosine": ("CosineSimilarity", {}, "real"), "log_cosh": ("LogCoshError", {}, "real"), "hinge": ("Hinge", {}, "binary"),
    "squared_hinge": ("SquaredHinge", {}, "signs"), "categorical_hinge": ("CategoricalHinge", {}, "one_hot"),
    "kl": ("KLDivergence", {}, "positive"), "poisson": ("Poisson", {}, "positive"), "bce": ("BinaryCrossentropy", {}, "binary"),
    "bce_logits": ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "binary_logits"),
    "cce": ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "one_hot"),
    "cce_logits": ("CategoricalCrossentropy", {"from_logits": True}, "one_hot_logits"),
    "scce": ("SparseCategoricalCrossentropy", {}, "labels"),
    "scce_logits": ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels_logits"),
}
BATCHES = ((1, 6), (2, 6), (3, 3))     # seed, samples


def main():
    found = {}
    for name, (class_name, arguments, kind) in CASES.items():
        for weighted in (False, True):
            metric, values = getattr(keras.metrics, class_name)(**arguments), []
            for seed, n in BATCHES:
                y_true, y_pred, weights = data(kind, seed, n)
                metric.update_state(y_true, y_pred, sample_weight=weights if weighted else None)
                values.append(float(metric.result()))
            found[f"{name}{'/weights' if weighted else ''}"] = values
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps({"keras": keras.__version__, "values": found}, indent=1))


if __name__ == "__main__":
    main()
