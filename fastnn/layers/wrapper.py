"""Layers around another layer."""
from .. import ops
from ..utils import serialization
from .layer import Layer


class Wrapper(Layer):
    """Base of layers that hold another one: its weights and losses count as theirs, and building them builds it.

    Args:
        layer: the layer inside.
        Others: see `Layer`.

    Raises:
        ValueError: what is no layer.
    """

    def __init__(self, layer, **kwargs):
        if not isinstance(layer, Layer):
            raise ValueError(f"{type(self).__name__} takes a layer as its argument `layer`. Received: layer={layer!r} (of type "
                             f"{type(layer).__name__})")
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape=None):
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self):
        return {**super().get_config(), "layer": serialization.serialize(self.layer)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        layer = serialization.deserialize(config.pop("layer"), custom_objects=custom_objects)
        return cls(layer, **config)


class TimeDistributed(Wrapper):
    """Applies a layer to each time step, the axis behind the batch axis, with the same weights.

    fastnn's own layers, most of which treat each sample by itself, get all time steps at once, as one large batch; a layer of
    the user's, and one that takes statistics over the batch, is called for one step after the other.

    Args:
        layer: the layer for each time step.
        Others: see `Layer`.

    Call arguments:
        inputs: (batch, time, ...), with at least one more axis.
        training: passed on.
        mask: (batch, time, ...); what it says of a time step is passed on, if the layer takes a mask.

    Output:
        (batch, time, *what the layer makes of a step).

    Raises:
        ValueError: what is no layer, too few axes, a mask whose first two sizes are not those of the inputs.

    Example:
        >>> fastnn.layers.TimeDistributed(fastnn.layers.Dense(7))(np.zeros((2, 5, 3))).shape
        (2, 5, 7)
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        super().build(self._step_shape(input_shape))

    def _step_shape(self, input_shape):
        if not isinstance(input_shape, tuple) or len(input_shape) < 3:
            raise ValueError(f'Layer "{self.name}": TimeDistributed takes inputs of at least 3 axes, (batch, time, ...). '
                             f"Received: input shape {input_shape}")
        return (input_shape[0], *input_shape[2:])

    def compute_output_shape(self, input_shape):
        batch, *axes = self.layer.compute_output_shape(self._step_shape(tuple(input_shape)))
        return (batch, input_shape[1], *axes)

    def call(self, inputs, training=None, mask=None):
        if mask is not None:
            mask = ops.convert_to_tensor(mask)
            if len(mask.shape) < 2 or mask.shape[:2] != inputs.shape[:2]:
                raise ValueError(f"The first two axes of the mask must be those of the inputs, batch and time. Received: mask of shape "
                                 f"{tuple(mask.shape)} for inputs of shape {tuple(inputs.shape)}")
        options = {"training": training} if self.layer._call_has_training else {}
        masked = mask if self.layer._call_has_mask else None
        apply = self._all_steps if inputs.shape[1] == 1 or _treats_samples_alone(self.layer, training) else self._each_step
        return apply(inputs, masked, options)

    def _all_steps(self, inputs, mask, options):
        batch, time, *axes = inputs.shape
        if mask is not None:
            options["mask"] = ops.reshape(mask, (batch * time, *mask.shape[2:]))
        y = self.layer.call(ops.reshape(inputs, (batch * time, *axes)), **options)
        return ops.reshape(y, (batch, time, *y.shape[1:]))

    def _each_step(self, inputs, mask, options):
        steps = []
        for i in range(inputs.shape[1]):
            if mask is not None:
                options["mask"] = mask[:, i]
            steps.append(self.layer.call(inputs[:, i], **options))
        return ops.stack(steps, axis=1)


def _treats_samples_alone(layer, training):
    """Whether what a layer makes of a sample does not depend on the rest of the batch, as far as that is known.

    Of fastnn's own layers it is, unless they say `mixes_samples` (in training: `mixes_samples_in_training`) or work along axis 0.
    """
    for part in layer._flatten_layers():
        if not serialization.is_builtin(type(part)) or getattr(part, "mixes_samples", False):
            return False
        if training and getattr(part, "mixes_samples_in_training", False):
            return False
        axis = getattr(part, "axis", None)
        if axis == 0 or isinstance(axis, (list, tuple)) and 0 in axis:
            return False
    return True
