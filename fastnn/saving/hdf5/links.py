"""Links of a group: a symbol table (HDF5 before 1.8 and by default), or messages, in the header or in a fractal heap."""
from .btrees import walk_old
from .headers import SYMBOL_TABLE
from .heaps import local_heap


def read_links(header):
    """{name: address of an object header, or, as a str, what is refused}."""
    if header.has(SYMBOL_TABLE):
        return _symbol_table(header.source, header.get(SYMBOL_TABLE))
    return {}


def _symbol_table(source, fields):
    """"Symbol Table Message", "Group Symbol Table Nodes"."""
    tree, heap = fields.address(), fields.address()
    names, links = local_heap(source, heap), {}
    for _, node in walk_old(source, tree, 0, source.length_size):
        count = source.fields(node, 8, b"SNOD").skip(2).number(2)
        size = 2 * source.offset_size + 24
        entries = source.fields(node + 8, count * size)
        for _ in range(count):
            start, address, kind = entries.address(), entries.address(), entries.number(4)
            entries.skip(20)
            end = names.index(b"\0", start)
            source.spend(end - start)       # entries may share a name, but not all of them a long one
            links[names[start:end].decode()] = "a soft link" if kind == 2 else address
    return links
