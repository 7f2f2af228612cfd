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
