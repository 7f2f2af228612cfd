"""F scores and R2: metrics with sums for each column of the predictions."""
from .. import config, ops
from ..losses.loss import squeeze_or_expand_to_same_rank
from ..tensor import convert
from .confusion import fitting
from .metric import Metric


def _check_rows(metric, y_true, y_pred):
    """Targets and predictions of one shape (samples, columns)."""
    if len(y_pred.shape) != 2 or y_true.shape != y_pred.shape:
        hint = ": integer labels have to be one-hot (fastnn.utils.to_categorical)" if isinstance(metric, FBetaScore) else ""
        raise ValueError(f"metric {metric.name!r}: expected targets and predictions of one shape (samples, columns), received "
                         f"y_true of shape {y_true.shape} and y_pred of shape {y_pred.shape}{hint}")


class FBetaScore(Metric):
    """The harmonic mean of precision and recall, in which recall counts beta times as much:
    (1 + beta^2) precision recall / (beta^2 precision + recall).

    Args:
        average: None: a score for each class; "macro": their mean; "weighted": their mean with the number of targets of each class as
            weights; "micro": one score for all classes taken together.
        beta: a float > 0.
        threshold: above which a prediction counts as 1, a float with 0 < threshold <= 1; None: the highest of each row does.
        name, dtype: see `Metric`.

    Raises:
        ValueError: another `average`, `beta` or `threshold`; in a batch: shapes other than (samples, classes).

    Example:
        >>> score = FBetaScore(beta=2.0, threshold=0.5)
        >>> score([[1, 1, 1], [1, 0, 0], [1, 1, 0]], [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]).shape
        (3,)
    """

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        who = type(self).__name__
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f"{who}: average must be None, 'micro', 'macro' or 'weighted', received {average!r}")
        if not isinstance(beta, float) or beta <= 0:
            raise ValueError(f"{who}: beta must be a float > 0, received {beta!r}")
        if threshold is not None and (not isinstance(threshold, float) or not 0 < threshold <= 1):
            raise ValueError(f"{who}: threshold must be None, or a float with 0 < threshold <= 1, received {threshold!r}")
        self.average, self.beta, self.threshold = average, beta, threshold
        self._built = False

    def _build(self, columns):
        for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
            setattr(self, name, self.add_variable(() if self.average == "micro" else (columns,), name=name))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes in a batch: targets 0 and 1 and predictions, both of shape (samples, classes); weights of shape (samples,)."""
        y_true, y_pred = convert(y_true), convert(y_pred, self.dtype)
        _check_rows(self, y_true, y_pred)
        if not self._built:
            self._build(y_pred.shape[1])
        if sample_weight is not None:
            sample_weight = fitting(self, sample_weight, y_pred.shape[:1])
            sample_weight = ops.broadcast_to(sample_weight, y_pred.shape[:1]) if not sample_weight.shape else sample_weight
        ops.score_update(self.true_positives, self.false_positives, self.false_negatives, self.intermediate_weights, y_true, y_pred,
                         sample_weight, threshold=self.threshold)

    def result(self):
        if not self._built:
            return ops.zeros((), dtype=self.dtype)
        right, epsilon, square = self.true_positives, config.epsilon(), self.beta**2
        precision = right / (right + self.false_positives + epsilon)
        recall = right / (right + self.false_negatives + epsilon)
        score = precision * recall / (square * precision + recall + epsilon) * (1 + square)
        if self.average == "weighted":
            return ops.sum(score * (self.intermediate_weights / (ops.sum(self.intermediate_weights) + epsilon)))
        return score if self.average is None else ops.mean(score)

    def get_config(self):
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """`FBetaScore` with beta 1: the harmonic mean of precision and recall.

    Args:
        average, threshold: see `FBetaScore`.
        name, dtype: see `Metric`.

    Example:
        >>> score = F1Score(threshold=0.5)
        >>> [round(x, 3) for x in score([[1, 1, 1], [1, 0, 0], [1, 1, 0]],
        ...                             [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]).tolist()]
        [0.5, 0.8, 0.667]
    """

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)

    def get_config(self):
        return {key: value for key, value in super().get_config().items() if key != "beta"}


class R2Score(Metric):
    """Which share of the variance of the targets is explained: 1 - squared errors over squared distances from the mean.

    Args:
        class_aggregation: "uniform_average": the mean over the columns; "variance_weighted_average": with their variances as
            weights; None: a score for each column.
        num_regressors: number of independent inputs for the adjusted score, 0 for the plain one; where there are no more values
            than regressors and one, the plain one is given too.
        name, dtype: see `Metric`.

    Raises:
        ValueError: another aggregation, a negative number; in a batch: shapes other than (samples, columns).

    Example:
        >>> round(float(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
        0.5714
    """

    def __init__(self, class_aggregation="uniform_average", num_regressors=0, name="r2_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError("R2Score: class_aggregation must be None, 'uniform_average' or 'variance_weighted_average', received "
                             f"{class_aggregation!r}")
        if num_regressors < 0:
            raise ValueError(f"R2Score: num_regressors must be >= 0, received {num_regressors!r}")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), name="num_samples")
        self._built = False

    def _build(self, columns):
        for attribute, name in (("squared_sum", "squared_sum"), ("sum", "sum"), ("total_mse", "residual"), ("count", "count")):
            setattr(self, attribute, self.add_variable((columns,), name=name))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes in a batch: targets and predictions of shape (samples, columns), weights of the samples or of the values."""
        y_true, y_pred = squeeze_or_expand_to_same_rank(convert(y_true, self.dtype), convert(y_pred, self.dtype))
        _check_rows(self, y_true, y_pred)
        if not self._built:
            self._build(y_pred.shape[1])
        if sample_weight is not None:
            sample_weight = fitting(self, sample_weight, y_pred.shape)
        ops.residual_update(self.num_samples, self.squared_sum, self.sum, self.total_mse, self.count, y_true, y_pred, sample_weight)

    def result(self):
        if not self._built:
            return ops.zeros((), dtype=self.dtype)
        total = self.squared_sum - self.sum * (self.sum / self.count)
        scores = 1.0 - self.total_mse / total
        scores = ops.where(ops.equal(ops.abs(scores), float("inf")), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.sum(total * scores) / ops.sum(total)
        if not self.num_regressors:
            return scores
        free = self.num_samples - (self.num_regressors + 1.0)
        adjusted = 1.0 - (1.0 - scores) * (self.num_samples - 1.0) / ops.maximum(free, 1.0)
        return ops.where(ops.greater(free, 0.0), adjusted, scores)

    def get_config(self):
        return {**super().get_config(), "class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
