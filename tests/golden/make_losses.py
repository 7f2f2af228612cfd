"""Stores what Keras 3 computes for losses and their gradients: KERAS_BACKEND=torch python tests/golden/make_losses.py"""
import json
import pathlib

import keras
import numpy as np
import torch

CASES = {       # class, arguments, kind of data
    "mse": ("MeanSquaredError", {}, "real"), "mae": ("MeanAbsoluteError", {}, "real"),
    "mape": ("MeanAbsolutePercentageError", {}, "real"), "msle": ("MeanSquaredLogarithmicError", {}, "positive"),
    "huber": ("Huber", {"delta": 0.4}, "real"), "log_cosh": ("LogCosh", {}, "real"),
    "cosine": ("CosineSimilarity", {}, "real"), "cosine_axis": ("CosineSimilarity", {"axis": 0}, "real"),
    "hinge": ("Hinge", {}, "binary"), "hinge_signs": ("Hinge", {}, "signs"), "squared_hinge": ("SquaredHinge", {}, "binary"),
    "categorical_hinge": ("CategoricalHinge", {}, "one_hot"), "poisson": ("Poisson", {}, "positive"),
    "kl": ("KLDivergence", {}, "positive"),
    "bce": ("BinaryCrossentropy", {}, "binary"), "bce_smooth": ("BinaryCrossentropy", {"label_smoothing": 0.2}, "binary"),
    "bce_logits": ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "binary_logits"),
    "cce": ("CategoricalCrossentropy", {}, "one_hot"),
    "cce_smooth": ("CategoricalCrossentropy", {"label_smoothing": 0.2}, "one_hot"),
    "cce_logits": ("CategoricalCrossentropy", {"from_logits": True}, "one_hot_logits"),
    "cce_logits_smooth": ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, "one_hot_logits"),
    "cce_axis": ("CategoricalCrossentropy", {"axis": 0}, "one_hot"),
    "scce": ("SparseCategoricalCrossentropy", {}, "labels"),
    "scce_logits": ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels_logits"),
    "scce_ignore": ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 2}, "labels_logits"),
    "bfce": ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "gamma": 1.5}, "binary"),
    "bfce_logits": ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "binary_logits"),
    "cfce": ("CategoricalFocalCrossentropy", {}, "one_hot"),
    "cfce_logits": ("CategoricalFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "one_hot_logits"),
    "dice": ("Dice", {}, "binary"), "dice_axis": ("Dice", {"axis": 1}, "binary"),
    "tversky": ("Tversky", {"alpha": 0.3, "beta": 0.7}, "binary"),
}
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")


def data(kind, seed=1, n=6, classes=5):
    """Targets, predictions and sample weights."""
    rng = np.random.default_rng(seed)
    normal, uniform = rng.normal(size=(n, classes)), rng.uniform(0.05, 0.95, (n, classes))
    labels, weights = rng.integers(0, classes, n), rng.uniform(0.2, 2.0, n)
    binary = rng.integers(0, 2, (n, classes)).astype("float64")
    y_true = {"real": rng.normal(size=(n, classes)), "positive": rng.uniform(0.05, 0.95, (n, classes)), "binary": binary,
              "signs": 2 * binary - 1, "one_hot": np.eye(classes)[labels], "labels": labels}[kind.replace("_logits", "")]
    return y_true, normal if kind.endswith("logits") or kind in ("real", "signs") else uniform, weights


def value(loss, y_true, y_pred, weights):
    p = torch.tensor(y_pred, requires_grad=True)
    # as tensors: of an array Keras keeps 32 bits
    y_true, weights = torch.tensor(y_true), None if weights is None else torch.tensor(weights)
    result = loss(y_true, p, sample_weight=weights)
    found = {"loss": digits(result.detach())}
    if loss.reduction == "sum_over_batch_size":
        result.backward()
        found["gradient"] = digits(p.grad)
    return found


def digits(tensor):
    """Nested lists of numbers with 11 significant digits."""
    return np.vectorize(lambda x: float(f"{x:.11g}"))(tensor.numpy()).tolist()


def main():
    keras.config.set_floatx("float64")
    found = {}
    for name, (class_name, arguments, kind) in CASES.items():
        y_true, y_pred, weights = data(kind)
        for reduction in REDUCTIONS:
            loss = getattr(keras.losses, class_name)(**arguments, reduction=reduction)
            found[f"{name}/{reduction}"] = value(loss, y_true, y_pred, None)
            if class_name not in ("Dice", "Tversky") and "axis" not in arguments:
                found[f"{name}/{reduction}/weights"] = value(loss, y_true, y_pred, weights)
    path = pathlib.Path(__file__).with_name("losses.json")
    path.write_text(json.dumps({"keras": keras.__version__, "values": found}).replace("], [", "],\n["))


if __name__ == "__main__":
    main()
