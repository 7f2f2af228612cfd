"""Questions about tensors: dtypes, and where symbolic ones come from."""
from ..graph import KerasTensor
from ..tensor import standardize_dtype

__all__ = ["get_source_inputs", "is_keras_tensor", "standardize_dtype"]


def is_keras_tensor(x):
    """Whether something is a symbolic tensor: what `Input` gives, and what layers and ops make of it."""
    return isinstance(x, KerasTensor)


def get_source_inputs(tensor):
    """The symbolic tensors that one hangs on and that come of nothing: those of `Input`, each once.

    Args:
        tensor: a KerasTensor; anything else comes back as it is.

    Example:
        >>> a, b = layers.Input((3,), name="a"), layers.Input((3,), name="b")
        >>> [source.name for source in get_source_inputs(layers.Add()([a, b]))]
        ['a', 'b']
    """
    if not is_keras_tensor(tensor):
        return tensor
    found, seen, waiting = [], set(), [tensor]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        before = one.node.inputs if one.node is not None else []
        waiting += reversed(before)
        if not before:
            found.append(one)
    return found
