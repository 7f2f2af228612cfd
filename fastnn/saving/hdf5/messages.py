"""Messages of object headers that describe a dataset: section "Level 2A2: Data Object Header Messages"."""
import collections

from .source import Damaged, Refused

# shape, and its limits: None where there is none; the shape is None for a space without any elements
Space = collections.namedtuple("Space", "shape limits")

COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL = 0, 1, 2, 3
# index: 0 for a version 1 B-tree, else the type as of version 4; flags and parameters of that index
Layout = collections.namedtuple("Layout", "kind address size data chunk index flags parameters", defaults=[None] * 7)

Filter = collections.namedtuple("Filter", "kind values")


def read_space(fields):
    """"Dataspace Message"."""
    version, rank, flags = fields.version(1, 2), fields.number(), fields.number()
    kind = fields.number()
    if rank > 32:
        raise Damaged(f"a shape of {rank} dimensions is not known to HDF5")
    if version == 1:
        fields.skip(4)
    elif kind == 2:
        return Space(None, None)
    shape = tuple(fields.length() for _ in range(rank))
    limits = [fields.length() for _ in range(rank)] if flags & 1 else shape
    unlimited = (1 << 8 * fields.source.length_size) - 1
    return Space(shape, tuple(None if limit == unlimited else limit for limit in limits))


def read_layout(fields):
    """"Data Layout Message"."""
    version = fields.number()
    if version not in (3, 4, 5):
        raise Refused(f"version {version} of its data layout is unknown. Write the file again with h5repack")
    kind = fields.number()
    if kind == COMPACT:
        return Layout(kind, data=fields.take(fields.number(2)))
    if kind == CONTIGUOUS:
        return Layout(kind, fields.address(), fields.length())
    if kind == VIRTUAL:
        raise Refused("it is a virtual dataset, whose data are in other files. Write it again as an ordinary one (h5repack)")
    if kind != CHUNKED:
        raise Damaged(f"a data layout of class {kind} is unknown")
    return _old_chunks(fields) if version == 3 else _new_chunks(fields)


def _old_chunks(fields):
    rank, address = fields.number(), fields.address()
    return Layout(CHUNKED, address, chunk=tuple(fields.number(4) for _ in range(rank)), index=0, flags=0)


PARAMETERS = {2: 0, 3: 1, 4: 5, 5: 6}       # bytes, by the type of index


def _new_chunks(fields):
    flags, rank, width = fields.number(), fields.number(), fields.number()
    chunk = tuple(fields.number(width) for _ in range(rank))
    index = fields.number()
    if index == 1:
        parameters = (fields.length(), fields.number(4)) if flags & 2 else (None, 0)
    elif index in PARAMETERS:
        parameters = fields.take(PARAMETERS[index])
    else:
        raise Damaged(f"an index of chunks of type {index} is unknown")
    return Layout(CHUNKED, fields.address(), chunk=chunk, index=index, flags=flags, parameters=parameters)


def read_filters(fields):
    """"Data Storage - Filter Pipeline Message"."""
    version, count = fields.version(1, 2), fields.number()
    if version == 1:
        fields.skip(6)
    filters = []
    for _ in range(count):
        kind = fields.number(2)
        name = fields.number(2) if version == 1 or kind >= 256 else 0
        fields.skip(2)
        values = fields.number(2)
        fields.skip(name + -name % 8 if version == 1 else name)
        filters.append(Filter(kind, [fields.number(4) for _ in range(values)]))
        if version == 1 and values % 2:
            fields.skip(4)
    return filters
