"""The format that CIFAR-10 and CIFAR-100 share: pickled batches of pictures, in a folder or still in their archive."""

import io
import os
import tarfile

import numpy as np

from .. import config
from ._files import dataset_file, read_pickle


def read_batches(folder, archive, origin, file_hash, names, label_key):
    """Pictures and labels of the batches `names`: uint8 arrays (n, 32, 32, 3) and (n, 1) for each batch; pictures
    (n, 3, 32, 32) where `config.image_data_format()` says so.

    `FASTNN_DATA_DIR` may hold the unpacked `folder` or the `archive`; the archive is read without unpacking it.
    """
    own = os.path.join(os.environ.get("FASTNN_DATA_DIR", ""), folder)
    if os.environ.get("FASTNN_DATA_DIR") and os.path.isdir(own):
        contents = {}
        for name in names:
            with open(os.path.join(own, name), "rb") as f:
                contents[name] = f.read()
    else:
        contents = _read_archive(dataset_file(archive, origin, file_hash), folder, names)
    return [_decode(contents[name], label_key) for name in names]


def _read_archive(path, folder, names):
    contents = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = os.path.basename(member.name)
            if member.isfile() and name in names and os.path.dirname(member.name) == folder:
                contents[name] = archive.extractfile(member).read()
    missing = [name for name in names if name not in contents]
    if missing:
        raise ValueError(f"[datasets] {path} lacks {folder}/{', '.join(missing)}. Delete it or replace it.")
    return contents


def _decode(content, label_key):
    batch = read_pickle(io.BytesIO(content), encoding="bytes")
    x = np.asarray(batch[b"data"], dtype=np.uint8).reshape(-1, 3, 32, 32)  # the file's pictures are channels first
    y = np.asarray(batch[label_key.encode()], dtype=np.uint8).reshape(-1, 1)
    if config.image_data_format() == "channels_last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    return x, y
