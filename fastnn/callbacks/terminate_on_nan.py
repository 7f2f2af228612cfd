"""TerminateOnNaN: ends a training that has gone astray."""
import math

from ..utils.io_utils import print_msg
from .callback import Callback


class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite.  It reads the loss after every step, which takes time.

    `GradientMonitor` also tells in which layer it began.

    Args:
        raise_error: whether a RuntimeError is raised at once, so that no callback gets to `on_train_end`; otherwise training
            ends as after its last epoch.

    Example:
        >>> model.fit(x, y, callbacks=[TerminateOnNaN()])
    """

    def __init__(self, raise_error=False):
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"the loss is {loss} at batch {batch}: TerminateOnNaN(raise_error=True) ends the training here. "
                               "GradientMonitor() tells in which layer it began")
        print_msg(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
