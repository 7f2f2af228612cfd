"""Draw the digits that the wheel carries from a file in the layout of Keras' mnist.npz.

    python tools/make_digits.py mnist.npz fastnn/datasets/digits.npz

200 training and 50 test images of each class, the training images from the file's training part and the test images
from its test part, drawn with a fixed seed: the same file gives the same digits.
"""

import sys

import numpy as np

TRAIN_PER_CLASS, TEST_PER_CLASS, SEED = 200, 50, 0


def draw(x, y, per_class, rng):
    """`per_class` images of each class, in random order: (10 * per_class, 28, 28) and (10 * per_class,)."""
    chosen = np.concatenate([rng.permutation(np.flatnonzero(y == digit))[:per_class] for digit in range(10)])
    chosen = rng.permutation(chosen)
    return x[chosen].astype("uint8"), y[chosen].astype("uint8")


def main(source, target):
    rng = np.random.RandomState(SEED)
    with np.load(source, allow_pickle=False) as f:
        x_train, y_train = draw(f["x_train"], f["y_train"], TRAIN_PER_CLASS, rng)
        x_test, y_test = draw(f["x_test"], f["y_test"], TEST_PER_CLASS, rng)
    np.savez_compressed(target, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


if __name__ == "__main__":
    main(*sys.argv[1:])
