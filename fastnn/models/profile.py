"""`Model.profile_step`: runs steps, watches one of them closely, times the launches of the others, and puts everything back."""
import copy
import random as python_random
import statistics
import threading

import numpy as np

from .. import op as op_module
from ..device import nanoseconds, recording, traffic
from ..layers import Layer
from ..layers.structure import contents, unique
from ..optimizers import Optimizer
from ..random import global_state, set_global_state
from ..tape import Record
from ..utils.machine import machine_limits
from . import checks
from .arrays import check_lengths, is_arrays, leaves, like, to_arrays
from .fusion import Step
from .profile_report import Profile, Row

WARM = 3        # steps that are not counted
one_at_a_time = threading.RLock()


def profile_model(model, x, y, sample_weight, batch_size, steps, training):
    """What `Model.profile_step` does, with its arguments."""
    checks.counts(batch_size=batch_size, steps=steps)
    if training:
        model._assert_compiled("profile_step")
    if not is_arrays(x):
        raise ValueError(f"profile_step() takes arrays, received x of type {type(x).__name__}: take a batch out of it, as "
                         "`x, y = next(iter(batches))`, and pass that")
    given = {"x": x, "y": y, "sample_weight": sample_weight} if training else {"x": x}
    given = {argument: to_arrays(part, argument) for argument, part in given.items()}
    check_lengths(**given)
    x, y, sample_weight = (first_samples(given.get(argument), batch_size) for argument in ("x", "y", "sample_weight"))
    data = model._epochs(x, y, sample_weight, batch_size)
    model._check_data(data) if training else model._build_for_data(data)
    step = model.train_step if training else model.predict_step
    if not model._is_complete():
        model.predict_step(next(iter(data.batches)))        # builds it
    data = model._epochs(x, y, sample_weight, batch_size, shuffle=training)
    return profile(model, lambda: next(iter(data.batches)), step, steps, training, data.batches.num_samples)


def first_samples(value, count):
    """The first rows of an array, or of each of several."""
    return None if value is None else like(value, [a[:count] for a in leaves(value)])


def profile(model, make_batch, step, steps, training, samples):
    """The Profile of a step.

    Args:
        model: whose step it is.
        make_batch: function without arguments that gives a batch.
        step: function of a batch that runs the step.
        steps: of how many the medians are taken.
        training: whether it is a step of training.
        samples: in a batch.
    """
    def once(**options):
        with recording(**options) as calls:
            start = nanoseconds()
            step(make_batch())
            return calls, start, nanoseconds()

    kept = Kept(model)
    try:
        once(keep_args=False)       # what comes with the first step: the optimizer's variables, metrics by name
        observed = observe(model, make_batch, step)
        timed = [once(keep_args=False) for _ in range(WARM + steps)][WARM:]
    finally:
        kept.put_back()
    return Profile(*combine(observed, timed), model.name, samples, training, machine_limits(), observed.absorbed)


def combine(observed, timed):
    """(rows, us of Python after the last kernel): the launches of the observed step with the medians of the timed ones.

    Steps that launched something else (a branch that hangs on values, say) cannot be compared with it and do not count; if all
    did, its own times have to do.
    """
    names = [note.name for note in observed.notes]
    alike = [(calls, start, end) for calls, start, end in timed if [c.name for c in calls] == names]
    alike = alike or [(observed.notes, observed.start, observed.end)]
    took = [median([calls[i].ns for calls, _, _ in alike]) for i in range(len(names))]
    # from the end of one kernel (or the beginning of the step) to the beginning of the next (or the end of the step)
    waits = [median(some) for some in zip(*[between(*one) for one in alike])]
    whole = sum(took) + sum(waits)
    return [note.row(us, wait, us / whole) for note, us, wait in zip(observed.notes, took, waits)], waits[-1]


def median(nanoseconds):
    return statistics.median(nanoseconds) / 1e3


def between(calls, start, end):
    """The times, in nanoseconds, in which a step was in no kernel."""
    return [after - before for before, after in zip([start, *[c.start + c.ns for c in calls]], [*[c.start for c in calls], end])]


# ---- One step, watched ------------------------------------------------------------------------------------------

class Note:
    """What is known of a launch beside its time."""

    def __init__(self, call, place, phase):
        self.name, self.start, self.ns, self.args = call.name, call.start, call.ns, call.args
        self.op, self.place, self.phase, self.bytes, self.held = call.name, place, phase, 0, 0
        arrays = [a for a in call.args if isinstance(a, np.ndarray)]
        self.flops, self.inputs, self.outputs = 0, (), (max([a.shape for a in arrays], key=np.prod, default=()),)
        self.itemsize = max([a.itemsize for a in arrays if a.dtype.kind == "f"], default=4)

    def belongs_to(self, op, inputs, outputs, attrs):
        """The op that made the launch, and its tensors."""
        picked = [inputs[op.inputs.index(name)].data for name in op.picks]
        self.op, self.flops = op.name, op.work(inputs, outputs, attrs)
        self.inputs = tuple([x.shape for x in inputs if x is not None])
        self.outputs = tuple([y.shape for y in outputs])
        self.close(picked)

    def close(self, picked=()):
        """Counts the bytes, and lets the arrays go."""
        if self.args is not None:
            self.bytes, self.held = traffic(self.name, self.args, picked)
            self.args = None

    def row(self, us, wait, share):
        limits = machine_limits()
        arithmetic, memory = limits.arithmetic_us(self.flops, self.itemsize), limits.memory_us(self.bytes, self.held)
        return Row(self.op, self.name, self.place[-1], "/".join(self.place), self.phase, self.inputs, self.outputs, us, wait, share,
                   self.flops, self.bytes, max(arithmetic, memory), arithmetic >= memory)


def observe(model, make_batch, step):
    """Runs one step under an Observer."""
    with one_at_a_time, Observer(model) as observer, recording(calls=observer):
        observer.start = nanoseconds()
        with observer.within("feeding", "feeding"):
            batch = make_batch()
        step(batch)
        observer.end = nanoseconds()
    for note in observer.notes:
        note.close()
    return observer


class Observer:
    """Knows at each launch of this thread which op made it, in the call of which layer.

    Nothing in fastnn asks for this outside of a profile, so nothing keeps account of it: for the one step that is observed, the
    functions that all calls pass through are replaced by ones that do.  Gradients belong to the layer whose op they
    differentiate: the tape's record of it says which that was.
    """

    def __init__(self, model):
        self.model, self.thread = model, threading.get_ident()
        self.notes = []
        self.places = [((model.name,), "forward")]      # (names of layers, phase), the innermost last
        self.differentiated = None      # the place of the op whose gradient was the last
        self.of_record = {}             # place by the identity of a tape's record
        self.op, self.loose = None, []  # the op that runs; launches in no op and no layer
        self.absorbed = {}              # names of the layers that a layer's op computes with it

    # ---- As the list that launches are appended to

    def append(self, call):
        note = Note(call, *self._place())
        self.notes.append(note)
        if self.op is None and len(self.places) == 1:
            self.loose.append(note)

    def _place(self):
        # gradients of several uses are added up between the gradients of ops
        adds = len(self.places) == 1 and self.differentiated is not None and self.op is not None and self.op.name == "add"
        return self.differentiated if adds else self.places[-1]

    # ---- Places

    def within(self, name, phase=None):
        """A context in which launches belong to this name."""
        return _Within(self, (name,), phase or name)

    def within_layer(self, layer):
        names, phase = self.places[-1]
        outside = () if names == self.places[0][0] else names
        return _Within(self, names if layer is self.model else (*outside, layer.name), phase)

    # ---- Functions in place of others

    def __enter__(self):
        self.undo = []
        self._replace(Layer, "__call__", self._call_layer)
        self._replace(Step, "_absorb", self._absorb)
        self._replace(Record, "__init__", self._save)
        self._replace(Record, "gradients", self._differentiate)
        self._watch()
        self._name(self.model, "compute_loss", "loss")
        for metric in self.model.metrics:
            self._name(metric, "update_state", "metrics")
        if self.model.optimizer is not None:
            self._name(self.model.optimizer, "apply", "optimizer")
        return self

    def __exit__(self, *exception):
        for undo in self.undo:
            undo()

    def _replace(self, owner, name, function):
        """A method of a class: `function(original, instance, ...)` in its place, in this thread."""
        original, thread = getattr(owner, name), self.thread

        def replacement(instance, *args, **kwargs):
            if threading.get_ident() != thread:
                return original(instance, *args, **kwargs)
            return function(original, instance, *args, **kwargs)

        self.undo.append(lambda: setattr(owner, name, original))
        setattr(owner, name, replacement)

    def _watch(self):
        """Lets `_run_op` see every op that runs in this thread."""
        def run(op, inputs, attrs):
            return op._compute(inputs, attrs) if threading.get_ident() != self.thread else self._run_op(op, inputs, attrs)

        self.undo.append(lambda: setattr(op_module, "watcher", None))
        op_module.watcher = run

    def _name(self, owner, name, place):
        """A method of one object: what it launches belongs to `place`."""
        original = getattr(owner, name, None)
        if original is None or name in vars(owner):
            return

        def replacement(*args, **kwargs):
            with self.within(place):
                return original(*args, **kwargs)

        self.undo.append(lambda: vars(owner).pop(name))
        vars(owner)[name] = replacement

    def _call_layer(self, original, layer, *args, **kwargs):
        with self.within_layer(layer):
            return original(layer, *args, **kwargs)

    def _absorb(self, original, step):
        attrs, others = original(step)
        count = len(step.followers) - len(others)
        if count:
            self.absorbed[step.head.name] = [layer.name for layer in step.followers[:count]]
        return attrs, others

    def _run_op(self, op, inputs, attrs):
        first, self.op = len(self.notes), op
        try:
            made = op._compute(inputs, attrs)
        finally:
            self.op = None
        outputs = made if isinstance(made, tuple) else () if made is None else (made,)
        for note in self.notes[first:]:
            note.belongs_to(op, inputs, outputs, attrs)
        return made

    def _save(self, original, record, *noted):
        original(record, *noted)
        self.of_record[id(record)] = self.places[-1][0]

    def _differentiate(self, original, record, dys, needs):
        place = self.of_record.get(id(record), self.places[0][0]), "backward"
        for note in self.loose:         # zeros for gradients that nobody gave
            note.place, note.phase = place
        self.loose.clear()
        with _Within(self, *place):
            found = original(record, dys, needs)
        self.differentiated = place
        return found


class _Within:
    def __init__(self, observer, names, phase):
        self.observer, self.place = observer, (names, phase)

    def __enter__(self):
        self.observer.differentiated = None
        self.observer.places.append(self.place)

    def __exit__(self, *exception):
        self.observer.places.pop()


# ---- What a step changes ----------------------------------------------------------------------------------------

def optimizers_in(model):
    """That of `compile`, and those that are attributes, for a `train_step` of one's own."""
    return unique([one for layer in model._flatten_layers() for one in contents(vars(layer), Optimizer)])


class Kept:
    """The state of a model, its optimizers, metrics and random numbers, to be put back bit for bit."""

    def __init__(self, model):
        holders = [*model._flatten_layers(), *model.metrics, *optimizers_in(model), model._compile_loss]
        variables = [v for holder in holders for v in getattr(holder, "variables", ())]
        self.values = [(v, v.data.copy()) for v in {id(v): v for v in variables}.values()]
        self.attributes = [(h, dict(vars(h))) for h in holders if h is not None]
        self.containers = [(c, copy.copy(c)) for _, attributes in self.attributes for c in attributes.values()
                           if type(c) in (list, dict, set)]
        self.random = global_state(), np.random.get_state(), python_random.getstate()

    def put_back(self):
        for variable, value in self.values:
            variable.data[...] = value
        for holder, attributes in self.attributes:
            vars(holder).clear()
            vars(holder).update(attributes)
        for container, content in self.containers:
            container.clear()
            container.extend(content) if type(container) is list else container.update(content)
        set_global_state(self.random[0])
        np.random.set_state(self.random[1])
        python_random.setstate(self.random[2])
