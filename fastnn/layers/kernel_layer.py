"""What layers share that multiply by a kernel: Dense and the convolutions."""
from .. import activations, constraints, initializers, regularizers
from .arguments import split_activation
from .holder import NotBuilt
from .layer import Layer


class KernelLayer(Layer):
    """A layer with a kernel, a bias, and an activation that the layer's op applies in its epilogue where it can.

    Subclasses make both weights in `build` with `_add_kernel_and_bias`, and call their op with the attributes
    `self._epilogue`, then `self._finish` with its result.

    Args:
        activation: function or name; None: none.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: where the weights begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on the weights and on the output.
        kernel_constraint, bias_constraint: what the weights are put through after each update.
        **kwargs: of Layer.
    """

    float_inputs = True
    kernel = NotBuilt()

    def __init__(self, *, activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                 activity_regularizer, kernel_constraint, bias_constraint, **kwargs):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias = None

    def _add_kernel_and_bias(self, kernel_shape, units):
        self.kernel = self.add_weight(kernel_shape, self.kernel_initializer, name="kernel",
                                      regularizer=self.kernel_regularizer, constraint=self.kernel_constraint)
        if self.use_bias:
            self.bias = self.add_weight((units,), self.bias_initializer, name="bias",
                                        regularizer=self.bias_regularizer, constraint=self.bias_constraint)

    def _finish(self, y):
        """The activation, where the op could not apply it."""
        return y if self._afterwards is None else self._afterwards(y)

    @property
    def activation(self):
        """The activation function."""
        return self._activation

    @activation.setter
    def activation(self, function):
        self._activation = function
        self._epilogue, self._afterwards = split_activation(function)

    def get_config(self):
        return {
            **super().get_config(),
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
