"""How many threads this process may have."""
import os


def cgroup_quota(root="/sys/fs/cgroup"):
    """Processors that the container's quota allows (cgroup v2 `cpu.max`, v1 `cpu.cfs_quota_us`), or None."""
    def read(*names):
        try:
            with open(os.path.join(root, *names)) as f:
                return f.read().split()
        except OSError:
            return []

    v2 = read("cpu.max")
    quota, period = v2 if len(v2) == 2 else (read("cpu", "cpu.cfs_quota_us") + read("cpu", "cpu.cfs_period_us")
                                             + ["", ""])[:2]
    if not quota.isdigit() or not period.isdigit() or int(period) == 0:
        return None         # "max" or -1: no limit
    return max(1, round(int(quota) / int(period)))


def default_threads(environ=os.environ, root="/sys/fs/cgroup"):
    """The smallest of the processor affinity, the container's quota, and FASTNN_NUM_THREADS or OMP_NUM_THREADS.

    Raises:
        ValueError: FASTNN_NUM_THREADS is no integer >= 1.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limits = [cpus, cgroup_quota(root)]
    asked = environ.get("FASTNN_NUM_THREADS")
    if asked is not None:
        if not asked.isdigit() or int(asked) < 1:
            raise ValueError(f"FASTNN_NUM_THREADS must be an integer >= 1, found {asked!r}")
        return int(asked)   # said on purpose: taken as it is
    omp = environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if omp.isdigit() and int(omp) > 0:
        limits.append(int(omp))
    return min(n for n in limits if n)
