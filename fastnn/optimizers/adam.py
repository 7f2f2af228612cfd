"""Adam."""
from .. import ops
from .optimizer import Optimizer


class Adam(Optimizer):
    """Steps from running means of the gradients and of their squares.

    Sources: Kingma and Ba 2014; Reddi, Kale and Kumar 2018 (amsgrad).

    Args:
        beta_1, beta_2: how slowly the running means of gradients and of their squares forget.
        epsilon: added to the root of the mean of the squares.
        amsgrad: whether the highest mean of squares so far counts.
        learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable([1.0])
        >>> Adam(learning_rate=0.1).apply([ops.ones((1,))], [v])
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, weight_decay=None,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 **kwargs):
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    @property
    def slots(self):
        return ("momentum", "velocity")

    def create_slots(self, variables):
        slots = super().create_slots(variables)
        return [*slots, self.add_optimizer_variables(variables, "velocity_hat")] if self.amsgrad else slots

    def update(self, learning_rate, iterations, tensors, attrs):
        ops.adam(learning_rate, iterations, *tensors, beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon,
                 amsgrad=self.amsgrad, **attrs)

    def get_config(self):
        return {**super().get_config(),
                "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon, "amsgrad": self.amsgrad}
