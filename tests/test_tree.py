"""fastnn.tree against Keras' documented behaviour."""
import collections

import pytest

from fastnn import tree

Point = collections.namedtuple("Point", "x y")
NESTED = {"b": [1, (2, 3)], "a": collections.OrderedDict([("z", 4), ("y", 5)]), "c": Point(6, [7])}
FLAT = [4, 5, 1, 2, 3, 6, 7]


def test_flatten_and_pack():
    assert tree.flatten(NESTED) == FLAT
    packed = tree.pack_sequence_as(NESTED, FLAT)
    assert packed == NESTED and list(packed) == ["b", "a", "c"] and isinstance(packed["c"], Point)
    assert tree.flatten(3) == [3] and tree.flatten(None) == [None] and tree.flatten([]) == [] and tree.flatten((3,)) == [3]
    assert tree.pack_sequence_as(0, [5]) == 5
    with pytest.raises(ValueError, match="7 leaves"):
        tree.pack_sequence_as(NESTED, [1, 2])
    with pytest.raises(TypeError, match="flat_sequence"):
        tree.pack_sequence_as([1], 3)


def test_paths():
    assert tree.flatten_with_path({"b": [1, 2], "a": Point(3, 4)}) == [(("a", 0), 3), (("a", 1), 4), (("b", 0), 1), (("b", 1), 2)]
    assert tree.flatten_with_path(5) == [((), 5)]
    tree.assert_same_paths([1, (2,)], (3, [4]))
    with pytest.raises(ValueError, match="only in `a`"):
        tree.assert_same_paths([1, 2], [1])


def test_maps():
    assert tree.map_structure(lambda x: -x, NESTED)["c"] == Point(-6, [-7])
    assert tree.map_structure(lambda x, y: x + y, [1, {"a": 2}], [10, {"a": 20}]) == [11, {"a": 22}]
    assert tree.map_structure(lambda x: 0, [1, None], none_is_leaf=False) == [0, None]
    assert tree.map_structure(lambda x: 0, [1, None]) == [0, 0] and tree.map_structure(lambda x: x + 1, 1) == 2
    deque = tree.map_structure(lambda x: x + 1, collections.deque([1, 2], maxlen=3))
    assert deque == collections.deque([2, 3]) and deque.maxlen == 3
    counts = tree.map_structure(lambda x: x + 1, collections.defaultdict(int, a=1))
    assert counts["a"] == 2 and counts["other"] == 0
    assert tree.map_structure_up_to([0, 0], lambda x, y: (x, y), [1, [2]], [3, [4]]) == [(1, 3), ([2], [4])]
    assert tree.map_shape_structure(lambda shape: shape + (1,), [(2, None), {"a": ()}]) == [(2, None, 1), {"a": (1,)}]
    assert tree.lists_to_tuples({"a": [1, [2, Point(3, [4])]]}) == {"a": (1, (2, Point(3, (4,))))}
    with pytest.raises(ValueError, match="at least one"):
        tree.map_structure(len)
    with pytest.raises(TypeError, match="callable"):
        tree.map_structure(3, [1])


def test_traverse():
    structure, seen = [(1, 2), [3], {"a": 4}], []
    assert tree.traverse(lambda x: seen.append(x), structure) == structure
    assert seen == [structure, (1, 2), 1, 2, [3], 3, {"a": 4}, 4]
    seen.clear()
    tree.traverse(lambda x: seen.append(x), structure, top_down=False)
    assert seen == [1, 2, (1, 2), 3, [3], 4, {"a": 4}, structure]
    assert tree.traverse(lambda x: tree.MAP_TO_NONE if x == 3 else None, structure) == [(1, 2), [None], {"a": 4}]


@pytest.mark.parametrize("a, b", [([1], (1,)), ([1], [1, 2]), ([1], 1), ({"a": 1}, {"b": 1}), (Point(1, 2), (1, 2)), ([[1]], [1])])
def test_structures_that_differ(a, b):
    with pytest.raises(ValueError):
        tree.assert_same_structure(a, b)
    with pytest.raises(ValueError):
        tree.map_structure(lambda x, y: 0, a, b)


def test_structures_that_are_alike():
    tree.assert_same_structure({"a": 1, "b": [2]}, collections.OrderedDict(b=[3], a=None))
    assert tree.is_nested([]) and tree.is_nested({}) and not tree.is_nested("text") and not tree.is_nested(None)
