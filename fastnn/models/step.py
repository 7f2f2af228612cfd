"""A step of a model as one call: recorded, compared, rehearsed, and from then on replayed.

The first steps run eagerly while a Capture writes down what they launch.  When two in a row launched the same kernels with the
same numbers on the same arrays, the next one is the rehearsal: it runs eagerly, what it changed is put back, its plan runs, and
all that it changed and gave back has to be the same, bit for bit.  Only then is the plan trusted: from there on the step is one
C call.

A plan is dropped when something changes that the step reads of Python (`Footprint`); a step that cannot be replayed runs
eagerly, and says why once.
"""
import threading

import numpy as np

from .. import changes
from ..capture import Capture, Result, difference, make_plan
from ..device import Misfit, Stopped, recorder, release_memory
from ..tape import active, flatten, unflatten
from ..tensor import Tensor, own
from ..utils.warn_utils import warn
from .answer import Answer
from .feed import Fed, signature
from .footprint import Footprint, random_states

TRIES = 5           # steps that are recorded and differ from the one before them, until the step is given up
PLANS = 8           # plans for batches of different shapes that a step keeps
SELDOM = 64         # steps without a batch of a shape after which its plan makes room for another
LASTING = 4         # replays that make the work of recording worth while


class Ready:
    """A plan that is trusted, and all that belongs to it: made as a whole, never changed.

    Attributes:
        captured: the plan.
        answer: what the step gives back.
        footprint: what the plan depends on in Python.
        variables: those that the step changes; written: the memory that it writes, whole arrays.
        batch: the structure of a batch, numbers in place of tensors; inputs: (dtype, shape) of each of these.
    """

    __slots__ = ("captured", "answer", "footprint", "variables", "written", "batch", "inputs", "runs")

    def __init__(self, captured, answer, footprint, variables, written, batch, inputs):
        self.captured, self.answer, self.footprint = captured, answer, footprint
        self.variables, self.written, self.batch, self.inputs = variables, written, batch, inputs
        self.runs = 0

    def run(self, arrays):
        """One step: what it gives back; None, and nothing was done, if another thread runs the plan."""
        found = self.captured.plan.run(arrays)
        if found is None:
            return None
        self.runs += 1
        for v in self.variables:
            v.version += 1
        return self.answer.again([Tensor(r.array(found)) if r.__class__ is Result else r for r in self.captured.results])

    def gives_one_array(self):
        """Whether a step gives back one tensor, in memory that is nobody else's."""
        result = self.captured.results[0] if self.answer.single() else None
        return result.__class__ is Result and result.start is None

    def changed(self):
        """The name of something that the plan depends on and that is not as it was; None if all is."""
        footprint = self.footprint
        return None if footprint.count == changes.count and not footprint.loose else footprint.changed()


class Entry:
    """What is known of the steps with batches of one shape.

    Attributes:
        ready: the plan that is trusted, or None.
        last: the Capture of the step before, if it can be compared with; agreed: whether it was like the one before it.
        tries, drops: recordings in vain; plans that were dropped soon.
        lock: of the thread that records, or lets go of what there is.
        reason: why there will be no plan.
        used: the number of the step that was the last of this shape.
        shapes: of the batch's arrays.
    """

    __slots__ = ("ready", "last", "agreed", "tries", "drops", "lock", "reason", "used", "shapes")

    def __init__(self, shapes):
        self.shapes = shapes
        self.drops = self.used = 0
        self.lock, self.reason = threading.Lock(), None
        self.forget()

    def forget(self):
        """Lets plan and recordings go."""
        self.ready = self.last = None
        self.agreed, self.tries = False, 0


class Step:
    """`train_step`, `test_step` or `predict_step` of a model, called with a batch as these are.

    Args:
        model: whose step it is.
        name: of the method.

    Attributes:
        entries: an Entry for each shape of batches.
    """

    def __init__(self, model, name):
        self.model, self.name = model, name
        self.entries, self.of_arrays = {}, {}
        self.steps = self.churn = 0     # calls; plans that made room for others before they were of use
        self.told = False           # whether it was said why steps run eagerly

    def eager(self, batch):
        """The step itself."""
        return getattr(self.model, self.name)(batch)

    def __call__(self, batch):
        """Runs the step on a batch, by its plan if there is one; returns what the method returns."""
        self.steps += 1
        if batch.__class__ is Fed:
            ready = self.usable(batch.entry)
            found = None if ready is None else self._replay(ready, batch.arrays, batch)
            if found is not None:
                return found
            batch = batch.tensors()
        entry = None if self._must_be_eager() else self._entry(batch)
        if entry is None or entry.reason is not None:
            return self.eager(batch)
        ready = self.usable(entry)
        if ready is None:
            return self._record(entry, batch)
        found = self._replay(ready, tuple([t.data for t in flatten(batch)]), batch)
        return self.eager(batch) if found is None else found

    def on_array(self, x):
        """The result of a prediction for a NumPy array that needs no preparation, if there is a plan for it; else None."""
        entry = self.of_arrays.get((x.shape, x.dtype.num))
        ready = None if entry is None else self.usable(entry)
        if ready is None:
            return None
        self.steps += 1
        entry.used = self.steps
        try:
            return self._replay(ready, (x,), None)
        except Misfit:              # another memory layout
            return None

    def remember(self, x, batch):
        """Notes that an array became this batch as it was, so that `on_array` takes the next one."""
        if batch.__class__ is Tensor and x.__class__ is np.ndarray and batch.shape == x.shape and batch.data.dtype == x.dtype:
            entry = self.entries.get(signature(batch))
            if entry is not None and entry.ready is not None and entry.ready.gives_one_array():
                self.of_arrays[x.shape, x.dtype.num] = entry

    # ---- Which plan

    def _must_be_eager(self):
        """Whether somebody wants to see the step's ops: a tape, a recording, or who set `run_eagerly`."""
        return self.model.run_eagerly or active.tapes or recorder() is not None

    def _entry(self, batch):
        """The Entry for batches like this one; None where there is to be no plan."""
        key = signature(batch)
        entry = self.entries.get(key)
        if entry is None and key is not None:
            if len(self.entries) >= PLANS and not self._make_room():
                return None
            entry = self.entries[key] = Entry([x.shape for x in flatten(batch)])
        if entry is not None:
            entry.used = self.steps
        return entry

    def _make_room(self):
        """Gives up the plan that was used longest ago, if that was long ago; not any more where that came too early too often."""
        if self.churn >= PLANS:
            return False
        oldest = min(self.entries, key=lambda key: self.entries[key].used)
        if self.steps - self.entries[oldest].used < SELDOM:
            return False
        gone = self.entries.pop(oldest)
        self.churn += gone.ready is None or gone.ready.runs < LASTING
        self.of_arrays = {key: entry for key, entry in self.of_arrays.items() if entry is not gone}
        return True

    def usable(self, entry):
        """The Ready of an Entry, if it has one and may use it now; one that depends on something that has changed is dropped."""
        ready = entry.ready
        if ready is None or self._must_be_eager():
            return None
        changed = ready.changed()
        if changed is None:
            return ready
        if entry.lock.acquire(blocking=False):
            try:
                if entry.ready is ready:
                    self._drop(entry, ready, changed)
            finally:
                entry.lock.release()
        return None

    def _drop(self, entry, ready, changed):
        entry.drops = 0 if ready.runs >= LASTING else entry.drops + 1
        entry.forget()
        if entry.drops >= TRIES:
            self._give_up(entry, f"`{changed}`, which it may depend on, is changed again and again between steps")

    def feeds(self, key):
        """The Entry of batches of this signature if they are to be gathered for its plan; else None."""
        entry = self.entries.get(key)
        if entry is None or self.usable(entry) is None:
            return None
        entry.used = self.steps
        return entry

    # ---- Replaying

    def _replay(self, ready, arrays, batch):
        """Runs the plan; None if another thread runs it."""
        try:
            return ready.run(arrays)
        except Stopped as stopped:
            self._raise(ready, stopped, batch.tensors() if batch.__class__ is Fed else Tensor(*arrays) if batch is None else batch)

    def _raise(self, ready, stopped, batch):
        """Raises what the eager step raises at the launch that failed: it runs, and fails, once more, so that the error passes
        through all that has something to say about it.  What the launches before it changed is as after the replay."""
        values = [array.copy() for array in ready.written]
        try:
            self.eager(batch)
        finally:
            put_back(ready.written, values)
        raise stopped.error

    # ---- Recording

    def _record(self, entry, batch):
        """Runs the step eagerly, and gets one step nearer to a plan, unless another thread is about it."""
        if not entry.lock.acquire(blocking=False):
            return self.eager(batch)
        try:
            return self.eager(batch) if entry.ready is not None else self._recorded(entry, apart(batch))
        finally:
            entry.lock.release()

    def _recorded(self, entry, batch):
        watch = Watch(self.model)
        rehearsal = entry.agreed
        written = written_by(entry.last) if rehearsal else []
        before = [array.copy() for array in written]
        capture = Capture([t.data for t in flatten(batch)])
        with capture.recording():
            logs = self.eager(batch)
        answer = Answer(self.model, logs, capture.made_by)
        capture.returned = answer.others
        objection = watch.objection(capture, answer)
        reason = objection or (difference(entry.last, capture) if entry.last is not None else None)
        if reason is not None:
            entry.last, entry.agreed, entry.tries = None if objection else capture, False, entry.tries + 1
            if entry.tries >= TRIES:
                self._give_up(entry, reason)
        elif not rehearsal:
            entry.last, entry.agreed = capture, entry.last is not None
        elif capture.launches:
            self._rehearse(entry, capture, batch, answer, written, before)
        return logs

    def _rehearse(self, entry, capture, batch, answer, written, before):
        """Puts back what the step changed (`before`: what `written` held), lets the plan do it again, and trusts it if all bits
        are the same."""
        try:
            captured = make_plan(capture, answer.tensors)
        except ValueError as error:
            return self._give_up(entry, str(error))
        inputs = [t.data for t in flatten(batch)]
        release_memory()        # the step's own: the plan's workspace takes its place
        same, after = False, [array.copy() for array in written]
        try:
            put_back(written, before)
            arrays = captured.plan.run(tuple(inputs))
            same = all(map(same_bits, written, after)) and all(
                [same_bits(r.array(arrays), t.data) for r, t in zip(captured.results, answer.tensors) if r.__class__ is Result])
        except (Stopped, MemoryError):
            pass                # not the same, then
        finally:                # whatever came up, the step has been made
            if not same:
                put_back(written, after)
        if not same:
            return self._give_up(entry, "its replay gave other results than the step itself")
        answer.tensors = None
        entry.ready = Ready(captured, answer, Footprint(self.model), list(capture.variables.values()), written,
                            unflatten(batch, iter(range(len(inputs)))), capture.inputs)
        entry.last = None

    def _give_up(self, entry, reason):
        entry.forget()
        entry.reason = reason
        if not self.told:
            self.told = True
            warn(f'model "{self.model.name}": {self.name} runs op by op, and not as one call, because {reason}. The results are the '
                 "same, it only takes longer. compile(run_eagerly=True) silences this")


class Watch:
    """What Python looked like before a step that is recorded."""

    def __init__(self, model):
        self.footprint, self.randoms = Footprint(model), random_states()

    def objection(self, capture, answer):
        """Why the step cannot be replayed, as far as it can be seen from this step alone."""
        if capture.refusal:
            return capture.refusal
        changed = self.footprint.difference()
        if changed:
            return f"it sets `{changed}`, in Python"
        if self.footprint.opaque:
            return f"it may depend on {self.footprint.opaque}"
        if self.randoms != random_states():
            return "it draws random numbers from NumPy or Python: take those of fastnn.random"
        for value in answer.others:
            if not isinstance(value, (int, float, str, type(None))):
                return f"it returns {value!r} (of type {type(value).__name__}), which is no tensor"
        if capture.survivors(answer.tensors):
            return "a tensor that it made is still in use when it is over: kept in a list, or by something else outside of the model"
        return None


# ---- Batches ----------------------------------------------------------------------------------------------------

def apart(batch):
    """The batch in memory that nobody else knows, each tensor in its own: what a Capture finds there is the batch."""
    return unflatten(batch, iter([Tensor(own(tensor.data)) for tensor in flatten(batch)]))


# ---- State ------------------------------------------------------------------------------------------------------

def written_by(capture):
    """The arrays, each whole, of all that was there before the step and that the step writes."""
    found = {}
    for fixed in capture.fixed:
        if fixed.written:
            array = fixed.array
            while isinstance(array.base, np.ndarray):
                array = array.base
            found[id(fixed.owner)] = array
    return list(found.values())


def put_back(arrays, values):
    for array, value in zip(arrays, values):
        array[...] = value


def same_bits(a, b):
    return a.tobytes() == b.tobytes()
