"""The area under curves over all thresholds."""
import numpy as np

from .. import budget, config, ops
from ..tensor import convert
from ..utils import serialization
from .confusion import FourCounts, Thresholds, evenly_spaced

CURVES = {"ROC": "ROC", "roc": "ROC", "PR": "PR", "pr": "PR", "PRGAIN": "PRGAIN", "prgain": "PRGAIN"}
SUMMATIONS = {name: name.lower() for word in ("interpolation", "minoring", "majoring") for name in (word, word.capitalize())}


class AUC(FourCounts):
    """The area under the curve of true against false positives (ROC), or of precision against recall (PR).

    The curve is drawn through some thresholds, and its area is a sum over the pieces between them: the more thresholds, the nearer
    it comes to the truth, most of all where predictions lie evenly between 0 and 1.

    Args:
        num_thresholds: how many thresholds, at least 2; the first lies below all predictions, the last above.
        curve: "ROC", "PR", or "PRGAIN" (precision and recall gain: Flach and Kull 2015).
        summation_method: "interpolation": trapezoids (for PR: Davis and Goadrich 2006), "minoring": the lower sum, "majoring": the
            upper one.
        name, dtype: see `Metric`.
        thresholds: a list of thresholds between 0 and 1 in place of evenly spaced ones; 0 and 1 come in addition.
        multi_label: whether the last axis of predictions of shape (samples, labels) are labels with an area each, whose mean is the
            result; else all values count as one.
        num_labels: how many labels, with `multi_label`; else the first batch tells.
        label_weights: weights of the labels: in the mean with `multi_label`, else of the values in the counts.
        from_logits: whether predictions are logits, from which a sigmoid makes probabilities.

    Raises:
        ValueError: an unknown curve or method, too few thresholds, `num_labels` without `multi_label`; in a batch: targets and
            predictions of different shapes.

    Example:
        >>> auc = AUC(num_thresholds=3)
        >>> float(auc([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.75
    """

    def __init__(self, num_thresholds=200, curve="ROC", summation_method="interpolation", name=None, dtype=None, thresholds=None,
                 multi_label=False, num_labels=None, label_weights=None, from_logits=False):
        super().__init__(name=name, dtype=dtype)
        for argument, value, known in (("curve", curve, CURVES), ("summation_method", summation_method, SUMMATIONS)):
            if getattr(value, "value", value) not in known:
                raise ValueError(f"AUC: {argument} must be one of {', '.join(map(repr, sorted(set(known.values()))))}, "
                                 f"received {value!r}")
        self.curve = CURVES[getattr(curve, "value", curve)]
        self.summation_method = SUMMATIONS[getattr(summation_method, "value", summation_method)]
        self._init_from_thresholds = thresholds is not None
        self._set_thresholds(num_thresholds, thresholds)
        if num_labels and not multi_label:
            raise ValueError("AUC: num_labels is needed only with multi_label=True")
        self.multi_label, self.num_labels, self._from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else ops.convert_to_tensor(label_weights, dtype=self.dtype)
        self._built = False
        if num_labels or not multi_label:
            self._build((None, num_labels))

    def _set_thresholds(self, num_thresholds, thresholds):
        if thresholds is not None:
            inner = sorted(thresholds)
            even = evenly_spaced([0.0, *inner, 1.0])
        else:
            if num_thresholds <= 1:
                raise ValueError(f"AUC: num_thresholds must be an integer > 1, received {num_thresholds!r}")
            budget.take((num_thresholds,), "float64", "thresholds of AUC")
            inner, even = [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)], True
        self.num_thresholds = len(inner) + 2
        # the outermost lie beyond 0 and 1, so that all predictions are above the first and none above the last
        self._thresholds = [-config.epsilon(), *map(float, inner), 1.0 + config.epsilon()]
        self._at = Thresholds(self._thresholds, self.dtype, 2 if even else 0)

    @property
    def thresholds(self):
        """The thresholds, the first below 0 and the last above 1."""
        return list(self._thresholds)

    def _build(self, shape):
        if self.multi_label and len(shape) != 2:
            raise ValueError(f"metric {self.name!r}: multi_label=True takes predictions of shape (samples, labels), received shape "
                             f"{shape}")
        self._add_counts((self.num_thresholds, shape[1]) if self.multi_label else (self.num_thresholds,))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes in a batch: targets 0 and 1, predictions from 0 to 1 (or logits), weights."""
        y_pred = convert(y_pred, self.dtype)
        if not self._built:
            self._build(y_pred.shape)
        if self.multi_label and y_pred.shape[1:] != self.true_positives.shape[1:]:
            raise ValueError(f"metric {self.name!r} was made for {self.true_positives.shape[1]} labels, received y_pred of shape "
                             f"{y_pred.shape}")
        self._count(self._at, y_true, ops.sigmoid(y_pred) if self._from_logits else y_pred, sample_weight,
                    multi_label=self.multi_label, label_weights=None if self.multi_label else self.label_weights)

    # ---- The area

    def result(self):
        if not self._built:
            return ops.zeros((), dtype=self.dtype)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._mean_of_labels(self._interpolated())
        x, y = {"ROC": self._roc, "PR": self._pr, "PRGAIN": self._gain}[self.curve]()
        first, last = y[:-1], y[1:]
        heights = {"interpolation": lambda: (first + last) / 2.0, "minoring": lambda: ops.minimum(first, last),
                   "majoring": lambda: ops.maximum(first, last)}[self.summation_method]()
        return self._mean_of_labels((x[:-1] - x[1:]) * heights)

    def _mean_of_labels(self, pieces):
        """The sum of the pieces; with several labels the mean of their sums."""
        if not self.multi_label:
            return ops.sum(pieces)
        areas = ops.sum(pieces, axis=0)
        if self.label_weights is None:
            return ops.mean(areas)
        return ops.safe_ratio(ops.sum(areas * self.label_weights), ops.sum(self.label_weights))

    def _roc(self):
        return self._share("false_positives", "true_negatives"), self._recall()

    def _pr(self):
        return self._recall(), self._precision()

    def _gain(self):
        """Recall gain and precision gain; 0 and 1 where nothing is a true positive."""
        tp, fp, tn, fn = self.true_positives, self.false_positives, self.true_negatives, self.false_negatives
        scale, none = ops.safe_ratio(tp + fn, tn + fp), ops.equal(tp, 0.0)
        recall = ops.where(none, 0.0, 1.0 - scale * ops.safe_ratio(fn, tp))
        return ops.maximum(recall, 0.0), ops.where(none, 1.0, 1.0 - scale * ops.safe_ratio(fp, tp))

    def _interpolated(self):
        """The pieces under a PR curve on which, between two thresholds, true and false positives both grow linearly:
        slope (dTP + intercept log(P_a / P_b)) / all positives, P = TP + FP."""
        tp, fn = self.true_positives, self.false_negatives
        p = tp + self.false_positives
        d_tp, p_a, p_b = tp[:-1] - tp[1:], p[:-1], p[1:]
        slope = ops.safe_ratio(d_tp, ops.maximum(p_a - p_b, 0.0))
        intercept = tp[1:] - slope * p_b
        some = ops.logical_and(ops.greater(p_a, 0.0), ops.greater(p_b, 0.0))
        ratio = ops.where(some, ops.safe_ratio(p_a, ops.maximum(p_b, 0.0)), 1.0)
        return ops.safe_ratio(slope * (d_tp + intercept * ops.log(ratio)), ops.maximum(tp[1:] + fn[1:], 0.0))

    def get_config(self):
        weights = None if self.label_weights is None else np.asarray(self.label_weights).tolist()
        found = {**super().get_config(), "num_thresholds": self.num_thresholds, "curve": self.curve,
                 "summation_method": self.summation_method, "multi_label": self.multi_label, "num_labels": self.num_labels,
                 "label_weights": weights, "from_logits": self._from_logits}
        return {**found, "thresholds": self.thresholds[1:-1]} if self._init_from_thresholds else found

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "label_weights": serialization.deserialize(config.get("label_weights"))})
