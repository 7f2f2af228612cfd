"""The losses as classes: each holds the arguments of its function, and reduces what that returns."""
import inspect

from .. import ops
from ..utils import serialization
from . import functions
from .loss import Loss, squeeze_or_expand_to_same_rank
from .pairs import circle


class LossFunctionWrapper(Loss):
    """A function `fn(y_true, y_pred, **kwargs)` that returns one loss for each sample, as a `Loss`.

    Args:
        fn: the function.
        reduction, name, dtype: see `Loss`.
        **kwargs: further arguments for the function.
    """

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn, self._fn_kwargs = fn, kwargs

    def call(self, y_true, y_pred):
        if not isinstance(y_true, (dict, list, tuple)):
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self):
        return {**super().get_config(), "fn": serialization.serialize(self.fn), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config):
        if isinstance(config.get("fn"), dict):
            config = {**config, "fn": serialization.deserialize(config["fn"], vars(functions), kind="loss function")}
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name!r} reduction={self.reduction!r}>"


class _Named(LossFunctionWrapper):
    """Base of the losses below: the function is `function`, what `__init__` takes beyond a Loss goes to it."""

    function = None

    def _set(self, reduction, name, dtype, **kwargs):
        LossFunctionWrapper.__init__(self, type(self).function, reduction, name, dtype, **kwargs)
        vars(self).update(kwargs)

    def call(self, y_true, y_pred):
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    forgotten = ()          # arguments that Keras' configs lack: here they are written if they are not the default

    def get_config(self):
        default = inspect.signature(type(self).__init__).parameters
        return {**Loss.get_config(self), **{name: value for name, value in self._fn_kwargs.items()
                                            if name not in self.forgotten or value != default[name].default}}


def _plain(class_name, function, default_name=None):
    """A loss class whose function takes no further arguments."""
    default_name = default_name or function.__name__

    def __init__(self, reduction="sum_over_batch_size", name=default_name, dtype=None):
        self._set(reduction, name, dtype)

    doc = f"""{inspect.getdoc(function)}

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> loss = {class_name}()
        >>> value = loss([[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]])
    """
    return type(class_name, (_Named,), {"__init__": __init__, "__doc__": doc, "__module__": __name__,
                                        "function": staticmethod(function)})


MeanSquaredError = _plain("MeanSquaredError", functions.mean_squared_error)
MeanAbsoluteError = _plain("MeanAbsoluteError", functions.mean_absolute_error)
MeanAbsolutePercentageError = _plain("MeanAbsolutePercentageError", functions.mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _plain("MeanSquaredLogarithmicError", functions.mean_squared_logarithmic_error)
LogCosh = _plain("LogCosh", functions.log_cosh)
Poisson = _plain("Poisson", functions.poisson)
KLDivergence = _plain("KLDivergence", functions.kl_divergence)
Hinge = _plain("Hinge", functions.hinge)
SquaredHinge = _plain("SquaredHinge", functions.squared_hinge)
CategoricalHinge = _plain("CategoricalHinge", functions.categorical_hinge)


class Huber(_Named):
    """Half the square of errors up to `delta`, linear beyond.

    Args:
        delta: where the loss becomes linear, > 0.
        reduction, name, dtype: see `Loss`.
    """

    function, forgotten = staticmethod(functions.huber), ("delta",)

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        self._set(reduction, name, dtype, delta=delta)


class CosineSimilarity(_Named):
    """-cos of the angle between targets and predictions: -1 for the same direction, 1 for the opposite one.

    Args:
        axis: along which the vectors lie.
        reduction, name, dtype: see `Loss`.
    """

    function, forgotten = staticmethod(functions.cosine_similarity), ("axis",)

    def __init__(self, axis=-1, reduction="sum_over_batch_size", name="cosine_similarity", dtype=None):
        self._set(reduction, name, dtype, axis=axis)


class BinaryCrossentropy(_Named):
    """Cross-entropy of targets 0 and 1.

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: 0 to 1; moves targets towards 0.5.
        axis: over which the mean of a sample is taken.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> float(BinaryCrossentropy(from_logits=True)([[1.0]], [[0.0]]))
        0.6931471824645996
    """

    function = staticmethod(functions.binary_crossentropy)

    def __init__(self, from_logits=False, label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size",
                 name="binary_crossentropy", dtype=None):
        self._set(reduction, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalCrossentropy(_Named):
    """Cross-entropy of one-hot targets (or of probabilities of classes).

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: 0 to 1; moves targets towards an even distribution.
        axis: of the classes.
        reduction, name, dtype: see `Loss`.
    """

    function = staticmethod(functions.categorical_crossentropy)

    def __init__(self, from_logits=False, label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size",
                 name="categorical_crossentropy", dtype=None):
        self._set(reduction, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(_Named):
    """Cross-entropy of integer labels.

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        ignore_class: a label whose samples do not count, in the loss or in its mean.
        axis: of the classes.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> loss = SparseCategoricalCrossentropy(from_logits=True)
        >>> float(loss([1], [[0.0, 0.0]]))
        0.6931471824645996
    """

    function, forgotten = staticmethod(functions.sparse_categorical_crossentropy), ("axis",)

    def __init__(self, from_logits=False, ignore_class=None, reduction="sum_over_batch_size", axis=-1,
                 name="sparse_categorical_crossentropy", dtype=None):
        self._set(reduction, name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis)

    def _target_dtype(self, y_true):
        return None                     # labels stay integers

    def _mask(self, y_true, losses):
        if self.ignore_class is None:
            return None
        return ops.reshape(ops.not_equal(y_true, self.ignore_class), shape=losses.shape)


class BinaryFocalCrossentropy(_Named):
    """Binary cross-entropy times (1 - p_t)^gamma, which plays down what is already right.  Source: Lin et al. 2017.

    Args:
        apply_class_balancing: whether targets 1 weigh `alpha` and targets 0 weigh 1 - alpha.
        alpha, gamma: weight, and strength of the focus.
        from_logits, label_smoothing, axis: see `BinaryCrossentropy`.
        reduction, name, dtype: see `Loss`.
    """

    function = staticmethod(functions.binary_focal_crossentropy)

    def __init__(self, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1,
                 reduction="sum_over_batch_size", name="binary_focal_crossentropy", dtype=None):
        self._set(reduction, name, dtype, apply_class_balancing=apply_class_balancing, alpha=alpha, gamma=gamma,
                  from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalFocalCrossentropy(_Named):
    """Categorical cross-entropy with each class's share times alpha (1 - p)^gamma.  Source: Lin et al. 2017.

    Args:
        alpha, gamma: weight, and strength of the focus.
        from_logits, label_smoothing, axis: see `CategoricalCrossentropy`.
        reduction, name, dtype: see `Loss`.
    """

    function = staticmethod(functions.categorical_focal_crossentropy)

    def __init__(self, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1,
                 reduction="sum_over_batch_size", name="categorical_focal_crossentropy", dtype=None):
        self._set(reduction, name, dtype, alpha=alpha, gamma=gamma, from_logits=from_logits,
                  label_smoothing=label_smoothing, axis=axis)


class CTC(_Named):
    """Connectionist temporal classification, for sequences of labels that are shorter than those of the predictions: `ctc`.

    Args:
        reduction, name, dtype: see `Loss`.
    """

    function = staticmethod(functions.ctc)

    def __init__(self, reduction="sum_over_batch_size", name="ctc", dtype=None):
        self._set(reduction, name, dtype)


class Dice(_Named):
    """1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred)), for segmentation.

    Args:
        axis: over which the sums go; None for all.
        reduction, name, dtype: see `Loss`.
    """

    function = staticmethod(functions.dice)

    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
        self._set(reduction, name, dtype, axis=axis)


class Tversky(_Named):
    """`Dice` with a weight for each of the two kinds of error.  Source: Salehi et al. 2017.

    Args:
        alpha, beta: weights.
        axis: over which the sums go; None for all.
        reduction, name, dtype: see `Loss`.
    """

    function = staticmethod(functions.tversky)

    def __init__(self, alpha=0.5, beta=0.5, reduction="sum_over_batch_size", name="tversky", axis=None, dtype=None):
        self._set(reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


class CategoricalGeneralizedCrossEntropy(_Named):
    """(1 - p^q) / q, p the probability of the label: less disturbed by wrong labels than a cross-entropy.

    Args:
        q: 0 < q < 1; near 0 the loss is the cross-entropy, near 1 the mean absolute error.
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: a q that does not lie between 0 and 1.

    Source: Zhang and Sabuncu 2018.

    Example:
        >>> float(CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]]))
        1.0
    """

    function = staticmethod(functions.categorical_generalized_cross_entropy)

    def __init__(self, q=0.5, reduction="sum_over_batch_size", name="categorical_generalized_cross_entropy", dtype=None):
        if not 0 < q < 1:
            raise ValueError(f"CategoricalGeneralizedCrossEntropy: q must lie between 0 and 1, received {q!r}")
        self._set(reduction, name, dtype, q=q)

    def _target_dtype(self, y_true):
        return None


class Circle(_Named):
    """Pulls embeddings of a label together and pushes others apart: see `fastnn.losses.circle`.

    Samples with no pair of their label, or none of another, do not count, in the loss or in its mean.

    Args:
        gamma: scale of the similarities.
        margin: how strict the borders are.
        remove_diagonal: whether a sample is not compared with itself.
        reduction, name, dtype: see `Loss`.

    Source: Sun et al. 2020.
    """

    function = staticmethod(circle)

    def __init__(self, gamma=80.0, margin=0.4, remove_diagonal=True, reduction="sum_over_batch_size", name="circle", dtype=None):
        self._set(reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)

    def _target_dtype(self, y_true):
        return None

    def _mask(self, y_true, losses):
        return ops.greater(losses, 0.0)
