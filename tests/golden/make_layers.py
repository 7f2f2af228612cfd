"""Writes layers.npz and layers.json: what layers of real Keras compute, forward and backward, and their configs.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python tests/golden/make_layers.py [FAMILY ...]      (with keras and jax installed)

The cases are those of this file; with families the `CASES` of layers_<family>.py beside it, which go into layers_<family>.npz
and .json.  A case is (class, arguments, input shape, training) and, where a layer needs more, a dict with some of

    "positional": True           the shape is a list, whose inputs are passed one by one and not as a list
    "integers": 7                inputs are whole numbers below 7 (of a list of inputs: a bound or None for each)
    "call": {...}                further arguments of the call
    "single": True               Keras computes it in float32 whatever it is told: it is compared less closely
    "masks": {"mask": (2, 5)}    random masks by argument; a list of shapes (or None) for a list of masks

An argument that is a layer is given as a config, {"class_name": "Dense", "config": {"name": "inner", "units": 3}}, with its name.

Stored are: input x, weights w0, w1 ..., output y, the gradients of sum(y * dy) with regard to the input (dx) and the
trainable weights (dw0 ...), the other weights afterwards (after0 ...), masks, and the sum of `layer.losses`; computed in
float64, except for what Keras computes in float32 all the same (tanh, for one).  Of several inputs or outputs: x0, x1 ...
"""
import copy
import importlib
import json
import pathlib
import sys

import jax
import numpy as np

import keras
from keras import layers

IMAGE = (2, 6, 7, 4)
SEQUENCE = (3, 9, 4)


def shape_for(kind, arguments):
    """The input's shape: of a sequence or of images, in the layout that the arguments say."""
    batch, *axes, channels = SEQUENCE if "1D" in kind else IMAGE
    return (batch, channels, *axes) if "data_format" in arguments else (batch, *axes, channels)


FIRST = {"data_format": "channels_first"}
WINDOWS = {
    "default": {"kernel_size": 3},
    "strides_same": {"kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"},
    "dilation": {"kernel_size": 2, "dilation_rate": 2, "use_bias": False},
    "first": {"kernel_size": 2, "padding": "same", "activation": "tanh", **FIRST},
}
TRANSPOSED = {
    **WINDOWS,
    "strides": {"kernel_size": 3, "strides": 2, "activation": "relu"},
    "gaps": {"kernel_size": 2, "strides": 3},
    "gaps_same": {"kernel_size": 1, "strides": 2, "padding": "same"},
    "even_same": {"kernel_size": 4, "strides": 2, "padding": "same"},
    "dilation_same": {"kernel_size": 3, "dilation_rate": 2, "padding": "same", "activation": "sigmoid"},
    "output_padding": {"kernel_size": 3, "strides": 3, "output_padding": 1},
    "output_padding_same": {"kernel_size": 5, "strides": 3, "output_padding": 2, "padding": "same"},
    "output_padding_none": {"kernel_size": 4, "strides": 2, "output_padding": 0, "padding": "same"},
}
DEPTHWISE = {
    **WINDOWS,
    "multiplier": {"kernel_size": 3, "depth_multiplier": 2, "activation": "relu", "padding": "same"},
    "multiplier_first": {"kernel_size": 3, "depth_multiplier": 3, "use_bias": False, **FIRST},
    "configured": {
        "kernel_size": 3, "depthwise_initializer": "he_normal", "bias_initializer": "ones", "depthwise_regularizer": "l2",
        "bias_regularizer": "l1", "activity_regularizer": "l2", "depthwise_constraint": "max_norm", "bias_constraint": "non_neg",
    },
}  # fmt: skip
SEPARABLE = {
    **DEPTHWISE,
    "configured": {
        "kernel_size": 3, "depthwise_initializer": "he_normal", "pointwise_initializer": "zeros", "depthwise_regularizer": "l2",
        "pointwise_regularizer": "l1", "bias_regularizer": "l1", "pointwise_constraint": "max_norm",
    },
}  # fmt: skip
CONVOLUTIONS = {
    "Conv1D": {
        **WINDOWS,
        "causal": {"kernel_size": 3, "padding": "causal", "dilation_rate": 2},
        "causal_strides": {"kernel_size": 4, "padding": "causal", "strides": 2, "activation": "relu"},
        "causal_first": {"kernel_size": 3, "padding": "causal", **FIRST},
        "groups": {"kernel_size": (3,), "groups": 2, "padding": "same"},
    },
    "Conv1DTranspose": TRANSPOSED,
    "Conv2DTranspose": {**TRANSPOSED, "oblong": {"kernel_size": (3, 2), "strides": (1, 2), "output_padding": (0, 1)}},
    "DepthwiseConv1D": DEPTHWISE,
    "DepthwiseConv2D": {**DEPTHWISE, "oblong": {"kernel_size": (3, 2), "padding": "same", "strides": (2, 2)}},
    "SeparableConv1D": SEPARABLE,
    "SeparableConv2D": {**SEPARABLE, "oblong": {"kernel_size": (2, 3), "padding": "same", "strides": (2, 2)}},
}
for kind, cases in CONVOLUTIONS.items():
    if not kind.startswith("Depthwise"):
        CONVOLUTIONS[kind] = {label: {"filters": 6, **arguments} for label, arguments in cases.items()}
# name: (class, arguments, input shape, training)
CASES = {
    "dense": ("Dense", {"units": 3}, (4, 5), False),
    "dense_no_bias": ("Dense", {"units": 3, "use_bias": False}, (4, 5), False),
    "dense_1": ("Dense", {"units": 1}, (1, 1), False),
    "dense_rank_3": ("Dense", {"units": 3, "activation": "relu"}, (2, 4, 5), False),
    "dense_rank_4": ("Dense", {"units": 2, "activation": "tanh"}, (2, 2, 3, 5), False),
    "dense_penalties": (
        "Dense",
        {"units": 3, "kernel_regularizer": "l2", "bias_regularizer": "l1", "activity_regularizer": {"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.2}}},
        (4, 5),
        False,
    ),
    "dense_configured": (
        "Dense",
        {
            "units": 3, "activation": "relu", "kernel_initializer": "he_normal", "bias_initializer": "ones",
            "kernel_constraint": "max_norm", "bias_constraint": "non_neg", "trainable": False, "name": "head",
        },
        (4, 5),
        False,
    ),  # fmt: skip
    **{
        f"dense_{name}": ("Dense", {"units": 6, "activation": name}, (4, 5), False)
        for name in (
            "relu", "sigmoid", "tanh", "softmax", "elu", "selu", "softplus", "softsign", "exponential", "linear", "relu6",
            "leaky_relu", "hard_sigmoid", "silu", "gelu",
        )
    },  # fmt: skip
    "conv": ("Conv2D", {"filters": 5, "kernel_size": 3}, IMAGE, False),
    "conv_no_bias": ("Conv2D", {"filters": 5, "kernel_size": (3, 2), "use_bias": False}, IMAGE, False),
    "conv_1x1": ("Conv2D", {"filters": 5, "kernel_size": 1, "activation": "relu"}, IMAGE, False),
    "conv_same": ("Conv2D", {"filters": 5, "kernel_size": (3, 4), "padding": "same", "activation": "relu"}, IMAGE, False),
    "conv_strides": ("Conv2D", {"filters": 3, "kernel_size": 3, "strides": 2}, IMAGE, False),
    "conv_strides_same": ("Conv2D", {"filters": 3, "kernel_size": 3, "strides": (2, 3), "padding": "same"}, IMAGE, False),
    "conv_dilation": ("Conv2D", {"filters": 3, "kernel_size": 3, "dilation_rate": (2, 1)}, IMAGE, False),
    "conv_dilation_same": ("Conv2D", {"filters": 3, "kernel_size": 3, "dilation_rate": 2, "padding": "same"}, IMAGE, False),
    "conv_groups": ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 2, "activation": "tanh"}, IMAGE, False),
    "conv_depthwise": ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 4, "padding": "same"}, IMAGE, False),
    "conv_sigmoid": ("Conv2D", {"filters": 2, "kernel_size": 3, "activation": "sigmoid"}, IMAGE, False),
    "conv_softmax": ("Conv2D", {"filters": 3, "kernel_size": 3, "activation": "softmax"}, IMAGE, False),
    "conv_first": ("Conv2D", {"filters": 5, "kernel_size": 3, "data_format": "channels_first", "activation": "relu"}, (2, 4, 6, 7), False),
    "conv_first_same": (
        "Conv2D",
        {"filters": 4, "kernel_size": 3, "data_format": "channels_first", "padding": "same", "strides": 2, "groups": 2},
        (2, 4, 6, 7),
        False,
    ),
    "conv_configured": (
        "Conv2D",
        {
            "filters": 2, "kernel_size": 3, "kernel_initializer": "orthogonal", "kernel_regularizer": "l1",
            "bias_regularizer": "l2", "kernel_constraint": "unit_norm", "bias_initializer": "zeros",
        },
        IMAGE,
        False,
    ),  # fmt: skip
    **{
        f"{kind.lower()}_{label}": (kind, arguments, shape_for(kind, arguments), False)
        for kind, cases in CONVOLUTIONS.items()
        for label, arguments in cases.items()
    },
    **{
        f"{kind.lower()}_{label}": (kind, arguments, (2, 4, 6, 7) if "data_format" in arguments else IMAGE, False)
        for kind in ("MaxPooling2D", "AveragePooling2D")
        for label, arguments in {
            "default": {"pool_size": 2},
            "same": {"pool_size": 2, "padding": "same"},
            "overlap": {"pool_size": 3, "strides": 2},
            "overlap_same": {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"},
            "gaps": {"pool_size": 2, "strides": 3, "padding": "same"},
            "first": {"pool_size": 2, "data_format": "channels_first"},
        }.items()
    },
    **{
        f"{kind.lower()}_{label}": (kind, arguments, (2, 4, 6, 7) if "data_format" in arguments else IMAGE, False)
        for kind in ("GlobalMaxPooling2D", "GlobalAveragePooling2D")
        for label, arguments in {
            "default": {},
            "keepdims": {"keepdims": True},
            "first": {"data_format": "channels_first"},
            "first_keepdims": {"data_format": "channels_first", "keepdims": True},
        }.items()
    },
    "flatten": ("Flatten", {}, (2, 3, 4, 5), False),
    "flatten_1": ("Flatten", {}, (3,), False),
    "flatten_first": ("Flatten", {"data_format": "channels_first"}, (2, 3, 4, 5), False),
    "reshape": ("Reshape", {"target_shape": (6, 2)}, (2, 3, 4), False),
    "reshape_unknown": ("Reshape", {"target_shape": (2, -1, 3)}, (2, 3, 4), False),
    "permute": ("Permute", {"dims": (3, 1, 2)}, (2, 3, 4, 5), False),
    "repeat_vector": ("RepeatVector", {"n": 3}, (2, 5), False),
    "identity": ("Identity", {}, (2, 5), False),
    "activation": ("Activation", {"activation": "relu"}, (3, 5), False),
    "activation_softmax": ("Activation", {"activation": "softmax"}, (3, 5), False),
    "relu": ("ReLU", {}, (3, 5), False),
    "relu_all": ("ReLU", {"max_value": 1.5, "negative_slope": 0.1, "threshold": 0.5}, (5, 9), False),
    "leaky_relu": ("LeakyReLU", {}, (3, 5), False),
    "leaky_relu_slope": ("LeakyReLU", {"negative_slope": 0.05}, (3, 5), False),
    "elu": ("ELU", {"alpha": 0.7}, (3, 5), False),
    "softmax": ("Softmax", {}, (3, 5), False),
    "softmax_axis": ("Softmax", {"axis": 1}, (3, 5, 2), False),
    "rescaling": ("Rescaling", {"scale": 1 / 255, "offset": -0.5}, (3, 5), False),
    "zero_padding": ("ZeroPadding2D", {"padding": ((1, 2), (0, 3))}, (2, 3, 4, 5), False),
    "dropout_inference": ("Dropout", {"rate": 0.4}, (3, 5), False),
    **{
        f"batch_normalization_{label}_{mode}": ("BatchNormalization", arguments, shape, mode == "training")
        for mode in ("training", "inference")
        for label, arguments, shape in (
            ("default", {}, (6, 4)),
            ("image", {"momentum": 0.8, "epsilon": 1e-2}, IMAGE),
            ("no_center", {"center": False}, IMAGE),
            ("no_scale", {"scale": False}, (6, 4)),
            ("plain", {"center": False, "scale": False}, (6, 4)),
            ("axis_1", {"axis": 1}, (3, 4, 5, 2)),
            ("axis_2", {"axis": 2}, (3, 4, 5, 2)),
            ("penalties", {"gamma_regularizer": "l2", "beta_regularizer": "l1", "gamma_constraint": "non_neg"}, (6, 4)),
            ("frozen", {"trainable": False}, (6, 4)),
        )
    },
}


def values(rng, layer):
    """Weights that are not all zeros and ones; variances positive."""
    return [single(rng.uniform(0.5, 1.5, w.shape) if "variance" in w.name else rng.normal(size=w.shape)) for w in layer.weights]


def single(values):
    """Rounded to what float32 holds, since files hold float32."""
    return np.asarray(values, "float32").astype("float64")


def numbered(name, values):
    """An array by name; of a list (or tuple) its parts as name0, name1 ..."""
    return {f"{name}{i}": v for i, v in enumerate(values)} if isinstance(values, (list, tuple)) else {name: values}


def each(function, shape, *others):
    """A function of a shape, or of each shape of a list; None stays."""
    if isinstance(shape, list):
        return [each(function, part, *[o[i] if isinstance(o, list) else o for o in others]) for i, part in enumerate(shape)]
    return None if shape is None else function(shape, *others)


def made(arguments):
    """Arguments with the layers that configs among them describe."""
    return {key: layers.deserialize({"module": "keras.layers", "registered_name": None, **copy.deepcopy(v)})
            if isinstance(v, dict) and hasattr(layers, v.get("class_name", "")) else v for key, v in arguments.items()}


def without_builds(config):
    """A config, without the shapes that the layers inside were built for."""
    if isinstance(config, dict):
        return {key: without_builds(value) for key, value in config.items() if key != "build_config"}
    return config


def record(name, kind, arguments, shape, training, extra=None):
    extra = extra or {}
    rng = np.random.default_rng(sum(map(ord, name)))
    x = each(lambda one, high: single(rng.normal(size=one)) if high is None else rng.integers(0, high, one), shape, extra.get("integers"))
    masks = {key: each(lambda one: rng.uniform(size=one) < 0.7, one) for key, one in extra.get("masks", {}).items()}
    layer = getattr(layers, kind)(**made(arguments), dtype="float64", **({} if "name" in arguments else {"name": name}))
    inputs = x if extra.get("positional") else [x]
    options = {"training": training} if "training" in layer.call_signature_parameters else {}
    options |= {**extra.get("call", {}), **masks}
    layer(*inputs, **options)
    layer.set_weights(values(rng, layer))
    weights = layer.get_weights()
    trainable, others = [v.value for v in layer.trainable_variables], [v.value for v in layer.non_trainable_variables]
    kept = [i for i, v in enumerate(layer.non_trainable_variables) if "seed" not in v.path]
    floats = [v for v in jax.tree.leaves(x) if v.dtype.kind == "f"]

    def forward(floats, trainable):
        left = iter(floats)
        filled = jax.tree.map(lambda v: next(left) if v.dtype.kind == "f" else v, inputs)
        return layer.stateless_call(trainable, others, *filled, **options)

    (y, after), backward = jax.vjp(forward, floats, trainable)
    dy = jax.tree.map(lambda one: single(rng.normal(size=one.shape)).astype(one.dtype), y)
    nothing = jax.tree.map(np.zeros_like, after)
    nothing = jax.tree.map(lambda v: np.zeros(v.shape, jax.dtypes.float0) if v.dtype.kind in "iu" else v, nothing)
    dx, dws = backward((dy, nothing))
    arrays = {**numbered("x", x), **numbered("y", y), **numbered("dy", dy)}
    left = iter(dx)
    dx = jax.tree.map(lambda v: next(left) if v.dtype.kind == "f" else np.zeros(0), x)
    arrays.update(numbered("dx", dx))
    for key, mask in masks.items():
        arrays.update({k: v for k, v in numbered(key, mask).items() if v is not None})
    arrays.update({f"w{i}": w for i, w in enumerate(weights)})
    arrays.update({f"dw{i}": dw for i, dw in enumerate(dws)})
    arrays.update({f"after{i}": after[k] for i, k in enumerate(kept)})
    layer(*inputs, **options)
    shapes = each(lambda one: (None, *one[1:]), shape)
    facts = {
        "class": kind,
        "arguments": arguments,
        "training": training,
        "config": without_builds(layer.get_config()),
        "losses": float(sum(layer.losses)),
        "symbolic": layer.compute_output_shape(*shapes if extra.get("positional") else [shapes]),
        "weights": [(w.name, w.shape) for w in layer.weights],
        "trainable_weights": [w.name for w in layer.trainable_weights],
    }
    if extra:
        facts["extra"] = extra
    return arrays, facts


def write(stem, cases):
    """Records cases, and writes the two files of this name."""
    here = pathlib.Path(__file__).parent
    arrays, facts = {}, {}
    for name, case in cases.items():
        keras.utils.clear_session()
        found, facts[name] = record(name, *case)
        arrays.update({f"{name}/{key}": value if np.asarray(value).dtype.kind in "ib" else np.asarray(value, "float32")
                       for key, value in found.items()})
    np.savez_compressed(here / f"{stem}.npz", **arrays)
    (here / f"{stem}.json").write_text(json.dumps(facts, separators=(",", ":")) + "\n")


def main():
    keras.config.set_floatx("float64")
    for family in sys.argv[1:]:
        write(f"layers_{family}", importlib.import_module(f"layers_{family}").CASES)
    if not sys.argv[1:]:
        write("layers", CASES)


if __name__ == "__main__":
    main()
