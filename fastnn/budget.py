"""How much memory new variables may take, while a model is made for a file whose size is known."""
import contextlib
import math
import threading

import numpy as np

_budgets = threading.local()
TIMES, SLACK = 6, 2**20


@contextlib.contextmanager
def variables_at_most(nbytes):
    """Inside the block the new variables of this thread may take what a file of this size can account for, and no more.

    A config of a few words can ask for a layer of many gigabytes.  The file that belongs to it holds the weights, so that their size
    tells; weights may be stored in half the bits, and up to four variables of an optimizer for each may not be stored.
    """
    outer = getattr(_budgets, "left", None)
    _budgets.left = TIMES * nbytes + SLACK
    try:
        yield
    finally:
        _budgets.left = outer


def take(shape, dtype, name):
    """Takes the memory of a variable from the budget, if there is one.

    Raises:
        ValueError: so much memory that it cannot belong to the file.
    """
    left = getattr(_budgets, "left", None)
    if left is None:
        return
    _budgets.left = left - math.prod(shape) * np.dtype(dtype).itemsize
    if _budgets.left < 0:
        raise ValueError(f"the config asks for {name} of shape {tuple(shape)}, which is more than a file of this size can hold: it is damaged, "
                         "or made to exhaust memory; nothing was loaded")
