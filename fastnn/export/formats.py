"""The formats that `model.export` knows."""
import os

from .onnx_file import onnx

FORMATS = {"onnx": onnx}


def export_model(model, filepath, format, verbose=None, input_signature=None, **kwargs):
    """Writes a model in a format; see `Model.export`."""
    if format not in FORMATS:
        raise ValueError(f"`format` must be {' or '.join(map(repr, FORMATS))}, which other engines run or convert to their own. "
                         f'Received: {format!r}. To load the model here again use model.save("model.keras")')
    if not os.fspath(filepath).endswith(f".{format}"):
        raise ValueError(f"the path of an exported model must end in .{format}, received {os.fspath(filepath)!r}")
    if "opset_version" in kwargs:       # as Keras calls it
        kwargs["opset"] = kwargs.pop("opset_version")
    FORMATS[format](model, filepath, input_signature=input_signature, verbose=verbose, **kwargs)
