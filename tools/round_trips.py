"""Writes a model of every layer case with real Keras and loads it here, and the other way round; counts what comes of it.

    python tools/round_trips.py --keras /path/to/python/with/keras --backends jax torch tensorflow

Each case of tests/golden/layers*.json becomes a functional model with one layer, saved as `.keras`, `.h5` and `.weights.h5`; the reader
compares its answers with the writer's, and fastnn also what it would write itself with what Keras wrote: the config and the tree of the
weights.  Two processes exchange a folder.  `--cases WORD` takes only cases whose name has the word; the exit status is 1 if any failed.
"""
import argparse
import collections
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "golden"))
import case_models  # noqa: E402

FORMATS = [".keras", ".h5", ".weights.h5"]


def write(keras, folder, cases):
    """Writes the files of all cases, and what their models answer."""
    for name in cases:
        try:
            keras.utils.clear_session()
            model, inputs = case_models.model_of(keras, [name], cases, name + "_model")
        except Exception as error:
            yield name, "", short(error)
            continue
        for ending in FORMATS:
            try:
                (model.save_weights if ending == ".weights.h5" else model.save)(folder / (name + ending))
                yield name, ending, None
            except Exception as error:
                yield name, ending, short(error)
        try:        # last: a call in training changes the state
            np.savez(folder / f"{name}.npz", *case_models.answers(model, inputs))
        except Exception as error:      # a backend that cannot do it; nobody can be compared with it then
            for ending in FORMATS:
                (folder / (name + ending)).unlink(missing_ok=True)
            yield name, "", short(error)


def read(keras, folder, cases):
    """Loads the files of all cases, and compares."""
    for name in cases:
        for ending in FORMATS:
            path = folder / (name + ending)
            if path.exists():
                try:
                    keras.utils.clear_session()
                    yield name, ending, compare(keras, path, name, cases, ending)
                except Exception as error:
                    yield name, ending, short(error)


def compare(keras, path, name, cases, ending):
    """What differs; None if nothing does."""
    if ending == ".weights.h5":
        model, _ = case_models.model_of(keras, [name], cases, "another")
        model.load_weights(path)
    else:
        model = keras.saving.load_model(path)
    arrays = list(cases[name]["inputs"].values())
    found = case_models.answers(model, arrays)
    with np.load(path.with_name(name + ".npz")) as stored:
        for one, wanted in zip(found, stored.values(), strict=True):
            scale = max(1.0, np.abs(wanted).max(initial=0))
            np.testing.assert_allclose(one / scale, wanted / scale, rtol=1e-5, atol=1e-5)
    return written_again(model, path) if keras.__name__ == "fastnn" and ending == ".keras" else None


def written_again(model, path):
    """How a file that is saved from here differs from the one that the model came from."""
    from saved_files import differences
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder, "again.keras")
        model.save(again)
        found = differences(path, again)
    return "; ".join(found[:4]) or None


def short(error):
    lines = [line for line in str(error).splitlines() if line.strip()]
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {' | '.join(lines[:3])[:400]} ({Path(where.filename).name}:{where.lineno})"


def role(arguments):
    """One process: writes or reads with one engine, and leaves a list of (case, ending, error)."""
    warnings.simplefilter("ignore")
    keras = importlib.import_module(arguments.engine)
    cases = {name: facts for name, facts in case_models.facts_of_cases().items() if arguments.cases in name}
    job = {"write": write, "read": read}[arguments.role]
    arguments.report.write_text(json.dumps(list(job(keras, arguments.folder, cases))))


def run(arguments, python, backend, engine, what, folder):
    """Starts such a process and returns its list."""
    folder.mkdir(exist_ok=True)
    report = folder / f"{what}_{engine}_{backend}.json"
    environment = {**os.environ, "KERAS_BACKEND": backend or "jax", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([python, __file__, "--role", what, "--engine", engine, "--folder", folder, "--report", report,
                    "--cases", arguments.cases], check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [tuple(entry) for entry in json.loads(report.read_text())]


def tell(title, written, found):
    """Prints a line for each format and what failed; returns how many did."""
    failures = [entry for entry in [*written, *found] if entry[2]]
    unwritten = collections.Counter(ending for _, ending, error in written if error)
    for ending in FORMATS:
        results = [error for _, one, error in found if one == ending]
        failed = sum(error is not None for error in results)
        print(f"| {title} | `{ending}` | {len(results) - failed} | {failed} | {unwritten[ending] + unwritten['']} |", flush=True)
    return [(title, *entry) for entry in failures]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keras", help="a Python that has real Keras")
    parser.add_argument("--backends", nargs="+", default=["jax", "torch", "tensorflow"])
    parser.add_argument("--cases", default="")
    parser.add_argument("--role", choices=["write", "read"], help=argparse.SUPPRESS)
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        return role(arguments)
    folder = arguments.folder or Path(tempfile.mkdtemp())
    print("| direction | format | passed | failed | not written |\n| --- | --- | --- | --- | --- |")
    failures = []
    own = run(arguments, sys.executable, None, "fastnn", "write", folder / "fastnn")
    for backend in arguments.backends:
        theirs = run(arguments, arguments.keras, backend, "keras", "write", folder / backend)
        failures += tell(f"Keras ({backend}) to fastnn", theirs, run(arguments, sys.executable, None, "fastnn", "read", folder / backend))
        failures += tell(f"fastnn to Keras ({backend})", own, run(arguments, arguments.keras, backend, "keras", "read", folder / "fastnn"))
    for failure in failures:
        print(*failure, sep=" :: ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
