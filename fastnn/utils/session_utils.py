"""Starting over in one process."""

_hooks = []


def on_clear_session(function):
    """Has `function()` called by `clear_session`; for modules that keep state between models. Returns `function`."""
    _hooks.append(function)
    return function


def clear_session(free_memory=True):
    """Forget what fastnn keeps between models: automatic names start anew (`dense`, `dense_1` ...).

    Models that are still referenced go on working.

    Args:
        free_memory: also run Python's garbage collector.

    Example:

    >>> import fastnn
    >>> fastnn.utils.clear_session()
    >>> fastnn.layers.Dense(1).name
    'dense'
    """
    for function in _hooks:
        function()
    if free_memory:
        import gc

        gc.collect()
