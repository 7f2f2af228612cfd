"""The cases: what is computed, in which sizes, and the data, the same for every engine."""
import zlib
from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """One thing to compute.

    Attributes:
        name: what the table calls it.
        kind: which job it is: a key of each engine's JOBS.
        sizes: the job's own sizes and options.
        peers: the engines beside fastnn.
        check: "values" or "moments" (of random numbers only mean and deviation can be compared).
    """

    name: str
    kind: str
    sizes: dict
    peers: tuple = ("torch",)
    check: str = "values"


def data(case, word, *shape):
    """Normally distributed floats, the same in every process."""
    return np.random.default_rng(zlib.crc32(f"{case.kind} {word}".encode())).standard_normal(shape, np.float32)


def csr(case, m, k, per):
    """A matrix in CSR with so many entries in each row: indptr, indices, values."""
    rng = np.random.default_rng(11)
    columns = np.sort(np.stack([rng.choice(k, per, replace=False) for _ in range(m)]), axis=1).astype(np.int32)
    return np.arange(0, m * per + 1, per), columns.ravel(), data(case, "values", m * per)


def labels(case, n, classes):
    return np.random.default_rng(7).integers(0, classes, n)


# ---- Products ---------------------------------------------------------------------------------------------------

def product(m, k, n, transposes="nn", peers=("torch", "numpy")):
    name = f"{m}x{k} x {k}x{n}" + ("" if transposes == "nn" else f" {transposes}")
    return Case(name, "product", dict(m=m, k=k, n=n, transposes=transposes), peers)


def layer(m, k, n):
    """The three products of a dense layer."""
    return Case(f"dense {m}x{k}x{n}", "layer", dict(m=m, k=k, n=n), ("torch", "numpy"))


MATMUL = [product(128, 128, 128), layer(128, 784, 512), layer(1, 784, 512), product(256, 256, 256), product(512, 512, 512),
          *[product(512, 512, 512, t) for t in ("nt", "tn", "tt")], layer(64, 576, 64), layer(512, 10000, 16), layer(32, 8192, 256),
          layer(1, 576, 64), layer(1, 8192, 256),
          *[product(n, n, n, peers=("torch", "numpy", "tensorflow", "jax")) for n in (1024, 2048)]]


# ---- Convolutions -----------------------------------------------------------------------------------------------

def conv(n, side, c, f, k=3, stride=1, padding="valid", dilation=1, groups=1, first=False, peers=("torch",)):
    """k: an integer, or (height, width) for images one pixel high; first: a first layer, whose input needs no gradient."""
    window = k if isinstance(k, tuple) else (k, k)
    image = (1, side) if window[0] == 1 and window[1] > 1 else (side, side)
    name = f"{n}x{image[0]}x{image[1]}x{c}->{f} {window[0]}x{window[1]}" + "".join(
        f" {word}{value}" for word, value, usual in (("stride ", stride, 1), ("dilation ", dilation, 1), ("groups ", groups, 1))
        if value != usual) + (" same" if padding == "same" else "")
    sizes = dict(n=n, image=image, c=c, f=f, window=window, stride=stride, padding=padding, dilation=dilation, groups=groups, first=first)
    return Case(name, "conv", sizes, peers)


def wide(*sizes, **options):
    return conv(*sizes, **options, peers=("direct", "torch"))


CONV = [wide(64, 13, 32, 64), wide(20, 36, 64, 128), wide(64, 5, 64, 64), wide(64, 28, 32, 32, padding="same"), wide(20, 74, 32, 64),
        wide(20, 17, 128, 128), wide(16, 56, 64, 64, padding="same"), wide(32, 28, 128, 128, padding="same"),
        wide(16, 14, 256, 256, padding="same")]

CONV_OTHER = [conv(64, 28, 1, 32, first=True), conv(20, 150, 3, 32, first=True), conv(32, 28, 128, 256, k=1),
              Case("depthwise 32x56x56x64 3x3 same", "depthwise", dict(n=32, side=56, c=64)),
              conv(128, 28, 1, 32, first=True), conv(64, 32, 3, 32, padding="same", first=True), conv(32, 14, 512, 128, k=1),
              conv(32, 14, 48, 64, k=5, padding="same"), conv(32, 28, 32, 32, k=7), conv(8, 112, 3, 64, k=7, stride=2, first=True),
              conv(32, 28, 64, 128, stride=2), conv(64, 28, 12, 24, k=6, stride=2, padding="same"), conv(32, 28, 64, 64, dilation=2),
              conv(32, 28, 64, 64, groups=4), conv(32, 256, 64, 64, k=(1, 5)),
              Case("separable 32x28x28x64->128 3x3 same", "separable", dict(n=32, side=28, c=64, f=128))]

# ---- The rest ---------------------------------------------------------------------------------------------------

POOL = [Case(f"{word} pool 2x2 {n}x{side}x{side}x{c}", "pool", dict(how=word, n=n, side=side, c=c))
        for word, n, side, c in (("max", 64, 26, 32), ("max", 20, 148, 32), ("average", 64, 26, 32))]
NORM = [Case(f"batch norm + relu {n}x{side}x{side}x{c}", "norm", dict(n=n, side=side, c=c))
        for n, side, c in ((64, 26, 32), (32, 28, 128), (64, 11, 64))]
LOSS = [Case(f"softmax cross-entropy {n}x{c}", "loss", dict(n=n, classes=c)) for n, c in ((128, 10), (512, 46), (128, 1000))]
UPDATE = [Case(f"{rule} {text}", "update", dict(rule=rule, shapes=shapes)) for rule in ("adam", "rmsprop") for text, shapes in (
    ("1M in one", [[1024, 1024]]), ("93k in ten", [[3, 3, 1, 32], [32], [3, 3, 32, 64], [64], [3, 3, 64, 64], [64], [576, 64], [64],
                                                   [64, 10], [10]]))]
ELEMENTWISE = [Case("bias + relu, backward 43264x32", "bias_relu", dict(rows=43264, columns=32)),
               *[Case(f"{name} 1M", "unary", dict(name=name, n=1 << 20), ("torch", "numpy")) for name in ("exp", "tanh", "sigmoid", "sqrt")],
               *[Case(f"{name} 1M", "binary", dict(name=name, n=1 << 20), ("torch", "numpy")) for name in ("add", "multiply")],
               Case("sum over rows 4096x256", "sum", dict(axis=1), ("torch", "numpy")),
               Case("sum over columns 4096x256", "sum", dict(axis=0), ("torch", "numpy"))]
RANDOM = [Case(f"{name} 1M", "random", dict(name=name, n=1 << 20), ("torch", "numpy"), "moments") for name in ("uniform", "normal")]
DROPOUT = [Case(f"dropout 0.5 {n}x{m}", "dropout", dict(n=n, m=m), check="moments") for n, m in ((64, 576), (64, 9216))]

FUSED = [*[Case(f"{n}x{side}x{side}x{c}->{f} 3x3, bias, relu, max pool 2x2", "conv_pool", dict(n=n, side=side, c=c, f=f, first=c < 4))
           for n, side, c, f in ((64, 28, 1, 32), (20, 74, 32, 64), (20, 150, 3, 32), (64, 13, 32, 64))],
         *[Case(f"dense {m}x{k}x{n}, bias, relu", "dense_relu", dict(m=m, k=k, n=n)) for m, k, n in ((128, 784, 512), (64, 576, 64))]]
SPARSE = [Case(f"CSR {m}x{k}, {per} a row, times {k}x{n}", "sparse", dict(m=m, k=k, n=n, per=per), ("torch", "scipy"))
          for m, k, n, per in ((512, 10000, 16, 100), (512, 10000, 64, 100))]

FAMILIES = {"matmul": MATMUL, "conv": CONV, "conv_other": CONV_OTHER, "pool": POOL, "norm": NORM, "loss": LOSS, "update": UPDATE,
            "elementwise": ELEMENTWISE, "random": RANDOM, "dropout": DROPOUT, "fused": FUSED, "sparse": SPARSE}
