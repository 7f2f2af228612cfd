"""Branches, loops, and functions with gradients of their own."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.capture import Capture
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor, Variable


def tensor(*values):
    return Tensor(np.array(values))


def gradient(f, *xs):
    with GradientTape() as tape:
        tape.watch(list(xs))
        y = f(*xs)
    return [g if g is None else g.numpy() for g in tape.gradient(y, list(xs))]


def test_branches():
    x = tensor(1.0, 2.0)
    assert ops.cond(ops.sum(x) > 2, lambda: x * 2, lambda: x).tolist() == [2, 4]
    assert gradient(lambda x: ops.cond(ops.sum(x) > 5, lambda: x * 2, lambda: x * 3), x)[0].tolist() == [3, 3]
    branches = [lambda a, b: a + b, lambda a, b: a - b]
    assert [ops.switch(i, branches, x, 1.0).tolist() for i in (-3, 0, 1, tensor(7)[0])] == [[2, 3], [2, 3], [0, 1], [0, 1]]


def test_symbolic_branches_agree_in_shape():
    pred, x = Spec((), "bool"), Spec((None, 3))
    found = ops.cond(pred, lambda: {"a": x * 2, "b": None}, lambda: {"a": x, "b": None})
    assert (found["a"].shape, found["b"]) == ((None, 3), None)
    assert ops.switch(Spec((), "int32"), [lambda x: x, lambda x: x + 1], x).shape == (None, 3)
    with pytest.raises(ValueError, match=r"\[cond\] with a symbolic condition"):
        ops.cond(pred, lambda: x, lambda: x[:, 0])


def test_while_loop():
    assert ops.while_loop(lambda i: i < 10, lambda i: i + 3, tensor(0)[0]).item() == 12
    assert ops.while_loop(lambda i: True, lambda i: i + 1, 0, maximum_iterations=4) == 4
    i, x = ops.while_loop(lambda i, x: ops.sum(x) < 100, lambda i, x: [i + 1, x * 2], [0, tensor(1.0, 2.0)])
    assert (i, x.tolist()) == (6, [64, 128])
    assert gradient(lambda x: ops.while_loop(lambda y: ops.sum(y) < 100, lambda y: y * y, x), tensor(3.0, 2.0))[0].tolist() == [8 * 3 ** 7, 8 * 2 ** 7]
    assert [s.shape for s in ops.while_loop(None, None, (Spec((None, 2)), 1))] == [(None, 2), ()]


def test_fori_loop():
    assert ops.fori_loop(1, tensor(4)[0], lambda i, x: x * i, 1) == 6
    assert gradient(lambda x: ops.fori_loop(0, 3, lambda i, y: y * x, x), tensor(2.0))[0].tolist() == [32]
    assert ops.fori_loop(0, 3, None, Spec((2, 3))).shape == (2, 3)


def test_scan(rng):
    xs = Tensor(rng.standard_normal((5, 3)))
    for reverse in (False, True):
        carry, ys = ops.scan(lambda c, x: (c + x, {"sum": c + x, "none": None}), ops.zeros((3,), "float64"), xs, reverse=reverse)
        order = slice(None, None, -1 if reverse else 1)
        np.testing.assert_allclose(ys["sum"].numpy()[order], xs.numpy()[order].cumsum(0))
        np.testing.assert_allclose(carry.numpy(), xs.numpy().sum(0))
        assert ys["none"] is None
    (a, b), ys = ops.scan(lambda c, x: ((c[1], c[0] + c[1]), c[0]), (0, 1), length=7)
    assert ys.tolist() == [0, 1, 1, 2, 3, 5, 8] and int(a) == 13
    carry, ys = ops.scan(lambda c, x: (c + x[0] * x[1], c), tensor(0.0, 0.0, 0.0), (xs, xs))
    assert carry.shape == (3,)
    np.testing.assert_allclose(gradient(lambda x: ops.scan(lambda c, v: (c * v, None), ops.ones((3,), "float64"), x)[0], xs)[0],
                               xs.numpy().prod(0) / xs.numpy())
    carry, ys = ops.scan(lambda c, x: (c + x, x[None]), Spec((3,)), Spec((None, 3)))
    assert (carry.shape, ys.shape) == ((3,), (None, 1, 3))
    with pytest.raises(ValueError, match="needs xs or length"):
        ops.scan(lambda c, x: (c, x), 0)
    with pytest.raises(ValueError, match="length is 3"):
        ops.scan(lambda c, x: (c, x), 0, xs, length=3)


def test_map(rng):
    xs, zs = Tensor(rng.standard_normal((5, 3))), Tensor(rng.standard_normal((5,)))
    np.testing.assert_array_equal(ops.map(lambda x: x * 2, xs).numpy(), xs.numpy() * 2)
    found = ops.vectorized_map(lambda e: {"product": e[0] * e[1], "sum": ops.sum(e[0])}, [xs, zs])
    np.testing.assert_allclose(found["product"].numpy(), xs.numpy() * zs.numpy()[:, None])
    np.testing.assert_allclose(found["sum"].numpy(), xs.numpy().sum(1))
    assert ops.map(lambda x: ops.sum(x), Spec((None, 3))).shape == (None,)
    np.testing.assert_allclose(gradient(lambda x: ops.map(lambda v: v * v, x), xs)[0], 2 * xs.numpy())
    with pytest.raises(ValueError, match="one size"):
        ops.map(lambda x: x[0], [xs, xs[:3]])


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 13])
def test_associative_scan(rng, n):
    x = Tensor(rng.standard_normal((2, n, 3)))
    for axis in (1, -2):
        np.testing.assert_allclose(ops.associative_scan(lambda a, b: a + b, x, axis=axis).numpy(), x.numpy().cumsum(1))
    found = ops.associative_scan(lambda a, b: a * b, x, reverse=True, axis=1)
    np.testing.assert_allclose(found.numpy(), x.numpy()[:, ::-1].cumprod(1)[:, ::-1])
    # y[t] = a[t] y[t - 1] + b[t], the scan of linear recurrences: not commutative
    found = ops.associative_scan(lambda p, q: (p[0] * q[0], q[0] * p[1] + q[1]), (x[0], x[1]))
    y, wanted = np.zeros(3), []
    for a, b in zip(x.numpy()[0], x.numpy()[1]):
        y = a * y + b
        wanted.append(y)
    np.testing.assert_allclose(found[1].numpy(), wanted)
    assert gradient(lambda x: ops.associative_scan(lambda a, b: a + b, x, axis=1), x)[0].shape == x.shape
    assert ops.associative_scan(lambda a, b: a + b, Spec((4, None))).shape == (4, None)


def test_custom_gradient():
    calls = []

    @ops.custom_gradient
    def f(x, factor, others):
        def grad(upstream):
            calls.append(upstream)
            return upstream * 10.0, None, upstream * 20.0, None
        return x * factor, grad

    x, y = tensor(1.0, 2.0), Variable(np.array([3.0, 4.0]))
    assert f(x, 3.0, [y, None]).tolist() == [3, 6]
    with GradientTape() as tape:
        tape.watch(x)
        out = f(x, 3.0, [y, None]) * 2.0
    dx, dy = tape.gradient(out, [x, y])
    assert dx.tolist() == [20, 20] and dy.tolist() == [40, 40] and len(calls) == 1
    assert f(Spec((None, 2)), 3.0, []).shape == (None, 2)


def test_custom_gradients_of_several_results_and_in_the_manner_of_torch():
    @ops.custom_gradient
    def both(x):
        return (x, x * 2.0), lambda upstream: upstream[0] + upstream[1]

    assert gradient(lambda x: both(x)[1] * 3.0, tensor(1.0))[0].tolist() == [3]

    @ops.custom_gradient
    def clipped(x):
        def grad(*args, upstream):
            return ops.clip(upstream, -1.0, 1.0) * args[0]
        return x * 1.0, grad

    assert gradient(lambda x: clipped(x) * 5.0, tensor(7.0))[0].tolist() == [7]

    @ops.custom_gradient
    def agnostic(x):
        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            return upstream * 2.0
        return x, grad

    assert gradient(lambda x: agnostic(agnostic(x)), tensor(7.0))[0].tolist() == [4]
    wrong = ops.custom_gradient(lambda x, y: (x + y, lambda upstream: upstream))
    with pytest.raises(ValueError, match=r"\[custom_gradient\].*gave 1 tensors, expected 2"):
        gradient(wrong, tensor(1.0), tensor(2.0))


def test_jvp(rng):
    x, w, dx, dw = (Tensor(rng.standard_normal(shape)) for shape in ((2, 3), (3, 4), (2, 3), (3, 4)))
    value, slope, aux = ops.jvp(lambda x, w: ({"y": ops.tanh(ops.matmul(x, w["w"])), "x": x}, "more"), (x, {"w": w}), (dx, {"w": dw}), has_aux=True)
    y = np.tanh(x.numpy() @ w.numpy())
    np.testing.assert_allclose(value["y"].numpy(), y)
    np.testing.assert_allclose(slope["y"].numpy(), (1 - y ** 2) * (dx.numpy() @ w.numpy() + x.numpy() @ dw.numpy()))
    np.testing.assert_allclose(slope["x"].numpy(), dx.numpy())
    assert aux == "more"
    assert ops.jvp(lambda x: ops.ones((2,)), (x,), (dx,))[1].tolist() == [0, 0]
    assert [y.shape for y in ops.jvp(lambda x: x[:, 0], (Spec((None, 3)),), (Spec((None, 3)),))] == [(None,), (None,)]
    with pytest.raises(ValueError, match="expected the same"):
        ops.jvp(ops.sin, (x,), (dw,))


def test_conditions_that_are_tensors_cannot_be_replayed():
    x = tensor(1.0)
    for call, refused in ((lambda: ops.cond(x > 0, lambda: x, lambda: x), True), (lambda: ops.cond(True, lambda: x, lambda: x), False),
                          (lambda: ops.fori_loop(0, 3, lambda i, y: y * 2.0, x), False),
                          (lambda: ops.fori_loop(0, ops.cast(x, "int32"), lambda i, y: y * 2.0, x), True),
                          (lambda: ops.scan(lambda c, v: (c + v, c), x[0], x), False)):
        capture = Capture([x.data])
        with capture.recording():
            call()
        assert (capture.refusal is not None) == refused
