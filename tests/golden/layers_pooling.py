"""Pooling of sequences and volumes; that of images is in make_layers.py."""
FIRST = {"data_format": "channels_first"}
SEQUENCE, VOLUME = (3, 9, 4), (2, 4, 5, 6, 3)


def shape_for(rank, arguments):
    """The input's shape, in the layout that the arguments say."""
    batch, *axes, channels = SEQUENCE if rank == 1 else VOLUME
    return (batch, channels, *axes) if "data_format" in arguments else (batch, *axes, channels)


WINDOWS = {
    "default": {"pool_size": 2},
    "same": {"pool_size": 2, "padding": "same"},
    "overlap": {"pool_size": 3, "strides": 2},
    "overlap_same": {"pool_size": 3, "strides": 1, "padding": "same"},
    "gaps": {"pool_size": 2, "strides": 3, "padding": "same"},
    "first": {"pool_size": 2, **FIRST},
    "first_same": {"pool_size": 3, "strides": 2, "padding": "same", **FIRST},
}
OBLONG = {
    "oblong": {"pool_size": (2, 3, 1), "strides": (1, 2, 3), "padding": "same"},
    "planes": {"pool_size": (1, 2, 2)},
    "skipped_planes": {"pool_size": (1, 2, 2), "strides": (2, 1, 2)},
    "columns": {"pool_size": (3, 1, 1), "strides": (1, 1, 1), **FIRST},
}
WHOLE = {"default": {}, "keepdims": {"keepdims": True}, "first": FIRST, "first_keepdims": {"keepdims": True, **FIRST}}
MASK = {"masks": {"mask": (3, 9)}}

CASES = {
    **{
        f"{kind.lower()}_{label}": (kind, arguments, shape_for(rank, arguments), False)
        for rank in (1, 3)
        for kind in (f"MaxPooling{rank}D", f"AveragePooling{rank}D")
        for label, arguments in {**WINDOWS, **(OBLONG if rank == 3 else {})}.items()
    },
    "maxpooling1d_no_arguments": ("MaxPooling1D", {}, SEQUENCE, False),
    "maxpooling3d_no_arguments": ("MaxPooling3D", {}, VOLUME, False),
    **{
        f"{kind.lower()}_{label}": (kind, arguments, shape_for(rank, arguments), False)
        for rank in (1, 3)
        for kind in (f"GlobalMaxPooling{rank}D", f"GlobalAveragePooling{rank}D")
        for label, arguments in WHOLE.items()
    },
    **{
        f"globalaveragepooling1d_masked_{label}": ("GlobalAveragePooling1D", arguments, shape_for(1, arguments), False, MASK)
        for label, arguments in WHOLE.items()
    },
}
