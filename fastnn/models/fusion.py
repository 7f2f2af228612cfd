"""Fusion: neighbouring layers of a stack that run as one op, so that what passes between them is never stored.

A stack is grouped by the classes of its layers, once for every change of it.  Whether a group then runs as one is asked
at every call, because attributes change: only where nobody can see the difference.  The results are the same, bit for bit.
"""
from contextlib import contextmanager

from .. import config
from ..changes import Noted
from ..layers import (Activation, BatchNormalization, Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose, Dense, DepthwiseConv1D,
                      DepthwiseConv2D, LeakyReLU, MaxPooling2D, ReLU, SeparableConv1D, SeparableConv2D)
from ..ops import SparseTensor
from ..ops.conv_pool import can_pool
from ..tensor import Spec, Tensor

# Activations whose kernels compute the same bits in the epilogue of a product as alone.
EXACT = ("relu", "relu6", "leaky_relu")


# ---- What a layer gives to the op of the one before it: attributes, or None if it must run by itself -------------

def activation_of(layer):
    """The activation of a layer that does nothing else."""
    if layer.__class__ is Activation:
        name = getattr(layer.activation, "epilogue", None)
        return {"activation": name, "alpha": 0.2 if name == "leaky_relu" else 1.0} if name in EXACT else None
    if layer.__class__ is LeakyReLU:
        return {"activation": "leaky_relu", "alpha": layer.negative_slope}
    if layer.max_value is not None or layer.threshold:
        return None
    return {"activation": "leaky_relu", "alpha": layer.negative_slope} if layer.negative_slope else {"activation": "relu"}


def behind_product(head, layer):
    """An activation goes into the epilogue of a layer that has none."""
    return activation_of(layer) if head.epilogue == "linear" else None


def behind_convolution(head, layer):
    """Behind the activation, windows that lie side by side inside the image are pooled while they are in the cache."""
    if layer.__class__ is not MaxPooling2D:
        return behind_product(head, layer)
    if head.epilogue is None or layer.padding != "valid" or not head.data_format == layer.data_format == "channels_last":
        return None
    if not can_pool(layer.pool_size, layer.strides) or not fits_tiles(head, layer):
        return None
    return {"pool_size": layer.pool_size, "pool_strides": layer.strides}


def fits_tiles(head, layer):
    """Whether the convolution runs the same way with the windows behind it: tiles of Winograd's algorithm hold whole ones of 2x2."""
    maybe_winograd = head.kernel_size == (3, 3) and head.strides == (1, 1) and config.winograd() != "off"
    return not maybe_winograd or layer.pool_size == layer.strides == (2, 2)


def behind_normalization(head, layer):
    """relu is part of the pass that normalises."""
    attrs = activation_of(layer)
    return {"activation": "relu"} if attrs and attrs["activation"] == "relu" else None


ACTIVATIONS = (Activation, ReLU, LeakyReLU)

# For each class of layers: what it can absorb, in this order, and the rule that says what becomes of it.
RULES = {
    **{cls: ((ACTIVATIONS,), behind_product)
       for cls in (Dense, Conv1D, DepthwiseConv1D, SeparableConv1D, Conv1DTranspose, Conv2DTranspose)},
    **{cls: ((ACTIVATIONS, (MaxPooling2D,)), behind_convolution) for cls in (Conv2D, DepthwiseConv2D, SeparableConv2D)},
    BatchNormalization: ((ACTIVATIONS,), behind_normalization),
}

CALLS = {cls: cls.call for cls in (*RULES, *ACTIVATIONS, MaxPooling2D)}


def is_plain(layer):
    """Whether a call of the layer does what its class says, and nobody looks at its output."""
    return layer.activity_regularizer is None and getattr(layer.call, "__func__", None) is CALLS[layer.__class__]


# ---- Steps -------------------------------------------------------------------------------------------------------

class Step:
    """A layer and those behind it that it may absorb; called like a layer."""

    __slots__ = ("head", "followers", "seen")

    def __init__(self, head, followers):
        self.head, self.followers = head, followers
        self.seen = None        # shape and dtype of the last input that all layers have accepted

    def __call__(self, x):
        taken = x.__class__ is Tensor and x.mask is None or x.__class__ is SparseTensor and self.head.sparse_inputs
        absorbed, others = self._absorb() if taken and _state.on else (None, self.followers)
        if absorbed:
            self._check(x)
            y = self.head(x, absorbed=absorbed)
        else:
            y = self.head(x)
        for layer in others:
            y = layer(y)
        return y

    def _absorb(self):
        """What the head's op does for the layers behind, and those that are left."""
        head, absorbed = self.head, {}
        if not is_plain(head):
            return absorbed, self.followers
        rule = RULES[head.__class__][1]
        for k, layer in enumerate(self.followers):
            attrs = rule(head, layer) if is_plain(layer) and layer.dtype == head.dtype else None
            if attrs is None:
                return absorbed, self.followers[k:]
            absorbed.update(attrs)
        return absorbed, ()

    def _check(self, x):
        """Lets every layer look at an input of a new shape, in symbolic form: they build themselves, and raise as ever."""
        if self.seen == (x.shape, x.dtype):
            return
        y = Spec(x.shape, x.dtype)
        for layer in (self.head, *self.followers):
            y = layer(y)
        self.seen = x.shape, x.dtype


def may_follow(head, layer):
    """Whether the first layer of a group could absorb a layer, by their classes."""
    return any(layer.__class__ in classes for classes in RULES[head.__class__][0]) if head.__class__ in RULES else False


def steps(layers, rows=None):
    """What to call one after another instead of these layers: layers, and `Step`s that may run several as one.

    Args:
        layers: in their order; without inputs.
        rows: something for each layer; then there are pairs (what to call, the rows that it stands for).
    """
    found, start = [], 0
    while start < len(layers):
        head, end = layers[start], start + 1
        for classes in RULES[head.__class__][0] if head.__class__ in RULES else ():
            if end < len(layers) and layers[end].__class__ in classes:
                end += 1
        call = head if end == start + 1 else Step(head, layers[start + 1:end])
        found.append(call if rows is None else (call, rows[start:end]))
        start = end
    return found


class _State(Noted):
    on = True


_state = _State()


@contextmanager
def unfused():
    """A context in which every layer runs by itself."""
    before, _state.on = _state.on, False
    try:
        yield
    finally:
        _state.on = before
