"""Holder: what holds variables and other holders, and gives an account of them."""
import itertools

import numpy as np

from ..changes import Noted
from ..random import SeedGenerator
from ..tensor import Variable
from ..utils import own_variables
from ..utils.warn_utils import warn
from .structure import contents, unique


class NotBuilt:
    """A weight that `build` makes; asking for it earlier says so.  The instance's own attribute then stands before it."""

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, layer, owner=None):
        if layer is None:
            return self
        raise AttributeError(f'Layer "{layer.name}" has no `{self.name}` yet: it is made when the layer is built. Call the layer '
                             "on data or `build(input_shape)` it first")


class Holder(Noted):
    """Finds the variables and layers in its attributes, also in lists, tuples and dicts, whenever it is asked for them.

    Attributes:
        saved_first, saved_properties: names of properties under which files have the layers inside, besides attributes.
        not_saved: names of attributes that are not looked into.
    """

    saved_first, saved_properties, not_saved = (), (), ()

    def __new__(cls, *args, **kwargs):
        holder = super().__new__(cls)
        state = holder.__dict__
        state["_trainable_variables"], state["_non_trainable_variables"] = [], []
        state["name"], state["built"] = None, False
        return holder

    def _track(self, variable):
        (self._trainable_variables if variable.trainable else self._non_trainable_variables).append(variable)

    def _own_variables(self):
        """Own variables, trainable ones first; those set as attributes are noticed here."""
        known = {id(v) for v in itertools.chain(self._trainable_variables, self._non_trainable_variables)}
        for value in contents(self.__dict__, Variable):
            if id(value) not in known:
                known.add(id(value))
                self._track(value)
        return self._trainable_variables + self._non_trainable_variables

    @property
    def _layers(self):
        """The layers held by attributes, lists, tuples and dicts, in the order in which they were set."""
        return unique(contents(self.__dict__, Holder))

    def _flatten_layers(self):
        """This layer and all layers inside it, outer ones first."""
        found, queue, seen = [], [self], set()
        while queue:
            layer = queue.pop(0)
            if id(layer) not in seen:
                seen.add(id(layer))
                found.append(layer)
                queue[:0] = layer._layers
        return found

    @property
    def weights(self):
        """All weights: own trainable ones, own others, then those of the layers inside."""
        return unique(itertools.chain(*(layer._own_variables() for layer in self._flatten_layers())))

    @property
    def variables(self):
        """As `weights`, plus the state of random number generators."""
        def of(layer):
            return layer._own_variables() + [generator.state for generator in contents(layer.__dict__, SeedGenerator)]

        return unique(itertools.chain(*map(of, self._flatten_layers())))

    @property
    def trainable_weights(self):
        """The weights that optimizers change."""
        return [v for v in self.weights if v.trainable] if self._trainable else []

    @property
    def non_trainable_weights(self):
        """The weights that optimizers leave alone."""
        return [v for v in self.weights if not v.trainable] if self._trainable else self.weights

    @property
    def trainable_variables(self):
        """The variables that optimizers change."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self):
        """The variables that optimizers leave alone."""
        return [v for v in self.variables if not v.trainable] if self._trainable else self.variables

    @property
    def trainable(self):
        """Whether the weights are trained; setting it sets it for all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        for layer in self._flatten_layers():
            layer._own_variables()
            layer._trainable = bool(value)
            for variable in layer._trainable_variables:
                variable.trainable = layer._trainable

    def count_params(self):
        """The number of numbers in the weights.  Raises: ValueError before the layer is built."""
        if not self.built and not self.weights:
            raise ValueError(
                f'Layer "{self.name}" has no weights yet, so that `count_params()` cannot count them: call it on data '
                "or `build(input_shape)` it first."
            )
        return sum(int(np.prod(v.shape)) for v in self.weights)

    def get_weights(self):
        """The values of `weights`, as NumPy arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights):
        """Sets the values of `weights`, from arrays in the same order.

        Raises:
            ValueError: a wrong number of arrays or a wrong shape. NaN in the values is warned of by name.
        """
        variables, values = self.weights, [np.asarray(w) for w in weights]
        if len(values) != len(variables):
            raise ValueError(
                f'You called `set_weights(weights)` on layer "{self.name}" with a list of {len(values)} arrays, but the '
                f"layer has {len(variables)} weights{_listing(variables)}."
                + ("" if self.built else " It is not built yet: call it on data or `build(input_shape)` it first.")
            )
        for variable, value in zip(variables, values):
            if tuple(variable.shape) != value.shape:
                raise ValueError(
                    f'Layer "{self.name}": weight "{variable.name}" has shape {tuple(variable.shape)}, which is not '
                    f"compatible with the provided array of shape {value.shape}."
                )
        for variable, value in zip(variables, values):
            if value.dtype.kind == "f" and np.isnan(value).any():
                warn(f'Layer "{self.name}": the values set for weight "{variable.name}" contain NaN.')
            variable.assign(value)

    # ---- Files: what a class may override -----------------------------------------------------------------

    def save_own_variables(self, store):
        """Puts the variables of this layer, without those of layers inside, into a dict-like store."""
        own_variables.save(self._own_variables(), store)

    def load_own_variables(self, store):
        """Takes the variables of this layer from a store.

        Raises:
            ValueError: another number of variables, or other shapes.
        """
        reason = own_variables.mismatch(self._own_variables(), store)
        if reason:
            raise ValueError(f'Layer "{self.name}" {reason}')
        own_variables.load(self._own_variables(), store)


def _listing(variables):
    return f" ({', '.join(f'{v.name} {tuple(v.shape)}' for v in variables)})" if variables else ""
