"""EinsumDense: a dense layer whose sums an equation describes."""
import math

from .. import initializers, ops
from ..tensor import Spec
from .input_spec import InputSpec
from .kernel_layer import KernelLayer


class EinsumDense(KernelLayer):
    """`activation(einsum(equation, inputs, kernel) + bias)`, of which Dense is the case "...x,xy->...y".

    Args:
        equation: "ab,bc->ac", "...x,xy->...y" or "ab...,bc->ac...": the axes of input, kernel and output; the first axis of input
            and output is the batch.
        output_shape: the output's shape without the batch axis (and without what "..." stands for), an int or a tuple; None where
            the size is the input's.
        activation: name or function; None: linear.
        bias_axes: the letters of those output axes that have a bias of their own, such as "c"; None: no bias.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint: objects or names.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: accepted only as None.
        Others: see `Layer`.

    Input:
        As the equation says.

    Output:
        As the equation says.

    Weights:
        kernel, of the shape that the equation gives it; bias, with axes of size 1 between those of bias_axes and after them.

    Raises:
        ValueError: an equation of another form, letters without a size, sizes that do not fit.

    Example:
        >>> fastnn.layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 4), bias_axes="de")(np.ones((2, 5, 3))).shape
        (2, 5, 2, 4)
    """

    def __init__(self, equation, output_shape, activation=None, bias_axes=None, kernel_initializer="glorot_uniform",
                 bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, lora_rank=None, lora_alpha=None, gptq_unpacked_column_size=None,
                 quantization_config=None, activity_regularizer=None, **kwargs):
        if gptq_unpacked_column_size is not None:
            raise ValueError("EinsumDense takes gptq_unpacked_column_size only as None: fastnn has no quantized layers")
        super().__init__(activation=activation, use_bias=bias_axes is not None, kernel_initializer=kernel_initializer,
                         bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                         bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer,
                         kernel_constraint=kernel_constraint, bias_constraint=bias_constraint, lora_rank=lora_rank,
                         lora_alpha=lora_alpha, quantization_config=quantization_config, **kwargs)
        self.equation, self.bias_axes = equation, bias_axes
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        _terms(equation)

    def build(self, input_shape):
        shapes = _Shapes(self.equation, self.bias_axes, input_shape, self.partial_output_shape)
        self.input_spec = InputSpec(ndim=len(input_shape))
        initializer = self.kernel_initializer
        if isinstance(initializer, initializers.VarianceScaling) and None in (initializer.input_axes, initializer.output_axes):
            initializer = type(initializer).from_config({**initializer.get_config(), "seed": initializer.seed,
                                                         "input_axes": shapes.input_axes, "output_axes": shapes.output_axes})
        self.kernel = self.add_weight(shapes.kernel, name="kernel", initializer=initializer, regularizer=self.kernel_regularizer,
                                      constraint=self.kernel_constraint)
        self._add_bias_of(shapes.bias)
        self._summed = shapes.plain_sum

    def _add_bias_of(self, shape):
        if shape is not None:
            self.bias = self._add("bias", shape)

    def compute_output_shape(self, input_shape):
        return _Shapes(self.equation, self.bias_axes, input_shape, self.partial_output_shape).output

    def call(self, inputs):
        if self._summed:
            return self._finish(self._dense(inputs))
        y = ops.einsum(self.equation, inputs, self.kernel)
        y = y if self.bias is None else ops.add(y, self.bias)
        return y if self.activation is None else self.activation(y)

    def _dense(self, inputs):
        """The last axes of the input are summed over with the first ones of the kernel: one matrix product, with its epilogue."""
        made = self.kernel.shape[self._summed:]
        if isinstance(inputs, Spec):
            return Spec((*inputs.shape[:len(inputs.shape) - self._summed], *made), inputs.dtype)
        lead = inputs.shape[:len(inputs.shape) - self._summed]
        x = ops.reshape(inputs, shape=(math.prod(lead), math.prod(self.kernel.shape[:self._summed])))
        kernel = ops.reshape(self.kernel, shape=(x.shape[1], math.prod(made)))
        bias = None if self.bias is None else ops.reshape(self.bias, shape=(-1,))
        return ops.reshape(ops.dense(x, kernel, bias, **self._epilogue), shape=(*lead, *made))

    def get_config(self):
        config = super().get_config()
        del config["use_bias"]
        return {**config, "equation": self.equation, "output_shape": self.partial_output_shape, "bias_axes": self.bias_axes,
                "activity_regularizer": config.get("activity_regularizer"), "quantization_config": None}


def _terms(equation):
    """The letters of input, kernel and output, and on which side an ellipsis stands: "left", "right" or ""."""
    text = equation.replace(" ", "")
    inputs, _, rest = text.partition(",")
    kernel, _, output = rest.partition("->")
    for side, strip in (("left", lambda t: t[3:] if t.startswith("...") else ""), ("right", lambda t: t[:-3] if t.endswith("...") else ""),
                        ("", lambda t: t)):
        terms = strip(inputs), kernel, strip(output)
        if all(t.isalpha() and t.isascii() for t in terms):
            return (*terms, side)
    raise ValueError(f"The `equation` of EinsumDense must have the form [X],[Y]->[Z], ...[X],[Y]->...[Z] or [X]...,[Y]->[Z]..., such as "
                     f"'abc,cd->abd'. Received: equation={equation!r}")


class _Shapes:
    """The shapes of kernel, bias and output, which axes of the kernel are summed over and which are made, and of how many axes the
    sum is one matrix product (0: of none)."""

    def __init__(self, equation, bias_axes, input_shape, output_shape):
        inputs, kernel, output, side = _terms(equation)
        hidden = len(input_shape) - len(inputs)
        if hidden < 0 or (hidden and not side):
            raise ValueError(f"EinsumDense with equation={equation!r} takes inputs of {len(inputs)} axes{' or more' if side else ''}. "
                             f"Received: an input of shape {tuple(input_shape)}")
        self.output = self._whole(input_shape, output_shape, hidden, side)
        first = hidden if side == "left" else 0
        sizes_in = {l: input_shape[first + k] for k, l in enumerate(inputs)}
        if len(self.output) < first + len(output):
            raise ValueError(f"EinsumDense with equation={equation!r} needs {len(output) - (side != 'left')} sizes in `output_shape`. "
                             f"Received: output_shape={output_shape}")
        sizes_out = {l: self.output[first + k] for k, l in enumerate(output)}
        self._check(equation, inputs, kernel, output, sizes_in, sizes_out)
        self.kernel = tuple(sizes_out[l] if l in sizes_out else sizes_in[l] for l in kernel)
        self.output_axes = [k for k, l in enumerate(kernel) if l in sizes_out]
        self.input_axes = [k for k, l in enumerate(kernel) if l not in sizes_out]
        self.bias = self._bias(bias_axes, output, sizes_out, hidden if side == "right" else 0)
        summed = "".join(l for l in kernel if l not in output)
        kept, made = inputs[:len(inputs) - len(summed)], kernel[len(summed):]
        fits = side != "right" and inputs == kept + summed and kernel == summed + made and output == kept + made
        whole = self.bias is None or self.bias == self.kernel[len(summed):]
        self.plain_sum = len(summed) if fits and whole and not set(kept) & set(kernel) else 0

    @staticmethod
    def _whole(input_shape, output_shape, hidden, side):
        """The output's shape with the batch axis and what the ellipsis stands for."""
        batch, sizes = tuple(input_shape[:1]), tuple(output_shape)
        if side == "left":
            return (*batch, *input_shape[1:hidden], *sizes)
        return (*batch, *sizes, *(input_shape[len(input_shape) - hidden:] if hidden else ()))

    @staticmethod
    def _check(equation, inputs, kernel, output, sizes_in, sizes_out):
        for l in inputs:
            if sizes_out.get(l) not in (None, sizes_in[l]):
                raise ValueError(f"EinsumDense with equation={equation!r}: the axis {l!r} has {sizes_in[l]} elements in the input and "
                                 f"{sizes_out[l]} in `output_shape`, they must be equal")
        for l in output:
            if l not in inputs and l not in kernel:
                raise ValueError(f"EinsumDense with equation={equation!r}: the output's axis {l!r} is in neither the input nor the kernel")
        for l in kernel:
            if l not in sizes_in and l not in sizes_out:
                raise ValueError(f"EinsumDense with equation={equation!r}: the kernel's axis {l!r} is in neither the input nor the output")

    @staticmethod
    def _bias(bias_axes, output, sizes_out, behind):
        if not bias_axes:
            return None
        for l in bias_axes:
            if l not in output:
                raise ValueError(f"EinsumDense with bias_axes={bias_axes!r}: {l!r} is no axis of the output {output!r}")
        first = min(output.index(l) for l in bias_axes)
        return (*(sizes_out[l] if l in bias_axes else 1 for l in output[first:]), *(1,) * behind)
