"""Muon."""
import re

from .. import ops
from .optimizer import Optimizer


class Muon(Optimizer):
    """Matrices move by a momentum made orthogonal, with all singular values near 1; all other variables by Adam.

    Sources: Jordan et al. 2024; Liu et al. 2025 for `rms_rate`.

    Args:
        adam_beta_1, adam_beta_2, epsilon: see `Adam`.
        adam_weight_decay, weight_decay: those of Adam's variables, and of the matrices; None for none.
        exclude_layers: patterns; a variable whose path holds one of them goes to Adam.
        exclude_embeddings: whether variables with "embedding" in their path go to Adam.
        muon_a, muon_b, muon_c: x (a + b y + c y^2), with y = x x^T, is a step towards an orthogonal matrix.
        adam_lr_ratio: Adam's learning rate as a multiple of that of the matrices.
        momentum: 0 to 1.
        ns_steps: how many such (Newton and Schulz's) steps.
        nesterov: whether momentum is Nesterov's.
        rms_rate: steps of matrices are multiplied by rms_rate * sqrt(max(rows, columns)), so that their size is like
            Adam's; None: not at all.
        learning_rate, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
        loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    Example:
        >>> from fastnn import Variable
        >>> v = Variable(ops.eye(2))
        >>> Muon(learning_rate=0.1).apply([ops.ones((2, 2))], [v])
    """

    def __init__(self, learning_rate=0.001, adam_beta_1=0.9, adam_beta_2=0.999, adam_weight_decay=0.004, epsilon=1e-7,
                 weight_decay=0.004, clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, ema_momentum=0.99,
                 ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None, name=None,
                 exclude_layers=None, exclude_embeddings=True, muon_a=3.4445, muon_b=-4.7750, muon_c=2.0315, adam_lr_ratio=1,
                 momentum=0.95, ns_steps=5, nesterov=True, rms_rate=0.2, **kwargs):
        self._arguments = dict(
            adam_beta_1=adam_beta_1, adam_beta_2=adam_beta_2, epsilon=epsilon, exclude_layers=exclude_layers or [], muon_a=muon_a,
            muon_b=muon_b, muon_c=muon_c, adam_lr_ratio=adam_lr_ratio, momentum=momentum, ns_steps=ns_steps, nesterov=nesterov,
            exclude_embeddings=exclude_embeddings, adam_weight_decay=adam_weight_decay, rms_rate=rms_rate)
        for key, value in self._arguments.items():
            setattr(self, key, value)
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)

    def create_slots(self, variables):
        self._momentums, self._velocities = [], []      # velocities: None for matrices
        for v in variables:
            self._momentums.append(self.add_variable_from_reference(v, "momentum"))
            self._velocities.append(self.add_variable_from_reference(v, "velocity") if self._is_for_adam(v) else None)
        return []

    def _is_for_adam(self, variable):
        return bool(len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower())
                    or any(re.search(pattern, variable.path) for pattern in self.exclude_layers))

    def _decay_of(self, variable):
        return self.adam_weight_decay if self._is_for_adam(variable) else self.weight_decay

    def update_step(self, gradient, variable, learning_rate):
        i = self._get_variable_index(variable)
        m, v = self._momentums[i], self._velocities[i]
        if v is not None:
            ops.adam(learning_rate * self.adam_lr_ratio, self._iterations, variable, gradient, m, v, beta_1=self.adam_beta_1,
                     beta_2=self.adam_beta_2, epsilon=self.epsilon, every=self.gradient_accumulation_steps or 1, advance=0)
            return
        m.assign(m * self.momentum + gradient)
        scale = 1.0 if self.rms_rate is None else self.rms_rate * max(variable.shape) ** 0.5
        rate = ops.cast(learning_rate, variable.dtype) * scale
        variable.assign_sub(rate * self._made_orthogonal(gradient + self.momentum * m if self.nesterov else m))

    def _made_orthogonal(self, x):
        """A matrix with the singular vectors of x, and singular values near 1, by steps of Newton and Schulz."""
        tall = x.shape[0] > x.shape[1]
        x = ops.transpose(x) if tall else x     # so that y is the smaller of the two products
        x = x / (ops.norm(x) + 1e-7)
        for _ in range(self.ns_steps):
            y = ops.matmul(x, ops.transpose(x))
            x = self.muon_a * x + ops.matmul(self.muon_b * y + self.muon_c * ops.matmul(y, y), x)
        return ops.transpose(x) if tall else x

    def get_config(self):
        return {**super().get_config(), **{key: getattr(self, key) for key in self._arguments}}
