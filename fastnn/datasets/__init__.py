"""Data to learn with: `digits` comes with fastnn, the others are files that Keras publishes.

A file is looked for in the folder that `FASTNN_DATA_DIR` names, then in the cache (`~/.fastnn/datasets`, or `datasets`
under `FASTNN_HOME`), and downloaded otherwise.
"""

from . import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]
