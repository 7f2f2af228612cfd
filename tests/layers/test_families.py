"""The checks that every layer has to pass, and what is wrong with wrong arguments."""
import numpy as np
import pytest

from fastnn import initializers, layers, ops, random, utils
from fastnn.tape import GradientTape
from fastnn.tensor import Tensor
from fastnn.utils.serialization import EXPORTED_AS

from .helpers import run_layer_test
from .test_golden import FACTS

IMAGE = (2, 7, 8, 4)
FIRST = (2, 4, 7, 8)
SEQUENCE = (2, 9, 4)
SEQUENCE_FIRST = (2, 4, 9)
VOLUME = (2, 3, 4, 5, 6)
CASES = [
    ("Dense", {"units": 3}, (4, 5)),
    ("Dense", {"units": 3, "activation": "tanh", "use_bias": False, "kernel_regularizer": "l2"}, (2, 3, 5)),
    ("Dense", {"units": 3, "activation": "softmax", "kernel_constraint": "max_norm"}, (4, 5)),
    ("Dense", {"units": 3, "activation": "leaky_relu"}, (4, 5)),
    ("Dense", {"units": 1, "activation": "sigmoid"}, (1, 1)),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": (3, 2), "strides": 2, "padding": "same", "activation": "tanh", "groups": 2}, IMAGE),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "dilation_rate": 2, "data_format": "channels_first"}, FIRST),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal", "activation": "relu"}, SEQUENCE),
    ("Conv1D", {"filters": 4, "kernel_size": 2, "strides": 2, "groups": 2, "data_format": "channels_first"}, SEQUENCE_FIRST),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, SEQUENCE),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": (3, 2), "strides": 2, "activation": "relu"}, IMAGE),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "dilation_rate": 2, "data_format": "channels_first"}, FIRST),
    ("Conv3D", {"filters": 4, "kernel_size": (2, 3, 2), "strides": 2, "padding": "same", "activation": "tanh", "groups": 2}, VOLUME),
    ("Conv3D", {"filters": 3, "kernel_size": 2, "dilation_rate": 2, "data_format": "channels_first"}, VOLUME),
    ("Conv3DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, VOLUME),
    ("Conv3DTranspose", {"filters": 3, "kernel_size": (1, 2, 3), "strides": (2, 1, 2), "data_format": "channels_first"}, VOLUME),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, SEQUENCE),
    ("DepthwiseConv2D", {"kernel_size": 3, "strides": 2, "padding": "same", "activation": "tanh"}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, "data_format": "channels_first"}, FIRST),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 3, "activation": "softmax"}, SEQUENCE),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 3, "depth_multiplier": 2, "activation": "relu"}, IMAGE),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 3, "use_bias": False, "data_format": "channels_first"}, FIRST),
    ("MaxPooling1D", {}, SEQUENCE),
    ("AveragePooling1D", {"pool_size": 3, "strides": 2, "padding": "same", "data_format": "channels_first"}, SEQUENCE_FIRST),
    ("GlobalMaxPooling1D", {}, SEQUENCE),
    ("GlobalAveragePooling1D", {"keepdims": True, "data_format": "channels_first"}, SEQUENCE_FIRST),
    ("MaxPooling3D", {}, VOLUME),
    ("AveragePooling3D", {"pool_size": (1, 2, 3), "strides": 2, "padding": "same", "data_format": "channels_first"}, VOLUME),
    ("GlobalMaxPooling3D", {}, VOLUME),
    ("GlobalAveragePooling3D", {"keepdims": True, "data_format": "channels_first"}, VOLUME),
    ("MaxPooling2D", {}, IMAGE),
    ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same", "data_format": "channels_first"}, FIRST),
    ("AveragePooling2D", {}, IMAGE),
    ("AveragePooling2D", {"pool_size": (3, 2), "strides": 1, "padding": "same", "data_format": "channels_first"}, FIRST),
    ("GlobalMaxPooling2D", {}, IMAGE),
    ("GlobalMaxPooling2D", {"keepdims": True, "data_format": "channels_first"}, FIRST),
    ("GlobalAveragePooling2D", {}, IMAGE),
    ("GlobalAveragePooling2D", {"keepdims": True, "data_format": "channels_first"}, FIRST),
    ("BatchNormalization", {}, (6, 4)),
    ("BatchNormalization", {"axis": 1, "scale": False, "momentum": 0.5}, IMAGE),
    ("LayerNormalization", {}, (4, 5)),
    ("LayerNormalization", {"axis": [1, 3], "beta_regularizer": "l2"}, IMAGE),
    ("RMSNormalization", {}, SEQUENCE),
    ("RMSNormalization", {"axis": 1}, SEQUENCE),
    ("GroupNormalization", {"groups": 2}, IMAGE),
    ("GroupNormalization", {"groups": -1, "axis": 1}, FIRST),
    ("UnitNormalization", {"axis": [1, 2]}, SEQUENCE),
    ("Dropout", {"rate": 0.5}, (4, 5)),
    ("SpatialDropout1D", {"rate": 0.5}, SEQUENCE),
    ("SpatialDropout2D", {"rate": 0.5, "data_format": "channels_first"}, FIRST),
    ("SpatialDropout3D", {"rate": 0.5}, (2, 3, 4, 5, 2)),
    ("GaussianNoise", {"stddev": 0.5}, (4, 5)),
    ("GaussianDropout", {"rate": 0.5}, (4, 5)),
    ("AlphaDropout", {"rate": 0.5}, (4, 5)),
    ("ActivityRegularization", {"l1": 0.1}, (4, 5)),
    ("PReLU", {"alpha_initializer": "ones"}, (4, 5)),
    ("PReLU", {"shared_axes": [1, 2]}, IMAGE),
    ("Flatten", {}, IMAGE),
    ("Flatten", {"data_format": "channels_first"}, IMAGE),
    ("Reshape", {"target_shape": (8, -1)}, IMAGE),
    ("Permute", {"dims": (2, 3, 1)}, IMAGE),
    ("RepeatVector", {"n": 3}, (2, 5)),
    ("Activation", {"activation": "tanh"}, (3, 4)),
    ("ReLU", {"max_value": 6.0, "negative_slope": 0.1}, (3, 4)),
    ("LeakyReLU", {}, (3, 4)),
    ("ELU", {}, (3, 4)),
    ("Softmax", {}, (3, 4)),
    ("Rescaling", {"scale": 0.5, "offset": 1.0}, (3, 4)),
    ("Normalization", {"mean": 0.5, "variance": 4.0}, (3, 4)),
    ("Normalization", {"mean": [0.5] * 4, "variance": [4.0] * 4, "invert": True}, (3, 4)),
    ("Normalization", {"axis": [1, 3]}, IMAGE),
    ("Identity", {}, (3, 4)),
    ("Lambda", {"function": ops.square}, (3, 4)),
    ("Masking", {"mask_value": 1.0}, (3, 4, 2)),
    ("ZeroPadding1D", {"padding": (1, 2)}, SEQUENCE),
    ("ZeroPadding2D", {"padding": (1, 2)}, IMAGE),
    ("ZeroPadding3D", {"padding": (1, 2, (0, 1)), "data_format": "channels_first"}, VOLUME),
    ("Cropping1D", {"cropping": (1, 2)}, SEQUENCE),
    ("Cropping2D", {"cropping": (1, (0, 2)), "data_format": "channels_first"}, FIRST),
    ("Cropping3D", {}, VOLUME),
    ("UpSampling1D", {"size": 3}, SEQUENCE),
    ("UpSampling2D", {"size": (1, 2)}, IMAGE),
    ("UpSampling2D", {"size": (3, 2), "interpolation": "bicubic", "data_format": "channels_first"}, FIRST),
    ("UpSampling3D", {"size": (2, 1, 3), "data_format": "channels_first"}, VOLUME),
    ("AdaptiveAveragePooling1D", {"output_size": 4}, SEQUENCE),
    ("AdaptiveAveragePooling2D", {"output_size": (3, 5), "data_format": "channels_first"}, FIRST),
    ("AdaptiveAveragePooling3D", {"output_size": 2}, VOLUME),
    ("AdaptiveMaxPooling1D", {"output_size": (4,), "data_format": "channels_first"}, SEQUENCE_FIRST),
    ("AdaptiveMaxPooling2D", {"output_size": 3}, IMAGE),
    ("AdaptiveMaxPooling3D", {"output_size": (1, 2, 4)}, VOLUME),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, arguments, shape", CASES)
def test_what_every_layer_keeps(name, arguments, shape, dtype):
    run_layer_test(getattr(layers, name), arguments, shape, dtype)


def test_every_layer_is_tested():
    own = {EXPORTED_AS.get(value.__name__, value.__name__) for value in vars(layers).values() if isinstance(value, type) and issubclass(value, layers.Layer)}
    of_text = {"TextVectorization", "StringLookup", "IntegerLookup", "CategoryEncoding", "Hashing", "HashedCrossing", "Discretization"}   # test_text.py
    of_layers = of_text | {"Wrapper", "TimeDistributed", "SpectralNormalization"}     # test_wrappers.py
    assert own - of_layers - {"Layer", "InputLayer"} <= {name for name, *_ in CASES} | {facts["class"] for facts in FACTS.values()}


@pytest.mark.parametrize("name, arguments, shape", [case for case in CASES if case[0] not in ("Dropout",)])
def test_an_empty_batch(name, arguments, shape):
    layer = getattr(layers, name)(**arguments)
    y = layer(np.zeros((0, *shape[1:]), "float32"))
    assert y.shape == layer.compute_output_shape((0, *shape[1:]))


# ---- Wrong arguments and inputs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name, arguments, message", [
    ("Dense", {"units": 0}, "units=0"),
    ("Dense", {"units": -3}, "units=-3"),
    ("Dense", {"units": 2.5}, "units=2.5"),
    ("Dense", {"units": "3"}, "units='3'"),
    ("Dense", {"units": True}, "units=True"),
    ("Dense", {"units": 3, "activation": "rleu"}, "rleu.*relu"),
    ("Dense", {"units": 3, "kernel_initializer": "glorot_unifrom"}, "glorot_uniform"),
    ("Dense", {"units": 3, "bias_initializer": "zerosx"}, "zeros"),
    ("Dense", {"units": 3, "kernel_regularizer": "l3"}, "l3"),
    ("Dense", {"units": 3, "kernel_constraint": "max"}, "max_norm"),
    ("Conv2D", {"filters": 0, "kernel_size": 3}, "filters=0"),
    ("Conv2D", {"filters": 3, "kernel_size": 0}, "kernel_size=0"),
    ("Conv2D", {"filters": 3, "kernel_size": (3, 3, 3)}, "kernel_size"),
    ("Conv2D", {"filters": 3, "kernel_size": "3"}, "kernel_size='3'"),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "strides": 0}, "strides=0"),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "smae"}, "padding='smae'"),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "data_format": "last"}, "data_format='last'"),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "groups": 2}, "groups=2, filters=3"),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "groups": 0}, "groups=0"),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "strides": 2, "dilation_rate": 2}, "dilation_rate"),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "causal"}, "padding='causal'"),
    ("Conv1D", {"filters": 3, "kernel_size": (3, 3)}, r"kernel_size.*1 integer\."),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "full"}, "'causal'.*padding='full'"),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "output_padding": 2}, r"output_padding=\(2, 2\)"),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "output_padding": -1}, "output_padding=-1"),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "dilation_rate": 2}, "dilation_rate"),
    ("Conv3D", {"filters": 3, "kernel_size": (3, 3)}, r"kernel_size.*3 integers\."),
    ("Conv3D", {"filters": 3, "kernel_size": 3, "strides": (1, 2, 1), "dilation_rate": (2, 1, 1)}, "dilation_rate"),
    ("Conv3D", {"filters": 3, "kernel_size": 3, "padding": "causal"}, "padding='causal'"),
    ("Conv3DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "output_padding": 2}, r"output_padding=\(2, 2, 2\)"),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 0}, "depth_multiplier=0"),
    ("SeparableConv1D", {"filters": -1, "kernel_size": 3}, "filters=-1"),
    ("MaxPooling1D", {"pool_size": (2, 2)}, r"pool_size.*tuple of 1 integer\."),
    ("MaxPooling3D", {"pool_size": (2, 2)}, "pool_size.*tuple of 3 integers"),
    ("AveragePooling1D", {"padding": "causal"}, "padding='causal'"),
    ("MaxPooling2D", {"pool_size": 0}, "pool_size=0"),
    ("MaxPooling2D", {"pool_size": (2, -1)}, "pool_size"),
    ("MaxPooling2D", {"strides": 0}, "strides=0"),
    ("AveragePooling2D", {"padding": 3}, "padding=3"),
    ("GlobalMaxPooling2D", {"data_format": 1}, "data_format=1"),
    ("Dropout", {"rate": -0.1}, "rate=-0.1"),
    ("Dropout", {"rate": 1.5}, "rate=1.5"),
    ("Dropout", {"rate": "a"}, "rate='a'"),
    ("Dropout", {"rate": 0.5, "noise_shape": "a"}, "noise_shape"),
    ("Dropout", {"rate": 0.5, "noise_shape": (0,)}, "noise_shape"),
    ("Dropout", {"rate": 0.5, "seed": "a"}, "seed"),
    ("BatchNormalization", {"axis": "a"}, "axis='a'"),
    ("BatchNormalization", {"momentum": 2}, "momentum"),
    ("BatchNormalization", {"renorm": True, "renorm_clipping": {"smax": 1}}, "smax"),
    ("BatchNormalization", {"renorm": True, "renorm_clipping": {"rmin": 2, "rmax": 1}}, "rmax"),
    ("BatchNormalization", {"renorm": True, "renorm_clipping": {"dmax": -1}}, "dmax"),
    ("GroupNormalization", {"groups": 0}, "groups=0"),
    ("GroupNormalization", {"groups": 2, "axis": (1, 2)}, "axis=.1, 2"),
    ("SpatialDropout2D", {"rate": 2}, "rate=2"),
    ("SpatialDropout2D", {"rate": 0.2, "data_format": "last"}, "data_format='last'"),
    ("GaussianNoise", {"stddev": -0.1}, "stddev=-0.1"),
    ("GaussianDropout", {"rate": 1.5}, "rate=1.5"),
    ("AlphaDropout", {"rate": 0.5, "noise_shape": (0, 1)}, "noise_shape"),
    ("Reshape", {"target_shape": (-1, -1)}, "at most one"),
    ("Reshape", {"target_shape": (-2,)}, "-2"),
    ("Permute", {"dims": (1, 3)}, "start from 1"),
    ("RepeatVector", {"n": 0}, "n=0"),
    ("Activation", {"activation": "sotfmax"}, "softmax"),
    ("ReLU", {"max_value": -1.0}, "max_value"),
    ("LeakyReLU", {"negative_slope": None}, "negative_slope"),
    ("ZeroPadding1D", {"padding": (1, 2, 3)}, "padding"),
    ("ZeroPadding1D", {"padding": -1}, "padding=-1"),
    ("ZeroPadding2D", {"padding": (1, 2, 3)}, "padding"),
    ("ZeroPadding2D", {"padding": -1}, "padding=-1"),
    ("ZeroPadding3D", {"padding": (1, 2, (1, 2, 3))}, "3rd entry of padding"),
    ("Cropping1D", {"cropping": (1,)}, "cropping"),
    ("Cropping2D", {"cropping": "a"}, "cropping='a'"),
    ("Cropping3D", {"cropping": (1, 2)}, r"have 3 elements.*cropping=\(1, 2\)"),
    ("UpSampling1D", {"size": 0}, "size=0"),
    ("UpSampling2D", {"interpolation": "linear"}, "bilinear.*interpolation='linear'"),
    ("UpSampling3D", {"size": (1, 2)}, "size"),
    ("AdaptiveAveragePooling1D", {"output_size": (1, 2)}, "output_size"),
    ("AdaptiveMaxPooling2D", {"output_size": 0}, "output_size=0"),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "causal"}, "Only Conv1D knows 'causal'"),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 3, "kernel_initializer": "zeros"}, "Did you mean .*depthwise_initializer"),
    ("Rescaling", {"scale": "1/255"}, "`scale` of Rescaling must be a number.*'1/255'"),
    ("Rescaling", {"scale": 1.0, "offset": None}, "`offset`.*None"),
])  # fmt: skip
def test_wrong_arguments(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(layers, name)(**arguments)


@pytest.mark.parametrize("name, arguments, shape, message", [
    ("Conv2D", {"filters": 3, "kernel_size": 3}, (7, 8, 4), "expected ndim=4, found ndim=3"),
    ("Conv2D", {"filters": 3, "kernel_size": 9}, IMAGE, "."),
    ("Conv1D", {"filters": 3, "kernel_size": 3}, IMAGE, "expected ndim=3, found ndim=4"),
    ("Conv3D", {"filters": 3, "kernel_size": 4}, VOLUME, "output would be empty: the input's depth is 3"),
    ("Conv3D", {"filters": 3, "kernel_size": 3}, IMAGE, "expected ndim=5, found ndim=4"),
    ("DepthwiseConv2D", {"kernel_size": 9}, IMAGE, "output would be empty"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 4}, (2, 7, 8, 6), "groups=4.*6 channels"),
    ("MaxPooling2D", {"pool_size": 8}, IMAGE, "pool_size"),
    ("MaxPooling1D", {"pool_size": 10}, SEQUENCE, "window of length 10 does not fit"),
    ("MaxPooling1D", {}, IMAGE, "expected ndim=3"),
    ("AveragePooling3D", {"pool_size": 4}, VOLUME, "window of depth 4 does not fit"),
    ("Cropping1D", {"cropping": (4, 5)}, SEQUENCE, r"must leave something.*cropping=\(4, 5\)"),
    ("Cropping3D", {"data_format": "channels_first"}, (2, 4, 2, 5, 6), "must leave something"),
    ("UpSampling2D", {}, SEQUENCE, "expected ndim=4"),
    ("AdaptiveMaxPooling3D", {"output_size": 2}, IMAGE, "expected ndim=5"),
    ("GlobalAveragePooling1D", {}, IMAGE, "expected ndim=3"),
    ("MaxPooling2D", {}, (7, 8, 4), "expected ndim=4"),
    ("GlobalAveragePooling2D", {}, (7, 8, 4), "expected ndim=4"),
    ("Reshape", {"target_shape": (5, 5)}, (2, 3, 4), r"\(3, 4\).*12 elements.*\(5, 5\)"),
    ("Reshape", {"target_shape": (5, -1)}, (2, 3, 4), r"\(3, 4\)"),
    ("Permute", {"dims": (2, 1)}, (2, 3, 4, 5), "expected ndim=3"),
    ("RepeatVector", {"n": 2}, (2, 3, 4), "expected ndim=2"),
    ("BatchNormalization", {"axis": 5}, (2, 3), "Axis 5"),
    ("LayerNormalization", {"axis": [1, 2]}, (2, 3), "Axis 2"),
    ("RMSNormalization", {"axis": -3}, (2, 3), "Axis -3"),
    ("UnitNormalization", {"axis": 2}, (2, 3), "axis 2"),
    ("GroupNormalization", {"groups": 2}, (2, 3), "groups=2, 3 channels"),
    ("GroupNormalization", {"groups": 4}, (2, 3), "groups=4, 3 channels"),
    ("GroupNormalization", {"groups": 1, "axis": 0}, (2, 3), "Axis 0"),
    ("SpatialDropout1D", {"rate": 0.5}, (2, 3), "expected ndim=3"),
    ("PReLU", {"shared_axes": 2}, (2, 3), "shared_axes"),
    ("Dropout", {"rate": 0.5, "noise_shape": (1, 2, 3)}, (2, 3), "noise_shape"),
])  # fmt: skip
def test_wrong_inputs(name, arguments, shape, message):
    layer = getattr(layers, name)(**arguments, name="the_layer")
    with pytest.raises(ValueError, match=message) as error:
        layer(np.zeros(shape, "float32"), **({"training": True} if name == "Dropout" else {}))
    assert '"the_layer"' in str(error.value)


def test_channels_of_a_built_convolution():
    layer = layers.Conv2D(3, 3, name="conv")
    layer(np.zeros(IMAGE))
    with pytest.raises(ValueError, match='"conv".*axis -1.*value 4, found 3'):
        layer(np.zeros((2, 7, 8, 3)))


# ---- What is special --------------------------------------------------------------------------------------------


def test_softmax_and_sigmoid_keep_their_logits():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    for layer in (layers.Dense(2, activation="softmax"), layers.Dense(1, activation="sigmoid"), layers.Activation("softmax"), layers.Softmax()):
        assert layer(x).logits is not None
    assert layers.Dense(2, activation="relu")(x).logits is None


def test_activation_as_a_function_is_applied():
    layer = layers.Dense(2, activation=lambda x: x * 0.0 + 7.0)
    assert (layer(np.ones((3, 4))).numpy() == 7).all()
    layer.activation = lambda x: x * 0.0 + 8.0
    assert (layer(np.ones((3, 4))).numpy() == 8).all()


def test_dropout():
    utils.set_random_seed(1)
    layer = layers.Dropout(0.25)
    x = Tensor(np.ones((200, 300), "float32"))
    assert layer(x) is x
    with GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    values = y.numpy()
    assert set(np.unique(values)) == {0.0, np.float32(1 / 0.75)}
    assert (values == 0).mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), values)
    assert (layer(x, training=True).numpy() != values).any()
    utils.set_random_seed(1)
    np.testing.assert_array_equal(layers.Dropout(0.25)(x, training=True).numpy(), values)


def test_dropout_with_a_seed_and_a_noise_shape():
    x = np.ones((6, 5, 40), "float32")
    a, b = (layers.Dropout(0.5, noise_shape=(None, 1, None), seed=3)(x, training=True).numpy() for _ in range(2))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, np.broadcast_to(a[:, :1], a.shape))
    assert 0.3 < (a == 0).mean() < 0.7


def test_moving_statistics_after_steps():
    rng = np.random.default_rng(0)
    layer = layers.BatchNormalization(momentum=0.9)
    mean, variance = np.zeros(3), np.ones(3)
    for _ in range(5):
        x = rng.normal(2.0, 3.0, size=(8, 3)).astype("float32")
        layer(x, training=True)
        mean = 0.9 * mean + 0.1 * x.mean(0)
        variance = 0.9 * variance + 0.1 * x.var(0)
    np.testing.assert_allclose(layer.moving_mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), variance, rtol=1e-5)
    before = layer.get_weights()
    layer.trainable = False
    y = layer(x, training=True)
    np.testing.assert_allclose(y.numpy(), (x - mean) / np.sqrt(variance + 1e-3), rtol=1e-4, atol=1e-5)
    for found, wanted in zip(layer.get_weights(), before):
        np.testing.assert_array_equal(found, wanted)


def test_masked_batch_normalization():
    rng = np.random.default_rng(0)
    x, mask = rng.normal(size=(4, 6, 3)), rng.uniform(size=(4, 6)) < 0.6
    layer = layers.BatchNormalization(momentum=0.0, dtype="float64")
    y = layer(x, training=True, mask=mask)
    kept = x[mask]
    np.testing.assert_allclose(layer.moving_mean.numpy(), kept.mean(0), rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.numpy(), kept.var(0), rtol=1e-6)
    np.testing.assert_allclose(y.numpy()[mask], (kept - kept.mean(0)) / np.sqrt(kept.var(0) + 1e-3), rtol=1e-6)


def test_arguments_in_words_and_aliases():
    for rank in "123":
        for kind in ("Max", "Average"):
            long, short = f"{kind}Pooling{rank}D", f"{kind[:3].replace('Ave', 'Avg')}Pool{rank}D"
            assert getattr(layers, short) is getattr(layers, long)
            assert getattr(layers, f"Global{short}") is getattr(layers, f"Global{long}")
    for name in ("Conv3D", "Conv3DTranspose"):
        assert getattr(layers, name.replace("Conv", "Convolution")) is getattr(layers, name)
    assert layers.Dense(np.int64(3)).units == 3
    assert layers.Conv2D(3, [3, 2], padding="SAME").padding == "same"
    layer = layers.Dense(2, kernel_initializer=initializers.Constant(0.5), bias_initializer="ones")
    assert (layer(np.ones((1, 4))).numpy() == 3).all()
    seeded = initializers.HeNormal(seed=random.SeedGenerator(1))
    first, second = layers.Dense(3, kernel_initializer=seeded), layers.Dense(3, kernel_initializer=seeded)
    first.build((None, 4)), second.build((None, 4))
    assert (first.kernel.numpy() != second.kernel.numpy()).any()


def test_reshape_of_unknown_sizes():
    assert layers.Reshape((-1, 2)).compute_output_shape((None, None, 4)) == (None, None, 2)
    assert layers.Flatten().compute_output_shape((None, None, 4)) == (None, None)
    assert layers.Conv2D(3, 3, padding="same").compute_output_shape((None, None, None, 4)) == (None, None, None, 3)
