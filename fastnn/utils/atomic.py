"""Files that are there whole or not at all: written under another name, flushed to disk, and then moved into place."""
import contextlib
import hashlib
import itertools
import os
import re
import socket

_numbers = itertools.count()
LABEL = 100         # bytes of a name that stand in the name of its part, which has others besides; most systems allow 255


@contextlib.contextmanager
def replacing(path):
    """`with replacing(path) as part: ...` lets a block write the file `part`, which takes the place of `path` at its end.

    Whatever happens, a process killed or a disk that is full, `path` is the old file or the new one.  An error in the block leaves
    the old file and removes the new one.  A file keeps its permissions, a link what it points to.

    Args:
        path: of the file to write; its folder must be there.

    Raises:
        OSError: the folder is missing or read-only, the file is read-only, or no file but a folder or a device; the disk is full.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "note.txt")
        >>> with replacing(path) as part:
        ...     _ = pathlib.Path(part).write_text("all of it")
        >>> path.read_text()
        'all of it'
    """
    path = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"cannot write {path}: there is no folder {folder}. Make it first: os.makedirs({folder!r})")
    if os.path.isdir(path):
        raise IsADirectoryError(f"cannot write {path}: it is a folder")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(f"cannot write {path}: it is a device or a pipe, and a file would take its place")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise PermissionError(f"cannot write {path}: it is read-only. Make it writable first: os.chmod({path!r}, 0o644)")
    _remove_leftovers(folder, name)
    part = os.path.join(folder, f"{_prefix(name)}{os.getpid()}-{next(_numbers)}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        if os.path.exists(path):
            os.chmod(part, os.stat(path).st_mode & 0o7777)
        yield part
        _flush(part)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(part)
        raise
    _flush_folder(folder)


def _prefix(name):
    """How parts of a file begin; with the machine's name, since processes are told by numbers that it gave."""
    if len(os.fsencode(name)) > LABEL:
        name = hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()
    return f".{name}.{re.sub('[^A-Za-z0-9]', '_', socket.gethostname())}-"


def _remove_leftovers(folder, name):
    """Removes parts of the file whose processes on this machine were killed."""
    if os.name != "posix":      # elsewhere there is no harmless way to ask for a process
        return
    prefix = _prefix(name)
    for entry in os.listdir(folder):
        found = re.fullmatch(re.escape(prefix) + r"(\d+)-\d+\.part", entry)
        if found and not _runs(int(found[1])):
            with contextlib.suppress(OSError):
                os.remove(os.path.join(folder, entry))


def _runs(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _flush(path):
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder):
    """The new name is on disk, too; what cannot be flushed (some network file systems, Windows) is left to the system."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
