"""Hashes of text as TensorFlow computes them, so that bins are those of Keras: FarmHash's Fingerprint64, SipHash-2-4, crossings.

All values of one length are hashed at once, in arrays of uint64, whose arithmetic wraps around as these hashes want it.

FarmHash: https://github.com/google/farmhash (its constants are those of CityHash); SipHash: Aumasson & Bernstein, 2012,
https://131002.net/siphash/siphash.pdf.
"""
import numpy as np

U = np.uint64
K0, K1, K2 = U(0xC3A5C85C97CB3127), U(0xB492B66FBE98F273), U(0x9AE16A3B2F90404F)
CROSS, CROSS_KEY = U(0xC6A4A7935BD1E995), U(0xDECAFCAFFE)       # of TensorFlow's crossings
LONGEST = 64            # texts up to here have a formula of their own
AT_ONCE = 1 << 16       # texts of one length that are hashed together


def hash_strings(texts, key=None):
    """The hashes of texts.

    Args:
        texts: list of bytes.
        key: two integers for SipHash-2-4; None: FarmHash's Fingerprint64.

    Returns:
        Array of uint64.

    Example:
        >>> hash_strings([b"", b"hello"]).tolist()
        [11160318154034397263, 13009744463427800296]
    """
    lengths = np.fromiter(map(len, texts), "int64", len(texts))
    order = np.argsort(lengths, kind="stable")
    found = np.empty(len(texts), U)
    start = 0
    while start < len(order):
        length = int(lengths[order[start]])
        end = min(np.searchsorted(lengths, length, "right", sorter=order), start + AT_ONCE)
        rows = order[start:end]
        data = np.frombuffer(b"".join([texts[i] for i in rows.tolist()]), "uint8").reshape(len(rows), length)
        with np.errstate(over="ignore"):
            found[rows] = farmhash(data) if key is None else siphash(data, key)
        start = end
    return found


def cross_hashes(columns):
    """The hash of each row of columns that hold hashes of texts, or integers: arrays of uint64 of one shape."""
    found = np.full(np.shape(columns[0]), CROSS_KEY)
    with np.errstate(over="ignore"):
        for column in columns:
            found = (found ^ CROSS ^ mix(column * CROSS) * CROSS) * CROSS
            found = mix(mix(found) * CROSS)
    return found


def decimals(numbers):
    """Integers as the bytes of their decimal digits, which is what stands for them where they are hashed."""
    return [b"%d" % number for number in numbers.reshape(-1).tolist()]


# ---- FarmHash ---------------------------------------------------------------------------------------------------

def farmhash(data):
    """Fingerprint64 of texts of one length: the rows of an array of uint8."""
    length = data.shape[1]
    words = Words(data)
    if length > LONGEST:
        return of_long(words, length)
    mul = K2 + U(length * 2)
    if length > 32:
        return of_64(words, length, mul)
    if length > 16:
        a, b, c, d = words(0) * K1, words(8), words(length - 8) * mul, words(length - 16) * K2
        return join(turn(a + b, 43) + turn(c, 30) + d, a + turn(b + K2, 18) + c, mul)
    if length >= 8:
        a, b = words(0) + K2, words(length - 8)
        return join(turn(b, 37) * mul + a, (turn(a, 25) + b) * mul, mul)
    if length >= 4:
        return join(U(length) + (words(0, 4) << U(3)), words(length - 4, 4), mul)
    if length:
        a, b, c = (data[:, i].astype(U) for i in (0, length >> 1, length - 1))
        return mix((a + (b << U(8))) * K2 ^ (U(length) + (c << U(2))) * K0) * K2
    return np.full(len(data), K2)


def of_64(words, length, mul):
    """Of 33 to 64 bytes."""
    a, b, c, d = words(0) * K2, words(8), words(length - 8) * mul, words(length - 16) * K2
    y = turn(a + b, 43) + turn(c, 30) + d
    z = join(y, a + turn(b + K2, 18) + c, mul)
    e, f, g, h = words(16) * mul, words(24), (y + words(length - 32)) * mul, (z + words(length - 24)) * mul
    return join(turn(e + f, 43) + turn(g, 30) + h, e + turn(f + a, 18) + g, mul)


def of_long(words, length):
    """Of more than 64 bytes, by blocks of 64; the last one overlaps the one before it."""
    x = np.full(words.count, 81, U)
    y = x * K1 + U(113)
    z = mix(y * K2 + U(113)) * K2
    v = w = np.zeros_like(x), np.zeros_like(x)
    x = x * K2 + words(0)
    for s in range(0, (length - 1) // 64 * 64, 64):
        x, y, z, v, w = block(words, s, x, y, z, v, w, K1, U(1))
    mul = K1 + ((z & U(255)) << U(1))
    first = w[0] + U((length - 1) & 63)
    v = v[0] + first, v[1]
    x, y, z, v, w = block(words, length - 64, x, y, z, v, (first + v[0], w[1]), mul, U(9))
    return join(join(v[0], w[0], mul) + mix(y) * K0 + z, join(v[1], w[1], mul) + x, mul)


def block(words, s, x, y, z, v, w, mul, nine):
    """The state after a block of 64 bytes."""
    x = turn(x + y + v[0] + words(s + 8), 37) * mul ^ w[1] * nine
    y = turn(y + v[1] + words(s + 48), 42) * mul + v[0] * nine + words(s + 40)
    z = turn(z + w[0], 33) * mul
    v = weak(words, s, v[1] * mul, x + w[0])
    w = weak(words, s + 32, z + w[1], y + words(s + 16))
    return z, y, x, v, w


def weak(words, s, a, b):
    """16 bytes of hash for 32 bytes and two seeds."""
    last, a = words(s + 24), a + words(s)
    b = turn(b + a + last, 21)
    c = a + words(s + 8) + words(s + 16)
    return c + last, b + turn(c, 44) + a


def join(u, v, mul):
    a = mix((u ^ v) * mul)
    return mix((v ^ a) * mul) * mul


def mix(x):
    return x ^ x >> U(47)


def turn(x, bits):
    """The bits of x, rotated to the right."""
    return x >> U(bits) | x << U(64 - bits)


class Words:
    """The bytes of texts, read as little-endian numbers of 8 or 4 bytes from any place on."""

    def __init__(self, data):
        self.data, self.count = data, len(data)

    def __call__(self, place, size=8):
        part = np.ascontiguousarray(self.data[:, place:place + size])
        return part.view(f"<u{size}")[:, 0].astype(U)


# ---- SipHash ----------------------------------------------------------------------------------------------------

def siphash(data, key):
    """SipHash-2-4 of texts of one length: the rows of an array of uint8; key: two integers."""
    count, length = data.shape
    padded = np.zeros((count, length // 8 * 8 + 8), "uint8")
    padded[:, :length], padded[:, -1] = data, length & 255
    k0, k1 = (U(k % 2**64) for k in key)
    state = [np.full(count, k ^ U(c)) for k, c in ((k0, 0x736F6D6570736575), (k1, 0x646F72616E646F6D),
                                                   (k0, 0x6C7967656E657261), (k1, 0x7465646279746573))]
    words = Words(padded)
    for place in range(0, padded.shape[1], 8):
        word = words(place)
        state[3] = state[3] ^ word
        state = sip_round(*sip_round(*state))
        state[0] = state[0] ^ word
    state[2] = state[2] ^ U(255)
    for _ in range(4):
        state = sip_round(*state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def sip_round(a, b, c, d):
    a, c = a + b, c + d
    b, d = turn(b, 51) ^ a, turn(d, 48) ^ c
    a = turn(a, 32)
    a, c = a + d, c + b
    d, b = turn(d, 43) ^ a, turn(b, 47) ^ c
    return [a, b, turn(c, 32), d]
