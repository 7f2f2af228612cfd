"""Borders, sizes made larger, and pooling to a given size."""
FIRST = {"data_format": "channels_first"}
SHAPES = {1: (2, 7, 3), 2: (2, 5, 7, 3), 3: (1, 3, 4, 5, 2)}


def shape_for(kind, arguments):
    """The input's shape, in the layout that the arguments say."""
    batch, *axes, channels = SHAPES[int(kind[-2])]
    return (batch, channels, *axes) if "data_format" in arguments else (batch, *axes, channels)


LAYERS = {
    "ZeroPadding1D": {"default": {}, "int": {"padding": 2}, "pair": {"padding": (0, 3)}, "first": {"padding": (1, 2), **FIRST}},
    "ZeroPadding2D": {"default": {}, "int": {"padding": 2}, "pair": {"padding": (0, 3)}, "first": {"padding": ((1, 2), (0, 1)), **FIRST}},
    "ZeroPadding3D": {
        "default": {}, "int": {"padding": 2}, "pairs": {"padding": ((0, 3), (1, 0), (2, 1))}, "first": {"padding": ((1, 2), (0, 1), (0, 0)), **FIRST},
    },
    "Cropping1D": {"default": {}, "int": {"cropping": 2}, "pair": {"cropping": (0, 3)}, "nothing": {"cropping": 0}},
    "Cropping2D": {
        "default": {}, "int": {"cropping": 2}, "pairs": {"cropping": ((0, 3), (2, 0))}, "first": {"cropping": ((1, 2), (0, 1)), **FIRST},
    },
    "Cropping3D": {
        "default": {}, "int": {"cropping": 1}, "pairs": {"cropping": ((0, 2), (2, 0), (1, 3))}, "first": {"cropping": ((0, 0), (0, 1), (2, 2)), **FIRST},
    },
    "UpSampling1D": {"default": {}, "size": {"size": 3}},
    "UpSampling2D": {
        "default": {},
        "size": {"size": (1, 3)},
        "first": {"size": (3, 2), **FIRST},
        **{kind: {"size": (2, 3), "interpolation": kind} for kind in ("bilinear", "bicubic", "lanczos3", "lanczos5")},
        "bilinear_first": {"interpolation": "bilinear", **FIRST},
        "bicubic_first": {"size": (4, 1), "interpolation": "bicubic", **FIRST},
    },
    "UpSampling3D": {"default": {}, "size": {"size": (1, 3, 2)}, "first": {"size": (2, 1, 3), **FIRST}},
    **{
        f"Adaptive{kind}Pooling{rank}D": {
            "int": {"output_size": 3},
            "one": {"output_size": 1},
            "larger": {"output_size": 8 if rank < 3 else 6},
            "first": {"output_size": 2, **FIRST},
            **({"tuple": {"output_size": (2, 5, 4)[:rank]}, "tuple_first": {"output_size": (3, 4, 6)[:rank], **FIRST}} if rank > 1 else {}),
        }
        for kind in ("Average", "Max")
        for rank in (1, 2, 3)
    },
}  # fmt: skip
CASES = {
    f"{kind.lower()}_{label}": (kind, arguments, shape_for(kind, arguments), False)
    for kind, cases in LAYERS.items()
    for label, arguments in cases.items()
}
