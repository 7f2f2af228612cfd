"""The table that `summary()` prints."""
import math
import re
import shutil
import textwrap

import numpy as np

from ..graph import Operation
from ..tensor import Spec

UNBUILT = "0 (unbuilt)"


def print_summary(model, line_length=None, positions=None, print_fn=None, expand_nested=False, show_trainable=False,
                  layer_range=None):
    """Prints a table of a model's layers; the arguments are those of `Model.summary`."""
    header, alignment, width = ["Layer (type)", "Output Shape", "Param #"], "<<>", 88
    network = getattr(model, "_network", None)
    connections = None if network is None or network.is_chain() else connections_of(network)
    if connections is not None:
        header, alignment, width = [*header, "Connected to"], "<<><", 108
    positions = positions or ([0.45, 0.80, 1.0] if connections is None else [0.3, 0.56, 0.74, 1.0])
    if show_trainable:
        header, alignment, width = header + ["Trainable"], alignment + "^", width + 12
        positions = [p * 0.90 for p in positions] + [1.0] if len(positions) < len(header) else positions
    width = line_length or min(width, shutil.get_terminal_size().columns - 4)
    layers = model.layers if network is None else model.operations
    rows = [row for layer in in_range(layers, layer_range) for row in layer_rows(model, layer, expand_nested, show_trainable, connections)]
    text = "\n".join([f'Model: "{model.name}"', *table(header, rows, column_widths(positions, width), alignment), *totals(model)])
    (print_fn or print)(text)


# ---- Rows -------------------------------------------------------------------------------------------------------

def layer_rows(owner, layer, expand_nested, show_trainable, connections, level=0):
    """The row of a layer (or of an op of a functional model), and those of the layers inside it if they are wanted."""
    prefix = "   " * level + "└ " if level else ""
    if isinstance(layer, Operation):
        row = [f"{prefix}{layer.name} ({layer.class_name})", output_shape(owner, layer), "0"]
    else:
        params = f"{count(layer.weights):,}" if layer.built else UNBUILT
        row = [f"{prefix}{layer.name} ({type(layer).__name__})", output_shape(owner, layer), params]
    if connections is not None:
        row.append(connections.get(id(layer), "-") if not level else "-")
    if isinstance(layer, Operation):
        return [row + ["-"] * show_trainable]
    if show_trainable:
        row.append("-" if not layer.weights else "Y" if layer.trainable else "N")
    rows = [row]
    if expand_nested:
        for inner in getattr(layer, "layers", ()):
            rows += layer_rows(layer, inner, True, show_trainable, connections, level + 1)
    return rows


def connections_of(network):
    """For each operation (by id) where its inputs come from: "conv[0][0], add[0][0]", name, number of the call, number of the result."""
    sources, found = network.sources(), {}
    for row in network.rows:
        places = [sources[number] for number in row.inputs()]
        found.setdefault(id(row.operation), []).extend(f"{op.name}[{call}][{index}]" for op, call, index in places)
    return {key: ", ".join(names) or "-" for key, names in found.items()}


def output_shape(owner, layer):
    """The shape of a layer's output as text, "?" where it is not known."""
    network = getattr(owner, "_network", None)
    if network is not None:
        return network_shape(network, layer)
    specs, stack = getattr(owner, "_specs", None), getattr(owner, "_stack", ())
    if specs:
        for spec, other in zip(specs, stack):
            if other is layer:
                return str(tuple(spec.shape))
    if not layer.built:
        return "?"
    shape = getattr(layer, "output_shape", None) or shape_from_build(layer)
    return str(tuple(shape)) if isinstance(shape, (tuple, list)) else "?"


def network_shape(network, layer):
    """The shape of what the last call of an operation of a network gives, as text; of several results a list."""
    numbers = [number for number, source in network.sources().items() if source[0] is layer]
    last = max((network.sources()[number][1] for number in numbers), default=None)
    shapes = [network.specs[number].shape for number in numbers if network.sources()[number][1] == last]
    return "?" if not shapes else str(shapes[0]) if len(shapes) == 1 else str(shapes)


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
