"""Files made by somebody who means harm: the published attacks on Keras' model files, and what is like them."""
import base64
import copy
import io
import json
import marshal
import os
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

import fastnn
from fastnn import layers
from fastnn.saving import load_model

h5py = pytest.importorskip("h5py")


@pytest.fixture
def model():
    return fastnn.Sequential([layers.Input((3,)), layers.Dense(2, name="dense")])


@pytest.fixture
def victim(tmp_path, model, monkeypatch):
    """A saved model, in a folder of its own that is the working directory."""
    monkeypatch.chdir(tmp_path)
    model.save("model.keras")
    return "model.keras"


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, change=None, compression=zipfile.ZIP_STORED, **others):
    """Writes an archive anew: `change` gets the config of the model, `others` are members by name ("__" for a dot)."""
    found = members(path)
    config = json.loads(found["config.json"])
    if change is not None:
        config = change(config) or config
    found["config.json"] = json.dumps(config).encode()
    found.update({name.replace("__", "."): value for name, value in others.items()})
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, value in found.items():
            archive.writestr(name, value)


def with_layer(layer):
    """A change that puts another config in the place of the Dense layer's."""
    def change(config):
        config["config"]["layers"][1] = layer
    return change


def payload(path="owned"):
    """The code of a lambda that leaves a file behind."""
    code = compile(f"(lambda x: (open({path!r}, 'w').close(), x)[1])", "x", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(code)).decode()


def lambda_config(**more):
    function = {"class_name": "__lambda__", "config": {"code": payload(), "defaults": None, "closure": None}}
    return {"module": "keras.layers", "class_name": "Lambda", "registered_name": None,
            "config": {"name": "harm", "function": function, "arguments": {}, **more}}


# ---- Code -------------------------------------------------------------------------------------------------------

def test_code_of_a_lambda_is_refused(victim):      # CVE-2024-3660
    rewrite(victim, with_layer(lambda_config()))
    with pytest.raises(ValueError, match="not run.*safe_mode=False"):
        load_model(victim)
    assert not os.path.exists("owned")


def test_code_of_a_lambda_runs_where_it_was_allowed(victim):
    rewrite(victim, with_layer(lambda_config()), **{"model__weights__h5": weights_without_layers()})
    loaded = load_model(victim, safe_mode=False)
    assert os.path.exists("owned")
    np.testing.assert_array_equal(loaded.predict(np.ones((2, 3)), verbose=0), 1)
    with pytest.raises(ValueError, match="not run"):        # and is refused again afterwards
        load_model(victim)


def weights_without_layers():
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5.create_group("vars")
    return file.getvalue()


@pytest.mark.parametrize("where", ["output_shape", "mask"])
def test_code_in_other_places_of_a_lambda_is_refused(victim, where):
    code = {"class_name": "__lambda__", "config": {"code": payload(), "defaults": None, "closure": None}}
    function = {"module": "keras.activations", "class_name": "function", "config": "relu", "registered_name": "relu"}
    rewrite(victim, with_layer(lambda_config(function=function, **{where: code})))
    with pytest.raises(ValueError, match="not run"):
        load_model(victim)
    assert not os.path.exists("owned")


@pytest.mark.parametrize("place", ["activation", "kernel_initializer", "kernel_regularizer", "bias_constraint"])
def test_code_in_a_config_of_any_layer_is_refused(victim, place):
    def change(config):
        config["config"]["layers"][1]["config"][place] = lambda_config()["config"]["function"]
    rewrite(victim, change)
    with pytest.raises(ValueError, match="not run"):
        load_model(victim)
    assert not os.path.exists("owned")


@pytest.mark.parametrize("module, name", [
    ("subprocess", "Popen"), ("os", "system"), ("builtins", "exec"), ("builtins", "eval"), ("posix", "system"), ("pickle", "loads"),
    ("importlib", "import_module"), ("fastnn.utils.extras", "require"), ("numpy", "load"), ("shutil", "rmtree"), (None, "exec"), ("", "exec"),
    ("keras.src.saving.serialization_lib", "os"), ("fastnn.saving", "load_model"), ("keras.models", "load_model"),
])
@pytest.mark.parametrize("kind", ["class", "function"])
def test_foreign_modules_are_out_of_reach(victim, module, name, kind):      # CVE-2025-1550
    harm = {"module": module, "class_name": name, "config": {"args": "touch owned", "shell": True}, "registered_name": name}
    if kind == "function":
        harm = {"module": module, "class_name": "function", "config": name, "registered_name": "function"}
    rewrite(victim, with_layer(harm))
    with pytest.raises((ValueError, TypeError)):
        load_model(victim)

    def change(config):
        config["config"]["layers"][1] = dense
        dense["config"]["activation"] = harm
    dense = {"module": "keras.layers", "class_name": "Dense", "registered_name": None, "config": {"name": "dense", "units": 2}}
    rewrite(victim, change)
    with pytest.raises((ValueError, TypeError)):
        load_model(victim)
    assert not os.path.exists("owned")


@pytest.mark.parametrize("function", ["get_file", "extract_archive", "pad_sequences"])
def test_helpers_of_keras_are_no_parts_of_models(victim, function):      # CVE-2025-8747
    harm = {"module": "keras.utils", "class_name": "function", "config": function, "registered_name": "function"}
    rewrite(victim, with_layer({"module": "keras.layers", "class_name": "Lambda", "registered_name": None,
                                "config": {"name": "harm", "function": harm, "arguments": {"origin": "file:///etc/passwd"}}}))
    with pytest.raises(ValueError, match="models are not made of"):
        load_model(victim)


@pytest.mark.parametrize("form", ["function", "operation", "registered"])
def test_a_file_cannot_switch_safety_off(victim, form):      # CVE-2025-9906
    harm = {"function": {"module": "keras.config", "class_name": "function", "config": "enable_unsafe_deserialization",
                         "registered_name": "function"},
            "operation": {"module": "keras.config", "class_name": "enable_unsafe_deserialization", "config": {}, "registered_name": None,
                          "inbound_nodes": [{"args": [], "kwargs": {}}]},
            "registered": {"module": None, "class_name": "enable_unsafe_deserialization", "config": {},
                           "registered_name": "enable_unsafe_deserialization"}}[form]

    def change(config):
        config["config"]["layers"][1:] = [harm, lambda_config()]
    rewrite(victim, change)
    with pytest.raises((ValueError, TypeError)):
        load_model(victim)
    assert not fastnn.config.unsafe_deserialization() and not os.path.exists("owned")


@pytest.mark.parametrize("name", ["TorchModuleWrapper", "TFSMLayer", "FlaxLayer", "JaxLayer"])
def test_layers_that_bring_code_are_not_there(victim, name):      # CVE-2025-49655 and its like
    rewrite(victim, with_layer({"module": "keras.layers", "class_name": name, "registered_name": None,
                                "config": {"name": "harm", "module": base64.b64encode(b"cos\nsystem\n(S'touch owned'\ntR.").decode()}}))
    with pytest.raises(ValueError, match=name):
        load_model(victim)
    assert not os.path.exists("owned")


def test_graphs_call_nothing_but_layers_and_ops(victim):
    inputs = layers.Input((3,), name="a")
    fastnn.Model(inputs, layers.Dense(2, name="dense")(inputs)).save(victim)

    def change(config):
        config["config"]["layers"][1].update(module="keras.src.ops.numpy", class_name="__import__", config={"name": "os"})
    rewrite(victim, change)
    with pytest.raises(ValueError, match="not in fastnn.ops"):
        load_model(victim)


@pytest.fixture
def functional(victim):
    """The same for a functional model."""
    inputs = layers.Input((3,), name="a")
    fastnn.Model(inputs, layers.Dense(2, name="dense")(layers.Activation("relu", name="relu")(inputs))).save(victim)
    return victim


@pytest.mark.parametrize("op, args", [("Zeros", [[10**6, 10**6]]), ("Arange", [0, 10**11]), ("Eye", [10**6]), ("Linspace", [0, 1, 10**11]),
                                      ("ForiLoop", [0, 10**15, "relu", 1.0]), ("Hamming", [10**11])])
def test_graphs_make_no_tensors_out_of_nothing(functional, op, args):
    def change(config):
        config["config"]["layers"].insert(1, {"module": "keras.src.ops.numpy", "class_name": op, "registered_name": op, "name": "harm",
                                              "config": {"name": "harm"}, "inbound_nodes": [{"args": args, "kwargs": {}}]})
    rewrite(functional, change)
    with pytest.raises(ValueError, match="takes no tensor of the model"):
        load_model(functional)


@pytest.mark.parametrize("op, more", [("Linspace", [0.0, 10**11]), ("Logspace", [0.0, 10**11]), ("Histogram", [10**11, [0, 1]]), ("Diff", [10**11])])
def test_nor_large_ones_beside_those_of_the_model(functional, op, more):
    def change(config):
        source = config["config"]["layers"][1]["inbound_nodes"][0]["args"]
        config["config"]["layers"].insert(1, {"module": "keras.src.ops.numpy", "class_name": op, "registered_name": op, "name": "harm",
                                              "config": {"name": "harm"}, "inbound_nodes": [{"args": [*source, *more], "kwargs": {}}]})
    rewrite(functional, change)
    if op == "Diff":
        assert load_model(functional).count_params() == 8
        return
    with pytest.raises(ValueError, match="exhaust memory"):
        load_model(functional)


def test_graphs_written_backwards_take_no_more_time(functional):
    """In the worst order each layer waits for the next one: 4000 took two minutes when all were tried again and again."""
    def change(config):
        first, relu, last = config["config"]["layers"]
        count, made = 4000, [last]
        for i in range(count):
            made.append(json.loads(json.dumps(relu)))
            made[-1]["name"] = made[-1]["config"]["name"] = f"relu_{i}"
            if i + 1 < count:
                made[-1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = f"relu_{i + 1}"
        last["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "relu_0"
        config["config"]["layers"] = [*made, first]
    rewrite(functional, change)
    started = time.process_time()
    assert len(load_model(functional).layers) == 4002
    assert time.process_time() - started < 30


@pytest.mark.parametrize("harm, message", [
    ({"module": "keras.losses", "class_name": "MeanSquaredError", "config": {}, "registered_name": None}, "which is no model"),
    ({"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}, "which is no model"),
    ({"class_name": "__numpy__", "config": {"value": [1.0], "dtype": "float32"}}, "which is no model"),
    ({"module": "keras.layers", "class_name": "Dense", "config": {"units": -1}, "registered_name": None}, "units")])
def test_errors_name_the_file(victim, harm, message):
    rewrite(victim, lambda config: harm)
    with pytest.raises(ValueError, match=rf"(?s)^model\.keras.*{message}"):
        load_model(victim)


# ---- Memory and other files -------------------------------------------------------------------------------------

@pytest.mark.parametrize("layer, config", [
    ("Dense", {"units": 10**12}), ("Embedding", {"input_dim": 10**9, "output_dim": 10**5}),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 10**12}), ("PReLU", {}), ("Dense", {"units": 10**7}),
    ("AdaptiveMaxPooling1D", {"output_size": 10**11}),
])
def test_a_config_cannot_ask_for_more_than_the_file_holds(victim, layer, config):
    def change(whole):
        whole["config"]["layers"][1] = {"module": "keras.layers", "class_name": layer, "registered_name": None,
                                        "config": {"name": "harm", **config}}
        if layer == "AdaptiveMaxPooling1D":
            whole["config"]["layers"][0]["config"]["batch_shape"] = [None, 8, 8]
            whole["config"].pop("build_input_shape")
        if layer == "PReLU":
            whole["config"]["layers"][0]["config"]["batch_shape"] = [None, 10**12]
            whole["config"].pop("build_input_shape")
    rewrite(victim, change)
    with pytest.raises(ValueError, match="exhaust memory"):
        load_model(victim)


@pytest.mark.parametrize("metric, config", [("AUC", {"num_thresholds": 10**12}), ("MeanIoU", {"num_classes": 10**7}),
                                            ("SensitivityAtSpecificity", {"specificity": 0.5, "num_thresholds": 10**12})])
def test_nor_can_its_metrics(victim, model, metric, config):
    model.compile("sgd", "mse")
    model.save(victim)

    def change(whole):
        whole["compile_config"]["metrics"] = [{"module": "keras.metrics", "class_name": metric, "config": {"name": "m", **config},
                                               "registered_name": None}]
    rewrite(victim, change)
    with pytest.raises(ValueError, match="exhaust memory"):
        load_model(victim)


def test_deep_nesting_is_an_error(victim):
    rewrite(victim, lambda config: None)
    found = members(victim)
    for text in ("[" * 10**5 + "]" * 10**5, '{"class_name":"Sequential","config":' + '{"layers":[' * 5000 + "]}" * 5000 + "}"):
        found["config.json"] = text.encode()
        with zipfile.ZipFile(victim, "w") as archive:
            for name, value in found.items():
                archive.writestr(name, value)
        with pytest.raises(ValueError):
            load_model(victim)


@pytest.mark.parametrize("dtype", ["O", "S1000000000", "V8", "U100000000", "datetime64[s]"])
def test_arrays_in_configs_are_of_numbers(victim, dtype):
    def change(config):
        value = {"class_name": "__numpy__", "config": {"value": [1.0], "dtype": dtype}}
        config["config"]["layers"][1]["config"]["kernel_initializer"] = {
            "module": "keras.initializers", "class_name": "Constant", "config": {"value": value}, "registered_name": None}
    rewrite(victim, change)
    with pytest.raises((ValueError, TypeError)):
        load_model(victim)


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5", "metadata.json"])
def test_members_that_grow_without_bounds_are_refused(victim, member):      # CWE-409
    rewrite(victim, compression=zipfile.ZIP_DEFLATED, **{member.replace(".", "__"): b" " * 10**7 + b"{}"})
    if member == "metadata.json":       # which nobody reads
        with pytest.raises(ValueError, match="would grow"):
            fastnn.saving.archive.Packed(victim).read(member)
        return
    with pytest.raises(ValueError, match="would grow"):
        load_model(victim)


@pytest.mark.parametrize("method, message", [(zipfile.ZIP_DEFLATED, "damaged"), (zipfile.ZIP_BZIP2, "not read"), (zipfile.ZIP_LZMA, "not read")])
def test_members_that_lie_about_their_size_take_no_memory(victim, method, message):
    size = 2**26
    found = members(victim)
    with zipfile.ZipFile(victim, "w", method) as archive:
        archive.writestr("model.weights.h5", found["model.weights.h5"])
        with archive.open("config.json", "w") as member:
            for _ in range(size >> 20):
                member.write(b" " * 2**20)
        packed = archive.getinfo("config.json").compress_size
    with open(victim, "rb") as file:
        data = file.read().replace(size.to_bytes(4, "little"), min(7 * packed, size).to_bytes(4, "little"))
    with open(victim, "wb") as file:
        file.write(data)
    tracemalloc.start()
    with pytest.raises(ValueError, match=message):
        load_model(victim)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_files_of_layers_that_share_their_bytes_are_refused(victim):
    fastnn.Sequential([layers.Input((3,)), Vocabulary(name="v")]).save(victim)
    found = members(victim)
    with zipfile.ZipFile(victim, "w") as archive:
        for name, value in found.items():
            archive.writestr(name, value)
        archive.writestr("assets/big", b"x" * 10**6)
        big = archive.getinfo("assets/big")
        for i in range(20):         # twenty names for the same bytes
            other = archive.NameToInfo[f"assets/{i}"] = copy.copy(big)
            other.filename = f"assets/{i}"
            archive.filelist.append(other)
    with pytest.raises(ValueError, match="not unpacked"):
        load_model(victim, {"Vocabulary": Vocabulary})


def harmful(kind):
    """An HDF5 file for the weights of the model that does not hold them itself."""
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        group = h5.create_group("layers/dense/vars")
        h5.create_group("vars")
        group["1"] = np.zeros(2, "f4")
        if kind == "external":      # CVE-2026-1669
            group.create_dataset("0", (3, 2), "f4", external=[("secret", 0, 24)])
        elif kind == "shape":       # CVE-2026-0897
            group.create_dataset("0", (10**6, 10**6), "f4", chunks=(1000, 1000))
        elif kind == "soft":
            group["0"] = h5py.SoftLink("/layers/dense/vars/1")
        elif kind == "outside":
            group["0"] = h5py.ExternalLink("other.h5", "/x")
        elif kind == "virtual":
            layout = h5py.VirtualLayout((3, 2), "f4")
            layout[:] = h5py.VirtualSource("other.h5", "x", (3, 2))
            group.create_virtual_dataset("0", layout)
        elif kind == "compressed":
            group.create_dataset("0", (1000, 1000), "f4", compression="gzip", data=np.zeros((1000, 1000), "f4"))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["external", "shape", "soft", "outside", "virtual", "compressed"])
def test_weights_that_lie_elsewhere_or_nowhere_are_refused(victim, kind):
    with open("secret", "wb") as file:
        file.write(np.arange(6, dtype="f4").tobytes())
    with h5py.File("other.h5", "w") as other:
        other["x"] = np.ones((3, 2), "f4")
    rewrite(victim, **{"model__weights__h5": harmful(kind)})
    with pytest.raises(ValueError):
        load_model(victim)
    with open("w.weights.h5", "wb") as file:
        file.write(harmful(kind))
    model = fastnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    before = model.get_weights()
    with pytest.raises(ValueError):
        model.load_weights("w.weights.h5")
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_groups_that_hold_themselves_end(victim, model):
    model.save_weights("w.weights.h5")
    with h5py.File("w.weights.h5", "a") as h5:
        for i in range(5):
            h5[f"layers/round{i}"] = h5["layers"]
            h5[f"layers/dense/up{i}"] = h5["/layers"]
    twin = fastnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    twin.load_weights("w.weights.h5")
    for old, new in zip(model.get_weights(), twin.get_weights()):
        np.testing.assert_array_equal(old, new)


class Vocabulary(layers.Layer):
    """A layer with a file of its own."""

    def load_assets(self, folder):
        with open(os.path.join(folder, "words.txt"), encoding="utf-8") as file:
            self.words = file.read()

    def save_assets(self, folder):
        with open(os.path.join(folder, "words.txt"), "w", encoding="utf-8") as file:
            file.write("a b c")

    def call(self, x):
        return x


def test_files_of_layers_stay_inside_the_archive(victim):
    fastnn.Sequential([layers.Input((3,)), Vocabulary(name="v")]).save(victim)
    assert load_model(victim, {"Vocabulary": Vocabulary}).layers[0].words == "a b c"
    for name in ("assets/../../escaped", "assets/layers/vocabulary/../../../../../escaped"):
        found = members(victim)
        with zipfile.ZipFile("harm.keras", "w") as archive:
            for member, value in {**found, name: b"x"}.items():
                archive.writestr(member, value)
        with pytest.raises(ValueError, match="outside"):
            load_model("harm.keras", {"Vocabulary": Vocabulary})
        assert not os.path.exists("../escaped") and not os.path.exists("escaped")


def test_lists_of_shards_stay_in_their_folder(victim, model):
    for name in ("../other.h5", "/etc/passwd", "sub/x.h5", ".."):
        with open("w.weights.json", "w", encoding="utf-8") as file:
            json.dump({"metadata": {}, "weight_map": {"/layers/dense/vars": name}}, file)
        with pytest.raises(ValueError, match="outside of its own folder"):
            model.load_weights("w.weights.json")
