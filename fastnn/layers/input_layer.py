"""Input: a symbolic tensor that tells a model the shape and dtype of its data."""
import numpy as np

from ..graph import Node
from ..tensor import Spec, standardize_dtype
from .layer import Layer


class InputLayer(Layer):
    """The place where data enters a model; it computes nothing.

    Args:
        shape: sizes without the batch axis, None where any.
        batch_size: a fixed batch size.
        dtype: name; None: float32; "string": text.
        batch_shape: sizes with the batch axis, in place of `shape` and `batch_size`.
        input_tensor: a symbolic tensor to take these from.
        sparse: whether sparse matrices are meant; they are taken without it, too, where the first layer can (Dense).
        name: the input's name.

    Raises:
        ValueError: contradicting arguments and sizes that are no positive integers.
    """

    def __init__(self, shape=None, batch_size=None, dtype=None, sparse=None, ragged=None, batch_shape=None,
                 input_tensor=None, optional=False, name=None, **kwargs):
        shape = kwargs.pop("input_shape", shape)
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        super().__init__(name=name, **kwargs)
        if ragged:
            raise ValueError(f'Input "{self.name}": rows have one length each. Received: ragged={ragged}')
        if input_tensor is not None:
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        self.batch_shape = _batch_shape(shape, batch_size, batch_shape, self.name)
        self.dtype = "string" if dtype == "string" else standardize_dtype(dtype)
        self.reads_strings = self.dtype == "string"
        self.sparse, self.optional = bool(sparse), optional
        self.built = True
        self._inbound_nodes.append(Node(self, (), {}, Spec(self.batch_shape, self.dtype)))

    def __setstate__(self, state):
        vars(self).update(state)
        self._inbound_nodes = [Node(self, (), {}, Spec(self.batch_shape, self.dtype))]

    def call(self, inputs):
        return inputs

    def get_config(self):
        return {"batch_shape": self.batch_shape, "dtype": self.dtype, "sparse": self.sparse, "ragged": False,
                "name": self.name, "optional": self.optional}


def Input(shape=None, batch_size=None, dtype=None, sparse=None, ragged=None, batch_shape=None, name=None, tensor=None,
          optional=False):
    """A symbolic tensor: the beginning of a model.

    Args:
        as for `InputLayer`; `tensor` is its `input_tensor`.

    Returns:
        A KerasTensor, the `output` of a new InputLayer.

    Example:
        >>> x = fastnn.layers.Input((28, 28, 1), name="images")
        >>> fastnn.layers.Flatten()(x).shape
        (None, 784)
    """
    return InputLayer(shape=shape, batch_size=batch_size, dtype=dtype, sparse=sparse, ragged=ragged,
                      batch_shape=batch_shape, input_tensor=tensor, optional=optional, name=name).output


def _batch_shape(shape, batch_size, batch_shape, name):
    if batch_shape is None:
        if shape is None:
            raise ValueError(f'Input "{name}": pass a `shape` (sizes without the batch axis) or a `batch_shape`.')
        if isinstance(shape, (int, np.integer)):
            raise ValueError(f'Input "{name}": `shape` must be a tuple. Received: shape={shape}. Write shape=({shape},).')
        batch_shape = (batch_size, *shape)
    elif shape is not None or batch_size is not None:
        raise ValueError(f'Input "{name}": pass either `batch_shape`, or `shape` and `batch_size`, not both.')
    for size in batch_shape:
        if size is not None and (isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 0):
            raise ValueError(f'Input "{name}": sizes must be positive integers or None. Received: {tuple(batch_shape)}')
    return tuple(None if size is None else int(size) for size in batch_shape)
