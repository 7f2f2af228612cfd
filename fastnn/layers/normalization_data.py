"""Normalization: data shifted and scaled to mean 0 and variance 1."""
import math

import numpy as np

from .. import config, ops
from ..utils.moments import Moments
from .adapting import batches_of
from .layer import Layer


class Normalization(Layer):
    """Shifts and scales data to mean 0 and variance 1: (x - mean) / sqrt(variance), with what `adapt` saw or what it is given.

    Args:
        axis: axis (or axes) that have a mean and a variance for each place, the last one for instance: features; None: there is one for
            all numbers.
        mean, variance: numbers or arrays that broadcast to these axes, both or none; None: `adapt` finds them.
        invert: whether it goes back: x * sqrt(variance) + mean.
        Others: see `Layer`.

    Input:
        Numbers of any shape, with known sizes of the axes in `axis`.

    Output:
        The same shape.

    Weights:
        mean, variance, count: without `mean`; none of them is trained.

    Raises:
        ValueError: one of mean and variance without the other, or of another shape; axes that the input does not have.

    Example:
        >>> layer = fastnn.layers.Normalization()
        >>> layer.adapt(np.array([[0.0, 10.0], [2.0, 30.0]]))
        >>> layer(np.array([[1.0, 30.0]])).tolist()
        [[0.0, 1.0]]
    """

    float_inputs = True

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
        if (mean is None) != (variance is None):
            raise ValueError(f"`mean` and `variance` of Normalization must be given both, or none of them. Received: mean={mean} and "
                             f"variance={variance}")
        if mean is not None:
            mean, variance = np.asarray(mean), np.asarray(variance)
            if mean.shape != variance.shape or mean.ndim > len(self.axis):
                raise ValueError(f"`mean` and `variance` of Normalization must have the same shape, with at most {len(self.axis)} axes (those of "
                                 f"axis={self.axis}). Received: {mean.shape} and {variance.shape}")
        self.input_mean, self.input_variance, self.invert = mean, variance, bool(invert)
        self.supports_masking = True

    def build(self, input_shape):
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ValueError(f"`axis` must be among the {rank} axes of the input. Received: axis={self.axis} and an input of shape {input_shape}")
        kept = sorted({axis % rank for axis in self.axis})
        unknown = [axis for axis in kept if input_shape[axis] is None]
        if unknown:
            raise ValueError(f"the sizes of the axes in `axis` must be known. Received: axis={self.axis} and an input of shape {input_shape}")
        self._kept, self._sizes = tuple(kept), tuple(input_shape[axis] for axis in kept)
        self._broadcast = tuple(input_shape[axis] if axis in kept else 1 for axis in range(rank))
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(self._sizes, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(self._sizes, "ones", trainable=False, name="variance")
            self.count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")
            return
        try:
            self._given = [np.broadcast_to(value, self._sizes).astype(self.dtype).reshape(self._broadcast)
                           for value in (self.input_mean, self.input_variance)]
        except ValueError:
            raise ValueError(f"`mean` and `variance` of shape {self.input_mean.shape} do not fit the axes {self._kept} of sizes "
                             f"{self._sizes}") from None

    @property
    def mean(self):
        """The mean, in a shape that broadcasts to the input."""
        return self._moment(0)

    @property
    def variance(self):
        """The variance, in a shape that broadcasts to the input."""
        return self._moment(1)

    def _moment(self, which):
        if not self.built:
            return None
        if self.input_mean is not None:
            return ops.convert_to_tensor(self._given[which])
        return ops.reshape((self.adapt_mean, self.adapt_variance)[which], self._broadcast)

    def adapt(self, data, steps=None):
        """Finds mean and variance of data, and forgets those it had.

        Args:
            data: array, or batches: a list or generator of arrays, a data set (of (x, y): x counts).
            steps: how many batches are read; None: all.

        Raises:
            ValueError: no data, batches whose sizes in `axis` differ, mean and variance that were given.
        """
        if self.input_mean is not None:
            raise ValueError(f'Layer "{self.name}" was given its `mean` and `variance`: to have them found leave them out')
        moments = None
        for batch in batches_of(self, data, steps):
            if not self.built:
                self.build(batch.shape)
            sizes = tuple(batch.shape[axis] for axis in self._kept) if batch.ndim == len(self._broadcast) else None
            if sizes != self._sizes:
                raise ValueError(f'`adapt` of layer "{self.name}" received data of shape {batch.shape}; it is built for sizes {self._sizes} of the '
                                 f"axes {self._kept}, of {len(self._broadcast)} axes")
            moments = moments or Moments(tuple(axis for axis in range(batch.ndim) if axis not in self._kept))
            moments.add(batch, math.prod(batch.shape) // max(math.prod(sizes), 1))
        self.adapt_mean.assign(moments.mean)
        self.adapt_variance.assign(moments.variance)

    def finalize_state(self):
        """Nothing: mean and variance are read when the layer is called."""

    def call(self, inputs):
        deviation = ops.maximum(ops.sqrt(self.variance), config.epsilon())
        return inputs * deviation + self.mean if self.invert else (inputs - self.mean) / deviation

    def get_config(self):
        given = {name: None if value is None else value.tolist() for name, value in (("mean", self.input_mean), ("variance", self.input_variance))}
        return {**super().get_config(), "axis": self.axis, "invert": self.invert, **given}
