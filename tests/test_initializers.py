"""Initializers: values, scales and configs of real Keras (tests/golden/make_initializers.py), distributions, seeds, errors."""
import json
import pathlib

import numpy as np
import pytest

from fastnn import initializers, random, utils
from fastnn.tensor import Tensor

FACTS = json.loads((pathlib.Path(__file__).parent / "golden" / "initializers.json").read_text())
RANDOM = ["random_normal", "random_uniform", "truncated_normal", "variance_scaling", "glorot_uniform", "glorot_normal",
          "lecun_normal", "lecun_uniform", "he_normal", "he_uniform", "orthogonal"]  # fmt: skip


def as_json(config):
    return json.loads(json.dumps(config))


def label(fact):
    return f"{fact['class']}-{fact['arguments']}"


@pytest.mark.parametrize("fact", FACTS["random"], ids=label)
def test_random_initializers_draw_what_keras_draws(fact, monkeypatch):
    made = getattr(initializers, fact["class"])(**fact["arguments"])
    assert as_json(initializers.serialize(made)) == fact["config"]
    for shape, name, numbers in fact["draws"]:
        seen = []
        monkeypatch.setattr(random, name, lambda shape, dtype=None, seed=None, **numbers: seen.append(numbers))
        made(tuple(shape))
        monkeypatch.undo()
        assert seen[0] == pytest.approx(numbers, rel=1e-12)


@pytest.mark.parametrize("fact", FACTS["fixed"], ids=label)
def test_fixed_initializers_are_keras(fact):
    if fact["arguments"].get("window") == "blackman":
        pytest.importorskip("scipy")
    made = getattr(initializers, fact["class"])(**fact["arguments"])
    config = as_json(initializers.serialize(made))
    if fact["class"] == "Identity":     # Keras forgets it
        assert config["config"].pop("gain") == fact["arguments"].get("gain", 1.0)
    assert config == fact["config"]
    value = made(tuple(fact["shape"]), dtype="float64")
    assert isinstance(value, Tensor) and value.dtype == "float64"
    np.testing.assert_allclose(value.numpy(), np.reshape(fact["value"], fact["shape"]), rtol=1e-9, atol=2e-7 if fact["class"] == "STFT" else 0)
    assert made(tuple(fact["shape"])).dtype == "float32"


@pytest.mark.parametrize("dtype", ["float64", "int32", "uint8", "bool"])
def test_fixed_values_of_any_dtype(dtype):
    for made, wanted in ((initializers.Zeros(), 0), (initializers.Ones(), 1), (initializers.Constant(1), 1), (initializers.Identity(), 1)):
        value = made((1, 1), dtype=dtype)
        assert value.dtype == dtype and value.tolist() == [[wanted]]


@pytest.mark.parametrize("name", RANDOM)
def test_same_seed_same_values(name):
    cls = getattr(initializers, name)
    first, second = cls(seed=7), cls(seed=7)
    a, b, c = (made((4, 5)).numpy() for made in (first, second, cls(seed=8)))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, first((4, 5)).numpy())
    assert (a != c).any()
    unseeded = cls()
    np.testing.assert_array_equal(unseeded((4, 5)).numpy(), unseeded((4, 5)).numpy())
    assert (unseeded((4, 5)).numpy() != cls()((4, 5)).numpy()).any()
    generator = cls(seed=random.SeedGenerator(3))
    assert (generator((4, 5)).numpy() != generator((4, 5)).numpy()).any()


@pytest.mark.parametrize("name", RANDOM)
def test_the_global_seed_is_the_seed_of_all(name):
    cls = getattr(initializers, name)

    def draw():
        utils.set_random_seed(5)
        return [cls()((3, 4)).numpy() for _ in range(2)]

    first, second = draw(), draw()
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).any()


@pytest.mark.parametrize("name", RANDOM)
def test_round_trip(name):
    made = initializers.get(name)
    config = as_json(initializers.serialize(made))
    copy = initializers.deserialize(config)
    assert type(copy) is type(made) and as_json(initializers.serialize(copy)) == config
    assert type(made.clone()) is type(made)
    generator = type(made)(seed=random.SeedGenerator(3))
    copy = initializers.deserialize(as_json(initializers.serialize(generator)))
    assert isinstance(copy.seed, random.SeedGenerator)
    np.testing.assert_array_equal(copy((3, 4)).numpy(), generator((3, 4)).numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("made, mean, deviation, bound", [
    (initializers.RandomNormal(1.0, 0.5, seed=1), 1.0, 0.5, np.inf),
    (initializers.RandomUniform(-1.0, 3.0, seed=1), 1.0, 4 / 12**0.5, 2.0),
    (initializers.TruncatedNormal(1.0, 0.5, seed=1), 1.0, 0.5 * initializers.TRUNCATED_STDDEV, 1.0),
    (initializers.GlorotUniform(seed=1), 0.0, (2 / 500) ** 0.5, (6 / 500) ** 0.5),
    (initializers.HeNormal(seed=1), 0.0, (2 / 200) ** 0.5, 2 * (2 / 200) ** 0.5 / initializers.TRUNCATED_STDDEV),
    (initializers.LecunNormal(seed=1), 0.0, (1 / 200) ** 0.5, 2 * (1 / 200) ** 0.5 / initializers.TRUNCATED_STDDEV),
])  # fmt: skip
def test_distributions(made, mean, deviation, bound, dtype):
    values = made((200, 300), dtype=dtype).numpy()
    assert values.dtype == dtype
    assert values.mean() == pytest.approx(mean, abs=4 * deviation / values.size**0.5)
    assert values.std() == pytest.approx(deviation, rel=0.015)
    assert np.abs(values - mean).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (3, 2, 4)])
def test_orthogonal(shape):
    values = initializers.Orthogonal(gain=2.0, seed=1)(shape, dtype="float64").numpy().reshape(-1, shape[-1]) / 2.0
    product = values.T @ values if values.shape[0] >= values.shape[1] else values @ values.T
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)


def test_get_takes_all_that_users_pass():
    assert initializers.get(None) is None
    assert isinstance(initializers.get("he_normal"), initializers.HeNormal)
    assert isinstance(initializers.get("HeNormal"), initializers.HeNormal)
    assert isinstance(initializers.get("normal"), initializers.RandomNormal)
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)
    assert initializers.get({"class_name": "Constant", "config": {"value": 3.0}})((1,)).numpy() == [3.0]
    assert initializers.get(lambda shape, dtype=None: "made")((1,)) == "made"
    assert initializers.Constant(3.0)(()).shape == ()
    assert initializers.Constant([1.0, 2.0])((2, 2)).tolist() == [[1.0, 2.0], [1.0, 2.0]]
    values = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(initializers.get(values)((2, 3)).numpy(), values)
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 2\)"):
        initializers.get(values)((3, 2))


@pytest.mark.parametrize("make, message", [
    (lambda: initializers.get("glorot_unifrom"), "Unknown initializer: 'glorot_unifrom'. Did you mean 'glorot_uniform'"),
    (lambda: initializers.get(3), "Could not interpret initializer identifier: 3"),
    (lambda: initializers.VarianceScaling(scale=0), "scale=0"),
    (lambda: initializers.VarianceScaling(mode="in"), "'in'"),
    (lambda: initializers.VarianceScaling(distribution="flat"), "'flat'"),
    (lambda: initializers.RandomNormal(seed="a"), "seed='a'"),
    (lambda: initializers.Orthogonal()((3,)), "two-dimensional"),
    (lambda: initializers.Identity()((3,)), "2D"),
    (lambda: initializers.STFT(side="left"), "left"),
    (lambda: initializers.STFT(scaling="left"), "left"),
    (lambda: initializers.STFT(window=[1.0])((4, 1, 3)), r"\(4,\)"),
])  # fmt: skip
def test_wrong_values(make, message):
    with pytest.raises(ValueError, match=message):
        make()
