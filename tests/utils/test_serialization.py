"""Objects to configs and back: `fastnn.saving`, own classes and functions in layers, what a config may name."""
import json

import numpy as np
import pytest

import fastnn
from fastnn import activations, constraints, initializers, layers, losses, ops, optimizers, regularizers, saving


def own(*args):
    return 0.0


class Plain:
    def __call__(self, *args):
        return 0.0


def with_config(base):
    """A class of the user's with one argument, below a base of fastnn."""
    class Own(base):
        def __init__(self, value=3):
            self.value = value

        def __call__(self, *args):
            return args[0] * self.value

        def get_config(self):
            return {"value": self.value}

        @classmethod
        def from_config(cls, config):
            return cls(**config)
    return Own


KINDS = {"activation": (activations, object), "kernel_initializer": (initializers, initializers.Initializer),
         "kernel_regularizer": (regularizers, regularizers.Regularizer), "kernel_constraint": (constraints, constraints.Constraint)}


@pytest.fixture(autouse=True)
def clean_registry():
    before = dict(saving.get_custom_objects())
    yield
    saving.get_custom_objects().clear()
    saving.get_custom_objects().update(before)


# ---- Own objects in layers --------------------------------------------------------------------------------------

@pytest.mark.parametrize("argument", KINDS)
def test_own_objects_come_back(argument):
    module, base = KINDS[argument]
    cls = with_config(base)
    config = json.loads(json.dumps(layers.Dense(2, **{argument: cls(5)}).get_config()))
    assert config[argument]["class_name"] == "Own" and config[argument]["config"] == {"value": 5}
    assert config[argument]["registered_name"] == "Own"
    with pytest.raises(ValueError, match="'Own'"):
        layers.Dense.from_config(config)
    with saving.custom_object_scope({"Own": cls}):
        assert getattr(layers.Dense.from_config(config), argument).value == 5
        assert module.get(module.serialize(cls(7))).value == 7
    assert module.deserialize(config[argument], {"Own": cls}).value == 5
    saving.register_keras_serializable("mine")(cls)
    config = layers.Dense(2, **{argument: cls(6)}).get_config()
    assert config[argument]["registered_name"] == "mine>Own"
    assert getattr(layers.Dense.from_config(config), argument).value == 6


@pytest.mark.parametrize("argument", KINDS)
def test_own_functions_come_back(argument):
    module, _ = KINDS[argument]
    config = json.loads(json.dumps(layers.Dense(2, **{argument: own}).get_config()))
    assert config[argument] == {"module": "builtins", "class_name": "function", "config": "own", "registered_name": "function"}
    with pytest.raises(ValueError, match="'own'"):
        layers.Dense.from_config(config)
    with saving.custom_object_scope({"own": own}):
        assert getattr(layers.Dense.from_config(config), argument) is own
        assert module.get("own") is own
    whole = saving.serialize_keras_object(layers.Dense(2, **{argument: own}))
    assert getattr(saving.deserialize_keras_object(whole, {"own": own}), argument) is own
    registered = saving.register_keras_serializable("mine", "other")(lambda *args: 0.0)
    registered.__name__ = "registered"
    config = layers.Dense(2, **{argument: registered}).get_config()
    assert config[argument]["config"] == "mine>other"
    assert getattr(layers.Dense.from_config(config), argument) is registered


@pytest.mark.parametrize("argument", KINDS)
def test_objects_without_a_config_work_until_they_are_written_down(argument):
    module, _ = KINDS[argument]
    made = Plain()
    assert module.get(made) is made
    layer = layers.Dense(2, **{argument: made})
    assert getattr(layer, argument) is made
    with pytest.raises(TypeError, match="get_config"):
        layer.get_config()
    if argument != "activation":
        assert isinstance(module.get(Plain), Plain)


# ---- Scopes and the registry ------------------------------------------------------------------------------------

def test_scopes_nest_and_leave_the_registry_alone():
    before = dict(saving.get_custom_objects())
    with saving.CustomObjectScope({"a": own}) as scope:
        assert isinstance(scope, saving.CustomObjectScope) and saving.custom_object_scope is saving.CustomObjectScope
        with saving.CustomObjectScope({"b": ops.sin}):
            assert saving.get_registered_object("a") is own and saving.get_registered_object("b") is ops.sin
            kept = saving.register_keras_serializable()(with_config(initializers.Initializer))
        assert saving.get_registered_object("b") is None
        assert saving.get_custom_objects() == {**before, "Custom>Own": kept}
    assert saving.get_registered_object("a") is None and saving.get_registered_object("Custom>Own") is kept
    assert saving.get_registered_name(kept) == "Custom>Own" and saving.get_registered_name(own) == "own"
    assert saving.get_registered_object("a", {"a": 1}) == 1 and saving.get_registered_object("a", None, {"a": 2}) == 2
    with pytest.raises(ValueError, match="get_config"):
        saving.register_keras_serializable()(Plain)


def test_names_are_those_of_utils():
    for name in saving.__all__:
        if not name.startswith(("load", "save")):       # files are no business of utils
            assert getattr(fastnn.utils, name) is getattr(saving, name)


# ---- Values -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("value", [None, 3, 2.5, "text", True, [1, [2, "a"]], {"a": {"b": 1.0}}, b"ab", slice(1, None, 2), ...])
def test_plain_values_come_back(value):
    assert saving.deserialize_keras_object(json.loads(json.dumps(saving.serialize_keras_object(value)))) == value


def test_arrays_tensors_and_numbers():
    assert saving.serialize_keras_object((1, np.float32(2), np.array(3))) == (1, 2.0, 3)
    array = saving.serialize_keras_object(np.arange(2))
    assert array == {"class_name": "__numpy__", "config": {"value": [0, 1], "dtype": "int64"}}
    assert isinstance(saving.deserialize_keras_object(array), np.ndarray)
    tensor = saving.serialize_keras_object(ops.ones((2,)))
    assert tensor == {"class_name": "__tensor__", "config": {"value": [1.0, 1.0], "dtype": "float32"}}
    assert saving.deserialize_keras_object(tensor).tolist() == [1.0, 1.0]
    symbol = saving.serialize_keras_object(layers.Input((3,), name="in"))
    assert symbol["config"] == {"shape": (None, 3), "dtype": "float32", "keras_history": ["in", 0, 0]}
    assert saving.deserialize_keras_object(symbol).shape == (None, 3)


@pytest.mark.parametrize("make", [
    lambda: layers.Dense(3, name="first"), lambda: losses.Huber(2.0), lambda: optimizers.Adam(0.1), lambda: regularizers.L1L2(0.1, 0.2),
    lambda: constraints.MaxNorm(4.0, axis=1), lambda: initializers.Constant([1.0, 2.0]), lambda: fastnn.metrics.Mean("m"),
    lambda: optimizers.schedules.ExponentialDecay(1.0, 2, 0.5), lambda: fastnn.random.SeedGenerator(3),
    lambda: fastnn.Sequential([layers.Input((2,)), layers.Dense(3)]),
])  # fmt: skip
def test_objects_come_back(make):
    made = make()
    config = json.loads(json.dumps(saving.serialize_keras_object(made)))
    copy = saving.deserialize_keras_object(config)
    assert type(copy) is type(made) and json.loads(json.dumps(saving.serialize_keras_object(copy)))["config"] == config["config"]


def test_a_built_layer_comes_back_built():
    layer = layers.Dense(3)
    assert "build_config" not in saving.serialize_keras_object(layer)
    layer.build((None, 2))
    config = json.loads(json.dumps(saving.serialize_keras_object(layer)))
    assert config["build_config"] == {"input_shape": [None, 2]}
    assert saving.deserialize_keras_object(config).kernel.shape == (2, 3)


@pytest.mark.parametrize("function", [activations.relu, losses.mean_squared_error, ops.sin, fastnn.metrics.binary_accuracy])
def test_functions_come_back(function):
    config = saving.serialize_keras_object(function)
    assert config["module"] == "builtins" and config["registered_name"] == "function"
    assert saving.deserialize_keras_object(config) is function


@pytest.mark.parametrize("config, message", [
    ({"module": "os", "class_name": "system", "config": {}}, "module 'os'"),
    ({"class_name": "Dense", "config": {}}, "Cannot find 'Dense': own"),
    ({"module": "keras.layers", "class_name": "Dence", "config": {}}, "Did you mean 'Dense'"),
    ({"module": "keras.utils", "class_name": "get_file", "config": {}}, "models are not made of"),
    ({"module": "keras.utils", "class_name": "function", "config": "get_file"}, "models are not made of"),
    ({"module": "keras.saving", "class_name": "register_keras_serializable", "config": {}}, "models are not made of"),
    ({"module": "keras.layers", "class_name": "deserialize", "config": {}}, "Unknown object"),
    ({"module": "builtins", "class_name": "function", "config": "exec"}, "Unknown function"),
    ({"class_name": "__lambda__", "config": {"value": []}}, "lambda"),
])  # fmt: skip
def test_what_a_config_may_not_name(config, message):
    with pytest.raises(ValueError, match=message):
        saving.deserialize_keras_object(config)


@pytest.mark.parametrize("value", [int, object()])
def test_what_cannot_be_written_down(value):
    with pytest.raises(TypeError, match="serialize"):
        saving.serialize_keras_object(value)


@pytest.mark.parametrize("module", [m for m, _ in KINDS.values()])
def test_wrong_identifiers(module):
    for wrong in ("bogus", 3, {}, {"class_name": "bogus", "config": {}}):
        with pytest.raises(ValueError):
            module.get(wrong)


def test_lambdas_come_back_where_code_is_allowed():
    config = json.loads(json.dumps(saving.serialize_keras_object(lambda x, by=3: by * x)))
    with pytest.raises(ValueError, match="not run"):
        saving.deserialize_keras_object(config)
    assert saving.deserialize_keras_object(config, safe_mode=False)(2) == 6
