"""What an optimizer keeps: learning rate, step count, variables; setting and saving them."""
from .. import config, ops
from ..changes import Noted
from ..device import recorder
from ..tensor import Tensor, Variable, convert
from ..utils import own_variables
from ..utils.warn_utils import warn
from .schedules import LearningRateSchedule


class OptimizerState(Noted):
    """The part of an `Optimizer` that holds its variables."""

    saved_first, saved_properties, not_saved = (), (), ()      # as of a layer: nothing but attributes

    def _start(self, learning_rate):
        self.built = False
        self._trainable_variables, self._variables = [], []
        self._iterations = Variable(0, dtype="int64", trainable=False, name="iteration")
        self._learning_rate = None
        OptimizerState.learning_rate.fset(self, learning_rate)      # also where a subclass has a property of that name

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
            self._learning_rate = Variable(self._as_rate(value), dtype=config.floatx(), trainable=False, name="learning_rate")

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
        if not any(v is variable for v in self._variables):
            self._variables.append(variable)
            variable.path = f"{self.name}/{variable.name}"
        return variable

    def __setattr__(self, name, value):
        # a counter of the user's own, say: saved with the others, as with Keras
        if value.__class__ is Variable and not isinstance(getattr(type(self), name, None), property):
            if "_variables" not in vars(self):
                raise RuntimeError(f"{type(self).__name__}: call super().__init__(...) before setting the variable {name!r}")
            self._track(value)
        super().__setattr__(name, value)

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

    # ---- Saving ----

    def set_weights(self, weights):
        """Sets the values of all variables, in the order of `variables`.

        Raises:
            ValueError: another number of values, or other shapes.
        """
        if len(weights) != len(self.variables):
            raise ValueError(f"{self.name} has {len(self.variables)} variables"
                             f"{'' if self.built else ' (it is not built yet)'}, received {len(weights)} values")
        for variable, value in zip(self.variables, weights):
            variable.assign(value)

    def get_weights(self):
        """The values of all variables as NumPy arrays."""
        return [v.numpy() for v in self.variables]

    def save_own_variables(self, store):
        """Puts the values of all variables into a dict-like store under "0", "1" ..."""
        own_variables.save(self.variables, store)

    def load_own_variables(self, store):
        """Takes the values of all variables from a store; one of another size is left alone, with a warning."""
        reason = own_variables.mismatch(self.variables, store)
        if reason:
            warn(f"the state of optimizer {self.name!r}{'' if self.built else ' (it is not built yet)'} was not loaded: it {reason}")
            return
        own_variables.load(self.variables, store)
