"""Linear algebra: what the golden numbers leave out, errors, and steps that cannot be replayed."""
import numpy as np
import pytest

import fastnn
from fastnn import ops
from fastnn.capture import Capture
from fastnn.tensor import Spec, Tensor


def matrices(rng, *shape):
    return Tensor(rng.standard_normal(shape))


@pytest.mark.parametrize("shape", [(4, 4), (2, 5, 3), (3, 5)])
def test_factors_multiply_to_the_matrix(rng, shape):
    x = matrices(rng, *shape)
    for full in (True, False):
        u, s, vt = ops.svd(x, full_matrices=full)
        k = s.shape[-1]
        np.testing.assert_allclose((u.numpy()[..., :k] * s.numpy()[..., None, :]) @ vt.numpy()[..., :k, :], x.numpy(), atol=1e-12)
    for mode in ("reduced", "complete"):
        q, r = ops.qr(x, mode)
        np.testing.assert_allclose(q.numpy() @ r.numpy(), x.numpy(), atol=1e-12)
        np.testing.assert_allclose(np.swapaxes(q.numpy(), -1, -2) @ q.numpy(), np.broadcast_to(np.eye(q.shape[-1]), r.shape[:-2] + (q.shape[-1],) * 2), atol=1e-12)


def test_eigenvectors_are_turned_by_nothing(rng):
    x = matrices(rng, 3, 4, 4)
    w, v = ops.eigh(x)
    symmetric = (x.numpy() + np.swapaxes(x.numpy(), -1, -2)) / 2
    np.testing.assert_allclose(symmetric @ v.numpy(), v.numpy() * w.numpy()[:, None], atol=1e-12)
    w, v = ops.eig(np.triu(x.numpy()))
    np.testing.assert_allclose(np.triu(x.numpy()) @ v.numpy(), v.numpy() * w.numpy()[:, None], atol=1e-12)


def test_integers_and_mixed_types(rng):
    assert ops.det(np.array([[2, 1], [0, 3]])).dtype == "float32"
    x = ops.solve(np.eye(3, dtype="float32"), rng.standard_normal((3, 2)))
    assert x.dtype == "float64" and x.shape == (3, 2)
    assert ops.solve(rng.standard_normal((4, 1, 3, 3)), rng.standard_normal((1, 5, 3, 2))).shape == (4, 5, 3, 2)


@pytest.mark.parametrize("name", ["inv", "solve", "solve_triangular", "cholesky_inverse"])
def test_singular_matrices(name):
    x = np.stack([np.eye(3), np.zeros((3, 3))])
    with pytest.raises(ValueError, match=rf"\[{name}\] the matrix 1 of 2 is singular: received the shape \(2, 3, 3\)"):
        getattr(ops, name)(x, *[np.ones((2, 3, 1))] if name.startswith("solve") else [])


def test_determinant_of_singular_matrices():
    assert float(ops.det(np.ones((3, 3)))) == 0
    sign, logarithm = ops.slogdet(np.ones((3, 3)))
    assert float(sign) == 0 and float(logarithm) == -np.inf


@pytest.mark.parametrize("values", [[[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, np.nan]]])
def test_not_positive_definite(values):
    with pytest.raises(ValueError, match=r"\[cholesky\] the matrix is not positive definite"):
        ops.cholesky(np.array(values))


@pytest.mark.parametrize("name", ["cholesky", "cholesky_inverse", "det", "slogdet", "logdet", "inv", "eig", "eigh"])
def test_not_square(name):
    for x in (np.ones((2, 3)), Spec((None, 2, 3))):
        with pytest.raises(ValueError, match=rf"\[{name}\] expected square matrices.*2, 3\)"):
            getattr(ops, name)(x)
    with pytest.raises(ValueError, match=rf"\[{name}\] expected matrices"):
        getattr(ops, name)(np.ones(3))


def test_other_errors(rng):
    x = matrices(rng, 3, 3)
    for call, words in ((lambda: ops.solve(x, np.ones((4, 1))), r"\[solve\] b has 4 rows"), (lambda: ops.solve(x, 1.0), r"expected b"),
                        (lambda: ops.lstsq(x, np.ones(4)), r"\[lstsq\] a has"), (lambda: ops.qr(x, "r"), r"\[qr\] mode"),
                        (lambda: ops.norm(x, "nuc", 1), r"\[norm\] ord='nuc'"), (lambda: ops.norm(x, 3), r"\[norm\] ord of matrices"),
                        (lambda: ops.norm(np.ones((2, 2, 2)), 1), "pass one axis"), (lambda: ops.norm(x, 1, (0, -2)), "given twice"),
                        (lambda: ops.eig(np.array([[0.0, 1.0], [-1.0, 0.0]])), r"\[eig\] eigenvalues are complex")):
        with pytest.raises(ValueError, match=words):
            call()
    with fastnn.GradientTape() as tape:
        tape.watch(x)
        q, _ = ops.qr(x[:, :2], "complete")
    with pytest.raises(ValueError, match="mode='complete' has no gradient"):
        tape.gradient(q, x)


def test_batches_may_be_open():
    x = Spec((None, 4, 3))
    assert [y.shape for y in ops.svd(x)] == [(None, 4, 4), (None, 3), (None, 3, 3)]
    assert [y.shape for y in ops.qr(x)] == [(None, 4, 3), (None, 3, 3)]
    assert ops.pinv(x).shape == (None, 3, 4) and ops.matrix_rank(x).shape == (None,)
    square = Spec((None, 3, 3))
    assert ops.inv(square).shape == (None, 3, 3) and ops.det(square).shape == (None,)
    assert ops.solve(square, Spec((None, 3))).shape == (None, 3)
    assert ops.cholesky_inverse(square).shape == (None, 3, 3)


@pytest.mark.parametrize("name, refused", [("det", False), ("inv", False), ("cholesky", False), ("eigh", True), ("pinv", True)])
def test_what_numpy_computes_cannot_be_replayed(name, refused):
    x = Tensor(np.eye(3))
    capture = Capture([x.data])
    with capture.recording():
        getattr(ops, name)(x)
    assert (capture.refusal is not None) == refused
    assert not refused or "Python reads the values" in capture.refusal


def test_names_lie_where_keras_has_them():
    assert ops.linalg.norm is ops.norm and ops.nn.relu is ops.relu and ops.numpy.add is ops.add
    assert ops.image.resize is ops.resize if hasattr(ops, "resize") else ops.image
    from fastnn.ops.linalg import solve_system
    assert callable(solve_system)
