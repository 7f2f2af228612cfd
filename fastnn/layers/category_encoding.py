"""CategoryEncoding: numbers of categories as rows of zeros and ones, or of counts."""
from .. import ops
from ..tensor import Spec
from .arguments import positive_integer
from .categories import check_range, encode, encoded_shape, output_mode
from .layer import Layer


class CategoryEncoding(Layer):
    """Numbers of categories as rows of zeros and ones, or of counts.

    Args:
        num_tokens: how many categories there are; the input holds 0 ... num_tokens - 1.
        output_mode: "one_hot": a row with a one for each number (in the place of the last axis if its size is 1); "multi_hot": one
            row for each sample, with ones at all its numbers; "count": with how often each number is in the sample.
        sparse: whether the output is a SparseTensor, which Dense takes.
        Others: see `Layer`.

    Input:
        Whole numbers (..., n); of floats the fraction is dropped.  `count_weights`, for "count": what each of them counts, of the same
        shape.

    Output:
        "multi_hot" and "count": (..., num_tokens); "one_hot": (..., n, num_tokens), or (..., num_tokens) for n = 1.

    Raises:
        ValueError: num_tokens that is no positive integer, another mode, weights without "count"; when called with numbers outside of
            0 ... num_tokens - 1, with their position.

    Example:
        >>> fastnn.layers.CategoryEncoding(4)(np.array([[0, 1], [3, 3]])).tolist()
        [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
        >>> fastnn.layers.CategoryEncoding(4, output_mode="count")(np.array([[0, 1], [3, 3]])).tolist()
        [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0]]
    """

    def __init__(self, num_tokens=None, output_mode="multi_hot", sparse=False, **kwargs):
        super().__init__(**kwargs)
        self.output_mode = _mode(type(self), output_mode)
        if num_tokens is None:
            raise ValueError("CategoryEncoding needs `num_tokens`, the number of categories; where it is not known, IntegerLookup finds it")
        self.num_tokens = positive_integer(num_tokens, "num_tokens")
        self.sparse = bool(sparse)
        self.autocast = False
        self.built = True

    def call(self, inputs, count_weights=None):
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(f"`count_weights` is for output_mode='count', not for {self.output_mode!r}")
        if count_weights is not None and tuple(count_weights.shape) != tuple(inputs.shape):
            raise ValueError(f"`count_weights` must have the shape of the input, {tuple(inputs.shape)}. Received: {tuple(count_weights.shape)}")
        weights = check_range(self, inputs, self.num_tokens, "num_tokens")
        if count_weights is not None:
            weights = weights * ops.cast(count_weights, self.dtype)
        return encode(ops.cast(inputs, "int64"), self.output_mode, self.num_tokens, self.dtype, self.sparse, weights)

    def compute_output_shape(self, input_shape):
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def compute_output_spec(self, inputs, count_weights=None):
        return Spec(self.compute_output_shape(inputs.shape), self.dtype)

    def get_config(self):
        return {**super().get_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode,
                **({"sparse": True} if self.sparse else {})}


def _mode(layer_class, value):
    return output_mode(layer_class, value, ("one_hot", "multi_hot", "count"))
