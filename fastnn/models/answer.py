"""What a step gives back: logs or outputs, with tensors anywhere in them; and the penalties that its layers keep in `losses`."""
from ..tape import flatten, unflatten
from ..tensor import Tensor
from .trainer import StepLogs


class Slot:
    """Stands for a tensor: the number of it."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


class Answer:
    """What one step gave back, to be given back by others with tensors of their own.

    Args:
        model: whose step it was.
        logs: what the method returned.
        made_here: function that says whether the step made a tensor.

    Attributes:
        tensors: all that is to be computed anew, in the order of their slots; the outputs first.
        others: what stands among the outputs and is no tensor; None in the place of tensors.
    """

    def __init__(self, model, logs, made_here):
        self.model, self.tensors = model, []
        if logs.__class__ is StepLogs:          # that nobody has read are made anew from the metrics
            logs = logs if logs._values is None else dict(logs._values)
        leaves = [] if logs.__class__ is StepLogs or logs is None else flatten(logs)
        self.others = [None if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        self.structure = None if logs.__class__ is StepLogs else () if logs is None else unflatten(
            logs, iter([self._slot(leaf) if isinstance(leaf, Tensor) else leaf for leaf in leaves]))
        self.plain = self.structure is None
        self.penalties = []
        for layer in model._flatten_layers():
            if any(map(made_here, layer._losses)):
                self.plain = False
                self.penalties.append((layer, [self._slot(tensor) for tensor in layer._losses]))

    def _slot(self, tensor):
        tensor.mask = None      # a step gives values back
        self.tensors.append(tensor)
        return Slot(len(self.tensors) - 1)

    def single(self):
        """Whether it is one tensor and nothing else."""
        return self.structure.__class__ is Slot and not self.penalties

    def again(self, tensors):
        """What a step gives back whose tensors these are."""
        if self.plain:
            return StepLogs(self.model)
        for layer, slots in self.penalties:
            vars(layer)["_losses"] = [tensors[slot.number] for slot in slots]
        if self.structure is None:
            return StepLogs(self.model)
        if self.structure.__class__ is Slot:
            return tensors[0]
        return unflatten(self.structure, iter([tensors[x.number] if x.__class__ is Slot else x for x in flatten(self.structure)]))
