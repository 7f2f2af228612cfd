"""SciPy: products of sparse matrices."""
import numpy as np
from scipy.sparse import csr_matrix

from .cases import csr, data


def start(threads, engine):
    """It has one thread."""


def arrays(found):
    return [np.array(found)]


def sparse(case, m, k, n, per):
    indptr, indices, values = csr(case, m, k, per)
    x, w, dy = csr_matrix((values, indices, indptr), (m, k)), data(case, "w", k, n), data(case, "dy", m, n)
    return {"forward": lambda: x @ w, "weights": lambda: x.T @ dy}


JOBS = {"sparse": sparse}
