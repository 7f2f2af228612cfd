"""BackupAndRestore: a training that was killed goes on where it was, with the same bits."""
import contextlib
import os

from ..saving import training_state
from ..utils.serialization import is_builtin
from ..utils.state_file import DamagedFile, read_state, write_state
from ..utils.warn_utils import warn
from .callback import Callback

FORMAT = 1


class BackupAndRestore(Callback):
    """Keeps a backup of the training in a folder, and goes on from there when the same script is started again.

    A training that was killed and started again, at whatever moments and however often, ends with the same bits as one that was
    not: weights, state of the optimizer, history, metrics in mid-epoch, random numbers, the order of shuffled samples, and what the
    other callbacks keep (`Callback.state_names`).  Its hooks are called after those of the other callbacks.

    Data of arrays, and sequences of numbered batches, go on in the midst of an epoch.  A generator cannot: it is asked anew, and
    backups are made at the ends of epochs, whatever `save_freq` says; unless it has `get_state()` and `set_state(state)`.

    After Ctrl-C a backup of that very step is made.

    Args:
        backup_dir: folder for the backup, of this training alone; it is made if need be.
        save_freq: "epoch": a backup after each epoch; an integer: after so many steps; False: only after Ctrl-C.
        double_checkpoint: whether the backup before the last one is kept, too, in case the last one gets damaged.
        delete_checkpoint: whether the backups are deleted when the training is done.

    Raises:
        ValueError: bad arguments; when a training begins: a backup that is damaged, or that belongs to another training.

    Example:
        >>> import os, tempfile
        >>> folder = os.path.join(tempfile.mkdtemp(), "backup")
        >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[BackupAndRestore(folder, save_freq=100)])
        >>> os.path.exists(folder)      # all done
        False
    """

    runs_last = True        # the others' state is part of a backup, and what they set as a training begins is not the last word

    def __init__(self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True):
        super().__init__()
        if not backup_dir:
            raise ValueError(f"BackupAndRestore: `backup_dir` must be the path of a folder, received {backup_dir!r}")
        if save_freq != "epoch" and save_freq is not False and (type(save_freq) is not int or save_freq < 1):
            raise ValueError(f"BackupAndRestore: `save_freq` must be 'epoch', an integer >= 1 (steps) or False, received {save_freq!r}")
        self.backup_dir, self.save_freq = os.fspath(backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self.path, self.previous = (os.path.join(self.backup_dir, name) for name in ("latest.npz", "previous.npz"))
        self._state = self._before_validation = None    # what is to be gone on from; what an interrupted validation goes back to
        self._since = self._counted = 0     # steps since the last backup; those of this epoch that were counted
        if type(save_freq) is int:
            self.on_train_batch_end = self._after_batch     # a hook that is not there costs nothing

    # ---- Going on ------------------------------------------------------------------------------------------

    def on_train_begin(self, logs=None):
        run = self.model._present_fit
        if run is None:
            raise ValueError("BackupAndRestore works inside of `fit`: a loop of your own writes its own files")
        self._since, self._before_validation = 0, None
        self._warn_of_data(run)
        self._state = self._read()
        if self._state is not None:
            self._prepare(run, self._state)
            run.go_to(self._state["place"])
            self._put(self._state)

    def on_epoch_begin(self, epoch, logs=None):
        self._counted, self._before_validation = self.model._present_fit.data.resumed, None
        state, self._state = self._state, None
        if state is not None and state["place"]["inside"]:
            self._put(state)        # what hooks did as the epoch began is done in it already

    def _read(self):
        """The last backup; None if there is none."""
        found = [path for path in (self.path, self.previous)[:1 + self.double_checkpoint] if os.path.exists(path)]
        for path in found:
            try:
                state = read_state(path)
                if not isinstance(state, dict) or state.get("format") != FORMAT:
                    raise DamagedFile(f"the file {path} is no backup that this version of fastnn can read")
                return state
            except DamagedFile as error:
                if path == found[-1]:
                    raise DamagedFile(f"BackupAndRestore: {error}. Delete the folder {self.backup_dir} to begin anew"
                                      f"{'' if self.double_checkpoint else '; double_checkpoint=True keeps two backups'}") from error
                warn(f"BackupAndRestore: {error}; the backup before it is taken")
        return None

    def _prepare(self, run, state):
        """Makes the variables that the first step makes, and compares all with the backup."""
        for name, now in run.kind().items():
            if now != state["kind"][name]:
                self._refuse(f"{name} was {told(state['kind'][name], now)}, now it is {told(now, state['kind'][name])}")
        own = [(v, v.numpy().copy()) for some in training_state.variables_of(self.model).values() for v in some]
        random = training_state.random_state()
        if not training_state.same_number(self.model, state["variables"]):
            training_state.set_random_state(state["random"])
            batch = run.data.batches.first()
            drawn = training_state.random_state()
            if batch is not None:
                self.model.train_step(batch)        # of which nothing stays but that there are variables
            more = state["place"]["epoch"] < self.params["epochs"] and not state["stop_training"]
            if more and not run.can_go_on:      # of a generator the batch was taken that will be its first one
                state["random"].update(numpy=drawn["numpy"], python=drawn["python"])
        difference = training_state.misfit(self.model, state["variables"])
        if difference:
            for variable, value in own:
                variable.assign(value)      # who is refused has lost nothing
            training_state.set_random_state(random)
            self._refuse(difference)

    def _refuse(self, difference):
        raise ValueError(f"BackupAndRestore: the backup in {self.backup_dir} belongs to another training: {difference}. Delete the folder to "
                         "begin anew, or give this training a folder of its own")

    def _put(self, state):
        training_state.set_values(self.model, state["variables"])
        self.model.stop_training = state["stop_training"]
        for callback, kept in zip(self._others(), self._matching(state["callbacks"])):
            if kept is not None:
                callback.set_state(kept)
        training_state.set_random_state(state["random"])

    def _others(self):
        return [callback for callback in self.model._present_fit.callbacks.callbacks if callback is not self]

    def _matching(self, kept):
        """What was kept of each of the other callbacks: those of one class are told apart by their order."""
        kept = list(kept)
        for callback in self._others():
            found = next((entry for entry in kept if entry[0] == type(callback).__name__), None)
            if found is not None:
                kept.remove(found)
            elif callback.get_state() is not None:
                warn(f"the backup in {self.backup_dir} knows nothing of the callback {type(callback).__name__}, which begins anew")
            yield None if found is None else found[1]

    def _warn_of_data(self, run):
        source = getattr(run.data.batches, "source", None)
        if type(self.save_freq) is int and not run.can_go_on:
            warn(f"BackupAndRestore: x is a {type(source).__name__}, which cannot go on in the midst of an epoch: backups are made at the ends "
                 "of epochs. Give it get_state() and set_state(state), or pass arrays or an object with __len__ and __getitem__")
        elif run.data.batches.skips and not hasattr(source, "get_state") and reorders(source):
            warn(f"BackupAndRestore: {type(source).__name__} has an on_epoch_end. What it changes there is no part of the backup, unless the "
                 "class has get_state() and set_state(state)")

    # ---- Backups -------------------------------------------------------------------------------------------

    def wants_batch(self, batch):
        self._since += batch + 1 - self._counted
        self._counted = batch + 1
        return self._since >= self.save_freq and self.model._present_fit.can_go_on

    def _after_batch(self, batch, logs=None):
        self.model._present_fit.partial = dict(logs)
        self._save()

    def on_epoch_end(self, epoch, logs=None):
        self._before_validation = None
        if self.save_freq == "epoch" or self.save_freq and not self.model._present_fit.can_go_on:
            self._save()

    def on_test_begin(self, logs=None):
        run = self.model._present_fit
        if run is not None:
            self._before_validation = {"place": run.place(), "random": training_state.random_state()}

    def on_train_interrupted(self, logs=None):
        run = self.model._present_fit
        exact = run.can_go_on or not run.inside
        if exact and run.data.begun:        # else the backup that there may be is this very state
            self._save()
        if os.path.exists(self.path):
            run.advice = f" The backup in {self.backup_dir} holds {'this very step' if exact else 'the end of an epoch'}: fit again to go on."

    def on_train_end(self, logs=None):
        if self.delete_checkpoint and not self.model._present_fit.interrupted:
            for path in (self.path, self.previous):
                with contextlib.suppress(FileNotFoundError):
                    os.remove(path)
            with contextlib.suppress(OSError):      # there are other files in it, or it never was
                os.rmdir(self.backup_dir)

    def _save(self):
        run = self.model._present_fit
        state = {"format": FORMAT, "kind": run.kind(), "place": run.place(), "random": training_state.random_state(),
                 "variables": training_state.values_of(self.model), "stop_training": bool(self.model.stop_training),
                 "callbacks": [(type(callback).__name__, callback.get_state()) for callback in self._others()],
                 **(self._before_validation or {})}
        os.makedirs(self.backup_dir, exist_ok=True)
        write_state(self.path, state, before=self._keep_previous)
        self._since = 0

    def _keep_previous(self):
        if self.double_checkpoint and os.path.exists(self.path):
            os.replace(self.path, self.previous)


def told(kind, other):
    """What differs between two descriptions of data, in words."""
    if kind is None or other is None:
        return "none" if kind is None else f"{kind['kind']}"
    return ", ".join(f"{name}={value!r}" for name, value in kind.items() if value != other[name])


def reorders(source):
    """Whether a sequence does something of its own after each epoch."""
    method = getattr(type(source), "on_epoch_end", None)
    return method is not None and not is_builtin(method)
