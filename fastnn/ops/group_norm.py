"""Normalisation of each sample over groups of its channels and all other axes."""
from ..op import normal, op, uniform
from ..tensor import Spec
from ._shapes import normalize_axis, operand, size_of
from .elementwise import add, multiply
from .layer_norm import layer_norm
from .shape import moveaxis, reshape


def group_normalize(x, gamma=None, beta=None, *, groups, axis=-1, epsilon=1e-3):
    """Normalises over groups of channels and all axes but the first, then scales by gamma and shifts by beta.

    Args:
        x: float tensor (samples, ...).
        gamma, beta: (channels,) or None.
        groups: number of groups, which divides the number of channels.
        axis: of the channels.
        epsilon: float.

    Returns:
        Tensor of the shape of x.  Source: Wu and He, "Group Normalization", 2018.
    """
    x = operand(x)
    axis = normalize_axis(axis, len(x.shape), "group_normalize")
    channels = x.shape[axis]
    if axis == 0 or channels is None or groups < 1 or channels % groups:
        raise ValueError(f"[group_normalize] x of shape {x.shape} has no {groups} groups of equal size along axis {axis}")
    for name, w in (("gamma", gamma), ("beta", beta)):
        if w is not None and w.shape != (channels,):
            raise ValueError(f"[group_normalize] {name} has shape {w.shape}, expected {(channels,)}: a value for each channel")
    if isinstance(x, Spec):
        return Spec(x.shape, x.dtype)
    rank = len(x.shape)
    if axis == 1 and rank > 2:
        return _channels_first(x, gamma, beta, groups, float(epsilon))
    y = x if axis == rank - 1 else moveaxis(x, axis, -1)
    y = group_norm(y, gamma, beta, groups=groups, epsilon=float(epsilon))[0]
    return y if axis == rank - 1 else moveaxis(y, -1, axis)


def _channels_first(x, gamma, beta, groups, epsilon):
    """Where a group is a row of memory."""
    samples, channels, *space = x.shape
    y = layer_norm(reshape(x, (samples, groups, channels // groups * size_of(space))), epsilon=epsilon)[0]
    y = reshape(y, (samples, channels, size_of(space)))
    y = y if gamma is None else multiply(y, reshape(gamma, (channels, 1)))
    y = y if beta is None else add(y, reshape(beta, (channels, 1)))
    return reshape(y, x.shape)


def _extents(x):
    """An array as (samples, positions, channels)."""
    return x.shape[0], size_of(x.shape[1:-1]), x.shape[-1]


SHAPES = (((6, 6), 2), ((3, 5, 7, 24), 3), ((2, 40, 6), 6), ((4, 1100, 112), 8), ((3, 9, 1), 1), ((33, 10, 19), 1), ((0, 3, 4), 2), ((2, 0, 4), 2))


@op
class group_norm:
    """Normalises groups of channels, the last axis, of each sample; also gives mean and 1 / sqrt(variance + epsilon) of each group."""
    outputs = "y mean rstd"
    cases = [((normal(*shape), normal(shape[-1]), normal(shape[-1])), dict(groups=groups, epsilon=1e-3)) for shape, groups in SHAPES] + \
            [((normal(4, 5, 20), None, normal(20)), dict(groups=5, epsilon=1e-3)),
             ((normal(4, 5, 20), normal(20), None), dict(groups=5, epsilon=1e-3)), ((normal(2, 70, 48), None, None), dict(groups=4, epsilon=1e-3))]

    def spec(x, gamma=None, beta=None, *, groups, epsilon):
        if len(x.shape) < 2 or not x.shape[-1] or x.shape[-1] % groups:
            raise ValueError(f"[group_norm] x has shape {x.shape}, expected (samples, ..., channels), where {groups} groups divide the channels")
        for word, w in (("gamma", gamma), ("beta", beta)):
            if w is not None and (w.shape != x.shape[-1:] or w.dtype != x.dtype):
                raise ValueError(f"[group_norm] {word} is {w.dtype} of shape {w.shape}, expected {x.dtype} of shape {x.shape[-1:]}: a value "
                                 f"for each channel of x, which has shape {x.shape}")
        of_groups = Spec((x.shape[0], groups), x.dtype)
        return x, of_groups, of_groups

    def cpu(x, gamma, beta, y, mean, rstd, *, groups, epsilon):
        return "group_norm", (x, gamma, beta, y, mean, rstd, *_extents(x), groups, epsilon)

    def flops(x): return 8 * x.size      # mean 1, variance 3, normalised, scaled and shifted 4

    def vjp(dy, dmean, drstd, x, gamma, mean, rstd, groups):
        return group_norm_grad(dy, x, gamma, mean, rstd, dmean, drstd, groups=groups)


@op
class group_norm_grad:
    """The gradients of `group_norm` for x, gamma and beta."""
    outputs = "dx dgamma dbeta"
    cases = [((normal(*shape), normal(*shape), normal(shape[-1]), normal(shape[0], groups), uniform(shape[0], groups, low=0.5, high=2),
               normal(shape[0], groups), normal(shape[0], groups)), dict(groups=groups)) for shape, groups in SHAPES] + \
            [((normal(2, 70, 48), normal(2, 70, 48), None, normal(2, 4), uniform(2, 4, low=0.5, high=2), None, None), dict(groups=4))]

    def spec(dy, x, gamma, mean, rstd, dmean=None, drstd=None, *, groups):
        weight = Spec(x.shape[-1:], x.dtype)
        return x, weight, weight

    def cpu(dy, x, gamma, mean, rstd, dmean, drstd, dx, dgamma, dbeta, *, groups):
        return "group_norm_grad", (dy, x, gamma, mean, rstd, dmean, drstd, dx, dgamma, dbeta, *_extents(x), groups)

    def flops(x): return 9 * x.size      # sums of dy and dy (x - mean) 4, dx 5
