"""What undoes the filters of chunks: section "Data Storage - Filter Pipeline Message"."""
import zlib

import numpy as np

from .checksum import fletcher32
from .source import Damaged, Refused

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
NAMES = {4: "szip", 5: "nbit", 6: "scale-offset", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32015: "zstd"}


def check_filters(filters):
    """Refuses those that are not undone here."""
    for kind, _ in filters:
        if kind not in (DEFLATE, SHUFFLE, FLETCHER32):
            raise Refused(f"its data went through the filter {NAMES.get(kind, kind)}, and only gzip, shuffle and fletcher32 are "
                          "undone. Write it with compression='gzip' or none")


def undo_filters(filters, data, mask, size):
    """The bytes of a chunk as they were.

    Args:
        filters: Filters in the order in which they were applied.
        data: bytes as stored.
        mask: bit i is set if filter i was left out.
        size: bytes that must come.
    """
    for i in reversed(range(len(filters))):
        if not mask >> i & 1:
            kind, values = filters[i]
            if kind == DEFLATE:
                data = _inflated(data, size + 4 * i)      # checksums below take four bytes each
            elif kind == SHUFFLE:
                data = _unshuffled(data, values[0] if values else 1)
            else:
                data = _verified(data)
    if len(data) != size:
        raise Damaged(f"a chunk has {len(data)} bytes in place of {size}")
    return data


def _inflated(data, limit):
    stream = zlib.decompressobj()
    data = stream.decompress(data, limit)
    if not stream.eof and (stream.unconsumed_tail or stream.decompress(b"", 1) or not stream.eof):
        raise Damaged(f"a compressed chunk is cut off, or has more than {limit} bytes")
    return data


def _unshuffled(data, width):
    """The first bytes of all elements lie together, then the second ones, and so on; what is left over is at the end."""
    count = len(data) // width if width else 0
    if count < 2 or width < 2:
        return data
    whole = np.frombuffer(data, np.uint8, count * width)
    return whole.reshape(width, count).T.tobytes() + bytes(data[count * width:])


def _verified(data):
    """Without its checksum; versions of the library before 1.6.3 swapped the bytes of its halves."""
    data, stored = bytes(data[:-4]), bytes(data[-4:])
    expected = fletcher32(data).to_bytes(4, "little")
    if stored not in (expected, bytes(expected[i] for i in (1, 0, 3, 2))):
        raise Damaged("the checksum of a chunk is wrong")
    return data
