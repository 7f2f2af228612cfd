"""What the figures of training, classes and images hold."""
import sys

import numpy as np
import pytest

import fastnn
from fastnn.visualization import confusion_matrix, contact_sheet, plot_confusion_matrix, plot_history
from fastnn.visualization.confusion import class_numbers
from fastnn.visualization.images import as_pictures

pytest.importorskip("matplotlib")
HISTORY = {"accuracy": [0.5, 0.7, 0.8], "loss": [3.0, 2.0, 1.0], "val_loss": [3.1, 2.2, 2.5], "val_accuracy": [0.4, 0.8, 0.6],
           "learning_rate": [0.1, 0.1, 0.01], "curious": [1.0, 2.0, 1.5]}


def lines(axes):
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


# ---- plot_history -----------------------------------------------------------------------------------------------

def test_panels_hold_the_values():
    loss, accuracy, curious = plot_history(HISTORY).axes
    assert [axes.get_title() for axes in (loss, accuracy, curious)] == ["loss", "accuracy", "curious"]
    assert lines(loss) == {"training": ([1, 2, 3], [3.0, 2.0, 1.0]), "validation": ([1, 2, 3], [3.1, 2.2, 2.5]),
                           "best: 2.2 at epoch 2": ([2], [2.2])}
    assert lines(accuracy)["best: 0.8 at epoch 2"] == ([2], [0.8])
    assert list(lines(curious)) == ["training"]         # nobody knows whether small or large is good
    thin, thick = loss.lines[:2]
    assert thin.get_linewidth() < thick.get_linewidth() and thin.get_marker() == "o"


def test_metrics_learning_rate_and_no_best():
    accuracy, rate = plot_history(HISTORY, ["accuracy"], best=False, learning_rate=True).axes
    assert list(lines(accuracy)) == ["training", "validation"]
    assert lines(rate) == {"learning rate": ([1, 2, 3], [0.1, 0.1, 0.01])} and rate.get_yscale() == "log"
    assert plot_history(HISTORY, "loss", log_scale=True).axes[0].get_yscale() == "log"


def test_several_runs():
    axes = plot_history({"a": HISTORY, "b": {"loss": [1.0]}}, "loss", title="both").axes[0]
    assert set(lines(axes)) == {"a: training", "a: validation", "a: best: 2.2 at epoch 2", "b: training", "b: best: 1 at epoch 1"}
    one, other = axes.lines[0].get_color(), axes.lines[3].get_color()
    assert axes.lines[1].get_color() == one != other


def test_what_fit_returns(tmp_path, rng):
    model = fastnn.Sequential([fastnn.layers.Input((3,)), fastnn.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(rng.normal(size=(8, 3)), rng.normal(size=(8, 1)), epochs=2, verbose=0, validation_split=0.25)
    figure = plot_history(history, to_file=tmp_path / "curves.png")
    assert lines(figure.axes[0])["training"][1] == history.history["loss"]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG") and figure._repr_png_().startswith(b"\x89PNG")


def test_values_that_are_not_finite():
    nan = float("nan")
    assert "best: 2 at epoch 2" in lines(plot_history({"loss": [nan, 2.0, float("inf")]}).axes[0])
    assert list(lines(plot_history({"loss": [nan]}).axes[0])) == ["training"]


@pytest.mark.parametrize("history, options, message", [
    ({}, {}, "empty"), ({"loss": []}, {}, "no values"), ({"loss": [1.0]}, {"metrics": ["acc"]}, "no values of .'acc'.; it has: loss"),
    ({"loss": ["a"]}, {}, '"loss" must be a list'), ({"loss": 1.0}, {}, "a number for each epoch"),
    ({"run": {"loss": [[1.0]]}}, {}, 'of the run "run"'), ({"loss": [1.0]}, {"learning_rate": True}, "learning_rate=False")])
def test_bad_histories(history, options, message):
    with pytest.raises(ValueError, match=message):
        plot_history(history, **options)


def test_no_histories():
    for wrong in ([1.0], {"a": {"loss": [1.0]}, "loss": [1.0]}):
        with pytest.raises(TypeError, match="history"):
            plot_history(wrong)


# ---- Confusion --------------------------------------------------------------------------------------------------

def test_matrix_from_all_kinds(rng):
    true, guess = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    expected = np.zeros((4, 4), int)
    for t, p in zip(true, guess):
        expected[t, p] += 1
    probabilities = np.eye(4)[guess] * 0.6 + 0.1
    for y, p in ((true, guess), (true[:, None], guess.astype(float)), (np.eye(4)[true], probabilities), (true.tolist(), probabilities)):
        found = confusion_matrix(y, p)
        assert found.dtype == np.int64 and (found == expected).all()
    for how, axis in (("true", 1), ("pred", 0), ("all", None)):
        assert np.allclose(confusion_matrix(true, guess, normalize=how), expected / expected.sum(axis=axis, keepdims=True))
    weights = rng.uniform(size=50)
    assert confusion_matrix(true, guess, sample_weight=weights).sum() == pytest.approx(weights.sum())
    assert confusion_matrix(true, guess, num_classes=6).shape == (6, 6)


def test_probabilities_of_one_class():
    assert confusion_matrix([0, 1, 1], np.array([[0.2], [0.7], [0.5]])).tolist() == [[1, 0], [1, 1]]
    assert confusion_matrix([0, 0], [0, 0], num_classes=2, normalize="true").tolist() == [[1, 0], [0, 0]]


def test_the_figure_of_a_matrix(tmp_path):
    figure = plot_confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2], class_names=["cat", "dog", "a long owl"], to_file=tmp_path / "m.svg")
    axes = figure.axes[0]
    assert (axes.images[0].get_array() == [[1, 0, 0], [0, 1, 1], [0, 0, 1]]).all()
    assert [text.get_text() for text in axes.texts] == list("100011001")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["cat", "dog", "a long owl"]
    assert axes.get_title() == "75.0% of 4 samples are right" and (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    shares = plot_confusion_matrix([0, 1, 1], [0, 1, 0], normalize="true", title="shares").axes[0]
    assert [text.get_text() for text in shares.texts] == ["100.0%", "0.0%", "50.0%", "50.0%"] and shares.get_title() == "shares"


@pytest.mark.parametrize("y, p, options, message", [
    ([0, 1], [0], {}, "as many samples, received 2 and 1"), ([0, 3], [0, 1], {"num_classes": 3}, "between 0 and 3 - 1"),
    ([0, -1], [0, 1], {}, "from -1 to 0"), ([0, 1], [0.5, 1.5], {}, "probabilities between 0 and 1"), ([0, 1], [0, np.nan], {}, "not finite"),
    (["a"], ["b"], {}, "must be labels"), ([[[0]]], [0], {}, "shape"), ([], [], {}, "pass `num_classes`"),
    ([0], [0], {"normalize": "rows"}, "'rows'"), ([0, 1], [0, 1], {"sample_weight": [1.0]}, "must have 2 values"),
    ([0, 1], np.eye(4)[:2], {"num_classes": 1}, "smaller|between")])
def test_bad_classes(y, p, options, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(y, p, **options)


def test_one_hot_rows_keep_their_number_of_classes():
    assert confusion_matrix(np.eye(5)[:2], [0, 1]).shape == (5, 5)
    assert class_numbers(np.array([True, False]), "y").tolist() == [1, 0]
    with pytest.raises(ValueError, match="class_names"):
        plot_confusion_matrix([0, 1], [0, 1], class_names=["one"], num_classes=2)


# ---- Images -----------------------------------------------------------------------------------------------------

def test_wrong_ones_come_first_and_red():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    figure = contact_sheet(np.arange(4).reshape(4, 1, 1) / 3 * np.ones((4, 5, 5)), [0, 0, 1, 0], probabilities, ["cat", "dog"])
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["dog (70%)\nis cat", "dog (60%)\nis cat", "cat (90%)", "dog (80%)"]
    assert [axes.title.get_color() for axes in figure.axes] == ["#c0392b"] * 2 + ["#1c2126"] * 2
    assert [float(axes.images[0].get_array()[0, 0]) for axes in figure.axes] == pytest.approx([1, 1 / 3, 0, 2 / 3])
    assert figure.get_suptitle() == "2 of 4 are wrong"


def test_limits_and_choices(tmp_path):
    images, labels = np.zeros((5, 4, 4)), np.arange(5)
    figure = contact_sheet(images, labels, [0, 1, 2, 3, 0], only_wrong=True, to_file=tmp_path / "sheet.pdf")
    assert [axes.get_title() for axes in figure.axes if axes.images] == ["0\nis 4"]
    assert (tmp_path / "sheet.pdf").read_bytes().startswith(b"%PDF")
    assert len(contact_sheet(images, labels, limit=3, columns=2).axes) == 4
    assert [axes.get_title() for axes in contact_sheet(images, labels, wrong_first=False).axes] == list("01234")
    assert len(contact_sheet(np.zeros((0, 4, 4))).axes) == 1


def test_images_of_all_kinds(rng):
    grey = rng.integers(0, 256, (3, 6, 7), "uint8")
    expected = grey / 255
    for images in (grey, grey[..., None], grey[:, None], grey.astype("float32"), expected, grey.astype("int32")):
        assert as_pictures(images) == pytest.approx(expected, abs=1e-6)
    assert as_pictures(np.ones((2, 3, 3), "uint8")).max() == pytest.approx(1 / 255)
    colour = rng.uniform(size=(2, 5, 6, 3))
    assert as_pictures(np.moveaxis(colour, 3, 1)) == pytest.approx(colour, abs=1e-6)
    assert as_pictures(np.moveaxis(colour, 3, 1), "channels_first").shape == (2, 5, 6, 3)


@pytest.mark.parametrize("images, options, message", [
    (np.zeros((4, 4)), {}, "shape"), (np.zeros((1, 5, 5, 2)), {}, "1, 3 or 4 channels"), (np.zeros((1, 2, 2)) - 3, {}, "from 0 to 1"),
    (np.full((1, 2, 2), np.inf), {}, "not finite"), (np.zeros((2, 2, 2)), {"labels": [0]}, "a row for each of 2 images"),
    (np.zeros((1, 2, 2)), {"labels": [3], "class_names": ["a"]}, "there is a class 3"), (np.zeros((1, 2, 2)), {"limit": 0}, "positive"),
    (np.zeros((1, 2, 2)), {"data_format": "first"}, "data_format"), (np.zeros((1, 2, 2)), {"predictions": [np.nan]}, "predictions")])
def test_bad_images(images, options, message):
    with pytest.raises(ValueError, match=message):
        contact_sheet(images, **options)


# ---- Files ------------------------------------------------------------------------------------------------------

def test_files_and_packages(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"\.png.*curves\.doc"):
        plot_history(HISTORY, to_file=tmp_path / "curves.doc")
    with pytest.raises(FileNotFoundError, match="no folder"):
        plot_history(HISTORY, to_file=tmp_path / "missing" / "curves.png")
    (tmp_path / "old.png").write_text("old")
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *a, **k: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        plot_history(HISTORY, to_file=tmp_path / "old.png")
    assert (tmp_path / "old.png").read_text() == "old" and len(list(tmp_path.iterdir())) == 1
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"plot_history needs matplotlib.*fastnn\[plot\]"):
        plot_history(HISTORY)
