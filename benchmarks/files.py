"""How long models take to be written and read, beside the time of reading the bytes; whether memory grows with it.

    python benchmarks/files.py                      # VGG16's convolutions, 58 MB, in each format
    python benchmarks/files.py --cycles 1000        # saving and loading a small model again and again

Everything is in the system's cache, so that the disk plays no part; writing includes flushing to the disk.  "read" is one read into
memory that is there already, the least that loading weights can take.
"""
import argparse
import gc
import os
import resource
import statistics
import tempfile
import time

import numpy as np

import fastnn
from fastnn import layers
from fastnn.saving import load_model

WEIGHTS = ["{}.weights.h5", "{}.h5", "{}.keras", "{}.safetensors"]


def vgg16():
    """The convolutions of VGG16 (Simonyan and Zisserman, 2014): 14.7 million weights."""
    model = fastnn.Sequential([layers.Input((150, 150, 3))])
    for count, filters in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(count):
            model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    return model


def median(function, rounds):
    """The median time of some calls, in milliseconds."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)


def compare(folder, rounds):
    model = vgg16()
    print("| file | MB | save, ms | read, ms | load_weights, ms | load / read | load_model, ms |\n| --- | --- | --- | --- | --- | --- | --- |")
    for name in WEIGHTS:
        path = os.path.join(folder, name.format("vgg16"))
        whole = path.endswith((".keras", "16.h5"))
        save = median(lambda: model.save(path) if whole else model.save_weights(path), 3)
        memory = bytearray(os.path.getsize(path))

        def read():
            with open(path, "rb", buffering=0) as file:
                file.readinto(memory)

        pairs = [(median(read, 1), median(lambda: model.load_weights(path), 1)) for _ in range(rounds)]      # in turn
        reading, loading = (statistics.median(column) for column in zip(*pairs))
        made = f"{median(lambda: load_model(path), 3):.0f}" if whole else ""
        print(f"| {name.format('')} | {len(memory) / 1e6:.1f} | {save:.0f} | {reading:.1f} | {loading:.1f} | {loading / reading:.2f} | {made} |")


def resident():
    """Megabytes of memory that the process has now."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def cycle(folder, cycles):
    model = fastnn.Sequential([layers.Input((28, 28, 1)), layers.Conv2D(8, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(10)])
    model.compile("adam", "mse")
    model.fit(np.ones((8, 28, 28, 1)), np.ones((8, 10)), verbose=0)
    print("| cycles of .keras and .h5 | resident, MB |\n| --- | --- |")
    done = 0
    for part in (20, cycles // 4, cycles // 2, cycles):     # the first ones fill caches
        while done < part:
            done += 1
            for ending in (".keras", ".h5"):
                path = os.path.join(folder, "small" + ending)
                model.save(path)
                load_model(path).load_weights(path)
        print(f"| {done} | {resident():.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cycles", type=int, default=0, help="save and load a small model so often, and print the memory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.cycles:
            cycle(folder, arguments.cycles)
        else:
            compare(folder, arguments.rounds)


if __name__ == "__main__":
    main()
