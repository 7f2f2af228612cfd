"""Stores what Keras 3 computes for metrics over three batches:
KERAS_BACKEND=jax JAX_ENABLE_X64=1 python tests/golden/make_metrics.py
"""
import json
import pathlib

import keras
import numpy as np

from make_losses import data

ODD, EVEN = [0.2, 0.9, 0.45], [0.0, 0.25, 0.5, 0.75, 1.0]      # thresholds that have to be searched, and that need not
CASES = {       # class, arguments, kind of data (see make_losses.py; "classes", "ties": see `batch`)
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
    "scce_ignore": ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "labels"),
    "pearson": ("PearsonCorrelation", {}, "real"), "concordance": ("ConcordanceCorrelation", {}, "real"),
    "pearson_axis": ("PearsonCorrelation", {"axis": 0}, "real"), "concordance_axis": ("ConcordanceCorrelation", {"axis": 0}, "real"),

    "tp": ("TruePositives", {}, "binary"), "fp": ("FalsePositives", {"thresholds": 0.3}, "binary"),
    "tn": ("TrueNegatives", {"thresholds": ODD}, "binary"), "fn": ("FalseNegatives", {"thresholds": EVEN}, "ties"),
    "tp_even": ("TruePositives", {"thresholds": EVEN}, "ties"), "tn_even": ("TrueNegatives", {"thresholds": EVEN}, "ties"),
    "fp_ties": ("FalsePositives", {"thresholds": ODD}, "ties"), "fp_column": ("FalsePositives", {}, "binary@column"),
    "precision": ("Precision", {}, "binary"), "precision_list": ("Precision", {"thresholds": ODD}, "binary"),
    "precision_column": ("Precision", {"thresholds": 0.4}, "binary@column"), "precision_int": ("Precision", {}, "binary_int"),
    "precision_top": ("Precision", {"top_k": 2}, "binary"), "precision_class": ("Precision", {"class_id": 3}, "binary"),
    "precision_top_class": ("Precision", {"top_k": 3, "class_id": 1, "thresholds": [0.2, 0.6]}, "binary"),
    "precision_ties": ("Precision", {"top_k": 2}, "ties"),
    "recall": ("Recall", {}, "binary"), "recall_list": ("Recall", {"thresholds": EVEN}, "ties"), "recall_4": ("Recall", {}, "binary@4"),
    "recall_top": ("Recall", {"top_k": 1}, "one_hot"), "recall_class": ("Recall", {"class_id": -2, "thresholds": [0.1, 0.5]}, "binary"),
    "recall_1": ("Recall", {}, "binary@1"), "recall_3": ("Recall", {"class_id": 2}, "binary@3"),
    "sensitivity": ("SensitivityAtSpecificity", {"specificity": 0.5}, "binary"),
    "specificity": ("SpecificityAtSensitivity", {"sensitivity": 0.6, "num_thresholds": 11}, "ties"),
    "precision_at": ("PrecisionAtRecall", {"recall": 0.4, "num_thresholds": 50, "class_id": 2}, "binary"),
    "recall_at": ("RecallAtPrecision", {"precision": 0.55}, "binary"), "recall_at_1": ("RecallAtPrecision", {"precision": 0.3, "num_thresholds": 1}, "binary"),

    "auc": ("AUC", {}, "binary"), "auc_column": ("AUC", {}, "binary@column"), "auc_11": ("AUC", {"num_thresholds": 11}, "ties"),
    "auc_thresholds": ("AUC", {"thresholds": ODD}, "ties"), "auc_even": ("AUC", {"thresholds": [0.75, 0.25, 0.5]}, "ties"),
    "auc_logits": ("AUC", {"from_logits": True, "num_thresholds": 20}, "binary_logits"), "auc_3": ("AUC", {}, "binary@3"),
    "auc_weights": ("AUC", {"label_weights": [1.0, 0.5, 2.0, 0.0, 1.5]}, "binary"),
    "auc_multi": ("AUC", {"multi_label": True, "num_labels": 5}, "binary"),
    "auc_multi_weights": ("AUC", {"multi_label": True, "label_weights": [1.0, 0.5, 2.0, 0.0, 1.5], "curve": "PR"}, "ties"),
    "auc_multi_thresholds": ("AUC", {"multi_label": True, "thresholds": ODD, "curve": "PR", "summation_method": "minoring"}, "binary"),
}
CASES |= {f"auc_{curve}_{method}": ("AUC", {"curve": curve, "summation_method": method, "num_thresholds": 30}, "binary")
          for curve in ("ROC", "PR", "PRGAIN") for method in ("interpolation", "minoring", "majoring")}
CASES |= {
    "iou": ("IoU", {"num_classes": 5, "target_class_ids": [0, 3]}, "classes"), "iou_3": ("IoU", {"num_classes": 6, "target_class_ids": [1]}, "classes@3"),
    "iou_dense": ("IoU", {"num_classes": 5, "target_class_ids": [0, 4], "sparse_y_pred": False, "dtype": "float32"}, "labels"),
    "iou_ignore": ("IoU", {"num_classes": 5, "target_class_ids": [0, 1], "ignore_class": 1, "dtype": "float32"}, "classes"),
    "mean_iou": ("MeanIoU", {"num_classes": 5}, "classes"), "mean_iou_float": ("MeanIoU", {"num_classes": 5, "dtype": "float32"}, "classes"),
    "mean_iou_ignore": ("MeanIoU", {"num_classes": 5, "ignore_class": 3, "sparse_y_pred": False}, "labels@4"),
    "binary_iou": ("BinaryIoU", {}, "binary"), "binary_iou_one": ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3, "dtype": "float32"}, "binary@column"),
    "one_hot_iou": ("OneHotIoU", {"num_classes": 5, "target_class_ids": [0, 2]}, "one_hot"),
    "one_hot_mean_iou": ("OneHotMeanIoU", {"num_classes": 5, "dtype": "float32"}, "one_hot@3"),

    "f1": ("F1Score", {}, "binary"), "f1_threshold": ("F1Score", {"threshold": 0.5}, "binary"), "f1_one_hot": ("F1Score", {"average": "macro"}, "one_hot"),
    "f1_micro": ("F1Score", {"average": "micro", "threshold": 0.4}, "ties"), "f1_weighted": ("F1Score", {"average": "weighted"}, "one_hot"),
    "f2": ("FBetaScore", {"beta": 2.0, "average": "micro"}, "one_hot"), "f_half": ("FBetaScore", {"beta": 0.5, "threshold": 0.6}, "binary_int"),
    "r2": ("R2Score", {}, "real"), "r2_columns": ("R2Score", {"class_aggregation": None}, "positive"), "r2_column": ("R2Score", {}, "real@column"),
    "r2_variance": ("R2Score", {"class_aggregation": "variance_weighted_average"}, "real"),
    "r2_adjusted": ("R2Score", {"num_regressors": 2}, "positive"), "r2_few": ("R2Score", {"num_regressors": 40}, "real"),
    "mse_3": ("MeanSquaredError", {}, "real@3"), "mae_4": ("MeanAbsoluteError", {}, "real@4"), "cosine_axis": ("CosineSimilarity", {"axis": 1}, "real@3"),
    "sparse_3": ("SparseCategoricalAccuracy", {}, "labels@3"), "sparse_column": ("SparseCategoricalAccuracy", {}, "labels_column"),
    "top_3": ("TopKCategoricalAccuracy", {"k": 2}, "one_hot@3"), "binary_column": ("BinaryAccuracy", {}, "binary@column"),
    "binary_3": ("BinaryAccuracy", {}, "binary@3"), "scce_3": ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "labels@3"),
    "rmse_column": ("RootMeanSquaredError", {}, "real@column"), "hinge_4": ("Hinge", {}, "binary@4"),
}
BATCHES = ((1, 6), (2, 6), (3, 3))     # seed, samples
NO_WEIGHTS = {"pearson_axis", "concordance_axis", "cosine_axis", "binary_iou", "recall_4", "hinge_4", "mae_4"}     # Keras has none for them


def batch(kind, seed, n):
    """Targets, predictions and weights; "classes": both are class numbers, "ties": predictions lie on thresholds, at 0 and at 1."""
    y_true, y_pred, weights = data(kind.replace("classes", "labels").replace("ties", "binary"), seed, n)
    if kind.startswith("classes"):
        y_pred = np.floor(y_pred[..., 0] * 5)
    if kind == "ties":
        y_pred = np.round(np.clip(1.4 * y_pred - 0.2, 0.0, 1.0), 1)
    if "column" in kind and not kind.startswith("labels"):
        weights = weights.reshape(n)
    return y_true, y_pred, weights


def main():
    found, configs = {}, {}
    for name, (class_name, arguments, kind) in CASES.items():
        for weighted in (False, True)[:1 if name in NO_WEIGHTS else 2]:
            keras.utils.clear_session()
            metric, values = getattr(keras.metrics, class_name)(**arguments), []
            for seed, n in BATCHES:
                y_true, y_pred, weights = batch(kind, seed, n)
                metric.update_state(y_true, y_pred.astype("float32"), sample_weight=weights.astype("float32") if weighted else None)
                values.append(np.asarray(metric.result()).tolist())
            found[f"{name}{'/weights' if weighted else ''}"] = values
        configs[name] = json.loads(json.dumps(metric.get_config(), default=lambda x: np.asarray(x).tolist()))
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps({"keras": keras.__version__, "configs": configs, "values": found}).replace('], "', '],\n"'))


if __name__ == "__main__":
    main()
