"""House prices in Boston in the 1970s."""

import numpy as np

from ._files import KERAS_FILES, dataset_file, read_npz, shuffled, split


def load_data(path="boston_housing.npz", test_split=0.2, seed=113):
    """Load the Boston housing prices: 506 houses with 13 features each.

    One feature, "B", was built on the assumption that racial segregation raises prices: use the data to learn about
    methods, not about houses or people.

    Args:
        path: name of the file in `FASTNN_DATA_DIR` or the cache folder, or an absolute path.
        test_split: share of the houses that makes the test part.
        seed: of the shuffling before the split.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: float64 features (n, 13), float64 median prices (n,) in 1,000 dollars.

    Raises:
        ValueError: `test_split` is not in [0, 1).

    Source: Harrison and Rubinfeld 1978, StatLib.
    """
    path = dataset_file(
        path, KERAS_FILES + "boston_housing.npz", "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"
    )
    return split(*shuffled(*read_npz(path, ("x", "y")), np.random.RandomState(seed)), test_split)
