"""Where the chunks of a dataset are: section "Data Layout Message", chunked storage and its indexes."""
import math

from .arrays import walk_extensible, walk_fixed
from .btrees import walk_new, walk_old
from .source import Damaged, Fields, Refused

OLD_TREE, SINGLE, IMPLICIT, FIXED, EXTENSIBLE, NEW_TREE = range(6)


def find_chunks(source, layout, space, filtered):
    """{coordinates: (address, bytes stored, mask of filters that were left out)} of all chunks that the shape covers.

    Coordinates count chunks.  Raises Refused if some are not stored.

    Args:
        source: the Source.
        layout: the Layout; its chunk has one dimension more, the bytes of an element.
        space: the Space.
        filtered: whether there are filters.
    """
    chunk, size = layout.chunk[:-1], math.prod(layout.chunk)
    if len(chunk) != len(space.shape) or not size:
        raise Damaged(f"chunks of shape {chunk} are no parts of an array of shape {space.shape}")
    if layout.address is None:
        raise Refused(f"its shape {space.shape} is declared, and no data are stored. Write its values, zeros too")
    grid = [-(-n // step) for n, step in zip(space.shape, chunk)]
    if layout.index in (OLD_TREE, NEW_TREE):
        entries = (_old_tree if layout.index == OLD_TREE else _new_tree)(source, layout, chunk, size, filtered)
    else:
        entries = _by_number(source, layout, space, chunk, grid, size, filtered)
    found, most = {}, source.size // 64 + 10_000        # each takes hundreds of bytes of memory
    for at, address, stored, mask in entries:
        if address is not None and all(i < n for i, n in zip(at, grid)):
            found[at] = address, stored, mask
            if len(found) > most:
                raise Refused(f"it is cut into more than {most} chunks. Write it in larger ones: h5repack -l CHUNK=...")
    if len(found) != math.prod(grid):
        raise Refused(f"its shape {space.shape} needs {math.prod(grid)} chunks, and {len(found)} are stored. "
                      "Write all of its values, zeros too")
    if not filtered and any(stored != size for _, stored, _ in found.values()):
        raise Damaged("a chunk is not of the size that its shape gives")
    return found


def _old_tree(source, layout, chunk, size, filtered):
    rank = len(chunk)
    for key, address in walk_old(source, layout.address, 1, 8 * rank + 16):
        fields = Fields(key, source)
        stored, mask = fields.number(4), fields.number(4)
        at = [fields.number(8) for _ in range(rank)]
        if any(i % step for i, step in zip(at, chunk)):
            raise Damaged("a chunk is not at a multiple of the chunks' shape")
        yield tuple(i // step for i, step in zip(at, chunk)), address, stored, mask


def _new_tree(source, layout, chunk, size, filtered):
    rank = len(chunk)
    for record in walk_new(source, layout.address, 11 if filtered else 10):
        address, stored, mask = _element(source, record[:-8 * rank], size, filtered)
        fields = Fields(record[-8 * rank:], source)
        yield tuple(fields.number(8) for _ in range(rank)), address, stored, mask


def _element(source, data, size, filtered):
    """An entry of an index -> (address, bytes stored, mask)."""
    fields = Fields(data, source)
    address = fields.address()
    return (address, fields.number(max(fields.left - 4, 0)), fields.number(4)) if filtered else (address, size, 0)


def _by_number(source, layout, space, chunk, grid, size, filtered):
    """Indexes that number chunks: row by row in an array as large as it may become, the unlimited dimension first."""
    if layout.index == SINGLE:
        stored, mask = layout.parameters
        yield (0,) * len(chunk), layout.address, size if stored is None else stored, mask
        return
    counts = [n if limit is None else -(-limit // step) for n, limit, step in zip(grid, space.limits, chunk)]
    unlimited = space.limits.index(None) if None in space.limits else 0
    order = [unlimited, *(i for i in range(len(chunk)) if i != unlimited)]
    if layout.index == IMPLICIT:
        if math.prod(counts) * size > source.size:
            raise Damaged("its chunks are larger than the file")
        elements = ((i, (layout.address + i * size, size, 0)) for i in range(math.prod(counts)))
    else:
        walk = walk_fixed if layout.index == FIXED else walk_extensible
        elements = ((i, _element(source, data, size, filtered)) for i, data in walk(source, layout.address))
    for number, element in elements:
        at = [0] * len(chunk)
        for axis in reversed(order[1:]):
            number, at[axis] = divmod(number, counts[axis])
        at[order[0]] = number
        yield (tuple(at), *element)
