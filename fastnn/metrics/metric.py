"""`Metric`: a number that is gathered over batches; `Mean` and `Sum`, from which most others are made."""
from .. import config, ops
from ..changes import Noted
from ..losses.loss import fit_weights
from ..tensor import FLOATS, Variable, convert, standardize_dtype
from ..utils import serialization
from ..utils.naming import unique_name


class Metric(Noted):
    """Base of metrics.  A metric of your own defines `update_state` and `result`, and keeps its state in variables made by
    `add_variable`.

    Args:
        dtype: of the state, "float32" or "float64"; None for `fastnn.config.floatx()`.
        name: by default made from the class name.

    Example:
        >>> metric = Mean()
        >>> metric.update_state([1.0, 3.0])
        >>> float(metric.result())
        2.0
    """

    def __init__(self, dtype=None, name=None):
        self.name = unique_name(type(self).__name__) if name is None else name
        self._dtype = standardize_dtype(getattr(dtype, "compute_dtype", dtype))
        self._variables = []

    @property
    def dtype(self):
        """The dtype of the state and of the result."""
        return self._dtype

    @property
    def variables(self):
        """The state: variables of this metric and of metrics that are its attributes."""
        inner = [v for m in vars(self).values() if isinstance(m, Metric) for v in m.variables]
        return [*self._variables, *inner]

    def add_variable(self, shape=(), initializer="zeros", dtype=None, aggregation="sum", name=None):
        """A new variable of the state.  `aggregation` is taken for the sake of Keras and has no effect."""
        from .. import initializers
        if not hasattr(self, "_variables"):
            raise RuntimeError(f"{type(self).__name__}: call super().__init__() first in __init__()")
        variable = Variable(initializers.get(initializer or "zeros"), shape=tuple(shape), dtype=dtype or self._dtype,
                            trainable=False, name=name)
        self._variables.append(variable)
        return variable

    def add_weight(self, shape=(), initializer=None, dtype=None, name=None):
        """The older name of `add_variable`."""
        if isinstance(shape, str):              # add_weight("total") of older versions
            shape, name = (), shape
        return self.add_variable(shape, initializer, dtype, name=name)

    def update_state(self, *args, **kwargs):
        """Takes a batch into the state; to be written by subclasses."""
        raise TypeError(f"{type(self).__name__} must define `update_state(self, y_true, y_pred, sample_weight=None)`")

    def result(self):
        """The value so far, a tensor; to be written by subclasses."""
        raise TypeError(f"{type(self).__name__} must define `result(self)`")

    def reset_state(self):
        """Begins anew."""
        for v in self.variables:
            ops.assign(v, ops.zeros(v.shape, dtype=v.dtype))

    def __call__(self, *args, **kwargs):
        """`update_state`, then `result`."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self):
        """The arguments that make this metric again."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """A metric from the result of `get_config`."""
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name!r}>"


def fitted(values, sample_weight, name):
    """Values and weights of one float dtype, in shapes that `mean_update` takes."""
    values = convert(values)
    if values.dtype not in FLOATS:
        values = convert(values, config.floatx())
    if sample_weight is None:
        return values, None
    sample_weight = convert(sample_weight, values.dtype)
    if values.shape == sample_weight.shape:
        return values, sample_weight
    return fit_weights(values, sample_weight, name)


class Sum(Metric):
    """The weighted sum of values.

    Args: name, dtype: see `Metric`.
    """

    def __init__(self, name="sum", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable(name="total")

    def update_state(self, values, sample_weight=None):
        """Adds values, each times its weight."""
        ops.mean_update(self.total, None, *fitted(values, sample_weight, self.name), per_sample="sum")

    def result(self):
        return ops.add(self.total, 0.0)


class Mean(Metric):
    """The weighted mean of values.

    Args: name, dtype: see `Metric`.

    Example:
        >>> mean = Mean()
        >>> float(mean([1.0, 3.0], sample_weight=[3.0, 1.0]))
        1.5
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def update_state(self, values, sample_weight=None):
        """Takes in values (of a sample with several: their mean), each with its weight."""
        ops.mean_update(self.total, self.count, *fitted(values, sample_weight, self.name))

    def result(self):
        return ops.divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean of a function of targets and predictions.

    Args:
        fn: `fn(y_true, y_pred, **kwargs)`, returns a value for each sample.
        name, dtype: see `Metric`.
        **kwargs: further arguments for the function.
    """

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes in a batch.

        Args:
            y_true, y_pred: targets and predictions.
            sample_weight: weights of the samples, shape (batch,), or of the values that the function returns.
        """
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        if values is None:
            raise ValueError(f"metric {self.name!r} returned None, expected a number or one for each sample: its function needs "
                             "a `return`")
        ops.mean_update(self.total, self.count, *fitted(values, sample_weight, self.name))

    def get_config(self):
        return {**super().get_config(), "fn": serialization.serialize(self._fn), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config):
        from . import functions
        if isinstance(config.get("fn"), dict):
            config = {**config, "fn": serialization.deserialize(config["fn"], vars(functions), kind="metric function")}
        return cls(**config)
