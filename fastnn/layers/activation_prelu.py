"""PReLU: an activation with weights."""
from .. import constraints, initializers, ops, regularizers
from .input_spec import InputSpec
from .layer import Layer


class PReLU(Layer):
    """x where it is positive, else `alpha * x`, where alpha is trained; He et al., 2015.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: objects or names.
        shared_axes: axes along which one alpha does for all, such as (1, 2) for images; an integer or several, counted from 1,
            the first behind the batch axis.
        Others: see `Layer`.

    Weights:
        alpha, of the shape of a sample, with size 1 along the shared axes.

    Raises:
        ValueError: shared axes that the input does not have, and unknown sizes along others.

    Example:
        >>> fastnn.layers.PReLU(alpha_initializer="ones")(np.array([[-1.0, 2.0]])).tolist()
        [[-1.0, 2.0]]
    """

    float_inputs = True

    def __init__(self, alpha_initializer="Zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        several = isinstance(shared_axes, (list, tuple))
        self.shared_axes = None if shared_axes is None else list(shared_axes) if several else [shared_axes]

    def build(self, input_shape):
        rank, shape = len(input_shape), list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not 1 <= axis < rank:
                raise ValueError(f"Argument `shared_axes` must hold axes from 1 to {rank - 1} for input shape {tuple(input_shape)}. "
                                 f"Received: shared_axes={self.shared_axes}")
            shape[axis - 1] = 1
        self.alpha = self.add_weight(tuple(shape), self.alpha_initializer, name="alpha", regularizer=self.alpha_regularizer,
                                     constraint=self.alpha_constraint)
        kept = {} if not self.shared_axes else {k: input_shape[k] for k in range(1, rank) if k not in self.shared_axes}
        self.input_spec = InputSpec(ndim=rank, axes=kept)

    def call(self, inputs):
        return ops.prelu(inputs, self.alpha)

    def get_config(self):
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }
