"""Models as ONNX files: whole ones, open sizes, names, errors."""
import inspect
import threading

import numpy as np
import pytest

import fastnn as keras
from fastnn import layers as L
from fastnn import ops
from fastnn.export import onnx_file
from fastnn.op import REGISTRY
from fastnn.utils.serialization import EXPORTED_AS
from tests.golden import functional_models
from tests.layers.test_golden import FACTS

from .helpers import compare, opened, run

onnx = pytest.importorskip("onnx")
rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def export(model, path, **arguments):
    """The file's graph."""
    keras.export.onnx(model, path, verbose=False, **arguments)
    return onnx.load(path).graph


def operators(graph):
    return [node.op_type for node in graph.node]


def shape_of(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


def moved(model):
    """The model with weights as if it had been trained: moving statistics, biases."""
    model.set_weights([np.abs(w.numpy()) + 0.5 if "variance" in w.path else w.numpy() + 0.1 * normal(*w.shape) for w in model.weights])
    return model


# ---- Models -----------------------------------------------------------------------------------------------------

def convnet():
    return keras.Sequential([
        L.Input((28, 28, 1), name="image"), L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D(),
        L.Conv2D(8, 3, padding="same", strides=2, use_bias=False), L.BatchNormalization(), L.ReLU(), L.Dropout(0.5), L.Flatten(),
        L.Dense(10, activation="softmax", name="digit")])


def mobile():
    """Padding, depthwise and separable convolutions, activations, cropping, group normalization."""
    x = image = L.Input((32, 32, 3))
    for layer in (L.ZeroPadding2D(((0, 1), (0, 1))), L.Conv2D(8, 3, strides=2), L.BatchNormalization(), L.ReLU(6.0),
                  L.DepthwiseConv2D(3, padding="same"), L.Activation("swish"), L.SeparableConv2D(12, 3), L.LeakyReLU(),
                  L.PReLU(shared_axes=[1, 2]), L.Cropping2D(1), L.AveragePooling2D(2, padding="same"), L.GroupNormalization(4),
                  L.Flatten()):
        x = layer(x)
    return keras.Model(image, L.Dense(3)(x))


def unet():
    """Ways round, transposed convolution, squeeze and excitation."""
    image = L.Input((16, 16, 1))
    top = L.Conv2D(4, 3, padding="same", activation="relu")(image)
    deep = L.Conv2D(8, 3, padding="same", activation="relu")(L.MaxPooling2D()(top))
    both = L.Concatenate()([top, L.Conv2DTranspose(4, 2, strides=2, activation="relu")(deep)])
    weights = L.Dense(8, activation="sigmoid")(L.GlobalAveragePooling2D(keepdims=True)(both))
    return keras.Model(image, L.Conv2D(1, 1, activation="sigmoid")(L.Multiply()([both, weights])))


def sequences():
    """Steps through a shared network of images, causal and dilated convolutions."""
    steps = L.Input((5, 8, 8, 3))
    x = L.TimeDistributed(L.Flatten())(L.TimeDistributed(L.Conv2D(4, 3, activation="relu"))(steps))
    x = L.Conv1D(8, 3, padding="causal", activation="relu")(x)
    x = L.Conv1D(8, 3, dilation_rate=2, padding="same", activation="relu")(x)
    return keras.Model(steps, L.Conv1DTranspose(4, 3, strides=2, padding="same")(x))


def volumes():
    volume = L.Input((6, 7, 8, 2))
    x = L.Conv3D(4, 3, padding="same", activation="relu")(volume)
    x = L.Conv3DTranspose(3, 2, strides=2)(L.MaxPooling3D(2)(x))
    return keras.Model(volume, L.GlobalAveragePooling3D()(x))


MODELS = {make.__name__: (make, shape) for make, shape in (
    (convnet, (28, 28, 1)), (mobile, (32, 32, 3)), (unet, (16, 16, 1)), (sequences, (5, 8, 8, 3)), (volumes, (6, 7, 8, 2)))}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("opset", [18, 20, 22])
def test_a_model_computes_the_same_in_onnxruntime(name, opset, path):
    make, shape = MODELS[name]
    model, x = moved(make()), normal(7, *shape)
    graph = export(model, path, opset=opset)
    assert onnx.load(path).opset_import[0].version == opset
    assert shape_of(graph.input[0]) == ["batch", *shape]
    session = opened(path)
    for n in (1, 2, 7):
        found = compare(model, session, [x[:n]])
        np.testing.assert_allclose(found[0], model.predict(x[:n], verbose=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", functional_models.MODELS)
def test_graphs_of_layers(name, path):
    model, argument = functional_models.MODELS[name](keras), functional_models.data(name)[0]
    model.set_weights(functional_models.weights_of(model))
    listed = argument if isinstance(argument, list) else [argument]
    many = argument if isinstance(argument, dict) else dict(zip(model.input_names, listed))
    many = {key: x.astype("int32") if x.dtype == "int64" else x for key, x in many.items()}
    graph = export(model, path)
    assert [x.name for x in graph.input] == list(many)
    assert [y.name for y in graph.output] == model.output_names
    session = opened(path)
    for n in (1, 2, 7):
        data = [x[:n] for x in many.values()]
        compare(model, session, data, {key: x[:n] for key, x in many.items()} if isinstance(argument, dict) else None)


def test_a_shared_layer_has_its_weights_once(path):
    graph = export(functional_models.shared(keras), path)
    wanted = [f"{name}/{w}" for name in ("both", "first", "second") for w in ("bias", "kernel")]
    assert sorted(w.name for w in graph.initializer) == wanted


def test_every_layer_is_among_the_cases():
    classes = {EXPORTED_AS.get(value.__name__, value.__name__) for value in vars(L).values() if inspect.isclass(value) and issubclass(value, L.Layer)}
    assert classes - {facts["class"] for facts in FACTS.values()} == {"Layer", "Wrapper", "InputLayer", "Lambda"} | OF_TEXT


# Layers of words and categories, which have golden numbers of their own kind.
OF_TEXT = {"TextVectorization", "StringLookup", "IntegerLookup", "CategoryEncoding", "Hashing", "HashedCrossing", "Discretization",
           "Normalization"}


@pytest.mark.parametrize("layer, x", [(L.Normalization(mean=[2.0], variance=[9.0]), np.array([[5], [2], [-1]], "float32")),
                                      (L.CategoryEncoding(8, output_mode="one_hot"), np.array([[3], [0], [7]], "int32")),
                                      (L.Discretization([0.0, 1.0]), np.array([[-1], [0.5], [1], [2]], "float32")),
                                      (L.IntegerLookup(vocabulary=[3, 5]), np.array([[3], [5], [7], [0], [-1]]))])
def test_layers_of_categories(layer, x, path):
    model = keras.Sequential([L.Input((1,), dtype=str(x.dtype)), layer])
    export(model, path)
    np.testing.assert_allclose(run(opened(path), [x])[0], model.predict(x, verbose=0), rtol=1e-6)


@pytest.mark.parametrize("layer, dtype", [(L.Hashing(5), "int64"), (L.StringLookup(vocabulary=["a"]), "string")])
def test_what_python_computes_is_refused(layer, dtype, path):
    with pytest.raises(ValueError, match="cannot export the model"):
        export(keras.Sequential([L.Input((1,), dtype=dtype), layer]), path)


@pytest.mark.parametrize("layer", [L.Dropout(0.5), L.SpatialDropout1D(0.5), L.GaussianNoise(1.0), L.GaussianDropout(0.5),
                                   L.AlphaDropout(0.5), L.ActivityRegularization(0.1), L.Identity()], ids=lambda layer: layer.name)
def test_what_does_nothing_when_a_model_predicts_is_not_in_the_file(layer, path):
    graph = export(keras.Sequential([L.Input((4, 3)), layer]), path)
    assert operators(graph) == ["Identity"]
    x = normal(2, 4, 3)
    np.testing.assert_array_equal(run(opened(path), [x])[0], x)


# ---- Open sizes -------------------------------------------------------------------------------------------------

class Places(L.Layer):
    """Adds a vector for each place of a sequence, whatever its length."""

    def __init__(self):
        super().__init__()
        self.vectors = L.Embedding(100, 16)

    def call(self, x):
        return x + self.vectors(ops.arange(ops.shape(x)[1]))


def transformer():
    words = L.Input((None,), dtype="int32", name="words")
    x = Places()(L.Embedding(50, 16)(words))
    y = L.MultiHeadAttention(2, 8)(x, x, use_causal_mask=True)
    x = L.LayerNormalization()(L.Add()([x, y]))
    x = L.RMSNormalization()(x + L.Dense(16)(L.Dense(32, activation="gelu")(x)))
    return keras.Model(words, [L.GlobalMaxPooling1D()(x), x[:, -1], x[:, ::-1], x[:, 1:-1], ops.flip(x, 1)[:, ::2]])


def test_sequences_of_any_length(path):
    model = transformer()
    graph = export(model, path)
    assert shape_of(graph.input[0]) == ["batch", "words_1"] and shape_of(graph.output[2]) == ["batch", "words_1", 16]
    for n, length in ((1, 5), (2, 9), (7, 40)):
        compare(model, opened(path), [rng.integers(0, 50, (n, length)).astype("int32")])


def test_images_of_any_size(path):
    x = image = L.Input((None, None, 3), name="image")
    for layer in (L.Conv2D(4, 3, padding="same", activation="relu"), L.MaxPooling2D(), L.Conv2D(4, 3, strides=2, padding="same"),
                  L.AveragePooling2D(3, strides=2, padding="same"), L.UpSampling2D()):
        x = layer(x)
    model = keras.Model(image, [x, L.GlobalAveragePooling2D()(x)])
    export(model, path)
    for n, height, width in ((1, 20, 30), (2, 33, 17), (7, 64, 9)):
        compare(model, opened(path), [normal(n, height, width, 3)])


class ByHand(L.Layer):
    """Causal attention as books write it: sizes as numbers, a triangle, a range, zeros of the shape of the input."""

    def call(self, x):
        n, steps, size = ops.shape(x)
        scores = ops.matmul(x, ops.transpose(x, (0, 2, 1))) / ops.sqrt(ops.cast(steps, "float32"))
        seen = ops.tril(ops.ones((steps, steps)))
        y = ops.matmul(ops.softmax(ops.where(seen > 0, scores, -1e9)), x + ops.zeros((n, steps, size)))
        late = ops.where(ops.arange(steps) > 2, 1.0, 0.0)
        return y * ops.reshape(late, (1, -1, 1)), ops.sum(x, axis=1) / steps, ops.triu(scores, 1)


def test_sizes_that_are_numbers_in_python(path):
    x = L.Input((None, 4))
    model = keras.Model(x, list(ByHand()(x)))
    export(model, path)
    for n, length in ((1, 3), (2, 9), (7, 20)):
        compare(model, opened(path), [normal(n, length, 4)])


def test_an_open_size_that_must_be_halved(path):
    image = L.Input((None, None, 1))
    top = L.Conv2D(4, 3, padding="same", activation="relu")(image)
    deep = L.Conv2D(3, 3, padding="same")(L.MaxPooling2D(4)(top))
    up = L.Conv2DTranspose(2, 3, strides=2, padding="same")(L.UpSampling2D()(deep))
    model = keras.Model(image, L.Concatenate()([up, top]))
    graph = export(model, path)
    assert operators(graph).count("Transpose") == 2
    for n, height, width in ((1, 4, 8), (2, 16, 12)):
        compare(model, opened(path), [normal(n, height, width, 1)])


def test_sizes_that_must_agree_are_tried_too(path):
    a, b = L.Input((None, 4)), L.Input((None, 4))
    model = keras.Model([a, b], L.Add()([a, b]))
    export(model, path)
    compare(model, opened(path), [normal(2, 6, 4), normal(2, 6, 4)])


def test_a_size_that_cannot_be_followed_is_refused_and_can_be_given(path):
    image = L.Input((None, 8, 3), name="image")
    model = keras.Model(image, L.UpSampling2D(interpolation="bilinear", name="larger")(image))
    with pytest.raises(ValueError, match='layer "larger".*input_signature'):
        export(model, path)
    export(model, path, input_signature=[keras.KerasTensor((None, 6, 8, 3))])
    compare(model, opened(path), [normal(2, 6, 8, 3)])


def test_a_fixed_batch(path):
    graph = export(convnet(), path, batch_size=3)
    assert shape_of(graph.input[0])[0] == shape_of(graph.output[0])[0] == 3
    with pytest.raises(ValueError, match="batch_size"):
        export(convnet(), path, batch_size=0)


def test_python_that_computes_otherwise_for_other_sizes_is_refused(path):
    class Odd(L.Layer):
        def call(self, x):
            return ops.relu(x) if x.shape[0] == 2 else x

    with pytest.raises(ValueError, match='"odd".*input_signature'):
        export(keras.Sequential([L.Input((3,)), Odd(name="odd")]), path)


def test_a_longest_length_in_python_holds_for_longer_ones(path):
    x = L.Input((None, 4))
    model = keras.Model(x, [x[:, :100], ops.sum(x[:, 2:90:3], axis=1), ops.mean(x[:, :40], axis=1)])
    graph = export(model, path)
    assert shape_of(graph.output[0])[1] != 100
    for n, length in ((1, 1), (2, 5), (2, 200), (3, 601)):
        compare(model, opened(path), [normal(n, length, 4)])


@pytest.mark.parametrize("function, message", [
    (lambda x, n: x / min(n, 100), "does not see through"), (lambda x, n: ops.relu(x) if n > 100 else x, "for other sizes"),
    (lambda x, n: x if n % 2 else ops.relu(x), "for other sizes"), (lambda x, n: ops.relu(x) if n > 200 else x, "for other sizes")])
def test_lengths_that_python_tells_apart_are_refused(function, message, path):
    class Apart(L.Layer):
        def call(self, x):
            return function(x, x.shape[1])

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.apart = Apart(name="apart")

        def call(self, x):
            return self.apart(x)

    with pytest.raises(ValueError, match=f'"apart".*{message}.*input_signature'):
        export(Model(), path, input_signature=[L.InputSpec(shape=(None, None, 4))])


def test_many_open_sizes_are_told_apart(path):
    class Many(keras.Model):
        def call(self, xs):
            return [y for x in xs for y in (ops.sum(x, axis=1) / (x.shape[1] - 5), ops.zeros((x.shape[0], x.shape[1] - 5, 2)) + x[:, 5:])]

    model, shapes = Many(), [(None, None, 2)] * 8
    export(model, path, input_signature=[[keras.KerasTensor(shape) for shape in shapes]])
    for n, step in ((1, 3), (2, -1)):
        compare(model, opened(path), [normal(n, 20 + step * k, 2) for k in range(8)])


# ---- Classes ----------------------------------------------------------------------------------------------------

class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = L.Dense(4, activation="relu"), L.Dense(2)

    def call(self, x):
        ones = ops.ones((ops.shape(x)[0], 1))
        return {"p": self.out(self.hidden(x)), "q": ops.concatenate([ops.reshape(x, (-1, 6)), ones], axis=-1)}


def test_models_written_as_classes(path):
    model = Net()
    with pytest.raises(ValueError, match="not built"):
        export(model, path)
    export(model, path, input_signature=[L.InputSpec(shape=(None, 6))])
    compare(model, opened(path), [normal(2, 6)])
    model = Net()
    model(normal(3, 6))
    for _ in range(2):      # the first export leaves nothing behind
        graph = export(model, path)
        assert shape_of(graph.input[0]) == ["batch", 6] and [y.name for y in graph.output] == ["p", "q"]
        session = opened(path)
        for n in (1, 2, 7):
            compare(model, session, [normal(n, 6)])


FUNCTIONS = {
    "arithmetic": lambda x: (2 * x - 1) / (ops.abs(x) + 1) ** 2, "compare": lambda x: ops.where((x > 0) & (x <= 1), x, -x),
    "matmul": lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1))), "einsum": lambda x: ops.einsum("bij,bik->bjk", x, x),
    "concatenate": lambda x: ops.concatenate([x, ops.relu(x)], axis=1), "stack": lambda x: ops.stack([x, x + 1], axis=1),
    "split": lambda x: ops.split(x, 2, axis=-1)[1], "reshape": lambda x: ops.reshape(x, (-1, 2, 2, 3)),
    "squeeze": lambda x: ops.squeeze(x[:, :1], 1),
    "tile": lambda x: ops.tile(x, (1, 2, 1)), "repeat": lambda x: ops.repeat(x, 3, axis=1), "roll": lambda x: ops.roll(x, 2, axis=1),
    "pad": lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 1)), "reflect"), "softmax": lambda x: ops.softmax(x, axis=1),
    "mean": lambda x: ops.mean(x, axis=(1, 2)), "var": lambda x: ops.var(x, axis=-1, keepdims=True),
    "logsumexp": lambda x: ops.logsumexp(x, axis=-1),
    "norm": lambda x: ops.norm(x, axis=-1), "max": lambda x: ops.max(x, axis=0), "argmax": lambda x: ops.argmax(x, axis=-1),
    "cumsum": lambda x: ops.cumsum(x, axis=1), "sort": lambda x: ops.sort(x, axis=-1), "top_k": lambda x: ops.top_k(x, 2)[1],
    "take": lambda x: ops.take(x, [2, 0, 0], axis=-1), "one_hot": lambda x: ops.one_hot(ops.argmax(x, -1), 4),
    "mish": lambda x: ops.mish(x), "erf": lambda x: ops.erf(x), "log1p": lambda x: ops.log1p(ops.abs(x)),
    "tril": lambda x: ops.tril(x), "clip": lambda x: ops.clip(x, -0.5, 0.5),
    "cast": lambda x: ops.cast(x * 3, "int32"), "all": lambda x: ops.all(x > -1, axis=-1), "batch": lambda x: ops.reshape(x, (-1,)),
    "normalize": lambda x: ops.normalize(x, axis=-1), "slice": lambda x: x[:, ::-2, 1:],
    "maximum": lambda x: ops.maximum(x, x[:, :1]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_in_graphs(name):
    x = L.Input((4, 6) if name != "tril" else (5, 5))
    model = keras.Model(x, FUNCTIONS[name](x))
    session = opened(onnx_file.serialized(model))
    for n in (1, 2, 7):
        compare(model, session, [normal(n, *x.shape[1:])])


def test_constants_and_numbers_of_python_as_outputs(path):
    class Parts(keras.Model):
        def __init__(self):
            super().__init__()
            self.w = self.add_weight(shape=(3,), name="w")

        def call(self, x):
            n = x.shape[0]      # 2 in one of the calls, as the 2 beside it
            return [self.w, self.w * 2, n * x, ops.ones((2,)), x, x]

    model = Parts()
    model(normal(3, 4))
    export(model, path)
    for n in (1, 2, 7):
        compare(model, opened(path), [normal(n, 4)])


@pytest.mark.parametrize("function", [ops.floor_divide, ops.mod, ops.arctan2, ops.logaddexp, ops.heaviside], ids=lambda f: f.__name__)
def test_functions_of_two_at_the_edges(function):
    x = L.Input((2,))
    session = opened(onnx_file.serialized(keras.Model(x, function(x[:, 0], x[:, 1]))))
    edges = [0.0, -0.0, 1.0, -1.0, 2.5, np.inf, -np.inf, np.nan]
    pairs = [(a, b) for a in edges for b in edges if not (function is ops.arctan2 and (a == b == 0 or np.isinf([a, b]).all()))]
    data = np.array(pairs + [(1, 0.1), (-1, 0.1), (3, 0.3), (7.5, -2), (1e6, 0.7)], "float32")
    found, expected = run(session, [data])[0], function(data[:, 0], data[:, 1]).numpy()
    if function is ops.arctan2:         # of -0 it may be half a turn the other way round
        found, expected = found % np.float32(2 * np.pi), expected % np.float32(2 * np.pi)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


# ---- The file ---------------------------------------------------------------------------------------------------

def test_names_and_where_they_come_from(path):
    model = convnet()
    model.export(str(path), verbose=False)
    proto = onnx.load(path)
    assert (proto.producer_name, proto.producer_version) == ("fastnn", keras.__version__)
    graph = proto.graph
    assert [x.name for x in graph.input] == ["image"] and [y.name for y in graph.output] == ["digit"]
    weights = {w.name for w in graph.initializer}
    assert {v.path for v in model.weights} <= weights
    assert all("/" in node.name or node.name in ("digit", "Identity") for node in graph.node), [node.name for node in graph.node]


@pytest.mark.parametrize("name", ["axis", "1", "2", "ints_1", "unused/kernel"])
def test_inputs_and_outputs_may_have_the_names_of_constants(name, path):
    x, unused = L.Input((4,), name="x"), L.Input((4,), name=name)
    y = ops.sum(ops.cumsum(L.Dense(4, name="unused")(x), axis=1) * 2.0 + 1.0, axis=1, keepdims=True)
    for model in (keras.Model([x, unused], y), keras.Model(x, L.Activation("relu", name=name)(y))):
        export(model, path)
        compare(model, opened(path), [normal(2, 4) for _ in model.inputs])


def test_images_are_turned_at_the_ends_of_a_convnet_alone(path):
    for make, ends in ((convnet, 2), (lambda: functional_models.residual(keras), 1), (lambda: functional_models.inception(keras), 2)):
        assert operators(export(make(), path)).count("Transpose") == ends


def test_a_bias_behind_a_convolution_is_part_of_it(path):
    for model in (unet(), sequences()):
        convolutions = [node for node in export(model, path).node if node.op_type in ("Conv", "ConvTranspose")]
        assert len(convolutions) > 2 and all(len(node.input) == 3 for node in convolutions)


def test_a_line_says_what_was_written(path, capsys):
    convnet().export(path)
    assert "ONNX" in capsys.readouterr().out
    convnet().export(path, verbose=False)
    assert not capsys.readouterr().out


def test_keras_word_for_the_opset(path):
    convnet().export(path, opset_version=18, verbose=False)
    assert onnx.load(path).opset_import[0].version == 18
    for wrong in (17, 1000, "20"):
        with pytest.raises(ValueError, match="opset"):
            convnet().export(path, opset=wrong)


def test_an_export_that_fails_leaves_the_old_file(path, monkeypatch):
    path.write_bytes(b"old")
    monkeypatch.setattr(onnx_file, "LARGEST", 1000)
    with pytest.raises(ValueError, match="2 GB"):
        export(convnet(), path)
    assert path.read_bytes() == b"old" and list(path.parent.iterdir()) == [path]


# ---- What cannot be exported ------------------------------------------------------------------------------------

class Inverted(L.Layer):
    def call(self, x):
        return ops.linalg.inv(x)


class Noisy(L.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed = keras.random.SeedGenerator(1)

    def call(self, x):
        return x + keras.random.normal(ops.shape(x), seed=self.seed)


class Reads(L.Layer):
    def call(self, x):
        return -x if float(ops.sum(x)) > 0 else x


class Outside(L.Layer):
    def call(self, x):
        return x + np.asarray(x).mean()


class Keeps(L.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.count.assign_add(1.0)
        return x


@pytest.mark.parametrize("layer, message", [
    (Inverted, "solve_system.*no counterpart"), (Noisy, "changes its variable"), (Reads, "reads the values"),
    (Outside, "reads the values"), (Keeps, "changes its variable")])
def test_what_a_file_cannot_do_is_refused_by_name(layer, message, path):
    model = keras.Sequential([L.Input((3, 3)), L.Dense(3), layer(name="culprit")])
    before = [w.numpy() for w in model.weights]
    with pytest.raises(ValueError, match=f'"culprit".*{message}'):
        export(model, path)
    assert not path.exists()
    for w, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(w.numpy(), value)
    assert model.predict(normal(2, 3, 3), verbose=0).shape == (2, 3, 3)


def test_sizes_that_a_converter_needs_and_further_results_that_it_has_not(path):
    x = L.Input((None,))
    with pytest.raises(ValueError, match='"sparse".*sparsemax_rows.*input_signature'):
        export(keras.Model(x, L.Activation("sparsemax", name="sparse")(x)), path)

    class Sums(L.Layer):
        def call(self, q):
            return REGISTRY["attention"](q, q, q, scale=1.0)[1]

    with pytest.raises(ValueError, match="further result"):
        export(keras.Sequential([L.Input((3, 2, 4)), Sums()]), path)
    with pytest.raises(TypeError, match="models"):
        export(ops.relu, path)


def test_dtypes_that_an_operator_does_not_take(path):
    x = L.Input((3,), dtype="uint8")
    with pytest.raises(ValueError, match="cannot export.*negative.*uint8"):
        export(keras.Model(x, -x), path)


def test_a_signature_of_a_dict_is_taken_by_its_keys(path):
    a, b = L.Input((3,), name="a"), L.Input((3,), name="b")
    fixed = {"b": keras.KerasTensor((5, 3)), "a": keras.KerasTensor((None, 3))}
    for inputs in ({"a": a, "b": b}, [a, b]):
        graph = export(keras.Model(inputs, [a * 2, b]), path, input_signature=[fixed])
        assert {x.name: shape_of(x)[0] for x in graph.input} == {"a": "batch", "b": 5}
    with pytest.raises(ValueError, match="'a', 'c'.*the model has.*'a', 'b'"):
        export(keras.Model({"a": a, "b": b}, a + b), path, input_signature=[{"a": fixed["a"], "c": fixed["b"]}])


def test_an_export_leaves_what_layers_know_of_their_inputs(path):
    class Outer(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner, self.penalty = Net(), L.ActivityRegularization(1.0)

        def call(self, x):
            return self.penalty(self.inner(x)["p"])

    model = Outer()
    model(normal(3, 6))
    losses, before = [float(loss) for loss in model.losses], [vars(layer)["_seen"] for layer in model._flatten_layers()]
    export(model, path)
    assert [vars(layer)["_seen"] for layer in model._flatten_layers()] == before
    assert [float(loss) for loss in model.losses] == losses != [0.0]


def test_an_op_of_the_model_itself_is_named(path):
    x = L.Input((3,))
    with pytest.raises(ValueError, match="it computes fastnn.ops.erfinv"):
        export(keras.Model(x, ops.erfinv(x)), path)


def test_exports_in_several_threads_beside_a_training():
    failed = []

    def work():
        try:
            model = moved(keras.Sequential([L.Input((6,)), L.Dense(4, activation="gelu"), L.Lambda(lambda x: ops.mean(x, axis=-1))]))
            for _ in range(3):
                compare(model, opened(onnx_file.serialized(model)), [normal(2, 6)])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    model = keras.Sequential([L.Input((6,)), L.Dense(4), L.Dense(1)])
    model.compile("sgd", "mse")
    for thread in threads:
        thread.start()
    model.fit(normal(64, 6), normal(64, 1), epochs=5, verbose=0)
    for thread in threads:
        thread.join()
    assert not failed


def test_models_that_are_not_built_and_other_formats(path):
    with pytest.raises(ValueError, match="not built"):
        export(keras.Sequential([L.Dense(3)]), path)
    with pytest.raises(ValueError, match="'onnx'"):
        convnet().export(path, format="tf_saved_model")
    with pytest.raises(ValueError, match="float64"):
        export(keras.Sequential([L.Input((3,)), L.Dense(2, dtype="float64"), L.Dense(2)]), path)
    with pytest.raises(ValueError, match="2 inputs"):
        export(convnet(), path, input_signature=[[keras.KerasTensor((None, 3))] * 2])


@pytest.mark.parametrize("name", ["m.tflite", "m"])
def test_other_endings_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match="must end in .onnx"):
        keras.Sequential([L.Input((2,)), L.Dense(1)]).export(tmp_path / name)
