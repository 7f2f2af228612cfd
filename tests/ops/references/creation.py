"""What the ops that make tensors give, by NumPy."""
import numpy as np


def full(shape, fill_value, dtype=None):
    return np.full(shape, fill_value, dtype)


def full_like(x, fill_value, dtype=None):
    return np.full_like(x, fill_value, dtype)
