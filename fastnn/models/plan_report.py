"""`Model.plan_summary`: what the plans of a model's steps launch, how long each launch takes, and the memory they work in."""
import statistics
import time

import numpy as np

from ..tape import unflatten
from ..tensor import FLOATS, Tensor
from .profile import Kept, observe
from .profile_report import ROW_COLUMNS, duration, lay_out, shape_text
from .step import PLANS, put_back

RUNS, SECONDS = 20, 0.5         # of a plan that is timed: so many, or as many as this allows (at least three)


def print_plans(model, every_shape, print_fn=None):
    """What `Model.plan_summary` does."""
    if model.run_eagerly:
        parts = [f'"{model.name}" has run_eagerly=True: its steps run op by op']
    else:
        parts = [part for step in model._plans.values() for part in parts_of(step, every_shape)]
    (print_fn or print)("\n\n".join(parts or [f'"{model.name}" has no plans yet: they are made by the first steps of fit, evaluate and predict']))


def parts_of(step, every_shape):
    """What there is to say of a step: a table for the shape of batches that came most often, a line for each other one."""
    ready = [(step.usable(entry), entry) for entry in step.entries.values()]
    most = max([plan.runs for plan, _ in ready if plan is not None], default=0)
    parts, lines = [], []
    for plan, entry in ready:
        if plan is None:
            lines.append(f"{head(step, entry)}: " + (f"op by op, because {entry.reason}" if entry.reason else "recorded, no plan at the moment"))
        elif every_shape or plan.runs == most and not parts:
            parts.append(table(step, entry, plan))
        else:
            lines.append(f"{head(step, entry)}: {len(plan.captured.plan.names)} launches as one call, replayed {plan.runs:,} times")
    if len(ready) == PLANS:
        lines.append(f"{step.name}: batches of other shapes may have come since; {PLANS} shapes have plans, others run op by op")
    return parts + (["\n".join(lines)] if lines else [])


def table(step, entry, ready):
    """The launches of a plan, a row for each."""
    observed, times = measured(step, ready)
    total = sum(times)
    rows = [note.row(us, 0.0, us / total if total else 0.0) for note, us in zip(observed.notes, times, strict=True)]
    return "\n".join([f"{head(step, entry)}: {len(rows)} launches as one call, {duration(total)}, replayed {ready.runs:,} times",
                      memory_text(ready.captured), "", *lay_out(ROW_COLUMNS, rows, most=28)])


def head(step, entry):
    return f'{step.name} of "{step.model.name}", batches of {" and ".join(map(shape_text, entry.shapes))}'


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
