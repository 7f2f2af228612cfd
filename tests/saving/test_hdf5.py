"""fastnn.saving.hdf5 beside h5py, and on files that are damaged or refused."""
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fastnn.saving.hdf5 import HDF5Error, read_hdf5

from .hdf5_variants import VARIANTS

FILES = Path(__file__).parent / "hdf5_files"       # written by Keras 2.13 and 3.15: see make_files.py there
OF_KERAS = sorted(FILES.glob("*.h5"))


def plain(value):
    """What h5py gives for an attribute or a dataset, as we do."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray) and value.dtype.kind in "OS":
        values = [v.decode() if isinstance(v, bytes) else v for v in value.ravel()]
        return values
    return value


def assert_same(ours, theirs):
    """A Group or Dataset and all that is in it, beside h5py's."""
    h5py = pytest.importorskip("h5py")
    assert set(ours.attrs) == set(theirs.attrs)
    for name, value in theirs.attrs.items():
        if isinstance(value, h5py.Empty):
            assert ours.attrs[name] is None
        else:
            np.testing.assert_array_equal(ours.attrs[name], plain(value), err_msg=f"{theirs.name}@{name}")
            assert np.asarray(ours.attrs[name]).dtype.kind in "U" or ours.attrs[name].dtype == value.dtype
    if isinstance(theirs, h5py.Group):
        assert ours.keys() == sorted(theirs)
        for name in theirs:
            if isinstance(theirs[name], h5py.Datatype):
                with pytest.raises(HDF5Error, match="neither a group nor a dataset"):
                    ours[name]
            else:
                assert_same(ours[name], theirs[name])
    elif theirs.attrs.get("dtype") == "bfloat16":
        expected = theirs[()].view("u2").astype("u4") << 16
        np.testing.assert_array_equal(ours.read().view("u4"), expected)
    else:
        assert_same_data(ours, theirs)


def assert_same_data(ours, theirs):
    value, expected = ours.read(), theirs[()]
    assert ours.shape == np.shape(value) == np.shape(expected)
    if ours.dtype == object:
        assert np.ravel(value).tolist() == np.ravel(plain(expected)).tolist()
        return
    assert ours.dtype == value.dtype == theirs.dtype.base and ours.nbytes == expected.nbytes
    np.testing.assert_array_equal(value, expected)
    into = np.zeros(ours.shape, ours.dtype)
    ours.read_into(into)
    np.testing.assert_array_equal(into, expected)


@pytest.mark.parametrize("path", OF_KERAS, ids=lambda path: path.name)
def test_files_of_keras(path):
    h5py = pytest.importorskip("h5py")
    with read_hdf5(path) as ours, h5py.File(path) as theirs:
        assert_same(ours, theirs)
    with read_hdf5(path.read_bytes()) as ours, h5py.File(path) as theirs:
        assert_same(ours, theirs)


@pytest.mark.parametrize("path", sorted(FILES.glob("*.keras")), ids=lambda path: path.name)
def test_a_member_of_a_zip_file_is_read_in_its_place(path):
    h5py = pytest.importorskip("h5py")
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("model.weights.h5")
        with archive.open(member) as file:
            start = file._orig_compress_start
        with read_hdf5(path, start, member.file_size) as ours, archive.open(member) as file, h5py.File(file) as theirs:
            assert_same(ours, theirs)
    with pytest.raises(HDF5Error, match="no section"):
        with read_hdf5(path, start, 10 ** 9):
            pass


def test_values_known_without_h5py():
    with read_hdf5(FILES / "keras2.h5") as root:
        assert root.attrs["keras_version"] == "2.13.1"
        assert root["model_weights"].attrs["layer_names"] == ["first", "norm", "second"]
        assert root["model_weights/first"].attrs["weight_names"] == ["first/kernel:0", "first/bias:0"]
        kernel = root["model_weights/first/first/kernel:0"]
        assert kernel.shape == (4, 3) and kernel.dtype == np.float32 and kernel.nbytes == 48
        assert "model_weights/first" in root and "model_weights/third" not in root and "model_weights/first/a/b" not in root
        with pytest.raises(KeyError, match="no 'third' in '/model_weights' in .*, which has first, norm, second"):
            root["model_weights/third"]
        with pytest.raises(ValueError, match=r"has the shape \(4, 3\)"):
            kernel.read_into(np.zeros((3, 4)))
    with pytest.raises(HDF5Error, match="closed"):
        kernel.read()


def test_no_hdf5_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        with read_hdf5(tmp_path / "missing.h5"):
            pass
    for content in (b"", b"PK\3\4", bytes(5000)):
        with pytest.raises(HDF5Error, match="no HDF5 file"):
            with read_hdf5(content):
                pass


VERSIONS = ["earliest", ("earliest", "v108"), ("v108", "v108"), ("v110", "v110"), "latest"]


@pytest.mark.parametrize("ordered", [False, True], ids=["", "ordered"])
@pytest.mark.parametrize("version", VERSIONS, ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
def test_files_of_h5py(variant, version, ordered, tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver=version, track_order=ordered) as file:
        VARIANTS[variant](file)
    with read_hdf5(path) as ours, h5py.File(path) as theirs:
        assert_same(ours, theirs)


def test_a_block_of_the_user_precedes(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "file.h5"
    for version in ("earliest", "latest"):
        with h5py.File(path, "w", userblock_size=2048, libver=version) as file:
            VARIANTS["groups"](file)
        with read_hdf5(path) as ours, h5py.File(path) as theirs:
            assert_same(ours, theirs)
