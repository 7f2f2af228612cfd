"""What the ops on bits compute, by NumPy."""
import numpy as np

and_bits, or_bits, xor_bits, not_bits = np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert
gcd, lcm = np.gcd, np.lcm


def bits_up(x1, x2):
    return np.where((x2 < 0) | (x2 > 31), 0, np.left_shift(x1, np.clip(x2, 0, 31)))


def bits_down(x1, x2):
    return np.right_shift(x1, np.where((x2 < 0) | (x2 > 31), 31, x2))
