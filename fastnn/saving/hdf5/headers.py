"""Superblock and object headers: sections "Disk Format: Level 0A" and "Level 2A1: Data Object Header Prefix"."""
import struct

from .source import Damaged, Fields, Refused

SIGNATURE = b"\x89HDF\r\n\x1a\n"

DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL_FILES, LAYOUT, FILTERS, ATTRIBUTE = 0x01, 0x02, 0x03, 0x06, 0x07, 0x08, 0x0B, 0x0C
CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 0x10, 0x11, 0x15
LAST_KNOWN = 0x18

SHARED, FAIL_IF_UNKNOWN = 0x02, 0x80        # flags of messages


def read_superblock(source):
    """Finds the superblock, sets the source's base and sizes, and returns the address of the root group's header."""
    places = [0, *(512 << i for i in range(64))]        # a user's block of 512 bytes, 1024, 2048 ... may precede it
    places = [place for place in places if place + 9 <= source.size and source.read(place, 8) == SIGNATURE]
    if not places:
        raise Refused("it is no HDF5 file, or it is damaged at its beginning")
    source.base = places[0]
    version = source.read(8, 1)[0]
    if version in (0, 1):
        return _old_superblock(source, version)
    if version in (2, 3):
        return _new_superblock(source)
    raise Refused(f"version {version} of the superblock is unknown. Write the file again with an older libver")


def _old_superblock(source, version):
    fields = source.fields(8, 16).skip(5)
    _set_sizes(source, fields)
    fields = source.fields(24 + 4 * version, 6 * source.offset_size)
    fields.skip(2 * source.offset_size)
    _check_end(source, fields.address())
    fields.skip(2 * source.offset_size)     # the driver's block; the name of the root group
    return fields.address()


def _new_superblock(source):
    _set_sizes(source, source.fields(8, 4).skip(1))
    fields = source.checked(0, 12 + 4 * source.offset_size, SIGNATURE).skip(4 + 2 * source.offset_size)
    _check_end(source, fields.address())
    return fields.address()


def _set_sizes(source, fields):
    sizes = fields.number(), fields.number()
    if not {*sizes} <= {2, 4, 8}:
        raise Damaged(f"addresses of {sizes[0]} and lengths of {sizes[1]} bytes are unknown")
    source.offset_size, source.length_size = sizes


def _check_end(source, end):
    if end is None or end > source.size:
        raise Damaged(f"it is cut off: it has {source.size} bytes, and should have {end}")


class Header:
    """The messages of an object: a group or a dataset.

    Args:
        source: the Source.
        address: of the object header.

    Attributes:
        messages: {type: [(flags, bytes)]}.
    """

    def __init__(self, source, address):
        self.source, self.messages = source, {}
        new = source.read(address, 4) == b"OHDR"
        self._blocks = [self._new_prefix(address) if new else self._old_prefix(address)]
        seen = set()
        for block in self._blocks:      # continuation messages append to it
            if block[:2] in seen:
                raise Damaged("an object header continues in itself")
            seen.add(block[:2])
            if new:
                self._read_new(*block)
            else:
                self._read_old(*block)

    def _old_prefix(self, address):
        fields = self.source.fields(address, 12)
        fields.version(1)
        fields.skip(7)
        return address + 16, fields.number(4)

    def _read_old(self, address, size):
        data, at = self.source.read(address, size), 0
        while at + 8 <= size:
            kind, length, flags = struct.unpack_from("<HHB", data, at)
            at += 8
            self._add(kind, flags, data[at:at + length], length)
            at += length

    def _new_prefix(self, address):
        fields = self.source.fields(address, 6, b"OHDR")
        fields.version(2)
        flags = fields.number()
        before = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)      # times; limits of attributes
        width = 1 << (flags & 3)
        size = self.source.fields(address + before, width).number(width)
        self._order = flags & 0x04
        return address, before + width + size, b"OHDR", before + width

    def _read_new(self, address, size, signature=b"OCHK", skipped=4):
        data = self.source.checked(address, size, signature).data
        prefix = 6 if self._order else 4
        at = skipped
        while at + prefix <= size:      # what is less is a gap
            kind, length, flags = struct.unpack_from("<BHB", data, at)
            at += prefix
            self._add(kind, flags, data[at:at + length], length)
            at += length

    def _add(self, kind, flags, data, length):
        if len(data) != length:
            raise Damaged("a message ends beyond its object header")
        self.source.spend(32)       # what it takes in memory
        if kind > LAST_KNOWN and flags & FAIL_IF_UNKNOWN:
            raise Refused(f"it has messages of the unknown type {kind}")
        if kind == CONTINUATION:
            fields = Fields(data, self.source)
            address, size = fields.address(), fields.length()
            new = hasattr(self, "_order")
            self._blocks.append((address, size - 4 if new else size))
        else:
            self.messages.setdefault(kind, []).append((flags, data))

    def has(self, kind):
        """Whether there is a message of a type."""
        return kind in self.messages

    def get(self, kind):
        """The only message of a type, as Fields."""
        if kind not in self.messages:
            raise Damaged(f"an object header lacks the message of type {kind}")
        return resolved(self.source, *self.messages[kind][0], kind)


def resolved(source, flags, data, kind):
    """A message as Fields; one that is shared is looked up where it lies (section "Shared Message")."""
    fields = Fields(data, source)
    if not flags & SHARED:
        return fields
    version, type_ = fields.version(1, 2, 3), fields.number()
    if version == 3 and type_ != 2:
        raise Refused("it keeps messages in a shared table. Write the file again without sharing (h5repack)")
    if version == 1:
        fields.skip(6)
    flags, data = Header(source, fields.address()).messages.get(kind, [(0, b"")])[0]
    if flags & SHARED:
        raise Damaged("a shared message is itself shared")
    return Fields(data, source)
