"""Stand-in."""


def is_legacy(root):
    return "layer_names" in root.attrs or "model_config" in root.attrs
