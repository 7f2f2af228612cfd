"""Batch normalization."""
import numpy as np

from .. import constraints, initializers, ops, regularizers
from .input_spec import InputSpec
from .layer import Layer


class BatchNormalization(Layer):
    """Brings each channel to mean `beta` and standard deviation `gamma`; Ioffe and Szegedy, 2015.

    In training the mean and variance are the batch's, and the moving ones follow them:
    `moving = momentum * moving + (1 - momentum) * batch`.  In inference, and where `trainable` is False, the moving ones
    are used.

    Args:
        axis: the channel axis.
        momentum: of the moving statistics, in [0, 1].
        epsilon: added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer, beta_regularizer,
            gamma_regularizer, beta_constraint, gamma_constraint: objects or names.
        Others: see `Layer`.

    Weights:
        gamma, beta, moving_mean, moving_variance, each (channels,); the last two are not trained.

    Raises:
        ValueError: a momentum outside [0, 1], an axis that the input does not have, and `renorm` and
        `synchronized`, which fastnn does not have.

    Example:
        >>> y = fastnn.layers.BatchNormalization()(np.array([[1.0], [3.0]]), training=True)
        >>> y.numpy().round(2).tolist()
        [[-1.0], [1.0]]
    """

    float_inputs = True

    def __init__(self, axis=-1, momentum=0.99, epsilon=0.001, center=True, scale=True, beta_initializer="zeros",
                 gamma_initializer="ones", moving_mean_initializer="zeros", moving_variance_initializer="ones",
                 beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, renorm=False,
                 renorm_clipping=None, renorm_momentum=0.99, synchronized=False, **kwargs):
        super().__init__(**kwargs)
        if renorm or synchronized:
            raise ValueError(
                "BatchNormalization of fastnn has neither batch renormalization nor synchronized statistics. "
                f"Received: renorm={renorm}, synchronized={synchronized}. Leave them out."
            )
        self.axis = _axis(axis)
        self.momentum, self.epsilon = float(momentum), float(epsilon)
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"Argument `momentum` must be in [0, 1]. Received: momentum={momentum}")
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.renorm_clipping, self.renorm_momentum = renorm_clipping, renorm_momentum
        self.supports_masking = True
        self.gamma = self.beta = self.moving_mean = self.moving_variance = None

    def build(self, input_shape):
        rank = len(input_shape)
        if not -rank <= self.axis < rank:
            raise ValueError(f"Axis {self.axis} is out of bounds for input shape {tuple(input_shape)}. Received: axis={self.axis}")
        shape = (input_shape[self.axis],)
        if self.scale:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, name="gamma", regularizer=self.gamma_regularizer, constraint=self.gamma_constraint
            )
        if self.center:
            self.beta = self.add_weight(
                shape, self.beta_initializer, name="beta", regularizer=self.beta_regularizer, constraint=self.beta_constraint
            )
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, name="moving_mean", trainable=False)
        self.moving_variance = self.add_weight(shape, self.moving_variance_initializer, name="moving_variance", trainable=False)
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: shape[0]})

    def call(self, inputs, training=None, mask=None, absorbed=None):
        training = bool(training and self._trainable)
        axis = self.axis % len(inputs.shape)
        channels_last = axis == len(inputs.shape) - 1
        x = inputs if channels_last else ops.moveaxis(inputs, axis, -1)
        if training and mask is not None:
            y = self._normalize_masked(x, mask)
        else:
            y = ops.batch_normalize(
                x, self.gamma, self.beta, self.moving_mean, self.moving_variance, training=training,
                momentum=self.momentum, epsilon=self.epsilon, **(absorbed or {}),
            )  # fmt: skip
        return y if channels_last else ops.moveaxis(y, -1, axis)

    def _normalize_masked(self, x, mask):
        """Training on the positions alone that the mask keeps."""
        if len(mask.shape) != len(x.shape) - 1:
            raise ValueError(
                "The mask provided should be one dimension less than the inputs. "
                f"Received: mask.shape={tuple(mask.shape)}, inputs.shape={tuple(x.shape)}"
            )
        kept = ops.expand_dims(ops.cast(mask, dtype=self.dtype), -1)
        axes, count = tuple(range(len(x.shape) - 1)), ops.sum(kept) + 1e-7
        mean = ops.sum(x * kept, axis=axes) / count
        variance = ops.sum(ops.square(x - mean) * kept, axis=axes) / count
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        y = (x - mean) / ops.sqrt(variance + self.epsilon)
        y = y if self.gamma is None else y * self.gamma
        return y if self.beta is None else y + self.beta

    def get_config(self):
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
            "synchronized": False,
            "renorm": False,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }


def _axis(axis):
    if isinstance(axis, (list, tuple)) and len(axis) == 1:
        axis = axis[0]
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise ValueError(f"Argument `axis` must be an integer. Received: axis={axis!r}")
    return int(axis)
