"""TensorBoard: files that the program of that name shows while a model trains."""
import json
import os
import time

from ..tree import map_structure
from ..utils.atomic import replacing
from ..utils.batch_utils import unpack_x_y_sample_weight
from ..utils.extras import require
from ..utils.serialization import serialize
from ..utils.warn_utils import warn
from .callback import Callback
from .event_files import add_histogram, add_image, add_model, summary_writer, weight_image
from .learning_rates import log_rates
from .model_graph import model_graph
from .projector import Projector


class TensorBoard(Callback):
    """Writes what TensorBoard shows: curves, the graph of layers, weights and their gradients, embeddings, the profile of a step.

    `tensorboard --logdir logs` shows it, also while training runs.  What was written is in the files at once: a run that is killed
    loses nothing.  Training is not disturbed, to the bit.

    Args:
        log_dir: folder of the run; files of training go into its subfolder `train`, those of validation into `validation`.
        histogram_freq: after every how many epochs, from the first on, histograms of all weights are written; 0: never.
        write_graph: whether the layers of a Sequential or functional model and their connections are written.
        write_images: whether the weights are also written as images, together with their histograms.
        write_steps_per_second: whether the speed is written, with the epochs' values and with the batches'.
        update_freq: "epoch": values are written after epochs only; "batch" or a number: also after every, or every so many, batches.
        profile_batch: after which batch of a fit (from 1) the step is profiled, on that batch (see `Model.profile_step`); a pair, or
            "10,20": medians of so many steps.  0: never.
        embeddings_freq: after every how many epochs the weights of Embedding layers are written for the projector; 0: never.
        embeddings_metadata: file with a label for each embedding, a line each, or a dict of such files by names of layers; paths
            begin in `log_dir`, or in the working folder.
        write_grads: whether histograms of gradients, those of the epoch's last batch, are written with those of the weights.

    Attributes:
        train_writer, val_writer: `tensorboardX.SummaryWriter` objects of the two folders, for summaries of your own.

    Raises:
        ImportError: tensorboardX is not installed.
        ValueError, TypeError: frequencies that are none; names in `embeddings_metadata` that no layer has (when training begins).

    Example:
        >>> board = TensorBoard("logs", histogram_freq=1)                               # doctest: +SKIP
        >>> model.fit(x, y, epochs=3, validation_split=0.2, callbacks=[board])          # doctest: +SKIP
    """

    embeddings_layer_names = None       # of Keras 2: which Embedding layers are shown

    def __init__(self, log_dir="logs", histogram_freq=0, write_graph=True, write_images=False, write_steps_per_second=False,
                 update_freq="epoch", profile_batch=0, embeddings_freq=0, embeddings_metadata=None, write_grads=False):
        super().__init__()
        require("tensorboardX", "TensorBoard")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = frequency(histogram_freq, "histogram_freq")
        self.embeddings_freq = frequency(embeddings_freq, "embeddings_freq")
        update_freq = 1 if update_freq == "batch" else update_freq
        self.update_freq = update_freq if update_freq == "epoch" else frequency(update_freq, "update_freq", 1)
        self.write_graph, self.write_images, self.write_grads = write_graph, write_images, write_grads
        self.write_steps_per_second, self.embeddings_metadata = write_steps_per_second, embeddings_metadata
        self._profiled = first_and_last(profile_batch)
        if (write_images or write_grads) and not histogram_freq:
            warn("TensorBoard: write_images and write_grads go with the histograms: pass histogram_freq=1, too")
        if self.update_freq == "epoch" and self._profiled is None and not write_steps_per_second:
            self.idle_hooks = (TensorBoard.on_train_batch_end,)
        self._writers, self._fitting, self._drawn, self._projector = {}, False, None, None
        self._step = self._began = self._epoch_began = 0    # batches trained with: so far, before this fit, before this epoch
        self._timed = self._epoch_timed = (0, time.perf_counter())      # batches, and when: from where on speed is measured
        self._warned = False

    # ---- Writers -------------------------------------------------------------------------------------------

    @property
    def train_writer(self):
        """The writer of the folder `train`, made when it is first used."""
        return self._writer("train")

    @property
    def val_writer(self):
        """The writer of the folder `validation`."""
        return self._writer("validation")

    _train_writer, _val_writer = train_writer, val_writer      # their names in Keras

    def _writer(self, part):
        writer = self._writers.get(part)
        if writer is None or writer.file_writer is None:
            writer = self._writers[part] = summary_writer(os.path.join(self.log_dir, part))
        return writer

    def close(self):
        """Closes the files; whatever is written later goes into new ones."""
        while self._writers:
            self._writers.popitem()[1].close()

    def set_model(self, model):
        super().set_model(model)
        if not self._fitting:
            self.close()        # of a training that failed
        self._projector = None

    # ---- Hooks ---------------------------------------------------------------------------------------------

    def on_train_begin(self, logs=None):
        self.close()
        self._fitting, self._warned = True, False
        updates = self._updates()
        self._step = self._began = self._epoch_began = self._step if updates is None else updates
        if self.write_graph and self._drawn is not self.model:
            self._drawn = self.model
            self._write_graph()
        if self.embeddings_freq:
            self._embeddings()      # raises now what it has to say of names

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch_began = self._step
        self._timed = self._epoch_timed = (self._step, time.perf_counter())

    def wants_batch(self, batch):
        own = all(getattr(type(self), hook) is getattr(TensorBoard, hook) for hook in ("on_train_batch_end", "on_batch_end"))
        before, self._step = self._around(batch)
        return not own or self._is_due(before) or self._profiles(before)

    def on_train_batch_end(self, batch, logs=None):
        before, self._step = self._around(batch)
        if self._is_due(before):
            values = {name: value for name, value in (logs or {}).items()}
            if self.write_steps_per_second:
                values["steps_per_second"] = self._speed(*self._timed)
                self._timed = (self._step, time.perf_counter())
            self._write_scalars(self.train_writer, "batch_{}", values, self._step)
        if self._profiles(before):
            self._write_profile()

    def on_epoch_end(self, epoch, logs=None):
        logs = dict(logs or {})
        if logs:
            trained = {name: value for name, value in logs.items() if not name.startswith("val_")}
            if any(hasattr(self.model.optimizer, name) for name in ("learning_rate", "optimizers")):
                log_rates(self.model, "TensorBoard", trained)
            if self.write_steps_per_second:
                trained["steps_per_second"] = self._speed(*self._epoch_timed)
            self._write_scalars(self.train_writer, "epoch_{}", trained, epoch)
            tested = {name.removeprefix("val_"): value for name, value in logs.items() if name.startswith("val_")}
            if tested:
                self._write_scalars(self.val_writer, "epoch_{}", tested, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._embeddings().write()

    def on_test_end(self, logs=None):
        updates = self._updates()
        if logs and updates is not None:
            self._write_scalars(self.val_writer, "evaluation_{}_vs_iterations", logs, updates)
        if not self._fitting:
            self.close()

    def on_train_end(self, logs=None):
        self._fitting = False
        self.close()

    # ---- Batches -------------------------------------------------------------------------------------------

    def _updates(self):
        """The number of updates that the optimizer has made; None without an optimizer."""
        return None if self.model.optimizer is None else int(self.model.optimizer.iterations)

    def _around(self, batch):
        """How many batches there were before the one or those, `steps_per_execution`, that end with this one; and with them."""
        after = self._epoch_began + batch + 1
        return after - 1 - batch % self.model.steps_per_execution, after

    def _is_due(self, before):
        return self.update_freq != "epoch" and before // self.update_freq != self._step // self.update_freq

    def _profiles(self, before):
        return self._profiled is not None and before < self._began + self._profiled[0] <= self._step

    def _speed(self, steps, since):
        return (self._step - steps) / max(time.perf_counter() - since, 1e-9)

    # ---- What is written -----------------------------------------------------------------------------------

    def _write_scalars(self, writer, tag, values, step):
        for name, value in values.items():
            if isinstance(value, (int, float)) or getattr(value, "size", 0) == 1:
                writer.add_scalar(tag.format(name), float(value), step)

    def _write_graph(self):
        """The graph of layers, and the config of the model, of which TensorBoard makes its conceptual graph."""
        if not {"Sequential", "Functional"} & {cls.__name__ for cls in type(self.model).__mro__}:
            return              # what a `call` in Python does is not known
        try:
            config = serialize(self.model)
            text, graph = json.dumps(config), model_graph(self.model, config)
        except Exception as error:      # of a user's layer: no reason to end a training
            warn(f"TensorBoard: the graph is not written, because the model has no config: {error}")
            return
        self.train_writer.file_writer.add_graph(graph)
        add_model(self.train_writer, text)

    def _write_weights(self, epoch):
        tags = {}
        for layer in self.model.layers:
            for weight in layer.weights:
                tag = tags.setdefault(id(weight), new_name(weight.path.replace(":", "_"), tags.values()))
                self._write_histogram(f"{tag}/histogram", weight.numpy(), epoch)
                image = weight_image(weight.numpy()) if self.write_images else None
                if image is not None:
                    add_image(self.train_writer, f"{tag}/image", image, epoch)
        batch = self.last_batch() if self.write_grads else None
        if batch is not None:
            for weight, gradient in self.model.gradients_of(batch):
                if gradient is not None:
                    tag = tags.setdefault(id(weight), new_name(weight.path.replace(":", "_"), tags.values()))
                    self._write_histogram(f"{tag}/gradient/histogram", gradient, epoch)

    def _write_histogram(self, tag, values, epoch):
        if not add_histogram(self.train_writer, tag, values, epoch) and not self._warned:
            self._warned = True
            warn(f"TensorBoard: {tag} of epoch {epoch + 1} leaves out NaN or infinity, which it holds")

    def _embeddings(self):
        if self._projector is None:
            self._projector = Projector(self.model, os.path.join(self.log_dir, "train"), self.embeddings_metadata, self.log_dir,
                                        self.embeddings_layer_names)
        return self._projector

    def _write_profile(self):
        """The profile of a step with the last batch: a table among the texts, and a file for trace viewers."""
        first, last = self._profiled
        batch = self.last_batch()
        if batch is None:
            return
        try:
            x, y, sample_weight = unpack_x_y_sample_weight(map_structure(lambda part: None if part is None else part.numpy(), batch))
            count = max(len(part) for part in (x.values() if isinstance(x, dict) else x if isinstance(x, (list, tuple)) else [x]))
            profile = self.model.profile_step(x, y, sample_weight, batch_size=count, steps=last - first + 1)
        except Exception as error:      # no reason to end a training
            warn(f"TensorBoard: batch {first} cannot be profiled: {error}")
            return
        table = "\n".join("    " + line for line in str(profile).splitlines())        # as code
        self.train_writer.add_text(f"profile_batch_{first}", table, self._step)
        with replacing(os.path.join(self.log_dir, "train", f"profile_batch_{first}.trace.json")) as part, open(part, "w") as file:
            json.dump(profile.trace(), file)


def frequency(value, argument, least=0):
    """A number of epochs or batches."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        also = " or 'epoch' or 'batch'" if argument == "update_freq" else ""
        raise ValueError(f"TensorBoard: `{argument}` must be an integer >= {least}{also}, received {value!r}")
    return value


def first_and_last(batches):
    """(first, last) of what `profile_batch` asks for; None for nothing."""
    found = batches
    if isinstance(found, str):
        found = [int(part) if part.strip().isdecimal() else None for part in found.split(",")]
        found = found[0] if len(found) == 1 else found
    found = [found, found] if isinstance(found, int) and not isinstance(found, bool) else found
    pair = isinstance(found, (list, tuple)) and len(found) == 2 and all(type(n) is int for n in found)
    if not pair or not 0 <= found[0] <= found[1]:
        raise ValueError("TensorBoard: `profile_batch` must be the number of a batch, or a pair of them, the first and the last, "
                         f"received {batches!r}")
    return None if found[1] == 0 else (max(found[0], 1), found[1])


def new_name(name, taken):
    """The name, or one made of it that is not taken."""
    found, number = name, 0
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
