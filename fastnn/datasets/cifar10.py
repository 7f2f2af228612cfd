"""CIFAR-10: small pictures of ten kinds."""

import numpy as np

from ._cifar import read_batches


def load_data():
    """Load CIFAR-10: 50,000 training and 10,000 test pictures of 32x32 pixels.

    The file is `cifar-10-python.tar.gz`; `FASTNN_DATA_DIR` may hold it or its folder `cifar-10-batches-py`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 pictures (n, 32, 32, 3), uint8 labels (n, 1):
        0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    Source: Krizhevsky 2009, Learning multiple layers of features from tiny images.
    """
    *train, test = read_batches(
        "cifar-10-batches-py",
        "cifar-10-python.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"],
        "labels",
    )
    x_train, y_train = (np.concatenate(parts) for parts in zip(*train))
    return (x_train, y_train), test
