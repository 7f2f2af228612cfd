"""Metrics that are means over samples: accuracies, errors, and the losses."""
import inspect

from .. import ops
from ..losses.loss import apply_mask, squeeze_or_expand_to_same_rank
from ..tensor import convert
from . import functions
from .metric import Mean, MeanMetricWrapper


class _Named(MeanMetricWrapper):
    """Base of the metrics below: the function is `function`, what `__init__` takes beyond a Metric goes to it."""

    function = None

    def _set(self, name, dtype, **kwargs):
        MeanMetricWrapper.__init__(self, type(self).function, name, dtype, **kwargs)
        vars(self).update(kwargs)

    forgotten = ()          # arguments that Keras' configs lack: here they are written if they are not the default

    def get_config(self):
        default = inspect.signature(type(self).__init__).parameters
        return {"name": self.name, "dtype": self.dtype, **{name: value for name, value in self._fn_kwargs.items()
                                                           if name not in self.forgotten or value != default[name].default}}


def _plain(class_name, function, default_name=None):
    """A metric class whose function takes no further arguments."""
    default_name = default_name or function.__name__

    def __init__(self, name=default_name, dtype=None):
        self._set(name, dtype)

    doc = f"""The mean over samples of: {inspect.getdoc(function)}

    Args:
        name, dtype: see `Metric`.
    """
    return type(class_name, (_Named,), {"__init__": __init__, "__doc__": doc, "__module__": __name__,
                                        "function": staticmethod(function)})


Accuracy = _plain("Accuracy", functions.accuracy)
CategoricalAccuracy = _plain("CategoricalAccuracy", functions.categorical_accuracy)
SparseCategoricalAccuracy = _plain("SparseCategoricalAccuracy", functions.sparse_categorical_accuracy)
MeanSquaredError = _plain("MeanSquaredError", functions.mean_squared_error)
MeanAbsoluteError = _plain("MeanAbsoluteError", functions.mean_absolute_error)
MeanAbsolutePercentageError = _plain("MeanAbsolutePercentageError", functions.mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _plain("MeanSquaredLogarithmicError", functions.mean_squared_logarithmic_error)
LogCoshError = _plain("LogCoshError", functions.log_cosh, "logcosh")
Hinge = _plain("Hinge", functions.hinge)
SquaredHinge = _plain("SquaredHinge", functions.squared_hinge)
CategoricalHinge = _plain("CategoricalHinge", functions.categorical_hinge)
KLDivergence = _plain("KLDivergence", functions.kl_divergence)
Poisson = _plain("Poisson", functions.poisson)


class BinaryAccuracy(_Named):
    """How often targets 0 and 1 say whether the prediction is above a threshold.

    Args:
        name, dtype: see `Metric`.
        threshold: above which a prediction means 1.

    Example:
        >>> float(BinaryAccuracy()([[1], [0]], [[0.7], [0.6]]))
        0.5
    """

    function = staticmethod(functions.binary_accuracy)

    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        if not 0 <= threshold <= 1:
            raise ValueError(f"BinaryAccuracy: threshold must lie between 0 and 1, received {threshold!r}")
        self._set(name, dtype, threshold=threshold)


class TopKCategoricalAccuracy(_Named):
    """How often the class of the target is among the k highest predictions.

    Args:
        k: how many predictions count.
        name, dtype: see `Metric`.
    """

    function = staticmethod(functions.top_k_categorical_accuracy)

    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        self._set(name, dtype, k=k)


class SparseTopKCategoricalAccuracy(_Named):
    """How often the label is among the k highest predictions.

    Args:
        k: how many predictions count.
        name, dtype: see `Metric`.
        from_sorted_ids: whether predictions are class numbers in falling order of probability instead of scores.
    """

    function, forgotten = staticmethod(functions.sparse_top_k_categorical_accuracy), ("from_sorted_ids",)

    def __init__(self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False):
        self._set(name, dtype, k=k, from_sorted_ids=from_sorted_ids)


class CosineSimilarity(_Named):
    """The mean cosine of the angle between targets and predictions.

    Args:
        name, dtype: see `Metric`.
        axis: along which the vectors lie.
    """

    function, forgotten = staticmethod(functions.cosine_similarity), ("axis",)

    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        self._set(name, dtype, axis=axis)


class BinaryCrossentropy(_Named):
    """The cross-entropy of targets 0 and 1.

    Args:
        name, dtype: see `Metric`.
        from_logits, label_smoothing: see `fastnn.losses.BinaryCrossentropy`.
    """

    function = staticmethod(functions.binary_crossentropy)

    def __init__(self, name="binary_crossentropy", dtype=None, from_logits=False, label_smoothing=0):
        self._set(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(_Named):
    """The cross-entropy of one-hot targets.

    Args:
        name, dtype: see `Metric`.
        from_logits, label_smoothing, axis: see `fastnn.losses.CategoricalCrossentropy`.
    """

    function = staticmethod(functions.categorical_crossentropy)

    def __init__(self, name="categorical_crossentropy", dtype=None, from_logits=False, label_smoothing=0, axis=-1):
        self._set(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(_Named):
    """The cross-entropy of integer labels.

    Args:
        name, dtype: see `Metric`.
        from_logits, axis: see `fastnn.losses.SparseCategoricalCrossentropy`.
        ignore_class: a label whose samples count as 0, and with sample weights not at all.
    """

    function = staticmethod(functions.sparse_categorical_crossentropy)

    def __init__(self, name="sparse_categorical_crossentropy", dtype=None, from_logits=False, ignore_class=None, axis=-1):
        self._set(name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes in a batch; see `MeanMetricWrapper.update_state`."""
        if self.ignore_class is not None and (sample_weight is not None or getattr(y_pred, "mask", None) is not None):
            y_true = convert(y_true)
            counts = ops.reshape(ops.not_equal(y_true, self.ignore_class), shape=_without(y_pred.shape, self.axis))
            sample_weight = apply_mask(sample_weight, counts, self.dtype, "sum")
        super().update_state(y_true, y_pred, sample_weight)


def _without(shape, axis):
    """A shape without one of its axes."""
    axis %= len(shape)
    return tuple(shape[:axis]) + tuple(shape[axis + 1:])


class PearsonCorrelation(_Named):
    """The mean over samples of the correlation of targets and predictions along an axis.

    Args:
        name, dtype: see `Metric`.
        axis: along which the values lie that are correlated; 0: the correlation over the samples of each batch.

    Example:
        >>> round(float(PearsonCorrelation(axis=0)([[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.0]])), 5)
        1.0
    """

    function = staticmethod(functions.pearson_correlation)

    def __init__(self, name="pearson_correlation", dtype=None, axis=-1):
        self._set(name, dtype, axis=axis)


class ConcordanceCorrelation(_Named):
    """The mean over samples of how near targets and predictions come to equality along an axis: see
    `fastnn.metrics.concordance_correlation`.

    Args:
        name, dtype: see `Metric`.
        axis: along which the values lie that are compared; 0: over the samples of each batch.
    """

    function = staticmethod(functions.concordance_correlation)

    def __init__(self, name="concordance_correlation", dtype=None, axis=-1):
        self._set(name, dtype, axis=axis)


class RootMeanSquaredError(Mean):
    """The root of the mean squared error over all values.

    Args: name, dtype: see `Metric`.

    Example:
        >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [3.0]]))
        3.0
    """

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes in a batch; see `MeanMetricWrapper.update_state`."""
        y_true, y_pred = squeeze_or_expand_to_same_rank(*functions._pair(y_true, y_pred))
        functions._check_shapes(self.name, y_true, y_pred)
        super().update_state(ops.squared_difference(y_true, y_pred), sample_weight)

    def result(self):
        return ops.sqrt(super().result())
