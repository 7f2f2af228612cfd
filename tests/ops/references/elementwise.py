"""What the elementwise ops compute, by NumPy; gradients by formulas of their own."""
import math

import numpy as np

negative, abs, square, sign, sqrt, reciprocal = np.negative, np.abs, np.square, np.sign, np.sqrt, np.reciprocal
floor, ceil, trunc, round = np.floor, np.ceil, np.trunc, np.round
exp, exp2, expm1, log, log1p, log2, log10 = np.exp, np.exp2, np.expm1, np.log, np.log1p, np.log2, np.log10
sin, cos, tan, arcsin, arccos, arctan = np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan
sinh, cosh, tanh, arcsinh, arccosh, arctanh = np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh
isnan, isinf, isfinite, logical_not = np.isnan, np.isinf, np.isfinite, np.logical_not

add, subtract, multiply, divide, floor_divide, mod = np.add, np.subtract, np.multiply, np.divide, np.floor_divide, np.mod
maximum, minimum, power, arctan2, logaddexp = np.maximum, np.minimum, np.power, np.arctan2, np.logaddexp
equal, not_equal, less, less_equal = np.equal, np.not_equal, np.less, np.less_equal
greater, greater_equal = np.greater, np.greater_equal
logical_and, logical_or, logical_xor = np.logical_and, np.logical_or, np.logical_xor

erf = np.vectorize(math.erf, otypes=[float])


def rsqrt(x):
    return 1 / np.sqrt(x)


def squared_difference(x1, x2):
    return (x1 - x2) ** 2


def prelu(x1, x2):
    return np.where(x1 > 0, x1, x2 * x1)


def prelu_slope(x1, x2):
    return np.where(x1 > 0, 1, np.where(x1 < 0, x2, 0)) * np.ones_like(x2)


def abs_grad(dy, v):
    return dy * np.sign(v)


def square_grad(dy, v):
    return 2 * v * dy


def tanh_grad(dy, v):
    return dy * (1 - v * v)


def cast(x, dtype):
    return x.astype(dtype)


def choose(condition, a, b):
    return np.where(condition, a, b)


def clip_to(x, x_min, x_max):
    return np.clip(x, x_min, x_max)


def clip_grad(dy, x, x_min, x_max):
    return np.where((x >= x_min) & (x <= x_max), dy, 0)
