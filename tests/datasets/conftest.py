import numpy as np
import pytest


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    """An empty folder that FASTNN_DATA_DIR names; the cache is another one."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("FASTNN_DATA_DIR", str(folder))
    monkeypatch.setenv("FASTNN_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def no_network(monkeypatch):
    """Every download fails as it does without a network, and is counted."""
    import urllib.error
    import urllib.request

    asked = []

    def urlopen(address, **options):
        asked.append(address)
        raise urllib.error.URLError("Temporary failure in name resolution")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


def ragged(*sequences):
    """An object array of lists, as the files of imdb and reuters hold them."""
    array = np.empty(len(sequences), dtype=object)
    for i, sequence in enumerate(sequences):
        array[i] = list(sequence)
    return array
