"""Epochs: cuts the batches of a data adapter into epochs, and finds the place again where a training was broken off."""
from .. import config
from ..utils.warn_utils import warn
from .data_adapter import ArrayBatches
from .feed import Fed


class Epochs:
    """Cuts batches into epochs.

    Args:
        batches: one of the classes of `data_adapter`.
        steps: batches in an epoch; None: all there are.

    Attributes:
        taken: batches of the present epoch that were given out; resumed: how many of them before a training was broken off.
        order: of the present pass through all batches.
    """

    def __init__(self, batches, steps=None):
        self.batches, self.asked = batches, steps
        limit = config.max_steps_per_epoch()
        if limit and (self.steps is None or self.steps > limit):
            warn(f"`max_steps_per_epoch` of fastnn.config limits the steps of an epoch to {limit}")
            self.asked = limit
        self.iterator = self._given = None
        self.name = "x"
        self.begun = self.ran_dry = False   # whether there was any batch; whether there were none in the last epoch
        self.taken = self.resumed = self.before = 0     # before: `taken` as the pass began, less what of it was given out earlier
        self.order, self.whole = None, False        # whole: the present epoch has no more batches
        self.ahead, self.over = None, False         # what `go_to` leaves to the next epoch: (order, passed) of a pass; no more batches

    @property
    def steps(self):
        """The number of steps of an epoch, None if nobody knows."""
        return self.asked or self.batches.num_batches

    def epoch(self, step=None):
        """The batches of the next epoch, for a Step (see `ArrayBatches.batches_for`).  Warns when there are fewer than asked for."""
        self.before += self.resumed - self.taken
        self.taken, self.resumed = self.resumed, 0
        over, self.over, self.whole = self.over, False, False
        self.ran_dry = not self.taken
        if not over:
            batches = self._all(step) if self.asked is None else self._some(step)
            for self.taken, batch in enumerate(batches, self.taken + 1):
                self.begun, self.ran_dry, self._given = True, False, batch
                yield batch
        self.whole = True
        if not self.begun:
            raise ValueError(f"`{self.name}` gave no batches: it is empty, or a generator that was used up before. A generator "
                             "can be read once: make a new one for each call, or let it go on for ever (`while True`)")
        if self.ran_dry and self.asked is None:
            warn("the data ran out: a generator is read once. Let it go on for ever (`while True`) and pass the number of steps, "
                 "or pass a sequence of batches")

    def last_batch(self):
        """The batch that was given out last, as `train_step` gets it; None before the first."""
        return self._given.tensors() if self._given.__class__ is Fed else self._given

    def _iterate(self, step):
        """The batches of a new pass, or the rest of the one that is to be gone on with."""
        self.order, passed = self.ahead or (self.batches.new_order(), 0)
        self.ahead, self.before = None, self.taken - passed
        return self.batches.batches_for(step if isinstance(self.batches, ArrayBatches) else None, self.order, passed)

    def _pass_over(self):
        self.iterator, self.order, self.before = None, None, self.taken
        self.batches.on_epoch_end()

    def _all(self, step):
        yield from self._iterate(step)
        self._pass_over()

    def _some(self, step):
        for done in range(self.taken, self.asked):
            batch = self._next(step)
            if batch is None:
                warn(f"the data ran out after {done} of {self.asked} steps: let the generator go on for ever, or ask for fewer "
                     "steps")
                return
            yield batch

    def _next(self, step):
        """The next batch; after the last one the first again, unless the source is a generator that has ended."""
        for _ in range(2):
            if self.iterator is None:
                self.iterator = self._iterate(step)
            batch = next(self.iterator, None)
            if batch is not None:
                return batch
            self._pass_over()
        return None

    # ---- The place, for backups ----------------------------------------------------------------------------

    @property
    def can_go_on(self):
        """Whether the place in the midst of an epoch can be found again."""
        return self.batches.skips or hasattr(self._source(), "get_state")

    def _source(self):
        return getattr(self.batches, "source", None)

    def kind(self):
        """What data these are, for comparison."""
        names = ("num_samples", "batch_size", "num_batches", "shuffle")
        return {"kind": type(self.batches).__name__, "steps": self.asked, **{name: getattr(self.batches, name, None) for name in names}}

    def place(self, inside):
        """Where the data stand, as plain values and arrays.

        Args:
            inside: whether this is in the midst of an epoch, and not between two.
        """
        order, source, passed = self.order, self._source(), self.taken - self.before
        if order is not None and len(order) < 2**31:
            order = order.astype("int32")
        return {"taken": self.taken if inside else 0, "whole": inside and self.whole,
                "pass": (order, passed) if passed and (inside or self.asked is not None) else None,
                "source": source.get_state() if hasattr(source, "get_state") else None}

    def go_to(self, place):
        """Goes to where `place` was asked for: the next epoch is the rest of that one."""
        self.taken = self.resumed = place["taken"]
        self.whole = self.over = place["whole"]
        self.begun = self.begun or self.resumed > 0
        self.iterator, self.ahead, self.before = None, None, self.taken
        if place["pass"] is not None and self.batches.skips:
            order, passed = place["pass"]
            self.order, self.before = None if order is None else order.astype("int64"), self.taken - passed
            self.ahead = self.order, passed
        if place["source"] is not None and hasattr(self._source(), "set_state"):
            self._source().set_state(place["source"])
