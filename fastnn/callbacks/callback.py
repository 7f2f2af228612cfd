"""Callback: the hooks that fit, evaluate and predict call."""


class Callback:
    """Base of all callbacks: override the hooks you want; those left alone cost nothing.

    Attributes:
        model: the model that is trained.
        params: "verbose", "epochs" and "steps" (per epoch; None if not known); from `fit` also, though not listed, what
            Keras 2 told: "samples", "batch_size" and "do_validation".
        validation_data: (x, y) or (x, y, sample_weight), as `fit` was given it or split it off; None if there is none or it
            comes as batches.
        state_names: names of attributes that a training changes; with them a training that was interrupted goes on (see
            `BackupAndRestore`).
        idle_hooks: functions of the class that have nothing to do with the arguments which this object was given.

    `logs` are values by name (floats), as they stand at that moment.

    Example:
        >>> class PrintLoss(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, logs["loss"])
    """

    model = None
    validation_data = None
    state_names = ()        # attributes that change in a training, and are part of its backups
    runs_last = False       # whether its hooks are called after those of the other callbacks
    idle_hooks = ()
    training_data = staticmethod(lambda: None)     # a weak reference to what a `fit` takes its batches from

    def __init__(self):
        self.params = None

    def set_params(self, params):
        """Takes `params`, before training."""
        self.params = params

    def set_model(self, model):
        """Takes the model, before training."""
        self.model = model

    def get_state(self):
        """What a backup of the training keeps of this callback, for `set_state`: here the attributes named in `state_names`.

        Returns:
            None (nothing), or numbers, texts, None, NumPy arrays, and lists, tuples and dicts of these.
        """
        return {name: getattr(self, name) for name in self.state_names} or None

    def set_state(self, state):
        """Takes what `get_state` gave in a training that was interrupted; after `on_train_begin`."""
        for name, value in state.items():
            setattr(self, name, value)

    def __getstate__(self):     # copies and pickles have no training of their own
        return {name: value for name, value in vars(self).items() if name != "training_data"}

    def last_batch(self):
        """The batch that `fit` trained with last, as `train_step` gets it: x, (x, y) or (x, y, sample_weight), tensors.

        None before the first one, and when the training is over.
        """
        data = self.training_data()
        return None if data is None else data.last_batch()

    def wants_batch(self, batch):
        """Whether the hook after a batch should be called now, which costs reading the logs."""
        return True

    def on_train_begin(self, logs=None):
        """Before training."""

    def on_train_end(self, logs=None):
        """After training."""

    def on_train_interrupted(self, logs=None):
        """After Ctrl-C has ended a training, before `on_train_end`."""

    def on_epoch_begin(self, epoch, logs=None):
        """Before an epoch (counted from 0)."""

    def on_epoch_end(self, epoch, logs=None):
        """After an epoch; `logs` hold training and validation values.  What is added to them enters the history."""

    def on_batch_begin(self, batch, logs=None):
        """An older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch, logs=None):
        """An older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch, logs=None):
        """Before a step of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_data(self, batch, data):
        """After `on_train_batch_begin`, with what the step is about to get: x, (x, y) or (x, y, sample_weight), tensors.

        Keras has no such hook.  With `steps_per_execution` it is called for each step.
        """

    def on_train_batch_end(self, batch, logs=None):
        """After a step of training; `logs` are means since the epoch began."""
        self.on_batch_end(batch, logs=logs)

    def on_test_begin(self, logs=None):
        """Before an evaluation, also one inside `fit`."""

    def on_test_end(self, logs=None):
        """After an evaluation."""

    def on_test_batch_begin(self, batch, logs=None):
        """Before a batch of evaluation."""

    def on_test_batch_end(self, batch, logs=None):
        """After a batch of evaluation."""

    def on_predict_begin(self, logs=None):
        """Before a prediction."""

    def on_predict_end(self, logs=None):
        """After a prediction."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Before a batch of prediction."""

    def on_predict_batch_end(self, batch, logs=None):
        """After a batch of prediction; `logs["outputs"]` are its outputs."""
