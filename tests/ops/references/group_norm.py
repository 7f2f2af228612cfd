"""Group normalisation in NumPy, in double precision inside."""
import numpy as np


def grouped(x, groups):
    """(samples, positions, groups, channels of a group)"""
    return x.astype("float64").reshape(x.shape[0], int(np.prod(x.shape[1:-1])), groups, x.shape[-1] // groups)


def spread(v):
    return v.astype("float64")[:, None, :, None]


def group_norm(x, gamma, beta, *, groups, epsilon):
    parts = grouped(x, groups)
    n = max(parts.shape[1] * parts.shape[3], 1)
    mean = parts.sum((1, 3)) / n
    rstd = 1 / np.sqrt(((parts - spread(mean))**2).sum((1, 3)) / n + epsilon)
    y = ((parts - spread(mean)) * spread(rstd)).reshape(x.shape)
    return y * (1 if gamma is None else gamma) + (0 if beta is None else beta), mean, rstd


def group_norm_grad(dy, x, gamma, mean, rstd, dmean=None, drstd=None, *, groups):
    parts, dys = grouped(x, groups), grouped(dy, groups)
    n, scale = max(parts.shape[1] * parts.shape[3], 1), spread(rstd)
    xhat = (parts - spread(mean)) * scale
    g = dys * (1 if gamma is None else gamma.astype("float64").reshape(groups, -1))
    dx = scale * (g - g.sum((1, 3), keepdims=True) / n - xhat * (g * xhat).sum((1, 3), keepdims=True) / n)
    if dmean is not None:
        dx = dx + spread(dmean) / n
    if drstd is not None:
        dx = dx - spread(drstd) * scale**2 * xhat / n
    return dx.reshape(x.shape), (dys * xhat).sum((0, 1)).reshape(-1), dys.sum((0, 1)).reshape(-1)
