"""Rescaling and padding of images."""
import numpy as np

from .. import ops
from ..utils import serialization
from .arguments import data_format_name, pair
from .input_spec import InputSpec
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


class ZeroPadding2D(Layer):
    """Rows and columns of zeros around images.

    Args:
        padding: int; tuple (rows, columns), on both sides each; or ((top, bottom), (left, right)).
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Raises:
        ValueError: other values.
    """

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_name(data_format)
        if isinstance(padding, (int, np.integer)):
            padding = (padding, padding)
        if not isinstance(padding, (list, tuple)) or len(padding) != 2:
            raise ValueError(f"`padding` should be an int, or have two elements. Received: padding={padding!r}.")
        self.padding = tuple(pair(side, f"{which} entry of padding", least=0) for side, which in zip(padding, ("1st", "2nd")))
        self.input_spec = InputSpec(ndim=4)
        self.built = True

    def call(self, inputs):
        none = (0, 0)
        if self.data_format == "channels_first":
            return ops.pad(inputs, (none, none, *self.padding))
        return ops.pad(inputs, (none, *self.padding, none))

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}
