"""The bytes of a file: every read is checked against its end and counted, so that no damage costs more than the file is large."""
import functools
import os
import struct
import zlib

from .checksum import lookup3

METADATA, METADATA_SLACK = 4, 1 << 18      # as many times the file's size of metadata may be read, and so many bytes more
EXPANSION, SLACK = 8, 1 << 20               # the same for what compressed data may take


class HDF5Error(ValueError):
    """A file that is damaged, or holds what is refused; the message says which, and what to do."""


class Damaged(Exception):
    """The bytes are not what the format says."""


class Refused(Exception):
    """The bytes are sound HDF5, but not what is read here."""


ERRORS = (struct.error, zlib.error, LookupError, ValueError, ArithmeticError, RecursionError, TypeError)


def guarded(method):
    """For methods of objects with a `where`: whatever the parser raises becomes an HDF5Error that names file and object."""
    @functools.wraps(method)
    def called(self, *args):
        try:
            return method(self, *args)
        except HDF5Error:
            raise
        except Refused as error:
            raise HDF5Error(f"cannot read {self.where}: {error}") from error
        except Damaged as error:
            raise HDF5Error(f"{self.where} is damaged: {error}. Take another copy of the file") from error
        except MemoryError as error:
            raise HDF5Error(f"there is not enough memory to read {self.where}") from error
        except ERRORS as error:
            raise HDF5Error(f"{self.where} is damaged: {error}. Take another copy of the file") from error
    return called


class Source:
    """A file, a section of a file, or bytes.

    Addresses count from `base`, where the superblock lies.  One thread at a time may read.

    Args:
        source: path or bytes.
        offset, size: the section that is the HDF5 file; to the end if `size` is None.

    Attributes:
        where: how messages name it.
        size: number of bytes.
        offset_size, length_size: bytes that addresses and lengths take ("size of offsets", "size of lengths" of the superblock).
    """

    def __init__(self, source, offset=0, size=None):
        self._file = self._bytes = None
        if isinstance(source, (bytes, bytearray, memoryview)):
            self.where, self._bytes = "the HDF5 file in memory", memoryview(source).cast("B")
            available = len(self._bytes)
        else:
            self.where = os.fspath(source)
            self._file = open(self.where, "rb", buffering=0)
            available = os.fstat(self._file.fileno()).st_size
        self.size = available - offset if size is None else size
        if offset < 0 or self.size < 0 or offset + self.size > available:
            self.close()
            raise HDF5Error(f"{self.where} has {available} bytes: there is no section of {size} bytes at {offset}")
        self._start, self.base = offset, 0
        self.offset_size = self.length_size = 8
        self.collections, self.strings = {}, {}         # of the global heap, read once
        self._metadata = METADATA * self.size + METADATA_SLACK
        self._stored, self._loaded = self.size, EXPANSION * self.size + SLACK

    def close(self):
        """Nothing can be read any more."""
        if self._file is not None:
            self._file.close()
        self._bytes = None

    def read(self, address, size):
        """`size` bytes of metadata."""
        self.spend(size + 16)
        self._check(address, size)
        start = self._start + self.base + address
        if self._bytes is not None:
            return bytes(self._bytes[start:start + size])
        self._file.seek(start)
        data = self._file.read(size)
        if len(data) != size:       # the file became shorter, or the system delivers in parts
            data = bytearray(size)
            self.read_into(address, memoryview(data))
        return bytes(data)

    def read_into(self, address, view):
        """Data, straight into a memoryview of bytes."""
        self._check(address, len(view))
        start = self._start + self.base + address
        if self._bytes is not None:
            view[:] = self._bytes[start:start + len(view)]
            return
        self._file.seek(start)
        while len(view):
            count = self._file.readinto(view)
            if not count:
                raise Damaged("it became shorter while it was read")
            view = view[count:]

    def spend(self, size):
        """Counts work on metadata: what refers to itself in circles or overlaps comes to an end."""
        self._metadata -= size
        if self._metadata < 0:
            raise Damaged("parts of its metadata overlap or refer to each other in circles")

    def claim(self, stored, loaded):
        """Counts data of a dataset before memory is taken: datasets share no bytes of a file, and are stored in it.

        Args:
            stored: bytes in the file.
            loaded: bytes in memory.
        """
        if stored > self._stored:
            raise Damaged("its datasets together are larger than the file")
        if loaded > self._loaded:
            raise Refused(f"its data would take {loaded} bytes of memory, and all data of a file of {self.size} bytes may take "
                          f"{EXPANSION * self.size + SLACK}. If you trust it, write it without compression: h5repack -f NONE")
        self._stored -= stored
        self._loaded -= loaded

    def fields(self, address, size, signature=b""):
        """A block of metadata, as Fields behind its signature."""
        return Fields(self.read(address, size), self).expect(signature)

    def checked(self, address, size, signature=b""):
        """The same for a block that a checksum follows."""
        data = self.read(address, size + 4)
        if lookup3(data[:size]) != int.from_bytes(data[size:], "little"):
            raise Damaged(f"the checksum of {signature.decode() or 'a block'} at {address} is wrong")
        return Fields(data[:size], self).expect(signature)

    def _check(self, address, size):
        if address is None:
            raise Damaged("an address is undefined")
        if self._bytes is None and (self._file is None or self._file.closed):
            raise Refused("it is closed; read inside of `with read_hdf5(...)`")
        if size < 0 or address + size > self.size - self.base:
            raise Damaged(f"{size} bytes at {address} are beyond its end; it has {self.size} bytes")


class Fields:
    """Reads a block of metadata field by field.

    Args:
        data: bytes.
        source: the Source, which knows the sizes of addresses and lengths.
    """
    __slots__ = ("data", "source", "at")

    def __init__(self, data, source):
        self.data, self.source, self.at = data, source, 0

    @property
    def left(self):
        """How many bytes follow."""
        return len(self.data) - self.at

    def take(self, size):
        """The next bytes."""
        start, self.at = self.at, self.at + size
        if size < 0 or self.at > len(self.data):
            raise Damaged("a block of metadata ends too early")
        return self.data[start:self.at]

    def skip(self, size):
        """Leaves bytes out; returns the Fields."""
        self.at += size
        if self.at > len(self.data):
            raise Damaged("a block of metadata ends too early")
        return self

    def number(self, size=1):
        """An unsigned integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def checksum_within(self, at):
        """Checks a checksum that lies inside of the block, and was taken with zeros in its place."""
        if lookup3(self.data[:at] + bytes(4) + self.data[at + 4:]) != int.from_bytes(self.data[at:at + 4], "little"):
            raise Damaged("the checksum of a block of a heap is wrong")

    def length(self):
        """A length."""
        return int.from_bytes(self.take(self.source.length_size), "little")

    def address(self):
        """An address; None where it is undefined (all bits are set)."""
        data = self.take(self.source.offset_size)
        return None if data.count(255) == len(data) else int.from_bytes(data, "little")

    def expect(self, signature):
        """Checks the next bytes; returns the Fields."""
        if self.take(len(signature)) != signature:
            raise Damaged(f"{signature.decode()} is expected and not found")
        return self

    def version(self, *known):
        """A version that must be one of those known."""
        found = self.number()
        if found not in known:
            raise Damaged(f"version {found} of a block of metadata is unknown")
        return found
