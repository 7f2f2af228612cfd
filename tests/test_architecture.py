"""docs/architecture.md against the code: who imports whom, who names a kernel, what has a reference."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import fastnn
import fastnn.ops
from fastnn._core import launch as core
from fastnn.op import REGISTRY

ROOT = Path(fastnn.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# The house from the ground up: a module imports from its own floor and from those below.
FLOORS = [
    ["_core", "changes", "tree", "budget"],
    ["config"],
    ["device"],
    ["tensor", "tape", "graph", "op", "numpy_protocol"],
    ["capture"],
    ["ops"],
    ["random"],
    ["utils"],
    ["initializers", "regularizers", "constraints", "dtype_policies", "activations", "losses", "metrics"],
    ["layers", "optimizers"],
    ["saving"],
    ["callbacks"],
    ["export"],
    ["models", "datasets", "preprocessing"],
    ["visualization"],
    ["backend", "compat"],
    ["demo", "__main__"],
    ["__init__"],
]
FLOOR = {name: i for i, floor in enumerate(FLOORS) for name in floor}

# Facts about the package itself, which anybody may ask for.
OF_THE_PACKAGE = {"__version__"}


def part_of(path):
    """`fastnn/layers/conv.py` -> `layers`, `fastnn/op.py` -> `op`."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports(path):
    """(line, module as parts, names) of everything a file imports; relative imports made absolute."""
    package = ("fastnn", *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, tuple(alias.name.split(".")), []
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = base + tuple(node.module.split(".") if node.module else ())
            yield node.lineno, module, [alias.name for alias in node.names]


def parts_imported(path):
    """(line, part of fastnn) for each import from fastnn."""
    for line, module, names in imports(path):
        if module[0] != "fastnn":
            continue
        if len(module) > 1:
            yield line, module[1]
        for name in names if len(module) == 1 else []:
            if name not in OF_THE_PACKAGE:
                yield line, name if name in FLOOR else "__init__"
        if len(module) == 1 and not names:
            yield line, "__init__"


def ids(path):
    return str(path.relative_to(ROOT))


def test_every_part_has_its_floor():
    assert {part_of(path) for path in FILES} == set(FLOOR)


@pytest.mark.parametrize("path", [p for p in FILES if part_of(p) not in ("demo", "__main__")], ids=ids)
def test_imports_go_down(path):
    own = FLOOR[part_of(path)]
    breaches = [f"line {line}: {part}" for line, part in parts_imported(path) if FLOOR[part] > own]
    assert not breaches, f"{ids(path)} imports from a floor above its own: {breaches}"


def test_the_check_of_imports_can_fail(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.test_architecture.ROOT", tmp_path)
    file = tmp_path / "layers" / "dense.py"
    file.parent.mkdir()
    file.write_text("from ..models.model import Model\nfrom .. import ops, callbacks\nimport fastnn\nfrom . import layer\n")
    assert list(parts_imported(file)) == [(1, "models"), (2, "ops"), (2, "callbacks"), (3, "__init__"), (4, "layers")]


@pytest.mark.parametrize("path", [p for p in FILES if part_of(p) != "device"], ids=ids)
def test_only_device_names_cupy(path):
    assert not [line for line, module, _ in imports(path) if module[0] == "cupy"]


@pytest.mark.parametrize("path", [p for p in FILES if FLOOR[part_of(p)] > FLOOR["ops"]], ids=ids)
def test_only_ops_launch_kernels(path):
    """Above the ops nobody reaches the core, and nobody imports or calls `launch`."""
    for line, module, names in imports(path):
        assert module[:2] != ("fastnn", "_core"), f"line {line}"
        assert "launch" not in names, f"line {line}"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_optional_packages_are_imported_where_they_are_used(path):
    """At the top of a module only the standard library and NumPy."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Import):
            tops = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            tops = {node.module.split(".")[0]}
        else:
            continue
        assert tops <= STANDARD | {"numpy", "fastnn"}, f"line {node.lineno}"


STANDARD = set(importlib.import_module("sys").stdlib_module_names)


@pytest.mark.parametrize("path", [p for p in FILES if part_of(p) in ("layers", "optimizers", "losses", "metrics")], ids=ids)
def test_layers_and_their_kin_compute_through_ops(path):
    """NumPy may carry weights in and out there; it computes nothing."""
    arithmetic = {
        "add", "subtract", "multiply", "divide", "dot", "matmul", "tensordot", "einsum", "exp", "log", "sqrt", "tanh",
        "maximum", "minimum", "sum", "mean", "max", "min", "std", "var", "argmax", "where", "clip", "cumsum", "random",
    }  # fmt: skip
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np":
            assert node.attr not in arithmetic, f"line {node.lineno}: np.{node.attr}"


def test_every_family_of_ops_is_loaded_and_has_references():
    families = {info.name for info in pkgutil.iter_modules(fastnn.ops.__path__)}
    declaring = {op.family for op in REGISTRY.values() if op.__module__.startswith("fastnn.ops.")}
    assert declaring <= families
    for family in declaring:
        references = importlib.import_module(f"tests.ops.references.{family}")
        lacking = [op.name for op in REGISTRY.values() if op.family == family and not hasattr(references, op.name)]
        assert not lacking, f"tests/ops/references/{family}.py lacks {lacking}"


@pytest.mark.parametrize("op", REGISTRY.values(), ids=REGISTRY)
def test_every_op_has_cases_and_one_way_to_run(op):
    assert op.cases
    assert [op.cpu, op.view, getattr(op, "host", None)].count(None) == 2


def test_every_tuned_kernel_has_a_reference():
    assert core.tuned() and core.tuned() <= set(core.kernels())
    for name in core.kernels():
        assert core.levels(name)[0] == "ref", f"{name} has no portable kernel"
