"""NumPy's functions on tensors: the op of that name with its gradient, values where there is none, or an error."""
import io
import warnings

import numpy as np
import pytest

from fastnn import ops
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor, Variable

RNG = np.random.default_rng(5)
X, Y = RNG.standard_normal((3, 4)), RNG.standard_normal((3, 4))
POSITIVE = np.abs(X) + 0.5
HOLES = np.where(X > 0.8, np.nan, X)


def call(text):
    """A function of tensors or arrays, written as users write it."""
    return eval(f"lambda t, u, p, h: {text}", {"np": np})       # noqa: S307


# What has an op, with NumPy's arguments and defaults.
MAPPED = """
np.mean(t)
np.mean(t, axis=1)
np.mean(t, 0, keepdims=True)
np.sum(t, axis=(0, 1))
np.sum(t, 1, dtype='float32')
np.sum(t, initial=np._NoValue)
np.prod(t, axis=0)
np.max(t, axis=1, initial=0.5)
np.min(t, 0)
np.amax(t, 1)
np.amin(t)
np.ptp(t, axis=1)
np.var(t, axis=0)
np.std(t, axis=1, ddof=0)
np.median(t, axis=0)
np.quantile(t, 0.3, axis=1)
np.percentile(t, 30, method='lower')
np.average(t, axis=1, weights=p[0])
np.cumsum(t, axis=1)
np.cumprod(t)
np.concatenate([t, u])
np.concatenate((t, u), axis=1)
np.concatenate([t, [[1.0, 2, 3, 4]]])
np.stack([t, u], axis=-1)
np.vstack([t, u])
np.hstack([t, u])
np.dstack([t, u])
np.split(t, 2, axis=1)
np.array_split(t, 3, 1)
np.hsplit(t, 2)
np.append(t, u)
np.append(t, u, axis=1)
np.where(t > 0, t, u)
np.where(t > 0, t, 0.0)
np.clip(t, -0.5, 0.5)
np.clip(t, None, 0.5)
np.clip(t, a_min=-0.5, a_max=0.5)
np.clip(t, min=-0.5)
np.reshape(t, (4, 3))
np.reshape(t, (2, -1))
np.ravel(t)
np.transpose(t)
np.transpose(t, (1, 0))
np.swapaxes(t, 0, 1)
np.moveaxis(t, 0, 1)
np.expand_dims(t, 0)
np.squeeze(t[:1])
np.broadcast_to(t, (2, 3, 4))
np.tile(t, (2, 1))
np.tile(t, reps=2)
np.repeat(t, 2, axis=0)
np.flip(t)
np.fliplr(t)
np.flipud(t)
np.roll(t, 1, axis=1)
np.rot90(t)
np.pad(t, 1)
np.pad(t, ((1, 0), (0, 2)), constant_values=3.0)
np.pad(t, 1, 'reflect')
np.take(t, [0, 2], axis=1)
np.take_along_axis(t, np.array([[0], [1], [2]]), 1)
np.diff(t)
np.diff(t, axis=0)
np.diag(t)
np.diagonal(t, offset=1)
np.trace(t)
np.tril(t)
np.triu(t, k=1)
np.sort(t)
np.sort(t, axis=0)
np.outer(t, u)
np.kron(t, u)
np.cross(t[:, :3], u[:, :3])
np.trapezoid(t)
np.corrcoef(t)
np.correlate(t[0], u[0])
np.correlate(t[0], u[0], 'full')
np.vander(t[0])
np.nan_to_num(h)
np.nansum(h, axis=0)
np.nanmean(h)
np.nanmax(h, 1)
np.nanstd(h)
np.nancumsum(h)
np.nanmedian(h)
np.nanquantile(h, 0.5)
np.round(t, 1)
np.around(t, decimals=1)
np.sinc(t)
np.real(t)
np.angle(t)
np.i0(t)
np.select([t > 0, u > 0], [t, u])
np.meshgrid(t[0], u[1])
np.meshgrid(t[0], u[1], indexing='ij')
np.linspace(t, u, 3)
np.copy(t)
np.unique(t)
np.geomspace(p, 2 * p, 3)
np.linalg.norm(t)
np.linalg.norm(t, axis=1)
np.exp(t)
np.sqrt(p)
np.absolute(t)
np.abs(t)
np.add(t, u)
np.add([1.0, 2, 3, 4], t)
np.float64(2) * t
p - t
np.power(p, u)
np.maximum(t, u)
np.remainder(t, p)
np.degrees(t)
np.radians(t)
np.rint(t)
np.positive(t)
np.divmod(t, p)
np.arctan2(t, u)
np.hypot(t, u)
np.cbrt(t)
np.fmod(t, p)
np.heaviside(t, u)
np.logaddexp(t, u)
np.matmul(t, u.T) if isinstance(t, np.ndarray) else np.matmul(t, np.transpose(u))
np.add.reduce(t)
np.add.reduce(t, axis=1, keepdims=True)
np.multiply.reduce(t, axis=None)
np.maximum.reduce(t, 1)
np.add.accumulate(t)
np.multiply.accumulate(t, 1)
np.subtract.outer(t, u[0])
np.isfinite(h)
np.isnan(h)
""".strip().splitlines()

# What has no gradient: NumPy's own results.
HARMLESS = """
np.argmax(t)
np.argmax(t, axis=-1)
np.argmin(t, 0)
np.argsort(t)
np.allclose(t, t)
np.array_equal(t, u)
np.isclose(t, u)
np.all(np.isfinite(t))
np.any(t > 1)
np.count_nonzero(t)
np.shape(t)
np.ndim(t)
np.size(t)
np.zeros_like(t)
np.ones_like(t, dtype='int32')
np.nonzero(t > 0)
np.where(t > 0)
np.argwhere(t > 0)
np.flatnonzero(t > 0)
np.searchsorted(np.arange(3.0), t)
np.digitize(t, [0.0, 1.0])
np.isin(t, u)
np.iscomplexobj(t)
np.isrealobj(t)
np.result_type(t, u)
np.array2string(t)
""".strip().splitlines()


def arguments(wrap):
    return [wrap(np.array(a)) for a in (X, Y, POSITIVE, HOLES)]


def flat(value):
    return [part for v in value for part in flat(v)] if isinstance(value, (list, tuple)) else [value]


@pytest.mark.parametrize("text", MAPPED)
def test_the_op_of_the_same_name(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = flat(call(text)(*arguments(np.array)))
    found = flat(call(text)(*arguments(Tensor)))
    assert len(found) == len(expected)
    for y, e in zip(found, expected):
        assert isinstance(y, Tensor), "a quiet conversion"
        np.testing.assert_allclose(y.numpy(), e, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("text", [t for t in MAPPED if "unique" not in t and "np.linalg" not in t])
def test_symbolic_tensors_reach_the_op(text):
    eager = flat(call(text)(*arguments(Tensor)))
    found = flat(call(text)(*[Spec(a.shape, "float64") for a in (X, Y, POSITIVE, HOLES)]))
    for y, s in zip(eager, found):
        assert isinstance(s, Spec) and s.shape == y.shape and s.dtype == y.dtype


@pytest.mark.parametrize("text", HARMLESS)
def test_what_has_no_gradient_gives_what_numpy_gives(text):
    expected, found = [flat(call(text)(*arguments(wrap))) for wrap in (np.array, Tensor)]
    for y, e in zip(found, expected):
        assert type(y) is type(e)
        if isinstance(e, np.ndarray):
            assert y.dtype == e.dtype
            np.testing.assert_array_equal(y, e) if "_like" not in text else None
        else:
            assert y == e


@pytest.mark.parametrize("text", ["np.mean(t)", "np.concatenate([t, u])", "np.where(t > 0, t, u)", "np.stack([u, t])",
                                  "np.clip(t, -0.5, 0.5)", "np.add.reduce(t)", "np.exp(t)", "np.linspace(t, u, 3)", "np.sort(t)",
                                  "np.multiply.accumulate(t)", "np.meshgrid(t[0], u[0])[0]", "np.median(t)", "np.subtract.outer(u, t)"])
def test_gradients_pass(text):
    t, u, p, h = arguments(Tensor)
    with GradientTape() as tape:
        tape.watch(t)
        y = ops.sum(ops.square(call(text)(t, u, p, h)))
    g = tape.gradient(y, t).numpy()
    d = RNG.standard_normal(X.shape)

    def value(k):
        return np.square(call(text)(X + k * d, Y, POSITIVE, HOLES)).sum()
    np.testing.assert_allclose((g * d).sum(), (value(1e-6) - value(-1e-6)) / 2e-6, rtol=1e-5)


@pytest.mark.parametrize("text, words", [
    ("np.interp(t, [0, 1], [0, 1])", "numpy.interp has no counterpart"), ("np.partition(t, 1)", "numpy.partition has no counterpart"),
    ("np.var(t, ddof=1)", "numpy.var with ddof=1 has no counterpart in fastnn.ops, whose var is var\\(x, axis=None"),
    ("np.sum(t, where=[True, False, True, True])", "with where="), ("np.mean(t, out=np.zeros(()))", "with out="),
    ("np.percentile(t, 3, weights=t)", "with weights="), ("np.spacing(t)", "numpy.spacing has no counterpart"),
    ("np.add(t, u, where=t > 0)", "for these arguments \\(where\\)"), ("np.add(p, t, out=np.zeros((3, 4)))", "array \\+= tensor"),
    ("np.subtract.reduce(t)", "numpy.subtract.reduce has no counterpart"), ("np.add.reduceat(t, [0, 1])", "numpy.add.reduceat"),
    ("np.fft.fft(t)", "numpy.fft.fft has no counterpart"), ("np.cov(t)", "numpy.cov has no counterpart")])
def test_what_has_no_op_is_an_error_that_says_what_to_do(text, words):
    with pytest.raises(TypeError, match=words) as error:
        call(text)(*arguments(Tensor))
    assert "tensor.numpy()" in str(error.value) and "fastnn.ops" in str(error.value)
    with pytest.raises(TypeError, match="use the functions of fastnn.ops"):
        call(text)(*[Spec(a.shape) for a in (X, Y, POSITIVE, HOLES)])


def test_arrays_take_no_tensors_in():
    a, t = np.zeros((3, 4)), Tensor(X)
    with pytest.raises(TypeError, match="write array = array \\+ tensor"):
        a += t
    a[...] = t                      # an assignment converts, as np.asarray does
    np.testing.assert_array_equal(a, X)
    np.copyto(a, Tensor(Y))
    np.testing.assert_array_equal(a, Y)
    with pytest.raises(TypeError, match="cannot write into a tensor"):
        np.copyto(t, a)
    i = np.ones(3, "int64")
    i += Tensor(np.arange(3))       # integers have no gradient
    assert i.tolist() == [1, 2, 3]


@pytest.mark.parametrize("text", ["np.bincount(i)", "np.interp(i, [0, 9], [0, 9])", "np.var(i, ddof=1)", "np.cov(i)",
                                  "np.bitwise_count(i)", "np.subtract.reduce(i)", "np.add(i, 1, dtype='int64')", "np.setdiff1d(i, [1])"])
def test_integers_have_no_gradient_so_that_numpy_may_see_them(text):
    function = eval(f"lambda i: {text}", {"np": np})            # noqa: S307
    i = np.array([3, 1, 4, 1])
    np.testing.assert_array_equal(function(Tensor(i)), function(i))


def test_conversions_stay_conversions():
    t = Variable(X)
    for array in (np.asarray(t), np.array(t), np.array([t, t])[0], np.asanyarray(t), np.ascontiguousarray(t)):
        assert type(array) is np.ndarray
        np.testing.assert_array_equal(array, X)
    np.testing.assert_allclose(t, X)
    np.testing.assert_array_equal(t, Tensor(X))
    np.testing.assert_array_less(Tensor(X), X + 1)
    np.testing.assert_equal(np.asarray(t), X)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(t, Y)
    file = io.BytesIO()
    np.save(file, t)
    file.seek(0)
    np.testing.assert_array_equal(np.load(file), X)
    with pytest.raises(TypeError, match="no value"):
        np.asarray(Spec((3,)))


def test_symbolic_tensors_where_numpy_would_see_values():
    s = Spec((None, 4))
    assert np.argmax(s, axis=-1).shape == (None,) and np.zeros_like(s).shape == (None, 4) and np.shape(s) == (None, 4)
    assert np.exp(s).shape == (np.ones(4, "float32") + s).shape == (None, 4)
    with pytest.raises(TypeError, match="use the functions of fastnn.ops"):
        np.array_equiv(s, s)


def test_array_operators_keep_the_gradient():
    t = Tensor(X)
    with GradientTape() as tape:
        tape.watch(t)
        y = ops.sum(Y * t) + np.sum(t)
    np.testing.assert_allclose(tape.gradient(y, t).numpy(), Y + 1)
