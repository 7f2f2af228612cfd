"""docs/keras.md is what tools/keras_names.py writes of this fastnn, and explains every name of Keras that is missing."""

import importlib
import inspect
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WRITE = "python tools/keras_names.py"


def module(name):
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(ROOT / "tools"))


@pytest.fixture(scope="module")
def tool():
    return module("keras_names")


@pytest.fixture(scope="module")
def entry():
    """What would be stored if `keras_like` were a function of Keras."""
    return module("collect_keras_names").entry(keras_like, "keras.keras_like", {})


def test_every_missing_name_has_a_reason(tool):
    missing = [path for section in tool.sections()[0] for path in section.unexplained]
    assert not missing, "write down in tools/keras_reasons.py why fastnn lacks these names of Keras"


def test_the_page_is_up_to_date(tool):
    stored = tool.PAGE.read_text(encoding="utf-8")
    assert stored == tool.page(), f"docs/keras.md is older than the package: write it anew with `{WRITE}`"


def keras_like(x, axis=-1, *, name=None):
    pass


@pytest.mark.parametrize("function, lacking, sentences", [
    (lambda x, axis=-1, name=None: 0, [], []),
    (lambda x, axis=-1, **others: 0, [], []),
    (lambda *x, axis=-1, name=None: 0, [], []),
    (lambda x, axis=-1: 0, ["name"], []),
    (lambda x, axis=0, name=None: 0, [], ["`axis=0`, in Keras `-1`"]),
    (lambda x, axis, name=None: 0, [], ["`axis` has no default, in Keras `-1`"]),
    (lambda x, *, axis=-1, name=None: 0, [], ["`axis` is passed by name only, in Keras argument 2"]),
    (lambda axis=-1, x=0, name=None: 0, [],
     ["`x` is argument 2, in Keras argument 1", "`axis` is argument 1, in Keras argument 2"]),
    (lambda x, more, axis=-1, name=None: 0, [], ["`axis` is argument 3, in Keras argument 2", "`more` must be passed"]),
])  # fmt: skip
def test_differences_of_arguments(tool, entry, function, lacking, sentences):
    assert entry == ["x", "axis=-1", "*", "name=None"]
    assert tool.differences(entry, function) == (lacking, sentences)


def test_arguments_of_base_classes_count(tool, entry):
    class Base:
        def __init__(self, *, name=None): pass

    class Layer(Base):
        def __init__(self, x, axis=-1, **kwargs): pass

    assert tool.differences(entry, Layer) == ([], [])
    assert tool.differences([*entry, "other"], Layer) == (["other"], [])


def test_attributes_that_methods_set_count(tool):
    from fastnn.layers import Dense

    assert not hasattr(Dense, "units") and tool.has_member(Dense, "units")
    assert tool.has_member(Dense, "build") and not tool.has_member(Dense, "no_such_name")


def test_ops_take_attributes_by_position(tool):
    from fastnn.ops import softmax

    assert str(inspect.signature(softmax)) == "(x, *, axis=-1)"
    assert tool.differences(["x", "axis=-1"], softmax) == ([], [])


def test_sizes_may_be_written_shorter(tool):
    assert tool.alike(1, (1, 1)) and tool.alike(((1, 1), (1, 1)), 1) and tool.alike(1, 1.0)
    assert not tool.alike(1, (1, 2)) and not tool.alike((1, 1), (1, 2))
