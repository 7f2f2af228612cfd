"""Activation functions by Keras' names, and how names become functions.

    >>> get("relu")(ops.convert_to_tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]

A function with an `epilogue` attribute can be applied by the kernel of a matrix product or convolution itself: the
attribute is its name in `fastnn.ops.activation`.
"""
from . import ops
from .ops import (celu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_tanh, log_sigmoid, mish, soft_shrink, softsign,
                  sparse_plus, sparse_sigmoid, squareplus, tanh_shrink, threshold)
from .tensor import FLOATS
from .utils import serialization

__all__ = ["celu", "deserialize", "elu", "exponential", "gelu", "get", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
           "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6",
           "selu", "serialize", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus",
           "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink", "threshold"]


def in_epilogue(function):
    """Marks a function that kernels can apply to what they compute, with its default arguments."""
    function.epilogue = function.__name__
    return function


@in_epilogue
def linear(x):
    """x itself."""
    return x


@in_epilogue
def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """x where it is above the threshold, else negative_slope * (x - threshold); what is above it becomes at most max_value.

    Args:
        x: tensor; whole numbers stay whole numbers where there is no slope.
        negative_slope: slope below the threshold.
        max_value: upper bound, None for none.  With one, nothing between a negative threshold and 0 passes.
        threshold: below it x counts as negative.
    """
    x = ops.convert_to_tensor(x)
    if x.dtype not in FLOATS and negative_slope == 0:
        y = ops.maximum(x, 0) if threshold == 0 else ops.where(x > threshold, x, 0)
        return y if max_value is None else ops.clip(y, 0, int(max_value))
    if threshold == 0 and (max_value is None or negative_slope >= 0):
        y = ops.relu(x) if negative_slope == 0 else ops.leaky_relu(x, negative_slope=negative_slope)
        return y if max_value is None else ops.minimum(y, max_value)
    y = ops.where(x > threshold, x, 0.0)
    y = y if max_value is None else ops.clip(y, 0.0, max_value)
    return y - negative_slope * ops.relu(threshold - x) if negative_slope else y


@in_epilogue
def leaky_relu(x, negative_slope=0.2):
    """x where it is positive, else negative_slope * x."""
    return ops.leaky_relu(x, negative_slope=negative_slope)


@in_epilogue
def relu6(x):
    """min(max(x, 0), 6)."""
    return ops.relu6(x)


@in_epilogue
def elu(x, alpha=1.0):
    """x where it is positive, else alpha * (exp(x) - 1) (Clevert et al., 2016)."""
    return ops.elu(x, alpha=alpha)


@in_epilogue
def selu(x):
    """The ELU whose results keep mean 0 and variance 1 (Klambauer et al., 2017)."""
    return ops.selu(x)


@in_epilogue
def tanh(x):
    """The hyperbolic tangent."""
    return ops.tanh(x)


@in_epilogue
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return ops.sigmoid(x)


def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along an axis, or several: probabilities."""
    x = ops.convert_to_tensor(x)
    if isinstance(axis, (tuple, list)):
        return over_axes(ops.softmax, x, axis)
    return ops.softmax(x, axis=axis)


def log_softmax(x, axis=-1):
    """log(softmax(x)), computed without overflow."""
    x = ops.convert_to_tensor(x)
    if isinstance(axis, (tuple, list)):
        return over_axes(ops.log_softmax, x, axis)
    return ops.log_softmax(x, axis=axis)


def over_axes(function, x, axes):
    """A function of one axis applied to several, as if they were one."""
    ndim = len(x.shape)
    axes = [axis % ndim for axis in axes]
    order = [k for k in range(ndim) if k not in axes] + axes
    moved = ops.transpose(x, axes=tuple(order))
    kept = moved.shape[:ndim - len(axes)]
    y = ops.reshape(function(ops.reshape(moved, shape=kept + (-1,)), axis=-1), shape=moved.shape)
    return ops.transpose(y, axes=tuple(order.index(k) for k in range(ndim)))


def sparsemax(x, axis=-1):
    """The point of the probability simplex nearest to x: many results are exactly zero (Martins & Astudillo, 2016)."""
    return ops.sparsemax(x, axis=axis)


def softplus(x):
    """log(1 + exp(x)) without overflow."""
    return ops.softplus(x)


def silu(x):
    """x * sigmoid(x)."""
    return ops.silu(x)


def gelu(x, approximate=False):
    """x times the normal distribution at x; `approximate`: by tanh (Hendrycks & Gimpel, 2016)."""
    return ops.gelu(x, approximate=approximate)


def exponential(x):
    """exp(x)."""
    return ops.exp(x)


swish, hard_swish = silu, hard_silu

FUNCTIONS = {name: value for name, value in globals().items()
             if name in __all__ and name not in ("get", "serialize", "deserialize")}


# ---- Names and functions ----------------------------------------------------------------------------------------

def get(identifier):
    """The activation function that a name, a config, a function or an object that can be called means; None means `linear`.

    Names are those of this module, and those of own functions inside `custom_object_scope` or after
    `register_keras_serializable`.

    Raises:
        ValueError: a name that there is not (the message has the nearest ones), and what cannot be called.
    """
    if identifier is None:
        return linear
    found = deserialize(identifier) if isinstance(identifier, (str, dict)) else identifier
    if not callable(found):
        raise ValueError(f"an activation must be a name, a function or None, received {identifier!r}")
    return found


def serialize(activation):
    """The name of an activation function of this module; the config of any other function or object.

    Raises:
        TypeError: an object that has no `get_config()`; ValueError: what cannot be called.
    """
    if activation is None:
        return "linear"
    if not callable(activation):
        raise ValueError(f"an activation to serialize must be a function or an object that can be called, received {activation!r}")
    for name, function in FUNCTIONS.items():
        if function is activation:
            return function.__name__ if function.__name__ in FUNCTIONS else name
    return serialization.serialize(activation)


def deserialize(config, custom_objects=None):
    """The activation function of a config made by `serialize`.

    Args:
        config: a name, or a dict with "class_name" and "config".
        custom_objects: own functions and classes by name, looked up first.

    Raises:
        ValueError: an unknown name.
    """
    of_layers = isinstance(config, dict) and "layers" in (config.get("module") or "")       # a layer serves as one, too
    return serialization.deserialize(config, None if of_layers else FUNCTIONS, custom_objects, "activation")
