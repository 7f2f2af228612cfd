"""What this machine can do at most: measured once, kept in the user's cache folder."""
import bisect
import json
import math
import os
import platform
from typing import NamedTuple

from .. import config
from ..device import measure_limits
from .data_utils import cache_folder
from .warn_utils import warn

_known = {}     # limits by key, of this process


class MachineLimits(NamedTuple):
    """The limits of float32 kernels on a number of threads.

    Attributes:
        cpu: the processor's name.
        level: the instruction set (`fastnn.config.cpu_level()`).
        threads: how many threads.
        gflops: multiply-adds in registers, 10^9 operations a second.
        bandwidth: pairs (bytes held, GB/s read and written), by size: small arrays stay in caches.
    """

    cpu: str
    level: str
    threads: int
    gflops: float
    bandwidth: tuple

    def gbs(self, size):
        """The bandwidth in GB/s for work on so many bytes of memory: between sizes measured, in proportion to the logarithm."""
        sizes = [s for s, _ in self.bandwidth]
        i = bisect.bisect(sizes, size)
        if i in (0, len(sizes)):
            return self.bandwidth[min(i, len(sizes) - 1)][1]
        (low, a), (high, b) = self.bandwidth[i - 1:i + 1]
        return a + (b - a) * math.log(size / low) / math.log(high / low)

    def arithmetic_us(self, flops, itemsize=4):
        """The least time of so many operations, in microseconds; float64 has half the lanes of float32."""
        return flops / (self.gflops * 1e3) * (itemsize / 4)

    def memory_us(self, moved, held):
        """The least time in which so many bytes can be read and written, in microseconds, where the arrays hold `held` bytes."""
        return moved / (self.gbs(held) * 1e3)

    def __str__(self):
        cached, memory = self.bandwidth[len(self.bandwidth) // 2], self.bandwidth[-1]
        return (f"{self.cpu} ({self.level}), {self.threads} thread{'s' if self.threads > 1 else ''}: {self.gflops:.0f} GFLOP/s, "
                f"{memory[1]:.0f} GB/s from memory, {cached[1]:.0f} GB/s in {size_text(cached[0])}")


def machine_limits(threads=None, measure=False):
    """The limits of this machine, from the cache folder; measured in a quarter of a second where it has none.

    Args:
        threads: of the kernels; by default as many as they use now.
        measure: whether to measure again, for what is better than before: on an idle machine, if the first time was on a busy one.

    Returns:
        MachineLimits.

    Example:

    >>> import fastnn
    >>> limits = fastnn.utils.machine_limits()
    >>> limits.gflops > 1 and limits.gbs(2**20) > 0.1
    True
    """
    threads = config.get_num_threads() if threads is None else threads
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"[machine_limits] `threads` must be an integer >= 1, received {threads!r}")
    cpu, level = cpu_name(), config.cpu_level()
    key = f"{cpu}, {level}, {threads}"
    if measure or key not in _known:
        found = _read().get(key)
        if measure or found is None:
            found = _better(found, measure_limits(threads))
            _write({**_read(), key: found})
        _known[key] = found
    found = _known[key]
    return MachineLimits(cpu, level, threads, found["gflops"], tuple(map(tuple, found["bandwidth"])))


def _better(a, b):
    """Of two measurements what is higher in each: they can fall short of what the machine can do, and never exceed it."""
    if a is None or [size for size, _ in a["bandwidth"]] != [size for size, _ in b["bandwidth"]]:
        return b
    return {"gflops": max(a["gflops"], b["gflops"]),
            "bandwidth": [[size, max(x, y)] for (size, x), (_, y) in zip(a["bandwidth"], b["bandwidth"])]}


def cpu_name():
    """The processor as the system calls it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
            for line in f:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass                # no Linux
    return platform.processor() or platform.machine() or "unknown processor"


def size_text(size):
    """131072 -> "128 KB"."""
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"


# ---- The file ---------------------------------------------------------------------------------------------------

def _path():
    return os.path.join(cache_folder(), "machine_limits.json")


def _read():
    """Limits by key; those that make no sense are left out, so that they are measured again."""
    try:
        with open(_path(), encoding="utf-8") as f:
            content = json.load(f)
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in content.items() if _is_sound(value)} if isinstance(content, dict) else {}


def _is_sound(value):
    def positive(x):
        return isinstance(x, (int, float)) and not isinstance(x, bool) and 0 < x < math.inf

    if not isinstance(value, dict) or not positive(value.get("gflops")):
        return False
    pairs = value.get("bandwidth")
    return (isinstance(pairs, list) and len(pairs) > 1 and all(isinstance(p, list) and len(p) == 2 and all(map(positive, p))
                                                              for p in pairs) and pairs == sorted(pairs))


def _write(content):
    part = f"{_path()}.{os.getpid()}.part"
    try:
        os.makedirs(cache_folder(), exist_ok=True)
        with open(part, "w", encoding="utf-8") as f:
            json.dump(content, f, indent=1)
        os.replace(part, _path())
    except OSError as error:
        warn(f"the machine's limits cannot be kept, so each process measures them: {error}. Set FASTNN_HOME to a folder that can be "
             "written")
