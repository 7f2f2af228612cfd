"""Capture: where the arrays of launches lie, what two captures differ in, and how memory is used again."""
import random

import numpy as np
import pytest

from fastnn import Variable, ops
from fastnn.capture import Capture, Made, arrange, difference, make_plan
from fastnn.tensor import Tensor


def captured(function, *arrays):
    """The Capture of a function of tensors, and what it returned."""
    capture = Capture(arrays)
    with capture.recording():
        found = function(*[Tensor(a) for a in arrays])
    return capture, found


def kinds(capture):
    """Kind and index of the arrays of each launch."""
    return [[(p.kind, p.index) for p in launch.args if isinstance(p, tuple)] for launch in capture.launches]


X = np.arange(6, dtype="float32").reshape(2, 3)


def test_arrays_are_inputs_made_or_fixed():
    w = Variable(np.ones((3, 4), "float32"))
    capture, _ = captured(lambda x: ops.relu(ops.matmul(x, w)), X.copy())
    assert kinds(capture) == [[("input", 0), ("fixed", 0), ("made", 0)], [("made", 0), ("made", 1)]]
    assert capture.fixed[0].array is w.data and not capture.fixed[0].written and capture.refusal is None


def test_views_point_into_what_they_are_views_of():
    capture, _ = captured(lambda x: ops.relu(ops.reshape(ops.exp(x), shape=(6,))), X.copy())
    assert kinds(capture) == [[("input", 0), ("made", 0)], [("made", 0), ("made", 1)]]
    part = X.copy()
    capture = Capture([part])
    with capture.recording():
        ops.exp(Tensor(part[1:]))
    assert capture.launches[0].args[0][:3] == ("input", 0, 12)


def test_memory_that_is_used_again_in_the_step_is_not_taken_for_the_same():
    def chain(x):
        for _ in range(5):          # each result is free when the next but one is made, and gets its memory
            x = ops.exp(ops.negative(x))
        return x
    capture, _ = captured(chain, X.copy())
    assert kinds(capture) == [[("input", 0), ("made", 0)], *[[("made", k), ("made", k + 1)] for k in range(9)]]


def test_copies_of_variables_and_constants_are_launches():
    w, numbers = Variable(np.ones((2, 3), "float32")), [1.0, 2.0, 3.0]
    capture, _ = captured(lambda x: ops.add(ops.reshape(w, shape=(3, 2)), 1.0) + ops.sum(ops.convert_to_tensor(numbers) * x), X.copy())
    assert [launch.kernel for launch in capture.launches].count("copy") == 2
    assert capture.refusal is None


def test_who_reads_values_is_told_with_the_place():
    capture, _ = captured(lambda x: float(ops.sum(x)), X.copy())
    assert "float()" in capture.refusal and "test_capture.py line" in capture.refusal


@pytest.mark.parametrize("look", [float, int, bool, str, repr, np.asarray, "{:.1f}".format, lambda t: t.item(), lambda t: t.tolist(),
                                  lambda t: t.numpy(), np.from_dlpack, lambda t: np.float32(3) > t.numpy(), lambda t: [1, 2][ops.cast(t, "int32") * 0]])
def test_every_way_to_look_at_values_is_noticed(look):
    assert captured(lambda x: look(ops.sum(x)), X.copy())[0].refusal


def test_boolean_masks_are_noticed_and_index_arrays_are_read_by_kernels():
    assert captured(lambda x: x[x > 2.0], X.copy())[0].refusal
    assert captured(lambda x: ops.unique(x), X.copy())[0].refusal
    assert captured(lambda x, i: ops.take_along_axis(x, i, 1), X.copy(), np.array([[0], [1]]))[0].refusal is None
    assert captured(lambda x, i: x[i, i], X.copy(), np.array([0, 1]))[0].refusal is None
    assert captured(lambda x, i: x[i], X.copy(), np.array([1, 0]))[0].refusal is None


def test_difference_in_numbers_kernels_and_arrays():
    def compare(f, g):
        x = X.copy()
        return difference(captured(f, x)[0], captured(g, x)[0])

    w, v = Variable(np.ones((2, 3), "float32")), Variable(np.ones((2, 3), "float32"))
    assert compare(ops.exp, ops.exp) is None
    assert "the kernel exp, and then log" in compare(ops.exp, ops.log)
    assert "launched 1 kernels, and then 2" in compare(ops.exp, lambda x: ops.exp(ops.exp(x)))
    assert "the number" in compare(lambda x: ops.leaky_relu(x, 0.1), lambda x: ops.leaky_relu(x, 0.2))
    assert "another one at each step" in compare(lambda x: x + w, lambda x: x + v)
    assert "NumPy" in compare(lambda x: x + np.ones((2, 3), "float32"), lambda x: x + np.zeros((2, 3), "float32"))
    assert compare(lambda x: x + np.ones((2, 3), "float32"), lambda x: x + np.ones((2, 3), "float32")) is None

    def one_twice(x):
        y, z = ops.exp(x), ops.exp(x)
        return y + y, z

    def two(x):
        y, z = ops.exp(x), ops.exp(x)
        return y + z, z

    assert "a result of the step, and then another one" in compare(one_twice, two)


def test_a_plan_computes_what_the_function_did(rng):
    w = Variable(rng.normal(size=(5, 4)).astype("float32"))

    def function(x):
        y = ops.matmul(x, w)
        return ops.softmax(y), ops.reshape(y, shape=(-1,))[2:5]

    x = rng.normal(size=(3, 5)).astype("float32")
    capture, results = captured(function, x)
    plan = make_plan(capture, list(results))
    for _ in range(3):
        x = rng.normal(size=(3, 5)).astype("float32")
        w.assign(rng.normal(size=(5, 4)))
        arrays = plan.plan.run((x,))
        for result, tensor in zip(plan.results, function(Tensor(x))):
            assert result.array(arrays).tobytes() == tensor.numpy().tobytes()


def test_memory_is_used_again_and_never_at_the_same_time():
    generator = random.Random(0)
    for _ in range(50):
        made = []
        for k in range(40):
            first = generator.randrange(60)
            one = Made(generator.choice([0, 4, 64, 100, 4096, 70_000]), "float32", first)
            one.last = min(60, first + generator.choice([0, 1, 2, 10, 60]))
            made.append((k, one))
        offsets, size = arrange(made)
        for k, a in made:
            assert offsets[k] % 64 == 0 and offsets[k] + a.bytes <= size
            for j, b in made[:k]:
                at_once = a.first <= b.last and b.first <= a.last
                apart = offsets[k] + a.bytes <= offsets[j] or offsets[j] + b.bytes <= offsets[k]
                assert not at_once or apart or not (a.bytes and b.bytes)
        at_most = max(sum(-(-one.bytes // 64) * 64 for _, one in made if one.first <= t <= one.last) for t in range(61))
        assert at_most <= size <= sum(-(-one.bytes // 64) * 64 for _, one in made)
