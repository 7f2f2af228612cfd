"""Plan: recorded launches as one C call; places, outputs, errors, threads."""
import threading

import numpy as np
import pytest

from fastnn import ops
from fastnn._core import launch as core
from fastnn._core.launch import BadIndex, Plan, Stopped, launch


def double_plan(n=6, calls=1):
    """y = x + x, through the workspace `calls` times: x + x + x ... ; the output is new at every run."""
    size = 4 * n
    whole = [(segment, 0, size) for segment in range(3)]
    steps = [("add", "float32", (whole[1], whole[1], whole[0], n, n, n))]
    steps += [("add", "float32", (whole[0], whole[1], whole[0], n, n, n)) for _ in range(calls - 1)]
    steps.append(("copy", "", (whole[0], whole[2], size)))
    return Plan(steps, size, [("float32", n)], [("float32", (n,))])


def test_a_plan_runs_its_launches_in_order():
    x = np.arange(6, dtype="float32")
    given, found = double_plan(calls=3).run((x,))
    assert given is x
    np.testing.assert_array_equal(found, 4 * x)


def test_outputs_are_new_at_every_run_or_lie_where_they_are_wanted():
    plan, x = double_plan(), np.ones(6, "float32")
    first, second = plan.run((x,))[1], plan.run((2 * x,))[1]
    np.testing.assert_array_equal(first, 2 * x)         # the second run has not touched it
    np.testing.assert_array_equal(second, 4 * x)
    rows = np.zeros((3, 6), "float32")
    assert plan.run((x, rows[1]))[1].base is rows
    np.testing.assert_array_equal(rows, [[0] * 6, [2] * 6, [0] * 6])


def test_inputs_may_lie_somewhere_else_at_every_run():
    plan, memory = double_plan(), np.arange(24, dtype="float32").reshape(4, 6)
    for row in memory:
        np.testing.assert_array_equal(plan.run((row,))[1], 2 * row)


def test_results_are_those_of_launch_bit_for_bit(rng):
    a, b = rng.normal(size=(37, 53)).astype("float32"), rng.normal(size=(53, 29)).astype("float32")
    with core.recording() as calls:
        ops.matmul(a, b)
    assert calls[-1].name == "matmul"
    places = {a.shape: (1, 0, a.nbytes), b.shape: (2, 0, b.nbytes), (37, 29): (3, 0, 37 * 29 * 4)}
    args = tuple([places[x.shape] if isinstance(x, np.ndarray) else x for x in calls[-1].args])
    plan = Plan([("matmul", "float32", args)], 0, [("float32", a.size), ("float32", b.size)], [("float32", (37, 29))])
    assert plan.run((a, b))[2].tobytes() == ops.matmul(a, b).numpy().tobytes()


@pytest.mark.parametrize("array", [np.ones(5, "float32"), np.ones(6, "float64"), np.ones(12, "float32")[::2],
                                   np.ones(6, ">f4"), np.frombuffer(b"x" + bytes(24), "float32", 6, 1)],
                         ids=["size", "dtype", "strides", "byte order", "alignment"])
def test_arrays_that_do_not_fit_are_refused(array):
    with pytest.raises(ValueError, match="array 0 of the plan"):
        double_plan().run((array,))


def test_what_is_no_array_is_refused():
    for value in (None, [1.0] * 6):
        with pytest.raises(TypeError, match="must be a NumPy array"):
            double_plan().run((value,))


def test_a_wrong_number_of_arrays_is_refused():
    with pytest.raises(TypeError, match="takes 1 arrays, or 2"):
        double_plan().run(())


@pytest.mark.parametrize("place", [(3, 0, 4), (-1, 0, 4), (1, 4, 24), (1, 0, 25), (1, -4, 4), (1, 4, -1)])
def test_places_outside_are_refused(place):
    with pytest.raises(ValueError, match="there is no place"):
        Plan([("copy", "", (place, (0, 0, 24), 24))], 24, [("float32", 6)], [])


def test_a_launch_that_fails_stops_the_plan_where_it_is():
    source, n = np.arange(12, dtype="float32").reshape(4, 3), 2
    before, rows = np.zeros(3, "float32"), np.zeros((n, 3), "float32")
    plan = Plan([("copy", "", (source[1].copy(), before, 12)), ("take", "", (source, (1, 0, 16), rows, 1, 4, n, 12, 8, 7, 1)),
                 ("copy", "", (np.full(3, 9, "float32"), before, 12))], 0, [("int64", n)], [])
    plan.run((np.array([3, 0]),))
    np.testing.assert_array_equal(before, [9, 9, 9])
    with pytest.raises(Stopped) as caught:
        plan.run((np.array([3, 7]),))
    assert caught.value.index == 1
    assert isinstance(caught.value.error, BadIndex) and (caught.value.error.position, caught.value.error.value) == (1, 7)
    np.testing.assert_array_equal(before, source[1])            # the launch before it has run, the one behind it has not
    plan.run((np.array([0, 1]),))                               # and the plan can be used again
    np.testing.assert_array_equal(rows, source[:2])


def test_times_of_launches():
    times = []
    double_plan(calls=4).run((np.ones(6, "float32"),), times)
    assert len(times) == 5 and all(ns >= 0 for ns in times)


def test_in_the_background():
    plan, x = double_plan(), np.ones(6, "float32")
    with pytest.raises(ValueError, match="without a workspace"):
        plan.begin((x, np.zeros(6, "float32")))
    y = np.zeros(6, "float32")
    copies = Plan([("copy", "", ((1, 0, 24), (2, 0, 24), 24))], 0, [("float32", 6)], [("float32", (6,))])
    copies.begin((x, y))
    with pytest.raises(ValueError, match="one at a time"):
        copies.begin((x, y))
    copies.wait()
    np.testing.assert_array_equal(y, x)
    copies.begin((2 * x, y))                                    # the array that is passed is kept alive meanwhile
    copies.wait()
    np.testing.assert_array_equal(y, 2 * x)


def test_one_run_at_a_time_others_are_told(rng):
    """Several threads with one plan: each run is either right, or was not made at all."""
    n = 50_000
    plan, wrong, ran = double_plan(n, calls=20), [], []

    def work(seed):
        x = np.full(n, seed, "float32")
        for _ in range(100):
            found = plan.run((x,))
            if found is not None:
                ran.append(seed)
                if not (found[1] == 21 * seed).all():
                    wrong.append(seed)

    workers = [threading.Thread(target=work, args=(k,)) for k in (1, 2, 3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert ran and not wrong


def test_the_workspace_is_given_back():
    plan, x = double_plan(1000), np.ones(1000, "float32")
    live = core.memory()[0]
    for _ in range(10):
        plan.run((x,))
    assert core.memory()[0] == live


def test_launch_and_plan_refuse_the_same_numbers():
    with pytest.raises(ValueError):
        launch("copy", (np.ones(2), np.ones(2), -1))
    with pytest.raises(ValueError):
        Plan([("copy", "", ((1, 0, 24), (0, 0, 24), -1))], 24, [("float32", 6)], [])
