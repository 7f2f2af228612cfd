"""B-trees: sections "Level 1A1: Version 1 B-trees" and "Level 1A2: Version 2 B-trees"."""
from .source import Damaged


def walk_old(source, address, kind, key_size):
    """Yields (key as bytes, address) for the leaves of a B-tree of version 1.

    Args:
        kind: 0 for groups, 1 for chunks.
        key_size: bytes of a key.
    """
    step, seen = key_size + source.offset_size, set()
    pending = [(address, None)]
    while pending:
        address, level = pending.pop()
        if address in seen:
            raise Damaged("a B-tree contains itself")
        seen.add(address)
        fields = source.fields(address, 8 + 2 * source.offset_size, b"TREE")
        found, depth, count = fields.number(), fields.number(), fields.number(2)
        if found != kind or depth != (depth if level is None else level):
            raise Damaged("a B-tree has a node of another kind or level")
        fields = source.fields(address + 8 + 2 * source.offset_size, count * step)
        children = [(fields.take(key_size), fields.address()) for _ in range(count)]
        if depth:
            pending += [(child, depth - 1) for _, child in reversed(children)]
        else:
            yield from children
