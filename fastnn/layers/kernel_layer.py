"""What layers share that multiply by a kernel: Dense and the convolutions."""
from .. import activations, constraints, initializers, regularizers
from .arguments import split_activation
from .holder import NotBuilt
from .layer import Layer

# The options of a weight, `kernel_initializer` and so on, and who knows their names.
OPTIONS = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


class KernelLayer(Layer):
    """A layer with a kernel, a bias, and an activation that the layer's op applies in its epilogue where it can.

    Subclasses make both weights in `build` with `_add_kernel_and_bias`, and call their op with the attributes
    `self._epilogue`, then `self._finish` with its result.  `absorbed`, which `call` takes, are attributes of the op that
    do the work of layers behind this one (models/fusion.py).  `kernels` has the words with which the options of their kernels
    begin, where that is not one called "kernel".

    Args:
        activation: function or name; None: none.
        use_bias: whether there is a bias.
        activity_regularizer: penalty on the output.
        kernel_initializer, bias_initializer: where the weights begin.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, bias_constraint: what the weights are put through after each update.
        **kwargs: of Layer.
    """

    float_inputs = True
    kernels = ("kernel",)
    kernel = NotBuilt()

    def __init__(self, *, activation, use_bias, activity_regularizer, **kwargs):
        given = {(word, option): kwargs.pop(f"{word}_{option}") for word in (*self.kernels, "bias") for option in OPTIONS}
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        for (word, option), value in given.items():
            setattr(self, f"{word}_{option}", OPTIONS[option].get(value))
        self.bias = None

    def _add_kernel_and_bias(self, kernel_shape, units):
        self.kernel = self._add("kernel", kernel_shape)
        self._add_bias(units)

    def _add_bias(self, units):
        if self.use_bias:
            self.bias = self._add("bias", (units,))

    def _add(self, name, shape, word=None):
        """A weight, with the options that begin with `word`."""
        options = {option: getattr(self, f"{word or name}_{option}") for option in OPTIONS}
        return self.add_weight(shape, name=name, **options)

    def _finish(self, y):
        """The activation, where the op could not apply it."""
        return y if self._afterwards is None else self._afterwards(y)

    saved_properties, not_saved = ("activation",), ("_activation", "_afterwards")      # which may be a layer with weights

    @property
    def epilogue(self):
        """The name of the activation where the op applies it, "linear" where there is none; None: it comes after the op."""
        return self._epilogue.get("activation")

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
            **{f"{word}_{option}": known.serialize(getattr(self, f"{word}_{option}"))
               for option, known in OPTIONS.items() for word in (*self.kernels, "bias")},
        }  # fmt: skip
