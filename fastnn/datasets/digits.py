"""2,500 handwritten digits that come with fastnn, drawn from MNIST."""

import os

from ._files import read_npz


def load_data():
    """Load the carried digits: no network, no download.

    200 training and 50 test images of each digit, drawn at random from the training and test parts of MNIST (LeCun and
    Cortes, Creative Commons BY-SA 3.0).

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 arrays of shapes (2000, 28, 28), (2000,), (500, 28, 28), (500,).

    Example:

    >>> import fastnn
    >>> (x_train, y_train), (x_test, y_test) = fastnn.datasets.digits.load_data()
    >>> x_train.shape, y_test.shape
    ((2000, 28, 28), (500,))
    """
    path = os.path.join(os.path.dirname(__file__), "digits.npz")
    x_train, y_train, x_test, y_test = read_npz(path, ("x_train", "y_train", "x_test", "y_test"))
    return (x_train, y_train), (x_test, y_test)
