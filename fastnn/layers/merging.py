"""Layers that make one tensor of several: Add, Multiply, Concatenate and the like, and their function forms."""
import functools

from .. import ops
from .layer import Layer


class Merge(Layer):
    """Base of layers that take a list of tensors.  The masks of all inputs, where all have one, are joined by or."""

    float_inputs = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        shapes = self._shapes(input_shape)
        batches = {shape[0] for shape in shapes if shape and shape[0] is not None}
        if len(batches) > 1:
            raise ValueError(f"tensors of different batch sizes cannot be merged. Received the shapes {shapes}")
        self._check(shapes)
        self.built = True

    def _shapes(self, shape):
        """A list of shapes, or the error for what is no list."""
        if not isinstance(shape, list) or not shape or not isinstance(shape[0], tuple):
            raise ValueError(f"{type(self).__name__} takes a list of tensors. Received one of shape {shape}: write "
                             f"{type(self).__name__}()([a, b])")
        return shape

    def _check(self, shapes):
        """Raises unless the shapes, without the batch, broadcast."""
        for shape in shapes[1:]:
            for m, n in zip(shapes[0][:0:-1], shape[:0:-1]):
                if m != n and 1 not in (m, n) and None not in (m, n):
                    raise ValueError(f"shapes that cannot be merged: {' and '.join(map(str, shapes))}. Sizes must be equal, or 1")

    def call(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            self._shapes(tuple(inputs.shape))
        rank = max([len(x.shape) for x in inputs])
        return self._merge([x if len(x.shape) == rank else lifted(x, rank) for x in inputs])

    def _merge(self, inputs):
        """One tensor of several of one rank; by default two by two."""
        return functools.reduce(self._combine, inputs)

    def compute_mask(self, inputs, previous_mask=None):
        if not isinstance(previous_mask, (list, tuple)) or any([mask is None for mask in previous_mask]):
            return None
        return functools.reduce(ops.logical_or, previous_mask)


def lifted(x, rank):
    """A tensor with axes of size 1 behind the batch."""
    for _ in range(rank - len(x.shape)):
        x = ops.expand_dims(x, axis=1)
    return x


class Add(Merge):
    """The sum of tensors.

    Input:
        list of tensors of one shape, or of shapes that broadcast.

    Output:
        one tensor of that shape.

    Raises:
        ValueError: no list, shapes that do not go together.

    Example:
        >>> fastnn.layers.Add()([np.ones((1, 2)), np.ones((1, 2))]).tolist()
        [[2.0, 2.0]]
    """

    def _combine(self, a, b):
        return ops.add(a, b)


class Subtract(Merge):
    """The first tensor of two minus the second.

    Raises:
        ValueError: not two tensors, shapes that do not go together.

    Example:
        >>> fastnn.layers.Subtract()([np.ones((1, 2)), np.ones((1, 2))]).tolist()
        [[0.0, 0.0]]
    """

    def _check(self, shapes):
        super()._check(shapes)
        if len(shapes) != 2:
            raise ValueError(f"Subtract takes exactly two tensors. Received {len(shapes)}, of the shapes {shapes}")

    def _combine(self, a, b):
        return ops.subtract(a, b)


class Multiply(Merge):
    """The product of tensors; steps that a mask leaves out count as 1, and are 0 where they are left out everywhere.

    Example:
        >>> fastnn.layers.Multiply()([np.full((1, 2), 3.0), np.full((1, 2), 2.0)]).tolist()
        [[6.0, 6.0]]
    """

    def _merge(self, inputs):
        masks = [None if x.mask is None else ops.expand_dims(x.mask, axis=-1) for x in inputs]
        product = functools.reduce(ops.multiply, [x if m is None else ops.where(m, x, 1.0) for x, m in zip(inputs, masks)])
        if any([m is None for m in masks]):
            return product
        return ops.where(functools.reduce(ops.logical_or, masks), product, 0.0)


class Average(Merge):
    """The mean of tensors, element by element.

    Example:
        >>> fastnn.layers.Average()([np.zeros((1, 2)), np.ones((1, 2))]).tolist()
        [[0.5, 0.5]]
    """

    def _merge(self, inputs):
        return functools.reduce(ops.add, inputs) / len(inputs)


class _Extreme(Merge):
    """Where a mask leaves a step of one tensor out, the others decide."""

    def _merge(self, inputs):
        found, counts = inputs[0], expanded_mask(inputs[0])
        for x in inputs[1:]:
            mask = expanded_mask(x)
            other = x if mask is None else ops.where(mask, x, found)
            found = self._combine(found if counts is None else ops.where(counts, found, other), other)
            counts = None if mask is None or counts is None else ops.logical_or(counts, mask)
        return found


def expanded_mask(x):
    """The mask of a tensor with an axis more, or None."""
    return None if x.mask is None else ops.expand_dims(x.mask, axis=-1)


class Maximum(_Extreme):
    """The largest of several tensors, element by element.

    Example:
        >>> fastnn.layers.Maximum()([np.zeros((1, 2)), np.ones((1, 2))]).tolist()
        [[1.0, 1.0]]
    """

    def _combine(self, a, b):
        return ops.maximum(a, b)


class Minimum(_Extreme):
    """The smallest of several tensors, element by element.

    Example:
        >>> fastnn.layers.Minimum()([np.zeros((1, 2)), np.ones((1, 2))]).tolist()
        [[0.0, 0.0]]
    """

    def _combine(self, a, b):
        return ops.minimum(a, b)


class Concatenate(Merge):
    """Tensors one after another along an axis.

    Args:
        axis: along which they are joined.
        Others: see `Layer`.

    Input:
        list of tensors whose shapes are equal but for that axis.

    Raises:
        ValueError: no list, other shapes, an axis that is not there.

    Example:
        >>> fastnn.layers.Concatenate()([np.ones((1, 2)), np.ones((1, 3))]).shape
        (1, 5)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise ValueError(f"The `axis` argument of Concatenate must be an integer. Received: axis={axis!r}")
        self.axis = axis

    def _check(self, shapes):
        rank = len(shapes[0])
        if any(len(shape) != rank for shape in shapes) or not -rank <= self.axis < rank:
            raise ValueError(f"Concatenate takes tensors of one rank that have the axis {self.axis}. Received the shapes {shapes}")
        for axis in range(rank):
            sizes = {shape[axis] for shape in shapes if shape[axis] is not None}
            if len(sizes) > 1 and axis != self.axis % rank:
                raise ValueError(f"Concatenate takes tensors whose shapes are equal but for the axis {self.axis}: "
                                 f"axis {axis} has the sizes {sorted(sizes)}. Received the shapes {shapes}")

    def call(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            self._shapes(tuple(inputs.shape))
        return ops.concatenate(list(inputs), axis=self.axis)

    def compute_mask(self, inputs, previous_mask=None):
        if not isinstance(previous_mask, (list, tuple)) or all([mask is None for mask in previous_mask]):
            return None
        masks = [spread(x, mask) for x, mask in zip(inputs, previous_mask)]
        return ops.any(ops.concatenate(masks, axis=self.axis), axis=-1)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}


def spread(x, mask):
    """A mask in the shape of its tensor; all true where there is none."""
    everywhere = ops.ones_like(x, dtype="bool")
    if mask is None:
        return everywhere
    return ops.logical_and(everywhere, ops.expand_dims(mask, axis=-1) if len(mask.shape) < len(x.shape) else mask)


# ---- Function forms ---------------------------------------------------------------------------------------------

def _function(cls):
    def merge(inputs, **kwargs):
        return cls(**kwargs)(inputs)

    merge.__name__ = merge.__qualname__ = cls.__name__.lower()
    merge.__doc__ = f"""What a new `{cls.__name__}` layer makes of a list of tensors.

    Args:
        inputs: list of tensors.
        **kwargs: as for the layer.
    """
    return merge


add, subtract, multiply, average = map(_function, (Add, Subtract, Multiply, Average))
maximum, minimum = map(_function, (Maximum, Minimum))


def concatenate(inputs, axis=-1, **kwargs):
    """What a new `Concatenate` layer makes of a list of tensors.

    Args:
        inputs: list of tensors.
        axis: along which they are joined.
        **kwargs: as for the layer.
    """
    return Concatenate(axis=axis, **kwargs)(inputs)
