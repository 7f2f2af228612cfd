"""Philox4x32-10 in NumPy, and what is drawn from it.  Each function returns its results and then the new state."""
import math
from statistics import NormalDist

import numpy as np


def philox(key, counters):
    """Four words for each counter, (4, n): Salmon et al., 2011, figure 2."""
    mask = np.uint64(0xFFFFFFFF)
    counters = np.asarray(counters, np.uint64)
    c = [counters & mask, counters >> np.uint64(32), np.zeros_like(counters), np.zeros_like(counters)]
    k = [int(key) & 0xFFFFFFFF, int(key) >> 32]
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]), p1 & mask, (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k[1]), p0 & mask]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.array(c, np.uint64)


def words(state, n):
    """n words of the stream, and the state after them: groups of 64, word 0 of 16 blocks, then word 1 ..."""
    groups = -(-n // 64)
    counters = np.array([(int(state[1]) + i) % 2**64 for i in range(16 * groups)], np.uint64)
    stream = philox(state[0], counters).reshape(4, groups, 16).transpose(1, 0, 2).reshape(-1)[:n]
    return stream, np.array([state[0], (int(state[1]) + 16 * groups) % 2**64], np.uint64)


def pairs(stream):
    return stream[::2] | stream[1::2] << np.uint64(32)


def random_words(state, *, shape):
    stream, state = words(state, math.prod(shape))
    return stream.astype("uint32").reshape(shape), state


def random_uniform(state, *, shape, minval=0.0, maxval=1.0, dtype):
    n = math.prod(shape)
    stream, state = words(state, n if dtype == "float32" else 2 * n)
    u = (stream >> np.uint64(8)) * 2.0**-24 if dtype == "float32" else (pairs(stream) >> np.uint64(11)) * 2.0**-53
    return (minval + u * (maxval - minval)).reshape(shape), state


def open_uniform(state, n, dtype):
    stream, state = words(state, n if dtype == "float32" else 2 * n)
    return ((stream + 0.5) * 2.0**-32 if dtype == "float32" else ((pairs(stream) >> np.uint64(12)) + 0.5) * 2.0**-52), state


def quantiles(p):
    return np.array([NormalDist().inv_cdf(v) for v in p])


def random_normal(state, *, shape, mean=0.0, stddev=1.0, dtype):
    u, state = open_uniform(state, math.prod(shape), dtype)
    return (quantiles(u) * stddev + mean).reshape(shape), state


def truncated_normal(state, *, shape, mean=0.0, stddev=1.0, dtype):
    u, state = open_uniform(state, math.prod(shape), dtype)
    low, high = NormalDist().cdf(-2), NormalDist().cdf(2)
    return (quantiles(low + u * (high - low)) * stddev + mean).reshape(shape), state


def scaled(stream, ranges):
    return [int(r) * m >> 64 for r, m in zip(pairs(stream), ranges)]


def random_integers(state, *, shape, minval, maxval):
    n = math.prod(shape)
    stream, state = words(state, 2 * n)
    return np.array([minval + v for v in scaled(stream, [maxval - minval] * n)], "int64").reshape(shape), state


def random_permutation(state, *, n):
    stream, state = words(state, 2 * n)
    y = list(range(n))
    for left, other in zip(range(n, 0, -1), scaled(stream, range(n, 0, -1))):
        y[left - 1], y[other] = y[other], y[left - 1]
    return np.array(y, "int64"), state


def dropout_forward(x, state, *, rate):
    stream, state = words(state, -(-x.size // 2))
    halves = np.stack([stream & np.uint64(0xFFFF), stream >> np.uint64(16)], 1).reshape(-1)[:x.size]
    keep = halves >= round(rate * 65536)
    y = np.where(keep.reshape(x.shape), x / (1 - rate) if rate < 1 else 0, 0)
    return y, np.packbits(keep, bitorder="little"), state


def dropout_grad(dy, mask, *, rate):
    keep = np.unpackbits(mask, bitorder="little")[:dy.size].reshape(dy.shape)
    return np.where(keep, dy / (1 - rate) if rate < 1 else 0, 0)
