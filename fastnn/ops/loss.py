"""Softmax, the losses of samples, and what metrics count.

A loss here takes targets and predictions of shape (..., n) and gives one value for each sample, shape (...).
A cross-entropy that is also handed the logits that its predictions were computed from is exact where probabilities round
to 0 or 1, and sends its gradient straight to the logits.
"""
from functools import lru_cache
from math import prod

from ..op import integers, normal, op, uniform
from ..tensor import FLOATS, Spec
from ._shapes import CODES
from .elementwise import multiply, subtract
from .reduce import sum as total

# Codes of csrc/loss.h.
LOSSES = {name: code for code, name in enumerate((
    "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error",
    "huber", "log_cosh", "hinge", "squared_hinge", "poisson", "kl_divergence", "binary_crossentropy",
    "binary_crossentropy_from_logits", "categorical_hinge", "cosine_similarity"))}
COUPLED = ("categorical_hinge", "cosine_similarity")    # losses that are no mean over elements
REDUCTIONS = {"sum": 0, "mean": 1, "mean_with_sample_weight": 2}


@lru_cache(maxsize=4096)
def _around(shape, axis):
    """How a kernel sees an axis: (elements before it, its size, elements after it)."""
    axis %= len(shape)
    return prod(shape[:axis]), shape[axis], prod(shape[axis + 1:])


@lru_cache(maxsize=4096)
def _rows_of(shape):
    """(rows, elements in a row)."""
    return prod(shape[:-1]), shape[-1]


def _label_code(array):
    """(bytes, code) of the dtype of an array of labels."""
    return array.itemsize, CODES[array.dtype]


def _check_float(name, x):
    if x.dtype not in FLOATS:
        raise ValueError(f"[{name}] computes in float32 or float64, received dtype {x.dtype}: cast it first")


def _check_axis(name, x, axis):
    _check_float(name, x)
    if not isinstance(axis, int) or not -len(x.shape) <= axis < len(x.shape):
        raise ValueError(f"[{name}] axis {axis!r} is none of the {len(x.shape)} axes of shape {x.shape}")


def _check_pair(name, y_true, y_pred):
    """Targets and predictions of one shape and one float dtype."""
    _check_float(name, y_pred)
    if y_true.dtype != y_pred.dtype:
        raise ValueError(f"[{name}] y_true has dtype {y_true.dtype}, y_pred {y_pred.dtype}: cast one of them")
    if len(y_pred.shape) < 1 or not _compatible(y_true.shape, y_pred.shape):
        raise ValueError(f"[{name}] y_true and y_pred must have the same shape, at least one axis: "
                         f"received {y_true.shape} and {y_pred.shape}")


def _compatible(a, b):
    return a == b or (len(a) == len(b) and all([m == n or m is None or n is None for m, n in zip(a, b)]))


def _check_labels(name, labels, y_pred):
    """One integer label for each row of predictions."""
    _check_float(name, y_pred)
    if len(y_pred.shape) < 1 or not _compatible(labels.shape, y_pred.shape[:-1]):
        raise ValueError(f"[{name}] expected one integer label for each row of predictions: labels of shape "
                         f"{y_pred.shape[:-1]} for predictions of shape {y_pred.shape}, received {labels.shape}")


# ---- Softmax ----------------------------------------------------------------------------------------------------

@op
class softmax:
    """exp(x) / sum(exp(x)) along an axis."""
    logits = "x"
    cases = [((normal(3, 4),), {"axis": -1}), ((normal(2, 5, 3),), {"axis": 1}), ((normal(7, 37),), {"axis": -1}),
             ((normal(4, 1),), {"axis": -1}), ((normal(0, 3),), {"axis": -1}), ((normal(700, 130),), {"axis": -1})]

    def spec(x, *, axis=-1):
        _check_axis("softmax", x, axis)
        return x

    def cpu(x, y, *, axis): return "softmax", (x, y, *_around(x.shape, axis))
    def flops(x): return 5 * x.size      # maximum, difference, exp, sum, quotient
    def vjp(dy, y, axis): return softmax_grad(dy, y, axis=axis)


@op
class softmax_grad:
    """y (dy - sum(dy y)): the gradient of `softmax`."""
    outputs = "dx"
    cases = [((normal(3, 4), normal(3, 4)), {"axis": -1}), ((normal(2, 5, 3), normal(2, 5, 3)), {"axis": 1}),
             ((normal(7, 37), normal(7, 37)), {"axis": -1}), ((normal(700, 130), normal(700, 130)), {"axis": -1})]

    def spec(dy, y, *, axis=-1):
        _check_axis("softmax_grad", y, axis)
        return y

    def cpu(dy, y, dx, *, axis): return "softmax_grad", (dy, y, dx, *_around(y.shape, axis))

    def flops(y): return 4 * y.size

    def vjp(ddx, dy, y, axis):
        along = total(multiply(dy, y), axis=axis, keepdims=True)
        first = multiply(ddx, subtract(dy, along))
        second = multiply(dy, total(multiply(ddx, y), axis=axis, keepdims=True))
        return softmax_grad(ddx, y, axis=axis), subtract(first, second)


@op
class log_softmax:
    """x - log(sum(exp(x))) along an axis."""
    cases = [((normal(3, 4),), {"axis": -1}), ((normal(2, 5, 3),), {"axis": 1}), ((normal(7, 37),), {"axis": -1}),
             ((normal(700, 130),), {"axis": -1})]

    def spec(x, *, axis=-1):
        _check_axis("log_softmax", x, axis)
        return x

    def cpu(x, y, *, axis): return "log_softmax", (x, y, *_around(x.shape, axis))
    def flops(x): return 5 * x.size
    def vjp(dy, y, axis): return log_softmax_grad(dy, y, axis=axis)


@op
class log_softmax_grad:
    """dy - exp(y) sum(dy): the gradient of `log_softmax`."""
    outputs = "dx"
    cases = [((normal(3, 4), uniform(3, 4, low=-3.0, high=0.0)), {"axis": -1}),
             ((normal(2, 5, 3), uniform(2, 5, 3, low=-3.0, high=0.0)), {"axis": 1})]

    def spec(dy, y, *, axis=-1):
        _check_axis("log_softmax_grad", y, axis)
        return y

    def cpu(dy, y, dx, *, axis): return "log_softmax_grad", (dy, y, dx, *_around(y.shape, axis))

    def flops(y): return 4 * y.size


# ---- Cross-entropy of classes -----------------------------------------------------------------------------------

@op
class crossentropy:
    """-sum(y_true log(y_pred)) of each row.  With logits, y_pred must be their softmax; without, y_pred is divided by its
    sum and clipped to [epsilon, 1 - epsilon]."""
    outputs = "loss"
    cases = [((uniform(3, 4, low=0.0), uniform(3, 4, low=0.1)), {}),
             ((uniform(5, 37, low=0.0), uniform(5, 37, low=0.1)), {"label_smoothing": 0.1}),
             ((uniform(700, 130, low=0.0), uniform(700, 130, low=0.1)), {})]

    def spec(y_true, y_pred, logits=None, *, label_smoothing=0.0, epsilon=1e-7):
        _check_pair("crossentropy", y_true, y_pred)
        return Spec(y_pred.shape[:-1], y_pred.dtype)

    def cpu(y_true, y_pred, logits, loss, *, label_smoothing, epsilon):
        return "crossentropy", (y_true, y_pred, logits, loss, *_rows_of(y_pred.shape), label_smoothing, epsilon)

    def flops(y_pred): return 4 * y_pred.size

    def vjp(dloss, y_true, y_pred, logits, label_smoothing, epsilon, needs):
        same = {"label_smoothing": label_smoothing, "epsilon": epsilon}
        dt = crossentropy_target_grad(dloss, y_pred, logits, **same) if needs[0] else None
        if needs[2]:
            return dt, None, crossentropy_grad(dloss, y_true, y_pred, to_logits=True, **same)
        return dt, crossentropy_grad(dloss, y_true, y_pred, to_logits=False, **same) if needs[1] else None, None


@op
class crossentropy_grad:
    """The gradient of `crossentropy` with regard to the logits or to the predictions."""
    outputs = "dx"
    cases = [((normal(3), uniform(3, 4, low=0.0), uniform(3, 4, low=0.1)), {"to_logits": True}),
             ((normal(5), uniform(5, 37, low=0.0), uniform(5, 37, low=0.1)), {"to_logits": True, "label_smoothing": 0.2}),
             ((normal(5), uniform(5, 37, low=0.0), uniform(5, 37, low=0.1)), {"to_logits": False}),
             ((normal(700), uniform(700, 130, low=0.0), uniform(700, 130, low=0.1)), {"to_logits": True})]

    def spec(dloss, y_true, y_pred, *, to_logits, label_smoothing=0.0, epsilon=1e-7): return y_pred

    def cpu(dloss, y_true, y_pred, dx, *, to_logits, label_smoothing, epsilon):
        return "crossentropy_grad", (dloss, y_true, y_pred, dx, *_rows_of(y_pred.shape), to_logits,
                                                 label_smoothing, epsilon)

    def flops(y_pred): return 2 * y_pred.size


@op
class crossentropy_target_grad:
    """The gradient of `crossentropy` with regard to the targets."""
    outputs = "dt"
    cases = [((normal(3), uniform(3, 4, low=0.1)), {"label_smoothing": 0.2}),
             ((normal(3), uniform(3, 4, low=0.1), normal(3, 4)), {})]

    def spec(dloss, y_pred, logits=None, *, label_smoothing=0.0, epsilon=1e-7): return y_pred

    def cpu(dloss, y_pred, logits, dt, *, label_smoothing, epsilon):
        return "crossentropy_target_grad", (dloss, y_pred, logits, dt, *_rows_of(y_pred.shape), label_smoothing,
                                                        epsilon)


@op
class sparse_crossentropy:
    """-log(y_pred[label]) of each row; labels are integers of any dtype (or floats with integral values).

    A label outside 0 ... n - 1 is an error, but for `ignore_class`, whose rows have loss 0."""
    outputs = "loss"
    cases = [((integers(3, high=4), uniform(3, 4, low=0.1)), {}),
             ((integers(5, high=37, dtype="uint8"), uniform(5, 37, low=0.1)), {}),
             ((integers(2, 6, low=-1, high=5, dtype="int32"), uniform(2, 6, 5, low=0.1)), {"ignore_class": -1}),
             ((integers(700, high=130), uniform(700, 130, low=0.1)), {})]

    def spec(y_true, y_pred, logits=None, *, ignore_class=None, epsilon=1e-7):
        _check_labels("sparse_crossentropy", y_true, y_pred)
        return Spec(y_pred.shape[:-1], y_pred.dtype)

    def cpu(y_true, y_pred, logits, loss, *, ignore_class, epsilon):
        size, code = _label_code(y_true)
        return "sparse_crossentropy", (y_true, y_pred, logits, loss, *_rows_of(y_pred.shape), size, code,
                                                   ignore_class is not None, ignore_class or 0, epsilon)

    def flops(y_pred): return 4 * y_pred.size

    def vjp(dloss, y_true, y_pred, ignore_class, epsilon, needs):
        d = sparse_crossentropy_grad(dloss, y_true, y_pred, to_logits=needs[2], ignore_class=ignore_class,
                                                 epsilon=epsilon)
        return (None, None, d) if needs[2] else (None, d, None)


@op
class sparse_crossentropy_grad:
    """The gradient of `sparse_crossentropy` with regard to the logits or to the predictions."""
    outputs = "dx"
    cases = [((normal(3), integers(3, high=4), uniform(3, 4, low=0.1)), {"to_logits": True}),
             ((normal(5), integers(5, high=37), uniform(5, 37, low=0.1)), {"to_logits": False}),
             ((normal(5), integers(5, high=4, low=-1), uniform(5, 4, low=0.1)), {"to_logits": True, "ignore_class": -1}),
             ((normal(700), integers(700, high=130), uniform(700, 130, low=0.1)), {"to_logits": True})]

    def spec(dloss, y_true, y_pred, *, to_logits, ignore_class=None, epsilon=1e-7): return y_pred

    def cpu(dloss, y_true, y_pred, dx, *, to_logits, ignore_class, epsilon):
        size, code = _label_code(y_true)
        return "sparse_crossentropy_grad", (dloss, y_true, y_pred, dx, *_rows_of(y_pred.shape), size, to_logits,
                                                        code, ignore_class is not None, ignore_class or 0, epsilon)

    def flops(y_pred): return 2 * y_pred.size


# ---- Losses of two rows -----------------------------------------------------------------------------------------

@op
class row_loss:
    """The loss `kind` (a key of `LOSSES`) of each row.  `parameter`: delta of Huber, label smoothing of the binary ones.

    For "binary_crossentropy", `logits` may be given, whose sigmoid y_pred must be: then the loss is computed from them."""
    outputs = "loss"
    cases = [((uniform(3, 5, low=0.1, high=0.9), uniform(3, 5, low=0.1, high=0.9)), {"kind": kind, "parameter": 0.3})
             for kind in LOSSES] + [
        ((uniform(4, 37, low=0.1, high=0.9), uniform(4, 37, low=0.1, high=0.9)), {"kind": kind, "parameter": 0.3})
        for kind in LOSSES] + [
        ((uniform(37, 1, low=0.1, high=0.9), uniform(37, 1, low=0.1, high=0.9)), {"kind": kind, "parameter": 0.3})
        for kind in LOSSES] + [((normal(700, 130), normal(700, 130)), {"kind": "mean_squared_error"})]

    def spec(y_true, y_pred, logits=None, *, kind, parameter=0.0, epsilon=1e-7):
        _check_pair(kind, y_true, y_pred)
        return Spec(y_pred.shape[:-1], y_pred.dtype)

    def cpu(y_true, y_pred, logits, loss, *, kind, parameter, epsilon):
        name = "coupled_loss" if kind in COUPLED else "row_loss"
        if logits is not None:
            y_pred, kind = logits, f"{kind}_from_logits"
        return name, (y_true, y_pred, loss, *_rows_of(y_pred.shape), LOSSES[kind], parameter, epsilon)

    def flops(y_pred): return 3 * y_pred.size

    def vjp(dloss, y_true, y_pred, logits, kind, parameter, epsilon, needs):
        same = {"kind": kind, "parameter": parameter, "epsilon": epsilon}
        exact = (y_pred, same) if logits is None else (logits, {**same, "kind": f"{kind}_from_logits"})
        dt = row_loss_target_grad(dloss, y_true, exact[0], **exact[1]) if needs[0] else None
        if needs[2]:        # the predictions lie between the loss and the logits: their share comes with that of the logits
            return dt, None, row_loss_grad(dloss, y_true, exact[0], **exact[1])
        return dt, row_loss_grad(dloss, y_true, y_pred, **same) if needs[1] else None, None


@op
class row_loss_grad:
    """The gradient of `row_loss` with regard to the predictions."""
    outputs = "dp"
    cases = [((normal(3), uniform(3, 5, low=0.1, high=0.9), uniform(3, 5, low=0.1, high=0.9)),
              {"kind": kind, "parameter": 0.3}) for kind in LOSSES] + [
        ((normal(4), uniform(4, 37, low=0.1, high=0.9), uniform(4, 37, low=0.1, high=0.9)),
         {"kind": kind, "parameter": 0.3}) for kind in LOSSES] + [
        ((normal(37), uniform(37, 1, low=0.1, high=0.9), uniform(37, 1, low=0.1, high=0.9)),
         {"kind": kind, "parameter": 0.3}) for kind in LOSSES] + [
        ((normal(700), normal(700, 130), normal(700, 130)), {"kind": "mean_squared_error"})]

    def spec(dloss, y_true, y_pred, *, kind, parameter=0.0, epsilon=1e-7): return y_pred

    def cpu(dloss, y_true, y_pred, dp, *, kind, parameter, epsilon):
        name = "coupled_loss_grad" if kind in COUPLED else "row_loss_grad"
        return name, (dloss, y_true, y_pred, dp, *_rows_of(y_pred.shape), LOSSES[kind], parameter, epsilon)

    def flops(y_pred): return 3 * y_pred.size


@op
class row_loss_target_grad:
    """The gradient of `row_loss` with regard to the targets."""
    outputs = "dt"
    cases = [((normal(3), uniform(3, 5, low=0.1, high=0.9), uniform(3, 5, low=0.1, high=0.9)),
              {"kind": kind, "parameter": 0.3}) for kind in LOSSES]

    def spec(dloss, y_true, y_pred, *, kind, parameter=0.0, epsilon=1e-7): return y_true

    def cpu(dloss, y_true, y_pred, dt, *, kind, parameter, epsilon):
        return "row_loss_target_grad", (dloss, y_true, y_pred, dt, *_rows_of(y_pred.shape), LOSSES[kind], parameter, epsilon)


# ---- From losses of samples to one number -----------------------------------------------------------------------

@lru_cache(maxsize=4096)
def repeats_of_weights(shape, weights):
    """How many values in a row share a weight: weights of shape (2, 3, 1) weigh 4 values each of shape (2, 3, 4); None if
    the weights are not of the leading axes."""
    lead = weights
    while lead and lead[-1] == 1:
        lead = lead[:-1]
    if lead != shape[:len(lead)]:
        return None
    return prod(shape[len(lead):])


def _check_weights(name, values, weights):
    _check_float(name, values)
    if weights is None:
        return
    if weights.dtype != values.dtype:
        raise ValueError(f"[{name}] the weights have dtype {weights.dtype}, the values {values.dtype}: cast one of them")
    if None not in values.shape + weights.shape and repeats_of_weights(values.shape, weights.shape) is None:
        raise ValueError(f"[{name}] weights of shape {weights.shape} do not fit values of shape {values.shape}: expected one "
                         f"weight for each sample, shape {values.shape[:1]}, or for each value")


def _weighted(values, weights):
    """(rows that share a weight, values in a row)."""
    if weights is None:
        return values.size, 1
    inner = repeats_of_weights(values.shape, weights.shape)
    return weights.size, inner


@op
class weighted_mean:
    """The values, each times the weight of its sample, as one number: their "sum", their sum over their count ("mean"), or
    over the sum of the weights ("mean_with_sample_weight"); 0 where that would be a division by 0."""
    cases = [((normal(7),), {"reduction": "mean"}), ((normal(7), uniform(7, low=0.0)), {"reduction": "mean"}),
             ((normal(7, 3), uniform(7, low=0.0)), {"reduction": "sum"}), ((normal(0),), {"reduction": "mean"}),
             ((normal(2, 3, 4), uniform(2, 3, 1, low=0.1)), {"reduction": "mean_with_sample_weight"}),
             ((normal(1),), {"reduction": "mean"}), ((normal(300, 250),), {"reduction": "mean"})]

    def spec(values, weights=None, *, reduction="mean"):
        _check_weights("weighted_mean", values, weights)
        return Spec((), values.dtype)

    def cpu(values, weights, y, *, reduction):
        return "weighted_mean", (values, weights, y, *_weighted(values, weights), REDUCTIONS[reduction])

    def flops(values): return 2 * values.size

    def vjp(dy, values, weights, y, reduction, needs):
        return (weighted_mean_grad(dy, values, weights, reduction=reduction) if needs[0] else None,
                weighted_mean_weight_grad(dy, values, weights, y, reduction=reduction) if needs[1] else None)


@op
class weighted_mean_grad:
    """The gradient of `weighted_mean` with regard to the values, of which only the shape is read."""
    outputs = "dx"
    cases = [((normal(), normal(7)), {"reduction": "mean"}),
             ((normal(), normal(7, 3), uniform(7, low=0.0)), {"reduction": "mean"}),
             ((normal(), normal(2, 3, 4), uniform(2, 3, 1, low=0.1)), {"reduction": "mean_with_sample_weight"})]

    def spec(dy, values, weights=None, *, reduction="mean"): return values

    def cpu(dy, values, weights, dx, *, reduction):
        return "weighted_mean_grad", (dy, weights, dx, *_weighted(values, weights), REDUCTIONS[reduction])


@op
class weighted_mean_weight_grad:
    """The gradient of `weighted_mean` with regard to the weights; y is its result."""
    outputs = "dw"
    cases = [((normal(), normal(7, 3), uniform(7, low=0.0), normal()), {"reduction": "mean"}),
             ((normal(), normal(2, 3, 4), uniform(2, 3, 1, low=0.1), normal()), {"reduction": "mean_with_sample_weight"})]

    def spec(dy, values, weights, y, *, reduction="mean"): return weights

    def cpu(dy, values, weights, y, dw, *, reduction):
        return "weighted_mean_weight_grad", (dy, values, weights, y, dw, *_weighted(values, weights), REDUCTIONS[reduction])


@op
class mean_update:
    """Adds to the state of a mean: the weighted sum of the values to `total`, the sum of the weights (or the number of
    samples) to `count`.  Values of a sample count as their mean, or (`per_sample="sum"`) as their sum."""
    outputs, updates = "", "total count"
    cases = [((normal(1), uniform(1, low=0.0), normal(7)), {}), ((normal(1), uniform(1), normal(7), uniform(7)), {}),
             ((normal(1), uniform(1), normal(7, 3), uniform(7)), {}),
             ((normal(1), uniform(1), normal(2, 3, 4), uniform(2, 3)), {"per_sample": "sum"})]

    def spec(total, count, values, weights=None, *, per_sample="mean"):
        _check_weights("mean_update", values, weights)

    def cpu(total, count, values, weights, *, per_sample):
        divisor = prod(values.shape[1:]) if per_sample == "mean" else 1
        return "mean_update", (total, count, total.itemsize, values, weights, *_weighted(values, weights), float(divisor))

    def flops(values): return 2 * values.size


@op
class safe_ratio:
    """x / y, 0 where y is 0; x and y of one shape."""
    outputs = "z"
    cases = [((normal(3, 5), uniform(3, 5)), {}), ((normal(4), uniform(4, low=0.0, high=0.0)), {}), ((normal(), normal()), {})]

    def spec(x, y):
        _check_float("safe_ratio", x)
        if x.shape != y.shape or x.dtype != y.dtype:
            raise ValueError(f"[safe_ratio] x and y must have one shape and dtype, received {x.shape} {x.dtype} and "
                             f"{y.shape} {y.dtype}")
        return x

    def cpu(x, y, z): return "divide_no_nan", (x, y, z, z.size)


# ---- What metrics count -----------------------------------------------------------------------------------------

@op
class match_equal:
    """1 where y_true == y_pred, else 0, in float32."""
    cases = [((integers(3, 5, high=2), uniform(3, 5)), {}), ((integers(4, high=2, dtype="uint8"), uniform(4)), {})]

    def spec(y_true, y_pred):
        _check_float("match_equal", y_pred)
        if not _compatible(y_true.shape, y_pred.shape):
            raise ValueError(f"[match_equal] y_true and y_pred must have the same shape, received {y_true.shape} and "
                             f"{y_pred.shape}")
        return Spec(y_pred.shape, "float32")

    def cpu(y_true, y_pred, y): return "match_equal", (y_true, y_pred, y, y.size, *_label_code(y_true))


@op
class match_binary:
    """1 where y_true == (y_pred > threshold), else 0, in float32."""
    cases = [((integers(3, 5, high=2), uniform(3, 5)), {"threshold": 0.2}), ((uniform(4), uniform(4)), {})]

    def spec(y_true, y_pred, *, threshold=0.5):
        _check_float("match_binary", y_pred)
        if not _compatible(y_true.shape, y_pred.shape):
            raise ValueError(f"[match_binary] y_true and y_pred must have the same shape, received {y_true.shape} and "
                             f"{y_pred.shape}")
        return Spec(y_pred.shape, "float32")

    def cpu(y_true, y_pred, y, *, threshold):
        return "match_binary", (y_true, y_pred, y, y.size, *_label_code(y_true), threshold)


@op
class match_class:
    """1 for each row whose label is the first of the highest predictions (k = 0) or has fewer than k predictions above its
    own (k >= 1), else 0, in float32.  `dense`: targets are rows whose highest element names the label."""
    cases = [((integers(6, high=4), uniform(6, 4)), {}), ((uniform(6, 4), uniform(6, 4)), {"dense": True}),
             ((integers(2, 5, high=20, dtype="int32"), uniform(2, 5, 19)), {"k": 5}),
             ((uniform(5, 19), uniform(5, 19)), {"k": 3, "dense": True}), ((integers(700, high=130), uniform(700, 130)), {})]

    def spec(y_true, y_pred, *, dense=False, k=0):
        if dense:
            _check_float("match_class", y_pred)
            if len(y_pred.shape) < 1 or not _compatible(y_true.shape, y_pred.shape):
                raise ValueError(f"[match_class] y_true and y_pred must have the same shape, received {y_true.shape} and "
                                 f"{y_pred.shape}")
        else:
            _check_labels("match_class", y_true, y_pred)
        return Spec(y_pred.shape[:-1], "float32")

    def cpu(y_true, y_pred, y, *, dense, k):
        return "match_class", (y_true, y_pred, y, *_rows_of(y_pred.shape), *_label_code(y_true), int(dense), k)

    def flops(y_pred): return y_pred.size
