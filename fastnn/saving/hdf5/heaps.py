"""Heaps: sections "Level 1D: Local Heaps", "Level 1E: Global Heap" and "Level 1F: Fractal Heap"."""
from .source import Damaged


def local_heap(source, address):
    """The bytes of a local heap, where names of links lie."""
    fields = source.fields(address, 8 + 2 * source.length_size + source.offset_size, b"HEAP")
    fields.version(0)
    size = fields.skip(3).length()
    fields.length()
    return source.read(fields.address(), size)


def global_object(source, address, index):
    """An object of the global heap."""
    if address not in source.collections:
        source.collections[address] = _read_collection(source, address)
    if index not in source.collections[address]:
        raise Damaged(f"object {index} is missing in the global heap at {address}")
    return source.collections[address][index]


def _read_collection(source, address):
    prefix = 8 + source.length_size
    fields = source.fields(address, prefix, b"GCOL")
    fields.version(1)
    size = fields.skip(3).length()
    fields, objects = source.fields(address, size).skip(prefix), {}
    while fields.left >= prefix:
        index = fields.number(2)
        if not index:       # the rest is free
            break
        length = fields.skip(6).length()
        objects[index] = fields.take(length)
        fields.skip(min(-length % 8, fields.left))
    return objects
