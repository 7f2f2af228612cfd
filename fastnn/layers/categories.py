"""What layers of categories share: numbers of categories as one-hot rows, as counts, or as they are."""
import math

import numpy as np

from .. import ops
from ..device import BadIndex
from ..ops import SparseTensor
from ..tensor import look

MODES = ("int", "one_hot", "multi_hot", "count")
OLD_NAMES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


def output_mode(layer_class, value, known=MODES):
    """The argument of that name, by today's names.

    Raises:
        ValueError: a word that the layer does not know.
    """
    value = OLD_NAMES.get(value, value)
    if value not in known:
        raise ValueError(f"Argument `output_mode` of {layer_class.__name__} must be one of {', '.join(map(repr, known))}. Received: {value!r}")
    return value


def check_sparse(layer_class, sparse, mode):
    """Raises ValueError for sparse numbers of categories, which there are not."""
    if sparse and mode == "int":
        raise ValueError(f"Argument `sparse` of {layer_class.__name__} is for outputs that are mostly zeros, and not for output_mode='int'. "
                         f"Received: sparse={sparse!r}")


def encoded_shape(shape, mode, depth):
    """The shape of `encode`'s result."""
    shape = tuple(shape)
    if mode == "int":
        return shape
    if mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1) and shape:
        return (*shape, depth)
    return (*shape[:-1], depth)


def encode(indices, mode, depth, dtype, sparse=False, weights=None):
    """Numbers of categories in another form; those outside of 0 ... depth - 1 are left out.

    Args:
        indices: integers (..., n).
        mode: "int": as they are; "one_hot": a row of zeros with a one for each of them (in the place of the last axis if its size is
            1); "multi_hot": ones for all that are in a row; "count": how often each is in a row.
        depth: the number of categories.
        dtype: of the result.
        sparse: whether the result is a SparseTensor; for results that are matrices.
        weights: of the entries, for "count"; floats of the shape of the indices.
    """
    if mode == "int":
        return ops.cast(indices, dtype)
    shape = indices.shape or (1,)
    if sparse:
        return as_sparse(indices, mode, depth, dtype, encoded_shape(indices.shape, mode, depth))
    if mode == "one_hot":
        kept = indices.shape[:-1] if len(shape) > 1 and shape[-1] == 1 else indices.shape
        return ops.one_hot(ops.reshape(indices, kept), depth, dtype=dtype)
    rows, width = math.prod(shape[:-1]), shape[-1]
    indices = ops.cast(ops.reshape(indices, (rows, width)), "int64")
    inside = ops.logical_and(ops.greater_equal(indices, 0), ops.less(indices, depth))
    places = ops.where(inside, indices + np.arange(rows)[:, None] * depth, -1)
    weights = ops.ones((rows * width,), dtype) if weights is None else ops.reshape(weights, (rows * width,))
    counts = ops.segment_sum(weights, ops.reshape(places, (rows * width,)), rows * depth)
    if mode == "multi_hot":
        counts = ops.minimum(counts, 1)
    return ops.reshape(counts, (*shape[:-1], depth))


def as_sparse(indices, mode, depth, dtype, shape):
    """As `encode`, for a result of few entries: they are counted by NumPy."""
    if len(shape) > 2:
        raise ValueError(f"a sparse output must be a matrix, this one would have the shape {shape}: pass sparse=False")
    rows = shape[0] if len(shape) > 1 else 1
    numbers = look(indices, "a sparse output of categories").reshape(rows, -1)
    inside = (numbers >= 0) & (numbers < depth)
    places = (numbers + np.arange(rows)[:, None] * depth)[inside]
    places, counts = np.unique(places, return_counts=True)
    indptr = np.searchsorted(places, np.arange(rows + 1) * depth)
    values = counts.astype(dtype) if mode == "count" else np.ones(len(counts), dtype)
    return SparseTensor((rows, depth), indptr, places % depth, values)


def check_range(layer, indices, depth, argument):
    """Ones in the shape of the indices, in the layer's dtype.

    Raises:
        ValueError: an index outside of 0 ... depth - 1, with its position.
    """
    try:
        return ops.gather(ops.ones((depth,), layer.dtype), indices, axis=0, wraps=False)
    except BadIndex as error:
        place = tuple(int(i) for i in np.unravel_index(error.position, indices.shape)) if indices.shape else ()
        value = "what is no number" if error.value == np.iinfo("int64").min else error.value
        raise ValueError(f'Layer "{layer.name}" (of type {type(layer).__name__}) has {argument}={depth}, for categories 0 ... {depth - 1}. '
                         f"Received: {value} at position {place} of an input of shape {tuple(indices.shape)}. Make {argument} larger than "
                         "the largest category, or number the categories anew (IntegerLookup does).") from None
