"""Packages that only some functions need: imported when they are called, and named, with the cure, when they are missing."""
import importlib

# package -> the extra of fastnn that brings it; the others are installed by their own names
EXTRAS = {"h5py": "h5", "safetensors": "safetensors", "onnx": "onnx", "matplotlib": "plot", "tensorboardX": "tensorboard"}


def require(module, purpose):
    """A module of a package that fastnn does not itself depend on.

    Args:
        module: its name, as for `import`.
        purpose: what needs it, as the subject of the message.

    Raises:
        ImportError: it is not installed; the message gives the command that installs it.

    Example:
        >>> require("json", "This example").dumps([1])
        '[1]'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        what = f"'fastnn[{EXTRAS[package]}]'" if package in EXTRAS else package
        raise ImportError(f"{purpose} needs {package}, which cannot be imported ({error}). Install it: pip install {what}") from error
