import itertools
import sys

import numpy as np
import pytest

from fastnn._core import launch as core
from fastnn.ops.conv import conv2d, conv2d_backward_data, conv2d_backward_weights, _geometry
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Tensor
from tests._core.programs import run as run_program
from tests.ops.references import conv as reference

KERNELS = ("conv2d", "conv2d_backward_data", "conv2d_backward_weights")
LEVELS = core.levels("conv2d")
DIRECT = (0,)             # no Winograd
LINEAR = (0, 0.0, *DIRECT)


def sizes(n=1, h=1, w=1, c=1, oh=1, ow=1, f=1, k=(1, 1), s=(1, 1), d=(1, 1), pad=(0, 0), g=1, cg=1):
    """The integers that describe a convolution to a kernel."""
    return n, h, w, c, oh, ow, f, *k, *s, *d, *pad, g, cg


def run(level, kernel, arrays, shape, geo, dtype=np.float32):
    """The result of a kernel, cut out of a larger array that must stay as it was around it."""
    whole = np.full(int(np.prod(shape)) + 40, 77, dtype)
    out = whole[20:-20].reshape(shape)
    end = LINEAR if kernel == "conv2d" else DIRECT
    core.launch_at(level, kernel, (*arrays, out, *geo, *end))
    assert (whole[:20] == 77).all() and (whole[-20:] == 77).all(), f"{kernel} on {level} wrote outside of its result"
    return out


def assert_near(found, expected, message=""):
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=(3e-5 if found.dtype == np.float32 else 1e-10) * scale, err_msg=message)


def check_all(rng, x_shape, w_shape, attrs, levels=LEVELS, dtype=np.float32):
    """The three kernels on every level against NumPy."""
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in (x_shape, w_shape, w_shape[3:]))
    y = reference.conv2d(x, w, b, **attrs)
    dy = rng.standard_normal(y.shape).astype(dtype)
    dx = reference.conv2d_backward_data(dy, w, image=x_shape[1:3], **attrs)
    dw = reference.conv2d_backward_weights(x, dy, kernel_size=w_shape[:2], **attrs)
    geo = _geometry(x_shape, w_shape, y.shape, *(attrs[k] for k in ("strides", "padding", "dilation_rate", "groups")))
    for level in levels:
        where = f"{level}: {x_shape} {w_shape} {attrs}"
        assert_near(run(level, "conv2d", (x, w, b), y.shape, geo, dtype), y, "forward " + where)
        assert_near(run(level, "conv2d_backward_data", (dy, w), dx.shape, geo, dtype), dx, "data " + where)
        assert_near(run(level, "conv2d_backward_weights", (x, dy), dw.shape, geo, dtype), dw, "weights " + where)


# ---- What a convolution is --------------------------------------------------------------------------------------

def test_definition(rng):
    """The NumPy reference against the sum written out, index by index."""
    x, w = rng.standard_normal((2, 7, 8, 4)), rng.standard_normal((3, 2, 2, 6))
    y = reference.conv2d(x, w, strides=(2, 3), dilation_rate=(1, 2), groups=2)
    expected = np.zeros_like(y)
    for n, oh, ow, f in np.ndindex(y.shape):
        for kh, kw, c in np.ndindex(3, 2, 2):
            expected[n, oh, ow, f] += x[n, 2 * oh + kh, 3 * ow + 2 * kw, f // 3 * 2 + c] * w[kh, kw, c, f]
    np.testing.assert_allclose(y, expected, atol=1e-12)


@pytest.mark.parametrize("size, kernel, stride, dilation, before, out", [
    (28, 3, 1, 1, 1, 28), (28, 6, 2, 1, 2, 14), (14, 6, 2, 1, 2, 7), (5, 2, 1, 1, 0, 5), (5, 4, 3, 1, 1, 2),
    (10, 3, 1, 4, 4, 10), (10, 3, 4, 1, 0, 3), (4, 1, 3, 1, 0, 2)])
def test_same_padding_is_that_of_tensorflow(size, kernel, stride, dilation, before, out):
    """Where the window begins, found by a kernel of a single one: the odd cell of a border is at the end."""
    image = np.arange(1, size * size + 1, dtype=np.float64).reshape(1, size, size, 1)
    w = np.zeros((kernel, kernel, 1, 1))
    w[-1, -1] = 1
    y = conv2d(image, w, strides=(stride, stride), padding="same", dilation_rate=(dilation, dilation)).numpy()
    assert y.shape == (1, out, out, 1)
    first = (kernel - 1) * dilation - before         # the cell that output 0 sees through the last tap
    assert y[0, 0, 0, 0] == (image[0, first, first, 0] if first < size else 0)


def test_im2col_times_kernel_is_the_convolution(rng):
    x, w = rng.standard_normal((2, 9, 8, 3)).astype("f4"), rng.standard_normal((3, 2, 3, 5)).astype("f4")
    attrs = dict(strides=(2, 1), padding="same", dilation_rate=(1, 2), groups=1)
    expected = reference.conv2d(x, w, **attrs)
    geo = _geometry(x.shape, w.shape, expected.shape, *attrs.values())
    cols = np.full((*expected.shape[:3], 18), np.nan, "f4")
    core.launch("im2col", (x, cols, *geo))
    np.testing.assert_allclose(cols @ w.reshape(18, 5), expected, atol=1e-5)
    dcols, dx = rng.standard_normal(cols.shape).astype("f4"), np.full(x.shape, np.nan, "f4")
    core.launch("col2im", (dcols, dx, *geo))           # the transpose: <im2col(x), dcols> = <x, col2im(dcols)>
    np.testing.assert_allclose((cols * dcols).sum(), (x * dx).sum(), rtol=1e-4)


# ---- Every level, every geometry --------------------------------------------------------------------------------

@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_strides_dilations_and_groups(rng, padding, groups):
    for (sh, sw), (dh, dw), k in itertools.product([(1, 1), (2, 1), (2, 3), (4, 4)], [(1, 1), (2, 3)], [(1, 1), (3, 2), (2, 5)]):
        attrs = dict(strides=(sh, sw), padding=padding, dilation_rate=(dh, dw), groups=groups)
        check_all(rng, (2, 14, 17, 6), (*k, 6 // groups, 12), attrs)
        check_all(rng, (2, 14, 17, 6), (*k, 6 // groups, 12), attrs, ["ref"], np.float64)


@pytest.mark.parametrize("images, side", [(1, 3), (1, 6), (7, 3), (9, 4), (20, 5), (2, 13), (1, 40)])
@pytest.mark.parametrize("channels, filters", [(1, 32), (3, 33), (16, 16), (19, 12), (40, 24)])
def test_sizes_of_tiles_and_tails(rng, images, side, channels, filters):
    for padding in ("valid", "same"):
        attrs = dict(strides=(1, 1), padding=padding, dilation_rate=(1, 1), groups=1)
        check_all(rng, (images, side, side + 1, channels), (3, 3, channels, filters), attrs)


def test_random_geometries(rng):
    for _ in range(150):
        g, cg, fg = int(rng.choice([1, 1, 1, 2, 3, 20])), int(rng.choice([1, 2, 5, 16, 17])), int(rng.choice([1, 2, 7, 16, 35]))
        k, s, d = (tuple(int(v) for v in rng.integers(1, top, 2)) for top in (6, 4, 4))
        h, w = (int(v) for v in rng.integers(1, 24, 2))
        padding = "same" if rng.random() < 0.5 else "valid"
        h, w = (max(v, (kk - 1) * dd + 1) if padding == "valid" else v for v, kk, dd in zip((h, w), k, d))
        attrs = dict(strides=s, padding=padding, dilation_rate=d, groups=g)
        check_all(rng, (int(rng.integers(1, 17)), h, w, g * cg), (*k, cg, g * fg), attrs)


@pytest.mark.parametrize("channels", [2, 16])
def test_border_too_large_for_scratch(rng, channels):
    """A dilation of thousands: the padded image would fill gigabytes; all that counts is the middle of the kernel."""
    x, w = rng.standard_normal((2, 9, 20, channels)).astype("f4"), rng.standard_normal((3, 3, channels, 17)).astype("f4")
    y, dw = x @ w[1, 1], np.zeros_like(w)
    dy = rng.standard_normal(y.shape).astype("f4")
    dw[1, 1] = np.einsum("nhwc,nhwf->cf", x, dy)
    geo = _geometry(x.shape, w.shape, y.shape, (1, 1), "same", (30000, 30000), 1)
    for level in LEVELS:
        assert_near(run(level, "conv2d", (x, w, None), y.shape, geo), y, level)
        assert_near(run(level, "conv2d_backward_data", (dy, w), x.shape, geo), dy @ w[1, 1].T, level)
        assert_near(run(level, "conv2d_backward_weights", (x, dy), w.shape, geo), dw, level)


def test_results_too_large_for_the_caches(rng):
    """Above 16 MB results are written past the caches, if they are aligned."""
    x, w = rng.standard_normal((2, 270, 260, 1)).astype("f4"), rng.standard_normal((1, 1, 1, 32)).astype("f4")
    geo, size = sizes(2, 270, 260, 1, 270, 260, 32), 2 * 270 * 260 * 32
    for level, offset in itertools.product(LEVELS, (0, 1)):
        y = core.empty((size + 16,), "float32")[offset:offset + size].reshape(2, 270, 260, 32)
        core.launch_at(level, "conv2d", (x, w, None, y, *geo, *LINEAR))
        np.testing.assert_array_equal(y, x * w[0, 0], err_msg=level)


def test_groups_of_part_of_a_vector_too_large_for_the_caches(rng):
    """All filters together fill vectors, those of a group do not: the second group is not aligned."""
    x, w = rng.standard_normal((1, 270, 260, 2)).astype("f4"), rng.standard_normal((1, 1, 1, 80)).astype("f4")
    geo = sizes(1, 270, 260, 2, 270, 260, 80, g=2, cg=1)
    for level in LEVELS:
        y = core.empty((1, 270, 260, 80), "float32")
        core.launch_at(level, "conv2d", (x, w, None, y, *geo, *LINEAR))
        np.testing.assert_array_equal(y, np.repeat(x, 40, axis=-1) * w[0, 0], err_msg=level)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are kept on Linux")
def test_pooled_images_wider_than_memory():
    """What no window sees is not computed: the arrays, which are small, do not bound it."""
    assert run_program("""
import resource
import numpy as np
from fastnn._core import launch as core
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
for dtype in (np.float32, np.float64):
    x, w, y, index = np.ones((1, 1, 2, 1), dtype), np.ones((1, 1, 1, 1), dtype), np.zeros((1, 1, 1, 1), dtype), np.zeros((1, 1, 1, 1), "u1")
    shape, windows = (1, 1, 2, 1, 1, 2**31 - 2, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1), (1, 1, 1, 2, 1, 2)
    core.launch("conv2d_max_pool", (x, w, None, y, index, *shape, *windows, 0, 0.0, 0))
    print(y.item())
""", OPENBLAS_NUM_THREADS="1").split() == ["1.0", "1.0"]


def test_padding_given_as_numbers(rng):
    """Kernels take any padding: more than the image, or a negative one that crops."""
    x, w = rng.standard_normal((2, 6, 7, 3)).astype("f4"), rng.standard_normal((2, 2, 3, 18)).astype("f4")
    for top, left in itertools.product((-3, -1, 0, 5, 40), repeat=2):
        big = np.zeros((2, 200, 200, 3), "f4")
        big[:, 100:106, 100:107] = x
        window = big[:, 100 - top:100 - top + 10, 100 - left:100 - left + 13]
        y = reference.conv2d(window, w)
        dy = rng.standard_normal(y.shape).astype("f4")
        geo = sizes(2, 6, 7, 3, 9, 12, 18, (2, 2), pad=(top, left), cg=3)
        dbig = np.zeros_like(big)
        dbig[:, 100 - top:100 - top + 10, 100 - left:100 - left + 13] = \
            reference.conv2d_backward_data(dy, w, image=(10, 13), strides=(1, 1), padding="valid", dilation_rate=(1, 1), groups=1)
        dw = reference.conv2d_backward_weights(window, dy, kernel_size=(2, 2), strides=(1, 1), padding="valid",
                                               dilation_rate=(1, 1), groups=1)
        for level in LEVELS:
            assert_near(run(level, "conv2d", (x, w, None), y.shape, geo), y)
            assert_near(run(level, "conv2d_backward_data", (dy, w), x.shape, geo), dbig[:, 100:106, 100:107])
            assert_near(run(level, "conv2d_backward_weights", (x, dy), w.shape, geo), dw)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("wrong", [dict(c=4, cg=2), dict(c=3, g=2, cg=2), dict(c=4, g=4, cg=1), dict(pad=(2**40, 0)),
                                   dict(pad=(0, -2**63)), dict(d=(2**62, 1)), dict(s=(1, 2**31))])
def test_numbers_that_make_no_convolution_give_zeros(level, wrong):
    geo = sizes(**{**dict(n=2, h=5, w=5, c=2, oh=3, ow=3, f=6, k=(3, 3), cg=2), **wrong})
    x, w, b, y = (np.ones(s, "f4") for s in ((2, 5, 5, geo[3]), (3, 3, geo[-1], 6), (6,), (2, 3, 3, 6)))
    assert not run(level, "conv2d", (x, w, b), y.shape, geo).any()
    assert not run(level, "conv2d_backward_data", (y, w), x.shape, geo).any()
    assert not run(level, "conv2d_backward_weights", (x, y), w.shape, geo).any()


@pytest.mark.parametrize("level", LEVELS)
def test_empty_sides(level):
    """No channels: the bias alone.  No filters or no outputs: gradients of zero.  Huge kernels over nothing return at once."""
    none, b = np.zeros(0, "f4"), np.arange(3, dtype="f4")
    y = run(level, "conv2d", (none, none, b), (2, 4, 5, 3), sizes(2, 4, 5, 0, 4, 5, 3, (2**30, 2**30), cg=0))
    np.testing.assert_array_equal(y, np.broadcast_to(b, y.shape))
    y = run(level, "conv2d", (none, np.ones((3, 3, 2, 3), "f4"), b), (2, 4, 5, 3), sizes(2, 0, 0, 2, 4, 5, 3, (3, 3), cg=2))
    np.testing.assert_array_equal(y, np.broadcast_to(b, y.shape))
    y = run(level, "conv2d", (none, np.ones((3, 3, 1, 3), "f4"), b), (2, 4, 5, 3), sizes(2, 0, 0, 3, 4, 5, 3, (3, 3), g=3, cg=1))
    np.testing.assert_array_equal(y, np.broadcast_to(b, y.shape))
    dx = run(level, "conv2d_backward_data", (none, none), (2, 4, 5, 2), sizes(2, 4, 5, 2, 4, 5, 0, (2**30, 2**30), cg=2))
    assert not dx.any()
    w = np.ones((3, 3, 2, 3), "f4")
    assert not run(level, "conv2d_backward_data", (none, w), (2, 4, 5, 2), sizes(2, 4, 5, 2, 0, 2**30, 3, (3, 3), cg=2)).any()
    assert not run(level, "conv2d_backward_weights", (none, none), w.shape, sizes(0, 4, 5, 2, 2, 3, 3, (3, 3), cg=2)).any()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("filters", [5, 21])
def test_nan_stays_where_it_belongs(level, filters, rng):
    """Whole vectors are read beyond the last filter: what lies there must not be summed."""
    x, w, dy = (rng.standard_normal(s).astype("f4") for s in ((2, 9, 10, 3), (3, 3, 3, filters), (2, 7, 8, filters)))
    geo = sizes(2, 9, 10, 3, 7, 8, filters, (3, 3), cg=3)
    spoiled = dy.copy()
    spoiled[..., 0] = np.nan
    dw = run(level, "conv2d_backward_weights", (x, spoiled), w.shape, geo)
    assert np.isnan(dw[..., 0]).all() and np.isfinite(dw[..., 1:]).all()
    x[1, 4, 5, 1] = np.nan
    y = np.empty(dy.shape, "f4")
    core.launch_at(level, "conv2d", (x, w, None, y, *geo, 1, 0.0, 0))       # relu: NaN is not hidden
    seen = np.zeros(dy.shape[:3], bool)
    seen[1, 2:5, 3:6] = True
    np.testing.assert_array_equal(np.isnan(y), np.broadcast_to(seen[..., None], y.shape))


@pytest.mark.parametrize("kernel", KERNELS)
def test_same_bits_on_any_number_of_threads(kernel, rng, threads):
    for n, side, c, f, k in ((16, 30, 8, 20, 3), (40, 5, 32, 64, 3), (4, 33, 1, 32, 5)):
        out = side - k + 1
        arrays = {"x": (n, side, side, c), "w": (k, k, c, f), "y": (n, out, out, f)}
        a, b, result = {"conv2d": "xwy", "conv2d_backward_data": "ywx", "conv2d_backward_weights": "xyw"}[kernel]
        a, b = (rng.standard_normal(arrays[v]).astype("f4") for v in (a, b))
        geo, found = sizes(n, side, side, c, out, out, f, (k, k), cg=c), []
        for count in (1, 2, 4):
            threads(count)
            found.append(run(LEVELS[-1], kernel, (a, b, None) if kernel == "conv2d" else (a, b), arrays[result], geo).tobytes())
        assert found[0] == found[1] == found[2]


# ---- The ops ----------------------------------------------------------------------------------------------------

def test_open_dimensions():
    w = Spec((3, 3, 4, 8), "float32")
    assert conv2d(Spec((None, None, 28, 4), "float32"), w, padding="same", strides=(2, 2)).shape == (None, None, 14, 8)
    assert conv2d(Spec((None, 28, 28, None), "float32"), w).shape == (None, 26, 26, 8)


def test_images_that_need_no_gradient_cost_none(rng, monkeypatch):
    """The first layer of a network: its images are data."""
    names = []
    monkeypatch.setattr("fastnn.op.launch", lambda name, args: (names.append(name), core.launch(name, args)))
    x, w = Tensor(rng.standard_normal((2, 6, 6, 3))), Tensor(rng.standard_normal((3, 3, 3, 4)))
    with GradientTape() as tape:
        tape.watch(w)
        y = conv2d(x, w)
    tape.gradient(y, w)
    assert "conv2d_backward_weights" in names and "conv2d_backward_data" not in names


@pytest.mark.parametrize("x, w, attrs, message", [
    ((1, 5, 5, 3), (3, 3, 4, 8), {}, r"\[conv2d\] input has 3 channels but the kernel .* expects 4 x groups 1"),
    ((1, 5, 5, 4), (3, 3, 2, 7), dict(groups=2), "7 filters cannot be shared out among groups 2"),
    ((1, 2, 5, 3), (3, 3, 3, 8), {}, "output would be empty: the input's height is 2, smaller than the 3"),
    ((1, 9, 4, 3), (3, 3, 3, 8), dict(dilation_rate=(1, 2)), r"input's width \(a sequence's length\) is 4, smaller than the 5"),
    ((5, 5, 3), (3, 3, 3, 8), {}, r"shape \(5, 5, 3\), expected images"),
    ((1, 5, 5, 3), (3, 3, 8), {}, r"kernel has shape \(3, 3, 8\)"),
    ((1, 5, 5, 3), (3, 3, 3, 8), dict(padding="full"), "padding is 'full', expected 'same' or 'valid'"),
    ((1, 5, 5, 3), (3, 3, 3, 8), dict(strides=(0, 1)), r"strides is \(0, 1\)"),
    ((1, 5, 5, 3), (3, 3, 3, 8), dict(dilation_rate=2), "dilation_rate is 2"),
    ((1, 5, 5, 3), (3, 3, 3, 8), dict(groups=0), "groups is 0"),
    ((1, 5, 5, 3), (3, 3, 3, 8), dict(activation="softsign"), "softsign")])
def test_errors_say_what_does_not_fit(x, w, attrs, message):
    with pytest.raises(ValueError, match=message):
        conv2d(np.zeros(x, "f4"), np.zeros(w, "f4"), **attrs)


def test_bias_dtypes_and_gradients_that_do_not_fit():
    x, w = np.zeros((1, 5, 5, 3), "f4"), np.zeros((3, 3, 3, 8), "f4")
    plain = dict(strides=(1, 1), padding="valid", dilation_rate=(1, 1), groups=1)
    with pytest.raises(ValueError, match=r"bias has shape \(3,\), expected \(8,\)"):
        conv2d(x, w, np.zeros(3, "f4"))
    with pytest.raises(ValueError, match="input float32, kernel float64"):
        conv2d(x, w.astype("f8"))
    with pytest.raises(ValueError, match="float32 or float64"):
        conv2d(x.astype("i4"), w.astype("i4"))
    with pytest.raises(ValueError, match="C divisible by groups 0"):
        conv2d_backward_weights(x, np.zeros((1, 3, 3, 8), "f4"), kernel_size=(3, 3), **{**plain, "groups": 0})
    with pytest.raises(ValueError, match=r"dy has shape \(1, 4, 4, 8\)"):
        conv2d_backward_data(np.zeros((1, 4, 4, 8), "f4"), w, image=(5, 5), **plain)
    with pytest.raises(ValueError, match=r"dy has shape \(1, 4, 4, 8\)"):
        conv2d_backward_weights(x, np.zeros((1, 4, 4, 8), "f4"), kernel_size=(3, 3), **plain)
