"""A step as one call gives the bits of the step op by op, for every layer, loss, metric, optimizer ... that there is.

The cases are those whose numbers real Keras computed (tests/golden), and what tables below add; a class that is in neither
fails `test_all_classes_have_a_case`.  A new class joins with its golden case.
"""
import inspect

import numpy as np
import pytest

from fastnn import activations, callbacks, constraints, initializers, layers, losses, metrics, ops, optimizers, regularizers
from fastnn.models import Model, Sequential
from tests.layers.test_golden import FACTS, made_layer, parts, stored_numbers
from tests.losses.test_losses import golden_script
from tests.metrics.test_metrics import KerasStyle
from tests.optimizers.test_optimizers import KerasMomentum

from .replay import both_ways, check_replayed

LOSSES, OPTIMIZERS = (golden_script(f"make_{name}") for name in ("losses", "optimizers"))
METRICS = golden_script("make_metrics", data=LOSSES["data"])
DATA = METRICS["batch"]

# Classes and functions without golden cases: name -> arguments.
LOSSES_ELSEWHERE = {"CTC"}     # tested below
LAYERS = {"Dropout": {"rate": 0.4}, "Rescaling": {"scale": 0.5}, "Lambda": {"function": ops.square},
          "Normalization": {"mean": [0.1] * 5, "variance": [2.0] * 5}, "Discretization": {"bin_boundaries": [-1.0, 0.0, 1.0], "output_mode": "one_hot"},
          "GaussianNoise": {"stddev": 0.2}, "GaussianDropout": {"rate": 0.3}, "AlphaDropout": {"rate": 0.3}}
LAYERS_OF_INTEGERS = {"CategoryEncoding": {"num_tokens": 6}, "IntegerLookup": {"vocabulary": [3, 1], "output_mode": "multi_hot", "num_oov_indices": 2}}
LAYERS_ELSEWHERE = {"TextVectorization", "StringLookup", "Hashing", "HashedCrossing"}      # tests/models/test_text.py: text has no plans
REGULARIZERS = {"L1": {}, "L2": {}, "L1L2": {"l1": 0.01, "l2": 0.02}, "OrthogonalRegularizer": {}}
CONSTRAINTS = {"MaxNorm": {"max_value": 0.5}, "MinMaxNorm": {}, "NonNeg": {}, "UnitNorm": {}}
METRIC_ARGUMENTS = {"Mean": {}, "Sum": {}}
CALLBACKS = {"BackupAndRestore": {"backup_dir": "backup", "save_freq": 2}, "BaseLogger": {},
             "EarlyStopping": {"monitor": "loss", "patience": 2, "restore_best_weights": True}, "History": {},
             "GradientMonitor": {"every": 2}, "LambdaCallback": {}, "LearningRateScheduler": {"schedule": lambda epoch, rate: rate * 0.7}, "ProgbarLogger": {},
             "ReduceLROnPlateau": {"patience": 1, "min_delta": 1.0}, "TerminateOnNaN": {},
             "TimeLimit": {"limit": 3600}}
CALLBACKS_ELSEWHERE = {"CSVLogger", "ModelCheckpoint", "PlotTraining", "RemoteMonitor", "SwapEMAWeights", "TensorBoard"}  # in tests/callbacks: they need files, a server ...
BASES = {"Layer", "Wrapper", "InputLayer", "InputSpec", "Loss", "LossFunctionWrapper", "Metric", "MeanMetricWrapper", "Optimizer",
         "OptimizerMap", "LearningRateSchedule", "Regularizer", "Constraint", "Callback", "CallbackList", "Logs", "Initializer", "RandomInitializer"}
NOT_ACTIVATIONS = {"deserialize", "get", "serialize", "in_epilogue", "over_axes"}


def public(module):
    """The classes that a module shows, by their own names; bases left out."""
    found = {value.__name__: value for name, value in vars(module).items()
             if inspect.isclass(value) and value.__module__.startswith(f"fastnn.{module.__name__.split('.')[1]}") and name[0] != "_"}
    return {name: value for name, value in found.items() if name not in BASES and name[0] != "_"}


@pytest.mark.parametrize("module, known", [
    (layers, {facts["class"] for facts in FACTS.values()} | {*LAYERS, *LAYERS_OF_INTEGERS, *LAYERS_ELSEWHERE}), (losses, {c for c, _, _ in LOSSES["CASES"].values()} | LOSSES_ELSEWHERE),
    (metrics, {c for c, _, _ in METRICS["CASES"].values()} | set(METRIC_ARGUMENTS)),
    (optimizers, {c for c, _ in OPTIMIZERS["CASES"].values()}), (optimizers.schedules, {c for c, _ in OPTIMIZERS["SCHEDULES"].values()}),
    (regularizers, set(REGULARIZERS)), (constraints, set(CONSTRAINTS)), (callbacks, set(CALLBACKS) | CALLBACKS_ELSEWHERE),
], ids=lambda value: getattr(value, "__name__", ""))
def test_all_classes_have_a_case(module, known):
    missing = set(public(module)) - {getattr(module, name).__name__ for name in known if hasattr(module, name)}
    assert not missing, f"no case for {sorted(missing)}: give them golden numbers, or arguments in a table of this file"


# ---- Both ways --------------------------------------------------------------------------------------------------

def compare(make, x, y, sample_weight=None, epochs=6, callbacks_of=lambda: []):
    """Uses a model in all ways, op by op and by plans, and compares all that comes of it, bit for bit; each step must have a plan.

    Args:
        make: function that makes a compiled model.
        x, y, sample_weight: data; the last batch is a smaller one.
        callbacks_of: makes the callbacks of a fit.
    """
    held_out = (x, y) if sample_weight is None else (x, y, sample_weight)
    few = [one[:4] for one in x] if isinstance(x, list) else x[:4]

    def work(model):
        found = [model.fit(x, y, batch_size=4, epochs=epochs, sample_weight=sample_weight, verbose=0, callbacks=callbacks_of(),
                           validation_data=held_out).history]
        found += [model.train_on_batch(few, y[:4]) for _ in range(3)]
        found += [model.test_on_batch(few, y[:4]), model.evaluate(x, y, batch_size=4, verbose=0)]
        return found + [f for _ in range(3) for f in (model.predict(x, batch_size=4, verbose=0), model.predict_on_batch(few))]

    check_replayed(both_ways(make, work)[0])


def network(*inner, inputs=(5,), outputs=3, loss="mse", optimizer="sgd", activation=None, dtype="float32", **arguments):
    """A function for `compare`: inner layers (each a function that makes one) between an input and a dense one."""
    def make():
        model = Sequential([layers.Input(inputs, dtype=dtype), *[one() for one in inner],
                            *([layers.Flatten()] if len(inputs) > 1 else []), *last_layers(outputs, activation, dtype)])
        model.compile(optimizer() if callable(optimizer) else optimizer, loss() if callable(loss) else loss,
                      **{name: value() if callable(value) else value for name, value in arguments.items()})
        return model
    return make


def last_layers(outputs, activation, dtype):
    """A dense layer, and what gives its outputs the shape of a tuple."""
    if isinstance(outputs, int):
        return [layers.Dense(outputs, activation=activation, dtype=dtype)]
    return [layers.Dense(int(np.prod(outputs)), dtype=dtype), layers.Reshape(outputs), layers.Activation(activation or "linear")]


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


X, Y = numbers(10, 5), numbers(10, 3, seed=1)


# ---- Layers -----------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def golden():
    return stored_numbers()


def layer_model(make_layer, shapes, dtypes=("float32",), extra=None, dtype="float32"):
    """The layer, its outputs as one row a sample, so that those of any shape can be compared with a target.

    Args:
        make_layer: makes the layer; shapes, dtypes: of the inputs; extra: of a golden case, how it is called.
    """
    inputs = [layers.Input(shape, dtype=one) for shape, one in zip(shapes, dtypes)]
    arguments = inputs if len(inputs) == 1 or extra and extra.get("positional") else [inputs]
    found = make_layer()(*arguments, **(extra or {}).get("call", {}))
    rows = [layers.Flatten()(y) for y in (found if isinstance(found, (list, tuple)) else [found])]
    y = layers.Concatenate()(rows) if len(rows) > 1 else rows[0]
    model = Model(inputs, layers.Dense(2, dtype=dtype)(y))
    model.compile("adam", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("name", FACTS)
def test_layers(name, golden):
    facts, rng = FACTS[name], np.random.default_rng(2)
    extra, examples = facts.get("extra", {}), parts(golden, name, "x")
    bounds = extra.get("integers") if isinstance(extra.get("integers"), list) else [extra.get("integers")] * len(examples)
    x = [(rng.normal(size=(7, *e.shape[1:])) * np.abs(e).max()).astype("float32") if bound is None else
         rng.integers(0, bound, (7, *e.shape[1:])).astype("int32") for e, bound in zip(examples, bounds)]
    compare(lambda: layer_model(lambda: made_layer(facts, name="layer"), [one.shape[1:] for one in x], [one.dtype.name for one in x], extra),
            x if len(x) > 1 else x[0], numbers(7, 2))


@pytest.mark.parametrize("name", LAYERS)
def test_other_layers(name):
    compare(lambda: layer_model(lambda: getattr(layers, name)(**LAYERS[name]), [(5,)]), X, numbers(10, 2))


@pytest.mark.parametrize("name", LAYERS_OF_INTEGERS)
def test_layers_of_integers(name):
    x = np.random.default_rng(0).integers(0, 6, (10, 5))
    compare(lambda: layer_model(lambda: getattr(layers, name)(**LAYERS_OF_INTEGERS[name]), [(5,)], ["int64"]), x, numbers(10, 2))


def test_float64():
    compare(lambda: layer_model(lambda: layers.Dense(4, activation="gelu", dtype="float64"), [(5,)], ["float64"], dtype="float64"), X, numbers(10, 2))


@pytest.mark.parametrize("name", [n for n in dir(activations) if n[0] != "_" and inspect.isfunction(getattr(activations, n))
                                  and getattr(activations, n).__module__ == "fastnn.activations" and n not in NOT_ACTIVATIONS])
def test_activations(name):
    compare(network(lambda: layers.Dense(8, activation=name)), X, Y, epochs=4)


# ---- Losses and metrics -----------------------------------------------------------------------------------------

def targets(kind):
    """Inputs, targets and weights of a kind of golden data."""
    y_true, _, weights = DATA(kind, 3, 10)
    whole = kind.startswith(("labels", "classes", "pairs"))
    weights = weights[:, 0] if kind == "classes@3" else weights         # of samples, for the sake of the loss
    return numbers(10, 5), y_true.astype("int64" if whole else "float32"), weights.astype("float32")


def output(kind):
    """The last activation and the outputs that fit a kind of data."""
    word = kind.partition("@")[0].removesuffix("_column").removesuffix("_int")
    activation = {"labels": "softmax", "one_hot": "softmax", "binary": "sigmoid", "ties": "sigmoid", "positive": "sigmoid",
                  "real2": "sigmoid", "classes": "sigmoid"}.get(word)
    shape = DATA(kind, 3, 10)[1].shape[1:]
    return {"activation": activation, "outputs": shape if len(shape) != 1 else shape[0]}


def of_models(cases):
    """Cases whose predictions a model can make: those without any axis but the samples it cannot."""
    return [case for case, (_, _, kind) in cases.items() if not kind.endswith("@1") and (kind.partition("@")[0] != "classes" or "3" in kind)]


# Losses with no value for each sample: there is none to weigh.
def one_value(case):
    class_name, arguments, kind = LOSSES["CASES"][case]
    return LOSSES["one_value"](class_name, arguments, kind) or "axis" in arguments


@pytest.mark.parametrize("case, weighted", [(case, weighted) for case in of_models(LOSSES["CASES"]) for weighted in (False, True)
                                            if not (weighted and one_value(case))])
def test_losses(case, weighted):
    class_name, arguments, kind = LOSSES["CASES"][case]
    x, y, weights = targets(kind)
    compare(network(loss=lambda: getattr(losses, class_name)(**arguments), **output(kind)), x, y, weights if weighted else None, epochs=4)


def test_ctc():
    def make():
        model = Sequential([layers.Input((6, 3)), layers.Dense(5)])
        model.compile("adam", "ctc")
        return model

    compare(make, numbers(10, 6, 3), np.random.default_rng(1).integers(1, 5, (10, 3)) * (np.arange(3) < [[3], [1]] * 5))


@pytest.mark.parametrize("case", of_models(METRICS["CASES"]))
@pytest.mark.filterwarnings("ignore:.*cuts weights")
def test_metrics(case):
    class_name, arguments, kind = METRICS["CASES"][case]
    x, y, weights = targets(kind)

    def made():
        return [getattr(metrics, class_name)(**arguments, name="it")]

    weighted = {} if case in METRICS["NO_WEIGHTS"] else {"weighted_metrics": made}
    compare(network(loss="sparse_categorical_crossentropy" if kind.startswith("labels") else "mse", metrics=made, **weighted, **output(kind)),
            x, y, weights if weighted else None, epochs=4)


@pytest.mark.parametrize("name", METRIC_ARGUMENTS)
def test_metrics_of_layers(name):
    class Watched(layers.Layer):
        def __init__(self):
            super().__init__()
            self.watch = getattr(metrics, name)(name="watch", **METRIC_ARGUMENTS[name])

        def call(self, x):
            if hasattr(x, "numpy"):
                self.watch.update_state(x)
            return x * 2.0

    compare(network(Watched), X, Y)


def test_a_metric_in_the_style_of_keras():
    compare(network(metrics=lambda: [KerasStyle(), "mae"], weighted_metrics=lambda: [KerasStyle(name="weighted")]), X, Y,
            np.linspace(0.5, 2.0, 10).astype("float32"))


# ---- Optimizers, and what surrounds updates ---------------------------------------------------------------------

@pytest.mark.parametrize("case", OPTIMIZERS["CASES"])
def test_optimizers(case):
    compare(network(lambda: layers.Dense(6, activation="tanh"), optimizer=lambda: OPTIMIZERS["make"](optimizers, *OPTIMIZERS["CASES"][case])), X, Y)


class Warm(optimizers.schedules.LearningRateSchedule):
    """A schedule as users write them for Keras."""

    def __call__(self, step):
        return 0.1 * ops.minimum(ops.cast(step, "float32") / 4.0, 1.0)


@pytest.mark.parametrize("arguments", [
    {}, {"gradient_accumulation_steps": 3, "weight_decay": 0.1, "clipnorm": 0.5},
    {"gradient_accumulation_steps": 2, "use_ema": True, "ema_overwrite_frequency": 2}])
def test_an_optimizer_in_the_style_of_keras(arguments):
    compare(network(lambda: layers.Dense(6, activation="tanh"), optimizer=lambda: KerasMomentum(Warm(), **arguments)), X, Y)


@pytest.mark.parametrize("case", OPTIMIZERS["SCHEDULES"])
def test_schedules(case):
    class_name, arguments = OPTIMIZERS["SCHEDULES"][case]
    compare(network(optimizer=lambda: optimizers.SGD(getattr(optimizers.schedules, class_name)(**arguments), momentum=0.5)), X, Y)


@pytest.mark.parametrize("name", REGULARIZERS)
def test_regularizers(name):
    def regularizer():
        return getattr(regularizers, name)(**REGULARIZERS[name])

    compare(network(lambda: layers.Dense(5, kernel_regularizer=regularizer(),
                                           activity_regularizer=None if name == "OrthogonalRegularizer" else regularizer())), X, Y)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints(name):
    compare(network(lambda: layers.Dense(5, kernel_constraint=getattr(constraints, name)(**CONSTRAINTS[name])), optimizer="rmsprop"), X, Y)


@pytest.mark.parametrize("name", sorted(set(public(initializers)) - {"STFT"}))      # that one makes no weights of layers
def test_initializers(name):
    """They run before the first step; what they make is trained like any weight."""
    compare(network(lambda: layers.Dense(5, kernel_initializer=getattr(initializers, name)())), X, Y, epochs=4)


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    compare(network(lambda: layers.Dropout(0.3)), X, Y, epochs=8, callbacks_of=lambda: [getattr(callbacks, name)(**CALLBACKS[name])])
