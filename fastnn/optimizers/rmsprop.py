"""RMSprop."""
from .. import ops
from .optimizer import Optimizer


class RMSprop(Optimizer):
    """Gradients divided by the root of a running mean of their squares.

    Source: Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013.

    Args:
        rho: how slowly the running mean forgets.
        momentum: of the steps.
        epsilon: added to the mean of the squares.
        centered: whether the variance of the gradients divides them, not the mean of their squares.
        learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable([1.0])
        >>> RMSprop(learning_rate=0.1).apply([ops.ones((1,))], [v])
    """

    def __init__(self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, weight_decay=None,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 **kwargs):
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    @property
    def slots(self):
        return ("velocity", *(("momentum",) if self.momentum else ()), *(("average_gradient",) if self.centered else ()))

    def create_slots(self, variables):
        return [self.add_optimizer_variables(variables, name) for name in self.slots]

    def update(self, learning_rate, iterations, tensors, attrs):
        ops.rmsprop(learning_rate, iterations, *tensors, rho=self.rho, momentum=self.momentum, centered=self.centered,
                    epsilon=self.epsilon, **attrs)

    def get_config(self):
        return {**super().get_config(),
                "rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon, "centered": self.centered}
