"""Dense, Masking, and Identity, which does nothing."""
from .. import ops
from ..utils.serialization import deserialize
from .arguments import positive_integer
from .input_spec import InputSpec
from .kernel_layer import KernelLayer
from .layer import Layer


class Dense(KernelLayer):
    """`activation(inputs @ kernel + bias)`.

    Args:
        units: size of the output's last axis.
        activation: name or function; None: linear.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint: objects or names.
        Others: see `Layer`.

    Input:
        (batch, ..., n); or a sparse matrix (batch, n): a `fastnn.ops.SparseTensor`, or one of scipy.sparse.

    Output:
        (batch, ..., units).

    Weights:
        kernel (n, units), bias (units,).

    Raises:
        ValueError: units that are no positive integer, and unknown names.

    Example:
        >>> fastnn.layers.Dense(64, activation="relu")(np.ones((2, 3))).shape
        (2, 64)
    """

    sparse_inputs = True

    def __init__(self, units, activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, **kwargs):
        super().__init__(activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
                         bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                         bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer,
                         kernel_constraint=kernel_constraint, bias_constraint=bias_constraint, **kwargs)
        self.units = positive_integer(units, "units")
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape):
        self._add_kernel_and_bias((input_shape[-1], self.units), self.units)
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})

    def call(self, inputs, absorbed=None):
        product = ops.sparse_dense if inputs.__class__ is ops.SparseTensor else ops.dense
        return self._finish(product(inputs, self.kernel, self.bias, **(absorbed or self._epilogue)))

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "quantization_config": None,
        }


class Masking(Layer):
    """Masks the steps of sequences whose features all have a certain value: layers that know masks leave them out.

    Args:
        mask_value: the value.
        Others: see `Layer`.

    Input:
        (batch, steps, ..., features).

    Output:
        the same, 0 where it is masked; its mask (batch, steps, ...) goes with it.

    Example:
        >>> y = fastnn.layers.Masking(mask_value=9)(np.array([[[1.0, 2.0], [9.0, 9.0]]]))
        >>> y.mask.tolist()
        [[True, False]]
    """

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.mask_value = deserialize(mask_value) if isinstance(mask_value, dict) else mask_value
        self.supports_masking = True
        self.built = True

    def call(self, inputs):
        counts = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = ops.where(counts, inputs, 0)
        outputs.mask = ops.squeeze(counts, axis=-1)
        return outputs

    def compute_mask(self, inputs, mask=None):
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def get_config(self):
        return {**super().get_config(), "mask_value": self.mask_value}


class Identity(Layer):
    """Gives its input back."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def call(self, inputs):
        return inputs
