"""Where the files of the datasets come from, and how they are read without running code that they may hold."""

import os
import pickle
import zipfile

import numpy as np

from ..utils.data_utils import cache_folder, get_file

KERAS_FILES = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def dataset_file(name, origin, file_hash, cache_subdir="datasets"):
    """Path of a dataset's file.

    Looked for in the folder `FASTNN_DATA_DIR` (taken as it is), then in the cache folder, then downloaded. An absolute
    path stands for itself.

    Raises:
        FileNotFoundError: `name` is an absolute path where there is no file.
        ConnectionError: the file is nowhere and cannot be downloaded; the message says where to put it.
    """
    if os.path.isabs(name):
        if os.path.exists(name):
            return name
        raise FileNotFoundError(f"[datasets] There is no file {name}. Received: path={name!r}")
    folder = os.environ.get("FASTNN_DATA_DIR")
    if folder and os.path.exists(os.path.join(folder, name)):
        return os.path.join(folder, name)
    try:
        return get_file(name, origin, file_hash=file_hash, cache_subdir=cache_subdir)
    except ConnectionError as error:
        cached = os.path.join(cache_folder(), cache_subdir, name)
        looked = f"{folder} (FASTNN_DATA_DIR)" if folder else "FASTNN_DATA_DIR (not set)"
        raise ConnectionError(
            f"[datasets] {name} is neither in {looked} nor at {cached}, and {origin} could not be downloaded: "
            f"{error.__cause__}. Fetch the file on a machine with a network and put it at {cached}, or into any folder "
            "that the environment variable FASTNN_DATA_DIR names."
        ) from None


def read_npz(path, names):
    """The arrays `names` of an .npz file, in that order. Object arrays may hold lists, numbers and arrays only."""
    try:
        with zipfile.ZipFile(path) as archive:
            missing = {f"{name}.npy" for name in names} - set(archive.namelist())
            if missing:
                raise ValueError(f"[datasets] {path} lacks {', '.join(sorted(missing))}. Delete it or replace it.")
            return [_read_npy(archive, name) for name in names]
    except zipfile.BadZipFile as error:
        raise ValueError(
            f"[datasets] {path} is not an .npz file ({error}). Delete it, and it is downloaded again, or replace it."
        ) from error


def _read_npy(archive, name):
    with archive.open(f"{name}.npy") as f:
        version = np.lib.format.read_magic(f)
        read_header = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(f)
        if dtype.hasobject:
            array = read_pickle(f)
            if not isinstance(array, np.ndarray) or array.shape != shape:
                raise ValueError(f"[datasets] {archive.filename}: {name} does not hold the array that its header says.")
            return array
    with archive.open(f"{name}.npy") as f:
        return np.lib.format.read_array(f, allow_pickle=False)


def read_pickle(f, encoding="ASCII"):
    """Unpickle dicts, lists, strings, numbers and NumPy arrays; anything else is refused before it is built.

    Pickles can name any function of Python and have it called while they are read, so only the three names that NumPy
    arrays need are known here.
    """
    return _DataUnpickler(f, encoding=encoding).load()


class _DataUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return _new_array
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise pickle.UnpicklingError(
            f"[datasets] The file asks for {module}.{name}; only lists, numbers and NumPy arrays are read from datasets. "
            "It is damaged, or somebody tampered with it: delete it and fetch it again."
        )


def _new_array(kind, shape, dtype):
    """What NumPy pickles name `_reconstruct`: an empty array that the pickle then fills."""
    return np.ndarray.__new__(np.ndarray, shape, dtype)


def shuffled(x, y, rng):
    """`x` and `y` in a random order that `rng` (numpy.random.RandomState) gives."""
    order = np.arange(len(x))
    rng.shuffle(order)
    return x[order], y[order]


def split(x, y, test_split):
    """The first and the last part of `x` and `y`: ((x_train, y_train), (x_test, y_test))."""
    if not 0 <= test_split < 1:
        raise ValueError(f"[datasets] `test_split` must be at least 0 and below 1. Received: test_split={test_split}")
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])
