"""The entries of `model.weights.h5`: one group `<path>/vars` for each layer, model or optimizer, with its variables "0", "1" ..."""
import numpy as np

from .hdf5 import Dataset, Group, HDF5Error


class Writer:
    """Makes entries in an `h5py.File`, or whatever is used like one."""

    def __init__(self, file):
        self.file = file

    def entry(self, path, name):
        """A dict-like store for the variables of one object; `name` is noted beside them."""
        group = self.file.create_group(f"{path}/vars" if path else "vars")
        if isinstance(name, str):
            group.attrs["name"] = name
        return Entry(group)


class Entry:
    """A store to put arrays into."""

    def __init__(self, group):
        self.group = group

    def __setitem__(self, key, value):
        self.group[key] = value.numpy() if hasattr(value, "numpy") else np.asarray(value)


class Reader:
    """Finds the entries in the root Group of a file.

    Args:
        roots: Groups; several where the weights are spread over several files.
    """

    def __init__(self, *roots):
        self.roots = roots

    def entry(self, path):
        """The variables of one object; empty if the file has none."""
        found = [subgroup(root, f"{path}/vars" if path else "vars") for root in self.roots]
        return Stored([group for group in found if group is not None])

    def paths(self):
        """The paths of all objects that the file has variables of; each group counts once, for files may hold circles of them."""
        found, seen = [], set()
        waiting = [("", root) for root in self.roots]
        while waiting:
            path, group = waiting.pop()
            for name in group.keys():
                inner = subgroup(group, name)
                if inner is None or id(inner) in seen:      # one object for each group of a file, however it is reached
                    continue
                seen.add(id(inner))
                if name == "vars":
                    found += [path] if inner.keys() else []
                else:
                    waiting.append((f"{path}/{name}".strip("/"), inner))
        return sorted(set(found))

    def has(self, path):
        """Whether anything is there under a path."""
        return any(path in root for root in self.roots)


def subgroup(root, path):
    """The Group at a path; None if there is none."""
    found = root[path] if path in root else None
    return found if isinstance(found, Group) else None


class Stored:
    """A read-only, dict-like view of the variables in Groups; nothing is read before it is asked for."""

    def __init__(self, groups):
        self.groups = groups

    @property
    def name(self):
        """What the object was called; None if the file does not say."""
        return next((group.attrs["name"] for group in self.groups if isinstance(group.attrs.get("name"), str)), None)

    def keys(self):
        return [key for group in self.groups for key in group.keys()]

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    def __contains__(self, key):
        return any(key in group for group in self.groups)

    def _dataset(self, key):
        for group in self.groups:
            if key in group:
                found = group[key]
                if not isinstance(found, Dataset):
                    raise HDF5Error(f"{key!r} should be an array, in this file it is a group")
                return found
        raise KeyError(f"the file has no variable {key!r} here: it has {self.keys()}")

    def shape(self, key):
        """The shape of a variable in the file."""
        return tuple(self._dataset(key).shape)

    def __getitem__(self, key):
        return self._dataset(key).read()

    def fill(self, key, variable):
        """Reads a variable, into its own memory where dtypes agree."""
        fill(variable, self._dataset(key))


def fill(variable, dataset):
    """Reads a Dataset into a variable of its shape, in place, where that is possible without a copy between."""
    if tuple(dataset.shape) != tuple(variable.shape):
        raise ValueError(f"variable {variable.path!r} has shape {tuple(variable.shape)}, the file holds it with shape {tuple(dataset.shape)}")
    data = variable.data
    if isinstance(data, np.ndarray) and data.dtype == dataset.dtype and data.flags.c_contiguous and data.flags.writeable:
        dataset.read_into(data)
        variable.version += 1       # tapes must not go by values that are no more
    else:
        variable.assign(dataset.read())
