"""Files of all kinds, written by h5py, for the tests of fastnn.saving.hdf5.

`python -m tests.saving.hdf5_variants FOLDER` writes the small ones, for tools/fuzz_files.py.
"""
import functools
import sys
from pathlib import Path

import numpy as np


def _array(*shape, dtype="<f4"):
    values = np.random.default_rng(len(shape)).normal(size=shape) * 50
    return values.astype(dtype)


def scalars(file):
    import h5py
    for i, dtype in enumerate("<i1 <u1 <i2 >u2 <i4 >i4 <u4 <i8 >u8 <f2 >f2 <f4 >f4 <f8 >f8 ?".split()):
        file[f"scalar{i}"] = np.array(3, dtype)
        file[f"array{i}"] = np.arange(-3, 3).astype(dtype).reshape(2, 3)
        file[f"zero{i}"] = np.zeros((0, 3), dtype)
        file.attrs[f"scalar{i}"] = np.array(3, dtype)
        file.attrs[f"array{i}"] = np.arange(6).astype(dtype).reshape(2, 3)
        file.attrs[f"zero{i}"] = np.zeros((0, 3), dtype)
    file.attrs["null"] = h5py.Empty("f4")
    file["opaque"] = np.arange(6, dtype="u2").view("V2")


def strings(file):
    import h5py
    text = ["", "a", "Ärger", "x" * 300]
    variable = h5py.string_dtype()
    for holder in (file.attrs, file):
        for name, value in {"one": "Ä", "empty": "", "long": "y" * 5000}.items():
            holder[name] = value
        holder["bytes"] = np.bytes_(b"abc")
        holder["fixed"] = np.array([b"a", b"", b"abc"], "S5")
        holder["numbers"] = [1, 2]
    file.attrs.create("variable", text, dtype=variable)
    file.attrs.create("grid", np.array(text, object).reshape(2, 2), dtype=variable)
    file.attrs.create("utf8", "Ä".encode(), dtype=h5py.string_dtype(length=10))
    file.create_dataset("variable", data=text, dtype=variable)
    file.create_dataset("chunked", data=text * 20, dtype=variable, chunks=(7,))
    padded = h5py.h5t.C_S1.copy()
    padded.set_size(6)
    padded.set_strpad(h5py.h5t.STR_SPACEPAD)
    space = h5py.h5s.create(h5py.h5s.SCALAR)
    made = h5py.h5a.create(file.id, b"spaces", padded, space)
    made.write(np.array(b"ab    ", "S6"))


def booleans_and_arrays(file):
    import h5py
    file["bool"] = np.array([[True, False], [False, False]])
    file.attrs["bool"] = True
    file.attrs["bools"] = [True, False]
    file.create_dataset("enum", data=[1, 2, 1], dtype=h5py.enum_dtype({"one": 1, "two": 2}, "i2"))
    file.create_dataset("arrays", (4,), np.dtype(("<f4", (2, 3))))[...] = _array(4, 2, 3)
    file.create_dataset("chunked", (4,), np.dtype(("<i2", (3,))), chunks=(3,))[...] = _array(4, 3, dtype="<i2")
    file.attrs.create("arrays", _array(4, 2, 3), dtype=np.dtype(("<f4", (2, 3))))


def groups(file):
    for i in range(30):
        file[f"a/b{i}/c/d"] = _array(3)
    file.create_group("empty")
    file["hard"] = file["a/b3"]


def many_links(file, count=1000):
    for i in range(count):
        file.create_group(f"group{i:04}_{'x' * (i % 40)}")
    file["group0020_" + "x" * 20]["data"] = _array(5)


def many_attributes(file, count=300):
    group = file.create_group("group")
    for i in range(count):
        group.attrs[f"name{i}"] = _array(i % 7, 2)
    file["data"] = _array(3)
    for i in range(12):
        file["data"].attrs[f"name{i}"] = "text" * i


def large_attributes(file, count=200_000):
    """More than 64 kB are allowed in dense storage only."""
    for i in range(10):
        file.attrs[f"name{i}"] = _array(100)
    try:
        file.attrs["large"] = _array(20_000)
        file.attrs["larger"] = _array(count, dtype="<f8")
    except (RuntimeError, OSError):
        assert "large" not in file.attrs
    file.attrs["medium"] = _array(4000)


def compact(file):
    import h5py
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    data = _array(5, 4)
    made = h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(data.shape), plist)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, data)


def chunks(file, count=3300, filters=("plain", "gzip", "shuffle", "check", "all")):
    """Each index: single, implicit, fixed array, extensible array, B-tree; the old B-tree where libver is low."""
    import h5py
    options = {"plain": {}, "gzip": {"compression": "gzip"}, "shuffle": {"compression": "gzip", "shuffle": True},
               "check": {"fletcher32": True}, "all": {"compression": 9, "shuffle": True, "fletcher32": True}}
    data = np.arange(7 * 11 * 3, dtype="<i4").reshape(7, 11, 3)
    for name, filters in ((name, options[name]) for name in filters):
        file.create_dataset(f"{name}/single", data=data, chunks=data.shape, **filters)
        file.create_dataset(f"{name}/fixed", data=data, chunks=(2, 3, 2), **filters)
        file.create_dataset(f"{name}/fixed_grows", data=data, chunks=(2, 3, 2), maxshape=(9, 20, 4), **filters)
        for axis in range(3):
            shape = [*data.shape]
            shape[axis] = None
            file.create_dataset(f"{name}/extensible{axis}", data=data, chunks=(2, 3, 2), maxshape=shape, **filters)
        file.create_dataset(f"{name}/tree", data=data, chunks=(2, 3, 2), maxshape=(None, None, 3), **filters)
        file.create_dataset(f"{name}/small", data=data[:1], chunks=(4, 12, 3), maxshape=(None, 12, 3), **filters)
        file.create_dataset(f"{name}/zero", (0, 3), "f4", maxshape=(None, 3), chunks=(2, 3), **filters)
        shrunk = file.create_dataset(f"{name}/shrunk", data=data, chunks=(2, 3, 2), maxshape=(None, 11, 3), **filters)
        shrunk.resize((4, 2, 3))
        if name not in ("plain", "all"):
            continue
        file.create_dataset(f"{name}/many", data=_array(count), chunks=(3,), **filters)
        file.create_dataset(f"{name}/many_extensible", data=_array(count), chunks=(3,), maxshape=(None,), **filters)
        file.create_dataset(f"{name}/many_tree", data=_array(60, count // 60), chunks=(2, 1), maxshape=(None, None), **filters)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((2, 3, 2))
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    made = h5py.h5d.create(file.id, b"implicit", h5py.h5t.STD_I32LE, h5py.h5s.create_simple(data.shape, (9, 12, 3)), plist)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, data)


def named_types(file):
    file["type"] = np.dtype("<f4")
    file.create_dataset("data", data=_array(3), dtype=file["type"])
    file["data"].attrs.create("value", 3, dtype=file["type"])


# name -> function of a file that fills it
VARIANTS = {f.__name__: f for f in (scalars, strings, booleans_and_arrays, groups, many_links, many_attributes, large_attributes,
                                    compact, chunks, named_types)}
SMALL = {**VARIANTS, "many_links": functools.partial(many_links, count=30),
         "large_attributes": functools.partial(large_attributes, count=9000),
         "many_attributes": functools.partial(many_attributes, count=20),
         **{f"chunks_{name}": functools.partial(chunks, count=300, filters=[name]) for name in ("plain", "all")}}
del SMALL["chunks"]


def write_small(folder):
    """Writes the small files in the oldest and in the newest form; returns their paths."""
    import h5py
    paths = []
    for name, fill in SMALL.items():
        for version in ("earliest", "latest"):
            paths.append(Path(folder, f"{name}_{version}.h5"))
            with h5py.File(paths[-1], "w", libver=version, track_order=version == "latest") as file:
                fill(file)
    return paths


if __name__ == "__main__":
    write_small(sys.argv[1])
