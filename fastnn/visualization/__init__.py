"""Pictures of models, of training, and of what a model says about data.

Submodules are imported when they are first used; what is drawn by matplotlib needs `pip install 'fastnn[plot]'`.
"""
import importlib

# The module that each name lives in.
_NAMES = {
    "plot_model": "model_pictures", "model_to_dot": "model_pictures", "ModelDot": "model_pictures", "plot_history": "history",
    "plot_confusion_matrix": "confusion", "confusion_matrix": "confusion", "contact_sheet": "images",
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        value = getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(set(globals()) | set(__all__))
