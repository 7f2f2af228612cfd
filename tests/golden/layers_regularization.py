"""Cases of make_layers.py: noise and dropout in inference, penalties, PReLU."""
SHAPES = {"SpatialDropout1D": (2, 3, 4), "SpatialDropout2D": (2, 3, 4, 5), "SpatialDropout3D": (2, 3, 2, 3, 4)}

CASES = {
    **{f"{kind.lower()}_inference": (kind, {"rate": 0.4, "seed": 3}, shape, False) for kind, shape in SHAPES.items()},
    "spatialdropout2d_first": ("SpatialDropout2D", {"rate": 0.4, "data_format": "channels_first"}, (2, 3, 4, 5), False),
    "spatialdropout3d_first": ("SpatialDropout3D", {"rate": 0.4, "data_format": "channels_first"}, (2, 3, 4, 5, 2), False),
    "dropout_noise_shape_inference": ("Dropout", {"rate": 0.4, "noise_shape": (None, 1, 4), "seed": 5}, (2, 3, 4), False),
    "gaussian_noise_inference": ("GaussianNoise", {"stddev": 0.3, "seed": 3}, (3, 5), False),
    "gaussian_dropout_inference": ("GaussianDropout", {"rate": 0.3, "seed": 3}, (3, 5), False),
    "alpha_dropout_inference": ("AlphaDropout", {"rate": 0.3, "noise_shape": (None, 1), "seed": 3}, (3, 5), False),
    **{f"{kind.lower()}_nothing": (kind, {argument: 0.0}, (2, 3, 4), True) for kind, argument in (
        ("Dropout", "rate"), ("SpatialDropout1D", "rate"), ("GaussianNoise", "stddev"), ("GaussianDropout", "rate"), ("AlphaDropout", "rate"))},
    "activity_regularization": ("ActivityRegularization", {"l1": 0.1, "l2": 0.3}, (3, 5), False),
    "activity_regularization_default": ("ActivityRegularization", {}, (3, 5), False),
    "prelu": ("PReLU", {}, (3, 5), False),
    "prelu_image": ("PReLU", {"alpha_initializer": "he_normal", "alpha_regularizer": "l2", "alpha_constraint": "non_neg"}, (2, 3, 4, 5), False),
    "prelu_shared": ("PReLU", {"shared_axes": [1, 2]}, (2, 3, 4, 5), False),
    "prelu_shared_last": ("PReLU", {"shared_axes": (2, 3), "alpha_initializer": "ones"}, (2, 3, 4, 5), False),
    "prelu_shared_one": ("PReLU", {"shared_axes": 1}, (2, 3, 4), False),
}
