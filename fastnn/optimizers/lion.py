"""Lion."""
from .. import ops
from .optimizer import Optimizer


class Lion(Optimizer):
    """Steps of one size, in the direction of the sign of a running mean of the gradients.  Source: Chen et al. 2023.

    Such steps are larger than Adam's: a learning rate 3 to 10 times smaller, and a weight decay larger by as much, suit it.

    Args:
        beta_1: the share of the running mean in the direction; the rest is the gradient's.
        beta_2: how slowly the running mean forgets.
        learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable([1.0])
        >>> Lion(learning_rate=0.1).apply([ops.ones((1,))], [v])
    """

    slots = ("momentum",)

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, weight_decay=None, clipnorm=None,
                 clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        self.beta_1, self.beta_2 = beta_1, beta_2
        if not 0 < beta_1 <= 1:
            raise ValueError(f"Lion: beta_1 must be > 0 and <= 1, received {beta_1!r}: with 0 the signs of the gradients would be "
                             "all that counts")
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    def update(self, learning_rate, iterations, tensors, attrs):
        ops.lion(learning_rate, iterations, *tensors, beta_1=self.beta_1, beta_2=self.beta_2, **attrs)

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
