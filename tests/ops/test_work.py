"""What ops say of their work: the floating-point operations of a call."""
import numpy as np
import pytest

from fastnn._core import launch as core
from fastnn.op import REGISTRY
from fastnn.tensor import Tensor
from tests.ops.test_registry import arguments


def zeros(*shape):
    return Tensor(np.zeros(shape, "float32"))


def work(name, *inputs, **attrs):
    op = REGISTRY[name]
    outputs = op(*inputs, **attrs)
    return op.work(inputs, outputs if isinstance(outputs, tuple) else [outputs], attrs)


@pytest.mark.parametrize("op", REGISTRY.values(), ids=REGISTRY)
def test_every_op_counts_its_work(op):
    inputs, attrs = arguments(op, 0)
    out = op(*inputs, **attrs)
    count = op.work(inputs, list(out) if isinstance(out, tuple) else [] if out is None else [out], attrs)
    assert isinstance(count, int) and count >= 0
    assert set(op.picks) <= set(op.inputs)


def test_products():
    assert work("matmul", zeros(5, 7), zeros(7, 3)) == 2 * 5 * 7 * 3
    assert work("matmul", zeros(7, 5), zeros(7, 3), transpose_a=True) == 2 * 5 * 7 * 3
    assert work("matmul", zeros(2, 5, 7), zeros(3, 7), transpose_b=True) == 2 * 2 * 5 * 7 * 3
    assert work("matmul", zeros(7), zeros(7)) == 2 * 7
    assert work("dense", zeros(2, 5, 7), zeros(7, 3), zeros(3)) == 2 * 10 * 7 * 3


def test_convolutions_and_their_gradients():
    same = dict(strides=(2, 1), padding="valid", dilation_rate=(1, 1), groups=2)
    x, w, dy = zeros(3, 9, 8, 4), zeros(3, 2, 2, 6), zeros(3, 4, 7, 6)
    direct = 2 * (3 * 4 * 7) * (3 * 2) * 2 * 6     # output pixels, window, channels of a group, filters
    assert work("conv2d", x, w, None, **same) == direct
    assert work("conv2d_backward_data", dy, w, image=(9, 8), **same) == direct
    assert work("conv2d_backward_weights", x, dy, kernel_size=(3, 2), **same) == direct


def test_without_a_count_it_is_one_for_each_element():
    assert work("add", zeros(3, 1), zeros(4)) == 12


# ---- The kernels that measure the machine -----------------------------------------------------------------------

@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("level", core.levels("fma_limit"))
def test_multiply_adds_go_where_they_should(level, dtype):
    y = np.linspace(-3, 3, 192 * 3, dtype=dtype)
    y[5] = np.nan
    core.launch_at(level, "fma_limit", (y, 2))
    assert np.isnan(y[5]) and (np.delete(y[:384], 5) == 1).all()
    assert (y[384:] == np.linspace(-3, 3, 192 * 3, dtype=dtype)[384:]).all()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("level", core.levels("stream_limit"))
@pytest.mark.parametrize("n", [0, 1, 7, 100, 70_001])
def test_streams_copy(level, n, dtype):
    x, y = np.arange(n + 3, dtype=dtype), np.zeros(n + 3, dtype)
    core.launch_at(level, "stream_limit", (x[1:], y[1:], n))
    assert (y[1:n + 1] == x[1:n + 1]).all() and not y[n + 1:].any()
