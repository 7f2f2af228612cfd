"""SwapEMAWeights: evaluates a model with the moving averages of its weights."""
from .callback import Callback


class SwapEMAWeights(Callback):
    """Gives a model the moving averages of its weights while it is evaluated, and its own ones back for training.

    The optimizer keeps the averages: `SGD(use_ema=True)`.  After the training the model has the averages, as ever with `use_ema`.

    Args:
        swap_on_epoch: whether the model has the averages from the end of an epoch to the beginning of the next one, too: callbacks
            that come after this one, as a ModelCheckpoint, see them.

    Raises:
        ValueError: an optimizer that keeps no averages.

    Example:
        >>> model.compile(fastnn.optimizers.SGD(use_ema=True), "mse")
        >>> model.fit(x, y, validation_split=0.2, callbacks=[SwapEMAWeights()])
    """

    def __init__(self, swap_on_epoch=False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._own = None        # the values of the weights themselves, while the model has the averages

    def _pairs(self):
        """(weight, average) of all optimizers that keep averages."""
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        averaging = [one for one in getattr(optimizer, "optimizers", [optimizer]) if getattr(one, "use_ema", False)]
        if not averaging:
            raise ValueError("SwapEMAWeights needs an optimizer that keeps averages of the weights: pass use_ema=True to it")
        # one that has not made a step yet has no averages: the weights are as they are
        return [pair for one in averaging if one.built for pair in zip(one._trainable_variables, one._averages)]

    def _put_averages(self):
        if self._own is None:
            pairs = self._pairs()
            self._own = [(weight, weight.numpy().copy()) for weight, _ in pairs]
            for weight, average in pairs:
                weight.assign(average)

    def _put_own(self):
        if self._own is not None:
            for weight, value in self._own:
                weight.assign(value)
            self._own = None

    def get_state(self):
        return None if self._own is None else [value for _, value in self._own]

    def set_state(self, state):
        self._own = [(weight, value) for (weight, _), value in zip(self._pairs(), state, strict=True)]

    def on_epoch_begin(self, epoch, logs=None):
        if self.swap_on_epoch:
            self._put_own()

    def on_epoch_end(self, epoch, logs=None):
        if self.swap_on_epoch:
            self._put_averages()

    def on_train_end(self, logs=None):
        self._own = None        # `fit` has given the averages to the model

    def on_test_begin(self, logs=None):
        self._put_averages()

    def on_test_end(self, logs=None):
        self._put_own()

    def on_predict_begin(self, logs=None):
        self._put_averages()

    def on_predict_end(self, logs=None):
        self._put_own()
