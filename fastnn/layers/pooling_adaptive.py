"""Pooling to a given size: windows that share the input out evenly."""
import numpy as np

from .. import ops
from .arguments import data_format_name, integers
from .input_spec import InputSpec
from .layer import Layer


class _AdaptivePooling(Layer):
    """Pooling over `rank` axes to `output_size`; subclasses say with which function."""

    float_inputs = True
    rank = None

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(output_size, (int, np.integer, tuple, list)) or isinstance(output_size, bool):
            raise TypeError(f"`output_size` must be an integer or a tuple of {self.rank} integer{'s' * (self.rank > 1)}. "
                            f"Received: output_size={output_size!r} (of type {type(output_size).__name__})")
        self.output_size = integers(output_size, self.rank, "output_size")
        self.data_format = data_format_name(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs):
        return self._pool(inputs, self.output_size, self.data_format)

    def get_config(self):
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class AdaptiveAveragePooling1D(_AdaptivePooling):
    """The mean of each of `output_size` windows that share the sequences out evenly.

    Args:
        output_size: how many windows along each axis, an int or a tuple of one.
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, steps, channels), or channels first.

    Raises:
        TypeError, ValueError: bad values.

    Example:
        >>> fastnn.layers.AdaptiveAveragePooling1D(4)(np.ones((2, 10, 3))).shape
        (2, 4, 3)
    """

    rank, _pool = 1, staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling2D(_AdaptivePooling):
    """The mean of each of `output_size` windows that share the images out evenly.

    Args:
        output_size: how many windows along each axis, an int or a tuple (height, width).
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, height, width, channels), or channels first.

    Raises:
        TypeError, ValueError: bad values.

    Example:
        >>> fastnn.layers.AdaptiveAveragePooling2D((4, 7))(np.ones((2, 10, 9, 3))).shape
        (2, 4, 7, 3)
    """

    rank, _pool = 2, staticmethod(ops.adaptive_average_pool)


class AdaptiveAveragePooling3D(_AdaptivePooling):
    """The mean of each of `output_size` windows that share the volumes out evenly.

    Args:
        output_size: how many windows along each axis, an int or a tuple (depth, height, width).
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, depth, height, width, channels), or channels first.

    Raises:
        TypeError, ValueError: bad values.

    Example:
        >>> fastnn.layers.AdaptiveAveragePooling3D(4)(np.ones((2, 8, 10, 9, 3))).shape
        (2, 4, 4, 4, 3)
    """

    rank, _pool = 3, staticmethod(ops.adaptive_average_pool)


class AdaptiveMaxPooling1D(_AdaptivePooling):
    """The maximum of each of `output_size` windows that share the sequences out evenly.

    Args:
        output_size: how many windows along each axis, an int or a tuple of one.
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, steps, channels), or channels first.

    Raises:
        TypeError, ValueError: bad values.

    Example:
        >>> fastnn.layers.AdaptiveMaxPooling1D(4)(np.ones((2, 10, 3))).shape
        (2, 4, 3)
    """

    rank, _pool = 1, staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling2D(_AdaptivePooling):
    """The maximum of each of `output_size` windows that share the images out evenly.

    Args:
        output_size: how many windows along each axis, an int or a tuple (height, width).
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, height, width, channels), or channels first.

    Raises:
        TypeError, ValueError: bad values.

    Example:
        >>> fastnn.layers.AdaptiveMaxPooling2D((4, 7))(np.ones((2, 10, 9, 3))).shape
        (2, 4, 7, 3)
    """

    rank, _pool = 2, staticmethod(ops.adaptive_max_pool)


class AdaptiveMaxPooling3D(_AdaptivePooling):
    """The maximum of each of `output_size` windows that share the volumes out evenly.

    Args:
        output_size: how many windows along each axis, an int or a tuple (depth, height, width).
        data_format: "channels_last" or "channels_first".
        Others: see `Layer`.

    Input:
        (batch, depth, height, width, channels), or channels first.

    Raises:
        TypeError, ValueError: bad values.

    Example:
        >>> fastnn.layers.AdaptiveMaxPooling3D(4)(np.ones((2, 8, 10, 9, 3))).shape
        (2, 4, 4, 4, 3)
    """

    rank, _pool = 3, staticmethod(ops.adaptive_max_pool)
