"""Making a graph smaller: Transposes travel behind what does not mind them, until they meet their inverses."""
from collections import Counter

import numpy as np

from .onnx_graph import Node

ELEMENTWISE = set("Neg Abs Sign Sqrt Reciprocal Floor Ceil Round Exp Log Sin Cos Tan Tanh Erf IsNaN IsInf Not Relu Softplus Sigmoid Elu "
                  "LeakyRelu Selu Gelu Clip Cast Add Sub Mul Div Pow Max Min And Or Xor Equal Less LessOrEqual Greater GreaterOrEqual "
                  "Where Mod".split())
REDUCTIONS = {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"}


def optimized(graph, outputs):
    """The graph without nodes that do nothing, that nobody needs, or that are there twice, and with few Transposes."""
    wanted = [y.name for y in outputs]
    graph.nodes = needed(graph.nodes, wanted)
    graph.nodes = Travel(graph).nodes
    graph.nodes = needed(without_pairs(once(graph.nodes)), wanted)
    graph.nodes = with_biases(graph, wanted)
    graph.nodes = named_at_the_end(needed(once(graph.nodes), wanted), wanted, {x.name for x in graph.inputs} | set(graph.constants))
    name_constants(graph)
    return graph


def name_constants(graph):
    """Leaves those constants that are used, under the names that they should have, where others before took these."""
    used, names = {name for node in graph.nodes for name in node.inputs}, {}
    taken = used.union(*[node.outputs for node in graph.nodes], [x.name for x in graph.inputs])
    for name in graph.constants:
        wanted = graph.wanted_names[name]
        if name in used and wanted != name and wanted not in taken and wanted not in names.values():
            names[name] = wanted
    graph.nodes = [renamed(node, names) for node in graph.nodes]
    graph.constants = {names.get(name, name): array for name, array in graph.constants.items() if name in used}


def needed(nodes, wanted):
    """Those nodes alone that the outputs need."""
    names, kept = set(wanted), []
    for node in reversed(nodes):
        if not names.isdisjoint(node.outputs):
            names.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def renamed(node, names):
    return Node(node.kind, [names.get(x, x) for x in node.inputs], node.outputs, node.attributes)


def once(nodes):
    """Nodes that compute the same are one."""
    names, known, kept = {}, {}, []
    for node in nodes:
        node = renamed(node, names)
        key = node.kind, tuple(node.inputs), repr(sorted(node.attributes.items(), key=lambda pair: pair[0]))
        if node.kind != "Identity" and key in known:
            names.update(zip(node.outputs, known[key].outputs))
        else:
            known[key] = node
            kept.append(node)
    return kept


def without_pairs(nodes):
    """Unsqueeze behind the Squeeze that it undoes, and the other way round, are nothing."""
    names, made, kept = {}, {}, []
    for node in nodes:
        node = renamed(node, names)
        before = made.get(node.inputs[0]) if node.inputs else None
        if before is not None and {before.kind, node.kind} == {"Squeeze", "Unsqueeze"} and before.inputs[1] == node.inputs[1]:
            names[node.outputs[0]] = before.inputs[0]
            continue
        made[node.outputs[0]] = node
        kept.append(node)
    return kept


def with_biases(graph, wanted):
    """A convolution takes in what is added to its channels behind it, where nobody else takes its result."""
    takers = Counter([name for node in graph.nodes for name in node.inputs] + wanted)
    makers, kept = {}, []
    for node in graph.nodes:
        for x, b in (node.inputs, node.inputs[::-1]) if node.kind == "Add" else ():
            conv, bias = makers.get(x), graph.constants.get(b)
            if conv is not None and takers[x] == 1 and bias is not None and bias.shape == (1, channels(graph, conv), 1, 1):
                kept.remove(conv)
                flat = graph.constant(bias.ravel(), graph.wanted_names[b])
                node = Node(conv.kind, [*conv.inputs, flat.name], node.outputs, conv.attributes)
                break
        if node.kind in ("Conv", "ConvTranspose") and len(node.inputs) == 2 and node.inputs[1] in graph.constants:
            makers[node.outputs[0]] = node
        kept.append(node)
    return kept


def channels(graph, conv):
    """How many channels a convolution makes."""
    kernel = graph.constants[conv.inputs[1]]
    return kernel.shape[0] if conv.kind == "Conv" else kernel.shape[1] * conv.attributes["group"]


def named_at_the_end(nodes, wanted, given):
    """An Identity that names an output is left out where the node before can bear its name."""
    makers = {name: node for node in nodes for name in node.outputs}
    ends = [node for node in nodes if node.kind == "Identity" and node.outputs[0] in wanted]
    names = {}
    for node in ends:
        source = node.inputs[0]
        if source not in given and source not in names and source not in wanted and makers[source].kind != "Identity":
            names[source] = node.outputs[0]
    kept = [n for n in nodes if not (n in ends and names.get(n.inputs[0]) == n.outputs[0])]
    return [Node(n.kind, [names.get(x, x) for x in n.inputs], [names.get(y, y) for y in n.outputs], n.attributes) for n in kept]


# ---- Transposes -------------------------------------------------------------------------------------------------

class Travel:
    """Moves Transposes behind the nodes that take them.  y = Transpose(x, perm): axis k of y is axis perm[k] of x.

    Attributes:
        nodes: what there is then.
    """

    def __init__(self, graph):
        self.graph, self.nodes = graph, []
        self.inner, self.names = {}, {}     # name -> (what was transposed, perm); names of results that are another tensor
        for node in graph.nodes:
            self.visit(renamed(node, self.names))

    def visit(self, node):
        if node.kind == "Transpose":
            self.transpose(node.inputs[0], tuple(node.attributes["perm"]), node.outputs[0])
            return
        perms = {self.inner[x][1] for x in node.inputs if x in self.inner}
        rule = self.rule(node.kind) if len(perms) == 1 and len(node.outputs) == 1 else None
        moved = rule(node, perms.pop()) if rule is not None else None
        if moved is None:
            self.nodes.append(node)
            return
        inputs, attributes, perm = moved
        name = self.graph.fresh(f"{node.outputs[0]}/inner")
        self.nodes.append(Node(node.kind, inputs, [name], attributes))
        self.transpose(name, perm, node.outputs[0])

    def transpose(self, x, perm, result):
        """Adds a Transpose, as one with that before it."""
        if x in self.inner:
            x, first = self.inner[x]
            perm = tuple(first[k] for k in perm)
        if perm == tuple(range(len(perm))):
            self.names[result] = x
        else:
            self.inner[result] = x, perm
            self.nodes.append(Node("Transpose", [x], [result], {"perm": list(perm)}))

    def rule(self, kind):
        if kind in ELEMENTWISE:
            return self.elementwise
        if kind in REDUCTIONS:
            return self.reduction
        return {"Concat": self.concat, "Softmax": self.along_axis, "LogSoftmax": self.along_axis, "Pad": self.pad, "Slice": self.slice,
                "Squeeze": self.squeeze, "Unsqueeze": self.unsqueeze, "Resize": self.resize}.get(kind)

    # ---- For each kind of node: its inputs and attributes in front of the Transpose, and the perm of that; None: it stays behind it

    def elementwise(self, node, perm):
        inputs = [self.operand(x, perm) for x in node.inputs]
        return None if None in inputs else (inputs, node.attributes, perm)

    def operand(self, name, perm):
        """The name of an operand as it meets what was transposed; None if it cannot."""
        if not name or name in self.inner:
            return self.inner[name][0] if name else name
        back, rank = np.argsort(perm).tolist(), len(perm)
        array = self.graph.constants.get(name)
        if array is not None:
            if array.size == 1 and array.ndim <= 1:
                return name
            if array.ndim > rank:
                return None
            return self.graph.constant(array.reshape((1,) * (rank - array.ndim) + array.shape).transpose(back), name).name
        shape = self.graph.shapes.get(name)
        if shape == ():
            return name
        if shape is None or len(shape) != rank or sum(n == 1 for n in shape) < 2:
            return None
        turned = self.graph.fresh(f"{name}/turned")       # small beside the other
        self.nodes.append(Node("Transpose", [name], [turned], {"perm": back}))
        return turned

    def along_axis(self, node, perm):
        return [self.inner[node.inputs[0]][0]], {**node.attributes, "axis": perm[node.attributes["axis"]]}, perm

    def concat(self, node, perm):
        if not all(x in self.inner for x in node.inputs):
            return None
        return [self.inner[x][0] for x in node.inputs], {"axis": perm[node.attributes["axis"]]}, perm

    def whole(self, name):
        """The integers of a constant; None."""
        array = self.graph.constants.get(name)
        return None if array is None else array.ravel().tolist()

    def reduction(self, node, perm):
        axes = self.whole(node.inputs[1])
        if axes is None:
            return None
        axes = [perm[k] for k in axes]
        inputs = [self.inner[node.inputs[0]][0], self.graph.whole(sorted(axes)).name]
        return inputs, node.attributes, perm if node.attributes["keepdims"] else left_over(perm, axes)

    def squeeze(self, node, perm):
        axes = [perm[k] for k in self.whole(node.inputs[1])]
        return [self.inner[node.inputs[0]][0], self.graph.whole(sorted(axes)).name], {}, left_over(perm, axes)

    def unsqueeze(self, node, perm):
        """New axes stand before the axis that follows them."""
        rank = len(perm) + self.graph.constants[node.inputs[1]].size
        new = sorted(k % rank for k in self.whole(node.inputs[1]))
        old = iter(perm)
        outer = [("new", k) if k in new else next(old) for k in range(rank)]        # what each axis of the result is
        inner = list(range(len(perm)))
        for k in reversed(new):
            follows = k + 1 < rank
            inner.insert(inner.index(outer[k + 1]) if follows else len(inner), outer[k])
        axes = [k for k, what in enumerate(inner) if what in [outer[n] for n in new]]
        return [self.inner[node.inputs[0]][0], self.graph.whole(axes).name], {}, tuple(inner.index(what) for what in outer)

    def pad(self, node, perm):
        pads = self.whole(node.inputs[1])
        if pads is None or len(node.inputs) > 3:
            return None
        rank, moved = len(perm), [0] * len(pads)
        for k, axis in enumerate(perm):
            moved[axis], moved[rank + axis] = pads[k], pads[rank + k]
        return [self.inner[node.inputs[0]][0], self.graph.whole(moved).name, *node.inputs[2:]], node.attributes, perm

    def slice(self, node, perm):
        axes = self.whole(node.inputs[3])
        turned = self.graph.whole([perm[k] for k in axes]).name
        return [self.inner[node.inputs[0]][0], *node.inputs[1:3], turned, *node.inputs[4:]], {}, perm

    def resize(self, node, perm):
        scales = self.graph.constants[node.inputs[2]]
        turned = self.graph.constant(scales[np.argsort(perm)], "scales").name
        return [self.inner[node.inputs[0]][0], "", turned], node.attributes, perm


def left_over(perm, gone):
    """A perm without some axes of what was transposed."""
    stay = [axis for axis in perm if axis not in gone]
    order = sorted(stay)
    return tuple(order.index(axis) for axis in stay)
