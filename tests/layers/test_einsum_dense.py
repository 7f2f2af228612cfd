"""EinsumDense and Dot beyond the golden numbers: sizes that are not known, errors, the initializer's fans."""
import numpy as np
import pytest

from fastnn import layers
from fastnn.tensor import Spec


def test_sizes_that_are_the_inputs():
    layer = layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de")
    assert layer(Spec((None, None, 4), "float32")).shape == (None, None, 2, 3)
    for length in (5, 7):
        assert layer(np.ones((2, length, 4))).shape == (2, length, 2, 3)


def test_the_initializer_knows_what_is_summed_over():
    """Of a kernel (c, d, e) the fan-in is c, whatever the order: the limit of glorot_uniform shows it."""
    layer = layers.EinsumDense("abc,cde->abde", output_shape=(None, 20, 30))
    layer.build((None, None, 100))
    assert abs(layer.kernel.numpy()).max() == pytest.approx((6 / (100 + 600)) ** 0.5, rel=0.01)


@pytest.mark.parametrize("equation", ["ab,bc", "ab->ac", "a1,bc->ac", "...ab,bc->ac", "ab,...bc->ac", ""])
def test_equations_of_another_form(equation):
    with pytest.raises(ValueError, match="equation"):
        layers.EinsumDense(equation, output_shape=4)


@pytest.mark.parametrize("equation, output_shape, shape, bias, message", [
    ("ab,bc->ac", 4, (2, 3, 5), None, "takes inputs of 2 axes"), ("abc,cd->abd", (7, 4), (2, 3, 5), None, "'b' has 3 elements"),
    ("ab,bc->ad", 4, (2, 3), None, "'d' is in neither"), ("ab,bd->a", (), (2, 3), None, "'d' is in neither"), ("ab,bc->ac", 4, (2, 3), "x", "no axis of the output"),
    ("abc,cd->abd", 4, (2, 3, 5), None, "needs 2 sizes"),
])  # fmt: skip
def test_what_does_not_fit(equation, output_shape, shape, bias, message):
    with pytest.raises(ValueError, match=message):
        layers.EinsumDense(equation, output_shape, bias_axes=bias)(np.ones(shape))


@pytest.mark.parametrize("axes", [1, -1, (1, 2)])
def test_dot_of_unknown_sizes(axes):
    x, y = Spec((None, 3), "float32"), Spec((None, 3) if axes != (1, 2) else (None, None, 3), "float32")
    assert layers.dot([x, y], axes=axes).shape == ((None, 1) if axes != (1, 2) else (None, None))


def test_dot_refuses():
    for axes, error in (("1", TypeError), ((1, 2, 3), ValueError), ((1, 2.0), ValueError)):
        with pytest.raises(error, match="axes"):
            layers.Dot(axes)
    x = np.ones((2, 3))
    for axes, inputs, message in ((1, [x, np.ones((2, 4))], "have one size"), (0, [x, x], "but the first"), (2, [x, x], "but the first"), (1, [x], "list of 2"),
                                  (1, x, "list of 2"), (1, [x, x, x], "list of 2")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            layers.Dot(axes)(inputs)
