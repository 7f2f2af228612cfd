"""Cases of make_layers.py: layers that take several inputs."""
SEQUENCES = [(2, 3, 4), (2, 3, 4), (2, 3, 4)]
MASKS = {"masks": {"mask": [(2, 3), (2, 3), (2, 3)]}}
ONE_MASK = {"masks": {"mask": [(2, 3), None, None]}}
NAMES = ("Add", "Multiply", "Average", "Maximum", "Minimum")

CASES = {
    **{name.lower(): (name, {}, SEQUENCES, False) for name in NAMES},
    **{f"{name.lower()}_broadcast": (name, {}, [(2, 3, 4), (2, 1, 4)], False) for name in (*NAMES, "Subtract")},
    **{f"{name.lower()}_ranks": (name, {}, [(2, 3, 4), (2, 4)], False) for name in (*NAMES, "Subtract")},
    "subtract": ("Subtract", {}, SEQUENCES[:2], False),
    "concatenate": ("Concatenate", {}, [(2, 3, 4), (2, 3, 1), (2, 3, 2)], False),
    "concatenate_axis_1": ("Concatenate", {"axis": 1}, [(2, 3, 4), (2, 1, 4)], False),
    "concatenate_axis_-2": ("Concatenate", {"axis": -2}, [(2, 3, 4), (2, 1, 4)], False),
    "masking": ("Masking", {"mask_value": 1.0}, (2, 3, 4), False),
}
