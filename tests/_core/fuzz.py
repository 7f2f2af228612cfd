"""Calls kernels with arguments of every kind, wrong ones too; run as a program, so that a crash kills nobody else.

    python -m tests._core.fuzz ROUNDS SEED

Arrays are cut out of larger ones filled with a canary: a write beyond an array is seen.  A kernel may raise, of course.
"""
import sys

import numpy as np

from fastnn._core import launch as core
from fastnn._core import signature

DTYPES = {"f32": "f4", "f64": "f8", "i8": "i1", "u8": "u1", "i16": "i2", "u16": "u2", "i32": "i4", "u32": "u4",
          "i64": "i8", "u64": "u8", "any": "u1"}
SIZES = [0, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 13, 16, 17, 33]
SMALL = [0, 1, 1, 1, 2, 2, 3, 4, 5]     # for kernels of many sizes
ODD = [-1, -7, 64, 1000, 2**31, 2**40, 2**62, -2**63]
CANARY = 0x5A
MOST = 1 << 20      # elements


def evaluate(program, args, base):
    """The extent that launch.pyx will ask for; None if it overflows."""
    stack = []
    for operation, operand in program:
        if operation == signature.PUSH_NUMBER:
            stack.append(operand)
        elif operation == signature.PUSH_ARGUMENT:
            stack.append(args[operand])
        elif operation == signature.PUSH_IN_GROUP:
            stack.append(args[base + operand])
        else:
            b, a = stack.pop(), stack.pop()
            stack.append(a + b if operation == signature.ADD else a - b if operation == signature.SUBTRACT else a * b)
    return stack[0]


def integer(rng, kind, sizes):
    if rng.random() < 0.2 / len(sizes):
        return int(rng.choice(ODD))
    size = int(rng.choice(sizes))
    return -size if kind == "i" and rng.random() < 0.1 else max(size, 1) if kind == "p" else size


def guarded(rng, count, dtype):
    """An array of count elements with canaries before and behind it: (array, the whole)."""
    dtype, pad = np.dtype(dtype), 64
    whole = np.full(pad + count * dtype.itemsize + pad, CANARY, np.uint8)
    array = whole[pad:pad + count * dtype.itemsize].view(dtype)
    if dtype.kind == "f":
        array[:] = rng.choice([0.0, 1.0, -2.5, np.nan, np.inf, -np.inf, 1e-40, 3e38], count) \
            if rng.random() < 0.1 else rng.standard_normal(count)
    else:
        array[:] = rng.integers(0, 20, count) if rng.random() < 0.7 else rng.integers(0, 127, count)
        if dtype.kind == "i" and count and rng.random() < 0.2:
            array[rng.integers(count)] = -1
    return array, whole


def attempt(rng, name, parsed):
    group = parsed.parameters[parsed.fixed:]
    parameters = parsed.parameters[:parsed.fixed] + group * int(rng.integers(0, 4))
    sizes = SMALL if sum(p.kind in "npi" for p in parameters) > 8 else SIZES
    args = [integer(rng, p.kind, sizes) if p.kind in "npi" else float(rng.standard_normal()) if p.kind == "f" else None
            for p in parameters]
    own = "f4" if rng.random() < 0.7 else "f8"
    wholes = []
    for i, p in enumerate(parameters):
        if p.kind != "a" or (p.optional and rng.random() < 0.3):
            continue
        base = i - (i - parsed.fixed) % parsed.group if i >= parsed.fixed else 0
        extent = evaluate(parsed.program[p.start:p.start + p.length], args, base)
        count = max(extent, 0) if extent <= MOST else 3
        if rng.random() < 0.02:
            count = max(0, count - 1)           # too small: to be refused
        dtype = own if p.dtype == "T" else DTYPES[p.dtype]
        if rng.random() < 0.01:
            dtype = "i2"
        args[i], whole = guarded(rng, count, dtype)
        if p.name == "indptr" and rng.random() < 0.8:       # mostly as a matrix in CSR has it
            entries = args[[q.name for q in parameters].index("nnz")]
            args[i][:] = np.sort(np.clip(args[i], 0, entries))
        wholes.append(whole)
    if rng.random() < 0.01:
        args = args[:-1]
    if rng.random() < 0.01:
        args[int(rng.integers(len(args)))] = ["x", None, 1.5, 2**80, np.zeros(3, "O"), np.zeros((4, 4))[:, ::2]][rng.integers(6)]
    heavy = 1
    for a in args:
        heavy *= max(1, a) if isinstance(a, int) and a < 2**20 else 1
    if heavy > 1 << 27:
        return False
    try:
        level = core.LEVELS[rng.integers(len(core.LEVELS))]
        if rng.random() < 0.3 and level in core.levels(name):
            core.launch_at(level, name, tuple(args))
        else:
            core.launch(name, tuple(args))
        done = True
    except (ValueError, TypeError, MemoryError, OverflowError):
        done = False
    for whole in wholes:
        assert (whole[:64] == CANARY).all() and (whole[-64:] == CANARY).all(), f"{name}{args}: wrote outside an array"
    return done


def main(rounds, seed):
    rng = np.random.default_rng(seed)
    table = {name: signature.parse(name, text) for name, text in sorted(core.kernels().items())}
    calls, accepted = 0, dict.fromkeys(table, 0)
    for _ in range(rounds):
        for name, parsed in table.items():
            if len(sys.argv) > 3:
                print(name, flush=True)
            calls += 1
            accepted[name] += attempt(rng, name, parsed)
    print(f"{calls} calls, {sum(accepted.values())} accepted, never: {[k for k, v in accepted.items() if not v]}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
