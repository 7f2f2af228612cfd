"""Group normalization."""
import numpy as np

from .. import ops
from .input_spec import InputSpec
from .layer import Layer
from .normalization_rows import gamma_and_beta_config, make_gamma_and_beta, take_gamma_and_beta


class GroupNormalization(Layer):
    """Normalizes each sample over groups of its channels and all other axes; Wu and He, 2018.

    Args:
        groups: number of groups, which divides the number of channels; -1: as many as channels (instance normalization).
        axis: the channel axis, not the batch axis.
        epsilon: added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: objects
            or names.
        Others: see `Layer`.

    Weights:
        gamma, beta, each (channels,).

    Raises:
        ValueError: a number of groups that does not fit the channels, an axis that the input does not have.

    Example:
        >>> y = fastnn.layers.GroupNormalization(2, epsilon=0.0)(np.array([[1.0, 3.0, 0.0, 10.0]]))
        >>> y.numpy().round(2).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """

    float_inputs = True

    def __init__(self, groups=32, axis=-1, epsilon=1e-3, center=True, scale=True, beta_initializer="zeros", gamma_initializer="ones",
                 beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, **kwargs):
        if isinstance(groups, bool) or not isinstance(groups, (int, np.integer)) or (groups <= 0 and groups != -1):
            raise ValueError("Argument `groups` must be a positive integer, or -1 for a group for each channel. "
                             f"Received: groups={groups!r}")
        if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
            raise ValueError(f"Argument `axis` must be an integer. Received: axis={axis!r}")
        super().__init__(**kwargs)
        self.groups, self.axis, self.epsilon, self.center, self.scale = int(groups), int(axis), epsilon, center, scale
        take_gamma_and_beta(self, gamma_initializer, gamma_regularizer, gamma_constraint, beta_initializer, beta_regularizer,
                            beta_constraint)
        self.supports_masking = True

    def build(self, input_shape):
        rank = len(input_shape)
        if not -rank < self.axis < rank or self.axis == 0:
            raise ValueError(f"Axis {self.axis} is out of bounds for the channels of input shape {tuple(input_shape)}, whose first axis "
                             f"is that of samples. Received: axis={self.axis}")
        channels = input_shape[self.axis]
        if channels is None:
            raise ValueError(f"Axis {self.axis} of the input must have a known size. Received: input shape {tuple(input_shape)}")
        if self.groups == -1:
            self.groups = channels
        if self.groups > channels or channels % self.groups:
            raise ValueError(f"The number of groups must divide the number of channels. Received: groups={self.groups}, "
                             f"{channels} channels (axis {self.axis} of input shape {tuple(input_shape)})")
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: channels})
        make_gamma_and_beta(self, (channels,), self.scale, self.center)

    def call(self, inputs):
        return ops.group_normalize(inputs, self.gamma, self.beta, groups=self.groups, axis=self.axis, epsilon=self.epsilon)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups, "axis": self.axis, "epsilon": self.epsilon, "center": self.center,
                "scale": self.scale, **gamma_and_beta_config(self)}
