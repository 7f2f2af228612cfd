"""The metrics as functions: targets and predictions in, one value for each sample out."""
from .. import config, ops
from ..losses.functions import (  # noqa: F401  (metrics.mean_squared_error and so on)
    binary_crossentropy, binary_focal_crossentropy, categorical_crossentropy, categorical_focal_crossentropy,
    categorical_hinge, hinge, huber, kl_divergence, log_cosh, mean_absolute_error, mean_absolute_percentage_error,
    mean_squared_error, mean_squared_logarithmic_error, poisson, sparse_categorical_crossentropy, squared_hinge)
from ..losses.functions import cosine_similarity as _cosine_loss
from ..losses.loss import squeeze_or_expand_to_same_rank
from ..tensor import FLOATS, convert


def _pair(y_true, y_pred):
    """Targets of any dtype, predictions as floats."""
    y_true, y_pred = convert(y_true), convert(y_pred)
    return y_true, y_pred if y_pred.dtype in FLOATS else convert(y_pred, config.floatx())


def _check_shapes(name, y_true, y_pred):
    if y_true.shape != y_pred.shape:
        raise ValueError(f"metric {name!r}: targets and predictions must have the same shape, received y_true of shape "
                         f"{y_true.shape} and y_pred of shape {y_pred.shape}")


def accuracy(y_true, y_pred):
    """1 where targets and predictions are equal, else 0, element by element."""
    y_true, y_pred = squeeze_or_expand_to_same_rank(*_pair(y_true, y_pred))
    _check_shapes("accuracy", y_true, y_pred)
    return ops.match_equal(y_true, y_pred)


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """1 where the target (0 or 1) says whether the prediction is above the threshold, else 0, element by element."""
    y_true, y_pred = squeeze_or_expand_to_same_rank(*_pair(y_true, y_pred))
    _check_shapes("binary_accuracy", y_true, y_pred)
    return ops.match_binary(y_true, y_pred, threshold=float(threshold))


def categorical_accuracy(y_true, y_pred):
    """1 where the highest prediction is at the place of the highest target, else 0, for each sample."""
    y_true, y_pred = _pair(y_true, y_pred)
    _check_one_hot("categorical_accuracy", y_true, y_pred)
    return ops.match_class(y_true, y_pred, dense=True)


def sparse_categorical_accuracy(y_true, y_pred):
    """1 where the highest prediction is that of the label, else 0, for each sample."""
    y_true, y_pred = _pair(y_true, y_pred)
    return ops.match_class(_labels("sparse_categorical_accuracy", y_true, y_pred), y_pred)


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where the prediction at the place of the highest target is among the k highest, else 0, for each sample."""
    y_true, y_pred = _pair(y_true, y_pred)
    _check_one_hot("top_k_categorical_accuracy", y_true, y_pred)
    return ops.match_class(y_true, y_pred, dense=True, k=_check_k(k))


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """1 where the label's prediction is among the k highest, else 0, for each sample.

    Args:
        from_sorted_ids: whether predictions are class numbers in falling order of probability instead of scores.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    y_true = _labels("sparse_top_k_categorical_accuracy", y_true, y_pred)
    if from_sorted_ids:
        same = ops.equal(ops.expand_dims(ops.cast(y_true, dtype=y_pred.dtype), axis=-1), y_pred[..., :_check_k(k)])
        return ops.cast(ops.any(same, axis=-1), dtype=config.floatx())
    return ops.match_class(y_true, y_pred, k=_check_k(k))


def cosine_similarity(y_true, y_pred, axis=-1):
    """The cosine of the angle between targets and predictions: 1 for the same direction (the loss has the other sign)."""
    return ops.negative(_cosine_loss(y_true, y_pred, axis=axis))


def pearson_correlation(y_true, y_pred, axis=-1):
    """The correlation of targets and predictions along an axis, -1 to 1; NaN where one of them does not vary.

    Source: Pearson 1895.
    """
    y_true, y_pred = _float_pair("pearson_correlation", y_true, y_pred)
    t, p = [x - ops.mean(x, axis=axis, keepdims=True) for x in (y_true, y_pred)]
    t, p = [x / ops.std(x, axis=axis, keepdims=True) for x in (t, p)]
    return ops.mean(t * p, axis=axis)


def concordance_correlation(y_true, y_pred, axis=-1):
    """How near targets and predictions come to equality along an axis, -1 to 1: their correlation, less where means or
    variances differ.  Source: Lin 1989."""
    y_true, y_pred = _float_pair("concordance_correlation", y_true, y_pred)
    mean_t, mean_p = [ops.mean(x, axis=axis, keepdims=True) for x in (y_true, y_pred)]
    spread = ops.var(y_true, axis=axis, keepdims=True) + ops.var(y_pred, axis=axis, keepdims=True)
    both = (y_true - mean_p) * (y_pred - mean_p)
    return ops.mean(2.0 * both / (spread + ops.square(mean_t - mean_p) + config.epsilon()), axis=axis)


def _float_pair(name, y_true, y_pred):
    """Targets and predictions of one shape and one float dtype."""
    y_true, y_pred = _pair(y_true, y_pred)
    y_true, y_pred = squeeze_or_expand_to_same_rank(convert(y_true, y_pred.dtype), y_pred)
    _check_shapes(name, y_true, y_pred)
    return y_true, y_pred


def _check_k(k):
    if not isinstance(k, int) or k < 1:
        raise ValueError(f"k must be an integer >= 1, received {k!r}")
    return k


def _check_one_hot(name, y_true, y_pred):
    if y_true.shape != y_pred.shape:
        hint = f": use 'sparse_{name}' for integer labels" if len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1 \
            else ""
        raise ValueError(f"metric {name!r}: expected one-hot targets of the shape of the predictions {y_pred.shape}, received "
                         f"{y_true.shape}{hint}")


def _labels(name, y_true, y_pred):
    """Integer labels in the shape of the predictions without the last axis."""
    if y_true.shape == y_pred.shape[:-1]:
        return y_true
    if y_true.shape == (*y_pred.shape[:-1], 1):
        return ops.reshape(y_true, shape=y_pred.shape[:-1])
    hint = f": use '{name.replace('sparse_', '')}' for one-hot targets" if y_true.shape == y_pred.shape else ""
    raise ValueError(f"metric {name!r}: expected integer labels of shape {y_pred.shape[:-1]}, received {y_true.shape}{hint}")
