"""einsum and its kin against NumPy: values, symbolic shapes, and gradients by finite differences."""
import numpy as np
import pytest

from fastnn import ops
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor

CASES = [
    ("ij,jk->ik", (3, 4), (4, 5)), ("ij,jk", (3, 4), (4, 5)), ("ij,kj->ik", (3, 4), (5, 4)), ("ji,jk->ki", (4, 3), (4, 5)), ("ij->ji", (3, 4)),
    ("ba", (3, 4)), ("ii->i", (4, 4)), ("ii", (4, 4)), ("iij->ji", (4, 4, 3)), ("iji->j", (4, 3, 4)), ("iii->i", (3, 3, 3)), ("i->", (5,)),
    ("ij->", (3, 4)), ("ij->i", (3, 4)), ("i,i->i", (5,), (5,)), ("i,i->", (5,), (5,)), ("i,j->ij", (3,), (4,)), ("i,j->ji", (3,), (4,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("bij,bkj->bki", (2, 3, 4), (2, 5, 4)), ("ijb,bjk->kbi", (3, 4, 2), (2, 4, 5)),
    ("ij,ij->i", (3, 4), (3, 4)), ("ij,ij->j", (3, 4), (3, 4)), ("ij,jk,kl->il", (3, 4), (4, 5), (5, 2)), ("ij,j,jk->k", (3, 4), (4,), (4, 5)),
    ("...x,xy->...y", (2, 3, 4), (4, 5)), ("...x,xy->...y", (4,), (4, 5)), ("...ij,...jk->...ik", (2, 1, 3, 4), (6, 4, 5)),
    ("i...,i...->...", (3, 2, 4), (3, 2, 4)), ("...,...->...", (3, 1), (4,)), ("...ii->...i", (2, 3, 3)), ("...i", (2, 3)), ("i...j,kj", (3, 2, 4), (5, 4)),
    ("abc,cde->abde", (2, 3, 4), (4, 5, 6)), ("abde,dec->abc", (2, 3, 5, 6), (5, 6, 4)), ("aecd,abcd->acbe", (2, 3, 4, 5), (2, 6, 4, 5)),
    ("acbe,aecd->abcd", (2, 4, 6, 3), (2, 3, 4, 5)), ("ij,ij->ij", (3, 1), (3, 4)), ("ij,jk->ik", (3, 1), (4, 5)), ("a,b,c->cab", (2,), (3,), (4,)),
    ("ij,k->i", (3, 4), (5,)), (",ij->ij", (), (3, 4)), ("", ()), ("ij,kl->", (2, 3), (4, 5)), ("iij,jj->i", (3, 3, 4), (4, 4)), ("ij,jk->ik", (0, 4), (4, 5)),
    ("a b , b c -> a c", (2, 3), (3, 4)), ("Ab,bA->A", (2, 3), (3, 2)),
]  # fmt: skip


def data(shapes, dtype="float64"):
    rng = np.random.default_rng(len(shapes))
    return [rng.normal(size=shape).astype(dtype) if dtype[0] == "f" else rng.integers(-5, 5, shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("subscripts, shapes", [(case[0], case[1:]) for case in CASES])
def test_einsum_is_that_of_numpy(subscripts, shapes, dtype):
    operands = data(shapes, dtype)
    expected = np.einsum(subscripts, *operands)
    found = ops.einsum(subscripts, *operands)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4 if dtype == "float32" else 1e-9, atol=1e-5 if dtype == "float32" else 1e-9)
    symbolic = ops.einsum(subscripts, *[Spec(shape, dtype) for shape in shapes])
    assert (symbolic.shape, symbolic.dtype) == (found.shape, found.dtype)


@pytest.mark.parametrize("subscripts, shapes", [(case[0], case[1:]) for case in CASES])
def test_gradients_are_finite_differences(subscripts, shapes):
    xs = [Tensor(x) for x in data(shapes)]
    with GradientTape() as tape:
        tape.watch(xs)
        y = ops.einsum(subscripts, *xs)
    rng = np.random.default_rng(9)
    dy, ds = rng.normal(size=y.shape), data(shapes)[::-1] and [rng.normal(size=shape) for shape in shapes]
    found = sum(float((g.numpy() * d).sum()) for g, d in zip(tape.gradient(y, xs, Tensor(dy)), ds))

    def at(h):
        return float((np.einsum(subscripts, *[x.numpy() + h * d for x, d in zip(xs, ds)]) * dy).sum())

    np.testing.assert_allclose(found, (at(1e-6) - at(-1e-6)) / 2e-6, rtol=1e-6, atol=1e-7)


def test_shapes_with_unknown_sizes():
    assert ops.einsum("abc,cde->abde", Spec((None, None, 4), "float32"), np.ones((4, 2, 3), "float32")).shape == (None, None, 2, 3)
    assert ops.einsum("...ij,...jk->...ik", Spec((None, 3, 4), "float32"), Spec((1, None, 5), "float32")).shape == (None, 3, 5)
    assert ops.dot(Spec((None, 4), "float32"), np.ones((4, 2), "float32")).shape == (None, 2)
    assert ops.tensordot(Spec((None, 3, 4), "float32"), np.ones((3, 4, 2), "float32"), 2).shape == (None, 2)


@pytest.mark.parametrize("subscripts, shapes, message", [
    ("ij,jk->ik", [(3, 4)], "name 2 operand"), ("ij,jk->ik", [(3, 4), (5, 6)], "labelled 'j' have the sizes 4 and 5"), ("ij->ii", [(3, 4)], "twice"),
    ("ij->ik", [(3, 4)], "that no operand has"), ("ijk->i", [(3, 4)], "does not fit"), ("i->i", [(3, 4)], "does not fit"),
    ("i.j->i", [(3, 4)], "expected letters"), ("......i->i", [(3, 4)], "expected letters"), ("i1->i", [(3, 4)], "expected letters"),
])
def test_what_does_not_fit_is_named(subscripts, shapes, message):
    with pytest.raises(ValueError, match=message):
        ops.einsum(subscripts, *data(shapes))


@pytest.mark.parametrize("dtype", ["float64", "int64"])
@pytest.mark.parametrize("name, shapes, arguments", [
    ("dot", [(3, 4), (4, 5)], {}), ("dot", [(4,), (4,)], {}), ("dot", [(2, 3, 4), (4,)], {}), ("dot", [(2, 3, 4), (5, 4, 6)], {}), ("dot", [(), (3, 2)], {}),
    ("inner", [(4,), (4,)], {}), ("inner", [(2, 3, 4), (5, 4)], {}), ("inner", [(3,), ()], {}), ("vdot", [(2, 3), (2, 3)], {}), ("vdot", [(5,), (5,)], {}),
    ("tensordot", [(2, 3, 4), (3, 4, 5)], {}), ("tensordot", [(2, 3), (3, 4)], {"axes": 1}), ("tensordot", [(2,), (3,)], {"axes": 0}),
    ("tensordot", [(2, 3, 4), (4, 5, 2)], {"axes": [[0, 2], [2, 0]]}), ("tensordot", [(2, 3), (4, 3)], {"axes": [1, 1]}),
    ("tensordot", [(2, 3, 4), (5, 3)], {"axes": [[-2], [-1]]}), ("outer", [(2, 3), (4,)], {}),
])  # fmt: skip
def test_its_kin_is_that_of_numpy(name, shapes, arguments, dtype):
    operands = data(shapes, dtype)
    found, expected = getattr(ops, name)(*operands, **arguments), getattr(np, name)(*operands, **arguments)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)


def test_axes_that_do_not_fit():
    with pytest.raises(ValueError, match="as many of both"):
        ops.tensordot(np.ones((2, 3)), np.ones((3, 2)), axes=[[0, 1], [0]])
    with pytest.raises(ValueError, match="must be equal"):
        ops.tensordot(np.ones((2, 3)), np.ones((1, 2)), axes=1)
    with pytest.raises(ValueError, match="twice"):
        ops.tensordot(np.ones((2, 2)), np.ones((2, 2)), axes=[[0, 0], [0, 1]])
