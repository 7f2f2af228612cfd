"""One seed for everything that draws random numbers."""

import random

import numpy as np


def set_random_seed(seed):
    """Seed Python's `random`, NumPy's global generator and fastnn.

    With the same seed the same program gives the same bits, on any number of threads.

    Args:
        seed: an integer from 0 to 2**32 - 1 (NumPy's limit).

    Raises:
        ValueError: `seed` is no such integer.

    Example:

    >>> import fastnn, random
    >>> fastnn.utils.set_random_seed(7)
    >>> first = random.random()
    >>> fastnn.utils.set_random_seed(7)
    >>> random.random() == first
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ValueError(
            f"[set_random_seed] `seed` must be an integer from 0 to 2**32 - 1. "
            f"Received: seed={seed!r} (of type {type(seed).__name__})"
        )
    from ..random import set_global_seed

    random.seed(int(seed))
    np.random.seed(int(seed))
    set_global_seed(int(seed))
