"""What `Model.profile_step` found: rows, sums of rows, and the tables that people read."""
import html
import textwrap
from typing import NamedTuple

MATRIX = 2      # axes from which on a tensor is worth telling
MEASURED = 1.05     # shares of a limit up to which its measurement may be right


class Row(NamedTuple):
    """One launch of a kernel.

    Attributes:
        op: the op that made it.
        kernel: the kernel's name.
        layer: the layer in whose call that was; "loss", "metrics", "optimizer", "feeding", or the model's name for what is
            in none of them.  Gradients belong to the layer whose op they differentiate.
        path: the names of the layers around it and its own, joined by "/".
        phase: "forward", "backward", "loss", "metrics", "optimizer" or "feeding".
        inputs, outputs: shapes of the op's tensors.
        us: microseconds in the kernel, the median of all steps.
        wait_us: microseconds since the kernel before it, which Python took.
        share: of the time of the whole step.
        flops: floating-point operations; of a convolution those of the direct method.
        bytes: what has to be read and written, each array once.
        limit_us: the least time that the machine could take.
        arithmetic: whether it is multiply-adds, rather than memory, that set this limit.
    """

    op: str
    kernel: str
    layer: str
    path: str
    phase: str
    inputs: tuple
    outputs: tuple
    us: float
    wait_us: float
    share: float
    flops: int
    bytes: int
    limit_us: float
    arithmetic: bool

    @property
    def gflops(self):
        """10^9 operations a second."""
        return rate(self.flops, self.us)

    @property
    def gbs(self):
        """10^9 bytes a second."""
        return rate(self.bytes, self.us)

    @property
    def limit(self):
        """The share of the machine's limit that is reached."""
        return self.limit_us / self.us if self.us else 0.0

    @property
    def shapes(self):
        """The shapes as text."""
        return shapes_text(self.inputs, self.outputs)


class Group(NamedTuple):
    """The sum of several rows.

    Attributes:
        name: of the layer, kernel or op.
        launches: how many rows.
        us, wait_us, share, flops, bytes, limit_us: sums of theirs.
        forward_us, backward_us: microseconds in either; what belongs to neither counts as forward.
    """

    name: str
    launches: int
    us: float
    forward_us: float
    backward_us: float
    wait_us: float
    share: float
    flops: int
    bytes: int
    limit_us: float

    gflops, gbs, limit = Row.gflops, Row.gbs, Row.limit


def may_be_winograd(row):
    """Whether this is a convolution by kernels of 3x3."""
    return row.op.startswith("conv") and any(len(shape) == 4 and shape[:2] == (3, 3) for shape in (*row.inputs, *row.outputs))


def rate(amount, us):
    return amount / us / 1e3 if us else 0.0


def add_up(name, rows):
    """The Group of rows."""
    def total(attribute):
        return sum(getattr(row, attribute) for row in rows)

    backward = sum(row.us for row in rows if row.phase == "backward")
    return Group(name, len(rows), total("us"), total("us") - backward, backward, total("wait_us"), total("share"), total("flops"),
                 total("bytes"), total("limit_us"))


class Profile:
    """A step, kernel by kernel; `print` shows it.

    Attributes:
        rows: a Row for each launch, in order of execution.
        kernel_us: microseconds in kernels; python_us: those between them, before the first and after the last; both are sums of
            medians.  step_us: both together.
        samples: in a batch.
        limits: the machine's (`fastnn.utils.machine_limits`).
        absorbed: names of layers that run as part of another, by the name of that.
    """

    def __init__(self, rows, last_us, name, samples, training, limits, absorbed):
        self.rows, self.name, self.samples, self.training, self.limits = rows, name, samples, training, limits
        self.absorbed = absorbed
        self.kernel_us = sum(row.us for row in rows)
        self.python_us = sum(row.wait_us for row in rows) + last_us
        self.step_us = self.kernel_us + self.python_us

    def group(self, by="layer"):
        """Sums of the rows of each "layer", "kernel", "op" or "phase": a list of Group, in order of first execution."""
        if by not in ("layer", "kernel", "op", "phase"):
            raise ValueError(f"`group` must be 'layer', 'kernel', 'op' or 'phase', received {by!r}")
        found = {}
        for row in self.rows:
            found.setdefault(getattr(row, by), []).append(row)
        return [add_up(name, rows) for name, rows in found.items()]

    def table(self, by="order", group=None, top=None):
        """A table as text.

        Args:
            by: "order" of execution, or "time", the longest first.
            group: None: a row for each launch; "layer", "kernel", "op" or "phase": a row for each of these.
            top: how many rows; None: all.

        Example:
            >>> profile = model.profile_step(x, y)
            >>> longest = profile.table(by="time", group="kernel", top=5)
        """
        if by not in ("order", "time"):
            raise ValueError(f"`by` must be 'order' or 'time', received {by!r}")
        if top is not None and (isinstance(top, bool) or not isinstance(top, int) or top < 1):
            raise ValueError(f"`top` must be an integer >= 1 or None for all rows, received {top!r}")
        entries = list(self.rows) if group is None else self.group(group)
        columns = ROW_COLUMNS if group is None else group_columns(group)
        if by == "time":
            entries.sort(key=lambda entry: -entry.us)
        rest = entries[top:] if top is not None else []
        lines = lay_out(columns, entries[:top])
        if rest:
            lines.append(f"... and {len(rest)} more, {microseconds(sum(e.us for e in rest))} us, {percent(sum(e.share for e in rest))}")
        return "\n".join(lines)

    def trace(self):
        """The step as trace viewers take it (`chrome://tracing`, ui.perfetto.dev), once it is written as JSON.

        Two lines of spans above each other: what layers and parts of the step are busy, and the launches.  Times are the medians,
        one after the other.

        Example:
            >>> import json
            >>> text = json.dumps(model.profile_step(x, y).trace())
        """
        from .profile_trace import trace_of
        return trace_of(self)

    def summary(self):
        """What stands above the tables."""
        what = "Training step" if self.training else "Prediction"
        busy = self.kernel_us / self.step_us if self.step_us else 0.0
        total = add_up("", self.rows)
        lines = [f'{what} of "{self.name}", {self.samples} sample{"s" if self.samples != 1 else ""}: {duration(self.step_us)}; '
                 f"{len(self.rows)} kernels {duration(self.kernel_us)} ({percent(busy)}), Python between them "
                 f"{duration(self.python_us)}",
                 f"{total.gflops:.0f} GFLOP/s in kernels, {percent(total.limit)} of the limit. {self.limits}"]
        lines.append("limit: the share of what the machine can do, in arithmetic (math) or in reading and writing (mem).")
        above = [may_be_winograd(row) for row in self.rows if row.arithmetic and row.limit > MEASURED]
        if any(above):
            lines.append("Above 100 %: Winograd's method multiplies less than the direct one, whose operations are counted.")
        if not all(above):
            lines.append("Limits were measured on a busy machine, as some kernels exceed them: "
                         "fastnn.utils.machine_limits(measure=True) measures again.")
        return "\n".join(lines)

    def __str__(self):
        return "\n\n".join([self.summary(), self.table(), self.table(group="layer"), *self._absorbed_text()])

    def _absorbed_text(self):
        if not self.absorbed:
            return []
        listing = ", ".join(f"{' and '.join(names)} in {head}" for head, names in self.absorbed.items())
        return ["\n".join(textwrap.wrap(f"Computed as part of the layer before: {listing}.", 110))]

    __repr__ = __str__

    def _repr_html_(self):
        return f"<pre>{html.escape(str(self))}</pre>"


# ---- Text -------------------------------------------------------------------------------------------------------

def microseconds(us):
    return f"{us:.1f}" if us < 1000 else f"{us:,.0f}"


def duration(us):
    return f"{us:.1f} us" if us < 1000 else f"{us / 1e3:.2f} ms" if us < 1e6 else f"{us / 1e6:.2f} s"


def percent(share):
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"


def number(x):
    """About three digits; nothing for nothing."""
    return "" if not x else f"{x:.2f}" if x < 1 else f"{x:.1f}" if x < 100 else f"{x:.0f}"


def count(n):
    """1,234 -> "1.2k"."""
    for unit in ("", "k", "M"):
        if n < 1000:
            return f"{n:.1f}{unit}" if unit and n < 100 else f"{n:.0f}{unit}"
        n /= 1000
    return f"{n:.1f}G"


def shape_text(shape):
    return "x".join(map(str, shape)) or "1"


def shapes_text(inputs, outputs, width=26):
    """The tensors that matter: those with the most axes, and what comes out if it has another shape and there is room."""
    if len(inputs) > 8:
        numbers = sum(size(shape) for shape in inputs)
        return f"{len(inputs)} tensors, {count(numbers)} numbers"
    if not inputs:
        return ", ".join(map(shape_text, outputs[:1]))
    large = [shape for shape in inputs if len(shape) >= MATRIX][:2] or list(inputs[:2])
    left = ", ".join(shape_text(s) for s in (large[:1] if len(set(large)) == 1 else large))
    right = f" -> {shape_text(outputs[0])}" if outputs and outputs[0] not in large else ""
    return left + right if len(left) + len(right) <= width else left


def size(shape):
    n = 1
    for side in shape:
        n *= side
    return n


def limit_text(entry):
    return percent(entry.limit) if entry.limit_us and entry.us else ""


def bound_text(row):
    return f"{limit_text(row)} {'math' if row.arithmetic else 'mem '}"


ROW_COLUMNS = [("op", "<", lambda r: r.op), ("layer", "<", lambda r: r.layer), ("shapes", "<", lambda r: r.shapes),
               ("us", ">", lambda r: microseconds(r.us)), ("share", ">", lambda r: percent(r.share)),
               ("GFLOP/s", ">", lambda r: number(r.gflops)), ("GB/s", ">", lambda r: number(r.gbs)),
               ("limit by", ">", bound_text)]


def group_columns(word):
    times = [("us", ">", lambda g: microseconds(g.us)), ("share", ">", lambda g: percent(g.share))]
    if word == "layer":
        times[:0] = [("forward us", ">", lambda g: microseconds(g.forward_us)),
                     ("backward us", ">", lambda g: microseconds(g.backward_us) if g.backward_us else "")]
    return [(word, "<", lambda g: g.name), ("kernels", ">", lambda g: str(g.launches)), *times,
            ("GFLOP/s", ">", lambda g: number(g.gflops)), ("GB/s", ">", lambda g: number(g.gbs)), ("limit", ">", limit_text),
            ("Python us", ">", lambda g: microseconds(g.wait_us))]


def lay_out(columns, entries, most=40):
    """The lines of a table; text longer than `most` characters is cut."""
    cells = [[cut(text(entry), most) for _, _, text in columns] for entry in entries]
    widths = [max([len(title), *[len(row[i]) for row in cells]]) + (align == "<") for i, (title, align, _) in enumerate(columns)]

    def line(texts):
        return " ".join(f"{t:{align}{w}}" for t, w, (_, align, _) in zip(texts, widths, columns)).rstrip()

    return [line([title for title, _, _ in columns]), "-" * (sum(widths) + len(widths) - 1), *map(line, cells)]


def cut(text, most):
    return text if len(text) <= most else text[:most - 3] + "..."
