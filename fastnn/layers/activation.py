"""Activations as layers."""
from .. import activations, ops
from .layer import Layer


class _Elementwise(Layer):
    """A layer without weights whose output has its input's shape."""

    float_inputs = True
    _arguments = ()

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def get_config(self):
        return {**super().get_config(), **{key: getattr(self, key) for key in self._arguments}}


class Activation(_Elementwise):
    """Applies an activation function.

    Args:
        activation: name or function.
        Others: see `Layer`.

    Example:
        >>> fastnn.layers.Activation("relu")(np.array([[-1.0, 2.0]])).tolist()
        [[0.0, 2.0]]
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs):
        return self.activation(inputs)

    def get_config(self):
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class ReLU(_Elementwise):
    """max(x, 0), with variations.

    Args:
        max_value: the largest output, None for no limit.
        negative_slope: slope below the threshold.
        threshold: inputs below are cut off.
        Others: see `Layer`.

    Raises:
        ValueError: negative values.
    """

    _arguments = ("max_value", "negative_slope", "threshold")

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _not_negative(max_value, "max_value", "ReLU")
        self.negative_slope = _not_negative(negative_slope, "negative_slope", "ReLU")
        self.threshold = _not_negative(threshold, "threshold", "ReLU")

    def call(self, inputs):
        return activations.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )


class LeakyReLU(_Elementwise):
    """x where x > 0, else `negative_slope * x`.

    Args:
        negative_slope: number that is not negative.
        Others: see `Layer`.

    Raises:
        ValueError: a negative slope.
    """

    _arguments = ("negative_slope",)

    def __init__(self, negative_slope=0.3, **kwargs):
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self.negative_slope = _not_negative(negative_slope, "negative_slope", "LeakyReLU")

    def call(self, inputs):
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)


class ELU(_Elementwise):
    """x where x > 0, else `alpha * (exp(x) - 1)`.

    Args:
        alpha: number.
        Others: see `Layer`.
    """

    _arguments = ("alpha",)

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs):
        return activations.elu(inputs, alpha=self.alpha)


class Softmax(_Elementwise):
    """exp(x) / sum(exp(x)).

    Args:
        axis: int (or a tuple of one), over which the sum runs.
        Others: see `Layer`.
    """

    _arguments = ("axis",)

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs, mask=None):
        if mask is not None:
            mask = ops.cast(mask, dtype="bool")
            while len(mask.shape) < len(inputs.shape):      # that of the steps, carried by the input
                mask = ops.expand_dims(mask, axis=-1)
            inputs = ops.where(mask, inputs, -1e9)
        axis = self.axis
        if isinstance(axis, (list, tuple)):
            if len(axis) != 1:
                raise ValueError(f"`axis` must be an integer or a tuple of one. Received: axis={axis}")
            axis = axis[0]
        return activations.softmax(inputs, axis=axis)


def _not_negative(value, name, layer):
    if value is None or value < 0:
        raise ValueError(f"{name} of a {layer} layer cannot be None or a negative value. Received: {name}={value}")
    return value
