"""Files that are whole or not there: killed processes, a full disk, folders that cannot be written."""
import os
import stat
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from fastnn.utils.atomic import replacing
from fastnn.utils.state_file import DamagedFile, read_state, write_state
from tests._core.programs import run

TOOLS = Path(__file__).parents[2] / "tools"


def write(path, text):
    with replacing(path) as part:
        Path(part).write_text(text)


def test_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "note.txt"
    write(path, "one")
    path.chmod(0o640)
    write(path, "two")
    assert path.read_text() == "two" and os.listdir(tmp_path) == ["note.txt"] and stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "note.txt"
    write(path, "one")
    with pytest.raises(error):
        with replacing(path) as part:
            Path(part).write_text("half")
            raise error
    assert path.read_text() == "one" and os.listdir(tmp_path) == ["note.txt"]


def test_links_are_followed(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real" / "note.txt")
    write(link, "one")
    assert link.is_symlink() and (tmp_path / "real" / "note.txt").read_text() == "one"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="Make it first"):
        write(tmp_path / "no" / "note.txt", "one")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        write(tmp_path, "one")


@pytest.mark.parametrize("name", ["x" * 251 + ".txt", "\u6a21" * 83 + ".txt", "two\nlines \u00fc.txt"])
def test_names_as_long_as_the_system_allows(tmp_path, name):
    write(tmp_path / name, "one")
    write(tmp_path / name, "two")
    assert (tmp_path / name).read_text() == "two" and os.listdir(tmp_path) == [name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_devices_are_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name in ("pipe", "link"):
        with pytest.raises(OSError, match="a device or a pipe"):
            write(tmp_path / name, "one")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users here")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_is_read_only(what):
    """An error, and the old file stays.  The superuser, who may write everywhere, becomes somebody else for this."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "note.txt")
        write(path, "one")
        os.chmod(path, 0o444 if what == "file" else 0o666)
        os.chmod(folder, 0o777 if what == "file" else 0o555)
        said = run(f"""
import os
from fastnn.utils.atomic import replacing
if os.geteuid() == 0:
    os.setuid(65534)
try:
    with replacing({str(path)!r}) as part:
        open(part, "w").write("two")
except PermissionError as error:
    print("PermissionError", {folder!r} in str(error), "it is read-only" in str(error))
""")
        os.chmod(folder, 0o755)
        assert said == f"PermissionError True {what == 'file'}"
        assert path.read_text() == "one" and os.listdir(folder) == ["note.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limits here")
def test_a_full_disk(tmp_path):
    """A limit on the size of files fails as a full disk does, in the midst of a write."""
    path = tmp_path / "state.npz"
    write_state(path, {"weights": np.zeros(10)})
    said = run(f"""
import resource, signal
import numpy as np
from fastnn.utils.state_file import write_state
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
write_state({str(path)!r}, {{"weights": np.ones(10)}})
try:
    write_state({str(path)!r}, {{"weights": np.ones(10_000)}})
except OSError as error:
    print(type(error).__name__, error.errno)
""")
    assert said == "OSError 27"
    assert read_state(path)["weights"].tolist() == [1.0] * 10 and os.listdir(tmp_path) == ["state.npz"]


def test_parts_of_killed_processes_are_removed(tmp_path):
    path = tmp_path / "note.txt"
    run(f"""
import os
from fastnn.utils.atomic import replacing
pid = os.fork()
if not pid:
    with replacing({str(path)!r}) as part:
        os.kill(os.getpid(), 9)
os.waitpid(pid, 0)
""")
    assert len(os.listdir(tmp_path)) == 1 and not path.exists()
    with replacing(path) as part:
        Path(part).write_text("one")
        write(path, "another of this process")      # whose part is left alone
    assert path.read_text() == "one" and os.listdir(tmp_path) == ["note.txt"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_killed_while_it_saves():
    """A quick one of `python tools/kill_runs.py saves`."""
    said = run(f"import sys; sys.path.insert(0, {str(TOOLS)!r}); import kill_runs; "
               "print(kill_runs.check_saves(20, 'backup.npz', *kill_runs.KINDS['backup.npz'], seed=1))")
    assert int(said) > 2


# ---- What is written ------------------------------------------------------------------------------------------

STATE = {"plain": [None, True, 3, -2.5, float("inf"), "text", 2**100], "tuple": (1, (2.0,), []), 7: {"x": {}, (1, 2): "key"},
         "arrays": [np.arange(6, dtype="int16").reshape(2, 3), np.zeros((0, 3)), np.array(1.5), np.asfortranarray(np.eye(3)[:, :2]),
                    np.array(["a", "bc"])], "numbers": (np.float32(0.1), np.bool_(True), np.uint64(2**63))}


def same(a, b):
    if isinstance(a, (np.ndarray, np.generic)):
        return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


def test_states_come_back_as_they_were(tmp_path):
    write_state(tmp_path / "a", STATE)
    found = read_state(tmp_path / "a")
    assert same(found, STATE) and found["arrays"][0].flags.writeable
    write_state(tmp_path / "b", STATE)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert "state" in np.load(tmp_path / "a", allow_pickle=False)


@pytest.mark.parametrize("value, message", [
    ({"a": [object()]}, r"state\['a'\]\[0\] is a object"), ({"a": np.array([None])}, r"state\['a'\] is a ndarray"), (b"x", "state is a bytes")])
def test_what_cannot_be_written(value, message, tmp_path):
    with pytest.raises(TypeError, match=message):
        write_state(tmp_path / "a", value)
    assert os.listdir(tmp_path) == []


def test_damaged_files_are_told(tmp_path, rng):
    """Bytes changed, files cut short: an error that says so, or what was written; never anything else."""
    path, good = tmp_path / "a", tmp_path / "good"
    write_state(good, STATE)
    whole, told = good.read_bytes(), 0
    for k in range(600):
        data = bytearray(whole)
        if k % 5 == 0:
            del data[rng.integers(len(data)):]
        else:
            for at in rng.integers(len(data), size=k % 3 + 1):
                data[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        try:
            assert same(read_state(path), STATE)
        except DamagedFile as error:
            told += 1
            assert str(path) in str(error)
    assert told > 400


def test_files_of_others(tmp_path):
    path = tmp_path / "a.npz"
    for make in (lambda: np.savez_compressed(path, state=np.zeros(10)), lambda: np.savez(path, a=np.zeros(3)),
                 lambda: np.savez(path, state=np.array([object()])), lambda: path.write_text("text")):
        make()
        with pytest.raises(DamagedFile, match="damaged, or was not written by fastnn"):
            read_state(path)
    with pytest.raises(FileNotFoundError):
        read_state(tmp_path / "none")
