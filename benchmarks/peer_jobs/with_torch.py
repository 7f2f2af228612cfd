"""PyTorch at its fastest: channels last, forward in inference mode, gradients by the functions that autograd would call."""
import warnings

import numpy as np
import torch
import torch.nn.functional as F

from .cases import csr, data, labels

aten = torch.ops.aten


def start(threads, engine):
    torch.set_num_threads(threads)
    warnings.simplefilter("ignore")         # its sparse matrices are "in beta state"
    torch.inference_mode().__enter__()      # for the whole process: no autograd at all


def tensor(case, word, *shape):
    return torch.from_numpy(data(case, word, *shape))


def images(case, word, *shape):
    """(N, H, W, C) data as the (N, C, H, W) tensor whose memory is laid out like them."""
    return tensor(case, word, *shape).permute(0, 3, 1, 2)


def kernel(case, word, *shape):
    """(KH, KW, C, F) as (F, C, KH, KW), channels last."""
    return tensor(case, word, *shape).permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)


class Image:
    """Marks what has to be transposed for the comparison."""

    def __init__(self, value, order):
        self.value, self.order = value, order


def arrays(found):
    def array(y):
        return np.array((y.value.permute(*y.order) if isinstance(y, Image) else y).numpy())
    return [array(y) for y in (found if isinstance(found, (tuple, list)) else [found])]


def nhwc(y):
    return Image(y, (0, 2, 3, 1))


def hwcf(w):
    return Image(w, (2, 3, 1, 0))


# ---- Products and convolutions ----------------------------------------------------------------------------------

def product(case, m, k, n, transposes):
    ta, tb = (t == "t" for t in transposes)
    a, b = tensor(case, "a", *((k, m) if ta else (m, k))), tensor(case, "b", *((n, k) if tb else (k, n)))
    a, b, y = a.T if ta else a, b.T if tb else b, torch.empty(m, n)
    return {"product": lambda: torch.mm(a, b, out=y)}


def layer(case, m, k, n):
    x, w, dy = tensor(case, "x", m, k), tensor(case, "w", k, n), tensor(case, "dy", m, n)
    y, dw, dx = torch.empty(m, n), torch.empty(k, n), torch.empty(m, k)
    return {"forward": lambda: torch.mm(x, w, out=y), "weights": lambda: torch.mm(x.T, dy, out=dw),
            "data": lambda: torch.mm(dy, w.T, out=dx)}


def conv(case, n, image, c, f, window, stride, padding, dilation, groups, first):
    x, w = images(case, "x", n, *image, c), kernel(case, "w", *window, c // groups, f)
    border = [0, 0]
    if padding == "same":       # where both sides of the border are equal, which is where the two agree
        totals = [max((-(-size // stride) - 1) * stride + (k - 1) * dilation + 1 - size, 0) for size, k in zip(image, window)]
        assert not any(t % 2 for t in totals), case
        border = [t // 2 for t in totals]
    return convolution(case, x, w, first, stride, border, dilation, groups)


def convolution(case, x, w, first=False, stride=1, border=(1, 1), dilation=1, groups=1):
    shared = [[stride, stride], list(border), [dilation, dilation], False, [0, 0], groups]
    shape = F.conv2d(x, w, None, stride, border, dilation, groups).shape
    dy = images(case, "dy", shape[0], shape[2], shape[3], shape[1])

    def backward(data, weights):
        return aten.convolution_backward(dy, x, w, None, *shared, [data, weights, False])

    parts = {"forward": lambda: nhwc(F.conv2d(x, w, None, stride, border, dilation, groups)),
             "weights": lambda: hwcf(backward(False, True)[1])}
    if not first:
        parts["data"] = lambda: nhwc(backward(True, False)[0])
    return parts


def depthwise(case, n, side, c):
    return convolution(case, images(case, "x", n, side, side, c), kernel(case, "w", 3, 3, 1, c), groups=c)


def separable(case, n, side, c, f):
    x, d, p = images(case, "x", n, side, side, c), kernel(case, "d", 3, 3, 1, c), kernel(case, "p", 1, 1, c, f)
    dy, between = images(case, "dy", n, side, side, f), F.conv2d(x, d, None, 1, 1, 1, c)

    def backward():
        db, dp, _ = aten.convolution_backward(dy, between, p, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, True, False])
        dx, dd, _ = aten.convolution_backward(db, x, d, None, [1, 1], [1, 1], [1, 1], False, [0, 0], c, [True, True, False])
        return nhwc(dx), hwcf(dd), hwcf(dp)

    return {"forward": lambda: nhwc(F.conv2d(F.conv2d(x, d, None, 1, 1, 1, c), p)), "backward": backward}


def conv_pool(case, n, side, c, f, first):
    x, w, b = images(case, "x", n, side, side, c), kernel(case, "w", 3, 3, c, f), tensor(case, "b", f)
    window = [2, 2], [2, 2], [0, 0]
    z = F.relu_(F.conv2d(x, w, b))
    y, index = aten.max_pool2d_with_indices(z, *window)
    dy = images(case, "dy", n, y.shape[2], y.shape[3], f)

    def backward():
        dz = aten.threshold_backward(aten.max_pool2d_with_indices_backward(dy, z, *window, [1, 1], False, index), z, 0)
        dx, dw, db = aten.convolution_backward(dz, x, w, [f], [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [not first, True, True])
        return (hwcf(dw), db) if first else (hwcf(dw), db, nhwc(dx))

    return {"forward": lambda: nhwc(aten.max_pool2d_with_indices(F.relu_(F.conv2d(x, w, b)), *window)[0]), "backward": backward}


def dense_relu(case, m, k, n):
    x, w, b, dy = tensor(case, "x", m, k), tensor(case, "w", k, n), tensor(case, "b", n), tensor(case, "dy", m, n)
    y = F.relu_(torch.addmm(b, x, w))

    def backward():
        dz = aten.threshold_backward(dy, y, 0)
        return torch.mm(x.T, dz), torch.mm(dz, w.T), dz.sum(0)

    return {"forward": lambda: F.relu_(torch.addmm(b, x, w)), "backward": backward}


def sparse(case, m, k, n, per):
    """The transposed matrix of the gradient is made beforehand, which a training step could not do."""
    indptr, indices, values = csr(case, m, k, per)
    x = torch.sparse_csr_tensor(torch.from_numpy(indptr), torch.from_numpy(indices).long(), torch.from_numpy(values), (m, k))
    w, dy, across = tensor(case, "w", k, n), tensor(case, "dy", m, n), x.to_dense().t().to_sparse_csr()
    return {"forward": lambda: x @ w, "weights": lambda: across @ dy}


# ---- The rest ---------------------------------------------------------------------------------------------------

def pool(case, how, n, side, c):
    x, dy = images(case, "x", n, side, side, c), images(case, "dy", n, side // 2, side // 2, c)
    window = [2, 2], [2, 2], [0, 0]
    if how == "average":
        return {"forward": lambda: nhwc(aten.avg_pool2d(x, *window)),
                "backward": lambda: nhwc(aten.avg_pool2d_backward(dy, x, *window, False, True, None))}
    index = aten.max_pool2d_with_indices(x, *window)[1]
    return {"forward": lambda: nhwc(aten.max_pool2d_with_indices(x, *window)[0]),
            "backward": lambda: nhwc(aten.max_pool2d_with_indices_backward(dy, x, *window, [1, 1], False, index))}


def norm(case, n, side, c):
    x, dy = images(case, "x", n, side, side, c), images(case, "dy", n, side, side, c)
    gamma, beta, moving = tensor(case, "gamma", c), tensor(case, "beta", c), (torch.zeros(c), torch.ones(c))

    def forward():
        y, mean, rstd = aten.native_batch_norm(x, gamma, beta, *moving, True, 0.1, 1e-3)
        return torch.relu_(y), mean, rstd

    y, mean, rstd = forward()

    def backward():
        dz = aten.threshold_backward(dy, y, 0)
        dx, dgamma, dbeta = aten.native_batch_norm_backward(dz, x, gamma, *moving, mean, rstd, True, 1e-3, [True, True, True])
        return nhwc(dx), dgamma, dbeta

    return {"forward": lambda: nhwc(forward()[0]), "backward": backward}


def loss(case, n, classes):
    x, t, one = tensor(case, "x", n, classes), torch.from_numpy(labels(case, n, classes)), torch.tensor(1.0)
    logs = F.log_softmax(x, 1)
    weight = aten.nll_loss_forward(logs, t, None, 1, -100)[1]

    def backward():
        return aten._log_softmax_backward_data(aten.nll_loss_backward(one, logs, t, None, 1, -100, weight), logs, 1, torch.float32)

    return {"forward": lambda: F.cross_entropy(x, t), "backward": backward}


def update(case, rule, shapes):
    weights = [tensor(case, f"w{i}", *shape) for i, shape in enumerate(shapes)]
    grads = [tensor(case, f"g{i}", *shape) for i, shape in enumerate(shapes)]
    first, second = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    if rule == "adam":
        steps = [torch.zeros(()) for _ in weights]

        def run():
            torch._foreach_add_(steps, 1)
            torch._fused_adam_(weights, grads, first, second, [], steps, lr=1e-3, beta1=0.9, beta2=0.999, weight_decay=0.0, eps=1e-8,
                               amsgrad=False, maximize=False)
            return weights
    else:
        def run():      # what its optimizer does with foreach=True, the fastest it has for this rule
            torch._foreach_mul_(second, 0.9)
            torch._foreach_addcmul_(second, grads, grads, 0.1)
            root = torch._foreach_sqrt(second)
            torch._foreach_add_(root, 1e-8)
            torch._foreach_addcdiv_(weights, grads, root, -1e-3)
            return weights
    return {"update": run}


def bias_relu(case, rows, columns):
    dy, y = tensor(case, "dy", rows, columns), torch.relu(tensor(case, "y", rows, columns))

    def backward():
        dz = aten.threshold_backward(dy, y, 0)
        return dz, dz.sum(0)

    return {"backward": backward}


def unary(case, name, n):
    x, y = tensor(case, "x", n).abs(), torch.empty(n)
    return {name: lambda: getattr(torch, name)(x, out=y)}


def binary(case, name, n):
    x, z, y = tensor(case, "x", n), tensor(case, "z", n), torch.empty(n)
    return {name: lambda: getattr(torch, name)(x, z, out=y)}


def sum(case, axis):
    x, y = tensor(case, "x", 4096, 256), torch.empty((4096, 256)[1 - axis])
    return {"sum": lambda: torch.sum(x, axis, out=y)}


def random(case, name, n):
    y = torch.empty(n)
    return {name: y.uniform_ if name == "uniform" else y.normal_}


def dropout(case, n, m):
    x, dy = tensor(case, "x", n, m), tensor(case, "dy", n, m)
    mask = aten.native_dropout(x, 0.5, True)[1]
    return {"forward": lambda: aten.native_dropout(x, 0.5, True)[0], "backward": lambda: aten.native_dropout_backward(dy, mask, 2.0)}


JOBS = {f.__name__: f for f in (product, layer, conv, depthwise, separable, conv_pool, dense_relu, sparse, pool, norm, loss, update, bias_relu, unary, binary, sum,
                                random, dropout)}
