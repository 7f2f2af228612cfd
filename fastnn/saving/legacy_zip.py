"""The weights in `.keras` files of Keras 2.12 and 2.13, which have other paths than those of Keras 3.

    _layer_checkpoint_dependencies/<class>_<number>/vars/0 ...      the layers of a model; in nested ones again
    optimizer/vars/0 ...                                            as in Keras 3, without the learning rate

Layers that have weights are listed there twice, one after the other, so that the numbers of a class skip one.
"""
from ..layers.holder import Holder
from ..utils.naming import to_snake_case
from ..utils.warn_utils import warn
from .hdf5 import Group
from .legacy_optimizer import fits
from .legacy_weights import Saved, compare, datasets_in, misfit
from .stores import fill

LAYERS = "_layer_checkpoint_dependencies"


def is_keras2(root):
    """Whether the root Group of a file's weights is of these versions."""
    return LAYERS in root


def load_state(model, root):
    """Reads the weights of a model and, if it is compiled, the state of its optimizer.

    Args:
        model: the model; its optimizer must be built.
        root: the root Group.

    Raises:
        ValueError: weights that do not fit; nothing was loaded then.
    """
    meetings = list(meetings_of(model, root, set()))
    pairs, wrong = compare(meetings)
    if wrong:
        raise ValueError(misfit(model, wrong))
    for variable, dataset in pairs:
        fill(variable, dataset)
    if model.optimizer is not None and model.optimizer.built and "optimizer/vars" in root:
        load_optimizer(model.optimizer, Numbered(root["optimizer"], "optimizer").datasets)


class Numbered(Saved):
    """The variables of one object: "vars/0", "vars/1" ..."""

    def __init__(self, group, name):
        variables = group["vars"] if group is not None and "vars" in group else None
        self.name, self.names = name, [str(i) for i in range(len(variables.keys()))] if isinstance(variables, Group) else []
        self.datasets = datasets_in(variables, self.names) if self.names else []


def meetings_of(layer, group, seen):
    """(layer, its own variables, what the file has of them) of a layer and those inside."""
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield layer, layer._own_variables(), Numbered(group, layer.name)
    for name, inner in parts_of(layer):
        found = group[name] if group is not None and name in group else None
        yield from meetings_of(inner, found if isinstance(found, Group) else None, seen)


def parts_of(layer):
    """(path, layer) of the layers inside: those of a model by class and number, others by the attributes that hold them."""
    if "_network" not in vars(layer) and "_stack" not in vars(layer):
        for name, value in vars(layer).items():
            if isinstance(value, Holder):
                yield name, value
        return
    used = {}
    for inner in layer.layers:
        kind = to_snake_case(type(inner).__name__)
        number = used.get(kind, 0)
        used[kind] = number + (2 if inner.weights else 1)
        yield f"{LAYERS}/{kind}_{number}" if number else f"{LAYERS}/{kind}", inner


def load_optimizer(optimizer, datasets):
    """Reads the state of an optimizer; a warning tells if it does not fit.  What the file has beyond ours (momentums of 0) stays there.
    """
    variables = [v for v in optimizer.variables if v is not optimizer._learning_rate]
    if len(datasets) < len(variables) or not all(map(fits, variables, datasets)):
        warn(f"the state of optimizer {optimizer.name!r} was not loaded, it starts anew: it has {len(variables)} variables besides the "
             f"learning rate, the file holds {len(datasets)}, or others")
        return
    for variable, dataset in zip(variables, datasets):
        fill(variable, dataset)
