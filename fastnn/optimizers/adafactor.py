"""Adafactor."""
from .. import ops
from .optimizer import Optimizer


class Adafactor(Optimizer):
    """Steps divided by the root of a mean of squared gradients, which of matrices is kept as a row and a column only.

    The steps are scaled by the size of the weights, and cut where they would be large.  Source: Shazeer and Stern 2018.

    Args:
        beta_2_decay: < 0: the mean of squares forgets more slowly with every update: beta_2 = 1 - updates ^ beta_2_decay.
        epsilon_1: added to squared gradients.
        epsilon_2: the least size of the weights that scales a step.
        clip_threshold: the largest root mean square of a step before it is scaled.
        relative_step: taken for the sake of Keras: the rate is at most 1 / sqrt(updates) with and without it.
        learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable([1.0])
        >>> Adafactor(learning_rate=0.1).apply([ops.ones((1,))], [v])
    """

    def __init__(self, learning_rate=0.001, beta_2_decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, clip_threshold=1.0,
                 relative_step=True, weight_decay=None, clipnorm=None,
                 clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None,
                 loss_scale_factor=None, gradient_accumulation_steps=None, name=None, **kwargs):
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    def create_slots(self, variables):
        self._rows, self._columns, self._means = [], [], []
        for v in variables:
            if len(v.shape) < 2:        # not factored; Keras keeps a number in place of each factor
                shapes = (), ()
            else:
                shapes = v.shape[:-1], (*v.shape[:-2], v.shape[-1])
            for kept, shape in zip((self._rows, self._columns), shapes):
                kept.append(self.add_variable(shape, "zeros", v.dtype, v.name))
            self._means.append(self.add_variable_from_reference(v, "velocity"))
        return []

    def update_step(self, gradient, variable, learning_rate):
        i, dtype = self._get_variable_index(variable), variable.dtype
        step = ops.cast(self.iterations + 1, dtype)
        rate = ops.minimum(ops.cast(learning_rate, dtype), ops.rsqrt(step))
        rate = rate * ops.maximum(_root_mean_square(variable), self.epsilon_2)
        share = ops.power(step, self.beta_2_decay)      # of the new squares: 1 - beta_2
        squares, mean = ops.square(gradient) + self.epsilon_1, self._means[i]
        if len(variable.shape) < 2:
            _move(mean, squares, share)
        else:
            rows, columns = self._rows[i], self._columns[i]
            _move(rows, ops.mean(squares, axis=-1), share)
            _move(columns, ops.mean(squares, axis=-2), share)
            of_rows = rows / ops.mean(rows, axis=-1, keepdims=True)
            mean.assign(ops.expand_dims(of_rows, -1) * ops.expand_dims(columns, -2))
        move = gradient / ops.sqrt(mean)
        move = move / ops.maximum(_root_mean_square(move) / self.clip_threshold, 1.0)
        variable.assign_sub(rate * move)

    def get_config(self):
        names = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _root_mean_square(x):
    return ops.sqrt(ops.mean(ops.square(x)))


def _move(mean, value, share):
    """mean = (1 - share) mean + share value."""
    mean.assign((1 - share) * mean + share * value)
