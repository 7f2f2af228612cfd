"""`.keras` files: a zip archive of config.json, metadata.json, model.weights.h5 and, where layers have files, assets/."""
import contextlib
import datetime
import json
import os
import shutil
import tempfile
import zipfile
import zlib

from .. import __version__
from ..budget import variables_at_most
from ..utils.atomic import replacing
from ..utils.extras import require
from ..utils.serialization import deserialize_keras_object, serialize_whole
from ..utils.warn_utils import warn
from . import legacy_zip
from .hdf5 import read_hdf5
from .legacy_config import modern_config
from .state import load_state, save_state, saved_objects
from .stores import Reader, Writer

KERAS_VERSION = "3.15.1"        # whose files these are
CONFIG, METADATA, WEIGHTS, ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets"
EXPANSION = 8       # the most that a member may grow when it is unpacked; Keras does not compress any


# ---- Saving -----------------------------------------------------------------------------------------------------

def save_archive(model, target, include_optimizer=True):
    """Writes a model to a `.keras` file.

    Args:
        model: the model.
        target: path, or a binary file to write to.
        include_optimizer: whether the state of the optimizer is kept.
    """
    config = json.dumps(serialize_whole(model))      # what cannot be saved is told before anything is written
    if not model.built:
        warn(f"model {model.name!r} is saved before it was built: the file holds no weights. Call the model on data first")
    if isinstance(target, (str, os.PathLike)):
        with replacing(target) as part, open(part, "wb") as file:
            write(model, config, file, os.path.dirname(part), include_optimizer)
    else:
        write(model, config, target, None, include_optimizer)


def write(model, config, file, folder, include_optimizer):
    """Writes the members; `folder`: where there is room for temporary files."""
    metadata = {"keras_version": KERAS_VERSION, "fastnn_version": __version__,
                "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}
    skip = () if include_optimizer else (model.optimizer,)
    with zipfile.ZipFile(file, "w") as archive, tempfile.TemporaryFile(dir=folder) as weights:
        archive.writestr(METADATA, json.dumps(metadata))
        archive.writestr(CONFIG, config)
        with tempfile.TemporaryDirectory() as assets:
            with require("h5py", "Saving models").File(weights, "w") as h5:
                save_state(model, Writer(h5), assets, skip)
            weights.flush()
            size = weights.seek(0, os.SEEK_END)
            weights.seek(0)
            with archive.open(WEIGHTS, "w", force_zip64=size > 2**31) as member:
                shutil.copyfileobj(weights, member, 2**20)
            add_folder(archive, assets)


def add_folder(archive, folder):
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(place, name)
            archive.write(path, f"{ASSETS}/{os.path.relpath(path, folder)}".replace(os.sep, "/"))


# ---- Loading ----------------------------------------------------------------------------------------------------

def load_archive(source, custom_objects=None, compile=True, safe_mode=True):
    """The model of a `.keras` file.

    Args:
        source: path (also of a folder with an unpacked archive), or a binary file.
        custom_objects: names -> the user's own classes and functions.
        compile: whether the model is compiled as it was, its optimizer's state included.
        safe_mode: whether code in the file is refused.

    Raises:
        ValueError: a damaged file, code in it, unknown classes, weights that do not fit.
    """
    with members_of(source) as members:
        config = parse(members.read(CONFIG), source)
        if not compile:
            config["compile_config"] = None
        with members.weights() as root, variables_at_most(members.size(WEIGHTS)):
            model = model_of(config, source, custom_objects, safe_mode)
            with members.assets() if has_assets(model) else contextlib.nullcontext() as assets:
                load_weights(model, root, assets)
    return model


def model_of(config, source, custom_objects=None, safe_mode=True):
    """The model of a config, of any version of Keras.

    Raises:
        ValueError: it is that of something else.
    """
    model = deserialize_keras_object(modern_config(config), custom_objects, safe_mode)
    if not hasattr(model, "load_weights"):
        raise ValueError(f"{source} holds the config of a {type(model).__name__} ({config['class_name']!r}), which is no model")
    return model


def load_archive_weights(model, source, skip_mismatch=False):
    """Loads the weights of a `.keras` file into a model that is there already."""
    with members_of(source) as members, members.weights() as root:
        load_weights(model, root, skip_mismatch=skip_mismatch)


def load_weights(model, root, assets=None, skip_mismatch=False):
    """Loads the weights in an HDF5 file of an archive, whichever version of Keras wrote it."""
    if legacy_zip.is_keras2(root):
        legacy_zip.load_state(model, root, skip_mismatch)
    else:
        load_state(model, Reader(root), assets, skip_mismatch=skip_mismatch)


def has_assets(model):
    return any(hasattr(obj, "load_assets") for _, obj in saved_objects(model))


def parse(text, source):
    """A model's config from JSON.

    Raises:
        ValueError: what is no JSON, or no config of a model.
    """
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{source}: {CONFIG} is damaged: {error}") from None
    if not isinstance(config, dict) or "class_name" not in config:
        raise ValueError(f"{source}: {CONFIG} does not hold the config of a model")
    return config


def members_of(source):
    """The members of an archive, packed or not."""
    if isinstance(source, (str, os.PathLike)) and os.path.isdir(source):
        return Unpacked(os.fspath(source))
    return Packed(source)


class Packed:
    """The members of a zip archive."""

    def __init__(self, source):
        self.source = source
        # opened once: a path may lead to another file in the midst of loading, where a training goes on saving
        self.file = open(source, "rb", buffering=0) if isinstance(source, (str, os.PathLike)) else None
        try:
            self.archive = zipfile.ZipFile(self.file or source)
        except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
            self.__exit__()
            raise ValueError(f"{source} is no `.keras` file, or a damaged one: {error}") from None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.file is not None:
            self.file.close()

    def info(self, name):
        """What the archive says of a member.

        Raises:
            ValueError: there is none of the name, or it would grow beyond measure.
        """
        try:
            info = self.archive.getinfo(name)
        except KeyError:
            raise ValueError(f"{self.source} is no `.keras` file, or a damaged one: it has no {name}, only "
                             f"{self.archive.namelist()[:20]}") from None
        if info.file_size > EXPANSION * info.compress_size + 2**16:
            raise ValueError(f"{self.source}: {name} would grow from {info.compress_size} to {info.file_size} bytes when it is unpacked, "
                             "which no file of Keras does; it is not read. If you trust it, unpack it into a folder and load that")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{self.source}: {name} is compressed in a way that cannot be unpacked bit by bit, and no file of Keras is; "
                             "it is not read. If you trust it, unpack it into a folder and load that")
        return info

    def size(self, name):
        return self.info(name).file_size

    def read(self, name):
        """The bytes of a member, checked against its checksum."""
        info = self.info(name)
        try:
            with self.archive.open(info) as member:
                return member.read(info.file_size)      # without a limit more may be unpacked than the archive owns up to
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
            raise ValueError(f"{self.source}: {name} is damaged: {error}") from None

    def weights(self):
        """The root Group of the weights; those that are stored as they are, as Keras has them, are read where they lie."""
        info = self.info(WEIGHTS)
        if info.compress_type != zipfile.ZIP_STORED or self.file is None:
            return read_hdf5(self.read(WEIGHTS))
        return read_hdf5(self.file, self.check(info), info.file_size)

    def check(self, info):
        """Compares a stored member with its checksum; returns where in the file it begins."""
        self.file.seek(info.header_offset)
        header = self.file.read(30)
        if len(header) < 30 or header[:4] != b"PK\3\4":
            raise ValueError(f"{self.source} is damaged: there is no {info.filename} where it should be")
        offset = info.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        self.file.seek(offset)
        found, left = 0, info.file_size
        while left and (part := self.file.read(min(left, 2**20))):
            found, left = zlib.crc32(part, found), left - len(part)
        if left or found != info.CRC:
            raise ValueError(f"{self.source}: {info.filename} is damaged: its checksum differs")
        return offset

    @contextlib.contextmanager
    def assets(self):
        """A folder that holds the members below assets/, as long as the block runs."""
        found = [info for info in self.archive.infolist() if info.filename.startswith(f"{ASSETS}/") and not info.is_dir()]
        size = self.archive.fp.seek(0, os.SEEK_END)
        if sum(info.file_size for info in found) > EXPANSION * size + 2**16:
            raise ValueError(f"{self.source}: the files of its layers would take more than {EXPANSION} times its own size; they are not unpacked")
        with tempfile.TemporaryDirectory() as folder:
            for info in found:
                path = inside(folder, info.filename)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(self.read(info.filename))
            yield os.path.join(folder, ASSETS)


def inside(folder, name):
    """The path of a member below a folder.

    Raises:
        ValueError: a name that leads out of it.
    """
    path = os.path.realpath(os.path.join(folder, *name.split("/")))
    if os.path.commonpath([os.path.realpath(folder), path]) != os.path.realpath(folder):
        raise ValueError(f"the archive holds a file {name!r}, which lies outside of it; it is not loaded")
    return path


class Unpacked:
    """The same for a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def path(self, name):
        path = os.path.join(self.folder, name)
        if not os.path.isfile(path):
            raise ValueError(f"the folder {self.folder} holds no model: it has no {name}")
        return path

    def size(self, name):
        return os.path.getsize(self.path(name))

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def weights(self):
        return read_hdf5(self.path(WEIGHTS))

    @contextlib.contextmanager
    def assets(self):
        yield os.path.join(self.folder, ASSETS)
