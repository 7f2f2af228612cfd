"""CIFAR-100: small pictures of a hundred kinds."""

from ._cifar import read_batches


def load_data(label_mode="fine"):
    """Load CIFAR-100: 50,000 training and 10,000 test pictures of 32x32 pixels.

    The file is `cifar-100-python.tar.gz`; `FASTNN_DATA_DIR` may hold it or its folder `cifar-100-python`.

    Args:
        label_mode: `"fine"` for the 100 classes, `"coarse"` for the 20 groups they belong to.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 pictures (n, 32, 32, 3), uint8 labels (n, 1).

    Source: Krizhevsky 2009, Learning multiple layers of features from tiny images.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"[cifar100] `label_mode` must be 'fine' or 'coarse'. Received: label_mode={label_mode!r}")
    train, test = read_batches(
        "cifar-100-python",
        "cifar-100-python.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        ["train", "test"],
        f"{label_mode}_labels",
    )
    return train, test
