"""Normalisation of each sample over groups of its channels and all other axes."""
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
    first = x if axis == 1 else moveaxis(x, axis, 1)
    sides = first.shape
    y = layer_norm(reshape(first, (sides[0], groups, size_of(sides[1:]) // groups)), epsilon=float(epsilon))[0]
    y = reshape(y, (sides[0], channels, size_of(sides[2:])))
    y = y if gamma is None else multiply(y, reshape(gamma, (channels, 1)))
    y = y if beta is None else add(y, reshape(beta, (channels, 1)))
    y = reshape(y, sides)
    return y if axis == 1 else moveaxis(y, 1, axis)

