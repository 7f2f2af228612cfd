"""What TensorBoard's files are made of: images of weights, and graphs of models."""
import struct
import zlib

import numpy as np
import pytest

import fastnn
from fastnn import Model, Sequential, layers, ops
from fastnn.callbacks.event_files import png, weight_image
from fastnn.callbacks.model_graph import model_graph
from fastnn.utils.serialization import serialize

# ---- Images -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("shape, size", [
    ((7,), (1, 7, 1)), ((3, 9), (3, 9, 1)), ((9, 3), (3, 9, 1)), ((5, 5, 1, 4), (11, 11, 1)), ((5, 5, 3, 4), (11, 11, 3)),
    ((3, 3, 2, 4), (15, 7, 1)), ((3, 3, 100, 200), (255, 255, 1)), ((4, 6, 9), (14, 20, 1)), ((), None), ((2, 3, 3, 3, 4), None)])
def test_images_of_weights(shape, size):
    value = np.random.default_rng(1).normal(size=shape)
    found = weight_image(value)
    assert (None if found is None else found.shape) == size
    assert found is None or found.dtype == "uint8" and (value.size > 5000 or found.max() == 255 and found.min() == 0)
    assert found is None or (weight_image(np.zeros(shape))[0, 0] == 128).all()


def test_tiles_are_the_filters():
    kernel = np.random.default_rng(2).normal(size=(2, 3, 4, 5))
    found, scaled = weight_image(kernel)[:, :, 0], np.rint((kernel - kernel.min()) / (kernel.max() - kernel.min()) * 255)
    for channel in range(4):
        for number in range(5):
            assert (found[number * 3:number * 3 + 2, channel * 4:channel * 4 + 3] == scaled[:, :, channel, number]).all()


def test_png():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype("uint8")
    data = png(pixels)
    width, height = struct.unpack(">II", data[16:24])
    at = data.index(b"IDAT")
    length, = struct.unpack(">I", data[at - 4:at])
    rows = np.frombuffer(zlib.decompress(data[at + 4:at + 4 + length]), "uint8").reshape(height, 1 + width * 3)
    assert (width, height) == (7, 5) and not rows[:, 0].any() and (rows[:, 1:].reshape(pixels.shape) == pixels).all()
    assert png(pixels[:, :, :1])[25] == 0 and data[25] == 2       # gray, colors


# ---- Graphs -----------------------------------------------------------------------------------------------------

def test_graphs_of_models_in_models():
    pytest.importorskip("tensorboardX")
    fastnn.utils.clear_session()
    start, inner_start = layers.Input((3,), name="start"), layers.Input((3,), name="inner_start")
    shared = layers.Dense(3, name="shared")
    inner = Model(inner_start, [layers.Dense(2, name="left")(inner_start), layers.Dense(5, name="right")(inner_start)], name="two")
    row = Sequential([layers.Input((2,)), layers.Dense(4, name="up"), layers.Dense(1, name="down")], name="row")
    left, right = inner(shared(start))
    again = layers.Reshape((1, 3), name="again")(shared(shared(start)))
    attended = layers.MultiHeadAttention(1, 2, name="attention")(query=again, value=again)
    halves = ops.split(right, 5, axis=1)
    model = Model(start, {"a": row(left) + halves[3], "b": attended})
    graph = model_graph(model, serialize(model))
    assert {node.name: list(node.input) for node in graph.node} == {
        "start": [], "shared": ["start"], "shared.1": ["start"], "shared.2": ["shared.1"], "two/left": ["shared"], "two/right": ["shared"],
        "row/up": ["two/left"], "row/down": ["row/up"], "split": ["two/right"], "add": ["row/down", "split:3"], "again": ["shared.2"],
        "attention": ["again", "again"]}
    assert {node.name: [side.size for side in node.attr["_output_shapes"].list.shape[0].dim] for node in graph.node
            if node.name in ("add", "attention", "shared.2", "start")} == {
        "add": [-1, 1], "attention": [-1, 1, 3], "shared.2": [-1, 3], "start": [-1, 3]}
    split = next(node for node in graph.node if node.name == "split").attr["_output_shapes"].list.shape
    assert [shape.unknown_rank for shape in split] == [True, True, True, False] and [side.size for side in split[3].dim] == [-1, 1]
