"""Ftrl."""
from .. import initializers, ops
from .optimizer import Optimizer


class Ftrl(Optimizer):
    """Follow the regularized leader: weights are computed anew from sums over all gradients, and l1 keeps many at exactly 0.

    Source: McMahan et al. 2013, with `l2_shrinkage_regularization_strength` as in Keras.

    Args:
        learning_rate_power: <= 0: how the learning rate falls with the sum of squared gradients; 0 for a constant rate.
        initial_accumulator_value: >= 0: that sum at the start.
        l1_regularization_strength, l2_regularization_strength: >= 0: penalties on the size of the weights.
        l2_shrinkage_regularization_strength: >= 0: a penalty that counts as a part of the gradient.
        beta: of the paper: l2_regularization_strength grows by beta / (2 * learning_rate).
        learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Raises:
        ValueError: values outside what is said above.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable([1.0])
        >>> Ftrl(learning_rate=0.1).apply([ops.ones((1,))], [v])
    """

    def __init__(self, learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1,
                 l1_regularization_strength=0.0, l2_regularization_strength=0.0, l2_shrinkage_regularization_strength=0.0,
                 beta=0.0, weight_decay=None, clipnorm=None,
                 clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        if learning_rate_power > 0:
            raise ValueError(f"Ftrl: learning_rate_power must be <= 0, received {learning_rate_power!r}")
        self._arguments = {"initial_accumulator_value": initial_accumulator_value,
                           "l1_regularization_strength": l1_regularization_strength,
                           "l2_regularization_strength": l2_regularization_strength,
                           "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength}
        for key, value in self._arguments.items():
            if value < 0:
                raise ValueError(f"Ftrl: {key} must be >= 0, received {value!r}")
        self._arguments.update(learning_rate_power=learning_rate_power, beta=beta)
        for key, value in self._arguments.items():
            setattr(self, key, value)
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    def create_slots(self, variables):
        first = initializers.Constant(self.initial_accumulator_value)
        return list(self.add_optimizer_variables(variables, ["accumulator", "linear"], [first, "zeros"]))

    def update(self, learning_rate, iterations, tensors, attrs):
        ops.ftrl(learning_rate, iterations, *tensors, power=self.learning_rate_power, l1=self.l1_regularization_strength,
                 l2=self.l2_regularization_strength, l2_shrinkage=self.l2_shrinkage_regularization_strength, beta=self.beta,
                 **attrs)

    def get_config(self):
        return {**super().get_config(), **{key: getattr(self, key) for key in self._arguments}}
