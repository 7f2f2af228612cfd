"""Models on matrices of scipy.sparse: the numbers of the dense ones, in every way that data come in."""
import subprocess
import sys

import numpy as np
import pytest

import fastnn
from fastnn import layers, ops, regularizers
from fastnn.models import Sequential, fusion

sparse = pytest.importorskip("scipy.sparse")

FORMATS = ["csr_matrix", "csr_array", "csc_matrix", "csc_array", "coo_matrix", "coo_array", "lil_matrix", "dok_array", "bsr_matrix", "dia_matrix"]


def words(rng, n=40, columns=30, dtype="float32"):
    """Counts of few words in texts, one of them empty."""
    x = (rng.random((n, columns)) < 0.1) * rng.integers(1, 4, (n, columns))
    x[3] = 0
    return x.astype(dtype)


def targets(x):
    return (x[:, ::2].sum(1, keepdims=True) > x[:, 1::2].sum(1, keepdims=True)).astype("float32")


def model(units=8, sparse=None, **arguments):
    fastnn.utils.set_random_seed(3)
    made = Sequential([layers.Input((30,), sparse=sparse), layers.Dense(units, activation="relu", **arguments),
                       layers.Dense(1, activation="sigmoid")])
    made.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    return made


def close(a, b, tolerance=2e-6):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def trained(x, y, **arguments):
    net = model()
    history = net.fit(x, y, epochs=3, batch_size=16, verbose=0, **arguments).history
    return history, net.get_weights()


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_predicts_what_the_dense_array_does(kind, rng):
    x = words(rng)
    net = model(sparse=True)
    close(net.predict(getattr(sparse, kind)(x), verbose=0), net.predict(x, verbose=0))
    close(net(getattr(sparse, kind)(x)).numpy(), net(x).numpy())


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64", "float32", "float64"])
def test_every_type_of_numbers(dtype, rng):
    x = words(rng, dtype=dtype)
    net = model()
    close(net.predict(sparse.csr_matrix(x), verbose=0), net.predict(x.astype("float32"), verbose=0))
    close(net(sparse.csr_matrix(x)).numpy(), net(x.astype("float32")).numpy())


@pytest.mark.parametrize("arguments", [{}, {"shuffle": False}, {"validation_split": 0.25}, {"class_weight": {0: 1.0, 1: 3.0}}, {"shuffle": "batch"},
                                       {"sample_weight": np.linspace(0, 2, 40)}])
def test_training_gives_the_numbers_of_the_dense_array(arguments, rng):
    x = words(rng)
    y = targets(x)
    expected, weights = trained(x, y, **arguments)
    found, others = trained(sparse.csr_matrix(x), y, **arguments)
    assert expected.keys() == found.keys()
    for name in expected:
        close(found[name], expected[name])
    for a, b in zip(weights, others):
        close(a, b, 1e-5)


def test_validation_data_and_evaluate(rng):
    x = words(rng)
    y, s = targets(x), sparse.csr_matrix(x)
    net = model()
    history = net.fit(s[:30], y[:30], validation_data=(s[30:], y[30:]), epochs=2, verbose=0).history
    close(history["val_loss"][-1], net.evaluate(x[30:], y[30:], verbose=0)[0])
    close(net.evaluate(s, y, verbose=0), net.evaluate(x, y, verbose=0))


def test_one_batch(rng):
    x = words(rng)
    y, s = targets(x), sparse.csr_matrix(x)
    a, b = model(), model()
    for _ in range(3):
        close(a.train_on_batch(s, y), b.train_on_batch(x, y))
    close(a.test_on_batch(s, y), b.test_on_batch(x, y))
    close(a.predict_on_batch(s), b.predict_on_batch(x))


def test_generators_and_sequences_of_sparse_batches(rng):
    x = words(rng)
    y, s = targets(x), sparse.csr_matrix(x)

    class Batches(fastnn.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return s[10 * i:10 * i + 10], y[10 * i:10 * i + 10]

    def forever(data):
        while True:
            for i in range(0, 40, 10):
                yield data[i:i + 10], y[i:i + 10]

    losses = [model().fit(source, epochs=2, steps_per_epoch=4, verbose=0, shuffle=False).history["loss"]
              for source in (Batches(), forever(s), forever(x))]
    close(losses[0], losses[2])
    close(losses[1], losses[2])


def test_duplicates_add_up_and_columns_come_in_any_order():
    x = sparse.csr_matrix((np.array([1.0, 2.0, 4.0, 8.0]), np.array([5, 0, 5, 29]), np.array([0, 3, 4])), shape=(2, 30))
    assert not x.has_canonical_format
    net = model()
    close(net.predict(x, verbose=0), net.predict(x.toarray(), verbose=0))
    assert x.nnz == 4, "the caller's matrix was changed"


def test_penalties_and_constraints_of_the_first_layer(rng):
    x = words(rng)
    y = targets(x)
    found = []
    for data in (x, sparse.csr_matrix(x)):
        net = model(kernel_regularizer=regularizers.L2(0.01), activity_regularizer=regularizers.L1(0.01), kernel_constraint="max_norm")
        found.append(net.fit(data, y, epochs=3, verbose=0).history["loss"])
    close(found[0], found[1])


def test_a_model_without_input_is_built_by_sparse_data(rng):
    x = words(rng)
    net = Sequential([layers.Dense(3)])
    net.compile("sgd", "mse")
    net.fit(sparse.csr_matrix(x), np.zeros((40, 3)), verbose=0)
    assert net.layers[0].kernel.shape == (30, 3)


def test_own_models_pass_sparse_inputs_on(rng):
    class Net(fastnn.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs)

    x = words(rng)
    net = Net()
    net.compile("sgd", "mse")
    net.fit(sparse.csr_matrix(x), targets(x), verbose=0)
    close(net.predict(sparse.csr_matrix(x), verbose=0), net.predict(x, verbose=0))


@pytest.mark.parametrize("first", [layers.Flatten, lambda: layers.Dropout(0.5), lambda: layers.Rescaling(2.0)])
def test_other_first_layers_say_what_to_do(first, rng):
    net = Sequential([layers.Input((30,)), first(), layers.Dense(1)])
    net.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"takes dense inputs.*shape \(32, 30\).*toarray.*begin the model with Dense"):
        net.fit(sparse.csr_matrix(words(rng)), np.zeros((40, 1)), verbose=0)


def test_shapes_are_checked_before_training(rng):
    with pytest.raises(ValueError, match="expected shape"):
        model().fit(sparse.csr_matrix(np.eye(4)), np.zeros((4, 1)), verbose=0)
    with pytest.raises(ValueError, match="same number of samples"):
        model().fit(sparse.csr_matrix(words(rng)), np.zeros((4, 1)), verbose=0)
    with pytest.raises(ValueError, match="`y` must be dense.*toarray"):
        model().fit(words(rng), sparse.csr_matrix(words(rng)), verbose=0)
    with pytest.raises(ValueError, match="must hold numbers.*complex"):
        model().predict(sparse.csr_matrix(np.eye(30, dtype=complex)), verbose=0)


@pytest.mark.parametrize("array, at, value, words_", [
    ("indices", 2, 30, r"column 30 at position 2 .*< 30"), ("indices", 0, -1, "column -1 at position 0"),
    ("indptr", 1, 4, r"indptr\[2\] is 3, less than indptr\[1\] = 4"), ("indptr", 2, 99, r"indptr\[2\] is 99, but there are only 3"),
    ("indptr", 0, 1, r"indptr\[0\] is 1"), ("indptr", 1, -5, r"indptr\[1\] is -5"),
])
def test_corrupt_matrices_are_refused_with_the_position(array, at, value, words_):
    x = sparse.csr_matrix((np.ones(4), np.array([1, 2, 3, 4]), np.array([0, 2, 3])), shape=(2, 30))
    if array == "indptr" and at == 2:
        x.indptr = np.array([0, 2, 99], "int32")
    else:
        getattr(x, array)[at] = value
    with pytest.raises(ValueError, match=words_):
        model().predict(x, verbose=0)


def test_what_spoils_the_entries_later_is_found_by_the_kernel():
    x = ops.SparseTensor((2, 30), [0, 2, 3], [1, 2, 3], np.ones(3, "f4"))
    x.indices.data[1] = 77
    with pytest.raises(ValueError, match="index 77 at position 1.*< 30"):
        model()(x)
    x = ops.SparseTensor((2, 30), [0, 5, 3], [1, 2, 3], np.ones(3, "f4"))
    with pytest.raises(ValueError, match="index 5 at position 1"):
        model()(x)


@pytest.mark.parametrize("arrays, error, words_", [
    (([0, 1], [0.5], [1.0]), ValueError, "`indices` .*must hold integers, received float32"),
    (([0.0, 1.0], [0], [1.0]), ValueError, "`indptr` .*must hold integers"),
    (([0, 1], np.array([2**32]), [1.0]), ValueError, "`indices` .*must fit int32, received 4294967296"),
    (([0, 1], [0], ["a"]), TypeError, "expected numbers"),
])
def test_arrays_that_are_no_matrix(arrays, error, words_):
    with pytest.raises(error, match=words_):
        ops.SparseTensor((1, 3), *arrays)


def test_numbers_in_lists():
    x = ops.SparseTensor((2, 3), [0, 1, 1], [2], [5])
    assert x.dtype == "int32" and x.numpy().tolist() == [[0, 0, 5], [0, 0, 0]]
    assert ops.SparseTensor((1, 3), [0, 0], [], []).numpy().tolist() == [[0, 0, 0]]
    x = ops.SparseTensor((2, 3), [0, 1, 3], [2, 0, 1], [5.0, 1.0, 2.0])
    assert x.dtype == "float32"
    assert (x @ np.ones((3, 1))).tolist() == (x @ [[1], [1], [1]]).tolist() == [[5.0], [3.0]]


def test_what_takes_dense_arrays_says_so():
    with pytest.raises(TypeError, match=r"call \.numpy\(\)"):
        np.asarray(ops.SparseTensor((1, 3), [0, 0], [], []))
    with pytest.raises(TypeError, match=r"sparse matrix of shape \(3, 3\): call its \.toarray"):
        ops.matmul(sparse.csr_matrix(np.eye(3)), np.eye(3))


def test_an_activation_behind_runs_in_the_same_op(rng, monkeypatch):
    x = sparse.csr_matrix(words(rng))
    net = Sequential([layers.Dense(8), layers.ReLU(), layers.Dense(1)])
    net(x)
    with fusion.unfused():
        apart = net(x).numpy()
    monkeypatch.setattr(layers.ReLU, "__call__", lambda *_: pytest.fail("relu runs alone"))
    np.testing.assert_array_equal(net(x).numpy(), apart)


def test_gradients_flow_to_the_values():
    x = ops.SparseTensor((2, 3), [0, 1, 3], [2, 0, 1], np.array([5.0, 1.0, 2.0], "f4"))
    w = fastnn.ops.convert_to_tensor(np.arange(6, dtype="f4").reshape(3, 2))
    with fastnn.GradientTape() as tape:
        tape.watch([x.values, w])
        y = ops.sum(x @ w)
    dv, dw = tape.gradient(y, [x.values, w])
    assert dv.tolist() == [9.0, 1.0, 5.0] and dw.tolist() == [[1.0, 1.0], [2.0, 2.0], [5.0, 5.0]]


def test_same_bits_on_any_number_of_threads(rng, threads):
    x = sparse.random(400, 30, 0.3, format="csr", dtype="float32", random_state=np.random.default_rng(1))
    y = rng.random((400, 1))
    found = []
    for n in (1, 2, 4):
        threads(n)
        net = model(units=64)
        net.fit(x, y, batch_size=200, epochs=3, verbose=0)
        found.append(b"".join(w.tobytes() for w in net.get_weights()))
    assert found[0] == found[1] == found[2]


def test_input_remembers_that_it_is_sparse():
    net = model(sparse=True)
    assert net.get_config()["layers"][0]["config"]["sparse"] is True
    assert Sequential.from_config(net.get_config()).get_config()["layers"][0]["config"]["sparse"] is True


def test_scipy_is_not_imported():
    code = "import sys, numpy, fastnn; fastnn.Sequential([fastnn.layers.Dense(2)]).predict(numpy.ones((3, 4)), verbose=0); print('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True).stdout.strip() == "False"
