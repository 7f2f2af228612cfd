"""Weights alone in files, by the ending of their names."""
import contextlib
import json
import math
import os

from ..utils.atomic import replacing
from ..utils.extras import require
from . import archive, legacy_h5, safetensors_file
from .hdf5 import read_hdf5
from .model_files import OLD_ENDINGS, check_overwrite, checked_path
from .state import load_state, save_state
from .stores import Reader, Writer

OTHER_SHARDS = 50_000       # numbers of the files of every second list
ENDINGS = ".weights.h5, .weights.json, .safetensors, .h5 or .hdf5"


def save_weights(model, filepath, overwrite=True, max_shard_size=None):
    """Writes the weights of a model to a file; arguments and errors as of `Model.save_weights`."""
    path = checked_path(filepath)
    if not model.built:
        raise ValueError(f"model {model.name!r} has no weights yet: call it on data, or build it, before they are saved")
    if (max_shard_size is not None) != path.endswith(".weights.json"):
        raise ValueError(f"weights are spread over files where `max_shard_size` is given and the path ends in .weights.json; received "
                         f"max_shard_size={max_shard_size!r}, filepath={path!r}")
    if max_shard_size is not None and not (isinstance(max_shard_size, (int, float)) and max_shard_size > 0):
        raise ValueError(f"`max_shard_size` is a number of gigabytes > 0, received {max_shard_size!r}")
    check_overwrite(path, overwrite)
    if path.endswith(".weights.json"):
        save_shards(model, path, max_shard_size)
    elif path.endswith(".weights.h5"):
        with writing(path) as file:
            save_state(model, Writer(file))
    elif path.endswith(".safetensors"):
        safetensors_file.save(model, path)
    elif path.endswith(OLD_ENDINGS):
        legacy_h5.save_weights(model, path)
    else:
        raise ValueError(f"the path of weights must end in {ENDINGS}, received {path!r}")


def load_weights(model, filepath, skip_mismatch=False, by_name=False):
    """Loads weights into a model; arguments and errors as of `Model.load_weights`."""
    path = checked_path(filepath)
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path!r}")
    if not model.built:
        raise ValueError(f"model {model.name!r} has no weights yet: call it on data, or build it, before weights are loaded into it")
    if model.optimizer is not None:
        model._build_optimizer()
    if path.endswith(".keras"):
        not_by_name(by_name, path)
        archive.load_archive_weights(model, path, skip_mismatch)
    elif path.endswith(".weights.json"):
        not_by_name(by_name, path)
        load_shards(model, path, skip_mismatch)
    elif path.endswith(".safetensors"):
        not_by_name(by_name, path)
        safetensors_file.load(model, path, skip_mismatch)
    elif path.endswith(OLD_ENDINGS):
        load_h5(model, path, skip_mismatch, by_name)
    else:
        raise ValueError(f"the path of weights must end in .keras, {ENDINGS}, received {path!r}")


def load_h5(model, path, skip_mismatch, by_name):
    """Either layout: what is in the file tells, whatever it is called."""
    with read_hdf5(path) as root:
        if not legacy_h5.is_legacy(root):
            not_by_name(by_name, path)
            load_state(model, Reader(root), skip_mismatch=skip_mismatch)
            return
    legacy_h5.load_weights(model, path, by_name, skip_mismatch)


def not_by_name(by_name, path):
    if by_name:
        raise ValueError(f"by_name=True is for files of Keras 2's layout, in which layers are found by name; {path!r} has another: its "
                         "weights are found by where they are in the model. Load it into a model of its make, and save that as .h5; or take over "
                         "layers by hand: layer.set_weights(other.get_layer(name).get_weights())")


def writing(path):
    """`with writing(path) as file: ...`: an `h5py.File` that takes the place of `path` at the end."""
    return Written(require("h5py", "Saving HDF5 files"), path)


class Written:
    """The context of `writing`: the HDF5 file is closed before it is moved into place."""

    def __init__(self, h5py, path):
        self.h5py, self.replacing = h5py, replacing(path)

    def __enter__(self):
        part = self.replacing.__enter__()
        try:
            self.file = self.h5py.File(part, "w")
        except BaseException as error:
            self.replacing.__exit__(type(error), error, error.__traceback__)
            raise
        return self.file

    def __exit__(self, *error):
        self.file.close()
        return self.replacing.__exit__(*error)


# ---- Weights spread over several files --------------------------------------------------------------------------

class Shards(dict):
    """Entries by path, in memory, with arrays that are views: to be written once it is known how they are spread."""

    def entry(self, path, name):
        self[path] = entry = Named(name)
        return entry


class Named(dict):
    """The variables of one object, and its name."""

    def __init__(self, name):
        super().__init__()
        self.name = name


def save_shards(model, path, gigabytes):
    """Writes `<name>_00000.weights.h5` and so on, and then the list of them, by which alone they are found.

    Where there is such a list already, its files are left alone until the new one has taken its place: the new ones have other numbers.

    Raises:
        ValueError: a size that no variable fits in.
    """
    limit = gigabytes * 2**30
    entries, old = Shards(), old_shards(path)
    first = OTHER_SHARDS if shard_name(path, 0) in old else 0
    save_state(model, entries)
    shards, room, places = [], -1, {}
    for at, entry in entries.items():
        for key, value in entry.items():
            if value.nbytes > limit:
                raise ValueError(f"variable {key!r} of {at!r} takes {value.nbytes} bytes, more than max_shard_size={gigabytes} GB")
            if value.nbytes > room:
                shards.append({})
                room = limit
            room -= value.nbytes
            shards[-1].setdefault(at, {})[key] = value
            place = f"/{at}/vars" if at else "/vars"
            names = places.setdefault(place, [])
            name = shard_name(path, first + len(shards) - 1)
            if name not in names:
                names.append(name)
    for i, shard in enumerate(shards, first):
        with writing(os.path.join(os.path.dirname(path), shard_name(path, i))) as file:
            for at, values in shard.items():
                store = Writer(file).entry(at, entries[at].name)
                for key, value in values.items():
                    store[key] = value
    total = sum(math.prod(v.shape) * v.itemsize for entry in entries.values() for v in entry.values())
    listed = {"metadata": {"total_size": total},
              "weight_map": {place: names[0] if len(names) == 1 else names for place, names in places.items()}}
    with replacing(path) as part, open(part, "w", encoding="utf-8") as file:
        json.dump(listed, file, indent=4)
    remove_shards(path, old)


def old_shards(path):
    """The names of the files that an older list at a path has, if there is one."""
    try:
        return [name for name in names_of_shards(path) if name.startswith(shard_name(path, 0)[:-len("00000.weights.h5")])]
    except (OSError, ValueError):
        return []


def remove_shards(path, names):
    """Removes files that are on no list any more; of the first an empty one is left, for Keras opens it whatever the list says."""
    for name in names:
        place = os.path.join(os.path.dirname(path), name)
        if name == shard_name(path, 0):
            with writing(place):
                pass
        else:
            with contextlib.suppress(OSError):
                os.remove(place)


def shard_name(path, number):
    return f"{os.path.basename(path).removesuffix('.weights.json')}_{number:05}.weights.h5"


def load_shards(model, path, skip_mismatch):
    """Loads weights that are spread over the files that a `.weights.json` lists, in its own folder."""
    load_from(model, [os.path.join(os.path.dirname(path), name) for name in names_of_shards(path)], [], skip_mismatch)


def names_of_shards(path):
    """The names of the files on a list.

    Raises:
        ValueError: a damaged list, files in other folders.
    """
    with open(path, encoding="utf-8") as file:
        try:
            weight_map = json.load(file)["weight_map"]
            names = sorted({name for some in weight_map.values() for name in ([some] if isinstance(some, str) else some)})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path} is damaged, or no list of files with weights: {error!r}") from None
    if any(os.path.basename(name) != name or name in ("", ".", "..") for name in names):
        raise ValueError(f"{path} names files outside of its own folder: {names}; they are not read")
    return names


def load_from(model, paths, roots, skip_mismatch):
    """Opens the files one inside the other, so that all are closed whatever happens."""
    if not paths:
        return load_state(model, Reader(*roots), skip_mismatch=skip_mismatch)
    with read_hdf5(paths[0]) as root:
        return load_from(model, paths[1:], [*roots, root], skip_mismatch)
