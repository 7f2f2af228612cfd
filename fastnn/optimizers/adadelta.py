"""Adadelta."""
from .. import ops
from .optimizer import Optimizer


class Adadelta(Optimizer):
    """Steps of the size of earlier steps, in the direction of the gradient.  Source: Zeiler 2012.

    Args:
        rho: how slowly the running means forget.
        epsilon: added to the means of squares.
        learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable([1.0])
        >>> Adadelta(learning_rate=0.1).apply([ops.ones((1,))], [v])
    """

    slots = ("accumulated_grad", "accumulated_delta_var")

    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, weight_decay=None, clipnorm=None, clipvalue=None,
                 global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        self.rho, self.epsilon = rho, epsilon
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    def update(self, learning_rate, iterations, tensors, attrs):
        ops.adadelta(learning_rate, iterations, *tensors, rho=self.rho, epsilon=self.epsilon, **attrs)

    def get_config(self):
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
