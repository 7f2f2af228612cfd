"""MultiOptimizer: other optimizers for other variables; OptimizerMap says which."""
import re
from collections.abc import MutableMapping

from ..utils import serialization
from .loss_scale_optimizer import LossScaleOptimizer
from .optimizer import Optimizer


class OptimizerMap(MutableMapping):
    """Patterns of variables' paths -> optimizers.

    Args:
        default_optimizer: for variables that no pattern matches.
        optimizer_map: dict of regular expressions, which must match the whole path, to optimizers.

    Raises:
        TypeError, ValueError: something else than that; on look-up, a path that several patterns match.

    Example:
        >>> from fastnn.optimizers import SGD, Adam
        >>> optimizers = OptimizerMap(Adam(), {".*/bias": SGD(0.1)})
        >>> type(optimizers["dense/bias"]).__name__, type(optimizers["dense/kernel"]).__name__
        ('SGD', 'Adam')
    """

    def __init__(self, default_optimizer, optimizer_map=None):
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"OptimizerMap: default_optimizer must be an optimizer, received {default_optimizer!r}")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"OptimizerMap: optimizer_map must be a dict of patterns to optimizers, received {optimizer_map!r}")
        self._default_optimizer, self._optimizer_map = default_optimizer, {}
        for pattern, optimizer in (optimizer_map or {}).items():
            self[pattern] = optimizer

    @property
    def default_optimizer(self):
        """The optimizer for variables that no pattern matches."""
        return self._default_optimizer

    def __getitem__(self, path):
        if path in self._optimizer_map:
            return self._optimizer_map[path]
        matching = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, path)]
        if len(matching) > 1:
            raise ValueError(f"OptimizerMap: the patterns {matching} all match the variable {path!r}: one of them must not")
        return self._optimizer_map[matching[0]] if matching else self._default_optimizer

    def __setitem__(self, pattern, optimizer):
        if pattern in self._optimizer_map:
            raise ValueError(f"OptimizerMap: the pattern {pattern!r} has an optimizer already: delete it first")
        if not isinstance(pattern, str):
            raise ValueError(f"OptimizerMap: a pattern must be a string, received {pattern!r}")
        _check_inner(optimizer, f"the pattern {pattern!r}")
        self._optimizer_map[pattern] = optimizer

    def __delitem__(self, pattern):
        del self._optimizer_map[pattern]

    def __len__(self):
        return len(self._optimizer_map)

    def __iter__(self):
        return iter(self._optimizer_map)

    def __call__(self, variable):
        """The optimizer of a variable."""
        return self[variable.path]

    def get_config(self):
        """The arguments that make this map again."""
        return {"default_optimizer": serialization.serialize(self._default_optimizer),
                "optimizer_map": serialization.serialize(self._optimizer_map)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A map from the result of `get_config`."""
        return cls(**{key: serialization.deserialize(value, None, custom_objects) for key, value in config.items()})


class MultiOptimizer(Optimizer):
    """Updates each variable by the optimizer that a map gives for it.

    Clipping, weight decay, averages and the learning rate are those of each optimizer, for its variables.

    Args:
        optimizer_map: an `OptimizerMap`, or a function from variables to optimizers.
        loss_scale_factor: see `Optimizer`; set for all optimizers of the map.
        name: by default made from the class name.

    Example:
        >>> from fastnn import Variable, ops
        >>> from fastnn.optimizers import SGD
        >>> a, b = Variable([1.0], name="a"), Variable([1.0], name="b")
        >>> optimizer = MultiOptimizer(OptimizerMap(SGD(0.5), {"b": SGD(0.25)}))
        >>> optimizer.apply([ops.ones((1,)), ops.ones((1,))], [a, b])
        >>> a.tolist(), b.tolist()
        ([0.5], [0.75])
    """

    def __init__(self, optimizer_map, loss_scale_factor=None, name=None):
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map, self._optimizers = optimizer_map, []
        for optimizer in [*getattr(optimizer_map, "values", list)(), getattr(optimizer_map, "default_optimizer", None)]:
            if optimizer is not None:
                self._add(optimizer)

    def _add(self, optimizer):
        if not any(one is optimizer for one in self._optimizers):
            optimizer.loss_scale_factor = self.loss_scale_factor
            self._optimizers.append(optimizer)

    def build(self, variables):
        if self.built:
            return
        found = [self._optimizer_map(v) for v in variables]
        for v, optimizer in zip(variables, found):
            _check_inner(optimizer, f"the variable {v.path!r}")
            self._add(optimizer)
        for optimizer in self._optimizers:
            own = [v for v, one in zip(variables, found) if one is optimizer]
            if own:
                optimizer.build(own)
        super().build(variables)
        self._found = found

    def apply(self, grads, trainable_variables=None):
        if len(grads) == 0:
            return
        if trainable_variables is None or not self.built:
            trainable_variables = self._first(trainable_variables)
        if len(grads) != len(trainable_variables):
            raise ValueError(f"{self.name}: received {len(grads)} gradients for {len(trainable_variables)} variables")
        for optimizer, pairs in self._shares(trainable_variables, grads):
            optimizer.apply(*zip(*pairs))
        self._iterations.assign_add(1)

    def _shares(self, variables, values):
        """For each optimizer its (value, variable) pairs, where it has some."""
        known = [v.key in self._indices for v in variables]
        if not all(known):
            raise ValueError(f"{self.name}: the variable {variables[known.index(False)].path!r} is none of those that the "
                             "optimizer was built with: make a new optimizer for other variables")
        found = [self._found[self._indices[v.key]] for v in variables]
        shares = [(one, [(x, v) for x, v, f in zip(values, variables, found) if f is one]) for one in self._optimizers]
        return [(one, pairs) for one, pairs in shares if pairs]

    @property
    def optimizers(self):
        """The optimizers of the map."""
        return self._optimizers

    @property
    def variables(self):
        return [*self._variables, *[v for optimizer in self._optimizers for v in optimizer.variables]]

    @property
    def learning_rate(self):
        """There is none."""
        raise AttributeError(f"{self.name} has no learning rate: each of its `optimizers` has one")

    @learning_rate.setter
    def learning_rate(self, value):
        raise AttributeError(f"{self.name} has no learning rate to set: set that of one of its `optimizers`")

    def finalize_variable_values(self, var_list):
        for optimizer, pairs in self._shares(var_list, var_list):
            optimizer.finalize_variable_values([v for v, _ in pairs])

    def get_config(self):
        return {"optimizer_map": serialization.serialize(self._optimizer_map), "loss_scale_factor": self.loss_scale_factor,
                "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**{**config, "optimizer_map": serialization.deserialize(config["optimizer_map"], None, custom_objects)})


def _check_inner(optimizer, what):
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise ValueError(f"{what}: expected an optimizer other than LossScaleOptimizer and MultiOptimizer, received {optimizer!r}")
