"""Labels, norms, seeds, versions."""

import random

import numpy as np
import pytest

import fastnn
from fastnn import utils


def test_to_categorical():
    one_hot = utils.to_categorical([0, 2, 1])
    assert one_hot.dtype == np.float64
    np.testing.assert_array_equal(one_hot, [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert utils.to_categorical([[0], [1]], 4).shape == (2, 4)
    assert utils.to_categorical([[0, 1], [1, 0]]).shape == (2, 2, 2)
    assert utils.to_categorical(3).tolist() == [0, 0, 0, 1]
    assert utils.to_categorical(np.array([1.0, 0.0])).tolist() == [[0, 1], [1, 0]]
    assert utils.to_categorical([], 3).shape == (0, 3)


@pytest.mark.parametrize("x, num_classes", [([0, 3], 3), ([-1, 0], None), ([], None)])
def test_to_categorical_out_of_range(x, num_classes):
    with pytest.raises(ValueError, match="to_categorical"):
        utils.to_categorical(x, num_classes)


def test_to_categorical_of_names():
    with pytest.raises(ValueError, match="to_categorical.*integers.*<U3.*np.unique"):
        utils.to_categorical(["cat", "dog"])


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("order", [1, 2, np.inf])
def test_normalize(axis, order, rng):
    x = rng.normal(size=(3, 4))
    x[:, 1] = 0
    x[2] = 0
    y = utils.normalize(x, axis, order)
    norms = np.linalg.norm(y, order, axis)
    np.testing.assert_allclose(norms[norms != 0], 1)
    assert np.isfinite(y).all() and (y[2] == 0).all()
    np.testing.assert_array_equal(np.sign(y), np.sign(x))


def test_normalize_integers_and_lists():
    np.testing.assert_allclose(utils.normalize([[3, 4]]), [[0.6, 0.8]])


def test_set_random_seed_seeds_all_three():
    def draw():
        return random.random(), np.random.rand(), fastnn.random.uniform((4,)).numpy().tolist()

    utils.set_random_seed(5)
    first, next_ = draw(), draw()
    utils.set_random_seed(np.int64(5))
    assert draw() == first != next_ and draw() == next_


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "7", None, True])
def test_set_random_seed_checks(seed):
    with pytest.raises(ValueError, match="set_random_seed"):
        utils.set_random_seed(seed)


def test_clear_session_starts_names_anew():
    utils.clear_session()
    names = [fastnn.layers.Flatten().name for _ in range(2)]
    utils.clear_session()
    assert fastnn.layers.Flatten().name == names[0] == "flatten" and names[1] == "flatten_1"


def test_version_info():
    info = utils.version_info()
    assert info["fastnn"] == fastnn.__version__ and info["numpy"] == np.__version__ and info["threads"] >= 1


def test_every_name_of_utils_is_there():
    for name in utils.__all__:
        assert callable(getattr(utils, name)), name
    with pytest.raises(AttributeError, match="no_such_name"):
        utils.no_such_name


def test_py_dataset():
    class Batches(utils.PyDataset):
        ended = 0

        def __len__(self):
            return 3

        def __getitem__(self, index):
            return np.full((4, 2), index, "float32"), np.full((4, 1), index, "float32")

        def on_epoch_end(self):
            self.ended += 1

    model = fastnn.Sequential([fastnn.layers.Dense(1)])
    model.compile("sgd", "mse")
    batches = Batches(workers=2)
    assert len(model.fit(batches, epochs=2, validation_data=Batches(), verbose=0).history["val_loss"]) == batches.ended == 2
    assert model.predict(batches, verbose=0).shape == (12, 1)
    for lacking in (len, lambda dataset: dataset[0]):
        with pytest.raises(TypeError, match="PyDataset must define"):
            lacking(utils.PyDataset())


def test_sequence_is_the_older_name_of_py_dataset():
    assert fastnn.utils.Sequence is utils.PyDataset
