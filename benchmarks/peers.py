"""Times fastnn's kernels beside PyTorch, NumPy, SciPy, TensorFlow and JAX, where these are installed; prints Markdown tables.

    python benchmarks/peers.py                                      # everything, on one thread and on two
    python benchmarks/peers.py --families matmul conv --threads 1
    python benchmarks/peers.py --quick                              # the first cases of each family, few repetitions

Each engine runs in a process of its own and they take turns, round by round, so that none measures the other's threads and all
see the same machine.  Before anything is timed, their results are compared.  One thread is measured in processor time, several
in wall time.  A table holds medians of all rounds, fastnn's speed, its share of what the machine can do, and for each
peer its time and by how much it is slower (x1.8: fastnn is 1.8 times as fast).
"""
import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

FAMILIES = ("matmul", "conv", "conv_other", "pool", "norm", "loss", "update", "elementwise", "random", "dropout", "fused",
            "sparse")
TITLES = {"fastnn": "fastnn", "direct": "Winograd off", "torch": "PyTorch", "numpy": "NumPy", "scipy": "SciPy",
          "tensorflow": "TensorFlow", "jax": "JAX"}
ENGINES = {**{name: name for name in TITLES}, "direct": "fastnn"}       # the package behind each
TOLERANCE = 2e-3        # of the largest element
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


# ---- In the process of an engine --------------------------------------------------------------------------------

def work(engine, threads):
    """Answers requests, one line of JSON each, until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)           # what libraries print goes elsewhere
    from peer_jobs.cases import FAMILIES as cases
    module = importlib.import_module(f"peer_jobs.with_{ENGINES[engine]}")
    module.start(threads, engine)
    clock = time.process_time_ns if threads == 1 else time.perf_counter_ns
    jobs = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "family" in request:
            jobs.clear()
            case = cases[request["family"]][request["index"]]
            jobs.update(module.JOBS[case.kind](case, **case.sizes))
            answer = {part: describe(module, job, f"{request['folder']}/{engine}-{part}", threads) for part, job in jobs.items()}
        else:
            answer = {part: measure(job, clock, request["seconds"], request["samples"]) for part, job in jobs.items()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def describe(module, job, path, threads):
    """Keeps what a job finds for the comparison; tells its work and the machine's limit for it, if it is fastnn's."""
    import numpy as np
    found = module.arrays(job.outputs if hasattr(job, "outputs") else job())
    for i, array in enumerate(found):
        np.save(f"{path}-{i}.npy", array)
    if not hasattr(job, "bytes"):
        return {"arrays": len(found)}
    return {"arrays": len(found), "flops": job.flops, "bytes": job.bytes, "limit": job.limit(threads)}


def measure(job, clock, seconds, samples):
    """Microseconds of one call, several times, each the mean of as many calls as fit into some seconds."""
    job()
    start, calls = time.perf_counter(), 0
    while not calls or time.perf_counter() - start < seconds:
        job()
        calls += 1
    found = []
    for _ in range(samples):
        start = clock()
        for _ in range(calls):
            job()
        found.append((clock() - start) / calls / 1e3)
    return found


# ---- In the process that compares -------------------------------------------------------------------------------

class Engine:
    """An engine's process."""

    def __init__(self, name, threads):
        count = str(threads)
        environment = {**os.environ, "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count, "MKL_NUM_THREADS": count,
                       "FASTNN_NUM_THREADS": count, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "",
                       "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40),       # glibc keeps what is freed
                       "PYTHONPATH": os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])}
        command = [sys.executable, os.path.abspath(__file__), "--work", name, count]
        self.name, self.threads = name, threads
        self.process = subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the process of {self.name} ended with {self.process.wait()}: its message is above")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def run_case(family, index, case, engines, options):
    """{engine: {part: median in us}} and fastnn's description of each part, after the results were compared."""
    with tempfile.TemporaryDirectory() as folder:
        described = {e.name: e.ask(family=family, index=index, folder=folder) for e in engines}
        for peer in engines[1:]:
            compare(case, peer.name, described, folder)
    times = {e.name: {part: [] for part in described[e.name]} for e in engines}
    for _ in range(options.rounds):
        for engine in engines:
            if engine.threads > 1:
                time.sleep(0.05)        # the threads of the one before stop spinning
            for part, found in engine.ask(seconds=options.seconds, samples=options.samples).items():
                times[engine.name][part] += found
    medians = {name: {part: statistics.median(found) for part, found in parts.items()} for name, parts in times.items()}
    return medians, described["fastnn"]


def compare(case, peer, described, folder):
    """Raises SystemExit unless a peer found what fastnn found."""
    import numpy as np
    ours, theirs = described["fastnn"], described[peer]
    if ours.keys() != theirs.keys():
        raise SystemExit(f"{case.name}: fastnn has the parts {list(ours)}, {peer} {list(theirs)}")
    for part in ours:
        for i in range(ours[part]["arrays"]):
            a, b = (np.load(f"{folder}/{name}-{part}-{i}.npy").astype("f8") for name in ("fastnn", peer))
            if case.check == "moments":
                a, b = (np.array([y.mean(), y.std()]) for y in (a, b))
            error = np.abs(a - b).max() / np.abs(b).max() if a.shape == b.shape else np.inf
            if not error < (0.02 if case.check == "moments" else TOLERANCE):
                raise SystemExit(f"{case.name}, {part}: fastnn and {peer} differ by {error:.1e} of the largest element "
                                 f"(shapes {a.shape} and {b.shape})")


# ---- Tables -----------------------------------------------------------------------------------------------------

def rows(case, times, described):
    """The cells of a case by part, and of all parts together."""
    parts = list(described)
    for part in parts + (["all"] if len(parts) > 1 else []):
        some = parts if part == "all" else [part]
        us = {name: sum(found[p] for p in some) for name, found in times.items()}
        flops, size, limit = (sum(described[p][key] for p in some) for key in ("flops", "bytes", "limit"))
        yield case.name if part == parts[0] else "", part, us, flops, size, limit


def line(name, part, us, flops, size, limit, peers):
    ours = us["fastnn"]
    speed = f"{flops / ours / 1e3:.0f} GFLOP/s" if flops else f"{number(size / ours / 1e3)} GB/s"
    cells = [name, part, number(ours), speed, f"{100 * limit / ours:.0f} %"]
    for peer in peers:
        cells += [f"{number(us[peer])} (x{us[peer] / ours:.2f})" if peer in us else ""]
    return "| " + " | ".join(cells) + " |"


def number(x):
    return f"{x:.2f}" if x < 10 else f"{x:.1f}" if x < 100 else f"{x:,.0f}"


def run_family(family, cases, engines, options):
    """Prints a family's table, a row as soon as it is known."""
    peers = [name for name in list(engines)[1:] if any(name in case.peers for case in cases)]
    unit = "processor time, us" if next(iter(engines.values())).threads == 1 else "us"
    head = ["case", "part", f"fastnn, {unit}", "speed", "of the limit", *[TITLES[peer] for peer in peers]]
    print(f"\n**{family}**\n\n| " + " | ".join(head) + " |\n| --- | --- |" + " ---: |" * (len(head) - 2), flush=True)
    for index, case in enumerate(cases):
        taking_part = [engines["fastnn"], *[engines[name] for name in peers if name in case.peers]]
        for cells in rows(case, *run_case(family, index, case, taking_part, options)):
            print(line(*cells, peers), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=FAMILIES)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", nargs="+", choices=list(ENGINES)[1:], default=list(ENGINES)[1:])
    parser.add_argument("--quick", action="store_true", help="two cases of each family, two rounds")
    options = parser.parse_args()
    options.rounds = min(options.rounds, 2) if options.quick else options.rounds
    options.seconds, options.samples = (0.01, 3) if options.quick else (0.03, 3)
    from peer_jobs.cases import FAMILIES as cases
    wanted = {family: cases[family][:2 if options.quick else None] for family in options.families}
    asked = {peer for some in wanted.values() for case in some for peer in case.peers} & set(options.peers)
    names = ["fastnn", *[e for e in list(ENGINES)[1:] if e in asked and importlib.util.find_spec(ENGINES[e])]]
    for threads in options.threads:
        engines = {name: Engine(name, threads) for name in names}
        print(f"\n## {threads} thread{'s' if threads > 1 else ''}")
        for family, some in wanted.items():
            run_family(family, some, engines, options)
        for engine in engines.values():
            engine.close()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], int(sys.argv[3]))
    else:
        main()
