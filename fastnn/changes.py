"""A count of the changes that a recorded step may depend on: as long as it stands still, nobody need look what has changed."""

count = 0


def note():
    """Counts a change; for settings that are no attribute of a `Noted` object."""
    global count
    count += 1


class Noted:
    """Base of objects (layers, losses, optimizers ...) whose attributes steps read: setting one is counted."""

    def __setattr__(self, name, value):
        global count
        object.__setattr__(self, name, value)       # first: who sees the new count must find the new value
        if not isinstance(getattr(type(self), name, None), property):      # that sets what it sets
            count += 1

    def __delattr__(self, name):
        global count
        object.__delattr__(self, name)
        count += 1
