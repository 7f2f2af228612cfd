"""What the tests of exported models share."""
import numpy as np
import pytest

from fastnn.tape import flatten
from fastnn.tensor import Tensor

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def opened(file):
    """A session of onnxruntime for a file, or for its bytes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file if isinstance(file, bytes) else str(file), options, providers=["CPUExecutionProvider"])


def run(session, data):
    """The outputs of a session for arrays in the order of its inputs."""
    names = [x.name for x in session.get_inputs()]
    assert len(names) == len(data)
    return session.run(None, dict(zip(names, data)))


def compare(model, session, data, argument=None, rtol=1e-5):
    """Runs a session, and holds its outputs to those of the model."""
    given = argument if argument is not None else data if len(data) > 1 else data[0]
    wanted = model([Tensor(x) for x in given] if isinstance(given, list) else given, training=False)
    wanted = [wanted[key] for key in sorted(wanted)] if isinstance(wanted, dict) else flatten(wanted)
    found = run(session, data)
    assert len(found) == len(wanted)
    for y, expected in zip(found, wanted):
        expected = expected.numpy()
        assert y.dtype == expected.dtype and y.shape == expected.shape
        scale = max(1e-30, np.abs(expected[np.isfinite(expected)]).max(initial=0)) if expected.dtype.kind == "f" else 1
        np.testing.assert_allclose(y, expected, rtol=rtol, atol=rtol * scale)
    return found
