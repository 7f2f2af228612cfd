"""Helpers around models: labels, seeds, files, the progress bar, objects by name.

Submodules are imported when they are first used: most programs need two or three of these names.
"""
import importlib

# The module that each name lives in.
_NAMES = {
    "extract_archive": "archive_utils",
    "PyDataset": "dataset_utils",
    "text_dataset_from_directory": "text_dataset_utils",
    "timeseries_dataset_from_array": "timeseries_dataset_utils",
    "disable_interactive_logging": "io_utils",
    "enable_interactive_logging": "io_utils",
    "is_interactive_logging_enabled": "io_utils",
    "get_source_inputs": "tensor_utils",
    "is_keras_tensor": "tensor_utils",
    "pack_x_y_sample_weight": "batch_utils",
    "unpack_x_y_sample_weight": "batch_utils",
    "standardize_dtype": "tensor_utils",
    "get_file": "data_utils",
    "hash_file": "data_utils",
    "validate_file": "data_utils",
    "machine_limits": "machine",
    "normalize": "numerical_utils",
    "to_categorical": "numerical_utils",
    "Progbar": "progbar",
    "set_random_seed": "random_utils",
    "get_uid": "naming",
    "clear_session": "session_utils",
    "pad_sequences": "sequence_utils",
    "custom_object_scope": "object_registration",
    "deserialize_keras_object": "serialization",
    "get_custom_objects": "object_registration",
    "get_registered_name": "object_registration",
    "get_registered_object": "object_registration",
    "register_keras_serializable": "object_registration",
    "serialize_keras_object": "serialization",
    "version_info": "version_utils",
}
# Names that Keras has here, of packages that build on this one.
_ELSEWHERE = {"model_to_dot": "fastnn.visualization", "plot_model": "fastnn.visualization"}
# Names that Keras has beside others for the same.
_ALIASES = {"CustomObjectScope": "custom_object_scope", "Sequence": "PyDataset"}
__all__ = [*_ALIASES, *_NAMES, *_ELSEWHERE]


def __getattr__(name):
    name = _ALIASES.get(name, name)
    if name in _NAMES or name in _ELSEWHERE:
        value = getattr(importlib.import_module(_ELSEWHERE.get(name) or f"fastnn.utils.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'fastnn.utils' has no attribute {name!r}")


def __dir__():
    return sorted(set(globals()) | set(__all__))
