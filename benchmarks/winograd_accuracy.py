"""What Winograd's algorithm costs in accuracy and gains in time: the tables of docs/winograd.md.

    python benchmarks/winograd_accuracy.py errors
    python benchmarks/winograd_accuracy.py mnist [--epochs 3] [--seeds 0 1 2]
    python benchmarks/winograd_accuracy.py pictures --data FOLDER [--epochs 6] [--seeds 0 1 2] [--side 72]

`errors`: rounding errors of each pass against float64.  `mnist` and `pictures`: the same training runs with and without, in
turn, on one thread unless FASTNN_NUM_THREADS says otherwise: more give the same bits.  FOLDER holds train/CLASS/*.jpg, and validation/ or test/ (or both) with the same classes; Pillow reads them.
"""
import argparse
import os
import statistics
import time
from pathlib import Path

import numpy as np

import fastnn
from fastnn import layers, ops
from fastnn.tensor import Tensor

SETTINGS = ("auto", "off")

# images, side, channels, filters, padding
SHAPES = [(16, 26, 32, 64, "valid"), (16, 13, 64, 64, "valid"), (4, 36, 64, 128, "same"), (8, 17, 128, 128, "same"),
          (4, 56, 64, 64, "same"), (8, 14, 256, 256, "same")]


# ---- Errors -----------------------------------------------------------------------------------------------------

def passes(n, side, channels, filters, padding, dtype):
    """The three results, from the same numbers in either type."""
    rng = np.random.default_rng(0)
    attrs = dict(strides=(1, 1), padding=padding, dilation_rate=(1, 1), groups=1)
    out = side if padding == "same" else side - 2
    shapes = (n, side, side, channels), (3, 3, channels, filters), (n, out, out, filters)
    x, w, dy = (Tensor(rng.standard_normal(s, "f4").astype(dtype)) for s in shapes)
    return {"forward": ops.conv2d(x, w, **attrs), "data": ops.conv2d_backward_data(dy, w, image=(side, side), **attrs),
            "weights": ops.conv2d_backward_weights(x, dy, kernel_size=(3, 3), **attrs)}


def errors():
    print("| images, channels -> filters | pass | rms auto | rms off | worst auto | worst off |\n| --- | --- | --- | --- | --- | --- |")
    for shape in SHAPES:
        exact, found = passes(*shape, "float64"), {}
        for setting in SETTINGS:
            fastnn.config.set_winograd(setting)
            found[setting] = passes(*shape, "float32")
        n, side, channels, filters, padding = shape
        for name, y in exact.items():
            y = y.numpy()
            e = [np.abs(found[s][name].numpy() - y) / y.std() for s in SETTINGS]
            figures = [f"{v:.1e}" for v in (*(np.sqrt((v * v).mean()) for v in e), *(v.max() for v in e))]
            print(f"| {n} of {side}x{side} {padding}, {channels} -> {filters} | {name} |", " | ".join(figures), "|")


# ---- Training ---------------------------------------------------------------------------------------------------

def mnist_data():
    (x, y), (xt, yt) = fastnn.datasets.mnist.load_data()
    return [(v.reshape(-1, 28, 28, 1).astype("float32") / 255, label) for v, label in ((x, y), (xt, yt))]


def pictures(folder, side, parts):
    from PIL import Image
    names = sorted(p.name for p in (folder / "train").iterdir() if p.is_dir())
    files = [(f, k) for part in parts for k, name in enumerate(names) for f in sorted((folder / part / name).glob("*.jpg"))]
    x = np.stack([np.asarray(Image.open(f).convert("RGB").resize((side, side))) for f, _ in files])
    return x.astype("float32") / 255, np.array([k for _, k in files])


def picture_data(folder, side):
    held_out = [part for part in ("validation", "test") if (folder / part).is_dir()]
    return [pictures(folder, side, ["train"]), pictures(folder, side, held_out)]


def mnist_network():
    """`mnist_convnet`: 32-pool-64-pool-64, dense."""
    return [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation="relu"), layers.Flatten(),
            layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")], "rmsprop", 64


def picture_network():
    """As VGG: pairs of 3x3 convolutions with a border, a pool after each pair."""
    options = dict(padding="same", activation="relu", kernel_initializer="he_normal")
    body = [layer for filters in (32, 64, 128)
            for layer in (layers.Conv2D(filters, 3, **options), layers.Conv2D(filters, 3, **options), layers.MaxPooling2D(2))]
    return [*body, layers.Flatten(), layers.Dense(128, activation="relu"),
            layers.Dense(2, activation="softmax")], fastnn.optimizers.Adam(3e-4), 20


class StepTimes(fastnn.callbacks.Callback):
    """Processor time of the calling thread (all kernels run there, if there is one), so that other load does not count."""

    def __init__(self):
        super().__init__()
        self.ms = []

    def on_train_batch_begin(self, batch, logs=None):
        self.start = time.thread_time()

    def on_train_batch_end(self, batch, logs=None):
        self.ms.append((time.thread_time() - self.start) * 1e3)


def train(network, data, epochs, seed, setting):
    """(accuracy in training, accuracy and loss on what was held out, ms of processor time of the median step)."""
    fastnn.utils.set_random_seed(seed)
    fastnn.config.set_winograd(setting)
    body, optimizer, batch = network()
    (x, y), held_out = data
    model = fastnn.Sequential([fastnn.Input(shape=x.shape[1:]), *body])
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    times = StepTimes()
    history = model.fit(x, y, epochs=epochs, batch_size=batch, verbose=0, callbacks=[times])
    loss, accuracy = model.evaluate(*held_out, batch_size=100, verbose=0)
    return history.history["accuracy"][-1], accuracy, loss, statistics.median(times.ms)


def compare(network, data, epochs, seeds):
    print("| seed | winograd | training accuracy | accuracy | loss | ms a step |\n| --- | --- | --- | --- | --- | --- |")
    rows = {setting: [] for setting in SETTINGS}
    for seed in seeds:
        for setting in SETTINGS:
            rows[setting].append(train(network, data, epochs, seed, setting))
            print("| {} | {} | {:.4f} | {:.4f} | {:.4f} | {:.1f} |".format(seed, setting, *rows[setting][-1]), flush=True)
    for setting in SETTINGS:
        print("| mean | {} | {:.4f} | {:.4f} | {:.4f} | {:.1f} |".format(setting, *np.mean(rows[setting], axis=0)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("errors", "mnist", "pictures"))
    parser.add_argument("--data", type=Path, help="the folder of pictures")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--side", type=int, default=72, help="pixels to which pictures are resized")
    args = parser.parse_args()
    if args.what == "pictures" and not args.data:
        parser.error("pictures need --data FOLDER")
    if "FASTNN_NUM_THREADS" not in os.environ:
        fastnn.config.set_num_threads(1)
    print(f"instruction set {fastnn.config.cpu_level()}, {fastnn.config.get_num_threads()} threads\n")
    if args.what == "errors":
        errors()
    elif args.what == "mnist":
        compare(mnist_network, mnist_data(), args.epochs or 3, args.seeds)
    else:
        compare(picture_network, picture_data(args.data, args.side), args.epochs or 6, args.seeds)


if __name__ == "__main__":
    main()
