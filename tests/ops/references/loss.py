"""What the loss ops compute, in NumPy and float64."""
import numpy as np


def wide(*arrays):
    return [None if a is None else np.asarray(a, "float64") for a in arrays]


def softmax(x, *, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True)) if x.size else x
    return e / e.sum(axis, keepdims=True)


def softmax_grad(dy, y, *, axis=-1):
    return y * (dy - (dy * y).sum(axis, keepdims=True))


def log_softmax(x, *, axis=-1):
    return np.log(softmax(x.astype("float64"), axis=axis))


def log_softmax_grad(dy, y, *, axis=-1):
    return dy - np.exp(y) * dy.sum(axis, keepdims=True)


def smoothed(t, label_smoothing):
    return t * (1 - label_smoothing) + label_smoothing / t.shape[-1]


def normalized(p, epsilon):
    return np.clip(p / p.sum(-1, keepdims=True), epsilon, 1 - epsilon)


def crossentropy(y_true, y_pred, logits=None, *, label_smoothing=0.0, epsilon=1e-7):
    t, p, x = wide(y_true, y_pred, logits)
    log_p = np.log(normalized(p, epsilon)) if x is None else log_softmax(x)
    return -(smoothed(t, label_smoothing) * log_p).sum(-1)


def crossentropy_grad(dloss, y_true, y_pred, *, to_logits, label_smoothing=0.0, epsilon=1e-7):
    dloss, t, p = wide(dloss, y_true, y_pred)
    t = smoothed(t, label_smoothing)
    if to_logits:
        return dloss[..., None] * (p * t.sum(-1, keepdims=True) - t)
    total = p.sum(-1, keepdims=True)
    return dloss[..., None] * (t.sum(-1, keepdims=True) / total - t / p)


def crossentropy_target_grad(dloss, y_pred, logits=None, *, label_smoothing=0.0, epsilon=1e-7):
    dloss, p, x = wide(dloss, y_pred, logits)
    if x is not None:                       # y_pred is their softmax, but for the largest only its logarithm is read
        k = x.argmax(-1)[..., None]
        log_p = x - np.take_along_axis(x, k, -1) + np.log(np.take_along_axis(p, k, -1))
    else:
        log_p = np.log(normalized(p, epsilon))
    return -dloss[..., None] * (1 - label_smoothing) * log_p


def one_hot(labels, n):
    return (labels[..., None] == np.arange(n)).astype("float64")


def sparse_crossentropy(y_true, y_pred, logits=None, *, ignore_class=None, epsilon=1e-7):
    loss = crossentropy(one_hot(y_true, y_pred.shape[-1]), y_pred, logits, epsilon=epsilon)
    return loss if ignore_class is None else np.where(y_true == ignore_class, 0.0, loss)


def sparse_crossentropy_grad(dloss, y_true, y_pred, *, to_logits, ignore_class=None, epsilon=1e-7):
    if ignore_class is not None:
        dloss = np.where(y_true == ignore_class, 0.0, dloss)
    return crossentropy_grad(dloss, one_hot(y_true, y_pred.shape[-1]), y_pred, to_logits=to_logits, epsilon=epsilon)


# ---- Losses of two rows -----------------------------------------------------------------------------------------

def unit(x, epsilon):
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), epsilon)


def row_loss(y_true, y_pred, logits=None, *, kind, parameter=0.0, epsilon=1e-7):
    if logits is not None:
        y_pred, kind = logits, f"{kind}_from_logits"
    t, p = wide(y_true, y_pred)
    e, c = p - t, parameter
    if kind == "categorical_hinge":
        return np.maximum(((1 - t) * p).max(-1) - (t * p).sum(-1) + 1, 0)
    if kind == "cosine_similarity":
        return -(unit(t, epsilon) * unit(p, epsilon)).sum(-1)
    if kind == "kl_divergence":
        t, p = np.clip(t, epsilon, 1), np.clip(p, epsilon, 1)
        return (t * np.log(t / p)).sum(-1)
    if kind.startswith("binary"):
        t = t * (1 - c) + 0.5 * c
        q = 1 / (1 + np.exp(-p)) if kind.endswith("logits") else np.clip(p, epsilon, 1 - epsilon)
    if "hinge" in kind and np.isin(t, (0, 1)).all():
        t = 2 * t - 1
    values = {
        "mean_squared_error": lambda: e**2,
        "mean_absolute_error": lambda: np.abs(e),
        "mean_absolute_percentage_error": lambda: 100 * np.abs(e) / np.maximum(np.abs(t), epsilon),
        "mean_squared_logarithmic_error": lambda: np.log(np.maximum(p, epsilon) + 1) - np.log(np.maximum(t, epsilon) + 1),
        "huber": lambda: np.where(np.abs(e) <= c, 0.5 * e**2, c * np.abs(e) - 0.5 * c**2),
        "log_cosh": lambda: np.log(np.cosh(e)),
        "hinge": lambda: np.maximum(1 - t * p, 0),
        "squared_hinge": lambda: np.maximum(1 - t * p, 0)**2,
        "poisson": lambda: p - t * np.log(p + epsilon),
        "binary_crossentropy": lambda: -(t * np.log(q) + (1 - t) * np.log(1 - q)),
        "binary_crossentropy_from_logits": lambda: -(t * np.log(q) + (1 - t) * np.log(1 - q)),
    }[kind]()
    return (values**2 if kind == "mean_squared_logarithmic_error" else values).mean(-1)


def log_ratio(p, t):
    return np.log1p(p) - np.log1p(t)


def slopes(y_true, y_pred, kind, parameter=0.0, epsilon=1e-7):
    """The derivatives of each row's loss with regard to the targets and to the predictions, away from kinks."""
    t, p = wide(y_true, y_pred)
    e, c, n = p - t, parameter, t.shape[-1]
    if kind == "categorical_hinge":
        other = one_hot(((1 - t) * p).argmax(-1), n)
        active = (row_loss(t, p, kind=kind) > 0)[..., None]
        return active * (-p - other * p), active * (other * (1 - t) - t)
    if kind == "cosine_similarity":
        size_t, size_p = [np.linalg.norm(x, axis=-1, keepdims=True) for x in (t, p)]
        cosine = (t * p).sum(-1, keepdims=True) / (size_t * size_p)
        return (cosine * t / size_t - p / size_p) / size_t, (cosine * p / size_p - t / size_t) / size_p
    if kind == "kl_divergence":
        return np.log(t / p) + 1, -t / p
    twice = 2 if "hinge" in kind and np.isin(t, (0, 1)).all() else 1
    t = 2 * t - 1 if twice == 2 else t
    margin, smooth = np.maximum(1 - t * p, 0), t * (1 - c) + 0.5 * c
    of_t, of_p = {
        "mean_squared_error": lambda: (-2 * e, 2 * e),
        "mean_absolute_error": lambda: (-np.sign(e), np.sign(e)),
        "mean_absolute_percentage_error": lambda: (-100 * np.sign(e) * p / t**2, 100 * np.sign(e) / t),
        "mean_squared_logarithmic_error": lambda: (-2 * log_ratio(p, t) / (1 + t), 2 * log_ratio(p, t) / (1 + p)),
        "huber": lambda: (-np.clip(e, -c, c), np.clip(e, -c, c)),
        "log_cosh": lambda: (-np.tanh(e), np.tanh(e)),
        "hinge": lambda: (-p * (margin > 0), -t * (margin > 0)),
        "squared_hinge": lambda: (-2 * p * margin, -2 * t * margin),
        "poisson": lambda: (-np.log(p + epsilon), 1 - t / (p + epsilon)),
        "binary_crossentropy": lambda: ((1 - c) * np.log((1 - p) / p), (p - smooth) / (p * (1 - p))),
        "binary_crossentropy_from_logits": lambda: (-(1 - c) * p, 1 / (1 + np.exp(-p)) - smooth),
    }[kind]()
    return twice * of_t / n, of_p / n


def row_loss_grad(dloss, y_true, y_pred, **attrs):
    return dloss[..., None] * slopes(y_true, y_pred, **attrs)[1]


def row_loss_target_grad(dloss, y_true, y_pred, **attrs):
    return dloss[..., None] * slopes(y_true, y_pred, **attrs)[0]


# ---- One number -------------------------------------------------------------------------------------------------

def spread(values, weights):
    """The weights in the shape of the values."""
    while weights.ndim > 0 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    return np.broadcast_to(weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim)), values.shape)


def divisor(values, weights, reduction):
    if reduction == "sum":
        return 1.0
    return values.size if reduction == "mean" or weights is None else weights.sum()


def weighted_mean(values, weights=None, *, reduction="mean"):
    values, weights = wide(values, weights)
    total = values.sum() if weights is None else (values * spread(values, weights)).sum()
    by = divisor(values, weights, reduction)
    return total / by if by else 0.0


def weighted_mean_grad(dy, values, weights=None, *, reduction="mean"):
    ones = np.ones(values.shape) if weights is None else spread(values, weights)
    return dy * ones / divisor(values, weights, reduction)


def weighted_mean_weight_grad(dy, values, weights, y, *, reduction="mean"):
    sums = values.reshape(weights.size, -1).sum(1).reshape(weights.shape)
    return dy * (sums - (y if reduction == "mean_with_sample_weight" else 0)) / divisor(values, weights, reduction)


def mean_update(total, count, values, weights=None, *, per_sample="mean"):
    w = np.ones(values.shape) if weights is None else spread(values, weights)
    by = np.prod(values.shape[1:]) if per_sample == "mean" else 1
    if weights is None:
        return total + (values * w).sum() / by, count + values.size / by
    return total + (values * w).sum() / by, count + w.sum() / by


def safe_ratio(x, y):
    return np.where(y == 0, 0, x / np.where(y == 0, 1, y))


# ---- What metrics count -----------------------------------------------------------------------------------------

def match_equal(y_true, y_pred):
    return (y_true == y_pred).astype("float32")


def match_binary(y_true, y_pred, *, threshold=0.5):
    return (y_true == (y_pred > threshold)).astype("float32")


def match_class(y_true, y_pred, *, dense=False, k=0):
    label = y_true.argmax(-1) if dense else y_true.astype("int64")
    if k == 0:
        return (label == y_pred.argmax(-1)).astype("float32")
    n = y_pred.shape[-1]
    own = np.take_along_axis(y_pred, np.minimum(label, n - 1)[..., None], -1)
    return ((label < n) & ((y_pred > own).sum(-1) < k)).astype("float32")
