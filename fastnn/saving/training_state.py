"""All that training changes: variables of a model, of its optimizers and metrics, and where random numbers stand."""
import random as python_random
import re

import numpy as np

from .. import random
from ..layers.structure import contents, unique
from ..optimizers import Optimizer


def variables_of(model):
    """The variables that training changes, by group: "model", "optimizers", "metrics"."""
    optimizers = unique(one for layer in model._flatten_layers() for one in contents(vars(layer), Optimizer))
    return {"model": list(model.variables), "optimizers": [v for one in optimizers for v in one.variables],
            "metrics": [v for metric in model.metrics for v in metric.variables]}


def values_of(model):
    """Names and values of `variables_of`, for `set_values`."""
    return {group: [(v.path, v.numpy()) for v in variables] for group, variables in variables_of(model).items()}


def set_values(model, values):
    """Sets the variables, in place, to what `values_of` gave; `misfit` must have found nothing."""
    for group, variables in variables_of(model).items():
        for variable, (_, value) in zip(variables, values[group], strict=True):
            variable.assign(value)


def misfit(model, values):
    """How the variables differ from those that the values are of, in words; None if they fit."""
    for group, variables in variables_of(model).items():
        kept = [(plain(path), value.shape, value.dtype.name) for path, value in values[group]]
        here = [(plain(v.path), v.shape, v.dtype) for v in variables]
        for one, other in zip(kept, here):
            if one != other:
                return f"{described(one)} is among the variables of its {group}, where there is {described(other)} now"
        if len(kept) != len(here):
            one = (kept[len(here):] or here[len(kept):])[0]
            return f"its {group} had {len(kept)} variables, there are {len(here)} now (the first of the others: {described(one)})"
    return None


def same_number(model, values):
    """Whether there are as many variables as values, in every group."""
    return all(len(variables) == len(values[group]) for group, variables in variables_of(model).items())


def plain(path):
    """A path without the numbers by which layers of one class are told apart, which go on counting when a model is made again."""
    return re.sub(r"_\d+(?=[_/]|$)", "", path)


def described(variable):
    return "{} {} {}".format(*variable)


def random_state():
    """Where the global generators stand: fastnn's, NumPy's and Python's."""
    seeds, _, values = random.global_state()
    return {"seeds": seeds, "global": values, "numpy": np.random.get_state(legacy=False), "python": python_random.getstate()}


def set_random_state(state):
    """Takes them back to where `random_state` was asked for."""
    while len(random.global_generators()) < len(state["global"]):
        random.global_seed_generator()
    random.set_global_state((state["seeds"], random.global_generators()[:len(state["global"])], state["global"]))
    np.random.set_state(state["numpy"])
    python_random.setstate(state["python"])
