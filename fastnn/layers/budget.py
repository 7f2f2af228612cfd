"""How much memory the weights of new layers may take, while they are made for a file whose size is known."""
import contextlib
import math
import threading

import numpy as np

_budgets = threading.local()
SLACK = 2**20


@contextlib.contextmanager
def weights_at_most(nbytes):
    """Inside the block new weights may take as much as a file of this size can hold, and no more.

    A config of a few words can ask for a layer of many gigabytes.  A file that was saved has the weights of its config in it, in
    16 bits at the least, so that four times its size is generous.
    """
    outer = getattr(_budgets, "left", None)
    _budgets.left = _budgets.all = 4 * nbytes + SLACK
    try:
        yield
    finally:
        _budgets.left = outer


def take(shape, dtype, layer_name):
    """Takes the memory of a weight from the budget, if there is one.

    Raises:
        ValueError: so much memory that the file cannot hold these weights.
    """
    left = getattr(_budgets, "left", None)
    if left is None:
        return
    _budgets.left = left - math.prod(shape) * np.dtype(dtype).itemsize
    if _budgets.left < 0:
        raise ValueError(f'layer "{layer_name}": its config asks for a weight of shape {shape}, but the file is too small to hold the weights '
                         "of this model: it is damaged, or made to exhaust memory; nothing was loaded")
