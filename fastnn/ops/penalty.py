"""Penalties on weights: what L1 and L2 regularizers compute, in one launch forward and one backward."""
from ..op import normal, op
from ..tensor import Spec
from .elementwise import multiply
from .reduce import sum


@op
class penalty:
    """l1 * sum(|x|) + l2 * sum(x^2), a scalar."""

    cases = [((normal(3, 5),), {"l1": 0.1, "l2": 0.2}), ((normal(0),), {"l1": 0.1}), ((normal(7),), {"l2": 0.01}),
             ((normal(3, 2, 5, 7),), {"l1": 0.3}), ((normal(1031, 67),), {"l1": 0.01, "l2": 0.02})]

    def spec(x, *, l1=0.0, l2=0.0):
        return Spec((), x.dtype)

    def cpu(x, y, *, l1, l2):
        return "penalty", (x, y, x.size, l1, l2)

    def flops(x): return 4 * x.size

    def vjp(dy, x, l1, l2):
        return penalty_grad(dy, x, l1=l1, l2=l2)


@op
class penalty_grad:
    """dy * (l1 * sign(x) + 2 * l2 * x): the gradient of `penalty`."""

    outputs = "dx"
    cases = [((normal(), normal(3, 5)), {"l1": 0.1, "l2": 0.2}), ((normal(), normal(1031, 67)), {"l1": 0.01, "l2": 0.02})]

    def spec(dy, x, *, l1, l2):
        return x

    def cpu(dy, x, dx, *, l1, l2):
        return "penalty_grad", (dy, x, dx, x.size, l1, l2)

    def flops(x): return 4 * x.size

    def vjp(ddx, dy, x, l1, l2):
        return sum(multiply(ddx, penalty_grad(1.0, x, l1=l1, l2=l2))), multiply(ddx, multiply(dy, 2 * l2))
