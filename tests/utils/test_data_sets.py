"""timeseries_dataset_from_array and text_dataset_from_directory."""
import os

import numpy as np
import pytest

import fastnn
from fastnn import layers
from fastnn.utils import text_dataset_from_directory, timeseries_dataset_from_array

SERIES = np.arange(40, dtype="float32").reshape(20, 2)


def windows_by_hand(data, targets, length, stride=1, rate=1, start=0, end=None):
    end = len(data) if end is None else end
    starts = [i for i in range(start, end, stride) if i + (length - 1) * rate < end and (targets is None or i < len(targets))]
    windows = np.array([[data[i + rate * j] for j in range(length)] for i in starts])
    return windows, None if targets is None else np.array([targets[i] for i in starts])


@pytest.mark.parametrize("arguments", [
    {}, {"sequence_stride": 3}, {"sampling_rate": 2}, {"start_index": 3}, {"end_index": 15}, {"batch_size": 4},
    {"sequence_stride": 2, "sampling_rate": 3, "start_index": 2, "end_index": 19, "batch_size": 3},
], ids=str)
@pytest.mark.parametrize("targets", [None, SERIES[:, 1], SERIES[5:, 1]], ids=["none", "all", "fewer"])
def test_windows(arguments, targets):
    batches = timeseries_dataset_from_array(SERIES, targets, 4, **arguments)
    parts = list(batches)
    x, y = windows_by_hand(SERIES, targets, 4, arguments.get("sequence_stride", 1), arguments.get("sampling_rate", 1),
                           arguments.get("start_index", 0), arguments.get("end_index"))
    assert len(batches) == len(parts) == -(-len(x) // arguments.get("batch_size", 128))
    assert all(len(part if targets is None else part[0]) == arguments.get("batch_size", len(x)) for part in parts[:-1])
    if targets is None:
        np.testing.assert_array_equal(np.concatenate(parts), x)
    else:
        np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), x)
        np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), y)


def test_shuffled_windows_keep_their_targets():
    def first_steps(seed):
        batches = timeseries_dataset_from_array(SERIES[:, 0], SERIES[:, 1], 4, batch_size=5, shuffle=True, seed=seed)
        epochs = [[x[:, 0] for x, y in batches if np.array_equal(y, x[:, 0] + 1)] for _ in range(2)]
        return [np.concatenate(epoch).tolist() for epoch in epochs]

    one, two = first_steps(1)
    assert sorted(one) == sorted(two) == SERIES[:17, 0].tolist() and one != two != SERIES[:17, 0].tolist()
    assert [one, two] == first_steps(1) != first_steps(2)


def test_samples_one_by_one_map_and_take():
    samples = timeseries_dataset_from_array(SERIES, SERIES[:, 0], 3, batch_size=None)
    x, y = next(iter(samples))
    assert x.shape == (3, 2) and y.shape == () and len(samples) == 18
    changed = timeseries_dataset_from_array(SERIES, SERIES[:, 0], 3, batch_size=6).map(lambda x, y: x * 2)
    assert len(changed) == 3 and np.array_equal(next(iter(changed))[0], SERIES[:3] * 2)
    assert len(list(changed.map(lambda x: x.sum()).take(2))) == 2


def test_fit_evaluate_predict_take_them():
    data = timeseries_dataset_from_array(SERIES / 40, SERIES[3:, 0] / 40, 3, batch_size=5, shuffle=True)
    model = fastnn.Sequential([layers.Input((3, 2)), layers.Flatten(), layers.Dense(1)])
    model.compile("adam", "mse")
    history = model.fit(data, epochs=3, validation_data=data, verbose=0).history
    assert len(history["val_loss"]) == 3 and model.predict(data, verbose=0).shape == (17, 1)


def test_windows_are_not_copied_at_once():
    data = np.zeros((200_000, 4), "float32")
    batches = timeseries_dataset_from_array(data, None, 1000, batch_size=2)     # 3 GB of windows
    assert next(iter(batches)).shape == (2, 1000, 4) and len(batches) == 99_501


@pytest.mark.parametrize("arguments, message", [
    ({"sampling_rate": 0}, "`sampling_rate`.*0"), ({"sequence_stride": 20}, "`sequence_stride`.*20"), ({"start_index": 20}, "`start_index`.*20"),
    ({"end_index": 20}, "`end_index`.*20"), ({"end_index": 2, "start_index": 4}, "`end_index`.*start_index=4"), ({"format": "np"}, "'np'"),
    ({"sequence_length": 21}, "no room"), ({"batch_size": 0}, "`batch_size`"), ({"sequence_length": 0}, "`sequence_length`"),
])
def test_errors_of_windows(arguments, message):
    with pytest.raises(ValueError, match=message):
        timeseries_dataset_from_array(**{"data": SERIES, "targets": None, "sequence_length": 3, **arguments})


# ---- Folders ----------------------------------------------------------------------------------------------------

@pytest.fixture
def folder(tmp_path):
    for name in ("pos", "neg", "odd"):
        for i in range(4):
            path = tmp_path / name / ("more" if i == 3 else "")
            path.mkdir(parents=True, exist_ok=True)
            (path / f"{i}.txt").write_text(f"{name} {i} ä", encoding="utf-8")
    (tmp_path / "pos" / "notes.md").write_text("no text")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def all_of(batches):
    parts = list(batches)
    return [text for x, _ in parts for text in x], np.concatenate([y for _, y in parts])


def test_classes_are_folders(folder, capsys):
    data = text_dataset_from_directory(folder, shuffle=False, batch_size=5)
    assert "Found 12 files belonging to 3 classes." in capsys.readouterr().out
    texts, labels = all_of(data)
    assert data.class_names == ["neg", "odd", "pos"] and labels.dtype == np.int32 and labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert texts == [f"{name} {i} ä" for name in data.class_names for i in range(4)]
    data = text_dataset_from_directory(folder, shuffle=False, class_names=["pos", "neg"], label_mode="binary", max_length=3, verbose=False)
    texts, labels = all_of(data)
    assert set(texts[:4]) == {"pos"} and labels.shape == (8, 1) and labels.dtype == np.float32 and labels.sum() == 4
    texts, labels = all_of(text_dataset_from_directory(folder, shuffle=True, seed=1, label_mode="categorical", verbose=False))
    assert labels.shape == (12, 3) and all(["neg", "odd", "pos"][y.argmax()] == t[:3] for t, y in zip(texts, labels))


def test_labels_that_are_given_and_none(folder):
    data = text_dataset_from_directory(folder, labels=list(range(12)), shuffle=False, verbose=False)
    assert all_of(data)[1].tolist() == list(range(12)) and data.class_names == [str(i) for i in sorted(range(12))]
    for more in ({"labels": None}, {"label_mode": None}):
        texts = next(iter(text_dataset_from_directory(folder, shuffle=False, verbose=False, **more)))
        assert len(texts) == 12 and texts[0] == "neg 0 ä"


def test_split(folder, capsys):
    both = text_dataset_from_directory(folder, validation_split=0.25, subset="both", seed=3)
    assert "Using 9 files for training.\nUsing 3 files for validation." in capsys.readouterr().out
    alone = [text_dataset_from_directory(folder, validation_split=0.25, subset=name, seed=3, verbose=False) for name in ("training", "validation")]
    for one, other in zip(both, alone):
        assert sorted(all_of(one)[0]) == sorted(all_of(other)[0])
    assert not set(all_of(both[0])[0]) & set(all_of(both[1])[0]) and both[1].class_names == ["neg", "odd", "pos"]


@pytest.mark.parametrize("arguments, message", [
    ({"labels": "x"}, "`labels`.*'x'"), ({"labels": [1]}, "12 files.*1"), ({"label_mode": "one"}, "`label_mode`.*'one'"),
    ({"class_names": ["pos", "zzz"]}, r"\['zzz'\]"), ({"label_mode": "binary"}, "two classes"), ({"subset": "training"}, "go together"),
    ({"validation_split": 0.2, "subset": "training"}, "`seed`"), ({"validation_split": 2, "subset": "both", "seed": 1}, "between 0 and 1"),
    ({"labels": None, "class_names": ["pos"]}, "`class_names`"), ({"validation_split": 0.01, "subset": "validation", "seed": 1}, "no validation text files"),
])
def test_errors_of_folders(folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        text_dataset_from_directory(folder, verbose=False, **arguments)
    with pytest.raises(FileNotFoundError):
        text_dataset_from_directory(os.path.join(folder, "none"))
