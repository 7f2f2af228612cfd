"""Loads damaged copies of valid files, and counts what comes of it: loaded, refused, another error, crash, hang, too much memory.

    python tools/fuzz_files.py hdf5 tests/saving/hdf5_files/*.h5 --inputs 10000
    python tools/fuzz_files.py fastnn.saving:load_model model.keras --inputs 1000

A loading function takes a path; its name is `module:function`, or one of those below.  Copies are loaded in child processes,
whose memory and time are limited; input number n is always the same, so that `--first n --inputs 1` repeats it (`--keep file`
keeps it).  The exit status is 1 if anything but "loaded" and "refused" came.  Needs Linux.
"""
import argparse
import builtins
import collections
import functools
import importlib
import mmap
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
from pathlib import Path

OUTCOMES = ["loaded", "refused", "other error", "memory", "crash", "hang"]


def damaged(data, chance):
    """A copy of bytes with some damage.

    Args:
        data: bytes.
        chance: random.Random.
    """
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 1, 2, 4])):
        chance.choice([_flip, _flip, _flip, _number, _number, _zero, _move, _cut])(data, chance)
        if not data:
            break
    return bytes(data)


def _place(data, chance):
    """Half of the time near the beginning, and near bytes that are not zero: there is what matters."""
    for _ in range(4):
        place = chance.randrange(len(data) if chance.random() < 0.5 else min(len(data), 4096))
        if data[place]:
            break
    return place


def _flip(data, chance):
    for _ in range(chance.choice([1, 1, 1, 2, 4, 16])):
        place = _place(data, chance)
        old = data[place]
        data[place] = chance.choice([chance.randrange(256), old ^ 1 << chance.randrange(8), 0, 255, old + 1 & 255])


def _number(data, chance):
    """A whole number of the file becomes another: sizes, counts and addresses."""
    size = chance.choice([1, 2, 4, 8])
    place = _place(data, chance) // size * size
    value = chance.choice([0, 1, 2, 1 << 8 * size - 1, -1, len(data), len(data) - 8, chance.randrange(len(data)) // 8 * 8,
                           chance.randrange(1 << 8 * size)])
    data[place:place + size] = (value % (1 << 8 * size)).to_bytes(size, "little")


def _zero(data, chance):
    place, size = _place(data, chance), chance.choice([1, 8, 64, 512])
    data[place:place + size] = bytes(len(data[place:place + size]))


def _move(data, chance):
    """A block takes the place of another, which may take its own."""
    size = chance.choice([4, 8, 16, 64, 512])
    a, b = (_place(data, chance) // 8 * 8 for _ in range(2))
    first, second = data[a:a + size], data[b:b + size]
    if len(first) == len(second):
        data[b:b + size] = first
        if chance.random() < 0.5:
            data[a:a + size] = second


def _cut(data, chance):
    """The end is missing, or something in between."""
    if chance.random() < 0.1:
        place = chance.randrange(len(data))
        del data[place:place + chance.choice([1, 8, 512, len(data)])]


def load_hdf5(path):
    """Reads all that is in an HDF5 file, and what is behind errors, too."""
    from fastnn.saving.hdf5 import HDF5Error, read_hdf5
    with read_hdf5(path) as root:
        pending, seen, errors = [lambda: root], set(), []
        while pending:
            try:
                item = pending.pop()()
                if id(item) in seen:        # links may lead in circles
                    continue
                seen.add(id(item))
                pending += [functools.partial(item.attrs.get, name) for name in item.attrs] if hasattr(item, "attrs") else []
                pending += [functools.partial(item.__getitem__, name) for name in item.keys()] if hasattr(item, "keys") else []
                if hasattr(item, "read"):
                    item.read()
            except HDF5Error as error:
                errors.append(error)
        if errors:
            raise errors[0]


def load_hdf5_unchecked(path):
    """The same without checksums, so that damage gets behind them."""
    from fastnn.saving.hdf5 import source
    source.lookup3 = lambda data: _Any()
    load_hdf5(path)


class _Any(int):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False


def load_h5py(path):
    """The same by h5py, for comparison."""
    import h5py
    with h5py.File(path) as file:
        dict(file.attrs)
        items = []
        file.visititems(lambda name, item: items.append(item))
        for item in items:
            dict(item.attrs)
            if hasattr(item, "dtype") and hasattr(item, "nbytes") and item.nbytes < os.path.getsize(path):
                item[()]


LOADERS = {"hdf5": load_hdf5, "hdf5_unchecked": load_hdf5_unchecked, "h5py": load_h5py}


def find(name):
    """What a name `module:name` stands for."""
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)


def outcome_of(load, path, refusals):
    """(outcome, error) of loading a file; memory that lacked counts even where the error was turned into a refusal."""
    try:
        load(path)
        return "loaded", None
    except Exception as error:
        cause = error
        while cause is not None:
            if isinstance(cause, MemoryError):
                return "memory", error
            cause = cause.__cause__
        return "refused" if isinstance(error, refusals) else "other error", error


class Worker:
    """A child process that loads inputs first, first + step ... below end; it tells what it does in shared memory.

    Attributes:
        number: of the input it is at; slowest: (seconds, number).
    """

    FORM = struct.Struct(f"{len(OUTCOMES)}qqdq")

    def __init__(self, options, files, first, step, folder):
        self.options, self.files, self.step, self.folder = options, files, step, folder
        self.shared = mmap.mmap(-1, self.FORM.size)
        self.counts, self.number, self.slowest = [0] * len(OUTCOMES), first, (0.0, 0)
        self.end = options.first + options.inputs
        self._start()

    def _start(self):
        self._tell()
        sys.stdout.flush()
        self.changed, self.child = time.monotonic(), os.fork()
        if not self.child:
            try:
                self._work()
            finally:
                os._exit(0)

    def _tell(self):
        self.FORM.pack_into(self.shared, 0, *self.counts, self.number, *self.slowest)

    def _hear(self):
        *counts, number, seconds, slowest = self.FORM.unpack_from(self.shared)
        if number != self.number:
            self.changed = time.monotonic()
        self.counts, self.number, self.slowest = counts, number, (seconds, slowest)

    def _work(self):
        options = self.options
        load = LOADERS.get(options.load) or find(options.load)
        path = os.path.join(self.folder, f"{os.getpid()}{Path(self.files[0]).suffix}")
        contents = [Path(file).read_bytes() for file in self.files]
        Path(path).write_bytes(contents[0])
        outcome_of(load, path, options.refusals)      # imports, caches
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (options.memory << 20),) * 2)
        while self.number < self.end:
            Path(path).write_bytes(damaged(contents[self.number % len(contents)], random.Random(self.number)))
            started = time.monotonic()
            outcome, error = outcome_of(load, path, options.refusals)
            self.slowest = max(self.slowest, (time.monotonic() - started, self.number))
            if outcome not in ("loaded", "refused"):
                self._report(outcome, error)
            self.counts[OUTCOMES.index(outcome)] += 1
            self.number += self.step
            self._tell()

    def _report(self, outcome, error=None):
        lines = traceback.format_exception(error)[-3:] if error else []
        print(f"input {self.number}, {self.files[self.number % len(self.files)]}: {outcome}", *lines, flush=True)

    def is_done(self):
        """Looks after the child: a dead one and one that hangs give their places to another, behind the input."""
        ended, status = os.waitpid(self.child, os.WNOHANG)
        self._hear()
        if ended and self.number >= self.end:
            return True
        hangs = not ended and self.number < self.end and time.monotonic() - self.changed > self.options.seconds
        if hangs:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        if ended or hangs:
            outcome = "hang" if hangs else "crash"
            self._report(f"{outcome} (status {status})")
            self.counts[OUTCOMES.index(outcome)] += 1
            self.number += self.step
            self._start()
        return False


def fuzz(options):
    """Runs all inputs; returns (Counter of outcomes, (seconds, number) of the slowest)."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = min(options.jobs, options.inputs)
        workers = [Worker(options, options.files, options.first + i, jobs, folder) for i in range(jobs)]
        running = list(workers)
        while running:
            time.sleep(0.02)
            running = [worker for worker in running if not worker.is_done()]
    counts = collections.Counter()
    for worker in workers:
        counts.update(dict(zip(OUTCOMES, worker.counts)))
    return counts, max(worker.slowest for worker in workers)


def main(arguments=None):
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("load", help=f"module:function of a path, or one of {', '.join(LOADERS)}")
    parser.add_argument("files", nargs="+", help="valid files")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=5, help="more is a hang")
    parser.add_argument("--memory", type=int, default=64, help="MiB that loading may take")
    parser.add_argument("--refusals", default="ValueError",
                        help="errors that are expected, such as OSError,fastnn.saving.hdf5:HDF5Error")
    parser.add_argument("--keep", help="file that gets the first input")
    options = parser.parse_args(arguments)
    options.refusals = tuple(find(name) if ":" in name else getattr(builtins, name) for name in options.refusals.split(","))
    if options.keep:
        content = Path(options.files[options.first % len(options.files)]).read_bytes()
        Path(options.keep).write_bytes(damaged(content, random.Random(options.first)))
    started = time.monotonic()
    counts, (seconds, slowest) = fuzz(options)
    print(f"{sum(counts.values())} inputs from {len(options.files)} files in {time.monotonic() - started:.0f} s: "
          + ", ".join(f"{name} {counts[name]}" for name in OUTCOMES) + f"; the slowest ({slowest}) took {seconds:.2f} s")
    return 0 if counts["loaded"] + counts["refused"] == options.inputs else 1


if __name__ == "__main__":
    sys.exit(main())
