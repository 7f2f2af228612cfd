"""House prices in California in 1990."""

import numpy as np

from ._files import KERAS_FILES, dataset_file, read_npz, shuffled, split


def load_data(version="large", path="california_housing.npz", test_split=0.2, seed=113):
    """Load the California housing prices: 20,640 districts with 8 features each.

    Args:
        version: `"large"` for all districts, `"small"` for the first 600.
        path: name of the file in `FASTNN_DATA_DIR` or the cache folder, or an absolute path.
        test_split: share of the districts that makes the test part.
        seed: of the shuffling before the split.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: features (n, 8), median prices (n,) in dollars.

    Raises:
        ValueError: `version` is unknown, or `test_split` is not in [0, 1).

    Source: Pace and Barry 1997, StatLib.
    """
    if version not in ("large", "small"):
        raise ValueError(f"[california_housing] `version` must be 'large' or 'small'. Received: version={version!r}")
    path = dataset_file(
        path,
        KERAS_FILES + "california_housing.npz",
        "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    )
    x, y = (part[: 600 if version == "small" else None] for part in read_npz(path, ("x", "y")))
    return split(*shuffled(x, y, np.random.RandomState(seed)), test_split)
