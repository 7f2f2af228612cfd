"""LossScaleOptimizer."""
from .. import initializers, ops
from ..utils import serialization
from .optimizer import Optimizer
from .undo import only_if

_FOR_THE_INNER = {"weight_decay": None, "clipnorm": None, "global_clipnorm": None, "clipvalue": None, "use_ema": False,
                  "ema_momentum": 0.99, "ema_overwrite_frequency": None, "loss_scale_factor": None,
                  "gradient_accumulation_steps": None}


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss, and divides the gradients again, so that small gradients of half precision do not vanish.

    After `dynamic_growth_steps` updates in a row with finite gradients the scale doubles; gradients that are not finite make no
    update, and halve it.  Source: Micikevicius et al. 2018.

    Args:
        inner_optimizer: the optimizer that makes the updates.
        initial_scale: the scale at the start.
        dynamic_growth_steps: see above.
        name: by default made from the class name.

    Raises:
        ValueError: an argument that belongs to the inner optimizer.

    Example:
        >>> from fastnn import Variable
        >>> from fastnn.optimizers import SGD
        >>> optimizer, v = LossScaleOptimizer(SGD(0.5), initial_scale=8.0), Variable([1.0])
        >>> optimizer.apply([optimizer.scale_loss(ops.ones((1,)))], [v])
        >>> v.tolist()
        [0.5]
    """

    def __init__(self, inner_optimizer, initial_scale=2.0**15, dynamic_growth_steps=2000, name=None, **kwargs):
        if not kwargs.pop("dynamic", True):
            raise ValueError("LossScaleOptimizer: dynamic=False is gone: set loss_scale_factor of the inner optimizer for that")
        for key, default in _FOR_THE_INNER.items():     # configs of older versions of Keras hold the defaults
            value = kwargs.pop(key, default)
            if value != default:
                raise ValueError(f"LossScaleOptimizer: {key} belongs to the inner optimizer: set it there")
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(f"LossScaleOptimizer: inner_optimizer must be an Optimizer object, received {inner_optimizer!r}")
        super().__init__(0.0, name=name, **kwargs)
        self.inner_optimizer, self.initial_scale, self.dynamic_growth_steps = inner_optimizer, initial_scale, dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None        # gradients would be divided twice

    def build(self, variables):
        if self.built:
            return
        self.step_counter = self.add_variable((), "zeros", "int32", "step_counter")
        self.dynamic_scale = self.add_variable((), initializers.Constant(self.initial_scale), "float32", "dynamic_scale")
        self.inner_optimizer.build(variables)
        super().build(variables)

    def apply(self, grads, trainable_variables=None):
        if trainable_variables is None or not self.built:
            trainable_variables = self._first(trainable_variables)
        finite = ops.all(ops.stack([ops.all(ops.isfinite(g)) for g in grads if g is not None]))
        with only_if(finite, [*trainable_variables, *self.inner_optimizer.variables]):
            self.inner_optimizer.apply([g if g is None else g / ops.cast(self.dynamic_scale, g.dtype) for g in grads],
                                       trainable_variables)
        grows = ops.logical_and(finite, ops.equal(self.step_counter, self.dynamic_growth_steps - 1))
        counts = ops.logical_and(finite, ops.logical_not(grows))
        self.step_counter.assign(ops.where(counts, self.step_counter + 1, 0))
        self.dynamic_scale.assign(self.dynamic_scale * ops.where(finite, ops.where(grows, 2.0, 1.0), 0.5))

    @property
    def variables(self):
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def learning_rate(self):
        """That of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self):
        """Those of the inner optimizer: updates with finite gradients."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss):
        return loss * (self.dynamic_scale if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self):
        return {"name": self.name, "inner_optimizer": serialization.serialize(self.inner_optimizer),
                "initial_scale": self.initial_scale, "dynamic_growth_steps": self.dynamic_growth_steps}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        from . import deserialize
        return cls(**{**config, "inner_optimizer": deserialize(config["inner_optimizer"], custom_objects)})
