"""Small conversions of arrays that go into a model."""

import numpy as np


def to_categorical(x, num_classes=None):
    """Class numbers as one-hot rows.

    Args:
        x: array-like of integers from 0 to `num_classes - 1`. A last axis of length 1 is dropped.
        num_classes: number of classes; by default the largest number plus 1.

    Returns:
        A float64 array of the shape of `x` with one axis of length `num_classes` added at the end.

    Raises:
        ValueError: a number is negative or not smaller than `num_classes`, or `x` is empty and `num_classes` not given.

    Example:

    >>> import fastnn
    >>> fastnn.utils.to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    """
    labels = np.asarray(x)
    if labels.dtype.kind not in "iufb":
        raise ValueError(f"[to_categorical] Class numbers are integers. Received: an array of dtype {labels.dtype}. "
                         "np.unique(x, return_inverse=True)[1] numbers names")
    labels = labels.astype("int64")
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    labels = labels.reshape(-1)
    if not num_classes:
        if not labels.size:
            raise ValueError("[to_categorical] `x` is empty: pass `num_classes`, which cannot be told from it.")
        num_classes = int(labels.max()) + 1
    if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
        raise ValueError(
            f"[to_categorical] Class numbers must lie between 0 and num_classes - 1 = {num_classes - 1}. "
            f"Received: numbers from {labels.min()} to {labels.max()}."
        )
    rows = np.zeros((labels.size, num_classes))
    rows[np.arange(labels.size), labels] = 1
    return rows.reshape(*shape, num_classes)


def normalize(x, axis=-1, order=2):
    """`x` divided by its norm along an axis; where the norm is 0, `x` stays.

    Args:
        x: array-like of numbers.
        axis: the axis along which the norm is taken.
        order: order of the norm: 2 (Euclidean), 1, `numpy.inf` ..., as in `numpy.linalg.norm`.

    Returns:
        A floating-point array of the shape of `x`.

    Example:

    >>> import fastnn
    >>> fastnn.utils.normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    x = np.asarray(x)
    norm = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norm == 0, np.ones_like(norm), norm)


def is_finite(array):
    """Whether there is neither NaN nor infinity in an array."""
    if array.dtype.kind != "f":
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.sum()         # of finite numbers it may be infinite, seldom
    return bool(np.isfinite(total)) or bool(np.isfinite(array).all())
