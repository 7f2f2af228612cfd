"""B-trees: sections "Level 1A1: Version 1 B-trees" and "Level 1A2: Version 2 B-trees"."""
from .source import Damaged


def walk_old(source, address, kind, key_size):
    """Yields (key as bytes, address) for all that the leaves of a B-tree of version 1 point to.

    Args:
        kind: 0 for groups, 1 for chunks.
        key_size: bytes of a key.
    """
    step, prefix, seen = key_size + source.offset_size, 8 + 2 * source.offset_size, set()
    pending = [(address, None)]
    while pending:
        address, expected = pending.pop()
        _once(address, seen)
        fields = source.fields(address, prefix, b"TREE")
        found, level, count = fields.number(), fields.number(), fields.number(2)
        if found != kind or expected not in (None, level):
            raise Damaged("a B-tree has a node of another kind or level")
        fields = source.fields(address + prefix, count * step)
        children = [(fields.take(key_size), fields.address()) for _ in range(count)]
        if level:
            pending += [(child, level - 1) for _, child in reversed(children)]
        else:
            yield from children


def walk_new(source, address, kind):
    """Yields the records, bytes of equal length, of a B-tree of version 2 whose records are of a type `kind`."""
    fields = source.checked(address, 18 + source.offset_size + source.length_size, b"BTHD")
    fields.version(0)
    found, node_size, record_size, depth = fields.number(), fields.number(4), fields.number(2), fields.number(2)
    root, count = fields.skip(2).address(), fields.number(2)
    if found != kind or not record_size or depth > 64:
        raise Damaged(f"a B-tree of records of type {kind} is expected, and it is of type {found}")
    if count:
        yield from _walk_nodes(source, root, count, kind, record_size, _pointer_sizes(source, node_size, record_size, depth))


def _pointer_sizes(source, node_size, record_size, depth):
    """(bytes of a count of records, bytes of a count below) of a pointer to a child, for the levels from the leaves upwards."""
    most = (node_size - 10) // record_size          # records of a leaf
    width, below, sizes = _bytes_for(most), most, [(0, 0)]
    for level in range(1, depth + 1):
        total = _bytes_for(below) if level > 1 else 0
        sizes.append((width, total))
        pointer = source.offset_size + width + total
        most = (node_size - 10 - pointer) // (record_size + pointer)
        below = (most + 1) * below + most
    return sizes


def _bytes_for(number):
    """How many bytes the library gives to numbers up to this one."""
    return (max(number, 1).bit_length() + 7) // 8


def _walk_nodes(source, root, count, kind, record_size, pointers):
    pending, seen = [(root, count, len(pointers) - 1)], set()
    while pending:
        address, count, level = pending.pop()
        _once(address, seen)
        width, total = pointers[level]
        size = 6 + count * record_size + ((count + 1) * (source.offset_size + width + total) if level else 0)
        fields = source.checked(address, size, b"BTIN" if level else b"BTLF")
        fields.version(0)
        if fields.number() != kind:
            raise Damaged("a B-tree has a node of another kind")
        for _ in range(count):
            yield fields.take(record_size)
        for _ in range(count + 1 if level else 0):
            pending.append((fields.address(), fields.number(width), level - 1))
            fields.skip(total)


def _once(address, seen):
    if address in seen:
        raise Damaged("a B-tree contains itself")
    seen.add(address)
