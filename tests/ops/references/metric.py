"""What the ops of metrics add to their variables, in NumPy and float64."""
import numpy as np

from .loss import spread, wide


def cells(state, sums):
    """A state of its own shape and dtype, with sums added."""
    return np.asarray(state + sums.reshape(np.shape(state)))


def confusion_update(tp, fp, tn, fn, edges, places, y_true, y_pred, weights=None, label_weights=None, *, spacing=0, class_id=None,
                     multi_label=False):
    t, p = y_true, y_pred
    if class_id is not None:
        t, p = t[..., class_id], p[..., class_id]
    w = np.ones(p.shape) if weights is None else spread(p, np.asarray(weights, "float64"))
    w = w if label_weights is None else w * label_weights
    if spacing:
        edges = np.linspace(0, 1, edges.size)
        edges[0] = -1 if spacing == 2 else 0
        p = np.clip(p, 0, 1)
    found = [None if v is None else np.array(v, "float64") for v in (tp, fp, tn, fn)]
    for edge, place in zip(edges, places):
        called, true = p > edge, t != 0
        for v, which in zip(found, (called & true, called & ~true, ~called & ~true, ~called & true)):
            if v is not None:
                v[place] += (which * w).sum(0) if multi_label else (which * w).sum()
    return [v for v in found if v is not None]


def keep_top_k(x, *, k, low=-1e10):
    order = np.argsort(-x, axis=-1, kind="stable")[..., :k]
    y = np.full_like(x, low)
    np.put_along_axis(y, order, np.take_along_axis(x, order, -1), -1)
    return y


def confusion_matrix_update(matrix, y_true, y_pred, weights=None, *, ignore_class=None):
    w = np.ones(y_true.shape) if weights is None else spread(y_true, weights)
    counts = np.ones_like(matrix, "bool") if ignore_class is None else y_true != ignore_class
    counts = np.broadcast_to(True, y_true.shape) if ignore_class is None else counts
    found = np.array(matrix)
    np.add.at(found, (y_true[counts].astype(int), y_pred[counts].astype(int)), w[counts].astype(found.dtype))
    return found


def score_update(tp, fp, fn, positives, y_true, y_pred, weights=None, *, threshold=None):
    t, p, w = wide(y_true, y_pred, weights)
    said = p == p.max(1, keepdims=True) if threshold is None else p > threshold
    w = np.ones((len(t), 1)) if w is None else w[:, None]
    axis = None if np.ndim(tp) == 0 else 0
    sums = [(w * x).sum(axis) for x in (said * t, said * (1 - t), (1 - said) * t, t)]
    return [cells(v, s) for v, s in zip((tp, fp, fn, positives), sums)]


def residual_update(samples, squares, sum, residual, count, y_true, y_pred, weights=None):
    t, p, w = wide(y_true, y_pred, weights)
    w = np.ones(t.shape) if w is None else spread(t, w)
    sums = [(w * x).sum(0) for x in (t * t, t, (t - p)**2, np.ones(t.shape))]
    return [np.asarray(samples + t.size), *[cells(v, s) for v, s in zip((squares, sum, residual, count), sums)]]


def pick_class(labels, x):
    return np.take_along_axis(x, labels.astype("int64")[..., None], -1)[..., 0]
