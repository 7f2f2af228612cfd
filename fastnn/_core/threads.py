"""How many threads this process may have, and threadpoolctl's view of the pool."""
import functools
import importlib.machinery
import os
import sys

from . import launch


# ---- The container's quota --------------------------------------------------------------------------------------

def cgroup_quota(root="/sys/fs/cgroup", own="/proc/self/cgroup"):
    """Processors that the container's quota allows, a fraction perhaps, or None if it sets no limit.

    A group's quota holds for the groups inside it as well, so the tightest counts of those from this process's own
    group up to the root; `own` says which that is.  Groups that cannot be seen from here, as in a container without a
    namespace of its own, are passed over.

    Args:
        root: where the groups are mounted: version 2 with `cpu.max`, or version 1 with `cpu/cpu.cfs_quota_us`.
        own: lines `number:controllers:path`; in version 2 one, `0::path`.
    """
    groups = {root, os.path.join(root, "cpu")}
    for line in _read(own).splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        if not controllers or "cpu" in controllers.split(","):
            group = os.path.join(root, "cpu" if controllers else "")
            for part in path.split("/"):
                group = os.path.join(group, part if part != ".." else "")
                groups.add(group)
    return min(filter(None, map(_quota, groups)), default=None)


def _read(*names):
    try:
        with open(os.path.join(*names)) as f:
            return f.read()
    except OSError:
        return ""


def _quota(group):
    """Processors that one group may use, None for no limit ("max", -1, or no such group)."""
    pair = (_read(group, "cpu.max") or f"{_read(group, 'cpu.cfs_quota_us')} {_read(group, 'cpu.cfs_period_us')}").split()
    if len(pair) == 2 and pair[0].isdigit() and pair[1].isdigit() and int(pair[1]):
        return int(pair[0]) / int(pair[1])
    return None


def default_threads(environ=os.environ, **cgroup):
    """The smallest of the processor affinity, the container's quota, and FASTNN_NUM_THREADS or OMP_NUM_THREADS.

    A quota of 1.5 processors gives 2 threads, one of 1.4 gives 1: more threads than that would mostly wait for the quota.

    Args:
        cgroup: arguments of `cgroup_quota`.

    Raises:
        ValueError: FASTNN_NUM_THREADS is no integer >= 1.
    """
    asked = environ.get("FASTNN_NUM_THREADS")
    if asked is not None:
        if not asked.isdigit() or int(asked) < 1:
            raise ValueError(f"FASTNN_NUM_THREADS must be an integer >= 1, found {asked!r}")
        return int(asked)   # said on purpose: taken as it is
    limits = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1]
    quota = cgroup_quota(**cgroup)
    if quota is not None:
        limits.append(max(1, int(quota + 0.5)))
    omp = environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if omp.isdigit() and int(omp) > 0:
        limits.append(int(omp))
    return min(limits)


# ---- threadpoolctl ----------------------------------------------------------------------------------------------

def show_to_threadpoolctl():
    """Makes the pool known to threadpoolctl: now if it has been imported, else when it is.  It is not imported for that."""
    if "threadpoolctl" in sys.modules:
        _register(sys.modules["threadpoolctl"])
    else:
        sys.meta_path.insert(0, _Threadpoolctl())


def _register(threadpoolctl):
    if not hasattr(threadpoolctl, "register"):
        return      # older than 3.2: it knows only the libraries of its own list

    class FastnnController(threadpoolctl.LibController):
        """The thread pool of fastnn."""
        user_api = internal_api = "fastnn"
        filename_prefixes = (os.path.basename(launch.__file__).partition(".")[0] + ".",)
        check_symbols = ("fastnn_get_num_threads",)

        def get_num_threads(self):
            return self.dynlib.fastnn_get_num_threads()

        def set_num_threads(self, num_threads):
            self.dynlib.fastnn_set_num_threads(num_threads)

        def get_version(self):
            return sys.modules["fastnn"].__version__

    threadpoolctl.register(FastnnController)


class _Threadpoolctl:
    """A finder that has the pool registered when threadpoolctl has been imported."""

    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name == "threadpoolctl" else None
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = functools.partial(_run_and_register, spec.loader.exec_module)
        return spec


def _run_and_register(run, threadpoolctl):
    run(threadpoolctl)
    _register(threadpoolctl)
