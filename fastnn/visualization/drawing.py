"""The picture of a model as rectangles, text and lines; written as SVG by hand, or by matplotlib as PNG or PDF."""
from xml.sax.saxutils import escape

from ..utils.extras import require
from .layout import Layout
from .lettering import text_width

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
TITLE, TEXT = 13.0, 11.0                # sizes of letters, in points
ROW, FIELD, SIDE = 26.0, 23.0, 10.0     # height of a title and of a field, blank beside text
LEAST = 64.0                            # width of a box
LINE, FRAME = "#5f6b76", "#2b323a"
# What kind of field has which colours: ground, text.
COLOURS = {"layer": ("#2b323a", "#ffffff"), "input": ("#2f6f9f", "#ffffff"), "op": ("#67727e", "#ffffff"),
           "model": ("#5b4a8a", "#ffffff"), "plain": ("#ffffff", "#1c2126"), "trained": ("#228b22", "#ffffff"),
           "frozen": ("#b22222", "#ffffff")}
MAX_SIDE, MAX_AREA = 32000, 2 ** 26     # of a bitmap, in pixels: what programs that show it can take


def cell_width(cell, size):
    """The width of a field with its blanks."""
    return sum(text_width(text, size, bold) for text, bold in cell.runs) + 2 * SIDE


def box_size(box):
    """(width, height) of a box, in which all its text fits."""
    title, *fields = box.rows
    width = max(LEAST, cell_width(title[0], TITLE), *(sum(cell_width(cell, TEXT) for cell in row) for row in fields), 0.0)
    return width, ROW + FIELD * len(fields)


def label_width(label):
    """The width of a group's label."""
    return text_width(label, TEXT, True)


class Picture:
    """What is to be drawn, from back to front.

    Attributes:
        width, height: of the whole, in points.
        rectangles: (x, y, width, height, ground, frame, whether the frame is dashed).
        lines: (points of Bezier curves, whether there is an arrow at the end).
        texts: (x of the left end, y of the foot, [(piece, bold)], size, colour).
    """

    def __init__(self, group, rankdir="TB"):
        layout = Layout(group, {box: box_size(box) for box in group.boxes()}, label_width, rankdir)
        self.width, self.height, self.lines = layout.width, layout.height, once_each(layout.lines)
        self.rectangles, self.texts = [], []
        for label, x, y, width, height in layout.groups:
            self.rectangles.append((x, y, width, height, "#f4f6f8", "#8a949e", True))
            self.texts.append((x + SIDE, y + 16.0, [(label, True)], TEXT, "#4a545e"))
        for box, place in layout.boxes.items():
            self._box(box, *place)

    def _box(self, box, x, y, width, height):
        for row in box.rows:
            size, tall = (TITLE, ROW) if row is box.rows[0] else (TEXT, FIELD)
            spare = (width - sum(cell_width(cell, size) for cell in row)) / len(row)
            left = x
            for cell in row:
                ground, colour = COLOURS[cell.kind]
                wide = cell_width(cell, size) + spare
                self.rectangles.append((left, y, wide, tall, ground, FRAME, False))
                self.texts.append((left + SIDE + spare / 2, y + tall / 2 + 0.36 * size, cell.runs, size, colour))
                left += wide
            y += tall

    # ---- SVG -----------------------------------------------------------------------------------------------

    def svg(self):
        """The picture as the text of an SVG file.  Text is set to the width that was reckoned with, whatever the font."""
        w, h = _number(self.width), _number(self.height)
        parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}pt" height="{h}pt" viewBox="0 0 {w} {h}" '
                 f'font-family="{FONT}">', f'<rect class="ground" width="{w}" height="{h}" fill="#ffffff"/>']
        groups = [r for r in self.rectangles if r[-1]]
        parts += [self._rectangle(*r) for r in groups]
        for points, arrow in self.lines:
            parts.append(f'<path class="line" d="{_path(points)}" fill="none" stroke="{LINE}" stroke-width="1.3"/>')
            if arrow:
                tip = " ".join(f"{_number(x)},{_number(y)}" for x, y in arrow_head(points))
                parts.append(f'<polygon class="arrow" points="{tip}" fill="{LINE}"/>')
        parts += [self._rectangle(*r) for r in self.rectangles if not r[-1]]
        parts += [self._text(*t) for t in self.texts]
        return "\n".join([*parts, "</svg>", ""])

    @staticmethod
    def _rectangle(x, y, width, height, ground, frame, dashed):
        more = ' rx="6" stroke-dasharray="5 3"' if dashed else ""
        return (f'<rect class="{"group" if dashed else "cell"}" x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" '
                f'height="{_number(height)}" fill="{ground}" stroke="{frame}"{more}/>')

    @staticmethod
    def _text(x, y, runs, size, colour):
        parts = []
        for text, bold in runs:
            wide = text_width(text, size, bold)
            weight = ' font-weight="bold"' if bold else ""
            parts.append(f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}" fill="{colour}"{weight} '
                         f'textLength="{_number(wide)}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">{escape(text)}</text>')
            x += wide
        return "\n".join(parts)

    # ---- matplotlib ----------------------------------------------------------------------------------------

    def save(self, path, kind, dpi=200):
        """Writes the picture by matplotlib.

        Args:
            path: of the file; kind: "png", "pdf" or another of its formats; dpi: pixels in an inch, fewer for pictures of a size
                that no program shows.

        Raises:
            ImportError: there is no matplotlib.
        """
        figure_module = require("matplotlib.figure", f'plot_model(to_file="*.{kind}") (a picture as .svg or .dot needs no package)')
        dpi = min(dpi, MAX_SIDE * 72 / max(self.width, self.height), (MAX_AREA / self.width / self.height) ** 0.5 * 72)
        figure = figure_module.Figure(figsize=(self.width / 72, self.height / 72))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        axes.axis("off")
        for patch in self._patches():
            axes.add_patch(patch)
        figure.savefig(path, format=kind, dpi=dpi, facecolor="white")

    def _patches(self):
        from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon, Rectangle
        from matplotlib.path import Path

        for x, y, w, h, ground, frame, dashed in self.rectangles:
            if dashed:
                yield FancyBboxPatch((x, y), w, h, "round,pad=0,rounding_size=6", fc=ground, ec=frame, ls=(0, (5, 3)), lw=1)
        for points, arrow in self.lines:
            yield PathPatch(Path(points, [Path.MOVETO] + [Path.CURVE4] * (len(points) - 1)), fill=False, ec=LINE, lw=1.3)
            if arrow:
                yield Polygon(arrow_head(points), fc=LINE, lw=0)
        for x, y, w, h, ground, frame, dashed in self.rectangles:
            if not dashed:
                yield Rectangle((x, y), w, h, fc=ground, ec=frame, lw=1)
        for x, y, runs, size, colour in self.texts:
            for text, bold in runs:
                wide = text_width(text, size, bold)
                if text.strip():
                    yield PathPatch(_letters(text, x, y, size, bold, wide), fc=colour, lw=0)
                x += wide


def once_each(lines):
    """Lines without the beginnings that they share with lines before them, which would be drawn over each other."""
    drawn, found = set(), []
    for points, arrow in lines:
        pieces = [tuple(points[i:i + 4]) for i in range(0, len(points) - 1, 3)]
        start = next((i for i, piece in enumerate(pieces) if piece not in drawn), len(pieces))
        drawn.update(pieces)
        if start < len(pieces):
            found.append((points[3 * start:], arrow))
    return found


def _letters(text, x, y, size, bold, width):
    """Text as a path in matplotlib's own font, which is wider than Helvetica: smaller, and as wide as was reckoned with."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.textpath import text_to_path
    from matplotlib.transforms import Affine2D

    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=100)
    points, codes = text_to_path.get_text_path(font, text)
    own, _, _ = text_to_path.get_text_width_height_descent(text.rstrip(), font, ismath=False)
    width -= text_width(" ", size, bold) * (len(text) - len(text.rstrip()))
    return Affine2D().scale(width / own, -size * 0.9 / 100).translate(x, y).transform_path(Path(points, codes))


def arrow_head(points, length=7.0, width=6.0):
    """The three corners of the arrow at the end of a line, in the direction in which it arrives."""
    (x1, y1) = points[-1]
    x0, y0 = next(((x, y) for x, y in reversed(points[:-1]) if (x, y) != (x1, y1)), (x1, y1 - 1))
    far = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    dx, dy = (x1 - x0) / far, (y1 - y0) / far
    foot = x1 - dx * length, y1 - dy * length
    return [(x1, y1), (foot[0] - dy * width / 2, foot[1] + dx * width / 2), (foot[0] + dy * width / 2, foot[1] - dx * width / 2)]


def _path(points):
    """Bezier curves in SVG's words."""
    texts = [f"{_number(x)},{_number(y)}" for x, y in points]
    return f"M{texts[0]}" + "".join(f" C{' '.join(texts[i:i + 3])}" for i in range(1, len(texts), 3))


def _number(x):
    return f"{x:.2f}".rstrip("0").rstrip(".")
