"""Fashion-MNIST: articles of clothing in the format of MNIST."""

import gzip
import os

import numpy as np

from ._files import KERAS_FILES, dataset_file

FOLDER = "fashion-mnist"
FILES = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


def load_data():
    """Load Fashion-MNIST: 60,000 training and 10,000 test images of ten kinds of clothing.

    The four files are looked for in `FASTNN_DATA_DIR/fashion-mnist` (their names are those of MNIST's own files, so
    they need a folder of theirs), then in the cache folder.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (n, 28, 28), uint8 labels of shape (n,):
        0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747; MIT licence.
    """
    x_train, y_train, x_test, y_test = [_read_idx(_path(name, sha256)) for name, sha256 in FILES.items()]
    return (x_train, y_train), (x_test, y_test)


def _path(name, sha256):
    folder = os.environ.get("FASTNN_DATA_DIR")
    if folder and os.path.exists(own := os.path.join(folder, FOLDER, name)):
        return own
    return dataset_file(name, KERAS_FILES + name, sha256, os.path.join("datasets", FOLDER))


def _read_idx(path):
    """An IDX file: two zeros, the type (8 is uint8), the rank, one big-endian int32 for each axis, the bytes."""
    with gzip.open(path, "rb") as f:
        content = f.read()
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"[datasets] {path} is not an IDX file of bytes. Delete it, or replace it by the original.")
    rank = content[3]
    shape = np.frombuffer(content, ">i4", rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape).copy()
