"""Gradients: a tape notes which ops ran, and `backward` walks it from its end to its beginning."""
import threading

from .device import empty, launch
from .tensor import FLOATS, Tensor, Variable, convert, operators


class _Active(threading.local):
    """The tapes that record in this thread, the innermost last."""

    def __init__(self):
        self.tapes = []


active = _Active()


class Record:
    """One op that ran: what its gradient will ask for, and the keys of what went in and came out."""

    __slots__ = ("op", "attrs", "inputs", "needs", "outputs", "saved", "versions")

    def __init__(self, op, attrs, inputs, needs, outputs, kept):
        self.op, self.attrs, self.needs = op, attrs, needs
        self.inputs = [None if x is None else x.key for x in inputs]
        self.outputs = [(y.key, y.shape, y.dtype) for y in outputs]
        self.saved = op.save(inputs, [*outputs, *kept])
        self.versions = [(v, v.version) for v in self.saved if v.__class__ is Variable] or None

    def gradients(self, dys, needs):
        return self.op.gradients(dys, self.saved, self.attrs, needs)

    def check_versions(self):
        for variable, version in self.versions:
            if variable.version != version:
                raise ValueError(f"variable {variable.path!r} changed after [{self.op.name}] used it and before the "
                                 "gradient was taken: take the gradients of all losses first, then update")


def record(op, inputs, outputs, attrs, kept=()):
    """Notes an op on every tape of this thread that follows one of its inputs; kept: what only its gradient reads."""
    for tape in active.tapes:
        tracked = tape._tracked
        needs = [x is not None and (x.key in tracked or (x.__class__ is Variable and x.trainable and tape._auto))
                 for x in inputs]
        if True in needs:
            tape._records.append(Record(op, attrs, inputs, needs, outputs, kept))
            for y in outputs:
                if y.dtype in FLOATS:
                    tracked.add(y.key)


class GradientTape:
    """Records what is computed inside its `with` block, to differentiate it afterwards.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether trainable variables are watched without asking.

    Example:
        >>> x = fastnn.ops.convert_to_tensor([1.0, 2.0])
        >>> with GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x
        >>> tape.gradient(y, x).numpy()
        array([2., 4.], dtype=float32)
    """

    def __init__(self, persistent=False, watch_accessed_variables=True):
        self._persistent, self._auto = persistent, watch_accessed_variables
        self._records, self._tracked = [], set()
        self._used = False

    def __enter__(self):
        if self in active.tapes:
            raise ValueError("this tape is already recording")
        active.tapes.append(self)
        return self

    def __exit__(self, *exception):
        if self in active.tapes:
            active.tapes.remove(self)

    def watch(self, tensor):
        """Follows a tensor (or a list of them) from here on."""
        for t in flatten(tensor):
            if not isinstance(t, Tensor):
                raise TypeError(f"watch() takes tensors, received {type(t).__name__}: convert it with "
                                "fastnn.ops.convert_to_tensor first")
            if t.dtype not in FLOATS:
                raise ValueError(f"watch() takes float tensors, received dtype {t.dtype}")
            self._tracked.add(t.key)

    def reset(self):
        """Forgets all that was recorded."""
        self._records, self._tracked, self._used = [], set(), False

    def stop_recording(self):
        """A context in which nothing is recorded."""
        return _Paused(self)

    def gradient(self, target, sources, output_gradients=None, unconnected_gradients="none"):
        """The gradient of a target with regard to sources.

        Args:
            target: tensor, or nested lists of tensors, whose sum is differentiated.
            sources: tensor or variable, or nested lists or dicts of them; the result has the same structure.
            output_gradients: what flows into the target(s): ones by default.
            unconnected_gradients: "none" or "zero": what a source gets that the target does not depend on.

        Raises:
            RuntimeError: a second call on a tape that is not persistent.
            ValueError: a gradient would have to pass an op that has none.
        """
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError(f"unconnected_gradients must be 'none' or 'zero', received {unconnected_gradients!r}")
        if self._used and not self._persistent:
            raise RuntimeError("a GradientTape gives gradients once: make it with persistent=True for more")
        self._used = True
        if not self._persistent:
            self.__exit__()
        targets, wanted = flatten(target), flatten(sources)
        if output_gradients is None:
            seeds = [None] * len(targets)
        else:       # a single target's may be a list of numbers
            seeds = [output_gradients] if isinstance(target, Tensor) else flatten(output_gradients)
        if len(seeds) != len(targets):
            raise ValueError(f"output_gradients holds {len(seeds)} tensors for {len(targets)} targets")
        grads = {}
        for t, seed in zip(targets, seeds):
            accumulate(grads, t.key, seed_gradient(t, seed))
        records = list(self._records) if self._persistent else self._records
        if not self._persistent:
            self._records = []
        backward(records, grads, {s.key for s in wanted})
        found = [grads.get(s.key) for s in wanted]
        if unconnected_gradients == "zero":
            found = [zeros(s.shape, s.dtype) if g is None else g for s, g in zip(wanted, found)]
        if sources.__class__ is list and not any([isinstance(s, (list, tuple, dict)) for s in sources]):
            return found        # a flat list, as in every training step
        return unflatten(sources, iter(found))


class _Paused:
    def __init__(self, tape):
        self.tape = tape

    def __enter__(self):
        self.recorded = self.tape in active.tapes
        self.tape.__exit__()

    def __exit__(self, *exception):
        if self.recorded:
            active.tapes.append(self.tape)


# ---- The walk back ----------------------------------------------------------------------------------------------

def backward(records, grads, sources):
    """Carries gradients from the end of a list of records to the sources; empties the list, and frees what it kept.

    Args:
        records: in the order in which the ops ran.
        grads: gradient by key of tensor; the targets' at first, the sources' in the end.
        sources: keys of the tensors whose gradients are wanted.
    """
    reach = set(sources)        # keys through which a source is reached: other gradients are not computed
    for r in records:
        if not reach.isdisjoint(r.inputs):
            reach.update([key for key, _, _ in r.outputs])
    while records:
        r = records.pop()
        dys = [grads.get(key) for key, _, _ in r.outputs]
        if all([dy is None for dy in dys]):
            continue
        for key, _, _ in r.outputs:
            if key not in sources:
                grads.pop(key, None)
        needs = [need and key in reach for need, key in zip(r.needs, r.inputs)]
        if True not in needs:
            continue
        if r.versions:
            r.check_versions()
        if any([dy is None for dy in dys]) and not r.op.partial:
            dys = [zeros(shape, dtype) if dy is None and dtype in FLOATS else dy for dy, (_, shape, dtype) in zip(dys, r.outputs)]
        for key, need, dx in zip(r.inputs, needs, r.gradients(dys, needs)):
            if need and dx is not None:
                accumulate(grads, key, dx)


def accumulate(grads, key, dx):
    before = grads.get(key)
    grads[key] = dx if before is None else operators["add"](before, dx)


def seed_gradient(target, seed):
    if not isinstance(target, Tensor):
        raise TypeError(f"gradient() takes tensors as targets, received {type(target).__name__}")
    if target.dtype not in FLOATS:
        raise ValueError(f"only float tensors have gradients, the target has dtype {target.dtype}")
    if seed is None:
        return convert(1.0, target.dtype) if not target.shape else filled(target.shape, target.dtype, 1.0)
    seed = convert(seed, target.dtype)
    if seed.shape != target.shape:
        raise ValueError(f"the output gradient has shape {seed.shape}, its target {target.shape}")
    return seed


def filled(shape, dtype, value):
    """A tensor of one value everywhere."""
    data = empty(shape, dtype)
    launch("fill", (convert(value, dtype).data, data, data.itemsize, data.size))
    return Tensor(data, shape, dtype)


def zeros(shape, dtype):
    return filled(shape, dtype, 0.0)


# ---- Nested structures ------------------------------------------------------------------------------------------

def flatten(structure):
    """The leaves of nested lists, tuples and dicts (dicts in the order of their keys as given)."""
    if isinstance(structure, (list, tuple)):
        return [leaf for part in structure for leaf in flatten(part)]
    if isinstance(structure, dict):
        return [leaf for part in structure.values() for leaf in flatten(part)]
    return [structure]


def unflatten(structure, leaves):
    """The same structure with other leaves, taken from an iterator."""
    if isinstance(structure, (list, tuple)):
        parts = [unflatten(part, leaves) for part in structure]
        return type(structure)(*parts) if hasattr(structure, "_fields") else type(structure)(parts)
    if isinstance(structure, dict):
        return {key: unflatten(part, leaves) for key, part in structure.items()}
    return next(leaves)
