"""Metrics: as classes that gather over batches, as functions, and by the names of Keras."""
from ..utils import serialization
from .auc import AUC
from .confusion import (
    FalseNegatives, FalsePositives, Precision, PrecisionAtRecall, Recall, RecallAtPrecision, SensitivityAtSpecificity,
    SpecificityAtSensitivity, TrueNegatives, TruePositives)
from .functions import (
    accuracy, binary_accuracy, binary_crossentropy, binary_focal_crossentropy, categorical_accuracy, categorical_crossentropy,
    categorical_focal_crossentropy, categorical_hinge, concordance_correlation, cosine_similarity, hinge, huber, kl_divergence,
    log_cosh, mean_absolute_error, mean_absolute_percentage_error, mean_squared_error, mean_squared_logarithmic_error,
    pearson_correlation, poisson, sparse_categorical_accuracy, sparse_categorical_crossentropy, sparse_top_k_categorical_accuracy, squared_hinge,
    top_k_categorical_accuracy)
from .iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from .means import (
    Accuracy, BinaryAccuracy, BinaryCrossentropy, CategoricalAccuracy, CategoricalCrossentropy, CategoricalHinge,
    ConcordanceCorrelation, CosineSimilarity, Hinge, KLDivergence, LogCoshError, MeanAbsoluteError, MeanAbsolutePercentageError,
    MeanSquaredError, MeanSquaredLogarithmicError, PearsonCorrelation, Poisson, RootMeanSquaredError, SparseCategoricalAccuracy, SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy, SquaredHinge, TopKCategoricalAccuracy)
from .metric import Mean, MeanMetricWrapper, Metric, Sum
from .scores import F1Score, FBetaScore, R2Score

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
bce = BCE = binary_crossentropy
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh

_CLASSES = [value for value in list(globals().values()) if isinstance(value, type) and issubclass(value, Metric)]
_NAMES = serialization.name_table(
    *_CLASSES, acc=Accuracy, bce=BinaryCrossentropy, BCE=BinaryCrossentropy, mse=MeanSquaredError, MSE=MeanSquaredError,
    mae=MeanAbsoluteError, MAE=MeanAbsoluteError, mape=MeanAbsolutePercentageError, MAPE=MeanAbsolutePercentageError,
    msle=MeanSquaredLogarithmicError, MSLE=MeanSquaredLogarithmicError, rmse=RootMeanSquaredError, RMSE=RootMeanSquaredError,
    kld=KLDivergence, KLD=KLDivergence, kl_divergence=KLDivergence, kullback_leibler_divergence=KLDivergence,
    logcosh=LogCoshError, log_cosh=LogCoshError, cosine_proximity=CosineSimilarity,
    top_k_categorical_accuracy=TopKCategoricalAccuracy, sparse_top_k_categorical_accuracy=SparseTopKCategoricalAccuracy)


def get(identifier):
    """A metric from a name ("mae", "MeanAbsoluteError"), a config, a class, a function `f(y_true, y_pred)`, or None.

    What "accuracy" means to a model depends on its outputs and loss: `compile` works that out; here it is `Accuracy`.

    Raises:
        ValueError: an unknown name (the message gives the nearest ones), or something that cannot be called.

    Example:
        >>> get("mae")
        <MeanAbsoluteError name='mean_absolute_error'>
    """
    return serialization.get("metric", identifier, _NAMES)


def serialize(metric):
    """The config of a metric, or of a metric function."""
    return serialization.serialize(metric)


def deserialize(config, custom_objects=None):
    """A metric from its config or name."""
    return serialization.deserialize(config, _NAMES, custom_objects, "metric")
