"""What the activations compute, by NumPy in float64."""
import numpy as np

from .elementwise import erf


def wide(x):
    return np.asarray(x, "float64")


def relu(x):
    return np.maximum(x, 0)


def relu6(x):
    return np.clip(x, 0, 6)


def softplus(x):
    return np.logaddexp(0, wide(x))


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -wide(x)))


def silu(x):
    return x * sigmoid(x)


def normal_cdf(x):
    return 0.5 * (1 + erf(wide(x) / np.sqrt(2)))


def gelu(x):
    return x * normal_cdf(x)


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * wide(x) ** 3)))


def leaky_relu(x, negative_slope=0.2):
    return np.where(x > 0, x, negative_slope * x)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def relu_grad(dy, v):
    return dy * (v > 0)


def relu6_grad(dy, v):
    return dy * ((v > 0) & (v < 6))


def leaky_relu_grad(dy, v, alpha):
    return dy * np.where(v > 0, 1, alpha)


def elu_grad(dy, v, alpha):
    return dy * np.where(v > 0, 1, v + alpha)


def sigmoid_grad(dy, v):
    return dy * v * (1 - v)


def softplus_grad(dy, v):
    return dy * sigmoid(v)


def silu_grad(dy, v):
    return dy * (sigmoid(v) + v * sigmoid(v) * sigmoid(-v))


def gelu_grad(dy, v):
    return dy * (normal_cdf(v) + v * np.exp(-wide(v) ** 2 / 2) / np.sqrt(2 * np.pi))


def gelu_tanh_grad(dy, v):
    h = 1e-5        # the central difference is good to about 1e-10
    return dy * (gelu_tanh(wide(v) + h) - gelu_tanh(wide(v) - h)) / (2 * h)


def sparsemax_rows(x):
    """By sorting, as the paper has it."""
    if not x.size:
        return x
    z = -np.sort(-wide(x), -1)
    k = np.arange(1, x.shape[-1] + 1)
    total = np.cumsum(z, -1)
    support = (1 + k * z > total).sum(-1, keepdims=True)
    tau = (np.take_along_axis(total, support - 1, -1) - 1) / support
    return np.maximum(x - tau, 0)


def sparsemax_grad(dy, y):
    support = y > 0
    mean = (wide(dy) * support).sum(-1, keepdims=True) / np.maximum(support.sum(-1, keepdims=True), 1)
    return (dy - mean) * support
