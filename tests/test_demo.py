"""What the demo promises."""

import numpy as np
import pytest

import fastnn
from fastnn import demo


@pytest.fixture(scope="module")
def trained():
    """The demo's model after its training, with the history and the data."""
    fastnn.utils.set_random_seed(0)
    x_train, y_train, x_test, y_test = demo.load_digits()
    model = demo.build_model(10 * 63)
    history = model.fit(x_train, y_train, batch_size=32, epochs=10, validation_data=(x_test, y_test), verbose=0).history
    return model, history, x_test, y_test


def test_97_percent_of_the_digits_are_right(trained):
    model, history, x_test, y_test = trained
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    assert accuracy >= 0.97
    assert history["val_accuracy"][-1] == pytest.approx(accuracy)
    predicted = model.predict(x_test, verbose=0)
    assert (predicted.argmax(axis=1) == y_test).mean() == pytest.approx(accuracy)
    picked = predicted[np.arange(len(y_test)), y_test]
    assert -np.log(picked).mean() == pytest.approx(loss, rel=1e-3)


@pytest.mark.parametrize("wrong", [0, 5, 100])
def test_the_picture(trained, tmp_path, wrong):
    pytest.importorskip("matplotlib")
    _, history, x_test, y_test = trained
    guesses = y_test.astype(int)
    guesses[:wrong] = (guesses[:wrong] + 1) % 10
    demo.draw(history, x_test, y_test, np.eye(10)[guesses], tmp_path / "demo.png")
    assert (tmp_path / "demo.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_command(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    accuracy = demo.main(["--epochs", "1", "--picture", str(tmp_path / "demo.png")])
    printed = capsys.readouterr().out
    assert 0.3 < accuracy <= 1 and f"Test accuracy: {accuracy:.1%}" in printed and "Total params" in printed
    assert (tmp_path / "demo.png").exists()


def test_without_matplotlib_it_says_so_before_training(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(SystemExit, match=r"pip install 'fastnn\[plot\]'"):
        demo.main([])
