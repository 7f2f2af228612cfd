"""The files from which TensorBoard's projector shows embeddings: their values, their labels, and a list of both."""
import os
import re
import shutil

import numpy as np

from ..layers import Embedding
from ..utils.atomic import replacing
from ..utils.warn_utils import warn

FOLDER = "embeddings"


class Projector:
    """Writes the embeddings of a model into the folder of a run.

    TensorBoard looks for the list in the folders of runs, and for what it names nowhere but below them: so files of labels are copied.

    Args:
        model: its Embedding layers, wherever they are in it, are shown.
        folder: of the run.
        metadata: the file with the labels, for all layers, or a dict of files by the layers' names; None for no labels.  A label a
            line; with several columns, separated by tabs, the first line names them.
        metadata_folder: where relative paths of such files begin; those that are not there are looked for in the working folder.
        names: of the layers that are shown; None: all.

    Raises:
        ValueError: a name that no Embedding layer has.
    """

    def __init__(self, model, folder, metadata=None, metadata_folder=".", names=None):
        found = [layer for layer in model._flatten_layers() if isinstance(layer, Embedding)]
        for name in [*(metadata if isinstance(metadata, dict) else ()), *(names or ())]:
            if name not in {layer.name for layer in found}:
                raise ValueError(f"TensorBoard: {name!r} is no Embedding layer of the model. Its Embedding layers: "
                                 f"{', '.join(layer.name for layer in found) or 'none'}")
        self.layers = [layer for layer in found if not names or layer.name in names]
        self.folder, self.metadata, self.metadata_folder = folder, metadata, metadata_folder
        self.warned = set()

    def write(self):
        """Writes the values as they are now, and the list."""
        if not self.layers:
            return
        os.makedirs(os.path.join(self.folder, FOLDER), exist_ok=True)
        entries = [self._entry(layer, file_name(layer.name, number)) for number, layer in enumerate(self.layers)]
        with replacing(os.path.join(self.folder, "projector_config.pbtxt")) as part, open(part, "w", encoding="utf-8") as file:
            file.write("".join(entries))

    def _entry(self, layer, name):
        values = layer.embeddings.numpy()
        paths = {"tensor_name": layer.name, "tensor_path": f"{FOLDER}/{name}.tsv"}
        with replacing(os.path.join(self.folder, paths["tensor_path"])) as part:
            np.savetxt(part, values, "%.9g", "\t")
        labels = self.metadata.get(layer.name) if isinstance(self.metadata, dict) else self.metadata
        if labels is not None and self._copy(labels, f"{FOLDER}/{name}-metadata.tsv", len(values)):
            paths["metadata_path"] = f"{FOLDER}/{name}-metadata.tsv"
        lines = "".join(f"  {key}: {quoted(text)}\n" for key, text in paths.items())
        return f"embeddings {{\n{lines}}}\n"

    def _copy(self, path, target, count):
        """Copies a file of labels; whether it is there."""
        path = os.path.expanduser(os.fspath(path))
        places = [os.path.join(self.metadata_folder, path), path]
        found = next((place for place in places if os.path.isfile(place)), None)
        if found is None:
            self._warn(path, f"TensorBoard: there is no file of labels {' or '.join(dict.fromkeys(places))}; embeddings are shown "
                             "without them until there is")
            return False
        lines = count_lines(found)
        if lines != count:
            self._warn(path, f"TensorBoard: {found} has {lines} labels for {count} embeddings: the projector wants one a line (and a "
                             "line of names above them if there are several columns)")
        with replacing(os.path.join(self.folder, target)) as part:
            shutil.copyfile(found, part)
        return True

    def _warn(self, path, message):
        if path not in self.warned:
            self.warned.add(path)
            warn(message)


def count_lines(path):
    """The labels in a file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().rstrip("\n").split("\n")
    return len(lines) - ("\t" in lines[0])


def file_name(name, number):
    """A layer's name as one of files; the number keeps those apart that become the same."""
    plain = re.sub(r"[^\w.-]", "_", name)
    return plain if plain == name else f"{plain}-{number}"


def quoted(text):
    """Text as configs have it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
