"""The door to the kernels: what it lets through, what it refuses, and that nothing gets past it."""
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from fastnn._core import launch as core
from fastnn._core import signature


def test_relu_writes_what_it_should():
    y = np.zeros(5, "f4")
    core.launch("relu", (np.array([1, -1, 2, -2, 3], "f4"), y, 4))
    assert y.tolist() == [1.0, 0.0, 2.0, 0.0, 0.0]


X = np.zeros(5, "f4")


@pytest.mark.parametrize("args, error, words", [
    ((X, np.zeros(5, "f4"), 6), ValueError, "'x' holds 5 elements.*ask for 6"),
    ((X, np.zeros(4, "f4"), 5), ValueError, "'y' holds 4 elements.*ask for 5"),
    ((X, np.zeros(5, "f4")), TypeError, "takes 3 arguments, received 2"),
    ((np.zeros(5, "i4"), X, 5), TypeError, "float32 or float64, received int32"),
    ((X, np.zeros(5, "f8"), 5), TypeError, "must be an array of float32, received float64"),
    ((X, np.zeros(10, "f4")[::2], 5), ValueError, "C-contiguous"),
    ((X, np.zeros(5, ">f4"), 5), ValueError, "native byte order"),
    ((X, np.frombuffer(b"12345678", "f4"), 2), ValueError, "read-only"),
    ((X, X, -1), ValueError, ">= 0"),
    ((X, X, 2**70), ValueError, "64 bits"),
    ((X, X, "5"), TypeError, "integer"),
    ((None, X, 0), TypeError, "NumPy array"),
    (([1.0], X, 1), TypeError, "NumPy array"),
])
def test_wrong_arguments_are_refused(args, error, words):
    with pytest.raises(error, match=words):
        core.launch("relu", args)


def test_unknown_kernel():
    with pytest.raises(ValueError, match="no kernel 'nosuch'"):
        core.launch("nosuch", ())


def test_signature_with_group_and_expression():
    parsed = signature.parse("k", "lr:T[1+(a-1)*b] a:n b:i {w:T[n]~ g:T[n]? n:n}")
    assert (parsed.fixed, parsed.group) == (3, 3)
    assert [p.written for p in parsed.parameters] == [False, False, False, True, False, False]
    assert [p.optional for p in parsed.parameters] == [False, False, False, False, True, False]


@pytest.mark.parametrize("text", ["x", "x:Q", "x:T[m]", "x:T[(n] n:n", "x:T[n n:n", "{x:T[1]"])
def test_bad_signatures_are_refused(text):
    with pytest.raises(ValueError):
        signature.parse("k", text)


def test_memory_is_used_again():
    a = core.empty((1000,), "float32")
    address = a.ctypes.data
    assert address % 64 == 0
    del a
    b = core.empty((990,), "float32")       # rounded up to the same block
    assert b.ctypes.data == address


def test_a_view_keeps_its_memory():
    a = core.empty((1000,), "float32")
    a[:] = 7
    view = a[10:20]
    del a
    others = [core.empty((1000,), "float32") for _ in range(8)]
    for o in others:
        o[:] = 0
    assert view.tolist() == [7.0] * 10


def test_impossible_sizes():
    with pytest.raises(ValueError, match="impossible"):
        core.empty((-1,), "float32")
    with pytest.raises(ValueError, match="impossible"):
        core.empty((2**40, 2**40), "float32")
    with pytest.raises(MemoryError):
        core.empty((2**45,), "float32")


def test_every_tuned_kernel_has_a_reference():
    assert core.tuned() <= set(core.kernels())


def test_the_level_can_be_forced():
    code = "from fastnn._core import launch; print(launch.LEVEL)"
    for level in core.machine_levels():
        out = subprocess.run([sys.executable, "-c", code], env={**os.environ, "FASTNN_CPU": level}, text=True,
                             capture_output=True, check=True)
        assert out.stdout.strip() == level
    out = subprocess.run([sys.executable, "-c", code], env={**os.environ, "FASTNN_CPU": "v9"}, text=True,
                         capture_output=True)
    assert out.returncode and "this machine can run" in out.stderr


@pytest.mark.parametrize("seed", [1, 2])
def test_fuzz(seed):
    """Nothing that is passed may crash the interpreter or write outside an array."""
    out = subprocess.run([sys.executable, "-m", "tests._core.fuzz", "80", str(seed)], text=True, capture_output=True)
    assert out.returncode == 0, f"status {out.returncode}: {out.stdout[-500:]} {out.stderr[-2000:]}"
    assert "accepted, never: []" in out.stdout, out.stdout


# ---- Recording --------------------------------------------------------------------------------------------------

def test_a_recording_holds_the_launches_of_its_thread_in_order():
    x, y = np.ones(3, "f4"), np.zeros(3, "f4")
    with core.recording() as calls:
        core.launch("relu", (x, y, 3))
        other = threading.Thread(target=core.launch, args=("exp", (x, np.zeros(3, "f4"), 3)))
        other.start()
        other.join()
        core.launch("sqrt", (y, x, 3))
    core.launch("relu", (x, y, 3))
    assert [c.name for c in calls] == ["relu", "sqrt"]
    assert calls[0].args[0] is x and calls[0].args[2] == 3
    assert 0 < calls[0].start and calls[0].start + calls[0].ns <= calls[1].start


def test_recordings_nest_and_may_leave_arguments_out():
    args = (np.ones(3, "f4"), np.zeros(3, "f4"), 3)
    with core.recording() as outer:
        with core.recording(keep_args=False) as inner:
            core.launch("relu", args)
        core.launch("exp", args)
    assert [c.name for c in inner] == ["relu"] and inner[0].args is None
    assert [c.name for c in outer] == ["exp"]


def test_refused_launches_are_not_recorded():
    with core.recording() as calls:
        with pytest.raises(ValueError):
            core.launch("relu", (np.ones(3, "f4"), np.zeros(3, "f4"), 4))
        with pytest.raises(KeyError), core.recording():
            raise KeyError
        core.launch("relu", (np.ones(3, "f4"), np.zeros(3, "f4"), 3))
    assert [c.name for c in calls] == ["relu"]


# ---- Later ------------------------------------------------------------------------------------------------------

def rows(n=3000, columns=400, seed=0):
    """Arguments of a gather of a few megabytes, and what it is to give."""
    rng = np.random.default_rng(seed)
    src, index, out = rng.integers(0, 255, (n, columns), dtype="u1"), rng.permutation(n), np.full((n, columns), np.nan, "f4")
    return (src, index, out, n, n, columns, 1, 4, 2, 9, 1.0), src[index].astype("f4")


def test_later_gives_what_launch_gives():
    jobs = [rows(seed=k) for k in range(5)]
    calls = [core.launch_later("gather_rows", args) for args, _ in jobs]
    for call, (args, expected) in reversed(list(zip(calls, jobs))):
        call.wait()
        call.wait()
        np.testing.assert_array_equal(args[2], expected)


@pytest.mark.parametrize("name, args, error", [
    ("nosuch", (), ValueError), ("relu", (X, X), TypeError), ("relu", (X, np.zeros(2, "f4"), 5), ValueError), ("relu", (X, X, "5"), TypeError)])
def test_later_refuses_at_once_what_launch_refuses(name, args, error):
    with pytest.raises(error):
        core.launch_later(name, args)


def test_later_raises_when_waited_for():
    args, _ = rows()
    args[1][7] = 5000
    later = core.launch_later("gather_rows", args)
    for _ in range(2):
        with pytest.raises(core.BadIndex, match="index 5000 at position 7 .*< 3000"):
            later.wait()


def test_calls_that_are_given_up_finish_before_their_arrays_go():
    """Freed memory is used again at once: a late write would be seen in the next array."""
    for k in range(50):
        args, _ = rows(800, seed=k)
        block = core.empty((800, 400), "float32")
        core.launch_later("gather_rows", args[:2] + (block,) + args[3:])
        del block
        again = core.empty((800, 400), "float32")
        again[:] = -1
        assert (again == -1).all()


def test_waiting_from_several_threads():
    args, expected = rows()
    later = core.launch_later("gather_rows", args)
    found = []
    waiting = [threading.Thread(target=lambda: (later.wait(), found.append((args[2] == expected).all()))) for _ in range(4)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()
    assert found == [True] * 4


def test_a_recording_sees_what_runs_later():
    args, expected = rows(100)
    with core.recording() as calls:
        core.launch_later("gather_rows", args).wait()
    assert [c.name for c in calls] == ["gather_rows"] and (args[2] == expected).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_while_calls_run_later():
    code = """
import os
from fastnn._core import launch as core
from tests._core.test_launch import rows
jobs = [rows(seed=k) for k in range(4)]
calls = [core.launch_later("gather_rows", args) for args, _ in jobs]
pid = os.fork()
calls.append(core.launch_later("gather_rows", (jobs.append(rows(seed=9)) or jobs[-1][0])))
for call, (args, expected) in zip(calls, jobs):
    call.wait()
    assert (args[2] == expected).all()
if pid == 0:
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    out = subprocess.run([sys.executable, "-W", "ignore", "-c", code], text=True, capture_output=True, timeout=60)
    assert out.stdout.strip() == "0", out.stderr


def test_the_interpreter_ends_while_calls_run_later():
    code = """
from fastnn._core import launch as core
from tests._core.test_launch import rows
calls = [core.launch_later("gather_rows", rows(seed=k)[0]) for k in range(4)]
"""
    out = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=60)
    assert out.returncode == 0, out.stderr
