"""Normalisation of each sample by itself: by mean and variance, or by the root of the mean square; over any axes."""
import warnings

from .. import config
from ..op import normal, op, uniform
from ..tensor import Spec
from ._shapes import normalize_axes, operand, size_of
from .elementwise import multiply, rsqrt
from .reduce import var
from .shape import reshape, transpose


def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, **kwargs):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, with mean and (biased) variance over some axes of each sample.

    Args:
        x: float tensor.
        gamma, beta: of the sizes of x along these axes, in the order of x; None: 1 and 0.
        axis: integer or several.
        epsilon: float; None: `fastnn.config.epsilon()`.
        rms_scaling: whether x / sqrt(variance + epsilon) * gamma is computed; Keras calls that deprecated.

    Returns:
        Tensor of the shape of x.  Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.

    Example:
        >>> layer_normalization(convert_to_tensor([[1.0, 3.0]]), epsilon=0.0).tolist()
        [[-1.0, 1.0]]
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"[layer_normalization] unknown arguments: {', '.join(sorted(kwargs))}")
    epsilon = float(config.epsilon() if epsilon is None else epsilon)
    if rms_scaling:
        warnings.warn("`rms_scaling=True` divides by the standard deviation, not by the root mean square, and is deprecated: "
                      "use `rms_normalization`", stacklevel=2)
        return _scaled_by_deviation(operand(x), gamma, axis, epsilon)
    return _over_axes("layer_normalization", layer_norm, x, axis, epsilon, gamma, beta)


def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """x / sqrt(mean(x^2) + epsilon) * scale, with the mean over some axes of each sample.

    Args:
        x: float tensor.
        scale: of the sizes of x along these axes, in the order of x; None: 1.
        axis: integer or several.
        epsilon: float; None: `fastnn.config.epsilon()`.

    Returns:
        Tensor of the shape of x.  Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.

    Example:
        >>> rms_normalization(convert_to_tensor([[1.0, -1.0]]), epsilon=0.0).tolist()
        [[1.0, -1.0]]
    """
    epsilon = float(config.epsilon() if epsilon is None else epsilon)
    return _over_axes("rms_normalization", rms_norm, x, axis, epsilon, scale)


def _over_axes(name, norm, x, axis, epsilon, *weights):
    """Applies an op over the last axes to any: what is not last is moved there, and back."""
    x = operand(x)
    if not x.shape:
        x = reshape(x, (1,))
    rank = len(x.shape)
    axes = normalize_axes(axis, rank, name)
    sides = tuple(x.shape[k] for k in axes)
    weights = [None if w is None else _shaped(operand(w), sides, name) for w in weights]
    if axes == tuple(range(rank - len(axes), rank)):
        return norm(x, *weights, epsilon=epsilon, axes=len(axes))[0]
    order = tuple(k for k in range(rank) if k not in axes) + axes
    back = tuple(order.index(k) for k in range(rank))
    return transpose(norm(transpose(x, order), *weights, epsilon=epsilon, axes=len(axes))[0], back)


def _shaped(weight, sides, name):
    """A weight in the shape of the axes, if it has as many elements."""
    if weight.shape == sides:
        return weight
    if None in sides or size_of(weight.shape) != size_of(sides):
        raise ValueError(f"[{name}] a weight has shape {weight.shape}, expected {sides}: the sizes of x along the axes")
    return reshape(weight, sides)


def _scaled_by_deviation(x, gamma, axis, epsilon):
    axes = normalize_axes(axis, len(x.shape), "layer_normalization")
    y = multiply(x, rsqrt(var(x, axis=axes, keepdims=True) + epsilon))
    return y if gamma is None else multiply(y, reshape(gamma, tuple(n if k in axes else 1 for k, n in enumerate(x.shape))))


# ---- The ops: over the last axes --------------------------------------------------------------------------------

def _leading(name, x, axes, **weights):
    """The shape of the axes that stay, after checks."""
    sides = x.shape[len(x.shape) - axes:]
    if not 0 < axes <= len(x.shape) or None in sides:
        raise ValueError(f"[{name}] x has shape {x.shape}, expected known sizes of the last {axes} axes, over which it is normalised")
    for word, w in weights.items():
        if w is not None and (w.shape != sides or w.dtype != x.dtype):
            raise ValueError(f"[{name}] {word} is {w.dtype} of shape {w.shape}, expected {x.dtype} of shape {sides}: that of the "
                             f"last axes of x, which has shape {x.shape}")
    return x.shape[:len(x.shape) - axes]


def _extents(x, axes):
    """An array as (rows, elements to a row)."""
    at = x.ndim - axes
    return size_of(x.shape[:at]), size_of(x.shape[at:])


SHAPES = (((6, 5), 1), ((3, 4, 7, 33), 1), ((5, 3, 12, 7), 2), ((40, 256), 1), ((300, 1030), 1), ((2, 5000), 1), ((33, 1), 1), ((7, 3), 2))


@op
class layer_norm:
    """Normalises each row over the last axes; also gives mean and 1 / sqrt(variance + epsilon)."""
    outputs = "y mean rstd"
    cases = [((normal(*shape), normal(*shape[-axes:]), normal(*shape[-axes:])), dict(epsilon=1e-3, axes=axes)) for shape, axes in SHAPES] + \
            [((normal(4, 19), None, normal(19)), dict(epsilon=1e-5)), ((normal(4, 19), normal(19), None), dict(epsilon=1e-5)),
             ((normal(70, 48), None, None), dict(epsilon=1e-3)), ((normal(0, 3), normal(3), normal(3)), dict(epsilon=1e-3))]

    def spec(x, gamma=None, beta=None, *, epsilon, axes=1):
        rows = Spec(_leading("layer_norm", x, axes, gamma=gamma, beta=beta), x.dtype)
        return x, rows, rows

    def cpu(x, gamma, beta, y, mean, rstd, *, epsilon, axes):
        return "layer_norm", (x, gamma, beta, y, mean, rstd, *_extents(x, axes), epsilon)

    def flops(x): return 8 * x.size      # mean 1, variance 3, normalised, scaled and shifted 4

    def vjp(dy, dmean, drstd, x, gamma, beta, mean, rstd, axes):
        if gamma is None and beta is None:
            return layer_norm_input_grad(dy, x, None, mean, rstd, dmean, drstd, axes=axes), None, None
        return layer_norm_grad(dy, x, gamma, mean, rstd, dmean, drstd, axes=axes)


@op
class rms_norm:
    """Divides each row over the last axes by the root of its mean square; also gives 1 / sqrt(mean(x^2) + epsilon)."""
    outputs = "y rstd"
    cases = [((normal(*shape), normal(*shape[-axes:])), dict(epsilon=1e-3, axes=axes)) for shape, axes in SHAPES] + \
            [((normal(70, 48), None), dict(epsilon=1e-3)), ((normal(0, 3), normal(3)), dict(epsilon=1e-3))]

    def spec(x, scale=None, *, epsilon, axes=1):
        return x, Spec(_leading("rms_norm", x, axes, scale=scale), x.dtype)

    def cpu(x, scale, y, rstd, *, epsilon, axes):
        return "layer_norm", (x, scale, None, y, None, rstd, *_extents(x, axes), epsilon)

    def flops(x): return 4 * x.size      # squares 2, normalised and scaled 2

    def vjp(dy, drstd, x, scale, rstd, axes):
        if scale is None:
            return layer_norm_input_grad(dy, x, None, None, rstd, None, drstd, axes=axes), None
        return layer_norm_grad(dy, x, scale, None, rstd, None, drstd, axes=axes)[:2]


def _grad_cases(with_weights):
    wide = [((normal(*shape), normal(*shape), normal(*shape[-axes:]), normal(*shape[:-axes]), uniform(*shape[:-axes], low=0.5, high=2),
              normal(*shape[:-axes]), normal(*shape[:-axes])), dict(axes=axes)) for shape, axes in SHAPES]
    plain = ((normal(70, 48), normal(70, 48), None, normal(70), uniform(70, low=0.5, high=2), None, None), {})
    rms = ((normal(70, 48), normal(70, 48), normal(48), None, uniform(70, low=0.5, high=2), None, normal(70)), {})
    return (wide if with_weights else wide[:2]) + [plain, rms]


@op
class layer_norm_grad:
    """The gradients of `layer_norm` for x, gamma and beta; without a mean those of `rms_norm`."""
    outputs = "dx dgamma dbeta"
    cases = _grad_cases(True)

    def spec(dy, x, gamma, mean, rstd, dmean=None, drstd=None, *, axes=1):
        weight = Spec(x.shape[len(x.shape) - axes:], x.dtype)
        return x, weight, weight

    def cpu(dy, x, gamma, mean, rstd, dmean, drstd, dx, dgamma, dbeta, *, axes):
        return "layer_norm_grad", (dy, x, gamma, mean, rstd, dmean, drstd, dx, dgamma, dbeta, *_extents(x, axes))

    def flops(x): return 13 * x.size     # g, xhat and their sums 6, dgamma and dbeta 3, dx 4


@op
class layer_norm_input_grad:
    """The gradient of `layer_norm` or, without a mean, of `rms_norm` for x alone."""
    outputs = "dx"
    cases = _grad_cases(False)

    def spec(dy, x, gamma, mean, rstd, dmean=None, drstd=None, *, axes=1):
        return x

    def cpu(dy, x, gamma, mean, rstd, dmean, drstd, dx, *, axes):
        return "layer_norm_grad", (dy, x, gamma, mean, rstd, dmean, drstd, dx, None, None, *_extents(x, axes))

    def flops(x): return 10 * x.size
