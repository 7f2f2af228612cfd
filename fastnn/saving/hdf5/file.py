"""Groups and datasets of a file."""
import contextlib
import math

import numpy as np

from .attributes import Attributes
from .datatypes import bfloat16, read_datatype
from .headers import DATASPACE, DATATYPE, LAYOUT, LINK, LINK_INFO, SYMBOL_TABLE, Header, read_superblock
from .links import read_links
from .messages import read_space
from .source import Damaged, Refused, Source, guarded
from .storage import find_data

DEPTH = 256     # levels of a path


@contextlib.contextmanager
def read_hdf5(source, offset=0, size=None):
    """`with read_hdf5(source) as root: ...`: the root Group of a file.

    Args:
        source: path, bytes, or a binary file, which stays open.
        offset, size: the section of it that is the HDF5 file, such as a member that a zip file stores uncompressed; to the end
            where `size` is None.

    Raises:
        HDF5Error: the file is damaged or no HDF5 file; later, the object that is asked for is.
        OSError: there is no such file, or the disk fails.

    Example:
        >>> import os, h5py
        >>> with h5py.File("weights.h5", "w") as file:
        ...     file["dense/kernel"] = np.ones((2, 3), "float32")
        >>> with read_hdf5("weights.h5") as root:
        ...     root["dense"].keys(), root["dense/kernel"].read().tolist()
        (['kernel'], [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
        >>> os.remove("weights.h5")
    """
    opened = Source(source, offset, size)
    try:
        yield File(opened).root()
    finally:
        opened.close()


class File:
    """The objects of a file that were opened, by address."""

    def __init__(self, source):
        self.source, self.where = source, source.where
        self._opened = {}

    @guarded
    def root(self):
        """The root Group."""
        self.root_address = read_superblock(self.source)
        root = self.open(self.root_address, "/")
        if not isinstance(root, Group):
            raise Damaged("its root is no group")
        return root

    def open(self, address, path):
        """The Group or Dataset at an address."""
        if address not in self._opened:
            header = Header(self.source, address)
            if header.has(LAYOUT):
                self._opened[address] = Dataset(self, header, path)
            elif header.has(SYMBOL_TABLE) or header.has(LINK_INFO) or header.has(LINK):
                self._opened[address] = Group(self, header, path)
            else:
                raise Refused(f"'{path}' is neither a group nor a dataset")
        return self._opened[address]


class Object:
    """What groups and datasets have in common."""

    def __init__(self, file, header, path):
        self._file, self._header, self._path = file, header, path
        self._attrs = None

    @property
    def where(self):
        """How messages name it."""
        return f"'{self._path}' in {self._file.where}"

    @property
    def attrs(self):
        """Its attributes, as a mapping: numbers, arrays, str, lists of str."""
        if self._attrs is None:
            self._attrs = self._read_attributes()
        return self._attrs

    @guarded
    def _read_attributes(self):
        return Attributes(self._header, self.where)


class Group(Object):
    """A folder of groups and datasets by name.

    Attributes:
        attrs: mapping of its attributes: numbers, arrays, str, lists of str.
    """

    _links_read = None

    @property
    def _links(self):
        if self._links_read is None:
            self._links_read = read_links(self._header)
        return self._links_read

    @guarded
    def keys(self):
        """The names in it, sorted."""
        return sorted(self._links)

    @guarded
    def __contains__(self, path):
        group, name = self._walk(path)
        return isinstance(group, Group) and (not name or name in group._links)

    @guarded
    def _get(self, path):
        """(the object at a path or None, the last group on the way, the name in it)."""
        group, name = self._walk(path)
        return group._child(name) if isinstance(group, Group) else None, group, name

    def __getitem__(self, path):
        """The Group or Dataset at a path such as "layers/dense/vars/0".

        Raises:
            KeyError: there is none.
            HDF5Error: it is damaged, or a link to somewhere else.
        """
        found, group, name = self._get(path)
        if found is None:
            names = group.keys() if isinstance(group, Group) else []
            raise KeyError(f"there is no {name!r} in {group.where}, which has {', '.join(names[:20]) or 'no names'}")
        return found

    def _walk(self, path):
        """(group, name) for the last name of a path, or for the first that does not exist."""
        names = [name for name in path.split("/") if name not in ("", ".")] or [""]
        if len(names) > DEPTH:
            raise Refused(f"a path of {len(names)} levels is deeper than {DEPTH}")
        group = self._file.open(self._file.root_address, "/") if path.startswith("/") else self
        for name in names[:-1]:
            found = group._child(name) if isinstance(group, Group) else None
            if found is None:
                return group, name
            group = found
        return group, names[-1]

    def _child(self, name):
        """The object of a name, None if there is none."""
        if not name:
            return self
        if name not in self._links:
            return None
        link, path = self._links[name], f"{self._path.rstrip('/')}/{name}"
        if isinstance(link, str):
            raise Refused(f"'{path}' is {link}, and only what is in the file itself is read. Store a copy in its place")
        return self._file.open(link, path)


class Dataset(Object):
    """An array in a file; nothing of it is read yet.

    Attributes:
        shape: of the array.
        dtype: as of the NumPy array: integers and floats as stored, bool, float32 for bfloat16, object for strings.
        nbytes: of the NumPy array.
        attrs: as of a Group.
    """

    def __init__(self, file, header, path):
        super().__init__(file, header, path)
        self._type, self._space = read_datatype(header.get(DATATYPE)), read_space(header.get(DATASPACE))
        if self._type.dtype == np.dtype("V2") and self.attrs.get("dtype") == "bfloat16":       # as Keras writes it
            self._type = bfloat16()
        self.dtype, self.shape = self._type.dtype, ((0,) if self._space.shape is None else self._space.shape) + self._type.shape
        self._fill = None

    @property
    def nbytes(self):
        """Bytes that the array takes."""
        return math.prod(self.shape) * self.dtype.itemsize

    @guarded
    def read(self):
        """A new array of the values; refused before memory is taken where the file cannot hold as much.  Strings are str."""
        fill = self._find()
        stored = np.empty(self.shape, self._type.stored)
        fill(stored)
        if self._type.decode is None:
            return stored
        decoded = self._type.decode(stored, self._file.source)
        return decoded if decoded.ndim or decoded.dtype != object else decoded[()]

    def read_into(self, array):
        """Reads the values into an array of the same shape; straight into its memory if dtype and order are those of the file."""
        if array.shape != self.shape:
            raise ValueError(f"{self.where} has the shape {self.shape}, and cannot be read into an array of shape {array.shape}")
        if not array.flags.writeable:
            raise ValueError(f"{self.where} cannot be read into an array that is read-only")
        if self._type.decode is None and array.dtype == self.dtype and array.flags.c_contiguous:
            self._read_into(array)
        else:
            array[...] = self.read()

    @guarded
    def _read_into(self, array):
        self._find()(array)

    def _find(self):
        """What fills an array with the values as stored; looked up once."""
        if self._fill is None:
            self._fill = find_data(self._header, self._space, self._type)
        return self._fill
