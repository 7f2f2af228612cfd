"""Matrix products: `matmul` in all its shapes, and `dense`, the product of a layer with its bias and activation."""
import math
from functools import lru_cache

from ..op import normal, op
from ..tensor import FLOATS, Spec
from .activation import CODES, activation_code, activation_grad, bias_act_grad
from .reduce import sum
from .shape import reshape

# ---- Shapes -----------------------------------------------------------------------------------------------------


def broadcast_axis(p, q):
    """The extent that two axes broadcast to; None if one is open and the other does not settle it."""
    if p == q or q == 1:
        return p
    if p == 1 or p is None:
        return q
    if q is None:
        return p
    raise ValueError


@lru_cache(maxsize=4096)
def product_shape(a, b, transpose_a, transpose_b):
    """The shape of the product of arrays of shapes a and b, by NumPy's rules."""
    if not a or not b:
        raise ValueError(f"[matmul] a has shape {a}, b has shape {b}: expected at least one dimension each; use multiply for scalars")
    (m, k), (k2, n) = matrix(a, transpose_a, (1, -1)), matrix(b, transpose_b, (-1, 1))
    flags = "".join(f", {word}=True" for word, flag in (("transpose_a", transpose_a), ("transpose_b", transpose_b)) if flag)
    if k != k2 and k is not None and k2 is not None:
        raise ValueError(f"[matmul] cannot multiply a of shape {a} by b of shape {b}{flags}: the inner sizes are {k} and {k2} and "
                         "must be equal; transpose one of them, or reshape")
    batch_a, batch_b = a[:-2], b[:-2]
    rank = max(len(batch_a), len(batch_b))
    try:
        batch = [broadcast_axis(p, q) for p, q in zip(padded(batch_a, rank), padded(batch_b, rank))]
    except ValueError:
        raise ValueError(f"[matmul] cannot multiply a of shape {a} by b of shape {b}{flags}: the leading sizes {batch_a} and "
                         f"{batch_b} do not broadcast; they must be equal, or 1") from None
    return (*batch, *([m] if len(a) > 1 else []), *([n] if len(b) > 1 else []))


def padded(batch, rank):
    return (1,) * (rank - len(batch)) + batch


def matrix(shape, transposed, vector):
    """The last two sizes, as the product sees them; a vector becomes a row or a column."""
    if len(shape) == 1:
        return tuple(shape[0] if v < 0 else 1 for v in vector)
    return (shape[-1], shape[-2]) if transposed else shape[-2:]


def strides(batch, size, whole):
    """Strides in elements along the axes of `whole`, 0 where the array broadcasts."""
    found, step = [], size
    for extent in reversed(padded(batch, len(whole))):
        found.append(0 if extent == 1 else step)
        step *= extent
    return found[::-1]


@lru_cache(maxsize=4096)
def product_plan(a, b, y, transpose_a, transpose_b):
    """What the kernel takes after its arrays, up to and without (act, alpha), and the groups at its end."""
    (m, k), (_, n) = matrix(a, transpose_a, (1, -1)), matrix(b, transpose_b, (-1, 1))
    transpose_a, transpose_b = transpose_a and len(a) > 1, transpose_b and len(b) > 1
    rank = max(len(a), len(b)) - 2
    whole = y[:rank] if rank > 0 else ()
    axes = []       # those that both walk in the same way are one
    for d, sa, sb in zip(whole, strides(a[:-2], m * k, whole), strides(b[:-2], k * n, whole)):
        if d == 1:
            continue
        if axes and axes[-1][1] == sa * d and axes[-1][2] == sb * d:
            axes[-1] = (axes[-1][0] * d, sa, sb)
        else:
            axes.append((d, sa, sb))
    if len(axes) == 1 and axes[0][2] == 0 and not transpose_a:
        m, axes = m * axes[0][0], []            # one matrix b for all: the batch is rows
    batch = math.prod([d for d, _, _ in axes])
    sizes = (math.prod(a), math.prod(b), m, n, k, batch, int(transpose_a), int(transpose_b))
    return sizes, tuple([v for axis in axes for v in axis])


def check_floats(name, **tensors):
    found = {word: x.dtype for word, x in tensors.items() if x is not None}
    if len(set(found.values())) > 1 or not set(found.values()) <= set(FLOATS):
        came = ", ".join(f"{word} {dtype}" for word, dtype in found.items())
        raise ValueError(f"[{name}] expected float32 or float64, the same for all; received {came}: cast them first")


# ---- Gradients of the product -----------------------------------------------------------------------------------

def as_matrix(x):
    """All axes but the last as one."""
    return x if len(x.shape) == 2 else reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))


def shaped(x, shape):
    return x if x.shape == shape else reshape(x, shape=shape)


def summed_to(dx, shape):
    """Sums over the batch axes along which an array of `shape` was broadcast."""
    extra = len(dx.shape) - len(shape)
    axes = [i for i, d in enumerate(dx.shape[:-2]) if i < extra or (shape[i - extra] == 1 and d != 1)]
    return shaped(sum(dx, axis=tuple(axes)), shape) if axes else dx


def product_gradients(dy, a, b, transpose_a, transpose_b, needs):
    """(da, db) of y = op(a) op(b), where a and b have two dimensions or more."""
    da = db = None
    if len(b.shape) == 2 and not transpose_a and len(a.shape) > 2:      # one b for all: the batch is rows
        flat, rows = as_matrix(a), as_matrix(dy)
        da, db = product_gradients(rows, flat, b, False, transpose_b, needs)
        return None if da is None else shaped(da, a.shape), db
    if needs[0]:
        da = matmul(b, dy, transpose_a=transpose_b, transpose_b=True) if transpose_a else \
            matmul(dy, b, transpose_b=not transpose_b)
        da = summed_to(da, a.shape)
    if needs[1]:
        db = matmul(dy, a, transpose_a=True, transpose_b=transpose_a) if transpose_b else \
            matmul(a, dy, transpose_a=not transpose_a)
        db = summed_to(db, b.shape)
    return da, db


# ---- Ops --------------------------------------------------------------------------------------------------------

@op
class matmul:
    """The matrix product of x1 and x2 over their last two axes, with NumPy's broadcasting of the axes before these.

    Args:
        x1: tensor (..., m, k), or (..., k, m) with transpose_a; a vector (k,) counts as x1 row.
        x2: tensor (..., k, n), or (..., n, k) with transpose_b; a vector (k,) counts as x1 column.
        transpose_a, transpose_b: whether the last two axes are swapped first (nothing is copied; vectors stay as they are).

    Returns:
        Tensor (..., m, n); the axis of a vector is left out.

    Raises:
        ValueError: shapes that do not fit, dtypes that are not the same float.

    Example:
        >>> matmul(convert_to_tensor([[1.0, 2.0]]), convert_to_tensor([[3.0], [4.0]])).tolist()
        [[11.0]]
    """
    promote = True
    cases = [((normal(5, 7), normal(7, 3)), {}), ((normal(7, 5), normal(7, 3)), dict(transpose_a=True)),
             ((normal(5, 7), normal(3, 7)), dict(transpose_b=True)), ((normal(7, 5), normal(3, 7)), dict(transpose_a=True, transpose_b=True)),
             ((normal(7), normal(7)), {}), ((normal(7), normal(7, 4)), {}), ((normal(5, 7), normal(7)), {}),
             ((normal(2, 3, 7), normal(7)), {}), ((normal(7), normal(2, 7, 3)), {}),
             ((normal(4, 5, 6), normal(6, 3)), {}), ((normal(4, 6, 5), normal(6, 3)), dict(transpose_a=True)),
             ((normal(4, 5, 6), normal(4, 6, 3)), {}), ((normal(5, 6), normal(4, 6, 3)), {}),
             ((normal(2, 1, 5, 6), normal(3, 7, 6)), dict(transpose_b=True)), ((normal(1, 2, 5, 6), normal(4, 1, 6, 3)), {}),
             ((normal(3, 0), normal(0, 4)), {}), ((normal(0, 3), normal(3, 4)), {}), ((normal(1, 64), normal(64, 64)), {}),
             ((normal(128, 90), normal(90, 70)), {}), ((normal(90, 128), normal(70, 90)), dict(transpose_a=True, transpose_b=True)),
             ((normal(6, 5000), normal(5000, 9)), {}), ((normal(20, 1001), normal(20, 13)), dict(transpose_a=True)),
             ((normal(30, 3000), normal(30, 16)), dict(transpose_a=True)), ((normal(3, 40, 50), normal(3, 50, 60)), {})]

    def spec(x1, x2, *, transpose_a=False, transpose_b=False):
        if x1.dtype != x2.dtype or x1.dtype not in FLOATS:
            check_floats("matmul", x1=x1, x2=x2)
        return Spec(product_shape(x1.shape, x2.shape, transpose_a, transpose_b), x1.dtype)

    def cpu(x1, x2, y, *, transpose_a, transpose_b):
        sizes, groups = product_plan(x1.shape, x2.shape, y.shape, transpose_a, transpose_b)
        return "matmul", (x1, x2, None, y, *sizes, 0, 0.0, *groups)

    def flops(x1, y, transpose_a): return 2 * y.size * (x1.shape[-2] if transpose_a and len(x1.shape) > 1 else x1.shape[-1])

    def vjp(dy, x1, x2, needs, transpose_a, transpose_b):
        wide_a = shaped(x1, (1, *x1.shape)) if len(x1.shape) == 1 else x1
        wide_b = shaped(x2, (*x2.shape, 1)) if len(x2.shape) == 1 else x2
        transpose_a, transpose_b = transpose_a and wide_a is x1, transpose_b and wide_b is x2
        dy = shaped(dy, product_shape(wide_a.shape, wide_b.shape, transpose_a, transpose_b))
        da, db = product_gradients(dy, wide_a, wide_b, transpose_a, transpose_b, needs)
        return None if da is None else shaped(da, x1.shape), None if db is None else shaped(db, x2.shape)


@op
class dense:
    """activation(x @ w + b) over the last axis of x, in one call: what a Dense layer computes.

    Args:
        x: tensor (..., k).
        w: matrix (k, n).
        b: bias (n,), or None.
        activation: name of a code in `ops.activation`: linear, relu, tanh, sigmoid, relu6, elu, selu, leaky_relu.
        alpha: scale of elu, slope of leaky_relu.

    Returns:
        Tensor (..., n).

    Raises:
        ValueError: shapes that do not fit, dtypes that are not the same float, an unknown activation.

    Example:
        >>> dense(convert_to_tensor([[1.0, 2.0]]), convert_to_tensor([[3.0], [-4.0]]), activation="relu").tolist()
        [[0.0]]
    """
    cases = [((normal(5, 7), normal(7, 19), normal(19)), dict(activation=name, alpha=0.3)) for name in CODES] + \
            [((normal(5, 7), normal(7, 3)), {}), ((normal(2, 3, 7), normal(7, 5), normal(5)), dict(activation="tanh")),
             ((normal(7), normal(7, 5), normal(5)), dict(activation="relu")), ((normal(1, 100), normal(100, 10), normal(10)), {}),
             ((normal(100, 130), normal(130, 70), normal(70)), dict(activation="relu")), ((normal(0, 3), normal(3, 2), normal(2)), {}),
             ((normal(64, 50), normal(50, 1), normal(1)), dict(activation="sigmoid"))]

    def spec(x, w, b=None, *, activation="linear", alpha=1.0):
        if len(w.shape) != 2 or not x.shape or (x.shape[-1] != w.shape[0] and x.shape[-1] is not None):
            raise ValueError(f"[dense] the input has shape {x.shape} and the kernel {w.shape}, expected (..., k) and (k, n) with the "
                             "same k: give the kernel as many rows as the input's last axis has elements")
        if b is not None and b.shape != w.shape[1:]:
            raise ValueError(f"[dense] the bias has shape {b.shape}, expected {w.shape[1:]}: one number for each column of the "
                             f"kernel, which has shape {w.shape}")
        if x.dtype != w.dtype or x.dtype not in FLOATS or (b is not None and b.dtype != x.dtype):
            check_floats("dense", input=x, kernel=w, bias=b)
        if activation not in CODES:
            activation_code(activation)
        return Spec((*x.shape[:-1], w.shape[1]), x.dtype)

    def cpu(x, w, b, y, *, activation, alpha):
        k, n = w.shape
        m = math.prod(x.shape[:-1])
        return "matmul", (x, w, b, y, x.size, w.size, m, n, k, 1, 0, 0, CODES[activation], alpha)

    def flops(x, w): return 2 * x.size * w.shape[1]

    def vjp(dy, x, w, b, y, needs, activation, alpha):
        db = None
        if b is not None and needs[2]:
            dy, db = bias_act_grad(dy, y, activation=activation, alpha=alpha)
        elif activation != "linear":
            dy = activation_grad(dy, y, activation=activation, alpha=alpha)
        dx = matmul(dy, w, transpose_b=True) if needs[0] else None
        dw = matmul(as_matrix(x), as_matrix(dy), transpose_a=True) if needs[1] else None
        return dx, dw, db
