"""Dtype policies by name: `keras.dtype_policies`.  fastnn has those of one float type, "float32" and "float64"."""
import numpy as np

from .config import DTypePolicy, dtype_policy
from .utils import serialization

FloatDTypePolicy = DTypePolicy

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]
_TABLE = {"DTypePolicy": DTypePolicy, "FloatDTypePolicy": DTypePolicy}


def serialize(dtype_policy):
    """The config of a policy."""
    return serialization.serialize(dtype_policy)


def deserialize(config, custom_objects=None):
    """A policy from its config."""
    return serialization.deserialize(config, _TABLE, custom_objects, "dtype policy")


def get(identifier):
    """A policy from a name, a config, a NumPy dtype, a policy, or None (that of the process).

    Raises:
        ValueError: dtypes that fastnn does not compute in.

    Example:
        >>> get("float64")
        <DTypePolicy "float64">
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(np.dtype(identifier).name)
    except TypeError:
        raise ValueError(f"Cannot interpret `dtype` argument. Expected a name or a DTypePolicy. Received: dtype={identifier!r}") from None
