"""LambdaCallback: a callback made of functions."""
from .callback import Callback

HOOKS = ("on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end", "on_train_batch_begin", "on_train_batch_end")


class LambdaCallback(Callback):
    """Calls functions at the hooks.

    Args:
        on_epoch_begin, on_epoch_end: `f(epoch, logs)`.
        on_train_begin, on_train_end: `f(logs)`.
        on_train_batch_begin, on_train_batch_end: `f(batch, logs)`.
        kwargs: the same for any other hook, as `on_test_end`.

    Example:
        >>> LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    """

    def __init__(self, on_epoch_begin=None, on_epoch_end=None, on_train_begin=None, on_train_end=None,
                 on_train_batch_begin=None, on_train_batch_end=None, **kwargs):
        super().__init__()
        functions = dict(zip(HOOKS, (on_epoch_begin, on_epoch_end, on_train_begin, on_train_end, on_train_batch_begin,
                                     on_train_batch_end)), **kwargs)
        for hook, function in functions.items():
            if not hook.startswith("on_") or not hasattr(Callback, hook):
                raise TypeError(f"LambdaCallback knows no hook {hook!r}: hooks are "
                                f"{', '.join(name for name in vars(Callback) if name.startswith('on_'))}")
            if function is not None:
                setattr(self, hook, function)
