"""What a model computes, written down: the ops of a few calls on made-up data, whose sizes differ where sizes are open.

A call in inference mode runs op by op, and each op tells what it takes, its attributes and its results.  So every layer is known,
own ones and models written as classes included, without knowing layers at all.  Several calls with other sizes show which numbers
follow which open size: a shape that is (2, 12), (3, 12), (5, 12) is (batch, 12).
"""
import threading
from contextlib import contextmanager
from itertools import zip_longest

import numpy as np

from .. import op as op_module
from ..device import recording
from ..layers import Layer
from ..layers.calling import watching_calls
from ..tape import flatten
from ..tensor import Tensor, Variable
from .sizes import merged


def same_array(a, b):
    """Whether two arrays are the same, bit for bit."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


class Value:
    """A tensor of the calls.

    Attributes:
        kind: "input", "variable", "constant" (made outside of ops) or "made" (by an op).
        shape: sizes, of which some may be a Size.
        dtype: its name.
        follows: whether it depends on an input of the model.
        arrays: what it held in each call, if it does not.
        fixed: the array, if it is the same in all calls; else None.
        name: of a variable its path, or that of the one variable that it is made of.
    """

    __slots__ = ("kind", "shape", "dtype", "follows", "arrays", "name", "fixed")

    def __init__(self, seen):
        first = seen[0]
        self.kind, self.dtype, self.follows, self.name = first.kind, first.dtype, first.follows, first.name
        self.shape, self.arrays = merged([one.shape for one in seen]), [one.array for one in seen]
        array = self.arrays[0]
        self.fixed = array if array is not None and all(a is array or same_array(a, array) for a in self.arrays[1:]) else None


class Call:
    """One op that ran.

    Attributes:
        op: the Op.
        inputs, outputs: Values; None for inputs that are absent.
        attributes: by name, with Sizes.
        layer: the path of the layer that called it; "" for the model itself.
    """

    __slots__ = ("op", "inputs", "outputs", "attributes", "layer")

    def __init__(self, op, inputs, outputs, attributes, layer):
        self.op, self.inputs, self.outputs, self.attributes, self.layer = op, inputs, outputs, attributes, layer


class Seen:
    """A tensor in one call."""

    __slots__ = ("kind", "shape", "dtype", "follows", "array", "name")

    def __init__(self, kind, tensor, follows, name=None):
        self.kind, self.shape, self.dtype, self.follows, self.name = kind, tensor.shape, tensor.dtype, follows, name
        self.array = None if follows else tensor.data


class Recorder:
    """Writes down the ops that this thread runs inside its `with` block.

    Args:
        model: whose call it is.
        inputs: the Tensors that the model is called on.
    """

    def __init__(self, model, inputs):
        self.model, self.thread, self.places, self.busy = model, threading.get_ident(), [], False
        self.seen, self.index, self.calls = [], {}, []
        for x in inputs:
            self._enter(x, Seen("input", x, True))

    def _enter(self, tensor, seen):
        self.index[tensor.key] = len(self.seen)
        self.seen.append(seen)
        return len(self.seen) - 1

    def place(self, tensor):
        """The number of a tensor; a new one if it was not met before."""
        found = self.index.get(tensor.key)
        if found is not None:
            return found
        if tensor.__class__ is Variable:
            return self._enter(tensor, Seen("variable", tensor, False, tensor.path))
        seen = Seen("constant", tensor, False)
        seen.array = np.array(seen.array)       # its owner may change it
        self.seen.append(seen)      # not to be met again: numbers of Python share tensors, so a batch of 2 would be the 2 of `2 * x`
        return len(self.seen) - 1

    @property
    def layer(self):
        """The path of the layer that runs; "" for the model itself."""
        return "/".join(self.places)

    # ---- What ops and tensors tell

    def run(self, op, inputs, attrs):
        if threading.get_ident() != self.thread:
            return op._compute(inputs, attrs)
        for k in op.updates:
            if inputs[k].__class__ is Variable:
                raise refusal(self.layer, f'changes its variable "{inputs[k].path}" ([{op.name}]) when it predicts, which an ONNX file '
                              "cannot do", "let `call` do so only where `training` is true")
        outer, self.busy = self.busy, True
        try:
            made = op._compute(inputs, attrs)
        finally:
            self.busy = outer
        numbers = [None if x is None else self.place(x) for x in inputs]
        known = [self.seen[k] for k in numbers if k is not None]
        follows, names = any(one.follows for one in known), {one.name for one in known if one.name}
        outputs = made if isinstance(made, tuple) else () if made is None else (made,)
        name = names.pop() if len(names) == 1 else None
        places = [self._enter(y, Seen("made", y, follows, name)) for y in outputs]
        self.calls.append((op, numbers, places, {**op.defaults, **attrs}, self.layer))
        return made

    def append(self, launch):
        """A launch, as a recording tells it: ops say more."""

    def updated(self, variable):
        """A variable that was changed, as a recording tells it."""

    def python_reads(self, tensor, how):
        number = self.index.get(tensor.key)
        if not self.busy and number is not None and self.seen[number].follows:
            raise refusal(self.layer, f"reads the values of a tensor in Python ({how}), which are others for other data",
                          "compute with fastnn.ops instead, fastnn.ops.where in the place of `if`")

    # ---- The block

    @contextmanager
    def recording(self):
        """The function in the place of `Layer.__call__`, which knows the layers' names, is there once: others wait, profiles too."""
        with watching_calls:
            original, outer = Layer.__call__, op_module.watcher
            Layer.__call__, op_module.watcher = self._layer_call(original), self.run
            try:
                with recording(keep_args=False, calls=self):
                    yield
            finally:
                op_module.watcher, Layer.__call__ = outer, original

    def _layer_call(self, original):
        thread, places, model = self.thread, self.places, self.model

        def call(layer, *args, **kwargs):
            if threading.get_ident() != thread or layer is model:
                return original(layer, *args, **kwargs)
            places.append(layer.name)
            try:
                return original(layer, *args, **kwargs)
            finally:
                places.pop()

        return call


class NotExportable(Exception):
    """What stands in the way; becomes a ValueError (the layers between would add their names to one)."""


GIVE_SIZES = "give the sizes with `input_signature` and `batch_size`"


def refusal(layer, what, way_out=GIVE_SIZES):
    """The NotExportable that says what a layer (or "": the model itself) does that a file cannot do, and the way out."""
    return NotExportable(f'the layer "{layer}" {what}: {way_out}' if layer else f"it {what}: {way_out}")


class Trace:
    """The calls of a model on inputs of several sizes, as one.

    Args:
        model: a Model, or anything that is called with `training=False`.
        arguments: for each call, the model's argument with Tensors in it.

    Attributes:
        count: of calls.
        inputs, outputs: Values.
        calls: list of Call, those alone that outputs need.
        structure: what the model gave back, in the first call.
    """

    def __init__(self, model, arguments):
        runs, self.count = [], len(arguments)
        for argument in arguments:
            recorder = Recorder(model, flatten(argument))
            with recorder.recording():
                found = model(argument, training=False)
            runs.append((recorder, [recorder.place(y) for y in outputs_of(found)], found))
        self.structure = runs[0][2]
        self._check_alike(runs)
        first = runs[0][0]
        self.values = [self._value([recorder.seen[k] for recorder, _, _ in runs]) for k in range(len(first.seen))]
        self.inputs = self.values[:len(flatten(arguments[0]))]
        self.outputs = [self.values[k] for k in runs[0][1]]
        self.calls = self._needed([self._call(calls) for calls in zip(*[recorder.calls for recorder, _, _ in runs])])

    def _check_alike(self, runs):
        first, places, _ = runs[0]
        for recorder, others, _ in runs[1:]:
            for one, other in zip_longest(first.calls, recorder.calls):
                if one is None or other is None or one[:3] != other[:3]:
                    op, layer = (one or other)[0], (one or other)[4]
                    raise refusal(layer, f"computes something else for other sizes of its input (from [{op.name}] on)")
            if places != others:
                raise refusal("", "gives back something else for other sizes of its input")

    def _value(self, seen):
        try:
            return Value(seen)
        except ValueError as error:
            raise refusal("", f"makes tensors with more axes for some sizes of its input, {error}") from None

    def _call(self, calls):
        op, inputs, outputs, _, layer = calls[0]
        attributes = {}
        for name in calls[0][3]:
            try:
                attributes[name] = merged([call[3][name] for call in calls])
            except ValueError as error:
                raise refusal(layer, f"gives [{op.name}] another `{name}` for other sizes of its input, {error}") from None
        pick = [None if k is None else self.values[k] for k in inputs]
        return Call(op, pick, [self.values[k] for k in outputs], attributes, layer)

    def _needed(self, calls):
        wanted, kept = {id(y) for y in self.outputs}, []
        for call in reversed(calls):
            if any(id(y) in wanted for y in call.outputs):
                wanted.update(id(x) for x in call.inputs if x is not None)
                kept.append(call)
        return kept[::-1]


def outputs_of(structure):
    """The tensors that a model gives back, those of a dict by sorted keys."""
    if isinstance(structure, dict):
        return [y for key in sorted(structure) for y in outputs_of(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [y for part in structure for y in outputs_of(part)]
    if not isinstance(structure, Tensor):
        raise NotExportable(f"the model gives back a {type(structure).__name__}, expected tensors, or lists or dicts of them")
    return [structure]
