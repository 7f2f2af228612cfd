"""Figures of matplotlib, without pyplot's global state: a figure belongs to who made it, and goes when nobody holds it."""
import functools
import io
import os

from ..utils.atomic import replacing
from ..utils.extras import require


@functools.cache
def _figure_class():
    """matplotlib's Figure, which notebooks show even when pyplot was never imported."""
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        """A Figure that shows itself in notebooks."""

        def _repr_png_(self):
            file = io.BytesIO()
            self.savefig(file, format="png", dpi=100)
            return file.getvalue()

    return ShownFigure


def new_figure(purpose, width, height):
    """An empty Figure.

    Args:
        purpose: what needs it, for the error's message.
        width, height: in inches.

    Raises:
        ImportError: matplotlib is not installed.
    """
    require("matplotlib.figure", purpose)
    return _figure_class()(figsize=(width, height), layout="constrained")


def finish(figure, to_file, dpi):
    """Writes a figure to a file, whole or not at all, in the format that its path ends in (PNG if in nothing); returns the figure.

    Raises:
        ValueError: a format that matplotlib does not know; OSError: the file cannot be written.
    """
    if to_file is None:
        return figure
    kind = os.path.splitext(os.fspath(to_file))[1][1:].lower() or "png"
    known = sorted(figure.canvas.get_supported_filetypes())
    if kind not in known:
        raise ValueError(f"a figure can be written as {', '.join('.' + one for one in known)}; received {os.fspath(to_file)!r}")
    with replacing(to_file) as part:
        figure.savefig(part, format=kind, dpi=dpi)
    return figure
