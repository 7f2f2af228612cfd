"""Where files are looked for, and that reading them runs nothing."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from fastnn import datasets
from fastnn.datasets._files import dataset_file, read_npz, read_pickle

from .conftest import ragged


def test_data_dir_comes_first_and_is_not_checked(data_dir, no_network):
    np.savez(data_dir / "mnist.npz", **{k: np.zeros(3, "uint8") for k in ("x_train", "y_train", "x_test", "y_test")})
    (x_train, _), _ = datasets.mnist.load_data()
    assert x_train.shape == (3,)
    assert not no_network


def test_cache_comes_second(data_dir, tmp_path, no_network):
    cached = tmp_path / "home" / "datasets" / "a.npz"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"content")
    sha256 = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
    assert dataset_file("a.npz", "https://example.org/a.npz", sha256) == str(cached)
    assert not no_network


def test_absolute_path_stands_for_itself(tmp_path, data_dir):
    file = tmp_path / "mine.npz"
    with pytest.raises(FileNotFoundError, match="mine.npz"):
        dataset_file(str(file), "https://example.org/a", None)
    file.touch()
    assert dataset_file(str(file), "https://example.org/a", None) == str(file)


@pytest.mark.parametrize(
    "load, name",
    [
        (datasets.mnist.load_data, "mnist.npz"),
        (datasets.fashion_mnist.load_data, "train-images-idx3-ubyte.gz"),
        (datasets.cifar10.load_data, "cifar-10-python.tar.gz"),
        (datasets.cifar100.load_data, "cifar-100-python.tar.gz"),
        (datasets.imdb.load_data, "imdb.npz"),
        (datasets.imdb.get_word_index, "imdb_word_index.json"),
        (datasets.reuters.load_data, "reuters.npz"),
        (datasets.reuters.get_word_index, "reuters_word_index.json"),
        (datasets.boston_housing.load_data, "boston_housing.npz"),
        (datasets.california_housing.load_data, "california_housing.npz"),
    ],
)
def test_without_network_the_error_says_where_to_put_the_file(load, name, data_dir, tmp_path, no_network):
    with pytest.raises(ConnectionError) as error:
        load()
    message = str(error.value)
    assert name in message and "FASTNN_DATA_DIR" in message and str(tmp_path / "home" / "datasets") in message
    assert "name resolution" in message
    assert error.value.__suppress_context__     # no chain of tracebacks from the network's depths
    assert no_network[0].endswith(name)
    assert not [f for _, _, files in os.walk(tmp_path) for f in files]


def test_object_arrays_hold_lists(tmp_path):
    x = ragged([1, 2], [3], [])
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(3))
    read, y = read_npz(tmp_path / "a.npz", ("x", "y"))
    assert read.dtype == object and read.tolist() == [[1, 2], [3], []]
    assert y.tolist() == [0, 1, 2]


class Attack:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (self.marker,)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_runs_nothing(tmp_path, protocol):
    marker = tmp_path / "was_here"
    with pytest.raises(pickle.UnpicklingError, match="mkdir"):
        read_pickle(io.BytesIO(pickle.dumps(Attack(str(marker)), protocol)))
    assert not marker.exists()


def test_an_npz_runs_nothing(tmp_path):
    marker = tmp_path / "was_here"
    x = np.empty(1, dtype=object)
    x[0] = Attack(str(marker))
    np.savez(tmp_path / "a.npz", x=x)
    with pytest.raises(pickle.UnpicklingError, match="tampered"):
        read_npz(tmp_path / "a.npz", ("x",))
    assert not marker.exists()


def test_numpy_arrays_in_pickles(tmp_path):
    content = {b"data": np.arange(6, dtype="uint8").reshape(2, 3), b"labels": [1, 2]}
    read = read_pickle(io.BytesIO(pickle.dumps(content, 4)), encoding="bytes")
    np.testing.assert_array_equal(read[b"data"], content[b"data"])
    assert read[b"labels"] == [1, 2]


def test_broken_files_are_named(tmp_path):
    file = tmp_path / "a.npz"
    file.write_bytes(b"<html>404</html>")
    with pytest.raises(ValueError, match="a.npz is not an .npz file"):
        read_npz(file, ("x",))
    np.savez(file, z=np.zeros(2))
    with pytest.raises(ValueError, match="lacks x.npy"):
        read_npz(file, ("x", "z"))


def test_object_array_must_match_its_header(tmp_path):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|O", "fortran_order": False, "shape": (3,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", head.getvalue() + pickle.dumps([1, 2, 3]))
    with pytest.raises(ValueError, match="header"):
        read_npz(tmp_path / "a.npz", ("x",))
