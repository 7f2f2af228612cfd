"""fastnn.random: seeds, generators, and the functions that are compositions."""
import copy

import numpy as np
import pytest

from fastnn import ops, random
from fastnn.tape import GradientTape
from fastnn.tensor import convert_to_tensor


def test_an_integer_seed_gives_the_same_numbers_at_every_call():
    np.testing.assert_array_equal(random.normal((5,), seed=3).numpy(), random.normal((5,), seed=3).numpy())
    assert (random.normal((5,), seed=3).numpy() != random.normal((5,), seed=4).numpy()).all()


def test_a_generator_gives_new_numbers_that_repeat_from_its_seed():
    one, other = random.SeedGenerator(5), random.SeedGenerator(5)
    first, second = random.uniform((4,), seed=one).numpy(), random.uniform((4,), seed=one).numpy()
    assert (first != second).all()
    np.testing.assert_array_equal(random.uniform((4,), seed=other).numpy(), first)
    np.testing.assert_array_equal(random.uniform((4,), seed=other).numpy(), second)


def test_the_global_seed_repeats_everything():
    def draw():
        random.set_global_seed(11)
        return (random.normal((3,)).numpy().tolist(), random.make_default_seed(), random.SeedGenerator().state.numpy().tolist(),
                random.uniform((3,)).numpy().tolist())
    assert draw() == draw()
    first = draw()
    random.set_global_seed(12)
    assert random.normal((3,)).numpy().tolist() != first[0]


def test_next_starts_streams_that_differ():
    generator = random.SeedGenerator(5)
    seeds = [generator.next() for _ in range(3)]
    draws = [random.normal((4,), seed=seed).numpy() for seed in seeds]
    assert len({d.tobytes() for d in draws}) == 3
    np.testing.assert_array_equal(random.normal((4,), seed=seeds[0]).numpy(), draws[0])     # the seed itself stays


def test_generator_config_and_copy():
    generator = random.SeedGenerator(5, name="mine")
    assert generator.get_config() == {"seed": 5, "name": "mine"}
    assert random.SeedGenerator(**random.SeedGenerator().get_config()).get_config()["seed"] is None
    random.normal((3,), seed=generator)
    twin = copy.deepcopy(generator)
    np.testing.assert_array_equal(random.normal((3,), seed=generator).numpy(), random.normal((3,), seed=twin).numpy())


def test_dtypes():
    assert random.normal((2,), seed=1).dtype == "float32"
    assert random.truncated_normal((2,), dtype="float64", seed=1).dtype == "float64"
    assert random.randint((2,), 0, 5, seed=1).dtype == "int32"
    assert random.randint(3, 0, 5, dtype="uint8", seed=1).dtype == "uint8"
    assert random.uniform((2,), 0, 5, dtype="int64", seed=1).dtype == "int64"


def test_arguments_reach_the_distribution():
    x = random.normal((10000,), mean=5.0, stddev=2.0, seed=1).numpy()
    assert abs(x.mean() - 5) < 0.08 and abs(x.std() - 2) < 0.06
    x = random.truncated_normal((10000,), mean=5.0, stddev=2.0, seed=1).numpy()
    assert 1 <= x.min() and x.max() <= 9 and abs(x.std() - 2 * 0.8796) < 0.05
    x = random.randint((1000,), -2, 3, seed=1).numpy()
    assert set(x.tolist()) == {-2, -1, 0, 1, 2}


def test_categorical_follows_the_logits():
    p = np.array([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5]])
    with np.errstate(divide="ignore"):
        samples = random.categorical(np.log(p).astype("float32"), 5000, seed=1)
    assert samples.shape == (2, 5000) and samples.dtype == "int32"
    shares = np.stack([np.bincount(row, minlength=3) / 5000 for row in samples.numpy()])
    assert np.abs(shares - p).max() < 0.03 and shares[1, 0] == 0


def test_sample():
    p = np.array([0.1, 0.6, 0.3, 0.0])
    generator = random.SeedGenerator(1)
    for temperature in (0.5, 1.0, 2.0):
        expected = p ** (1 / temperature) / (p ** (1 / temperature)).sum()
        for given, logits in ((np.tile(p, (20000, 1)), False), (np.log(np.tile(p[:3], (20000, 1))) + 700.0, True)):
            found = np.bincount(random.sample(given, temperature, logits, seed=generator), minlength=4) / 20000
            np.testing.assert_allclose(found, expected, atol=0.015)
            assert found[3] == 0
    assert random.sample(p, 0) == 1 and isinstance(random.sample(p), int) and random.sample(p, seed=3) == random.sample(p, seed=3)
    assert random.sample(p * 5, 1e-3) == 1 and random.sample(np.float32([[0, 1], [1, 0]])).tolist() == [1, 0]
    for bad, message in ((([0.1, np.nan],), "NaN"), (([-1.0, 2.0],), "-1.0"), (([0.0, 0.0],), "above 0"), (([1.0], -1), "temperature"), (([[[1.0]]],), "shape"),
                         (([1.0], np.nan), "temperature")):
        with pytest.raises(ValueError, match=message):
            random.sample(*bad)


def test_dropout():
    x = convert_to_tensor(np.ones((100, 20), "float32"))
    assert random.dropout(x, 0.0) is x
    assert (random.dropout(x, 1.0, seed=1).numpy() == 0).all()
    with GradientTape() as tape:
        tape.watch(x)
        y = random.dropout(x, 0.5, noise_shape=(None, 1), seed=2)
    assert (y.numpy() == y.numpy()[:, :1]).all() and 20 < (y.numpy()[:, 0] == 0).sum() < 80
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), y.numpy())


def test_shuffle():
    x = np.arange(60).reshape(20, 3)
    y = random.shuffle(x, seed=1).numpy()
    assert sorted(y.tolist()) == x.tolist() and (y != x).any()
    z = random.shuffle(convert_to_tensor(x), axis=1, seed=1).numpy()
    assert [sorted(row) for row in z.tolist()] == x.tolist()


def test_bad_seeds_are_named():
    for seed in (1.5, "7", True):
        with pytest.raises(ValueError, match="seed"):
            random.normal((2,), seed=seed)
        with pytest.raises(ValueError, match="seed"):
            random.SeedGenerator(seed)
    with pytest.raises(ValueError, match="float type"):
        random.normal((2,), dtype="int32", seed=1)
    with pytest.raises(ValueError, match="batch, categories"):
        random.categorical(np.zeros(3, "float32"), 2, seed=1)


def test_same_bits_on_any_number_of_threads(threads):
    found = []
    for n in (1, 2, 4):
        threads(n)
        x = random.normal((300, 300), seed=1)
        found.append((x.numpy().tobytes(), ops.dropout(x, random.SeedGenerator(2).state, rate=0.4).numpy().tobytes()))
    assert len(set(found)) == 1
