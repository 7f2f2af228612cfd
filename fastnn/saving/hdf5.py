"""Reading HDF5 files."""
import contextlib
import io

import numpy as np

from ..utils.extras import require


class HDF5Error(ValueError):
    """A file that is damaged, or holds what is refused."""


@contextlib.contextmanager
def read_hdf5(source):
    """`with read_hdf5(source) as root: ...`: the root Group of a file.

    Args:
        source: path, or bytes.
    """
    h5py = require("h5py", "Reading HDF5 files")
    with h5py.File(io.BytesIO(source) if isinstance(source, bytes) else source, "r") as file:
        yield Group(file)


class Group:
    """A folder of groups and datasets by name.

    Attributes:
        attrs: dict of its attributes: numbers, arrays, str, lists of str.
    """

    def __init__(self, group):
        self._group = group
        self.attrs = {name: _plain(group.attrs[name]) for name in group.attrs}

    def keys(self):
        """The names in it, sorted."""
        return sorted(self._group.keys())

    def __contains__(self, path):
        return path in self._group

    def __getitem__(self, path):
        found = self._group[path]
        return Dataset(found) if hasattr(found, "shape") else Group(found)


class Dataset:
    """An array in a file; nothing of it is read yet.

    Attributes:
        shape, dtype, nbytes: as of the NumPy array; attrs: as of a Group.
    """

    def __init__(self, dataset):
        self._dataset = dataset
        self.shape, self.dtype, self.nbytes = dataset.shape, dataset.dtype, dataset.nbytes
        self.attrs = {name: _plain(dataset.attrs[name]) for name in dataset.attrs}

    def read(self):
        """A new array of the values; refused before memory is taken where the file cannot hold as much."""
        return self._dataset[()]

    def read_into(self, array):
        """Reads the values into an array of the same shape."""
        array[...] = self._dataset[()]


def _plain(value):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray) and value.dtype.kind in "OS":
        return [v.decode() if isinstance(v, bytes) else v for v in value.ravel().tolist()]
    return value
