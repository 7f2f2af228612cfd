"""What the ops that move elements give, by NumPy."""
import numpy as np


def reshape(x, shape):
    return x.reshape(shape)


def stop_gradient(variable):
    return variable


def copy(x):
    return x


def transpose(x, axes=None):
    return x.transpose(axes)


def broadcast_to(x, shape):
    return np.broadcast_to(x, shape)


def slices(starts, steps, sizes):
    return np.ix_(*[start + step * np.arange(n) for start, step, n in zip(starts, steps, sizes)])


def strided_slice(x, starts, steps, sizes):
    return x[slices(starts, steps, sizes)]


def place_slice(x, shape, starts, steps):
    y = np.zeros(shape, x.dtype)
    y[slices(starts, steps, x.shape)] = x
    return y


def join(*xs, axis):
    return np.concatenate(xs, axis)


def pad_constant(x, pad_width, value):
    return np.pad(x, pad_width, constant_values=value)
