"""`Loss`: from targets and predictions to one number that training makes small."""
from .. import config, ops
from ..changes import Noted
from ..ops.loss import repeats_of_weights
from ..tensor import Operand, convert, standardize_dtype
from ..utils.naming import unique_name

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
_MEANS = {"sum_over_batch_size": "mean", "mean": "mean", "sum": "sum", "mean_with_sample_weight": "mean_with_sample_weight"}


class Loss(Noted):
    """Base of losses.  A loss of your own overrides `call(y_true, y_pred)`, which returns one value for each sample.

    Args:
        name: by default made from the class name.
        reduction: what becomes of the losses of the samples: "sum_over_batch_size" or "mean" (their sum over their
            number), "sum", "mean_with_sample_weight" (over the sum of the weights), "none" or None (all are returned).
        dtype: "float32", "float64" or None for `fastnn.config.floatx()`.

    Raises:
        ValueError: another reduction.

    Example:
        >>> class MeanQuarticError(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.mean((y_pred - y_true) ** 4, axis=-1)
        >>> float(MeanQuarticError()([[0.0]], [[2.0]]))
        16.0
    """

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        if reduction not in REDUCTIONS:
            raise ValueError(f"{type(self).__name__}: reduction must be one of {', '.join(map(repr, REDUCTIONS))}, "
                             f"received {reduction!r}")
        self.name = unique_name(type(self).__name__) if name is None else name
        self.reduction = reduction
        self._dtype = None if dtype is None else standardize_dtype(getattr(dtype, "compute_dtype", dtype))

    @property
    def dtype(self):
        """The dtype that the loss is computed in."""
        return self._dtype or config.floatx()

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The loss of a batch.

        Args:
            y_true: targets.
            y_pred: predictions of the model.
            sample_weight: weights of the samples, shape (batch,), or of the values that `call` returns.

        Raises:
            ValueError: shapes that do not fit together, labels that are no classes.
        """
        mask = getattr(y_pred, "mask", None)
        y_true, y_pred = to_dtype(y_true, self._target_dtype(y_true)), to_dtype(y_pred, self.dtype)
        try:
            losses = self.call(y_true, y_pred)
        except ValueError as error:
            raise explained(f"loss {self.name!r}", error, y_true, y_pred) from error
        if losses is None:
            raise ValueError(f"loss {self.name!r} returned None, expected the losses of the samples: its function needs a `return`")
        losses = convert(losses, self.dtype)
        return reduce_weighted_values(losses, sample_weight, both(mask, self._mask(y_true, losses)), self.reduction, self.name)

    def call(self, y_true, y_pred):
        """The loss of each sample, to be written by subclasses."""
        raise TypeError(f"{type(self).__name__} must define `call(self, y_true, y_pred)`")

    def _target_dtype(self, y_true):
        return self.dtype

    def _mask(self, y_true, losses):
        """True for samples that count, False for the others; None if all do."""
        return getattr(losses, "mask", None)

    def get_config(self):
        """The arguments that make this loss again."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config):
        """A loss from the result of `get_config`."""
        return cls(**config)


def to_dtype(x, dtype):
    """Nested lists or dicts of arrays as tensors of a dtype (None: their own)."""
    if isinstance(x, dict):
        return {key: to_dtype(value, dtype) for key, value in x.items()}
    if isinstance(x, (list, tuple)) and x and isinstance(x[0], Operand):
        return type(x)([to_dtype(value, dtype) for value in x])
    if x.__class__ is not list and getattr(x, "dtype", None) == dtype and isinstance(x, Operand):
        return x
    return convert(x, dtype)


def explained(who, error, y_true, y_pred):
    """The error of a function that got targets and predictions of different shapes, with both shapes; else the error as it is."""
    shapes = getattr(y_true, "shape", None), getattr(y_pred, "shape", None)
    if None in shapes or shapes[0] == shapes[1] or "shape" not in str(error) or str(shapes[0]) in str(error) and str(shapes[1]) in str(error) \
            or str(error).startswith(who):
        return error
    return ValueError(f"{who} failed for targets of shape {shapes[0]} and predictions of shape {shapes[1]}: {error}. If they should "
                      "have one shape, give the last layer as many units as a target has values, or reshape the targets")


def squeeze_or_expand_to_same_rank(x1, x2, expand_rank_1=True):
    """Targets and predictions of one rank where one has a last axis of size 1 more: shapes (n,) and (n, 1) become (n, 1)."""
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if rank1 == rank2:
        return x1, x2
    if rank1 == rank2 + 1 and x1.shape[-1] == 1:
        if rank2 == 1 and expand_rank_1:
            x2 = reshaped(x2, (*x2.shape, 1))
        else:
            x1 = reshaped(x1, x1.shape[:-1])
    elif rank2 == rank1 + 1 and x2.shape[-1] == 1:
        if rank1 == 1 and expand_rank_1:
            x1 = reshaped(x1, (*x1.shape, 1))
        else:
            x2 = reshaped(x2, x2.shape[:-1])
    return x1, x2


def reshaped(x, shape):
    """The tensor in another shape; what it remembers of its logits comes along."""
    y = ops.reshape(x, shape=shape)
    if x.logits is not None and x.logits[0] == "sigmoid":
        op, attrs, logits = x.logits
        y.logits = op, attrs, ops.reshape(logits, shape=shape)
    return y


# ---- Masks and weights ------------------------------------------------------------------------------------------

def both(mask, other):
    """Two masks as one; None where there is none."""
    if mask is None or other is None:
        return other if mask is None else mask
    mask, other = squeeze_or_expand_to_same_rank(convert(mask, "bool"), convert(other, "bool"))
    return ops.logical_and(*leading(mask, other))


def leading(a, b):
    """Two tensors, of which the one of lower rank belongs to the other's leading axes, with as many axes."""
    if len(a.shape) > len(b.shape):
        return leading(b, a)[::-1]
    if len(a.shape) == len(b.shape) or not a.shape:
        return a, b
    return ops.reshape(a, shape=a.shape + (1,) * (len(b.shape) - len(a.shape))), b


def apply_mask(sample_weight, mask, dtype, reduction):
    """Sample weights that a mask is part of.  Where the losses become a mean, what the mask leaves weighs the more, so that the
    mean is over what counts."""
    if mask is None:
        return sample_weight
    mask = convert(convert(mask, "bool"), dtype)
    if reduction in ("sum_over_batch_size", "mean"):
        mask = mask * (mask.size / ops.maximum(ops.sum(mask), 1.0))
    if sample_weight is None:
        return mask
    return ops.multiply(*leading(*squeeze_or_expand_to_same_rank(mask, convert(sample_weight, dtype))))


# ---- From the losses of samples to one number -------------------------------------------------------------------

def reduce_weighted_values(values, sample_weight=None, mask=None, reduction="sum_over_batch_size", name="loss"):
    """Weighs the losses of samples and reduces them.

    Args:
        values: one loss for each sample (or each step of it).
        sample_weight: weights, of a shape that `values` broadcasts with.
        mask: true where a value counts; a mean is over those that count.
        reduction, name: of the loss.
    """
    weights = apply_mask(sample_weight, mask, values.dtype, reduction)
    if weights is None:
        return values if reduction in (None, "none") else ops.weighted_mean(values, None, reduction=_MEANS[reduction])
    given = convert(weights, values.dtype)
    what = "sample_weight" if mask is None else "the mask" if sample_weight is None else "sample_weight with the mask"
    values, weights = fit_weights(values, given, f"loss {name!r}", what)
    if reduction in (None, "none"):
        return values * spread(weights, values)
    if reduction == "mean_with_sample_weight" and weights.size != given.size:       # Keras divides by the weights as they came
        return ops.divide_no_nan(ops.weighted_mean(values, weights, reduction="sum"), ops.sum(given))
    return ops.weighted_mean(values, weights, reduction=_MEANS[reduction])


def fit_weights(values, weights, who, what="sample_weight"):
    """Values and weights as Keras broadcasts them; what is left to do is to repeat weights over the last axes.

    Args:
        values: what a loss or metric found, one number for each sample or more.
        weights: a tensor of the same dtype.
        who, what: of whom and of which weights messages speak.
    """
    values, weights = squeeze_or_expand_to_same_rank(values, weights)
    if repeats_of_weights(values.shape, weights.shape) is not None:
        return values, weights
    if not values.shape:
        raise ValueError(f"{who} gives one number for the whole batch, shape (), so that {what} of shape {weights.shape} cannot weigh "
                         "the samples: let it return one value for each sample, ops.mean(..., axis=-1) in place of ops.mean(...)")
    try:
        return values, ops.broadcast_to(weights, values.shape)
    except ValueError:
        expected = f"{values.shape[:1]} (one weight for each sample)"
        if len(values.shape) > 1:
            expected += f" or {values.shape} (one for each value)"
        hint = ". If there are as many weights as samples, it is the function that must return one value for each sample, its mean " \
               "over the last axes" if len(weights.shape) == 1 else ""
        raise ValueError(f"{who}: {what} has shape {weights.shape}, the values have shape {values.shape}; expected weights of shape "
                         f"{expected}{hint}") from None


def spread(weights, values):
    """Weights of the leading axes with as many axes as the values."""
    return ops.reshape(weights, shape=weights.shape + (1,) * (len(values.shape) - len(weights.shape)))
