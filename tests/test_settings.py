"""Settings of the process: dtype policies, limits of fit, logging; devices, scopes, and questions about dtypes and tensors."""
import logging

import numpy as np
import pytest

import fastnn
from fastnn import backend, config, dtype_policies, layers, utils

X = np.ones((40, 2), "float32")


@pytest.fixture(autouse=True)
def restored():
    before = dict(config.settings())
    yield
    config.settings().update(before)


def model():
    made = fastnn.Sequential([layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


# ---- Dtype policies ---------------------------------------------------------------------------------------------

def test_the_policy_is_the_dtype_of_layers():
    assert config.dtype_policy() == fastnn.DTypePolicy("float32") and layers.Dense(1).dtype == "float32"
    config.set_dtype_policy("float64")
    layer = layers.Dense(1)
    assert layer.dtype == "float64" and layer.dtype_policy.name == "float64" and config.floatx() == "float32"
    assert layer(X).dtype == "float64" and layer.kernel.dtype == "float64"
    assert fastnn.DTypePolicy().compute_dtype == "float64"
    config.set_dtype_policy(fastnn.DTypePolicy("float32"))
    assert layers.Dense(1).dtype == "float32"
    assert layers.Dense(1, dtype=fastnn.DTypePolicy("float64")).variable_dtype == "float64"
    assert layers.Dense.from_config(layers.Dense(1, dtype="float64").get_config()).dtype == "float64"


def test_policies_by_name():
    made = dtype_policies.get("float64")
    assert dtype_policies.get(made) is made and dtype_policies.get(None) == config.dtype_policy()
    config_ = dtype_policies.serialize(made)
    assert config_ == {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float64"}, "registered_name": None}
    assert dtype_policies.get(config_) == dtype_policies.deserialize(config_) == fastnn.saving.deserialize_keras_object(config_) == made
    assert dtype_policies.get(np.dtype("float32")).name == "float32" and repr(made) == '<DTypePolicy "float64">'
    for wrong in ("mixed_float16", "int32", "bogus"):
        with pytest.raises(ValueError, match="float32"):
            config.set_dtype_policy(wrong)


# ---- Limits -----------------------------------------------------------------------------------------------------

def test_limits_of_fit():
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    made = model()
    with pytest.warns(UserWarning, match="limits the"):
        history = made.fit(X, X[:, :1], epochs=5, batch_size=4, verbose=0)
    assert len(history.history["loss"]) == 2 and int(made.optimizer.iterations) == 6
    with pytest.warns(UserWarning, match="limits the steps of an epoch to 3"):
        assert made.predict(X, batch_size=4, verbose=0).shape == (12, 1)
    assert made.predict(X, verbose=0).shape == (40, 1)      # two batches are within it
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)
    assert len(made.fit(X, X[:, :1], epochs=3, verbose=0).history["loss"]) == 3
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="max_epochs"):
            config.set_max_epochs(wrong)


# ---- Logging ----------------------------------------------------------------------------------------------------

def test_interactive_logging(capsys, caplog):
    assert utils.is_interactive_logging_enabled()
    model().fit(X, X[:, :1], epochs=2)
    assert "Epoch 1/2" in capsys.readouterr().out
    utils.disable_interactive_logging()
    assert not config.is_interactive_logging_enabled()
    with caplog.at_level(logging.INFO, "fastnn"):
        model().fit(X, X[:, :1], epochs=2)
    assert capsys.readouterr().out == "" and "Epoch 1/2" in caplog.text and "loss:" in caplog.text
    config.enable_interactive_logging()
    assert config.is_interactive_logging_enabled()


def test_traceback_filtering_is_taken():
    config.disable_traceback_filtering()
    assert not config.is_traceback_filtering_enabled()
    config.enable_traceback_filtering()
    assert config.is_traceback_filtering_enabled()


# ---- Devices and scopes -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["cpu", "cpu:0", "CPU:0", "/device:CPU:0"])
def test_the_cpu_is_the_device(name):
    with fastnn.device(name):
        assert fastnn.ops.ones((2,)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ["gpu:0", "cpu:1", "cuda", None])
def test_other_devices(name):
    with pytest.raises(ValueError, match="device"):
        fastnn.device(name)


def test_name_scope():
    with fastnn.name_scope("block"):
        assert layers.Dense(1, name="d").name == "d"
    with pytest.raises(ValueError, match="/"):
        fastnn.name_scope("a/b")


def test_version_and_backend():
    assert fastnn.version() == fastnn.__version__ and config.backend() == backend.backend() == "fastnn"
    assert utils.Sequence is utils.PyDataset and "Sequence" in dir(utils)


# ---- Dtypes and tensors -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("given, wanted", [
    ((), "float32"), ((int,), "int32"), ((float,), "float32"), (("int8", float), "float32"), (("uint8", int), "uint8"),
    (("bool", int), "int32"), (("int64", "float32"), "float32"), (("float64", float), "float64"), (("int8", "uint8"), "int16"),
    (("bool", "bool"), "bool"), (("int32", "int64"), "int64"), (("uint32", "int32"), "int64"), ((int, float), "float32"),
])  # fmt: skip
def test_result_type(given, wanted):
    assert backend.result_type(*given) == wanted


def test_kinds_of_dtypes():
    assert backend.is_float_dtype("float32") and backend.is_float_dtype(np.dtype("float64")) and not backend.is_float_dtype("int32")
    assert backend.is_int_dtype("uint8") and not backend.is_int_dtype("bool") and not backend.is_int_dtype("float32")
    assert utils.standardize_dtype(None) == backend.standardize_dtype(float) == "float32" and utils.standardize_dtype(int) == "int32"


def test_symbolic_tensors():
    a, b = layers.Input((3,), name="a"), layers.Input((3,), name="b")
    y = layers.Dense(1)(layers.Add()([a, b]) + a)
    assert utils.is_keras_tensor(y) and isinstance(y, fastnn.KerasTensor) and not backend.is_keras_tensor(X)
    assert utils.get_source_inputs(y) == [a, b] and utils.get_source_inputs(a) == [a]


def test_parts_of_batches():
    assert utils.pack_x_y_sample_weight(1) == 1 and utils.pack_x_y_sample_weight([1]) == ([1],)
    assert utils.pack_x_y_sample_weight(1, 2) == (1, 2) and utils.pack_x_y_sample_weight(1, 2, 3) == (1, 2, 3)
    assert utils.unpack_x_y_sample_weight((1, 2)) == (1, 2, None) and utils.unpack_x_y_sample_weight(1) == (1, None, None)
    assert utils.unpack_x_y_sample_weight([1, 2, 3]) == (1, 2, 3)
    with pytest.raises(ValueError, match="4 parts"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))
