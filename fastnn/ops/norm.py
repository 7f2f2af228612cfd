"""Batch normalisation over the last axis: each channel is brought to mean 0 and variance 1."""
from ..op import normal, op, uniform
from ..tensor import Spec
from ._shapes import normalize_axis, operand
from .elementwise import rsqrt, square
from .reduce import mean as _mean
from .reduce import var as _var
from .shape import reshape

ACTIVATIONS = {"linear": 0, "relu": 1}      # what may follow in the same pass, by its code in csrc/fn.h


def batch_normalize(x, gamma=None, beta=None, moving_mean=None, moving_variance=None, *, training, momentum=0.99,
                    epsilon=1e-3, activation="linear"):
    """Normalises each channel (the last axis), then scales by gamma, shifts by beta, and applies an activation.

    Args:
        x: tensor (..., C).
        gamma, beta: (C,) or None.
        moving_mean, moving_variance: variables (C,), which training moves towards the statistics of the batch:
            new = old * momentum + batch * (1 - momentum), with the biased variance; inference normalises with them.
        training: whether the batch's own statistics are used.
        momentum, epsilon: floats.
        activation: "linear" or "relu".

    Returns:
        Tensor of the shape of x.  Source: Ioffe and Szegedy, "Batch Normalization", 2015.
    """
    if training:
        return batch_norm(x, gamma, beta, moving_mean, moving_variance, momentum=float(momentum), epsilon=float(epsilon),
                          activation=activation)[0]
    return batch_norm_inference(x, gamma, beta, moving_mean, moving_variance, epsilon=float(epsilon), activation=activation)[0]


def moments(x, axes, keepdims=False, synchronized=False):
    """The mean and the (biased) variance over axes.

    Args:
        x: tensor.
        axes: an integer or several; None: all.
        keepdims: whether these axes stay, with size 1.
        synchronized: over several devices; there is one, so that it makes no difference.

    Returns:
        (mean, variance).
    """
    return _mean(x, axis=axes, keepdims=keepdims), _var(x, axis=axes, keepdims=keepdims)


def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """`keras.ops.batch_normalization`: (x - mean) / sqrt(variance + epsilon) * scale + offset along an axis.

    Args:
        x: tensor.
        mean, variance: (channels,), the size of x along `axis`.
        axis: of the channels.
        offset, scale: (channels,) or None.
        epsilon: float.
    """
    x = operand(x)
    axis = normalize_axis(axis, len(x.shape), "batch_normalization")
    along = tuple(-1 if i == axis else 1 for i in range(len(x.shape)))

    def spread(v):
        return reshape(v, along)
    factor = rsqrt(operand(variance) + epsilon)
    y = (x - spread(mean)) * spread(factor if scale is None else factor * scale)
    return y if offset is None else y + spread(offset)


def _rows(x):
    return x.size // x.shape[-1] if x.shape[-1] else 0


def _check_channels(name, x, activation, **vectors):
    """That each vector has a value per channel of x, and its dtype."""
    if not x.shape or x.shape[-1] is None:
        raise ValueError(f"[{name}] x has shape {x.shape}, expected (..., channels) with a known number of channels")
    if activation not in ACTIVATIONS:
        raise ValueError(f"[{name}] activation is {activation!r}, expected one of {', '.join(ACTIVATIONS)}: apply others after it")
    for word, v in vectors.items():
        if v is not None and (v.shape != x.shape[-1:] or v.dtype != x.dtype):
            raise ValueError(f"[{name}] {word} has shape {v.shape} and dtype {v.dtype}, expected {x.shape[-1:]} and {x.dtype}: "
                             f"a value for each channel of x, which has shape {x.shape}")


@op
class batch_norm:
    """Normalises with the statistics of the batch, and moves the running ones; also gives mean and 1 / sqrt(variance + epsilon)."""
    outputs = "y mean rstd"
    updates = "moving_mean moving_variance"
    cases = [((normal(6, 5), normal(5), normal(5), normal(5), uniform(5, low=0.5, high=2)),
              dict(momentum=0.9, epsilon=1e-3, activation="linear")),
             ((normal(3, 5, 7, 19), normal(19), normal(19), normal(19), uniform(19, low=0.5, high=2)),
              dict(momentum=0.99, epsilon=1e-3, activation="relu")),
             ((normal(40, 112), None, normal(112), None, None), dict(momentum=0.9, epsilon=1e-5, activation="linear")),
             ((normal(33, 1), normal(1), None, normal(1), uniform(1)), dict(momentum=0.5, epsilon=1e-3, activation="linear")),
             ((normal(2, 3), None, None, None, None), dict(momentum=0.9, epsilon=1e-3, activation="linear")),
             ((normal(16, 32, 32, 32), normal(32), normal(32), normal(32), uniform(32)),
              dict(momentum=0.9, epsilon=1e-3, activation="relu"))]

    def spec(x, gamma=None, beta=None, moving_mean=None, moving_variance=None, *, momentum, epsilon, activation="linear"):
        _check_channels("batch_norm", x, activation, gamma=gamma, beta=beta, moving_mean=moving_mean,
                       moving_variance=moving_variance)
        return x, Spec(x.shape[-1:], x.dtype), Spec(x.shape[-1:], x.dtype)

    def cpu(x, gamma, beta, moving_mean, moving_variance, y, mean, rstd, *, momentum, epsilon, activation):
        return "batch_norm", (x, gamma, beta, moving_mean, moving_variance, y, mean, rstd, _rows(x), x.shape[-1], momentum, epsilon,
                              ACTIVATIONS[activation])

    def flops(x): return 7 * x.size      # mean 1, variance 3, normalised and scaled 3

    def vjp(dy, dmean, drstd, x, gamma, beta, mean, rstd, activation):
        dx, dgamma, dbeta = batch_norm_grad(dy, x, gamma, beta, mean, rstd, dmean, drstd, activation=activation)
        return dx, dgamma, dbeta, None, None


@op
class batch_norm_inference:
    """Normalises with the running statistics; also gives 1 / sqrt(moving_variance + epsilon)."""
    outputs = "y rstd"
    cases = [((normal(6, 5), normal(5), normal(5), normal(5), uniform(5, low=0.5, high=2)), dict(epsilon=1e-3, activation="linear")),
             ((normal(3, 5, 7, 19), normal(19), normal(19), normal(19), uniform(19, low=0.5, high=2)),
              dict(epsilon=1e-3, activation="relu")),
             ((normal(40, 112), None, normal(112), normal(112), uniform(112, low=0.5, high=2)), dict(epsilon=1e-5, activation="linear")),
             ((normal(0, 3), None, None, normal(3), uniform(3, low=0.5, high=2)), dict(epsilon=1e-3, activation="linear")),
             ((normal(16, 32, 32, 32), normal(32), normal(32), normal(32), uniform(32, low=0.5, high=2)),
              dict(epsilon=1e-3, activation="relu"))]

    def spec(x, gamma, beta, moving_mean, moving_variance, *, epsilon, activation="linear"):
        _check_channels("batch_norm_inference", x, activation, gamma=gamma, beta=beta, moving_mean=moving_mean,
                       moving_variance=moving_variance)
        return x, Spec(x.shape[-1:], x.dtype)

    def cpu(x, gamma, beta, moving_mean, moving_variance, y, rstd, *, epsilon, activation):
        return "batch_norm_inference", (x, gamma, beta, moving_mean, moving_variance, y, rstd, _rows(x), x.shape[-1], epsilon,
                                        ACTIVATIONS[activation])

    def flops(x): return 3 * x.size

    def vjp(dy, drstd, x, gamma, beta, moving_mean, rstd, activation, needs):
        dx, dgamma, dbeta = batch_norm_grad(dy, x, gamma, beta, moving_mean, rstd, activation=activation, training=False)
        if not (needs[3] or needs[4]):      # as in every model: the running statistics are not trained
            return dx, dgamma, dbeta, None, None
        factor = rstd if gamma is None else gamma * rstd
        return dx, dgamma, dbeta, -dbeta * factor, (dgamma * factor + drstd * square(rstd)) * rstd * -0.5


@op
class batch_norm_grad:
    """The gradients of both for x, gamma and beta; `training`: mean and rstd come from x, and may bring gradients of their own."""
    outputs = "dx dgamma dbeta"
    cases = [((normal(6, 5), normal(6, 5), normal(5), normal(5), normal(5), uniform(5, low=0.5, high=2), normal(5), normal(5)),
              dict(activation="linear")),
             ((normal(3, 5, 7, 19), normal(3, 5, 7, 19), normal(19), normal(19), normal(19), uniform(19, low=0.5, high=2), None, None),
              dict(activation="relu")),
             ((normal(40, 112), normal(40, 112), None, None, normal(112), uniform(112, low=0.5, high=2), None, None),
              dict(activation="linear", training=False)),
             ((normal(16, 32, 32, 32), normal(16, 32, 32, 32), normal(32), normal(32), normal(32), uniform(32, low=0.5, high=2),
               normal(32), normal(32)), dict(activation="relu"))]

    def spec(dy, x, gamma, beta, mean, rstd, dmean=None, drstd=None, *, activation="linear", training=True):
        return x, Spec(x.shape[-1:], x.dtype), Spec(x.shape[-1:], x.dtype)

    def cpu(dy, x, gamma, beta, mean, rstd, dmean, drstd, dx, dgamma, dbeta, *, activation, training):
        return "batch_norm_grad", (dy, x, gamma, beta, mean, rstd, dmean, drstd, dx, dgamma, dbeta, _rows(x), x.shape[-1],
                                   ACTIVATIONS[activation], int(training))

    def flops(x): return 9 * x.size      # sums of dy and dy (x - mean) 4, dx 5
