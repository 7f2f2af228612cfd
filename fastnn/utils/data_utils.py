"""Files from the network: downloaded once, checked, and kept in a cache folder."""

import hashlib
import os
import sys
import warnings

CHUNK = 1 << 16
TIMEOUT = 30  # seconds without a byte before a download is given up


def cache_folder():
    """The folder of downloaded files: `FASTNN_HOME` if it is set, `~/.fastnn` otherwise."""
    return os.path.expanduser(os.environ.get("FASTNN_HOME") or os.path.join("~", ".fastnn"))


def get_file(
    fname=None,
    origin=None,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir="datasets",
    hash_algorithm="auto",
    extract=False,
    archive_format="auto",
    cache_dir=None,
    force_download=False,
):
    """Path of a file of the web, downloaded if the cache does not hold it yet.

    The file is written under a temporary name, checked against its hash and only then renamed, so a broken download
    never stands for the file.

    Args:
        fname: name of the file in the cache; by default the last part of `origin`. With `extract=True`, a name without
            a dot names the folder that the archive is extracted to.
        origin: address (`https://`, `file://`) of the file.
        untar: older spelling of `extract=True, archive_format="tar"`.
        md5_hash: older spelling of `file_hash` with `hash_algorithm="md5"`.
        file_hash: the expected SHA-256 or MD5 hash, in hexadecimal.
        cache_subdir: folder under `cache_dir`; an absolute path stands for itself.
        hash_algorithm: `"sha256"`, `"md5"`, or `"auto"` (by the length of `file_hash`).
        extract: whether to unpack the file, a zip or tar archive. Members that would land outside the folder are
            refused.
        archive_format: `"auto"`, `"tar"`, `"zip"`, a list of them, or `None` for not unpacking.
        cache_dir: the cache; by default `FASTNN_HOME` or `~/.fastnn`.
        force_download: download even if the file is there.

    Returns:
        The path of the file, or of the folder that it was extracted to.

    Raises:
        ValueError: an argument is wrong, or the downloaded file has another hash.
        ConnectionError: the file could not be downloaded; the message says where to put it by hand.

    Example:

    >>> import os, pathlib, tempfile, fastnn
    >>> folder = tempfile.mkdtemp()
    >>> source = pathlib.Path(folder, "words.txt")
    >>> _ = source.write_text("one two three")
    >>> path = fastnn.utils.get_file(origin=source.as_uri(), cache_dir=os.path.join(folder, "cache"))
    Downloading words.txt from file://...
    >>> open(path).read()
    'one two three'
    """
    name = _file_name(fname, origin)
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    folder = os.path.join(os.path.expanduser(cache_dir or cache_folder()), cache_subdir)
    if not (extract or untar):
        target = os.path.join(folder, name)
        _fetch(target, origin, file_hash, hash_algorithm, force_download)
        return target

    archive, extracted = _archive_paths(folder, name, named=bool(fname))
    new = _fetch(archive, origin, file_hash, hash_algorithm, force_download)
    if new or not os.path.isdir(extracted):
        from .archive_utils import extract_archive

        if not extract_archive(archive, extracted, "tar" if untar else archive_format):
            warnings.warn(
                f"[get_file] {archive} is not an archive of the format {archive_format!r}; nothing was extracted. "
                "Pass `archive_format='zip'` or `'tar'`, or leave `extract` out.",
                stacklevel=2,
            )
    return extracted


def hash_file(path, algorithm="sha256"):
    """Hash of a file as a hexadecimal string; `algorithm` is `"sha256"` or `"md5"`."""
    if algorithm not in ("sha256", "md5"):
        raise ValueError(f"[hash_file] `algorithm` must be 'sha256' or 'md5'. Received: algorithm={algorithm!r}")
    hasher = hashlib.new(algorithm)
    with open(path, "rb") as f:
        while chunk := f.read(CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def validate_file(path, file_hash, algorithm="auto"):
    """Whether a file has the hash `file_hash` (SHA-256 or MD5)."""
    if algorithm == "auto":
        algorithm = "sha256" if len(file_hash) == 64 else "md5"
    return hash_file(path, algorithm) == file_hash.lower()


def _file_name(fname, origin):
    if origin is None:
        raise ValueError("[get_file] `origin` is missing: pass the address of the file to download.")
    name = os.fspath(fname) if fname else origin.split("?")[0].split("#")[0].rstrip("/").rsplit("/", 1)[-1]
    if not name or os.path.basename(name) != name or name in (".", ".."):
        raise ValueError(
            f"[get_file] `fname` must be the name of a file, without folders. Received: fname={fname!r}, "
            f"origin={origin!r}. Name the folder by `cache_dir` and `cache_subdir`."
        )
    return name


def _archive_paths(folder, name, named):
    """Paths of the archive and of the folder it is extracted to; Keras' naming."""
    if named and "." in name:
        return os.path.join(folder, name), os.path.join(folder, name[: name.find(".")] + "_extracted")
    return os.path.join(folder, name + "_archive"), os.path.join(folder, name)


def _fetch(target, origin, file_hash, algorithm, force):
    """Have `origin` at `target`; returns whether it was downloaded now."""
    if os.path.exists(target) and not force:
        if file_hash is None or validate_file(target, file_hash, algorithm):
            return False
        _say(f"{target} is not the expected file (its hash differs from {file_hash}); downloading it again.")
    _make_folder(os.path.dirname(target))
    part = f"{target}.{os.urandom(4).hex()}.part"
    try:
        _download(origin, part, target)
        if file_hash is not None and not validate_file(part, file_hash, algorithm):
            raise ValueError(
                f"[get_file] {origin} is incomplete or not the expected file: its hash is not {file_hash}. Try again, "
                f"or put the right file at {target}"
            )
        os.replace(part, target)
    finally:
        if os.path.exists(part):
            os.remove(part)
    return True


def _make_folder(folder):
    try:
        os.makedirs(folder, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError as error:
        raise OSError(f"[get_file] The cache folder {folder} cannot be made ({error}). {_OTHER_FOLDER}") from error
    if not writable:
        raise PermissionError(f"[get_file] The cache folder {folder} cannot be written. {_OTHER_FOLDER}")


_OTHER_FOLDER = "Set the environment variable FASTNN_HOME to a folder that can, or pass `cache_dir`."


def _download(origin, part, target):
    """Copy `origin` to the file `part`, with a progress bar."""
    # Imported here: with ssl and http they would double the time of `import fastnn`.
    import http.client
    import urllib.error
    import urllib.request

    from .progbar import Progbar

    _say(f"Downloading {os.path.basename(target)} from {origin}")
    try:
        with urllib.request.urlopen(origin, timeout=TIMEOUT) as source, open(part, "wb") as out:
            size = source.headers.get("Content-Length")
            bar = Progbar(int(size) if size else None, unit_name="byte")
            done = 0
            while chunk := source.read(CHUNK):
                out.write(chunk)
                done += len(chunk)
                bar.update(done)
            if size and done < int(size):
                raise ConnectionError(f"the connection ended after {done} of {size} bytes")
            if not size:
                bar.update(done, finalize=True)
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", None) or error
        raise ConnectionError(
            f"[get_file] {origin} could not be downloaded: {reason}. Without a network, put the file at {target}"
        ) from error


def _say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
