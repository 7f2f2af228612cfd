"""fastnn: an op's launches are recorded once, and played again, so that kernels are measured and not Python."""
import math

import numpy as np

from fastnn import config, ops
from fastnn.device import launch, recording, traffic
from fastnn.tensor import Tensor, Variable
from fastnn.utils import machine_limits

from .cases import csr, data, labels


def start(threads, engine):
    config.set_num_threads(threads)
    config.set_winograd("off" if engine == "direct" else "auto")
    machine_limits(threads, measure=True)


def tensor(case, word, *shape):
    return Tensor(data(case, word, *shape))


class Played:
    """The launches of a function: called, they run again.

    Attributes:
        flops, bytes: what they compute and move.
    """

    def __init__(self, function, flops=0):
        with recording() as calls:
            self.outputs = function()
        self.launches = [(call.name, call.args) for call in calls]
        self.flops, self.traffic = flops, [traffic(*one) for one in self.launches]
        self.bytes = math.fsum(moved for moved, _ in self.traffic)

    def __call__(self):
        for name, args in self.launches:
            launch(name, args)
        return self.outputs

    def limit(self, threads):
        """The least time on this machine, in microseconds."""
        limits = machine_limits(threads)
        return max(limits.arithmetic_us(self.flops), math.fsum(limits.memory_us(*one) for one in self.traffic))


def arrays(found):
    return [np.array(y.data) for y in (found if isinstance(found, (tuple, list)) else [found])]


# ---- Products and convolutions ----------------------------------------------------------------------------------

def product(case, m, k, n, transposes):
    ta, tb = (t == "t" for t in transposes)
    a, b = tensor(case, "a", *((k, m) if ta else (m, k))), tensor(case, "b", *((n, k) if tb else (k, n)))
    return {"product": Played(lambda: ops.matmul(a, b, transpose_a=ta, transpose_b=tb), 2 * m * n * k)}


def layer(case, m, k, n):
    x, w, dy = tensor(case, "x", m, k), tensor(case, "w", k, n), tensor(case, "dy", m, n)
    return {part: Played(function, 2 * m * n * k) for part, function in (
        ("forward", lambda: ops.dense(x, w)), ("weights", lambda: ops.matmul(x, dy, transpose_a=True)),
        ("data", lambda: ops.matmul(dy, w, transpose_b=True)))}


def convolution(x, w, dy, first, stride=1, padding="valid", dilation=1, groups=1):
    attrs = dict(strides=(stride, stride), padding=padding, dilation_rate=(dilation, dilation), groups=groups)
    flops = 2 * math.prod(dy.shape) * math.prod(w.shape[:3])
    parts = {"forward": Played(lambda: ops.conv2d(x, w, **attrs), flops),
             "weights": Played(lambda: ops.conv2d_backward_weights(x, dy, kernel_size=w.shape[:2], **attrs), flops)}
    if not first:
        parts["data"] = Played(lambda: ops.conv2d_backward_data(dy, w, image=x.shape[1:3], **attrs), flops)
    return parts


def conv(case, n, image, c, f, window, stride, padding, dilation, groups, first):
    x, w = tensor(case, "x", n, *image, c), tensor(case, "w", *window, c // groups, f)
    y = ops.conv2d(x, w, strides=(stride, stride), padding=padding, dilation_rate=(dilation, dilation), groups=groups)
    return convolution(x, w, tensor(case, "dy", *y.shape), first, stride, padding, dilation, groups)


def depthwise(case, n, side, c):
    x, w, dy = tensor(case, "x", n, side, side, c), tensor(case, "w", 3, 3, 1, c), tensor(case, "dy", n, side, side, c)
    return convolution(x, w, dy, False, padding="same", groups=c)


def separable(case, n, side, c, f):
    """A depthwise convolution and a 1x1 one behind it."""
    x, d, p = tensor(case, "x", n, side, side, c), tensor(case, "d", 3, 3, 1, c), tensor(case, "p", 1, 1, c, f)
    attrs = dict(strides=(1, 1), padding="same", dilation_rate=(1, 1))
    dy, between = tensor(case, "dy", n, side, side, f), ops.conv2d(x, d, groups=c, **attrs)

    def backward():
        db = ops.conv2d_backward_data(dy, p, image=(side, side), groups=1, **attrs)
        return (ops.conv2d_backward_data(db, d, image=(side, side), groups=c, **attrs),
                ops.conv2d_backward_weights(x, db, kernel_size=(3, 3), groups=c, **attrs),
                ops.conv2d_backward_weights(between, dy, kernel_size=(1, 1), groups=1, **attrs))

    flops = 2 * n * side * side * c * (9 + f)
    return {"forward": Played(lambda: ops.conv2d(ops.conv2d(x, d, groups=c, **attrs), p, groups=1, **attrs), flops),
            "backward": Played(backward, 2 * flops)}


def conv_pool(case, n, side, c, f, first):
    """Convolution, bias, relu and max-pooling as one kernel, and the way back."""
    x, w, b = tensor(case, "x", n, side, side, c), tensor(case, "w", 3, 3, c, f), tensor(case, "b", f)
    attrs, pooling = dict(strides=(1, 1), padding="valid", dilation_rate=(1, 1), groups=1), dict(pool_size=(2, 2), pool_strides=(2, 2))
    image = (side - 2, side - 2)
    y, index = ops.conv2d_max_pool_forward(x, w, b, activation="relu", **attrs, **pooling)
    dy = tensor(case, "dy", *y.shape)

    def backward():
        dz, db = ops.max_pool2d_act_backward(dy, y, index, image=image, pool_size=(2, 2), strides=(2, 2), activation="relu")
        dw = ops.conv2d_backward_weights(x, dz, kernel_size=(3, 3), **attrs)
        return (dw, db) if first else (dw, db, ops.conv2d_backward_data(dz, w, image=(side, side), **attrs))

    flops = 2 * n * image[0] * image[1] * f * 9 * c
    forward = Played(lambda: ops.conv2d_max_pool_forward(x, w, b, activation="relu", **attrs, **pooling), flops)
    forward.outputs = forward.outputs[:1]
    return {"forward": forward, "backward": Played(backward, flops if first else 2 * flops)}


def dense_relu(case, m, k, n):
    """A dense layer with its bias and activation, and the gradients of all."""
    x, w, b, dy = tensor(case, "x", m, k), tensor(case, "w", k, n), tensor(case, "b", n), tensor(case, "dy", m, n)
    y = ops.dense(x, w, b, activation="relu")

    def backward():
        dz, db = ops.bias_act_grad(dy, y, activation="relu")
        return ops.matmul(x, dz, transpose_a=True), ops.matmul(dz, w, transpose_b=True), db

    return {"forward": Played(lambda: ops.dense(x, w, b, activation="relu"), 2 * m * n * k), "backward": Played(backward, 4 * m * n * k)}


def sparse(case, m, k, n, per):
    indptr, indices, values = map(Tensor, csr(case, m, k, per))
    w, dy = tensor(case, "w", k, n), tensor(case, "dy", m, n)
    flops = 2 * m * per * n
    return {"forward": Played(lambda: ops.csr_dense(indptr, indices, values, w), flops),
            "weights": Played(lambda: ops.csr_dense_grad(indptr, indices, values, dy, columns=k), flops)}


# ---- The rest ---------------------------------------------------------------------------------------------------

def pool(case, how, n, side, c):
    x, dy = tensor(case, "x", n, side, side, c), tensor(case, "dy", n, side // 2, side // 2, c)
    attrs = dict(image=(side, side), pool_size=(2, 2), strides=(2, 2), padding="valid")
    if how == "average":
        return {"forward": Played(lambda: ops.average_pool2d_forward(x, **attrs)),
                "backward": Played(lambda: ops.average_pool2d_grad(dy, **attrs))}
    index = ops.max_pool2d_forward(x, **attrs)[1]
    forward = Played(lambda: ops.max_pool2d_forward(x, **attrs))
    forward.outputs = forward.outputs[:1]
    return {"forward": forward, "backward": Played(lambda: ops.max_pool2d_grad(dy, index, **attrs))}


def norm(case, n, side, c):
    x, dy, gamma, beta = (tensor(case, word, *shape) for word, shape in (
        ("x", (n, side, side, c)), ("dy", (n, side, side, c)), ("gamma", (c,)), ("beta", (c,))))
    moving = Variable(np.zeros(c, "f4")), Variable(np.ones(c, "f4"))
    attrs = dict(momentum=0.9, epsilon=1e-3, activation="relu")
    _, mean, rstd = ops.batch_norm(x, gamma, beta, *moving, **attrs)
    forward = Played(lambda: ops.batch_norm(x, gamma, beta, *moving, **attrs))
    forward.outputs = forward.outputs[:1]
    return {"forward": forward,
            "backward": Played(lambda: ops.batch_norm_grad(dy, x, gamma, beta, mean, rstd, activation="relu"))}


def loss(case, n, classes):
    x, t, one = tensor(case, "x", n, classes), Tensor(labels(case, n, classes)), Tensor(np.ones((), "f4"))
    y = ops.softmax(x)
    each = ops.sparse_crossentropy(t, y, x)
    return {"forward": Played(lambda: ops.weighted_mean(ops.sparse_crossentropy(t, ops.softmax(x), x), reduction="mean")),
            "backward": Played(lambda: ops.sparse_crossentropy_grad(ops.weighted_mean_grad(one, each, reduction="mean"), t, y,
                                                                    to_logits=True))}


def update(case, rule, shapes):
    slots = {"adam": 2, "rmsprop": 1}[rule]
    weights = [Variable(data(case, f"w{i}", *shape)) for i, shape in enumerate(shapes)]
    groups = [(w, tensor(case, f"g{i}", *w.shape), *[Variable(np.zeros(w.shape, "f4")) for _ in range(slots)])
              for i, w in enumerate(weights)]
    attrs = dict(beta_1=0.9, beta_2=0.999, epsilon=1e-8) if rule == "adam" else dict(rho=0.9, epsilon=1e-16)
    rate, step = Variable(np.array([1e-3], "f4")), Variable(np.zeros(1, "i8"))

    def run():
        getattr(ops, rule)(rate, step, *[x for group in groups for x in group], **attrs)
        return weights

    return {"update": Played(run)}


def bias_relu(case, rows, columns):
    dy, y = tensor(case, "dy", rows, columns), Tensor(np.maximum(data(case, "y", rows, columns), 0))
    return {"backward": Played(lambda: ops.bias_act_grad(dy, y, activation="relu"))}


def unary(case, name, n):
    x = Tensor(np.abs(data(case, "x", n)))
    return {name: Played(lambda: getattr(ops, name)(x))}


def binary(case, name, n):
    x, z = tensor(case, "x", n), tensor(case, "z", n)
    return {name: Played(lambda: getattr(ops, name)(x, z))}


def sum(case, axis):
    x = tensor(case, "x", 4096, 256)
    return {"sum": Played(lambda: ops.sum(x, axis=axis))}


def random(case, name, n):
    state = Variable(np.array([7, 0], "u8"), trainable=False)
    return {name: Played(lambda: getattr(ops, f"random_{name}")(state, shape=(n,)))}


def dropout(case, n, m):
    x, dy, state = tensor(case, "x", n, m), tensor(case, "dy", n, m), Variable(np.array([7, 0], "u8"), trainable=False)
    mask = ops.dropout_forward(x, state, rate=0.5)[1]
    forward = Played(lambda: ops.dropout_forward(x, state, rate=0.5))
    forward.outputs = forward.outputs[:1]
    return {"forward": forward, "backward": Played(lambda: ops.dropout_grad(dy, mask, rate=0.5))}


JOBS = {f.__name__: f for f in (product, layer, conv, depthwise, separable, conv_pool, dense_relu, sparse, pool, norm, loss, update, bias_relu, unary, binary, sum,
                                random, dropout)}
