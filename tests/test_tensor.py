"""Tensor, Variable and their ways in and out."""
import copy
import pickle

import numpy as np
import pytest

from fastnn import GradientTape, Variable, config, ops
from fastnn.tensor import Spec, Tensor, convert_to_tensor, result_type, standardize_dtype


def test_dtypes_of_python_values():
    assert convert_to_tensor(1.0).dtype == convert_to_tensor([1.0, 2]).dtype == "float32"
    assert convert_to_tensor(3).dtype == convert_to_tensor([1, 2]).dtype == "int32"
    assert convert_to_tensor(2**40).dtype == convert_to_tensor([2**40]).dtype == "int64"
    assert convert_to_tensor(True).dtype == convert_to_tensor([True]).dtype == "bool"
    assert convert_to_tensor(np.float64(1)).dtype == "float64"
    assert convert_to_tensor([1, 2], "float64").dtype == "float64"


def test_a_tensor_is_a_copy_of_its_array():
    a = np.ones(3, "f4")
    t = convert_to_tensor(a)
    a[:] = 5
    assert t.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("value", ["text", ["a", "b"], [[1], [1, 2]], np.array(["x"]), np.ones(2, complex), object()])
def test_what_is_no_number(value):
    with pytest.raises((TypeError, ValueError)):
        convert_to_tensor(value)


def test_standardize_dtype():
    assert [standardize_dtype(d) for d in (None, float, int, "int8", np.float64, np.dtype("u1"))] == \
        ["float32", "float32", "int32", "int8", "float64", "uint8"]
    with pytest.raises(ValueError, match="complex"):
        standardize_dtype("complex64")


@pytest.mark.parametrize("dtypes, expected", [
    (("float32", "int64"), "float32"), (("float32", "float64"), "float64"), (("int32", "int64"), "int64"),
    (("bool", "int8"), "int8"), (("uint8", "int8"), "int16"), (("uint64", "int64"), "float32"), (("bool", "bool"), "bool")])
def test_result_type(dtypes, expected):
    assert result_type(*dtypes) == expected


def test_operators_reach_ops():
    x = convert_to_tensor([4.0, 9.0])
    assert (1 + x - 2).tolist() == [3.0, 8.0] and (2 / x).tolist() == [0.5, np.float32(2 / 9)]
    assert (x ** 2).tolist() == [16.0, 81.0] and (-x).tolist() == [-4.0, -9.0] and abs(-x).tolist() == [4.0, 9.0]
    assert (x > 5).tolist() == [False, True] and (x == 4).tolist() == [True, False]
    assert (x @ convert_to_tensor([[1.0], [1.0]])).tolist() == [13.0]
    assert x[1].item() == 9.0 and x[::-1].tolist() == [9.0, 4.0] and [float(v) for v in x] == [4.0, 9.0]


def test_numpy_keeps_out_of_the_way():
    x = Variable([4.0, 9.0])
    for y in (np.ones(2, "f4") + x, np.sqrt(x), np.float32(2) * x):
        assert isinstance(y, Tensor)
    with pytest.raises(TypeError, match="numpy.spacing"):
        np.spacing(x)
    assert np.asarray(x).tolist() == [4.0, 9.0]
    assert np.asarray(x, "f8").dtype == np.float64


def test_number_keeps_the_dtype_of_the_tensor():
    assert (convert_to_tensor(np.ones(2)) * 2.5).dtype == "float64"
    assert (convert_to_tensor([1, 2]) * 2).dtype == "int32"
    assert (convert_to_tensor([1, 2]) * 2.5).dtype == "float32"


def test_zeros_keep_their_sign():
    assert np.signbit((convert_to_tensor([1.0]) * -0.0).numpy()).all()
    assert not np.signbit((convert_to_tensor([1.0]) * 0.0).numpy()).any()


def test_dlpack():
    x = convert_to_tensor([[1.0, 2.0]])
    assert np.from_dlpack(x).tolist() == [[1.0, 2.0]]


def test_conversions_to_python():
    assert float(convert_to_tensor(2.5)) == 2.5 and int(convert_to_tensor(3)) == 3 and bool(convert_to_tensor(1))
    assert [10, 20, 30][convert_to_tensor(1)] == 20
    with pytest.raises(TypeError):
        [10, 20][convert_to_tensor(1.0)]
    assert f"{convert_to_tensor(0.25):.1f}" == "0.2"
    with pytest.raises(TypeError, match="length"):
        len(convert_to_tensor(1.0))


def test_variable_assigns_in_place():
    v = Variable([1.0, 2.0], name="v")
    data = v.data
    v.assign([3, 4])
    v.assign_add([1.0, 1.0])
    v.assign_sub(np.array([0.0, 1.0]))
    assert v.data is data and v.tolist() == [4.0, 4.0] and v.version == 3
    with pytest.raises(ValueError, match=r"'v' has shape \(2,\).*\(3,\)"):
        v.assign([1.0, 2.0, 3.0])


def test_variable_numpy_is_a_copy():
    v = Variable([1.0])
    v.numpy()[:] = 5
    assert v.tolist() == [1.0]


def test_variable_from_a_function():
    v = Variable(lambda shape, dtype: np.full(shape, 2, dtype), shape=(2, 2))
    assert v.shape == (2, 2) and v.dtype == "float32"
    with pytest.raises(ValueError, match="shape is needed"):
        Variable(lambda shape, dtype: 0)


def test_variable_copies_and_pickles():
    v = Variable([1.0, 2.0], name="v", trainable=False)
    for twin in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        v.assign([0.0, 0.0])
        assert (twin.tolist(), twin.name, twin.trainable) == ([1.0, 2.0], "v", False)
        v.assign([1.0, 2.0])


def test_specs_say_that_they_have_no_value():
    s = Spec((None, 3), "float32")
    with pytest.raises(TypeError, match="branch"):
        bool(s)
    with pytest.raises(TypeError, match="NumPy"):
        np.asarray(s)
    assert (s + 1.0).shape == (None, 3) and ops.sum(s, axis=1).shape == (None,)


def test_a_result_does_not_change_with_its_variable():
    v = Variable([[1.0, 2.0]])
    r, t = ops.reshape(v, (2,)), ops.stop_gradient(v)
    v.assign([[3.0, 4.0]])
    assert r.tolist() == [1.0, 2.0] and t.tolist() == [[1.0, 2.0]]


def test_a_tape_keeps_values_not_the_callers_array():
    w, a = Variable([1.0, 1.0]), np.array([2.0, 3.0], "f4")
    with GradientTape() as tape:
        y = w * a
    a[0] = 100
    assert tape.gradient(y, w).tolist() == [2.0, 3.0]


def test_copies_are_tensors_of_their_own():
    x = convert_to_tensor([1.0])
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin.key != x.key and twin.tolist() == [1.0]


def test_numbers_follow_floatx_and_are_constants():
    config.set_floatx("float64")
    try:
        assert ops.add(1.0, 2.0).dtype == "float64"
    finally:
        config.set_floatx("float32")
    assert ops.add(1.0, 2.0).dtype == "float32"
    with pytest.raises(ValueError, match="read-only"):
        ops.reshape(2.0, (1,)).numpy()[...] = 5


def test_unaligned_arrays_are_taken():
    raw = np.frombuffer(b"." + np.arange(4, dtype="f4").tobytes(), np.uint8)[1:].view("f4")
    assert not raw.flags.aligned and ops.add(raw, 1.0).tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_missing_weight_is_named():
    with pytest.raises(ValueError, match=r"\[dense\] argument 'w'.* is None.*build"):
        ops.dense(convert_to_tensor([[1.0]]), None)
