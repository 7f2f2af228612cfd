"""GradientMonitor: norms of gradients, layer by layer, and where NaN comes from."""
import collections
import math

import numpy as np

from ..random import global_state, set_global_state
from ..utils.io_utils import print_msg
from ..utils.numerical_utils import is_finite
from .callback import Callback

Found = collections.namedtuple("Found", "step epoch batch place name")
WORDS = {"data": "in the data that it was given ({})", "weights": "in the weights {} before it", "loss": "in the loss{}",
         "activation": "in what the layer {} puts out", "gradient": "in the gradient of {}, the nearest to the loss",
         "update": "in the weights {} after the optimizer's update; their gradients are finite"}


class GradientMonitor(Callback):
    """Writes down the norms of gradients, layer by layer, and tells where NaN or infinity first comes up.

    Training is not disturbed, to the bit.  Every `every` batches the step is computed once more, op by op, for its gradients.  To find
    NaN, each step is followed by a look at the loss and at the weights; the weights before it and its batch are kept, so that the
    step in which NaN came up can be run again and looked at closely, layer by layer.  That takes the memory of the weights and of a
    batch once more, and a few passes over them for every step: a tool for finding out, not for every training.

    Args:
        every: after how many batches norms are taken.
        find_nan: whether to look for NaN and infinity.

    Attributes:
        history: for each layer the norms of its gradients (all its weights together, before clipping), one for each of `steps`.
        steps: the numbers of the steps whose norms were taken, from 0.
        found: None, or where NaN or infinity came up first: `step`, `epoch`, `batch` (all from 0), `place` ("data", "weights",
            "activation", "loss", "gradient" or "update") and `name` (of the layer or weight).

    A training that goes on from a backup keeps them.

    Put it before a TerminateOnNaN that raises an error.  A model whose weights are made by the first step is watched from the
    second one on.

    Example:
        >>> monitor = GradientMonitor(every=2)
        >>> model.fit(x, y, epochs=2, batch_size=5, callbacks=[monitor], verbose=0)
        >>> list(monitor.history), monitor.steps, monitor.found
        (['dense'], [0, 2, 4, 6], None)
    """

    state_names = ("history", "steps", "_step", "found")

    def __init__(self, every=100, find_nan=True):
        super().__init__()
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ValueError(f"GradientMonitor: `every` must be a number of batches, received {every!r}")
        self.every, self.find_nan = every, find_nan
        if not find_nan:
            self.idle_hooks = (GradientMonitor.on_train_batch_end,)
        self.on_train_begin()

    def on_train_begin(self, logs=None):
        self.history, self.steps, self.found = {}, [], None
        self._step, self._epoch = -1, 0
        self._data = self._before = self._weights = None        # of the last step: its batch; the values of variables before it

    def set_state(self, state):
        super().set_state(state)
        self.found = self.found and Found(*self.found)      # a file holds plain tuples

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._before = epoch, None

    def on_train_data(self, batch, data):
        self._check({})         # of the step before, if `steps_per_execution` let it pass
        self._step += 1
        if self.find_nan and self.found is None and (self._before is not None or self._collect()):
            self._remember(batch, data)
        if self._step % self.every == 0 and self.model._is_complete():
            self._take_norms(data)

    def on_train_batch_end(self, batch, logs=None):
        self._check(logs or {})

    def on_train_end(self, logs=None):
        self._data = self._before = self._weights = None

    # ---- Norms ---------------------------------------------------------------------------------------------

    def _take_norms(self, data):
        sums, names = {}, self._names()
        for weight, gradient in self.model.gradients_of(data):
            layer = names.get(id(weight), weight.path)
            square = 0.0 if gradient is None else float(np.square(gradient, dtype="float64").sum())
            sums[layer] = sums.get(layer, 0.0) + square
        for layer, square in sums.items():
            self.history.setdefault(layer, [math.nan] * len(self.steps)).append(math.sqrt(square))
        self.steps.append(self._step)

    def _names(self):
        """The name of the layer of each weight, by the weight's identity; in models inside a model names may come again."""
        owners, seen, names = {}, collections.Counter(), {}
        for layer in self.model._flatten_layers():      # outer ones first
            owners.update({id(v): layer for v in layer.variables})
        for layer in {id(layer): layer for layer in owners.values()}.values():
            seen[layer.name] += 1
            names[id(layer)] = layer.name if seen[layer.name] == 1 else f"{layer.name} {seen[layer.name]}"
        return {weight: names[id(layer)] for weight, layer in owners.items()}

    # ---- NaN -----------------------------------------------------------------------------------------------

    def _collect(self):
        """Looks up, once an epoch, what is to be remembered; whether the model has its weights."""
        if not self.model._is_complete():
            return False
        variables = {id(v): v for layer in self.model._flatten_layers() for v in layer.variables}
        self._before = [(v, np.empty_like(v.data)) for v in variables.values()]
        self._weights = self.model.trainable_variables
        return True

    def _remember(self, batch, data):
        for v, value in self._before:
            value[...] = v.data
        self._data, self._batch, self._random = data, batch, global_state()

    def _check(self, logs):
        """Looks at what the last step has left."""
        if self._data is None:
            return
        loss = logs.get("loss", 0.0)
        if not math.isfinite(loss) or self._first_bad_weight():
            self._explain()
        self._data = None

    def _first_bad_weight(self):
        return next((v.path for v in self._weights if not is_finite(v.data)), None)

    def _explain(self):
        """Runs the last step again, looks at it closely, and leaves everything as it is."""
        bad, after, random = self._first_bad_weight(), [v.data.copy() for v, _ in self._before], global_state()
        try:
            for v, value in self._before:
                v.data[...] = value
            set_global_state(self._random)
            place, name = self.model._first_not_finite(self._data) or (("update", bad) if bad else ("loss", ""))
        finally:
            for (v, _), value in zip(self._before, after):
                v.data[...] = value
            set_global_state(random)
        self.found = Found(self._step, self._epoch, self._batch, place, name)
        print_msg(f"GradientMonitor: NaN or infinity first in step {self._step} (epoch {self._epoch + 1}, batch {self._batch + 1}): "
                  f"{WORDS[place].format(name)}. A smaller learning rate, scaled inputs or clipping (clipnorm=) may help")

