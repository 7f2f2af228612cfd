"""Rejection sampling in Python, from the streams that csrc/ref/rejection.inc describes."""
import math
from statistics import NormalDist

import numpy as np

MASK = 0xFFFFFFFF


def stream(state, i):
    """Pairs of numbers in (0, 1): Philox blocks of the element's counter with 1, 2 ... in the upper half."""
    block = 0
    while True:
        block += 1
        counter = (int(state[1]) + i) % 2**64
        c, k = [counter & MASK, counter >> 32, block, 0], [int(state[0]) & MASK, int(state[0]) >> 32]
        for _ in range(10):
            p0, p1 = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
            c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
            k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
        yield [(((c[j] | c[j + 1] << 32) >> 12) + 0.5) * 2.0**-52 for j in (0, 2)]


def after(state, n):
    return np.array([state[0], (int(state[1]) + 16 * -(-4 * n // 64)) % 2**64], np.uint64)


def log_gamma(numbers, alpha):
    boost = 0.0
    if alpha < 1:
        boost, alpha = math.log(next(numbers)[0]) / alpha, alpha + 1
    d = alpha - 1 / 3
    for u, w in numbers:
        x = NormalDist().inv_cdf(u)
        v = (1 + x / math.sqrt(9 * d)) ** 3
        if v > 0 and math.log(w) < x * x / 2 + d - d * v + d * math.log(v):
            return boost + math.log(d * v)


def random_gamma(state, alpha, *, logarithm=False):
    y = np.array([log_gamma(stream(state, i), float(a)) for i, a in enumerate(alpha.ravel())]).reshape(alpha.shape)
    return y if logarithm else np.exp(y), after(state, alpha.size)


def binomial(numbers, n, p):
    if n * p < 10:
        k = tried = 0
        while True:
            tried += math.ceil(math.log(next(numbers)[0]) / math.log1p(-p))
            if tried > n:
                return k
            k += 1
    deviation = math.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * deviation
    a, c, m = -0.0873 + 0.0248 * b + 0.01 * p, n * p + 0.5, math.floor((n + 1) * p)
    mass = lambda k: k * math.log(p / (1 - p)) - math.lgamma(k + 1) - math.lgamma(n - k + 1)     # noqa: E731
    for u, v in numbers:
        u -= 0.5
        near = 0.5 - abs(u)
        k = math.floor((2 * a / near + b) * u + c)
        if near >= 0.07 and v <= 0.92 - 4.2 / b:
            return k
        if 0 <= k <= n and math.log(v * (2.83 + 5.1 / b) * deviation / (a / near**2 + b)) <= mass(k) - mass(m):
            return k


def random_binomial(state, counts, probabilities):
    y = []
    for i, (n, p) in enumerate(zip(np.floor(counts.ravel().astype("float64")), probabilities.ravel().astype("float64"))):
        k = binomial(stream(state, i), n, min(p, 1 - p))
        y.append(n - k if p > 0.5 else k)
    return np.array(y, dtype="float64").reshape(counts.shape), after(state, counts.size)
