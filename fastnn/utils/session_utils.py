"""Starting over in one process."""

from .naming import reset_names


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
    reset_names()
    if free_memory:
        import gc

        gc.collect()
