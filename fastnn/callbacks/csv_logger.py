"""CSVLogger: the values of every epoch as rows of a text file."""
import csv
import os
from collections.abc import Iterable

import numpy as np

from ..utils.atomic import replacing
from .callback import Callback
from .history import Logs

ABSENT = "NA"       # what stands where an epoch lacks a value


class CSVLogger(Callback):
    """Writes the values of every epoch into a CSV file, row by row, so that a run that is killed keeps what it wrote.

    A value that comes up later gets a column of its own; rows that lack it hold "NA".

    Args:
        filename: of the file; missing folders are made.
        separator: what stands between values.
        append: whether rows are added to a file that is there (and follow its header), instead of a new file.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/training.csv"
        >>> model.fit(x, y, epochs=3, callbacks=[CSVLogger(path)])
        >>> print(open(path).readline(), end="")
        epoch,loss,val_loss
    """

    def __init__(self, filename, separator=",", append=False):
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.keys = self.csv_file = None

    def on_train_begin(self, logs=None):
        self.on_train_end()
        if os.path.dirname(self.filename):
            os.makedirs(os.path.dirname(self.filename), exist_ok=True)
        rows = self._rows() if self.append and os.path.exists(self.filename) else []
        self.keys = rows[0][1:] if rows else None
        self._open("a" if self.append else "w")
        if rows and not ends_a_line(self.filename):     # the last run was killed in the middle of a row
            self.csv_file.write("\r\n")

    def get_state(self):
        """The file so far: a backup may be older than its last rows, and a run that begins without `append` empties it."""
        with open(self.filename, newline="", encoding="utf-8") as file:
            return {"keys": self.keys, "text": file.read()}

    def set_state(self, state):
        self.keys = state["keys"]
        self.csv_file.close()
        with replacing(self.filename) as part, open(part, "w", newline="", encoding="utf-8") as file:
            file.write(state["text"])
        self._open("a")

    def on_epoch_end(self, epoch, logs=None):
        logs = Logs(logs or {})
        if self.keys is None:
            self.keys = columns_for(logs)
            self._write(["epoch", *self.keys])
        added = [name for name in sorted(logs) if name not in Logs.fromkeys(self.keys)]
        if added:
            self._add_columns(added)
        self._write([epoch, *[as_text(logs.get(name, ABSENT)) for name in self.keys]])
        self.csv_file.flush()

    def on_train_end(self, logs=None):
        if self.csv_file is not None:
            self.csv_file.close()
            self.csv_file = None

    def _open(self, mode):
        self.csv_file = open(self.filename, mode, newline="", encoding="utf-8")

    def _write(self, row, file=None):
        csv.writer(file or self.csv_file, delimiter=self.sep).writerow(row)

    def _rows(self):
        with open(self.filename, newline="", encoding="utf-8") as file:
            return [row for row in csv.reader(file, delimiter=self.sep) if row]

    def _add_columns(self, names):
        """Writes the file anew with more columns."""
        self.csv_file.close()
        (_, *rows), width = self._rows(), 1 + len(self.keys)
        self.keys += names
        with replacing(self.filename) as part, open(part, "w", newline="", encoding="utf-8") as file:
            self._write(["epoch", *self.keys], file)
            for row in rows:
                self._write([*row, *[ABSENT] * (width - len(row) + len(names))], file)
        self._open("a")


def columns_for(logs):
    """The columns for values of a first epoch: those of a validation have theirs even if it comes only after a later one."""
    found = sorted(logs)
    return found if any(name.startswith("val_") for name in found) else found + [f"val_{name}" for name in found]


def as_text(value):
    """A value as it stands in the file."""
    if isinstance(value, Iterable) and not isinstance(value, str) and np.ndim(value):
        return f'"[{", ".join(map(str, value))}]"'
    return value


def ends_a_line(path):
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"
