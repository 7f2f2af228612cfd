"""Convolution with pooling behind it in NumPy: one after the other."""
import numpy as np

from . import activation as activations
from .conv import conv2d, conv2d_backward_weights, output_size
from .pool import max_pool2d_forward, max_pool2d_grad


def conv2d_max_pool_forward(x, w, b=None, *, pool_size, pool_strides, activation="linear", alpha=1.0, **attributes):
    y = activations.activate(conv2d(x, w, b, **attributes), activation, alpha)
    y, index = max_pool2d_forward(y, image=y.shape[1:3], pool_size=pool_size, strides=pool_strides, padding="valid")
    return y, np.where((y <= 0) & (activation == "relu"), 255, index).astype("uint8")


def max_pool2d_act_backward(dy, y, index, *, image, pool_size, strides, activation, alpha=1.0):
    dz = dy if activation == "relu" else activations.activation_grad(dy, y, activation=activation, alpha=alpha)
    dz = max_pool2d_grad(dz, index, image=image, pool_size=pool_size, strides=strides, padding="valid")
    return dz, dz.sum((0, 1, 2))


def conv2d_max_pool_backward_weights(x, dy, y, index, *, kernel_size, pool_size, pool_strides, activation, alpha=1.0, **attributes):
    window = {key: attributes[key] for key in ("strides", "padding", "dilation_rate")}
    image = tuple(output_size(x.shape, kernel_size, **window))
    dz, db = max_pool2d_act_backward(dy, y, index, image=image, pool_size=pool_size, strides=pool_strides, activation=activation, alpha=alpha)
    return conv2d_backward_weights(x, dz, kernel_size=kernel_size, **attributes), db
