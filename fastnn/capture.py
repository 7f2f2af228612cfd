"""Capture: the launches of a step, written down so that they can be compared with those of the next one, and run again.

Every array that a launch touches is one of three things: an input of the step, something that the step made itself, or
something that was there before (a weight, a state, a constant).  A capture keeps, of each array, which of these it is and
where in it the array begins; of arrays that the step made no more than that, so that their memory is used again as ever.
"""
import gc
import hashlib
import sys
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .device import Block, Plan, block_address, kernels, locate, next_serial, parse, product, recording
from .tensor import NAMES

HERE = str(Path(__file__).parent)
ALIGNED = 64        # bytes; every array of a plan begins at a multiple
LARGE = 2**24       # bytes of an array of NumPy's whose contents are not compared


class Place(NamedTuple):
    """Where an array of a launch lies.

    Attributes:
        kind: "input", "made" or "fixed".
        index: which of them: inputs in the order of the arguments, the others in the order of their first use.
        offset: bytes from its beginning.
        size, dtype: the array's number of elements, and the name of its dtype.
    """
    kind: str
    index: int
    offset: int
    size: int
    dtype: str


class Launch(NamedTuple):
    """One launch: the kernel, and its arguments with Places for arrays."""
    kernel: str
    args: tuple


class Fixed(NamedTuple):
    """Memory that was there before the step: an array in it, its owner, whether the step writes it, a digest of what it held (of
    NumPy's own arrays: tensors have theirs in blocks, which only kernels write)."""
    array: object
    owner: object
    written: bool
    content: object


class Made:
    """Memory that the step made: its size in bytes, its dtype, and the first and the last launch that touches it."""

    __slots__ = ("bytes", "dtype", "first", "last")

    def __init__(self, size, dtype, launch):
        self.bytes, self.dtype, self.first, self.last = size, dtype, launch, launch


class Capture:
    """Records the launches of this thread, inside `with capture.recording():`.

    Args:
        inputs: the arrays that will be others at the next step; nothing else may lie in their memory.
        contents: whether it keeps account of what arrays of NumPy's hold that the step reads.

    Attributes:
        inputs: (dtype, shape) of each.
        launches: list of Launch.
        fixed, made: lists of Fixed and Made, by the indices of the Places.
        variables: the Variables that ops changed.
        returned: what the step gave back that is no tensor.
        refusal: why the step cannot be replayed; None if nothing was found.
    """

    def __init__(self, inputs, contents=True):
        self.inputs, self.contents = [(NAMES[a.dtype], a.shape) for a in inputs], contents
        self.ranges = [(locate(a)[1], a.nbytes) for a in inputs]
        self.launches, self.fixed, self.made, self.variables, self.refusal = [], [], [], {}, None
        self.returned = []
        self.blocks = []            # weak references to the memory of tensors that the step made
        self._fixed_index, self._made_index = {}, {}

    def recording(self):
        """The context in which launches are recorded; it is left in C, where no signal can come between."""
        self.first = next_serial()
        return recording(calls=self, blocks=self.blocks)

    # ---- What the launches, ops and tensors of the step say

    def append(self, call):
        """A launch."""
        roles, args = roles_of(call.name, len(call.args)), []
        for value, (is_array, read, written) in zip(call.args, roles):
            args.append(value if value is None or not is_array else self._place(value, read, written))
        self.launches.append(Launch(call.name, tuple(args)))

    def updated(self, variable):
        """An op has changed a Variable; those that the step made are nobody's afterwards."""
        if not self.made_by(variable):
            self.variables[variable.key] = variable

    def python_reads(self, tensor, how):
        """Python looks at the values of a tensor."""
        self.refuse(f"Python reads the values of a tensor ({how}{outside()}), which a replay could not do again: compute with "
                    "fastnn.ops instead")

    def refuse(self, reason):
        """Notes why this step cannot be replayed; the first reason counts."""
        self.refusal = self.refusal or reason

    # ---- Places

    def _place(self, array, read=True, written=False):
        owner, address = locate(array)
        size, dtype, launch = array.size, NAMES[array.dtype], len(self.launches)
        for k, (start, length) in enumerate(self.ranges):
            if start <= address and address + array.nbytes <= start + length and size:
                if written:
                    self.refuse("the step writes into the data that it was given")
                return Place("input", k, address - start, size, dtype)
        if owner.__class__ is Block and owner.serial > self.first:
            return self._place_made(owner, address, size, dtype, launch, read)
        return self._place_fixed(array, owner, address, size, dtype, written)

    def _place_made(self, block, address, size, dtype, launch, read):
        k = self._made_index.get(block.serial)
        if k is None:
            k = self._made_index[block.serial] = len(self.made)
            self.made.append(Made(block.bytes, dtype, launch))
            if read and size:
                self.refuse("a kernel reads memory that no kernel of the step has written: NumPy may have, inside the step")
        self.made[k].last = launch
        return Place("made", k, address - block_address(block), size, dtype)

    def _place_fixed(self, array, owner, address, size, dtype, written):
        k = self._fixed_index.get((address, size, dtype))
        if k is None:
            k = self._fixed_index[address, size, dtype] = len(self.fixed)
            self.fixed.append(None)
        known = self.fixed[k]
        written = written or known is not None and known.written
        if owner.__class__ is not Block and written:
            self.refuse("the step writes into an array of NumPy's")
        if known is None or known.written != written:
            self.fixed[k] = Fixed(array, owner, written, digest(array) if self.contents and owner.__class__ is not Block else None)
        return Place("fixed", k, 0, size, dtype)

    def place_of(self, tensor):
        """The Place of a result of the step, noted as used to its end; None for one that no launch has touched."""
        owner, address = locate(tensor.data)
        if owner.__class__ is Block and owner.serial > self.first and owner.serial not in self._made_index:
            return None
        return self._place(tensor.data, False)

    def made_by(self, tensor):
        """Whether the step made the memory of a tensor."""
        owner = locate(tensor.data)[0]
        return owner.__class__ is Block and owner.serial > self.first

    def survivors(self, kept):
        """How many arrays that the step made are still in use, beside those of the tensors `kept` and of the logits they remember."""
        kept = [*kept, *[t.logits[2] for t in kept if t.logits is not None]]
        known = {locate(t.data)[0].serial for t in kept if self.made_by(t)}

        def count():
            return sum(block is not None and block.serial not in known for block in [ref() for ref in self.blocks])

        if count():
            gc.collect()        # what only hangs in a cycle is not in use
        return count()


def digest(array):
    """A digest of an array's values; None for a large one, of which only the identity counts."""
    if array.nbytes > LARGE:
        return None
    return hashlib.blake2b(array.reshape(-1).view("u1") if array.size else b"").digest()


@lru_cache(maxsize=None)
def roles_of(kernel, count):
    """For each argument of a launch: (whether it is an array, is read, is written)."""
    signature = parse(kernel, kernels()[kernel])
    roles = [(p.kind == "a", p.read, p.written) for p in signature.parameters]
    head, group = roles[:signature.fixed], roles[signature.fixed:]
    return head + group * ((count - signature.fixed) // signature.group if signature.group else 0)


def outside():
    """Where in the user's code we are, for a message: " in `call`, model.py line 12"; "" if there is none."""
    frame = sys._getframe(1)
    while frame is not None and (frame.f_code.co_filename.startswith(HERE) or frame.f_code.co_filename.endswith((".pyx", ".pxi"))):
        frame = frame.f_back
    return "" if frame is None else f" in `{frame.f_code.co_name}`, {Path(frame.f_code.co_filename).name} line {frame.f_lineno}"


# ---- Two captures against each other ----------------------------------------------------------------------------

def difference(before, now):
    """What two captures of the same step differ in, in words; None if they are the same."""
    if len(before.launches) != len(now.launches):
        return f"it launched {len(before.launches)} kernels, and then {len(now.launches)}"
    for i, (a, b) in enumerate(zip(before.launches, now.launches)):
        if a.kernel != b.kernel:
            return f"launch {i} was the kernel {a.kernel}, and then {b.kernel}"
        for x, y in zip(a.args, b.args):
            if x != y and not (x != x and y != y):
                first, then = told(x), told(y)
                return f"launch {i}, the kernel {a.kernel}, was given {first}, and then {then if then != first else 'another one'}"
    if before.returned != now.returned:
        return f"it returned {before.returned}, and then {now.returned}"
    for a, b in zip(before.fixed, now.fixed):
        text = other_memory(a, b)
        if text:
            return text
    return None


def told(value):
    if not isinstance(value, Place):
        return f"the number {value!r}"
    return {"input": "the data of the step", "made": "a result of the step", "fixed": "a number or array from Python"}[value.kind]


def other_memory(a, b):
    """How two arrays at the same place of two captures differ; None where one will do for the other."""
    if a.owner is b.owner and locate(a.array)[1] == locate(b.array)[1]:
        return None if a.content == b.content else "an array of NumPy's that it reads holds other values than before"
    if a.owner.__class__ is Block or b.owner.__class__ is Block:
        return "it computes with a number or tensor from Python that is another one at each step"
    if a.content is None:
        return "it makes a large array with NumPy, which cannot be compared with the one before"
    return None if a.content == b.content else "it makes an array with NumPy that holds other values than before"


# ---- From a capture to a plan -----------------------------------------------------------------------------------

class Result(NamedTuple):
    """A tensor that a step gives back: which segment of the plan holds it, and where in that.

    `start` is None where it is all of the segment, in its shape.
    """
    segment: int
    start: int
    shape: tuple

    def array(self, arrays):
        """The result in the arrays of the segments 1, 2 ..."""
        found = arrays[self.segment - 1]
        if self.start is None:
            return found
        return found.reshape(-1)[self.start:self.start + product(self.shape)].reshape(self.shape)


class Captured(NamedTuple):
    """A Plan, and what a run of it needs.

    Attributes:
        plan: the Plan; its inputs are those of the step, its outputs the memory of the results.
        results: a Result for each result of the step, or the tensor itself where it was there before the step.
        reused, unused: bytes of the workspace, and what it would take without using memory again.
    """
    plan: object
    results: list
    reused: int
    unused: int


def make_plan(capture, results):
    """The Captured of a capture.

    Args:
        results: tensors that the step gave back.

    Raises:
        ValueError: a result that is neither made by a launch of the step nor older than it.
    """
    places = [capture.place_of(tensor) for tensor in results]
    if any(place is None or place.kind == "input" for place in places):
        raise ValueError("what the step returns is part of what it was given, or was made without a kernel")
    pinned = list(dict.fromkeys(place.index for place in places if place.kind == "made"))
    segment = {index: 1 + len(capture.inputs) + k for k, index in enumerate(pinned)}
    offsets, size = arrange([(k, made) for k, made in enumerate(capture.made) if k not in segment])

    def argument(value):
        if not isinstance(value, Place):
            return value
        if value.kind == "fixed":
            return capture.fixed[value.index].array
        size = value.size * np.dtype(value.dtype).itemsize
        if value.kind == "input":
            return value.index + 1, value.offset, size
        if value.index in segment:
            return segment[value.index], value.offset, size
        return 0, offsets[value.index] + value.offset, size

    shapes = {}
    for place, tensor in zip(places, results):
        if place.kind == "made" and tensor.data.nbytes == capture.made[place.index].bytes:
            shapes.setdefault(place.index, tensor.shape)
    outputs = [(capture.made[k].dtype, shapes.get(k, (capture.made[k].bytes // np.dtype(capture.made[k].dtype).itemsize,)))
               for k in pinned]

    def result(place, tensor):
        if place.kind == "fixed":
            return tensor
        start = place.offset // tensor.data.itemsize
        return Result(segment[place.index], None if tensor.shape == shapes.get(place.index) else start, tensor.shape)

    found = [result(place, tensor) for place, tensor in zip(places, results)]
    inputs = [(dtype, product(shape)) for dtype, shape in capture.inputs]
    calls = [(launch.kernel, dtype_of(launch), tuple([argument(value) for value in launch.args])) for launch in capture.launches]
    unused = sum(aligned(made.bytes) for k, made in enumerate(capture.made) if k not in segment)
    return Captured(Plan(calls, size, inputs, outputs), found, size, unused)


@lru_cache(maxsize=None)
def typed(kernel):
    """Which parameters of a kernel have its own dtype."""
    return [p.dtype == "T" for p in parse(kernel, kernels()[kernel]).parameters]


def dtype_of(launch):
    """The dtype of a launch's own arrays, "" if it has none."""
    own = typed(launch.kernel)
    for k, value in enumerate(launch.args):
        if isinstance(value, Place) and k < len(own) and own[k]:
            return value.dtype
    return ""


def aligned(size):
    return -(-size // ALIGNED) * ALIGNED


def arrange(made):
    """Offsets in one workspace for memory that is in use from its first to its last launch, and the size of the workspace.

    The largest first, each as low as it can lie beside those that are in use at the same time ("greedy by size", Pisarchyk
    and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).

    Args:
        made: pairs (index, Made).

    Returns:
        ({index: offset}, size in bytes)
    """
    offsets, placed, size = {}, [], 0
    for index, one in sorted(made, key=lambda pair: -pair[1].bytes):
        length, start = aligned(one.bytes), 0
        for low, high, first, last in placed:       # by offset
            if last < one.first or one.last < first:
                continue
            if start + length <= low:
                break
            start = max(start, high)
        offsets[index] = start
        place = (start, start + length, one.first, one.last)
        at = next((k for k, other in enumerate(placed) if other[0] >= start), len(placed))
        placed.insert(at, place)
        size = max(size, start + length)
    return offsets, size
