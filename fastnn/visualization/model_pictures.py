"""plot_model and model_to_dot: a model as a picture."""
import os
import sys

from ..layers import Layer
from ..utils.atomic import replacing
from ..utils.warn_utils import warn
from .boxes import Labels, draw_up
from .dot import dot_text, has_graphviz, run_graphviz
from .drawing import Picture

DIRECTIONS = ("TB", "LR", "BT", "RL")
KINDS = ("svg", "png", "pdf", "dot", "gv", "jpg", "jpeg", "tif", "tiff", "webp", "eps", "ps")      # what `to_file` may end in
VECTORS = ("svg", "pdf", "eps", "ps")
ENGINES = (None, "graphviz", "fastnn")


class ModelDot:
    """What `model_to_dot` returns: a model's picture, which Graphviz can draw, and fastnn can.

    Attributes:
        source: the picture in DOT, Graphviz's language.

    Example:
        >>> dot = fastnn.utils.model_to_dot(model)
        >>> print(dot.source)
        digraph {
        ...
        >>> svg = dot.to_svg()
    """

    def __init__(self, group, rankdir, dpi, splines, subgraph=False):
        self._group, self._rankdir, self._dpi, self._splines = group, rankdir, dpi, splines
        self.source = dot_text(group, rankdir, dpi, splines, subgraph)

    def to_string(self):
        """The picture in DOT, as `pydot.Dot.to_string`."""
        return self.source

    __str__ = to_string

    def __repr__(self):
        return f"<ModelDot {self._group.label!r}: {len(list(self._group.boxes()))} boxes, {len(self._group.edges)} lines>"

    def to_svg(self):
        """The picture as the text of an SVG file, laid out by fastnn itself."""
        return Picture(self._group, self._rankdir).svg()

    _repr_svg_ = to_svg         # notebooks show it

    def write(self, path, format=None, engine=None):
        """Writes the picture to a file, which is there whole or not at all.

        Args:
            path: of the file.
            format: "svg", "png", "pdf", "dot" or another of `KINDS`; None: what the path ends in, "png" where it ends in nothing.
            engine: who draws: "graphviz", "fastnn", or None: Graphviz where it is installed and does it.

        Raises:
            ValueError: an unknown format or engine; ImportError: fastnn is to draw no SVG, and matplotlib is not installed;
            RuntimeError: Graphviz is asked for, and does not do it; OSError: the file cannot be written.
        """
        kind = kind_of(path, format)
        if engine not in ENGINES:
            raise ValueError(f"`engine` must be one of {ENGINES}, received {engine!r}")
        drawn = None if kind in ("dot", "gv") else self._by_graphviz(kind, engine)
        with replacing(path) as part:
            if drawn is None and kind in ("dot", "gv", "svg"):
                drawn = (self.to_svg() if kind == "svg" else self.source).encode()
            if drawn is None:
                Picture(self._group, self._rankdir).save(part, kind, self._dpi)
            else:
                with open(part, "wb") as file:
                    file.write(drawn)

    def _by_graphviz(self, kind, engine):
        """The file's bytes, or None where fastnn has to draw."""
        if engine == "fastnn" or engine is None and not has_graphviz():
            return None
        dpi = None if kind in VECTORS else self._dpi
        try:
            return run_graphviz(dot_text(self._group, self._rankdir, dpi, self._splines), kind)
        except RuntimeError as error:
            if engine == "graphviz":
                raise
            warn(f"{error}. fastnn draws the model itself")
            return None


def kind_of(path, kind=None):
    """The format of a picture, from the end of its path unless it is given.

    Raises:
        ValueError: one that is not known.
    """
    kind = (kind or os.path.splitext(os.fspath(path))[1][1:] or "png").lower()
    if kind not in KINDS:
        raise ValueError(f"the picture of a model can be written as {', '.join('.' + known for known in KINDS)}; "
                         f"received {os.fspath(path)!r} (format {kind!r})")
    return kind


def model_to_dot(model, show_shapes=False, show_dtype=False, show_layer_names=True, rankdir="TB", expand_nested=False, dpi=200,
                 subgraph=False, show_layer_activations=False, show_trainable=False, splines="ortho", **kwargs):
    """A model as a graph in DOT, the language of Graphviz.

    Args:
        model: a built model.  A Sequential and a functional model have a box for each layer and op, any other model is one box.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what the boxes tell.
        rankdir: "TB": from top to bottom; "LR": from left to right; "BT", "RL": the other way round.
        expand_nested: whether functional and Sequential models in it are opened.
        dpi: pixels in an inch of bitmaps.
        subgraph: whether `source` is a cluster, to be put into another graph.
        splines: how Graphviz draws lines: "ortho", "curved", "polyline", "spline" or "line".

    Returns:
        A ModelDot with `source`, `to_string()`, `to_svg()` and `write(path)`; notebooks show it.  (Keras returns a pydot.Dot.)

    Raises:
        ValueError: the model is not built, a bad `rankdir`, an unknown argument; TypeError: no model.

    Example:
        >>> model_to_dot(model, show_shapes=True).to_string().count("->")
        0
    """
    if not isinstance(model, Layer):
        raise TypeError(f"`model` must be a model, received {model!r} (of type {type(model).__name__})")
    if not model.built:
        raise ValueError(f'model "{model.name}" is not built, so its layers are not connected yet: build it first, by model.build(shape) '
                         "or by calling it on data")
    if kwargs.pop("layer_range", None) is not None:
        raise ValueError("`layer_range` is no longer an argument in Keras 3: plot a model of the layers that you want, "
                         "Model(first.input, last.output)")
    if kwargs:
        raise ValueError(f"unknown arguments: {sorted(kwargs)}")
    if rankdir not in DIRECTIONS:
        raise ValueError(f"`rankdir` must be one of {DIRECTIONS}, received {rankdir!r}")
    if not isinstance(dpi, (int, float)) or not dpi > 0:
        raise ValueError(f"`dpi` must be a positive number, received {dpi!r}")
    labels = Labels(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    return ModelDot(draw_up(model, labels, expand_nested), rankdir, dpi, splines, subgraph)


def plot_model(model, to_file="model.png", show_shapes=False, show_dtype=False, show_layer_names=False, rankdir="TB",
               expand_nested=False, dpi=200, show_layer_activations=False, show_trainable=False, splines="ortho", engine=None, **kwargs):
    """Draws a model into a file.

    Graphviz does it where its program `dot` is installed; elsewhere fastnn does: SVG by itself, PNG and PDF by matplotlib.

    Args:
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, show_layer_activations, show_trainable, splines:
            as for `model_to_dot`.
        to_file: path of the file; its end says the format: .png, .svg, .pdf, .dot (text for Graphviz), .jpg ...
        engine: who draws: "graphviz", "fastnn", or None as above.

    Returns:
        What shows the picture in a notebook (an `IPython.display.Image` or `SVG`) where one is running, else None.

    Raises:
        ValueError: the model is not built, an unknown argument or format; ImportError: a PNG or PDF is asked for with neither Graphviz
        nor matplotlib; OSError: the file cannot be written.

    Example:
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "model.svg")
        >>> shown = plot_model(model, to_file=path, show_shapes=True, show_layer_names=True)
        >>> open(path).read(4) in ("<svg", "<?xm")
        True
    """
    to_file = os.fspath(to_file)
    kind = kind_of(to_file)
    dot = model_to_dot(model, show_shapes=show_shapes, show_dtype=show_dtype, show_layer_names=show_layer_names, rankdir=rankdir,
                       expand_nested=expand_nested, dpi=dpi, show_layer_activations=show_layer_activations,
                       show_trainable=show_trainable, splines=splines, **kwargs)
    dot.write(to_file, kind, engine)
    display = sys.modules.get("IPython.display")        # in a notebook it is there
    if display is not None and kind == "svg":
        return display.SVG(filename=to_file)
    return display.Image(filename=to_file) if display is not None and kind in ("png", "jpg", "jpeg") else None
