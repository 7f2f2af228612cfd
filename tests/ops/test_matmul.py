"""Matrix products: tuned kernels against the reference around the edges of tiles, special values, errors, second derivatives."""
import itertools

import numpy as np
import pytest

from fastnn import ops
from fastnn._core import launch as core
from fastnn.ops.activation import CODES
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor
from tests.ops.references import activation as reference

TUNED = [level for level in core.levels("matmul") if level != "ref"]
SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 13, 14, 15, 16, 17, 28, 29, 31, 32, 33, 40]
FLAGS = list(itertools.product((False, True), repeat=2))


def product(level, a, b, ta=False, tb=False, bias=None, act=0, alpha=0.0, out=None):
    m, k = a.shape[::-1] if ta else a.shape
    n = b.shape[0] if tb else b.shape[1]
    c = np.full((m, n), 7, a.dtype) if out is None else out
    core.launch_at(level, "matmul", (a, b, bias, c, a.size, b.size, m, n, k, 1, int(ta), int(tb), act, alpha))
    return c


def operands(rng, m, n, k, ta, tb):
    a, b = rng.standard_normal((m, k), "float32"), rng.standard_normal((k, n), "float32")
    return np.ascontiguousarray(a.T if ta else a), np.ascontiguousarray(b.T if tb else b), a.astype("float64") @ b


def close(found, expected, k):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=3e-6 * max(1, k) ** 0.5)


def unaligned(x):
    """The same values, one float off any alignment."""
    whole = np.empty(x.size + 1, x.dtype)
    whole[1:] = x.ravel()
    return whole[1:].reshape(x.shape)


@pytest.mark.parametrize("ta, tb", FLAGS)
@pytest.mark.parametrize("level", TUNED)
def test_every_size_around_the_edges_of_tiles(level, ta, tb, rng):
    sizes = list(itertools.product(SIZES, repeat=3))
    for i in rng.choice(len(sizes), 1500, replace=False):
        m, n, k = sizes[i]
        a, b, expected = operands(rng, m, n, k, ta, tb)
        found = product(level, unaligned(a), unaligned(b), ta, tb, out=unaligned(np.empty((m, n), "float32")))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5, err_msg=str((m, n, k)))


LARGE = [(300, 300, 300), (61, 70, 1100), (512, 16, 3000), (16, 900, 600), (3000, 5, 20), (20, 3000, 5), (10, 10, 9000),
         (1, 3000, 300), (3, 700, 800), (7, 3000, 40), (300, 1, 3000), (130, 512, 256), (256, 130, 1024), (40, 33, 4500), (700, 700, 1)]


@pytest.mark.parametrize("ta, tb", FLAGS)
@pytest.mark.parametrize("level", TUNED)
def test_large_products_in_blocks_and_chunks(level, ta, tb, rng, threads):
    for m, n, k in LARGE:
        a, b, expected = operands(rng, m, n, k, ta, tb)
        bias = rng.standard_normal(n, "float32")
        found = []
        for count in (1, 2, 4):
            threads(count)
            found.append(product(level, a, b, ta, tb, bias))
        close(found[0], expected + bias, k)
        assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()


@pytest.mark.parametrize("m, n, k", [(1, 1, 9), (5, 1, 9), (3, 20, 9), (30, 40, 9), (30, 40, 300), (6, 5, 9000), (64, 1, 50)])
@pytest.mark.parametrize("level", TUNED)
def test_bias_and_activation_in_the_epilogue(level, m, n, k, rng):
    for ta, tb in FLAGS:
        a, b, z = operands(rng, m, n, k, ta, tb)
        bias = rng.standard_normal(n, "float32")
        for name, code in CODES.items():
            expected = reference.activate((z + bias) / 4, name, 0.3)
            close(product(level, a / 4, b, ta, tb, bias / 4, code, 0.3), expected, k)


@pytest.mark.parametrize("level", ["ref", *TUNED])
@pytest.mark.parametrize("m, n", [(1, 40), (3, 5), (20, 40), (2000, 200)])
def test_without_depth_there_is_the_bias(level, m, n, rng):
    a, b, bias = np.empty((m, 0), "float32"), np.empty((0, n), "float32"), rng.standard_normal(n, "float32")
    for ta, tb in FLAGS:
        left, right = a.T.copy() if ta else a, b.T.copy() if tb else b
        np.testing.assert_array_equal(product(level, left, right, ta, tb), np.zeros((m, n)))
        np.testing.assert_array_equal(product(level, left, right, ta, tb, bias, CODES["relu"]), np.tile(np.maximum(bias, 0), (m, 1)))


@pytest.mark.parametrize("level", ["ref", *TUNED])
@pytest.mark.parametrize("m, n, k", [(1, 5, 7), (3, 40, 20), (20, 33, 20), (6, 1, 30), (200, 200, 40)])
def test_nan_and_infinity_go_where_they_belong(level, m, n, k, rng):
    for (ta, tb), act in itertools.product(FLAGS, CODES):
        a, b, _ = operands(rng, m, n, k, ta, tb)
        (a.T if ta else a)[m - 1, k // 2] = np.nan
        (b.T if tb else b)[k - 1, 0] = np.inf
        found = product(level, a, b, ta, tb, None, CODES[act], 1.0)
        assert np.isnan(found[m - 1]).all()
        z = (a.T if ta else a)[:m - 1].astype("float64") @ (b.T if tb else b)
        np.testing.assert_array_equal(np.isnan(found[:m - 1]), np.isnan(reference.activate(z, act)))
        if act == "linear":
            np.testing.assert_array_equal(found[:m - 1, 0], z[:, 0])


@pytest.mark.parametrize("level", TUNED)
def test_nothing_is_written_beside_the_result(level, rng):
    for m, n, k in [(1, 5, 3), (3, 17, 40), (15, 33, 5), (29, 31, 300), (6, 1, 9), (200, 90, 30)]:
        a, b, expected = operands(rng, m, n, k, False, False)
        whole = np.full(m * n + 64, 5, "float32")
        product(level, a, b, out=whole[32:32 + m * n].reshape(m, n))
        assert (whole[:32] == 5).all() and (whole[-32:] == 5).all()


def test_batches_broadcast_as_in_numpy(rng, threads):
    shapes = [((2, 3, 4, 5), (5, 6)), ((4, 5), (2, 3, 5, 6)), ((3, 1, 4, 5), (2, 5, 6)), ((7, 40, 50), (7, 50, 60)), ((5,), (3, 5, 2)),
              ((3, 4, 5), (5,)), ((0, 4, 5), (0, 5, 6)), ((2, 1, 3, 4, 5), (1, 6, 1, 5, 2)), ((200, 30, 20), (200, 20, 30)),
              ((3, 300, 200), (3, 200, 300)), ((2, 3, 6, 1), (2, 3, 1, 1))]
    for sa, sb in shapes:
        a, b = rng.standard_normal(sa, "float32"), rng.standard_normal(sb, "float32")
        np.testing.assert_allclose(ops.matmul(a, b).numpy(), np.matmul(a, b), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("a, b, flags, words", [
    ((2, 3), (4, 5), {}, ["(2, 3)", "(4, 5)", "3 and 4"]),
    ((2, 3), (3, 5), dict(transpose_b=True), ["transpose_b", "3 and 5"]),
    ((2, 2, 3), (3, 3, 4), {}, ["(2,)", "(3,)", "broadcast"]),
    ((), (3,), {}, ["()", "multiply"])])
def test_errors_show_the_shapes(a, b, flags, words):
    with pytest.raises(ValueError) as error:
        ops.matmul(np.zeros(a, "float32"), np.zeros(b, "float32"), **flags)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize("x, w, b, attrs, words", [
    ((2, 3), (4, 5), None, {}, ["(2, 3)", "(4, 5)", "rows"]),
    ((2, 3), (3, 5), (4,), {}, ["(4,)", "(5,)"]),
    ((2, 3), (3, 5, 1), None, {}, ["(3, 5, 1)"]),
    ((2, 3), (3, 5), None, dict(activation="rellu"), ["'rellu'", "'relu'"])])
def test_errors_of_dense(x, w, b, attrs, words):
    x, w, b = (None if s is None else np.zeros(s, "float32") for s in (x, w, b))
    with pytest.raises(ValueError) as error:
        ops.dense(x, w, b, **attrs)
    assert all(word in str(error.value) for word in words), error.value


def test_mixed_dtypes():
    with pytest.raises(ValueError, match="float32.*float64"):
        ops.dense(np.zeros((2, 3), "float32"), np.zeros((3, 2), "float64"))
    assert ops.matmul(np.zeros((2, 3), "float32"), np.zeros((3, 2), "float64")).dtype == "float64"


def test_open_batch_sizes():
    assert ops.dense(Spec((None, 7, 3)), Spec((3, 4))).shape == (None, 7, 4)
    assert ops.matmul(Spec((None, 7, 3)), Spec((1, 3, 4))).shape == (None, 7, 4)


def test_linear_without_bias_passes_gradients_on_without_a_copy(rng):
    x, w = Tensor(rng.standard_normal((5, 3))), Tensor(rng.standard_normal((3, 2)))
    launched = []
    with GradientTape() as tape:
        tape.watch([w])
        y = ops.dense(x, w)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fastnn.op.launch", lambda name, args: (launched.append(name), core.launch(name, args)))
        dw = tape.gradient(y, w, Tensor(np.ones((5, 2))))
    assert launched == ["matmul"]       # no gradient for x, no copy of dy
    np.testing.assert_allclose(dw.numpy(), x.numpy().T @ np.ones((5, 2)))


@pytest.mark.parametrize("activation", CODES)
def test_second_derivatives_of_dense(activation, rng):
    """d/dx of the gradient's inner product with v, against a finite difference."""
    x, w, b, v = (rng.standard_normal(s) for s in ((4, 3), (3, 5), (5,), (4, 3)))

    def directional(x):
        x = Tensor(x)
        with GradientTape() as outer:
            outer.watch(x)
            with GradientTape() as inner:
                inner.watch(x)
                y = ops.dense(x, Tensor(w), Tensor(b), activation=activation, alpha=0.7)
            dx = inner.gradient(y, x)
        return float((dx.numpy() * v).sum()), outer.gradient(dx, x, Tensor(v))

    direction, h = rng.standard_normal((4, 3)), 1e-6
    _, found = directional(x)
    numeric = (directional(x + h * direction)[0] - directional(x - h * direction)[0]) / (2 * h)
    analytic = 0.0 if found is None else float((found.numpy() * direction).sum())
    assert abs(numeric - analytic) < 1e-6


@pytest.mark.parametrize("level", TUNED)
@pytest.mark.parametrize("m, n", [(1, 1), (5, 3), (3, 100), (700, 10), (300, 129), (40000, 3), (2, 20000)])
def test_gradient_of_bias_and_activation(level, m, n, rng):
    dy, y = rng.standard_normal((m, n), "float32"), rng.uniform(-0.9, 1, (m, n)).astype("float32")
    for name, code in CODES.items():
        dz, db = np.empty_like(dy), np.empty(n, "float32")
        core.launch_at(level, "bias_act_grad", (dy, y, dz, db, m, n, code, 0.4))
        expected = dy * reference.slope(y, name, 0.4)
        np.testing.assert_allclose(dz, expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(db, expected.sum(0), rtol=1e-4, atol=1e-5 * m ** 0.5)
