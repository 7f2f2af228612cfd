"""The thread pool: its size, who may change it, and many callers at once."""
import os
import threading

import numpy as np
import pytest

from fastnn._core import launch as core
from fastnn._core.threads import cgroup_quota, default_threads
from fastnn.ops import multiply

from .programs import run

CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


# ---- The size ----

@pytest.fixture
def cgroup(tmp_path):
    """Writes files of control groups: cgroup("0::/a", {"a/cpu.max": "150000 100000"}); gives the arguments that find them."""
    def write(own, files):
        (tmp_path / "own").write_text(own + "\n")
        for name, text in files.items():
            (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "fs" / name).write_text(text + "\n")
        return {"root": str(tmp_path / "fs"), "own": str(tmp_path / "own")}
    return write


@pytest.mark.parametrize("own, files, quota", [
    # version 2: the group of a container with a namespace of its own is the root
    ("0::/", {"cpu.max": "100000 100000"}, 1.0),
    ("0::/", {"cpu.max": "max 100000"}, None),
    ("0::/", {"cpu.max": "50000 100000"}, 0.5),
    ("0::/", {}, None),
    # nested: the tightest on the way up
    ("0::/a/b", {"a/b/cpu.max": "150000 100000", "a/cpu.max": "max 100000"}, 1.5),
    ("0::/a/b", {"a/b/cpu.max": "400000 100000", "a/cpu.max": "250000 100000"}, 2.5),
    ("0::/a/b", {"a/b/cpu.max": "max 100000", "other/cpu.max": "100000 100000"}, None),
    ("0::/a b:c", {"a b:c/cpu.max": "30000 10000"}, 3.0),
    # a path that cannot be seen from inside
    ("0::/../../x", {"cpu.max": "200000 100000"}, 2.0),
    # version 1
    ("3:cpu,cpuacct:/d\n2:memory:/m", {"cpu/d/cpu.cfs_quota_us": "70000", "cpu/d/cpu.cfs_period_us": "20000"}, 3.5),
    ("3:cpu:/d", {"cpu/cpu.cfs_quota_us": "20000", "cpu/cpu.cfs_period_us": "20000"}, 1.0),
    ("3:cpu:/d", {"cpu/d/cpu.cfs_quota_us": "-1", "cpu/d/cpu.cfs_period_us": "20000"}, None),
    ("3:memory:/d", {"cpu/d/cpu.cfs_quota_us": "20000", "cpu/d/cpu.cfs_period_us": "20000"}, None),
    # nonsense is no limit
    ("", {"cpu.max": "100000"}, None),
    ("0::/", {"cpu.max": "100000 0"}, None),
])
def test_cgroup_quota(cgroup, own, files, quota):
    assert cgroup_quota(**cgroup(own, files)) == quota


def test_no_control_groups_at_all(tmp_path):
    nowhere = str(tmp_path / "nowhere")
    assert cgroup_quota(nowhere, nowhere) is None
    assert default_threads({}, root=nowhere, own=nowhere) == CPUS


@pytest.mark.parametrize("quota, threads", [(20, 1), (100, 1), (140, 1), (150, 2), (250, 3), (100000, 1000)])
def test_default_threads_within_a_quota(cgroup, monkeypatch, quota, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(1000), raising=False)
    where = cgroup("0::/a", {"a/cpu.max": f"{quota}000 100000"})
    assert default_threads({}, **where) == threads


def test_default_threads_from_the_environment(cgroup):
    where = cgroup("0::/", {"cpu.max": "300000 100000"})
    assert default_threads({}, **where) == min(CPUS, 3)
    assert default_threads({"OMP_NUM_THREADS": "1"}, **where) == 1
    assert default_threads({"OMP_NUM_THREADS": "1,2"}, **where) == 1
    assert default_threads({"OMP_NUM_THREADS": "none"}, **where) == min(CPUS, 3)
    assert default_threads({"FASTNN_NUM_THREADS": "7", "OMP_NUM_THREADS": "1"}, **where) == 7
    for wrong in ("many", "0", "-1", ""):
        with pytest.raises(ValueError, match="FASTNN_NUM_THREADS"):
            default_threads({"FASTNN_NUM_THREADS": wrong}, **where)


# ---- threadpoolctl ----

LIMITS = """
import numpy as np
def ours():
    return [(p["user_api"], p["num_threads"], p["version"]) for p in threadpoolctl.threadpool_info() if p["internal_api"] == "fastnn"]
fastnn.config.set_num_threads(3)
assert ours() == [("fastnn", 3, fastnn.__version__)], threadpoolctl.threadpool_info()
with threadpoolctl.threadpool_limits(1):
    assert ours()[0][1] == fastnn.config.get_num_threads() == 1
    fastnn.ops.matmul(np.ones((300, 300), "f4"), np.ones((300, 300), "f4"))
assert ours()[0][1] == fastnn.config.get_num_threads() == 3
with threadpoolctl.threadpool_limits(2, user_api="fastnn"):
    assert ours()[0][1] == 2
with threadpoolctl.threadpool_limits(2, user_api="blas"):
    assert ours()[0][1] == 3
"""


@pytest.mark.parametrize("imports", ["import threadpoolctl, fastnn", "import fastnn; fastnn.config; import threadpoolctl",
                                     "import fastnn, threadpoolctl; threadpoolctl.threadpool_info(); fastnn.config"])
def test_threadpoolctl_sees_and_limits_the_pool(imports):
    pytest.importorskip("threadpoolctl")
    run(imports + LIMITS)


def test_threadpoolctl_is_not_imported():
    assert run("import sys, fastnn; fastnn.config.get_num_threads(); print('threadpoolctl' in sys.modules)") == "False"


# ---- Running ----

def relu_of(k, n=200_000):
    x, y = np.full(n, k, "f4"), np.zeros(n, "f4")
    core.launch("relu", (x, y, n))
    return (y == k).all()


def in_threads(count, work):
    """work(0) ... work(count - 1), each in a Python thread of its own: the results in that order."""
    found = [None] * count

    def put(k):
        found[k] = work(k)

    workers = [threading.Thread(target=put, args=(k,)) for k in range(count)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return found


def test_launch_from_several_threads(threads):
    """Several Python threads at once: each gets its own result."""
    threads(3)
    assert all(in_threads(6, lambda k: all(relu_of(k) for _ in range(20))))


def test_the_size_may_change_while_kernels_run(threads):
    def work(k):
        if k:
            return all(relu_of(k) for _ in range(60))
        for n in (1, 2, 4, 3, 1, 4, 2) * 6:
            core.set_num_threads(n)
        return True

    threads(2)
    assert all(in_threads(4, work))


def test_sleeping_workers_wake_up(threads):
    """After a pause much longer than they spin."""
    threads(4)
    for k in range(20):
        threading.Event().wait(0.002)
        assert relu_of(k)


@pytest.mark.parametrize("n", [1, 4])
def test_denormals_are_zero_in_kernels_on_every_thread(threads, n):
    """They slow multiplications down; outside of kernels they are what they always were."""
    threads(n)
    x = np.full(1_000_000, 1e-30, "f4")
    assert not multiply(x, np.full_like(x, 1e-10)).numpy().any()
    assert (x * np.float32(1e-10)).all()


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="no list of threads here")
def test_workers_leave_signals_to_the_program():
    """Ctrl-C has to reach the main thread; a worker that took it would let it wait for the end of a long call."""
    assert run("""
import os, numpy as np, fastnn
fastnn.config.set_num_threads(3)
fastnn.ops.matmul(np.ones((300, 300), "f4"), np.ones((300, 300), "f4"))
blocked = []
for task in os.listdir("/proc/self/task"):
    if int(task) != os.getpid():
        lines = dict(line.split(":", 1) for line in open(f"/proc/self/task/{task}/status"))
        blocked.append(bool(int(lines["SigBlk"], 16) >> 1 & 1))       # SIGINT
print(all(blocked), len(blocked) >= 2)
""", OPENBLAS_NUM_THREADS="1") == "True True"
