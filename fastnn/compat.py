"""Older spellings of Keras, all of them, and nowhere else.

The modules of fastnn know only the names of Keras 3.  When one of them has been imported, the functions below teach it
the names that Keras 1 and 2 had: `install()` (called by `fastnn/__init__.py`) puts a finder in front of the import
system which does that, and which also answers for modules that no longer exist, such as `fastnn.utils.np_utils`.
"""
import functools
import importlib
import importlib.machinery
import inspect
import sys
import types

# Old modules, and where their names are now.
LAYER_MODULES = ("advanced_activations", "convolutional", "core", "embeddings", "local", "merge", "noise",
                 "normalization", "pooling", "recurrent", "wrappers")
OLD_MODULES = {
    **{f"fastnn.layers.{name}": "fastnn.layers" for name in LAYER_MODULES},
    "fastnn.engine": "fastnn.layers", "fastnn.engine.topology": "fastnn.layers", "fastnn.engine.training": "fastnn.models",
    "fastnn.objectives": "fastnn.losses",
    "fastnn.optimizers.legacy": "fastnn.optimizers",
    "fastnn.utils.generic_utils": "fastnn.utils", "fastnn.utils.np_utils": "fastnn.utils",
}

# Names of values in logs and histories.
LOGS = (("acc", "accuracy"), ("mae", "mean_absolute_error"), ("mse", "mean_squared_error"), ("lr", "learning_rate"))

# Arguments of layers.
WEIGHT_ARGUMENTS = {"init": "kernel_initializer", "W_regularizer": "kernel_regularizer", "b_regularizer": "bias_regularizer",
                    "W_constraint": "kernel_constraint", "b_constraint": "bias_constraint", "bias": "use_bias"}
POOL_ARGUMENTS = {"border_mode": "padding"}
LAYER_ARGUMENTS = {
    "Dense": {"output_dim": "units", **WEIGHT_ARGUMENTS},
    "Conv1D": {"nb_filter": "filters", "filter_length": "kernel_size", "border_mode": "padding", "subsample_length": "strides",
               **WEIGHT_ARGUMENTS},
    "Conv2D": {"nb_filter": "filters", "border_mode": "padding", "subsample": "strides", **WEIGHT_ARGUMENTS},
    "MaxPooling2D": POOL_ARGUMENTS, "AveragePooling2D": POOL_ARGUMENTS,
    "Dropout": {"p": "rate"},
}


def renamed(function, names, dropped=()):
    """A method that also takes arguments under older names.

    Args:
        names: older name -> name.
        dropped: older arguments that are ignored.
    """
    @functools.wraps(function)
    def method(self, *args, **kwargs):
        for old in kwargs.keys() & names.keys():
            if names[old] in kwargs:
                raise TypeError(f"{function.__qualname__}: {old!r} is the older name of {names[old]!r}: pass one of them")
            kwargs[names[old]] = kwargs.pop(old)
        for old in dropped:
            kwargs.pop(old, None)
        return function(self, *args, **kwargs)

    return method


# ---- Layers -----------------------------------------------------------------------------------------------------

def layers(module):
    """Dense(output_dim=, init=, W_regularizer=), Dropout(p=), Conv2D(nb_filter=, border_mode=, subsample=) ..."""
    for name, names in LAYER_ARGUMENTS.items():
        cls = vars(module).get(name)
        if cls is not None:
            cls.__init__ = renamed(cls.__init__, names)


# ---- Optimizers -------------------------------------------------------------------------------------------------

def optimizers(module):
    """SGD(lr=, decay=, epsilon=None), and the attribute `lr`."""
    for cls in list(vars(module).values()):
        if inspect.isclass(cls) and issubclass(cls, module.Optimizer) and "__init__" in vars(cls):
            if "learning_rate" in inspect.signature(cls.__init__).parameters:
                cls.__init__ = old_optimizer_arguments(cls.__init__)
    module.Optimizer.lr = property(lambda self: self.learning_rate,
                                   lambda self, value: setattr(self, "learning_rate", value))


def old_optimizer_arguments(init):
    """An `__init__` that takes `lr`, `decay` and `epsilon=None` as Keras 2 did."""
    default = inspect.signature(init).parameters["learning_rate"].default

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        if "lr" in kwargs:
            if args or "learning_rate" in kwargs:
                raise TypeError(f"{type(self).__name__}: 'lr' is the older name of 'learning_rate': pass one of them")
            kwargs["learning_rate"] = kwargs.pop("lr")
        decay = kwargs.pop("decay", None)
        if decay:
            rate = args[0] if args else kwargs.pop("learning_rate", default)
            args, kwargs["learning_rate"] = args[1:] and fail_positional(self) or (), inverse_time_decay(rate, decay)
        if "epsilon" in kwargs and kwargs["epsilon"] is None:
            del kwargs["epsilon"]
        init(self, *args, **kwargs)

    return __init__


def fail_positional(optimizer):
    raise TypeError(f"{type(optimizer).__name__}: with the older argument 'decay', pass all others but the first by name")


def inverse_time_decay(rate, decay):
    """What `decay=` meant: rate / (1 + decay * iterations)."""
    if decay < 0:
        raise ValueError(f"`decay` must not be negative, received {decay}")
    schedules = importlib.import_module("fastnn.optimizers.schedules")
    return schedules.InverseTimeDecay(rate, decay_steps=1, decay_rate=decay)


# ---- Models -----------------------------------------------------------------------------------------------------

QUEUE = ("workers", "use_multiprocessing", "max_queue_size", "max_q_size", "nb_worker", "pickle_safe")
SAMPLES = {"samples_per_epoch": "steps_per_epoch", "nb_val_samples": "validation_steps", "val_samples": "steps"}


def models(module):
    """fit_generator and its kin, predict_classes, predict_proba, fit(nb_epoch=)."""
    model = module.Model
    model.fit = counts_steps(renamed(model.fit, {"nb_epoch": "epochs"}, QUEUE))
    model.evaluate, model.predict = (counts_steps(renamed(f, {}, QUEUE)) for f in (model.evaluate, model.predict))
    model.fit_generator, model.evaluate_generator = fit_generator, evaluate_generator
    model.predict_generator, model.predict_classes, model.predict_proba = predict_generator, predict_classes, predict_proba


def counts_steps(function):
    """A method that refuses the numbers of samples that Keras 1 took where there are numbers of batches now."""
    @functools.wraps(function)
    def method(self, *args, **kwargs):
        for old in kwargs.keys() & SAMPLES.keys():
            raise TypeError(f"{function.__qualname__}: {old}={kwargs[old]!r} counted samples; pass {SAMPLES[old]}, the number of "
                            "batches: samples divided by the size of a batch")
        return function(self, *args, **kwargs)

    return method


def fit_generator(self, generator, steps_per_epoch=None, epochs=1, **kwargs):
    """The older name of `fit` for generators."""
    return self.fit(generator, steps_per_epoch=steps_per_epoch, epochs=epochs, **kwargs)


def evaluate_generator(self, generator, steps=None, **kwargs):
    """The older name of `evaluate` for generators; silent unless told otherwise."""
    return self.evaluate(generator, steps=steps, **{"verbose": 0, **kwargs})


def predict_generator(self, generator, steps=None, **kwargs):
    """The older name of `predict` for generators; silent unless told otherwise."""
    return self.predict(generator, steps=steps, **{"verbose": 0, **kwargs})


def predict_classes(self, x, batch_size=32, verbose=0):
    """The most probable class of each sample; of a single output whether it is above 0.5."""
    scores = self.predict(x, batch_size=batch_size, verbose=verbose)
    return scores.argmax(axis=-1) if scores.shape[-1] > 1 else (scores > 0.5).astype("int32")


def predict_proba(self, x, batch_size=32, verbose=0):
    """The older name of `predict`."""
    return self.predict(x, batch_size=batch_size, verbose=verbose)


# ---- Callbacks ------------------------------------------------------------------------------------------------

def callbacks(module):
    """ModelCheckpoint(period=), ReduceLROnPlateau(epsilon=), ProgbarLogger(count_mode=), TensorBoard(batch_size=)."""
    module.ReduceLROnPlateau.__init__ = renamed(module.ReduceLROnPlateau.__init__, {"epsilon": "min_delta"})
    module.ProgbarLogger.__init__ = renamed(module.ProgbarLogger.__init__, {}, ("count_mode", "stateful_metrics"))
    module.ModelCheckpoint.__init__ = with_period(module.ModelCheckpoint.__init__)
    module.TensorBoard.__init__ = of_first_board(module.TensorBoard.__init__)


def of_first_board(init):
    """An `__init__` of TensorBoard that takes `embeddings_layer_names`, and what is not needed any more."""
    @functools.wraps(init)
    def __init__(self, *args, batch_size=None, embeddings_layer_names=None, embeddings_data=None, **kwargs):
        init(self, *args, **kwargs)
        if embeddings_layer_names:
            self.embeddings_layer_names = [embeddings_layer_names] if isinstance(embeddings_layer_names, str) else embeddings_layer_names
        if embeddings_data is not None:
            importlib.import_module("fastnn.utils.warn_utils").warn(
                "TensorBoard: `embeddings_data` is ignored, as in Keras 2: the weights of Embedding layers are shown")

    return __init__


def with_period(init):
    """An `__init__` of ModelCheckpoint that takes `period`: after how many epochs a file is written."""
    @functools.wraps(init)
    def __init__(self, *args, period=1, **kwargs):
        init(self, *args, **kwargs)
        if isinstance(period, bool) or not isinstance(period, int) or period < 1:
            raise ValueError(f"ModelCheckpoint: `period` must be a number of epochs, received {period!r}")
        self.period = period

    return __init__


# ---- Logs -------------------------------------------------------------------------------------------------------

def params(module):
    """self.params["nb_epoch"] of a callback."""
    module.Params.aliases = {"nb_epoch": "epochs", "nb_sample": "samples"}


def history(module):
    """history["acc"] beside history["accuracy"], and so on."""
    module.Logs.aliases = {**dict(LOGS), **{new: old for old, new in LOGS}}


# ---- The import system ------------------------------------------------------------------------------------------

PATCHES = {"fastnn.callbacks": callbacks, "fastnn.callbacks.history": history, "fastnn.callbacks.params": params,
           "fastnn.layers": layers, "fastnn.models": models, "fastnn.optimizers": optimizers}


class OldModule(types.ModuleType):
    """A module of an older Keras; its names are those of a module of today."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(OLD_MODULES[self.__name__]), name)

    def __dir__(self):
        return dir(importlib.import_module(OLD_MODULES[self.__name__]))


class OldModuleLoader:
    """Makes the OldModule of a name."""

    def create_module(self, spec):
        return OldModule(spec.name)

    def exec_module(self, module):
        """Nothing to run: names are looked up when they are asked for."""


class Finder:
    """Finds modules of fastnn, and has them patched when they have been run."""

    def find_spec(self, name, path=None, target=None):
        if name not in OLD_MODULES and name not in PATCHES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None and name in OLD_MODULES:
            package = any(other.startswith(name + ".") for other in OLD_MODULES)
            return importlib.machinery.ModuleSpec(name, OldModuleLoader(), is_package=package)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = functools.partial(run_and_patch, spec.loader.exec_module, name)
        return spec


def run_and_patch(run, name, module):
    """Runs a module that has just been found, and teaches it the older names."""
    run(module)
    if name in PATCHES:
        PATCHES[name](module)
    if name in OLD_MODULES:             # a module of today that once held more
        add_fallback(module, lambda attribute: getattr(importlib.import_module(OLD_MODULES[name]), attribute))
    children = {old.rpartition(".")[2]: old for old in OLD_MODULES if old.rpartition(".")[0] == name}
    if children:
        add_fallback(module, lambda attribute: importlib.import_module(children[attribute]))


def add_fallback(module, find):
    """Lets a module look for a missing attribute in a second place."""
    before = vars(module).get("__getattr__")

    def __getattr__(attribute):
        if before is not None:
            try:
                return before(attribute)
            except AttributeError:
                pass
        if not attribute.startswith("_"):
            try:
                return find(attribute)
            except (KeyError, AttributeError, ModuleNotFoundError):
                pass
        raise AttributeError(f"module {module.__name__!r} has no attribute {attribute!r}")

    module.__getattr__ = __getattr__


def install():
    """Puts the finder in front; a second call does nothing."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
