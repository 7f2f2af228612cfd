"""contact_sheet: many images on one sheet, with what a model says about them."""
import math

import numpy as np

from .. import config
from .confusion import class_numbers
from .figures import finish, new_figure

WRONG, RIGHT = "#c0392b", "#1c2126"


def contact_sheet(images, labels=None, predictions=None, class_names=None, to_file=None, *, limit=48, columns=8, wrong_first=True,
                  only_wrong=False, cmap="gray", data_format=None, title=None, dpi=110):
    """Draws images side by side, each under its prediction and its true label; the wrong ones in red, and first.

    Args:
        images: of shape (n, height, width), (n, height, width, channels), or channels first; 1, 3 or 4 channels; floats from 0 to 1
            or from 0 to 255, integers from 0 to 255.
        labels: true classes: of shape (n,), or one-hot; None: not known.
        predictions: predicted classes of shape (n,), or probabilities of shape (n, classes), whose largest is shown, too.
        class_names: a name for each class; None: their numbers.
        to_file: path to write to (.png, .pdf, .svg ...), or None.
        limit: how many images are shown at most; columns: in how many columns.
        wrong_first: whether wrong ones come first, those first of which the model was most sure.
        only_wrong: whether no others are shown.
        cmap: matplotlib's name of the colours of images with one channel ("gray", "gray_r" ...).
        data_format: "channels_last" or "channels_first"; None: `fastnn.config.image_data_format()`, or the other one if the
            channels are only there.
        title: None: how many are wrong, where that is known.
        dpi: pixels in an inch of the file.

    Returns:
        matplotlib's Figure; a notebook shows it.

    Raises:
        ValueError: arrays that are no images or do not go together; ImportError: matplotlib is not installed.

    Example:
        >>> figure = contact_sheet(np.zeros((3, 8, 8)), labels=[0, 1, 1], predictions=[0, 1, 0], class_names=["cat", "dog"])
        >>> [axes.get_title() for axes in figure.axes]
        ['cat\\nis dog', 'cat', 'dog']
    """
    pictures = as_pictures(images, data_format)
    if not all(isinstance(number, int) and number > 0 for number in (limit, columns)):
        raise ValueError(f"`limit` and `columns` must be positive integers, received {limit!r} and {columns!r}")
    shown = max(1, min(limit, len(pictures)))
    columns = min(columns, shown)
    figure = new_figure("contact_sheet", max(1.25 * columns, 3.0), 0.4 + 1.25 * math.ceil(shown / columns) *
                        (1.0 if labels is None and predictions is None else 1.35))
    draw_images(figure, pictures, labels, predictions, class_names, limit, columns, wrong_first, only_wrong, cmap, title)
    return finish(figure, to_file, dpi)


def draw_images(figure, pictures, labels=None, predictions=None, class_names=None, limit=48, columns=8, wrong_first=True,
                only_wrong=False, cmap="gray", title=None):
    """What `contact_sheet` draws, in a Figure or a part of one; `pictures` as from `as_pictures`, the others as there."""
    truth, guess, sure = _classes(labels, predictions, len(pictures))
    names = None if class_names is None else [str(name) for name in class_names]
    _check_names(names, truth, guess)
    judged = truth is not None and guess is not None
    wrong = truth != guess if judged else np.zeros(len(pictures), bool)
    chosen = _choice(wrong, sure, wrong_first, only_wrong)[:limit]
    grid = figure.subplots(max(1, math.ceil(len(chosen) / columns)), columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, i in zip(grid, chosen):
        text, colour = caption(i, truth, guess, sure, names)
        axes.imshow(pictures[i], cmap=cmap, vmin=0, vmax=1, interpolation="nearest" if max(pictures[i].shape[:2]) < 128 else None)
        axes.set_title(text, fontsize=8, color=colour)
    if title is not None or judged:
        figure.suptitle(f"{wrong.sum()} of {len(pictures)} are wrong" if title is None else title)


def caption(i, truth, guess, sure, names=None):
    """The text above an image, and its colour: the prediction, with how sure it is, and what it really is where that is another."""
    def name(number):
        return names[number] if names is not None else str(number)

    if guess is None:
        return (name(truth[i]) if truth is not None else ""), RIGHT
    text = name(guess[i]) + (f" ({sure[i]:.0%})" if sure is not None else "")
    if truth is None or truth[i] == guess[i]:
        return text, RIGHT
    return f"{text}\nis {name(truth[i])}", WRONG


def as_pictures(images, data_format=None):
    """Images as floats from 0 to 1 of shape (n, height, width), or (n, height, width, 3 or 4).

    Raises:
        ValueError: another shape, or values beyond 0 to 255.

    Example:
        >>> as_pictures(np.full((2, 3, 8, 8), 255, "uint8"), "channels_first").shape
        (2, 8, 8, 3)
    """
    found = np.asarray(images)
    if found.dtype.kind not in "iufb" or found.ndim not in (3, 4) or 0 in found.shape[1:]:
        raise ValueError("`images` must be of shape (n, height, width) or (n, height, width, channels), received an array of shape "
                         f"{found.shape} and dtype {found.dtype}")
    if data_format not in (None, "channels_last", "channels_first"):
        raise ValueError(f"`data_format` must be 'channels_last' or 'channels_first', received {data_format!r}")
    if found.ndim == 4:
        first = (data_format or config.image_data_format()) == "channels_first"
        if data_format is None and found.shape[1 if first else 3] not in (1, 3, 4):
            first = not first
        found = np.moveaxis(found, 1, 3) if first else found
        if found.shape[3] not in (1, 3, 4):
            raise ValueError(f"`images` must have 1, 3 or 4 channels, received the shape {np.shape(images)}, with {found.shape[3]} in "
                             f"{'channels_first' if first else 'channels_last'}: pass `data_format`")
        found = found[..., 0] if found.shape[3] == 1 else found
    return _from_0_to_1(found)


def _from_0_to_1(found):
    whole, values = found.dtype.kind in "iu", found.astype("float32")
    if not values.size:
        return values
    low, high = float(values.min()), float(values.max())
    if not math.isfinite(low + high):
        raise ValueError("`images` has values that are not finite (NaN or infinity)")
    if low < -0.5 or high > 255.5:
        raise ValueError(f"`images` must have values from 0 to 1 or from 0 to 255, received {low:.4g} to {high:.4g}: bring them there, as by "
                         "(x - x.min()) / (x.max() - x.min())")
    return np.clip(values / 255 if high > 1.5 or whole and found.dtype == "uint8" else values, 0, 1)


def _classes(labels, predictions, count):
    """(true classes, predicted ones, how sure), each None where it is not known."""
    truth = None if labels is None else class_numbers(labels, "labels")
    guess = None if predictions is None else class_numbers(predictions, "predictions")
    for argument, values in (("labels", truth), ("predictions", guess)):
        if values is not None and len(values) != count:
            raise ValueError(f"`{argument}` must have a row for each of {count} images, received {len(values)}")
    sure = None
    if guess is not None and np.asarray(predictions).dtype.kind == "f":
        rows = np.asarray(predictions, "float64").reshape(count, -1)
        if rows.size and rows.min() >= 0 and rows.max() <= 1:
            sure = rows.max(axis=1) if rows.shape[1] > 1 else np.where(guess == 1, rows[:, 0], 1 - rows[:, 0])
    return truth, guess, sure


def _check_names(names, *classes):
    highest = max([int(values.max()) for values in classes if values is not None and values.size], default=-1)
    if names is not None and highest >= len(names):
        raise ValueError(f"`class_names` has {len(names)} names, but there is a class {highest}")


def _choice(wrong, sure, wrong_first, only_wrong):
    """The numbers of the images in the order in which they are shown."""
    order = np.arange(len(wrong))
    if only_wrong:
        order = order[wrong]
    if wrong_first:
        doubt = np.zeros(len(wrong)) if sure is None else -sure
        order = np.array(sorted(order, key=lambda i: (not wrong[i], doubt[i] if wrong[i] else 0)), int)
    return order
