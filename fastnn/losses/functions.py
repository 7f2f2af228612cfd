"""The losses as functions: targets and predictions of shape (..., n) in, one value for each sample, shape (...), out."""
import warnings

from .. import config, ops
from ..device import BadIndex
from ..tensor import FLOATS, convert
from .loss import squeeze_or_expand_to_same_rank


def _floats(y_true, y_pred):
    """Targets and predictions as tensors of the predictions' float dtype."""
    y_pred = convert(y_pred)
    if y_pred.dtype not in FLOATS:
        y_pred = convert(y_pred, config.floatx())
    return convert(y_true, y_pred.dtype), y_pred


def _row_loss(y_true, y_pred, kind, parameter=0.0):
    y_true, y_pred = squeeze_or_expand_to_same_rank(*_floats(y_true, y_pred))
    _check_shapes(kind, y_true, y_pred)
    return ops.row_loss(y_true, y_pred, kind=kind, parameter=parameter, epsilon=config.epsilon())


def _check_shapes(name, y_true, y_pred):
    if y_true.shape != y_pred.shape or not y_pred.shape:
        what = ("the last layer needs as many units as a target has values" if len(y_true.shape) < 3 or len(y_pred.shape) < 3 else
                "the last layer must give one number for each of a target's: summary() shows the shape behind every layer")
        raise ValueError(f"loss {name!r}: targets and predictions must have the same shape, received y_true of shape "
                         f"{y_true.shape} and y_pred of shape {y_pred.shape}: {what}")


# ---- Regression -------------------------------------------------------------------------------------------------

def mean_squared_error(y_true, y_pred):
    """mean((y_true - y_pred)^2) over the last axis."""
    return _row_loss(y_true, y_pred, "mean_squared_error")


def mean_absolute_error(y_true, y_pred):
    """mean(|y_true - y_pred|) over the last axis."""
    return _row_loss(y_true, y_pred, "mean_absolute_error")


def mean_absolute_percentage_error(y_true, y_pred):
    """100 mean(|y_true - y_pred| / max(|y_true|, epsilon)) over the last axis."""
    return _row_loss(y_true, y_pred, "mean_absolute_percentage_error")


def mean_squared_logarithmic_error(y_true, y_pred):
    """mean((log(y_true + 1) - log(y_pred + 1))^2) over the last axis, both at least epsilon."""
    return _row_loss(y_true, y_pred, "mean_squared_logarithmic_error")


def huber(y_true, y_pred, delta=1.0):
    """Half the square of errors up to `delta`, linear beyond; mean over the last axis.  Source: Huber 1964."""
    return _row_loss(y_true, y_pred, "huber", float(delta))


def log_cosh(y_true, y_pred):
    """mean(log(cosh(y_pred - y_true))) over the last axis."""
    return _row_loss(y_true, y_pred, "log_cosh")


def cosine_similarity(y_true, y_pred, axis=-1):
    """-sum(y_true y_pred) / (|y_true| |y_pred|) along an axis: -1 for the same direction, 1 for the opposite one."""
    y_true, y_pred = squeeze_or_expand_to_same_rank(*_floats(y_true, y_pred))
    return _row_loss(*_axis_last(y_true, y_pred, axis), "cosine_similarity")


def poisson(y_true, y_pred):
    """mean(y_pred - y_true log(y_pred + epsilon)) over the last axis."""
    return _row_loss(y_true, y_pred, "poisson")


def kl_divergence(y_true, y_pred):
    """sum(y_true log(y_true / y_pred)) over the last axis, both within [epsilon, 1]."""
    return _row_loss(y_true, y_pred, "kl_divergence")


# ---- Hinge ------------------------------------------------------------------------------------------------------

def hinge(y_true, y_pred):
    """mean(max(1 - y_true y_pred, 0)) over the last axis; targets -1 and 1, or 0 and 1, which then mean the same."""
    return _row_loss(y_true, y_pred, "hinge")


def squared_hinge(y_true, y_pred):
    """mean(max(1 - y_true y_pred, 0)^2) over the last axis; targets as for `hinge`."""
    return _row_loss(y_true, y_pred, "squared_hinge")


def categorical_hinge(y_true, y_pred):
    """max(neg - pos + 1, 0) with pos = sum(y_true y_pred) and neg = max((1 - y_true) y_pred) of each row."""
    return _row_loss(y_true, y_pred, "categorical_hinge")


# ---- Cross-entropies --------------------------------------------------------------------------------------------

def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-mean(y_true log(y_pred) + (1 - y_true) log(1 - y_pred)) over an axis.

    Args:
        y_true: targets 0 and 1, or probabilities.
        y_pred: probabilities, or with `from_logits` what a sigmoid would make probabilities of.
        label_smoothing: 0 to 1; moves targets towards 0.5.

    What a sigmoid has just computed is not turned back into logits: the loss uses those that the sigmoid took.
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(*_floats(y_true, y_pred))
    _check_shapes("binary_crossentropy", y_true, y_pred)
    _check_smoothing(label_smoothing)
    logits = None
    if not from_logits and y_pred.logits is not None and y_pred.logits[0] == "sigmoid":
        logits = _last(y_pred.logits[2], axis)
    y_true, y_pred = _axis_last(y_true, y_pred, axis)
    return ops.row_loss(y_true, y_pred, logits, kind="binary_crossentropy_from_logits" if from_logits else "binary_crossentropy",
                        parameter=float(label_smoothing), epsilon=config.epsilon())


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-sum(y_true log(y_pred)) over the axis of the classes.

    Args:
        y_true: one-hot targets, or probabilities of the classes, of the shape of `y_pred`.
        y_pred: probabilities, or with `from_logits` what a softmax would make probabilities of.
        label_smoothing: 0 to 1; moves targets towards an even distribution.

    Raises:
        ValueError: integer labels (`sparse_categorical_crossentropy` takes those), other shapes.

    Probabilities that a softmax has just computed are not turned back into logits: the loss uses those it took.
    """
    y_true, y_pred = _floats(y_true, y_pred)
    _check_one_hot(y_true, y_pred)
    _check_smoothing(label_smoothing)
    if y_pred.shape[-1] == 1:
        warnings.warn("categorical_crossentropy needs predictions of shape (batch, classes) with more than one class, "
                      f"received {y_pred.shape}: use 'binary_crossentropy' for two classes", SyntaxWarning, stacklevel=2)
    if label_smoothing and y_pred.shape[axis] != y_pred.shape[-1]:      # Keras counts the last axis here, whatever `axis` is
        y_true, label_smoothing = y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1], 0.0
    y_pred, logits = _probabilities(y_pred, from_logits, axis)
    (y_true, y_pred), logits = _axis_last(y_true, y_pred, axis), None if logits is None else _last(logits, axis)
    return ops.crossentropy(y_true, y_pred, logits, label_smoothing=float(label_smoothing), epsilon=config.epsilon())


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """-log(y_pred[label]) for each label.

    Args:
        y_true: integer labels 0 ... classes - 1, of the shape of `y_pred` without the axis of the classes (or with a
            last axis of size 1).
        y_pred: probabilities, or with `from_logits` what a softmax would make probabilities of.
        ignore_class: a label whose samples have loss 0 (it may lie outside the classes).

    Raises:
        ValueError: a label that is no class, one-hot targets (`categorical_crossentropy` takes those), other shapes.
    """
    y_true, y_pred = convert(y_true), convert(y_pred)
    if y_pred.dtype not in FLOATS:
        y_pred = convert(y_pred, config.floatx())
    y_true = _labels(y_true, y_pred, axis)
    y_pred, logits = _probabilities(y_pred, from_logits, axis)
    y_pred, logits = _last(y_pred, axis), None if logits is None else _last(logits, axis)
    try:
        return ops.sparse_crossentropy(y_true, y_pred, logits, ignore_class=ignore_class, epsilon=config.epsilon())
    except BadIndex as error:
        raise ValueError(_bad_label(y_true, error)) from None


def _probabilities(y_pred, from_logits, axis):
    """Probabilities and the logits behind them, None if those are unknown."""
    axis %= len(y_pred.shape)
    if from_logits:
        return ops.softmax(y_pred, axis=axis), y_pred
    if y_pred.logits is not None and y_pred.logits[0] == "softmax" and y_pred.logits[1]["axis"] % len(y_pred.shape) == axis:
        return y_pred, y_pred.logits[2]
    return y_pred, None


def _last(x, axis):
    return x if axis == -1 or axis == len(x.shape) - 1 else ops.moveaxis(x, axis, -1)


def _axis_last(y_true, y_pred, axis):
    return _last(y_true, axis), _last(y_pred, axis)


def _check_smoothing(label_smoothing):
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label_smoothing must lie between 0 and 1, received {label_smoothing!r}")


def _check_one_hot(y_true, y_pred):
    if y_true.shape == y_pred.shape and y_pred.shape:
        return
    classes = y_pred.shape[-1] if y_pred.shape else 1
    message = f"loss 'categorical_crossentropy': received y_true of shape {y_true.shape} and y_pred of shape {y_pred.shape}"
    if y_true.shape in (y_pred.shape[:-1], (*y_pred.shape[:-1], 1)):
        raise ValueError(f"{message}: these targets look like integer labels. Use loss='sparse_categorical_crossentropy', or "
                         f"make them one-hot with fastnn.utils.to_categorical(y, num_classes={classes})")
    raise ValueError(f"{message}: expected one-hot targets of shape {y_pred.shape}, with as many classes as the last layer has "
                     "units")


def _labels(y_true, y_pred, axis, name="sparse_categorical_crossentropy", dense="categorical_crossentropy"):
    """Integer labels in the shape of the predictions without the axis of the classes."""
    wanted = list(y_pred.shape)
    del wanted[axis]
    wanted = tuple(wanted)
    if y_true.shape == wanted:
        return y_true
    if y_true.size == _size(wanted) and y_true.shape in ((*wanted, 1), wanted[:-1] if wanted[-1:] == (1,) else None):
        return ops.reshape(y_true, shape=wanted)
    message = (f"loss {name!r}: received y_true of shape {y_true.shape} and y_pred of shape {y_pred.shape}, expected "
               f"integer labels of shape {wanted}")
    if y_true.shape == y_pred.shape:
        raise ValueError(f"{message}: these targets look one-hot. Use loss={dense!r}, or take their argmax over the last axis")
    if len(y_pred.shape) > 2 and y_true.shape in (y_pred.shape[:1], (*y_pred.shape[:1], 1)):
        raise ValueError(f"{message}. One label for each sample: the last layer needs an output of shape (batch, classes), so put "
                         "Flatten() or a global pooling before it")
    raise ValueError(message)


def _size(shape):
    size = 1
    for n in shape:
        size *= n
    return size


def _bad_label(y_true, error, name="sparse_categorical_crossentropy"):
    label = y_true.numpy().reshape(-1)[error.position].item()
    if isinstance(label, float) and not label.is_integer():
        return (f"loss {name!r}: the label {label} at position {error.position} is no integer. Labels "
                f"are class numbers from 0 to {error.limit - 1}; for targets that are no classes take another loss, such as 'mse'")
    return (f"loss {name!r}: label {label:.0f} at position {error.position} is none of the {error.limit} "
            f"classes (0 to {error.limit - 1}; the last layer has {error.limit} units): give the last layer more units, or number "
            "the labels from 0")


# ---- Composed of ops --------------------------------------------------------------------------------------------

def binary_focal_crossentropy(y_true, y_pred, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False,
                              label_smoothing=0.0, axis=-1):
    """Binary cross-entropy times (1 - p_t)^gamma, which plays down what is already right.  Source: Lin et al. 2017.

    Args:
        alpha: weight of the targets 1, 1 - alpha that of the targets 0, with `apply_class_balancing`.
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(*_floats(y_true, y_pred))
    _check_shapes("binary_focal_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    p = ops.clip(y_pred, config.epsilon(), 1.0 - config.epsilon())
    losses = -(y_true * ops.log(p) + (1.0 - y_true) * ops.log(1.0 - p))
    p_t = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    losses = ops.power(1.0 - p_t, gamma) * losses
    if apply_class_balancing:
        losses = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * losses
    return ops.mean(losses, axis=axis)


def categorical_focal_crossentropy(y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1):
    """Categorical cross-entropy with each class's share times alpha (1 - p)^gamma.  Source: Lin et al. 2017."""
    y_true, y_pred = _floats(y_true, y_pred)
    _check_one_hot(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1]
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    return ops.sum(ops.power(1.0 - p, gamma) * alpha * (-y_true * ops.log(p)), axis=axis)


def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """(1 - y_pred[label]^q) / q, which wrong labels disturb less than a cross-entropy.

    Args:
        y_true: integer labels 0 ... classes - 1, of the shape of `y_pred` without its last axis (or with one of size 1).
        y_pred: probabilities of the classes along the last axis.
        q: 0 < q < 1; near 0 the loss is the cross-entropy, near 1 the mean absolute error.

    Raises:
        ValueError: a label that is no class, one-hot targets, other shapes.

    Source: Zhang and Sabuncu 2018, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels".

    Example:
        >>> float(categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5)[0])
        1.0
    """
    y_true, y_pred = convert(y_true), convert(y_pred)
    if y_pred.dtype not in FLOATS:
        y_pred = convert(y_pred, config.floatx())
    name = "categorical_generalized_cross_entropy"
    y_true = _labels(y_true, y_pred, -1, name, "categorical_crossentropy")
    try:
        p = ops.pick_class(y_true, y_pred)
    except BadIndex as error:
        raise ValueError(_bad_label(y_true, error, name)) from None
    return (1.0 - ops.power(p, q)) / q


def ctc(y_true, y_pred):
    """CTC, for sequences of labels that are shorter than those of the predictions.  Source: Graves et al. 2006.

    Args:
        y_true: integer labels, (batch, max_labels); 0 is the blank: no label, and what fills the rows up.
        y_pred: logits, (batch, steps, classes).

    Raises:
        ValueError: other shapes, a label that is no class.
    """
    y_true, y_pred = _floats(y_true, y_pred)
    if len(y_true.shape) != 2 or len(y_pred.shape) != 3:
        raise ValueError(f"loss 'ctc': received y_true of shape {y_true.shape} and y_pred of shape {y_pred.shape}, expected "
                         "(batch, max_labels) and (batch, steps, classes): the last layer must give logits for each step")
    lengths = ops.full(shape=y_pred.shape[:1], fill_value=y_pred.shape[1], dtype="int32")
    return ops.ctc_loss(y_true, y_pred, ops.count_nonzero(y_true, axis=-1), lengths)


def dice(y_true, y_pred, axis=None):
    """1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred)), for segmentation.  Source: Dice 1945; Milletari et al. 2016."""
    y_true, y_pred = squeeze_or_expand_to_same_rank(*_floats(y_true, y_pred))
    _check_shapes("dice", y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    return 1.0 - 2.0 * both / (ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis) + config.epsilon())


def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 - tp / (tp + alpha fp + beta fn), `dice` with weights for both kinds of error.  Source: Salehi et al. 2017."""
    y_true, y_pred = squeeze_or_expand_to_same_rank(*_floats(y_true, y_pred))
    _check_shapes("tversky", y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    missed, wrong = ops.sum((1.0 - y_pred) * y_true, axis=axis), ops.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - both / (both + missed * alpha + wrong * beta + config.epsilon())
