"""Function, what lies between symbolic tensors as something to call; and Operation, the base of own nodes of graphs."""
import copyreg

from .. import graph, ops, tree
from ..tape import flatten
from ..tensor import Spec
from ..utils.naming import unique_name
from .arrays import leaves, like
from .functional import check_symbols
from .network import Network


class Operation(graph.Operation):
    """Base of own functions of tensors that become nodes of graphs under a name of their own.

    A subclass has `call(*args)`, which computes with `fastnn.ops`, and, where that cannot be asked with symbolic tensors,
    `compute_output_spec(*args)`, which gives the KerasTensors (shape and dtype) of the results.

    Args:
        name: None: made from the class name.

    Example:
        >>> class Double(Operation):
        ...     def call(self, x):
        ...         return 2 * x
        >>> inputs = layers.Input((3,))
        >>> fastnn.Model(inputs, Double()(inputs)).predict(np.ones((1, 3)), verbose=0).tolist()
        [[2.0, 2.0, 2.0]]
    """

    def __init__(self, name=None):
        super().__init__(None, unique_name(type(self).__name__) if name is None else name)

    @property
    def class_name(self):
        """The name of the class."""
        return type(self).__name__

    def __call__(self, *args, **kwargs):
        if graph.has_symbols((args, kwargs)):
            return graph.write_down(self, args, kwargs)
        if any(isinstance(x, Spec) for x in flatten([args, kwargs])):
            return self.compute_output_spec(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args, **kwargs):
        """The results; subclasses override it."""
        raise TypeError(f"{type(self).__name__} must define `call(self, ...)`")

    def compute_output_spec(self, *args, **kwargs):
        """Shapes and dtypes of the results: what `call` makes of symbolic tensors."""
        return self.call(*args, **kwargs)

    def symbolic_call(self, *args, **kwargs):
        """The call, written down in a graph."""
        return graph.write_down(self, args, kwargs)

    def get_config(self):
        """The arguments that make this operation again."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        """An operation from the result of `get_config`."""
        return cls(**config)

    def __reduce__(self):
        return copyreg.__newobj__, (type(self),), self.__getstate__()

    def __getstate__(self):
        return dict(vars(self))

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


class Function(Operation):
    """What lies between symbolic inputs and outputs, as something to call; unlike a model it has no state and no training.

    Args:
        inputs: a KerasTensor, or a list, tuple or dict of them.
        outputs: KerasTensors that come of these, in such a structure.
        name: None: made from the class name.

    Raises:
        ValueError: outputs that do not hang on the inputs alone; called: inputs of another structure or shape.

    Example:
        >>> x, y = fastnn.KerasTensor((None, 2)), fastnn.KerasTensor((None, 2))
        >>> Function([x, y], ops.maximum(x, y))([np.array([[1.0, 2.0]]), np.array([[0.0, 3.0]])]).tolist()
        [[1.0, 3.0]]
    """

    def __init__(self, inputs, outputs, name=None):
        super().__init__(name)
        for argument, value in (("inputs", inputs), ("outputs", outputs)):
            check_symbols(self.name, argument, value)
        self.inputs, self.outputs = leaves(inputs), leaves(outputs)
        self._in, self._out = like(inputs, [None] * len(self.inputs)), like(outputs, [None] * len(self.outputs))
        self._network = Network(self.name, self.inputs, self.outputs)

    @property
    def operations(self):
        """The layers and functions between inputs and outputs, inputs too, as deep ones come first."""
        return list(self._network.operations)

    # As of a Functional, the symbolic tensors of a copy are made anew.
    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name not in ("inputs", "outputs")}

    def __setstate__(self, state):
        vars(self).update(state)
        self.inputs = self._network.new_inputs()
        self.outputs = self._network.call_again(self.inputs)

    def call(self, inputs):
        """The outputs for inputs in the structure of the symbolic ones."""
        return like(self._out, self._network.run(self._checked(inputs)))

    def compute_output_spec(self, inputs):
        """Shapes and dtypes of the outputs."""
        return like(self._out, self._network.run(self._checked(inputs)))

    def compute_output_shape(self, input_shape):
        """The shapes of the outputs, in their structure, for those of the inputs."""
        shapes = []
        tree.map_shape_structure(shapes.append, input_shape)
        specs = [Spec(shape, x.dtype) for shape, x in zip(shapes, self.inputs)]
        return like(self._out, [tuple(y.shape) for y in self._network.run(specs)])

    def _checked(self, inputs):
        try:
            tree.assert_same_structure(tree.map_structure(lambda x: None, inputs), self._in)
        except ValueError as error:
            raise ValueError(f'function "{self.name}" was called with inputs of another structure than its own: {error}') from None
        found = []
        for x, wanted in zip(leaves(inputs), self.inputs):
            x = x if isinstance(x, Spec) else ops.convert_to_tensor(x, dtype=wanted.dtype)
            fits = len(x.shape) == len(wanted.shape) and all(None in (m, n) or m == n for m, n in zip(x.shape, wanted.shape))
            if not fits:
                raise ValueError(f'function "{self.name}": the input "{wanted.name}" must have the shape {wanted.shape}, received '
                                 f"{tuple(x.shape)}")
            found.append(x)
        return found
