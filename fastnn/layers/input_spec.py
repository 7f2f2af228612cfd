"""What a layer demands of its input, and the message when it gets something else."""
import math

from ..changes import Noted


class InputSpec(Noted):
    """Rank, dtype and sizes that an input must have; None means anything.

    Args:
        dtype: name of a dtype.
        shape: sizes with the batch axis, None where any.
        ndim, max_ndim, min_ndim: rank.
        axes: `{axis: size}`.
        name: key of the input in a dictionary.
        allow_last_axis_squeeze, optional: as in Keras.

    Example:
        >>> InputSpec(min_ndim=2, axes={-1: 784}).mismatch(np.ones((5, 3)))
        'expected axis -1 of the input shape to have value 784, found 3'
    """

    def __init__(self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None,
                 allow_last_axis_squeeze=False, name=None, optional=False):
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(self.shape)
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name, self.optional = name, optional

    def get_config(self):
        """The arguments that make this spec again."""
        keys = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {key: getattr(self, key) for key in keys}

    @classmethod
    def from_config(cls, config):
        """An InputSpec from the result of `get_config`."""
        return cls(**config)

    def __repr__(self):
        parts = (f"{key}={value}" for key, value in self.get_config().items() if value)
        return f"InputSpec({', '.join(parts)})"

    def mismatch(self, x):
        """What is wrong with `x` (anything with `shape` and `dtype`): "expected ..., found ...", or None."""
        shape = tuple(x.shape)
        return self._rank_mismatch(len(shape)) or self._dtype_mismatch(x.dtype) or self._size_mismatch(shape)

    def _rank_mismatch(self, ndim):
        if self.ndim is not None and ndim != self.ndim and not self.allow_last_axis_squeeze:
            return f"expected ndim={self.ndim}, found ndim={ndim}"
        if self.max_ndim is not None and ndim > self.max_ndim:
            return f"expected max_ndim={self.max_ndim}, found ndim={ndim}"
        if self.min_ndim is not None and ndim < self.min_ndim:
            return f"expected min_ndim={self.min_ndim}, found ndim={ndim}"

    def _dtype_mismatch(self, dtype):
        if self.dtype is not None and str(dtype) != self.dtype:
            return f"expected dtype={self.dtype}, found dtype={dtype}"

    def _size_mismatch(self, shape):
        for axis, size in self.axes.items():
            if size is not None and -len(shape) <= axis < len(shape) and shape[axis] not in (size, None):
                return f"expected axis {axis} of the input shape to have value {size}, found {shape[axis]}"
        if self.shape is None:
            return None
        expected, sizes = self.shape, shape
        if self.allow_last_axis_squeeze:
            sizes, expected = (own[:-1] if len(own) == len(other) + 1 and own[-1] == 1 else own
                               for own, other in ((sizes, expected), (expected, sizes)))
        if len(sizes) != len(expected) or any(
            want is not None and got is not None and want != got for want, got in zip(expected, sizes)
        ):
            return f"expected shape={self.shape}, found shape={shape}"


def check_inputs(spec, inputs, layer_name):
    """Holds inputs (a list of anything with shape and dtype) against a spec or a list of specs.

    Raises:
        ValueError that names the layer, the input, what came and what was expected.
    """
    specs = spec if isinstance(spec, (list, tuple)) else [spec]
    if len(specs) != len(inputs):
        raise ValueError(f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(inputs)} input tensors. '
                         "A list of arrays stands for several inputs: np.stack makes one array of it")
    for index, (expected, x) in enumerate(zip(specs, inputs)):
        problem = expected and x is not None and expected.mismatch(x)
        if problem:
            raise ValueError(
                f'Input {index} of layer "{layer_name}" is incompatible with the layer: {problem}. '
                f"Full shape received: {tuple(x.shape)}{way_out(expected, tuple(x.shape))}"
            )


def way_out(spec, shape):
    """What to do about an input of this shape where the spec wants another, as ". Do ..." or "" if nobody knows."""
    if spec.shape is None:
        return _way_out_of_rank(spec, shape)
    want, got = spec.shape[1:], shape[1:]
    if shape == want:
        return ". This looks like a single sample: x[np.newaxis] makes a batch of it"
    if len(got) == len(want) > 1 and got != want and sorted(got, key=str) == sorted(want, key=str):
        return f". The axes come in another order: np.moveaxis or np.transpose brings them into that of {want}"
    if None not in want and None not in got and math.prod(got) == math.prod(want):
        return f". x.reshape({', '.join(map(str, (-1, *want)))}) brings it into the shape expected"
    return f". Pass samples of shape {want}" + (f", or begin the model with Input({got})" if got and None not in got else "")


def _way_out_of_rank(spec, shape):
    ndim = spec.ndim or spec.min_ndim
    if not ndim or len(shape) >= ndim:
        return ""
    if ndim == 3 and shape[-1] != spec.axes.get(-1):
        return (". Sequences have the axes (batch, steps, channels): x[..., np.newaxis] gives them one channel"
                if len(shape) == 2 else ". Sequences have the axes (batch, steps, channels)")
    if ndim == 4:
        return ". Pictures have the axes (batch, rows, columns, channels): reshape the input, or give the model an Input of that shape"
    return ". The first axis counts the samples of a batch: x[np.newaxis] makes a batch of one"
