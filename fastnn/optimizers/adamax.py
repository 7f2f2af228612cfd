"""Adamax."""
from .. import ops
from .optimizer import Optimizer


class Adamax(Optimizer):
    """Adam with the largest gradient of late in place of the mean square.  Source: Kingma and Ba 2014, section 7.

    Args:
        beta_1, beta_2: how slowly the mean of gradients and their largest size forget.
        epsilon: added to the largest gradient.
        learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable([1.0])
        >>> Adamax(learning_rate=0.1).apply([ops.ones((1,))], [v])
    """

    slots = ("momentum", "norm")

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=None, clipnorm=None,
                 clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    def update(self, learning_rate, iterations, tensors, attrs):
        ops.adamax(learning_rate, iterations, *tensors, beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon, **attrs)

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
