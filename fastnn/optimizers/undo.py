"""Updates that count only if a tensor says so."""
from contextlib import contextmanager

from .. import ops


@contextmanager
def only_if(condition, variables):
    """What happens to the variables inside is kept where the condition holds, and taken back otherwise.

    A recorded step is the same launches every time, so Python must not ask for the condition's value.

    Args:
        condition: a bool tensor of no axes.
        variables: all that may change inside; each once.

    Example:
        >>> from fastnn import Variable
        >>> v, due = Variable([1.0]), Variable(False, dtype="bool")
        >>> with only_if(due, [v]):
        ...     v.assign([2.0])
        >>> v.tolist()
        [1.0]
    """
    before = [ops.copy(v) for v in variables]
    yield
    for v, old in zip(variables, before):
        v.assign(ops.where(condition, v, old))
