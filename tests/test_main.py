"""python -m fastnn: unmodified Keras scripts run."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = str(pathlib.Path(__file__).parent.parent)


def run(*arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": ROOT}
    return subprocess.run([sys.executable, "-m", "fastnn", *arguments], cwd=cwd, env=environment, capture_output=True, text=True,
                          timeout=120)


SCRIPT = '''
import sys
import {module} {alias}
import helper
from {keras}.models import Sequential
from {keras}.layers import Dense
from {keras}.layers.core import Activation
from {keras}.utils import np_utils
from {keras} import backend as K
import {keras}.optimizers
import numpy as np

model = Sequential([Dense(2, input_dim=3), Activation("softmax")])
model.compile(optimizer={short}.optimizers.SGD(lr=0.1), loss="categorical_crossentropy", metrics=["accuracy"])
history = model.fit(np.ones((4, 3)), np_utils.to_categorical([0, 1, 0, 1]), verbose=0)
assert {short}.layers.Dense is Dense
print(sys.argv, __name__, helper.answer, "acc" in history.history, type(model).__module__)
'''


@pytest.mark.parametrize("module, alias, keras, short", [
    ("keras", "", "keras", "keras"), ("tensorflow", "as tf", "tensorflow.keras", "tf.keras"),
    ("tensorflow.keras", "as k", "tensorflow.keras", "k")])
def test_script(tmp_path, module, alias, keras, short):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "helper.py").write_text("answer = 42\n")
    (folder / "train.py").write_text(SCRIPT.format(module=module, alias=alias, keras=keras, short=short))
    result = run("code/train.py", "--epochs", "3", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "['code/train.py', '--epochs', '3'] __main__ 42 True fastnn.models.sequential"


def test_module(tmp_path):
    (tmp_path / "train.py").write_text("import sys, keras\nprint(keras.__name__, sys.argv[1:], __name__)\n")
    result = run("-m", "train", "x", cwd=tmp_path)
    assert result.stdout.strip() == "fastnn ['x'] __main__", result.stderr


def test_what_is_not_there(tmp_path):
    (tmp_path / "a.py").write_text("import keras.nothing\n")
    (tmp_path / "b.py").write_text("import tensorflow as tf\ntf.Session()\n")
    assert "fastnn has no module 'fastnn.nothing' (asked for as 'keras.nothing')" in run("a.py", cwd=tmp_path).stderr
    assert "it has no tensorflow.Session" in run("b.py", cwd=tmp_path).stderr


def test_command_line(tmp_path):
    assert run(cwd=tmp_path).returncode == 2 and "usage" in run(cwd=tmp_path).stderr
    assert run("--help", cwd=tmp_path).returncode == 0
    missing = run("missing.py", cwd=tmp_path)
    assert missing.returncode == 2 and "no file 'missing.py'" in missing.stderr
    (tmp_path / "fails.py").write_text("raise SystemExit(7)\n")
    assert run("fails.py", cwd=tmp_path).returncode == 7
