"""CTC: what the golden numbers leave out."""
import numpy as np
import pytest

from fastnn import losses, ops
from fastnn.tensor import Spec, Tensor


def test_losses_of_the_same_labels_padded_otherwise(rng):
    x = Tensor(rng.standard_normal((2, 9, 5)))
    short = ops.ctc_loss([[1, 2], [3, 0]], x, [2, 1], [9, 7]).numpy()
    np.testing.assert_array_equal(ops.ctc_loss([[1, 2, -1, 99], [3, 3, 3, 3]], x, [2, 1], [9, 7]).numpy(), short)
    loss = losses.CTC(dtype="float64")
    assert loss.get_config() == {"name": "ctc", "reduction": "sum_over_batch_size"}
    np.testing.assert_allclose(float(loss([[1, 2], [3, 0]], x)), ops.ctc_loss([[1, 2], [3, 0]], x, [2, 1], [9, 9]).numpy().mean())


def test_errors(rng):
    x = rng.standard_normal((2, 9, 5))
    for call, words in ((lambda: ops.ctc_loss([[1, 5], [1, 2]], x, [2, 2], [9, 9]), r"target at position \(0, 1\) is 5, and there are 5"),
                        (lambda: ops.ctc_loss([[1, 2], [1, 2]], x, [2, 2], [9, 9], mask_index=5), "mask_index is 5"),
                        (lambda: ops.ctc_loss([1, 2], x, [2, 2], [9, 9]), "target has the shape"),
                        (lambda: ops.ctc_loss([[1, 2]], x, [2], [9]), "target has the shape"),
                        (lambda: ops.ctc_decode(x, [9, 9], "best"), "strategy must be"), (lambda: ops.ctc_decode(x[0], [9]), "inputs have"),
                        (lambda: losses.ctc([[1, 2]], x[0]), "loss 'ctc': received"),
                        (lambda: ops.binary_crossentropy([1.0, 2.0], [1.0]), "same shape"),
                        (lambda: ops.categorical_crossentropy(1.0, 1.0), "scalar"),
                        (lambda: ops.sparse_categorical_crossentropy([1, 2], x), "without axis")):
        with pytest.raises(ValueError, match=words):
            call()


def test_batches_may_be_open():
    assert ops.ctc_loss(Spec((None, 3), "int64"), Spec((None, 9, 5)), Spec((None,), "int32"), Spec((None,), "int32")).shape == (None,)
    assert ops.sparse_categorical_crossentropy(Spec((None, 1), "int32"), Spec((None, 5))).shape == (None,)
    assert ops.binary_crossentropy(Spec((None, 5)), Spec((None, 5))).shape == (None, 5)


def test_long_sequences_neither_overflow_nor_vanish(rng):
    x = Tensor((30 * rng.standard_normal((1, 3000, 20))).astype("float32"))
    assert np.isfinite(ops.ctc_loss(rng.integers(1, 20, (1, 400)), x, [400], [3000]).numpy()).all()
