"""Cases of make_layers.py: layers around layers."""


def inner(kind, **arguments):
    return {"class_name": kind, "config": {"name": "inner", **arguments}}


SEQUENCE = (3, 4, 5)
FRAMES = (2, 3, 5, 6, 2)

CASES = {
    **{f"time_distributed_{label}": ("TimeDistributed", {"layer": layer}, shape, training, *more) for label, layer, shape, training, *more in (
        ("dense", inner("Dense", units=3, activation="tanh"), SEQUENCE, False),
        ("dense_penalties", inner("Dense", units=3, kernel_regularizer="l2", activity_regularizer="l2"), SEQUENCE, False),
        ("dense_mask", inner("Dense", units=2), SEQUENCE, False, {"masks": {"mask": (3, 4)}}),
        ("conv", inner("Conv2D", filters=3, kernel_size=3, padding="same", strides=2), FRAMES, False),
        ("pooling", inner("MaxPooling2D", pool_size=2), FRAMES, False),
        ("flatten", inner("Flatten"), FRAMES, False),
        ("softmax_mask", inner("Softmax", axis=-1), (2, 3, 4), False, {"masks": {"mask": (2, 3, 4)}}),
        ("layer_normalization", inner("LayerNormalization"), (2, 3, 4, 5), False),
        ("batch_normalization", inner("BatchNormalization", momentum=0.8), (6, 3, 4), True),
        ("batch_normalization_frames", inner("BatchNormalization"), FRAMES, True),
        ("batch_normalization_mask", inner("BatchNormalization"), (6, 3, 4, 2), True, {"masks": {"mask": (6, 3, 4)}}),
        ("batch_normalization_inference", inner("BatchNormalization"), (6, 3, 4), False),
        ("dropout", inner("Dropout", rate=0.5), SEQUENCE, False),
    )},
    "time_distributed_twice": ("TimeDistributed", {"layer": {"class_name": "TimeDistributed", "config": {
        "name": "middle", "layer": {"module": "keras.layers", "registered_name": None, **inner("Dense", units=2)}}}}, (2, 3, 4, 5), False),
    "spectral_normalization_dense": ("SpectralNormalization", {"layer": inner("Dense", units=3)}, (4, 5), False),
    "spectral_normalization_conv": ("SpectralNormalization", {"layer": inner("Conv2D", filters=3, kernel_size=2), "power_iterations": 3},
                                    (2, 4, 5, 2), False),
}
