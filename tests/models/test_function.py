"""Function and Operation: parts of graphs that are called like functions."""
import pickle

import numpy as np
import pytest

import fastnn
from fastnn import layers, ops
from fastnn.tensor import Spec

A, B = np.arange(6, dtype="float32").reshape(2, 3), np.ones((2, 3), "float32")


def test_a_function_of_symbolic_tensors():
    x, y = fastnn.KerasTensor((None, 3), name="x"), fastnn.KerasTensor((None, 3))
    function = fastnn.Function([x, y], {"sum": x + y, "wide": ops.concatenate([x, y], axis=-1)}, name="both")
    found = function([A, B])
    assert sorted(found) == ["sum", "wide"] and found["sum"].tolist() == (A + B).tolist() and found["wide"].shape == (2, 6)
    assert function.compute_output_shape([(5, 3), (5, 3)]) == {"sum": (5, 3), "wide": (5, 6)}
    assert function.inputs == [x, y] and len(function.outputs) == 2 and len(function.operations) == 4
    copy = pickle.loads(pickle.dumps(function))
    assert copy([A, B])["sum"].tolist() == found["sum"].tolist() and copy.outputs[1].shape == (None, 6)


def test_a_function_is_a_node_of_other_graphs():
    inputs = layers.Input((3,))
    dense = layers.Dense(2)
    inner = layers.Input((3,))
    function = fastnn.Function(inner, dense(inner))
    model = fastnn.Model(inputs, function(inputs) + 1.0)
    np.testing.assert_allclose(model(A).numpy(), A @ dense.kernel.numpy() + 1, rtol=1e-5)
    assert function(Spec((4, 3))).shape == (4, 2)


def test_wrong_functions():
    x, y = fastnn.KerasTensor((None, 3)), fastnn.KerasTensor((None, 3))
    with pytest.raises(ValueError, match="comes of nothing"):
        fastnn.Function(x, x + y)
    with pytest.raises(ValueError, match="empty"):
        fastnn.Function([], x)
    with pytest.raises(TypeError, match="symbolic"):
        fastnn.Function(A, x)
    function = fastnn.Function([x, y], x + y, name="f")
    with pytest.raises(ValueError, match='function "f" was called'):
        function(A)
    with pytest.raises(ValueError, match=r"\(None, 3\).*\(2, 4\)"):
        function([A, np.ones((2, 4))])


class Scaled(fastnn.Operation):
    def __init__(self, factor, name=None):
        super().__init__(name)
        self.factor = factor

    def call(self, x):
        return self.factor * x


class Read(fastnn.Operation):
    def call(self, x):
        return ops.convert_to_tensor(x.numpy() + 1)

    def compute_output_spec(self, x):
        return fastnn.KerasTensor(x.shape, x.dtype)


def test_own_operations():
    inputs = layers.Input((3,))
    model = fastnn.Model(inputs, Read()(Scaled(2.0, name="twice")(inputs)))
    assert model.get_layer("twice").factor == 2.0 and model.output_shape == (None, 3)
    np.testing.assert_allclose(model.predict(A, verbose=0), 2 * A + 1)
    assert Scaled(3.0)(A).tolist() == (3 * A).tolist()
    with pytest.raises(TypeError, match="call"):
        fastnn.Operation()(A)
