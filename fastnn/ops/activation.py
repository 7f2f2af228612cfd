"""The activations that the kernels of products and convolutions apply themselves, and the gradient of bias and activation."""
import difflib

from ..op import normal, op, uniform
from ..tensor import FLOATS, Spec
from .elementwise import add, cast, less_equal, multiply, subtract
from .shape import broadcast_to

# By their codes in csrc/fn.h.  The derivative of each can be written with its result alone.
CODES = {"linear": 0, "relu": 1, "tanh": 2, "sigmoid": 3, "relu6": 4, "elu": 5, "selu": 6, "leaky_relu": 7}


def activation_code(name):
    """The code of an activation.

    Raises:
        ValueError: no activation that these kernels apply.
    """
    try:
        return CODES[name]
    except (KeyError, TypeError):
        near = difflib.get_close_matches(str(name), CODES, 1)
        hint = f"did you mean {near[0]!r}?" if near else "apply others after it, as ops of their own"
        raise ValueError(f"activation is {name!r}, expected one of {', '.join(CODES)}: {hint}") from None


def rows_and_columns(x):
    """The shape of a tensor as a matrix over its last axis."""
    columns = x.shape[-1]
    return (x.size // columns if columns else 0), columns


def check_pair(name, dy, y, activation):
    activation_code(activation)
    if dy.shape != y.shape or dy.dtype != y.dtype or dy.dtype not in FLOATS or not dy.shape:
        raise ValueError(f"[{name}] dy is {dy.dtype} of shape {dy.shape}, y is {y.dtype} of shape {y.shape}: expected floats of "
                         "one dtype and one shape (..., columns)")


def bias_act_grad(dy, y, *, activation, alpha=1.0):
    """What y = activation(z + b) passes back: (dz, db), in one pass.

    Args:
        dy: gradient with regard to y, (..., columns).
        y: the result.
        activation: name of a code in `CODES`.
        alpha: scale of elu, slope of leaky_relu.

    Returns:
        dz of the shape of dy (dy itself if the activation is linear), and db, its sum over all axes but the last.
    """
    if activation == "linear":
        return dy, bias_grad(dy)
    return bias_act_backward(dy, y, activation=activation, alpha=alpha)


def second_derivative(p, y, activation):
    """p times the derivative of act'(y) with regard to y; None where it is zero."""
    if activation == "tanh":
        return multiply(p, multiply(y, -2.0))
    if activation == "sigmoid":
        return multiply(p, subtract(1.0, multiply(y, 2.0)))
    if activation in ("elu", "selu"):
        return multiply(p, cast(less_equal(y, 0.0), dtype=y.dtype))
    return None


def through_slope(s, dy, y, activation, alpha):
    """The gradients of dz = dy * act'(y) for dy and y, where s is that of dz."""
    return activation_grad(s, y, activation=activation, alpha=alpha), second_derivative(multiply(s, dy), y, activation)


NAMES = [name for name in CODES if name != "linear"]


@op
class bias_act:
    """activation(x + b), where b is added along the last axis.

    Args:
        x: tensor (..., columns).
        b: bias (columns,), or None.
        activation: name of a code in `CODES`.
        alpha: scale of elu, slope of leaky_relu.

    Example:
        >>> bias_act(convert_to_tensor([[1.0, -2.0]]), convert_to_tensor([0.5, 0.5]), activation="relu").tolist()
        [[1.5, 0.0]]
    """
    cases = [((normal(5, 19), normal(19)), dict(activation=name, alpha=0.3)) for name in CODES] + \
            [((normal(3, 4, 33), None), dict(activation="tanh")), ((normal(300, 300), normal(300)), dict(activation="relu")),
             ((normal(7, 1), normal(1)), dict(activation="relu")), ((normal(0, 3), normal(3)), dict(activation="relu"))]

    def spec(x, b=None, *, activation, alpha=1.0):
        activation_code(activation)
        if x.dtype not in FLOATS or not x.shape:
            raise ValueError(f"[bias_act] x is {x.dtype} of shape {x.shape}, expected floats (..., columns)")
        if b is not None and (b.shape != x.shape[-1:] or b.dtype != x.dtype):
            raise ValueError(f"[bias_act] the bias is {b.dtype} of shape {b.shape}, expected {x.dtype} of shape {x.shape[-1:]} for "
                             f"an x of shape {x.shape}")
        return x

    def cpu(x, b, y, *, activation, alpha):
        return "bias_act", (x, b, y, *rows_and_columns(x), CODES[activation], alpha)

    def flops(x): return 2 * x.size

    def vjp(dy, b, y, needs, activation, alpha):
        if b is not None and needs[1]:
            return bias_act_grad(dy, y, activation=activation, alpha=alpha)
        return activation_grad(dy, y, activation=activation, alpha=alpha), None


@op
class activation_grad:
    """dy times the derivative of an activation, from the activation's result y."""
    outputs = "dz"
    cases = [((normal(5, 19), uniform(5, 19, low=-0.9)), dict(activation=name, alpha=0.7)) for name in NAMES] + \
            [((normal(300, 300), normal(300, 300)), dict(activation="relu"))]

    def spec(dy, y, *, activation, alpha=1.0):
        check_pair("activation_grad", dy, y, activation)
        return dy

    def cpu(dy, y, dz, *, activation, alpha):
        return "bias_act_grad", (dy, y, dz, None, *rows_and_columns(dy), CODES[activation], alpha)

    def flops(dy): return 2 * dy.size

    def vjp(ddz, dy, y, activation, alpha):
        return through_slope(ddz, dy, y, activation, alpha)


@op
class bias_act_backward:
    """dz = dy times the derivative of an activation, and db, the sum of dz over all axes but the last."""
    outputs = "dz db"
    cases = [((normal(5, 19), uniform(5, 19, low=-0.9)), dict(activation=name, alpha=0.7)) for name in NAMES] + \
            [((normal(2, 9, 8, 48), normal(2, 9, 8, 48)), dict(activation="relu")),
             ((normal(30000, 3), normal(30000, 3)), dict(activation="relu")),
             ((normal(3, 3000), normal(3, 3000)), dict(activation="tanh")), ((normal(40, 1), normal(40, 1)), dict(activation="relu"))]

    def spec(dy, y, *, activation, alpha=1.0):
        check_pair("bias_act_backward", dy, y, activation)
        return dy, Spec(dy.shape[-1:], dy.dtype)

    def cpu(dy, y, dz, db, *, activation, alpha):
        return "bias_act_grad", (dy, y, dz, db, *rows_and_columns(dy), CODES[activation], alpha)

    def flops(dy): return 3 * dy.size     # times the derivative 2, sum 1

    def vjp(ddz, ddb, dy, y, activation, alpha):
        return through_slope(add(ddz, ddb), dy, y, activation, alpha)


@op
class bias_grad:
    """The sum over all axes but the last: the gradient for a bias."""
    outputs = "db"
    cases = [((normal(5, 19),), {}), ((normal(2, 50, 40, 24),), {}), ((normal(1, 1),), {}), ((normal(0, 3),), {}),
             ((normal(9000, 10),), {})]

    def spec(dy):
        if dy.dtype not in FLOATS or not dy.shape:
            raise ValueError(f"[bias_grad] dy is {dy.dtype} of shape {dy.shape}, expected floats (..., columns)")
        return Spec(dy.shape[-1:], dy.dtype)

    def cpu(dy, db):
        return "bias_act_grad", (dy, None, None, db, *rows_and_columns(dy), 0, 0.0)

    def flops(dy): return dy.size

    def vjp(ddb, dy):
        return broadcast_to(ddb, shape=dy.shape)
