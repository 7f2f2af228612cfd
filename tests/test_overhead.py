"""benchmarks/overhead.py and growth.py: engines find the same, a difference is told, and the columns are what their heads say."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import growth  # noqa: E402
import overhead  # noqa: E402


def test_fastnn_and_pytorch_find_the_same():
    pytest.importorskip("torch")
    found = [figures(name, 0) for name, figures in (("fastnn", overhead.keras_figures), ("torch", overhead.torch_figures))]
    overhead.compare(found[0], "torch", found[1])


def test_a_difference_is_told():
    overhead.compare({"loss": 1.0, "output": -0.5}, "torch", {"loss": 1.005, "output": -0.499})
    with pytest.raises(SystemExit, match="torch finds another output than the first engine: 0.5, and not -0.5"):
        overhead.compare({"loss": 1.0, "output": -0.5}, "torch", {"loss": 1.0, "output": 0.5})


def test_an_engine_that_is_missing_is_left_out(monkeypatch, capsys):
    figures = {"loss": 1.0, "output": 1.0, "fit": 5.0, "predict_on_batch": 2.0, "predict": 20.0}
    missing = {"missing": "No module named 'jax'"}
    monkeypatch.setattr(overhead, "ask", lambda name, seconds: figures if name == "fastnn" else missing)
    overhead.main(["fastnn", "keras-jax"], 2, 0)
    assert capsys.readouterr().out.splitlines()[:2] == ["Keras, JAX is left out: No module named 'jax'", "| us | fastnn |"]


def test_ratios_are_to_the_first_engine():
    medians = {"fastnn": {"fit": 10.0, "predict_on_batch": 2.0, "predict": 20.0}, "torch": {"fit": 25.0, "predict_on_batch": 3.0}}
    assert list(overhead.table(medians))[2:] == [
        "| training step, `fit`, batch 1 | 10.0 | 25.0 (x2.50) |", "| one row, `predict_on_batch` | 2.0 | 3.0 (x1.50) |",
        "| one row, `predict` | 20.0 |  |"]


def test_columns_of_growth():
    assert growth.flops(2, 8, 1) == 2 * 2 * 64 * 2 and growth.flops(2, 8, 3) == 2 * 2 * 64 * (3 + 3 + 2)
    assert growth.cells(10.0, 8.0, 5, 40.0, 2e4) == ["10.0", "8.0", "5", "2.0", "20 %", "2", "40.0", "4.00"]
    assert len(growth.cells(10.0, 8.0, 5, 40.0, 2e4)) == len(growth.HEAD)


def test_a_step_beside_its_kernels():
    planned, eager = (growth.train(2, 4, 2, "sgd", 0, eager) for eager in (False, True))
    assert planned.launches > 5 and len(planned.kernels) >= growth.EPOCHS and eager.kernels == []
    assert len(planned.steps) == len(eager.steps) == growth.EPOCHS
