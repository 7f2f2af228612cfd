"""Every op that has a converter, on the cases that it is declared with."""
import numpy as np
import pytest

import fastnn as keras
from fastnn.export import onnx_converters
from fastnn.export.onnx_file import serialized
from fastnn.op import REGISTRY, Data

from .helpers import compare, opened

onnx_converters.load_converters()
LARGE, MOST = 5000, 3               # elements of a case (large ones are there for the threads of kernels), cases of an op


class Compute(keras.Model):
    """An op as a model; absent inputs stay absent."""

    def __init__(self, op, present, attributes):
        super().__init__(name=op.name)
        self.op, self.present, self.attributes = op, present, attributes

    def call(self, inputs):
        left = iter(inputs if isinstance(inputs, list) else [inputs])
        made = self.op(*[next(left) if here else None for here in self.present], **self.attributes)
        return made[0] if isinstance(made, tuple) and self.op.name not in BOTH else made


ALL = {"conv2d", "conv2d_backward_data", "attention", "unfold_axis", "fold_axis", "resample", "scatter_rows"}
BOTH = {"arrange", "layer_norm"}    # ops whose further results have converters, too


def drawn(value, rng):
    if not isinstance(value, Data):
        array = np.asarray(value)
        return array.astype("float32") if array.dtype == "float64" else array
    if value.kind == "integers":
        return rng.integers(value.low, value.high, value.shape).astype(value.dtype)
    made = rng.normal(size=value.shape) if value.kind == "normal" else rng.uniform(value.low, value.high, value.shape)
    return np.asarray(made, "float32")


def small_cases():
    for name in sorted(onnx_converters.CONVERTERS):
        count = 0
        for k, (inputs, attributes) in enumerate(REGISTRY[name].cases):
            rng = np.random.default_rng(k)
            arrays = [None if x is None else drawn(x, rng) for x in inputs]
            given = [a for a in arrays if a is not None]
            if attributes.get("dtype") == "float64" or not given:
                continue        # float64 is refused, what takes nothing is a constant
            if sum(a.size for a in given) < LARGE and not any(0 in a.shape for a in given) and (count < MOST or name in ALL):
                count += 1
                yield pytest.param(name, arrays, attributes, id=f"{name}-{k}")


@pytest.mark.parametrize("name, arrays, attributes", list(small_cases()))
def test_an_op_computes_the_same_in_onnxruntime(name, arrays, attributes):
    data = [a for a in arrays if a is not None]
    model = Compute(REGISTRY[name], [a is not None for a in arrays], attributes)
    signature = [keras.KerasTensor(a.shape, a.dtype.name) for a in data]
    compare(model, opened(serialized(model, input_signature=[signature] if len(data) > 1 else signature)), data)
