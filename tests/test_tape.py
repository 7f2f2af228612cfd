"""GradientTape: what it follows, what it refuses, and that no gradient is lost in silence."""
import gc
import weakref

import numpy as np
import pytest

from fastnn import GradientTape, Variable, ops
from fastnn.op import REGISTRY


def test_gradient_of_a_product():
    x = ops.convert_to_tensor([1.0, 2.0, 3.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(x * x)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), [2, 4, 6])


def test_trainable_variables_are_watched_others_are_not():
    a, b = Variable([2.0]), Variable([3.0], trainable=False)
    with GradientTape() as tape:
        y = a * b
    da, db = tape.gradient(y, [a, b])
    assert da.numpy() == [3.0] and db is None
    with GradientTape(watch_accessed_variables=False) as tape:
        y = a * b
    assert tape.gradient(y, a) is None


def test_several_targets_are_summed_and_structures_kept():
    x = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y, z = 3.0 * x, x * x
    found = tape.gradient([y, z], {"x": x, "all": (x, [x])})
    assert found["x"].tolist() == [5.0, 7.0] and found["all"][1][0].tolist() == [5.0, 7.0]


def test_output_gradients():
    x = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x, output_gradients=[10.0, 1.0]).tolist() == [20.0, 4.0]


def test_a_tensor_used_twice_gets_both_parts():
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x + x * 2.0 + ops.exp(x) * 0.0
    assert float(tape.gradient(y, x)) == 8.0


def test_the_target_may_be_a_source():
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x
        z = y * 2.0
    dx, dy = tape.gradient(z, [x, y])
    assert float(dx) == 12.0 and float(dy) == 2.0


def test_one_gradient_unless_persistent():
    x = Variable(1.0)
    with GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, x)
    with GradientTape(persistent=True) as tape:
        y = x * x
    assert float(tape.gradient(y, x)) == float(tape.gradient(y, x)) == 2.0


def test_second_derivative_by_nested_tapes():
    x = Variable(2.0)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = x * x * x
        dy = inner.gradient(y, x)
    assert float(dy) == 12.0 and float(outer.gradient(dy, x)) == 12.0


def test_unconnected_sources():
    x, y = Variable(1.0), Variable([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        z = x * 2.0
    assert tape.gradient(z, y) is None
    assert tape.gradient(z, y, unconnected_gradients="zero").tolist() == [0.0, 0.0]


def test_paused_recording_and_reset():
    x = Variable(2.0)
    with GradientTape() as tape:
        y = x * x
        with tape.stop_recording():
            k = x * 100.0
        z = y + k
    assert float(tape.gradient(z, x)) == 4.0
    with GradientTape() as tape:
        x * x
        tape.reset()
        y = x * 3.0
    assert float(tape.gradient(y, x)) == 3.0


def test_a_gradient_never_gets_lost_in_silence():
    """An op without a gradient between target and source raises; so does a variable that changed in between."""
    without = [op for op in REGISTRY.values() if op.vjp is None]
    assert without, "some op has no gradient"
    x = Variable([3.0, 1.0, 2.0])
    with GradientTape() as tape:
        y = x * x
        x.assign([1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="changed after"):
        tape.gradient(y, x)


def test_watch_refuses_what_has_no_gradient():
    with GradientTape() as tape:
        with pytest.raises(TypeError, match="convert_to_tensor"):
            tape.watch(np.ones(3))
        with pytest.raises(ValueError, match="float"):
            tape.watch(ops.convert_to_tensor([1, 2]))


def test_only_what_gradients_need_is_kept():
    """relu's gradient asks for its result; the input is free as soon as nobody else holds it."""
    x = Variable(np.ones((10, 10), "f4"))
    with GradientTape() as tape:
        h = x + 1.0
        alive = weakref.ref(h)
        y = ops.relu(h)
        del h
        gc.collect()
        assert alive() is None
    assert tape.gradient(y, x).numpy().sum() == 100.0


def test_the_tape_frees_as_it_goes():
    x = Variable(np.ones(3, "f4"))
    with GradientTape() as tape:
        h = ops.exp(x)
        alive = weakref.ref(h)
        y = ops.sum(h * h)
        del h
    assert alive() is not None
    tape.gradient(y, x)
    gc.collect()
    assert alive() is None
