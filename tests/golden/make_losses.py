"""Stores what Keras 3 computes for losses and their gradients:
KERAS_BACKEND=jax JAX_ENABLE_X64=1 python tests/golden/make_losses.py
"""
import json
import pathlib

import jax
import jax.numpy as jnp
import keras
import numpy as np

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
    "tversky": ("Tversky", {"alpha": 0.3, "beta": 0.7}, "binary"), "tversky_axis": ("Tversky", {"axis": -1}, "binary"),
    "gce": ("CategoricalGeneralizedCrossEntropy", {}, "labels"),
    "gce_q": ("CategoricalGeneralizedCrossEntropy", {"q": 0.8}, "labels"),
    "circle": ("Circle", {"gamma": 3.0, "margin": 0.3}, "pairs"),
    "circle_self": ("Circle", {"gamma": 2.0, "remove_diagonal": False}, "pairs"),
}
# The same with targets and predictions of other shapes: `@` and the number of axes, or "column": targets (n,) beside (n, 1).
CASES |= {f"{name}@{shape}": (class_name, arguments, f"{kind}@{shape}")
          for name in ("mse", "huber", "log_cosh", "mape", "msle", "poisson", "hinge", "bce", "bce_logits", "bfce")
          for class_name, arguments, kind in [CASES[name]] for shape in ("1", "column", "3", "4")}
CASES |= {f"{name}@{shape}": (class_name, arguments, f"{kind}@{shape}")
          for name in ("cosine", "categorical_hinge", "kl", "cce", "cce_logits_smooth", "cfce", "scce", "scce_logits", "scce_ignore",
                       "dice_axis", "tversky_axis", "gce")
          for class_name, arguments, kind in [CASES[name]] for shape in ("3", "4") if (name, shape) != ("gce", "4")}
CASES |= {
    "bce_axis@3": ("BinaryCrossentropy", {"axis": 1, "label_smoothing": 0.1}, "binary@3"),
    "bfce_axis@3": ("BinaryFocalCrossentropy", {"axis": 1}, "binary@3"), "cfce_axis@3": ("CategoricalFocalCrossentropy", {"axis": 1}, "real2@3"),
    "cce_axis@3": ("CategoricalCrossentropy", {"axis": 1, "label_smoothing": 0.1}, "positive@3"),
    "cce_axis_logits@3": ("CategoricalCrossentropy", {"axis": 1, "from_logits": True}, "positive_logits@3"),
    "cosine_axis@3": ("CosineSimilarity", {"axis": 1}, "real@3"), "dice_axes@4": ("Dice", {"axis": (1, 2, 3)}, "binary@4"),
    "tversky_axes@4": ("Tversky", {"axis": [1, 2], "alpha": 0.2}, "binary@4"),
    "scce_column": ("SparseCategoricalCrossentropy", {}, "labels_column"), "mse_int": ("MeanSquaredError", {}, "binary_int"),
    "bce_int": ("BinaryCrossentropy", {}, "binary_int"), "hinge_int": ("Hinge", {}, "binary_int"),
    "bce_int@column": ("BinaryCrossentropy", {"from_logits": True}, "binary_int_logits@column"),
}
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none")
INNER = {"1": (), "column": (1,), "2": (5,), "3": (3, 5), "4": (2, 3, 5)}      # of predictions, without the samples


def one_value(class_name, arguments, kind):
    """Whether a loss gives one number for the batch, or one for something else than samples, so that there is nothing to weigh."""
    return kind.endswith("@1") or class_name in ("Dice", "Tversky") and "axis" not in arguments or arguments.get("axis") == 0


def data(kind, seed=1, n=6, classes=5):
    """Targets, predictions and sample weights."""
    kind, _, rank = kind.partition("@")
    shape = (n, *INNER[rank or "2"][:-1], classes) if rank not in ("1", "column") else (n, *INNER[rank])
    rng = np.random.default_rng(seed)
    normal, uniform = rng.normal(size=shape), rng.uniform(0.05, 0.95, shape)
    labels, weights = rng.integers(0, classes, shape[:-1] if shape[1:] else shape), rng.uniform(0.2, 2.0, shape[:-1] or shape)
    if rank == "1":
        weights = weights.reshape(n)
    binary = rng.integers(0, 2, shape).astype("float64")
    word = kind.replace("_logits", "")
    y_true = {"real": lambda: rng.normal(size=shape), "positive": lambda: rng.uniform(0.05, 0.95, shape), "binary": lambda: binary,
              "real2": lambda: rng.uniform(0.05, 0.95, shape), "binary_int": lambda: binary.astype("int64"),
              "signs": lambda: 2 * binary - 1, "one_hot": lambda: np.eye(classes)[labels], "labels": lambda: labels,
              "labels_column": lambda: labels[..., None], "pairs": lambda: labels % 3}[word]()
    if rank == "column":
        y_true = y_true[:, 0]
    if word == "pairs":
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return y_true, normal if kind.endswith("logits") or word in ("real", "signs", "pairs") else uniform, weights


def further(kind, weights):
    """More sample weights, and masks, by name: (weights, mask of the predictions)."""
    rng = np.random.default_rng(5)
    mask = rng.integers(0, 2, weights.shape).astype(bool)
    mask[0] = True
    found = {"mask": (None, mask), "mask_weights": (weights, mask)}
    if weights.ndim > 1:
        found["broadcast"] = weights[:1], None
        found["trailing"] = weights[(..., *[slice(1)] * (weights.ndim - 1))], None
        found["one_more"] = weights[..., None], None
    return found


def value(loss, y_true, y_pred, weights, mask=None):
    # as tensors: of an array Keras keeps 32 bits
    y_true, weights = jnp.asarray(y_true), None if weights is None else jnp.asarray(weights)

    def call(p):
        p = p + 0
        if mask is not None:
            keras.src.backend.set_keras_mask(p, jnp.asarray(mask))
        return loss(y_true, p, sample_weight=weights)

    y_pred = jnp.asarray(y_pred)
    found = {"loss": digits(call(y_pred))}
    if loss.reduction == "sum_over_batch_size":
        found["gradient"] = digits(jax.grad(call)(y_pred))
    return found


def digits(tensor):
    """Nested lists of numbers with 11 significant digits (of large gradients 8)."""
    array = np.asarray(tensor)
    count = 11 if array.size <= 30 else 8
    return np.vectorize(lambda x: float(f"{x:.{count}g}"))(array).tolist()


def main():
    keras.config.set_floatx("float64")
    found, configs = {}, {}
    for name, (class_name, arguments, kind) in CASES.items():
        y_true, y_pred, weights = data(kind, n=6 if "@" not in kind else 4)
        configs[name] = getattr(keras.losses, class_name)(**arguments).get_config()
        for reduction in REDUCTIONS if "@" not in name else ("sum_over_batch_size", "none"):
            loss = getattr(keras.losses, class_name)(**arguments, reduction=reduction)
            found[f"{name}/{reduction}"] = value(loss, y_true, y_pred, None)
            if not one_value(class_name, arguments, kind) and "axis" not in arguments:
                found[f"{name}/{reduction}/weights"] = value(loss, y_true, y_pred, weights)
        if name in ("mse", "mse@3", "mse@4", "scce_ignore", "scce_ignore@3", "circle"):
            for reduction in REDUCTIONS:
                loss = getattr(keras.losses, class_name)(**arguments, reduction=reduction)
                for word, (other, mask) in further(kind, weights).items():
                    found[f"{name}/{reduction}/{word}"] = value(loss, y_true, y_pred, other, mask)
    path = pathlib.Path(__file__).with_name("losses.json")
    text = json.dumps({"keras": keras.__version__, "configs": configs, "values": found})
    path.write_text(text.replace("], [", "],\n[").replace('}, "', '},\n"'))


if __name__ == "__main__":
    main()
