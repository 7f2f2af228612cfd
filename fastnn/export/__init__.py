"""Models as files that other engines run."""
from .formats import export_model
from .onnx_file import onnx

__all__ = ["export_model", "onnx"]
