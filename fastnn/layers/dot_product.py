"""Dot: products of two tensors along one axis, sample by sample."""
from .. import ops
from .layer import Layer


class Dot(Layer):
    """The sum of products of two tensors along an axis of each, sample by sample.

    Args:
        axes: the axis of both, or a tuple of one for each; not 0, the axis of the samples.
        normalize: whether both are divided by their norm along that axis, which gives the cosine of the angle between them.
        Others: see `Layer`.

    Input:
        A list of two tensors.

    Output:
        (batch, other axes of the first, other axes of the second); (batch, 1) where there are none.

    Raises:
        TypeError, ValueError: axes of another form; inputs that do not fit.

    Example:
        >>> fastnn.layers.Dot(axes=(2, 1))([np.ones((2, 3, 4)), np.ones((2, 4, 5))]).shape
        (2, 3, 5)
    """

    float_inputs = True

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, (list, tuple)):
                raise TypeError(f"Argument `axes` must be an integer, or a tuple or list of two. Received: axes={axes!r}")
            if len(axes) != 2 or not all(isinstance(axis, int) for axis in axes):
                raise ValueError(f"Argument `axes` must be an integer, or a tuple or list of two. Received: axes={axes!r}")
        self.axes, self.normalize = axes, normalize
        self.supports_masking = True

    def build(self, input_shape):
        shapes = self._two(input_shape)
        first, second = self._axes(shapes)
        sizes = shapes[0][first], shapes[1][second]
        if sizes[0] != sizes[1] and None not in sizes:
            raise ValueError(f"`Dot` takes inputs whose axes {first} and {second} have one size. Received: {sizes[0]} and {sizes[1]}, of shapes "
                             f"{shapes[0]} and {shapes[1]}")

    def _two(self, inputs):
        if not isinstance(inputs, (list, tuple)) or len(inputs) != 2 or inputs[0] is None or isinstance(inputs[0], int):
            raise ValueError(f"A `Dot` layer must be called on a list of 2 inputs. Received: {inputs}")
        return inputs

    def _axes(self, shapes):
        """The axis of each input, from its beginning."""
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        found = []
        for axis, shape in zip(axes, shapes):
            if len(shape) < 2 or not -len(shape) < axis < len(shape) or axis == 0:
                raise ValueError(f"`Dot` takes inputs of two axes or more, and an axis of theirs but the first. Received: axes={self.axes} for "
                                 f"an input of shape {tuple(shape)}")
            found.append(axis % len(shape))
        return found

    def compute_output_shape(self, input_shape):
        first, second = self._two(input_shape)
        axes = self._axes((first, second))
        shape = [n for k, n in enumerate(first) if k != axes[0]] + [n for k, n in enumerate(second) if k not in (0, axes[1])]
        return tuple(shape) if len(shape) > 1 else (*shape, 1)

    def call(self, inputs):
        x, y = self._two(inputs)
        first, second = self._axes((x.shape, y.shape))
        if self.normalize:
            x, y = ops.normalize(x, axis=first), ops.normalize(y, axis=second)
        letters = "bcdefghijklmnopq"
        own = ["a" + letters[:len(x.shape) - 1], "a" + letters[len(x.shape) - 1:len(x.shape) + len(y.shape) - 2]]
        own[1] = own[1][:second] + own[0][first] + own[1][second + 1:]
        result = "a" + "".join(l for one in own for l in one[1:] if l != own[0][first])
        found = ops.einsum(f"{own[0]},{own[1]}->{result}", x, y)
        return found if len(result) > 1 else ops.expand_dims(found, -1)

    def compute_mask(self, inputs, previous_mask=None):
        """None: the axes that masks are of are summed over."""

    def get_config(self):
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def dot(inputs, axes=-1, **kwargs):
    """`Dot(axes, **kwargs)(inputs)`.

    Example:
        >>> fastnn.layers.dot([np.ones((2, 3)), np.ones((2, 3))]).tolist()
        [[3.0], [3.0]]
    """
    return Dot(axes=axes, **kwargs)(inputs)
