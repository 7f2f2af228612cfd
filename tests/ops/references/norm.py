"""Batch normalisation in NumPy, in double precision inside."""
import numpy as np


def affine(xhat, gamma, beta):
    return xhat * (1 if gamma is None else gamma) + (0 if beta is None else beta)


def activated(y, activation):
    return np.maximum(y, 0) if activation == "relu" else y


def batch_norm(x, gamma, beta, moving_mean, moving_variance, *, momentum, epsilon, activation):
    axes = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes, dtype="float64"), x.var(axes, dtype="float64")
    rstd = 1 / np.sqrt(variance + epsilon)
    y = activated(affine((x - mean) * rstd, gamma, beta), activation)
    moved = [old * momentum + new * (1 - momentum) for old, new in ((moving_mean, mean), (moving_variance, variance)) if old is not None]
    return y, mean, rstd, *moved


def batch_norm_inference(x, gamma, beta, moving_mean, moving_variance, *, epsilon, activation):
    rstd = 1 / np.sqrt(moving_variance.astype("float64") + epsilon)
    return activated(affine((x - moving_mean.astype("float64")) * rstd, gamma, beta), activation), rstd


def batch_norm_grad(dy, x, gamma, beta, mean, rstd, dmean=None, drstd=None, *, activation, training=True):
    axes, n = tuple(range(x.ndim - 1)), x.size // x.shape[-1]
    dy, x, mean, rstd = (v.astype("float64") for v in (dy, x, mean, rstd))
    xhat = (x - mean) * rstd
    if activation == "relu":
        dy = np.where(affine(xhat, gamma, beta) > 0, dy, 0)
    dbeta, dgamma = dy.sum(axes), (dy * xhat).sum(axes)
    scale = rstd * (1 if gamma is None else gamma)
    dx = dy * scale
    if training:
        dx = dx - scale * (dbeta + xhat * dgamma) / n
        dx = dx + ((0 if dmean is None else dmean) - (0 if drstd is None else drstd) * rstd**2 * xhat) / n
    return dx, dgamma, dbeta
