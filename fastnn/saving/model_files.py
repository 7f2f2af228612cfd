"""Whole models in files: which format a file has, and what becomes of a path."""
import contextlib
import os
import sys
import zipfile

from ..budget import variables_at_most
from ..utils.object_registration import CustomObjectScope
from ..utils.serialization import ObjectSharingScope, deserialize_keras_object
from . import archive, legacy_h5
from .legacy_config import modern_config

OLD_ENDINGS = (".h5", ".hdf5")


def save_model(model, filepath, overwrite=True, zipped=None, **kwargs):
    """Writes a model to a file; arguments and errors as of `Model.save`."""
    include_optimizer = kwargs.pop("include_optimizer", True)
    kwargs.pop("save_format", None)     # Keras 2 had it; the ending tells
    if kwargs:
        raise ValueError(f"save() takes no argument {', '.join(kwargs)}: it takes filepath, overwrite, zipped, include_optimizer")
    if zipped is False:
        raise ValueError("zipped=False is not offered: a folder cannot be replaced as a whole, so that a save that is interrupted could "
                         "leave a mixture. Save a `.keras` file, and unpack it where a folder is wanted")
    if hasattr(filepath, "write"):
        return archive.save_archive(model, filepath, include_optimizer)
    path = checked_path(filepath)
    if not path.endswith((".keras", *OLD_ENDINGS)):
        raise ValueError(f"the path of a model must end in .keras (or in .h5 or .hdf5 for the older format), received {path!r}. "
                         f"For instance: model.save({os.path.splitext(path)[0] + '.keras'!r})")
    check_overwrite(path, overwrite)
    with ObjectSharingScope():
        if path.endswith(".keras"):
            archive.save_archive(model, path, include_optimizer)
        else:
            legacy_h5.save_model(model, path, include_optimizer)


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """The model of a file that fastnn or Keras (2 or 3) wrote.

    No code from a file is run unless `safe_mode=False`; classes are taken from fastnn, from what was registered and from
    `custom_objects`, and from nowhere else.

    Args:
        filepath: path of a `.keras`, `.h5` or `.hdf5` file, or of a folder with an unpacked `.keras`; a binary file for `.keras`.
        custom_objects: names -> the user's own classes and functions.
        compile: whether the model is compiled as it was, with the state of its optimizer.
        safe_mode: False: Lambda layers may run code that stands in the file; only for files that you made yourself.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a damaged file, one of another kind, unknown classes, code, weights that do not fit.

    Example:
        >>> model.save("model.keras")
        >>> load_model("model.keras").count_params() == model.count_params()
        True
    """
    path = None if hasattr(filepath, "read") else checked_path(filepath)
    if path is not None and not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path!r}")
    with CustomObjectScope(custom_objects), ObjectSharingScope(), damage_told(filepath):
        if path is None:
            return archive.load_archive(filepath, None, compile, safe_mode)
        if os.path.isdir(path) or zipfile.is_zipfile(path):
            return archive.load_archive(path, None, compile, safe_mode)
        if path.endswith(".keras"):
            raise ValueError(f"{path} is no `.keras` file (a zip archive), or a damaged one")
        if path.endswith(OLD_ENDINGS):
            with variables_at_most(os.path.getsize(path)):
                return legacy_h5.load_model(path, None, compile, safe_mode)
        raise ValueError(f"{path} is no model: its name should end in .keras, .h5 or .hdf5. Folders of TensorFlow's SavedModel cannot be "
                         "loaded: save the model as .keras with Keras")


def model_from_json(json_string, custom_objects=None):
    """A new model, with new weights, of the architecture that `to_json` of fastnn or Keras gave.

    Args:
        json_string: the JSON; custom_objects: names -> the user's own classes and functions.

    Raises:
        ValueError: no JSON, no model, unknown classes.

    Example:
        >>> model_from_json(model.to_json()).name == model.name
        True
    """
    config = archive.parse(json_string, "the JSON of the model")
    config.pop("compile_config", None)
    with ObjectSharingScope():
        return deserialize_keras_object(modern_config(config), custom_objects)


@contextlib.contextmanager
def damage_told(source):
    """Turns what a config that makes no sense leads to, inside the block, into a ValueError that names the file."""
    try:
        yield
    except (KeyError, IndexError, AttributeError, TypeError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"{source} cannot be loaded: its config is damaged, or does not fit the classes that are registered here "
                         f"({type(error).__name__}: {error})") from error


def checked_path(filepath):
    """A path as str.

    Raises:
        TypeError: what is no path; ValueError: an address of the web.
    """
    if not isinstance(filepath, (str, os.PathLike)):
        raise TypeError(f"`filepath` must be a path, received {filepath!r} (of type {type(filepath).__name__})")
    path = os.fspath(filepath)
    if "://" in path:
        raise ValueError(f"{path}: files are read and written on this machine only: fetch it first, as with fastnn.utils.get_file")
    return path


def check_overwrite(path, overwrite):
    """Asks, where somebody is there to be asked, whether a file may be replaced.

    Raises:
        FileExistsError: it may not.
    """
    if overwrite or not os.path.exists(path):
        return
    if sys.stdin is not None and sys.stdin.isatty() and input(f"{path} is there already. Replace it? [y/n] ").strip().lower() == "y":
        return
    raise FileExistsError(f"{path} is there already: pass overwrite=True to replace it")
