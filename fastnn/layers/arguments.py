"""Checks of the arguments that layers share; every message names the argument, what came and what is expected."""
import numpy as np

from .. import ops
from ..config import image_data_format

# Their ops keep the input beside the result (`y.logits`), for losses that are stable.
KEEP_LOGITS = ("sigmoid", "softmax")


def positive_integer(value, name):
    """An int that is at least 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"Received an invalid value for `{name}`, expected a positive integer. Received: {name}={value!r}")
    return int(value)


def integers(value, count, name, least=1):
    """`count` integers, from one or from a tuple or list of as many."""
    values = (value,) * count if isinstance(value, (int, np.integer)) else value
    try:
        values = tuple(values)
    except TypeError:
        values = ()
    if len(values) != count or any(isinstance(v, bool) or not isinstance(v, (int, np.integer)) for v in values):
        raise ValueError(f"The `{name}` argument must be an integer or a tuple of {count} integer{'s' * (count > 1)}. "
                         f"Received: {name}={value!r}")
    if min(values) < least:
        raise ValueError(f"The `{name}` argument must hold integers >= {least}. Received: {name}={value!r}")
    return tuple(int(v) for v in values)


def pair(value, name, least=1):
    """Two integers, from one or from a tuple or list of two."""
    return integers(value, 2, name, least)


def padding_name(value, known=("valid", "same")):
    """One of the names known."""
    if not isinstance(value, str) or value.lower() not in known:
        raise ValueError(f"The `padding` argument must be {' or '.join(map(repr, known))}. Received: padding={value!r}"
                         + (". Only Conv1D knows 'causal'" if str(value).lower() == "causal" else ""))
    return value.lower()


def data_format_name(value):
    """ "channels_last" or "channels_first"; None: `fastnn.config.image_data_format()`."""
    value = image_data_format() if value is None else value
    if not isinstance(value, str) or value.lower() not in ("channels_last", "channels_first"):
        raise ValueError(f"The `data_format` argument must be 'channels_last' or 'channels_first'. Received: data_format={value!r}")
    return value.lower()


def to_channels_last(x):
    """(N, C, ...) -> (N, ..., C)"""
    return ops.transpose(x, axes=(0, *range(2, len(x.shape)), 1))


def to_channels_first(x):
    """(N, ..., C) -> (N, C, ...)"""
    rank = len(x.shape)
    return ops.transpose(x, axes=(0, rank - 1, *range(1, rank - 1)))


def split_activation(activation):
    """An activation as (attributes for an op with an epilogue, function to apply afterwards or None)."""
    name = "linear" if activation is None else getattr(activation, "epilogue", None)
    if name is None or name in KEEP_LOGITS:
        return {}, activation
    if name == "leaky_relu":
        return {"activation": name, "alpha": 0.2}, None
    return {"activation": name}, None
