"""Every layer as an ONNX file: the cases of tests/golden, run by onnxruntime and compared with predict."""
import numpy as np
import pytest

import fastnn as keras
from fastnn.export.onnx_file import serialized
from fastnn.tape import flatten, unflatten
from tests.layers.test_golden import FACTS, make, stored_numbers

from .helpers import compare, opened

# Classes of layers that ONNX has no counterpart for, and what the message says: there are none today.
REFUSED = {}

numbers = pytest.fixture(scope="module")(stored_numbers)


class Only(keras.Model):
    """A model of one layer, whose inputs are those of the layer and the masks of its call, one after the other."""

    def __init__(self, layer, inputs, options):
        super().__init__(name="only")
        self.layer, self.masks = layer, {k: v for k, v in options.items() if is_mask(v)}
        self.shape = [inputs, list(self.masks.values())]
        self.options = {k: v for k, v in options.items() if k != "training" and k not in self.masks}

    @property
    def data(self):
        return [x if isinstance(x, np.ndarray) else x.numpy() for x in flatten(self.shape) if x is not None]

    def call(self, inputs):
        left = iter(inputs if isinstance(inputs, list) else [inputs])
        arguments, masks = unflatten(self.shape, iter([None if x is None else next(left) for x in flatten(self.shape)]))
        return self.layer(*arguments, **self.options, **dict(zip(self.masks, masks)))


def is_mask(value):
    return isinstance(value, np.ndarray) or isinstance(value, list) and any(isinstance(one, np.ndarray) for one in value)


def rows(x, n):
    """The first n samples, from the beginning again where there are fewer."""
    return np.concatenate([x] * n)[:n]


@pytest.mark.parametrize("name", FACTS)
def test_a_layer_computes_the_same_in_onnxruntime(name, numbers):
    layer, inputs, options = make(name, numbers, "float32")
    model = Only(layer, inputs, options)
    data = model.data
    signature = [keras.KerasTensor((None, *x.shape[1:]), x.dtype.name) for x in data]
    signature = [signature] if len(signature) > 1 else signature
    if FACTS[name]["class"] in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[FACTS[name]["class"]]):
            serialized(model, input_signature=signature)
        return
    session = opened(serialized(model, input_signature=signature))
    for n in (1, 2, 7):
        compare(model, session, [rows(x, n) for x in data])
