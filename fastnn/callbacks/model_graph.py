"""The layers of a model as a GraphDef, the graph that TensorBoard draws first."""
import re

from ..utils.extras import require


def model_graph(model, config):
    """A GraphDef with a node for each call of each layer, and edges that tell the shapes of tensors; models inside are boxes.

    Args:
        model: a Sequential or functional model.
        config: its config, as plain values.
    """
    def proto(name):
        return require(f"tensorboardX.proto.{name}_pb2", "TensorBoard")

    graph = proto("graph").GraphDef(versions=proto("versions").VersionDef(producer=22))
    for node in Walk().nodes(model, config):
        made = graph.node.add(name=node.name, op=node.kind, input=node.inputs)
        for key, value in node.config.items():
            if key != "name" and isinstance(value, (bool, int, float, str)) or isinstance(value, list) and len(value) <= 8:
                made.attr[key].s = str(value).encode()
        shapes = [node.shapes.get(number) for number in range(max(node.shapes, default=-1) + 1)]
        if shapes:
            kind = proto("tensor_shape").TensorShapeProto
            made.attr["_output_shapes"].list.shape.extend([shape_proto(kind, shape) for shape in shapes])
    return graph


def shape_proto(kind, shape):
    """A shape, or None for one that is not known, as a TensorShapeProto."""
    return kind(unknown_rank=True) if shape is None else kind(dim=[{"size": -1 if side is None else side} for side in shape])


class Node:
    """A call of a layer: its name in the graph, class, arguments, the names of what it takes, and the shapes of what it gives."""

    def __init__(self, name, kind, config, inputs, shapes):
        self.name, self.kind, self.config, self.inputs, self.shapes = name, kind, config, inputs, shapes


class Walk:
    """Goes through the configs of models and of those inside them."""

    def __init__(self):
        self.made = []

    def nodes(self, model, config):
        """The Nodes of a model."""
        self.enter(model, config["config"], "", [])
        return self.made

    def enter(self, model, config, scope, given):
        """Adds the nodes of a model that is called with the results `given`; the results that it gives.

        A result is (name of a node, number among its results).
        """
        if "input_layers" in config:
            return self.functional(model, config, scope, given)
        results = given
        for entry in config["layers"]:
            if entry["class_name"] != "InputLayer" or not given:
                results = self.call(model, entry, scope, 0, results, {})
        return results

    def functional(self, model, config, scope, given):
        entries, results, shapes = {entry["name"]: entry for entry in config["layers"]}, {}, {}
        for found in tensors(config["layers"]):
            name, call, index = found["keras_history"]
            shapes.setdefault((name, call), {})[index] = found["shape"]
        for (name, call, index), output in zip(ends(config["output_layers"]), getattr(model, "outputs", ())):
            shapes.setdefault((name, call), {})[index] = tuple(output.shape)
        for number, (name, call, _) in enumerate(ends(config["input_layers"])):
            if given:
                results[name, call] = [given[min(number, len(given) - 1)]]

        def result(name, call, index):
            """The result of a call, whose nodes are added now if they are not there."""
            if (name, call) not in results:
                entry = entries[name]
                nodes = entry.get("inbound_nodes") or [{}]
                taken = [result(*found["keras_history"]) for found in tensors(nodes[call])]
                results[name, call] = self.call(model, entry, scope, call, taken, shapes.get((name, call), {}))
            made = results[name, call]
            return made[index] if index < len(made) else (made[0][0], index)

        for name, entry in entries.items():
            for call in range(max(len(entry.get("inbound_nodes") or ()), 1)):
                result(name, call, 0)
        return [result(*end) for end in ends(config["output_layers"])]

    def call(self, model, entry, scope, call, taken, shapes):
        """Adds a call of a layer, or all calls of a model that is one."""
        own = entry["config"].get("name") or entry.get("name") or entry["class_name"]
        name = scope + re.sub(r"[^A-Za-z0-9_.\\-]", "_", own) + (f".{call}" if call else "")
        layer = next((layer for layer in getattr(model, "layers", ()) if layer.name == own), None)
        if "layers" in entry["config"]:
            return self.enter(layer, entry["config"], name + "/", taken)
        if not shapes:
            given = entry["config"].get("batch_shape")      # of an InputLayer
            shapes = {0: given} if given else shapes_of(layer)
        inputs = [node if not index else f"{node}:{index}" for node, index in taken]
        self.made.append(Node(name, entry["class_name"], entry["config"], inputs, shapes))
        return [(name, 0)]


def shapes_of(layer):
    """The shapes of a layer's outputs by number, where it knows them."""
    try:
        output = layer.output
    except Exception:       # never called, or called several times
        return {}
    return {number: tuple(part.shape) for number, part in enumerate(output if isinstance(output, (list, tuple)) else [output])
            if hasattr(part, "shape")}


def tensors(value):
    """The configs of all tensors in arguments."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            yield value["config"]
        else:
            for part in value.values():
                yield from tensors(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors(part)


def ends(value):
    """The places in `input_layers` or `output_layers`, which are one place, or a list or dict of such."""
    if isinstance(value, dict):
        return [end for part in value.values() for end in ends(part)]
    if value and isinstance(value[0], str):
        return [value]
    return [end for part in value for end in ends(part)]
