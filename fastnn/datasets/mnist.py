"""MNIST handwritten digits."""

from ._files import KERAS_FILES, dataset_file, read_npz


def load_data(path="mnist.npz"):
    """Load MNIST: 60,000 training and 10,000 test images of handwritten digits.

    Args:
        path: name of the file in `FASTNN_DATA_DIR` or the cache folder, or an absolute path.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (n, 28, 28), uint8 labels of shape (n,).

    Source: LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist; Creative Commons BY-SA 3.0.
    """
    path = dataset_file(
        path, KERAS_FILES + "mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
    )
    x_train, y_train, x_test, y_test = read_npz(path, ("x_train", "y_train", "x_test", "y_test"))
    return (x_train, y_train), (x_test, y_test)
