"""Models of all shapes that a picture must cope with."""
import numpy as np

import fastnn
from fastnn import layers, ops


def sequential():
    return fastnn.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(),
                              layers.Dense(2, trainable=False)], name="stack")


def inception():
    x = source = layers.Input((8, 8, 3))
    for _ in range(2):
        deep = layers.Conv2D(2, 3, padding="same")(layers.Conv2D(2, 3, padding="same")(layers.Conv2D(2, 1)(x)))
        pooled = layers.Conv2D(2, 1)(layers.MaxPooling2D(3, 1, padding="same")(x))
        x = layers.Concatenate()([layers.Conv2D(2, 1)(x), deep, pooled])
    return fastnn.Model(source, x)


def residual(blocks=4):
    x = source = layers.Input((8, 8, 2))
    for i in range(blocks):
        skip = layers.Conv2D(2, 1)(x) if i == 1 else x
        x = layers.Add()([layers.Conv2D(2, 3, padding="same")(layers.ReLU()(layers.BatchNormalization()(x))), skip])
    return fastnn.Model(source, x)


def dense_net():
    source = layers.Input((4,))
    parts = [source]
    for _ in range(5):
        parts.append(layers.Dense(4)(layers.Concatenate()(parts) if len(parts) > 1 else source))
    return fastnn.Model(source, layers.Concatenate()(parts))


def heads():
    text, price = layers.Input((None,), dtype="int32", name="text"), layers.Input((1,), name="price")
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(layers.Embedding(9, 4)(text)), ops.log(price + 1.0)])
    return fastnn.Model([text, price], {"likes": layers.Dense(1, name="likes")(x), "topic": layers.Dense(3, name="topic")(x)})


def shared():
    """A layer that takes its own result, and another's that takes its."""
    source, one, other = layers.Input((4,)), layers.Dense(4, name="one"), layers.Dense(4, name="other")
    return fastnn.Model(source, layers.ReLU()(one(other(one(one(source))))))


def twins():
    image = layers.Input((4,))
    encoder = fastnn.Model(image, layers.Dense(2, name="code")(image), name="encoder")
    left, right = layers.Input((4,), name="left"), layers.Input((4,), name="right")
    return fastnn.Model([left, right], ops.sum(ops.square(encoder(left) - encoder(right)), axis=-1, keepdims=True))


def nested():
    """A model in a model in a model; one with two inputs and two outputs, called on what it gave."""
    inner = fastnn.Sequential([layers.Input((4,)), layers.Dense(4, name="first"), layers.Dense(4, name="second")], name="inner")
    u, v = layers.Input((4,), name="u"), layers.Input((4,), name="v")
    middle = fastnn.Model({"u": u, "v": v}, [layers.Add(name="plus")([inner(u), v]), layers.Multiply(name="times")([u, v])], name="middle")
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    y, z = middle({"v": b, "u": a})
    return fastnn.Model([a, b], layers.Concatenate()([*middle({"u": y, "v": z}), a]), name="outer")


def several_results():
    source = layers.Input((8,))
    a, b = ops.split(layers.Lambda(lambda x: x * 2)(source), 2, axis=-1)
    return fastnn.Model(source, [a * b + source[:, :4], ops.softmax(a)])


class Own(fastnn.Model):
    def __init__(self):
        super().__init__(name="own")
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x)


def subclassed():
    model = Own()
    model(np.zeros((2, 4), "float32"))
    return model


MODELS = [sequential, inception, residual, dense_net, heads, shared, twins, nested, several_results, subclassed]
