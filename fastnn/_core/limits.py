"""What a launch has to move, and what the machine can do, measured: multiply-adds and bytes moved in a second."""
import time
from functools import lru_cache

from .launch import empty, get_num_threads, kernels, launch, set_num_threads
from .signature import parse

ROUNDS, WIDTH = 4096, 192                  # of the kernel fma_limit
SIZES = [2**k for k in (15, 17, 19, 21, 23, 25, 27)]       # bytes, from 32 KB to 128 MB


def measure_limits(threads):
    """The limits of float32 kernels on so many threads.

    Returns:
        {"gflops": of multiply-adds in registers, "bandwidth": [[bytes held, GB/s read and written], ...] by size}.
    """
    before = get_num_threads()
    set_num_threads(threads)
    try:
        return {"gflops": peak(16 * threads), "bandwidth": [[size, copy_rate(size)] for size in SIZES]}
    finally:
        set_num_threads(before)


def peak(chunks):
    y = empty((WIDTH * chunks,), "float32")
    y[:] = 1
    return 2 * WIDTH * ROUNDS * chunks / best("fma_limit", (y, chunks), 0.05)


def copy_rate(size):
    """Bytes in a nanosecond, read and written, of the fastest of three ways to move all of `size` bytes: a copy of one half to
    the other, the same past the caches, and a change in place."""
    n = size // 8
    both = empty((2 * n,), "float32")
    both[:] = 1                 # memory that nobody has written to has no place yet
    x, y = both[:n], both[n:]
    return max(size / best("copy", (x, y, 4 * n), 0.01), size / best("stream_limit", (x, y, n), 0.01),
               2 * size / best("negative", (both, both, 2 * n), 0.01))


def best(kernel, args, seconds):
    """The shortest of the runs that fit into a time (at least three), in nanoseconds."""
    end, shortest, runs = time.perf_counter() + seconds, float("inf"), 0
    while runs < 3 or time.perf_counter() < end:
        start = time.perf_counter_ns()
        launch(kernel, args)
        shortest = min(shortest, time.perf_counter_ns() - start)
        runs += 1
    return shortest


# ---- What a launch moves ----------------------------------------------------------------------------------------

@lru_cache(maxsize=None)
def touches(kernel):
    """How often each parameter is moved: 0 no array, 1 read or written, 2 both; and how many of them repeat at the end."""
    signature = parse(kernel, kernels()[kernel])
    return [p.read + p.written for p in signature.parameters], signature.group


def traffic(kernel, args, picked=()):
    """(bytes that a launch moves at least, bytes that its arrays hold): it reads and writes each array once; of the arrays
    `picked` together it reads no more than it writes."""
    times, group = touches(kernel)
    times = times + times[len(times) - group:] * ((len(args) - len(times)) // group if group else 0)
    whole = {id(a) for a in picked}
    arrays = [(a.nbytes, n) for a, n in zip(args, times) if n and a is not None and id(a) not in whole]
    moved, held = sum([size * n for size, n in arrays]), sum([size for size, _ in arrays])
    part = min(sum([a.nbytes for a in picked]), moved)
    return moved + part, held + part
