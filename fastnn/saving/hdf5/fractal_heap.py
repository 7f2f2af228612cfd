"""Fractal heaps, which hold many links or attributes: section "Level 1F: Fractal Heap"."""
from .btrees import walk_new
from .source import Damaged, Fields, Refused

MANAGED, HUGE, TINY = 0, 1, 2


def in_heap(source, fields, order_size, kind):
    """(heap, record) of each thing that an object keeps outside of its header ("Link Info Message", "Attribute Info Message").

    Args:
        source: the file; fields: of the message.
        order_size: bytes of the number of the last thing, which may be left out.
        kind: type of the records in the B-tree.
    """
    fields.version(0)
    fields.skip(order_size if fields.number() & 1 else 0)
    heap, tree = fields.address(), fields.address()
    if heap is not None:
        heap = FractalHeap(source, heap)
        for record in walk_new(source, tree, kind):
            yield heap, record


class FractalHeap:
    """Objects by the IDs that B-trees keep.

    The space of the heap is one row of addresses, cut into blocks.  They are the entries of a table ("doubling table") of `width`
    columns, whose rows hold blocks of the sizes s, s, 2s, 4s, 8s ...; those of the lower rows are themselves such tables.

    Args:
        source: the Source.
        address: of the heap's header.
    """

    def __init__(self, source, address):
        self.source, self._blocks, self._huge = source, {}, None
        O, L = source.offset_size, source.length_size
        fields = source.checked(address, 22 + 12 * L + 3 * O, b"FRHP")
        fields.version(0)
        self._id_size = fields.number(2)
        if fields.number(2):
            raise Refused("it keeps names or attributes compressed. Write the file again without filters of groups")
        self._block_checksums = fields.number() & 2
        largest_object = fields.number(4)
        self._huge_tree = fields.skip(L).address()
        fields.skip(L + O + 8 * L)
        self._width, self._first, largest_block, bits = fields.number(2), fields.length(), fields.length(), fields.number(2)
        fields.skip(2)
        self._root, self._rows = fields.address(), fields.number(2)
        for number in (self._width, self._first, largest_block):
            if not number or number & number - 1:
                raise Damaged("a heap's blocks are of sizes that are no powers of two")
        self._direct_rows = largest_block.bit_length() - self._first.bit_length() + 2
        self._offset_size = (bits + 7) // 8
        self._size_size = min((largest_block.bit_length() + 6) // 8, (max(largest_object, 1).bit_length() + 7) // 8)

    def get(self, heap_id):
        """The bytes of an object ("Fractal Heap ID")."""
        fields = Fields(heap_id, self.source)
        first = fields.number()
        kind = first >> 4
        if kind == MANAGED:
            return self._managed(fields.number(self._offset_size), fields.number(self._size_size))
        if kind == TINY:
            size = (first & 15) if self._id_size <= 17 else (first & 15) << 8 | fields.number()
            return fields.take(size + 1)
        if kind == HUGE:
            return self.source.read(*self._where_huge(fields))
        raise Damaged(f"a heap's ID of type {kind} is unknown")

    def _managed(self, offset, size):
        """Descends the table to the block that holds an offset."""
        address, rows, start = self._root, self._rows, 0
        length = self._first
        while rows:
            row = ((offset - start) // (self._width * self._first)).bit_length()
            if row >= rows:
                raise Damaged("an object lies beyond its heap")
            length = self._first << max(row - 1, 0)
            start += self._width * length if row else 0
            column = (offset - start) // length
            address = self._child(address, rows, row * self._width + column)
            start += column * length
            rows = 0 if row < self._direct_rows else row - self._width.bit_length() + 1
        at = offset - start
        self.source.spend(size)         # IDs may share an object, but not all of them a long one
        if at + size > length:
            raise Damaged("an object lies beyond its block of a heap")
        return self._direct_block(address, length)[at:at + size]

    def _child(self, address, rows, entry):
        """An address of a table ("Fractal Heap Indirect Block")."""
        if address not in self._blocks:
            before = 5 + self.source.offset_size + self._offset_size
            fields = self.source.checked(address, before + rows * self._width * self.source.offset_size, b"FHIB")
            fields.version(0)
            self._blocks[address] = fields.data[before:]
        size = self.source.offset_size
        return Fields(self._blocks[address][entry * size:(entry + 1) * size], self.source).address()

    def _direct_block(self, address, size):
        """The bytes of a block, its own prefix included, as offsets count it ("Fractal Heap Direct Block")."""
        if address not in self._blocks:
            fields = self.source.fields(address, size, b"FHDB")
            fields.version(0)
            self._blocks[address] = fields.data
            if self._block_checksums:
                fields.checksum_within(5 + self.source.offset_size + self._offset_size)
        return self._blocks[address]

    def _where_huge(self, fields):
        """(address, size) of an object that lies outside of the blocks."""
        source = self.source
        if self._id_size - 1 >= source.offset_size + source.length_size:
            return fields.address(), fields.length()
        if self._huge is None:
            self._huge = {}
            for record in walk_new(source, self._huge_tree, 1):
                entry = Fields(record, source)
                where = entry.address(), entry.length()
                self._huge[entry.length()] = where
        key = fields.number(min(self._id_size - 1, source.length_size))
        if key not in self._huge:
            raise Damaged(f"object {key} is missing in a heap")
        return self._huge[key]
