"""The layer cases of layers*.json as small functional models, made with fastnn or with real Keras, whichever is passed as `keras`."""
import copy
import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent


def facts_of_cases():
    """Cases by name: what layers*.json has, the "family" of the file and the "inputs" as arrays by name."""
    found = {}
    for path in sorted(HERE.glob("layers*.json")):
        with np.load(path.with_suffix(".npz")) as arrays:
            for name, facts in json.loads(path.read_text()).items():
                found[name] = {**facts, "family": path.stem, "inputs": inputs_of(name, facts, arrays)}
    return found


def inputs_of(name, facts, arrays):
    """{name: array} of the inputs x or x0, x1 ..., then the masks."""
    keys = [key.partition("/")[2] for key in arrays if key.startswith(f"{name}/")]
    masks = [key for mask in facts.get("extra", {}).get("masks", {}) for key in keys if key.rstrip("0123456789") == mask]
    wanted = sorted((key for key in keys if key.rstrip("0123456789") == "x"), key=lambda key: int(key[1:] or 0)) + masks
    return {key: single(arrays[f"{name}/{key}"]) for key in wanted}


def single(array):
    return array.astype({"f": "float32", "i": "int32", "b": "bool"}[array.dtype.kind])


def made(keras, value):
    """An argument; layers are given as configs."""
    if isinstance(value, dict) and hasattr(keras.layers, value.get("class_name", "")):
        return keras.layers.deserialize({"module": "keras.layers", "registered_name": None, **copy.deepcopy(value)})
    return value


def branch(keras, name, facts):
    """(inputs, outputs) of a case, symbolic lists."""
    inputs = {key: keras.Input(array.shape[1:], dtype=array.dtype.name, name=f"{name}_{key}") for key, array in facts["inputs"].items()}
    extra = facts.get("extra", {})
    x = [symbol for key, symbol in inputs.items() if key.rstrip("0123456789") == "x"]
    options = {"training": True} if facts["training"] else {}
    options.update(extra.get("call", {}))
    for mask, shape in extra.get("masks", {}).items():
        several = bool(shape) and any(isinstance(part, list) or part is None for part in shape)
        options[mask] = [inputs.get(f"{mask}{i}") for i in range(len(shape))] if several else inputs[mask]
    arguments = {key: made(keras, value) for key, value in facts["arguments"].items()}
    layer = getattr(keras.layers, facts["class"])(**{"name": name, **arguments})
    found = layer(*x if extra.get("positional") else [x if "x0" in inputs else x[0]], **options)
    return list(inputs.values()), list(found) if isinstance(found, (list, tuple)) else [found]


def values(name, weights):
    """Weights that are not all zeros and ones, from a name; variances positive, whole numbers as they are."""
    rng = np.random.default_rng(sum(map(ord, name)))
    found = []
    for weight in weights:
        old = np.asarray(weight.numpy() if hasattr(weight, "numpy") else weight)
        if old.dtype.kind != "f":
            found.append(old)
        else:
            drawn = rng.uniform(0.5, 1.5, old.shape) if "variance" in weight.name else rng.normal(scale=0.5, size=old.shape)
            found.append(drawn.astype(old.dtype))
    return found


def model_of(keras, names, cases, label):
    """(model, inputs) of the cases, each a branch of its own."""
    inputs, outputs, arrays = [], [], []
    for name in names:
        some, found = branch(keras, name, cases[name])
        inputs += some
        outputs += found
        arrays += cases[name]["inputs"].values()
    model = keras.Model(inputs[0] if len(inputs) == 1 else inputs, outputs[0] if len(outputs) == 1 else outputs, name=label)
    model.set_weights(values(label, model.weights))
    return model, arrays


def answers(model, arrays):
    """What a model makes of its inputs, as float32 or whole numbers."""
    found = model(arrays[0] if len(arrays) == 1 else list(arrays))
    return [np.asarray(as_numpy(one)) for one in (found if isinstance(found, (list, tuple)) else [found])]


def as_numpy(tensor):
    return tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else np.asarray(tensor)
