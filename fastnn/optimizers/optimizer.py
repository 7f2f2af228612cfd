"""`Optimizer`: what all optimizers share: learning rate, step count, clipping, weight decay, averaging of weights.

All that changes from step to step lies in variables that the kernels read, so a recorded step can be replayed.
"""
import functools
import numbers
import re

from .. import ops
from ..tensor import FLOATS, Variable
from ..utils import serialization
from ..utils.naming import unique_name
from ..utils.warn_utils import warn
from .state import OptimizerState
from .undo import only_if

_REPLACED = {
    "decay": "learning_rate=fastnn.optimizers.schedules.InverseTimeDecay(initial_learning_rate, decay_steps=1, "
             "decay_rate=decay)",
    "lr": "learning_rate",
}


class Optimizer(OptimizerState):
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

    A subclass is written as for Keras: `build` makes its variables (`add_variable_from_reference`), `update_step` updates
    one weight.  The optimizers here name the variables they keep for each weight in `slots`, and override `update`, which
    updates all weights by one op.

    Example:
        >>> class SignDescent(Optimizer):
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         self.assign_sub(variable, ops.sign(gradient) * learning_rate)
        >>> v = Variable([1.0, 2.0])
        >>> SignDescent(0.5).apply([ops.ones((2,))], [v])
        >>> v.tolist()
        [0.5, 1.5]
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
        self._excluded = set(), None
        self._start(learning_rate)

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

    # ---- Building ----

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
        # a class derived from one with `update` that brings an `update_step` of its own means that
        self._by_steps = "update" not in vars(next(c for c in type(self).__mro__ if {"update", "update_step"} & set(vars(c))))
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
        update = functools.partial(Optimizer.update, self) if self._by_steps else self.update
        for tensors, places, attrs in skeletons:
            tensors = tensors.copy()
            for position, k in places:
                tensors[position] = grads[k]
            update(rate, self._iterations, tensors, attrs)

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
                    decay.append(float(self._decay_of(v) or 0.0) if self._decays(v) else 0.0)
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
        width = 2 + len(self._slots)
        pairs = list(zip(tensors[::width], tensors[1::width]))
        if attrs["every"] == 1:
            self._update_by_steps(learning_rate, pairs, attrs["weight_decay"])
        else:       # a step has to be the same launches every time: what they change is taken back where no update is due
            due = ops.equal(ops.mod(iterations + 1, attrs["every"]), 0)
            others = {id(v) for v in (self._iterations, self._learning_rate, *self._sums, *self._averages)}
            with only_if(due, [*[v for v, _ in pairs], *[v for v in self._variables if id(v) not in others]]):
                self._update_by_steps(learning_rate, pairs, attrs["weight_decay"])
        if attrs["advance"]:
            iterations.assign_add(1)

    def _update_by_steps(self, learning_rate, pairs, weight_decay):
        for (v, _), decay in zip(pairs, weight_decay):
            if decay:
                v.assign_sub(v * decay * ops.cast(learning_rate, v.dtype))
        for v, g in pairs:
            self.update_step(g, v, learning_rate)

    def update_step(self, gradient, variable, learning_rate):
        """The update of one variable, to be written by subclasses with ops and `self.assign...`."""
        if type(self).update is Optimizer.update:
            raise TypeError(f"{type(self).__name__} must define `update_step(self, gradient, variable, learning_rate)`, "
                            "or `update` for all variables at once")
        i = self._get_variable_index(variable)
        attrs = {"weight_decay": (), "every": self.gradient_accumulation_steps or 1, "advance": 0}
        self.update(learning_rate, self._iterations, [variable, gradient, *[slot[i] for slot in self._slots]], attrs)

    def assign(self, variable, value):
        """Sets a variable; in `update_step`, as with Keras."""
        variable.assign(ops.cast(value, variable.dtype))

    def assign_add(self, variable, value):
        """Adds to a variable."""
        variable.assign_add(ops.cast(value, variable.dtype))

    def assign_sub(self, variable, value):
        """Subtracts from a variable."""
        variable.assign_sub(ops.cast(value, variable.dtype))

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
        self._excluded = {id(v) for v in var_list or ()}, "|".join(sorted(set(var_names))) if var_names else None

    def _decay_of(self, variable):
        """The weight decay of a variable that is not excluded; None for none."""
        return self.weight_decay

    def _decays(self, variable):
        ids, pattern = self._excluded
        return id(variable) not in ids and not (pattern and re.search(pattern, variable.name))

    # ---- Configs ----

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
