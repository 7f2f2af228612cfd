"""Network: what lies between some symbolic tensors and others, in an order in which it can run.

The order is that of Keras, because weights are stored in it: a node is as deep as its longest way to an output, deeper nodes come
first, and nodes of one depth in the order in which a walk from the outputs meets their operations.
"""
import collections

from ..graph import KerasTensor, Operation, origin, replace
from ..layers import Input, InputLayer, Layer
from ..tape import flatten
from ..tensor import Spec
from ..utils.naming import unique_name
from . import fusion


class Place:
    """Stands for a tensor in the arguments of a row: its number."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number

    def __repr__(self):
        return f"Place({self.number})"


class Row:
    """One call of a network.

    Attributes:
        operation: layer or Operation; args, kwargs: with Places; outputs: the structure of its results, of Places.
        results: the numbers of its results.
        only: the number of its one argument, if it has but that one; else None.
    """

    __slots__ = ("operation", "args", "kwargs", "outputs", "results", "only")

    def __init__(self, operation, args, kwargs, outputs):
        self.operation, self.args, self.kwargs, self.outputs = operation, args, kwargs, outputs
        self.results = [place.number for place in places(outputs)]
        single = len(args) == 1 and not kwargs and args[0].__class__ is Place and outputs.__class__ is Place
        self.only = args[0].number if single else None

    def inputs(self):
        """The numbers of the tensors among the arguments."""
        return [place.number for place in places((self.args, self.kwargs))]

    def __getstate__(self):
        return self.operation, self.args, self.kwargs, self.outputs

    def __setstate__(self, state):
        self.__init__(*state)


def places(value):
    """The Places in nested lists, tuples and dicts."""
    return [leaf for leaf in flatten(value) if leaf.__class__ is Place]


class Network:
    """The calls between symbolic inputs and outputs.

    Args:
        name: of the model, for messages.
        inputs, outputs: lists of KerasTensors.

    Attributes:
        rows: the calls, in the order in which they run.
        operations: layers (with an InputLayer for each input) and Operations, in Keras' order.
        specs: Spec of each tensor by number; the inputs have the first numbers.
        outputs: numbers of the outputs.

    Raises:
        ValueError: an output that hangs on another input, two operations of one name.
    """

    def __init__(self, name, inputs, outputs):
        walk = Walk(name, inputs, outputs)
        numbers = {id(tensor): number for number, tensor in enumerate(inputs)}
        self.specs = [Spec(t.shape, t.dtype) for t in inputs]
        self.operations = walk.operations
        self.input_layers = [walk.input_layers[id(tensor)] for tensor in inputs]

        def number(tensor):
            return Place(numbers[id(tensor)])

        self.rows = []
        for node in walk.nodes:
            for tensor in node.results:
                if id(tensor) not in numbers:
                    numbers[id(tensor)] = len(self.specs)
                    self.specs.append(Spec(tensor.shape, tensor.dtype))
            self.rows.append(Row(node.operation, replace(node.args, KerasTensor, number), replace(node.kwargs, KerasTensor, number),
                                 replace(node.outputs, KerasTensor, number)))
        self.outputs = [numbers[id(tensor)] for tensor in outputs]
        self._plan = None

    def __getstate__(self):
        return {**vars(self), "_plan": None}

    # ---- Running -------------------------------------------------------------------------------------------

    def run(self, inputs):
        """The values of the outputs for those of the inputs (both lists)."""
        if self._plan is None:
            self._plan = self._make_plan()
        values = [None] * len(self.specs)
        values[:len(inputs)] = inputs
        for call, row, only, result, done in self._plan:
            if only is not None:
                values[result] = call(values[only])
            else:
                self._run(call, row, values)
            for number in done:
                values[number] = None       # so that its memory can be used again
        return [values[number] for number in self.outputs]

    def _run(self, call, row, values):
        """A call with several arguments or results."""
        def value(place):
            return values[place.number]

        found = call(*replace(row.args, Place, value), **replace(row.kwargs, Place, value))
        put(row.outputs, found, values, row.operation)

    def _make_plan(self):
        """(what to call, the row, number of its one argument, number of its one result, numbers that are not needed afterwards)."""
        found, last = [], {}
        for chain in self._chains():
            for call, rows in fusion.steps([row.operation for row in chain], chain):
                head, tail = rows[0], rows[-1]
                only = head.only if len(rows) > 1 or head.only is not None else None
                found.append((call, head, only, tail.results[0] if tail.results else None))
                for number in [*head.inputs(), *tail.results]:
                    last[number] = len(found) - 1
        done = collections.defaultdict(list)
        for number, position in last.items():
            if number not in self.outputs:
                done[position].append(number)
        return [(*entry, tuple(done[position])) for position, entry in enumerate(found)]

    def _chains(self):
        """The rows, cut into runs in which each takes the result of the one before it and nobody else does."""
        users = collections.Counter(number for row in self.rows for number in row.inputs())
        users.update(self.outputs)
        takers = {row.only: row for row in self.rows if row.only is not None and isinstance(row.operation, Layer)}
        taken, chains = set(), []
        for row in self.rows:
            if id(row) in taken:
                continue
            chain = [row]
            while row.only is not None and isinstance(row.operation, Layer) and users[row.results[0]] == 1:
                row = takers.get(row.results[0])
                if row is None or not fusion.may_follow(chain[0].operation, row.operation):
                    break
                chain.append(row)
                taken.add(id(row))
            chains.append(chain)
        return chains

    # ---- Writing it down again -----------------------------------------------------------------------------

    def call_again(self, inputs, operation_for=lambda operation: operation):
        """The outputs (a list) for other symbolic inputs, with the same operations or others in their place."""
        tensors_by_number = dict(enumerate(inputs))

        def tensor(place):
            return tensors_by_number[place.number]

        for row in self.rows:
            call = operation_for(row.operation)
            found = call(*replace(row.args, Place, tensor), **replace(row.kwargs, Place, tensor))
            put(row.outputs, found, tensors_by_number, row.operation)
        return [tensors_by_number[number] for number in self.outputs]

    def new_inputs(self):
        """KerasTensors like the inputs, of the same InputLayers."""
        return [layer.output for layer in self.input_layers]

    # ---- Looking at it -------------------------------------------------------------------------------------

    def sources(self):
        """For each tensor by number: (the operation that it comes from, the number of the call of this, the number of the result)."""
        found = {number: (layer, 0, 0) for number, layer in enumerate(self.input_layers)}
        calls = collections.Counter()
        for row in self.rows:
            for index, number in enumerate(row.results):
                found[number] = row.operation, calls[id(row.operation)], index
            calls[id(row.operation)] += 1
        return found

    def is_chain(self):
        """Whether it is a stack: one input, and each call takes the one result of the call before it, each layer once."""
        expected, seen = 0, set()
        for row in self.rows:
            if row.inputs() != [expected] or len(row.results) != 1 or id(row.operation) in seen:
                return False
            seen.add(id(row.operation))
            expected = row.results[0]
        return len(self.input_layers) == 1


def put(places, found, values, operation):
    """Puts what a call gave where the Places of its results say, by the keys of dicts and the order of lists.

    Raises:
        ValueError: results of another structure than the symbolic call had.
    """
    if places.__class__ is Place:
        values[places.number] = found
    elif isinstance(places, dict) and isinstance(found, dict) and places.keys() <= found.keys():
        for key, part in places.items():
            put(part, found[key], values, operation)
    elif isinstance(places, (list, tuple)) and isinstance(found, (list, tuple)) and len(places) == len(found):
        for part, y in zip(places, found):
            put(part, y, values, operation)
    elif isinstance(places, (list, tuple, dict)):
        raise ValueError(f'layer "{operation.name}" of a model gave a {type(found).__name__}, but for symbolic inputs a '
                         f"{type(places).__name__} of {len(places)}: it must give the same structure each time")


class Walk:
    """The way from outputs back to inputs.

    Attributes:
        nodes: the nodes on it, in the order in which they run; those of the inputs are left out.
        operations: as `Network.operations`.
        input_layers: InputLayer by id of the input tensor.
    """

    def __init__(self, name, inputs, outputs):
        self.name, self.given = name, {id(tensor): tensor for tensor in inputs}
        self.input_layers = {id(t): origin(t) if isinstance(origin(t), InputLayer) else
                             Input(batch_shape=t.shape, dtype=t.dtype).node.operation for t in inputs}
        self.order, self.seen = [], set()           # nodes, those that feed others before these; operations as they are met
        self.met = {}
        for tensor in outputs:
            self._visit(tensor)
        self._give_names()
        self._sort(inputs)
        self._check_names()

    def _key(self, tensor):
        """What computes a tensor: a node; of an input its InputLayer."""
        return self.input_layers[id(tensor)] if id(tensor) in self.given else tensor.node

    def _meet(self, operation):
        self.met.setdefault(id(operation), len(self.met))

    def _visit(self, output):
        """All nodes that a tensor hangs on, without recursion: networks are deep."""
        way = [(output, None)]
        while way:
            tensor, parts = way[-1]
            key = self._key(tensor)
            if parts is None:
                if id(key) in self.seen:
                    way.pop()
                    continue
                if key is None:
                    raise ValueError(f'model "{self.name}": the output of shape {output.shape} is not connected to the inputs given: it needs '
                                     f"the KerasTensor of shape {tensor.shape} that comes of nothing. Pass it in `inputs`, too")
                self._meet(key if id(tensor) in self.given else key.operation)
                if id(tensor) not in self.given and not key.inputs:
                    raise ValueError(self._disconnected(output, tensor, [t for t, _ in way]))
                parts = iter(() if id(tensor) in self.given else key.inputs)
                way[-1] = tensor, parts
            following = next(parts, None)
            if following is not None:
                way.append((following, None))
                continue
            way.pop()
            if id(key) not in self.seen:
                self.seen.add(id(key))
                self.order.append(key)

    def _disconnected(self, output, tensor, way):
        layers = [t.node.operation.name or t.node.operation.class_name for t in reversed(way)]
        return (f'model "{self.name}": the output of shape {output.shape} is not connected to the inputs given: it needs the input '
                f'"{tensor.node.operation.name}" of shape {tensor.shape} (by way of {" -> ".join(layers)}), which is not among '
                f"{[layer.name for layer in self.input_layers.values()]}. Pass it in `inputs`, too")

    def _give_names(self):
        for key in self.order:
            operation = getattr(key, "operation", None)
            if isinstance(operation, Operation) and operation.name is None:
                operation.name = unique_name(operation.class_name)

    def _sort(self, inputs):
        """Depths, from the outputs on; then the order of nodes and of operations."""
        depths, of_operation = {}, {}
        for key in reversed(self.order):
            operation = key if isinstance(key, Layer) else key.operation
            depth = max(depths.get(id(key), 0), of_operation.get(id(operation), 0))
            depths[id(key)] = of_operation[id(operation)] = depth
            for tensor in () if isinstance(key, Layer) else key.inputs:
                before = id(self._key(tensor))
                depths[before] = max(depth + 1, depths.get(before, 0))
        operations = {id(op): op for op in [key if isinstance(key, Layer) else key.operation for key in self.order]}
        for tensor in inputs:       # those that no output needs
            layer = self.input_layers[id(tensor)]
            operations.setdefault(id(layer), layer)
            of_operation.setdefault(id(layer), 0)
            self._meet(layer)
        self.operations = sorted(operations.values(), key=lambda op: (-of_operation[id(op)], self.met[id(op)]))
        self.nodes = sorted([key for key in self.order if not isinstance(key, Layer)], key=lambda node: -depths[id(node)])

    def _check_names(self):
        counts = collections.Counter(operation.name for operation in self.operations)
        for name, count in counts.items():
            if count > 1:
                same = [type(op).__name__ if isinstance(op, Layer) else op.class_name for op in self.operations if op.name == name]
                raise ValueError(f'model "{self.name}": the name "{name}" is used {count} times, by {" and ".join(same)}: the layers of '
                                 "a model need unique names, pass another `name`")
