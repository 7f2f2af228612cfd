"""Hashing and HashedCrossing: strings and integers as bins that a hash gives, so that no vocabulary is needed."""
import numpy as np

from ..tensor import Spec, Tensor, look
from ..utils.hashing import cross_hashes, decimals, hash_strings
from .arguments import positive_integer
from .categories import MODES, check_sparse, encode, encoded_shape, output_mode
from .index_lookup import hash_key
from .layer import Layer

INTEGERS = ("int32", "int64")


class HashLayer(Layer):
    """What both layers share: bins as numbers or rows, and a dtype that may be that of integers."""

    reads_strings = reads_integers = True

    def __init__(self, num_bins, output_mode, sparse, known, name=None, dtype=None, **kwargs):
        if isinstance(dtype, dict):
            dtype = dtype["config"]["name"]
        mode = _mode(type(self), output_mode, known)
        if mode == "int" and dtype not in (None, *INTEGERS):
            raise ValueError(f"Argument `dtype` of {type(self).__name__} must be 'int32' or 'int64' with output_mode='int'. Received: {dtype!r}")
        super().__init__(name=name, dtype=None if mode == "int" else dtype, **kwargs)
        self.output_mode, self.sparse, self.num_bins = mode, bool(sparse), positive_integer(num_bins, "num_bins")
        check_sparse(type(self), sparse, mode)
        if mode == "int":
            self.dtype = dtype or "int64"
        self.autocast, self.built = False, True

    def compute_output_spec(self, inputs):
        shape = self.compute_output_shape([x.shape for x in inputs] if isinstance(inputs, (list, tuple)) else inputs.shape)
        return Spec(shape, self.dtype)


class Hashing(HashLayer):
    """Strings or integers as one of num_bins bins, which a hash gives; different ones may share a bin.

    The hash is FarmHash's Fingerprint64 of the string, or of the digits of the integer, so that bins are those of Keras on all backends.

    Args:
        num_bins: how many bins there are.
        mask_value: a string or integer that gets bin 0, which no other then gets; None: there is none.
        salt: an integer or two: the key of SipHash-2-4, which takes FarmHash's place.
        output_mode: "int": the bins; "one_hot", "multi_hot", "count": see `CategoryEncoding`.
        sparse: whether the output is a SparseTensor; not with "int".
        dtype: of the output; None: int64 for "int", else that of all layers.
        Others: see `Layer`.

    Input:
        Strings or integers of any shape; of floats the fraction is dropped.

    Output:
        The same shape; in other modes (..., num_bins).

    Raises:
        ValueError: num_bins that is no positive integer, another mode, a salt that is no key.

    Example:
        >>> fastnn.layers.Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).tolist()
        [[1], [0], [1], [1], [2]]
    """

    def __init__(self, num_bins, mask_value=None, salt=None, output_mode="int", sparse=False, **kwargs):
        super().__init__(num_bins, output_mode, sparse, MODES, **kwargs)
        self.mask_value, self.salt = mask_value, hash_key(type(self), salt)

    def _prepare(self, inputs, also=()):
        return self._to_tensor(inputs)

    def call(self, inputs):
        values = look(inputs, "Hashing")
        masked = values == self.mask_value if self.mask_value is not None and self.num_bins > 1 else None
        if values.dtype.kind == "O":
            texts = [text.encode() for text in values.reshape(-1).tolist()]
        else:
            texts = decimals(values.astype("int64") if values.dtype.kind in "fb" else values)
        bins = np.uint64(self.num_bins - (masked is not None))
        found = (hash_strings(texts, self.salt) % bins).astype("int64").reshape(values.shape)
        if masked is not None:
            found = (found + 1) * ~np.asarray(masked, bool)
        return encode(Tensor(found), self.output_mode, self.num_bins, self.dtype, self.sparse)

    def compute_output_shape(self, input_shape):
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def get_config(self):
        return {**super().get_config(), "num_bins": self.num_bins, "salt": self.salt, "mask_value": self.mask_value,
                "output_mode": self.output_mode, "sparse": self.sparse}


class HashedCrossing(HashLayer):
    """Several features (strings or integers) together as one of num_bins bins: each combination gets one, by a hash.

    Args:
        num_bins: how many bins there are.
        output_mode: "int" or "one_hot": see `CategoryEncoding`.
        sparse: whether the output is a SparseTensor; not with "int".
        dtype: of the output; None: int64 for "int", else that of all layers.
        name: see `Layer`.

    Input:
        A list of at least two tensors of strings or integers, all (), (batch,) or (batch, 1).

    Output:
        The same shape; for "one_hot" (batch, num_bins).

    Raises:
        ValueError: one input, inputs of other shapes or of floats.

    Example:
        >>> layer = fastnn.layers.HashedCrossing(num_bins=5)
        >>> layer([["A", "B", "A"], [101, 101, 102]]).tolist()
        [1, 4, 3]
    """

    def __init__(self, num_bins, output_mode="int", sparse=False, name=None, dtype=None, **kwargs):
        super().__init__(num_bins, output_mode, sparse, ("int", "one_hot"), name=name, dtype=dtype, **kwargs)

    def _prepare(self, inputs, also=()):
        if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
            raise ValueError(f"HashedCrossing takes a list of at least two tensors. Received: {inputs!r}")
        inputs = [self._to_tensor(x) for x in inputs]
        shape = tuple(inputs[0].shape)
        if any(tuple(x.shape) != shape for x in inputs) or len(shape) > 2 or len(shape) == 2 and shape[1] != 1:
            raise ValueError("HashedCrossing takes tensors of one shape: (), (batch,) or (batch, 1). Received: shapes "
                             f"{[tuple(x.shape) for x in inputs]}")
        if any(x.dtype.startswith("float") for x in inputs):
            raise ValueError(f"HashedCrossing takes strings and integers. Received: dtypes {[x.dtype for x in inputs]}")
        return inputs

    def call(self, inputs):
        columns = [self._hashes(look(x, "HashedCrossing")) for x in inputs]
        found = (cross_hashes(columns) % np.uint64(self.num_bins)).astype("int64").reshape(inputs[0].shape)
        return encode(Tensor(found), self.output_mode, self.num_bins, self.dtype, self.sparse)

    @staticmethod
    def _hashes(values):
        if values.dtype.kind == "O":
            return hash_strings([text.encode() for text in values.reshape(-1).tolist()])
        return values.astype("int64").view("uint64").reshape(-1)

    def compute_output_shape(self, input_shape):
        if not isinstance(input_shape, (list, tuple)) or len(input_shape) < 2 or not all(isinstance(one, (list, tuple)) for one in input_shape):
            raise ValueError(f"HashedCrossing takes a list of at least two tensors. Received: the shape {input_shape}")
        return encoded_shape(tuple(input_shape[0]), self.output_mode, self.num_bins)

    def get_config(self):
        return {"num_bins": self.num_bins, "output_mode": self.output_mode, "sparse": self.sparse, "name": self.name, "dtype": self.dtype}


def _mode(layer_class, value, known):
    return output_mode(layer_class, value, known)
