"""Writing a model as an ONNX file: from the trace of its calls to the graph, and to the file."""
import os

import numpy as np

from .. import __version__
from ..layers import Layer
from ..utils.atomic import replacing
from ..utils.extras import require
from ..utils.io_utils import print_msg
from .onnx_converters import converter
from .onnx_graph import DTYPES, Graph, Node, Ref
from .onnx_moves import made_outside
from .onnx_passes import optimized
from .signature import output_names, traced
from .sizes import Size
from .trace import NotExportable, refusal

OPSET, LEAST = 20, 18
LARGEST = 2**31 - 2**20     # bytes: what protobuf holds
FEW = 'of which ONNX engines have few operators: make the model with dtype="float32"'
SMALL = 2**16               # bytes of a result that is computed beforehand even if it is larger than what it is made of


def onnx(model, path, *, opset=None, input_signature=None, batch_size=None, verbose=None):
    """Writes a model as an ONNX file, which onnxruntime and others run.

    What the model computes when it predicts is written down op by op, so own layers and models written as classes are exported, too.
    Sizes of the inputs that are open (None) stay so in the file; the first one is called "batch".

    Args:
        model: a built Model.
        path: of the file.
        opset: version of ONNX' operators, from 18 on; None: 20.
        input_signature: InputSpecs, KerasTensors or arrays that say shapes and dtypes of the inputs, in their structure; None: those
            that the model was built with.
        batch_size: fixes the first size of the inputs; None: it stays open.
        verbose: whether a line says what was written; None: True.

    Raises:
        ImportError: the package onnx is missing.  TypeError: something else than a model.
        ValueError: a model that is not built, that has an op without a counterpart (the message names layer and op), that is not of
            float32, or that is larger than 2 GB, which is the most that a file of this kind holds.

    Example:
        >>> import os, tempfile
        >>> fastnn.export.onnx(model, os.path.join(tempfile.mkdtemp(), "model.onnx"))
    """
    content = serialized(model, opset, input_signature, batch_size)
    with replacing(path) as part, open(part, "wb") as file:
        file.write(content)
    if verbose is not False:
        print_msg(f"Saved the model '{model.name}' as ONNX at '{os.fspath(path)}'")


def serialized(model, opset=None, input_signature=None, batch_size=None):
    """The bytes of the file, checked by the package onnx; arguments and errors as of `onnx`."""
    package = require("onnx", "fastnn.export.onnx")
    if not isinstance(model, Layer):
        raise TypeError(f"fastnn.export.onnx writes models. Received: {model!r}")
    opset, newest = OPSET if opset is None else opset, package.defs.onnx_opset_version()
    if not isinstance(opset, (int, np.integer)) or not LEAST <= opset <= newest:
        raise ValueError(f"`opset` must be an integer from {LEAST} to {newest}, the newest that onnx {package.__version__} knows. "
                         f"Received: {opset!r}")
    try:
        trace, names = traced(model, input_signature, batch_size)
        graph, outputs = build(model, trace, names, opset)
        proto = as_proto(package, model, graph, outputs)
    except NotExportable as error:
        raise ValueError(f"cannot export the model {model.name!r} as ONNX: {error}") from None
    try:
        package.checker.check_model(proto, full_check=True)
    except (package.checker.ValidationError, package.shape_inference.InferenceError) as error:
        raise ValueError(f"cannot export the model {model.name!r} as ONNX, whose operators do not take this: {error}") from error
    return proto.SerializeToString()


# ---- The graph --------------------------------------------------------------------------------------------------

def build(model, trace, names, opset):
    """The Graph of a trace, and the Refs of its outputs.

    Args:
        names: of the inputs.
    """
    graph, refs = Graph(opset, trace.count), {}
    doubles = [value for value in (*trace.inputs, *trace.outputs) if value.dtype == "float64"]
    if doubles:
        raise NotExportable(f"an input or an output is of float64, {FEW}")
    for value, name in zip(trace.inputs, names):
        refs[id(value)] = graph.input(name, value.shape, value.dtype)
    wanted = [graph.fresh(name) for name in output_names(model, trace.structure, len(trace.outputs))]
    for call in trace.calls:
        graph.layer = call.layer
        if not foldable(call):
            convert(graph, call, refs)
    graph.layer = ""
    outputs = []
    for name, value in zip(wanted, trace.outputs):
        source = ref_of(graph, value, refs)
        graph.nodes.append(Node("Identity", [source.name], [name], {}))
        outputs.append(Ref(name, value.shape, value.dtype))
    return optimized(graph, outputs), outputs


def foldable(call):
    """Whether the results are the same for all inputs, and no burden to the file: they are constants, then."""
    fixed = [y.fixed for y in call.outputs]
    if any(y is None for y in fixed):
        return False
    given = sum(x.arrays[0].nbytes for x in call.inputs if x is not None and x.arrays[0] is not None)
    return sum(y.nbytes for y in fixed) <= max(given, SMALL)


def ref_of(graph, value, refs):
    """The Ref of a Value; one that is met for the first time is a variable or a constant."""
    if id(value) not in refs:
        if value.kind == "variable" and value.dtype == "float64":
            raise NotExportable(f'the variable "{value.name}" is of float64, {FEW}')
        if value.follows:
            raise refusal(graph.layer, "takes a further result of an op of which the export has the first alone",
                          "compute it with other ops, or add a converter (docs/onnx.md)")
        array = value.fixed
        ref = made_outside(graph, value) if array is None else graph.constant(array, value.name or "constant")
        ref.shape, ref.dtype = value.shape, value.dtype
        refs[id(value)] = ref
    return refs[id(value)]


def convert(graph, call, refs):
    """Adds the nodes of a call."""
    found = converter(call.op.name)
    if found is None:
        raise refusal(call.layer, f"computes fastnn.ops.{call.op.name}, which has no counterpart in ONNX here",
                      "compute it with other ops, leave the layer out of the exported model, or add a converter (docs/onnx.md)")
    function, keywords = found
    inputs = [None if x is None else ref_of(graph, x, refs) for x in call.inputs]
    graph.near = inputs
    chosen = {name: call.outputs[0] if name == "to" else call.attributes[name] for name in keywords}
    try:
        made = function(graph, *inputs, **chosen)
    except TypeError as error:
        if not any(n.__class__ is Size for x in call.inputs if x is not None for n in x.shape):
            raise
        raise refusal(call.layer, f"computes fastnn.ops.{call.op.name} on open sizes, where its converter needs numbers") from error
    for value, ref in zip(call.outputs, made if isinstance(made, (tuple, list)) else (made,)):
        if ref is not None:
            ref.shape, ref.dtype = value.shape, value.dtype
            graph.shapes[ref.name] = value.shape
            refs[id(value)] = ref


# ---- The file ---------------------------------------------------------------------------------------------------

def as_proto(package, model, graph, outputs):
    """The Graph as a ModelProto."""
    helper, total = package.helper, sum(a.nbytes for a in graph.constants.values())
    if total > LARGEST:
        raise NotExportable(f"its weights are {total / 2**30:.1f} GB, and a file holds 2 GB at most: export parts of it as models")
    nodes = [helper.make_node(n.kind, n.inputs, n.outputs, name=n.outputs[0], **plain(package, n)) for n in graph.nodes]
    weights = [package.numpy_helper.from_array(array, name) for name, array in graph.constants.items()]
    ends = [[info(package, x, graph) for x in tensors] for tensors in (graph.inputs, outputs)]
    imports = [helper.make_opsetid("", graph.opset)]
    return helper.make_model(helper.make_graph(nodes, model.name, *ends, weights), opset_imports=imports, producer_name="fastnn",
                             producer_version=__version__, ir_version=helper.find_min_ir_version_for(imports))


def plain(package, node):
    """The attributes as make_node takes them: dtypes as numbers."""
    return {k: getattr(package.TensorProto, v) if k == "to" else v for k, v in node.attributes.items()}


def info(package, ref, graph):
    """Name, dtype and shape of an input or output; open sizes have names."""
    shape = [size_name(graph, n, f"{ref.name}_{k}") if n.__class__ is Size else n for k, n in enumerate(ref.shape)]
    return package.helper.make_tensor_value_info(ref.name, getattr(package.TensorProto, DTYPES[ref.dtype]), shape)


def size_name(graph, size, otherwise):
    """ "batch", or the input and axis that an open size comes from."""
    for x in graph.inputs:
        if size in x.shape:
            axis = x.shape.index(size)
            return "batch" if axis == 0 else f"{x.name}_{axis}"
    return otherwise
