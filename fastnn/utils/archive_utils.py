"""Unpacking zip and tar archives, with nothing written outside the folder that was named."""

import os
import shutil
import tarfile
import tempfile
import zipfile


def extract_archive(file_path, path=".", archive_format="auto"):
    """Unpack a zip or tar archive (plain, gzip, bzip2, xz) into a folder.

    The archive is unpacked into a temporary folder beside `path` first, so that a refused or broken archive leaves
    nothing behind. Files of `path` that the archive does not name stay.

    Args:
        file_path: the archive.
        path: the folder to unpack into; made if it is missing.
        archive_format: `"auto"`, `"tar"`, `"zip"`, a list of them, or `None`.

    Returns:
        `True` if the file was an archive of one of these formats, `False` otherwise.

    Raises:
        ValueError: a member would land outside `path`, or is neither a file, a folder nor a link inside `path`.
    """
    formats = ("tar", "zip") if archive_format == "auto" else archive_format or ()
    for kind in (formats,) if isinstance(formats, str) else formats:
        if kind not in _OPENERS:
            raise ValueError(f"[extract_archive] Unknown `archive_format`: {kind!r}. Use 'auto', 'tar', 'zip' or None.")
        is_archive, unpack = _OPENERS[kind]
        if is_archive(file_path):
            parent = os.path.dirname(os.path.abspath(path))
            os.makedirs(parent, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=parent) as folder:
                unpack(file_path, folder)
                shutil.copytree(folder, path, symlinks=True, dirs_exist_ok=True)
            return True
    return False


def _unpack_zip(file_path, folder):
    with zipfile.ZipFile(file_path) as archive:
        for info in archive.infolist():
            _check_inside(info.filename, folder)
        archive.extractall(folder)


def _unpack_tar(file_path, folder):
    with tarfile.open(file_path) as archive:
        members = archive.getmembers()
        for member in members:
            _check_inside(member.name, folder)
            if (member.issym() or member.islnk()) and not _DATA_FILTER:
                raise ValueError(f"[extract_archive] {member.name!r} is a link, and this Python cannot check chains of "
                                 "links: use a newer one (3.10.12, 3.11.4, 3.12 or later), or unpack the archive yourself.")
            if member.issym():
                _check_inside(os.path.join(os.path.dirname(member.name), member.linkname), folder, member.name)
            elif member.islnk():
                _check_inside(member.linkname, folder, member.name)
            elif not (member.isfile() or member.isdir()):
                raise ValueError(f"[extract_archive] {member.name!r} is a device or a pipe; such archives are refused.")
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        for member in members:  # links last: nothing is ever written through one
            if not (member.issym() or member.islnk()):
                archive.extract(member, folder, **_DATA_FILTER)
        for member in members:
            if member.issym() or member.islnk():
                archive.extract(member, folder, **_DATA_FILTER)


# Python's own check of members, where this Python has it (3.12, 3.11.4, 3.10.12)
_DATA_FILTER = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def _check_inside(name, folder, member=None):
    """Raise if `name`, relative to `folder`, points outside it."""
    folder = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(folder, name))
    if os.path.isabs(name) or os.path.commonpath([folder, path]) != folder:
        raise ValueError(
            f"[extract_archive] The member {member or name!r} points outside the folder of the archive ({name!r}); "
            "nothing was extracted. Do not use this archive, or unpack it yourself."
        )


_OPENERS = {"tar": (tarfile.is_tarfile, _unpack_tar), "zip": (zipfile.is_zipfile, _unpack_zip)}
