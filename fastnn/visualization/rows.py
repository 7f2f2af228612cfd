"""Which boxes stand in one row, and in which order: the first half of the method of Sugiyama, Tagawa and Toda (1981), "Methods for
visual understanding of hierarchical system structures".

Boxes are numbers here.  A line that passes rows gets a place in each of them, so that boxes make room for it; lines from one box
share these places, as a trunk that branches at its ends.
"""
import bisect
import graphlib

MAX_SWEEPS = 24


class Edge:
    """A line.

    Attributes:
        source, target: numbers of nodes; out, into: where it leaves and enters, to the right of their anchors.
        way: the nodes that it passes from top to bottom (set by `Rows`): its ends and the places between them; of a line that runs
            backwards only places, beside its ends, too.
        backwards: whether it runs up: it leaves its source below, goes up beside it, and enters its target from above.
    """

    __slots__ = ("source", "target", "out", "into", "way", "backwards")

    def __init__(self, source, target, out=0.0, into=0.0):
        self.source, self.target, self.out, self.into = source, target, out, into
        self.way, self.backwards = None, False


class Rows:
    """Nodes in rows.

    Args:
        count: how many nodes there are, numbered from 0.
        edges: list of Edges.
        first, last: nodes that stand in the first and in the last row, and nothing else does.

    Attributes:
        rank: the row of each node, places of lines (numbers from `count` on) included.
        rows: the nodes of each row, from left to right.
        above, below: for each node those in the neighbouring rows that a line leads to.
    """

    def __init__(self, count, edges, first=(), last=()):
        self.count, self.edges = count, edges
        self._turn_cycles()
        self._set_ranks(set(first), set(last))
        self._make_places()
        self._sort()

    def _turn_cycles(self):
        """Marks lines as backwards until there is no way in a circle: those that lead to a node whose followers are being visited."""
        following = [[] for _ in range(self.count)]
        for edge in self.edges:
            following[edge.source].append(edge)
        state = [0] * self.count        # 1: its followers are being visited, 2: they have been
        entered = {edge.target for edge in self.edges}
        for start in sorted(range(self.count), key=lambda node: node in entered):
            way = [(start, iter(following[start]))] if not state[start] else []
            state[start] = state[start] or 1
            while way:
                node, rest = way[-1]
                edge = next(rest, None)
                if edge is None:
                    state[node] = 2
                    way.pop()
                elif state[edge.target] == 1:
                    edge.backwards = True
                elif not state[edge.target]:
                    state[edge.target] = 1
                    way.append((edge.target, iter(following[edge.target])))

    def _set_ranks(self, first, last):
        """The longest way from the top; then what nothing leads to comes down to what it leads to."""
        before = {node: [] for node in range(self.count)}
        after = {node: [] for node in range(self.count)}
        for edge in self.edges:
            if edge.source != edge.target:
                upper, lower = (edge.target, edge.source) if edge.backwards else (edge.source, edge.target)
                before[lower].append(upper)
                after[upper].append(lower)
        self.rank = [0] * self.count
        for node in graphlib.TopologicalSorter(before).static_order():
            top = 1 if first and node not in first else 0
            self.rank[node] = max([self.rank[upper] + 1 for upper in before[node]], default=top)
        for node in range(self.count):
            if not before[node] and after[node] and node not in first:
                self.rank[node] = min(self.rank[lower] for lower in after[node]) - 1
        bottom = max([self.rank[node] + 1 for node in range(self.count) if node not in last], default=0)
        for node in last:
            self.rank[node] = bottom

    def _make_places(self):
        """A place in each row between the ends of a line; what leaves a node at one point goes the same way as far as it can."""
        places, self.beside = {}, {}        # beside: for an end of a line that runs backwards the node there
        for edge in self.edges:
            if edge.backwards:
                edge.way = [self._new_place(rank) for rank in range(self.rank[edge.target], self.rank[edge.source] + 1)]
                self.beside[edge.way[-1]], self.beside[edge.way[0]] = edge.source, edge.target
                continue
            edge.way = [edge.source]
            for rank in range(self.rank[edge.source] + 1, self.rank[edge.target]):
                key = edge.source, edge.out, rank
                if key not in places:
                    places[key] = self._new_place(rank)
                edge.way.append(places[key])
            edge.way.append(edge.target)
        self.above, self.below = [[] for _ in self.rank], [[] for _ in self.rank]
        for upper, lower in dict.fromkeys(pair for edge in self.edges for pair in zip(edge.way, edge.way[1:])):
            self.below[upper].append(lower)
            self.above[lower].append(upper)

    def _new_place(self, rank):
        self.rank.append(rank)
        return len(self.rank) - 1

    # ---- Order in a row ------------------------------------------------------------------------------------

    def _sort(self):
        """Sweeps down and up, each row in the order of the means of its neighbours' positions; the best order found counts."""
        self.rows = [[] for _ in range(max(self.rank, default=-1) + 1)]
        for node in self._as_met():
            self.rows[self.rank[node]].append(node)
        best, crossings, patience = [list(row) for row in self.rows], self.crossings(), 4
        for sweep in range(MAX_SWEEPS):
            if not crossings or not patience:
                break
            downwards = sweep % 2 == 0
            neighbours = self.above if downwards else self.below
            for rank in range(1, len(self.rows)) if downwards else range(len(self.rows) - 2, -1, -1):
                self._sort_row(rank, neighbours, -1 if downwards else 1, backwards=sweep % 4 > 1)
            self._swap()
            found = self.crossings()
            patience -= 1
            if found < crossings:
                best, crossings, patience = [list(row) for row in self.rows], found, 4
        self.rows = best

    def _as_met(self):
        """All nodes as a walk up from the bottom meets them: what belongs together stands together, first inputs on the left."""
        seen, order, following = set(), [], {}
        for place, node in self.beside.items():
            following.setdefault(node, []).append(place)
        for start in sorted(range(len(self.rank)), key=lambda node: (len(self.below[node]) > 0, node)):
            way = [start]
            while way:
                node = way.pop()
                if node not in seen:
                    seen.add(node)
                    order.append(node)
                    way += [*reversed(self.above[node]), *following.get(node, ())]
        return order

    def _sort_row(self, rank, neighbours, step, backwards):
        position = {node: i for i, node in enumerate(self.rows[rank + step])}
        row = self.rows[rank]
        means = {node: sum(position[other] for other in neighbours[node]) / len(neighbours[node]) for node in row if neighbours[node]}
        for i, node in enumerate(row):
            if node not in means:
                means[node] = means.get(self.beside.get(node), i)
        if backwards:       # nodes of equal means the other way round: another order to try
            row.reverse()
        row.sort(key=means.get)

    def _swap(self):
        """Exchanges neighbours in a row where that leaves fewer crossings."""
        positions = [{node: i for i, node in enumerate(row)} for row in self.rows]
        for rank, row in enumerate(self.rows):
            sides = [(self.above, positions[rank - 1])] * (rank > 0) + [(self.below, positions[(rank + 1) % len(self.rows)])]
            for i in range(len(row) - 1):
                left, right = row[i], row[i + 1]
                if _crossings(right, left, sides) < _crossings(left, right, sides):
                    row[i], row[i + 1] = right, left
            positions[rank] = {node: i for i, node in enumerate(row)}

    def crossings(self):
        """How many pairs of lines cross."""
        total = 0
        for upper, lower in zip(self.rows, self.rows[1:]):
            position, seen = {node: i for i, node in enumerate(lower)}, []
            for node in upper:
                ends = sorted(position[other] for other in self.below[node])
                total += sum(len(seen) - bisect.bisect_right(seen, end) for end in ends)
                for end in ends:
                    bisect.insort(seen, end)
        return total


def _crossings(left, right, sides):
    """How often the lines of two nodes cross when one stands left of the other; `sides`: (neighbours of a node, their positions)."""
    return sum(position[a] > position[b] for neighbours, position in sides for a in neighbours[left] for b in neighbours[right])
