"""The weights of layers in the older format: whose they are, what they are called, and which of the file go where."""
from ..layers.structure import unique
from ..utils.warn_utils import warn
from .hdf5 import Dataset, Group, HDF5Error
from .stores import fill


def legacy_weights(layer):
    """The weights of a layer in the order of files."""
    return layer.trainable_weights + layer.non_trainable_weights


# ---- Names ------------------------------------------------------------------------------------------------------

def keras_paths(model):
    """The paths that Keras gives to the weights of a model: {id(variable): path}.

    A path tells inside which layers a layer was built: those of a Sequential, of a wrapper or of a class of the user's; the layers of a
    functional model are built when it is written down, outside of it.
    """
    paths = {}

    def visit(layer, prefix):
        for variable in layer._own_variables():
            paths.setdefault(id(variable), f"{prefix}/{variable.name}")
        for inner in layer._layers:
            alone = "_network" in vars(layer) or "_network" in vars(inner) or vars(inner).get("_given_input", False)
            visit(inner, inner.name if alone else f"{prefix}/{inner.name}")

    visit(model, model.name)
    return paths


def names_in(group, attribute):
    """A list of names from an attribute, or from the parts that it was split into."""
    if attribute in group.attrs:
        parts = [group.attrs[attribute]]
    else:
        parts = []
        while f"{attribute}{len(parts)}" in group.attrs:
            parts.append(group.attrs[f"{attribute}{len(parts)}"])
    return [name.decode() if isinstance(name, bytes) else str(name)
            for part in parts for name in ([part] if isinstance(part, (str, bytes)) else part)]


def short(name):
    """Layer and weight of a path: "dense/kernel"; Keras 2 puts ":0" behind it."""
    return "/".join(name.partition(":")[0].split("/")[-2:])


# ---- In the file ------------------------------------------------------------------------------------------------

def group_in(root, name):
    """The Group of a name.

    Raises:
        HDF5Error: it is missing, or an array.
    """
    group = root[name] if name in root else None
    if not isinstance(group, Group):
        raise HDF5Error(f"the file is damaged: it should hold the group {name!r}, and does not")
    return group


def datasets_in(group, names):
    """The Datasets of these names.

    Raises:
        HDF5Error: one is missing, or is a group.
    """
    found = []
    for name in names:
        dataset = group[name] if name in group else None
        if not isinstance(dataset, Dataset):
            raise HDF5Error(f"the file is damaged: it should hold the weight {name!r}, and does not")
        found.append(dataset)
    return found


class Saved:
    """The weights of a layer in a file: its name, the names of the weights, and their Datasets."""

    def __init__(self, root, name):
        group = group_in(root, name)
        self.name, self.names = name, names_in(group, "weight_names")
        self.datasets = datasets_in(group, self.names)

    def pairs(self, variables):
        """(variable, Dataset) of each weight: by the weights' names where these are the same, otherwise by their order.

        Layers inside one that was frozen since it was saved have their weights in another order.
        """
        ours, theirs = [short(v.path) for v in variables], [short(name) for name in self.names]
        if ours != theirs and len(set(ours)) == len(ours) and sorted(ours) == sorted(theirs):
            by_name = dict(zip(theirs, self.datasets))
            return [(v, by_name[name]) for v, name in zip(variables, ours)]
        return list(zip(variables, self.datasets))


# ---- Into a model -----------------------------------------------------------------------------------------------

def load_layers(model, group, by_name=False, skip_mismatch=False, own_group="top_level_model_weights"):
    """Reads the weights of a model.

    Args:
        model: the model.
        group: what has the attribute "layer_names".
        by_name, skip_mismatch: as of `load_weights`.
        own_group: where the model's own weights are.

    Returns:
        The model's trainable weights in the order in which the file has them: that of the optimizer's state.

    Raises:
        ValueError: layers or weights that do not fit; nothing was loaded then.
    """
    if not model.weights and not model.built:
        raise ValueError(f'model "{model.name}" has no weights yet that could be loaded: call it on data, or build it, first')
    saved = [Saved(group, name) for name in names_in(group, "layer_names")]
    meet = meet_by_name if by_name else meet_in_order
    meetings = meet(model, saved)
    own = model._own_variables()
    if own_group in group:
        found = Saved(group, own_group)
        if found.names or own:
            meetings.append((model, own, found))
    pairs, wrong = compare(meetings)
    if wrong and not skip_mismatch:
        raise ValueError(misfit(model, wrong) + "\nThe weights are those of another model. `skip_mismatch=True` leaves such weights as "
                         "they are, `by_name=True` gives layers the weights of their names")
    for line in wrong:
        warn(f"not loaded: {line}")
    for variable, dataset in pairs:
        fill(variable, dataset)
    return unique([v for layer, _, _ in meetings if layer is not model for v in layer.trainable_weights]
                  + [v for v in own if v.trainable])


def meet_in_order(model, saved):
    """(layer, its weights, Saved) of the layers that have weights; by name where all names are the same."""
    layers = [layer for layer in model.layers if layer.weights]
    saved = [one for one in saved if one.names]
    if len(layers) != len(saved):
        raise ValueError(
            f'the file has {len(saved)} layers with weights ({listing(one.name for one in saved)}), model "{model.name}" has {len(layers)} '
            f"({listing(layer.name for layer in layers)}); nothing was loaded. `by_name=True` loads those whose names are the same")
    by_name = {layer.name: layer for layer in layers}
    if set(by_name) == {one.name for one in saved} and len(by_name) == len(layers):
        layers = [by_name[one.name] for one in saved]
    return [(layer, legacy_weights(layer), one) for layer, one in zip(layers, saved)]


def meet_by_name(model, saved):
    """(layer, its weights, Saved) of the layers whose names are in the file."""
    layers = {layer.name: layer for layer in model.layers}
    return [(layers[one.name], legacy_weights(layers[one.name]), one) for one in saved
            if one.name in layers and (one.names or layers[one.name].weights)]


def compare(meetings):
    """The (variable, Dataset) that fit, and what does not, in words: one line for each layer."""
    pairs, wrong = [], []
    for layer, variables, saved in meetings:
        who = f'layer "{layer.name}"' + ("" if layer.name == saved.name else f' (in the file "{saved.name}")')
        if len(variables) != len(saved.datasets):
            wrong.append(f"{who} has {len(variables)} weights ({listing(f'{v.name} {tuple(v.shape)}' for v in variables)}), the file holds "
                         f"{len(saved.datasets)} ({listing(f'{n} {tuple(d.shape)}' for n, d in zip(saved.names, saved.datasets))})")
            continue
        problems = []
        for variable, dataset in saved.pairs(variables):
            if tuple(variable.shape) == tuple(dataset.shape) and dataset.dtype.kind in "fiub":
                pairs.append((variable, dataset))
            elif dataset.dtype.kind not in "fiub":
                problems.append(f"{variable.name}: the file holds no numbers but {dataset.dtype}")
            else:
                problems.append(f"{variable.name} of shape {tuple(variable.shape)}, the file holds {tuple(dataset.shape)}")
        if problems:
            wrong.append(f"{who} has {'; '.join(problems)}")
    return pairs, wrong


def misfit(model, wrong):
    return f'the file does not fit model "{model.name}"; nothing was loaded:\n' + "\n".join(f"- {line}" for line in wrong[:20])


def listing(names):
    names = list(names)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
