"""Lamb."""
from .. import ops
from .optimizer import Optimizer


class Lamb(Optimizer):
    """Adam whose steps are scaled, for each variable, by the norm of the variable over that of the step; for large batches.

    Source: You et al. 2019.

    Args:
        beta_1, beta_2: how slowly the running means of gradients and of their squares forget.
        epsilon: added to the root of the mean of the squares.
        learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable([1.0])
        >>> Lamb(learning_rate=0.1).apply([ops.ones((1,))], [v])
    """

    slots = ("momentum", "velocity")

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=None, clipnorm=None,
                 clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    def update(self, learning_rate, iterations, tensors, attrs):
        ops.lamb(learning_rate, iterations, *tensors, beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon, **attrs)

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
