"""Stores what Keras 3 makes of the models of functional_models.py: KERAS_BACKEND=torch python tests/golden/make_functional.py"""
import json
import pathlib

import keras
import numpy as np

from functional_models import COMPILED, MODELS, data, weights_of


def digits(value):
    """Nested lists of numbers with 7 significant digits."""
    return np.vectorize(lambda x: float(f"{x:.7g}"))(np.asarray(value)).tolist()


def main():
    found = {}
    for name, build in MODELS.items():
        keras.utils.clear_session()
        model = build(keras)
        model.set_weights(weights_of(model))
        x, y, sample_weight = data(name)
        predicted = model.predict(x, verbose=0)
        loss, arguments = COMPILED[name]
        model.compile(keras.optimizers.SGD(0.05), loss, **arguments)
        history = model.fit(x, y, sample_weight=sample_weight, batch_size=4, epochs=3, shuffle=False, verbose=0).history
        scores = model.evaluate(x, y, sample_weight=sample_weight, batch_size=5, verbose=0, return_dict=True)
        found[name] = {
            "layers": [layer.name for layer in model.layers], "operations": [op.name for op in model.operations],
            "weights": [[w.path.split("/")[-2], w.name, list(w.shape)] for w in model.weights],
            "config": model.get_config(), "output_names": model.output_names,
            "predicted": {k: digits(v) for k, v in predicted.items()} if isinstance(predicted, dict) else
                         [digits(p) for p in predicted] if isinstance(predicted, list) else digits(predicted),
            "history": {k: digits(v) for k, v in history.items()}, "scores": {k: digits(v) for k, v in scores.items()}}
    path = pathlib.Path(__file__).with_name("functional.json")
    path.write_text(json.dumps({"keras": keras.__version__, "models": found}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
