"""Functional models, written once for Keras and for fastnn: `K` is either."""
import numpy as np


def shared(K):
    """One layer on two inputs, a product of the two, an op; two outputs."""
    L = K.layers
    a, b = L.Input((4,), name="a"), L.Input((4,), name="b")
    both = L.Dense(3, activation="tanh", name="both")
    left, right = both(a), both(b)
    product = L.Multiply(name="product")([left, right])
    joined = L.Concatenate(name="joined")([product, left, K.ops.abs(right)])
    return K.Model([a, b], [L.Dense(2, name="first")(joined), L.Dense(1, activation="sigmoid", name="second")(product)], name="shared")


def residual(K):
    """A block with a way round it, batch normalization inside, a sum."""
    L = K.layers
    x = inputs = L.Input((6, 6, 3), name="image")
    way = L.Conv2D(4, 1, strides=2, name="way")(x)
    x = L.Conv2D(4, 3, padding="same", activation="relu", name="conv_1")(x)
    x = L.BatchNormalization(name="norm")(x)
    x = L.Conv2D(4, 3, padding="same", name="conv_2")(x)
    x = L.MaxPooling2D(2, name="pool")(x)
    x = L.Add(name="add")([x, way])
    x = L.GlobalAveragePooling2D(name="mean")(x)
    return K.Model(inputs, L.Dense(3, activation="softmax", name="out")(x), name="residual")


def inception(K):
    """Branches of unequal depth that meet."""
    L = K.layers
    x = L.Input((6, 6, 3), name="image")
    branches = [L.Conv2D(2, 1, name="a_1")(x)]
    branches.append(L.Conv2D(2, 3, padding="same", name="b_2")(L.Conv2D(3, 1, activation="relu", name="b_1")(x)))
    branches.append(L.Conv2D(2, 3, padding="same", name="c_2")(L.AveragePooling2D(3, strides=1, padding="same", name="c_1")(x)))
    y = L.Conv2D(2, 1, name="d_1")(x)
    branches.append(L.Conv2D(2, 3, padding="same", name="d_3")(L.Conv2D(2, 3, padding="same", activation="tanh", name="d_2")(y)))
    y = L.Flatten(name="flat")(L.Concatenate(name="joined")(branches))
    return K.Model(x, L.Dense(2, name="out")(y), name="inception")


def nested(K):
    """A model as a layer, twice, a dict of inputs and one of outputs."""
    L = K.layers
    z = L.Input((4,), name="z")
    inner = K.Model(z, L.Dense(2, name="top")(L.Dense(3, activation="relu", name="bottom")(z)), name="inner")
    one, two = L.Input((4,), name="one"), L.Input((4,), name="two")
    u, v = inner(one), inner(two)
    return K.Model({"one": one, "two": two}, {"difference": L.Subtract(name="minus")([u, v]), "sum": L.Add(name="plus")([u, v])},
                   name="nested")


def masked(K):
    """A mask from an embedding through attention and normalization, to a mean and to a loss for each step.

    Nothing else takes what the attention takes: Keras' layer wipes the mask off its arguments.
    """
    L = K.layers
    words = L.Input((None,), dtype="int32", name="words")
    x = L.Embedding(7, 4, mask_zero=True, name="embedding")(words)
    y = L.MultiHeadAttention(2, 3, name="attention")(x, x)
    y = L.LayerNormalization(name="norm")(y)
    steps = L.Dense(2, name="steps")(y)
    return K.Model(words, [steps, L.Dense(1, name="whole")(L.GlobalAveragePooling1D(name="mean")(y))], name="masked")


MODELS = {model.__name__: model for model in (shared, residual, inception, nested, masked)}
COMPILED = {     # loss, further arguments of compile
    "shared": (["mse", "binary_crossentropy"], {"loss_weights": [0.5, 2.0], "metrics": {"second": ["accuracy"], "first": ["mae", "mse"]}}),
    "residual": ("categorical_crossentropy", {"metrics": ["accuracy"]}),
    "inception": ("mae", {"weighted_metrics": ["mse"]}),
    "masked": (["mse", "mae"], {"metrics": {"steps": ["mae"]}, "weighted_metrics": {"steps": ["mse"]}}),
    "nested": ({"difference": "mse", "sum": "mae"}, {"loss_weights": {"sum": 0.3, "difference": 1.0}, "metrics": {"sum": ["mse"]}}),
}


def data(name):
    """Inputs, targets and sample weights of 12 samples."""
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 12, 4)).astype("float32")
    image = rng.normal(size=(12, 6, 6, 3)).astype("float32")
    few, more = rng.normal(size=(2, 12, 2)).astype("float32")
    bits = rng.integers(0, 2, (12, 1)).astype("float32")
    weights = rng.uniform(0.5, 1.5, 12).astype("float32")
    words = rng.integers(1, 7, (12, 5)) * (np.arange(5) < rng.integers(1, 6, (12, 1)))
    per_step = rng.normal(size=(12, 5, 2)).astype("float32")
    return {"masked": (words, {"steps": per_step, "whole": bits}, None),
            "shared": ([a, b], {"first": few, "second": bits}, None), "residual": (image, np.eye(3, dtype="float32")[rng.integers(0, 3, 12)], weights),
            "inception": (image, few, weights), "nested": ({"one": a, "two": b}, {"difference": few, "sum": more}, None)}[name]


def weights_of(model):
    """Values for the weights of a model, the same for each engine."""
    rng = np.random.default_rng(9)
    return [np.abs(w) + 0.5 if w.ndim == 1 and "variance" in v.name else w for v in model.weights
            for w in [rng.normal(scale=0.4, size=tuple(v.shape)).astype("float32")]]
