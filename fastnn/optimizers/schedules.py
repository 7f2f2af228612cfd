"""Learning rates that change with the number of updates, computed by ops from the step count."""
import math

from .. import changes, config, ops
from ..utils import serialization


class LearningRateSchedule(changes.Noted):
    """Base of schedules.  One of your own defines `__call__(step)` with functions of `fastnn.ops`, and `get_config`."""

    def __call__(self, step):
        """The learning rate at a step.

        Args:
            step: the number of updates so far, an integer tensor.
        """
        raise TypeError(f"{type(self).__name__} must define `__call__(self, step)`")

    def get_config(self):
        """The arguments that make this schedule again."""
        raise TypeError(f"{type(self).__name__} must define `get_config(self)` to be saved")

    @classmethod
    def from_config(cls, config):
        """A schedule from the result of `get_config`."""
        return cls(**config)


class _Named(LearningRateSchedule):
    """Keeps its arguments as attributes and as its config."""

    def _set(self, **arguments):
        self._arguments = arguments
        vars(self).update(arguments)
        steps = arguments.get("decay_steps", arguments.get("first_decay_steps", 1))
        if not steps > 0:
            raise ValueError(f"{type(self).__name__}: the number of decay steps must be > 0, received {steps!r}")

    def get_config(self):
        return dict(self._arguments)


def _as_float(step):
    return ops.cast(step, dtype=config.floatx())


class ExponentialDecay(_Named):
    """initial_learning_rate * decay_rate ^ (step / decay_steps).

    Args:
        initial_learning_rate, decay_steps, decay_rate: numbers.
        staircase: whether step / decay_steps is rounded down.
        name: of the schedule.

    Example:
        >>> schedule = ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)
        >>> float(schedule(100))
        0.05000000074505806
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="ExponentialDecay"):
        self._set(initial_learning_rate=initial_learning_rate, decay_steps=decay_steps, decay_rate=decay_rate,
                  staircase=staircase, name=name)

    def __call__(self, step):
        p = _as_float(step) / float(self.decay_steps)
        return self.initial_learning_rate * ops.power(float(self.decay_rate), ops.floor(p) if self.staircase else p)


class InverseTimeDecay(_Named):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps): what `decay=` of older versions did.

    Args: as `ExponentialDecay`.
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="InverseTimeDecay"):
        self._set(initial_learning_rate=initial_learning_rate, decay_steps=decay_steps, decay_rate=decay_rate,
                  staircase=staircase, name=name)

    def __call__(self, step):
        p = _as_float(step) / float(self.decay_steps)
        return self.initial_learning_rate / (1.0 + float(self.decay_rate) * (ops.floor(p) if self.staircase else p))


class PiecewiseConstantDecay(_Named):
    """values[0] up to boundaries[0], values[1] up to boundaries[1] and so on, the last of the values beyond.

    Args:
        boundaries: steps, increasing.
        values: learning rates, one more.
        name: of the schedule.
    """

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        boundaries, values = list(boundaries), list(values)
        if len(boundaries) != len(values) - 1 or boundaries != sorted(boundaries):
            raise ValueError("PiecewiseConstantDecay: expected increasing boundaries and one value more, received "
                             f"boundaries={boundaries} and values={values}")
        self._set(boundaries=boundaries, values=values, name=name)

    def __call__(self, step):
        step, rate = _as_float(step), float(self.values[0])
        for boundary, after in zip(self.boundaries, self.values[1:]):
            rate = ops.where(step > float(boundary), float(after), rate)
        return rate


class PolynomialDecay(_Named):
    """From initial_learning_rate to end_learning_rate in decay_steps: (initial - end) (1 - step / decay_steps)^power + end.

    Args:
        initial_learning_rate, decay_steps, end_learning_rate, power: numbers.
        cycle: whether to begin again, each time with a multiple of decay_steps, instead of staying at the end.
        name: of the schedule.
    """

    def __init__(self, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False,
                 name="PolynomialDecay"):
        self._set(initial_learning_rate=initial_learning_rate, decay_steps=decay_steps, end_learning_rate=end_learning_rate,
                  power=power, cycle=cycle, name=name)

    def __call__(self, step):
        step, steps = _as_float(step), float(self.decay_steps)
        if self.cycle:
            p = step / (steps * ops.maximum(ops.ceil(step / steps), 1.0))
        else:
            p = ops.minimum(step, steps) / steps
        return (self.initial_learning_rate - self.end_learning_rate) * ops.power(1.0 - p, float(self.power)) \
            + self.end_learning_rate


class CosineDecay(_Named):
    """Half a cosine from the initial learning rate to alpha times it, after a linear warm-up.  Source: Loshchilov and Hutter
    2016.

    Args:
        initial_learning_rate, decay_steps: numbers.
        alpha: share of the rate that is left in the end.
        name: of the schedule.
        warmup_target: the rate that the warm-up rises to, from where the cosine falls; None for no warm-up.
        warmup_steps: length of the warm-up.
    """

    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0, name="CosineDecay", warmup_target=None, warmup_steps=0):
        self._set(initial_learning_rate=initial_learning_rate, decay_steps=decay_steps, alpha=alpha, name=name,
                  warmup_target=warmup_target, warmup_steps=warmup_steps)

    def _cosine(self, step, highest):
        p = ops.minimum(step, float(self.decay_steps)) / float(self.decay_steps)
        return highest * ((1.0 - self.alpha) * 0.5 * (1.0 + ops.cos(math.pi * p)) + self.alpha)

    def __call__(self, step):
        step = _as_float(step)
        if self.warmup_target is None:
            return self._cosine(step, self.initial_learning_rate)
        warmup = float(self.warmup_steps)
        rising = self.initial_learning_rate + (self.warmup_target - self.initial_learning_rate) * (step / max(warmup, 1.0))
        return ops.where(step < warmup, rising, self._cosine(ops.maximum(step - warmup, 0.0), self.warmup_target))


class CosineDecayRestarts(_Named):
    """`CosineDecay` that begins again and again.  Source: Loshchilov and Hutter 2016.

    Args:
        initial_learning_rate, first_decay_steps: numbers.
        t_mul: factor from the length of one period to the next.
        m_mul: factor from the initial rate of one period to the next.
        alpha: share of the rate that is left at the end of a period.
        name: of the schedule.
    """

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name="SGDRDecay"):
        self._set(initial_learning_rate=initial_learning_rate, first_decay_steps=first_decay_steps, t_mul=t_mul, m_mul=m_mul,
                  alpha=alpha, name=name)

    def __call__(self, step):
        p, t = _as_float(step) / float(self.first_decay_steps), float(self.t_mul)
        if t == 1.0:
            restarts = ops.floor(p)
            p = p - restarts
        else:       # the period of restart i begins at (1 - t^i) / (1 - t)
            restarts = ops.floor(ops.log(1.0 - p * (1.0 - t)) / math.log(t))
            p = (p - (1.0 - ops.power(t, restarts)) / (1.0 - t)) / ops.power(t, restarts)
        cosine = 0.5 * ops.power(float(self.m_mul), restarts) * (1.0 + ops.cos(math.pi * p))
        return self.initial_learning_rate * ((1.0 - self.alpha) * cosine + self.alpha)


def serialize(learning_rate_schedule):
    """The config of a schedule."""
    return serialization.serialize(learning_rate_schedule)


def deserialize(config, custom_objects=None):
    """A schedule from its config."""
    return serialization.deserialize(config, globals(), custom_objects, "learning rate schedule")
