"""Discretization: numbers of a scale as the bins that they lie in."""
import numpy as np

from .. import ops
from ..tensor import Spec
from ..utils.quantiles import Summary
from .adapting import batches_of
from .categories import MODES, check_sparse, encode, encoded_shape, output_mode
from .layer import Layer


class Discretization(Layer):
    """Numbers of a scale as the bins that they lie in: bin i holds boundaries[i - 1] <= x < boundaries[i].

    Args:
        bin_boundaries: ascending borders of the bins; there is one bin more than borders.
        num_bins: in place of borders: `adapt` finds some that put as many numbers into each bin.
        epsilon: how exact they are: the part of the data by which a border may be wrong.
        output_mode: "int", "one_hot", "multi_hot" or "count": see `CategoryEncoding`.
        sparse: whether the output is a SparseTensor; not with "int".
        dtype, name: see `Layer`.

    Input:
        Numbers of any shape.

    Output:
        int32 numbers of bins of the same shape; in the other modes as CategoryEncoding has it.

    Raises:
        ValueError: neither or both of bin_boundaries and num_bins; borders that do not ascend; when called before `adapt`.

    Example:
        >>> fastnn.layers.Discretization(bin_boundaries=[0.0, 1.0, 2.0])(np.array([[-1.5, 1.0, 3.4, 0.5]])).tolist()
        [[0, 2, 3, 1]]
        >>> layer = fastnn.layers.Discretization(num_bins=4)
        >>> layer.adapt(np.arange(100.0))
        >>> np.round(layer.bin_boundaries).tolist()
        [24.0, 49.0, 74.0]
    """

    float_inputs = True

    def __init__(self, bin_boundaries=None, num_bins=None, epsilon=0.01, output_mode="int", sparse=False, dtype=None, name=None):
        super().__init__(name=name, dtype=dtype)
        self.output_mode, self.sparse = _mode(type(self), output_mode), bool(sparse)
        check_sparse(type(self), sparse, self.output_mode)
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(f"Discretization needs one of `bin_boundaries` and `num_bins`. Received: bin_boundaries={bin_boundaries} and "
                             f"num_bins={num_bins}")
        if num_bins is not None and (isinstance(num_bins, bool) or not isinstance(num_bins, (int, np.integer)) or num_bins < 1):
            raise ValueError(f"Argument `num_bins` of Discretization must be a positive integer. Received: {num_bins!r}")
        if not 0 < epsilon < 1:
            raise ValueError(f"Argument `epsilon` of Discretization must be between 0 and 1. Received: {epsilon!r}")
        self.num_bins, self.epsilon = num_bins, epsilon
        self.bin_boundaries = None if bin_boundaries is None else _ascending(bin_boundaries)
        self._summary = Summary(epsilon)
        self.built = True

    # ---- Learning ------------------------------------------------------------------------------------------

    def adapt(self, data, steps=None):
        """Finds the borders of the bins from data.

        Args:
            data: array, or batches: a list or generator of arrays, a data set (of (x, y): x counts).
            steps: how many batches are read; None: all.
        """
        if self.num_bins is None:
            raise ValueError(f'Layer "{self.name}" was given its `bin_boundaries`: to have them found make it with `num_bins`')
        self.reset_state()
        for batch in batches_of(self, data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data):
        """Reads a batch more."""
        self._summary.add(data)

    def finalize_state(self):
        """Makes the borders of what was read."""
        if self.num_bins is not None:
            self.bin_boundaries = self._summary.boundaries(self.num_bins)

    def reset_state(self):
        """Forgets what was read."""
        self._summary = Summary(self.epsilon)

    def load_own_variables(self, store):
        """Nothing: the borders are in the config."""

    # ---- Call ----------------------------------------------------------------------------------------------

    @property
    def depth(self):
        """The number of bins."""
        return self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1

    @property
    def output_dtype(self):
        """The dtype of the output."""
        return "int32" if self.output_mode == "int" else self.dtype

    def call(self, inputs):
        if self.bin_boundaries is None:
            raise ValueError("there are no bins yet: call `adapt(data)`, or pass `bin_boundaries`")
        bins = ops.digitize(inputs, np.array(self.bin_boundaries, self.dtype)) if self.bin_boundaries else ops.zeros(inputs.shape, "int32")
        return encode(bins, self.output_mode, self.depth, self.output_dtype, self.sparse)

    def compute_output_shape(self, input_shape):
        return encoded_shape(input_shape, self.output_mode, self.depth)

    def compute_output_spec(self, inputs):
        return Spec(self.compute_output_shape(inputs.shape), self.output_dtype)

    def get_config(self):
        return {"bin_boundaries": self.bin_boundaries, "num_bins": self.num_bins, "epsilon": self.epsilon, "output_mode": self.output_mode,
                "sparse": self.sparse, "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        boundaries = config.get("bin_boundaries")
        if boundaries is None or config.get("num_bins") is None:
            return super().from_config(config)
        layer = super().from_config({**config, "bin_boundaries": None})
        layer.bin_boundaries = _ascending(boundaries)       # those that adapt found
        return layer


def _mode(layer_class, value):
    return output_mode(layer_class, value, MODES)


def _ascending(boundaries):
    found = np.asarray(boundaries)
    if found.ndim != 1 or found.dtype.kind not in "fiu" or (found[1:] < found[:-1]).any() or np.isnan(found).any():
        raise ValueError(f"Argument `bin_boundaries` of Discretization must be a list of ascending numbers. Received: {boundaries!r}")
    return found.tolist()
