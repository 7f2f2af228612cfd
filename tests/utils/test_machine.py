"""The machine's limits: measured once, kept in a file that may be missing, broken or out of reach."""
import json
import os

import pytest

import fastnn
from fastnn.utils import machine

GOOD = {"gflops": 100.0, "bandwidth": [[1024, 80.0], [4096, 40.0], [2**30, 10.0]]}


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """The numbers of threads that were measured, in order."""
    calls = []
    monkeypatch.setenv("FASTNN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(machine, "measure_limits", lambda threads: calls.append(threads) or GOOD)
    monkeypatch.setattr(machine, "_known", {})
    return calls


def file():
    return os.path.join(os.environ["FASTNN_HOME"], "machine_limits.json")


def forget():
    machine._known.clear()      # as a new process


def test_measured_once_for_each_number_of_threads(measured):
    for threads in (1, 2, 1, 2):
        limits = machine.machine_limits(threads)
        assert (limits.threads, limits.gflops, limits.level) == (threads, 100.0, fastnn.config.cpu_level())
    assert measured == [1, 2]
    forget()
    assert machine.machine_limits(2).gflops == 100.0 and measured == [1, 2]
    assert len(json.load(open(file()))) == 2 and os.listdir(os.path.dirname(file())) == ["machine_limits.json"]
    machine.machine_limits(2, measure=True)
    assert measured == [1, 2, 2]


def test_measuring_again_keeps_the_better(measured, monkeypatch):
    machine.machine_limits(1)
    busy = {"gflops": 50.0, "bandwidth": [[1024, 90.0], [4096, 20.0], [2**30, 10.0]]}
    monkeypatch.setattr(machine, "measure_limits", lambda threads: busy)
    limits = machine.machine_limits(1, measure=True)
    assert limits.gflops == 100.0 and limits.bandwidth == ((1024, 90.0), (4096, 40.0), (2**30, 10.0))
    forget()
    assert machine.machine_limits(1) == limits
    monkeypatch.setattr(machine, "measure_limits", lambda threads: {**busy, "bandwidth": [[512, 5.0], [4096, 4.0]]})
    assert machine.machine_limits(1, measure=True).gflops == 50.0          # measured at other sizes: nothing to compare


def test_by_default_the_threads_of_the_kernels(measured):
    assert machine.machine_limits().threads == fastnn.config.get_num_threads()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"a": 1}'])
def test_a_broken_file_is_written_anew(measured, content):
    machine.machine_limits(1)
    with open(file(), "wb") as f:
        f.write(content)
    forget()
    machine.machine_limits(1)
    assert measured == [1, 1]
    forget()
    machine.machine_limits(1)
    assert measured == [1, 1]


@pytest.mark.parametrize("entry", [{}, {"gflops": 0, "bandwidth": GOOD["bandwidth"]}, {"gflops": True, "bandwidth": GOOD["bandwidth"]},
                                   {"gflops": 1.0, "bandwidth": []}, {"gflops": 1.0, "bandwidth": [[1, 2], [0.5, 3]]},
                                   {"gflops": 1.0, "bandwidth": [[1], [2]]}, {"gflops": float("inf"), "bandwidth": GOOD["bandwidth"]}])
def test_nonsense_is_measured_again_and_the_rest_stays(measured, entry):
    machine.machine_limits(1)
    machine.machine_limits(2)
    content = json.load(open(file()))
    content[next(key for key in content if key.endswith(", 2"))] = entry
    json.dump(content, open(file(), "w"))
    forget()
    machine.machine_limits(1)
    assert measured == [1, 2]
    machine.machine_limits(2)
    assert measured == [1, 2, 2]


def test_a_folder_out_of_reach_costs_a_warning(measured, monkeypatch, tmp_path):
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("FASTNN_HOME", str(tmp_path / "taken" / "home"))
    with pytest.warns(UserWarning, match="FASTNN_HOME"):
        assert machine.machine_limits(1).gflops == 100.0
    assert machine.machine_limits(1).gflops == 100.0 and measured == [1]


def test_bandwidth_between_the_sizes(measured):
    limits = machine.machine_limits(1)
    assert [limits.gbs(s) for s in (1, 1024, 2048, 4096, 2**40)] == [80.0, 80.0, 60.0, 40.0, 10.0]
    assert "100 GFLOP/s, 10 GB/s from memory, 40 GB/s in 4 KB" in str(limits)


def test_least_times(measured):
    limits = machine.machine_limits(1)
    assert limits.arithmetic_us(10**6) == pytest.approx(10.0) and limits.arithmetic_us(10**6, itemsize=8) == pytest.approx(20.0)
    assert limits.memory_us(8000, 1024) == pytest.approx(0.1) and limits.memory_us(0, 0) == 0


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_bad_numbers_of_threads(measured, threads):
    with pytest.raises(ValueError, match="threads"):
        machine.machine_limits(threads)


def test_a_real_measurement_makes_sense(monkeypatch, tmp_path):
    monkeypatch.setenv("FASTNN_HOME", str(tmp_path))
    monkeypatch.setattr(machine, "_known", {})
    before = fastnn.config.get_num_threads()
    limits = machine.machine_limits(1)
    assert machine._is_sound(next(iter(json.load(open(file())).values())))
    assert limits.gflops > 0 and len(limits.bandwidth) > 2 and fastnn.config.get_num_threads() == before
