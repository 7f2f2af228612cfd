import signal

import numpy as np
import pytest

# A shell lets programs that it starts in the background ignore Ctrl-C, their children too: tests of it would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def seeded():
    """Weights, masks and orders are the same at every run, whichever tests ran before."""
    from fastnn.utils import set_random_seed
    set_random_seed(0)


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
