"""Writes fit.json: what real Keras reports for small trainings, from weights and data that the test makes again.

    KERAS_BACKEND=jax python tests/golden/make_fit.py
"""
import json
import pathlib

import keras
import numpy as np

HERE = pathlib.Path(__file__).parent


def data(kind):
    """Inputs, targets and weights of samples, the same here and in the test."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(50, 6)).astype("float32")
    score = x @ rng.normal(size=(6, 3)).astype("float32")
    y = {"regression": score[:, :1] + 0.5, "binary": (score[:, :1] > 0).astype("float32"),
         "sparse": score.argmax(axis=1).astype("int64"), "onehot": np.eye(3, dtype="float32")[score.argmax(axis=1)]}[kind]
    return x, y, rng.uniform(0.2, 2.0, size=50).astype("float32")


def initial_weights(outputs):
    """Weights of a net 6 - 8 - outputs."""
    rng = np.random.default_rng(3)
    return [rng.normal(size=(6, 8), scale=0.4).astype("float32"), rng.normal(size=8, scale=0.1).astype("float32"),
            rng.normal(size=(8, outputs), scale=0.4).astype("float32"), np.zeros(outputs, "float32")]


# name: (kind of data, outputs, activation, regularizer, arguments of compile, arguments of fit)
CASES = {
    "regression": ("regression", 1, None, None, dict(optimizer="rmsprop", loss="mse", metrics=["mae"]), {}),
    "split": ("regression", 1, None, None, dict(optimizer="sgd", loss="mse", metrics=["mae", "mse"]),
              dict(validation_split=0.3, batch_size=8)),
    "binary": ("binary", 1, "sigmoid", None, dict(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"]),
               dict(batch_size=7)),
    "onehot": ("onehot", 3, "softmax", None, dict(optimizer="adam", loss="categorical_crossentropy", metrics=["acc", "mse"]),
               dict(validation_split=0.2)),
    "sparse": ("sparse", 3, "softmax", None,
               dict(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"]), dict(batch_size=16)),
    "penalties": ("regression", 1, None, 0.02, dict(optimizer="sgd", loss="mae"), dict(validation_split=0.2)),
    "class_weight": ("sparse", 3, "softmax", None,
                     dict(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"],
                          weighted_metrics=["accuracy"]), dict(class_weight={0: 1.0, 1: 3.0, 2: 0.5})),
    "sample_weight": ("onehot", 3, "softmax", None,
                      dict(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"],
                           weighted_metrics=["accuracy", "mae"]), dict(sample_weight=True, validation_split=0.25, batch_size=8)),
}


def run(keras, case):
    """Trains a case with `keras` (or what stands for it): history, evaluation, predictions."""
    kind, outputs, activation, penalty, compiling, fitting = case
    x, y, weights = data(kind)
    regularizer = None if penalty is None else keras.regularizers.L2(penalty)
    activity = None if penalty is None else keras.regularizers.L1(penalty)
    model = keras.Sequential([
        keras.layers.Input((6,)),
        keras.layers.Dense(8, activation="tanh", kernel_regularizer=regularizer, activity_regularizer=activity),
        keras.layers.Dense(outputs, activation=activation)])
    model.set_weights(initial_weights(outputs))
    model.compile(**compiling)
    fitting = {"batch_size": 32, **fitting}
    if fitting.get("sample_weight"):
        fitting["sample_weight"] = weights
    history = model.fit(x, y, epochs=3, shuffle=False, verbose=0, **fitting)
    return {"history": {name: [float(v) for v in values] for name, values in history.history.items()},
            "evaluate": model.evaluate(x, y, batch_size=13, verbose=0, return_dict=True),
            "predict": model.predict(x, batch_size=16, verbose=0)[:4].tolist()}


if __name__ == "__main__":
    found = {name: run(keras, case) for name, case in CASES.items()}
    (HERE / "fit.json").write_text(json.dumps({"keras": keras.__version__, "cases": found}, indent=1) + "\n")
