"""What a model writes to files and reads from them."""
import json

from ..saving import model_files, weight_files
from ..utils.serialization import serialize_keras_object


class Files:
    """The part of `Model` that has to do with files."""

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Writes the model to a file: architecture, weights, the arguments of `compile` and the state of the optimizer.

        The file takes its place only when it is complete: a process killed, or a full disk, leaves the old one.  Needs h5py.

        Args:
            filepath: path that ends in `.keras`, or in `.h5` or `.hdf5` for the older format; a binary file for `.keras`.
            overwrite: whether a file that is there may be replaced.
            zipped: taken for the sake of Keras; True.
            include_optimizer: whether the state of the optimizer is kept.

        Raises:
            ValueError: another ending; FileExistsError: the file is there; TypeError: what has no config; ImportError: h5py is missing.

        Example:
            >>> model.save("model.keras")
            >>> model = fastnn.saving.load_model("model.keras")
        """
        model_files.save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(self, filepath, overwrite=True, max_shard_size=None):
        """Writes the weights, and the state of the optimizer where the format has a place for it.

        Args:
            filepath: path that ends in `.weights.h5` (needs h5py), `.safetensors` (needs safetensors), or in `.h5` or `.hdf5` for
                Keras 2's layout; `.weights.json` with `max_shard_size`.
            overwrite: whether a file that is there may be replaced.
            max_shard_size: gigabytes: the weights are spread over files of at most this size, which the `.weights.json` lists.

        Raises:
            ValueError: another ending, a model without weights; FileExistsError: the file is there.

        Example:
            >>> model.save_weights("model.weights.h5")
            >>> model.load_weights("model.weights.h5")
        """
        weight_files.save_weights(self, filepath, overwrite, max_shard_size)

    def load_weights(self, filepath, skip_mismatch=False, by_name=False):
        """Loads weights from a file that `save_weights` or `save` of fastnn or Keras wrote.

        All shapes are compared first: a file that does not fit changes nothing.

        Args:
            filepath: path that ends in `.weights.h5`, `.weights.json`, `.keras`, `.safetensors`, `.h5` or `.hdf5`.
            skip_mismatch: whether layers that do not fit are left as they are, with a warning.
            by_name: for `.h5` of Keras 2's layout: layers are found by their names, and not by their order.

        Raises:
            ValueError: a damaged file, weights that do not fit, a model that has no weights yet.
        """
        weight_files.load_weights(self, filepath, skip_mismatch, by_name)

    def to_json(self, **kwargs):
        """The architecture as JSON, for `fastnn.models.model_from_json`; `kwargs` go to `json.dumps`."""
        return json.dumps(serialize_keras_object(self), **kwargs)

    def export(self, filepath, format="onnx", verbose=None, input_signature=None, **kwargs):
        """Writes what the model computes when it predicts as a file that other engines run, without any code of its own.

        Args:
            filepath: of the file.
            format: "onnx".
            verbose: whether a line says what was written; None: True.
            input_signature: InputSpecs, KerasTensors or arrays that say shapes and dtypes of the inputs; None: those of the model.
            **kwargs: further arguments of `fastnn.export.onnx`: `opset` (or `opset_version`), `batch_size`.

        Raises:
            ValueError: another format, a model that is not built, an op that the format does not have.

        Example:
            >>> import os, tempfile
            >>> model.export(os.path.join(tempfile.mkdtemp(), "model.onnx"))
        """
        from ..export import export_model
        export_model(self, filepath, format, verbose, input_signature, **kwargs)
