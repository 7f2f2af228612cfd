"""Nested plain values and arrays in one .npz file, without pickles: what backups of a training are written with."""
import io
import json
import zipfile

import numpy as np

from .atomic import replacing

PLAIN = (type(None), bool, int, float, str)
TEXT = "state"              # the member that holds the plain values, as JSON; arrays are "a0", "a1" ...


class DamagedFile(ValueError):
    """A file whose contents are not what was written."""


def write_state(path, state, before=lambda: None):
    """Writes a state into a file, which is there whole or not at all (see `atomic.replacing`).

    Args:
        path: of the file.
        state: dicts, lists and tuples, in each other, of numbers, texts, bools, None, NumPy arrays and NumPy numbers.
        before: called when all is written, just before the file takes its place.

    Raises:
        TypeError: for anything else in the state, with the way to it.
        OSError: the disk is full, the folder missing or read-only.

    Example:
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "state.npz")
        >>> write_state(path, {"epoch": 3, "order": (1, np.arange(3))})
        >>> read_state(path)
        {'epoch': 3, 'order': (1, array([0, 1, 2]))}
    """
    arrays = []
    text = json.dumps(encode(state, arrays, "state")).encode()
    with replacing(path) as part:
        with open(part, "wb") as file:
            np.savez(file, **{TEXT: np.frombuffer(text, "uint8")}, **{f"a{i}": array for i, array in enumerate(arrays)})
        before()


def read_state(path):
    """What `write_state` wrote.  Nothing in a file can run code or take more memory than the file is large.

    Raises:
        DamagedFile: a ValueError: the file is not as it was written.
        OSError: it is not there, or cannot be opened.
    """
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                    raise ValueError("a member is compressed")
                parts = {member.filename.removesuffix(".npy"): archive.read(member) for member in archive.infolist()}
            arrays = {name: as_array(data) for name, data in parts.items()}
            return decode(json.loads(arrays.pop(TEXT).tobytes()), arrays)
        except Exception as error:      # what a damaged archive can raise is a long list
            raise DamagedFile(f"the file {path} is damaged, or was not written by fastnn: {type(error).__name__}: {error}") from error


def as_array(data):
    """The array of a member; its header is compared with the size before there is an array."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, fortran, dtype = read_header(file)
    rest = data[file.tell():]
    if dtype.hasobject or dtype.itemsize * int(np.prod(shape, dtype=object)) != len(rest):
        raise ValueError(f"an array of shape {shape} and type {dtype} in {len(rest)} bytes")
    return np.frombuffer(bytearray(rest), dtype).reshape(shape, order="F" if fortran else "C")


def encode(value, arrays, where):
    """The value as JSON can hold it; arrays are put into the list `arrays`."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        arrays.append(np.asarray(value))
        return {"array" if isinstance(value, np.ndarray) else "number": f"a{len(arrays) - 1}"}
    if isinstance(value, dict):
        return {"dict": [[encode(key, arrays, where), encode(item, arrays, f"{where}[{key!r}]")] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [encode(item, arrays, f"{where}[{i}]") for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    raise TypeError(f"{where} is a {type(value).__name__}, which cannot be kept in a file: make it of numbers, texts, None, NumPy arrays, and "
                    "lists, tuples and dicts of these")


def decode(value, arrays):
    """The inverse of `encode`."""
    if isinstance(value, list):
        return [decode(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    (kind, content), = value.items()
    if kind == "array":
        return arrays[content]
    if kind == "number":
        return arrays[content][()]
    if kind == "tuple":
        return tuple(decode(item, arrays) for item in content)
    if kind == "dict":
        return {decode(key, arrays): decode(item, arrays) for key, item in content}
    raise ValueError(f"an entry of the kind {kind!r}")
