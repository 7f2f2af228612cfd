"""Layer, RMS and unit normalization: each sample by itself, over some of its axes."""
import numpy as np

from .. import constraints, initializers, ops, regularizers
from .layer import Layer


class LayerNormalization(Layer):
    """Brings each sample to mean `beta` and standard deviation `gamma` over some axes; Ba, Kiros and Hinton, 2016.

    Training and inference are the same: nothing is shared between samples.

    Args:
        axis: integer or several, over which mean and variance are taken; gamma and beta have these axes' sizes.
        epsilon: added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: objects
            or names.
        rms_scaling: whether x is divided by its standard deviation without taking the mean away, and there is no beta;
            deprecated in Keras, see `RMSNormalization`.
        Others: see `Layer`.

    Weights:
        gamma, beta, of the sizes of the axes.

    Raises:
        TypeError: an axis that is no integer. ValueError: one that the input does not have.

    Example:
        >>> y = fastnn.layers.LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0], [0.0, 10.0]]))
        >>> y.numpy().round(2).tolist()
        [[-1.0, 1.0], [-1.0, 1.0]]
    """

    float_inputs = True

    def __init__(self, axis=-1, epsilon=1e-3, center=True, scale=True, beta_initializer="zeros", gamma_initializer="ones",
                 beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, **kwargs):
        self.rms_scaling = bool(kwargs.pop("rms_scaling", False))
        super().__init__(**kwargs)
        self.axis = one_or_more_axes(axis)
        self.epsilon, self.center, self.scale = epsilon, center, scale
        take_gamma_and_beta(self, gamma_initializer, gamma_regularizer, gamma_constraint, beta_initializer, beta_regularizer,
                            beta_constraint)
        self.supports_masking = True

    def build(self, input_shape):
        self.axis, shape = sorted_axes(self.axis, input_shape)
        make_gamma_and_beta(self, shape, self.scale or self.rms_scaling, self.center and not self.rms_scaling)

    def call(self, inputs):
        options = {"rms_scaling": True} if self.rms_scaling else {}
        return ops.layer_normalization(inputs, self.gamma, self.beta, axis=self.axis, epsilon=self.epsilon, **options)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon, "center": self.center, "scale": self.scale,
                "rms_scaling": self.rms_scaling, **gamma_and_beta_config(self)}


class RMSNormalization(Layer):
    """Divides each sample by the root of its mean square over some axes, and scales it; Zhang and Sennrich, 2019.

    Args:
        axis: integer or several; the scale has these axes' sizes.
        epsilon: added to the mean square.
        Others: see `Layer`.

    Weights:
        scale, of the sizes of the axes.

    Raises:
        TypeError: an axis that is no integer. ValueError: one that the input does not have.

    Example:
        >>> fastnn.layers.RMSNormalization(epsilon=0.0)(np.array([[2.0, -2.0]])).tolist()
        [[1.0, -1.0]]
    """

    float_inputs = True

    def __init__(self, axis=-1, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.axis, self.epsilon = one_or_more_axes(axis), epsilon

    def build(self, input_shape):
        self.axis, shape = sorted_axes(self.axis, input_shape)
        self.scale = self.add_weight(shape, "ones", name="scale")

    def call(self, inputs):
        return ops.rms_normalization(inputs, self.scale, axis=self.axis, epsilon=self.epsilon)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


class UnitNormalization(Layer):
    """Divides each sample by its Euclidean norm over some axes.

    Args:
        axis: integer or several.
        Others: see `Layer`.

    Raises:
        TypeError: an axis that is no integer. ValueError: one that the input does not have.

    Example:
        >>> fastnn.layers.UnitNormalization(dtype="float64")(np.array([[3.0, 4.0]])).numpy().round(2).tolist()
        [[0.6, 0.8]]
    """

    float_inputs = True

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = one_or_more_axes(axis)
        self.supports_masking = True
        self.built = True

    def call(self, inputs):
        squares = ops.sum(ops.square(inputs), axis=self.axis, keepdims=True)
        return inputs * ops.rsqrt(ops.maximum(squares, 1e-24))

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}


# ---- What normalizations share ----------------------------------------------------------------------------------

def one_or_more_axes(axis):
    """An argument `axis`: an integer, or a list of integers."""
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    if not axes or any(isinstance(k, bool) or not isinstance(k, (int, np.integer)) for k in axes):
        raise TypeError(f"Argument `axis` must be an integer, or a list or tuple of integers. Received: axis={axis!r}")
    axes = [int(k) for k in axes]
    return axes if isinstance(axis, (list, tuple)) else axes[0]


def sorted_axes(axis, input_shape):
    """The axes as a sorted list, and the sizes of the input along them."""
    axes = sorted(axis) if isinstance(axis, list) else [axis]
    for k in axes:
        if not -len(input_shape) <= k < len(input_shape):
            raise ValueError(f"Axis {k} is out of bounds for input shape {tuple(input_shape)}. Received: axis={axis}")
    shape = tuple(input_shape[k] for k in axes)
    if None in shape:
        raise ValueError(f"The sizes of the input along axis={axis} must be known. Received: input shape {tuple(input_shape)}")
    return axes, shape


def take_gamma_and_beta(layer, gamma_initializer, gamma_regularizer, gamma_constraint, beta_initializer, beta_regularizer, beta_constraint):
    """Keeps the arguments for the weights gamma and beta, which are made later."""
    layer.gamma_initializer, layer.beta_initializer = initializers.get(gamma_initializer), initializers.get(beta_initializer)
    layer.gamma_regularizer, layer.beta_regularizer = regularizers.get(gamma_regularizer), regularizers.get(beta_regularizer)
    layer.gamma_constraint, layer.beta_constraint = constraints.get(gamma_constraint), constraints.get(beta_constraint)
    layer.gamma = layer.beta = None


def make_gamma_and_beta(layer, shape, scale, center):
    """Makes the weights gamma and beta, as far as they are wanted."""
    for name, wanted in (("gamma", scale), ("beta", center)):
        if wanted:
            weight = layer.add_weight(shape, getattr(layer, f"{name}_initializer"), name=name,
                                      regularizer=getattr(layer, f"{name}_regularizer"), constraint=getattr(layer, f"{name}_constraint"))
            setattr(layer, name, weight)


def gamma_and_beta_config(layer):
    """What a config says of them."""
    kinds = (("initializer", initializers), ("regularizer", regularizers), ("constraint", constraints))
    return {f"{name}_{kind}": module.serialize(getattr(layer, f"{name}_{kind}")) for kind, module in kinds for name in ("beta", "gamma")}
