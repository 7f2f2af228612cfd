"""A model as boxes and lines: a box for each layer and op, what stands in it, and the groups that nested models are."""
from ..graph import Operation, replace
from ..layers import InputLayer
from ..models.functional import Functional
from ..models.network import Place, places
from ..models.sequential import Sequential
from ..tree import map_structure


class Cell:
    """A field of a box.

    Attributes:
        runs: its text as (piece, whether it is bold), all of it printable.
        kind: "layer", "input", "op" or "model" for a title; "plain", "trained" or "frozen" below it.
    """

    __slots__ = ("runs", "kind")

    def __init__(self, runs, kind="plain"):
        self.runs = [("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text), bold) for text, bold in runs]
        self.kind = kind


class Box:
    """A layer, or an op, of a model: rows of Cells, the first with the title alone."""

    __slots__ = ("rows",)

    def __init__(self, rows):
        self.rows = rows

    @property
    def title(self):
        """The text of the title."""
        return "".join(text for text, _ in self.rows[0][0].runs)


class Group:
    """A model: its boxes and the groups that models in it are.

    Attributes:
        label: the model's name; members: Boxes and Groups, in order; edges: {(Box, Box): the Group of the model that connects
            them}, those of inner groups too (of the outermost group only).
    """

    __slots__ = ("label", "members", "edges")

    def __init__(self, label):
        self.label = Cell([(label, True)]).runs[0][0]
        self.members, self.edges = [], {}

    def boxes(self):
        """All Boxes, those of inner groups too."""
        for member in self.members:
            yield from member.boxes() if isinstance(member, Group) else [member]


class Labels:
    """What is shown in the boxes: the arguments of `model_to_dot` with these names."""

    def __init__(self, show_shapes=False, show_dtype=False, show_layer_names=True, show_layer_activations=False, show_trainable=False):
        self.shapes, self.dtype, self.names = show_shapes, show_dtype, show_layer_names
        self.activations, self.trainable = show_layer_activations, show_trainable

    def box(self, operation, ends):
        """The Box of a layer or an op.

        Args:
            ends: (structure of Specs that go in, that come out) of each of its calls; empty where that is not known.
        """
        rows = [[self._title(operation)]]
        activation = getattr(operation, "activation", None)
        if self.activations and activation is not None:
            name = getattr(activation, "name", None) or getattr(activation, "__name__", None) or str(activation)
            rows.append([Cell([("Activation: ", False), (str(name), True)])])
        cells = []
        if self.shapes and not isinstance(operation, InputLayer):
            cells.append(_field("Input shape: ", [shape_text(given) for given, _ in ends]))
        if self.shapes:
            cells.append(_field("Output shape: ", [shape_text(found) for _, found in ends]))
        if self.dtype:
            cells.append(_field("Output dtype: ", [_plain(map_structure(lambda spec: spec.dtype, found)) for _, found in ends]))
        if self.trainable and getattr(operation, "weights", None):
            cells.append(Cell([("Trainable", True)], "trained") if operation.trainable else Cell([("Non-trainable", True)], "frozen"))
        return Box(rows + [cells] * bool(cells))

    def _title(self, operation):
        name = operation.class_name if isinstance(operation, Operation) else type(operation).__name__
        kind = "op" if isinstance(operation, Operation) else "input" if isinstance(operation, InputLayer) else \
            "model" if hasattr(operation, "layers") and hasattr(operation, "fit") else "layer"
        return Cell([(operation.name, True), (f" ({name})", False)] if self.names else [(name, True)], kind)


def _field(name, texts):
    """A Cell with the texts of several calls of a layer, each once."""
    return Cell([(name, False), (" or ".join(dict.fromkeys(texts)) or "?", True)])


def shape_text(specs):
    """The shapes of a structure of Specs as text, as `(None, 4)`, or `[(None, 4), (None, 2)]` of several."""
    return _plain(map_structure(lambda spec: str(tuple(spec.shape)), specs))


def _plain(structure):
    """Nested texts as one: without quotation marks, and dicts without braces, as Keras shows them."""
    if isinstance(structure, dict):
        return ", ".join(f"{key}: {_plain(value)}" for key, value in structure.items())
    if isinstance(structure, (list, tuple)):
        return f"[{', '.join(map(_plain, structure))}]" if len(structure) != 1 else _plain(structure[0])
    return str(structure)


def draw_up(model, labels, expand_nested=False):
    """The Group of a model.

    Args:
        model: a built model: a Sequential, a functional model, or any other (one box, for nothing is known of what it does inside).
        labels: a Labels.
        expand_nested: whether models in it become Groups, and not boxes.
    """
    return Drawing(model, labels, expand_nested).group


class Drawing:
    """The boxes of one model, and where lines from outside reach them.

    Attributes:
        group: its Group.
        entries: for each input of the model the boxes that it goes to; exits: for each output the box that it comes from.
    """

    def __init__(self, model, labels, expand_nested, edges=None):
        self.group, self.labels, self.expand = Group(model.name), labels, expand_nested
        self.edges = self.group.edges if edges is None else edges
        if isinstance(model, Functional):
            self._graph(model._network)
        elif isinstance(model, Sequential):
            self._stack(model)
        else:
            self._part(model, [])

    def _part(self, operation, ends):
        """Adds the Box of an operation, or the Drawing of a nested model, and returns it."""
        if self.expand and isinstance(operation, (Functional, Sequential)) and operation.built:
            inner = Drawing(operation, self.labels, True, self.edges)
            self.group.members.append(inner.group)
            return inner
        box = self.labels.box(operation, ends)
        self.group.members.append(box)
        return box

    def _graph(self, network):
        """A functional model: its inputs and operations in Keras' order, and the calls between them."""
        ends = {id(layer): [(None, network.specs[number])] for number, layer in enumerate(network.input_layers)}
        for row in network.rows:
            ends.setdefault(id(row.operation), []).append(_ends(row, network.specs))
        parts = {id(op): self._part(op, ends.get(id(op), [])) for op in network.operations}
        sources = {number: _exit(parts[id(op)], index) for number, (op, _, index) in network.sources().items()}
        for row in network.rows:
            for number, box in _targets(parts[id(row.operation)], row):
                self.edges.setdefault((sources[number], box), self.group)
        self.entries = [[sources[number]] for number in range(len(network.input_layers))]
        self.exits = [sources[number] for number in network.outputs]

    def _stack(self, model):
        """A Sequential: its layers; the input has no box of its own, as in Keras."""
        specs = model._specs[-len(model.layers) - 1:]
        ends = [[pair] for pair in zip(specs, specs[1:])] or [[]] * len(model.layers)
        parts = [self._part(layer, end) for layer, end in zip(model.layers, ends)]
        for before, after in zip(parts, parts[1:]):
            for box in _entry(after):
                self.edges.setdefault((_exit(before, 0), box), self.group)
        self.entries, self.exits = [_entry(parts[0])], [_exit(parts[-1], 0)]


def _entry(part):
    """The boxes that the one input of a part goes to."""
    return part.entries[0] if isinstance(part, Drawing) else [part]


def _exit(part, index):
    """The box that a result of a part comes from."""
    return part.exits[index] if isinstance(part, Drawing) else part


def _targets(part, row):
    """(number of a tensor, the box it goes to) for what a call is given."""
    if not isinstance(part, Drawing):
        return [(number, part) for number in row.inputs()]
    given = row.args[0] if row.args else next(iter(row.kwargs.values()))
    order = row.operation._in_order(given) if isinstance(row.operation, Functional) else [given]
    return [(place.number, box) for value, boxes in zip(order, part.entries) for place in places(value) for box in boxes]


def _ends(row, specs):
    """The Specs that go into a call, and those that come out in their structure."""
    return [specs[number] for number in row.inputs()], replace(row.outputs, Place, lambda place: specs[place.number])
