"""A child of fork computes as its parent does, whatever the other threads of the parent were at."""
import os

import pytest

from .programs import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

# What the programs share.  A child that hangs is ended by its alarm, and counts as failed.
START = """
import hashlib, os, signal, threading
import numpy as np
import fastnn
from fastnn import layers
fastnn.config.set_num_threads(3)
import fastnn.op
fastnn.op.LATER = 0     # small batches too are gathered in the background
x = np.random.default_rng(0).standard_normal((96, 14, 14, 1)).astype("f4")
y = np.arange(96) % 10

def train():
    "The bits of the weights after two epochs; the same at every call."
    fastnn.utils.set_random_seed(1)
    model = fastnn.Sequential([layers.Conv2D(32, 3, activation="relu"), layers.BatchNormalization(), layers.Flatten(),
                               layers.Dropout(0.2), layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=32, epochs=2, verbose=0)
    return hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()

def child(work, expected):
    "Forks; whether the child found what it should."
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        try:
            os._exit(0 if work() == expected else 3)
        finally:
            os._exit(4)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""

# Keeps `work` going in another thread while the block runs.
BESIDE = """
class Beside:
    def __init__(self, work):
        self.work, self.over, self.rounds = work, False, 0
        self.thread = threading.Thread(target=self.run)
    def run(self):
        while not self.over:
            self.work()
            self.rounds += 1
    def __enter__(self):
        self.thread.start()
        while not self.rounds:
            pass
    def __exit__(self, *error):
        self.over = True
        self.thread.join()
"""


def test_fit_in_the_child_and_in_its_child():
    assert run(START + """
bits = train()
print(child(train, bits), child(lambda: child(train, bits), 0), train() == bits)
""") == "0 0 True"


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="no list of threads here")
def test_the_child_has_workers_of_its_own():
    assert run(START + """
def made():
    before = len(os.listdir("/proc/self/task"))
    train()
    return len(os.listdir("/proc/self/task")) - before
print(made(), child(made, 3))       # two workers, and the thread that gathers batches
""", OPENBLAS_NUM_THREADS="1") == "3 0"


def test_fork_while_another_thread_fits():
    assert run(START + BESIDE + """
bits = train()
def busy():
    model = fastnn.Sequential([layers.Conv2D(32, 3, activation="relu"), layers.Flatten(), layers.Dense(10)])
    model.compile("adam", "mse")
    model.fit(x, np.ones((96, 10), "f4"), batch_size=16, epochs=1, verbose=0)
with Beside(busy):
    print([child(train, bits) for _ in range(8)])
""") == str([0] * 8)


def test_fork_while_another_thread_is_inside_a_kernel():
    """Most of the time that thread holds the pool's lock, and the workers are at its chunks."""
    assert run(START + BESIDE + """
from fastnn.ops import matmul
a = np.random.default_rng(1).standard_normal((400, 400)).astype("f4")
product = lambda: matmul(a, a).numpy().tobytes()
expected = product()
with Beside(product):
    print(sum(child(product, expected) for _ in range(40)))
""") == "0"


def test_fork_while_another_thread_allocates():
    assert run(START + BESIDE + """
from fastnn._core import launch as core
def allocate():
    return sum(core.empty((n * 1000,), "float32").size for n in range(1, 200))
expected = allocate()
with Beside(allocate):
    print(sum(child(allocate, expected) for _ in range(40)))
""") == "0"


def test_fork_while_another_thread_sets_the_number_of_threads():
    assert run(START + BESIDE + """
from fastnn.ops import matmul
a = np.ones((300, 300), "f4")
def change():
    for n in (2, 4, 1, 3):
        fastnn.config.set_num_threads(n)
        matmul(a, a)
def work():
    fastnn.config.set_num_threads(2)
    return matmul(a, a).numpy().tobytes()
expected = work()
with Beside(change):
    print(sum(child(work, expected) for _ in range(40)))
""") == "0"


def test_processes_of_multiprocessing():
    assert run(START + """
import multiprocessing
bits = train()
with multiprocessing.get_context("fork").Pool(2) as pool:
    found = [pool.apply_async(train) for _ in range(4)]
    print([f.get(timeout=30) == bits for f in found])
""") == str([True] * 4)
