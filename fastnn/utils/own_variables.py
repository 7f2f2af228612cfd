"""Variables and the entry of a file that holds them, under "0", "1" ..., as layers and optimizers are saved."""
import numpy as np


def save(variables, store):
    """Puts the values of variables into a dict-like store."""
    for i, variable in enumerate(variables):
        store[str(i)] = variable.numpy()


def load(variables, store):
    """Sets variables to the values in a store, which must be as many (see `mismatch`)."""
    for i, variable in enumerate(variables):
        fill = getattr(store, "fill", None)     # files read into the memory of variables
        if fill is None:
            variable.assign(store[str(i)])
        else:
            fill(str(i), variable)


def mismatch(variables, store):
    """What is in the way of loading variables from a store, in words; None if nothing is."""
    names = [v.name for v in variables]
    if len(store.keys()) != len(variables):
        return f"has {len(variables)} variables {names}, the file holds {len(store.keys())}"
    for i, variable in enumerate(variables):
        if str(i) not in store:
            return f"has {len(variables)} variables {names}, the file holds others: {sorted(store.keys())}"
        shape = store.shape(str(i)) if hasattr(store, "shape") else np.shape(store[str(i)])
        if tuple(shape) != tuple(variable.shape):
            return f"has {variable.name!r} of shape {tuple(variable.shape)}, the file holds it with shape {tuple(shape)}"
    return None
