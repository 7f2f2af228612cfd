"""What the ops of the penalty family compute, in NumPy."""
import numpy as np


def penalty(x, l1=0.0, l2=0.0):
    x = x.astype("float64")
    return np.asarray(l1 * np.abs(x).sum() + l2 * np.square(x).sum())


def penalty_grad(dy, x, l1, l2):
    return dy * (l1 * np.sign(x) + 2 * l2 * x)
