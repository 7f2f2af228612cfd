"""Linear algebra that NumPy computes: eigenvalues, singular values, orthogonal factors, and what is made of them."""
import builtins
import math

import numpy as np

from ..op import normal
from ..tensor import Spec
from ._host import host_op
from ._shapes import normalize_axis
from .elementwise import abs, add, cast, divide, equal, greater, multiply, negative, sqrt, square, subtract, where
from .linalg import check_matrix, floating, identity_of, lower_part, solve_triangle, transposed
from .matmul import matmul
from .reduce import max, min, sum
from .shape import concatenate, expand_dims, moveaxis, squeeze


def _columns(s):
    """One number for each column: (..., 1, k)."""
    return expand_dims(s, -2)


def _rows(s):
    """One number for each row: (..., k, 1)."""
    return expand_dims(s, -1)


def _differences(s):
    """1 / (s_j - s_i) at row i, column j, and 0 where the two are the same."""
    apart = subtract(_columns(s), _rows(s))
    same = equal(apart, 0.0)
    return where(same, 0.0, divide(1.0, where(same, 1.0, apart)))


def _product(*factors):
    """The matrix product of several."""
    y = factors[0]
    for factor in factors[1:]:
        y = matmul(y, factor)
    return y


def _least(*sizes):
    return None if None in sizes else builtins.min(sizes)


# ---- Ops --------------------------------------------------------------------------------------------------------

@host_op
class symmetric_eigen:
    """Eigenvalues, ascending, and eigenvectors (the columns) of the symmetric part of each matrix."""
    outputs = "w v"
    cases = [((normal(4, 4),), {}), ((normal(2, 3, 3, 3),), {}), ((normal(0, 2, 2),), {})]

    def spec(x):
        return Spec(x.shape[:-1], x.dtype), x

    def host(x):
        return np.linalg.eigh((x + np.swapaxes(x, -1, -2)) / 2)

    def vjp(dw, dv, w, v):
        """v (diag(dw) + (v^T dv) / (w_j - w_i)) v^T, its symmetric part (Giles, 2008)."""
        inner = multiply(matmul(v, dv, transpose_a=True), _differences(w))
        inner = add(inner, multiply(identity_of(w.shape[-1], w.dtype), _columns(dw)))
        dx = _product(v, inner, transposed(v))
        return multiply(add(dx, transposed(dx)), 0.5)


@host_op
class real_eigen:
    """Eigenvalues and eigenvectors (the columns) of matrices that have real ones."""
    outputs = "w v"
    cases = [((np.diag([1.0, 3.0, 2.0]),), {}), ((np.triu(np.arange(1.0, 10.0).reshape(3, 3)),), {})]

    def spec(x):
        return Spec(x.shape[:-1], x.dtype), x

    def host(x):
        w, v = np.linalg.eig(x)
        if np.iscomplexobj(w):
            raise ValueError(f"[eig] eigenvalues are complex, and there is no complex dtype: received the shape {x.shape}; for "
                             "symmetric matrices use eigh, else numpy.linalg.eig")
        return w, v


@host_op
class thin_svd:
    """u, s and v^T with min(m, n) columns, values and rows: x = u diag(s) v^T, the values descending."""
    outputs = "u s vt"
    cases = [((normal(4, 3),), {}), ((normal(2, 3, 5),), {}), ((normal(4, 4),), {}), ((normal(0, 3, 2),), {})]

    def spec(x):
        m, n = x.shape[-2:]
        k = _least(m, n)
        return Spec(x.shape[:-1] + (k,), x.dtype), Spec(x.shape[:-2] + (k,), x.dtype), Spec(x.shape[:-2] + (k, n), x.dtype)

    def host(x):
        return np.linalg.svd(x, full_matrices=False)

    def vjp(du, ds, dvt, u, s, vt):
        """Source: Townsend, "Differentiating the Singular Value Decomposition", 2016."""
        f = _differences(multiply(s, s))
        j, k = multiply(matmul(u, du, transpose_a=True), f), multiply(matmul(vt, dvt, transpose_b=True), f)
        inner = multiply(add(j, transposed(j)), _columns(s)) + multiply(add(k, transposed(k)), _rows(s))
        inner = add(inner, multiply(identity_of(s.shape[-1], s.dtype), _columns(ds)))
        left = divide(subtract(du, _product(u, transposed(u), du)), _columns(s))
        right = divide(subtract(dvt, _product(dvt, transposed(vt), vt)), _rows(s))
        return add(matmul(add(matmul(u, inner), left), vt), matmul(u, right))


@host_op
class full_svd:
    """u, s and v^T with square u and v^T; no gradient but of square matrices, whose `thin_svd` is the same."""
    outputs = "u s vt"
    cases = [((normal(4, 3),), {}), ((normal(2, 3, 5),), {})]

    def spec(x):
        m, n = x.shape[-2:]
        lead = x.shape[:-2]
        return Spec(lead + (m, m), x.dtype), Spec(lead + (_least(m, n),), x.dtype), Spec(lead + (n, n), x.dtype)

    def host(x):
        return np.linalg.svd(x, full_matrices=True)


@host_op
class singular_values:
    """The singular values of each matrix, descending."""
    outputs = "s"
    cases = [((normal(4, 3),), {}), ((normal(2, 3, 5),), {})]

    def spec(x):
        return Spec(x.shape[:-2] + (_least(*x.shape[-2:]),), x.dtype)

    def host(x):
        return np.linalg.svd(x, compute_uv=False)

    def vjp(ds, x):
        u, _, vt = thin_svd(x)
        return matmul(multiply(u, _columns(ds)), vt)


@host_op
class orthogonal_factors:
    """q and r of x = q r: orthonormal columns, an upper triangle.  complete: q is square."""
    outputs = "q r"
    cases = [((normal(4, 4),), {}), ((normal(2, 5, 3),), {}), ((normal(3, 5),), {}), ((normal(2, 3, 7),), {}), ((normal(4, 4),), dict(complete=True))]

    def spec(x, *, complete=False):
        m, n = x.shape[-2:]
        k = m if complete else _least(m, n)
        return Spec(x.shape[:-1] + (k,), x.dtype), Spec(x.shape[:-2] + (k, n), x.dtype)

    def host(x, *, complete):
        return np.linalg.qr(x, mode="complete" if complete else "reduced")

    def vjp(dq, dr, x, q, r):
        """Source: Walter and Lehmann, "Algorithmic Differentiation of Linear Algebra Functions", 2012; wide: Roberts and Roberts, 2020."""
        m, n = x.shape[-2:]
        if q.shape[-1] > n:
            raise ValueError(f"[qr] mode='complete' has no gradient for matrices with more rows than columns, received the shape "
                             f"{x.shape}: use mode='reduced'")
        if m >= n:
            return _qr_gradient(dq, dr, q, r)
        (x1, x2), (r1, r2), (dr1, dr2) = [(t[..., :m], t[..., m:]) for t in (x, r, dr)]
        dx1 = _qr_gradient(add(dq, matmul(x2, dr2, transpose_b=True)), dr1, q, r1)
        return concatenate([dx1, matmul(q, dr2)], axis=-1)


def _qr_gradient(dq, dr, q, r):
    """(dq + q copyltu(r dr^T - dq^T q)) r^-T of matrices with as many rows as columns or more."""
    inner = subtract(matmul(r, dr, transpose_b=True), matmul(dq, q, transpose_a=True))
    inner = add(lower_part(inner), transposed(lower_part(inner, -1)))
    inner = add(dq, matmul(q, inner))
    return transposed(solve_triangle(r, transposed(inner), lower=False, transpose=False))


@host_op
class pseudoinverse:
    """The Moore-Penrose inverse; singular values up to rcond times the largest count as zero."""
    outputs = "p"
    cases = [((normal(5, 3),), dict(rcond=1e-5)), ((normal(2, 3, 5),), dict(rcond=1e-5)), ((normal(4, 4),), dict(rcond=1e-5))]

    def spec(x, *, rcond):
        return Spec(x.shape[:-2] + (x.shape[-1], x.shape[-2]), x.dtype)

    def host(x, *, rcond):
        return np.linalg.pinv(x, rcond)

    def vjp(dp, x, p):
        """Of constant rank; source: Golub and Pereyra, 1973."""
        turned, g = transposed(p), transposed(dp)
        dx = negative(_product(turned, dp, turned))
        dx = add(dx, _product(subtract(g, _product(x, p, g)), p, turned))
        return add(dx, _product(turned, p, subtract(g, _product(g, p, x))))


# ---- What users call --------------------------------------------------------------------------------------------

def eigh(x):
    """Eigenvalues and eigenvectors of symmetric matrices.

    Args:
        x: (..., n, n); of a matrix that is not symmetric the symmetric part counts.

    Returns:
        (w, v): eigenvalues (..., n), ascending; eigenvectors, the columns of (..., n, n).  The gradient needs eigenvalues that differ.

    Raises:
        ValueError: matrices that are not square.

    Example:
        >>> eigh(convert_to_tensor([[2.0, 0.0], [0.0, 1.0]]))[0].tolist()
        [1.0, 2.0]
    """
    x = floating(x)
    check_matrix("eigh", x, square=True)
    return symmetric_eigen(x)


def eig(x):
    """Eigenvalues (..., n) and eigenvectors, the columns of (..., n, n), of matrices all of whose eigenvalues are real.

    Raises:
        ValueError: matrices that are not square; complex eigenvalues, as there is no complex dtype.
    """
    x = floating(x)
    check_matrix("eig", x, square=True)
    return real_eigen(x)


def svd(x, full_matrices=True, compute_uv=True):
    """The singular value decomposition x = u diag(s) v^T.

    Args:
        x: matrices (..., m, n).
        full_matrices: whether u is (..., m, m) and v^T (..., n, n), and not (..., m, k) and (..., k, n) with k = min(m, n).  Then only
            square matrices have a gradient.
        compute_uv: False: only the singular values are given.

    Returns:
        (u, s, v^T), or s; s (..., k) descending.  The gradient of u and v^T needs singular values that differ.

    Example:
        >>> svd(convert_to_tensor([[3.0, 0.0], [0.0, 4.0]]), compute_uv=False).tolist()
        [4.0, 3.0]
    """
    x = floating(x)
    check_matrix("svd", x)
    if not compute_uv:
        return singular_values(x)
    return full_svd(x) if full_matrices and x.shape[-2] != x.shape[-1] else thin_svd(x)


def qr(x, mode="reduced"):
    """The factors of x = q r, q with orthonormal columns and r an upper triangle.

    Args:
        x: matrices (..., m, n).
        mode: "reduced": q (..., m, k) and r (..., k, n), k = min(m, n); "complete": q (..., m, m) and r (..., m, n).

    Raises:
        ValueError: another mode.
    """
    x = floating(x)
    check_matrix("qr", x)
    if mode not in ("reduced", "complete"):
        raise ValueError(f"[qr] mode must be 'reduced' or 'complete', received {mode!r}")
    return orthogonal_factors(x, complete=mode == "complete")


def _default_rcond(x, factor):
    return factor * (_least(*x.shape[-2:]) and np.max(x.shape[-2:]) or 1) * float(np.finfo(x.dtype).eps)


def pinv(x, rcond=None):
    """The Moore-Penrose inverse (..., n, m) of matrices (..., m, n).

    Args:
        rcond: singular values up to rcond times the largest count as zero; None: 10 max(m, n) times the precision of the dtype.
    """
    x = floating(x)
    check_matrix("pinv", x)
    return pseudoinverse(x, rcond=_default_rcond(x, 10) if rcond is None else float(rcond))


def lstsq(a, b, rcond=None):
    """x with the least |a x - b|; of several, that with the least |x|.

    Args:
        a: matrix (m, n).
        b: right sides, (m,) or (m, k).
        rcond: singular values up to rcond times the largest count as zero; None: max(m, n) times the precision of the dtype.

    Returns:
        Tensor (n,) or (n, k).

    Raises:
        ValueError: other shapes.
    """
    a, b = floating(a), floating(b)
    if len(a.shape) != 2 or len(b.shape) not in (1, 2) or b.shape[0] != a.shape[0]:
        raise ValueError(f"[lstsq] a has the shape {a.shape} and b {b.shape}, expected a (m, n) and b (m,) or (m, k)")
    inverse = pseudoinverse(a, rcond=_default_rcond(a, 1) if rcond is None else float(rcond))
    y = matmul(inverse, expand_dims(b, -1) if len(b.shape) == 1 else b)
    return squeeze(y, -1) if len(b.shape) == 1 else y


def matrix_rank(x, tol=None):
    """The rank of each matrix: how many singular values are above `tol`; int32.

    Args:
        x: matrices (..., m, n).
        tol: a number; None: the largest singular value, times max(m, n), times the precision of the dtype.
    """
    x = floating(x)
    check_matrix("matrix_rank", x)
    s = singular_values(x)
    least = multiply(max(s, -1, True), _default_rcond(x, 1)) if tol is None else tol
    return sum(cast(greater(s, least), dtype="int32"), axis=-1)


def matrix_norm(x, ord, axes, keepdims):
    """What `norm` gives for matrices, whose rows and columns lie along two axes of x; arguments as there."""
    rows, columns = [normalize_axis(a, len(x.shape), "norm") for a in axes]
    if rows == columns:
        raise ValueError(f"[norm] an axis is given twice: {axes}")
    if ord == "fro":
        return sqrt(sum(square(x), (rows, columns), keepdims))
    if ord in (1, -1, math.inf, -math.inf):
        return (max if ord > 0 else min)(sum(abs(x), rows if ord in (1, -1) else columns, True), (rows, columns), keepdims)
    if ord not in (2, -2, "nuc"):
        raise ValueError(f"[norm] ord of matrices must be None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, received {ord!r}")
    s = singular_values(moveaxis(x, (rows, columns), (-2, -1)))
    y = sum(s, -1) if ord == "nuc" else (max if ord > 0 else min)(s, -1)
    return expand_dims(expand_dims(y, builtins.min(rows, columns)), builtins.max(rows, columns)) if keepdims else y
