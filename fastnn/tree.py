"""Nested structures of lists, tuples, named tuples, dicts and deques: `keras.tree`.

What is none of these is a leaf.  The leaves of a dict come by sorted keys, those of an `OrderedDict` in its own order.

    >>> map_structure(lambda x: 2 * x, {"a": [1, 2], "b": (3,)})
    {'a': [2, 4], 'b': (6,)}
"""
import collections

__all__ = ["MAP_TO_NONE", "assert_same_paths", "assert_same_structure", "flatten", "flatten_with_path", "is_nested", "lists_to_tuples",
           "map_shape_structure", "map_structure", "map_structure_up_to", "pack_sequence_as", "traverse"]


class MAP_TO_NONE:
    """What a function returns to `traverse` to put None in the place of a part."""


def is_nested(structure):
    """Whether something is a list, tuple, dict or deque, and no leaf."""
    return isinstance(structure, (list, tuple, dict, collections.deque))


def _keys(structure):
    """The keys, or numbers, of the parts in order."""
    if not isinstance(structure, dict):
        return range(len(structure))
    return list(structure) if isinstance(structure, collections.OrderedDict) else sorted(structure)


def _rebuild(structure, parts):
    """A structure of the same kind with other parts, which are given in the order of `_keys`."""
    if isinstance(structure, collections.defaultdict):
        made = collections.defaultdict(structure.default_factory)
    elif isinstance(structure, dict):
        made = type(structure)()
    elif isinstance(structure, collections.deque):
        return collections.deque(parts, structure.maxlen)
    else:
        return type(structure)(*parts) if hasattr(structure, "_fields") else type(structure)(parts)
    found = dict(zip(_keys(structure), parts))
    made.update((key, found[key]) for key in structure)     # in the order in which they stood
    return made


def flatten(structure):
    """The leaves as a list; of a leaf the list of it.

    >>> flatten([(1, 2), {"b": 4, "a": 3}])
    [1, 2, 3, 4]
    """
    return [leaf for _, leaf in flatten_with_path(structure)]


def flatten_with_path(structure):
    """Pairs (path, leaf): a path is the tuple of the keys and numbers that lead to the leaf.

    >>> flatten_with_path([{"foo": 42}])
    [((0, 'foo'), 42)]
    """
    if not is_nested(structure):
        return [((), structure)]
    return [((key, *path), leaf) for key in _keys(structure) for path, leaf in flatten_with_path(structure[key])]


def map_structure(func, *structures, none_is_leaf=True):
    """The structure of the results of a function, which is called with a leaf of each of the structures.

    Args:
        func: takes as many arguments as there are structures.
        *structures: of one layout.
        none_is_leaf: False: None is left as it is, and not passed to the function.

    Raises:
        TypeError: a function that cannot be called; ValueError: no structure, or structures of different layouts.
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: func={func!r}")
    if not structures:
        raise ValueError("`map_structure` needs at least one structure")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)

    def call(*leaves):
        return None if leaves[0] is None and not none_is_leaf else func(*leaves)

    return _map_up_to(structures[0], call, structures)


def map_structure_up_to(shallow_structure, func, *structures):
    """As `map_structure`, but what lies deeper than the leaves of `shallow_structure` is passed to the function as it is.

    >>> map_structure_up_to([None, None], len, [[1, 2], (3,)])
    [2, 1]

    Raises:
        TypeError: a function that cannot be called; ValueError: no structure, or one that is shallower.
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: func={func!r}")
    if not structures:
        raise ValueError("`map_structure_up_to` needs at least one structure")
    return _map_up_to(shallow_structure, func, structures)


def _map_up_to(shallow, func, structures):
    if not is_nested(shallow):
        return func(*structures)
    for other in structures:
        _check_kind(shallow, other)
    return _rebuild(shallow, [_map_up_to(shallow[key], func, [other[key] for other in structures]) for key in _keys(shallow)])


def _check_kind(a, b):
    """Raises unless two structures are of one kind and have the same keys."""
    if is_nested(a) != is_nested(b):
        raise ValueError(f"The two structures don't have the same nested structure: {a!r} and {b!r}")
    if not is_nested(a):
        return
    alike = isinstance(b, dict) if isinstance(a, dict) else type(a) is type(b)
    if not alike:
        raise ValueError(f"The two structures don't have the same nested structure: {type(a).__name__} {a!r} and {type(b).__name__} {b!r}")
    if set(_keys(a)) != set(_keys(b)):
        raise ValueError(f"The two structures don't have the same parts: {list(_keys(a))} in {a!r}, {list(_keys(b))} in {b!r}")


def assert_same_structure(a, b, check_types=None):
    """Raises unless two structures are nested in the same way, of the same kinds; all dicts are of one kind.

    Args:
        a, b: structures.
        check_types: taken for Keras' sake.

    Raises:
        ValueError: other layouts, kinds, lengths or keys.
    """
    _check_kind(a, b)
    for key in _keys(a) if is_nested(a) else ():
        assert_same_structure(a[key], b[key])


def assert_same_paths(a, b):
    """Raises unless the leaves of two structures have the same paths; a list, a tuple and a deque may stand for each other.

    Raises:
        ValueError: names the paths that only one of them has.
    """
    mine, others = {path for path, _ in flatten_with_path(a)}, {path for path, _ in flatten_with_path(b)}
    if mine != others:
        raise ValueError(f"`a` and `b` don't have the same paths: only in `a` {sorted(mine - others, key=str)}, "
                         f"only in `b` {sorted(others - mine, key=str)}")


def pack_sequence_as(structure, flat_sequence):
    """The inverse of `flatten`: a structure like the one given, with other leaves.

    >>> pack_sequence_as({"b": 0, "a": (0, 0)}, [1, 2, 3])
    {'b': 3, 'a': (1, 2)}

    Raises:
        TypeError: leaves that cannot be iterated; ValueError: too few or too many of them.
    """
    if not hasattr(flat_sequence, "__iter__") or isinstance(flat_sequence, (str, bytes)):
        raise TypeError(f"`flat_sequence` must be a list or tuple of leaves. Received: flat_sequence={flat_sequence!r}")
    leaves, count = list(flat_sequence), len(flatten(structure))
    if len(leaves) != count:
        raise ValueError(f"Could not pack the sequence: the structure has {count} leaves, but flat_sequence {len(leaves)}. "
                         f"Structure: {structure!r}, flat_sequence: {flat_sequence!r}")
    following = iter(leaves)

    def pack(part):
        return _rebuild(part, [pack(part[key]) for key in _keys(part)]) if is_nested(part) else next(following)

    return pack(structure)


def traverse(func, structure, top_down=True):
    """Calls a function on a structure and all its parts; what it returns other than None takes the place of the part.

    Args:
        func: takes a part.  `MAP_TO_NONE` for a result of None.
        structure: any structure.
        top_down: whether a structure comes before its parts; what was replaced is then not gone into.

    >>> traverse(lambda x: len(x) if isinstance(x, tuple) else None, [(1, 2), 3])
    [2, 3]
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: func={func!r}")
    found = func(structure) if top_down else None
    if found is None and is_nested(structure):
        structure = _rebuild(structure, [traverse(func, structure[key], top_down) for key in _keys(structure)])
    if not top_down:
        found = func(structure)
    return structure if found is None else None if found is MAP_TO_NONE else found


def lists_to_tuples(structure):
    """The structure with tuples in the place of lists."""
    if not is_nested(structure):
        return structure
    parts = [lists_to_tuples(structure[key]) for key in _keys(structure)]
    return tuple(parts) if isinstance(structure, list) else _rebuild(structure, parts)


def map_shape_structure(func, structure):
    """As `map_structure`, the leaves being shapes: lists and tuples of whole numbers and None.

    >>> map_shape_structure(len, {"a": (None, 3), "b": [(1,), ()]})
    {'a': 2, 'b': [1, 0]}
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: func={func!r}")
    if not is_nested(structure):
        raise ValueError(f"Cannot map the function onto {structure!r}: it is no shape")
    if isinstance(structure, (list, tuple)) and all(size is None or isinstance(size, int) for size in structure):
        return func(tuple(structure))
    return _rebuild(structure, [map_shape_structure(func, structure[key]) for key in _keys(structure)])
