"""Batch normalization."""
import numpy as np

from .. import config, constraints, initializers, ops, regularizers
from ..tensor import Spec
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
        renorm: whether training corrects the batch's statistics towards moving ones (batch renormalization; Ioffe, 2017).
        renorm_clipping: dict of bounds of the correction: "rmin", "rmax" of its factor, "dmax" of its summand.
        renorm_momentum: of the moving statistics that it corrects towards.
        synchronized: whether statistics are those of all devices; there is one.
        Others: see `Layer`.

    Call arguments:
        mask: of one axis less than the inputs, broadcast over the last one; in training, the positions that count.

    Weights:
        gamma, beta, moving_mean, moving_variance, and with renorm moving_stddev, renorm_mean, renorm_stddev, each
        (channels,); only the first two are trained.

    Raises:
        ValueError: a momentum outside [0, 1], an axis that the input does not have, unknown or contradictory bounds, a mask
        with another number of axes.

    Example:
        >>> y = fastnn.layers.BatchNormalization()(np.array([[1.0], [3.0]]), training=True)
        >>> y.numpy().round(2).tolist()
        [[-1.0], [1.0]]
    """

    float_inputs = True
    mixes_samples_in_training = True

    def __init__(self, axis=-1, momentum=0.99, epsilon=0.001, center=True, scale=True, beta_initializer="zeros",
                 gamma_initializer="ones", moving_mean_initializer="zeros", moving_variance_initializer="ones",
                 beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, renorm=False,
                 renorm_clipping=None, renorm_momentum=0.99, synchronized=False, **kwargs):
        super().__init__(**kwargs)
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
        self.synchronized, self.renorm, self.renorm_momentum = bool(synchronized), bool(renorm), renorm_momentum
        self.renorm_clipping = _clipping(renorm_clipping) if renorm else renorm_clipping
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
        if self.renorm:
            self._build_renorm(shape)
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: shape[0]})

    def _build_renorm(self, shape):
        def stddev(shape, dtype=None):
            return ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

        self.moving_stddev = self.add_weight(shape, stddev, name="moving_stddev", trainable=False)
        self.renorm_mean = self.add_weight(shape, self.moving_mean_initializer, name="renorm_mean", trainable=False)
        self.renorm_stddev = self.add_weight(shape, stddev, name="renorm_stddev", trainable=False)

    def call(self, inputs, training=None, mask=None, absorbed=None):
        training = bool(training and self._trainable)
        axis = self.axis % len(inputs.shape)
        channels_last = axis == len(inputs.shape) - 1
        x = inputs if channels_last else ops.moveaxis(inputs, axis, -1)
        kept = None if mask is None else _kept(mask, inputs, axis)
        if training and (self.renorm or kept is not None):
            y = self._normalize_by_parts(x, kept, absorbed)
        else:
            y = self._normalize(x, self.gamma, self.beta, self.moving_mean, self.moving_variance, absorbed, training)
        return y if channels_last else ops.moveaxis(y, -1, axis)

    def _normalize(self, x, gamma, beta, mean, variance, absorbed, training=False):
        return ops.batch_normalize(x, gamma, beta, mean, variance, training=training, momentum=self.momentum,
                                   epsilon=self.epsilon, **(absorbed or {}))

    def _normalize_by_parts(self, x, kept, absorbed):
        """Training where the statistics are not just those of the batch, and the op for that does not do."""
        axes = tuple(range(len(x.shape) - 1))
        mean, variance = ops.moments(x, axes=axes) if kept is None else _masked_moments(x, kept, axes)
        gamma, beta = self.gamma, self.beta
        if self.renorm:
            stddev = ops.sqrt(variance + self.epsilon)
            gamma, beta = self._corrected(gamma, beta, mean, stddev)
            self._move_renorm(mean, stddev)
        else:
            _move(self.moving_mean, mean, self.momentum)
            _move(self.moving_variance, variance, self.momentum)
        return self._normalize(x, gamma, beta, mean, variance, absorbed)

    def _corrected(self, gamma, beta, mean, stddev):
        """gamma and beta with the correction of renormalization, a factor and a summand, which pass no gradient on."""
        usual = ops.maximum(self.renorm_stddev, self.epsilon**0.5)
        r, d = stddev / usual, (mean - self.renorm_mean) / usual
        low, high, far = (self.renorm_clipping.get(name) for name in ("rmin", "rmax", "dmax"))
        r = r if low is None else ops.maximum(r, low)
        r = r if high is None else ops.minimum(r, high)
        d = d if far is None else ops.clip(d, -far, far)
        r, d = ops.stop_gradient(r), ops.stop_gradient(d)
        if gamma is not None:
            r, d = r * gamma, d * gamma
        return r, d if beta is None else d + beta

    def _move_renorm(self, mean, stddev):
        _move(self.renorm_mean, mean, self.renorm_momentum)
        _move(self.renorm_stddev, stddev, self.renorm_momentum)
        _move(self.moving_mean, mean, self.momentum)
        _move(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(ops.relu(ops.square(self.moving_stddev) - self.epsilon))

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
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }


def _move(moving, batch, momentum):
    moving.assign(moving * momentum + batch * (1 - momentum))


def _kept(mask, inputs, axis):
    """The mask of all elements, channels last."""
    if len(mask.shape) != len(inputs.shape) - 1:
        raise ValueError("The mask of BatchNormalization must have one axis less than the inputs. "
                         f"Received: a mask of shape {tuple(mask.shape)} for inputs of shape {tuple(inputs.shape)}")
    if isinstance(inputs, Spec):
        return None
    kept = ops.broadcast_to(ops.expand_dims(ops.cast(mask, dtype="bool"), -1), inputs.shape)
    return ops.moveaxis(kept, axis, -1)


def _masked_moments(x, kept, axes):
    """Mean and variance of the elements that the mask keeps."""
    count = ops.sum(ops.cast(kept, dtype=x.dtype), axis=axes) + config.epsilon()
    mean = ops.sum(ops.where(kept, x, 0.0), axis=axes) / count
    return mean, ops.sum(ops.square(ops.where(kept, x - mean, 0.0)), axis=axes) / count


def _clipping(bounds):
    """Checks the bounds of renormalization."""
    bounds = dict(bounds or {})
    if not set(bounds) <= {"rmin", "rmax", "dmax"}:
        raise ValueError(f"Argument `renorm_clipping` takes the bounds 'rmin', 'rmax' and 'dmax'. Received: renorm_clipping={bounds}")
    low, high, far = (bounds.get(name) for name in ("rmin", "rmax", "dmax"))
    if low is not None and high is not None and high < low:
        raise ValueError(f"In argument `renorm_clipping`, rmax must not be below rmin. Received: renorm_clipping={bounds}")
    if far is not None and far < 0:
        raise ValueError(f"In argument `renorm_clipping`, dmax must not be negative. Received: renorm_clipping={bounds}")
    return bounds


def _axis(axis):
    if isinstance(axis, (list, tuple)) and len(axis) == 1:
        axis = axis[0]
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise ValueError(f"Argument `axis` must be an integer. Received: axis={axis!r}")
    return int(axis)
