"""Activation functions with all their arguments: cases for make_ops.py."""
import numpy as np

rng = np.random.default_rng(29)
X = np.array([[-45.0, -7.1, -3.2, -2.3, -0.7, -0.2], [0.3, 0.9, 1.4, 2.6, 5.5, 45.0]])
KINKS = np.array([-6.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 6.0])
PLAIN = ("celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "linear",
         "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
         "sparse_plus", "sparse_sigmoid", "squareplus", "swish", "tanh", "tanh_shrink")
HERE = [name for name in PLAIN if not name.endswith("_swish") and name != "swish"]
# Where a function has a kink, any number between the two slopes is a gradient.
SMOOTH = ("gelu", "linear", "log_sigmoid", "log_softmax", "mish", "sigmoid", "silu", "softmax", "softplus", "softsign", "squareplus", "tanh",
          "tanh_shrink", "celu", "elu", "glu")


def image():
    return rng.normal(size=(2, 3, 4)).round(3) * 2


def act(name, x, **arguments):
    return f"keras.activations.{name}", [x], arguments


CASES = {
    **{name: act(name, X) for name in HERE}, "exponential": act("exponential", X / 8),
    "swish": act("silu", X), "hard_swish": act("hard_silu", X),
    **{f"{name}_kinks": (*act(name, KINKS), {"gradient": name in SMOOTH}) for name in HERE},
    **{f"{name}_of_whole_numbers": (*act(name, np.array([[-2, 0], [1, 3]], "int32")), {"dtypes": ["float32"]})
       for name in ("relu", "leaky_relu", "relu6", "elu", "softplus", "tanh")},
    "relu_threshold_of_whole_numbers": act("relu", np.array([[-2, 0], [1, 7]], "int32"), threshold=-3, max_value=5),
    # Keras adds up too much where more than one value passes: only what is right in it is compared.
    "sparsemax_single": act("sparsemax", np.array([[4.0, 1.0, 2.5], [-3.0, -8.0, -1.0]])),
    "sparsemax_axis_0": act("sparsemax", np.array([[4.0, -8.0], [1.0, 2.0]]), axis=0),
    "relu_slope": act("relu", X, negative_slope=0.3), "relu_top": act("relu", X, max_value=2.0), "relu_six": act("relu", X, max_value=6),
    "relu_threshold": act("relu", X, threshold=1.0), "relu_threshold_below": act("relu", X, threshold=-0.5),
    "relu_all": act("relu", X, negative_slope=0.3, max_value=2.0, threshold=1.0),
    "relu_all_below": act("relu", X, negative_slope=-0.3, max_value=6.0, threshold=-1.0),
    "relu_slope_top": act("relu", X, negative_slope=0.3, max_value=2.0), "relu_slope_threshold": act("relu", X, negative_slope=0.1, threshold=2.0),
    "relu_arguments_at_kinks": (*act("relu", KINKS, negative_slope=0.25, max_value=3.0, threshold=1.0), {"gradient": False}),
    "leaky_relu_slope": act("leaky_relu", X, negative_slope=0.05), "leaky_relu_negative": act("leaky_relu", X, negative_slope=-0.5),
    "elu_alpha": act("elu", X, alpha=0.3), "celu_alpha": act("celu", X, alpha=2.5), "gelu_tanh": act("gelu", X, approximate=True),
    "hard_shrink_threshold": act("hard_shrink", X, threshold=1.2), "soft_shrink_threshold": act("soft_shrink", X, threshold=1.2),
    "squareplus_b": act("squareplus", X, b=0.5), "squareplus_0": act("squareplus", X, b=0),
    "threshold": ("keras.activations.threshold", [X, 1.0, -5.0]),
    "threshold_by_name": ("keras.activations.threshold", [X], {"threshold": -2.5, "default_value": 3.0}),
    "glu_axis": act("glu", image(), axis=-1), "glu_axis_0": act("glu", image(), axis=0),
    **{f"{name}_axis_{axis}": act(name, image(), axis=axis) for name in ("softmax", "log_softmax") for axis in (0, 1, -2)},
    **{f"{name}_axes_{label}": act(name, image(), axis=axes) for name in ("softmax", "log_softmax")
       for label, axes in {"02": (0, 2), "21": (2, 1), "1": (1,), "all": (0, 1, 2)}.items()},
    "softmax_large": act("softmax", np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -5000.0]])),
    "log_softmax_large": act("log_softmax", np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -5000.0]])),
}
