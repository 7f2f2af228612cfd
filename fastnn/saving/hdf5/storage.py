"""The data of a dataset, in one of three layouts: section "Data Layout Message"."""
import math

import numpy as np

from .chunks import find_chunks
from .filters import check_filters, undo_filters
from .headers import EXTERNAL_FILES, FILTERS, LAYOUT
from .messages import COMPACT, CONTIGUOUS, read_filters, read_layout
from .source import Damaged, Refused


def find_data(header, space, datatype):
    """Finds the data and checks that they are stored; returns a function that fills a C-contiguous array of the stored dtype.

    Args:
        header: the Header of a dataset.
        space: its Space.
        datatype: its Datatype.
    """
    if header.has(EXTERNAL_FILES):
        raise Refused("its data are in other files. Store them in the file itself (h5repack)")
    source, layout = header.source, read_layout(header.get(LAYOUT))
    size = 0 if space.shape is None else math.prod(space.shape) * datatype.itemsize
    if not size:
        return lambda array: None
    source.claim(0, datatype.growth(math.prod(space.shape)))
    if layout.kind == COMPACT:
        if len(layout.data) < size:
            raise Damaged(f"{len(layout.data)} bytes are stored for a dataset of {size}")
        return lambda array: _put(layout.data[:size], array)
    if layout.kind == CONTIGUOUS:
        if layout.address is None:
            raise Refused(f"its shape {space.shape} is declared, and no data are stored. Write its values, zeros too")
        if layout.size < size:
            raise Damaged(f"{layout.size} bytes are stored for a dataset of {size}")
        source.claim(size, size)
        return lambda array: source.read_into(layout.address, _bytes(array))
    return _Chunked(header, layout, space, datatype).fill


def _bytes(array):
    return memoryview(array.reshape(-1).view(np.uint8))


def _put(data, array):
    _bytes(array)[:] = data


class _Chunked:
    def __init__(self, header, layout, space, datatype):
        self._source, self._dtype, self._size = header.source, datatype.stored, math.prod(layout.chunk)
        self._filters = read_filters(header.get(FILTERS)) if header.has(FILTERS) else []
        check_filters(self._filters)
        if layout.flags & 1 and self._filters:
            raise Refused("chunks at its edges are not compressed while others are. Write it again with h5repack")
        if layout.chunk[-1] != datatype.itemsize:
            raise Damaged("its chunks are of another type of elements")
        self._chunks = find_chunks(self._source, layout, space, bool(self._filters))
        self._source.claim(sum(stored for _, stored, _ in self._chunks.values()), len(self._chunks) * self._size)
        self._chunk, self._inner = layout.chunk[:-1], datatype.shape

    def fill(self, array):
        """Reads chunk by chunk, and cuts off what is beyond the array's edges."""
        for at, (address, stored, mask) in self._chunks.items():
            data = bytearray(stored)
            self._source.read_into(address, memoryview(data))
            if self._filters:
                data = undo_filters(self._filters, data, mask, self._size)
            target = array[tuple(slice(i * n, (i + 1) * n) for i, n in zip(at, self._chunk))]
            chunk = np.frombuffer(data, self._dtype).reshape(self._chunk + self._inner)
            target[...] = chunk[tuple(slice(n) for n in target.shape[:len(self._chunk)])]
