"""Every example of the documentation runs: python blocks of README and docs, and doctests of the docstrings."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import fastnn
import fastnn.ops

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
MODULES = sorted(
    info.name for info in pkgutil.walk_packages(fastnn.__path__, "fastnn.") if not info.name.endswith("__main__")
)


def blocks(page):
    """The python blocks of a page, each moved to its own line, so that errors name the right one."""
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield "\n" * text[: found.start(1)].count("\n") + found[1]


OPTIONAL = {"scipy", "h5py", "safetensors", "onnx", "onnxruntime", "tensorboardX", "matplotlib"}        # packages that fastnn works with and does not need


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    """Examples leave nothing in the user's folders, nor where the tests are run."""
    monkeypatch.setenv("FASTNN_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_of_pages(page, capsys):
    namespace = {"__name__": "__main__"}
    for block in blocks(page):
        try:
            exec(compile(block, str(page), "exec"), namespace)
        except ModuleNotFoundError as error:
            if error.name not in OPTIONAL:
                raise
            pytest.skip(f"the example needs {error.name}")
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_that_pages_name_exist(page):
    for target in re.findall(r"`((?:csrc|fastnn|tests|benchmarks|docs)/[\w./]*)`", page.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


class AsShown(doctest.OutputChecker):
    """What an example shows must come; an example that shows nothing only has to run."""

    def check_output(self, want, got, optionflags):
        return not want or super().check_output(want, got, optionflags)


@pytest.fixture
def known(rng):
    """What examples may use without saying where it comes from, beside the names of `fastnn.ops`."""
    fastnn.utils.clear_session(free_memory=False)      # the collector has much to look at here
    layers = fastnn.layers
    model = fastnn.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    names = {name: getattr(fastnn.ops, name) for name in dir(fastnn.ops)}
    x, y = rng.normal(size=(20, 4)).astype("float32"), rng.normal(size=(20, 1)).astype("float32")
    return {**names, "fastnn": fastnn, "np": np, "layers": layers, "model": model, "x": x, "y": y}


@pytest.mark.parametrize("module", MODULES)
def test_examples_of_docstrings(module, known, capsys):
    module = importlib.import_module(module)
    runner = doctest.DocTestRunner(AsShown(), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in doctest.DocTestFinder().find(module, module.__name__, globs={**known, **vars(module)}):
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0, capsys.readouterr().out


def test_the_page_check_sees_blocks():
    assert sum(1 for page in PAGES for _ in blocks(page)) >= 10
