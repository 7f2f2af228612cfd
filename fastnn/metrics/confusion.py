"""Metrics of positives and negatives at thresholds: counts, precision, recall, and one of two rates where the other is given."""
import numpy as np

from .. import budget, config, ops
from ..losses.loss import fit_weights, squeeze_or_expand_to_same_rank
from ..tensor import Tensor, convert
from .metric import Metric

NEVER = -1e10       # in place of predictions that are not among the highest


# ---- Thresholds -------------------------------------------------------------------------------------------------

def threshold_list(name, thresholds, default=0.5):
    """Thresholds as a list: of one number, of several, or the default for None."""
    if thresholds is None:
        return [default]
    found = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    wrong = [t for t in found if t is None or not 0 <= t <= 1]
    if wrong or not found:
        raise ValueError(f"{name}: thresholds must lie between 0 and 1, received {wrong or thresholds!r}")
    return found


def evenly_spaced(thresholds):
    """Whether thresholds run from 0 to 1 in even steps, so that no search is needed."""
    n = len(thresholds)
    return n > 2 and np.allclose(thresholds, np.arange(n, dtype="float32") / (n - 1), atol=config.epsilon())


class Thresholds:
    """Thresholds in the form that the counting op takes.

    Args:
        values: in any order.
        dtype: of the counts.
        spacing: 0: to be searched; 1: even; 2: even, but the first lies below 0 and the last above 1.
    """

    def __init__(self, values, dtype, spacing):
        values = np.asarray(values, dtype)
        order = np.argsort(values, kind="stable")
        self.edges, self.places = Tensor(np.ascontiguousarray(values[order])), Tensor(order.astype("int64"))
        self.spacing = spacing


def count(metric, thresholds, y_true, y_pred, sample_weight=None, tp=None, fp=None, tn=None, fn=None, top_k=None, class_id=None,
          multi_label=False, label_weights=None):
    """Adds a batch to counts at thresholds.

    Args:
        metric: for whom this is.
        thresholds: Thresholds.
        y_true: targets of any dtype, positive unless they are 0.
        y_pred: predictions.
        sample_weight: of a shape that broadcasts with the predictions.
        tp, fp, tn, fn: variables of true and false positives and negatives; None for what nobody wants.
        top_k: how many predictions of each row can be positive.
        class_id: the one column that counts.
        multi_label, label_weights: see `AUC`.
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(convert(y_true), convert(y_pred, metric.dtype))
    shape = y_pred.shape
    if y_true.shape != shape:
        raise ValueError(f"metric {metric.name!r}: targets and predictions must have the same shape, received y_true of shape "
                         f"{y_true.shape} and y_pred of shape {shape}: labels of more than two classes must be one-hot "
                         "(fastnn.utils.to_categorical), those of two classes need a last layer with one unit")
    if top_k is not None:
        y_pred = ops.keep_top_k(y_pred, k=top_k, low=NEVER)
    if class_id is not None:
        if len(shape) < 2 or not -shape[-1] <= class_id < shape[-1]:
            raise ValueError(f"metric {metric.name!r}: class_id {class_id} needs predictions of shape (samples, classes) with more "
                             f"classes than that, received y_pred of shape {shape}")
        class_id, shape = class_id % shape[-1], shape[:-1]
    if sample_weight is not None:
        sample_weight = fitting(metric, sample_weight, shape)
    ops.confusion_update(tp, fp, tn, fn, thresholds.edges, thresholds.places, y_true, y_pred, sample_weight, label_weights,
                         spacing=thresholds.spacing, class_id=class_id, multi_label=multi_label)


def fitting(metric, sample_weight, shape):
    """Weights of the leading axes of a shape, from what broadcasts to it."""
    sample_weight = convert(sample_weight, metric.dtype)
    if len(sample_weight.shape) > len(shape) and sample_weight.shape[-1] == 1:
        sample_weight = ops.squeeze(sample_weight, axis=-1)
    if sample_weight.shape == shape[:len(sample_weight.shape)]:
        return sample_weight
    return fit_weights(_Shape(shape), sample_weight, f"metric {metric.name!r}")[1]


class _Shape:
    """Values of which only the shape is asked for."""

    def __init__(self, shape):
        self.shape = shape


# ---- Counts -----------------------------------------------------------------------------------------------------

class _Count(Metric):
    """Base of the four counts."""

    which = None        # the argument of `count`

    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds, self.thresholds = thresholds, threshold_list(type(self).__name__, thresholds)
        self._at = Thresholds(self.thresholds, self.dtype, int(evenly_spaced(self.thresholds)))
        self.accumulator = self.add_variable((len(self.thresholds),), name="accumulator")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes in a batch: targets 0 and 1, predictions from 0 to 1, weights."""
        count(self, self._at, y_true, y_pred, sample_weight, **{self.which: self.accumulator})

    def result(self):
        return one_or_all(self.accumulator)

    def get_config(self):
        return {**super().get_config(), "thresholds": self.init_thresholds}


def one_or_all(values):
    """A tensor of several thresholds, or the number of the only one."""
    return values[0] if values.shape == (1,) else ops.add(values, 0.0)


def _counts(class_name, which, what):
    """One of the four counts."""
    doc = f"""The number (with weights: the sum of the weights) of {what}.

    Args:
        thresholds: above which a prediction counts as 1: a number, or a list of them for a result of that length; 0.5 by default.
        name, dtype: see `Metric`.

    Raises:
        ValueError: a threshold that does not lie between 0 and 1; targets and predictions of different shapes.

    Example:
        >>> float({class_name}()([0, 1, 0, 1], [0.7, 0.8, 0.2, 0.3]))
        1.0
    """
    return type(class_name, (_Count,), {"__doc__": doc, "__module__": __name__, "which": which})


TruePositives = _counts("TruePositives", "tp", "targets 1 whose prediction is above the threshold")
FalsePositives = _counts("FalsePositives", "fp", "targets 0 whose prediction is above the threshold")
TrueNegatives = _counts("TrueNegatives", "tn", "targets 0 whose prediction is not above the threshold")
FalseNegatives = _counts("FalseNegatives", "fn", "targets 1 whose prediction is not above the threshold")


# ---- Precision and recall ---------------------------------------------------------------------------------------

class _Rate(Metric):
    """Base of precision and recall: true positives over themselves and the other count."""

    other = None        # argument of `count`, and name of the variable

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self.thresholds = threshold_list(type(self).__name__, thresholds, 0.5 if top_k is None else NEVER)
        self._at = Thresholds(self.thresholds, self.dtype, int(evenly_spaced(self.thresholds)))
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, name="true_positives")
        setattr(self, self.other[1], self.add_variable(shape, name=self.other[1]))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes in a batch: targets 0 and 1, predictions from 0 to 1, weights."""
        count(self, self._at, y_true, y_pred, sample_weight, tp=self.true_positives, top_k=self.top_k, class_id=self.class_id,
              **{self.other[0]: getattr(self, self.other[1])})

    def result(self):
        right = self.true_positives
        return one_or_all(ops.safe_ratio(right, ops.add(right, getattr(self, self.other[1]))))

    def get_config(self):
        return {**super().get_config(), "thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}


class Precision(_Rate):
    """Which share of what was predicted as 1 is 1: true positives over all predicted positives; 0 if there are none.

    Args:
        thresholds: above which a prediction counts as 1: a number, or a list of them for a result of that length; 0.5 by default,
            with `top_k` none.
        top_k: how many of the predictions of a row, the highest, can count as 1.
        class_id: the one class (index of the last axis) that is looked at.
        name, dtype: see `Metric`.

    Raises:
        ValueError: a threshold that does not lie between 0 and 1; targets and predictions of different shapes.

    Example:
        >>> float(Precision()([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2]))
        0.6666666865348816
    """

    other = "fp", "false_positives"


class Recall(_Rate):
    """Which share of the targets 1 was predicted as 1: true positives over all targets 1; 0 if there are none.

    Args: see `Precision`.

    Example:
        >>> float(Recall()([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.2]))
        0.6666666865348816
    """

    other = "fn", "false_negatives"


# ---- One rate where the other is given --------------------------------------------------------------------------

class FourCounts(Metric):
    """Base of metrics with all four counts at many thresholds."""

    def _add_counts(self, shape):
        for name in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
            setattr(self, name, self.add_variable(shape, name=name))

    def _count(self, thresholds, y_true, y_pred, sample_weight, **arguments):
        count(self, thresholds, y_true, y_pred, sample_weight, tp=self.true_positives, fp=self.false_positives,
              tn=self.true_negatives, fn=self.false_negatives, **arguments)

    def _share(self, part, rest):
        """One count over itself and another; 0 where both are."""
        part = getattr(self, part)
        return ops.safe_ratio(part, ops.add(part, getattr(self, rest)))

    def _recall(self):
        return self._share("true_positives", "false_negatives")

    def _precision(self):
        return self._share("true_positives", "false_positives")

    def _specificity(self):
        return self._share("true_negatives", "false_positives")


class _AtRate(FourCounts):
    """Base of the four metrics that are the best of one rate among thresholds where another rate is at least a value."""

    given = None            # name of the argument
    rates = None            # methods: the rate that is given, the rate that is wanted

    def _set(self, value, num_thresholds, class_id, name, dtype):
        Metric.__init__(self, name=name, dtype=dtype)
        who = type(self).__name__
        if not 0 <= value <= 1:
            raise ValueError(f"{who}: {self.given} must lie between 0 and 1, received {value!r}")
        if num_thresholds <= 0:
            raise ValueError(f"{who}: num_thresholds must be an integer > 0, received {num_thresholds!r}")
        budget.take((num_thresholds,), "float64", f"thresholds of {who}")
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        setattr(self, self.given, value)
        self.thresholds = [0.5] if num_thresholds == 1 else [i / (num_thresholds - 1) for i in range(num_thresholds)]
        self._at = Thresholds(self.thresholds, self.dtype, int(num_thresholds > 1))
        self._add_counts((num_thresholds,))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes in a batch: targets 0 and 1, predictions from 0 to 1, weights."""
        self._count(self._at, y_true, y_pred, sample_weight, class_id=self.class_id)

    def result(self):
        given, wanted = [getattr(self, name)() for name in self.rates]
        return ops.max(ops.where(ops.greater_equal(given, self.value), wanted, 0.0))

    def get_config(self):
        return {**super().get_config(), "class_id": self.class_id, "num_thresholds": self.num_thresholds, self.given: self.value}


def _at_rate(class_name, given, rates, what):
    """One of the four metrics; `given` is the name of its first argument."""
    scope = {}
    exec(f"def __init__(self, {given}, num_thresholds=200, class_id=None, name=None, dtype=None):\n"
         f"    self._set({given}, num_thresholds, class_id, name, dtype)", scope)
    doc = f"""{what}

    Args:
        {given}: the least that is accepted, 0 to 1.
        num_thresholds: how many thresholds are tried.
        class_id: the one class (index of the last axis) that is looked at.
        name, dtype: see `Metric`.

    Raises:
        ValueError: a {given} that does not lie between 0 and 1; targets and predictions of different shapes.

    Example:
        >>> float({class_name}(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.9])) > 0
        True
    """
    return type(class_name, (_AtRate,), {"__doc__": doc, "__module__": __name__, "given": given, "rates": rates,
                                         "__init__": scope["__init__"]})


SensitivityAtSpecificity = _at_rate("SensitivityAtSpecificity", "specificity", ("_specificity", "_recall"),
                                    "The best recall (sensitivity) among thresholds with a specificity of at least a value.")
SpecificityAtSensitivity = _at_rate("SpecificityAtSensitivity", "sensitivity", ("_recall", "_specificity"),
                                    "The best specificity among thresholds with a recall (sensitivity) of at least a value.")
PrecisionAtRecall = _at_rate("PrecisionAtRecall", "recall", ("_recall", "_precision"),
                             "The best precision among thresholds with a recall of at least a value.")
RecallAtPrecision = _at_rate("RecallAtPrecision", "precision", ("_precision", "_recall"),
                             "The best recall among thresholds with a precision of at least a value.")
