"""Factories of elementwise ops, so that each op is one line: its name, what it is, its gradient."""
from ..op import integers, normal, op, uniform
from ..tensor import FLOATS, Spec
from ._shapes import broadcast_groups, broadcast_spec, kernel_for, unbroadcast


def unary(name, doc, vjp=None, data=normal, promote="float", dtype=None, module="fastnn.ops.elementwise", jumps=False):
    """An op y = f(x), computed by the kernel of its name.

    Args:
        name: of op and kernel.
        doc: its docstring.
        vjp: its gradient, as in any op.
        data: makes test data of a shape, where f is smooth.
        promote: "float" where integers become floats first, False where they stay.
        dtype: of the result, None for that of x.
        jumps: whether f jumps, so that test data must be few to lie clear of it.
    """
    def spec(x):
        return x if dtype is None else Spec(x.shape, dtype)

    def cpu(x, y):
        return kernel_for(name, x.dtype), (x, y, x.size)

    body = {"__doc__": doc, "__module__": module, "spec": spec, "cpu": cpu, "promote": promote,
            "cases": [((data(*shape),), {}) for shape in ((3, 5), (300 if jumps else 40000,), (2, 0), ())]}
    if vjp is not None:
        body["vjp"] = vjp
    return op(type(name, (), body))


def positive(*shape):
    return uniform(*shape, low=0.2, high=3.0)


def within_one(*shape):
    return uniform(*shape, low=-0.9, high=0.9)


def above_one(*shape):
    return uniform(*shape, low=1.2, high=4.0)


def zero(dy):
    return None


def mask(*shape):
    return integers(*shape, low=0, high=2, dtype="bool")


def fused_gradient(name, doc, vjp=None, module="fastnn.ops.elementwise", alpha=None):
    """An op dx = g(dy, v), where v is the argument or the result of the function; linear in dy.

    alpha: a value for the tests of the number that the kernel is given besides, None if it is given none.
    """
    if alpha is None:
        def spec(dy, v): return dy
        def cpu(dy, v, dx): return name, (dy, v, dx, dy.size, 0.0)
    else:
        def spec(dy, v, *, alpha): return dy
        def cpu(dy, v, dx, *, alpha): return name, (dy, v, dx, dy.size, alpha)
    attrs = {} if alpha is None else {"alpha": alpha}
    body = {"__doc__": doc, "__module__": module, "outputs": "dx", "spec": spec, "cpu": cpu,
            "cases": [((normal(*shape), normal(*shape)), attrs) for shape in ((3, 5), (40000,))]}
    if vjp is not None:
        body["vjp"] = vjp
    return op(type(name, (), body))


SHAPES = (((3, 5), (3, 5)), ((40000,), (40000,)), ((300, 130), (130,)), ((4, 1, 3), (2, 1)), ((3, 5), ()), ((), (7,)),
          ((5, 1), (1, 6)), ((2, 0), (2, 1)))


SMALL = [pair for pair in SHAPES if (40000,) not in pair]       # for functions that jump: no element near a jump


def binary(name, doc, vjp=None, data=(normal, normal), promote=True, dtype=None, shapes=SHAPES,
           module="fastnn.ops.elementwise", kernel=None, whole=False):
    """An op y = f(x1, x2) with NumPy's broadcasting, computed by the kernel of its name (or of another: `kernel`).

    whole: whether it takes integers and booleans alone.
    """
    def spec(x1, x2):
        if whole and x1.dtype in FLOATS:
            raise TypeError(f"[{name}] expected integers or booleans, received {x1.dtype}: cast them first")
        return broadcast_spec(x1.shape, x2.shape, dtype or x1.dtype, name)

    def cpu(x1, x2, y):
        return kernel_for(kernel or name, x1.dtype), (x1, x2, y, x1.size, x2.size, y.size) + broadcast_groups(x1.shape, x2.shape)

    body = {"__doc__": doc, "__module__": module, "spec": spec, "cpu": cpu, "promote": promote,
            "cases": [((data[0](*a), data[1](*b)), {}) for a, b in shapes]}
    if vjp is not None:
        body["vjp"] = vjp
    return op(type(name, (), body))


def both(d1, x1, d2, x2, needs):
    """The gradients of two operands, from functions that give them in the shape of the result."""
    return (unbroadcast(d1(), x1.shape) if needs[0] else None, unbroadcast(d2(), x2.shape) if needs[1] else None)
