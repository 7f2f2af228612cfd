"""Makes the files here: `python make_files.py` with Keras 2.13 (TensorFlow 2.13), and with Keras 3.15 on JAX."""
import keras
import numpy as np

VERSION = keras.__version__[0]


def model():
    """Three layers, trained by one step of Adam, so that its state is stored, too."""
    layers = keras.layers
    built = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="first"), layers.BatchNormalization(name="norm"),
                              layers.Dense(2, name="second")])
    built.compile("adam", "mse")
    built.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    return built


made = model()
made.save(f"keras{VERSION}.h5")
made.save(f"keras{VERSION}.keras")
if VERSION == "3":
    made.save_weights("keras3.weights.h5")
    keras.config.set_dtype_policy("bfloat16")
    keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, name="first")]).save_weights("keras3_bfloat16.weights.h5")
