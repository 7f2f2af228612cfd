"""What a step reads of Python, wherever it stands: when it changes in mid-training, a replayed step sees it as one op by op does.

Each case is a layer (or loss, activation ...) that reads a number from somewhere, and a change of that number before step 20 of 48.
"""
import argparse
import collections
import contextvars
import dataclasses
import functools
import itertools
import math
import random
import sys
import types
import weakref

import numpy as np
import pytest

import fastnn
from fastnn import layers, ops

from .replay import At, both_ways, fitted, network, own

BEFORE, AFTER = 1.0, 3.0


class Settings:
    """Numbers kept as class attributes: a usual way to write down the settings of a script."""
    scale = BEFORE


class Plain:
    """An object of a user's class."""

    def __init__(self):
        self.scale, self._inner = BEFORE, [BEFORE]

    def __call__(self, x):
        return x * self.scale


def closure():
    """Functions that get and set a number that only they know."""
    def put(value):
        nonlocal scale
        scale = value

    scale = BEFORE
    return lambda: scale, put


@dataclasses.dataclass
class Slotted:
    __slots__ = ("scale",)
    scale: float


HERE = sys.modules[__name__]
MODULE = types.ModuleType("settings_of_a_user")
exec("scale = 1.0\ndef factor():\n    return scale", vars(MODULE))
NUMBER, LIST, NESTED, OBJECT = BEFORE, [BEFORE], {"a": {"b": [BEFORE]}}, Plain()
ARGUMENTS, SPACE, QUEUE = argparse.Namespace(scale=BEFORE), types.SimpleNamespace(scale=BEFORE), collections.deque([BEFORE])
ARRAY, MANY, USER_DICT = np.array([BEFORE]), [BEFORE] * 2000, collections.UserDict(a=BEFORE)
CONTEXT = contextvars.ContextVar("scale", default=BEFORE)
PARTIAL = functools.partial(lambda scale, x: x * scale[0], LIST)
(GET, PUT), BOUND, WEAK = closure(), OBJECT.__call__, weakref.ref(OBJECT)


def times(x, scale=BEFORE):
    return x * scale


def times_list(x, *, scale=[BEFORE]):
    return x * scale[0]


def times_attribute(x):
    return x * times_attribute.scale


def as_it_is(x):
    return x


def tripled(x):
    return x * AFTER


@functools.lru_cache
def cached():
    return LIST[0]


def rebound(x):
    return times(x, NUMBER)


class Methods:
    scale = BEFORE

    @property
    def by_property(self):
        return LIST[0]

    @classmethod
    def by_class(cls, x):
        return x * cls.scale

    @staticmethod
    def by_static(x):
        return x * LIST[0]


METHODS, CODE = Methods(), as_it_is.__code__


def reset():
    """All that is above as it was."""
    global NUMBER
    NUMBER = BEFORE
    for holder in (Settings, MODULE, OBJECT, ARGUMENTS, SPACE, Methods, times_attribute):
        holder.scale = BEFORE
    LIST[0] = NESTED["a"]["b"][0] = QUEUE[0] = ARRAY[0] = MANY[5] = USER_DICT["a"] = OBJECT._inner[0] = BEFORE
    times_list.__kwdefaults__["scale"][0] = BEFORE
    times.__defaults__, as_it_is.__code__ = (BEFORE,), CODE
    CONTEXT.set(BEFORE)
    PUT(BEFORE)
    cached.cache_clear()


def put(holder, name, value=AFTER):
    """A change: of an attribute, or of an item."""
    if isinstance(name, str) and not hasattr(holder, "keys"):
        return lambda model: setattr(holder, name, value)
    return lambda model: holder.__setitem__(name, value)


def inner(model):
    return model.layers[1]


def of_layer(name):
    """A change of an item in an attribute of the layer."""
    return lambda model: getattr(inner(model), name).__setitem__(0, AFTER)


# What is read, and how it changes: (function of the layer and its input, change, attributes of the layer).
CASES = {
    # of the module
    "global": (lambda s, x: x * NUMBER, put(HERE, "NUMBER"), {}),
    "global through a function": (lambda s, x: rebound(x), put(HERE, "NUMBER"), {}),
    "global list": (lambda s, x: x * LIST[0], put(LIST, 0), {}),
    "nested containers": (lambda s, x: x * NESTED["a"]["b"][0], put(NESTED["a"]["b"], 0), {}),
    "object": (lambda s, x: x * OBJECT.scale, put(OBJECT, "scale"), {}),
    "object that is called": (lambda s, x: OBJECT(x), put(OBJECT, "scale"), {}),
    "bound method": (lambda s, x: BOUND(x), put(OBJECT, "scale"), {}),
    "weak reference": (lambda s, x: x * WEAK().scale, put(OBJECT, "scale"), {}),
    "closure": (lambda s, x: x * GET(), lambda model: PUT(AFTER), {}),
    "private list of an object": (lambda s, x: x * OBJECT._inner[0], put(OBJECT._inner, 0), {}),
    "class attribute": (lambda s, x: x * Settings.scale, put(Settings, "scale"), {}),
    "class method": (lambda s, x: Methods.by_class(x), put(Methods, "scale"), {}),
    "class attribute by an object": (lambda s, x: x * METHODS.scale, put(Methods, "scale"), {}),
    "static method": (lambda s, x: Methods.by_static(x), put(LIST, 0), {}),
    "property": (lambda s, x: x * METHODS.by_property, put(LIST, 0), {}),
    "argparse": (lambda s, x: x * ARGUMENTS.scale, put(ARGUMENTS, "scale"), {}),
    "namespace": (lambda s, x: x * SPACE.scale, put(SPACE, "scale"), {}),
    "module": (lambda s, x: x * MODULE.scale, put(MODULE, "scale"), {}),
    "function of a module": (lambda s, x: x * MODULE.factor(), put(MODULE, "scale"), {}),
    "deque": (lambda s, x: x * QUEUE[0], put(QUEUE, 0), {}),
    "user dict": (lambda s, x: x * USER_DICT["a"], put(USER_DICT, "a"), {}),
    "long list": (lambda s, x: x * MANY[5], put(MANY, 5), {}),
    "number of an array": (lambda s, x: x * float(ARRAY[0]), put(ARRAY, 0), {}),
    "array": (lambda s, x: x * ARRAY.astype("float32"), put(ARRAY, 0), {}),
    "partial": (lambda s, x: PARTIAL(x), put(LIST, 0), {}),
    "context": (lambda s, x: x * CONTEXT.get(), lambda model: CONTEXT.set(AFTER), {}),
    # of functions
    "default": (lambda s, x: times(x), put(times, "__defaults__", (AFTER,)), {}),
    "list as a default": (lambda s, x: times_list(x), put(times_list.__kwdefaults__["scale"], 0), {}),
    "attribute of a function": (lambda s, x: times_attribute(x), put(times_attribute, "scale"), {}),
    "code that is loaded again": (lambda s, x: as_it_is(x), put(as_it_is, "__code__", tripled.__code__), {}),
    "cache": (lambda s, x: x * cached(), lambda model: (put(LIST, 0)(model), cached.cache_clear()), {}),
    # of the layer
    "attribute": (lambda s, x: x * s.scale, lambda model: setattr(inner(model), "scale", AFTER), {"scale": lambda: BEFORE}),
    "NumPy number": (lambda s, x: x * float(s.scale), lambda model: setattr(inner(model), "scale", np.float32(AFTER)),
                     {"scale": lambda: np.float32(BEFORE)}),
    "list": (lambda s, x: x * s.scales[0], of_layer("scales"), {"scales": lambda: [BEFORE]}),
    "private list": (lambda s, x: x * s._scales[0], of_layer("_scales"), {"_scales": lambda: [BEFORE]}),
    "set": (lambda s, x: x * (AFTER if 1 in s.known else BEFORE), lambda model: inner(model).known.add(1), {"known": set}),
    "items of a set": (lambda s, x: x * max(s.known), lambda model: (inner(model).known.clear(), inner(model).known.add(AFTER)),
                       {"known": lambda: {BEFORE}}),
    "order of a dict": (lambda s, x: x * next(iter(s.known.values())), lambda model: inner(model).known.update(a=inner(model).known.pop("a")),
                        {"known": lambda: {"a": BEFORE, "b": AFTER}}),
    "sign of zero": (lambda s, x: x * math.copysign(1.0, s.zero), lambda model: setattr(inner(model), "zero", -0.0), {"zero": lambda: 0.0}),
    "number of items": (lambda s, x: x * float(len(s.known)), lambda model: inner(model).known.update(b=2),
                        {"known": lambda: {"a": 1}}),
    "array of the layer": (lambda s, x: x * s.array, of_layer("array"), {"array": lambda: np.ones(8, "float32")}),
    "number of an array of the layer": (lambda s, x: x * float(s.array[0]), of_layer("array"),
                                        {"array": lambda: np.ones(8)}),
    "array that is cast": (lambda s, x: x * s.array.astype("float32"), of_layer("array"), {"array": lambda: np.ones(8)}),
    "another array": (lambda s, x: x * s.array, lambda model: setattr(inner(model), "array", np.full(8, AFTER, "float32")),
                      {"array": lambda: np.ones(8, "float32")}),
    "numbers of a weight": (lambda s, x: x * float(s.w[0]), lambda model: inner(model).w.assign([AFTER]),
                            {"w": lambda: fastnn.Variable([BEFORE], trainable=False)}),
    "object of the layer": (lambda s, x: x * s.held.scale, lambda model: setattr(inner(model).held, "scale", AFTER), {"held": Plain}),
    "object with slots": (lambda s, x: x * s.held.scale, lambda model: setattr(inner(model).held, "scale", AFTER),
                          {"held": lambda: Slotted(BEFORE)}),
    "class attribute of the layer": (lambda s, x: x * type(s).scale, lambda model: setattr(type(inner(model)), "scale", AFTER), {}),
    "method": (lambda s, x: s.function(x), lambda model: setattr(type(inner(model)), "function", lambda s, x: x * AFTER),
               {}),
    "call": (lambda s, x: x, lambda model: setattr(inner(model), "call", tripled), {}),
    "function": (lambda s, x: s.change(x), lambda model: setattr(inner(model), "change", tripled), {"change": lambda: as_it_is}),
    "partial of the layer": (lambda s, x: s.change(x), put(LIST, 0), {"change": lambda: functools.partial(lambda k, x: x * k[0], LIST)}),
}


@pytest.fixture(autouse=True)
def as_before():
    reset()
    yield
    reset()


@pytest.mark.parametrize("function, change, attributes", CASES.values(), ids=CASES)
def test_what_changes_in_mid_training_is_seen(function, change, attributes):
    def cls():
        found = own(function, **attributes)
        found.scale, found.function = BEFORE, lambda self, x: x
        return found()
    check_seen(network(cls), change)


def check_seen(make, change):
    """The same bits both ways; and others than without the change, or the case would prove nothing."""
    reset()
    fastnn.utils.set_random_seed(7)
    model = make()
    model.run_eagerly = True
    unchanged = fitted()(model)
    model, _ = both_ways(make, fitted(callbacks=lambda: [At(change, 20)]), reset)
    assert model.history.history != unchanged


@pytest.mark.parametrize("function, attributes", [
    (lambda s, x: x * AFTER if next(s.count) % 10 == 9 else x, {"count": itertools.count}),
    (lambda s, x: x * next(s.scales), {"scales": lambda: iter([BEFORE] * 20 + [AFTER] * 100)}),
    (lambda s, x: x * AFTER if s.generator.random() < 0.15 else x, {"generator": lambda: np.random.default_rng(3)}),
    (lambda s, x: x * AFTER if s.generator.random() < 0.15 else x, {"generator": lambda: random.Random(3)}),
    (lambda s, x: x * AFTER if random.random() < 0.15 else x, {}), (lambda s, x: x * AFTER if np.random.random() < 0.15 else x, {}),
    (lambda s, x: x + s.generator.normal(size=8).astype("float32"), {"generator": lambda: np.random.default_rng(3)}),
], ids=["count", "iterator", "default_rng", "Random", "random", "np.random", "noise"])
def test_what_changes_by_being_read(function, attributes):
    """Counters and generators of random numbers that now and then make another step: a layer that is skipped at random, for one."""
    def seeded():
        reset()
        random.seed(4)
    both_ways(network(own(function, **attributes)), fitted(), seeded)


@pytest.mark.parametrize("where", ["loss", "metric", "activation", "activity_regularizer", "kernel_constraint", "partial", "schedule"])
def test_functions_that_models_are_given(where):
    def function(x, y=None):
        return x * 0.5 * LIST[0] if y is None else ops.mean(ops.square(x - y)) * LIST[0]

    class Schedule(fastnn.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return ops.cast(step, "float32") * 0.0001 * LIST[0]

    made = {
        "loss": network(loss=lambda: function), "metric": network(metrics=lambda: [function]),
        "activation": network(lambda: layers.Dense(8, activation=function)),
        "activity_regularizer": network(lambda: layers.Dense(8, activity_regularizer=lambda x: ops.sum(x * x) * LIST[0])),
        "kernel_constraint": network(lambda: layers.Dense(8, kernel_constraint=function)),
        "partial": network(loss=lambda: functools.partial(lambda k, a, b: function(a, b) * k[0], LIST)),
        "schedule": network(optimizer=lambda: fastnn.optimizers.SGD(Schedule())),
    }[where]
    check_seen(made, put(LIST, 0))


SETTERS = {
    "epsilon": lambda model: fastnn.config.set_epsilon(0.01), "learning_rate": lambda model: setattr(model.optimizer, "learning_rate", 0.2),
    "iterations": lambda model: model.optimizer.iterations.assign(100), "momentum": lambda model: setattr(model.optimizer, "momentum", 0.1),
    "weight_decay": lambda model: setattr(model.optimizer, "weight_decay", 0.2), "clipvalue": lambda model: setattr(model.optimizer, "clipvalue", 0.01),
    "schedule": lambda model: setattr(model.optimizer, "learning_rate", fastnn.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)),
    "optimizer": lambda model: setattr(model, "optimizer", fastnn.optimizers.Adam()),
    "compile": lambda model: model.compile("adam", "mae", run_eagerly=model.run_eagerly),
    "eager": lambda model: setattr(model, "run_eagerly", True), "trainable": lambda model: setattr(model.layers[0], "trainable", False),
    "trainable weight": lambda model: setattr(model.layers[0].kernel, "trainable", False),
    "regularizer": lambda model: setattr(model.layers[0].kernel, "regularizer", fastnn.regularizers.L2(0.5)),
    "constraint": lambda model: setattr(model.layers[0].kernel, "constraint", fastnn.constraints.MaxNorm(0.1)),
    "activation": lambda model: setattr(model.layers[0], "activation", fastnn.activations.relu),
    "rate": lambda model: setattr(model.layers[1], "rate", 0.1), "reduction": lambda model: setattr(model.loss, "reduction", "sum"),
    "seed": lambda model: fastnn.utils.set_random_seed(3), "weights": lambda model: model.set_weights([w * 0.5 for w in model.get_weights()]),
    "threads": lambda model: fastnn.config.set_num_threads(1), "train_step": lambda model: setattr(model, "train_step", model.test_step),
    "stop": lambda model: setattr(model, "stop_training", True),
}


@pytest.mark.parametrize("change", SETTERS.values(), ids=SETTERS)
def test_settings_of_models_layers_and_optimizers(change, threads):
    before = fastnn.config.epsilon()
    make = network(lambda: layers.Dropout(0.5), layers.BatchNormalization, optimizer=lambda: fastnn.optimizers.SGD(0.01, momentum=0.9),
                   loss=fastnn.losses.MeanSquaredError)
    try:
        both_ways(make, fitted(callbacks=lambda: [At(change, 20)]), lambda: fastnn.config.set_epsilon(before))
    finally:
        fastnn.config.set_epsilon(before)
        threads(fastnn.config.get_num_threads())


def test_models_of_more_objects_than_are_looked_at(monkeypatch):
    """What lies beyond the limits cannot be looked at before every step: such a model must not be replayed as if nothing changed there."""
    monkeypatch.setattr("fastnn.models.footprint.OBJECTS", 40)
    check_seen(network(*[lambda: layers.Dense(8)] * 12, own(lambda s, x: x * LIST[0])), put(LIST, 0))
