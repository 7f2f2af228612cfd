"""Arrays that index chunks: sections "Fixed Array Index" and "Extensible Array Index" of appendix C."""
from .source import Damaged


class _Array:
    """What both kinds share: elements of a size, in pages with checksums of their own where a block has many.

    Args:
        source: the Source.
        fields: the header, behind its signature.
    """

    def __init__(self, source, fields):
        self.source = source
        fields.version(0)
        self.filtered, self.element = fields.number(), fields.number()
        if self.element < source.offset_size or self.filtered > 1:
            raise Damaged("an index of chunks has elements that are too small")

    def split(self, fields, count):
        """The next elements."""
        return [fields.take(self.element) for _ in range(count)]

    def pages(self, address, count, page, is_stored):
        """Yields (index, element) of those pages of a block that are stored.

        Args:
            address: of the first page; all have their places.
            count: elements of the block.
            page: elements of a page.
            is_stored: function of a page's number.
        """
        for number, first in enumerate(range(0, count, page)):
            size = min(page, count - first) * self.element
            if is_stored(number):
                fields = self.source.checked(address, size)
                yield from enumerate(self.split(fields, size // self.element), first)
            address += size + 4


def _bit(bits, number):
    return bits[number // 8] & 128 >> number % 8


def walk_fixed(source, address):
    """Yields (index, element as bytes) of a fixed array."""
    O = source.offset_size
    fields = source.checked(address, 8 + source.length_size + O, b"FAHD")
    array = _Array(source, fields)
    page, count, block = 1 << fields.number(), fields.length(), fields.address()
    if block is None:
        return
    if count <= page:
        fields = source.checked(block, 6 + O + count * array.element, b"FADB").skip(2 + O)
        yield from enumerate(array.split(fields, count))
        return
    size = (-(-count // page) + 7) // 8
    bits = source.checked(block, 6 + O + size, b"FADB").skip(2 + O).take(size)
    yield from array.pages(block + 6 + O + size + 4, count, page, lambda number: _bit(bits, number))


def walk_extensible(source, address):
    """Yields (index, element as bytes) of an extensible array."""
    yield from _Extensible(source, address).walk()


class _Extensible(_Array):
    """The index block has the first elements, addresses of the first data blocks, and those of secondary blocks, which have
    addresses of data blocks.  Data blocks come in groups ("super blocks") of 1, 1, 2, 2, 4, 4 ..., with m, 2m, 2m, 4m, 4m ...
    elements each."""

    def __init__(self, source, address):
        fields = source.checked(address, 12 + 6 * source.length_size + source.offset_size, b"EAHD")
        super().__init__(source, fields)
        self.bits, self.in_index, self.smallest, self.pointers, page_bits = (fields.number() for _ in range(5))
        self.page = 1 << page_bits
        self.end = fields.skip(4 * source.length_size).length()
        fields.skip(source.length_size)
        self.index = fields.address()
        for number in (self.smallest, self.pointers):
            if not number or number & number - 1:
                raise Damaged("an index of chunks has blocks of sizes that are no powers of two")
        if self.bits > 64:
            raise Damaged("an index of chunks is too large")
        self.offset_size = (self.bits + 7) // 8

    def walk(self):
        """Yields (index, element)."""
        if self.index is None:
            return
        O, groups = self.source.offset_size, 1 + self.bits - (self.smallest.bit_length() - 1)
        direct = 2 * (self.pointers.bit_length() - 1)       # groups whose data blocks the index block points to
        blocks = 2 * (self.pointers - 1)
        size = 6 + O + self.in_index * self.element + (blocks + max(groups - direct, 0)) * O
        fields = self.source.checked(self.index, size, b"EAIB").skip(2 + O)
        yield from enumerate(self.split(fields, self.in_index))
        start = self.in_index
        for group in range(groups):
            if start >= self.end:
                return
            count, elements = 1 << group // 2, self.smallest << (group + 1) // 2
            if group < direct:
                addresses, bits = [fields.address() for _ in range(count)], b""
            else:
                addresses, bits = self._secondary(fields.address(), count, elements)
            for number, address in enumerate(addresses):
                if address is not None:
                    for index, element in self._data(address, elements, number, bits):
                        yield start + number * elements + index, element
            start += count * elements

    def _pages(self, elements):
        """Pages of a data block; 0 where it is not cut."""
        return elements // self.page if elements > self.page else 0

    def _secondary(self, address, count, elements):
        """(addresses of data blocks, bits that tell their pages which are stored)."""
        if address is None:
            return [], b""
        O, bits = self.source.offset_size, count * ((self._pages(elements) + 7) // 8)
        fields = self.source.checked(address, 6 + O + self.offset_size + bits + count * O, b"EASB").skip(2 + O + self.offset_size)
        bits = fields.take(bits)
        return [fields.address() for _ in range(count)], bits

    def _data(self, address, elements, number, bits):
        prefix, pages = 6 + self.source.offset_size + self.offset_size, self._pages(elements)
        if not pages:
            fields = self.source.checked(address, prefix + elements * self.element, b"EADB").skip(prefix - 4)
            return enumerate(self.split(fields, elements))
        self.source.checked(address, prefix, b"EADB")
        return self.pages(address + prefix + 4, elements, self.page, lambda page: _bit(bits, number * pages + page))
