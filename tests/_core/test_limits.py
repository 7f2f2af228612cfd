"""What launches move, and what the machine can do."""
import numpy as np

from fastnn._core import launch as core
from fastnn._core.limits import measure_limits, traffic

X, Y = np.zeros(10, "f4"), np.zeros(10, "f4")


def test_each_array_counts_when_read_and_when_written():
    assert traffic("relu", (X, Y, 10)) == (80, 80)
    assert traffic("conv2d", (X, X, None, Y, *[1] * 19)) == (120, 120)          # no bias
    state, mask = np.zeros(2, "u8"), np.zeros(2, "u1")
    assert traffic("dropout", (X, state, Y, mask, 10, 2, 0.5)) == (40 + 2 * 16 + 40 + 2, 40 + 16 + 40 + 2)


def test_groups_that_repeat():
    head = np.zeros(1, "f4"), 4, np.zeros(1, "i8"), 1, 1
    one = 10, 0.0, X, Y
    assert traffic("sgd", (*head, *one)) == (4 + 16 + 80 + 40, 4 + 8 + 40 + 40)
    assert traffic("sgd", (*head, *one, *one)) == (4 + 16 + 240, 4 + 8 + 160)


def test_of_what_is_picked_from_no_more_than_is_written():
    large, index, y = np.zeros((1000, 4), "f4"), np.zeros(3, "i8"), np.zeros((3, 4), "f4")
    args = large, index, y, 3, 1000, 4, 4, 4, 9, 9, 1.0
    assert traffic("gather_rows", args) == (16000 + 24 + 48, 16000 + 24 + 48)
    assert traffic("gather_rows", args, [large]) == (2 * 72, 2 * 72)


def test_measurements_are_of_so_many_threads(threads):
    threads(2)
    limits = measure_limits(1)
    assert core.get_num_threads() == 2
    assert limits["gflops"] > 0 and all(size > 0 and rate > 0 for size, rate in limits["bandwidth"])
