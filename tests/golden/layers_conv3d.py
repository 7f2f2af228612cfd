"""Convolution of volumes, and transposed; that of sequences and images is in make_layers.py."""
SHAPE, FIRST_SHAPE = (2, 4, 5, 6, 4), (2, 4, 4, 5, 6)
FIRST = {"data_format": "channels_first"}

WINDOWS = {
    "default": {"kernel_size": 3},
    "strides": {"kernel_size": 2, "strides": 2, "activation": "relu"},
    "strides_same": {"kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"},
    "dilation": {"kernel_size": 2, "dilation_rate": 2, "use_bias": False},
    "dilation_same": {"kernel_size": 3, "dilation_rate": (2, 1, 3), "padding": "same", "activation": "sigmoid"},
    "first": {"kernel_size": 2, "padding": "same", "activation": "tanh", **FIRST},
    "oblong": {"kernel_size": (3, 1, 2), "strides": (1, 2, 3), "padding": "same"},
    "planes": {"kernel_size": (1, 3, 3), "padding": "same", "activation": "softmax"},
    "skipped_planes": {"kernel_size": (1, 2, 2), "strides": (3, 1, 2)},
    "columns": {"kernel_size": (3, 1, 1)},
    "pointwise": {"kernel_size": 1, "activation": "relu"},
    "configured": {
        "kernel_size": 2, "kernel_initializer": "orthogonal", "bias_initializer": "ones", "kernel_regularizer": "l1", "bias_regularizer": "l2",
        "activity_regularizer": "l2", "kernel_constraint": "unit_norm", "bias_constraint": "non_neg",
    },
}  # fmt: skip
CONVOLUTIONS = {
    "Conv3D": {
        **WINDOWS,
        "groups": {"kernel_size": 3, "groups": 2, "padding": "same"},
        "groups_first": {"kernel_size": 2, "groups": 4, "filters": 8, **FIRST},
    },
    "Conv3DTranspose": {
        **WINDOWS,
        "gaps": {"kernel_size": 1, "strides": 2},
        "gaps_same": {"kernel_size": 1, "strides": 2, "padding": "same"},
        "even_same": {"kernel_size": 4, "strides": 2, "padding": "same"},
        "output_padding": {"kernel_size": 2, "strides": 3, "output_padding": 1},
        "output_padding_same": {"kernel_size": 3, "strides": (2, 3, 2), "output_padding": (1, 2, 0), "padding": "same"},
        "output_padding_none": {"kernel_size": 2, "strides": 2, "output_padding": 0, "padding": "same"},
    },
}
# name: (class, arguments, input shape, training)
CASES = {
    f"{kind.lower()}_{label}": (
        kind,
        {"filters": 2, **arguments},
        (FIRST_SHAPE if "data_format" in arguments else SHAPE)
        if kind == "Conv3D"
        else ((2, 2, 2, 2, 3) if "data_format" in arguments else (2, 2, 2, 3, 2)),
        False,
    )
    for kind, cases in CONVOLUTIONS.items()
    for label, arguments in cases.items()
}
