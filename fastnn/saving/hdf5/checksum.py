"""Checksums: of metadata (Bob Jenkins' lookup3, section "Disk Format" appendix A of the specification) and of data."""
import struct

import numpy as np

MASK = 0xFFFFFFFF


def lookup3(data):
    """The checksum of a block of metadata: `hashlittle` of Jenkins' lookup3.c, started with zero."""
    a = b = c = (0xDEADBEEF + len(data)) & MASK
    blocks = max(len(data) - 1, 0) // 12        # the last one, of 1 to 12 bytes, is mixed in another way
    for x, y, z in struct.iter_unpack("<III", data[:12 * blocks]):
        a, b, c = a + x, b + y, (c + z) & MASK
        a = (a - c ^ (c << 4 | c >> 28)) & MASK
        c += b
        b = (b - a ^ (a << 6 | a >> 26)) & MASK
        a += c
        c = (c - b ^ (b << 8 | b >> 24)) & MASK
        b += a
        a = (a - c ^ (c << 16 | c >> 16)) & MASK
        c += b
        b = (b - a ^ (a << 19 | a >> 13)) & MASK
        a += c
        c = (c - b ^ (b << 4 | b >> 28)) & MASK
        b += a
    a, b, c = a & MASK, b & MASK, c & MASK
    if not data:
        return c
    x, y, z = struct.unpack("<III", data[12 * blocks:].ljust(12, b"\0"))
    a, b, c = (a + x) & MASK, (b + y) & MASK, (c + z) & MASK
    for shift_c, shift_a, shift_b in ((14, 11, 25), (16, 4, 14)):
        c = ((c ^ b) - _turned(b, shift_c)) & MASK
        a = ((a ^ c) - _turned(c, shift_a)) & MASK
        b = ((b ^ a) - _turned(a, shift_b)) & MASK
    return ((c ^ b) - _turned(b, 24)) & MASK


def _turned(value, bits):
    return (value << bits | value >> 32 - bits) & MASK


def fletcher32(data):
    """Fletcher's checksum over big-endian words of 16 bits, as the filter of that name takes it."""
    words = np.frombuffer(data + b"\0" * (len(data) % 2), ">u2")
    low = high = 0
    for start in range(0, len(words), 1 << 16):
        part = words[start:start + (1 << 16)].astype(np.uint64)
        high += low * len(part) + int((part * np.arange(len(part), 0, -1, dtype=np.uint64)).sum())
        low += int(part.sum())
    return _folded(high) << 16 | _folded(low)


def _folded(value):
    """Modulo 65535, where only zero itself becomes zero."""
    return (value - 1) % 65535 + 1 if value else 0
