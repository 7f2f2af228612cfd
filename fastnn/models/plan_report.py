"""`Model.plan_summary`: what the plans of a model's steps launch, how long each launch takes, and the memory they work in."""
import statistics
import time

import numpy as np

from ..tape import unflatten
from ..tensor import FLOATS, Tensor
from .profile import Kept, observe
from .profile_report import ROW_COLUMNS, duration, lay_out, shape_text
from .step import put_back

RUNS, SECONDS = 20, 0.5         # of a plan that is timed: so many, or as many as this allows (at least three)


def print_plans(model, print_fn=None):
    """What `Model.plan_summary` does."""
    steps = [(step, entry) for step in model._plans.values() for entry in step.entries.values()]
    parts = [text(step, entry) for step, entry in steps]
    if model.run_eagerly:
        parts = [f'"{model.name}" was compiled with run_eagerly=True: its steps run op by op']
    elif not parts:
        parts = [f'"{model.name}" has no plans yet: they are made by the first steps of fit, evaluate and predict']
    (print_fn or print)("\n\n".join(parts))


def text(step, entry):
    """What there is to say of the steps with batches of one shape."""
    ready = step.usable(entry)
    if ready is None:
        return f"{head(step, entry)}: " + (f"op by op, because {entry.reason}" if entry.reason else "recorded, no plan yet")
    observed, times = measured(step, ready)
    total = sum(times)
    rows = [note.row(us, 0.0, us / total if total else 0.0) for note, us in zip(observed.notes, times, strict=True)]
    return "\n".join([f"{head(step, entry)}: {len(rows)} launches as one call, {duration(total)}, replayed {ready.runs:,} times",
                      memory_text(ready.captured), "", *lay_out(ROW_COLUMNS, rows)])


def head(step, entry):
    batch = " and ".join(shape_text(shape) for shape in shapes_of(entry)) or "no data yet"
    return f'{step.name} of "{step.model.name}", batches of {batch}'


def shapes_of(entry):
    known = entry.ready or entry.last
    return [shape for _, shape in known.inputs] if known else []


def memory_text(captured):
    inputs, outputs = captured.plan.sizes()
    return (f"memory: {size_text(captured.reused)} for what passes between launches ({size_text(captured.unused)} without reuse), "
            f"{size_text(inputs)} for the batch" + (f", {size_text(outputs)} for results" if outputs else ""))


def size_text(count):
    return f"{count / 2**20:.1f} MB" if count >= 1e5 else f"{count / 2**10:.1f} kB"


def measured(step, ready):
    """(the Observer of an eager step, microseconds of each launch of the plan), on made-up data; what the runs changed is put back."""
    arrays = [made_up(shape, dtype) for dtype, shape in ready.inputs]
    before, kept = [array.copy() for array in ready.written], Kept(step.model)
    try:
        observed = observe(step.model, lambda: unflatten(ready.batch, iter([Tensor(array) for array in arrays])), step.eager)
        times = timed(ready.captured.plan, tuple(arrays))
    finally:
        kept.put_back()
        put_back(ready.written, before)
    return observed, times


def made_up(shape, dtype):
    """Data as a batch may hold them: numbers between 0 and 1; of integers 0, which is an index and a label everywhere."""
    found = np.random.default_rng(0).random(shape, "float32") if dtype in FLOATS else np.zeros(shape)
    return found.astype(dtype)


def timed(plan, arrays):
    """The median microseconds of each launch."""
    runs, end = [], time.perf_counter() + SECONDS
    while len(runs) < 3 or len(runs) < RUNS and time.perf_counter() < end:
        runs.append([])
        plan.run(arrays, runs[-1])
    return [statistics.median(some) / 1e3 for some in zip(*runs)]
