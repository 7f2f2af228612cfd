"""SGD."""
from .. import ops
from .optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent: w -= learning_rate * g, with momentum if asked for.

    With momentum, m = momentum * m - learning_rate * g and w += m, or (Nesterov's) w += momentum * m - learning_rate * g.

    Args:
        momentum: 0 to 1.
        nesterov: whether momentum is Nesterov's.
        learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable([1.0])
        >>> SGD(learning_rate=0.1).apply([ops.ones((1,))], [v])
    """

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, weight_decay=None, clipnorm=None,
                 clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        self.momentum, self.nesterov = momentum, nesterov
        if not isinstance(momentum, (int, float)) or not 0 <= momentum <= 1:
            raise ValueError(f"SGD: momentum must be a number between 0 and 1, received {momentum!r}")
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    @property
    def slots(self):
        return ("momentum",) if self.momentum else ()

    def update(self, learning_rate, iterations, tensors, attrs):
        if self.momentum:
            ops.sgd_momentum(learning_rate, iterations, *tensors, momentum=float(self.momentum), nesterov=self.nesterov,
                             **attrs)
        else:
            ops.sgd(learning_rate, iterations, *tensors, **attrs)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
