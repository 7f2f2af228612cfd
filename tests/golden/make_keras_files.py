"""Writes keras_files.npz: `.keras` files of real Keras, what their models answer, and their next two losses.

    KERAS_BACKEND=jax python tests/golden/make_keras_files.py [NAME ...]       (with names only these files, beside those there are)

One functional model for each family of the layer cases (see case_models.py), each case a branch with an output of its own, and the
models of `MODELS`, which tests/saving/test_keras_files.py makes with fastnn, too.
"""
import io
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import case_models  # noqa: E402
import own_classes  # noqa: E402

HERE = pathlib.Path(__file__).parent
ROWS = np.random.default_rng(5).normal(size=(6, 4)).astype("float32")
TARGETS = np.random.default_rng(6).normal(size=(6, 1)).astype("float32")
BIG = 2000      # cases with more weights than that are left out
LEFT_OUT = ("training", "renorm")       # a call in training changes the weights


def families(cases):
    """Names of the cases by family, of each class at most three."""
    found, used = {}, {}
    for name, facts in cases.items():
        kind = facts["class"]
        if facts["training"] or any(word in name for word in LEFT_OUT) or used.get(kind, 0) >= 3 or facts["arguments"].get("name"):
            continue
        if sum(int(np.prod(shape)) for _, shape in facts["weights"]) > BIG:
            continue
        used[kind] = used.get(kind, 0) + 1
        found.setdefault(facts["family"], []).append(name)
    return found


# ---- Other models -----------------------------------------------------------------------------------------------

def dense(keras, units=3, **more):
    return keras.layers.Dense(units, **more)


def sequential(keras):
    return keras.Sequential([keras.Input((4,)), dense(keras, 3, activation="tanh"), dense(keras, 1)], name="sequential")


def without_input(keras):
    model = keras.Sequential([dense(keras, 3, activation="tanh", name="a"), dense(keras, 1, name="b")], name="without_input")
    model.build((None, 4))
    return model


def nested(keras):
    inner = keras.Sequential([keras.Input((4,)), dense(keras, 4, activation="relu"), keras.layers.BatchNormalization()], name="inner")
    x = keras.Input((4,), name="rows")
    middle = keras.Model(x, dense(keras, 2, name="last")(inner(x)), name="middle")
    start = keras.Input((4,), name="start")
    return keras.Model(start, dense(keras, 1, name="head")(middle(start)), name="nested")


def shared(keras):
    x = keras.Input((4,), name="rows")
    layer = dense(keras, 4, activation="tanh", name="twice")
    return keras.Model(x, dense(keras, 1, name="out")(layer(layer(x))), name="shared")


def frozen(keras):
    inner = keras.Sequential([keras.Input((4,)), dense(keras, 3), dense(keras, 3)], name="frozen_inner")
    inner.trainable = False
    model = keras.Sequential([keras.Input((4,)), inner, dense(keras, 2, trainable=False, name="still"), dense(keras, 1, name="learns")],
                             name="frozen")
    return model


def penalties(keras):
    layers = keras.layers
    x = keras.Input((4,), name="rows")
    y = layers.Dense(3, kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02), kernel_constraint=keras.constraints.MaxNorm(0.5),
                     activation=layers.LeakyReLU(negative_slope=0.1), bias_initializer=keras.initializers.Constant(0.2), name="held")(x)
    y = layers.ActivityRegularization(l2=0.1, name="activity")(y)
    return keras.Model(x, layers.Dense(1, kernel_regularizer="l2", name="out")(y), name="penalties")


def float64(keras):
    return keras.Sequential([keras.Input((4,), dtype="float64"), dense(keras, 1, dtype="float64", name="wide")], name="float64")


def functions(keras):
    x = keras.Input((4,), name="rows")
    y = keras.ops.relu(x) + 2.0 * x[:, :4]
    return keras.Model(x, dense(keras, 1, name="out")(keras.ops.concatenate([y, keras.ops.tanh(x)], axis=-1)), name="functions")


def dicts(keras):
    a, b = keras.Input((4,), name="zebra"), keras.Input((4,), name="ant")
    both = keras.layers.Concatenate(name="both")([a, b])
    return keras.Model({"zebra": a, "ant": b}, {"right": dense(keras, 1, name="r")(both), "left": dense(keras, 2, name="l")(both)},
                       name="dicts")


def compiled(optimizer, **arguments):
    """A small model, compiled."""
    def make(keras):
        model = keras.Sequential([keras.Input((4,)), dense(keras, 3, activation="tanh", name="hidden"), dense(keras, 1, name="out")],
                                 name="compiled")
        given = {"loss": "mse", **{key: value(keras) if callable(value) else value for key, value in arguments.items()}}
        model.compile(optimizer(keras), **given)
        return model
    return make


def schedule(name, *args, **kwargs):
    return lambda keras: keras.optimizers.SGD(getattr(keras.optimizers.schedules, name)(*args, **kwargs), momentum=0.5)


OPTIMIZERS = {
    **{f"optimizer_{name.lower()}": (lambda keras, name=name: getattr(keras.optimizers, name)(learning_rate=0.01))
       for name in ("SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "Adafactor", "Nadam", "Ftrl", "Lion", "Lamb", "Muon")},
    "optimizer_momentum": lambda keras: keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True, weight_decay=0.01, clipnorm=1.0),
    "optimizer_centered": lambda keras: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "optimizer_amsgrad": lambda keras: keras.optimizers.Adam(0.01, amsgrad=True, global_clipnorm=0.5),
    "optimizer_ema": lambda keras: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=3),
    "optimizer_accumulation": lambda keras: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "optimizer_loss_scale": lambda keras: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), initial_scale=8.0),
    "schedule_exponential": schedule("ExponentialDecay", 0.1, 2, 0.5, staircase=True),
    "schedule_piecewise": schedule("PiecewiseConstantDecay", [1, 3], [0.1, 0.05, 0.01]),
    "schedule_polynomial": schedule("PolynomialDecay", 0.1, 5, power=2.0),
    "schedule_inverse": schedule("InverseTimeDecay", 0.1, 2, 0.5),
    "schedule_cosine": schedule("CosineDecay", 0.1, 6, warmup_target=0.2, warmup_steps=2),
    "schedule_restarts": schedule("CosineDecayRestarts", 0.1, 3),
}
COMPILED = {
    "compile_objects": compiled(
        lambda keras: keras.optimizers.Adam(0.01), loss=lambda keras: keras.losses.LogCosh(name="log"),
        metrics=lambda keras: ["mae", keras.metrics.RootMeanSquaredError(name="rms"), keras.metrics.MeanMetricWrapper(
            keras.losses.log_cosh, name="wrapped")],
        weighted_metrics=lambda keras: [keras.metrics.MeanSquaredError(name="weighted")], loss_weights=lambda keras: [0.5]),
}
MODELS = {model.__name__: model for model in (sequential, without_input, nested, shared, frozen, penalties, float64, functions, dicts)}
MODELS.update({model.__name__: model for model in (own_classes.nest, own_classes.own_layers, own_classes.own_functions,
                                                   own_classes.several_outputs)})
MODELS.update({name: compiled(make) for name, make in OPTIMIZERS.items()}, **COMPILED)


def inputs_for(name):
    if name == "dicts":
        return {"zebra": ROWS, "ant": ROWS[::-1].copy()}
    return ROWS.astype("float64") if name == "float64" else ROWS


def flat(found):
    """The outputs of a model as a list, those of a dict by sorted keys."""
    if isinstance(found, dict):
        found = [found[key] for key in sorted(found)]
    return [case_models.as_numpy(one) for one in (found if isinstance(found, (list, tuple)) else [found])]


def next_losses(model):
    """The losses of two more updates."""
    targets = {"a": TARGETS, "b": -TARGETS} if model.name == "several_outputs" else TARGETS
    losses = []
    for _ in range(2):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(ROWS, targets, return_dict=True)["loss"]))
    return np.array(losses)


def saved(model):
    """The bytes of a model's `.keras` file."""
    from keras.src.saving import saving_lib
    file = io.BytesIO()
    saving_lib.save_model(model, file)
    return np.frombuffer(file.getvalue(), "uint8")


def main():
    import keras

    cases, wanted, path = case_models.facts_of_cases(), sys.argv[1:], HERE / "keras_files.npz"
    groups = families(cases)
    wanted = wanted or [*groups, *MODELS]
    arrays = {key: value for key, value in np.load(path).items() if key.partition("/")[0] not in wanted} if path.exists() else {}
    for name in wanted:
        keras.utils.clear_session()
        if name in groups:
            model, inputs = case_models.model_of(keras, groups[name], cases, name)
            arrays[f"{name}/file"] = saved(model)
            found = case_models.answers(model, inputs)
        else:
            model = MODELS[name](keras)
            model.set_weights(case_models.values(name, model.weights))
            if model.compiled:
                next_losses(model)      # some state
            arrays[f"{name}/file"] = saved(model)
            found = flat(model(inputs_for(name)))
        arrays.update({f"{name}/y{i}": y for i, y in enumerate(found)})
        if model.compiled:
            arrays[f"{name}/losses"] = next_losses(model)
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main()
