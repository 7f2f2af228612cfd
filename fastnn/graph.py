"""What is called on symbolic tensors is written down: `KerasTensor`, and `Node`, one call of a layer or of an op.

`Input` makes the first KerasTensor; a layer, an op or a function of `fastnn.ops` that is called on one gives others, each with
the Node that it comes from.  `Model(inputs, outputs)` walks from the outputs back to the inputs, and runs what lies between.
"""
from .tape import flatten, unflatten
from .tensor import Spec, Tensor, operators


class KerasTensor(Spec):
    """A tensor of a model that is being written down: it has a shape and a dtype, and no values.

    Attributes:
        node: the Node whose result it is.
        index: which of the node's results.
    """

    __slots__ = ("node", "index")

    def __init__(self, shape, dtype="float32", name=None, node=None, index=0):
        super().__init__(shape, dtype, name)
        self.node, self.index = node, index

    def __repr__(self):
        return f"<KerasTensor shape={self.shape} dtype={self.dtype} name={self.name}>"


class Node:
    """One call of an operation.

    Args:
        operation: a layer, or an Operation.
        args, kwargs: what it was called with; KerasTensors anywhere in it.
        outputs: what came of it, Specs anywhere in it; becomes KerasTensors.

    Attributes:
        inputs: the KerasTensors among the arguments, in order (see `symbols`).
        results: the KerasTensors of `outputs`, in order.
    """

    __slots__ = ("operation", "args", "kwargs", "inputs", "outputs", "results")

    def __init__(self, operation, args, kwargs, outputs):
        self.operation = operation
        self.args, self.kwargs = unflatten((args, kwargs), iter(flatten((args, kwargs))))      # own lists: the caller's may grow later
        self.inputs, self.results = symbols((args, kwargs)), []
        mine = [(spec, self._own(spec)) for spec in flatten(by_keys(outputs)) if isinstance(spec, Spec)]
        self.outputs = replace(outputs, Spec, lambda spec: mine.pop(next(i for i, pair in enumerate(mine) if pair[0] is spec))[1])

    def _own(self, spec):
        mine = KerasTensor(spec.shape, spec.dtype, getattr(self.operation, "name", None), self, len(self.results))
        mine.mask = spec.mask
        self.results.append(mine)
        return mine


class Operation:
    """A function of `fastnn.ops` as a part of one model, where it has a name.

    Args:
        function: an op, or a function made of ops.
        name: None: the model that it becomes a part of gives it one.
    """

    def __init__(self, function, name=None):
        self.function, self.name = function, name

    @property
    def class_name(self):
        """As Keras calls it: "Relu" for `relu`."""
        name = self.function.__name__
        return {"getitem": "GetItem", "abs": "Absolute"}.get(name) or "".join(part.capitalize() for part in name.split("_"))

    def __call__(self, *args, **kwargs):
        if has_symbols((args, kwargs)):
            return write_down(self, args, kwargs)
        return self.function(*args, **kwargs)

    def __reduce__(self):
        return operation_named, (self.function.__name__, self.name)


def operation_named(function_name, name):
    """An Operation as `pickle` kept it."""
    return Operation(operators[function_name], name)


def has_symbols(value):
    """Whether there is a KerasTensor in nested lists, tuples and dicts."""
    return any([leaf.__class__ is KerasTensor for leaf in flatten(value)])


def symbols(value):
    """The KerasTensors in nested lists, tuples and dicts, those of a dict by sorted keys, as Keras numbers them in files."""
    return [leaf for leaf in flatten(by_keys(value)) if leaf.__class__ is KerasTensor]


def by_keys(value):
    """Nested lists, tuples and dicts with dicts in the order of their keys, as far as these have one."""
    if isinstance(value, dict):
        keys = sorted(value) if all(isinstance(key, str) for key in value) else value
        return {key: by_keys(value[key]) for key in keys}
    return [by_keys(part) for part in value] if isinstance(value, (list, tuple)) else value


def replace(value, kind, function):
    """Nested lists, tuples and dicts with `function(x)` in the place of each x of a class."""
    return unflatten(value, iter([function(leaf) if isinstance(leaf, kind) else leaf for leaf in flatten(value)]))


def bare(value):
    """KerasTensors as Specs, which remember nothing: calls on them are not written down."""
    return replace(value, KerasTensor, _spec_of)


def _spec_of(tensor):
    spec = Spec(tensor.shape, tensor.dtype)
    spec.mask = tensor.mask
    return spec


def write_down(function, args, kwargs):
    """The result of a function of `fastnn.ops` (or an Operation) for symbolic arguments: KerasTensors of a new Node."""
    try:
        found = function(*bare(args), **bare(kwargs))
    except (ValueError, TypeError) as error:
        raise name_sources(error, (args, kwargs))
    return Node(function if isinstance(function, Operation) else Operation(function), args, kwargs, found).outputs


def origin(tensor):
    """The layer or Operation whose result a KerasTensor is; None of anything else."""
    return tensor.node.operation if tensor.__class__ is KerasTensor and tensor.node is not None else None


def name_sources(error, inputs):
    """Says in the message of an error which layers the inputs come from, once."""
    if not getattr(error, "_sources_named", False):
        named = [f'"{origin(x).name}" of shape {x.shape}' for x in symbols(inputs) if getattr(origin(x), "name", None)]
        if named:
            error.args = (f"{error}. The input comes from the layer{'s' * (len(named) > 1)} {', '.join(named)}",)
        error._sources_named = True
    return error


def recorded(function):
    """A function made of ops that is one node of a graph when it is called on KerasTensors, and not one for each op in it."""
    def call(*args, **kwargs):
        if args and args[0].__class__ is Tensor or not has_symbols((args, kwargs)):
            return function(*args, **kwargs)
        return write_down(call, args, kwargs)

    call.__name__, call.__qualname__, call.__doc__ = function.__name__, function.__qualname__, function.__doc__
    call.__module__, call.__wrapped__ = function.__module__, function
    return call
