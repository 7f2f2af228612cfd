"""Where the boxes of a row stand: Brandes and Köpf (2001), "Fast and simple horizontal coordinate assignment".

Nodes are put below one of their middle neighbours, from the left and from the right, going down and going up.  That makes four
drawings in which lines are straight and nothing overlaps; of the four positions of a node the mean of the middle two is taken,
which keeps the distances that all four keep.
"""
import graphlib


def positions(rows, left, right, gap):
    """The anchor of each node along its row.

    Args:
        rows: a Rows.
        left, right: how far each node reaches from its anchor.
        gap: gap(u, v) is the space between two neighbours.

    Returns:
        A list by node; the leftmost edge is at 0.
    """
    if not rows.rank:
        return []
    conflicts, drawings = _conflicts(rows), []
    for upwards in (False, True):
        for mirrored in (False, True):
            lines = rows.rows[::-1] if upwards else rows.rows
            lines = [line[::-1] for line in lines] if mirrored else lines
            roots = _columns(lines, rows.below if upwards else rows.above, conflicts)
            reach = (right, left) if mirrored else (left, right)
            found = _compact(lines, roots, *reach, gap)
            drawings.append([-x for x in found] if mirrored else found)
    _line_up(drawings, left, right)
    xs = [sum(sorted(four)[1:3]) / 2 for four in zip(*drawings)]
    start = min(x - reach for x, reach in zip(xs, left))
    return [x - start for x in xs]


def _conflicts(rows):
    """Pairs that must not stand below each other: their line crosses one that passes both rows, or comes round a way of boxes, which
    is to be straight."""
    found = set()
    for node in range(rows.count):
        for around in (rows.above[node], rows.below[node]):
            if len(around) == 2 and (around[0] < rows.count) != (around[1] < rows.count):
                found |= {(max(around), node), (node, max(around))}
    for upper, lower in zip(rows.rows, rows.rows[1:]):
        position = {node: i for i, node in enumerate(upper)}
        low, start = 0, 0
        for end, node in enumerate(lower):
            above = [u for u in rows.above[node] if u >= rows.count] if node >= rows.count else []
            high = position[above[0]] if above else len(upper) - 1
            if not above and end < len(lower) - 1:
                continue
            for other in lower[start:end + 1]:
                for u in rows.above[other]:
                    if not low <= position[u] <= high and not (other >= rows.count and u >= rows.count):
                        found |= {(u, other), (other, u)}
            start, low = end + 1, high
    return found


def _columns(lines, neighbours, conflicts):
    """Nodes that stand straight below each other: for each the first of its column."""
    roots = list(range(len(neighbours)))
    position = {node: i for line in lines for i, node in enumerate(line)}
    for line in lines:
        last = -1
        for node in line:
            around = sorted(neighbours[node], key=position.get)
            for other in around[(len(around) - 1) // 2:len(around) // 2 + 1]:
                if position[other] > last and (other, node) not in conflicts:
                    roots[node], last = roots[other], position[other]
                    break
    return roots


def _compact(lines, roots, left, right, gap):
    """Columns as far to the left as they can be, then back to their right neighbours, where they have some."""
    before = {root: {} for root in roots}
    after = {root: {} for root in roots}
    for line in lines:
        for u, v in zip(line, line[1:]):
            distance = max(right[u] + gap(u, v) + left[v], before[roots[v]].get(roots[u], 0))
            before[roots[v]][roots[u]] = after[roots[u]][roots[v]] = distance
    order, x = list(graphlib.TopologicalSorter(before).static_order()), {}
    for root in order:
        x[root] = max([x[other] + distance for other, distance in before[root].items()], default=0)
    for root in reversed(order):
        if after[root]:
            x[root] = max(x[root], min(x[other] - distance for other, distance in after[root].items()))
    return [x[root] for root in roots]


def _line_up(drawings, left, right):
    """Moves the drawings onto the narrowest: those from the left by their left edges, those from the right by their right ones."""
    edges = [(min(x - w for x, w in zip(xs, left)), max(x + w for x, w in zip(xs, right))) for xs in drawings]
    low, high = min(edges, key=lambda edge: edge[1] - edge[0])
    for number, (xs, edge) in enumerate(zip(drawings, edges)):
        shift = high - edge[1] if number % 2 else low - edge[0]
        xs[:] = [x + shift for x in xs]
