"""Cases of make_layers.py: normalizations."""
IMAGE = (2, 5, 4, 6)
SEQUENCE = (3, 5, 4)
MORE = {"gamma_regularizer": "l2", "beta_regularizer": "l1", "gamma_constraint": "non_neg", "beta_constraint": "max_norm",
        "gamma_initializer": "he_normal", "beta_initializer": "ones"}
ONE_AXIS = {**MORE, "gamma_initializer": "ones"}

CASES = {
    **{f"layer_normalization_{label}": ("LayerNormalization", arguments, shape, False) for label, arguments, shape in (
        ("default", {}, (6, 4)),
        ("sequence", {"epsilon": 1e-5}, SEQUENCE),
        ("no_center", {"center": False}, SEQUENCE),
        ("no_scale", {"scale": False}, SEQUENCE),
        ("plain", {"center": False, "scale": False}, SEQUENCE),
        ("axis_1", {"axis": 1}, SEQUENCE),
        ("axes", {"axis": [-1, 1]}, IMAGE),
        ("last_axes", {"axis": [3, 1, 2]}, IMAGE),
        ("middle", {"axis": [2], "scale": False}, IMAGE),
        ("rms_scaling", {"rms_scaling": True}, SEQUENCE),
        ("rms_scaling_axis", {"rms_scaling": True, "axis": 1}, SEQUENCE),
        ("configured", ONE_AXIS, SEQUENCE),
    )},
    **{f"rms_normalization_{label}": ("RMSNormalization", arguments, shape, False) for label, arguments, shape in (
        ("default", {}, (6, 4)),
        ("sequence", {"epsilon": 1e-2}, SEQUENCE),
        ("last_axes", {"axis": [-2, -1]}, IMAGE),
    )},
    **{f"group_normalization_{label}": ("GroupNormalization", arguments, shape, False) for label, arguments, shape in (
        ("default", {"groups": 2}, (6, 4)),
        ("image", {"groups": 3, "epsilon": 1e-2}, IMAGE),
        ("instance", {"groups": -1}, IMAGE),
        ("one", {"groups": 1}, SEQUENCE),
        ("axis_1", {"groups": 2, "axis": 1}, (2, 6, 4, 3)),
        ("axis_2", {"groups": 2, "axis": 2, "center": False}, IMAGE),
        ("no_scale", {"groups": 2, "scale": False}, SEQUENCE),
        ("plain", {"groups": 2, "scale": False, "center": False}, SEQUENCE),
        ("configured", {"groups": 2, **ONE_AXIS}, SEQUENCE),
    )},
    **{f"unit_normalization_{label}": ("UnitNormalization", arguments, shape, False) for label, arguments, shape in (
        ("default", {}, (6, 4)),
        ("axis_1", {"axis": 1}, SEQUENCE),
        ("axes", {"axis": [1, 2]}, IMAGE),
    )},
    "batch_normalization_mask": ("BatchNormalization", {"momentum": 0.8}, SEQUENCE, True, {"masks": {"mask": (3, 5)}}),
    "batch_normalization_mask_image": ("BatchNormalization", {"scale": False}, IMAGE, True, {"masks": {"mask": (2, 5, 4)}}),
    "batch_normalization_mask_axis_1": ("BatchNormalization", {"axis": 1}, (3, 5, 4), True, {"masks": {"mask": (3, 5)}}),
    "batch_normalization_mask_inference": ("BatchNormalization", {}, SEQUENCE, False, {"masks": {"mask": (3, 5)}}),
    **{f"batch_normalization_renorm_{label}": ("BatchNormalization", {"renorm": True, **arguments}, shape, training)
       for label, arguments, shape, training in (
        ("default", {}, (6, 4), True),
        ("clipped", {"renorm_clipping": {"rmin": 0.9, "rmax": 1.1, "dmax": 0.2}, "renorm_momentum": 0.7, "momentum": 0.8}, IMAGE, True),
        ("half_clipped", {"renorm_clipping": {"rmax": 1.2}, "scale": False}, SEQUENCE, True),
        ("axis_1", {"axis": 1, "center": False, "scale": False}, IMAGE, True),
        ("inference", {}, SEQUENCE, False),
    )},
    "batch_normalization_renorm_mask": ("BatchNormalization", {"renorm": True}, SEQUENCE, True, {"masks": {"mask": (3, 5)}}),
}
