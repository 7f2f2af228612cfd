"""Losses: as classes, as functions, and by the names of Keras."""
from ..utils import serialization
from .classes import (
    CTC, BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy, CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy, CategoricalHinge, Circle, CosineSimilarity, Dice, Hinge, Huber, KLDivergence, LogCosh,
    LossFunctionWrapper, MeanAbsoluteError,
    MeanAbsolutePercentageError, MeanSquaredError, MeanSquaredLogarithmicError, Poisson, SparseCategoricalCrossentropy,
    SquaredHinge, Tversky)
from .functions import (
    binary_crossentropy, binary_focal_crossentropy, categorical_crossentropy, categorical_focal_crossentropy,
    categorical_generalized_cross_entropy, categorical_hinge, cosine_similarity, ctc, dice, hinge, huber, kl_divergence, log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error, mean_squared_error, mean_squared_logarithmic_error, poisson,
    sparse_categorical_crossentropy, squared_hinge, tversky)
from .loss import Loss
from .pairs import circle

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
bce = BCE = binary_crossentropy
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh

_NAMES = {name: value for name, value in globals().items()
          if callable(value) and not name.startswith("_")} | {"cosine_proximity": cosine_similarity, "huber_loss": huber}


def get(identifier):
    """A loss from a name ("mse", "MeanSquaredError"), a config, a class, a function `f(y_true, y_pred)`, or None.

    Raises:
        ValueError: an unknown name (the message gives the nearest ones), or something that cannot be called.

    Example:
        >>> get("mse").__name__
        'mean_squared_error'
    """
    return serialization.get("loss", identifier, _NAMES)


def serialize(loss):
    """The config of a loss, or of a loss function."""
    return serialization.serialize(loss)


def deserialize(name, custom_objects=None):
    """A loss from its config or name."""
    return serialization.deserialize(name, _NAMES, custom_objects, "loss")
