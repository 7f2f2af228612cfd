"""confusion_matrix and plot_confusion_matrix: which classes are taken for which."""
import numpy as np

from .. import ops
from .figures import finish, new_figure

NORMALIZE = (None, "true", "pred", "all")


def class_numbers(values, argument, classes=None):
    """Class numbers from labels, one-hot rows, or probabilities (or logits) of classes.

    Args:
        values: of shape (n,) or (n, 1): labels, or floats between 0 and 1: probabilities of class 1 of two; of shape
            (n, classes): the largest value of a row counts.
        argument: its name, for messages.
        classes: how many there are; labels must be smaller.

    Raises:
        ValueError: other shapes, values that are not finite or no class numbers.

    Example:
        >>> class_numbers([[0.1, 0.9], [0.8, 0.2]], "y_pred").tolist()
        [1, 0]
    """
    found = np.asarray(values)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.dtype.kind not in "iufb" or found.ndim not in (1, 2):
        raise ValueError(f"`{argument}` must be labels of shape (n,), or one-hot rows or probabilities of shape (n, classes); received "
                         f"an array of shape {found.shape} and dtype {found.dtype}")
    if not np.isfinite(found).all():
        raise ValueError(f"`{argument}` has values that are not finite (NaN or infinity)")
    if found.ndim == 2:
        return found.argmax(axis=1)
    if found.dtype.kind == "f" and (found != np.floor(found)).any():
        if found.min() < 0 or found.max() > 1:
            raise ValueError(f"`{argument}` of shape {found.shape} must be whole numbers, or probabilities between 0 and 1; received "
                             f"values from {found.min():.4g} to {found.max():.4g}")
        return (found > 0.5).astype("int64")
    found = found.astype("int64")
    if found.size and (found.min() < 0 or classes is not None and found.max() >= classes):
        raise ValueError(f"`{argument}` has class numbers from {found.min()} to {found.max()}, which must lie between 0 and "
                         f"{'the number of classes' if classes is None else classes} - 1")
    return found


def confusion_matrix(y_true, y_pred, num_classes=None, sample_weight=None, normalize=None):
    """How often samples of each class were predicted as each class.

    Args:
        y_true, y_pred: labels, one-hot rows, or probabilities; see `class_numbers`.
        num_classes: None: as many as the data show.
        sample_weight: None, or what each sample counts.
        normalize: None: counts; "true": shares of each true class (of a row); "pred": of each predicted class (of a column);
            "all": of all.  Classes without samples have zeros.

    Returns:
        An array of shape (classes, classes), int64 if counted, else float64: true classes are rows, predicted ones columns.

    Raises:
        ValueError: data that do not go together, or that are no classes.

    Example:
        >>> confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2])
        array([[1, 0, 0],
               [0, 1, 1],
               [0, 0, 1]])
    """
    if normalize not in NORMALIZE:
        raise ValueError(f"`normalize` must be one of {NORMALIZE}, received {normalize!r}")
    wide = [np.shape(values)[1] for values in (y_true, y_pred) if np.ndim(values) == 2 and np.shape(values)[1] > 1]
    y_true, y_pred = class_numbers(y_true, "y_true", num_classes), class_numbers(y_pred, "y_pred", num_classes)
    if y_true.shape != y_pred.shape:
        raise ValueError(f"`y_true` and `y_pred` must have as many samples, received {len(y_true)} and {len(y_pred)}")
    count = max([int(y.max()) + 1 for y in (y_true, y_pred) if y.size] + wide + [0]) if num_classes is None else int(num_classes)
    if not count:
        raise ValueError("there are no samples, so that the number of classes is not known: pass `num_classes`")
    if max([int(y.max(initial=0)) for y in (y_true, y_pred)]) >= count:
        raise ValueError(f"the data have the class {max(y_true.max(), y_pred.max())}, which must be smaller than num_classes={count}")
    weight = None if sample_weight is None else np.asarray(sample_weight, "float64").reshape(-1)
    if weight is not None and weight.shape != y_true.shape:
        raise ValueError(f"`sample_weight` must have {len(y_true)} values, received {weight.size}")
    matrix = ops.zeros((count, count), dtype="int64" if weight is None else "float64")
    ops.confusion_matrix_update(matrix, y_true, y_pred, *([] if weight is None else [weight]))
    found = np.asarray(matrix)
    if normalize is None:
        return found
    total = found.sum(axis={"true": 1, "pred": 0, "all": None}[normalize], keepdims=True)
    return found / np.where(total == 0, 1, total)


def plot_confusion_matrix(y_true, y_pred, class_names=None, normalize=None, to_file=None, *, num_classes=None, sample_weight=None,
                          title=None, cmap="Blues", dpi=110):
    """Draws the confusion matrix: a row for each true class, a column for each predicted one, with the numbers in the fields.

    Args:
        y_true, y_pred, num_classes, sample_weight, normalize: as for `confusion_matrix`.
        class_names: a name for each class; None: their numbers.
        to_file: path to write to (.png, .pdf, .svg ...), or None.
        title: None: the share of right predictions.
        cmap: matplotlib's name of a colour map.
        dpi: pixels in an inch of the file.

    Returns:
        matplotlib's Figure; a notebook shows it.

    Raises:
        ValueError: as `confusion_matrix`, or another number of names than of classes; ImportError: matplotlib is not installed.

    Example:
        >>> figure = plot_confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2], class_names=["cat", "dog", "owl"])
        >>> figure.axes[0].get_title()
        '75.0% of 4 samples are right'
    """
    names = None if class_names is None else [str(name) for name in class_names]
    if num_classes is None and names is not None:
        num_classes = len(names)
    counts = confusion_matrix(y_true, y_pred, num_classes, sample_weight)
    matrix = confusion_matrix(y_true, y_pred, len(counts), sample_weight, normalize)
    names = [str(i) for i in range(len(counts))] if names is None else names
    if len(names) != len(counts):
        raise ValueError(f"`class_names` has {len(names)} names for {len(counts)} classes")
    side = max(4.0, 0.5 * len(names) + 1.5) if len(names) <= 40 else 20.0
    figure = new_figure("plot_confusion_matrix", side + 0.8, side)
    axes = figure.subplots()
    image = axes.imshow(matrix, cmap=cmap, vmin=0, vmax=None if normalize is None else 1)
    figure.colorbar(image, shrink=0.8)
    if len(names) <= 30:
        _write_numbers(axes, matrix, normalize, image)
    size = 9 if len(names) <= 30 else 6
    long = max(map(len, names)) > 4
    axes.set_xticks(range(len(names)), names, rotation=45 if long else 0, ha="right" if long else "center", fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.set(xlabel="predicted", ylabel="true")
    total = counts.sum()
    right = f"{np.trace(counts) / total if total else 0:.1%} of {len(np.asarray(y_true))} samples are right"
    axes.set_title(right if title is None else title, fontsize=11)
    return finish(figure, to_file, dpi)


def _write_numbers(axes, matrix, normalize, image):
    """The number in each field, zeros pale; white on dark ground."""
    for (i, j), value in np.ndenumerate(matrix):
        text = f"{value:.4g}" if normalize is None else f"{value:.0%}" if len(matrix) > 12 else f"{value:.1%}"
        red, green, blue, _ = image.cmap(image.norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        axes.text(j, i, text, ha="center", va="center", fontsize=8, color="white" if dark else "#b8bec4" if not value else "#1c2126")
