"""clone_model: the same architecture again, with weights of its own."""
from ..graph import Operation
from ..layers import Input, InputLayer
from .arrays import leaves, like
from .functional import Functional
from .sequential import Sequential


def clone_model(model, input_tensors=None, clone_function=None, call_function=None, recursive=False, **kwargs):
    """A model with new layers, made from the configs of those of `model`: new weights, the same connections.

    Args:
        model: a Functional or Sequential; of a subclass, what `from_config` makes of its config.
        input_tensors: symbolic tensors to begin with, in the structure of the model's inputs; None: new ones.
        clone_function: function from a layer to the one in its place; None: `type(layer).from_config(layer.get_config())`.
        call_function: function `f(layer, *args, **kwargs)` in place of `layer(*args, **kwargs)`.
        recursive: whether clone_function also gets the layers inside models that are layers.

    Returns:
        A Functional or Sequential; not compiled.

    Raises:
        ValueError: arguments for a model of a subclass, for which there is nothing to call.

    Example:
        >>> inputs = fastnn.Input((3,))
        >>> twin = clone_model(fastnn.Model(inputs, layers.Dense(2)(inputs)))
        >>> twin.count_params()
        8
    """
    if isinstance(model, Sequential):
        return clone_sequential(model, input_tensors, clone_function or clone_layer, call_function, recursive)
    if isinstance(model, Functional):
        return clone_functional(model, input_tensors, clone_function or clone_layer, call_function, recursive)
    if input_tensors is not None or clone_function is not None or call_function is not None:
        raise ValueError(f'clone_model: "{model.name}" is of the class {type(model).__name__}, whose calls are Python code: only '
                         "Functional and Sequential models take input_tensors, clone_function and call_function")
    return type(model).from_config(model.get_config())


def clone_layer(layer):
    """A new layer of the same config."""
    return layer._clone()


def clone_part(layer, clone_function, recursive):
    """What stands for a layer in the clone."""
    if recursive and isinstance(layer, (Functional, Sequential)):
        return clone_model(layer, clone_function=clone_function, recursive=True)
    found = clone_function(layer)
    if not callable(found):
        raise ValueError(f'clone_model: clone_function returned {found!r} for the layer "{layer.name}", expected a layer')
    return found


def clone_sequential(model, input_tensors, clone_function, call_function, recursive):
    """`clone_model` of a Sequential."""
    if call_function is not None:
        raise ValueError("clone_model: a Sequential takes no call_function: its layers are called one after another")
    twin = Sequential(name=model.name)
    stack = list(model._stack)
    if input_tensors is not None:
        given = leaves(input_tensors)
        if len(given) != 1:
            raise ValueError(f"clone_model: a Sequential has one input, received {len(given)} input_tensors")
        stack = [given[0], *[layer for layer in stack if not isinstance(layer, InputLayer)]]
    for layer in stack:
        known = layer in leaves(input_tensors)
        twin.add(layer if known else clone_layer(layer) if isinstance(layer, InputLayer) else clone_part(layer, clone_function, recursive))
    return twin


def clone_functional(model, input_tensors, clone_function, call_function, recursive):
    """`clone_model` of a Functional: its rows are called again, with a twin in the place of each layer."""
    network, made = model._network, {}
    if input_tensors is None:
        inputs = [Input(batch_shape=s.shape, dtype=s.dtype, name=s.name) for s in model._input_specs]
    else:
        inputs = leaves(input_tensors)
        if len(inputs) != len(model._input_specs):
            raise ValueError(f'clone_model: "{model.name}" has {len(model._input_specs)} inputs, received {len(inputs)} input_tensors')

    def twin_of(operation):
        if id(operation) not in made:
            made[id(operation)] = (Operation(operation.function, operation.name) if isinstance(operation, Operation) else
                                   clone_part(operation, clone_function, recursive))
        layer = made[id(operation)]
        if call_function is None:
            return layer
        return lambda *args, **kwargs: call_function(layer, *args, **kwargs)

    outputs = network.call_again(inputs, twin_of)
    return Functional(like(model._in, inputs), like(model._out, outputs), name=model.name)
