"""The config of a functional model: its layers, each with the calls of it, in the form of Keras."""
import functools
import inspect

from .. import ops
from ..graph import Operation, symbols
from ..layers import Layer
from ..tensor import Tensor
from ..utils.naming import to_snake_case
from ..utils.serialization import deserialize, serialize
from .arrays import like
from .network import Place, places

OPS_MODULE = "keras.src.ops.numpy"      # Keras looks its ops up by class name, wherever they are


# ---- To plain values --------------------------------------------------------------------------------------------

def config_of(model, base):
    """The config of a Functional; base: what all layers have in theirs."""
    network = model._network
    sources = network.sources()

    def tensor(place):
        operation, call, index = sources[place.number]
        spec = network.specs[place.number]
        return {"class_name": "__keras_tensor__", "config": {"shape": list(spec.shape), "dtype": spec.dtype,
                                                             "keras_history": [operation.name, call, index]}}

    def end(number):
        operation, call, index = sources[number]
        return [operation.name, call, index]

    entries = []
    for operation in network.operations:
        rows = [row for row in network.rows if row.operation is operation]
        entries.append(layer_entry(operation, rows, tensor) if isinstance(operation, Layer) else operation_entry(operation, rows[0], tensor))
    return {"name": model.name, "trainable": base["trainable"], "layers": entries,
            "input_layers": like(model._in, [end(number) for number in range(len(network.input_layers))]),
            "output_layers": like(model._out, [end(number) for number in network.outputs])}


def layer_entry(layer, rows, tensor):
    """A layer, and the arguments of each call of it."""
    entry = serialize(layer)
    entry["name"] = layer.name
    entry["inbound_nodes"] = [{"args": plain(list(row.args), tensor), "kwargs": plain(row.kwargs, tensor)} for row in rows]
    return entry


def operation_entry(operation, row, tensor):
    """A function of `fastnn.ops`: as in Keras the arguments of its call are those up to the last tensor, others stand in its config."""
    names = list(inspect.signature(inspect.unwrap(operation.function)).parameters)
    count = 1 + max([i for i, arg in enumerate(row.args) if places(arg)], default=-1)
    if names[:2] in (["x1", "x2"], ["x", "index"], ["x", "key"]) or len(row.args) > len(names):
        count = len(row.args)       # operands may be numbers
    settings = {**dict(zip(names[count:], row.args[count:])), **{key: arg for key, arg in row.kwargs.items() if not places(arg)}}
    return {"module": OPS_MODULE, "class_name": operation.class_name,
            "config": {"name": operation.name, **plain(settings, tensor)}, "registered_name": operation.class_name, "name": operation.name,
            "inbound_nodes": [{"args": plain(list(row.args[:count]), tensor),
                               "kwargs": plain({key: arg for key, arg in row.kwargs.items() if places(arg)}, tensor)}]}


def plain(value, tensor):
    """Arguments as plain values: tensors of the network by `tensor`, slices and constants in words."""
    if value.__class__ is Place:
        return tensor(value)
    if isinstance(value, slice):
        return {"class_name": "__slice__", "config": {"start": value.start, "stop": value.stop, "step": value.step}}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(value, tuple):
        return {"class_name": "__tuple__", "items": [plain(part, tensor) for part in value]}
    if isinstance(value, list):
        return [plain(part, tensor) for part in value]
    if isinstance(value, dict):
        return {key: plain(part, tensor) for key, part in value.items()}
    if isinstance(value, Tensor):
        return serialize(value.numpy())
    return serialize(value)


# ---- And back ---------------------------------------------------------------------------------------------------

def tensors_of(config, custom_objects=None):
    """(inputs, outputs) of a config, symbolic, of new layers."""
    operations, calls = {}, []
    for entry in config["layers"]:
        operations[entry["name"]] = operation_of(entry, custom_objects)
        calls += [(entry["name"], number, node) for number, node in enumerate(entry["inbound_nodes"])]
    results = {}
    for name, operation in operations.items():
        if isinstance(operation, Layer) and not [c for c in calls if c[0] == name] and operation._inbound_nodes:
            results[name, 0] = [operation.output]
    while calls:
        waiting = [call for call in calls if not run_call(operations, results, *call)]
        if len(waiting) == len(calls):
            raise ValueError(f'the config of model {config.get("name")!r} has calls whose inputs are nowhere: '
                             f"{', '.join(sorted({name for name, _, _ in waiting}))}")
        calls = waiting

    def end(place):
        name, call, index = place
        if (name, call) not in results:
            raise ValueError(f"the config of model {config.get('name')!r} names the tensor {place!r}, which no layer of it makes")
        return results[name, call][index]

    return ends(config["input_layers"], end), ends(config["output_layers"], end)


def ends(structure, end):
    """The tensors of `input_layers` or `output_layers`: [name, 0, 0], or a list or dict of such."""
    if isinstance(structure, dict):
        return {key: ends(part, end) for key, part in structure.items()}
    if isinstance(structure, (list, tuple)) and len(structure) == 3 and isinstance(structure[0], str) and isinstance(structure[1], int):
        return end(structure)
    return [ends(part, end) for part in structure]


def operation_of(entry, custom_objects):
    """A layer of a config, or a function of `fastnn.ops`."""
    if ".ops" not in (entry.get("module") or ""):
        return deserialize({key: entry[key] for key in ("module", "class_name", "config", "registered_name") if key in entry},
                           custom_objects=custom_objects)
    name = to_snake_case(entry["class_name"])
    function = getattr(ops, name, None)
    if function is None:
        raise ValueError(f"the op {entry['class_name']!r} of this config is not in fastnn.ops")
    settings = {key: restored(value, None) for key, value in entry["config"].items() if key != "name"}

    return functools.partial(Operation(function, entry["config"].get("name")), **settings)


def run_call(operations, results, name, number, node):
    """Runs a call, if all that it takes is there already; says whether it did."""
    def tensor(place):
        key, call, index = place
        return results[key, call][index]

    args, kwargs = node["args"], node.get("kwargs", {})
    needed = [place for place in histories((args, kwargs))]
    if any((place[0], place[1]) not in results or place[2] >= len(results[place[0], place[1]]) for place in needed):
        return False
    args = restored(args, tensor)
    if getattr(getattr(operations[name], "func", None), "class_name", None) == "GetItem" and isinstance(args[1], list):
        args[1] = tuple(args[1])        # x[:, 2]: Keras writes the tuple as a list
    found = operations[name](*args, **restored(kwargs, tensor))
    results[name, number] = symbols(found)
    return True


def histories(value):
    """Where the tensors in plain arguments come from."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [tuple(value["config"]["keras_history"])]
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return []
    return [found for part in value for found in histories(part)]


def restored(value, tensor):
    """The inverse of `plain`."""
    if isinstance(value, dict):
        kind = value.get("class_name")
        if kind == "__keras_tensor__":
            return tensor(value["config"]["keras_history"])
        if kind == "__slice__":
            return slice(*[value["config"][key] for key in ("start", "stop", "step")])
        if kind == "__ellipsis__":
            return Ellipsis
        if kind == "__tuple__":
            return tuple(restored(part, tensor) for part in value["items"])
        return deserialize(value) if kind is not None else {key: restored(part, tensor) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [restored(part, tensor) for part in value]
    return value
