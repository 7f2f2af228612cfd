"""Recurrent ops with masks, directions, dropout of the state: against plain loops, at every instruction set, on any number of threads."""
import itertools

import numpy as np
import pytest

from fastnn import ops
from fastnn._core import launch as core
from fastnn.op import REGISTRY
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor

from .references import recurrent as reference

CELLS = {"simple_rnn": (1, 1), "lstm": (4, 2), "gru": (3, 1)}       # gates, states
WAYS = list(itertools.product((None, "some", "none", "last"), (False, True), (False, True), (False, True)))


def inputs(name, batch, steps, units, rng, dtype, mask=None, factor=False, features=None):
    """z (with features: the inputs), the states, the kernel, a bias for the GRU, mask, state_factor, weights and bias as arrays."""
    gates, states = CELLS[name]
    masks = {"some": rng.random((batch, steps)) < 0.6, "none": np.zeros((batch, steps), bool),
             "last": np.arange(steps) >= rng.integers(0, steps + 1, (batch, 1))}
    weights = [] if features is None else [rng.standard_normal((features, gates * units)) / np.sqrt(features + 1),
                                           rng.standard_normal(gates * units)]
    return [rng.standard_normal((batch, steps, gates * units if features is None else features)).astype(dtype),
            *[rng.standard_normal((batch, units)).astype(dtype) for _ in range(states)],
            (rng.standard_normal((units, gates * units)) / np.sqrt(units)).astype(dtype),
            *([rng.standard_normal(gates * units).astype(dtype)] if name == "gru" else []),
            masks.get(mask), (rng.integers(0, 2, (batch, units)) * 2).astype(dtype) if factor else None,
            *[w.astype(dtype) for w in weights]]


def differentiable(name, arrays):
    """The places of floats among them, but for the factor."""
    factor = list(REGISTRY[name].inputs).index("state_factor")
    return [k for k, x in enumerate(arrays) if x is not None and x.dtype != bool and k != factor]


def tensors(arrays):
    return [None if x is None else Tensor(x) for x in arrays]


def gradients(name, arrays, seeds, **attrs):
    """Those of the outputs weighted by `seeds`, with regard to all floats but the factor."""
    xs = tensors(arrays)
    sources = [xs[k] for k in differentiable(name, arrays)]
    with GradientTape() as tape:
        tape.watch(sources)
        outputs = getattr(ops, name)(*xs, **attrs)
    used = [(y, Tensor(w)) for y, w in zip(outputs, seeds) if w is not None]
    return [g.numpy() for g in tape.gradient([y for y, _ in used], sources, [w for _, w in used])]


def close(found, expected, tolerance):
    assert len(found) == len(expected)
    for y, e in zip(found, expected):
        np.testing.assert_allclose(y, e, rtol=tolerance, atol=tolerance * max(1.0, np.abs(e).max(initial=0)))


def ways(name):
    return [dict(reset_after=after) for after in (True, False)] if name == "gru" else [{}]


@pytest.mark.parametrize("features", [None, 7])
@pytest.mark.parametrize("mask, reverse, factor, zero_masked", WAYS)
@pytest.mark.parametrize("name", CELLS)
def test_values_and_gradients_of_plain_loops(name, mask, reverse, factor, zero_masked, features, rng):
    """Values by NumPy; gradients by differences in float64, and in float32 those of float64."""
    for more in ways(name):
        attrs = dict(reverse=reverse, zero_masked=zero_masked, **more)
        arrays = inputs(name, 5, 6, 18, rng, "float64", mask, factor, features)
        expected = getattr(reference, name)(*arrays, **attrs)
        seeds = [rng.standard_normal(y.shape) for y in expected]
        close([y.numpy() for y in getattr(ops, name)(*tensors(arrays), **attrs)], expected, 1e-12)
        found = gradients(name, arrays, seeds, **attrs)
        moving = differentiable(name, arrays)
        directions = {k: rng.standard_normal(arrays[k].shape) for k in moving}

        def value(h):
            moved = [x + h * directions[k] if k in directions else x for k, x in enumerate(arrays)]
            return sum((w * y).sum() for w, y in zip(seeds, getattr(reference, name)(*moved, **attrs)))
        slope = sum((directions[k] * g).sum() for k, g in zip(moving, found))
        size = sum(np.abs(directions[k] * g).sum() for k, g in zip(moving, found))
        assert abs((value(1e-6) - value(-1e-6)) / 2e-6 - slope) <= 1e-6 * max(1.0, size)

        small = [x.astype("float32") if x is not None and x.dtype != bool else x for x in arrays]
        close([y.numpy() for y in getattr(ops, name)(*tensors(small), **attrs)], expected, 1e-5)
        close(gradients(name, small, [w.astype("float32") for w in seeds], **attrs), found, 3e-5)


@pytest.mark.parametrize("batch, steps, units", [(1, 1, 1), (1, 9, 40), (3, 4, 128), (16, 5, 7), (61, 23, 33), (200, 3, 16), (9, 2, 300),
                                                 (4, 0, 3), (0, 4, 3)])
@pytest.mark.parametrize("name", CELLS)
def test_bits_do_not_depend_on_threads(name, batch, steps, units, rng, threads):
    for more, features in itertools.product(ways(name), (None, 1, 40)):
        arrays = inputs(name, batch, steps, units, rng, "float32", "some", True, features)
        expected = getattr(reference, name)(*arrays, **more)
        seeds = [rng.standard_normal(y.shape).astype("float32") for y in expected]
        found = []
        for n in (1, 2, 4):
            threads(n)
            values = [y.numpy() for y in getattr(ops, name)(*tensors(arrays), **more)]
            found.append([x.tobytes() for x in values + gradients(name, arrays, seeds, **more)])
        close(values, expected, 1e-5)
        assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("which", [None, 0, 1])
@pytest.mark.parametrize("level", core.machine_levels())
@pytest.mark.parametrize("name", CELLS)
def test_instruction_sets_agree(name, level, which, rng, monkeypatch):
    """`which`: the result that has a gradient; None: all."""
    for (batch, steps, units), factor in itertools.product([(29, 37, 24), (2, 3, 65)], (False, True)):
        for more, features in itertools.product(ways(name), (None, 21)):
            arrays = inputs(name, batch, steps, units, rng, "float32", "some" if factor else None, factor, features)
            seeds = [rng.standard_normal((batch, steps, units)), *[rng.standard_normal((batch, units))] * CELLS[name][1]]
            seeds = [w.astype("float32") if which in (None, k) else None for k, w in enumerate(seeds)]
            found = []
            for at in ("ref", level):
                monkeypatch.setattr("fastnn.op.launch", lambda kernel, args, at=at: core.launch_at(at, kernel, args))
                values = [y.numpy() for y in getattr(ops, name)(*tensors(arrays), **more)]
                found.append(values + gradients(name, arrays, seeds, **more))
            close(found[1], found[0], 3e-5)


def test_nothing_is_kept_without_a_tape(rng, monkeypatch):
    calls = []
    monkeypatch.setattr("fastnn.op.launch", lambda name, args: (calls.append((name, args)), core.launch(name, args)))
    arrays = inputs("lstm", 2, 3, 4, rng, "float32")
    ops.lstm(*tensors(arrays))
    assert calls[0][0] == "lstm" and calls[0][1][11:13] == (None, None)
    with GradientTape() as tape:
        z = Tensor(arrays[0])
        tape.watch(z)
        assert len(ops.lstm(z, *tensors(arrays[1:]))) == 3
    assert [x.shape for x in calls[1][1][11:13]] == [(3, 2, 16), (3, 2, 4)]
    assert len(ops.lstm(Spec((None, None, 16), "float32"), *tensors(arrays[1:4]))) == 3


def test_arrays_that_are_not_contiguous(rng):
    arrays = inputs("gru", 4, 5, 3, rng, "float32", "some")
    turned = [None if x is None else np.asfortranarray(x) for x in arrays]
    close([y.numpy() for y in ops.gru(*turned)], [y.numpy() for y in ops.gru(*arrays)], 0)


def test_gradients_of_inputs_are_computed_where_they_are_wanted(rng, monkeypatch):
    """The first layer of a model needs none; and weights without a bias have no gradient of that."""
    calls = []
    monkeypatch.setattr("fastnn.op.launch", lambda name, args: (calls.append((name, args)), core.launch(name, args)))
    xs = tensors(inputs("simple_rnn", 2, 3, 4, rng, "float32", features=5))[:-1]
    with GradientTape() as tape:
        tape.watch(xs[-1])
        y = ops.simple_rnn(*xs)[0]
    assert tape.gradient(y, xs[-1]).shape == (5, 4)
    assert calls[-1][0] == "simple_rnn_grad" and calls[-1][1][9] is None


def test_nan_in_masked_steps_does_no_harm(rng):
    for name in CELLS:
        arrays = inputs(name, 3, 4, 5, rng, "float32", "last")
        arrays[0][~arrays[list(REGISTRY[name].inputs).index("mask")]] = np.nan
        for y in [y.numpy() for y in getattr(ops, name)(*tensors(arrays))] + gradients(
                name, arrays, [np.ones((3, 4, 5), "float32"), np.ones((3, 5), "float32")]):
            assert np.isfinite(y).all()


@pytest.mark.parametrize("change, words", [
    ({"z": np.ones((2, 3, 9), "float32")}, r"\[lstm\] z has shape \(2, 3, 9\), expected \(batch, steps, 8\)"),
    ({"z": np.ones((2, 8), "float32")}, r"\[lstm\] z has shape \(2, 8\)"),
    ({"h": np.ones((3, 2), "float32")}, r"\[lstm\] h has shape \(3, 2\), expected \(2, 2\)"),
    ({"c": np.ones((2, 2))}, r"\[lstm\] c is of float64, expected float32"),
    ({"kernel": np.ones((2, 6), "float32")}, r"\[lstm\] kernel has shape \(2, 6\), expected \(units, 4 \* units\)"),
    ({"mask": np.ones((2, 4), bool)}, r"\[lstm\] mask has shape \(2, 4\), expected \(2, 3\)"),
    ({"mask": np.ones((2, 3), "float32")}, r"\[lstm\] mask is of float32, expected bool"),
    ({"state_factor": np.ones((2, 1), "float32")}, r"\[lstm\] state_factor has shape \(2, 1\)"),
    ({"weights": np.ones((7, 8), "float32")}, r"\[lstm\] weights has shape \(7, 8\), expected \(8, 8\), as the inputs have shape"),
    ({"bias": np.ones(8, "float32")}, r"\[lstm\] a bias goes with weights"),
    ({"activation": "gelu"}, r"\[lstm\] activation is 'gelu', expected one of linear, relu"),
    ({"recurrent_activation": "gelu"}, r"\[lstm\] recurrent_activation is 'gelu'"),
])
def test_what_does_not_fit_is_named(change, words):
    given = dict(z=np.ones((2, 3, 8), "float32"), h=np.ones((2, 2), "float32"), c=np.ones((2, 2), "float32"),
                 kernel=np.ones((2, 8), "float32"), mask=None, state_factor=None, weights=None, bias=None)
    attrs = {k: v for k, v in change.items() if k not in given}
    with pytest.raises(ValueError, match=words):
        ops.lstm(*{**given, **{k: v for k, v in change.items() if k in given}}.values(), **attrs)


def test_no_gradient_passes_to_the_factor(rng):
    xs = tensors(inputs("lstm", 2, 3, 4, rng, "float32", factor=True))
    with GradientTape() as tape:
        tape.watch(xs[-1])
        y = ops.lstm(*xs)[0]
    with pytest.raises(ValueError, match=r"\[lstm\] no gradient passes to state_factor"):
        tape.gradient(y, xs[-1])


def test_hard_sigmoid_is_that_of_keras():
    x = np.linspace(-4, 4, 33, dtype="float32").reshape(1, 1, 33)
    y = ops.simple_rnn(x, np.zeros((1, 33), "float32"), np.zeros((33, 33), "float32"), activation="hard_sigmoid")[0].numpy()
    np.testing.assert_allclose(y, np.clip(x / 6 + 0.5, 0, 1), atol=1e-6)


def test_every_op_here_has_cases_with_masks():
    for name in ("simple_rnn", "simple_rnn_grad", "lstm", "lstm_grad", "gru", "gru_grad"):
        assert any(getattr(a, "dtype", None) == "bool" for case, _ in REGISTRY[name].cases for a in case)
