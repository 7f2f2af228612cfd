"""A model's picture in the language of Graphviz, and Graphviz's program, where it is installed."""
import shutil
import subprocess
from html import escape

from .boxes import Group

TIMEOUT = 120       # seconds that Graphviz gets; with hundreds of boxes and right angles it may need very long
FIELD = {"trained": ("forestgreen", "white"), "frozen": ("firebrick", "white"), "plain": ("white", "black")}


def dot_text(group, rankdir="TB", dpi=None, splines="ortho", subgraph=False):
    """A Group as DOT, with the look that Keras gives it.

    Args:
        group: a Group.
        rankdir, splines: Graphviz's attributes of these names.
        dpi: pixels in an inch; None: not said.
        subgraph: whether it is a cluster by itself, to be put into another graph.
    """
    names = {box: f"box{number}" for number, box in enumerate(group.boxes())}
    inner = Clusters(names)
    if subgraph:
        lines = inner.cluster(group, "")
        edges = [f"  {line}" for line in _edges(group, names)]
        return "\n".join([*lines[:-1], *edges, lines[-1], ""])
    head = ["digraph {", f"  graph [rankdir={_quoted(rankdir)} splines={_quoted(splines)}"
            + (f" dpi={_quoted(dpi)}]" if dpi else "]"), '  node [shape=plaintext fontname="Helvetica" margin=0]', "  edge [penwidth=2]"]
    body = [line for member in group.members for line in inner.member(member, "  ")]
    return "\n".join([*head, *body, *(f"  {line}" for line in _edges(group, names)), "}", ""])


def _edges(group, names):
    return [f"{names[source]} -> {names[target]}" for source, target in group.edges]


class Clusters:
    """Writes boxes and clusters; clusters are numbered, since names of models need not be different."""

    def __init__(self, names):
        self.names, self.count = names, 0

    def member(self, member, indent):
        """The lines of a Box or a Group."""
        if isinstance(member, Group):
            return self.cluster(member, indent)
        return [f"{indent}{self.names[member]} [label=<{box_table(member)}>]"]

    def cluster(self, group, indent):
        """The lines of a Group."""
        self.count += 1
        lines = [f"{indent}subgraph cluster{self.count} {{", f'{indent}  style="dashed" label={_quoted(group.label)} labeljust="l"']
        return [*lines, *(line for member in group.members for line in self.member(member, indent + "  ")), f"{indent}}}"]


def box_table(box):
    """A box as Graphviz's table in HTML."""
    columns = max(len(row) for row in box.rows)
    rows = []
    for row in box.rows:
        wide = f' colspan="{columns}"' if len(row) == 1 and columns > 1 else ""
        cells = []
        for cell in row:
            ground, colour = FIELD.get(cell.kind, ("black", "white"))
            text = "".join(f"<b>{escape(piece)}</b>" if bold else escape(piece) for piece, bold in cell.runs if piece)
            size = 16 if row is box.rows[0] else 14
            cells.append(f'<td bgcolor="{ground}"{wide}><font point-size="{size}" color="{colour}">{text}</font></td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f'<table border="0" cellborder="1" cellspacing="0" cellpadding="10" bgcolor="black">{"".join(rows)}</table>'


def _quoted(value):
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def has_graphviz():
    """Whether Graphviz's program `dot` can be called."""
    return shutil.which("dot") is not None


def run_graphviz(text, kind):
    """A picture drawn by Graphviz.

    Args:
        text: in DOT.
        kind: "svg", "png", "pdf" or another of its formats.

    Returns:
        The bytes of the file.

    Raises:
        RuntimeError: the program is not there, fails, or needs too long.
    """
    program = shutil.which("dot")
    if program is None:
        raise RuntimeError("Graphviz's program `dot` is not on the PATH")
    try:
        done = subprocess.run([program, f"-T{kind}"], input=text.encode(), capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"Graphviz was not ready after {TIMEOUT} s") from None
    except OSError as error:
        raise RuntimeError(f"Graphviz could not be started: {error}") from error
    if done.returncode or not done.stdout:
        raise RuntimeError(f"Graphviz failed ({done.returncode}): {done.stderr.decode(errors='replace').strip()[-500:]}")
    return done.stdout
