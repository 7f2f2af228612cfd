"""A step of training that is looked at and not made: its gradients, and where in it NaN or infinity comes up first."""
import contextlib
import functools
import threading

import numpy as np

from ..layers import Layer
from ..tape import flatten
from ..tensor import Tensor
from ..utils.batch_utils import unpack_x_y_sample_weight
from ..utils.numerical_utils import is_finite
from .fusion import unfused
from .profile import Kept, one_at_a_time, optimizers_in


def gradients_of(model, data, called=None):
    """What `Model.gradients_of` gives, and the loss of the batch.

    Args:
        model: whose `train_step` runs; its updates are not made, and all that it changes is put back bit for bit.
        data: a batch, as `train_step` gets it.
        called: function of a layer and its outputs, called after each layer; each then runs by itself.

    Returns:
        ([(weight, gradient or None)], loss, NaN if it is not in what the step returns).
    """
    if not model._is_complete():
        raise ValueError(f'model "{model.name}" has no weights yet: call it on a batch first')
    optimizers = optimizers_in(model)
    kept, found = Kept(model), []
    try:
        for optimizer in optimizers:
            vars(optimizer)["apply"] = functools.partial(take, found, optimizer)
        model.reset_metrics()
        with watching(called):
            logs = model.train_step(data)
        return found, float(logs["loss"]) if "loss" in logs else 0.0
    finally:
        kept.put_back()


def take(found, optimizer, grads, trainable_variables=None):
    """What stands in the place of an optimizer's `apply`: notes the gradients, as they are without the scale of the loss."""
    variables = optimizer._trainable_variables if trainable_variables is None else trainable_variables
    scale = float(optimizer.scale_loss(1.0))
    found += [(v, None if g is None else g.numpy() / g.data.dtype.type(scale)) for g, v in zip(grads, variables)]


@contextlib.contextmanager
def watching(called):
    """Lets a function see the outputs of each layer that is called in this thread."""
    if called is None:
        yield
        return
    original, thread = Layer.__call__, threading.get_ident()

    def call(layer, *args, **kwargs):
        outputs = original(layer, *args, **kwargs)
        if threading.get_ident() == thread:
            called(layer, outputs)
        return outputs

    with one_at_a_time, unfused():
        Layer.__call__ = call
        try:
            yield
        finally:
            Layer.__call__ = original


# ---- NaN and infinity -------------------------------------------------------------------------------------------

def first_not_finite(model, data):
    """Where NaN or infinity comes up first in a step of training with this batch.

    Returns:
        ("data", "x", "y" or "sample_weight"), ("weights", path), ("activation", layer), ("loss", ""), ("gradient", path): of
        gradients the one that is the nearest to the loss; None if all is finite.
    """
    for name, part in zip(("x", "y", "sample_weight"), unpack_x_y_sample_weight(data)):
        if part is not None and not all(is_finite(tensor.data) for tensor in flatten(part)):
            return "data", name
    for v in model.weights:
        if not is_finite(v.data):
            return "weights", v.path
    layers = []

    def look(layer, outputs):
        if not layers and not all(is_finite(y.data) for y in flatten(outputs) if isinstance(y, Tensor)):
            layers.append(layer.name)

    gradients, loss = gradients_of(model, data, look)
    if layers:
        return "activation", layers[0]
    if not np.isfinite(loss):
        return "loss", ""
    bad = [v.path for v, g in gradients if g is not None and not is_finite(g)]
    return ("gradient", bad[-1]) if bad else None
