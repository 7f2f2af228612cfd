"""What holds for every op of the registry, over the cases that it declares; new ops join by themselves."""
import importlib
import zlib

import numpy as np
import pytest

import fastnn.ops  # noqa: F401  (fills the registry)
from fastnn._core import launch as core
from fastnn.op import REGISTRY, Data
from fastnn.tape import GradientTape, flatten
from fastnn.tensor import FLOATS, Spec, Tensor, Variable

CASES = [pytest.param(op, i, id=f"{name}-{i}") for name, op in sorted(REGISTRY.items()) for i in range(len(op.cases))]


def reference(op):
    return getattr(importlib.import_module(f"tests.ops.references.{op.family}"), op.name)


def make(data, rng, dtype):
    """The values of a case's argument."""
    if not isinstance(data, Data):
        return data
    if data.kind == "integers":
        return rng.integers(int(data.low), int(data.high), data.shape).astype(data.dtype)
    values = rng.standard_normal(data.shape) if data.kind == "normal" else rng.uniform(data.low, data.high, data.shape)
    return values.astype(dtype)


def arguments(op, i, dtype="float32"):
    """The inputs of a case as tensors (variables where the op updates them), and its attributes."""
    args, attrs = op.cases[i]
    rng = np.random.default_rng(zlib.crc32(f"{op.name}{i}".encode()))
    values = [make(a, rng, dtype) for a in args]
    # an attribute that says a dtype means the float type under test
    attrs = {k: dtype if k == "dtype" and v == "float32" else v for k, v in attrs.items()}

    def tensor(k, value):
        if value is None or isinstance(value, (int, float)):
            return value
        return Variable(value, trainable=False) if k in op.updates or (op.variadic and op.updates) else Tensor(np.array(value))
    return [tensor(k, v) for k, v in enumerate(values)], attrs


def results(op, inputs, attrs):
    """Arrays of all that the op gives: its outputs, then what it updated."""
    out = op(*inputs, **attrs)
    outputs = [] if out is None else list(out) if isinstance(out, tuple) else [out]
    changed = [x for x in inputs if isinstance(x, Variable)]
    return [np.array(y.data) for y in outputs + changed]


def array(x):
    return np.array(x.data) if isinstance(x, Tensor) else x


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("op, i", CASES)
def test_values_are_those_of_numpy(op, i, dtype):
    inputs, attrs = arguments(op, i, dtype)
    expected = reference(op)(*[array(x) for x in inputs], **attrs)
    expected = expected if isinstance(expected, (tuple, list)) else [expected]
    found = results(op, inputs, attrs)
    assert len(found) == len(expected)
    for y, e in zip(found, expected):
        e = np.asarray(e)
        assert y.shape == e.shape
        if y.dtype.kind == "f":
            tolerance = 3e-5 if dtype == "float32" else 1e-9
            np.testing.assert_allclose(y, e, rtol=tolerance, atol=tolerance * max(1.0, np.abs(e[np.isfinite(e)]).max(initial=0)))
        else:
            np.testing.assert_array_equal(y, e)


@pytest.mark.parametrize("op, i", CASES)
def test_inputs_stay_as_they_were(op, i):
    inputs, attrs = arguments(op, i)
    before = [array(x) for x in inputs]
    op(*inputs, **attrs)
    for k, (x, b) in enumerate(zip(inputs, before)):
        if isinstance(x, Tensor) and not isinstance(x, Variable):
            np.testing.assert_array_equal(x.data, b, err_msg=f"input {k} was written")


@pytest.mark.parametrize("op, i", CASES)
def test_same_bits_on_any_number_of_threads(op, i, threads):
    found = []
    for n in (1, 2, 3, 4):
        threads(n)
        inputs, attrs = arguments(op, i)
        found.append(results(op, inputs, attrs))
    for other in found[1:]:
        for y, z in zip(found[0], other):
            assert y.tobytes() == z.tobytes()


@pytest.mark.parametrize("op, i", CASES)
def test_tuned_kernels_agree_with_the_reference(op, i, monkeypatch):
    inputs, attrs = arguments(op, i)
    names = []
    monkeypatch.setattr("fastnn.op.launch", lambda name, args: (names.append(name), core.launch(name, args)))
    found = results(op, inputs, attrs)
    for level in [] if not names else core.levels(names[0]):
        inputs, attrs = arguments(op, i)
        monkeypatch.setattr("fastnn.op.launch", lambda name, args: core.launch_at(level, name, args))
        for y, e in zip(found, results(op, inputs, attrs)):
            if y.dtype.kind == "f":
                scale = max(1.0, np.abs(e[np.isfinite(e)]).max(initial=0))
                np.testing.assert_allclose(y, e, rtol=2e-5, atol=2e-5 * scale, err_msg=level)
            else:
                np.testing.assert_array_equal(y, e, err_msg=level)


@pytest.mark.parametrize("op, i", CASES)
def test_symbolic_shapes_are_the_eager_ones(op, i):
    inputs, attrs = arguments(op, i)
    if op.updates or not any(isinstance(x, Tensor) for x in inputs):
        pytest.skip("no symbolic form: it updates variables, or takes no tensors")
    out = op(*inputs, **attrs)
    specs = op(*[Spec(x.shape, x.dtype) if isinstance(x, Tensor) else x for x in inputs], **attrs)
    pairs = zip(out, specs) if isinstance(out, tuple) else [(out, specs)]
    for y, s in pairs:
        assert (y.shape, y.dtype) == (s.shape, s.dtype)
        assert y.data.shape == y.shape


@pytest.mark.parametrize("op, i", [p for p in CASES if p.values[0].vjp is not None])
def test_gradient_is_the_finite_difference(op, i):
    """In float64, along one random direction: (f(x + h d) - f(x - h d)) / 2h against gradient . d."""
    inputs, attrs = arguments(op, i, "float64")
    sources = [x for x in inputs if isinstance(x, Tensor) and x.dtype == "float64" and not isinstance(x, Variable)]
    rng = np.random.default_rng(i + 1)
    with GradientTape() as tape:
        tape.watch(sources)
        outputs = [y for y in flatten(op(*inputs, **attrs)) if y is not None and y.dtype in FLOATS]
    weights = [rng.standard_normal(y.shape) for y in outputs]
    grads = tape.gradient(outputs, sources, [Tensor(w) for w in weights])
    directions = [rng.standard_normal(x.shape) for x in sources]

    def value(h):
        fresh, attrs = arguments(op, i, "float64")      # variables as they were
        moved = iter([Tensor(np.asarray(x.data + h * d)) for x, d in zip(sources, directions)])
        fresh = [next(moved) if isinstance(x, Tensor) and x.dtype == "float64" and not isinstance(x, Variable) else x
                 for x in fresh]
        ys = [y for y in flatten(op(*fresh, **attrs)) if y is not None and y.dtype in FLOATS]
        return sum(float((w * y.data).sum()) for w, y in zip(weights, ys))

    for x, g in zip(sources, grads):        # None: the results must not change with that input
        assert g is None or (g.shape, g.dtype) == (x.shape, x.dtype)
    h = 1e-6
    numeric = (value(h) - value(-h)) / (2 * h)
    analytic = sum(float((d * g.data).sum()) for d, g in zip(directions, grads) if g is not None)
    size = sum(float(np.abs(d * g.data).sum()) for d, g in zip(directions, grads) if g is not None)
    assert abs(numeric - analytic) <= 1e-6 * max(1.0, size)


@pytest.mark.parametrize("op", [pytest.param(op, id=name) for name, op in sorted(REGISTRY.items())])
def test_every_op_says_what_it_is(op):
    assert op.__doc__, "an op needs a docstring"
    assert op.cases, "an op needs cases"
    assert reference(op)
