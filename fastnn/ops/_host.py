"""Ops that NumPy computes, and not a kernel: the one way by which it gets at the values of tensors.

Such an op is declared like any other, with `host(*arrays, *, attributes)` in the place of `cpu`: it gives the array of each
result.  A step that runs one cannot be replayed, and runs op by op (`tensor.look` says so).
"""
import numpy as np

from ..op import REGISTRY, Op
from ..tape import active, record
from ..tensor import Tensor, look, own


class HostOp(Op):
    """An op that NumPy computes."""

    def __init__(self, cls):
        self.host = vars(cls)["host"]
        super().__init__(cls)
        self.host_attributes = self._named_attributes(self.host)

    def _compute(self, inputs, attrs):
        spec = self.spec(*inputs, **attrs)
        attrs = {**self.defaults, **attrs}
        arrays = [None if x is None else look(x, f"fastnn.ops.{self.name}") for x in inputs]
        found = self.host(*arrays, **{name: attrs[name] for name in self.host_attributes})
        several = spec.__class__ is tuple
        outputs = tuple(Tensor(own(np.asarray(y, s.dtype, order="C"))) for y, s in
                        zip(found if several else (found,), spec if several else (spec,)))
        if active.tapes:
            record(self, inputs, outputs, attrs)
        return outputs if several else outputs[0]

    def later(self, calls, *inputs, **attrs):
        return self(*inputs, **attrs)


def host_op(cls):
    """Makes an op of a class that has `host`, and enters it into the registry."""
    made = HostOp(cls)
    if REGISTRY.setdefault(made.name, made) is not made:
        raise ValueError(f"there is already an op {made.name!r}")
    return made
