"""ScheduleFreeAdamW."""
from .. import ops
from .optimizer import Optimizer


class ScheduleFreeAdamW(Optimizer):
    """AdamW that needs no schedule: the weights lie between those of Adam's steps and the mean of these over all steps.

    Source: Defazio et al. 2024.  The slot "momentum" holds the weights of Adam's steps, z; as with Keras the model is evaluated
    with the weights that are trained, not with the mean alone.

    Args:
        beta_1: the share of the mean in the weights.
        beta_2: how slowly the running mean of squared gradients forgets.
        epsilon: added to the root of that mean.
        warmup_steps: in how many updates the learning rate grows to its value.
        learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable([1.0])
        >>> ScheduleFreeAdamW(learning_rate=0.1).apply([ops.ones((1,))], [v])
    """

    slots = ("momentum", "velocity")

    def __init__(self, learning_rate=0.0025, beta_1=0.9, beta_2=0.999, epsilon=1e-8, warmup_steps=0, weight_decay=None,
                 clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    def create_slots(self, variables):
        slots = super().create_slots(variables)
        for z, v in zip(slots[0], variables):
            z.assign(v)
        return slots

    def update(self, learning_rate, iterations, tensors, attrs):
        ops.schedule_free(learning_rate, iterations, *tensors, beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon,
                          warmup=int(self.warmup_steps), **attrs)

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon,
                "warmup_steps": self.warmup_steps}
