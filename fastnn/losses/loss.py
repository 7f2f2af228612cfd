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
        y_true, y_pred = to_dtype(y_true, self._target_dtype(y_true)), to_dtype(y_pred, self.dtype)
        losses = self.call(y_true, y_pred)
        if losses is None:
            raise ValueError(f"loss {self.name!r} returned None, expected the losses of the samples: its function needs a `return`")
        return reduce_weighted_values(losses, sample_weight, self._mask(y_true), self.reduction, self.name)

    def call(self, y_true, y_pred):
        """The loss of each sample, to be written by subclasses."""
        raise TypeError(f"{type(self).__name__} must define `call(self, y_true, y_pred)`")

    def _target_dtype(self, y_true):
        return self.dtype

    def _mask(self, y_true):
        """1 for samples that count, 0 for the others; None if all do."""
        return None

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


# ---- From the losses of samples to one number -------------------------------------------------------------------

def reduce_weighted_values(values, sample_weight=None, mask=None, reduction="sum_over_batch_size", name="loss"):
    """Weighs the losses of samples and reduces them.

    Args:
        values: one loss for each sample (or each step of it).
        sample_weight: weights, of a shape that `values` broadcasts with.
        mask: 1 where a value counts, 0 elsewhere; a mean is over those that count.
        reduction, name: of the loss.
    """
    if sample_weight is not None:
        sample_weight = convert(sample_weight, values.dtype)
        values, sample_weight = fit_weights(values, sample_weight, name)
    if mask is not None:
        mask = convert(mask, values.dtype)
        if reduction in ("sum_over_batch_size", "mean"):
            mask = mask * (mask.size / ops.maximum(ops.sum(mask), 1.0))
        if sample_weight is not None:
            mask, sample_weight = squeeze_or_expand_to_same_rank(mask, sample_weight)
            mask = mask * sample_weight
        sample_weight = mask
    if reduction is None or reduction == "none":
        return values if sample_weight is None else values * spread(sample_weight, values)
    return ops.weighted_mean(values, sample_weight, reduction=_MEANS[reduction])


def fit_weights(values, weights, name):
    """Values and weights as Keras broadcasts them; what is left to do is to repeat weights over the last axes."""
    values, weights = squeeze_or_expand_to_same_rank(values, weights)
    if repeats_of_weights(values.shape, weights.shape) is not None:
        return values, weights
    try:
        return values, ops.broadcast_to(weights, values.shape)
    except ValueError:
        expected = f"{values.shape[:1]} (one weight for each sample)"
        if len(values.shape) > 1:
            expected += f" or {values.shape} (one for each value)"
        raise ValueError(f"loss {name!r}: sample_weight has shape {weights.shape}, expected {expected}") from None


def spread(weights, values):
    """Weights of the leading axes with as many axes as the values."""
    return ops.reshape(weights, shape=weights.shape + (1,) * (len(values.shape) - len(weights.shape)))
