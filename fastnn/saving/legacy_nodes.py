"""Graphs in the configs of Keras 2: calls as nested lists, and TensorFlow's functions as layers; in the form of Keras 3.

A tensor there is `[layer, call, index, {keyword arguments}]`, a call the structure of its tensors.  In Keras 3 a call is
{"args": [...], "kwargs": {...}} in which tensors are marked.
"""
OPS_MODULE = "keras.src.ops.numpy"
CONSTANT = "_CONSTANT_VALUE"        # in the place of a layer: the third entry is a number

SAME = {name: name for name in (
    "abs", "add", "arctan2", "ceil", "cos", "elu", "equal", "erf", "exp", "expand_dims", "expm1", "floor", "gelu", "greater",
    "greater_equal", "less", "less_equal", "log", "log1p", "log_softmax", "logical_and", "logical_not", "logical_or", "matmul", "maximum",
    "minimum", "multiply", "negative", "not_equal", "ones_like", "reciprocal", "relu", "relu6", "reshape", "round", "rsqrt", "selu",
    "sigmoid", "sign", "silu", "sin", "softmax", "softplus", "softsign", "sqrt", "square", "squeeze", "stack", "subtract", "tan", "tanh",
    "transpose", "where", "zeros_like", "leaky_relu", "cast", "tile", "top_k", "repeat")}
# TensorFlow's function without its module -> ours.
FUNCTIONS = SAME | {
    "sub": "subtract", "mul": "multiply", "neg": "negative", "divide": "true_divide", "truediv": "true_divide", "floordiv": "floor_divide",
    "pow": "power", "concat": "concatenate", "reduce_mean": "mean", "reduce_sum": "sum", "reduce_max": "max", "reduce_min": "min",
    "reduce_prod": "prod", "clip_by_value": "clip", "swish": "silu"}
MODULES = ("math", "nn", "linalg", "__operators__", "keras.activations", "keras.backend")
# Their keyword arguments -> ours, in the order in which they may also stand.
ARGUMENTS = {"x": None, "y": None, "axis": "axis", "keepdims": "keepdims", "keep_dims": "keepdims", "perm": "axes", "shape": "shape",
             "clip_value_min": "x_min", "clip_value_max": "x_max", "alpha": "negative_slope", "transpose_a": "transpose_a",
             "transpose_b": "transpose_b", "dtype": "dtype", "multiples": "repeats", "approximate": "approximate", "b": None}
UNUSED = ("name", "adjoint_a", "adjoint_b", "a_is_sparse", "b_is_sparse", "output_type", "conjugate")


# ---- The graph --------------------------------------------------------------------------------------------------

def modern_graph(config):
    """The config of a functional model.

    Raises:
        ValueError: functions of TensorFlow that have no counterpart, calls that are damaged.
    """
    entries = config.get("layers")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"the config of model {config.get('name')!r} has no list of layers")
    if not any(isinstance(node, list) for entry in entries for node in entry.get("inbound_nodes", ())):
        return config
    calls = {entry["name"]: len(entry.get("inbound_nodes", ())) for entry in entries}
    shift = {name for name, count in calls.items() if count and count in _calls_of(name, entries, config.get("output_layers"))}

    def tensor(place):
        name, call, index = place[:3]
        return {"class_name": "__keras_tensor__", "config": {"shape": None, "dtype": None,
                                                             "keras_history": [name, call - (name in shift), index]}}

    return {**config, "layers": [_entry(entry, calls, tensor) for entry in entries],
            "input_layers": _ends(config.get("input_layers"), shift), "output_layers": _ends(config.get("output_layers"), shift)}


def _calls_of(name, entries, ends):
    """The numbers of the calls of a layer that anything takes: those of models begin with 1 in Keras 2, for they were called when they
    were made."""
    found = set()

    def walk(value):
        if isinstance(value, dict):
            value = value.values()
        elif not isinstance(value, list):
            return
        elif len(value) in (3, 4) and value[0] == name and isinstance(value[1], int):
            found.add(value[1])
        for part in value:
            walk(part)

    walk([entry.get("inbound_nodes", []) for entry in entries])
    walk(ends)
    return found


def _ends(value, shift):
    """`input_layers` or `output_layers`: Keras 2 lists also a single one."""
    if isinstance(value, dict):
        return {key: _ends(part, shift) for key, part in value.items()}
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        name, call, index = value
        return [name, call - (name in shift), index]
    parts = [_ends(part, shift) for part in value or ()]
    return parts[0] if len(parts) == 1 else parts


def _entry(entry, known, tensor):
    """A layer with its calls."""
    nodes = [_call(node, known, tensor) for node in entry.get("inbound_nodes", ())]
    kind = entry["class_name"]
    if kind in ("SlicingOpLambda", "TensorFlowOpLayer"):
        raise ValueError(f'the model has TensorFlow code as the layer "{entry["name"]}" ({kind}), which cannot be run here: write '
                         "that part with layers (Cropping1D and Reshape, say), and save the model again")
    if kind not in ("TFOpLambda", "ClassMethod"):
        return {**entry, "inbound_nodes": nodes}
    function = str(entry["config"].get("function"))
    made = [_operation(function, entry["name"], node) for node in nodes]
    return {"module": OPS_MODULE, "class_name": made[0][0], "config": {"name": entry["name"]}, "registered_name": made[0][0],
            "name": entry["name"], "inbound_nodes": [node for _, node in made]}


# ---- Calls ------------------------------------------------------------------------------------------------------

def _call(node, known, tensor):
    """{"args", "kwargs"} of a call."""
    if isinstance(node, dict):
        return node
    if not isinstance(node, list):
        raise ValueError(f"the config of the model is damaged: {node!r} is no call of a layer")
    options = {}

    def walk(value, first):
        if isinstance(value, dict):
            return {key: walk(part, first) for key, part in value.items()}
        if isinstance(value, list):
            if len(value) in (3, 4) and value[0] == CONSTANT:
                found = value[2]
            elif len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int) and (first or value[0] in known):
                found = tensor(value)
            else:
                return [walk(part, first) for part in value]
            if first and len(value) == 4 and isinstance(value[3], dict):
                options.update(value[3])
            return found
        return value

    args = walk(node, True)
    if isinstance(args, list) and len(args) == 1:       # a call of a layer is a list of its tensors, also if it is one
        args = args[0]
    return {"args": [args], "kwargs": {key: walk(value, False) for key, value in options.items()}}


def _operation(function, name, node):
    """(class name, call) of a function of TensorFlow as one of Keras' ops."""
    module, _, short = function.rpartition(".")
    op = FUNCTIONS.get(short) if module in ("", *MODULES) else None
    if op is None:
        raise ValueError(f'the model calls TensorFlow\'s function tf.{function} (layer "{name}"), which cannot be run here: write '
                         "that part with layers, and save the model again")
    args, kwargs = list(node["args"]), {}
    for key, value in node["kwargs"].items():
        if key in UNUSED:
            continue
        if key not in ARGUMENTS:
            raise ValueError(f'the model calls tf.{function} (layer "{name}") with the argument {key!r}, which is not known here')
        if ARGUMENTS[key] is None:
            args.append(value)
        elif value is not None or key != "axis":
            kwargs[ARGUMENTS[key]] = value
    if op == "elu" and "negative_slope" in kwargs:
        kwargs["alpha"] = kwargs.pop("negative_slope")
    if op == "gelu":
        kwargs.setdefault("approximate", False)
    return "".join(part.capitalize() for part in op.split("_")), {"args": args, "kwargs": kwargs}
