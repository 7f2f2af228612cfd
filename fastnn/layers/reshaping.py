"""Layers that only move data: Flatten, Reshape, Permute, RepeatVector."""
import math

import numpy as np

from .. import ops
from .arguments import data_format_name, positive_integer, to_channels_last
from .input_spec import InputSpec
from .layer import Layer


class Flatten(Layer):
    """(batch, ...) -> (batch, product of the other sizes).

    Args:
        data_format: with "channels_first", channels are moved last before.
        Others: see `Layer`.
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_name(data_format)
        self.input_spec = InputSpec(min_ndim=1)
        self.built = True

    def call(self, inputs):
        if self.data_format == "channels_first" and len(inputs.shape) > 2:
            inputs = to_channels_last(inputs)
        shape = inputs.shape
        return ops.reshape(inputs, shape=(shape[0], None if None in shape[1:] else math.prod(shape[1:])))

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """(batch, ...) -> (batch, *target_shape).

    Args:
        target_shape: sizes without the batch axis; one of them may be -1, which is computed.
        Others: see `Layer`.

    Raises:
        ValueError: more than one -1, and when called on a shape with another number of elements.

    Example:
        >>> fastnn.layers.Reshape((28, 28, 1))(np.ones((2, 784))).shape
        (2, 28, 28, 1)
    """

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        target_shape = (target_shape,) if isinstance(target_shape, (int, np.integer)) else tuple(target_shape)
        if any(not isinstance(size, (int, np.integer)) or size < -1 for size in target_shape):
            raise ValueError(
                "Each dimension in `target_shape` must be a non-negative integer, or `-1` for a single unknown dimension. "
                f"Received: target_shape={target_shape}."
            )
        if target_shape.count(-1) > 1:
            raise ValueError(f"There must be at most one unknown dimension (-1) in `target_shape`. Received: target_shape={target_shape}.")
        self.target_shape = tuple(int(size) for size in target_shape)
        self.built = True

    def call(self, inputs):
        return ops.reshape(inputs, shape=(inputs.shape[0], *self._resolve(inputs.shape[1:])))

    def _resolve(self, shape):
        target, known = self.target_shape, math.prod(size for size in self.target_shape if size != -1)
        if None in shape:
            return tuple(None if size == -1 else size for size in target)
        total = math.prod(shape)
        if total != known if -1 not in target else not known or total % known:
            raise ValueError(
                f"The total size of the tensor must be unchanged. Received: input shape {tuple(shape)} (without the batch axis, "
                f"{total} elements), target_shape={target}."
            )
        return tuple(total // known if size == -1 else size for size in target)

    def get_config(self):
        return {**super().get_config(), "target_shape": self.target_shape}


class Permute(Layer):
    """Reorders the axes after the batch axis.

    Args:
        dims: the input's axes in their new order, counted from 1: (2, 1) swaps two axes.
        Others: see `Layer`.

    Raises:
        ValueError: anything that is no permutation.
    """

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices in `dims` must be consecutive and "
                f"start from 1. Received dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)
        self.built = True

    def call(self, inputs):
        return ops.transpose(inputs, axes=(0, *self.dims))

    def get_config(self):
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """(batch, features) -> (batch, n, features), the same n times.

    Args:
        n: positive integer.
        Others: see `Layer`.

    Raises:
        TypeError or ValueError for other n.
    """

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
            raise TypeError(f"Expected an integer value for `n`. Received: n={n!r} (of type {type(n).__name__})")
        self.n = positive_integer(n, "n")
        self.input_spec = InputSpec(ndim=2)
        self.built = True

    def call(self, inputs):
        rows, features = inputs.shape
        return ops.broadcast_to(ops.reshape(inputs, shape=(rows, 1, features)), shape=(rows, self.n, features))

    def get_config(self):
        return {**super().get_config(), "n": self.n}
