"""`Optimizer`: what all optimizers share: learning rate, step count, clipping, weight decay, averaging of weights.

All that changes from step to step lies in variables that the kernels read, so a recorded step can be replayed.
"""
import numbers
import re

from .. import config, ops
from ..changes import Noted
from ..device import recorder
from ..tensor import FLOATS, Tensor, Variable, convert
from ..utils import serialization
from ..utils.naming import unique_name
from ..utils.warn_utils import warn
from .schedules import LearningRateSchedule

_REPLACED = {
    "decay": "learning_rate=fastnn.optimizers.schedules.InverseTimeDecay(initial_learning_rate, decay_steps=1, "
             "decay_rate=decay)",
    "lr": "learning_rate",
}


class Optimizer(Noted):
    """Base of optimizers.

    Args:
        learning_rate: a float, a `LearningRateSchedule`, or a function without arguments that returns the rate.
        weight_decay: w -= learning_rate * weight_decay * w before each update; None for none.
        clipnorm: the largest norm of each gradient.
        clipvalue: the largest absolute value of an element of a gradient.
        global_clipnorm: the largest norm of all gradients together.  At most one of these three.
        use_ema: whether to keep a moving average of the weights.
        ema_momentum: 0 to 1: new average = ema_momentum * average + (1 - ema_momentum) * weights.
        ema_overwrite_frequency: after how many updates the weights take the value of their average; None: only at
            the end of training (`finalize_variable_values`).
        loss_scale_factor: by what the loss was multiplied (`scale_loss`); gradients are divided by it.
        gradient_accumulation_steps: how many batches (>= 2) make one update with the mean of their gradients.
        name: by default made from the class name.

    Raises:
        ValueError: values outside what is said above.
        TypeError: unknown arguments.

    A subclass names the variables it keeps for each weight in `slots`, and makes the update in `update`.
    """

    slots = ()

    def __init__(self, learning_rate, weight_decay=None, clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False,
                 ema_momentum=0.99, ema_overwrite_frequency=None, loss_scale_factor=None, gradient_accumulation_steps=None,
                 name=None, **kwargs):
        self._refuse(kwargs)
        self.name = unique_name(type(self).__name__) if name is None else name
        self.weight_decay, self.loss_scale_factor = weight_decay, loss_scale_factor
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum, self.ema_overwrite_frequency = use_ema, ema_momentum, ema_overwrite_frequency
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check()
        self.built = False
        self._trainable_variables, self._variables, self._excluded = [], [], (set(), None)
        self._iterations = self._track(Variable(0, dtype="int64", trainable=False, name="iteration"))
        self._learning_rate = None
        self.learning_rate = learning_rate

    def _refuse(self, kwargs):
        for name in kwargs:
            if name in _REPLACED:
                raise TypeError(f"{type(self).__name__}: the argument '{name}' belongs to older versions of Keras: use "
                                f"{_REPLACED[name]}")
            raise TypeError(f"{type(self).__name__} has no argument '{name}'")

    def _check(self):
        name = type(self).__name__
        clips = {k: getattr(self, k) for k in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, k) is not None}
        if len(clips) > 1:
            raise ValueError(f"{name}: only one of clipnorm, clipvalue and global_clipnorm may be set, received {clips}")
        for k, value in {**clips, "weight_decay": self.weight_decay or 0.0}.items():
            if not isinstance(value, numbers.Real) or value < 0:
                raise ValueError(f"{name}: {k} must be a number >= 0, received {value!r}")
        steps, frequency = self.gradient_accumulation_steps, self.ema_overwrite_frequency
        if steps is not None and (not isinstance(steps, int) or steps < 2):
            raise ValueError(f"{name}: gradient_accumulation_steps must be an integer >= 2 or None, received {steps!r}")
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ValueError(f"{name}: ema_momentum must lie between 0 and 1, received {self.ema_momentum!r}")
        if self.use_ema and frequency is not None and (not isinstance(frequency, int) or frequency < 1):
            raise ValueError(f"{name}: ema_overwrite_frequency must be an integer >= 1 or None, received {frequency!r}")

    # ---- Learning rate and step count ----

    @property
    def iterations(self):
        """The number of updates so far, an int64 variable (with gradient accumulation: a tensor computed from it)."""
        steps = self.gradient_accumulation_steps
        return ops.floor_divide(self._iterations, steps) if steps else self._iterations

    @iterations.setter
    def iterations(self, variable):
        if self.built:
            raise RuntimeError(f"{self.name}: iterations cannot be replaced after the optimizer was built: use "
                               "iterations.assign(value)")
        self._variables = [variable if v is self._iterations else v for v in self._variables]
        self._iterations = variable

    @property
    def learning_rate(self):
        """The learning rate: a float32 variable, or what the schedule gives for the present step."""
        rate = self._learning_rate
        if rate.__class__ is Variable:
            return rate
        if isinstance(rate, LearningRateSchedule):
            return convert(rate(self._iterations), config.floatx())
        hears = getattr(recorder(), "refuse", None)
        if hears is not None:
            hears("the learning rate is a function in Python: a LearningRateSchedule, written with fastnn.ops, can be replayed")
        return convert(rate(), config.floatx())

    @learning_rate.setter
    def learning_rate(self, value):
        if isinstance(value, (dict, str)):
            raise ValueError(f"{self.name}: learning_rate must be a float, a schedule or a function, received {value!r}")
        if isinstance(value, LearningRateSchedule) or (callable(value) and not isinstance(value, Tensor)):
            if isinstance(self._learning_rate, Variable):
                self._variables = [v for v in self._variables if v is not self._learning_rate]
            self._learning_rate = value
        elif isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(f"{self.name}: the learning rate follows a schedule and cannot be set to {value!r}: make the "
                            "optimizer with a float learning_rate for that")
        elif isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(self._as_rate(value))
        else:
            variable = Variable(self._as_rate(value), dtype=config.floatx(), trainable=False, name="learning_rate")
            self._learning_rate = self._track(variable)

    def _as_rate(self, value):
        try:
            rate = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{self.name}: learning_rate must be a float, a schedule or a function, received "
                             f"{value!r}") from None
        if not rate >= 0:
            raise ValueError(f"{self.name}: learning_rate must be >= 0, received {value!r}")
        return rate

    # ---- Variables ----

    @property
    def variables(self):
        """All variables of the optimizer, in the order in which they are saved."""
        return list(self._variables)

    def _track(self, variable):
        self._variables.append(variable)
        return variable

    def add_variable(self, shape, initializer="zeros", dtype=None, name=None):
        """A new variable of the optimizer."""
        from .. import initializers
        return self._track(Variable(initializers.get(initializer), shape=tuple(shape), dtype=dtype, trainable=False,
                                    name=name))

    def add_variable_from_reference(self, reference_variable, name=None, initializer="zeros"):
        """A new variable of the shape and dtype of another one."""
        reference = getattr(reference_variable, "path", None) or reference_variable.name
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype,
                                 f"{reference.replace('/', '_')}_{name or 'var'}")

    def add_optimizer_variables(self, trainable_variables, name, initializer="zeros"):
        """One new variable for each trainable one; with several names, a list for each name."""
        names = [name] if isinstance(name, str) else list(name)
        initializers = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        made = tuple([] for _ in names)
        for variable in trainable_variables:
            for found, one, first in zip(made, names, initializers):
                found.append(self.add_variable_from_reference(variable, one, first))
        return made[0] if isinstance(name, str) else made

    def build(self, variables):
        """Makes the variables that go with the weights; the first `apply` does this by itself.

        Raises:
            ValueError: a variable that is no float variable.
        """
        if self.built:
            return
        for v in variables:
            if not isinstance(v, Variable) or v.dtype not in FLOATS:
                raise ValueError(f"{self.name}: expected float variables to train, received {v!r}")
        self._trainable_variables = list(variables)
        self._indices = {v.key: i for i, v in enumerate(self._trainable_variables)}
        self._averages = self.add_optimizer_variables(variables, "average") if self.use_ema else []
        steps = self.gradient_accumulation_steps
        self._sums = self.add_optimizer_variables(variables, "gradient_accumulator") if steps else []
        self._slots = self.create_slots(self._trainable_variables)
        self._steps = {}
        self._prepares = bool(self.loss_scale_factor is not None or self.gradient_accumulation_steps or self.clipnorm
                              or self.global_clipnorm or self.clipvalue)
        self.built = True

    def __setstate__(self, state):
        """A copy (`copy`, `pickle`) knows its variables by keys of their own."""
        vars(self).update(state)
        if self.built:
            self._indices, self._steps = {v.key: i for i, v in enumerate(self._trainable_variables)}, {}

    def create_slots(self, variables):
        """The variables that the update needs for each weight: a list of lists, in the order of the op's slots."""
        return list(self.add_optimizer_variables(variables, list(self.slots))) if self.slots else []

    # ---- Updates ----

    def apply_gradients(self, grads_and_vars):
        """One update from pairs (gradient, variable); returns the step count.

        Raises:
            ValueError: no gradient at all, a variable that the optimizer was not built with, a gradient of another shape.
        """
        grads, variables = zip(*grads_and_vars) if not isinstance(grads_and_vars, tuple) else zip(*list(grads_and_vars))
        self.apply(grads, variables)
        return self._iterations

    def apply(self, grads, trainable_variables=None):
        """One update of the variables (by default those the optimizer was built with).

        Args:
            grads: a gradient for each variable, None where there is none (a warning says so).
            trainable_variables: the variables, in the same order.

        Raises:
            ValueError: as `apply_gradients`.
        """
        if len(grads) == 0:
            return
        if trainable_variables is None or not self.built:
            trainable_variables = self._first(trainable_variables)
        if len(grads) != len(trainable_variables):
            raise ValueError(f"{self.name}: received {len(grads)} gradients for {len(trainable_variables)} variables")
        if any([g is None for g in grads]):     # `in` would compare tensors
            grads, trainable_variables = self._with_gradients(grads, trainable_variables)
        key = tuple([v.key for v in trainable_variables])
        indices, skeletons, constrained = self._steps.get(key) or self._step(key, trainable_variables)
        for g, v in zip(grads, trainable_variables):
            if g.shape != v.shape or g.dtype != v.dtype:
                raise ValueError(f"{self.name}: the gradient of {v.path!r} has shape {g.shape} and dtype {g.dtype}, the "
                                 f"variable {v.shape} and {v.dtype}")
        self._update_all(self._prepared(grads, indices) if self._prepares else grads, skeletons)
        if self.use_ema:
            self._average()
        for v in constrained:
            v.assign(v.constraint(v))

    def _first(self, variables):
        """The variables to update, when none are given or when the optimizer is not built."""
        if not self.built:
            if variables is None:
                raise ValueError(f"{self.name}: call build(variables) before apply(grads) without variables")
            self.build(list(variables))
        return self._trainable_variables if variables is None else variables

    def _step(self, key, variables):
        """What the updates of these variables have in common: made at the first, kept for the others."""
        for v in variables:
            if v.key not in self._indices:
                raise ValueError(f"{self.name}: the variable {v.path!r} is none of those that the optimizer was built with: "
                                 "make a new optimizer for other variables")
        indices = tuple([self._indices[v.key] for v in variables])
        self._steps[key] = found = (indices, self._skeleton(indices), [v for v in variables if v.constraint is not None])
        return found

    def _with_gradients(self, grads, variables):
        missing = [v.path for g, v in zip(grads, variables) if g is None]
        pairs = [(g, v) for g, v in zip(grads, variables) if g is not None]
        if not pairs:
            raise ValueError(f"{self.name}: no gradients for any variable ({', '.join(missing)}): does the loss depend on them, "
                             "and was it computed inside the tape?")
        warn(f"{self.name}: no gradients for {missing}: the loss does not depend on them")
        return tuple(zip(*pairs))

    def _prepared(self, grads, indices):
        """Gradients unscaled, gathered over batches, clipped."""
        if self.loss_scale_factor is not None:
            grads = [g / self.loss_scale_factor for g in grads]
        if self.gradient_accumulation_steps:
            grads = self._by_dtype(grads, lambda part, places: ops.accumulate_gradients(
                self._iterations, *[x for g, i in zip(part, places) for x in (g, self._sums[indices[i]])],
                every=self.gradient_accumulation_steps))
        if self.clipnorm:
            return self._by_dtype(grads, lambda part, _: ops.clip_gradients_by_norm(
                *part, limit=float(self.clipnorm), together=False))
        if self.global_clipnorm:
            return self._by_dtype(grads, lambda part, _: ops.clip_gradients_by_norm(
                *part, limit=float(self.global_clipnorm), together=True))
        if self.clipvalue:
            return self._by_dtype(grads, lambda part, _: ops.clip_gradients_by_value(*part, limit=float(self.clipvalue)))
        return grads

    def _by_dtype(self, grads, function):
        """A function of many gradients, called once for those of each dtype."""
        done = [None] * len(grads)
        for dtype in {g.dtype: None for g in grads}:
            places = [i for i, g in enumerate(grads) if g.dtype == dtype]
            for i, y in zip(places, function([grads[i] for i in places], places)):
                done[i] = y
        return done

    def _update_all(self, grads, skeletons):
        """One launch for all variables of a dtype; the last one counts the step."""
        rate = self.learning_rate
        for tensors, places, attrs in skeletons:
            tensors = tensors.copy()
            for position, k in places:
                tensors[position] = grads[k]
            self.update(rate, self._iterations, tensors, attrs)

    def _skeleton(self, indices):
        """For each dtype: the tensors of an update with gaps for the gradients, where those go, common attributes."""
        found = []
        dtypes = list({self._trainable_variables[i].dtype: None for i in indices})
        for dtype in dtypes:
            tensors, places, decay = [], [], []
            for k, i in enumerate(indices):
                v = self._trainable_variables[i]
                if v.dtype == dtype:
                    places.append((len(tensors) + 1, k))
                    tensors += [v, None, *[slot[i] for slot in self._slots]]
                    decay.append(float(self.weight_decay) if self.weight_decay and self._decays(v) else 0.0)
            attrs = {"weight_decay": tuple(decay) if any(decay) else (), "every": self.gradient_accumulation_steps or 1,
                     "advance": int(dtype == dtypes[-1])}
            found.append((tensors, places, attrs))
        return found

    def update(self, learning_rate, iterations, tensors, attrs):
        """The update of all variables of a dtype.

        The optimizers here override it with one call of an op of `fastnn.ops.update`; by default `update_step` is
        called for one variable after the other, which is what optimizers written for Keras define.

        Args:
            learning_rate, iterations: tensors of one element.
            tensors: for each variable, one after the other: variable, gradient, slots.
            attrs: weight_decay (per variable, or empty), every (gradient accumulation), advance (whether to count the step).
        """
        if attrs["every"] != 1:
            raise ValueError(f"{self.name}: gradient_accumulation_steps needs an optimizer that overrides `update`")
        width = 2 + len(self._slots)
        for k, (v, g) in enumerate(zip(tensors[::width], tensors[1::width])):
            if attrs["weight_decay"]:
                v.assign_sub(v * (attrs["weight_decay"][k] * learning_rate))
            self.update_step(g, v, learning_rate)
        if attrs["advance"]:
            iterations.assign_add(1)

    def update_step(self, gradient, variable, learning_rate):
        """The update of one variable, to be written by subclasses with ops and `variable.assign...`."""
        raise TypeError(f"{type(self).__name__} must define `update_step(self, gradient, variable, learning_rate)`, "
                        "or `update` for all variables at once")

    def _get_variable_index(self, variable):
        return self._indices[variable.key]      # Keras' word, which `update_step` of users' optimizers goes by

    def _average(self):
        attrs = {"momentum": float(self.ema_momentum), "overwrite": self.ema_overwrite_frequency or 0,
                 "every": self.gradient_accumulation_steps or 1}
        pairs = list(zip(self._trainable_variables, self._averages))
        for dtype in {v.dtype: None for v, _ in pairs}:
            ops.average_variables(self._iterations, *[x for v, a in pairs if v.dtype == dtype for x in (v, a)], **attrs)

    def finalize_variable_values(self, var_list):
        """Gives the variables the values of their moving averages, at the end of a training with `use_ema`."""
        if self.use_ema:
            for v in var_list:
                v.assign(self._averages[self._indices[v.key]])

    def scale_loss(self, loss):
        """The loss times `loss_scale_factor`."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Variables (or patterns of their names) that weight decay leaves alone; to be called before the first update.

        Raises:
            ValueError: the optimizer is already built.
        """
        if self.built:
            raise ValueError(f"{self.name}: exclude_from_weight_decay() must be called before the optimizer is built")
        self._excluded = {id(v) for v in var_list or ()}, re.compile("|".join(sorted(set(var_names)))) if var_names else None

    def _decays(self, variable):
        ids, pattern = self._excluded
        return id(variable) not in ids and not (pattern and pattern.search(variable.name))

    # ---- Saving ----

    def set_weights(self, weights):
        """Sets the values of all variables, in the order of `variables`.

        Raises:
            ValueError: another number of values, or other shapes.
        """
        if len(weights) != len(self._variables):
            raise ValueError(f"{self.name} has {len(self._variables)} variables"
                             f"{'' if self.built else ' (it is not built yet)'}, received {len(weights)} values")
        for variable, value in zip(self._variables, weights):
            variable.assign(value)

    def get_weights(self):
        """The values of all variables as NumPy arrays."""
        return [v.numpy() for v in self._variables]

    def save_own_variables(self, store):
        """Puts the values of all variables into a dict-like store under "0", "1" ..."""
        for i, variable in enumerate(self._variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store):
        """Takes the values of all variables from a store; a store of another size is left alone, with a warning."""
        if len(store.keys()) != len(self._variables):
            warn(f"the state of optimizer {self.name!r} was not loaded: it has {len(self._variables)} variables"
                 f"{'' if self.built else ' (it is not built yet)'}, the file has {len(store.keys())}")
            return
        for i, variable in enumerate(self._variables):
            variable.assign(store[str(i)])

    def get_config(self):
        """The arguments that make this optimizer again."""
        rate = self._learning_rate
        rate = float(rate) if isinstance(rate, Variable) else serialization.serialize(rate)
        names = ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum",
                 "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps")
        return {"name": self.name, "learning_rate": rate, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """An optimizer from the result of `get_config`."""
        from . import schedules
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            rate = serialization.deserialize(rate, vars(schedules), custom_objects, "learning rate schedule")
            config = {**config, "learning_rate": rate}
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name!r}>"
