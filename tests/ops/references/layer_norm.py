"""Layer and RMS normalisation in NumPy, in double precision inside."""
import numpy as np


def rows_of(x, axes):
    return x.astype("float64").reshape(*x.shape[:x.ndim - axes], int(np.prod(x.shape[x.ndim - axes:])))


def affine(xhat, shape, gamma, beta=None):
    return xhat.reshape(shape) * (1 if gamma is None else gamma) + (0 if beta is None else beta)


def layer_norm(x, gamma, beta, *, epsilon, axes=1):
    rows = rows_of(x, axes)
    mean, rstd = rows.mean(-1), 1 / np.sqrt(rows.var(-1) + epsilon)
    return affine((rows - mean[..., None]) * rstd[..., None], x.shape, gamma, beta), mean, rstd


def rms_norm(x, scale, *, epsilon, axes=1):
    rows = rows_of(x, axes)
    rstd = 1 / np.sqrt((rows**2).mean(-1) + epsilon)
    return affine(rows * rstd[..., None], x.shape, scale), rstd


def layer_norm_grad(dy, x, gamma, mean, rstd, dmean=None, drstd=None, *, axes=1):
    rows, dys = rows_of(x, axes), rows_of(dy, axes)
    n, rstd = rows.shape[-1], rstd.astype("float64")[..., None]
    xhat = (rows if mean is None else rows - mean.astype("float64")[..., None]) * rstd
    g = dys * (1 if gamma is None else gamma.reshape(-1))
    dx = rstd * (g - (0 if mean is None else g.mean(-1, keepdims=True)) - xhat * (g * xhat).mean(-1, keepdims=True))
    if dmean is not None and mean is not None:
        dx = dx + dmean[..., None] / n
    if drstd is not None:
        dx = dx - drstd[..., None] * rstd**2 * xhat / n
    lead = tuple(range(x.ndim - axes))
    sides = x.shape[x.ndim - axes:]
    return dx.reshape(x.shape), (dys * xhat).sum(lead).reshape(sides), dys.sum(lead).reshape(sides)


def layer_norm_input_grad(dy, x, gamma, mean, rstd, dmean=None, drstd=None, *, axes=1):
    return layer_norm_grad(dy, x, gamma, mean, rstd, dmean, drstd, axes=axes)[0]
