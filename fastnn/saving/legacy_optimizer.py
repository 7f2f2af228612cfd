"""The state of optimizers in the older format.

Keras 3 writes the variables in the order of `optimizer.variables`, which are the same here.  Keras 2 names them

    iteration:0, Adam/m/dense/kernel:0, Adam/v/dense/kernel:0 ...               (2.11 and later)
    Adam/iter:0, Adam/dense/kernel/m:0, Adam/dense/bias/m:0 ... Adam/dense/kernel/v:0 ...      (before)

and the first versions by numbers alone.  All three go through the trainable weights in the order of the model's layers.
"""
import math

from ..optimizers import Nadam
from ..tensor import Variable
from ..utils.warn_utils import warn
from .legacy_weights import datasets_in, names_in
from .stores import fill

# What is kept for each weight: the name that ends our variables' -> names of Keras 2.
SLOTS = {
    "momentum": ("momentum", "m"), "velocity": ("velocity", "v", "rms"), "velocity_hat": ("velocity_hat", "vhat"),
    "norm": ("norm", "u", "v"), "average_gradient": ("average_gradient", "mg"), "accumulator": ("accumulator",), "linear": ("linear",),
    "accumulated_grad": ("accumulated_grad", "accum_grad"), "accumulated_delta_var": ("accumulated_delta_var", "accum_var"),
    "average": ("average",), "gradient_accumulator": ("gradient_accumulator",),
}
WORDS = {word for words in SLOTS.values() for word in words}
SCALARS = {"iter": "iteration", "iterations": "iteration", "iteration": "iteration", "learning_rate": "learning_rate"}


def load_optimizer(optimizer, group, order):
    """Reads the state of an optimizer that is built; a warning tells if the file has none that fits.

    Args:
        optimizer: the Optimizer.
        group: "optimizer_weights" of the file.
        order: the trainable weights in the order in which the file goes through them.
    """
    names = names_in(group, "weight_names")
    datasets = datasets_in(group, names)
    pairs = (as_in_keras3(optimizer, datasets, order) or by_slots(optimizer, names, datasets, order)
             or by_number(optimizer, datasets, order))
    if pairs is None:
        warn(f"the state of optimizer {optimizer.name!r} was not loaded, it starts anew: it has {len(optimizer.variables)} variables "
             f"({', '.join(v.name for v in optimizer.variables[:8])} ...), the file holds others: {', '.join(names[:8])} ...")
        return
    for variable, dataset in pairs:
        fill(variable, dataset)
    product = product_of(optimizer)
    if product is not None and not any(variable is product for variable, _ in pairs):
        product.assign(product_after(int(optimizer.iterations), optimizer.beta_1))


def product_of(optimizer):
    """The product of Nadam's momentums, which Keras 2 did not save; None for other optimizers."""
    return optimizer._product if isinstance(optimizer, Nadam) else None


def product_after(updates, beta_1):
    return math.prod(beta_1 * (1 - 0.5 * 0.96 ** t) for t in range(1, min(updates, 10_000) + 1))      # it is 0 long before


def fits(variable, dataset):
    return tuple(variable.shape) == tuple(dataset.shape) and dataset.dtype.kind in "fiu"


def as_in_keras3(optimizer, datasets, order):
    """(variable, Dataset) by their order, or None."""
    variables, trained = optimizer.variables, optimizer._trainable_variables
    same = len(order) == len(trained) and all(a is b for a, b in zip(order, trained))
    if not same or len(variables) != len(datasets) or not all(map(fits, variables, datasets)):
        return None
    return list(zip(variables, datasets))


def slots_of(optimizer):
    """{slot: its variables, in the order of the weights}."""
    found = {}
    for variable in optimizer.variables:
        slot = next((slot for slot in sorted(SLOTS, key=len, reverse=True) if variable.name.endswith(f"_{slot}")), None)
        if slot is not None:
            found.setdefault(slot, []).append(variable)
    return found


def word_of(name):
    """The slot, or the scalar, that a name in a file speaks of."""
    parts = name.partition(":")[0].split("/")
    if parts[-1] in SCALARS:
        return SCALARS[parts[-1]]
    if len(parts) > 2 and parts[-1] in WORDS:
        return parts[-1]
    if len(parts) > 2 and parts[1] in WORDS:
        return parts[1]
    return next((word for word in sorted(SLOTS, key=len, reverse=True) if parts[-1].endswith(f"_{word}")), None)


def by_slots(optimizer, names, datasets, order):
    """(variable, Dataset) by what the names say, or None.  What the file has beyond ours (a momentum of 0, say) is left there."""
    theirs = {}
    for name, dataset in zip(names, datasets):
        theirs.setdefault(word_of(name), []).append(dataset)
    pairs = scalars(optimizer, theirs)
    if pairs is None or set(theirs) <= {"iteration", "learning_rate"}:     # the latter of an optimizer that was never used
        return pairs
    for slot, variables in slots_of(optimizer).items():
        found = next((theirs[word] for word in SLOTS[slot] if word in theirs), ())
        placed = in_file_order(optimizer, variables, order)
        if placed is None or len(found) != len(placed) or not all(map(fits, placed, found)):
            return None
        pairs += zip(placed, found)
    known = {id(variable) for variable, _ in pairs} | {id(optimizer._learning_rate), id(product_of(optimizer))}
    return pairs if all(id(variable) in known for variable in optimizer.variables) else None


def scalars(optimizer, theirs):
    """(variable, Dataset) of the step count and, where the file has one, the learning rate; None without a count."""
    if len(theirs.get("iteration", ())) != 1 or not fits(optimizer._iterations, theirs["iteration"][0]):
        return None
    pairs = [(optimizer._iterations, theirs["iteration"][0])]
    rate = theirs.get("learning_rate", ())
    if isinstance(optimizer._learning_rate, Variable) and len(rate) == 1 and fits(optimizer._learning_rate, rate[0]):
        pairs.append((optimizer._learning_rate, rate[0]))
    return pairs


def in_file_order(optimizer, variables, order):
    """The variables of a slot in the order in which the file goes through the weights; None if it knows others."""
    places = {id(v): i for i, v in enumerate(optimizer._trainable_variables)}
    if len(variables) != len(places) or {id(v) for v in order} != set(places):
        return None
    return [variables[places[id(v)]] for v in order]


def by_number(optimizer, datasets, order):
    """(variable, Dataset) of files without telling names: the step count, then slot by slot; or None."""
    arrays = [dataset for dataset in datasets if tuple(dataset.shape) != ()]
    counts = [dataset for dataset in datasets if tuple(dataset.shape) == ()]
    placed = [in_file_order(optimizer, variables, order) for variables in slots_of(optimizer).values()]
    if None in placed or len(counts) != 1 or not fits(optimizer._iterations, counts[0]):
        return None
    wanted = [variable for variables in placed for variable in variables]
    if len(wanted) < len(optimizer.variables) - 2 or len(arrays) < len(wanted) or not all(map(fits, wanted, arrays)):
        return None
    return [(optimizer._iterations, counts[0]), *zip(wanted, arrays)]
