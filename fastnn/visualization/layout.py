"""Where everything of a picture stands, from the sizes of boxes alone.

Groups are laid out from the inside out: a group that has been laid out is a box in the group around it, with fixed points on its
border where lines pass.  So nothing that does not belong to a group can stand in it, and nothing overlaps.  All is computed for
pictures that run from top to bottom (`across`, `down`), and turned at the end.
"""
from .boxes import Group
from .positions import positions
from .rows import Edge, Rows

BOX_GAP, LINE_GAP = 26.0, 14.0      # between neighbours in a row: boxes, and lines that pass
ROW_GAP, MAX_ROW_GAP = 34.0, 80.0   # between rows; larger where lines go far to the side
PADDING, HEADER = 14.0, 24.0        # of a group
TURN = 14.0                         # above and below rows where lines turn back


class Layout:
    """A picture's coordinates.

    Attributes:
        width, height: of the whole.
        boxes: Box -> (x, y, width, height) of its upper left corner.
        groups: list of (label, x, y, width, height), outer ones first.
        lines: list of (points, whether it ends in an arrow): the first point, then three for each Bezier curve.
    """

    def __init__(self, group, sizes, label_width, rankdir="TB"):
        """Lays out a group.

        Args:
            group: a Group.
            sizes: (width, height) of each Box.
            label_width: gives the width of a group's label.
            rankdir: "TB", "LR", "BT" or "RL": where the picture runs from and to.
        """
        flat = rankdir in ("LR", "RL")
        top = Part(group, _Context(group, sizes, label_width, rankdir), outermost=True)
        self._turn = {"TB": lambda a, d: (a, d), "LR": lambda a, d: (d, a), "BT": lambda a, d: (a, top.height - d),
                      "RL": lambda a, d: (top.height - d, a)}[rankdir]
        self.width, self.height = (top.height, top.width) if flat else (top.width, top.height)
        self.boxes = {box: self._rectangle(*place) for box, place in top.boxes.items()}
        self.groups = [(label, *self._rectangle(*place)) for label, place in top.groups]
        self.lines = [([self._turn(*point) for point in points], arrow) for points, arrow in top.lines]

    def _rectangle(self, across, down, width, height):
        (x0, y0), (x1, y1) = self._turn(across, down), self._turn(across + width, down + height)
        return min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)


class _Context:
    """What is known of the whole: sizes as if the picture ran down, and the lines of each group."""

    def __init__(self, group, sizes, label_width, rankdir):
        flat = rankdir in ("LR", "RL")
        self.sizes = {box: (h, w) if flat else (w, h) for box, (w, h) in sizes.items()}
        self.label_width, self.rankdir, self.flat = label_width, rankdir, flat
        self.around, self.edges = {}, {group: {}}
        self._find(group)
        for (source, target), owner in group.edges.items():
            self._split(source, target, owner)

    def _find(self, group):
        for member in group.members:
            self.around[member] = group
            if isinstance(member, Group):
                self.edges[member] = {}
                self._find(member)

    def _way_out(self, box):
        """The box, and the groups around it."""
        way = [box]
        while way[-1] in self.around:
            way.append(self.around[way[-1]])
        return way

    def _split(self, source, target, owner):
        """A line belongs to the group that connects its ends; in groups on the way it goes from or to the border (None)."""
        upper, lower = self._way_out(source), self._way_out(target)
        upper, lower = upper[:upper.index(owner)], lower[:lower.index(owner)]
        for inner, outer in zip(upper, upper[1:]):
            self.edges[outer][inner, None, source] = None
        for inner, outer in zip(lower, lower[1:]):
            self.edges[outer][None, inner, target] = None
        self.edges[owner][upper[-1], lower[-1], (source, target)] = None

    def padding(self, outermost):
        """Of a group: left, right, above, below as the picture runs down."""
        if outermost:
            return [PADDING] * 4
        side = {"TB": 2, "BT": 3, "LR": 0, "RL": 0}[self.rankdir]
        return [PADDING + HEADER * (i == side) for i in range(4)]


class Part:
    """A group that has been laid out, its upper left corner at (0, 0).

    Attributes:
        width, height: of it; boxes, groups, lines: as of a Layout, in its own coordinates.
        ins, outs: for each box that lines from (to) outside lead to (from): where they cross its border.
    """

    def __init__(self, group, context, outermost=False):
        self.context, self.members, numbers = context, [], {}
        for member in group.members:
            numbers[member] = len(self.members)
            self.members.append(Part(member, context) if isinstance(member, Group) else Leaf(*context.sizes[member], member))
        self.entries, self.leavings, self.edges = {}, {}, []
        for source, target, ends in context.edges[group]:
            self._add(None if source is None else numbers[source], None if target is None else numbers[target], ends)
        ports = [*self.entries.values(), *self.leavings.values()]
        self.nodes = self.members + [Leaf(0.0, 0.0, None) for _ in ports]
        rows = Rows(len(self.nodes), self.edges, self.entries.values(), self.leavings.values())
        self._place(rows, context.padding(outermost), 0 if outermost else context.label_width(group.label))
        self._collect(group.label, outermost)

    def _add(self, source, target, ends):
        """An edge; one that comes from the border, or goes there, has a node without size for that."""
        number = len(self.members) + len(self.entries) + len(self.leavings)
        if source is None:
            self.edges.append(Edge(self.entries.setdefault(ends, number), target, 0.0, self.members[target].into(ends)))
        elif target is None:
            self.edges.append(Edge(source, self.leavings.setdefault(ends, number), self.members[source].out(ends), 0.0))
        else:
            self.edges.append(Edge(source, target, self.members[source].out(ends[0]), self.members[target].into(ends[1])))

    # ---- Coordinates ---------------------------------------------------------------------------------------

    def _place(self, rows, padding, label_width):
        count, places = len(self.nodes), [0.0] * (len(rows.rank) - len(self.nodes))
        left, right = [node.left for node in self.nodes] + places, [node.right for node in self.nodes] + places

        def gap(u, v):
            return BOX_GAP if u < count and v < count else LINE_GAP

        self.across = positions(rows, left, right, gap)
        self.width = padding[0] + max([x + r for x, r in zip(self.across, right)], default=0.0) + padding[1]
        shift = self._beside_label(padding[0], label_width)
        self.across = [x + shift for x in self.across]
        self.width = max(self.width + shift - padding[0], label_width + 2 * PADDING if not self.context.flat else 0.0)
        self._place_rows(rows, padding)
        self.lines = [(self._way_up(edge) if edge.backwards else self._way_down(edge), isinstance(self.nodes[edge.target], Leaf)
                       and edge.target < len(self.members)) for edge in self.edges]

    def _beside_label(self, shift, label_width):
        """How far to the right everything goes, so that no line from the border runs through the label in the corner."""
        ports = {"TB": self.entries, "BT": self.leavings}.get(self.context.rankdir, {})
        if not label_width or not ports:
            return shift
        return max(shift, label_width + 2 * PADDING - min(self.across[port] for port in ports.values()))

    def _place_rows(self, rows, padding):
        """The upper and lower end of each row: higher gaps where lines go far to the side."""
        turns = {rows.rank[end] for edge in self.edges if edge.backwards for end in (edge.target, edge.source)}
        down, self.row_top, self.row_bottom = padding[2] + TURN * (0 in turns), [], []
        for rank, row in enumerate(rows.rows):
            height = max([self.nodes[node].height for node in row if node < len(self.nodes)], default=0.0)
            self.row_top.append(down)
            self.row_bottom.append(down + height)
            far = max([abs(self.across[u] - self.across[v]) for u in row for v in rows.below[u]], default=0.0)
            bare = not height or rank + 1 < len(rows.rows) and all(n >= len(self.members) for n in rows.rows[rank + 1])
            down += height + (min(max(ROW_GAP, far / 5), MAX_ROW_GAP) * (0.5 if bare else 1.0) if rank + 1 < len(rows.rows) else 0.0)
        self.height, self.rank = down + TURN * (len(rows.rows) - 1 in turns) + padding[3], rows.rank
        if self.entries:        # their lines begin at the border itself
            self.row_top[0] = self.row_bottom[0] = 0.0
        if self.leavings:
            self.row_top[-1] = self.row_bottom[-1] = self.height

    def _down(self, number):
        """The upper end of a node: in the middle of its row."""
        rank, node = self.rank[number], self.nodes[number]
        return (self.row_top[rank] + self.row_bottom[rank] - node.height) / 2

    def _through(self, way):
        """The ends of a line's straight pieces: through each row that it passes."""
        return [(self.across[node], end[self.rank[node]]) for node in way for end in (self.row_top, self.row_bottom)]

    def _way_down(self, edge):
        """The points of a line: straight through rows, curved between them, where nothing stands."""
        start, end = self.across[edge.source] + edge.out, self.across[edge.target] + edge.into
        stops = [(start, self._down(edge.source) + self.nodes[edge.source].height), (start, self.row_bottom[self.rank[edge.source]]),
                 *self._through(edge.way[1:-1]),
                 (end, self.row_top[self.rank[edge.target]]), (end, self._down(edge.target))]
        return _curves(stops)

    def _way_up(self, edge):
        """The points of a line that runs backwards: out below its source, up beside it, and into its target from above."""
        start, end = self.across[edge.source] + edge.out, self.across[edge.target] + edge.into
        below, above = self.row_bottom[self.rank[edge.source]], self.row_top[self.rank[edge.target]]
        up = self._through(edge.way)[::-1]
        return [*_curves([(start, self._down(edge.source) + self.nodes[edge.source].height), (start, below)]),
                *_turn((start, below), up[0], TURN), *_curves(up)[1:], *_turn(up[-1], (end, above), -TURN),
                *_curves([(end, above), (end, self._down(edge.target))])[1:]]

    def _collect(self, label, outermost):
        """Takes over what is in the members, moved to where they stand."""
        self.boxes, self.groups = {}, [] if outermost else [(label, (0.0, 0.0, self.width, self.height))]
        for number, member in enumerate(self.members):
            dx, dy = self.across[number] - member.left, self._down(number)
            self.boxes.update({box: (x + dx, y + dy, w, h) for box, (x, y, w, h) in member.boxes.items()})
            self.groups += [(name, (x + dx, y + dy, w, h)) for name, (x, y, w, h) in member.groups]
            self.lines += [([(x + dx, y + dy) for x, y in points], arrow) for points, arrow in member.lines]
        ports = [self.across[port] for port in (*self.entries.values(), *self.leavings.values())]
        self.left = sum(ports) / len(ports) if ports else self.width / 2
        self.right = self.width - self.left

    def into(self, ends):
        """Where a line that enters crosses the border, to the right of the anchor."""
        return self.across[self.entries[ends]] - self.left

    def out(self, ends):
        """Where a line that leaves crosses the border, to the right of the anchor."""
        return self.across[self.leavings[ends]] - self.left


class Leaf:
    """A box as a part of a group; with no box the end of a line at the border."""

    lines = groups = ()

    def __init__(self, width, height, box):
        self.width, self.height, self.left, self.right = width, height, width / 2, width / 2
        self.boxes = {} if box is None else {box: (0.0, 0.0, width, height)}

    def into(self, ends):
        """Lines enter and leave at the anchor."""
        return 0.0

    out = into


def _curves(stops):
    """The points of a line through stops, which runs in the picture's direction at each of them."""
    points = [stops[0]]
    for (x0, y0), (x1, y1) in zip(stops, stops[1:]):
        if (x0, y0) != (x1, y1):
            points += [(x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2), (x1, y1)]
    return points


def _turn(start, end, depth):
    """The further points of a half turn between two points of one height, which goes `depth` beyond them."""
    return [(start[0], start[1] + depth * 4 / 3), (end[0], end[1] + depth * 4 / 3), end]
