"""Linear algebra with kernels: triangular factors, systems and determinants of (batches of) square matrices."""
from functools import lru_cache
from math import prod

import numpy as np

from .. import config
from ..device import BadIndex, unrecorded
from ..op import normal, op
from ..tensor import FLOATS, Spec, Tensor, own
from ._shapes import broadcast_shapes, operand
from .elementwise import add, cast, multiply, negative, where
from .matmul import matmul
from .shape import broadcast_to, expand_dims, reshape, squeeze, swapaxes

# ---- Arguments --------------------------------------------------------------------------------------------------


def floating(x):
    """x as a float tensor."""
    x = operand(x)
    return x if x.dtype in FLOATS else cast(x, dtype=config.floatx())


def check_matrix(name, x, square=False):
    """Raises unless the last two axes of x hold matrices."""
    if len(x.shape) < 2:
        raise ValueError(f"[{name}] expected matrices, a tensor with at least two axes; received the shape {x.shape}")
    m, n = x.shape[-2:]
    if square and m != n and None not in (m, n):
        raise ValueError(f"[{name}] expected square matrices, the last two axes of the same size; received the shape {x.shape}")


def transposed(x):
    """The last two axes swapped."""
    return swapaxes(x, -1, -2)


@lru_cache(maxsize=256)
def _constant(kind, n, m, k, dtype):
    with unrecorded():
        data = own(np.asarray({"eye": np.eye, "tri": np.tri}[kind](n, m, k), dtype))
    data.flags.writeable = False
    return Tensor(data)


def identity_of(n, dtype):
    """The identity matrix, made once."""
    return _constant("eye", n, n, 0, dtype)


def lower_part(x, k=0):
    """x with zeros above diagonal k."""
    return where(_constant("tri", *x.shape[-2:], k, "bool"), x, 0.0)


def upper_part(x):
    """x with zeros below the diagonal."""
    return where(_constant("tri", *x.shape[-2:], -1, "bool"), 0.0, x)


def _half_diagonal(x):
    """The lower triangle of x, its diagonal halved."""
    return multiply(add(lower_part(x), lower_part(x, -1)), 0.5)


def _explained(name, x, fault, call):
    """The result of a call, its error put in the words of the function that the user called."""
    try:
        return call()
    except BadIndex as error:
        which = "" if len(x.shape) == 2 else f" {error.position} of {prod(x.shape[:-2])}"
        raise ValueError(f"[{name}] the matrix{which} is {fault}: received the shape {x.shape}") from None


# ---- Ops --------------------------------------------------------------------------------------------------------

POSITIVE = np.array([[4.0, 1.0, 0.5], [1.5, 3.0, -1.0], [0.0, 1.0, 2.0]])      # for the tests: its symmetric part is positive definite



@op
class lu_factors:
    """L below the diagonal (its own diagonal is ones), U on and above it, of x with its rows in another order.

    Step k of the elimination swapped row k with row pivots[k].
    """
    outputs = "lu pivots"
    cases = [((normal(4, 4),), {}), ((normal(2, 3, 5, 3),), {}), ((normal(3, 5),), {}), ((normal(2, 0, 3),), {}),
             ((normal(90, 20, 20),), {})]

    def spec(x):
        m, n = x.shape[-2:]
        return x, Spec(x.shape[:-2] + (None if None in (m, n) else min(m, n),), "int32")

    def cpu(x, lu, pivots):
        return "lu_factor", (x, lu, pivots, prod(x.shape[:-2]), *x.shape[-2:], pivots.shape[-1])

    def flops(x): return x.size * min(x.shape[-2:])


@op
class solve_triangle:
    """x of op(a) x = b; of a the lower or upper triangle counts, op(a) is its transpose if asked for.  b: (..., n, m)."""
    outputs = "x"
    cases = [((normal(2, 4, 4), normal(2, 4, 3)), dict(lower=low, transpose=turn)) for low in (True, False) for turn in (True, False)] + \
            [((normal(0, 3, 3), normal(0, 3, 2)), dict(lower=True, transpose=False)),
             ((normal(200, 6, 6), normal(200, 6, 30)), dict(lower=True, transpose=False))]

    def spec(a, b, *, lower, transpose):
        return b

    def cpu(a, b, x, *, lower, transpose):
        return "solve_triangular", (a, b, x, prod(a.shape[:-2]), *b.shape[-2:], int(lower), int(transpose))

    def flops(a, b): return a.shape[-1] * b.size

    def vjp(dx, a, x, lower, transpose):
        db = solve_triangle(a, dx, lower=lower, transpose=not transpose)
        da = negative(matmul(x, db, transpose_b=True) if transpose else matmul(db, x, transpose_b=True))
        return lower_part(da) if lower else upper_part(da), db


@op
class solve_system:
    """x of a x = b, or of the transpose of a if asked for, by elimination with pivots.  a: (..., n, n), b: (..., n, m)."""
    outputs = "x"
    cases = [((normal(2, 4, 4), normal(2, 4, 3)), dict(transpose=turn)) for turn in (True, False)] + \
            [((normal(0, 3, 3), normal(0, 3, 2)), dict(transpose=False)), ((normal(20, 24, 24), normal(20, 24, 3)), dict(transpose=False))]

    def spec(a, b, *, transpose):
        return b

    def cpu(a, b, x, *, transpose):
        return "solve", (a, b, x, prod(a.shape[:-2]), *b.shape[-2:], int(transpose))

    def flops(a, b): return a.shape[-1] * (2 * a.size // 3 + 2 * b.size)

    def vjp(dx, a, x, transpose):
        db = solve_system(a, dx, transpose=not transpose)
        return negative(matmul(x, db, transpose_b=True) if transpose else matmul(db, x, transpose_b=True)), db


@op
class log_determinant:
    """The sign of the determinant of each matrix (-1, 0 or 1), and the logarithm of its absolute value."""
    outputs = "sign logabsdet"
    cases = [((normal(4, 4),), {}), ((normal(2, 3, 3, 3),), {}), ((normal(2, 0, 0),), {}), ((normal(90, 12, 12),), {})]

    def spec(x):
        return Spec(x.shape[:-2], x.dtype), Spec(x.shape[:-2], x.dtype)

    def cpu(x, sign, logabsdet):
        return "slogdet", (x, sign, logabsdet, None, prod(x.shape[:-2]), x.shape[-1])

    def flops(x): return x.size * x.shape[-1]

    def vjp(dlogabsdet, x):
        return multiply(reshape(dlogabsdet, shape=dlogabsdet.shape + (1, 1)), transposed(inv(x)))


@op
class determinant:
    """The determinant of each matrix."""
    cases = log_determinant.cases

    def spec(x):
        return Spec(x.shape[:-2], x.dtype)

    def cpu(x, y):
        return "slogdet", (x, None, None, y, prod(x.shape[:-2]), x.shape[-1])

    def flops(x): return x.size * x.shape[-1]

    def vjp(dy, x, y):
        return multiply(reshape(multiply(dy, y), shape=y.shape + (1, 1)), transposed(inv(x)))


@op
class cholesky_factor:
    """The lower triangular L of L L^T = x, of the symmetric part of x."""
    cases = [((POSITIVE,), {}), ((np.stack([POSITIVE, POSITIVE / 2]),), {}), ((normal(0, 2, 2),), {})]

    def spec(x):
        return x

    def cpu(x, y):
        return "cholesky", (x, y, prod(x.shape[:-2]), x.shape[-1])

    def flops(x): return x.size * x.shape[-1] // 3

    def vjp(dy, y):
        """With Phi, which halves the diagonal of a lower triangle: dx = L^-T Phi(L^T dL) L^-1, symmetric (Murray, 2016)."""
        inner = _half_diagonal(matmul(y, dy, transpose_a=True))
        inner = solve_triangle(y, inner, lower=True, transpose=True)
        inner = transposed(solve_triangle(y, transposed(inner), lower=True, transpose=True))
        return multiply(add(inner, transposed(inner)), 0.5)


# ---- What users call --------------------------------------------------------------------------------------------

def cholesky(x, upper=False):
    """The Cholesky factor: the lower triangular L of L L^T = x.

    Args:
        x: symmetric positive definite matrices, (..., n, n); of others the symmetric part counts.
        upper: whether the upper triangular factor, the transpose of L, is given.

    Raises:
        ValueError: matrices that are not square, or not positive definite.

    Example:
        >>> cholesky(convert_to_tensor([[4.0, 2.0], [2.0, 5.0]])).tolist()
        [[2.0, 0.0], [1.0, 2.0]]
    """
    x = _squares("cholesky", x)
    y = _explained("cholesky", x, "not positive definite", lambda: cholesky_factor(x))
    return transposed(y) if upper else y


def cholesky_inverse(x, upper=False):
    """The inverse of the matrix whose Cholesky factor is given.

    Args:
        x: triangular factors (..., n, n), as `cholesky` gives them.
        upper: whether they are upper triangular.

    Raises:
        ValueError: matrices that are not square, or have a zero on the diagonal.
    """
    x = _squares("cholesky_inverse", x)
    inverse = _explained("cholesky_inverse", x, "singular", lambda: solve_triangle(
        x, _identities(x), lower=not upper, transpose=False))
    return matmul(inverse, inverse, transpose_b=True) if upper else matmul(inverse, inverse, transpose_a=True)


def _identities(x):
    """An identity matrix for each matrix of x."""
    if isinstance(x, Tensor):
        return broadcast_to(identity_of(x.shape[-1], x.dtype), shape=x.shape)
    return Spec(x.shape, x.dtype)


def _squares(name, x):
    x = floating(x)
    check_matrix(name, x, square=True)
    return x


def slogdet(x):
    """The sign of the determinant (-1, 0 or 1) and the logarithm of its absolute value, for matrices (..., n, n).

    Example:
        >>> sign, logarithm = slogdet(convert_to_tensor([[0.0, 1.0], [1.0, 0.0]]))
        >>> float(sign), float(logarithm)
        (-1.0, 0.0)
    """
    return log_determinant(_squares("slogdet", x))


def logdet(x):
    """The logarithm of the absolute value of the determinant, for matrices (..., n, n)."""
    return log_determinant(_squares("logdet", x))[1]


def det(x):
    """The determinant, for matrices (..., n, n); its gradient needs matrices that are not singular.

    Example:
        >>> float(det(convert_to_tensor([[2.0, 1.0], [0.0, 3.0]])))
        6.0
    """
    return determinant(_squares("det", x))


def inv(x):
    """The inverse, for matrices (..., n, n).

    Raises:
        ValueError: matrices that are not square, or are singular.

    Example:
        >>> inv(convert_to_tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    x = _squares("inv", x)
    return _explained("inv", x, "singular", lambda: solve_system(x, _identities(x), transpose=False))


def _right_side(name, a, b):
    """a and b as float tensors of one type with the same leading axes, b with columns; and whether it came without."""
    a, b = floating(a), floating(b)
    if a.dtype != b.dtype:
        a, b = cast(a, dtype="float64"), cast(b, dtype="float64")
    check_matrix(name, a, square=True)
    vector = len(b.shape) == len(a.shape) - 1
    if not vector and len(b.shape) < 2:
        raise ValueError(f"[{name}] b has the shape {b.shape}, a {a.shape}: expected b (..., n) or (..., n, m) for a (..., n, n)")
    b = expand_dims(b, -1) if vector else b
    if b.shape[-2] != a.shape[-1] and None not in (b.shape[-2], a.shape[-1]):
        raise ValueError(f"[{name}] b has {b.shape[-2]} rows and a, of shape {a.shape}, has {a.shape[-1]}: expected as many")
    lead = broadcast_shapes(a.shape[:-2], b.shape[:-2], name)
    a, b = [x if x.shape[:-2] == lead else broadcast_to(x, shape=lead + x.shape[-2:]) for x in (a, b)]
    return a, b, vector


def solve(a, b):
    """x of the linear systems a x = b.

    Args:
        a: matrices (..., n, n).
        b: right sides, (..., n) or (..., n, m).

    Returns:
        Tensor of the shape of b.

    Raises:
        ValueError: shapes that do not go together, matrices that are singular.

    Example:
        >>> solve(convert_to_tensor([[2.0, 0.0], [0.0, 4.0]]), convert_to_tensor([2.0, 2.0])).tolist()
        [1.0, 0.5]
    """
    a, b, vector = _right_side("solve", a, b)
    x = _explained("solve", a, "singular", lambda: solve_system(a, b, transpose=False))
    return squeeze(x, -1) if vector else x


def solve_triangular(a, b, lower=False):
    """x of the linear systems a x = b with triangular matrices; what lies on the other side of the diagonal is not read.

    Args:
        a: matrices (..., n, n).
        b: right sides, (..., n) or (..., n, m).
        lower: whether the lower triangle counts, and not the upper one.

    Raises:
        ValueError: shapes that do not go together, a zero on a diagonal.
    """
    a, b, vector = _right_side("solve_triangular", a, b)
    x = _explained("solve_triangular", a, "singular", lambda: solve_triangle(a, b, lower=bool(lower), transpose=False))
    return squeeze(x, -1) if vector else x


def lu_factor(x):
    """The factors of x = P L U, by elimination with pivots.

    Args:
        x: matrices (..., m, n).

    Returns:
        (lu, pivots): U on and above the diagonal of `lu`, L below (its diagonal is ones); `pivots` (..., min(m, n)), int32:
        step k swapped row k with row pivots[k].  No gradient.
    """
    x = floating(x)
    check_matrix("lu_factor", x)
    return lu_factors(x)
