"""TerminateOnNaN: ends a training that has gone astray."""
import math

from ..utils.io_utils import print_msg
from .callback import Callback


class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite.  It reads the loss after every step, which takes time."""

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            print_msg(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True
