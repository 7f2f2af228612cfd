"""fastnn.saving.hdf5 beside h5py, and on files that are damaged or refused."""
import collections
import importlib.util
import io
import os
import random
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from fastnn.saving.hdf5 import HDF5Error, read_hdf5, source
from fastnn.saving.hdf5.checksum import lookup3
from fastnn.saving.hdf5.filters import undo_filters
from fastnn.saving.hdf5.messages import Filter
from fastnn.saving.hdf5.source import Damaged

from .hdf5_variants import VARIANTS, write_small

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


VERSIONS = ["earliest", ("v108", "v108"), ("v110", "v110"), "latest"]


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


def refusal(fill, path="data", **options):
    """The message that refuses an object of a file written by h5py."""
    h5py = pytest.importorskip("h5py")
    memory = io.BytesIO()
    with h5py.File(memory, "w", **options) as file:
        fill(file, h5py)
    with read_hdf5(memory.getvalue()) as root:
        with pytest.raises(HDF5Error) as caught:
            found = root[path]
            found.read() if hasattr(found, "read") else found.attrs["value"]
    return str(caught.value)


def test_links_to_elsewhere_are_refused():
    def fill(file, h5py):
        file["target"] = [1]
        file["soft"], file["external"] = h5py.SoftLink("/target"), h5py.ExternalLink("/etc/passwd", "/")
    for options in {}, {"libver": "latest"}, {"track_order": True}:
        assert "'/soft' is a soft link" in refusal(fill, "soft", **options)
        assert "'/external' is a link to another file" in refusal(fill, "external", **options)
        assert "'/soft' is a soft link" in refusal(fill, "soft/more", **options)


def test_data_elsewhere_are_refused(tmp_path):
    def external(file, h5py):
        file.create_dataset("data", (3,), "u1", external=[("/etc/passwd", 0, 3)])

    def virtual(file, h5py):
        layout = h5py.VirtualLayout((3,), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "data", (3,))
        file.create_virtual_dataset("data", layout)
    assert "'/data' in the HDF5 file in memory: its data are in other files" in refusal(external)
    assert "virtual dataset" in refusal(virtual, libver="latest")


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_declared_and_not_stored(version):
    def declared(file, h5py):
        file.create_dataset("data", (1 << 40,), "f4")
    assert "no data are stored" in refusal(declared, libver=version)
    for options in {}, {"maxshape": (None,)}, {"maxshape": (None, None)}, {"compression": "gzip"}:
        def chunked(file, h5py):
            rank = len(options.get("maxshape", "1"))
            file.create_dataset("data", (1 << 20,) * rank, "f4", chunks=(1 << 10,) * rank, **options)
            file.create_dataset("part", (1 << 12,) * rank, "f4", chunks=(1 << 4,) * rank, **options)[(slice(100),) * rank] = 1
        assert "no data are stored" in refusal(chunked, libver=version)
        assert "are stored" in refusal(chunked, "part", libver=version)


def test_compression_bombs():
    def bomb(file, h5py):
        file.create_dataset("data", data=np.zeros((10, 1 << 20), "f4"), chunks=(1, 1 << 20), compression=9)
    assert "would take 41943040 bytes" in refusal(bomb)
    compressed = zlib.compress(bytes(1 << 24))
    tracemalloc.start()
    try:
        with pytest.raises(Damaged, match="more than 100 bytes"):
            undo_filters([Filter(1, [9])], compressed, 0, 100)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_what_else_is_refused():
    def filtered(file, h5py):
        file.create_dataset("data", data=np.arange(100), compression="lzf")

    def compound(file, h5py):
        file.create_dataset("data", data=np.zeros(3, "i4,f4"))

    def reference(file, h5py):
        file["data"] = file.ref

    def attribute(file, h5py):
        file.create_group("data").attrs["value"] = file.ref

    def long_double(file, h5py):
        file["data"] = np.zeros(3, "f2").astype(np.longdouble)

    def lists(file, h5py):
        file.create_dataset("data", (2,), h5py.vlen_dtype("i4"))[0] = [1, 2]
    assert "filter lzf" in refusal(filtered)
    assert "elements are compounds" in refusal(compound)
    assert "elements are references" in refusal(reference)
    assert "an attribute of '/data'" in refusal(attribute)
    assert "not of IEEE's formats" in refusal(long_double)
    assert "lists of varying length" in refusal(lists)
    assert "300 levels" in refusal(lambda file, h5py: None, "a/" * 299 + "a")


def test_groups_in_circles_end_where_the_path_ends():
    h5py = pytest.importorskip("h5py")
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file["group/self"] = file["/"]
    with read_hdf5(memory.getvalue()) as root:
        assert "group/self/group/self" in root and root["group/self"] is root


def test_read_into_converts_and_checks():
    h5py = pytest.importorskip("h5py")
    memory, data = io.BytesIO(), np.arange(6.0).reshape(2, 3)
    with h5py.File(memory, "w") as file:
        file["data"], file["big"] = data.astype("f4"), data.astype(">f8")
    with read_hdf5(memory.getvalue()) as root:
        for name in ("data", "big"):
            for dtype in ("f4", ">f4", "f8", "i8"):
                for order in "CF":
                    into = np.zeros((2, 3), dtype, order)
                    root[name].read_into(into)
                    np.testing.assert_array_equal(into, data)
            into = np.zeros((2, 3), "f4")
            into.flags.writeable = False
            with pytest.raises(ValueError, match="read-only"):
                root[name].read_into(into)


@pytest.mark.parametrize("order", ["IEEE_F16LE", "IEEE_F16BE"])
def test_bfloat16_as_hdf5_has_it(order):
    h5py = pytest.importorskip("h5py")
    kind, memory = getattr(h5py.h5t, order).copy(), io.BytesIO()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_ebias(127)
    data = np.array([1, -2.5, 2 ** 100], "f4")
    with h5py.File(memory, "w") as file:
        made = h5py.h5d.create(file.id, b"data", kind, h5py.h5s.create_simple((3,)))
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, data, h5py.h5t.NATIVE_FLOAT)
    with read_hdf5(memory.getvalue()) as root:
        assert root["data"].dtype == np.float32 and root["data"].nbytes == 12
        np.testing.assert_array_equal(root["data"].read(), data)


def test_checksums():
    assert lookup3(b"") == 0xDEADBEEF
    assert lookup3(b"Four score and seven years ago") == 0x17770551     # from the comments of lookup3.c
    h5py = pytest.importorskip("h5py")
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.create_dataset("data", data=np.arange(500), fletcher32=True)
    damaged = bytearray(memory.getvalue())
    place = damaged.index(np.arange(200, 300).tobytes())
    damaged[place] ^= 1
    with read_hdf5(damaged) as root:
        with pytest.raises(HDF5Error, match="checksum of a chunk is wrong"):
            root["data"].read()


def test_names_that_cannot_be():
    content = (FILES / "keras2.h5").read_bytes()
    with read_hdf5(content.replace(b"first\0", b"fir/t\0")) as root:
        with pytest.raises(HDF5Error, match="'fir/t' is no name"):
            root["model_weights"].keys()
    with read_hdf5(content.replace(b"first\0", b"f\xffrst\0")) as root:
        with pytest.raises(HDF5Error, match="'/model_weights' .* is damaged: .*utf-8"):
            root["model_weights"].keys()


def test_budgets():
    opened = source.Source(bytes(1000))
    opened.claim(600, 5000)
    with pytest.raises(Damaged, match="larger than the file"):
        opened.claim(600, 600)
    with pytest.raises(source.Refused, match="may take"):
        opened.claim(0, 1 << 21)
    with pytest.raises(Damaged, match="circles"):
        for _ in range(1000):
            opened.read(0, 1000)
    for address, size in (0, 1001), (1000, 1), (1 << 64, 1), (None, 1):
        with pytest.raises(Damaged):
            opened.read_into(address, memoryview(bytearray(size)))


def test_what_is_read_again_costs_nothing():
    h5py = pytest.importorskip("h5py")
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file["text"], file.attrs["text"], file.attrs["list"] = ["abc" * 1000] * 5, "abc" * 1000, [1, 2]
        file.create_dataset("chunks", data=np.arange(100), chunks=(1,))
    with read_hdf5(memory.getvalue()) as root:
        for _ in range(200):
            assert root["text"].read().tolist() == ["abc" * 1000] * 5 and root.attrs["text"] == "abc" * 1000
            assert root["chunks"].read()[99] == 99
            root.attrs["list"][0] += 1
        assert root.attrs["list"].tolist() == [1, 2]


def test_a_file_that_is_cut_off(tmp_path):
    content = (FILES / "keras3.weights.h5").read_bytes()
    for size in (len(content) - 1, len(content) // 2, 100, 20):
        with pytest.raises(HDF5Error, match="cut off|damaged|no HDF5"):
            with read_hdf5(content[:size]):
                pass
    path = tmp_path / "file.h5"
    path.write_bytes(content)
    with read_hdf5(path) as root:
        os.truncate(path, 3000)
        with pytest.raises(HDF5Error, match="became shorter"):
            for name in root["layers"].keys():
                root[f"layers/{name}/vars/0"].read()


def fuzzer():
    """tools/fuzz_files.py"""
    spec = importlib.util.spec_from_file_location("fuzz_files", Path(__file__).parents[2] / "tools" / "fuzz_files.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("loader", ["load_hdf5", "load_hdf5_unchecked"])
def test_damage_is_an_error_or_other_data(loader, tmp_path, monkeypatch):
    """1500 damaged files; with checksums left out, damage gets to what is behind them.  More: `python tools/fuzz_files.py`."""
    pytest.importorskip("h5py")
    monkeypatch.setattr(source, "lookup3", source.lookup3)
    fuzz, path, outcomes = fuzzer(), tmp_path / "damaged.h5", collections.Counter()
    seeds = [seed.read_bytes() for seed in OF_KERAS + write_small(tmp_path)]
    seeds = [seed for seed in seeds if len(seed) < 32_000]
    for number in range(750):
        content = fuzz.damaged(seeds[number % len(seeds)], random.Random(number))
        path.write_bytes(content)
        if number % 16 == 0:
            tracemalloc.start()
        started = time.perf_counter()
        outcome, error = fuzz.outcome_of(getattr(fuzz, loader), path, (HDF5Error,))
        assert time.perf_counter() - started < 5, number
        if number % 16 == 0:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 10 * len(content) + (2 << 20), number
        assert outcome in ("loaded", "refused"), (number, error)
        outcomes[outcome] += 1
    assert min(outcomes.values()) > 100, outcomes       # both happen, or the damage is of no use
