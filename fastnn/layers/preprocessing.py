"""Rescaling of images."""
import numpy as np

from .. import ops
from ..utils import serialization
from .layer import Layer


class Rescaling(Layer):
    """`inputs * scale + offset`; uint8 images become floats, in the same pass over them.

    Args:
        scale, offset: numbers, or arrays that broadcast to the input.
        Others: see `Layer`.

    Example:
        >>> fastnn.layers.Rescaling(1 / 255)(np.full((1, 2), 255, "uint8")).tolist()
        [[1.0, 1.0]]
    """

    reads_integers = True

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        for name, value in (("scale", scale), ("offset", offset)):
            if np.asarray(value).dtype.kind not in "fiub":
                raise ValueError(f"Argument `{name}` of Rescaling must be a number, or an array of numbers. Received: {name}={value!r}")
        self.scale, self.offset = scale, offset
        self.supports_masking = True
        self.built = True

    def call(self, inputs):
        if np.ndim(self.scale) == np.ndim(self.offset) == 0:
            return ops.rescale(inputs, scale=float(self.scale), offset=float(self.offset), dtype=self.dtype)
        inputs = inputs if inputs.dtype == self.dtype else ops.cast(inputs, dtype=self.dtype)
        return inputs * np.asarray(self.scale, self.dtype) + np.asarray(self.offset, self.dtype)

    def get_config(self):
        return {**super().get_config(), "scale": serialization.serialize(self.scale), "offset": serialization.serialize(self.offset)}

    @classmethod
    def from_config(cls, config):
        values = {key: serialization.deserialize(config[key]) for key in ("scale", "offset") if key in config}
        return super().from_config({**config, **values})
