"""How much faster each kernel family is on two threads than on one; prints Markdown tables.

    python benchmarks/scaling.py                                    # every family
    python benchmarks/scaling.py --families matmul conv --threads 4
    python benchmarks/scaling.py --quick                            # the first cases of each family, few repetitions

The cases are those of peers.py.  One process measures both in turn, in wall time: on a machine that does anything else
the figures mean little.  "Bound" is what the case waits for if it runs at the machine's limit: multipliers, which
there are twice as many of on two cores, or memory, which they share.
"""
import argparse
import statistics
import time

from peer_jobs.cases import FAMILIES
from peers import measure

from fastnn import config
from fastnn.utils import machine_limits


def bound(job):
    """What the case cannot be faster than, on one core."""
    limits = machine_limits(1)
    memory = sum(limits.memory_us(*one) for one in job.traffic)
    return "arithmetic" if limits.arithmetic_us(job.flops) > memory else "memory"


def compare(job, threads, seconds, rounds):
    """Microseconds of a call on one thread and on several, in turn: medians."""
    found = {1: [], threads: []}
    for _ in range(rounds):
        for count, times in found.items():
            config.set_num_threads(count)
            times += measure(job, time.perf_counter_ns, seconds, 3)
    return [statistics.median(times) for times in found.values()]


def main(families, threads, quick):
    from peer_jobs import with_fastnn
    with_fastnn.start(1, "fastnn")
    seconds, rounds = (0.005, 2) if quick else (0.02, 5)
    for family in families:
        print(f"\n| {family} | bound by | 1 thread, us | {threads} threads, us | speed-up |\n| --- | --- | --: | --: | --: |")
        for case in FAMILIES[family][:2 if quick else None]:
            for part, job in with_fastnn.JOBS[case.kind](case, **case.sizes).items():
                one, several = compare(job, threads, seconds, rounds)
                name = case.name if part == "product" else f"{case.name}, {part}"
                print(f"| {name} | {bound(job)} | {one:.1f} | {several:.1f} | {one / several:.2f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    main(asked.families, asked.threads, asked.quick)
