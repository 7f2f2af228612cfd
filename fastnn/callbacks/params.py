"""Params: what callbacks know of a training before it begins."""


class Params(dict):
    """"verbose", "epochs" and "steps"; and, for who asks, what older versions of Keras told.

    Attributes:
        hidden: values that can be asked for, and are in no list of keys: "samples", "batch_size", "do_validation".
        aliases: older names of names; `fastnn.compat` fills it.
    """

    aliases = {}

    def __init__(self, values=()):
        super().__init__(values)
        self.hidden = {}

    def __missing__(self, name):
        now = self.aliases.get(name, name)
        if super().__contains__(now):
            return self[now]
        return self.hidden[now]

    def __contains__(self, name):
        now = self.aliases.get(name, name)
        return any(super(Params, self).__contains__(one) for one in (name, now)) or now in self.hidden

    def get(self, name, default=None):
        return self[name] if name in self else default
