"""plot_model and model_to_dot: what the files hold."""
import inspect
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml

import numpy as np
import pytest

import fastnn
from fastnn import layers
from fastnn.utils import model_to_dot, plot_model
from fastnn.visualization import dot as dot_module
from tests.visualization.models import MODELS, heads, nested, sequential, several_results, shared, subclassed

SVG = "{http://www.w3.org/2000/svg}"
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def texts(svg):
    return [element.text for element in xml.fromstring(svg).iter(f"{SVG}text")]


def test_arguments_are_those_of_keras():
    keras = ["model", "to_file", "show_shapes", "show_dtype", "show_layer_names", "rankdir", "expand_nested", "dpi",
             "show_layer_activations", "show_trainable", "splines"]
    assert list(inspect.signature(plot_model).parameters)[:11] == keras
    assert inspect.signature(plot_model).parameters["show_layer_names"].default is False
    assert inspect.signature(model_to_dot).parameters["show_layer_names"].default is True


def test_svg_of_a_stack():
    svg = model_to_dot(sequential(), show_shapes=True, show_dtype=True, show_layer_activations=True, show_trainable=True).to_svg()
    root, found = xml.fromstring(svg), texts(svg)
    for text in (" (Conv2D)", "relu", "(None, 8, 8, 1)", "(None, 6, 6, 4)", "(None, 144)", "Trainable", "Non-trainable", "float32"):
        assert text in found
    lines = [path for path in root.iter(f"{SVG}path") if path.get("class") == "line"]
    assert len(lines) == 2 == len(list(root.iter(f"{SVG}polygon")))
    titles = [found[i - 1] for i, text in enumerate(found) if text.startswith(" (")]
    assert [re.sub(r"_\d+$", "", title) for title in titles] == ["conv2d", "flatten", "dense"]


def test_without_names_boxes_have_the_class():
    assert texts(model_to_dot(sequential(), show_layer_names=False).to_svg()) == ["Conv2D", "Flatten", "Dense"]


def test_edges_of_models():
    def pairs(model, **options):
        dot = model_to_dot(model, **options)
        return {(a.title.split(" (")[0], b.title.split(" (")[0]) for a, b in dot._group.edges}

    assert pairs(shared()) >= {("one", "one"), ("one", "other"), ("other", "one")}
    inner = pairs(nested(), expand_nested=True)
    assert inner >= {("a", "u"), ("b", "v"), ("u", "first"), ("first", "second"), ("second", "plus"), ("v", "times"),
                     ("plus", "u"), ("times", "v")}
    assert ("a", "middle") in pairs(nested()) and ("middle", "middle") in pairs(nested())
    assert not pairs(subclassed())


def test_shapes_of_several_calls_and_results():
    model = several_results()
    assert "[(None, 4), (None, 4)]" in texts(model_to_dot(model, show_shapes=True).to_svg())
    layer, a, b = layers.Dense(3), layers.Input((2, 4)), layers.Input((5, 4))
    both = fastnn.Model([a, b], [layer(a), layer(b)])
    assert "(None, 2, 4) or (None, 5, 4)" in texts(model_to_dot(both, show_shapes=True).to_svg())


def test_names_are_escaped():
    name = 'a<b>&"c"\\'
    model = fastnn.Sequential([layers.Input((2,)), layers.Dense(1, name=name)], name="m\n<&>")
    dot = model_to_dot(model)
    assert name in texts(dot.to_svg())
    assert "a&lt;b&gt;&amp;&quot;c&quot;\\" in dot.source
    nesting = fastnn.Sequential([layers.Input((2,)), model])
    assert "m\N{REPLACEMENT CHARACTER}<&>" in texts(model_to_dot(nesting, expand_nested=True).to_svg())


@pytest.mark.parametrize("make", MODELS)
def test_the_same_twice(make):
    model = make()
    for rankdir in ("TB", "LR"):
        one, other = (model_to_dot(model, show_shapes=True, expand_nested=True, rankdir=rankdir) for _ in range(2))
        assert one.to_svg() == other.to_svg() and one.source == other.source and one.to_string() == str(one)


@needs_dot
@pytest.mark.parametrize("make", MODELS)
def test_graphviz_takes_the_text(make):
    for expand in (False, True):
        dot = model_to_dot(make(), show_shapes=True, show_trainable=True, expand_nested=expand)
        done = subprocess.run(["dot", "-Tplain", "-Gsplines=line"], input=dot.source.encode(), capture_output=True, timeout=60)
        assert done.returncode == 0 and not done.stderr
        lines = done.stdout.decode().splitlines()
        assert sum(line.startswith("node ") for line in lines) == len(list(dot._group.boxes()))
        assert sum(line.startswith("edge ") for line in lines) == len(dot._group.edges)


@needs_dot
@pytest.mark.parametrize("kind, start", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_graphviz_draws(tmp_path, kind, start):
    plot_model(heads(), tmp_path / f"model.{kind}", engine="graphviz")
    assert (tmp_path / f"model.{kind}").read_bytes().startswith(start)


@pytest.mark.parametrize("kind, start", [("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF"), ("dot", b"digraph"),
                                         ("gv", b"digraph"), ("PNG", b"\x89PNG"), ("jpg", b"\xff\xd8")])
def test_own_drawings(tmp_path, kind, start):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"model.{kind}"
    assert plot_model(nested(), path, expand_nested=True, engine="fastnn", dpi=50) is None or "IPython" in sys.modules
    assert path.read_bytes().startswith(start) and list(tmp_path.iterdir()) == [path]


def test_a_path_without_end_is_a_png(tmp_path):
    pytest.importorskip("matplotlib")
    plot_model(sequential(), str(tmp_path / "model"))
    assert (tmp_path / "model").read_bytes().startswith(b"\x89PNG")


def test_resolution(tmp_path):
    image = pytest.importorskip("matplotlib.image")
    sizes = []
    for dpi in (50, 100):
        plot_model(sequential(), tmp_path / "model.png", dpi=dpi, engine="fastnn")
        sizes.append(image.imread(tmp_path / "model.png").shape)
    assert np.allclose(np.array(sizes[1][:2]) / sizes[0][:2], 2, atol=0.05)


def test_without_graphviz_fastnn_draws(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    plot_model(sequential(), tmp_path / "model.svg")
    assert texts((tmp_path / "model.svg").read_text()) == ["Conv2D", "Flatten", "Dense"]
    with pytest.raises(RuntimeError, match="not on the PATH"):
        plot_model(sequential(), tmp_path / "model.svg", engine="graphviz")


def test_where_graphviz_fails_fastnn_draws(tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho 'out of ideas' >&2\nexit 6\n")
    program.chmod(0o755)
    monkeypatch.setattr(dot_module.shutil, "which", lambda name: str(program))
    with pytest.warns(UserWarning, match="failed .6.: out of ideas. fastnn draws"):
        plot_model(sequential(), tmp_path / "model.svg")
    assert texts((tmp_path / "model.svg").read_text()) == ["Conv2D", "Flatten", "Dense"]


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"\.svg or \.dot needs no package.*pip install 'fastnn\[plot\]'"):
        plot_model(sequential(), tmp_path / "model.png")
    assert not list(tmp_path.iterdir())
    plot_model(sequential(), tmp_path / "model.svg")


def test_notebooks(tmp_path, monkeypatch):
    class Display:
        Image = SVG = staticmethod(lambda filename: filename)
    monkeypatch.setitem(sys.modules, "IPython.display", Display)
    assert plot_model(sequential(), tmp_path / "model.svg", engine="fastnn") == str(tmp_path / "model.svg")
    assert plot_model(sequential(), tmp_path / "model.dot") is None
    assert model_to_dot(sequential())._repr_svg_().startswith("<svg")


def test_a_cluster_by_itself():
    assert model_to_dot(sequential(), subgraph=True).source.startswith('subgraph cluster1 {\n  style="dashed" label="stack"')


def test_errors(tmp_path):
    model = sequential()
    with pytest.raises(ValueError, match='"blank" is not built.*model.build'):
        plot_model(fastnn.Sequential([layers.Dense(1)], name="blank"), tmp_path / "model.svg")
    with pytest.raises(ValueError, match="no longer an argument"):
        plot_model(model, tmp_path / "model.svg", layer_range=["a", "b"])
    with pytest.raises(ValueError, match="unknown arguments: .'show_shape'"):
        plot_model(model, tmp_path / "model.svg", show_shape=True)
    with pytest.raises(ValueError, match="rankdir.*'UP'"):
        model_to_dot(model, rankdir="UP")
    with pytest.raises(ValueError, match="dpi"):
        model_to_dot(model, dpi=0)
    with pytest.raises(ValueError, match=r"\.svg, \.png.*model\.doc"):
        plot_model(model, tmp_path / "model.doc")
    with pytest.raises(ValueError, match="engine"):
        plot_model(model, tmp_path / "model.svg", engine="pencil")
    with pytest.raises(TypeError, match="must be a model"):
        model_to_dot("model")
    with pytest.raises(FileNotFoundError, match="no folder"):
        plot_model(model, tmp_path / "missing" / "model.svg")
    assert not list(tmp_path.iterdir())
