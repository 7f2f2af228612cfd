"""Random numbers: Philox's known answers, each instruction set, distributions (fixed seeds), dropout."""
import math
from statistics import NormalDist

import numpy as np
import pytest

from fastnn import ops
from fastnn._core import launch as core
from fastnn.tape import GradientTape
from fastnn.tensor import Spec, Variable, convert_to_tensor

from .references import random as reference

LEVELS = [level for level in core.LEVELS if level in core.levels("dropout")
          and core.LEVELS.index(level) <= core.LEVELS.index(core.LEVEL)]


def state(seed=7, counter=0):
    return Variable(np.array([seed, counter], "uint64"), trainable=False)


def kolmogorov_smirnov(sample, distribution):
    """The largest distance between a sample's distribution and the expected one, in units of 1 / sqrt(n): 1.95 happens once in 1000."""
    sample = np.sort(sample.ravel())
    expected = np.array([distribution(v) for v in sample.tolist()])
    steps = np.arange(len(sample) + 1) / len(sample)
    return max((expected - steps[:-1]).max(), (steps[1:] - expected).max()) * math.sqrt(len(sample))


# Random123's kat_vectors, "philox4x32 10": counter, key, result.
KNOWN = [((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
         ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
         ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1))]


@pytest.mark.parametrize("counter, key, expected", KNOWN)
def test_philox_known_answers(counter, key, expected):
    """The reference that all kernels are held against, with the published vectors (which use all four counter words)."""
    mask = 0xFFFFFFFF
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & mask, (p0 >> 32) ^ c[3] ^ k[1], p0 & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    assert tuple(c) == expected


def test_the_stream_begins_with_the_known_answer():
    words = ops.random_words(state(0, 0), shape=(64,)).numpy()
    assert words[[0, 16, 32, 48]].tolist() == list(KNOWN[0][2])


@pytest.mark.parametrize("counter", [0, 2**32 - 8, 2**64 - 8])
def test_every_instruction_set_draws_the_same_bits(counter):
    for n in (1, 63, 64, 1000):
        found = []
        for level in LEVELS:
            s, y, mask = np.array([2**63 + 5, counter], "uint64"), np.empty(n, "float32"), np.zeros(-(-n // 8), "uint8")
            core.launch_at(level, "random_uniform", (s, y, n, -0.3, 0.7))
            dropped = np.empty(n, "float32")
            core.launch_at(level, "dropout", (np.ones(n, "float32"), s, dropped, mask, n, mask.size, 0.3))
            normals = [np.empty(n, "float32"), np.empty(n, "float32")]
            core.launch_at(level, "random_normal", (s, normals[0], n, 0.7, 1.3, 0.0, 1.0))
            core.launch_at(level, "random_normal", (s, normals[1], n, 0.0, 2.0, 0.02275, 0.97725))
            found.append((y.tobytes(), dropped.tobytes(), mask.tobytes(), s.tobytes(), *[z.tobytes() for z in normals]))
        assert len(set(found)) == 1
    words, _ = reference.words(np.array([2**63 + 5, counter], "uint64"), n)
    np.testing.assert_allclose(y, -0.3 + (words >> np.uint64(8)) * 2.0**-24, atol=1e-7)


def test_draws_continue_where_the_last_one_ended():
    together = ops.random_words(state(), shape=(192,)).numpy()
    s = state()
    parts = [ops.random_words(s, shape=(n,)).numpy() for n in (64, 128)]
    np.testing.assert_array_equal(together, np.concatenate(parts))
    first, second = (ops.random_uniform(s, shape=(8,)).numpy() for _ in range(2))
    assert (first != second).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_is_uniform(dtype):
    y = ops.random_uniform(state(), shape=(20000,), minval=-2.0, maxval=3.0, dtype=dtype).numpy()
    assert y.min() >= -2 and y.max() < 3
    assert kolmogorov_smirnov(y, lambda v: (v + 2) / 5) < 1.95


def test_uniform_never_reaches_its_upper_bound():
    """1 + (1 - 2^-24) 2^-23 would round to the bound."""
    low, high = 1.0, float(np.nextafter(np.float32(1), np.float32(2)))
    y = ops.random_uniform(state(), shape=(1000,), minval=low, maxval=high).numpy()
    assert (y == 1).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal_is_normal(dtype):
    y = ops.random_normal(state(), shape=(20000,), dtype=dtype).numpy()
    assert kolmogorov_smirnov(y, NormalDist().cdf) < 1.95
    assert abs(y.mean()) < 3 / math.sqrt(y.size) and abs(y.var() - 1) < 3 * math.sqrt(2 / y.size)


def test_the_tails_of_normal_are_there():
    y = np.abs(ops.random_normal(state(), shape=(1000000,)).numpy())
    for sigma in (3.0, 4.0):
        expected = 2e6 * NormalDist().cdf(-sigma)
        assert abs((y > sigma).sum() - expected) < 4 * math.sqrt(expected)


def test_truncated_normal_stays_within_two_sigma():
    y = ops.truncated_normal(state(), shape=(20000,), mean=1.0, stddev=0.5).numpy()
    assert y.min() > 0 and y.max() < 2
    below, inside = NormalDist().cdf(-2), NormalDist().cdf(2) - NormalDist().cdf(-2)
    assert kolmogorov_smirnov((y - 1) / 0.5, lambda v: (NormalDist().cdf(v) - below) / inside) < 1.95


def test_integers_are_even():
    y = ops.random_integers(state(), shape=(60000,), minval=-2, maxval=4).numpy()
    counts = np.bincount(y + 2, minlength=6)
    assert len(counts) == 6 and ((counts - 10000) ** 2 / 10000).sum() < 20.5     # chi-square, 5 degrees: once in 1000


def test_neighbours_are_uncorrelated():
    y = ops.random_uniform(state(), shape=(100000,)).numpy().astype("float64") - 0.5
    for lag in (1, 2, 16, 64):
        assert abs((y[lag:] * y[:-lag]).mean() * 12) < 4 / math.sqrt(len(y))


def test_permutation():
    y = ops.random_permutation(state(), n=1000).numpy()
    assert sorted(y) == list(range(1000)) and (y != np.arange(1000)).sum() > 950
    firsts = [int(ops.random_permutation(state(seed), n=4).numpy()[0]) for seed in range(400)]
    assert ((np.bincount(firsts, minlength=4) - 100) ** 2 / 100).sum() < 16.3


# ---- Dropout ----

@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(rate):
    y = ops.dropout(np.ones(100000, "float32"), state(), rate=rate).numpy()
    dropped = (y == 0).mean()
    assert abs(dropped - rate) < 4 * math.sqrt(rate * (1 - rate) / y.size)
    np.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-6)


def test_dropout_at_its_ends():
    x = np.array([1.0, np.inf, np.nan, -2.0], "float32")
    np.testing.assert_array_equal(ops.dropout(x, state(), rate=0.0).numpy(), x)
    np.testing.assert_array_equal(ops.dropout(x, state(), rate=1.0).numpy(), 0)     # inf and nan as well


def test_dropout_gives_the_gradient_to_what_it_kept():
    x = convert_to_tensor(np.full(1000, 3.0, "float32"))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.dropout(x, state(), rate=0.25)
    np.testing.assert_allclose(tape.gradient(y, x).numpy() * 3, y.numpy(), rtol=1e-6)


def test_dropout_moves_the_state_on():
    s, x = state(), np.ones(256, "float32")
    first, second = (ops.dropout(x, s, rate=0.5).numpy() for _ in range(2))
    assert (first != second).any() and s.numpy().tolist() == [7, 64]


def test_noise_shape_drops_whole_channels():
    x = convert_to_tensor(np.ones((8, 5, 5, 16), "float32"))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.dropout(x, state(), rate=0.5, noise_shape=(None, 1, 1, 16))
    assert (y.numpy() == y.numpy()[:, :1, :1]).all() and set(np.unique(y.numpy())) == {0, 2}
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), y.numpy())


def test_bad_input_is_named():
    x = np.ones((2, 3), "float32")
    with pytest.raises(ValueError, match="rate is 1.5"):
        ops.dropout(x, state(), rate=1.5)
    with pytest.raises(ValueError, match="noise_shape .* does not broadcast"):
        ops.dropout(x, state(), rate=0.5, noise_shape=(2, 2))
    with pytest.raises(ValueError, match="two uint64"):
        ops.dropout(x, np.zeros(2, "int32"), rate=0.5)
    with pytest.raises(ValueError, match="maxval must be larger"):
        ops.random_integers(state(), shape=(2,), minval=3, maxval=3)
    with pytest.raises(ValueError, match="dtype is 'int32'"):
        ops.random_normal(state(), shape=(2,), dtype="int32")


def test_symbolic_dropout_keeps_the_shape():
    assert ops.dropout(Spec((None, 4)), state(), rate=0.5).shape == (None, 4)
    assert ops.dropout(Spec((None, 4)), state(), rate=0.5, noise_shape=(None, 1)).shape == (None, 4)
