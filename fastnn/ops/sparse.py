"""Matrices with few numbers that are not zero, held row by row (CSR), and their products with dense ones."""
import numpy as np

from ..op import integers, normal, op
from ..tensor import NAMES, Operand, Spec, Tensor, convert, look
from ._shapes import CODES as TYPE_CODES
from .activation import CODES, activation_code, activation_grad, bias_act_grad
from .elementwise import cast
from .matmul import check_floats

# ---- Ops: X (m, k) comes as its three arrays --------------------------------------------------------------------


def _entries(nnz, columns):
    """Test data: columns and values of entries."""
    return integers(nnz, high=columns, dtype="int32"), normal(nnz)


_ROWS = np.array([0, 2, 2, 7, 11, 12])                          # of 5 rows, the second of them empty
_MANY = np.linspace(0, 9000, 301).astype("int64")               # of 300 rows with 30 entries each


def _check_csr(name, indptr, indices, values, *matrices):
    """Raises ValueError unless these are the arrays of a CSR matrix, and the others matrices of its float type."""
    if indptr.dtype != "int64" or indices.dtype != "int32" or len(indptr.shape) != 1 or indices.shape != values.shape[:1]:
        raise ValueError(f"[{name}] a CSR matrix has int64 `indptr` (rows + 1,), int32 `indices` and `values` of one length; received "
                         f"{indptr.dtype} {indptr.shape}, {indices.dtype} {indices.shape} and {values.dtype} {values.shape}")
    for matrix in matrices:
        if len(matrix.shape) != 2 or matrix.dtype != values.dtype:
            raise ValueError(f"[{name}] expected matrices of {values.dtype} beside the sparse one, received shape {matrix.shape} of "
                             f"{matrix.dtype}: cast or reshape it")


def _rows(indptr):
    return None if indptr.shape[0] is None else indptr.shape[0] - 1


@op
class csr_dense:
    """activation(X @ w + b) for a matrix X in CSR: what a Dense layer computes of sparse inputs.

    Args:
        indptr: int64 (m + 1,): where in `indices` and `values` each row begins, and the last one ends.
        indices: int32 (nnz,): columns of the entries; those of one place add up.
        values: float (nnz,).
        w: matrix (k, n).
        b: bias (n,), or None.
        activation, alpha: as in `dense`.

    Returns:
        Tensor (m, n).

    Raises:
        ValueError: arrays that are no CSR matrix, and a column or row outside (with its position).
    """
    cases = [((_ROWS, *_entries(12, 7), normal(7, 19), normal(19)), dict(activation="relu")),
             ((_ROWS, *_entries(12, 7), normal(7, 1)), {}), ((_ROWS, *_entries(12, 7), normal(7, 3), normal(3)), dict(activation="elu", alpha=0.3)),
             ((_MANY, *_entries(9000, 500), normal(500, 16), normal(16)), dict(activation="tanh")),
             ((_MANY, *_entries(9000, 500), normal(500, 150)), {}), ((np.array([3, 5]), *_entries(9, 4), normal(4, 2), normal(2)), {}),
             ((np.zeros(1, "int64"), *_entries(0, 4), normal(4, 5)), {}), ((np.zeros(4, "int64"), *_entries(0, 4), normal(4, 5), normal(5)), {})]

    def spec(indptr, indices, values, w, b=None, *, activation="linear", alpha=1.0):
        _check_csr("csr_dense", indptr, indices, values, w)
        check_floats("csr_dense", values=values, kernel=w, bias=b)
        if b is not None and b.shape != w.shape[1:]:
            raise ValueError(f"[csr_dense] the bias has shape {b.shape}, expected {w.shape[1:]}: one number for each column of the kernel")
        if activation not in CODES:
            activation_code(activation)
        return Spec((_rows(indptr), w.shape[1]), w.dtype)

    def cpu(indptr, indices, values, w, b, y, *, activation, alpha):
        return "csr_dense", (indptr, indices, values, w, b, y, y.shape[0], values.size, *w.shape, CODES[activation], alpha)

    def flops(values, w): return 2 * values.size * w.shape[1]

    def vjp(dy, indptr, indices, values, w, b, y, needs, activation, alpha):
        db = None
        if b is not None and needs[4]:
            dy, db = bias_act_grad(dy, y, activation=activation, alpha=alpha)
        elif activation != "linear":
            dy = activation_grad(dy, y, activation=activation, alpha=alpha)
        dvalues = csr_products(indptr, indices, dy, w) if needs[2] else None
        dw = csr_dense_grad(indptr, indices, values, dy, columns=w.shape[0]) if needs[3] else None
        return None, None, dvalues, dw, db


@op
class csr_dense_grad:
    """X.T @ dy, the gradient of a kernel, for a matrix X in CSR with so many columns: dense, whatever X is."""
    outputs = "dw"
    cases = [((_ROWS, *_entries(12, 7), normal(5, 19)), dict(columns=7)), ((_ROWS, *_entries(12, 7), normal(5, 1)), dict(columns=7)),
             ((_MANY, np.sort(np.random.default_rng(0).integers(0, 5000, (300, 30)), 1).astype("int32").ravel(), normal(9000), normal(300, 16)),
              dict(columns=5000)),
             ((_MANY, *_entries(9000, 900), normal(300, 150)), dict(columns=900)), ((np.array([3, 5]), *_entries(9, 4), normal(1, 2)), dict(columns=4)),
             ((np.zeros(1, "int64"), *_entries(0, 4), normal(0, 5)), dict(columns=4)), ((_ROWS, *_entries(12, 7), normal(5, 0)), dict(columns=7))]

    def spec(indptr, indices, values, dy, *, columns):
        _check_csr("csr_dense_grad", indptr, indices, values, dy)
        if dy.shape[0] != _rows(indptr):
            raise ValueError(f"[csr_dense_grad] the sparse matrix has {_rows(indptr)} rows, the other {dy.shape[0]}: expected as many")
        return Spec((columns, dy.shape[1]), dy.dtype)

    def cpu(indptr, indices, values, dy, dw):
        return "csr_dense_grad", (indptr, indices, values, dy, dw, dy.shape[0], values.size, *dw.shape)

    def flops(values, dy): return 2 * values.size * dy.shape[1]

    def vjp(ddw, indptr, indices, values, dy, needs):
        return (None, None, csr_products(indptr, indices, dy, ddw) if needs[2] else None,
                csr_dense(indptr, indices, values, ddw) if needs[3] else None)


@op
class csr_products:
    """x[row] . z[column] for each entry of a matrix in CSR: the gradient of its values in a product."""
    outputs = "v"
    cases = [((_ROWS, integers(12, high=7, dtype="int32"), normal(5, 3), normal(7, 3)), {}),
             ((np.array([1, 3]), integers(4, high=2, dtype="int32"), normal(1, 40), normal(2, 40)), {})]

    def spec(indptr, indices, x, z):
        if len(x.shape) != 2 or x.shape[0] != _rows(indptr) or x.shape[1:] != z.shape[1:] or x.dtype != z.dtype:
            raise ValueError(f"[csr_products] {_rows(indptr)} rows need x (rows, n) and z (columns, n) of one float type, received "
                             f"{x.shape} of {x.dtype} and {z.shape} of {z.dtype}")
        return Spec(indices.shape, x.dtype)

    def cpu(indptr, indices, x, z, v):
        return "csr_products", (indptr, indices, x, z, v, x.shape[0], v.size, *z.shape)

    def vjp(dv, indptr, indices, x, z, needs):
        return (None, None, csr_dense(indptr, indices, dv, z) if needs[2] else None,
                csr_dense_grad(indptr, indices, dv, x, columns=z.shape[0]) if needs[3] else None)


@op
class csr_rows:
    """Rows of a matrix in CSR by an int64 index, values cast to `dtype` on the way: a batch for training.

    Args:
        indptr, indices, values: the matrix; values of any type.
        index: int64 (m,).
        starts: int64 (m + 1,): the sums of the numbers of entries in the rows that are taken, from 0 on: `indptr` of the result.
        entries: the last of them.

    Returns:
        (indices, values) of the result.
    """
    outputs = "columns numbers"
    picks, flops = "indptr indices values", 0
    cases = [((_ROWS, *_entries(12, 7), np.array([4, 0, 1, 2]), np.array([0, 1, 3, 3, 8])), dict(entries=8, dtype="float32")),
             ((_MANY, integers(9000, high=90, dtype="int32"), integers(9000, high=2, dtype="bool"), np.arange(299, -1, -1), _MANY),
              dict(entries=9000, dtype="float32"))]

    def spec(indptr, indices, values, index, starts, *, entries, dtype):
        return Spec((entries,), "int32"), Spec((entries,), dtype)

    def cpu(indptr, indices, values, index, starts, columns, numbers):
        return "csr_rows", (indptr, indices, values, index, starts, columns, numbers, indptr.size - 1, values.size, index.size,
                            columns.size, values.itemsize, numbers.itemsize, TYPE_CODES[values.dtype], TYPE_CODES[numbers.dtype])


# ---- The matrix -------------------------------------------------------------------------------------------------

class SparseTensor:
    """A matrix with few numbers that are not zero, held row by row (CSR).

    Args:
        shape: (rows, columns).
        indptr: int64 (rows + 1,): where in `indices` and `values` each row begins, and the last one ends.
        indices: int32 (nnz,): columns.
        values: (nnz,), numbers.

    Raises:
        ValueError: arrays of the wrong lengths, places that are no integers or too large.  Whether they lie inside the matrix is
            looked at when it is used.
        TypeError: values that are no numbers.

    Example:
        >>> x = SparseTensor((2, 3), [0, 1, 3], [2, 0, 1], [5.0, 1.0, 2.0])
        >>> x.numpy().tolist()
        [[0.0, 0.0, 5.0], [1.0, 2.0, 0.0]]
    """

    __slots__ = ("shape", "indptr", "indices", "values")

    def __init__(self, shape, indptr, indices, values):
        self.shape = tuple(shape)
        self.indptr, self.indices = _integers(indptr, "int64", "indptr"), _integers(indices, "int32", "indices")
        self.values = convert(values)
        if len(self.shape) != 2 or self.indptr.shape != (self.shape[0] + 1,) or self.indices.shape != self.values.shape:
            raise ValueError(f"a sparse matrix of shape {self.shape} needs `indptr` (rows + 1,), `indices` and `values` (entries,); "
                             f"received {self.indptr.shape}, {self.indices.shape} and {self.values.shape}")

    @property
    def dtype(self):
        """The name of the values' dtype."""
        return self.values.dtype

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"<SparseTensor shape={self.shape} dtype={self.dtype} entries={self.values.size}>"

    def astype(self, dtype):
        """The matrix with its values in another dtype."""
        if dtype == self.dtype:
            return self
        return SparseTensor(self.shape, self.indptr, self.indices, cast(self.values, dtype=dtype))

    def __getitem__(self, rows):
        """The rows of a slice without a step; entries are not copied."""
        if not isinstance(rows, slice) or rows.step not in (None, 1):
            raise TypeError(f"a SparseTensor gives rows that follow one another, x[a:b]; received {rows!r}")
        start, stop, _ = rows.indices(self.shape[0])
        look(self.indptr, "the rows of a sparse matrix")
        indptr = self.indptr.data[start:max(start, stop) + 1]
        entries = slice(indptr[0], indptr[-1])
        return SparseTensor((len(indptr) - 1, self.shape[1]), indptr - indptr[0], self.indices.data[entries], self.values.data[entries])

    def __matmul__(self, w):
        """The product with a matrix (columns, n), a tensor: gradients flow to it."""
        return sparse_dense(self, w)

    def __array__(self, *args, **kwargs):
        raise TypeError("a SparseTensor does not become dense by itself: call .numpy(), or multiply it by `x @ w`")

    def numpy(self):
        """The matrix as a dense array."""
        look(self.values, "numpy()")
        found = np.zeros(self.shape, self.values.data.dtype)
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.indptr.data))
        np.add.at(found, (rows, self.indices.data), self.values.data)
        return found


def _integers(x, dtype, name):
    """A tensor of these integers; without a copy where they have the dtype."""
    x = convert(x)
    if x.size and "int" not in x.dtype:
        raise ValueError(f"`{name}` of a sparse matrix must hold integers, received {x.dtype}")
    limits = np.iinfo(dtype)
    if x.size and x.dtype != dtype and not limits.min <= x.data.min() <= x.data.max() <= limits.max:
        raise ValueError(f"`{name}` of a sparse matrix must fit {dtype}, received {x.data.min()} to {x.data.max()}: at most 2**31 columns")
    return x if x.dtype == dtype else Tensor(x.data.astype(dtype))


def sparse_dense(x, w, b=None, activation="linear", alpha=1.0):
    """activation(x @ w + b) for a SparseTensor x: see `csr_dense`.  Arrays that are no tensors take the matrix's dtype.

    Raises:
        ValueError: shapes that do not fit.
    """
    w = w if isinstance(w, Operand) else convert(w, x.dtype)
    if w.shape[:1] != x.shape[1:]:
        raise ValueError(f"[sparse_dense] the input has shape {x.shape} and the kernel {w.shape}, expected (m, k) and (k, n) with the same k")
    return csr_dense(x.indptr, x.indices, x.values, w, b, activation=activation, alpha=alpha)


def sparse_rows(x, index, dtype, calls=None):
    """Rows of a SparseTensor by an int64 index, their values in `dtype`.

    Args:
        x: SparseTensor.
        index: tensor (m,).
        calls: as in `Op.later`.
    """
    first = look(x.indptr, "the rows of a sparse matrix")[look(index, "an index")]
    starts = np.zeros(index.size + 1, "int64")
    (x.indptr.data[index.data + 1] - first).cumsum(out=starts[1:])
    columns, numbers = csr_rows.later(calls, x.indptr, x.indices, x.values, index, Tensor(starts), entries=int(starts[-1]), dtype=dtype)
    return SparseTensor((index.size, x.shape[1]), Tensor(starts), columns, numbers)


# ---- From scipy.sparse, which is not imported -------------------------------------------------------------------

def is_sparse(x):
    """Whether a value is a SparseTensor, or a matrix or array of scipy.sparse."""
    return x.__class__ is SparseTensor or (hasattr(x, "tocsr") and any(c.__module__.startswith("scipy.sparse") for c in type(x).__mro__))


def as_sparse(x, argument="x"):
    """A matrix or array of scipy.sparse as a SparseTensor; entries of one place are added up, as scipy means them.

    Args:
        x: matrix in any format; a SparseTensor is returned as it is.
        argument: its name in messages.

    Raises:
        ValueError: something else than a matrix of numbers, and arrays that point outside of it, with the position.
    """
    if x.__class__ is SparseTensor:
        return x
    if len(x.shape) != 2:
        raise ValueError(f"`{argument}` is sparse and has shape {x.shape}, expected a matrix (samples, features): call .toarray(), or reshape it")
    if x.dtype.kind not in "fiub":
        raise ValueError(f"`{argument}` must hold numbers, received a sparse matrix of dtype {x.dtype}")
    if x.format in ("csr", "csc"):      # before scipy's own code follows what may be wrong
        _check_compressed(x, argument, *(x.shape if x.format == "csr" else x.shape[::-1]))
    elif x.format == "coo":
        for axis, which in enumerate((x.row, x.col)):
            _check_range(which, x.shape[axis], f"`{argument}`: {('row', 'column')[axis]}")
    x = x.tocsr()
    if not x.has_canonical_format:
        x = x.copy()
        x.sum_duplicates()
    values = x.data if x.dtype in NAMES else x.data.astype("float64" if x.dtype.kind == "f" else x.dtype.newbyteorder("="))
    return SparseTensor(x.shape, x.indptr, x.indices, values)


def _check_compressed(x, argument, rows, columns):
    """Raises ValueError unless `indptr` and `indices` of a matrix in CSR (or CSC, seen from its side) lie within it."""
    indptr, indices = x.indptr, x.indices
    if indptr.shape != (rows + 1,):
        raise ValueError(f"`{argument}`: indptr has shape {indptr.shape}, expected {(rows + 1,)}")
    if indptr[0] != 0:
        raise ValueError(f"`{argument}`: indptr[0] is {indptr[0]}, expected 0")
    falls = np.flatnonzero(indptr[1:] < indptr[:-1])
    if falls.size:
        at = falls[0] + 1
        raise ValueError(f"`{argument}`: indptr[{at}] is {indptr[at]}, less than indptr[{at - 1}] = {indptr[at - 1]}: rows cannot "
                         "have fewer than no entries")
    held = min(len(indices), len(x.data))
    if indptr[-1] > held:
        raise ValueError(f"`{argument}`: indptr[{rows}] is {indptr[-1]}, but there are only {held} entries")
    _check_range(indices[:indptr[-1]], columns, f"`{argument}`: {'column' if x.format == 'csr' else 'row'}")


def _check_range(indices, limit, what):
    if len(indices) and (indices.min() < 0 or indices.max() >= limit):
        at = np.flatnonzero((indices < 0) | (indices >= limit))[0]
        raise ValueError(f"{what} {indices[at]} at position {at} is out of range: expected 0 <= {what.split()[-1]} < {limit}")
