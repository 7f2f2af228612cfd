"""What every layer has to keep: the same checks for all of them."""
import functools
import json
import pathlib

import numpy as np

from fastnn import layers, ops
from fastnn.tape import GradientTape, flatten
from fastnn.tensor import Spec, Tensor

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
CLOSE = {"float32": dict(rtol=2e-4, atol=2e-5), "float64": dict(rtol=2e-6, atol=2e-6)}


def as_json(config):
    """A config as it is after a trip through JSON: lists for tuples."""
    return json.loads(json.dumps(config))


def forward_and_gradients(layer, inputs, dy=None, **options):
    """Outputs, and the gradients of sum(output * dy) with regard to the float inputs and the trainable weights.

    Args: inputs: list of positional arguments.  dy: a list of arrays, one for each output; None: ones.
    """
    floats = [x for x in flatten(inputs) if x.dtype.startswith("float")]
    with GradientTape() as tape:
        tape.watch(floats)
        outputs = flatten(layer(*inputs, **options))
        terms = [ops.sum(y * (1.0 if dy is None else Tensor(dy[i]))) for i, y in enumerate(outputs)]
        loss = functools.reduce(ops.add, terms)
    gradients = tape.gradient(loss, [*floats, *layer.trainable_weights], unconnected_gradients="zero")
    return outputs, gradients


def run_layer_test(cls, arguments, shape, dtype="float32", integers=None):
    """Builds a layer, and compares symbolic with eager shapes, a copy made from the config, float64, and gradients.

    Args: cls, arguments: the layer's class and arguments.  shape: of the input, with batch axis.
        integers: the bound of integer inputs; None: normally distributed floats.
    Returns: the layer and its output.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(dtype) if integers is None else rng.integers(0, integers, shape)
    layer = cls(**arguments, dtype=dtype)
    symbolic = layer(Spec((None, *shape[1:]), dtype))
    y = layer(x)
    assert y.dtype == dtype == symbolic.dtype
    assert len(symbolic.shape) == len(y.shape)
    assert all(size in (None, found) for size, found in zip(symbolic.shape, y.shape)), (symbolic.shape, y.shape)
    assert symbolic.shape[1:] == y.shape[1:]
    assert layer.compute_output_shape(shape) == y.shape
    assert np.isfinite(y.numpy()).all()
    check_copy(layer, x, y)
    check_gradients(cls, arguments, shape)
    return layer, y


def check_copy(layer, x, y):
    """A layer from the config has the same config, the same weights in the same order, and with their values the same output."""
    config = layer.get_config()
    copy = type(layer).from_config(as_json(config))
    assert as_json(copy.get_config()) == as_json(config)
    copy.build_from_config(as_json(layer.get_build_config() or {}))
    again = copy(x)
    assert [(w.name, w.shape, w.trainable) for w in copy.weights] == [(w.name, w.shape, w.trainable) for w in layer.weights]
    copy.set_weights(layer.get_weights())
    again = copy(x)
    np.testing.assert_array_equal(again.numpy(), y.numpy())
    same = layers.deserialize(as_json(layers.serialize(layer)))
    assert type(same) is type(layer) and as_json(same.get_config()) == as_json(config)


def check_gradients(cls, arguments, shape):
    """Gradients in float64 against a difference quotient along a random direction."""
    rng = np.random.default_rng(1)
    layer = cls(**arguments, dtype="float64")
    x = Tensor(rng.normal(size=shape))
    y = layer(x)
    # Away from the kink of relu and the like, which zeros in the initial values would sit on.
    layer.set_weights([w + rng.normal(size=w.shape) * 0.1 * (w.size > 0) if t.trainable else w
                       for w, t in zip(layer.get_weights(), layer.weights)])
    dy = rng.normal(size=y.shape)
    _, gradients = forward_and_gradients(layer, [x], [dy])
    inputs = [x, *layer.trainable_weights]
    directions = [rng.normal(size=t.shape) for t in inputs]
    step = 1e-6

    def at(sign):
        values = [t.numpy() + sign * step * d for t, d in zip(inputs, directions)]
        kept = layer.get_weights()
        for w, value in zip(layer.trainable_weights, values[1:]):
            w.assign(value)
        found = float((layer(Tensor(values[0])).numpy() * dy).sum())
        layer.set_weights(kept)
        return found

    quotient = (at(1) - at(-1)) / (2 * step)
    slope = sum(float((g.numpy() * d).sum()) for g, d in zip(gradients, directions))
    np.testing.assert_allclose(slope, quotient, rtol=1e-5, atol=1e-6)
