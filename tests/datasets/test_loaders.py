"""The loaders against small files. Expected splits and encodings were computed with Keras 3.15.1 on the same files."""

import gzip
import io
import json
import pickle
import tarfile

import numpy as np
import pytest

from fastnn import config, datasets

from .conftest import ragged

# What Keras makes of the files below.
IMDB_TRAIN = [[1, 5, 6], [1, 4, 8, 2], [1, 7], [1, 10, 10, 10, 10], [1, 11, 4]]
IMDB_Y_TRAIN = [1, 0, 3, 2, 4]
IMDB_TEST = [[1, 5, 6], [1, 11, 4], [1, 7], [1, 4, 8, 2], [1, 10, 10, 10, 10]]
IMDB_Y_TEST = [1, 4, 3, 0, 2]
IMDB_SHORT = [[2, 7], [2, 2, 4], [2, 5, 6]]
IMDB_Y_SHORT = [3, 4, 1]
IMDB_DROPPED = [[2, 3], [1], [4], [1], []]
REUTERS_TRAIN = [[1, 5, 6, 7], [1, 4, 5, 5], [1, 7, 8, 2], [1, 6, 7, 2]]
REUTERS_Y_TRAIN = [1, 0, 3, 2]
REUTERS_TEST = [[1, 8, 2, 2], [1, 4]]
REUTERS_Y_TEST = [4, 5]
BOSTON_ORDER = [9.0, 3.0, 6.0, 1.0, 0.0, 7.0, 4.0, 8.0, 2.0, 5.0]


def lists(x):
    assert x.dtype == object and x.ndim == 1 and all(type(n) is int for sequence in x for n in sequence)
    return x.tolist()


def test_digits():
    (x_train, y_train), (x_test, y_test) = datasets.digits.load_data()
    assert x_train.shape == (2000, 28, 28) and x_test.shape == (500, 28, 28)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert np.bincount(y_train).tolist() == [200] * 10 and np.bincount(y_test).tolist() == [50] * 10
    assert x_train.max() == 255 and not {x.tobytes() for x in x_train} & {x.tobytes() for x in x_test}


def test_fashion_mnist(data_dir):
    folder = data_dir / "fashion-mnist"
    folder.mkdir()
    images = np.arange(3 * 4 * 5, dtype="uint8").reshape(3, 4, 5)
    for part in ("train", "t10k"):
        for kind, array in (("images-idx3", images), ("labels-idx1", images[:, 0, 1])):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    (x_train, y_train), (x_test, y_test) = datasets.fashion_mnist.load_data()
    for x, y in ((x_train, y_train), (x_test, y_test)):
        np.testing.assert_array_equal(x, images)
        np.testing.assert_array_equal(y, images[:, 0, 1])
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"hello"))
    with pytest.raises(ValueError, match="IDX"):
        datasets.fashion_mnist.load_data()


class Python2Pickler(pickle._Pickler):
    """Writes strings as Python 2 did, which the published files come from."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_string(self, text):
        content = text.encode("latin1") if isinstance(text, str) else text
        self.write(pickle.BINSTRING + len(content).to_bytes(4, "little") + content)

    dispatch[bytes] = dispatch[str] = save_string


def cifar_batch(start, label_keys):
    data = (np.arange(2 * 3072) + start).astype("uint8").reshape(2, 3072)
    f = io.BytesIO()
    Python2Pickler(f, 2).dump({b"data": data, **{key: [start, start + 1] for key in label_keys}})
    return f.getvalue()


@pytest.fixture(params=["folder", "archive"])
def cifar_files(request, data_dir):
    """Writes CIFAR files as a folder and as the archive that is published."""

    def write(folder, archive, contents):
        if request.param == "folder":
            (data_dir / folder).mkdir()
            for name, content in contents.items():
                (data_dir / folder / name).write_bytes(content)
            return
        with tarfile.open(data_dir / archive, "w:gz") as tar:
            for name, content in contents.items():
                info = tarfile.TarInfo(f"{folder}/{name}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))

    return write


def test_cifar10(cifar_files):
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    batches = {name: cifar_batch(10 * i, [b"labels"]) for i, name in enumerate(names)}
    cifar_files("cifar-10-batches-py", "cifar-10-python.tar.gz", batches)
    (x_train, y_train), (x_test, y_test) = datasets.cifar10.load_data()
    assert x_train.shape == (10, 32, 32, 3) and x_test.shape == (2, 32, 32, 3) and x_train.flags.c_contiguous
    assert y_train.tolist() == [[0], [1], [10], [11], [20], [21], [30], [31], [40], [41]]
    assert y_test.tolist() == [[50], [51]] and y_test.dtype == x_test.dtype == np.uint8
    # pixel (row 1, column 2) of the first picture: red at 34, green 1,024 bytes on, blue 2,048
    assert x_train[0, 1, 2].tolist() == [n % 256 for n in (34, 34 + 1024, 34 + 2048)]


def test_cifar100(cifar_files):
    batches = {name: cifar_batch(5, [b"fine_labels", b"coarse_labels"]) for name in ("train", "test")}
    cifar_files("cifar-100-python", "cifar-100-python.tar.gz", batches)
    for mode in ("fine", "coarse"):
        (x_train, y_train), (_, y_test) = datasets.cifar100.load_data(label_mode=mode)
        assert x_train.shape == (2, 32, 32, 3) and y_train.tolist() == y_test.tolist() == [[5], [6]]
    with pytest.raises(ValueError, match="label_mode"):
        datasets.cifar100.load_data("all")


def test_cifar_keeps_channels_first(cifar_files):
    batches = {name: cifar_batch(5, [b"fine_labels"]) for name in ("train", "test")}
    cifar_files("cifar-100-python", "cifar-100-python.tar.gz", batches)
    config.set_image_data_format("channels_first")
    try:
        (x_train, _), _ = datasets.cifar100.load_data()
    finally:
        config.set_image_data_format("channels_last")
    assert x_train.shape == (2, 3, 32, 32)


@pytest.fixture
def imdb_file(data_dir):
    x = ragged([1, 5, 9], [2, 3], [7, 7, 7, 7], [4], [8, 1])
    np.savez(data_dir / "imdb.npz", x_train=x, y_train=np.arange(5), x_test=x[::-1], y_test=np.arange(5)[::-1])


def test_imdb(imdb_file):
    (x_train, y_train), (x_test, y_test) = datasets.imdb.load_data()
    assert lists(x_train) == IMDB_TRAIN and y_train.tolist() == IMDB_Y_TRAIN
    assert lists(x_test) == IMDB_TEST and y_test.tolist() == IMDB_Y_TEST


def test_imdb_words_left_out(imdb_file):
    (x_train, y_train), (x_test, _) = datasets.imdb.load_data(num_words=8, skip_top=2, maxlen=4, seed=3)
    assert lists(x_train) == IMDB_SHORT and y_train.tolist() == IMDB_Y_SHORT
    (x_train, _), (x_test, _) = datasets.imdb.load_data(start_char=None, oov_char=None, index_from=0, num_words=5)
    assert lists(x_test) == IMDB_DROPPED
    with pytest.raises(ValueError, match="maxlen=1"):
        datasets.imdb.load_data(maxlen=1)


def test_word_index(data_dir):
    for module, name in ((datasets.imdb, "imdb"), (datasets.reuters, "reuters")):
        (data_dir / f"{name}_word_index.json").write_text(json.dumps({"the": 1, "café": 2}), encoding="utf-8")
        assert module.get_word_index() == {"the": 1, "café": 2}


@pytest.fixture
def reuters_file(data_dir):
    x = ragged(*([i, i + 1, 2 * i] for i in range(1, 6)), [1])
    np.savez(data_dir / "reuters.npz", x=x, y=np.arange(6))


def test_reuters(reuters_file):
    (x_train, y_train), (x_test, y_test) = datasets.reuters.load_data(num_words=9)
    assert lists(x_train) == REUTERS_TRAIN and y_train.tolist() == REUTERS_Y_TRAIN
    assert lists(x_test) == REUTERS_TEST and y_test.tolist() == REUTERS_Y_TEST
    (x_train, y_train), (x_test, _) = datasets.reuters.load_data(test_split=0.5, maxlen=4, index_from=0)
    assert lists(x_train) == [] and lists(x_test) == [[2, 2]]


def test_reuters_label_names():
    names = datasets.reuters.get_label_names()
    assert len(names) == len(set(names)) == 46 and names[3] == "earn" and names[45] == "lead"


@pytest.mark.parametrize("test_split", [0.2, 0.0, 0.35])
def test_boston_housing_splits_as_keras(data_dir, test_split):
    x = np.arange(20.0).reshape(10, 2)
    np.savez(data_dir / "boston_housing.npz", x=x, y=np.arange(10.0))
    (x_train, y_train), (x_test, y_test) = datasets.boston_housing.load_data(test_split=test_split)
    count = {0.2: 8, 0.0: 10, 0.35: 6}[test_split]
    assert [*y_train, *y_test] == BOSTON_ORDER and len(y_train) == count
    np.testing.assert_array_equal(np.concatenate([x_train, x_test])[:, 0], 2 * np.array(BOSTON_ORDER))


@pytest.mark.parametrize("test_split", [-0.1, 1, 2])
def test_test_split_is_checked(data_dir, test_split):
    np.savez(data_dir / "boston_housing.npz", x=np.zeros((4, 2)), y=np.zeros(4))
    with pytest.raises(ValueError, match="test_split"):
        datasets.boston_housing.load_data(test_split=test_split)


def test_california_housing(data_dir):
    np.savez(data_dir / "california_housing.npz", x=np.zeros((700, 8)), y=np.arange(700))
    (x_train, y_train), (x_test, y_test) = datasets.california_housing.load_data()
    assert x_train.shape == (560, 8) and x_test.shape == (140, 8)
    (_, y_train), (_, y_test) = datasets.california_housing.load_data("small")
    assert len(y_train) == 480 and max([*y_train, *y_test]) == 599
    with pytest.raises(ValueError, match="version"):
        datasets.california_housing.load_data("medium")
