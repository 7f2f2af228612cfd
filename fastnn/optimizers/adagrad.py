"""Adagrad."""
from .. import ops
from .optimizer import Optimizer


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all their squares.  Source: Duchi, Hazan and Singer 2011.

    Args:
        initial_accumulator_value: what the sums of squares begin with.
        epsilon: added to the sums.
        learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable([1.0])
        >>> Adagrad(learning_rate=0.1).apply([ops.ones((1,))], [v])
    """

    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, weight_decay=None,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 **kwargs):
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    def create_slots(self, variables):
        from ..initializers import Constant
        return [self.add_optimizer_variables(variables, "accumulator", Constant(self.initial_accumulator_value))]

    def update(self, learning_rate, iterations, tensors, attrs):
        ops.adagrad(learning_rate, iterations, *tensors, epsilon=self.epsilon, **attrs)

    def get_config(self):
        return {**super().get_config(),
                "initial_accumulator_value": self.initial_accumulator_value, "epsilon": self.epsilon}
