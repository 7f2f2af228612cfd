import numpy as np
import pytest


@pytest.fixture
def rng():
    """Random numbers that are the same at every run."""
    return np.random.default_rng(20240607)


@pytest.fixture
def threads():
    """Sets the number of threads for a test and puts it back: threads(2)."""
    from fastnn import config
    before = config.get_num_threads()
    yield config.set_num_threads
    config.set_num_threads(before)
