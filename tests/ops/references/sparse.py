"""What the ops on matrices in CSR give, by NumPy, of the dense matrix."""
import numpy as np

from tests.ops.references import matmul


def dense(indptr, indices, values, columns):
    x = np.zeros((len(indptr) - 1, columns), values.dtype)
    for r in range(len(x)):
        entries = slice(indptr[r], indptr[r + 1])
        np.add.at(x[r], indices[entries], values[entries])
    return x


def csr_dense(indptr, indices, values, w, b=None, activation="linear", alpha=1.0):
    return matmul.dense(dense(indptr, indices, values, len(w)), w, b, activation=activation, alpha=alpha)


def csr_dense_grad(indptr, indices, values, dy, columns):
    return dense(indptr, indices, values, columns).T @ dy


def csr_products(indptr, indices, x, z):
    rows = np.repeat(np.arange(len(x)), np.diff(indptr))
    entries = np.arange(indptr[0], indptr[-1])
    v = np.zeros(len(indices), x.dtype)
    v[entries] = (x[rows] * z[indices[entries]]).sum(1)
    return v


def csr_rows(indptr, indices, values, index, starts, entries, dtype):
    taken = np.concatenate([np.arange(indptr[r], indptr[r + 1]) for r in index])
    return indices[taken], values[taken].astype(dtype)
