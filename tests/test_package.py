"""The package as it is shipped: what importing it costs, and what its archives hold."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pytest

import fastnn

ROOT = Path(__file__).parents[1]

PROBE = """
import json, sys, time
start = time.perf_counter()
import fastnn
fastnn.config
seconds = time.perf_counter() - start
with open("/proc/self/status") as f:
    rss = next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS"))
print(json.dumps({"seconds": seconds, "rss_mb": rss, "modules": sorted(sys.modules)}))
"""


def python(code, **env):
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_version_is_the_projects():
    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert fastnn.__version__ == declared
    assert declared in (ROOT / "CHANGELOG.md").read_text()


def test_types_are_declared():
    assert (Path(fastnn.__file__).parent / "py.typed").exists()


def test_every_name_of_the_package_is_there():
    for name in dir(fastnn):
        assert getattr(fastnn, name) is not None or name.startswith("__"), name
    with pytest.raises(AttributeError, match="no_such_name"):
        fastnn.no_such_name


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
def test_import_is_light(record_property):
    found = json.loads(python(PROBE))
    record_property("import_seconds", found["seconds"])
    record_property("import_rss_mb", found["rss_mb"])
    assert found["rss_mb"] < 45  # NumPy alone takes 24 to 30
    tops = {name.split(".")[0] for name in found["modules"]}
    heavy = {"matplotlib", "h5py", "PIL", "pandas", "scipy", "multiprocessing", "ssl", "http", "asyncio", "sqlite3"}
    assert not tops & heavy
    assert "urllib.request" not in found["modules"]


def test_using_it_stays_light():
    """Building and training a model loads nothing that only downloads, plots or tests need."""
    code = """
import sys, numpy as np, fastnn
model = fastnn.Sequential([fastnn.layers.Input((4,)), fastnn.layers.Dense(2)])
model.compile("sgd", "mse")
model.fit(np.zeros((8, 4)), np.zeros((8, 2)), verbose=0)
fastnn.datasets.digits.load_data()
print(*sorted(sys.modules))
"""
    modules = set(python(code).split())
    assert not modules & {"matplotlib", "h5py", "PIL", "ssl", "urllib.request", "pytest", "scipy"}


@pytest.mark.parametrize("level", ["ref", "best"])
def test_instruction_set_can_be_chosen(level):
    env = {"FASTNN_CPU": "ref"} if level == "ref" else {}
    found = python("import fastnn; print(fastnn.config.cpu_level())", **env).strip()
    assert found == "ref" if level == "ref" else found in ("ref", "neon", "v2", "v3", "v4")


def test_what_a_wheel_holds_is_small():
    """Compressed as a wheel compresses it: everything of the package but the tests' leftovers."""
    files = [f for f in Path(fastnn.__file__).parent.rglob("*") if f.is_file() and f.suffix not in (".pyc", ".c", ".pyx")]
    assert {"digits.npz", "py.typed"} <= {f.name for f in files}
    assert (ROOT / "fastnn/datasets/digits.npz").stat().st_size < 500_000
    assert sum(len(zlib.compress(f.read_bytes())) for f in files) < 5_000_000


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """Names of the files of an sdist of this tree."""
    pytest.importorskip("setuptools")
    pytest.importorskip("Cython")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", folder, "sdist", "--dist-dir", folder],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_sdist_holds_all_that_a_build_needs(sdist):
    needed = [*ROOT.glob("csrc/**/*.[ch]"), *ROOT.glob("csrc/**/*.inc"), *ROOT.glob("fastnn/**/*.py*")]
    needed = {str(f.relative_to(ROOT)) for f in needed if "__pycache__" not in f.parts}
    assert needed | {"LICENSE", "README.md", "pyproject.toml", "setup.py", "fastnn/datasets/digits.npz"} <= sdist


def test_sdist_holds_no_build_products(sdist):
    assert not [name for name in sdist if name.endswith((".so", ".o", ".pyc")) or re.match(r"fastnn/.*\.c$", name)]
