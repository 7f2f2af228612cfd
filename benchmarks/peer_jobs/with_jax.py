"""JAX: its products, through a compiled function.  Without an option for the number of threads, it is held to processors."""
import os

import numpy as np

from .cases import data


def start(threads, engine):
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def arrays(found):
    return [np.array(found)]


def product(case, m, k, n, transposes):
    import jax
    ta, tb = (t == "t" for t in transposes)
    a, b = (jax.numpy.asarray(data(case, *x)) for x in (("a", *((k, m) if ta else (m, k))), ("b", *((n, k) if tb else (k, n)))))
    multiply = jax.jit(lambda a, b: (a.T if ta else a) @ (b.T if tb else b))
    return {"product": lambda: multiply(a, b).block_until_ready()}


JOBS = {"product": product}
