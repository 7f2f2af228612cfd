"""The state of metrics that are more than a mean: counts at thresholds, confusion matrices, F scores, sums for R2.

Each update is one launch, which reads targets of any dtype and adds to the variables of the metric.
"""
from math import prod

from ..op import integers, normal, op, uniform
from ..tensor import FLOATS, Spec
from ._shapes import CODES
from .elementwise import cast, multiply
from .indexing import one_hot
from .loss import _check_float, _check_labels, _compatible, _label_code, _rows_of, _weighted, repeats_of_weights
from .shape import expand_dims


def _check_same(name, y_true, y_pred, ndim=None):
    """Targets and predictions of one shape, predictions floats."""
    _check_float(name, y_pred)
    if not _compatible(y_true.shape, y_pred.shape) or (ndim is not None and len(y_pred.shape) != ndim):
        raise ValueError(f"[{name}] y_true and y_pred must have the same shape{f' with {ndim} axes' if ndim else ''}, received "
                         f"{y_true.shape} and {y_pred.shape}")


def _check_leading(name, shape, weights):
    """Weights of the leading axes of a shape."""
    if weights is not None and repeats_of_weights(shape, weights.shape) is None:
        raise ValueError(f"[{name}] weights of shape {weights.shape} do not fit values of shape {shape}")


def _check_state(name, dtype, **variables):
    for argument, v in variables.items():
        if v is not None and v.dtype != dtype:
            raise ValueError(f"[{name}] {argument} has dtype {v.dtype}, the predictions {dtype}: cast one of them")


COUNTS = (uniform(3, low=0.0, high=9.0),) * 4
EDGES, PLACES = uniform(3, low=0.1, high=0.11), integers(3, low=1, high=2)      # of cases; one bucket for all edges


@op
class confusion_update:
    """Adds to the counts of true positives, false positives, true negatives and false negatives (each may be absent) at
    several thresholds: a value is called positive where it is above the threshold, a target is positive unless it is 0.

    `edges`: the thresholds in rising order; `places`: int64, the place of each in the counts.  `weights`: of the leading axes
    of the predictions; `label_weights`: of their last axis.  Attributes: `spacing` 1 if the edges lie evenly from 0 to 1, so
    that nothing has to be searched, 2 if moreover all predictions within 0 ... 1 lie above the first; `class_id`: the one
    index of the last axis that counts; `multi_label`: counts of shape (thresholds, labels), one for each of the last axis."""
    outputs, updates = "", "tp fp tn fn"
    cases = [((*COUNTS, EDGES, integers(3, low=0, high=1), integers(6, 5, high=2), uniform(6, 5)), {}),
             ((*COUNTS, EDGES, PLACES, uniform(6, 5), uniform(6, 5, low=0.0), uniform(6, low=0.1), uniform(5)), {}),
             ((None, uniform(3), None, None, EDGES, PLACES, integers(7, high=2, dtype="uint8"), uniform(7)), {}),
             ((*COUNTS, EDGES, PLACES, integers(9, 4, high=2), uniform(9, 4, low=-0.2, high=1.2)), {"spacing": 1}),
             ((*COUNTS, EDGES, PLACES, integers(9, 4, high=2), uniform(9, 4, low=0.0), uniform(9)), {"spacing": 2, "class_id": 2}),
             (((uniform(3, 4),) * 2 + (None, uniform(3, 4), EDGES, PLACES, integers(9, 4, high=2), uniform(9, 4), uniform(9))),
              {"multi_label": True}),
             ((*COUNTS, EDGES, PLACES, integers(700, 300, high=2), uniform(700, 300, low=0.0), uniform(700, 300)), {"spacing": 1})]

    def spec(tp, fp, tn, fn, edges, places, y_true, y_pred, weights=None, label_weights=None, *, spacing=0, class_id=None,
             multi_label=False):
        _check_same("confusion_update", y_true, y_pred)
        _check_state("confusion_update", y_pred.dtype, tp=tp, fp=fp, tn=tn, fn=fn, edges=edges, weights=weights,
                     label_weights=label_weights)
        shape = y_pred.shape
        if class_id is not None and not 0 <= class_id < (shape[-1] if len(shape) > 1 else 0):
            raise ValueError(f"[confusion_update] class_id {class_id} is no index of the last axis of shape {shape}")
        counts = edges.shape + shape[-1:] if multi_label else edges.shape
        for v in (tp, fp, tn, fn):
            if v is not None and v.shape != counts:
                raise ValueError(f"[confusion_update] expected counts of shape {counts}, received {v.shape}")
        _check_leading("confusion_update", shape if class_id is None else shape[:-1], weights)
        if label_weights is not None and (label_weights.shape != shape[-1:] or class_id is not None):
            raise ValueError(f"[confusion_update] label_weights of shape {label_weights.shape} do not fit the last axis of {shape}")

    def cpu(tp, fp, tn, fn, edges, places, y_true, y_pred, weights, label_weights, *, spacing, class_id, multi_label):
        shape, step = (y_pred.shape, 1) if class_id is None else (y_pred.shape[:-1], y_pred.shape[-1])
        m, inner = (prod(shape), 1) if weights is None else (weights.size, repeats_of_weights(shape, weights.shape))
        columns = shape[-1] if label_weights is not None or multi_label else 1
        if not m * inner or not columns:
            m, inner, columns = 0, 1, 1
        return "confusion_update", (tp, fp, tn, fn, edges, places, edges.size, spacing, columns if multi_label else 1, y_true,
                                    y_pred, m, inner, weights, columns, label_weights, step, class_id or 0, *_label_code(y_true))

    def flops(y_pred): return 4 * y_pred.size


@op
class keep_top_k:
    """x where it is among the k largest of the last axis (the first among equals), else `low`."""
    cases = [((normal(5, 7),), {"k": 3}), ((uniform(6, 9),), {"k": 1}), ((normal(3, 4),), {"k": 9}), ((normal(700, 130),), {"k": 5})]

    def spec(x, *, k, low=-1e10):
        _check_float("keep_top_k", x)
        if len(x.shape) < 1 or not isinstance(k, int) or k < 1:
            raise ValueError(f"[keep_top_k] expected an integer k >= 1 and an axis to look along, received k={k!r} and shape {x.shape}")
        return x

    def cpu(x, y, *, k, low): return "keep_top_k", (x, y, *_rows_of(x.shape), k, low)


@op
class confusion_matrix_update:
    """Adds to a matrix how often (or with what weights) label i met prediction j; labels and predictions are class numbers of
    any dtype, cut towards 0.  A number that is no class is an error, but for labels `ignore_class`, which do not count.

    The matrix may be int32, int64 or of a float dtype; weights are float64, cut to integers for a matrix of integers."""
    outputs, updates = "", "matrix"
    cases = [((integers(4, 4), integers(30, high=4), integers(30, high=4, dtype="int32")), {}),
             ((integers(4, 4, dtype="int32"), integers(5, 6, high=4, dtype="uint8"), uniform(5, 6, low=0.0, high=3.9)), {}),
             ((uniform(4, 4), integers(5, 6, low=-1, high=4), integers(5, 6, high=4)), {"ignore_class": -1}),
             ((uniform(3, 3), integers(700, 300, high=3), integers(700, 300, high=3)), {})]

    def spec(matrix, y_true, y_pred, weights=None, *, ignore_class=None):
        if not _compatible(y_true.shape, y_pred.shape):
            raise ValueError(f"[confusion_matrix_update] y_true and y_pred must have the same shape, received {y_true.shape} and "
                             f"{y_pred.shape}")
        if len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1] or matrix.dtype not in ("int32", "int64", *FLOATS):
            raise ValueError("[confusion_matrix_update] expected a square matrix of int32, int64 or floats, received shape "
                             f"{matrix.shape} and dtype {matrix.dtype}")
        _check_leading("confusion_matrix_update", y_true.shape, weights)

    def cpu(matrix, y_true, y_pred, weights, *, ignore_class):
        m, inner = _weighted(y_true, weights)
        (t_size, t_code), (p_size, p_code) = _label_code(y_true), _label_code(y_pred)
        return "confusion_matrix_update", (matrix, matrix.shape[0], matrix.itemsize, CODES[matrix.dtype], y_true, y_pred, t_code,
                                           p_code, weights, m if inner else 0, inner or 1, ignore_class is not None,
                                           int(ignore_class or 0), t_size, p_size)

    def flops(y_true): return y_true.size


@op
class score_update:
    """Adds to the weighted sums of true positives, false positives, false negatives and targets of each column, or of all
    columns as one where the sums are scalars.  y_pred counts as 1 where it is above `threshold`, or (None) the highest of its
    row."""
    outputs, updates = "", "tp fp fn positives"
    cases = [(((uniform(4),) * 4 + (integers(6, 4, high=2), uniform(6, 4, low=0.0))), {"threshold": 0.5}),
             (((uniform(4),) * 4 + (uniform(6, 4, low=0.0), uniform(6, 4), uniform(6))), {}),
             (((uniform(),) * 4 + (integers(6, 4, high=2), uniform(6, 4), uniform(6))), {"threshold": 0.5}),
             (((uniform(30),) * 4 + (integers(4000, 30, high=2), uniform(4000, 30))), {})]

    def spec(tp, fp, fn, positives, y_true, y_pred, weights=None, *, threshold=None):
        _check_same("score_update", y_true, y_pred, 2)
        _check_state("score_update", y_pred.dtype, tp=tp, fp=fp, fn=fn, positives=positives, weights=weights)
        if weights is not None and weights.size != y_pred.shape[0]:
            raise ValueError(f"[score_update] weights of shape {weights.shape} do not fit {y_pred.shape[0]} rows")

    def cpu(tp, fp, fn, positives, y_true, y_pred, weights, *, threshold):
        return "score_update", (tp, fp, fn, positives, y_true, y_pred, weights, *y_pred.shape, tp.size,
                                0.0 if threshold is None else threshold, threshold is None, *_label_code(y_true))

    def flops(y_pred): return 8 * y_pred.size


@op
class residual_update:
    """Adds to the number of values, and to the weighted sums of each column: of squared targets, targets, squared errors, and
    of the weights."""
    outputs, updates = "", "samples squares sum residual count"
    cases = [((uniform(), *(uniform(4),) * 4, normal(6, 4), normal(6, 4)), {}),
             ((uniform(), *(uniform(4),) * 4, normal(6, 4), normal(6, 4), uniform(6)), {}),
             ((uniform(), *(uniform(4),) * 4, normal(6, 4), normal(6, 4), uniform(6, 4)), {}),
             ((uniform(), *(uniform(30),) * 4, normal(4000, 30), normal(4000, 30)), {})]

    def spec(samples, squares, sum, residual, count, y_true, y_pred, weights=None):
        _check_same("residual_update", y_true, y_pred, 2)
        _check_state("residual_update", y_pred.dtype, y_true=y_true, samples=samples, squares=squares, sum=sum, residual=residual,
                     count=count, weights=weights)
        _check_leading("residual_update", y_pred.shape, weights)

    def cpu(samples, squares, sum, residual, count, y_true, y_pred, weights):
        m, inner = _weighted(y_pred, weights)
        return "residual_update", (samples, squares, sum, residual, count, y_true, y_pred, weights, m if inner else 0, inner or 1,
                                   *y_pred.shape)

    def flops(y_pred): return 8 * y_pred.size


@op
class pick_class:
    """x[label] of each row; labels are integers of any dtype, or floats with integral values.  A label outside is an error."""
    flops = 0
    cases = [((integers(5, high=4), normal(5, 4)), {}), ((integers(2, 3, high=4, dtype="uint8"), normal(2, 3, 4)), {})]

    def spec(labels, x):
        _check_labels("pick_class", labels, x)
        return Spec(x.shape[:-1], x.dtype)

    def cpu(labels, x, y): return "pick_class", (labels, x, y, *_rows_of(x.shape), *_label_code(labels))

    def vjp(dy, labels, x):
        rows = one_hot(cast(labels, dtype="int64"), x.shape[-1], dtype=x.dtype)
        return None, multiply(expand_dims(dy, -1), rows)
