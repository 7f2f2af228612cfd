"""Nothing overlaps, and no line runs through a box: of models, and of graphs at random."""
import itertools

import numpy as np
import pytest

from fastnn.visualization.boxes import Box, Cell, Group, Labels, draw_up
from fastnn.visualization.drawing import box_size, cell_width, label_width
from fastnn.visualization.layout import Layout
from tests.visualization.models import MODELS, inception, residual


def points_on(points, steps=24):
    """Points on a line of Bezier curves."""
    t = np.linspace(0, 1, steps)[:, None]
    for i in range(0, len(points) - 1, 3):
        a, b, c, d = map(np.asarray, points[i:i + 4])
        yield from (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t ** 2 * c + t ** 3 * d


def overlap(one, other, room=0.01):
    (x, y, w, h), (u, v, a, b) = one, other
    return x < u + a - room and u < x + w - room and y < v + b - room and v < y + h - room


def inside(point, place, room=0.01):
    (a, b), (x, y, w, h) = point, place
    return x + room < a < x + w - room and y + room < b < y + h - room


def check(group, layout):
    whole = 0, 0, layout.width, layout.height
    places = list(layout.boxes.values())
    labels = [(x + 10, y + 6, label_width(label), 12) for label, x, y, _, _ in layout.groups]
    assert set(layout.boxes) == set(group.boxes())
    for one, other in itertools.combinations(places, 2):
        assert not overlap(one, other)
    for x, y, w, h in [*places, *[place[1:] for place in layout.groups]]:
        assert 0 <= x and 0 <= y and x + w <= layout.width + 0.01 and y + h <= layout.height + 0.01
    for points, _ in layout.lines:
        for point in points_on(points):
            assert inside(point, whole, room=-0.01)
            assert not any(inside(point, place) for place in places + labels)


def check_ends(group, layout):
    """Each line of the group leads from the border of its first box to that of its last."""
    pieces = [(points[0], points[-1], arrow) for points, arrow in layout.lines]
    for source, target in group.edges:
        reached, todo = set(), [start for start, *_ in pieces if touches(start, layout.boxes[source])]
        while todo:
            point = todo.pop()
            for start, end, arrow in pieces:
                if np.allclose(start, point, atol=0.01) and (start, end) not in reached:
                    reached.add((start, end))
                    todo += [end] * (not arrow)
        assert any(touches(end, layout.boxes[target]) for _, end in reached), (source.title, target.title)


def touches(point, place):
    return inside(point, place, room=-0.01) and not inside(point, place)


def check_groups(group, layout):
    """The rectangle of a group holds its boxes and no others."""
    def walk(member):
        for inner in member.members:
            if isinstance(inner, Group):
                yield inner
                yield from walk(inner)

    groups = list(walk(group))
    assert len(groups) == len(layout.groups)
    for inner, (label, *place) in zip(groups, layout.groups):
        own = set(inner.boxes())
        assert label == inner.label
        for box, (x, y, w, h) in layout.boxes.items():
            within = place[0] <= x and place[1] <= y and x + w <= place[0] + place[2] and y + h <= place[1] + place[3]
            assert within == (box in own) and (box in own or not overlap((x, y, w, h), place))


@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT", "RL"])
@pytest.mark.parametrize("make", MODELS)
def test_models(make, rankdir):
    for expand in (False, True):
        group = draw_up(make(), Labels(show_shapes=expand), expand)
        layout = Layout(group, {box: box_size(box) for box in group.boxes()}, label_width, rankdir)
        check(group, layout)
        check_ends(group, layout)
        check_groups(group, layout)


def random_group(rng, boxes, lines, circles, inner):
    """A group with boxes of random sizes and lines at random, in which some boxes are groups of such a kind."""
    group = Group("a name that may be rather long" if rng.random() < 0.5 else "g")
    for _ in range(boxes):
        group.members.append(Box([[Cell([("x", False)])]]))
    sizes = {box: tuple(rng.uniform((20, 10), (200, 90))) for box in group.members}
    for place in range(min(inner, boxes // 2)):
        nested, its_sizes = random_group(rng, 4, 4, circles, 0)
        group.members[place * 2] = nested
        sizes = {**sizes, **its_sizes}
        group.edges.update(nested.edges)
        nested.edges = {}
    for _ in range(lines):
        i, j = sorted(rng.integers(0, boxes, 2))
        i, j = (j, i) if rng.random() < circles else (i, j)
        if i != j or circles:
            ends = [list(m.boxes())[rng.integers(0, len(list(m.boxes())))] if isinstance(m, Group) else m
                    for m in (group.members[i], group.members[j])]
            group.edges.setdefault(tuple(ends), group)
    return group, {box: sizes[box] for box in group.boxes()}


@pytest.mark.parametrize("seed", range(30))
def test_graphs_at_random(seed):
    rng = np.random.default_rng(seed)
    group, sizes = random_group(rng, int(rng.integers(1, 22)), int(rng.integers(0, 36)), 0.2 * (seed % 3), seed % 2 * (seed % 3))
    layout = Layout(group, sizes, label_width, ["TB", "LR", "BT", "RL"][seed % 4])
    check(group, layout)
    check_ends(group, layout)
    check_groups(group, layout)


def test_the_check_can_fail():
    one, other = (Box([[Cell([("x", False)])]]) for _ in range(2))
    group = Group("g")
    group.members, group.edges = [one, other], {(one, other): group}
    layout = Layout(group, {one: (50, 20), other: (50, 20)}, label_width)
    layout.lines.append(([(0, 0), (0, 0), (layout.width, layout.height), (layout.width, layout.height)], True))
    with pytest.raises(AssertionError):
        check(group, layout)


def test_a_way_of_boxes_is_straight_and_lines_go_round_it():
    group = draw_up(residual(1), Labels())
    layout = Layout(group, {box: box_size(box) for box in group.boxes()}, label_width)
    main = [x + w / 2 for box, (x, _, w, _) in layout.boxes.items() if box.title.startswith(("batch", "re_lu", "add"))]
    assert np.ptp(main) < 0.01


def test_inputs_stand_in_the_order_in_which_they_are_taken():
    group = draw_up(inception(), Labels(show_layer_names=False))
    layout = Layout(group, {box: box_size(box) for box in group.boxes()}, label_width)
    top = min(y for box, (_, y, _, _) in layout.boxes.items() if box.title == "Conv2D")
    first = sorted((x, box.title) for box, (x, y, _, _) in layout.boxes.items() if y == top)
    assert [title for _, title in first] == ["Conv2D", "Conv2D", "MaxPooling2D"]


@pytest.mark.parametrize("text", ["Dense", "größe_1", "層", "a" * 80, "<&>\"'"])
def test_text_fits_its_box(text):
    box = Box([[Cell([(text, True), (" (Dense)", False)])], [Cell([("Input shape: ", False), ("(None, 4)", True)]), Cell([("x", False)])]])
    width, height = box_size(box)
    assert width >= cell_width(box.rows[0][0], 13.0) and width >= sum(cell_width(cell, 11.0) for cell in box.rows[1])
    assert height == 26 + 23


def test_widths_are_those_of_the_font():
    font_manager = pytest.importorskip("matplotlib.font_manager")
    from matplotlib import ft2font

    from fastnn.visualization.lettering import text_width
    unhinted = ft2font.LoadFlags.NO_HINTING if hasattr(ft2font, "LoadFlags") else ft2font.LOAD_NO_HINTING
    for name, bold in (("LiberationSans-Regular", False), ("LiberationSans-Bold", True)):
        found = [path for path in font_manager.findSystemFonts() if name in path]
        if not found:
            pytest.skip("Liberation Sans, which has Helvetica's widths, is not installed")
        font = ft2font.FT2Font(found[0])
        font.set_size(100, 72)
        for c in map(chr, range(32, 127)):
            glyph = font.load_char(ord(c), flags=unhinted)
            assert text_width(c, 100, bold) == pytest.approx(glyph.linearHoriAdvance / 65536, abs=1.5), c


def test_a_long_model_takes_seconds():
    group = Group("long")
    group.members = [Box([[Cell([("x", False)])]]) for _ in range(1500)]
    group.edges = {(a, b): group for step in (1, 3) for a, b in zip(group.members, group.members[step:])}
    layout = Layout(group, {box: (80.0, 30.0) for box in group.members}, label_width)
    assert layout.height > 1500 * 30
