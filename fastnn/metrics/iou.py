"""Intersection over union: how well predicted classes cover the true ones, for segmentation."""
from .. import config, ops
from ..device import BadIndex
from ..tensor import FLOATS, convert
from ..utils.warn_utils import warn
from .metric import Metric


class IoU(Metric):
    """The mean over some classes of intersection over union: of the values that are of a class, or predicted as such, the share
    that is both.  Classes that never came count in no mean.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes of the mean.
        name: see `Metric`.
        dtype: of the counts, "int32" by default; with weights that are no integers "float32" is needed.
        ignore_class: a label whose values do not count (it may lie outside the classes).
        sparse_y_true, sparse_y_pred: whether targets, predictions are class numbers; else the place of the highest value along
            `axis` is the class.
        axis: of the classes.

    Raises:
        ValueError: a class in `target_class_ids` that there is not; in a batch: a label or prediction that is no class.

    Example:
        >>> float(IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1]))
        0.3333333134651184
    """

    def __init__(self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_true=True,
                 sparse_y_pred=True, axis=-1):
        super().__init__(name=name, dtype=dtype or "int32")
        if max(target_class_ids) >= num_classes:
            raise ValueError(f"{type(self).__name__}: target_class_ids {list(target_class_ids)} must be classes from 0 to "
                             f"{num_classes - 1}")
        self.num_classes, self.target_class_ids, self.ignore_class = num_classes, list(target_class_ids), ignore_class
        self.sparse_y_true, self.sparse_y_pred, self.axis = sparse_y_true, sparse_y_pred, axis
        self.total_cm = self.add_variable((num_classes, num_classes), name="total_confusion_matrix")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes in a batch: targets and predictions, weights of the shape of the targets (or of their leading axes)."""
        y_true, y_pred = convert(y_true), convert(y_pred)
        y_true = y_true if self.sparse_y_true else ops.argmax(y_true, axis=self.axis)
        y_pred = y_pred if self.sparse_y_pred else ops.argmax(y_pred, axis=self.axis)
        if y_true.shape != y_pred.shape:
            if y_true.size != y_pred.size:
                raise ValueError(f"metric {self.name!r}: expected as many predicted classes as labels, received labels of shape "
                                 f"{y_true.shape} and predicted classes of shape {y_pred.shape}: if these are probabilities of "
                                 "classes, set sparse_y_pred=False, for one-hot targets sparse_y_true=False")
            y_pred = ops.reshape(y_pred, shape=y_true.shape)
        try:
            ops.confusion_matrix_update(self.total_cm, y_true, y_pred, self._weights(y_true, sample_weight),
                                        ignore_class=self.ignore_class)
        except BadIndex as error:
            raise ValueError(self._explain(error, y_true)) from None

    def _weights(self, y_true, sample_weight):
        if sample_weight is None:
            return None
        weights = convert(sample_weight)
        if weights.dtype in FLOATS and self.dtype not in FLOATS:
            warn(f"metric {self.name!r} has counts of dtype {self.dtype}, which cuts weights of dtype {weights.dtype} to integers: "
                 "make it with dtype='float32'")
        weights = convert(weights, "float64")
        while len(weights.shape) > len(y_true.shape) and weights.shape[-1] == 1:
            weights = ops.squeeze(weights, axis=-1)
        if weights.shape == y_true.shape[:len(weights.shape)]:
            return weights
        if weights.size == y_true.size:
            return ops.reshape(weights, shape=y_true.shape)
        try:
            return ops.broadcast_to(weights, y_true.shape)
        except ValueError:
            raise ValueError(f"metric {self.name!r}: sample_weight has shape {weights.shape}, expected that of the labels, "
                             f"{y_true.shape}, or of their first axes") from None

    def _explain(self, error, y_true):
        position, n = error.position, y_true.size
        what = "label" if position < n else "predicted class"
        hint = "number the classes from 0" + ("; labels that are not to count can be named with ignore_class" if position < n else
                                              ", and for probabilities of classes set sparse_y_pred=False")
        return (f"metric {self.name!r}: {what} {error.value} at position {position % n} is none of the {self.num_classes} classes "
                f"(0 to {self.num_classes - 1}): set num_classes={error.value + 1} if there are so many, or {hint}"
                if error.value >= self.num_classes else
                f"metric {self.name!r}: {what} {error.value} at position {position % n} is none of the {self.num_classes} classes "
                f"(0 to {self.num_classes - 1}): {hint}")

    def result(self):
        counts = convert(ops.add(self.total_cm, 0), "float32" if self.dtype not in FLOATS else self.dtype)
        right = ops.reshape(counts, shape=(-1,))[::self.num_classes + 1]
        either = ops.sum(counts, axis=0) + ops.sum(counts, axis=1) - right
        if self.target_class_ids != list(range(self.num_classes)):
            right, either = [ops.stack([x[i] for i in self.target_class_ids]) for x in (right, either)]
        right, either = convert(right, "float32"), convert(either, "float32")
        some = convert(ops.greater(either, 1e-9), "float32")
        return ops.sum(right / (either + config.epsilon()) * some) / (ops.sum(some) + config.epsilon())

    def _config(self, *names):
        return {**Metric.get_config(self), **{name: getattr(self, name) for name in names}}

    def get_config(self):
        return self._config("num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")


class BinaryIoU(IoU):
    """`IoU` for targets 0 and 1 and predictions that count as 1 from a threshold on.

    Args:
        target_class_ids: [0], [1], or [0, 1] for the mean of both.
        threshold: from which on a prediction counts as 1.
        name, dtype: see `IoU`.

    Example:
        >>> float(BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]))
        0.3333333134651184
    """

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(num_classes=2, target_class_ids=target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes in a batch; see `IoU.update_state`."""
        super().update_state(y_true, ops.greater_equal(convert(y_pred, "float32"), self.threshold), sample_weight)

    def get_config(self):
        return self._config("target_class_ids", "threshold")


class MeanIoU(IoU):
    """`IoU` with all classes in the mean.

    Args: as for `IoU`, without `target_class_ids`.

    Example:
        >>> float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1]))
        0.3333333134651184
    """

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_true=True, sparse_y_pred=True, axis=-1):
        super().__init__(num_classes, list(range(num_classes)), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self):
        return self._config("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")


class OneHotIoU(IoU):
    """`IoU` for one-hot targets, and predictions with a value for each class.

    Args: as for `IoU`, without `sparse_y_true`; `sparse_y_pred` is False by default.
    """

    def __init__(self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self):
        return self._config("num_classes", "target_class_ids", "ignore_class", "sparse_y_pred", "axis")


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` for one-hot targets, and predictions with a value for each class.

    Args: as for `MeanIoU`, without `sparse_y_true`; `sparse_y_pred` is False by default.
    """

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self):
        return self._config("num_classes", "ignore_class", "sparse_y_pred", "axis")
