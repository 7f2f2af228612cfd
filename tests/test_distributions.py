"""fastnn.random.gamma, beta and binomial: their distributions (fixed seeds), arguments, errors."""
import math

import numpy as np
import pytest

from fastnn import random
from fastnn.tensor import convert_to_tensor


def chi_square(found, expected):
    """Distance of counts from expected ones, in standard deviations of what it is by chance."""
    found, expected = np.asarray(found, "float64"), np.asarray(expected)
    rare = expected < 20
    if rare.any():
        found, expected = np.append(found[~rare], found[rare].sum()), np.append(expected[~rare], expected[rare].sum())
    k = len(expected) - 1
    return (((found - expected) ** 2 / np.maximum(expected, 1e-9)).sum() - k) / math.sqrt(2 * k)


@pytest.mark.parametrize("n, p", [(5, 0.3), (30, 0.9), (40, 0.5), (100, 0.25), (1000, 0.05), (1, 0.5)])
def test_binomial_counts_are_those_of_the_distribution(n, p):
    draws, size = random.binomial((40000,), n, p, seed=3, dtype="float64").numpy(), 40000
    mass = [math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log(1 - p))
            for k in range(n + 1)]
    assert chi_square(np.bincount(draws.astype("int64"), minlength=n + 1), size * np.array(mass)) < 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("alpha", [0.2, 0.9, 1.0, 3.5, 60.0])
def test_moments_of_gamma(alpha, dtype):
    x = random.gamma((60000,), alpha, dtype=dtype, seed=5).numpy().astype("float64")
    deviation = math.sqrt(alpha / len(x))
    assert abs(x.mean() - alpha) < 4 * deviation
    fourth = 3 * alpha * (alpha + 2)
    assert abs(x.var() - alpha) < 4 * math.sqrt((fourth - alpha**2) / len(x))
    assert x.dtype == "float64" and (x >= 0).all()


def test_gamma_of_shape_1_is_exponential():
    x = np.sort(random.gamma((20000,), 1.0, dtype="float64", seed=6).numpy())
    steps = np.arange(len(x)) / len(x)
    assert np.abs(1 - np.exp(-x) - steps).max() * math.sqrt(len(x)) < 1.95


@pytest.mark.parametrize("a, b", [(0.5, 0.5), (2.0, 5.0), (30.0, 10.0)])
def test_moments_of_beta(a, b):
    x = random.beta((60000,), a, b, seed=7).numpy().astype("float64")
    mean, var = a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))
    assert abs(x.mean() - mean) < 4 * math.sqrt(var / len(x)) and abs(x.var() / var - 1) < 0.03
    assert ((x >= 0) & (x <= 1)).all()


def test_parameters_for_each_element():
    x = random.gamma((3, 2), np.array([[1.0], [50.0], [2000.0]]), seed=1).numpy()
    assert (x[1] > x[0]).all() and (x[2] > x[1]).all()
    x = random.binomial((2, 3), [1.0, 10.0, 100.0], [[0.0], [1.0]], seed=1)
    assert x.tolist() == [[0, 0, 0], [1, 10, 100]] and x.dtype == "float32"
    assert np.isfinite(random.beta((1000,), 1e-3, 1e-3, seed=2).numpy()).all()
    assert np.isnan(random.gamma((2,), -1.0, seed=1).numpy()).all() and np.isnan(random.binomial((2,), 5, 1.5, seed=1).numpy()).all()


def test_seeds():
    generator = random.SeedGenerator(4)
    draws = [function(*arguments, seed=generator).numpy() for function, arguments in
             2 * [(random.gamma, ((5,), 2.0)), (random.beta, ((5,), 2.0, 3.0)), (random.binomial, ((5,), 1e6, 0.5))]]
    assert len({d.tobytes() for d in draws}) == 6
    np.testing.assert_array_equal(random.gamma((5,), 2.0, seed=4).numpy(), draws[0])
    with pytest.raises(ValueError, match="float type"):
        random.gamma((2,), 1.0, dtype="int32")
    with pytest.raises(ValueError, match="broadcast_to"):
        random.gamma((2,), convert_to_tensor([1.0, 2.0, 3.0]))
