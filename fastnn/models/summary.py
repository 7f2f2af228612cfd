"""The table that `summary()` prints."""
import math
import re
import shutil
import textwrap

import numpy as np

from ..tensor import Spec

UNBUILT = "0 (unbuilt)"


def print_summary(model, line_length=None, positions=None, print_fn=None, expand_nested=False, show_trainable=False,
                  layer_range=None):
    """Prints a table of a model's layers; the arguments are those of `Model.summary`."""
    header, alignment = ["Layer (type)", "Output Shape", "Param #"], "<<>"
    positions, width = positions or [0.45, 0.80, 1.0], 88
    if show_trainable:
        header, alignment, width = header + ["Trainable"], alignment + "^", width + 12
        positions = [p * 0.90 for p in positions] + [1.0] if len(positions) == 3 else positions
    width = line_length or min(width, shutil.get_terminal_size().columns - 4)
    rows = [row for layer in in_range(model.layers, layer_range)
            for row in layer_rows(model, layer, expand_nested, show_trainable)]
    text = "\n".join([f'Model: "{model.name}"', *table(header, rows, column_widths(positions, width), alignment), *totals(model)])
    (print_fn or print)(text)


# ---- Rows -------------------------------------------------------------------------------------------------------

def layer_rows(owner, layer, expand_nested, show_trainable, level=0):
    """The row of a layer, and those of the layers inside it if they are wanted."""
    prefix = "   " * level + "└ " if level else ""
    params = f"{count(layer.weights):,}" if layer.built else UNBUILT
    row = [f"{prefix}{layer.name} ({type(layer).__name__})", output_shape(owner, layer), params]
    if show_trainable:
        row.append("-" if not layer.weights else "Y" if layer.trainable else "N")
    rows = [row]
    if expand_nested:
        for inner in getattr(layer, "layers", ()):
            rows += layer_rows(layer, inner, True, show_trainable, level + 1)
    return rows


def output_shape(owner, layer):
    """The shape of a layer's output as text, "?" where it is not known."""
    specs, stack = getattr(owner, "_specs", None), getattr(owner, "_stack", ())
    if specs:
        for spec, other in zip(specs, stack):
            if other is layer:
                return str(tuple(spec.shape))
    if not layer.built:
        return "?"
    shape = getattr(layer, "output_shape", None) or shape_from_build(layer)
    return str(tuple(shape)) if isinstance(shape, (tuple, list)) else "?"


def shape_from_build(layer):
    """The output's shape for the input's shape that a layer was built with."""
    shape = (layer.get_build_config() or {}).get("input_shape")
    if not isinstance(shape, (tuple, list)):
        return None
    try:
        output = layer(Spec((None, *shape[1:]), layer.dtype))
    except (TypeError, ValueError):         # a `call` that needs values, or more than one input
        return None
    return output.shape if isinstance(output, Spec) else None


def in_range(layers, layer_range):
    """The layers between two names (or regular expressions)."""
    if layer_range is None:
        return layers
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(f"`layer_range` takes two names of layers, received {layer_range!r}")
    first, last = ([i for i, layer in enumerate(layers) if re.match(name, layer.name)] for name in layer_range)
    if not first or not last:
        raise ValueError(f"`layer_range` {layer_range!r} names no layers of this model: {', '.join(l.name for l in layers)}")
    low, high = (min(first), max(last)) if min(first) <= max(last) else (min(last), max(first))
    return layers[low:high + 1]


# ---- The table --------------------------------------------------------------------------------------------------

def column_widths(positions, width):
    """Widths of the columns from where they end, as fractions of the whole; borders take their share."""
    asked = [int(p * width) for p in positions]
    asked = [b - a for a, b in zip([0, *asked], asked)]
    if min(asked) < 4:
        raise ValueError(f"a table of {width} characters is too narrow: pass a larger line_length")
    spare = width - 1 - 3 * len(asked)      # each column has a border and two blanks, and there is a last border
    scale = spare / sum(asked)
    inner = [max(int(w * scale), 1) for w in asked]
    inner[0] += spare - sum(inner)
    return inner


def table(header, rows, widths, alignment):
    """The lines of a table; text that is too long goes on in the next line of its cell."""
    def rule(left, fill, middle, right):
        return left + middle.join(fill * (w + 2) for w in widths) + right

    lines = [rule("┏", "━", "┳", "┓"), *cells(header, widths, alignment, "┃")]
    for i, row in enumerate(rows):
        lines.append(rule("┡", "━", "╇", "┩") if i == 0 else rule("├", "─", "┼", "┤"))
        lines += cells(row, widths, alignment, "│")
    if not rows:
        lines.append(rule("┡", "━", "╇", "┩"))
    return lines + [rule("└", "─", "┴", "┘")]


def cells(row, widths, alignment, border):
    parts = [textwrap.wrap(text, width, drop_whitespace=not text.startswith(" ")) or [""] for text, width in zip(row, widths)]
    height = max(map(len, parts))
    parts = [part + [""] * (height - len(part)) for part in parts]
    return [border + border.join(f" {text:{align}{width}} " for text, width, align in zip(line, widths, alignment)) + border
            for line in zip(*parts)]


# ---- Totals -----------------------------------------------------------------------------------------------------

def totals(model):
    """The lines below the table."""
    optimizer = model.optimizer
    slots = optimizer.variables if model.compiled and optimizer is not None and optimizer.built else []
    trained, others = model.trainable_weights, model.non_trainable_weights
    entries = [("Total", [*trained, *others, *slots]), ("Trainable", trained), ("Non-trainable", others)]
    if slots:
        entries.append(("Optimizer", slots))
    return [f" {name} params: {count(some):,} ({memory(some)})" for name, some in entries]


def count(variables):
    return sum(math.prod(v.shape) for v in variables)


def memory(variables):
    """The size of variables as text: "1.55 MB"."""
    size = sum(math.prod(v.shape) * np.dtype(v.dtype).itemsize for v in variables)
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            break
        size /= 1024
    return f"{size:.2f} {unit}"
