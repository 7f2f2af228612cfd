"""`Metric`: a number that is gathered over batches; `Mean` and `Sum`, from which most others are made."""
from .. import config, ops
from ..changes import Noted
from ..losses.loss import apply_mask, explained, fit_weights
from ..tensor import FLOATS, Variable, convert, standardize_dtype
from ..utils import serialization
from ..utils.naming import unique_name


class Metric(Noted):
    """Base of metrics.  A metric of your own defines `update_state` and `result`, and keeps its state in variables made by
    `add_variable`.

    Args:
        dtype: of the state, "float32" or "float64"; None for `fastnn.config.floatx()`.
        name: by default made from the class name.

    `update_state` is recorded with the step around it, and replayed: compute with `fastnn.ops`, keep what changes in variables.

    Example:
        >>> metric = Mean()
        >>> metric.update_state([1.0, 3.0])
        >>> float(metric.result())
        2.0
    """

    def __init__(self, dtype=None, name=None):
        self.name = unique_name(type(self).__name__) if name is None else name
        self._dtype = "int32" if dtype == "int" else standardize_dtype(getattr(dtype, "compute_dtype", dtype))
        self._variables = []

    @property
    def dtype(self):
        """The dtype of the state and of the result."""
        return self._dtype

    @property
    def variables(self):
        """The state: variables of this metric, and those of metrics that are its attributes or in lists and dicts of these."""
        found, inner = list(self._variables), []
        for value in vars(self).values():
            if isinstance(value, Variable):
                found += [value] if all([value is not v for v in found]) else []
            elif value is not self._variables:
                inner += _metrics_in(value)
        return found + [v for metric in inner for v in metric.variables]

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

    def stateless_update_state(self, metric_variables, *args, **kwargs):
        """What `update_state(*args, **kwargs)` makes of a state, a list of tensors; the metric's own state stays as it is."""
        return self._with(metric_variables, lambda: self.update_state(*args, **kwargs))[0]

    def stateless_result(self, metric_variables):
        """The result for a state, given as a list of tensors."""
        return self._with(metric_variables, self.result)[1]

    def stateless_reset_state(self):
        """The state at the beginning, as a list of tensors."""
        return self._with([v + 0 for v in self.variables], self.reset_state)[0]

    def _with(self, values, do):
        """The state after `do()`, begun with these values, and what that returns; the metric's own state stays as it was."""
        variables = self.variables
        if len(values) != len(variables):
            raise ValueError(f"metric {self.name!r} has a state of {len(variables)} variables, received {len(values)} values")
        before = [v + 0 for v in variables]
        try:
            for v, value in zip(variables, values):
                v.assign(value)
            result = do()
            return [v + 0 for v in variables], result
        finally:
            for v, value in zip(variables, before):
                v.assign(value)

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


def _metrics_in(value):
    """The metrics that a value is or holds."""
    if isinstance(value, Metric):
        return [value]
    if isinstance(value, (list, tuple, dict)):
        return [m for item in (value.values() if isinstance(value, dict) else value) for m in _metrics_in(item)]
    return []


def fitted(values, sample_weight, name):
    """Values and weights of one float dtype, in shapes that `mean_update` takes."""
    values = convert(values)
    mask = None if sample_weight is None else getattr(values, "mask", None)
    if values.dtype not in FLOATS:
        values = convert(values, config.floatx())
    if sample_weight is None:
        return values, None
    sample_weight = apply_mask(convert(sample_weight, values.dtype), mask, values.dtype, "sum")
    if values.shape == sample_weight.shape:
        return values, sample_weight
    return fit_weights(values, sample_weight, f"metric {name!r}")


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
        """Takes in values (of a sample with several: their mean), each with its weight; with one weight for all, their mean."""
        values, sample_weight = fitted(values, sample_weight, self.name)
        if sample_weight is not None and not sample_weight.shape and values.shape:
            values = ops.mean(values)
        ops.mean_update(self.total, self.count, values, sample_weight)

    def result(self):
        return ops.safe_ratio(self.total, self.count)


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
        mask = getattr(y_pred, "mask", None)
        try:
            values = self._fn(y_true, y_pred, **self._fn_kwargs)
        except ValueError as error:
            raise explained(f"metric {self.name!r}", error, y_true, y_pred) from error
        if values is None:
            raise ValueError(f"metric {self.name!r} returned None, expected a number or one for each sample: its function needs "
                             "a `return`")
        super().update_state(values, apply_mask(sample_weight, mask, self.dtype, "sum"))

    def get_config(self):
        return {**super().get_config(), "fn": serialization.serialize(self._fn), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config):
        from . import functions
        if isinstance(config.get("fn"), dict):
            config = {**config, "fn": serialization.deserialize(config["fn"], vars(functions), kind="metric function")}
        return cls(**config)
