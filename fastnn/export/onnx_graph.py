"""The graph of an ONNX file while it is made: nodes, constants, and sizes that are known only when it runs."""
import numpy as np

from ..tensor import INTS
from .sizes import Size, through, values_of
from .trace import refusal, same_array

DTYPES = {name: name.upper() for name in INTS} | {"float32": "FLOAT", "float64": "DOUBLE"}      # name in onnx.TensorProto
FAR = 2**63 - 1         # an end that lies behind every axis


class Ref:
    """A tensor of the graph.

    Attributes:
        name: in the file.
        shape: sizes, of which some may be a Size; None where nobody has asked.
        dtype: its name.
        array: its values, if it is a constant.
    """

    __slots__ = ("name", "shape", "dtype", "array")

    def __init__(self, name, shape=None, dtype=None, array=None):
        self.name, self.shape, self.dtype, self.array = name, shape, dtype, array

    @property
    def rank(self):
        return len(self.shape)


class Node:
    """A node: an operator, names of tensors ("" where an input is absent), attributes."""

    __slots__ = ("kind", "inputs", "outputs", "attributes")

    def __init__(self, kind, inputs, outputs, attributes):
        self.kind, self.inputs, self.outputs, self.attributes = kind, inputs, outputs, attributes


class Graph:
    """What converters add nodes to.

    Args:
        opset: version of ONNX' operators.
        count: how many calls the sizes come from.

    Attributes:
        nodes: list of Node, in the order in which they run.
        constants: arrays by name.
        shapes: sizes by name, of those tensors whose shapes are known.
        inputs: Refs of the model's inputs.
        layer: the path of the layer whose nodes are added; names begin with it.
        wanted_names: of a constant the name that it would have if it was not taken, by the one it has.
        near: Refs in which an open size is looked for first: the inputs of the op that is converted.
    """

    def __init__(self, opset, count):
        self.opset, self.count, self.layer = opset, count, ""
        self.nodes, self.constants, self.shapes, self.inputs, self.near = [], {}, {}, [], []
        self._taken, self.wanted_names = {}, {}

    def fresh(self, name):
        """The name itself, or with a number if it is taken."""
        used = self._taken.get(name, 0)
        self._taken[name] = used + 1
        return name if not used else self.fresh(f"{name}_{used}")

    def input(self, name, shape, dtype):
        """A new input of the model."""
        ref = Ref(self.fresh(name), shape, dtype)
        self.shapes[ref.name] = shape
        self.inputs.append(ref)
        return ref

    def node(self, kind, *inputs, results=1, **attributes):
        """Adds a node.

        Args:
            kind: name of the operator.
            inputs: Refs; None: absent.
            results: how many it has.
            attributes: those that are None are left out.

        Returns:
            Ref of the result, a list of several.
        """
        name = f"{self.layer}/{kind}" if self.layer else kind
        dtype = next((x.dtype for x in inputs if x is not None), None)
        refs = [Ref(self.fresh(name), None, dtype) for _ in range(results)]
        names = ["" if x is None else x.name for x in inputs]
        while names and not names[-1]:
            names.pop()
        self.nodes.append(Node(kind, names, [y.name for y in refs], {k: v for k, v in attributes.items() if v is not None}))
        return refs[0] if results == 1 else refs

    # ---- Constants

    def constant(self, array, name="constant"):
        """A Ref of an array; one that is there already under this name is used again."""
        array, wanted = np.asarray(array, order="C"), name
        k = 0
        while wanted in self.constants or wanted in self._taken:
            there = self.constants.get(wanted)
            if there is not None and same_array(there, array):
                return Ref(wanted, array.shape, array.dtype.name, there)
            k += 1
            wanted = f"{name}_{k}"
        self._taken[wanted], self.constants[wanted], self.wanted_names[wanted] = 1, array, name
        return Ref(wanted, array.shape, array.dtype.name, array)

    def number(self, value, dtype):
        """A scalar of a dtype, or of that of a Ref."""
        return self.constant(np.asarray(value, dtype if isinstance(dtype, str) else dtype.dtype), f"{float(value):g}")

    def whole(self, values):
        """A constant of int64, which shapes, axes and pads are."""
        array = np.asarray(values, "int64")
        return self.constant(array, "ints_" + "_".join(map(str, array.ravel().tolist())) if array.size < 8 else "ints")

    # ---- What comes up in many converters

    def cast(self, x, dtype):
        """x in a dtype; of a constant at once."""
        if x.dtype == dtype:
            return x
        if x.array is not None:
            return self.constant(x.array.astype(dtype), f"{x.name}_{dtype}")
        y = self.node("Cast", x, to=DTYPES[dtype])
        y.shape, y.dtype = x.shape, dtype
        return y

    def transpose(self, x, perm):
        """Axes in another order; of a constant at once."""
        perm = tuple(perm)
        if perm == tuple(range(len(perm))):
            return x
        if x.array is not None:
            return self.constant(x.array.transpose(perm), x.name)
        y = self.node("Transpose", x, perm=perm)
        y.shape, y.dtype = None if x.shape is None else tuple(x.shape[k] for k in perm), x.dtype
        return y

    def channels_first(self, x, rank=4):
        return self.transpose(x, (0, rank - 1, *range(1, rank - 1)))

    def channels_last(self, x, rank=4):
        return self.transpose(x, (0, *range(2, rank), 1))

    def reshape(self, x, shape):
        """x in another shape, in which there may be Sizes; by Squeeze or Unsqueeze where only axes of size 1 come or go."""
        if x.shape == shape:
            return x
        if x.array is not None and not any(n.__class__ is Size for n in shape):
            return self.constant(x.array.reshape(shape), x.name)
        for kind, long, short in (("Squeeze", x.shape, shape), ("Unsqueeze", shape, x.shape)):
            axes = extra_ones(long, short)
            if axes:
                return self._shaped(self.node(kind, x, self.whole(axes)), shape, x.dtype)
        target = [0 if n.__class__ is Size and k < x.rank and x.shape[k] == n else n for k, n in enumerate(shape)]
        open_sizes = [k for k, n in enumerate(target) if n.__class__ is Size]
        for k in open_sizes:        # one is worked out: the one that is not to be found anywhere, if there is such
            if len(open_sizes) == 1 or self.find_size(target[k]) is None:
                target[k] = -1
                break
        else:
            if open_sizes:
                target[open_sizes[-1]] = -1
        return self._shaped(self.node("Reshape", x, self.sizes(target)), shape, x.dtype)

    def _shaped(self, y, shape, dtype):
        y.shape, y.dtype = shape, dtype
        self.shapes[y.name] = shape
        return y

    # ---- Open sizes

    def sizes(self, values):
        """A vector of int64 of sizes."""
        if not any(n.__class__ is Size for n in values):
            return self.whole(list(values))
        parts = [self.size(n) if n.__class__ is Size else self.whole([n]) for n in values]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def size(self, wanted):
        """A size as a vector of one element, which is worked out when the graph runs."""
        found = self.find_size(wanted)
        if found is None:
            raise refusal(self.layer, "needs a number that follows the sizes of its input in a way that the export does not see through "
                          f"({', '.join(map(str, wanted.values))})")
        source, axis, factor, term = found
        y = self.node("Shape", source, start=axis, end=axis + 1)
        y.dtype = "int64"
        if factor != 1:
            y = self.node("Mul", y, self.whole([factor]))
        return y if not term else self.node("Add", y, self.whole([term]))

    def find_size(self, wanted):
        """A tensor, an axis of it, and by what to multiply its size and what to add to give a Size; None if there are none."""
        for source in (*self.near, *self.inputs):
            if source is not None and source.array is None and source.shape is not None and wanted in source.shape:
                return source, source.shape.index(wanted), 1, 0
        for source in self.inputs:
            for axis, size in enumerate(source.shape):
                line = through(size, wanted) if size.__class__ is Size else None
                if line is not None:
                    return source, axis, *line
        return None


def extra_ones(long, short):
    """The axes of size 1 that a shape has more than another; () if that is not all by which they differ."""
    if len(long) <= len(short):
        return ()
    axes, k = [], 0
    for axis, n in enumerate(long):
        if k < len(short) and short[k] == n:
            k += 1
        elif n == 1:
            axes.append(axis)
        else:
            return ()
    return tuple(axes) if k == len(short) else ()


def place_from(start, size, count):
    """A start or an end as ONNX takes it: an integer, counted from behind where it follows the size of the axis; else a Size."""
    if start.__class__ is not Size:
        return start
    apart = {a - n for a, n in zip(start.values, values_of(size, count))}
    return apart.pop() if len(apart) == 1 and max(apart) < 0 else start
