"""What the ops of `pieces` give, by NumPy."""


def reinterpret(x, dtype):
    return x.view(dtype)
