"""text_dataset_from_directory: text files in folders, read batch by batch; the folder of a file is its class."""
import os

import numpy as np

from .dataset_utils import Batches
from .io_utils import print_msg

ENDING = ".txt"


def text_dataset_from_directory(directory, labels="inferred", label_mode="int", class_names=None, batch_size=32, max_length=None,
                                shuffle=True, seed=None, validation_split=None, subset=None, follow_links=False, format="tf",
                                verbose=True):
    """Batches of texts from `.txt` files, with the folders that they lie in as their classes.

    The files are read when their batch is asked for.

    Args:
        directory: holds a folder for each class; or, where labels are not inferred, the files, also in folders.
        labels: "inferred": from the folders; None: there are none; a list of integers, one for each file in the order of paths.
        label_mode: "int": the number of the class; "binary": floats 0 and 1 of shape (batch, 1), for two classes; "categorical": rows
            with a one at the class; None: no labels.
        class_names: names of the folders, in the order of the classes; None: all there are, sorted.
        batch_size: texts in a batch, the last one may be smaller; None: texts come one by one.
        max_length: bytes of UTF-8 at which texts are cut; None: they are not.
        shuffle: whether texts come in random order, another one in each epoch; False: in the order of their paths.
        seed: of that order, and of the split.
        validation_split: part of the files that is kept for validation.
        subset: "training", "validation" or "both" parts of that split.
        follow_links: whether links to folders are followed.
        format: taken for the sake of Keras.
        verbose: whether the number of files is printed.

    Returns:
        `Batches`: what `fit` takes (`map` them through a TextVectorization first, or begin the model with it), and loops: batches
        (texts, labels), texts as an array of strings.  Their `class_names` are those of the classes.  For subset="both" a list of two.

    Raises:
        ValueError: arguments that contradict each other, no files; NotADirectoryError, FileNotFoundError: no such folder.

    Example:
        >>> import os
        >>> for name, text in (("bad", "so dull"), ("good", "what fun")):
        ...     os.makedirs(f"reviews/{name}")
        ...     with open(f"reviews/{name}/1.txt", "w") as file:
        ...         _ = file.write(text)
        >>> reviews = fastnn.utils.text_dataset_from_directory("reviews", shuffle=False, verbose=False)
        >>> texts, classes = next(iter(reviews))
        >>> texts.tolist(), classes.tolist(), reviews.class_names
        (['so dull', 'what fun'], [0, 1], ['bad', 'good'])
    """
    check(labels, label_mode, class_names, validation_split, subset, shuffle, seed, format)
    if labels is None or label_mode is None:
        labels = label_mode = None
    seed = np.random.randint(10**6) if seed is None else seed
    paths, numbers, class_names = index_directory(directory, labels, class_names, follow_links)
    if verbose:
        print_msg(f"Found {len(paths)} files" + (f" belonging to {len(class_names)} classes." if numbers is not None else "."))
    if label_mode == "binary" and len(class_names) != 2:
        raise ValueError(f'label_mode="binary" needs two classes, {directory} has {class_names}')
    if shuffle:
        order = np.random.RandomState(seed).permutation(len(paths))
        paths, numbers = [paths[i] for i in order], None if numbers is None else numbers[order]
    found = []
    for name in ("training", "validation") if subset == "both" else (subset,):
        part = slice(None)
        if validation_split:
            at = len(paths) - int(validation_split * len(paths))
            part = slice(at) if name == "training" else slice(at, None)
            if verbose:
                print_msg(f"Using {len(paths[part])} files for {name}.")
        if not paths[part]:
            raise ValueError(f"there are no {name + ' ' if name else ''}text files in {directory}: their names must end in {ENDING}")
        own = None if numbers is None else encoded(numbers[part], label_mode, len(class_names))
        found.append(texts_of(paths[part], own, max_length, batch_size, shuffle and (subset != "both" or name == "training"), seed))
        found[-1].class_names = class_names
    return found if subset == "both" else found[0]


def texts_of(paths, labels, max_length, batch_size, shuffle, seed):
    """The Batches of some files; labels: an array, or None."""
    def make(samples):
        texts = np.array([read(paths[i], max_length) for i in samples], object)
        return texts if labels is None else (texts, labels[samples])

    return Batches(len(paths), make, batch_size, shuffle, seed)


def read(path, max_length):
    """The text of a file, cut to so many bytes; what is no UTF-8 becomes U+FFFD."""
    with open(path, "rb") as file:
        return file.read(-1 if max_length is None else max_length).decode("utf-8", "replace")


def encoded(numbers, mode, classes):
    """Labels as the mode wants them."""
    if mode == "binary":
        return numbers.astype("float32")[:, None]
    return np.eye(classes, dtype="float32")[numbers] if mode == "categorical" else numbers


def index_directory(directory, labels, class_names, follow_links):
    """(paths, numbers of their classes as an int32 array or None, names of the classes or None), sorted by path."""
    names = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir() and not entry.name.startswith("."))
    if labels != "inferred":
        paths = files_below(directory, follow_links)
        if labels is None:
            return paths, None, None
        if len(labels) != len(paths):
            raise ValueError(f"`labels` must have one entry for each of the {len(paths)} files in {directory}, received {len(labels)}")
        return paths, np.asarray(labels, "int32"), [str(label) for label in sorted(set(labels))]
    if class_names is not None:
        unknown = sorted(set(class_names) - set(names))
        if unknown:
            raise ValueError(f"`class_names` must be names of folders in {directory}, which has {names}; it has no {unknown}")
        names = list(class_names)
    files = [files_below(os.path.join(directory, name), follow_links) for name in names]
    numbers = np.repeat(np.arange(len(names), dtype="int32"), [len(some) for some in files])
    return [path for some in files for path in some], numbers, names


def files_below(folder, follow_links):
    """Paths of the text files in a folder and in those inside it."""
    return [os.path.join(place, name) for place, _, files in sorted(os.walk(folder, followlinks=follow_links))
            for name in sorted(files) if name.lower().endswith(ENDING)]


def check(labels, label_mode, class_names, validation_split, subset, shuffle, seed, format):
    """Raises ValueError for arguments that contradict each other."""
    if labels is not None and not isinstance(labels, (list, tuple)) and labels != "inferred":
        raise ValueError(f"`labels` must be 'inferred', None or a list of integers, one for each file; received {labels!r}")
    if labels != "inferred" and class_names is not None:
        raise ValueError(f"`class_names` can only be passed with labels='inferred'; received labels={labels!r} and class_names={class_names}")
    if label_mode not in ("int", "categorical", "binary", None):
        raise ValueError(f"`label_mode` must be 'int', 'categorical', 'binary' or None, received {label_mode!r}")
    if validation_split and not 0 < validation_split < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1, received {validation_split}")
    if bool(validation_split) != bool(subset):
        raise ValueError(f"`validation_split` and `subset` go together, received {validation_split} and {subset!r}")
    if subset not in ("training", "validation", "both", None):
        raise ValueError(f"`subset` must be 'training', 'validation' or 'both', received {subset!r}")
    if validation_split and shuffle and seed is None:
        raise ValueError("a split of shuffled files needs a `seed`: without it the two parts would overlap")
    if format not in ("tf", "grain"):
        raise ValueError(f"`format` must be 'tf' or 'grain' (both give the same here), received {format!r}")
